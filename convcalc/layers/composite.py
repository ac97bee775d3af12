"""Blocks that come with convcalc, written in the spec language; they expand to their parts."""

from __future__ import annotations

from typing import Annotated, ClassVar

from convcalc.layers.base import Layer, layer
from convcalc.layers.fields import Choice, Count, Flag, Padding, PerAxis, WholeNumber

_ACTIVATIONS = (
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "gelu",
    "silu",
    "swish",
    "hard_swish",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "softmax",
    "mish",
    "softplus",
)


class Composite(Layer):
    """A layer type that stands for a stack of others; its fields are the arguments of a block."""

    family = "composite"
    #: The block's `let` and `layers`, in the spec language.
    body: ClassVar[str]


def _one_of(field: str) -> str:
    """The lines of a stack that is the one activation that `field` names."""
    return "".join(
        f"\n              - {name}: {{when: \"{field} == '{name}'\"}}" for name in _ACTIVATIONS
    )


@layer("separable_conv")
class SeparableConv(Composite):
    """A depthwise convolution, then a pointwise one (Howard et al. 2017, section 3.1).

    1/C_out + 1/k² of the standard convolution's weights and products.

    out_channels: output maps
    kernel_size: the size of the depthwise kernels
    stride: the step between windows, of the depthwise convolution
    padding: as in `conv`, of the depthwise convolution
    dilation: the step between the cells of a window, of the depthwise convolution
    multiplier: maps between the two for each input channel
    bias: whether each of the two has a bias

    Example: `- separable_conv: {out: 64, k: 3, p: 1}` on `32x112x112`
    """

    axes = (1, 3)
    out_channels: Count
    kernel_size: PerAxis
    stride: PerAxis = (1,)
    padding: Padding = ((0, 0),)
    dilation: PerAxis = (1,)
    multiplier: Count = 1
    bias: Flag = True

    body = """
    layers:
      - depthwise_conv:
          {k: kernel_size, s: stride, p: padding, d: dilation, multiplier: multiplier, bias: bias}
      - pointwise_conv: {out: out_channels, bias: bias}
    """


@layer("spatial_separable_conv")
class SpatialSeparableConv(Composite):
    """A k×1 convolution, then a 1×k one (Szegedy et al. 2016, Inception v3, section 3.2). 2-D.

    Both have `out_channels` maps; stride and padding act on the axis that each slides along.

    out_channels: output maps
    kernel_size: k
    stride: the step between windows
    padding: cells added around each axis
    bias: whether each of the two has a bias

    Example: `- spatial_separable_conv: {out: 64, k: 7, p: 3}` on `64x17x17`
    """

    axes = (2, 2)
    out_channels: Count
    kernel_size: Count
    stride: Count = 1
    padding: WholeNumber = 0
    bias: Flag = True

    body = """
    layers:
      - conv: {out: out_channels, k: [kernel_size, 1], s: [stride, 1], p: [padding, 0], bias: bias}
      - conv: {out: out_channels, k: [1, kernel_size], s: [1, stride], p: [0, padding], bias: bias}
    """


@layer("squeeze_excite")
class SqueezeExcite(Composite):
    """Weighs the channels by what a small network makes of their means (Hu et al. 2018, section 3).

    Global mean, 1×1 convolution to `squeeze` channels, activation, 1×1 convolution back, gate,
    product.

    squeeze: the channels between the two convolutions
    activation: between the two convolutions
    gate: after them

    Example: `- squeeze_excite: {squeeze: 24}` on `96x28x28`
    """

    axes = (1, 3)
    squeeze: Count
    activation: Annotated[str, Choice(*_ACTIVATIONS)] = "relu"
    gate: Annotated[str, Choice(*_ACTIVATIONS)] = "sigmoid"

    body = f"""
    let: {{channels: in_channels}}
    layers:
      - branches:
          merge: mul
          paths:
            - []
            - - global_avg_pool
              - conv: {{name: squeeze, out: squeeze, k: 1}}{_one_of("activation")}
              - conv: {{name: excite, out: channels, k: 1}}{_one_of("gate")}
    """
