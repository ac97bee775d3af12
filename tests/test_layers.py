"""The contract of layer types: every type goes through it, a new one by being registered.

Types are asked through specs and `convcalc layer`; what only the registry knows (fields, kinds,
rules that run on arrays and on symbols) through `convcalc.layers`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import convcalc
from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.explain import Explanation, explain
from convcalc.layers.base import Storage
from convcalc.layers.composite import Composite
from convcalc.layers.fields import (
    Axes,
    Axis,
    Choice,
    CountOrNumbers,
    EachAxis,
    Factors,
    KeptOrEachAxis,
    Kind,
    Margins,
    Numbers,
    Optional,
    Pads,
    Place,
    Real,
    TensorShape,
    TensorShapes,
    Text,
    Truth,
    Whole,
)
from convcalc.shape import Shape
from docs.generate import PAGES

from .conftest import Run
from .networks import network_of

TYPES = layers.names()
PLAIN = [name for name in TYPES if not issubclass(layers.find(name), Composite)]
#: What costs something that is not known, and that no test can compare.
UNKNOWN = ["opaque"]
KNOWN = [name for name in TYPES if name not in UNKNOWN]
#: Types whose figures hang on what enters them.
FED = [name for name in KNOWN if layers.find(name).arity != 0]
PLAIN_FED = [name for name in FED if name in PLAIN]
#: Types that slide a window of `kernel_size` and have one output for every window.
WINDOWS = ["conv", "depthwise_conv", "deform_conv", "separable_conv", "max_pool", "avg_pool"]

Fields = dict[str, Any]
Sizes = list[int]


# --- What the tests share -------------------------------------------------------------------------


def analyzed(type: str, fields: Fields, *inputs: Sizes, **options: Any) -> convcalc.Analysis:
    """The analysis of one layer, from a spec. Raises ConvcalcError where it is refused."""
    names = [f"x{i}" for i in range(len(inputs))]
    call = fields if len(inputs) < 2 else fields | {"from": names}
    entering = dict(zip(names, inputs)) or [1]
    spec = {"name": type, "input": entering, "layers": [{type: call}]}
    return network_of(json.dumps(spec)).analyze(**options)


def output(analysis: convcalc.Analysis) -> Sizes:
    return list(analysis.rows[-1].output_shapes[0])


def example_of(type: str) -> tuple[Fields, list[Sizes]]:
    """The fields and the inputs of a type's documented example."""
    found = layers.example(layers.find(type))
    assert found is not None, f"{type} has no example"
    line, shape = found
    element = yaml.safe_load(line)
    fields = dict(element[type]) if isinstance(element, dict) else {}
    assert element == type or list(element) == [type]
    count = len(fields.pop("from", [0]))
    fields.pop("name", None)
    return fields, [[int(size) for size in shape.split("x")]] * count if shape else []


def drawn(d: Random, kind: Kind, axes: int) -> Any:
    """Any value of a kind of field, small."""
    if isinstance(kind, Optional):
        return None if d.random() < 0.4 else drawn(d, kind.kind, axes)
    if isinstance(kind, Place):
        return d.randint(-5, 6)
    if isinstance(kind, Whole):
        return d.randint(kind.minimum, kind.minimum + 3)
    if isinstance(kind, Axis):
        return d.randint(-axes - 1, axes)
    if isinstance(kind, Axes):
        chosen = d.sample(range(axes + 1), d.randint(1, axes + 1))
        return [axis - d.choice([0, axes + 1]) for axis in chosen]
    if isinstance(kind, KeptOrEachAxis):
        return [d.choice([None, 1, 2, 3, 4]) for _ in range(axes)]
    if isinstance(kind, EachAxis):
        return [d.randint(kind.one.minimum, kind.one.minimum + 3) for _ in range(axes)]
    if isinstance(kind, Pads):
        if d.random() < 0.2:
            return d.choice(kind.words)
        least = -2 if isinstance(kind, Margins) else 0
        return [[d.randint(least, 2), d.randint(least, 2)] for _ in range(axes)]
    if isinstance(kind, Truth):
        return d.random() < 0.5
    if isinstance(kind, Choice):
        return d.choice(kind.words)
    if isinstance(kind, Real):
        return d.choice([0.25, 0.5, 1])
    if isinstance(kind, Factors):
        return [d.choice([0.5, 1, 1.5, 2, 0.3]) for _ in range(axes)]
    if isinstance(kind, CountOrNumbers):
        return d.choice([2, 3, [2, 4], [1, 2, 3]])
    if isinstance(kind, TensorShape):
        return [d.randint(1, 4) for _ in range(d.randint(1, 4))]
    if isinstance(kind, TensorShapes):
        return [drawn(d, kind.one, axes) for _ in range(d.randint(0, 2))]
    if isinstance(kind, Text):
        return d.choice(["NonMaxSuppression", "a b", "relu"])
    assert isinstance(kind, Numbers), f"draw values of {kind.__class__.__name__} here"
    return d.choice([[-1, 2], [-1], [2, -1, 3]])


