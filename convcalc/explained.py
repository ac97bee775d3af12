"""The Python doors to one layer: what it costs, as an explanation, and which window it needs."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from convcalc import explain, layers
from convcalc.diagnostics import fail
from convcalc.expressions import DEFAULT as BOUNDS
from convcalc.inputs import Sizes, sizes_in
from convcalc.layers.base import Layer
from convcalc.shape import MOST_AXES
from convcalc.visible import visible
from convcalc.words import describe, did_you_mean, grouped, lacking, listed, quoted, shortened

if TYPE_CHECKING:
    from convcalc.search.windows import LayerSolutions


class Explanation(explain.Explanation):
    """What a layer costs and why.

    Figures are attributes: `params`, `macs`, `flops` …; None where one hangs on what was not given.
    `formulas` has the formula of each. Printed, it is the derivation step by step; a notebook shows
    a table.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        from convcalc.render.notebook import of_explanation

        return of_explanation(self)

    def __str__(self) -> str:
        from convcalc.render.explanation import report
        from convcalc.render.formats.table import render

        return "".join(render(report(self))).strip("\n")

    def __repr__(self) -> str:
        shapes = [
            "×".join("?" if size is None else str(size) for size in shape)
            for shape in (*self.input_shapes[:1], *self.output_shapes[:1])
        ]
        macs = f"{grouped(self.macs)} MACs{lacking(self.whole.unknown)}"
        figures = [f"{grouped(self.params)} params", macs]
        name = visible(shortened(self.name))
        return f"Explanation('{name}', {' → '.join(shapes)}, {', '.join(figures)})"


def layer(
    type: str,
    /,
    input: Sizes | Sequence[Sizes] | None = None,
    *,
    dims: int | None = None,
    convention: str = "exact",
    batch: int = 1,
    **fields: Any,
) -> Explanation:
    """What one layer costs, with the formula of each figure; what is not given stays a symbol.

    >>> conv = convcalc.layer("conv", input=(3, 224, 224), out_channels=64, kernel_size=3)
    >>> conv.output_shape, conv.params, conv.formulas["params"]
    ((64, 222, 222), 1792, 'k²·(C_in/g)·C_out + C_out')
    >>> convcalc.layer("conv", k=3, s=2, p=1, input=128).formulas["params"]
    '9·C_in·C_out + C_out'

    `type` is a layer type, `fields` are its fields by their PyTorch names or the short ones (`out`,
    `k`, `s`, `p`). `input` is `(channels, *spatial)` or `"3x224x224"`; sizes alone leave the
    channels open, one number is a square, and a list of such is several inputs, for layers that
    join. `dims` is the number of spatial axes where that is not clear. `convention` and `batch` are
    as in `analyze`. Raises ConvcalcError for what the command line refuses.
    """
    cls = _type(type)
    given = {name: _value(value, f"`{name}`") for name, value in _fields(cls, fields).items()}
    axes = _axes(dims)
    if not isinstance(convention, str):
        raise fail("bad-value", f"a convention must be a text, not {describe(convention)}")
    found = explain.explain(
        cls.type, given, _inputs(input), dims=axes, convention=convention, batch=batch
    )
    return Explanation(*found)


def solve_layer(
    type: str,
    /,
    input: Any = None,
    output: Any = None,
    *,
    dims: int | None = None,
    **fields: Any,
) -> LayerSolutions:
    """Every window with which a layer takes an input to an output, usual ones first.

    >>> found = convcalc.solve_layer("conv", input=128, output=64, d=1)
    >>> found.solutions[0]
    LayerSolution(kernel_size=3, stride=2, padding=1, dilation=1: 128 → 64x64)
    >>> found = convcalc.solve_layer("conv", output=3, k=3, s=2, p=1, d=1)
    >>> [each.input for each in found.solutions]
    [(5,), (6,)]

    `type` and `fields` are as in `layer`, but that a field of the window may have several values: a
    list, a range, or a text (`"1,3,5:11:2"`, ranges with both ends); a tuple has one for each axis.
    What is not given is searched, the `input` too. `output` is a size, a tuple with one for each
    axis, or several, as a field; `input` likewise, or `(channels, *spatial)`. Raises ConvcalcError
    for what the command line refuses.
    """
    from convcalc.search import windows

    cls = _type(type)
    if output is None:
        raise fail("bad-value", "`output` says which size is wanted, and is not given", "output=64")
    given = _fields(cls, fields)
    return windows.solve_layer(cls.type, given, output, input, _axes(dims))


