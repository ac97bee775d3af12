"""Activations. Each says what one element costs; a change of sign is free."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from convcalc.arithmetic import either, equal, product, require
from convcalc.layers.base import NOTHING, Operations, Storage, Unary, Weight, layer
from convcalc.layers.fields import Count, OneAxis, Optional, Real
from convcalc.layers.keeping import INPUT_KEPT, OUTPUT_KEPT, Kept, Wanted
from convcalc.reach import Sight, only_whole
from convcalc.shape import Shape


class Activation(Unary):
    """What `each` says is done to every element."""

    family = "activation"
    vanishes: ClassVar[bool] = True
    #: The operations on one element.
    each: ClassVar[Operations] = NOTHING
    #: Whether its backward pass goes by what it made; else it goes by what it was given.
    keeps_output: ClassVar[bool] = False

    def operations(self, x: Shape, y: Shape) -> Operations:
        return self.each.times(y.size)

    def storage(self, x: Shape) -> Storage:
        return Storage.IN_PLACE

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return OUTPUT_KEPT if self.keeps_output else INPUT_KEPT


@layer("relu")
class ReLU(Activation):
    """max(x, 0): one comparison.

    Example: `- relu` on `64x56x56`
    """

    each = Operations(cmp=1)
    keeps_output = True


@layer("relu6")
class ReLU6(Activation):
    """min(max(x, 0), 6): two comparisons (Howard et al. 2017).

    Example: `- relu6` on `32x112x112`
    """

    each = Operations(cmp=2)


@layer("leaky_relu")
class LeakyReLU(Activation):
    """x where x > 0, else a·x: a comparison and a product (Maas et al. 2013).

    Example: `- leaky_relu` on `64x56x56`
    """

    each = Operations(cmp=1, mul=1)


@layer("prelu")
class PReLU(Activation):
    """x where x > 0, else a·x, with a learned a: a comparison and a product (He et al. 2015).

    num_parameters: how many slopes are learned: 1 for all channels, or one for each channel

    Example: `- prelu` on `64x56x56`
    """

    each = Operations(cmp=1, mul=1)
    num_parameters: Count = 1

    def output_shape(self, x: Shape) -> Shape:
        require(
            either(equal(self.num_parameters, 1), equal(self.num_parameters, x.channels)),
            "{count} slopes fit neither all channels nor each of {channels}",
            code="bad-value",
            field="num_parameters",
            help="1, or {channels}",
            count=self.num_parameters,
            channels=x.channels,
        )
        return x

    def weights(self, x: Shape) -> Iterator[Weight]:
        yield Weight("weight", (self.num_parameters,))


@layer("elu")
class ELU(Activation):
    """x where x > 0, else a·(eˣ − 1): a comparison, an exponential, an addition, a product.

    Clevert et al. 2016.

    Example: `- elu` on `64x56x56`
    """

    each = Operations(cmp=1, exp=1, add=1, mul=1)


@layer("gelu")
class GELU(Activation):
    """x/2·(1 + erf(x/√2)): three products, an error function, an addition.

    Hendrycks and Gimpel 2016.

    Example: `- gelu` on `96x56x56`
    """

    each = Operations(mul=3, erf=1, add=1)


@layer("sigmoid")
class Sigmoid(Activation):
    """1/(1 + e⁻ˣ): an exponential, an addition, a division.

    Example: `- sigmoid` on `64x1x1`
    """

    each = Operations(exp=1, add=1, div=1)
    keeps_output = True


@layer("silu", "swish")
class SiLU(Activation):
    """x·sigmoid(x): a sigmoid and a product (Ramachandran et al. 2017, "Swish").

    Example: `- silu` on `32x112x112`
    """

    each = Operations(exp=1, add=1, div=1, mul=1)


@layer("hard_sigmoid")
class HardSigmoid(Activation):
    """min(max(x + 3, 0), 6)/6: an addition, two comparisons, a product (Howard et al. 2019).

    Example: `- hard_sigmoid` on `64x1x1`
    """

    each = Operations(add=1, cmp=2, mul=1)


@layer("hard_swish")
class HardSwish(Activation):
    """x·hard_sigmoid(x): a hard sigmoid and a product (Howard et al. 2019).

    Example: `- hard_swish` on `16x112x112`
    """

    each = Operations(add=1, cmp=2, mul=2)


@layer("tanh")
class Tanh(Activation):
    """1 − 2/(e²ˣ + 1): a product, an exponential, two additions, a division.

    Example: `- tanh` on `6x28x28`
    """

    each = Operations(mul=1, exp=1, add=2, div=1)
    keeps_output = True


@layer("softplus")
class Softplus(Activation):
    """ln(1 + eˣ): an exponential, an addition, a logarithm.

    Example: `- softplus` on `64x56x56`
    """

    each = Operations(exp=1, add=1, log=1)


@layer("mish")
class Mish(Activation):
    """x·tanh(softplus(x)): a softplus, a hyperbolic tangent and a product (Misra 2019).

    Example: `- mish` on `64x56x56`
    """

    each = Operations(exp=2, add=3, log=1, mul=2, div=1)


@layer("softmax")
class Softmax(Activation):
    """eˣ over the sum of eˣ, over the channels of every position, or along another axis.

    The largest of n takes n − 1 comparisons; then n subtractions, n exponentials, n − 1 additions
    and n divisions.

    axis: which axis the sums are along: 0 for the channels, -1 for the last

    Example: `- softmax` on `1000`
    """

    natural_axes = 0
    vanishes = False
    keeps_output = True
    axis: OneAxis = 0

    def operations(self, x: Shape, y: Shape) -> Operations:
        rows = product(size for axis, size in enumerate(x) if axis != self.axis)
        return Operations(cmp=x.size - rows, add=2 * x.size - rows, exp=x.size, div=x.size)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return only_whole(len(x) - 1, (self.axis,))

    def is_in_module(self, functional: bool, attending: bool) -> bool:
        return super().is_in_module(functional, attending) and not attending  # which call `softmax`


@layer("clamp")
class Clamp(Activation):
    """min(max(x, `min`), `max`), or one of the two: a comparison for each.

    min: the least that is left
    max: the most that is left

    Example: `- clamp: {min: 0, max: 1}` on `64x56x56`
    """

    inline = True
    one_of = ("min", "max")

    min: Annotated[float | None, Optional(Real())] = None
    max: Annotated[float | None, Optional(Real())] = None

    def output_shape(self, x: Shape) -> Shape:
        require(
            not (self.min is None and self.max is None),
            "clamp takes `min`, `max` or both",
            code="missing-field",
            help="`clamp: {{min: 0, max: 6}}`",
        )
        require(
            self.min is None or self.max is None or self.min <= self.max,
            "a least of {min} is more than a most of {max}",
            code="bad-value",
            field="min",
            help="the other way round it is `min: {max}, max: {min}`",
            min=self.min,
            max=self.max,
        )
        return x

    def operations(self, x: Shape, y: Shape) -> Operations:
        bounds = (self.min is not None) + (self.max is not None)
        return Operations(cmp=bounds * y.size)


@layer("abs")
class Abs(Activation):
    """|x|: one comparison.

    Example: `- abs` on `64x56x56`
    """

    inline = True
    each = Operations(cmp=1)


@layer("sqrt")
class Sqrt(Activation):
    """√x: one square root.

    Example: `- sqrt` on `64x56x56`
    """

    inline = True
    each = Operations(sqrt=1)
    keeps_output = True


@layer("square")
class Square(Activation):
    """x²: one product.

    Example: `- square` on `64x56x56`
    """

    inline = True
    each = Operations(mul=1)


@layer("exp")
class Exp(Activation):
    """eˣ: one exponential.

    Example: `- exp` on `64x56x56`
    """

    inline = True
    each = Operations(exp=1)
    keeps_output = True


@layer("log")
class Log(Activation):
    """ln x: one logarithm.

    Example: `- log` on `64x56x56`
    """

    inline = True
    each = Operations(log=1)