def drawn_input(d: Random, cls: type[layers.Layer], axes: int) -> Sizes:
    return [d.choice([2, 4, 6, 12]), *(d.randint(4, 12) for _ in range(axes))]


def configurations(type: str, count: int, seed: int = 0) -> Iterator[tuple[Fields, list[Sizes]]]:
    """Random fields and inputs that a type takes; fields that are not required now and then."""
    cls = layers.find(type)
    d = Random(f"{type} {seed}")
    found = 0
    for _ in range(200 * count):
        axes = d.randint(*cls.spatial_axes)
        shape = drawn_input(d, cls, axes)
        inputs = [shape] * (d.randint(2, 3) if cls.arity is None else cls.arity)
        fields = {
            field.name: drawn(d, field.kind, axes)
            for field in layers.fields_of(cls)
            if field.required or d.random() < 0.5
        }
        fields = {name: value for name, value in fields.items() if value is not None}
        if type == "fold":
            inputs = [columns_of(d, fields)]
        try:
            analyzed(type, fields, *inputs)
        except convcalc.ConvcalcError:
            continue
        yield fields, inputs
        found += 1
        if found == count:
            return
    raise AssertionError(f"no {count} configurations of {type} in {200 * count} draws")


def columns_of(d: Random, fields: Fields) -> Sizes:
    """An input that fits a fold, as hardly any that is drawn does; its fields have one value."""
    (n,), (k,) = fields["output_size"], fields["kernel_size"]
    (s,), (dilation,) = fields.get("stride", [1]), fields.get("dilation", [1])
    padding = fields.get("padding", [[0, 0]])
    before, after = padding[0] if isinstance(padding, list) else (0, 0)
    return [k * k * d.randint(1, 3), windows(n, k, s, before, after, dilation) ** 2 or 1]


def built(type: str, fields: Fields, inputs: list[Sizes]) -> tuple[layers.Layer, tuple[Shape, ...]]:
    """A layer itself, with a value for every spatial axis, and its inputs."""
    cls = layers.find(type)
    kinds = {field.name: field.kind for field in layers.fields_of(cls)}
    shapes = tuple(Shape(*sizes) for sizes in inputs)
    layer = cls(**{name: kinds[name].parse(value) for name, value in fields.items()})
    return layer.placed(shapes).layer, shapes


def figures(layer: layers.Layer, shapes: tuple[Shape, ...]) -> list[Any]:
    """Every number that a layer's rules give, in one list."""
    outputs = layer.output_shapes(shapes)
    weights = [size for weight in layer.owned(shapes) for size in weight.shape]
    return [
        *(size for shape in outputs for size in shape),
        *weights,
        *(layer.counts(shapes, outputs) or ()),
    ]


# --- Documentation and fields ---------------------------------------------------------------------


@pytest.mark.parametrize("type", TYPES)
def test_the_example_is_a_spec(type: str) -> None:
    fields, inputs = example_of(type)
    made = analyzed(type, fields, *inputs).totals.activations
    assert (made > 0) is (type not in VIEWS | HELD)


@pytest.mark.parametrize("type", TYPES)
def test_the_example_is_explained_as_it_is_analyzed(run: Run, type: str) -> None:
    fields, inputs = example_of(type)
    options = []
    for name, value in fields.items():
        if isinstance(value, bool):
            options.append(f"--{'' if value else 'no-'}{name}")
        else:
            options += [
                f"--{name.replace('_', '-')}",
                re.sub(r"^\[(?!\[)|(?<!\])\]$", "", str(value)),
            ]
    for sizes in inputs:
        options += ["--in", "x".join(map(str, sizes))]
    explained = run("layer", type, *options, "--json").json
    totals = analyzed(type, fields, *inputs).totals
    assert {key: explained[key] for key in ("params", "buffers", "macs", "flops")} == {
        "params": totals.params,
        "buffers": totals.buffers,
        "macs": totals.macs,
        "flops": totals.flops,
    }


@pytest.mark.parametrize("type", TYPES)
def test_the_help_describes_every_field(run: Run, type: str) -> None:
    page = " ".join(run("layer", type, "--help").out.split())
    for field in layers.fields_of(layers.find(type)):
        assert field.description, field.name
        first = field.description.replace("`", "").split()[0]
        option = field.name.replace("_", "-")
        assert re.search(rf"--{option}\b.*? {re.escape(first[:1].upper() + first[1:])}", page), (
            field
        )


