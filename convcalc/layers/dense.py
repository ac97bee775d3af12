"""Dense layers, and those that only pass or re-arrange what comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from convcalc.arithmetic import divides, equal, exact_div, product, require, value_of
from convcalc.layers.base import Operations, Storage, Unary, Weight, layer, stated
from convcalc.layers.fields import Count, Flag, Numbers, OneAxis, Rate, Whole
from convcalc.layers.keeping import INPUT_KEPT, NOTHING_KEPT, Kept, Own, Wanted
from convcalc.reach import Sight, same_sizes
from convcalc.shape import MOST_AXES, Shape


@layer("linear")
class Linear(Unary):
    """Every output is a weighted sum of all inputs.

    F_in·F_out weights (PyTorch, `torch.nn.Linear`).

    out_features: the number of outputs
    bias: whether a number is added to each output
    per_position: whether it runs over the channels at every position, as PyTorch's does on a
        channels-last tensor, instead of on a flat input

    Example: `- linear: {out: 1000}` on `1280`
    """

    family = "dense"
    absorbs = True
    natural_axes = 0
    stated = (
        stated(
            "in_features",
            Whole(1),
            "input feature",
            lambda layer, x: x.channels if layer.per_position or not x.spatial else None,
            "the features of the input; only checked",
        ),
    )

    out_features: Count
    bias: Flag = True
    per_position: Flag = False

    def output_shape(self, x: Shape) -> Shape:
        require(
            len(x) == 1 or self.per_position,
            "linear takes a flat input, and this one is {shape}",
            code="not-flat",
            help="put `flatten` before it ({features} features), or a global pool and then"
            " `flatten`; `per_position: true` runs it over the channels of every position",
            shape=x,
            features=lambda: x.size,
        )
        return Shape(self.out_features, *x.spatial)

    def weights(self, x: Shape) -> Iterator[Weight]:
        yield Weight("weight", (self.out_features, x.channels))
        if self.bias:
            yield Weight("bias", (self.out_features,))

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(macs=x.channels * y.size, sums=y.size, bias=y.size if self.bias else 0)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        if not wanted.weights:
            return NOTHING_KEPT
        # All positions of all samples become the rows of one matrix, which a part cannot.
        return INPUT_KEPT._replace(copies_parts=len(inputs[0]) > 1)


@layer("scale")
class Scale(Unary):
    """One learned factor a channel (ConvNeXt's layer scale; Touvron et al. 2021, section 2).

    A factor that is a constant is `mul: {value: 0.5}`.

    Example: `- scale` on `96x56x56`
    """

    family = "dense"
    inline = True

    def storage(self, x: Shape) -> Storage:
        return Storage.IN_PLACE

    def weights(self, x: Shape) -> Iterator[Weight]:
        yield Weight("weight", (x.channels,))

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(mul=y.size)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return INPUT_KEPT if wanted.weights else NOTHING_KEPT


class _Passing(Unary):
    moves = True

    def storage(self, x: Shape) -> Storage:
        return Storage.VIEW


@layer("flatten")
class Flatten(_Passing):
    """All axes as one, or those from `start_axis` on (PyTorch, `torch.nn.Flatten`).

    start_axis: the first of those that become one

    Example: `- flatten` on `16x5x5`
    """

    inline = True
    start_axis: OneAxis = 0

    def output_shape(self, x: Shape) -> Shape:
        return Shape(*x[: self.start_axis], product(x[self.start_axis :]))

    def sight(self, x: Shape, y: Shape) -> Sight:
        return same_sizes(x, y)


@layer("reshape")
class Reshape(_Passing):
    """The same elements in another shape.

    shape: the new sizes, channels first; one may be -1, which stands for what is left

    Example: `- reshape: {shape: [16, 25]}` on `16x5x5`
    """

    inline = True
    shape: Annotated[tuple[int, ...], Numbers(-1)]

    def output_shape(self, x: Shape) -> Shape:
        known = product(size for size in self.shape if size != -1)
        open_sizes = sum(size == -1 for size in self.shape)
        require(
            open_sizes <= 1 and 0 not in self.shape,
            "a shape has sizes of 1 or more, and -1 once at the most; this is {shape}",
            code="bad-value",
            field="shape",
            shape=lambda: list(self.shape),
        )
        require(
            len(self.shape) <= MOST_AXES,
            "a tensor has {most} axes at the most, channels and all, and these are {count} sizes",
            code="bad-value",
            field="shape",
            most=MOST_AXES,
            count=len(self.shape),
        )
        fits = divides(known, x.size) if open_sizes else equal(known, x.size)
        require(
            fits,
            "{size} elements ({x}) do not fit into {shape}",
            code="reshape",
            field="shape",
            size=x.size,
            x=x,
            shape=lambda: "×".join("?" if size == -1 else str(size) for size in self.shape),
        )
        left = exact_div(x.size, known) if open_sizes else 1
        return Shape(*(left if size == -1 else size for size in self.shape))

    def sight(self, x: Shape, y: Shape) -> Sight:
        return same_sizes(x, y)


@layer("dropout")
class Dropout(_Passing):
    """Nothing, at inference.

    rate: the share that training drops

    Example: `- dropout: {rate: 0.2}` on `1280`
    """

    rate: Rate = 0.5

    def is_trained_view(self, x: Shape) -> bool:
        return bool(value_of(self.rate) == 0)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # The factor of every element, 0 or 1/(1 − rate); or one 0 for all.
        rate = value_of(self.rate)
        if rate == 0:
            return NOTHING_KEPT
        return Kept(own=(Own(1, each=False) if rate == 1 else Own(outputs[0].size),))


@layer("identity")
class Identity(_Passing):
    """Nothing.

    Example: `- identity` on `64x56x56`
    """
