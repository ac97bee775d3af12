"""Layers that join tensors, and those that take them apart."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from convcalc.arithmetic import Refusal, either, equal, holds, require, value_of, where
from convcalc.layers.axes import cells, resized, without
from convcalc.layers.base import Join, Layer, Operations, Storage, Unary, layer
from convcalc.layers.fields import (
    Count,
    CountOrNumbers,
    Numbers,
    OneAxis,
    Optional,
    Place,
    Real,
    Whole,
)
from convcalc.layers.grouping import per_group
from convcalc.layers.keeping import INPUT_KEPT, Kept, Own, Wanted
from convcalc.reach import Doubt, Reach, Sight, kept, only_whole, shifted, sight_of
from convcalc.shape import MOST_AXES, Shape
from convcalc.window import Window


def _broadcast(verb: str, inputs: tuple[Shape, ...]) -> Shape:
    """The common shape of tensors that are added or multiplied: PyTorch's broadcasting by axis."""
    result = inputs[0]
    for other in inputs[1:]:
        require(
            len(result) == len(other),
            "{verb} cannot join {a} and {b}: one has {m} axes, the other {n}",
            code="shape-mismatch",
            verb=verb,
            a=result,
            b=other,
            m=len(result),
            n=len(other),
        )
        for axis, (a, b) in enumerate(zip(result, other)):
            # A tensor's batch stands before its channels, so axes meet from the front.
            require(
                either(equal(a, b), equal(a, 1), equal(b, 1)),
                "{verb} cannot join {x} and {y}: {a} and {b} {what} differ, and neither is 1",
                code="shape-mismatch",
                verb=verb,
                x=result,
                y=other,
                a=a,
                b=b,
                what="channels" if axis == 0 else "cells",
            )
        result = Shape(*(where(equal(b, 1), a, b) for a, b in zip(result, other)))
    return result


class _Elementwise(Join):
    """One operation on the elements of tensors, or of a tensor and a constant.

    value: a constant, which is joined with one tensor
    """

    #: The primitive operation, of which an element takes one for every operand but the first.
    primitive: ClassVar[str]

    value: Annotated[float | None, Optional(Real())] = None

    def fewest_inputs(self) -> int:
        return super().fewest_inputs() if self.value is None else 1

    def require_inputs(self, count: int) -> None:
        if self.value is not None:
            require(
                count == 1,
                "{type} takes one tensor and the constant {value}, and gets {count} tensors",
                code="input-count",
                field="value",
                help="leave `value` out, or name one tensor; a second {type} takes the constant",
                type=self.type,
                value=self.value,
                count=count,
            )
        elif count == 1:
            wanted = "two tensors or more" if self.arity is None else f"{self.arity} tensors"
            raise Refusal(
                f"{self.type} joins {wanted}, or one and a constant, and gets 1",
                code="input-count",
                help="name them: `from: [a, b]`; or give the constant: `value: 0.5`",
            )
        else:
            super().require_inputs(count)

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return _broadcast(self.type, inputs)

    def storage(self, x: Shape) -> Storage:
        return Storage.IN_PLACE

    def kind(self, x: Shape) -> str:
        return self.family if self.value is None else "elementwise"

    def operations(self, inputs: tuple[Shape, ...], y: Shape) -> Operations:
        others = len(inputs) - 1 if self.value is None else 1
        return Operations(**{self.primitive: others * y.size})

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # They are joined two at a time: the first with the second, what that makes with the third.
        kept, own = set(), []
        before, wants_before = inputs[0], wanted.inputs[0]
        for index, wants in enumerate(wanted.inputs[1:], start=1):
            keeps_before, keeps_other = self._keeps(wants_before, wants)
            if keeps_other:
                kept.add(index)
            if keeps_before and index == 1:
                kept.add(0)
            elif keeps_before:
                own.append(Own(before.size))
            before = _broadcast(self.type, (before, inputs[index]))
            wants_before = wants_before or wants
        return Kept(tuple(sorted(kept)), (), tuple(own))

    def _keeps(self, wants_first: bool, wants_second: bool) -> tuple[bool, bool]:
        """Which of two operands are kept, by which of their gradients are wanted."""
        return False, False