def test_the_page_is_made_from_the_classes() -> None:
    page = Path(__file__).parent.parent / "docs" / "layers.md"
    assert page.read_text(encoding="utf-8") == PAGES["layers.md"]()


#: Values of every sort, good for some kinds and bad for others.
VALUES = [
    -1, 0, 1, 2, 3, 2.0, 1.5, 0.25, -0.5, True, False, None, "same", "relu", "channels", "nearest",
    "nonsense", [], [1], [2, 1], [0, 1], [-1, 4], [1.5, 2], [[0, 1], [0, 1]], [[1, 2, 3]], ["same"],
    [True],
]  # fmt: skip


@pytest.mark.parametrize("type", TYPES)
def test_the_schema_of_a_field_takes_what_the_field_takes(type: str) -> None:
    for field in layers.fields_of(layers.find(type)):
        schema = field.kind.schema()
        Draft202012Validator.check_schema(schema)
        valid = Draft202012Validator(schema).is_valid
        for value in VALUES:
            try:
                field.kind.parse(value)
                # The layer refuses some words, in a sentence of their own.
                taken = value not in field.kind.refused
            except Refusal:
                taken = False
            assert valid(value) == taken, f"{field.name}: {value!r}"


def test_a_factor_beyond_all_floats_is_refused() -> None:
    with pytest.raises(convcalc.ConvcalcError, match="`scale` must be a positive number"):
        explain("upsample", {"scale": 10**400}, [(4, 4)])


@pytest.mark.parametrize("type", TYPES)
def test_the_default_of_a_field_is_a_value_of_it(type: str) -> None:
    for field in layers.fields_of(layers.find(type)):
        if not field.required:
            shown = field.kind.show(field.default) if field.default is not None else None
            assert field.kind.parse(shown) == field.default, field.name


@pytest.mark.parametrize("type", TYPES)
def test_a_required_field_is_asked_for_by_name(type: str) -> None:
    _, inputs = example_of(type)
    required = [field for field in layers.fields_of(layers.find(type)) if field.required]
    for field in required:
        others = {f.name: 1 for f in required if f is not field}
        with pytest.raises(convcalc.ConvcalcError, match=f"`{type}` needs `{field.name}`"):
            analyzed(type, others, *inputs)


# --- Figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", TYPES)
def test_parameters_are_the_sizes_of_the_weights(type: str) -> None:
    for fields, inputs in configurations(type, 5):
        for row in analyzed(type, fields, *inputs).rows:
            sizes = sum(math.prod(shape) for shape in row.weights.values())
            assert row.params + row.buffers == sizes


@pytest.mark.parametrize("type", KNOWN)
def test_a_batch_multiplies_every_operation(type: str) -> None:
    for fields, inputs in configurations(type, 3):
        one = analyzed(type, fields, *inputs).totals
        seven = analyzed(type, fields, *inputs, batch=7).totals
        assert one.flops is not None
        assert (seven.macs, seven.flops, seven.params) == (7 * one.macs, 7 * one.flops, one.params)


@pytest.mark.parametrize("type", FED)
def test_operations_grow_with_the_input(type: str) -> None:
    grown = 0
    for fields, inputs in configurations(type, 10):
        # All axes but the channels, which fields often count; of a flat input, the features. The
        # columns of a fold are as many as the windows of its output.
        grow = range(1) if type == "fold" or len(inputs[0]) == 1 else range(1, len(inputs[0]))
        larger = [[2 * n if i in grow else n for i, n in enumerate(x)] for x in inputs]
        try:
            after = analyzed(type, fields, *larger).rows
        except convcalc.ConvcalcError:
            continue
        grown += 1
        for small, large in zip(analyzed(type, fields, *inputs).rows, after):
            for name, count in small.operations.items():
                assert 0 <= count <= large.operations.get(name, 0), (name, fields, inputs)
            assert 0 <= small.macs <= large.macs
    assert grown


# --- One rule, three kinds of number --------------------------------------------------------------


def structure(value: Any) -> Any:
    """What configurations must have in common to be one configuration on arrays."""
    if isinstance(value, (list, tuple)):
        return tuple(map(structure, value))
    return int if isinstance(value, int) and not isinstance(value, bool) else value


def stacked(values: list[Any]) -> Any:
    """Values that differ in their numbers as one of arrays."""
    first = values[0]
    if isinstance(first, tuple):
        return tuple(stacked([value[i] for value in values]) for i in range(len(first)))
    return numpy.array(values, dtype=numpy.int64) if structure(first) is int else first


