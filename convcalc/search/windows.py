"""The windows that take one size to another: `solve layer`.

What is asked of a layer is the size that it makes, by its own rule; nothing here has a formula of
it. Sizes grow with the input, and grow or shrink with the padding, so that the values that fit are
found by halving, however many there are.
"""

from __future__ import annotations

import math
import operator
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.arithmetic import Refusal, value_of
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail
from convcalc.explain import input_symbols
from convcalc.frozen import FrozenDict, frozen
from convcalc.inputs import sizes_in
from convcalc.layers.base import Layer
from convcalc.layers.fields import Kind, Optional, whole
from convcalc.search.space import range_of
from convcalc.shape import Shape
from convcalc.symbolic import Symbol
from convcalc.words import counted, listed, quoted, shortened, sizes
from convcalc.written import parts

#: The fields of a window, as PyTorch calls them, in the order in which solutions have them.
FIELDS = ("kernel_size", "stride", "padding", "dilation", "output_padding")
#: What is searched where it is not given.
KERNELS, STRIDES, DILATIONS = range(1, 8), range(1, 5), range(1, 4)
INPUTS = range(1, 1_000_001)
#: The same in words, by field.
SEARCHED: Mapping[str, str] = {
    "kernel_size": f"{KERNELS[0]}:{KERNELS[-1]}",
    "stride": f"{STRIDES[0]}:{STRIDES[-1]},k",
    "padding": "0:d(k-1)",
    "dilation": f"{DILATIONS[0]}:{DILATIONS[-1]}",
    "output_padding": "0:max(s,d)-1",
}
#: The solutions that are found, the windows that are looked at but for their padding, and the
#: layers that are tried, at the most.
_MOST, _MOST_WINDOWS, _MOST_TRIED = 100_000, 10_000, 300_000
#: The largest value of a range.
_LARGEST = 10**18
#: Refusals that say that a layer makes nothing: less than any size.
_NOTHING = ("kernel-too-large", "empty-output")

#: What the input is called among the values that are tried.
_IN = "in"
#: The sizes of an input or an output without its channels, an axis each; one may stand for all.
_Axes = tuple[int, ...]


class LayerSolution(NamedTuple):
    """A window with which a layer takes an input to an output."""

    #: The fields of the window by their PyTorch names; a tuple has one value for each axis.
    fields: Mapping[str, Any]
    #: The spatial sizes of the input; one number stands for every axis.
    input: tuple[int, ...]
    #: The spatial sizes of the output.
    output: tuple[int, ...]

    def __repr__(self) -> str:
        fields = [f"{name}={value}" for name, value in self.fields.items()]
        return f"LayerSolution({', '.join(fields)}: {sizes(self.input)} → {sizes(self.output)})"


class LayerSolutions(NamedTuple):
    """The windows with which a layer takes an input to an output."""

    #: The layer type.
    type: str
    #: What was found, usual windows first.
    solutions: tuple[LayerSolution, ...]
    #: What was searched, as people write it: `in`, `out_size`, and each field by its short name.
    searched: Mapping[str, str]
    #: The other fields that were given.
    given: Mapping[str, Any]
    #: Which of `in` and `out_size` have several values.
    open: tuple[str, ...]
    #: The channels that enter; None where they are not given.
    channels: int | None
    #: How many spatial axes enter.
    axes: int
    #: Whether axes differ in what is given or wanted.
    are_apart: bool = False
    #: Where nothing fits: the sizes below and above that come nearest.
    nearest: tuple[LayerSolution, ...] = ()

    def __repr__(self) -> str:
        return f"LayerSolutions({self.type!r}, {counted(len(self.solutions), 'solution')})"


def has_window(cls: type[Layer]) -> bool:
    """Whether layers of a type slide a window, whose fields say the size that they make."""
    fields = layers.fields_of(cls)
    is_said = any(each.required and each.name == "output_size" for each in fields)
    return (
        cls.windows is not Layer.windows and not is_said and any(f.name == "stride" for f in fields)
    )


