"""Where the paths of a join differ by a few cells: which layer does it, and what mends it there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from convcalc.arithmetic import Refusal
from convcalc.graph import Builder
from convcalc.layers.base import Placed
from convcalc.layers.convolution import ConvTranspose
from convcalc.shape import Shape, Tensor

#: No more layers are gone through again to see what a change of one makes of them.
_MOST_REPLAYED = 500


class Rounding(NamedTuple):
    """A layer whose stride does not divide the size of its input."""

    node: int
    #: The input of the join that it leads to.
    towards: Tensor
    before: Shape
    after: Shape
    #: The first axis that does not come out even, and its stride.
    axis: int
    stride: int


class Padded(NamedTuple):
    """A transposed convolution that fits with another `output_padding`."""

    node: int
    output_padding: tuple[int, ...]
    #: What it makes then.
    output: Shape


class Paths:
    """The layers that lead to two inputs of a join, each to one of them alone."""

    def __init__(self, builder: Builder, inputs: tuple[Tensor, ...], a: Tensor, b: Tensor) -> None:
        self.builder = builder
        self.inputs = inputs
        above = _above(builder, a), _above(builder, b)
        #: The inputs with the layers of each, in their order.
        self.sides = (
            (a, sorted(above[0] - above[1])),
            (b, sorted(above[1] - above[0])),
        )

    def roundings(self) -> Iterator[Rounding]:
        """The layers whose strides do not divide, on either path."""
        for tensor, nodes in self.sides:
            for node in nodes:
                placed = self.builder.placed(node)
                for axis, stride in _strides(placed):
                    before, after = (Shape(*shape.spatial) for shape in _ends(placed))
                    ratio = before[axis] // stride
                    if before[axis] % stride and after[axis] in (ratio, ratio + 1):
                        yield Rounding(node, tensor, before, after, axis, stride)
                        break

    def padded(self) -> Padded | None:
        """The transposed convolution, and its `output_padding`, under which the inputs agree."""
        for (tensor, nodes), (other, _) in (self.sides, self.sides[::-1]):
            for node in reversed(nodes):
                layer = self.builder.placed(node).layer
                if isinstance(layer, ConvTranspose):
                    found = self._padded(node, layer, tensor, other)
                    if found is not None:
                        return found
        return None

    def _padded(
        self, node: int, layer: ConvTranspose, tensor: Tensor, other: Tensor
    ) -> Padded | None:
        lacking = [b - a for a, b in zip(tensor.shape.spatial, other.shape.spatial)]
        # Further upsampling may stand between it and the join.
        uniform = [(more,) * len(lacking) for more in range(1, min(max(layer.stride), 8))]
        exact = tuple([now + more for now, more in zip(layer.output_padding, lacking)])
        for padding in (exact, *uniform):
            if min(padding) < 0 or padding == layer.output_padding:
                continue
            changed = dataclasses.replace(layer, output_padding=padding)
            made = self._replayed(node, changed)
            if made and len({each.spatial for each in made.values()}) == 1:
                (output,) = changed.placed(self.builder.placed(node).inputs).outputs
                return Padded(node, padding, Shape(*output.spatial))
        return None

    def _replayed(self, node: int, layer: ConvTranspose) -> dict[Tensor, Shape]:
        """The shapes of the join's inputs with another layer at a node; none where one refuses."""
        last = max(tensor.node for tensor in self.inputs)
        if last - node > _MOST_REPLAYED:
            return {}
        changed: dict[int, tuple[Shape, ...]] = {}
        try:
            for index in range(node, last + 1):
                placed, inputs = self.builder.placed(index), self.builder.inputs(index)
                if index == node or any(each.node in changed for each in inputs):
                    shapes = tuple([_shape(each, changed) for each in inputs])
                    new = layer if index == node else placed.layer
                    changed[index] = new.placed(shapes).outputs
        except Refusal:
            return {}
        return {tensor: _shape(tensor, changed) for tensor in self.inputs}


def paths_of(builder: Builder, inputs: tuple[Tensor, ...]) -> Paths | None:
    """The paths of a join to the first two inputs that differ by less than a half of their cells.

    None where no two do so, on the spatial axes.
    """
    for a, b in combinations(inputs[:8], 2):
        sizes = a.shape.spatial, b.shape.spatial
        if len(sizes[0]) == len(sizes[1]) and sizes[0] != sizes[1]:
            near = all(2 * min(pair) > max(pair) for pair in zip(*sizes))
            return Paths(builder, inputs, a, b) if near else None
    return None


def scale_of(builder: Builder) -> int:
    """The product of the strides on the path of a graph that has the largest."""
    scales: dict[int, int] = {}
    for index in range(len(builder)):
        around = max([scales.get(each.node, 1) for each in builder.inputs(index)], default=1)
        strides = [stride for _, stride in _strides(builder.placed(index))]
        scales[index] = around * max(strides, default=1)
    return max(scales.values(), default=1)


def _strides(placed: Placed) -> Iterator[tuple[int, int]]:
    """The spatial axes along which a layer steps over cells, each with its stride."""
    before, after = _ends(placed)
    if not placed.layer.transposed and len(before) == len(after):
        windows = enumerate(placed.windows)
        yield from ((axis, window.stride) for axis, window in windows if window.stride > 1)


def _ends(placed: Placed) -> tuple[Shape, Shape]:
    """What enters a layer, and what leaves it."""
    return placed.entering, placed.outputs[0]


def _shape(tensor: Tensor, changed: dict[int, tuple[Shape, ...]]) -> Shape:
    """The shape of a tensor, where those of some nodes have changed."""
    return changed[tensor.node][tensor.part] if tensor.node in changed else tensor.shape


def _above(builder: Builder, tensor: Tensor) -> set[int]:
    """The nodes that a tensor comes from, at whatever distance."""
    found: set[int] = set()
    waiting: list[Iterable[Tensor]] = [(tensor,)]
    while waiting:
        for each in waiting.pop():
            if each.node >= 0 and each.node not in found:
                found.add(each.node)
                waiting.append(builder.inputs(each.node))
    return found