@pytest.mark.parametrize("type", PLAIN_FED)
def test_rules_on_arrays_are_the_rules_on_integers(type: str) -> None:
    cls = layers.find(type)
    together: dict[Any, list[tuple[layers.Layer, tuple[Shape, ...]]]] = {}
    for fields, inputs in configurations(type, 30):
        layer, shapes = built(type, fields, inputs)
        # Numbers that no rule calculates with (a mode, the parts of a split) stay what they are.
        fixed = tuple(
            structure(value) if field.kind.symbolic else value
            for field in layers.fields_of(cls)
            for value in [getattr(layer, field.name)]
        )
        together.setdefault((fixed, structure(shapes)), []).append((layer, shapes))
    assert max(map(len, together.values())) > 1
    for group in together.values():
        values = {
            field.name: stacked([getattr(layer, field.name) for layer, _ in group])
            if field.kind.symbolic
            else getattr(group[0][0], field.name)
            for field in layers.fields_of(cls)
        }
        shapes = tuple(Shape(*sizes) for sizes in stacked([tuple(map(tuple, x)) for _, x in group]))
        found = figures(cls(**values), shapes)
        spread = [numpy.broadcast_to(number, len(group)).tolist() for number in found]
        assert list(map(list, zip(*spread))) == [figures(layer, x) for layer, x in group]


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")


def computed(formula: str, symbols: dict[str, int] | None = None) -> int:
    """The value of a printed formula, as a reader would work it out."""
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: f"**{m[0].translate(_SUPERSCRIPTS)}", formula)
    for sign, code in {
        "⌊": "floor(", "⌋": ")", "⌈": "ceil(", "⌉": ")", "·": "*", "−": "-", "≤": "<=", "≥": ">=",
        " = ": " == ",
    }.items():  # fmt: skip
        text = text.replace(sign, code)
    text = re.sub(r"(?<![\w*.])(\d+(?:\.\d+)?(?:e-?\d+)?)", r"number('\1')", text)
    names: dict[str, Any] = {
        "number": Fraction, "floor": math.floor, "ceil": math.ceil, "max": max, "min": min,
        "gcd": lambda a, b: math.gcd(int(a), int(b)), "__builtins__": {},
    }  # fmt: skip
    known = {name: Fraction(size) for name, size in (symbols or {}).items()}
    result = eval(text, names | known)
    assert result == int(result), formula
    return int(result)


def explained(type: str, fields: Fields, inputs: list[Sizes]) -> Explanation:
    dims = len(inputs[0]) - 1 if inputs else None
    return explain(type, fields, [tuple(sizes) for sizes in inputs], dims=dims)


FIGURES = ("params", "buffers", "macs", "flops", "activations")


@pytest.mark.parametrize("type", KNOWN)
def test_printed_formulas_come_to_the_figures(type: str) -> None:
    for fields, inputs in configurations(type, 8):
        totals = analyzed(type, fields, *inputs).totals
        found = explained(type, fields, inputs).figures
        for key in FIGURES:
            figure = found[key]
            assert figure.value == getattr(totals, key)
            assert computed(figure.numbers) == figure.value, (figure, fields, inputs)


@pytest.mark.parametrize("type", PLAIN_FED)
def test_closed_forms_in_open_sizes_come_to_the_figures(type: str) -> None:
    for fields, inputs in configurations(type, 8):
        totals = analyzed(type, fields, *inputs).totals
        found = explain(type, fields, [()] * len(inputs), dims=len(inputs[0]) - 1)
        entering: Any = zip(found.inputs, inputs)
        symbols = {size.name: n for x, sizes in entering for size, n in zip(x, sizes)}
        known = dict(symbols)
        for size in found.parts[0].sizes:
            known[size.name] = computed(size.closed, symbols)
        for key in FIGURES:
            closed = found.figures[key].closed
            assert computed(closed, known) == getattr(totals, key), (key, closed, fields, inputs)


# --- Windows by enumeration -----------------------------------------------------------------------


def windows(n: int, k: int, s: int, before: int, after: int, d: int, ceil: bool = False) -> int:
    """The windows along an axis, counted one by one."""
    count, start = 0, -before
    while True:
        end = start + d * (k - 1)
        fits = end <= n - 1 + after
        hangs_over = ceil and end - s < n - 1 + after and start < n
        if not (fits or hangs_over):
            return count
        count += 1
        start += s


sizes = st.integers(1, 24)
steps = st.integers(1, 5)


#: An axis: its size, and the kernel, stride, padding and dilation on it.
AXIS = st.tuples(sizes, st.integers(1, 6), steps, st.integers(0, 3), steps)