def window_fields(cls: type[Layer]) -> list[layers.Field]:
    """The fields of a type that are looked for."""
    found = {each.name: each for each in layers.fields_of(cls)}
    return [found[name] for name in FIELDS if name in found]


def searched(cls: type[Layer], field: str) -> str:
    """What is searched of a field that is not given, as people write it."""
    if any(each.name == "kernel_size" for each in layers.fields_of(cls)):
        return SEARCHED[field]
    alone = {"stride": f"{STRIDES[0]}:{STRIDES[-1]}", "padding": "0", "dilation": "1"}
    return alone[field]  # of a kernel of 1


def solve_layer(
    type: str,
    given: Mapping[str, Any],
    output: Any,
    input: Any = None,
    dims: int | None = None,
) -> LayerSolutions:
    """Every window of a layer type that takes an input to an output, usual ones first.

    `given` are fields by canonical name: those of the window as the values that they may have (one,
    a sequence, or a text of values and ranges: `1,3,5:11:2`), others as a spec has them. What is
    not given is looked for. `output` is a size or sizes without channels, or several (`7:14`);
    `input` likewise, or a shape with channels. `dims` says how many spatial axes there are, where
    that is not clear. Raises ConvcalcError for what is no value, and for too large a search.
    """
    cls = layers.find(type)
    require_window(cls)
    return _Search(cls, given, output, input, dims).solved()


def require_window(cls: type[Layer]) -> None:
    """Refuse a type without a window. Raises ConvcalcError."""
    if not has_window(cls):
        known = [name for name in layers.names() if has_window(layers.find(name))]
        message = f"a {cls.type} has no window to look for"
        raise fail("usage", message, f"these have one: {listed(known, len(known))}")


