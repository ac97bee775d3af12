"""The axes of a tensor: a shape with one of them changed, and what its sizes count."""

from __future__ import annotations

from convcalc.shape import Shape


def resized(x: Shape, axis: int, size: int) -> Shape:
    """The shape with another size on one axis."""
    sizes = list(x)
    sizes[axis] = size
    return Shape(*sizes)


def without(x: Shape, axis: int) -> tuple[int, ...]:
    """The sizes of the other axes."""
    sizes = list(x)
    del sizes[axis]
    return tuple(sizes)


def cells(axis: int) -> str:
    """What the size of an axis counts, in a message."""
    return "cells" if axis else "channels"
