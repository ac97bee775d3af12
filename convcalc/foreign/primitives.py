"""Elementwise operations of foreign networks for which the vocabulary has no layer.

They are no layer types: no spec has them. `convcalc.importers.patterns` takes every one of them as
a part of a layer that there is, or says it in others, or leaves it as `opaque`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from convcalc.layers.base import Layer
from convcalc.layers.fields import Optional, Real, Text
from convcalc.layers.joining import Add
from convcalc.shape import Shape


class Primitive(Layer):
    """An operation on the elements of tensors, which broadcast, or on these and a constant.

    What it costs is not known.

    op: what it is called, in small letters: `erf`, `neg`, `reciprocal`, `rsqrt`, `sign`, `floor`,
        `ceil`, `round`, `sin`, `cos`, `where`; with a constant, or with a second tensor: `pow`,
        `greater`, `less`, `equal`; with a constant that comes first: `rsub` (`value` − x), `rdiv`
        (`value` / x)
    value: the constant: the exponent of `pow`
    """

    type: ClassVar[str] = "primitive"
    family = "primitive"
    arity: ClassVar[int | None] = None

    op: Annotated[str, Text()]
    value: Annotated[float | None, Optional(Real())] = None

    def fewest_inputs(self) -> int:
        return 1

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return inputs if len(inputs) == 1 else Add().output_shapes(inputs)

    def counts(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> None:
        return None