class _Search:
    """One search: its layer type, and the values that are tried."""

    def __init__(
        self, cls: type[Layer], given: Mapping[str, Any], output: Any, input: Any, dims: int | None
    ) -> None:
        self.cls = cls
        self.window = window_fields(cls)
        names = [each.name for each in self.window]
        kinds = {each.name: each.kind for each in layers.fields_of(cls)}
        self.choices = {
            name: _choices(layers.short_name(name) or name, given[name], kinds[name])
            for name in names
            if given.get(name) is not None
        }
        self.given = {name: value for name, value in given.items() if name not in names}
        self.others = {
            name: _parsed(name, kinds[name], value) for name, value in self.given.items()
        }
        for each in layers.fields_of(cls):
            if each.required and each.name not in (*names, *self.others):
                self.others[each.name] = Symbol(each.name)
        self.targets = _sizes("out_size", output)
        self.inputs = INPUTS if input is None else _sizes("in", input)
        self.is_input_open = len(self.inputs) > 1
        self.asked = _written(self.inputs)
        first = self.inputs[0]
        sizes = (first,) if isinstance(first, int) else first
        if isinstance(first, int) and dims is None:
            dims = min(max(cls.natural_axes, cls.spatial_axes[0]), cls.spatial_axes[1])
            wide = [len(each) for each in self._tuples() if len(each) > 1]
            dims = wide[0] if wide else dims
        shape = input_symbols(cls, sizes, dims)
        self.channels = shape.channels
        self.axes = len(shape.spatial)
        if not isinstance(first, int):
            self.inputs = [tuple(map(value_of, shape.spatial))]
        self.known: dict[tuple[str, Any], Any] = {}
        self.tried = 0
        self.refused: Refusal | None = None
        self.near: dict[bool, tuple[Any, LayerSolution]] = {}

    def _tuples(self) -> Iterator[_Axes]:
        """The values that are one an axis, which say how many there are."""
        for values in (*self.choices.values(), self.targets):
            if not isinstance(values, range):
                yield from (each for each in values if isinstance(each, tuple))

    # What a layer makes

    def made(self, fields: Mapping[str, Any], size: _Axes) -> Any:
        """The sizes that the layer makes of an input; minus infinity where it makes nothing, and
        infinity where it refuses its fields.
        """
        self.tried += 1
        if self.tried > _MOST_TRIED:
            raise self._too_many(f"more than {_MOST_TRIED:,} layers are tried")
        spatial = size if len(size) > 1 else size * self.axes
        try:
            own = {each.name: self._own(each, fields[each.name]) for each in self.window}
            shapes = self.cls(**own, **self.others).output_shapes((Shape(self.channels, *spatial),))
        except Refusal as refusal:
            if refusal.code in _NOTHING:
                return -math.inf
            self.refused = refusal
            return math.inf
        output = tuple(map(value_of, shapes[0].spatial))
        if None in output:
            names = [
                f"--{name.replace('_', '-')}" for name in self.others if name not in self.given
            ]
            message = f"the size that a {self.cls.type} makes hangs on what is not given"
            raise fail("missing-field", message, f"give {listed(names)}")
        return output

    def _own(self, field: layers.Field, value: Any) -> Any:
        """The value of a field on each axis. Raises Refusal."""
        key = (field.name, value)
        if key not in self.known:
            self.known[key] = field.kind.resolve(field.kind.parse(value), self.axes)
        return self.known[key]

    # The values that are tried

    def windows(self) -> Iterator[dict[str, Any]]:
        """Every window but for its padding."""
        kernels = self._values("kernel_size", KERNELS)
        for kernel in kernels:
            dilations = DILATIONS if kernel != 1 else range(1, 2)
            for dilation in self._values("dilation", dilations):
                strides = [*STRIDES, *([kernel] if kernel not in STRIDES else [])]
                for stride in self._values("stride", strides):
                    free = range(max(_widest(stride), _widest(dilation)))
                    for more in self._values("output_padding", free):
                        yield {
                            "kernel_size": kernel,
                            "stride": stride,
                            "dilation": dilation,
                            "output_padding": more,
                        }

    def _values(self, name: str, unless_given: Iterable[Any]) -> Iterable[Any]:
        """The values of a field; one that stands for nothing where the type has no such field."""
        if not any(each.name == name for each in self.window):
            return (0 if name == "output_padding" else 1,)
        return self.choices.get(name, unless_given)

    def paddings(self, window: Mapping[str, Any]) -> Sequence[Any]:
        """The paddings of a window."""
        reach = _widest(window["dilation"]) * (_widest(window["kernel_size"]) - 1)
        return self.choices.get("padding", range(reach + 1))

    # The search

    def solved(self) -> LayerSolutions:
        found: list[LayerSolution] = []
        windows = [*islice(self.windows(), _MOST_WINDOWS + 1)]
        if len(windows) > _MOST_WINDOWS:
            raise self._too_many(f"there are more than {_MOST_WINDOWS:,} windows to look at")
        for window in windows:
            for solution in self._solutions(window):
                found.append(solution)
                if len(found) > _MOST:
                    raise self._too_many(f"there are more than {_MOST:,} solutions")
        if not found and not self.near and self.refused is not None:
            refusal = self.refused
            message = f"{self.cls.type}: {refusal.message}"
            raise ConvcalcError([Diagnostic(refusal.code, message, help=refusal.help)])
        found.sort(key=self._rank)
        return LayerSolutions(
            self.cls.type,
            tuple(found),
            FrozenDict(self._searched()),
            FrozenDict(self.given),
            tuple(
                name
                for name, values in ((_IN, self.inputs), ("out_size", self.targets))
                if len(values) > 1
            ),
            value_of(self.channels),
            self.axes,
            any(len({*_axes(each)}) > 1 for each in (self.inputs[0], self.targets[0])),
            () if found else tuple(self.near[side][1] for side in sorted(self.near)),
        )

    def _solutions(self, window: Mapping[str, Any]) -> Iterator[LayerSolution]:
        """Those of one window, with each padding, input and output."""
        pads, inputs = self.paddings(window), self.inputs
        for target in map(_axes, self.targets):
            if len({*target}) > 1 and self.is_input_open:
                for padding in pads:
                    yield from self._inputs({**window, "padding": padding}, target)
            elif len(pads) > len(inputs):
                for each in inputs:
                    yield from self._along("padding", pads, {**window, _IN: _axes(each)}, target)
            else:
                for padding in pads:
                    yield from self._along(_IN, inputs, {**window, "padding": padding}, target)

    def _along(
        self, free: str, values: Sequence[Any], fixed: Mapping[str, Any], target: _Axes
    ) -> Iterator[LayerSolution]:
        """The solutions among the values of the padding, or of the input, all else being fixed."""
        for run in self._runs(free, values):
            is_one = len(run) == 1
            first, last = (0, 1) if is_one else self._between(free, run, fixed, target)
            for value in run[first:last]:
                yield from self._checked({**fixed, free: value}, target)
            if first == last:
                for place in {first - 1, last} & {
                    *range(max(0, first - 1), min(last + 1, len(run)))
                }:
                    self._note({**fixed, free: run[place]}, target)

    def _inputs(self, fixed: Mapping[str, Any], target: _Axes) -> Iterator[LayerSolution]:
        """The solutions among the inputs whose axes differ, as those of the output do."""
        every = []
        for axis in range(len(target)):
            spans = (
                run[slice(*self._between(_IN, run, fixed, target, axis))]
                for run in self._runs(_IN, self.inputs)
            )
            every.append([value for span in spans for value in span])
        for size in product(*every):
            yield from self._checked({**fixed, _IN: size}, target)

    def _runs(self, free: str, values: Sequence[Any]) -> Iterable[Sequence[Any]]:
        """Values in runs of which each next one makes as much or more."""
        if not isinstance(values, range):
            return [[value] for value in values]
        return [values[::-1] if free == "padding" and self.cls.transposed else values]

    def _between(
        self,
        free: str,
        run: Sequence[Any],
        fixed: Mapping[str, Any],
        target: _Axes,
        axis: int | None = None,
    ) -> tuple[int, int]:
        """From where to where in a run every axis has the wanted size; or one alone."""

        def reached(is_enough: Callable[[int, int], bool], enough: Callable[..., bool]) -> int:
            def key(place: int) -> bool:
                output = self.made(*_parted({**fixed, free: run[place]}))
                if isinstance(output, float):
                    return output > 0
                pairs = [*zip(output, self._spread(target, output))]
                return enough(
                    is_enough(*pair) for pair in (pairs if axis is None else [pairs[axis]])
                )

            return bisect_left(range(len(run)), True, key=key)

        first = reached(operator.ge, all)
        return first, max(first, reached(operator.gt, any))

    def _checked(self, fields: Mapping[str, Any], target: _Axes) -> Iterator[LayerSolution]:
        """The solution that some values are, if they are one."""
        fields, size = _parted(fields)
        output = self.made(fields, size)
        if output == self._spread(target, output):
            yield self._solution(fields, size, output)
        else:
            self._keep(fields, size, output, target)

    def _rank(self, solution: LayerSolution) -> tuple[Any, ...]:
        """What solutions are ordered by: see `usual`."""
        (stride,) = (each for each in self.window if each.name == "stride")
        return (not (stride.default is None and self._tiles(solution)), *usual(solution))

    def _tiles(self, solution: LayerSolution) -> bool:
        """Whether windows stand side by side, all of the input in them, and nothing beside it."""
        fields = solution.fields
        if fields["stride"] != fields["kernel_size"] or fields["padding"] != 0:
            return False
        if fields.get("dilation", 1) != 1:
            return False
        smaller = self.made(fields, tuple([size - 1 for size in solution.input]))
        return isinstance(smaller, float) or all(map(operator.lt, smaller, solution.output))

    def _solution(self, fields: Mapping[str, Any], size: _Axes, output: _Axes) -> LayerSolution:
        own = {each.name: fields[each.name] for each in self.window}
        return LayerSolution(FrozenDict(own), size, output)

    def _note(self, fields: Mapping[str, Any], target: _Axes) -> None:
        """Keep what some values make, which is not what is wanted."""
        fields, size = _parted(fields)
        self._keep(fields, size, self.made(fields, size), target)

    def _keep(self, fields: Mapping[str, Any], size: _Axes, output: Any, target: _Axes) -> None:
        """Keep a size that is not the wanted one, unless one on its side is nearer."""
        if isinstance(output, float):
            return
        wanted = self._spread(target, output)
        solution = self._solution(fields, size, output)
        rank = (sum(abs(a - b) for a, b in zip(output, wanted)), self._rank(solution))
        is_above = sum(output) > sum(wanted)
        if is_above not in self.near or rank < self.near[is_above][0]:
            self.near[is_above] = (rank, solution)

    def _spread(self, target: _Axes, output: Any) -> _Axes:
        """The wanted size of each axis of an output."""
        if isinstance(output, float) or len(target) == len(output):
            return target
        if len(target) == 1:
            return target * len(output)
        message = f"an output of {sizes(target)} has {counted(len(target), 'spatial axis')}"
        message = message.replace("axiss", "axes")
        help = "give the spatial sizes alone, without channels"
        raise fail("bad-value", f"{message}, and a {self.cls.type} makes {len(output)} here", help)

    def _too_many(self, what: str) -> ConvcalcError:
        wide = [f"{name} {text}" for name, text in self._searched().items() if ":" in text]
        return fail("too-many", what, f"give fewer values of some: {', '.join(wide)}")

    def _searched(self) -> dict[str, str]:
        """What is tried, as people write it."""
        found = {_IN: self.asked, "out_size": _written(self.targets)}
        for each in self.window:
            own = self.choices.get(each.name)
            name = each.short or each.name
            found[name] = searched(self.cls, each.name) if own is None else _written(own)
        return found


