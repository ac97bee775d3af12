"""Normalisation at inference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from convcalc.arithmetic import require
from convcalc.layers.base import Operations, Stated, Storage, Unary, Weight, layer, stated
from convcalc.layers.fields import Choice, Count, EachAxis, Flag, Whole
from convcalc.layers.grouping import per_group
from convcalc.layers.keeping import NOTHING_KEPT, Kept, Own, Wanted, input_and
from convcalc.reach import Sight, kept, whole
from convcalc.shape import MOST_AXES, Shape


def _normalized(elements: int, groups: int, affine: bool) -> Operations:
    """`elements` in `groups`: mean and variance of each, then (x − mean) / √(variance + ε).

    The mean takes n − 1 additions and a division; the deviations n subtractions; the variance n
    products, n − 1 additions and a division; ε, a root and a reciprocal come once a group; then a
    product for every element, and with `affine` a product and an addition more.
    """
    scaled = elements if affine else 0
    return Operations(
        add=3 * elements - groups + scaled,
        mul=2 * elements + scaled,
        div=3 * groups,
        sqrt=groups,
    )


def _channels_as(name: str) -> Stated:
    """The channels of the input, by the name that a module of PyTorch has for them."""
    text = "the channels of the input; only checked"
    return stated(name, Whole(1), "channel", lambda layer, x: x.channels, text)


class _Affine(Unary):
    """The learned scale and shift.

    affine: whether a scale and a shift are learned for every channel
    """

    family = "normalization"

    affine: Flag = True

    def weights(self, x: Shape) -> Iterator[Weight]:
        if self.affine:
            yield Weight("weight", (x.channels,))
            yield Weight("bias", (x.channels,))


@layer("batch_norm")
class BatchNorm(_Affine):
    """Scales and shifts every channel by its running statistics (Ioffe and Szegedy 2015).

    At inference the statistics and the learned scale and shift are one product and one addition an
    element. 2C trainable, 2C running (mean and variance; the step counter is left out).

    Example: `- batch_norm` on `64x56x56`
    """

    vanishes = True
    stated = (_channels_as("num_features"),)

    def weights(self, x: Shape) -> Iterator[Weight]:
        yield from super().weights(x)
        yield Weight("running_mean", (x.channels,), trainable=False)
        yield Weight("running_var", (x.channels,), trainable=False)

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(mul=y.size, add=y.size)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # The mean of a channel over the batch, and the inverse of its deviation.
        return input_and(2 * inputs[0].channels, each=False)

    def storage(self, x: Shape) -> Storage:
        return Storage.IN_PLACE


@layer("layer_norm")
class LayerNorm(_Affine):
    """Normalises over the channels of every position, or over all elements (Ba et al. 2016).

    over: `channels`, at every position apart, as ConvNeXt does (2C parameters), or `all` elements,
        each with a scale and a shift of its own, as `torch.nn.LayerNorm([C, H, W])` (2·C·H·W)

    Example: `- layer_norm` on `96x56x56`
    """

    stated = (
        stated(
            "normalized_shape",
            EachAxis(1),
            "",
            lambda layer, x: tuple(x) if layer.over == "all" else (x.channels,),
            "what is normalised over, the channels or the whole input; only checked",
            lambda layer, x, value: "`over: all` normalises over it" if value == tuple(x) else "",
        ),
    )

    over: Annotated[str, Choice("channels", "all")] = "channels"

    def weights(self, x: Shape) -> Iterator[Weight]:
        if self.affine:
            shape = (x.channels,) if self.over == "channels" else tuple(x)
            yield Weight("weight", shape)
            yield Weight("bias", shape)

    def operations(self, x: Shape, y: Shape) -> Operations:
        return _normalized(x.size, self._groups(x), self.affine)

    def is_in_module(self, functional: bool, attending: bool) -> bool:
        return True  # torchvision's `LayerNorm2d` is a module that calls the function

    def _groups(self, x: Shape) -> int:
        """How many means there are."""
        return x.positions if self.over == "channels" else 1

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return input_and(2 * self._groups(inputs[0]))

    def sight(self, x: Shape, y: Shape) -> Sight:
        return kept(len(x) - 1) if self.over == "channels" else whole(len(x) - 1)


@layer("group_norm")
class GroupNorm(_Affine):
    """Normalises over groups of channels and all positions (Wu and He 2018).

    groups: how many groups the channels are split into

    Example: `- group_norm: {g: 8}` on `64x28x28`
    """

    stated = (_channels_as("num_channels"),)

    groups: Count

    def output_shape(self, x: Shape) -> Shape:
        per_group(x.channels, self.groups)
        return x

    def channel_groups(self, x: Shape) -> int:
        return self.groups

    def operations(self, x: Shape, y: Shape) -> Operations:
        return _normalized(x.size, self.groups, self.affine)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return whole(len(x) - 1)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return input_and(2 * self.groups)._replace(copies_parts=True)


@layer("instance_norm")
class InstanceNorm(_Affine):
    """Normalises every channel over its positions (Ulyanov et al. 2016). No running statistics.

    affine: whether a scale and a shift are learned for every channel; false unless said

    Example: `- instance_norm` on `64x28x28`
    """

    spatial_axes = (1, MOST_AXES - 1)
    stated = (_channels_as("num_features"),)

    affine: Flag = False

    def output_shape(self, x: Shape) -> Shape:
        require(
            x.positions > 1,
            "a channel of one cell has nothing to normalise over",
            code="empty-output",
        )
        return x

    def operations(self, x: Shape, y: Shape) -> Operations:
        return _normalized(x.size, x.channels, self.affine)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return whole(len(x) - 1)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # A batch norm of one sample with all samples' channels, so the scale comes once a sample.
        kept = input_and((3 if self.affine else 2) * inputs[0].channels)
        return kept._replace(copies_parts=True)


@layer("rms_norm")
class RMSNorm(_Affine):
    """Divides the channels of every position by their root mean square (Zhang and Sennrich 2019).

    x / √(mean of x² + ε), as `torch.nn.RMSNorm` over the channels: a square for every element, n −
    1 additions and a division for the mean of n; ε, a root and a reciprocal once a position; then a
    product for every element, and with `affine` one more.

    affine: whether a scale is learned for every channel

    Example: `- rms_norm` on `768x197`
    """

    stated = (
        stated(
            "normalized_shape",
            EachAxis(1),
            "",
            lambda layer, x: (x.channels,),
            "what is normalised over, the channels; only checked",
        ),
    )
    natural_axes = 1

    def weights(self, x: Shape) -> Iterator[Weight]:
        if self.affine:
            yield Weight("weight", (x.channels,))

    def operations(self, x: Shape, y: Shape) -> Operations:
        n, rows = x.size, x.positions
        return Operations(mul=2 * n + (n if self.affine else 0), add=n, div=2 * rows, sqrt=rows)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # The reciprocals of the roots, and what the learned scale is multiplied with.
        (x,) = inputs
        kept = input_and(x.positions) if wanted.inputs[0] else NOTHING_KEPT
        return kept._replace(own=(*kept.own, Own(x.size))) if wanted.weights else kept


@layer("local_response_norm")
class LocalResponseNorm(Unary):
    """Divides by a power of the squares of `size` neighbouring channels.

    x / (k + α/n · Σ x²)^β: a square each, size − 1 additions, a product and an addition, the power
    as a logarithm, a product and an exponential, and a division (Krizhevsky et al. 2012, section
    3.3).

    size: how many neighbouring channels are summed

    Example: `- local_response_norm: {size: 5}` on `96x27x27`
    """

    family = "normalization"
    spatial_axes = (1, MOST_AXES - 1)

    size: Count

    def operations(self, x: Shape, y: Shape) -> Operations:
        n = y.size
        return Operations(mul=3 * n, add=self.size * n, log=n, exp=n, div=n)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # The squares, padded, that are summed; what is taken to the power, and the power.
        (x,) = inputs
        squares = (x.channels + self.size - 1) * x.positions
        return input_and(squares, x.size, x.size)
