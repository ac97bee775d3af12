"""The axes of a tensor: a shape with one of them changed."""

from __future__ import annotations

from convcalc.shape import Shape


def resized(x: Shape, axis: int, size: int) -> Shape:
    """The shape with another size on one axis."""
    sizes = list(x)
    sizes[axis] = size
    return Shape(*sizes)
