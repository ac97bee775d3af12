"""What a layer keeps from its forward pass for its backward pass.

The rules in the layer types are PyTorch 2.13's: what the formulas of its
tools/autograd/derivatives.yaml name, for the operators that `convcalc export --to pytorch` writes,
none of them in place, by its kernels for processors.
"""

from __future__ import annotations

from typing import NamedTuple

from convcalc.arithmetic import product
from convcalc.shape import Shape


class Wanted(NamedTuple):
    """Which gradients the backward pass of a layer works out."""

    #: Of each of its inputs.
    inputs: tuple[bool, ...]
    #: Of the tensors that it works with.
    weights: bool


class Own(NamedTuple):
    """Elements that are neither input nor output of a layer: the indices of a pool, means."""

    elements: int
    #: Their type; None: that of the layer's numbers.
    dtype: str | None = None
    #: Whether every sample has so many; false: there are so many for all samples together.
    each: bool = True


class Kept(NamedTuple):
    """What a layer keeps for its backward pass, its weights apart."""

    #: Which of its inputs, and which of its outputs.
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    own: tuple[Own, ...] = ()
    #: Whether an input that is a part of a larger tensor is laid out anew, so that the whole need
    #: not be kept for it.
    copies_parts: bool = False


NOTHING_KEPT = Kept()
#: What most layers of one input keep: that, or what they make of it.
INPUT_KEPT = Kept(inputs=(0,))
OUTPUT_KEPT = Kept(outputs=(0,))


def input_and(*elements: int, dtype: str | None = None, each: bool = True) -> Kept:
    """The (first) input, and elements of the layer's own."""
    return Kept((0,), (), tuple([Own(count, dtype, each) for count in elements]))


def padded(x: Shape, sizes: tuple[int, ...]) -> Kept:
    """The input, or a copy of it where it is padded to spatial `sizes` by an operator before."""
    return INPUT_KEPT if sizes == x.spatial else Kept(own=(Own(x.channels * product(sizes)),))


def with_indices(kept: Kept, elements: int) -> Kept:
    """What else is kept, and indices."""
    return kept._replace(own=(*kept.own, Own(elements, "int64")))