def usual(solution: LayerSolution) -> tuple[Any, ...]:
    """What solutions are ordered by, usual ones first.

    No dilation; small strides; no output padding; a padding near d(k − 1)/2, under which a stride
    of 1 keeps the size, or near 0 for windows side by side; kernels of 3, then other odd ones, then
    even ones, each from the smallest; small inputs and outputs. Before all of these stand windows
    that tile the input, of a type whose windows stand side by side by default.
    """
    fields = solution.fields
    kernel = _widest(fields.get("kernel_size", 1))
    dilation = _widest(fields.get("dilation", 1))
    padding = fields["padding"]
    is_apart = fields["stride"] != fields.get("kernel_size", 1)
    middle = dilation * (kernel - 1) if is_apart else 0
    off = 0 if isinstance(padding, str) else abs(_both_ends(padding) - middle)
    return (
        dilation,
        _widest(fields["stride"]),
        _widest(fields.get("output_padding", 0)),
        off,
        (kernel % 2 == 0, kernel != 3, kernel),
        solution.output,
        solution.input,
        str(padding),
    )


def _parted(values: Mapping[str, Any]) -> tuple[dict[str, Any], _Axes]:
    """Fields, and the input that stands among them."""
    fields = dict(values)
    return fields, _axes(fields.pop(_IN))


