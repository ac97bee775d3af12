"""Receptive fields: published figures, the case, and what is said of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc.receptive_field import ReceptiveField, ReceptiveFields
from tests.conftest import Run
from tests.seen import Step, cells_of, exactly, interval, random_net


def last_bounded(fields: ReceptiveFields) -> ReceptiveField:
    return [field for field in fields if not field.is_global][-1]


# Araujo, Norris and Sim 2019 (Distill), and Keras' and torchvision's networks by hand.
@pytest.mark.parametrize(
    ("name", "size", "stride"),
    [
        ("resnet50", 427, 32),
        ("resnet18", 435, 32),
        ("mobilenet_v2", 491, 32),
        ("densenet121", 2071, 32),
        ("xception", 1083, 32),
    ],
)
def test_published_receptive_fields(name: str, size: int, stride: int) -> None:
    network = convcalc.load(name)
    field = last_bounded(network.receptive_field())
    assert (field.size, field.stride) == ((size, size), (stride, stride))
    assert network.totals.receptive_field == size


def test_paths_of_xception_are_not_aligned_from_its_second_shortcut_on() -> None:
    fields = convcalc.load("xception").receptive_field()
    assert next(field.name for field in fields if not field.aligned) == "down_2.add"
    after = fields.names.index("down_2.add")
    assert not any(field.aligned for field in fields[after:])


def stack(*layers: str, input: str = "[1, 64]") -> str:
    return f"name: Stack\ninput: {input}\nlayers:\n" + "".join(f"  - {each}\n" for each in layers)


def test_dilated_stack_sees_15_cells() -> None:
    text = stack(*(f"conv: {{out: 1, k: 3, d: {d}}}" for d in (1, 2, 4)))
    assert [field.size for field in convcalc.loads(text).receptive_field()] == [(3,), (7,), (15,)]


def test_seven_layers(run: Run) -> None:
    spec = Path(__file__).parent / "cases" / "rf_seven.yaml"
    found = run("receptive-field", str(spec), "--json").json
    assert found["format"] == "convcalc.receptive_field/1"
    sizes = [3, 4, 8, 10, 18, 26, 30]  # CSDN 98473571
    assert [layer["size"] for layer in found["layers"]] == [[size, size] for size in sizes]


def test_a_transposed_convolution_divides_the_stride() -> None:
    text = stack("conv: {out: 1, k: 3, s: 2}", "conv_transpose: {out: 1, k: 4, s: 4, p: 1}")
    first, second = convcalc.loads(text).receptive_field()
    assert (first.size, first.stride) == ((3,), (2,))
    assert second.stride == (Fraction(1, 2),)
    assert second.padding == (Fraction(1),)
    assert second.size == (Fraction(9, 2),)


def test_random_networks_see_what_going_back_cell_by_cell_finds() -> None:
    far = 0
    for seed in range(3000, 3120):
        net = random_net(seed)
        fields = convcalc.loads(net.text()).receptive_field()
        last = len(net.steps) - 1
        for y in (0, *range(net.sizes[last] // 2, net.sizes[last], 5)):
            seen, field = net.seen(last, y), fields[last]
            if seen is None or field.stride == (None,):  # a border, or no bound
                continue
            low, high = interval(field, y)
            assert all(low <= x <= high for x in seen), (seed, y)
            assert not field.is_exact or seen == exactly(field, y), (seed, y)
            far += 1
    assert far > 500


_axis = st.tuples(
    *(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2), st.integers(1, 3))
)


@given(st.lists(st.tuples(st.booleans(), _axis, _axis), min_size=1, max_size=4), st.data())
@settings(max_examples=40)
def test_axes_are_apart(layers: list[tuple[bool, Any, Any]], data: st.DataObject) -> None:
    steps: list[tuple[Step, Step]] = []
    for is_transposed, *axes in layers:
        type = "conv_transpose" if is_transposed else "conv"
        both = [
            Step(type, {"k": k, "s": s, "p": [[before, after]], "d": d}, (-1,))
            for k, s, before, after, d in axes
        ]
        steps.append((both[0], both[1]))
    lines = []
    for one, other in steps:
        fields = {key: [one.fields[key], other.fields[key]] for key in ("k", "s", "d")}
        fields["p"] = [one.fields["p"][0], other.fields["p"][0]]
        lines.append(
            f"{one.type}: {{out: 1, {', '.join(f'{key}: {fields[key]}' for key in fields)}}}"
        )
    try:
        fields_found = convcalc.loads(stack(*lines, input="[1, 300, 301]")).receptive_field()
    except convcalc.ConvcalcError:  # a padding that takes all of it
        return
    *_, field = fields_found
    for axis in (0, 1):
        y = data.draw(st.integers(20, 60))
        seen = {y}
        for pair in reversed(steps):
            seen = {x for cell in seen for x in cells_of(pair[axis], 0, 0, cell)}
        assert seen == exactly(field, y, axis)
