"""One layer, explained: its figures, the formula of each, and how the numbers go into it.

The layer's own rules run on symbols (`convcalc.symbolic`), so what is printed is the formula that
ran. What is not given stays a symbol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from convcalc import layers
from convcalc.analysis import Row, analyze
from convcalc.arithmetic import Refusal, value_of
from convcalc.conventions.base import Convention, Quantities
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail, require_whole
from convcalc.graph import Builder, Graph, input_tensors
from convcalc.layers.base import Layer, Placed
from convcalc.layers.composite import Composite
from convcalc.layers.fields import EachAxis, Kind, Pads, Whole
from convcalc.shape import Shape
from convcalc.symbolic import Formula, Symbol

FORMAT = "convcalc.layer/1"
#: Inputs of a join that is explained: nobody reads the formulas of more.
MOST_INPUTS = 64

_SYMBOLS: Mapping[str, str] = {
    "kernel_size": "k",
    "stride": "s",
    "padding": "p",
    "dilation": "d",
    "groups": "g",
    "out_channels": "C_out",
    "out_features": "F_out",
}
_AXES: Mapping[int, tuple[str, ...]] = {0: (), 1: ("l",), 2: ("h", "w"), 3: ("d", "h", "w")}
#: What stands for a value that is not given, before it is resolved; None is an open number.
_OPEN: Mapping[type[Kind], Any] = {Whole: None, EachAxis: (None,), Pads: ((None, None),)}
_ENDS: Mapping[str, tuple[str, str]] = {
    "l": ("start", "end"),
    "h": ("top", "bottom"),
    "w": ("left", "right"),
    "d": ("front", "back"),
}


class Formulas(NamedTuple):
    """A figure and where it comes from.

    `value` is None where a symbol in it is open. `names` is the formula in names, `numbers` the
    same with the known values in it, `closed` what is left: a number, or a closed form.
    """

    name: str
    value: int | None
    names: str
    numbers: str
    closed: str

    @property
    def shown(self) -> str:
        """As JSON has it: in names; of an open one, in what is open."""
        return self.names if self.value is not None else self.closed


class Part(NamedTuple):
    """One layer with its figures: all of a plain type, one of several of a composite one."""

    row: Row
    sizes: tuple[Formulas, ...]
    figures: dict[str, Formulas]
    operations: dict[str, Formulas]


class Explanation(NamedTuple):
    """What a layer costs and why: its analysis on symbols.

    `whole` is the layer in one row. `meanings` are the names in the FLOPs' formulas that are the
    convention's own, and what each is; `gap` is the condition under which its tool gives no number,
    where it hangs on what is open.
    """

    type: str
    convention: Convention
    batch: int
    whole: Row
    parts: tuple[Part, ...]
    figures: dict[str, Formulas]
    meanings: dict[str, str]
    gap: str | None

    @property
    def inputs(self) -> tuple[Shape, ...]:
        """The shapes that enter the layer."""
        return self.whole.input_shapes

    @property
    def outputs(self) -> tuple[Shape, ...]:
        """The shapes that leave the layer."""
        return self.whole.output_shapes

    def to_dict(self) -> dict[str, Any]:
        """A row as `analyze` has it, with `formulas`; a figure that is open is null."""
        data = {
            "format": FORMAT,
            "batch": self.batch,
            "convention": {"name": self.convention.name, "unit": self.convention.unit},
            **_known(self.whole.to_dict()),
        }
        if len(self.parts) > 1:
            data["parts"] = [_known(part.row.to_dict()) for part in self.parts]
        data["formulas"] = {
            "output_shape": [_formula_of(size) for size in self.outputs[0]],
            **{key: figure.shown for key, figure in self.figures.items()},
        }
        if self.meanings:
            data["names"] = self.meanings
        if self.gap:
            data["no_number_where"] = self.gap
        return data


def _formula_of(size: Any) -> str:
    if isinstance(size, Symbol) and size.definition is not None:
        return size.definition.text() if size.value is not None else size.definition.closed()
    return size.text() if isinstance(size, Formula) else str(size)


def _known(value: Any) -> Any:
    """A value, and all that is in it, with its numbers in the place of symbols; None where open."""
    if isinstance(value, dict):
        return {name: _known(each) for name, each in value.items()}
    return [_known(each) for each in value] if isinstance(value, list) else value_of(value)


def explain(
    type: str,
    given: Mapping[str, Any],
    inputs: Sequence[tuple[int, ...]] = (),
    *,
    dims: int | None = None,
    convention: str = "exact",
    batch: int = 1,
) -> Explanation:
    """Explain one layer.

    `given` are fields by canonical name, as a spec has them. Each of `inputs` is `(channels,
    *spatial)`, or one or more spatial sizes alone, which leaves the channels open; one number is a
    square. `dims` says how many spatial axes there are where that is not clear. A layer that joins
    takes its one input twice. Raises ConvcalcError for a value that a field or the layer's rules
    refuse, and for more than 64 inputs.
    """
    cls = layers.find(type)
    batch = require_whole("a batch", batch, "sample")
    if cls.arity == 1 and len(inputs) > 1:
        raise fail("input-count", f"{type} takes one input, and --in gives {len(inputs)}")
    if len(inputs) > MOST_INPUTS:
        message = (
            f"`{type}` joins {len(inputs):,} inputs, and {MOST_INPUTS} are explained at the most"
        )
        help = "`convcalc analyze` counts joins of any number of inputs"
        raise fail("input-count", message, help)
    shapes = _numbered([_input_symbols(cls, sizes, dims) for sizes in inputs or [()]])
    if cls.arity is None and len(shapes) == 1:
        shapes *= 2
    axes = len(shapes[0]) - 1
    field = ""
    try:
        values = {}
        for each in layers.fields_of(cls):
            field = each.name
            values[field] = _symbols(each, given, axes)
        field = ""
        graph = _graph(cls, values, shapes)
    except Refusal as refusal:
        raise _refused(type, refusal, refusal.field or field) from None
    number: Any = Symbol("N", batch) if batch != 1 else 1
    analysis = analyze(graph, convention, number, run=())
    (whole,) = analysis.folded(1).rows
    parts = tuple(map(_part, analysis.rows))
    counting = analysis.convention
    asked = [Quantities(row.nodes[0], number) for row in analysis.rows]
    names = [counting.open_names(each) for each in asked if whole.flops is not None]
    meanings = {name: meaning for each in names for name, meaning in each.items()}
    gaps = [counting.gap_of(each.cls) for each in asked if counting.has_gap(each) is None]
    gap = gaps[0] if gaps else None
    return Explanation(type, counting, batch, whole, parts, _formulas(whole), meanings, gap)


def _refused(type: str, refusal: Refusal, field: str) -> ConvcalcError:
    """What a field or a rule refuses, said of the layer."""
    message = refusal.message
    if message.startswith(("must ", "has ")):
        message = f"`{layers.short_name(field) or field}` {message}"
    if not message.startswith(type):
        message = f"{type}: {message}"
    return ConvcalcError(
        [Diagnostic(refusal.code, message, label=refusal.label, help=refusal.help)]
    )


class _SymbolBuilder(Builder):
    """Names the sizes of what a layer makes, so that formulas stay short."""

    def place(self, layer: Layer, shapes: tuple[Shape, ...]) -> Placed:
        placed = super().place(layer, shapes)
        outputs = tuple(_output_symbols(shape) for shape in placed.outputs)
        return Placed(placed.layer, placed.inputs, outputs)


def _graph(cls: type[Layer], values: dict[str, Any], shapes: list[Shape]) -> Graph:
    """The layer as a network of one node; a composite one as the nodes it stands for."""
    names = ["input"] if len(shapes) == 1 else [f"input.{i}" for i in range(len(shapes))]
    inputs = dict(zip(names, shapes))
    entering = input_tensors(inputs)
    layer = cls(**values)
    if isinstance(layer, Composite):
        builder = Builder()
        with builder.group(cls.type, cls.type):
            outputs = layer.build(builder, *entering)
    else:
        builder = _SymbolBuilder()
        outputs = builder.add(layer, *entering)
    return Graph(cls.type, "", inputs, builder.nodes(), outputs, None, {})


def _part(row: Row) -> Part:
    """A row with its figures as formulas."""
    sizes = tuple(
        _figure(size.name, size.definition)
        for size in cast(tuple[Any, ...], row.output_shapes[0])
        if isinstance(size, Symbol) and size.definition is not None
    )
    operations = {key: _figure(key, formula) for key, formula in row.operations.items()}
    return Part(row, sizes, _formulas(row), operations)


def _formulas(row: Row) -> dict[str, Formulas]:
    """The figures of a row but the number of layers, each with its formula."""
    figures = row.figures.columns().items()
    return {key: _figure(key, formula) for key, formula in figures if key != "layers"}


def _figure(name: str, formula: Any) -> Formulas:
    if formula is None:
        return Formulas(name, None, "", "", "not counted")
    if not isinstance(formula, Formula):
        return Formulas(name, formula, str(formula), str(formula), str(formula))
    return Formulas(
        name, formula.value, formula.text(), formula.text(numbers=True), formula.closed()
    )


def _numbered(shapes: list[Shape]) -> list[Shape]:
    """Several inputs, whose sizes have a name each where they are not the same."""
    if len({len(shape) for shape in shapes}) > 1:
        return shapes
    alike = [len(set(sizes)) == 1 for sizes in zip(*shapes)]
    named = []
    for index, shape in enumerate(shapes, start=1):
        sizes: Any = zip(shape, alike)
        own: list[Any] = [
            size if same else Symbol(f"{size.name}{index}", size.value) for size, same in sizes
        ]
        named.append(Shape(*own))
    return named


def _input_symbols(cls: type[Layer], sizes: tuple[int, ...], dims: int | None) -> Shape:
    """The symbols of an input, with the sizes that are given."""
    fewest, most = cls.axes
    axes = dims if dims is not None else _axes(cls, sizes)
    if not fewest <= axes <= most:
        raise fail("input-axes", f"{cls.type} takes {fewest} to {most} spatial axes, not {axes}")
    known: tuple[Any, ...] = sizes
    if axes and len(sizes) < 2:
        known = (sizes or (None,)) * axes
    if len(known) == axes:
        known = (None, *known)
    if len(known) != axes + 1:
        shown = "x".join(map(str, sizes))
        message = f"--in {shown} does not fit an input with {axes} spatial axes"
        help = "give the spatial sizes, or the channels and the spatial sizes"
        raise fail("bad-value", message, help)
    return Shape(*cast(Any, map(Symbol, _size_names(axes, "in"), known)))


def _size_names(axes: int, side: str) -> list[str]:
    """The names of the sizes on one side of a layer: `C_in`, `H_in`, `W_in`."""
    return [f"{letter.upper()}_{side}" for letter in ("c" if axes else "f", *_AXES[axes])]


def _axes(cls: type[Layer], sizes: tuple[int, ...]) -> int:
    """How many spatial axes an input has that is given as `sizes`."""
    fewest, most = cls.axes
    natural = min(max(cls.natural_axes, fewest), most)
    if len(sizes) >= 3 or (len(sizes) == 2 and natural != 2):
        return min(len(sizes) - 1, most)
    return natural


def _symbols(field: layers.Field, given: Mapping[str, Any], axes: int) -> Any:
    """A field's value with a symbol in the place of each number that rules calculate with."""
    kind: Kind = field.kind
    name = _SYMBOLS.get(field.name, field.name)
    if field.required and field.name not in given:
        if type(kind) not in _OPEN:
            raise Refusal("must be given", code="missing-field", help=f"it is {kind.expected}")
        return _named(name, kind.resolve(_OPEN[type(kind)], axes), axes)
    value = kind.parse(given[field.name]) if field.name in given else field.default
    value = kind.resolve(value, axes)
    if not kind.symbolic or value is None or isinstance(value, str):
        return value
    return _named(name, value, axes)


def _named(name: str, value: Any, axes: int) -> Any:
    """Symbols for the numbers of a value: of one name, or of one an axis or end if they differ."""
    if not isinstance(value, tuple):
        return Symbol(name, value)
    if any(isinstance(size, tuple) and size[0] != size[1] for size in value):
        ends = [[f"{name}_{end}" for end in _ENDS[axis]] for axis in _AXES[axes]]
        return tuple(tuple(map(Symbol, names, pair)) for names, pair in zip(ends, value))
    names = [name] * len(value)
    if len(set(value)) > 1:
        names = [f"{name}_{axis}" for axis in _AXES[axes]]
    return tuple(_named(each, size, axes) for each, size in zip(names, value))


def _output_symbols(shape: Shape) -> Shape:
    """A symbol for each size of the output that is more than a symbol: formulas stay short."""
    sizes = []
    for name, size in zip(_size_names(len(shape) - 1, "out"), shape):
        formula: Any = size
        if isinstance(formula, Formula) and not isinstance(formula, Symbol):
            formula = Symbol(name, formula.value, formula)
        sizes.append(formula)
    return Shape(*sizes)
