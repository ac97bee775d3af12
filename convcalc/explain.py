"""One layer, explained: its figures, the formula of each, and how the numbers go into it.

The layer's own rules run on symbols (`convcalc.symbolic`), so what is printed is the formula that
ran. What is not given stays a symbol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from convcalc import conventions, layers
from convcalc.arithmetic import Refusal, value_of
from convcalc.conventions.base import Convention
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail
from convcalc.graph import Node, Tensor
from convcalc.layers.base import Layer
from convcalc.layers.composite import Composite
from convcalc.layers.fields import EachAxis, Kind, Optional, Pads, Whole
from convcalc.shape import Shape
from convcalc.symbolic import Formula, Symbol, polynomial_of

FORMAT = "convcalc.layer/1"

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
_ENDS: Mapping[str, tuple[str, str]] = {
    "l": ("start", "end"),
    "h": ("top", "bottom"),
    "w": ("left", "right"),
    "d": ("front", "back"),
}


class Figure(NamedTuple):
    """A figure and where it comes from.

    `value` is None where a symbol in it is open. `names` is the formula in names, `numbers` the
    same with the known values in it, `closed` what is left: a number, or a closed form.
    """

    name: str
    value: int | None
    names: str
    numbers: str
    closed: str


class Part(NamedTuple):
    """One layer with its figures: all of a plain type, one of several of a composite one."""

    name: str
    type: str
    config: dict[str, Any]
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    weights: dict[str, tuple[int, ...]]
    sizes: tuple[Figure, ...]
    figures: dict[str, Figure]
    operations: dict[str, Figure]


class Explanation(NamedTuple):
    """What a layer costs and why."""

    type: str
    convention: Convention
    batch: int
    inputs: tuple[Shape, ...]
    parts: tuple[Part, ...]
    #: params, buffers, macs, flops, activations: of all parts together.
    figures: dict[str, Figure]

    @property
    def outputs(self) -> tuple[Shape, ...]:
        """The shapes that leave the layer."""
        return self.parts[-1].outputs

    def to_dict(self) -> dict[str, Any]:
        """A row as `analyze` has it, with `formulas`; a figure that is open is null."""
        first = self.parts[0]
        single = len(self.parts) == 1
        data: dict[str, Any] = {
            "format": FORMAT,
            "batch": self.batch,
            "convention": {"name": self.convention.name, "unit": self.convention.unit},
            "name": self.type,
            "type": self.type,
            "inputs": ["input"] if len(self.inputs) == 1 else _input_names(len(self.inputs)),
            "input_shapes": [_known(shape) for shape in self.inputs],
            "output_shape": _known(self.outputs[0]) if len(self.outputs) == 1 else None,
        }
        if len(self.outputs) > 1:
            data["output_shapes"] = [_known(shape) for shape in self.outputs]
        if single:
            data["config"] = _known_config(first.config)
            data["weights"] = {name: _known(shape) for name, shape in first.weights.items()}
            operations = {name: figure.value for name, figure in first.operations.items()}
            data |= {key: self.figures[key].value for key in ("params", "buffers", "macs", "flops")}
            data |= {"operations": operations, "activations": self.figures["activations"].value}
        else:
            data |= {key: figure.value for key, figure in self.figures.items()}
            data["parts"] = [_part_object(part) for part in self.parts]
        data["formulas"] = {
            "output_shape": [_formula_of(size) for size in self.outputs[0]],
            **{key: _shown(figure) for key, figure in self.figures.items()},
        }
        return data


def _input_names(count: int) -> list[str]:
    return [f"input.{index}" for index in range(count)]


def _part_object(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "type": part.type,
        "output_shape": _known(part.outputs[0]),
        "config": _known_config(part.config),
        **{key: figure.value for key, figure in part.figures.items()},
    }


def _shown(figure: Figure) -> str:
    """The formula of a figure as JSON has it: in names; of an open one, in what is open."""
    return figure.names if figure.value is not None else figure.closed


def _formula_of(size: Any) -> str:
    if isinstance(size, Symbol) and size.definition is not None:
        return size.definition.text() if size.number is not None else size.definition.closed()
    return size.text() if isinstance(size, Formula) else str(size)


def _known(numbers: Sequence[Any]) -> list[int | None]:
    return [value_of(number) for number in numbers]


def _known_config(config: Mapping[str, Any]) -> dict[str, Any]:
    def known(value: Any) -> Any:
        if isinstance(value, list):
            return [known(item) for item in value]
        return value_of(value)

    return {name: known(value) for name, value in config.items()}


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
    refuse.
    """
    cls = layers.find(type)
    shapes = [_input_symbols(cls, sizes, dims) for sizes in inputs or [()]]
    if cls.arity is None and len(shapes) == 1:
        shapes *= 2
    if cls.arity == 1 and len(shapes) > 1:
        raise fail("input-count", f"{type} takes one input, and --in gives {len(shapes)}")
    axes = len(shapes[0]) - 1
    field = ""
    try:
        values = {}
        for each in layers.fields_of(cls):
            field = each.name
            values[field] = _symbols(each, given, axes)
        field = ""
        nodes = _nodes(cls, values, tuple(shapes))
    except Refusal as refusal:
        name = refusal.field or field
        about = (
            f"`{layers.short_name(name) or name}` "
            if refusal.message.startswith(("must ", "has "))
            else ""
        )
        message = f"{about}{refusal.message}"
        if not message.startswith(type):
            message = f"{type}: {message}"
        raise ConvcalcError(
            [Diagnostic(refusal.code, message, label=refusal.label, help=refusal.help)]
        ) from None
    counting = conventions.find(convention)
    number = Symbol("N", batch) if batch != 1 else 1
    parts = tuple(_part(node, counting, cast(int, number)) for node in nodes)
    totals = {
        key: _figure(key, sum((part[key] for _, part in parts), start=cast(Any, 0)))
        if all(part[key] is not None for _, part in parts)
        else Figure(key, None, "", "", "not counted")
        for key in ("params", "buffers", "macs", "flops", "activations")
    }
    return Explanation(
        type, counting, batch, tuple(shapes), tuple(part for part, _ in parts), totals
    )