def _both_ends(padding: Any) -> int:
    """The cells that are added to an axis, the first of several."""
    first = padding[0] if isinstance(padding, (list, tuple)) else padding
    return sum(first) if isinstance(first, (list, tuple)) else 2 * first


def _widest(value: Any) -> int:
    """The largest of the values of the axes."""
    return max(value) if isinstance(value, (list, tuple)) else int(value)


def _axes(value: Any) -> _Axes:
    return value if isinstance(value, tuple) else (value,)


def _written(values: Sequence[Any]) -> str:
    """Values as people write them."""
    if isinstance(values, range):
        step = "" if values.step == 1 else f":{values.step}"
        return f"{values[0]}:{values[-1]}{step}" if len(values) > 1 else str(values[0])
    return ",".join(sizes(each) if isinstance(each, tuple) else str(each) for each in values)


# What is given


def _parsed(name: str, kind: Kind, value: Any) -> Any:
    """A field's value as a layer has it. Raises ConvcalcError."""
    try:
        return kind.parse(value)
    except Refusal as refusal:
        name = layers.short_name(name) or name
        raise fail(refusal.code, f"`{name}` {refusal.message}", refusal.help) from None


def _choices(name: str, given: Any, kind: Kind) -> Sequence[Any]:
    """The values that a field of a window may have, each once."""
    kind = kind.kind if isinstance(kind, Optional) else kind
    pieces = [*_pieces(name, given)]
    for piece in pieces:
        for first in piece[:1] if isinstance(piece, range) else piece:
            _parsed(name, kind, first)
    values = _as_one(name, pieces)
    if isinstance(values, range):
        return values
    return [each if (number := whole(each)) is None else number for each in values]  # 3, not 3.0


