"""Layers that join tensors, and those that take them apart."""

from __future__ import annotations

from typing import Annotated

from convcalc.arithmetic import either, equal, holds, require, where
from convcalc.layers.axes import resized
from convcalc.layers.base import Join, Layer, Operations, Storage, Unary, layer
from convcalc.layers.fields import Count, CountOrNumbers, OneAxis, Optional, Whole, WholeNumber
from convcalc.layers.grouping import per_group
from convcalc.shape import Shape


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


@layer("add")
class Add(Join):
    """The sum of its inputs, broadcast as PyTorch does.

    Example: `- add: {from: [a, b]}` on `64x56x56`
    """

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return _broadcast("add", inputs)

    def storage(self, x: Shape) -> Storage:
        return Storage.IN_PLACE

    def operations(self, inputs: tuple[Shape, ...], y: Shape) -> Operations:
        return Operations(add=(len(inputs) - 1) * y.size)


@layer("mul")
class Mul(Join):
    """The product of its inputs, broadcast as PyTorch does.

    Example: `- mul: {from: [a, b]}` on `64x56x56`
    """

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return _broadcast("mul", inputs)

    def storage(self, x: Shape) -> Storage:
        return Storage.IN_PLACE

    def operations(self, inputs: tuple[Shape, ...], y: Shape) -> Operations:
        return Operations(mul=(len(inputs) - 1) * y.size)


@layer("concat")
class Concat(Join):
    """Its inputs, one after the other along the channels.

    Example: `- concat: {from: [a, b]}` on `64x56x56`
    """

    moves = True

    def output_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        first = inputs[0]
        channels = first.channels
        for other in inputs[1:]:
            same = len(first) == len(other) and all(
                holds(equal(a, b)) for a, b in zip(first.spatial, other.spatial)
            )
            require(
                same,
                "concat cannot join {a} and {b}: all sizes but the channels must be the same",
                code="shape-mismatch",
                a=first,
                b=other,
            )
            channels = channels + other.channels
        return Shape(channels, *first.spatial)


class _Moving(Unary):
    moves = True


@layer("channel_shuffle")
class ChannelShuffle(_Moving):
    """Interleaves the channels of `groups` groups (Zhang et al. 2018, ShuffleNet, section 3.1).

    groups: how many groups the channels are split into

    Example: `- channel_shuffle: {g: 2}` on `116x28x28`
    """

    axes = (1, 3)

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


_MOST_TERMS = 12
#: Every part is a tensor of its own.
_MOST_PARTS = 4096


@layer("split")
class Split(Layer):
    """Takes the channels apart; its parts are `NAME.0`, `NAME.1`, …

    sections: how many equal parts, or a list with the channels of each

    Example: `- split: {name: parts, sections: 2}` on `116x28x28`
    """

    moves = True

    sections: Annotated[int | tuple[int, ...], CountOrNumbers()]

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        (x,) = inputs
        parts = len(self.sections) if isinstance(self.sections, tuple) else self.sections
        require(
            parts <= _MOST_PARTS,
            "a split into {parts} parts is more than the {most} that there can be",
            code="bad-value",
            field="sections",
            parts=parts,
            most=_MOST_PARTS,
        )
        if isinstance(self.sections, tuple):
            total = sum(self.sections)
            require(
                equal(total, x.channels),
                "parts of {parts} = {total} channels do not make up the input's {channels}",
                code="split",
                field="sections",
                parts=lambda: _terms(self.sections),
                total=total,
                channels=x.channels,
            )
            return tuple(Shape(size, *x.spatial) for size in self.sections)
        size = per_group(x.channels, self.sections, parts="equal parts", field="sections")
        part = Shape(size, *x.spatial)
        return (part,) * self.sections


@layer("slice")
class Slice(_Moving):
    """The channels from `start` up to `stop`, or the cells of another axis.

    start: the first that is kept, from 0
    stop: the first that is not kept; the end when left out
    step: every how many are kept
    axis: 0 for the channels, 1 for the first spatial axis, -1 for the last

    Example: `- slice: {start: 0, stop: 32}` on `64x28x28`
    """

    start: WholeNumber = 0
    stop: Annotated[int | None, Optional(Whole(1))] = None
    step: Count = 1
    axis: OneAxis = 0

    def output_shape(self, x: Shape) -> Shape:
        size = x[self.axis]
        stop = size if self.stop is None else self.stop
        require(
            self.start < stop,
            "a slice from {start} to {stop} of {size} keeps nothing",
            code="slice",
            field="start",
            start=self.start,
            stop=stop,
            size=size,
        )
        require(
            stop <= size,
            "a slice up to {stop} goes past the {size} that there are",
            code="slice",
            field="stop",
            stop=stop,
            size=size,
        )
        kept = (stop - self.start + self.step - 1) // self.step
        return resized(x, self.axis, kept)
