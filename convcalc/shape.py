"""The shape of a tensor, without its batch, and the tensor itself as layers hand it on."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.arithmetic import product

#: Axes that a tensor has at the most, its channels among them.
MOST_AXES = 8
#: Those of what enters a network: a layer that slides a window takes no more.
MOST_INPUT_AXES = 4


class Shape(tuple[int, ...]):
    """`(channels, *spatial)`, or `(features,)`; channels first, no batch."""

    __slots__ = ()

    def __new__(cls, *sizes: int) -> Shape:
        return tuple.__new__(cls, sizes)

    def __getnewargs__(self) -> tuple[int, ...]:
        return tuple(self)  # what copies and pickles are made from

    @property
    def channels(self) -> int:
        """The first size: channels, or features of a flat tensor."""
        return self[0]

    @property
    def spatial(self) -> tuple[int, ...]:
        """The sizes of the spatial axes; empty for a flat tensor."""
        return tuple(self[1:])

    @property
    def size(self) -> int:
        """The number of elements."""
        return product(self)

    @property
    def positions(self) -> int:
        """The number of spatial positions; 1 for a flat tensor."""
        return product(self[1:])

    def __str__(self) -> str:
        return "×".join(format(size) for size in self)


class Tensor(NamedTuple):
    """What a layer, or the network's input, hands on.

    `node` is the index of the layer, negative for an input (-1 the first); `part` counts the
    outputs of a layer that has several.
    """

    node: int
    part: int
    shape: Shape