def _sizes(name: str, given: Any) -> Sequence[Any]:
    """The sizes that an input or an output may have: numbers, or one shape."""
    found: list[Sequence[Any]] = []
    for piece in _pieces(name, given):
        if isinstance(piece, range):
            sizes_in(piece[0])
            found.append(piece)
            continue
        for each in piece:
            shape = sizes_in(each)
            found.append([shape[0] if len(shape) == 1 else shape])
    values = _as_one(name, found)
    are_shapes = not isinstance(values, range) and any(isinstance(each, tuple) for each in values)
    if name == _IN and len(values) > 1 and are_shapes:
        message = "several inputs are numbers, each the size of every axis"
        raise fail("bad-value", message, "give one shape, or numbers: --in 64:256")
    return values


def _pieces(name: str, given: Any) -> Iterator[Sequence[Any]]:
    """Ranges, and single values, in their order. Raises ConvcalcError."""
    given = given.tolist() if hasattr(given, "tolist") else given  # numpy's
    if isinstance(given, range) and given:
        yield given if given.step > 0 else given[::-1]
    elif isinstance(given, str):
        for part in map(str.strip, parts(given)):
            if not part:
                message = f"in {shortened(given)!r}, a value of {quoted(name)} is missing"
                raise fail("bad-value", message, "write one between two commas, and none at an end")
            if ":" not in part:
                yield [_read(name, part)]
                continue
            values = range_of(name, part)
            if not isinstance(values, range):
                message = f"{shortened(part)!r} is no range of whole numbers, as {quoted(name)} has"
                raise fail("bad-value", message, "write first:last or first:last:step: 1:7:2")
            yield values
    elif isinstance(given, (list, range)):
        yield [frozen(each) for each in given]
    else:
        yield [given]


def _read(name: str, text: str) -> Any:
    """One value: a number, one for each axis (`3x5`, `[3, 5]`), or a word."""
    from convcalc.expressions import ExpressionError
    from convcalc.written import evaluated

    each = text.lower().replace("×", "x").split("x")
    if all(part.isascii() and part.isdigit() and len(part) < 19 for part in each):
        return int(text) if len(each) == 1 else tuple(map(int, each))
    try:
        return evaluated(text)
    except ExpressionError as error:
        message = f"{shortened(text)!r} is no value of {quoted(name)}: {error.message}"
        raise fail("bad-value", message, "write 3, 1:7, or 1,3,5") from None


def _as_one(name: str, pieces: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Pieces as one sequence without what is there twice: a range, or a list."""
    if any(isinstance(each, range) and each[-1] > _LARGEST for each in pieces):
        message = f"{quoted(name)} is given values above 10¹⁸"
        raise fail("bad-value", message, "that is more than any layer has")
    if len(pieces) == 1 and isinstance(pieces[0], range):
        return pieces[0]
    if sum(map(len, pieces)) > _MOST:
        message = f"{quoted(name)} is given more than {_MOST:,} values"
        raise fail("too-many", message, "give them as one range")
    if not any(map(len, pieces)):
        raise fail("bad-value", f"{quoted(name)} is given no values", "write 1:7")
    return list(dict.fromkeys(value for piece in pieces for value in piece))