def _nodes(cls: type[Layer], values: dict[str, Any], shapes: tuple[Shape, ...]) -> list[Node]:
    """The layer as a node; a composite one as the nodes it stands for."""
    if issubclass(cls, Composite):
        from convcalc.language.expand import expand_composite

        return expand_composite(cls, values, shapes[0])
    layer = cls(**values)
    outputs = tuple(_output_symbols(shape) for shape in layer.output_shapes(shapes))
    inputs = tuple(Tensor(-1 - i, 0, shape) for i, shape in enumerate(shapes))
    return [Node(cls.type, layer, inputs, outputs)]


def _part(node: Node, convention: Convention, batch: int) -> tuple[Part, dict[str, Any]]:
    """A node with its figures, and the formulas behind them."""
    layer, shapes, outputs = node.layer, node.input_shapes, node.outputs
    weights = list(layer.tensors(shapes))
    operations = layer.counts(shapes, outputs).times(batch)
    formulas: dict[str, Any] = {
        "params": sum((w.size for w in weights if w.trainable), start=0),
        "buffers": sum((w.size for w in weights if not w.trainable), start=0),
        "macs": operations.macs,
        "flops": convention.count_layer(node, batch).flops,
        "activations": sum((shape.size for shape in outputs), start=0) * batch,
    }
    sizes = tuple(
        _figure(size.name, size.definition)
        for size in cast(tuple[Any, ...], outputs[0])
        if isinstance(size, Symbol) and size.definition is not None
    )
    figures = {
        key: Figure(key, None, "", "", "not counted") if formula is None else _figure(key, formula)
        for key, formula in formulas.items()
    }
    primitives = {key: _figure(key, formula) for key, formula in operations.primitives().items()}
    tensors = {weight.name: weight.shape for weight in weights}
    part = Part(
        node.name, node.type, layer.config(), shapes, outputs, tensors, sizes, figures, primitives
    )
    return part, formulas