def _axes(dims: Any) -> int | None:
    """A number of spatial axes, or None. Raises ConvcalcError."""
    if dims is not None and not (_is_whole(dims) and 0 <= dims < MOST_AXES):
        message = f"`dims` is a number of spatial axes, 0 to {MOST_AXES - 1}, not {describe(dims)}"
        raise fail("bad-value", message)
    return None if dims is None else operator.index(dims)


def _type(name: Any) -> type[Layer]:
    """The layer type of a name. Raises ConvcalcError."""
    if not isinstance(name, str):
        raise fail("bad-value", f"a layer type must be a text, not {describe(name)}")
    if not layers.is_known(name):
        from convcalc.language.elsewhere import in_steps, layer_meant
        from convcalc.language.samples import STRUCTURES, structure_help

        message = f"there is no layer type {quoted(name)}"
        meant = layer_meant(name, layers.TYPES)
        near = in_steps(name) or did_you_mean(name, layers.TYPES)
        help = f"did you mean `{meant}`?" if meant else near
        if not meant and (structure := layer_meant(name, STRUCTURES)):
            help = structure_help(structure)
        help = help or f"the types are {listed(layers.names(), 100)}"
        raise fail("unknown-layer", message, help)
    return layers.find(name)


def _fields(cls: type[Layer], named: Mapping[str, Any]) -> dict[str, Any]:
    """Fields by canonical name. Raises ConvcalcError for an unknown one, or one given twice."""
    known = {each.name: each for each in layers.fields_of(cls)}
    names = layers.canonical_names(cls)
    given: dict[str, Any] = {}
    for name, value in named.items():
        field = names.get(name, name)
        if field not in known:
            raise _unknown(cls, name)
        if field in given:
            short = layers.short_name(field)
            message = f"`{field}` is given twice: `{short}` is its short name"
            raise fail("bad-value", message, "leave one of them out")
        given[field] = value
    return given


def _unknown(cls: type[Layer], name: str) -> Exception:
    from convcalc.language import elsewhere

    message = f"{cls.type} has no field {quoted(name)}"
    names = [name for each in layers.fields_of(cls) for name in (each.name, each.short) if name]
    if name in layers.canonical_names(cls) or name in elsewhere.INPUTS:
        help = "what reaches the layer is its input: `input=(3, 224, 224)`, channels first"
        return fail("unknown-field", message, help)
    meant = elsewhere.FIELDS.get(name, "")
    near = f"did you mean `{meant}`?" if meant in names else did_you_mean(name, names)
    takes = f"it takes {listed(names, 30)}" if names else "it takes none"
    return fail("unknown-field", message, f"{near} {takes}".strip())


def _is_whole(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool)


def _value(value: Any, what: str, depth: int = 3) -> Any:
    """A value in Python's own types: those of numpy and its kin are converted.

    Raises ConvcalcError for an integer that is too long.
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)) and depth:
        return [_value(each, what, depth - 1) for each in value]
    if _is_whole(value):
        value = operator.index(value)
        if BOUNDS.forbid(value):
            message = f"{what} has an integer of more than {BOUNDS.digits} digits"
            raise fail("bad-value", message, "that is more than any layer has")
    return value


def _inputs(input: Any) -> list[tuple[int, ...]]:
    """The sizes of each input. Raises ConvcalcError."""
    if input is None:
        return []
    value = _value(input, "an input")
    several = isinstance(value, list) and bool(value) and isinstance(value[0], (list, str))
    return [sizes_in(each) for each in (value if several else [value])]