@pytest.mark.parametrize("type", WINDOWS)
@given(st.data(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_there_is_one_output_for_every_window(type: str, data: st.DataObject, ceil: bool) -> None:
    cls = layers.find(type)
    axes = data.draw(st.lists(AXIS, min_size=cls.spatial_axes[0], max_size=cls.spatial_axes[1]))
    names = {field.name for field in layers.fields_of(cls)}
    pools = "ceil_mode" in names
    ceil = ceil and pools
    axes = [
        (n, k, s, min(p, k // 2) if pools else p, d if "dilation" in names else 1)
        for n, k, s, p, d in axes
    ]
    n, k, s, p, d = map(list, zip(*axes))
    fields: Fields = {"kernel_size": k, "stride": s, "padding": p}
    fields |= {"dilation": d} if "dilation" in names else {}
    fields |= {"out_channels": 5} if "out_channels" in names else {}
    fields |= {"ceil_mode": ceil} if pools else {}
    expected = [windows(n, k, s, p, p, d, ceil) for n, k, s, p, d in axes]
    three_dimensional_mean = type == "avg_pool" and len(axes) == 3
    if 0 in expected or (three_dimensional_mean and any(k > n for n, k, *_ in axes)):
        with pytest.raises(convcalc.ConvcalcError, match="does not fit into"):
            analyzed(type, fields, [3, *n])
    else:
        assert output(analyzed(type, fields, [3, *n]))[1:] == expected


@given(sizes, st.integers(1, 6), steps, st.integers(0, 3), st.integers(0, 3), steps)
def test_pairs_pad_each_end_apart(n: int, k: int, s: int, before: int, after: int, d: int) -> None:
    expected = windows(n, k, s, before, after, d)
    assume(expected)
    fields = {"out": 1, "k": k, "s": s, "p": [[before, after]], "d": d}
    assert output(analyzed("conv", fields, [1, n])) == [1, expected]


@given(sizes, st.integers(1, 6), steps, steps, st.sampled_from(["same", "same_lower"]))
def test_same_has_a_window_at_every_stride_of_the_input(
    n: int, k: int, s: int, d: int, padding: str
) -> None:
    fields = {"out": 1, "k": k, "s": s, "p": padding, "d": d}
    assert output(analyzed("conv", fields, [1, n])) == [1, len(range(0, n, s))]


@given(
    sizes,
    st.integers(1, 6),
    steps,
    st.integers(0, 3),
    steps,
    st.integers(0, 4),
)
def test_a_transposed_convolution_spreads_every_cell(
    n: int, k: int, s: int, p: int, d: int, extra: int
) -> None:
    assume(extra < max(s, d))
    reached = {i * s + j * d for i in range(n) for j in range(k)}
    expected = max(reached) + 1 - 2 * p + extra
    fields = {"out": 4, "k": k, "s": s, "p": p, "d": d, "output_padding": extra}
    if expected < 1:
        with pytest.raises(convcalc.ConvcalcError, match="takes all of"):
            analyzed("conv_transpose", fields, [2, n])
    else:
        assert output(analyzed("conv_transpose", fields, [2, n])) == [4, expected]


@given(sizes, st.integers(1, 6), steps, steps)
def test_a_transposed_convolution_adds_up_what_meets_in_a_cell(
    n: int, k: int, s: int, d: int
) -> None:
    reached = {i * s + j * d for i in range(n) for j in range(k)}
    (row,) = analyzed(
        "conv_transpose", {"out": 1, "k": k, "s": s, "d": d, "bias": False}, [1, n]
    ).rows
    assert row.operations["mul"] == n * k
    assert row.operations.get("add", 0) == n * k - len(reached)


@given(sizes, st.integers(1, 30))
def test_an_area_is_an_adaptive_mean(n: int, o: int) -> None:
    (area,) = analyzed("upsample", {"size": o, "mode": "area"}, [3, n]).rows
    (mean,) = analyzed("adaptive_avg_pool", {"output_size": o}, [3, n]).rows
    assert area.operations == mean.operations


@given(sizes, st.integers(1, 30))
def test_adaptive_pools_read_every_cell_of_their_windows(n: int, o: int) -> None:
    taps = sum(math.ceil((a + 1) * n / o) - math.floor(a * n / o) for a in range(o))
    (row,) = analyzed("adaptive_avg_pool", {"output_size": o}, [3, n]).rows
    assert row.operations.get("add", 0) == 3 * (taps - o)
    assert row.operations["div"] == 3 * o
    (row,) = analyzed("adaptive_max_pool", {"output_size": o}, [3, n]).rows
    assert row.operations.get("cmp", 0) == 3 * (taps - o)


# --- Laws -----------------------------------------------------------------------------------------


def costs(*elements: Any, input: Sizes) -> dict[str, Any]:
    """What a stack of layers costs in all."""
    spec = {"name": "stack", "input": input, "layers": list(elements)}
    analysis = convcalc.loads(json.dumps(spec)).analyze()
    operations: dict[str, int] = {}
    for row in analysis.rows:
        for name, count in row.operations.items():
            operations[name] = operations.get(name, 0) + count
    totals = analysis.totals
    return {"output": output(analysis), "params": totals.params, "macs": totals.macs} | operations


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_groups_divide_the_products(g: int, a: int, b: int, k: int) -> None:
    whole = analyzed("conv", {"out": g * b, "k": k, "bias": False}, [g * a, 9]).totals
    split = analyzed("conv", {"out": g * b, "k": k, "bias": False, "g": g}, [g * a, 9]).totals
    assert (g * split.macs, g * split.params) == (whole.macs, whole.params)


LAYERS = st.lists(
    st.sampled_from(
        [
            {"conv": {"out": 4, "k": 3, "p": 1}},
            {"conv": {"out": 8, "k": 2, "g": 2, "bias": False, "p": 1}},
            {"max_pool": {"k": 3, "s": 1, "p": 1}},
            "batch_norm",
            "gelu",
            {"upsample": {"scale": 2}},
            {"conv_transpose": {"out": 6, "k": 2}},
        ]
    ),
    min_size=1,
    max_size=5,
)


@given(LAYERS)
@settings(max_examples=30, deadline=None)
def test_a_stack_costs_the_sum_of_its_layers(elements: list[Any]) -> None:
    whole = costs(*elements, input=[4, 8, 8])
    shape = [4, 8, 8]
    total: dict[str, int] = {}
    for element in elements:
        one = costs(element, input=shape)
        shape = one.pop("output")
        for name, count in one.items():
            total[name] = total.get(name, 0) + count
    assert whole == {"output": shape} | total


@given(LAYERS, st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_a_repeat_is_its_layers_written_out(elements: list[Any], times: int) -> None:
    repeat = {"repeat": {"times": times, "layers": elements}}
    assert costs(repeat, input=[4, 8, 8]) == costs(*elements * times, input=[4, 8, 8])


@given(st.integers(1, 9), st.integers(1, 9), st.booleans(), st.lists(sizes, min_size=1, max_size=3))
def test_a_kernel_of_one_cell_is_a_linear_layer_at_every_position(
    c: int, out: int, bias: bool, spatial: Sizes
) -> None:
    dense = {"linear": {"out": out, "bias": bias, "per_position": True}}
    for convolution in (
        {"conv": {"out": out, "k": 1, "bias": bias}},
        {"pointwise_conv": {"out": out, "bias": bias}},
    ):
        assert costs(convolution, input=[c, *spatial]) == costs(dense, input=[c, *spatial])


@given(st.integers(1, 5), steps, st.integers(21, 30))
def test_a_dilated_kernel_covers_what_a_larger_one_covers(k: int, d: int, n: int) -> None:
    dilated = costs({"conv": {"out": 2, "k": k, "d": d}}, input=[3, n])
    larger = costs({"conv": {"out": 2, "k": d * (k - 1) + 1}}, input=[3, n])
    dense = costs({"conv": {"out": 2, "k": k}}, input=[3, n])
    assert dilated["output"] == larger["output"]
    assert dilated["params"] == dense["params"]


@given(sizes, st.integers(1, 6), steps, st.integers(0, 3), steps)
def test_a_transposed_convolution_goes_back_to_the_shape(
    n: int, k: int, s: int, p: int, d: int
) -> None:
    span = d * (k - 1) + 1
    assume(span <= n + 2 * p)
    there = costs({"conv": {"out": 5, "k": k, "s": s, "p": p, "d": d}}, input=[3, n])
    lost = (n + 2 * p - span) % s
    back = {"out": 3, "k": k, "s": s, "p": p, "d": d, "output_padding": lost}
    assert costs({"conv_transpose": back}, input=there["output"])["output"] == [3, n]


@given(st.integers(1, 8), st.lists(sizes, min_size=1, max_size=3), st.booleans())
def test_a_global_depthwise_conv_has_the_input_as_its_kernel(
    c: int, spatial: Sizes, bias: bool
) -> None:
    written_out = {"conv": {"out": c, "k": spatial, "g": c, "bias": bias}}
    short = {"global_depthwise_conv": {"bias": bias}}
    assert costs(short, input=[c, *spatial]) == costs(written_out, input=[c, *spatial])


@given(st.integers(1, 8), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_a_depthwise_conv_has_a_group_for_every_channel(
    c: int, multiplier: int, k: int, bias: bool
) -> None:
    written_out = {"conv": {"out": c * multiplier, "k": k, "g": c, "bias": bias}}
    short = {"depthwise_conv": {"k": k, "multiplier": multiplier, "bias": bias}}
    assert costs(short, input=[c, 9, 9]) == costs(written_out, input=[c, 9, 9])


@given(st.integers(1, 8), st.integers(1, 8))
def test_squeeze_excite_is_two_small_layers_and_a_product(c: int, s: int) -> None:
    found = costs({"squeeze_excite": {"squeeze": s}}, input=[c, 5, 5])
    assert found["params"] == 2 * c * s + c + s
    assert found["macs"] == 2 * c * s
    # The two layers' products, and the gate's with every cell.
    assert found["mul"] == 2 * c * s + 25 * c


@given(st.integers(1, 9), st.integers(1, 4))
def test_k_max_pooling_selects_one_after_the_other(k: int, windows: int) -> None:
    for kept in range(1, k + 1):
        (row,) = analyzed("kmax_pool", {"k": k, "k_max": kept}, [1, k * windows]).rows
        # The largest of k, then of the k − 1 that are left, …
        comparisons = sum(left - 1 for left in range(k, k - kept, -1))
        assert row.operations.get("cmp", 0) == windows * comparisons
        assert list(row.output_shapes[0]) == [1, kept * windows]


# --- Deformable convolution -----------------------------------------------------------------------


@cache
def deformable_cases() -> list[dict[str, Any]]:
    """torchvision's deformable convolutions, with what PyTorch counts of them."""
    path = Path(__file__).parent / "reference" / "torch_tools_layers.json"
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    return [case for case in cases if case["id"].startswith("deform_conv") and case["batch"] == 1]


@pytest.mark.parametrize("case", deformable_cases(), ids=lambda case: str(case["id"]))
def test_deform_conv_is_torchvisions(case: dict[str, Any]) -> None:
    fields = case["layers"][0]["deform_conv"]
    found = analyzed("deform_conv", fields, case["input"])
    assert output(found) == case["output_shape"]
    assert found.totals.params == case["tools"]["ptflops"]["params"]
    # PyTorch counts the offset convolution and does not know the deformable one: that is a
    # convolution.
    plain = {name: value for name, value in fields.items() if name != "modulated"}
    rest = analyzed("conv", plain, case["input"]).totals.macs
    assert found.totals.macs == case["tools"]["torch"]["flops"] // 2 + rest


# --- Refusals -------------------------------------------------------------------------------------

Refused = Callable[[str, Fields, Sizes], str]


def message(type: str, fields: Fields, *inputs: Sizes) -> str:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        analyzed(type, fields, *inputs)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.message


@pytest.mark.parametrize(
    ("type", "fields", "input", "expected"),
    [
        (
            "conv",
            {"out": 4, "k": 3, "g": 3},
            [32, 9, 9],
            "32 input channels cannot be split into 3 groups",
        ),
        (
            "conv",
            {"out": 4, "k": 12},
            [1, 9, 9],
            "a kernel that spans 12 does not fit into 9 cells of input",
        ),
        (
            "max_pool",
            {"k": 2, "p": 2, "d": 3},
            [1, 9, 9],
            "a padding of 2 is more than half of a kernel of 2",
        ),
        (
            "conv_transpose",
            {"out": 4, "k": 3, "output_padding": 1},
            [1, 9, 9],
            "output_padding 1 must be smaller than the stride or the dilation,"
            " and they are 1 and 1",
        ),
        (
            "conv_transpose",
            {"out": 4, "k": 3, "p": 7},
            [1, 9, 9],
            "a padding of 7 + 7 takes all of the transposed convolution's output",
        ),
        ("linear", {"out": 4}, [16, 5, 5], "linear takes a flat input, and this one is 16×5×5"),
        ("reshape", {"shape": [7, -1]}, [16, 5], "80 elements (16×5) do not fit into 7×?"),
        (
            "reshape",
            {"shape": [2, 2, 2, 2, 5, 1, 1, 1, 1]},
            [16, 5],
            "a tensor has 8 axes at the most, channels and all, and these are 9 sizes",
        ),
        ("group_norm", {"g": 3}, [16, 5], "16 channels cannot be split into 3 groups"),
        ("instance_norm", {}, [16, 1, 1], "a channel of one cell has nothing to normalise over"),
        ("slice", {"stop": 20}, [16, 5], "a slice up to 20 goes past the 16 that there are"),
        ("upsample", {"scale": 0.1}, [3, 9, 9], "nothing of 3×9×9 is left"),
        (
            "upsample",
            {"scale": 2, "mode": "bilinear"},
            [3, 9],
            "the mode bilinear is for 2 spatial axes, and the input has 1",
        ),
    ],
)  # fmt: skip
def test_refusals_have_the_numbers_in_them(
    type: str, fields: Fields, input: Sizes, expected: str
) -> None:
    assert message(type, fields, input) == expected


@pytest.mark.parametrize(
    ("type", "fields", "input", "shape"),
    [
        # The largest that is taken, beside each refusal above.
        ("conv", {"out": 4, "k": 9}, [1, 9, 9], [4, 1, 1]),
        ("max_pool", {"k": 4, "p": 2, "s": 1}, [1, 9, 9], [1, 10, 10]),
        ("max_pool", {"k": 3, "s": 2, "ceil_mode": True}, [1, 2, 2], [1, 1, 1]),
        ("conv_transpose", {"out": 4, "k": 3, "output_padding": 1, "d": 2}, [1, 9, 9], [4, 14, 14]),
        ("conv_transpose", {"out": 4, "k": 3, "p": 5}, [1, 9, 9], [4, 1, 1]),
        ("instance_norm", {}, [16, 2, 1], [16, 2, 1]),
        # Doubles, as PyTorch multiplies them: 49 · (1/49) is below 1, 10 · 0.7 is 7.
        ("upsample", {"scale": 0.7}, [3, 10, 10], [3, 7, 7]),
        ("upsample", {"scale": 2 / 3}, [3, 3, 6], [3, 2, 4]),
    ],
)  # fmt: skip
def test_what_is_just_within_bounds(type: str, fields: Fields, input: Sizes, shape: Sizes) -> None:
    assert output(analyzed(type, fields, input)) == shape


@pytest.mark.parametrize("type", ["add", "mul"])
def test_joins_broadcast_sizes_of_one(type: str) -> None:
    found = analyzed(type, {}, [8, 1, 5], [8, 4, 1])
    assert output(found) == [8, 4, 5]
    assert found.rows[0].operations == {type: 160}


def test_joins_refuse_what_does_not_broadcast() -> None:
    expected = "add cannot join 8×4×5 and 8×4×4: 5 and 4 cells differ, and neither is 1"
    assert message("add", {}, [8, 4, 5], [8, 4, 4]) == expected


@pytest.mark.parametrize("mode", ["same", "same_lower"])
def test_same_is_not_for_a_transposed_convolution(mode: str) -> None:
    expected = f"a transposed convolution takes numbers as padding, not `{mode}`"
    assert message("conv_transpose", {"out": 1, "k": 3, "p": mode}, [1, 9]) == expected


#: Layers whose output is their input seen otherwise, or can take an input's place: what memory
#: planners take them for (TensorFlow Lite Micro, PyTorch's in-place modules, views of a tensor).
VIEWS = {"flatten", "reshape", "dropout", "identity"}
HELD = {"parameter", "buffer"}
ELEMENTWISE = ("add", "sub", "mul", "div", "maximum", "minimum")
DEPTHWISE = ("depthwise_conv", "global_depthwise_conv")
IN_PLACE = {"batch_norm", "scale", *ELEMENTWISE, *DEPTHWISE, "relu", "gelu", "softmax"}


@pytest.mark.parametrize("type", PLAIN)
def test_where_the_output_is_kept(type: str) -> None:
    cls = layers.find(type)
    for fields, inputs in configurations(type, 5):
        layer, shapes = built(type, fields, inputs)
        placed = layer.placed(shapes)
        if type in VIEWS:
            assert placed.storage is Storage.VIEW
            assert placed.inputs[0].size == placed.outputs[0].size
        elif type in IN_PLACE or cls.family == "activation":
            multiplied = fields.get("multiplier", 1) > 1
            assert placed.storage is (Storage.OWN if multiplied else Storage.IN_PLACE)
        elif type in HELD:
            assert placed.storage is Storage.WEIGHT
        elif type in ("conv", "pointwise_conv"):
            (x,), (y,) = placed.inputs, placed.outputs
            depthwise = 1 < fields.get("groups", 1) == x.channels == y.channels
            assert placed.storage is (Storage.IN_PLACE if depthwise else Storage.OWN)
        else:
            assert placed.storage is Storage.OWN


# --- Placing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", PLAIN)
def test_a_rule_never_answers_for_fewer_axes_than_its_input_has(type: str) -> None:
    """A layer that is not placed has one value for all axes: no answer, or the placed one's."""
    cls = layers.find(type)
    kinds = {field.name: field.kind for field in layers.fields_of(cls)}
    asked = 0
    for fields, inputs in configurations(type, 15):
        each_axis = {
            name
            for name, value in fields.items()
            if isinstance(getattr(kinds[name], "kind", kinds[name]), (EachAxis, Pads, Factors))
            and isinstance(value, list)
        }
        shapes = tuple(Shape(*sizes) for sizes in inputs)
        spread = {name: value[:1] if name in each_axis else value for name, value in fields.items()}
        try:
            layer = cls(**{name: kinds[name].parse(value) for name, value in spread.items()})
            expected = layer.placed(shapes).outputs
        except (Refusal, TypeError):
            continue
        asked += 1
        try:
            found = layer.output_shapes(shapes)
        except (Refusal, ValueError):
            continue
        assert found == expected, (spread, inputs)
    assert asked