@layer("add")
class Add(_Elementwise):
    """The sum of its inputs, broadcast as PyTorch does; or x + `value`.

    Example: `- add: {from: [a, b]}` on `64x56x56`
    """

    primitive = "add"

    def hands_on(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> tuple[int, ...]:
        return tuple([index for index, x in enumerate(inputs) if x == outputs[0]])


@layer("sub")
class Sub(_Elementwise):
    """The first of two inputs less the second, broadcast as PyTorch does; or x − `value`.

    Example: `- sub: {from: [a, b]}` on `64x56x56`
    """

    primitive = "add"
    arity = 2

    def hands_on(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> tuple[int, ...]:
        return (0,) if inputs[0] == outputs[0] else ()


@layer("mul")
class Mul(_Elementwise):
    """The product of its inputs, broadcast as PyTorch does; or x·`value`.

    Example: `- mul: {from: [a, b]}` on `64x56x56`
    """

    primitive = "mul"

    def _keeps(self, wants_first: bool, wants_second: bool) -> tuple[bool, bool]:
        return wants_second, wants_first


@layer("div")
class Div(_Elementwise):
    """The first of two inputs over the second, broadcast as PyTorch does; or x/`value`.

    Example: `- div: {value: 255}` on `3x224x224`
    """

    primitive = "div"
    arity = 2

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        require(
            self.value != 0,
            "div by the constant 0 has no result",
            code="bad-value",
            field="value",
        )
        return super().output_shape(inputs)

    def _keeps(self, wants_first: bool, wants_second: bool) -> tuple[bool, bool]:
        return wants_second, wants_first or wants_second


class _Extreme(_Elementwise):
    """Each element is one of its operands'."""

    primitive = "cmp"

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return super().kept(inputs, outputs, wanted) if self.value is None else INPUT_KEPT

    def _keeps(self, wants_first: bool, wants_second: bool) -> tuple[bool, bool]:
        is_wanted = wants_first or wants_second
        return is_wanted, is_wanted


@layer("maximum")
class Maximum(_Extreme):
    """The largest of its inputs at every element, broadcast as PyTorch does; or max(x, `value`).

    Example: `- maximum: {from: [a, b]}` on `64x56x56`
    """


@layer("minimum")
class Minimum(_Extreme):
    """The smallest of its inputs at every element, broadcast as PyTorch does; or min(x, `value`).

    Example: `- minimum: {value: 6}` on `64x56x56`
    """


@layer("concat")
class Concat(Join):
    """Its inputs, one after the other along the channels, or along another axis.

    axis: the axis that they are joined along

    Example: `- concat: {from: [a, b]}` on `64x56x56`
    """

    moves = True

    axis: OneAxis = 0

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        first = inputs[0]
        size = first[self.axis]
        for other in inputs[1:]:
            require(
                len(first) == len(other),
                "concat cannot join {a} and {b}: one has {m} axes, the other {n}",
                code="shape-mismatch",
                a=first,
                b=other,
                m=len(first),
                n=len(other),
            )
            sizes = zip(without(first, self.axis), without(other, self.axis))
            require(
                all(holds(equal(a, b)) for a, b in sizes),
                "concat cannot join {a} and {b}: all sizes but {those} must be the same",
                code="shape-mismatch",
                help=lambda: _axis_that_fits(inputs),
                a=first,
                b=other,
                those="the channels" if self.axis == 0 else f"those of axis {self.axis}",
            )
            size = size + other[self.axis]
        return resized(first, self.axis, size)

    def hands_on(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> tuple[int, ...]:
        return tuple(range(len(inputs)))

    def sights(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], part: int
    ) -> tuple[Sight, ...]:
        starts = [sum(x[self.axis] for x in inputs[:index]) for index in range(len(inputs))]
        doubt = Doubt.BESIDE if len(inputs) > 1 else None
        return tuple(_moved(x, self.axis, start, doubt) for x, start in zip(inputs, starts))


def _moved(x: Shape, axis: int, cells: int, doubt: Doubt | None = None) -> Sight:
    """How a tensor sees `x`, which lies so many cells further on in it on an axis.

    The `doubt` is for the part of that axis which is not of `x`.
    """
    if axis == 0 or (cells == 0 and doubt is None):
        return kept(len(x) - 1)
    moved = shifted(cells, doubt)
    return sight_of([moved if each == axis else Reach() for each in range(1, len(x))])


def _axis_that_fits(inputs: tuple[Shape, ...]) -> str:
    """The axis along which inputs can be joined, in words; empty where there is none."""
    first, *others = inputs
    for axis in range(len(first)):
        rest = without(first, axis)
        if all(
            len(other) == len(first)
            and all(holds(equal(a, b)) for a, b in zip(rest, without(other, axis)))
            for other in others
        ):
            return f"`axis: {axis}` would make them fit"
    return ""


class _Moving(Unary):
    moves = True
    inline = True


@layer("channel_shuffle")
class ChannelShuffle(_Moving):
    """Interleaves the channels of `groups` groups (Zhang et al. 2018, ShuffleNet, section 3.1).

    groups: how many groups the channels are split into

    Example: `- channel_shuffle: {g: 2}` on `116x28x28`
    """

    spatial_axes = (1, MOST_AXES - 1)

    groups: Count

    def output_shape(self, x: Shape) -> Shape:
        per_group(x.channels, self.groups)
        return x

    def channel_groups(self, x: Shape) -> int:
        return self.groups


def _terms(numbers: tuple[int, ...]) -> str:
    """A sum as people write it, cut where it is long."""
    shown = " + ".join(map(str, numbers[:_MOST_TERMS]))
    return shown if len(numbers) <= _MOST_TERMS else f"{shown} + …"


def _mended(parts: tuple[int, ...], size: Any) -> str:
    """The parts with another last one, which make up the size; nothing where none does."""
    *others, last = parts
    last += size - sum(parts)
    return f"{_terms((*others, last))} make {size}" if last >= 1 else ""


_MOST_TERMS = 12
#: Every part is a tensor of its own.
_MOST_PARTS = 4096


@layer("split")
class Split(Layer):
    """Takes the channels, or another axis, apart; its parts are `NAME.0`, `NAME.1`, …

    sections: how many equal parts, or a list with the size of each
    sizes: a list with the size of each part, instead of `sections`
    axis: the axis that is taken apart

    Example: `- split: {name: parts, sections: 2}` on `116x28x28`
    """

    moves = True
    inline = True
    one_of = ("sections", "sizes")

    sections: Annotated[int | tuple[int, ...] | None, Optional(CountOrNumbers())] = None
    sizes: Annotated[tuple[int, ...] | None, Optional(Numbers(1))] = None
    axis: OneAxis = 0

    def parts(self, x: Shape) -> tuple[int, ...]:
        """The size of each part on the axis that is split. Raises Refusal."""
        field = "sections" if self.sizes is None else "sizes"
        parts = self.sections if self.sizes is None else self.sizes
        if parts is None or not (self.sections is None or self.sizes is None):
            raise Refusal(
                "split takes either `sections` or `sizes`",
                code="missing-field" if parts is None else "bad-value",
                help="`sections: 2` makes equal parts, `sizes: [8, 24]` says how large each is",
            )
        count = len(parts) if isinstance(parts, tuple) else parts
        require(
            count <= _MOST_PARTS,
            "a split into {parts} parts is more than the {most} that there can be",
            code="bad-value",
            field=field,
            parts=count,
            most=_MOST_PARTS,
        )
        size, what = x[self.axis], cells(self.axis)
        if not isinstance(parts, tuple):
            return (per_group(size, parts, what=what, parts="equal parts", field=field),) * parts
        total = sum(parts)
        require(
            equal(total, size),
            "parts of {parts} = {total} {what} do not make up the input's {size}",
            code="split",
            field=field,
            help=lambda: _mended(parts, value_of(size)),
            parts=lambda: _terms(parts),
            total=total,
            what=what,
            size=size,
        )
        return parts

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        (x,) = inputs
        return tuple(resized(x, self.axis, size) for size in self.parts(x))

    def sights(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], part: int
    ) -> tuple[Sight, ...]:
        (x,) = inputs
        start = sum(output[self.axis] for output in outputs[:part])
        return (_moved(x, self.axis, -start),)

    def is_trained_view(self, x: Shape) -> bool:
        return True


@layer("index_select")
class IndexSelect(_Moving):
    """Cells of an axis by indices that a spec does not say: gathered, rolled, repeated.

    It stands for `torch.index_select`, `gather` with constant indices, `roll`, `flip`, `expand`.

    size: how many cells are taken; as many as there are when left out
    axis: the axis that they are taken of

    Example: `- index_select: {axis: 1, size: 49}` on `3x14x14`
    """

    size: Annotated[int | None, Optional(Whole(1))] = None
    axis: OneAxis = 0

    def output_shape(self, x: Shape) -> Shape:
        return x if self.size is None else resized(x, self.axis, self.size)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return only_whole(len(x) - 1, (self.axis,))  # which cells it takes is not said

    def needed(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], unread: int
    ) -> tuple[int, ...]:
        (y,) = outputs  # which may be one cell, again and again
        return (-(-(y.size - unread) // y[self.axis]),)


@layer("slice")
class Slice(_Moving):
    """The channels from `start` up to `stop`, or the cells of another axis, as Python counts them.

    start: the first that is kept, from 0; a negative one counts from the end
    stop: the first that is not kept; the end when left out
    step: every how many are kept
    axis: the axis that is cut

    Example: `- slice: {start: 0, stop: 32}` on `64x28x28`
    """

    start: Annotated[int, Place()] = 0
    stop: Annotated[int | None, Optional(Place())] = None
    step: Count = 1
    axis: OneAxis = 0

    def _ends(self, size: int) -> tuple[int, int]:
        """The first that is kept and the first that is not, from 0."""
        start = where(self.start < 0, self.start + size, self.start)
        if self.stop is None:
            return start, size
        return start, where(self.stop < 0, self.stop + size, self.stop)

    def output_shape(self, x: Shape) -> Shape:
        size = x[self.axis]
        start, stop = self._ends(size)
        require(
            start < stop,
            "a slice from {start} to {stop} of {size} keeps nothing",
            code="slice",
            field="start" if self.stop is None else "stop",
            start=self.start,
            stop=size if self.stop is None else self.stop,
            size=size,
        )
        require(
            start >= 0,
            "a slice from {start} begins before the {size} that there are",
            code="slice",
            field="start",
            start=self.start,
            size=size,
        )
        require(
            stop <= size,
            "a slice up to {stop} goes past the {size} that there are",
            code="slice",
            field="stop",
            stop=self.stop,
            size=size,
        )
        return resized(x, self.axis, (stop - start + self.step - 1) // self.step)

    def is_trained_view(self, x: Shape) -> bool:
        return True

    def needed(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], unread: int
    ) -> tuple[int, ...]:
        return (outputs[0].size - unread,)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        axis = self.axis % len(x)
        if axis == 0:
            return ()
        start, stop = self._ends(x[axis])
        cut = Window(1, self.step, -start, stop - x[axis])
        return tuple(cut if each == axis else Window(1) for each in range(1, len(x)))