def _figure(name: str, formula: Any) -> Figure:
    if not isinstance(formula, Formula):
        return Figure(name, formula, str(formula), str(formula), str(formula))
    return Figure(
        name, formula.value, formula.text(), formula.text(numbers=True), str(polynomial_of(formula))
    )


def _input_symbols(cls: type[Layer], sizes: tuple[int, ...], dims: int | None) -> Shape:
    """The symbols of an input, with the sizes that are given."""
    fewest, most = cls.axes
    axes = dims if dims is not None else _axes(cls, sizes)
    if not fewest <= axes <= most:
        raise fail("input-axes", f"{cls.type} takes {fewest} to {most} spatial axes, not {axes}")
    known: tuple[int | None, ...]
    if len(sizes) == axes + 1:
        known = sizes
    elif len(sizes) == axes:
        known = (None, *sizes)
    elif len(sizes) == 1:
        known = (None, *sizes * axes)
    elif not sizes:
        known = (None,) * (axes + 1)
    else:
        shown = "x".join(map(str, sizes))
        help = "give the spatial sizes, or the channels and the spatial sizes"
        raise fail(
            "bad-value", f"--in {shown} does not fit an input with {axes} spatial axes", help
        )
    names = [f"{axis.upper()}_in" for axis in _AXES[axes]]
    first = "C_in" if axes else "F_in"
    return Shape(*cast(Any, [Symbol(name, size) for name, size in zip([first, *names], known)]))


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
    if field.name not in given and field.required:
        open_ = cast(Any, Symbol(_SYMBOLS.get(field.name, field.name)))
        if isinstance(kind, EachAxis):
            return (open_,) * axes
        if isinstance(kind, Whole):
            return open_
        if isinstance(kind, Pads):
            return ((open_, open_),) * axes
        raise Refusal("must be given", code="missing-field", help=f"it is {kind.expected}")
    value = kind.parse(given[field.name]) if field.name in given else field.default
    value = kind.resolve(value, axes)
    inner = kind.kind if isinstance(kind, Optional) else kind
    if not kind.symbolic or value is None or isinstance(value, str):
        return value
    name = _SYMBOLS.get(field.name, field.name)
    if isinstance(inner, Whole):
        return Symbol(name, value)
    if isinstance(inner, Pads):
        return _pad_symbols(name, value, axes)
    if len(set(value)) == 1:
        return tuple(Symbol(name, size) for size in value)
    return tuple(Symbol(f"{name}_{axis}", size) for axis, size in zip(_AXES[axes], value))


def _pad_symbols(name: str, pads: tuple[tuple[int, int], ...], axes: int) -> Any:
    if len({pad for pair in pads for pad in pair}) == 1:
        return tuple((Symbol(name, before), Symbol(name, after)) for before, after in pads)
    if all(before == after for before, after in pads):
        named = zip(_AXES[axes], pads)
        return tuple(
            (Symbol(f"{name}_{axis}", n), Symbol(f"{name}_{axis}", n)) for axis, (n, _) in named
        )
    return tuple(
        tuple(Symbol(f"{name}_{end}", n) for end, n in zip(_ENDS[axis], pair))
        for axis, pair in zip(_AXES[axes], pads)
    )


def _output_symbols(shape: Shape) -> Shape:
    """A symbol for each size of the output that is more than a symbol: formulas stay short."""
    axes = _AXES[len(shape) - 1]
    names = ["C_out" if axes else "F_out", *(f"{axis.upper()}_out" for axis in axes)]
    sizes = []
    for name, size in zip(names, shape):
        formula: Any = size
        if isinstance(formula, Formula) and not isinstance(formula, Symbol):
            formula = Symbol(name, formula.value, formula)
        sizes.append(formula)
    return Shape(*sizes)
