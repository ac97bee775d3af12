"""Layers that stand for a stack of others, and are counted part by part."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Annotated, ClassVar, Protocol

from convcalc.layers.base import TYPES, Layer, find, layer
from convcalc.layers.convolution import IN_CHANNELS, Conv, DepthwiseConv, PointwiseConv
from convcalc.layers.fields import (
    Choice,
    Count,
    Flag,
    Optional,
    Padding,
    PerAxis,
    Truth,
    WholeNumber,
)
from convcalc.layers.joining import Mul
from convcalc.layers.pooling import GlobalAvgPool
from convcalc.shape import Shape, Tensor


class Parts(Protocol):
    """Where a composite layer puts its parts; see `convcalc.graph.Builder`."""

    def add(self, layer: Layer, *inputs: Tensor, name: str = "") -> tuple[Tensor, ...]:
        """Add a layer on its inputs, called by its type without a `name`; its outputs."""

    def group(self, name: str, type: str) -> AbstractContextManager[None]:
        """A group that everything which is added meanwhile is in."""


class Composite(Layer):
    """A layer type that stands for a stack of others."""

    family = "composite"
    #: Whether the code that has it has a module class of its own for it.
    module: ClassVar[bool] = False

    def require(self, x: Shape) -> None:
        """Refuse an input that its own fields do not fit; its parts refuse the rest.

        Raises Refusal.
        """

    def build(self, parts: Parts, x: Tensor) -> tuple[Tensor, ...]:
        """Add its parts, the first of which takes `x`; what the last one makes. Raises Refusal."""
        raise NotImplementedError

    def standard(self, x: Shape) -> Layer | None:
        """The one layer that does the same job on `x`, to compare it with; None: there is none."""
        return None


class ActivationName(Choice):
    """The name of an activation that needs no field."""

    def __init__(self) -> None:
        """Which there are is asked when it is needed, so that a new one counts."""

    @property
    def words(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(name for name, cls in TYPES.items() if _is_plain_activation(cls))


def _is_plain_activation(cls: type[Layer]) -> bool:
    """Whether a type is an activation all of whose fields may be left out at once."""
    fields = [name for base in cls.__mro__ for name in vars(base).get("__annotations__", ())]
    return (
        cls.family == "activation" and not cls.one_of and all(hasattr(cls, name) for name in fields)
    )


@layer("separable_conv")
class SeparableConv(Composite):
    """A depthwise convolution, then a pointwise one (Howard et al. 2017, section 3.1).

    1/C_out + 1/k² of the standard convolution's weights and products.

    out_channels: output maps
    kernel_size: the size of the depthwise kernels
    stride: the step between windows, of the depthwise convolution
    padding: cells added at either end of the input, of the depthwise convolution: as in `conv`
    dilation: the step between the cells of a window, of the depthwise convolution
    multiplier: maps between the two for each input channel
    bias: whether each of the two has a bias
    depthwise_bias: whether the depthwise convolution has one; as `bias` when left out
    pointwise_bias: whether the pointwise convolution has one; as `bias` when left out

    Example: `- separable_conv: {out: 64, k: 3, p: 1}` on `32x112x112`
    """

    spatial_axes = (1, 3)
    stated = (IN_CHANNELS,)
    out_channels: Count
    kernel_size: PerAxis
    stride: PerAxis = (1,)
    padding: Padding = ((0, 0),)
    dilation: PerAxis = (1,)
    multiplier: Count = 1
    bias: Flag = True
    depthwise_bias: Annotated[bool | None, Optional(Truth())] = None
    pointwise_bias: Annotated[bool | None, Optional(Truth())] = None

    def build(self, parts: Parts, x: Tensor) -> tuple[Tensor, ...]:
        depthwise = DepthwiseConv(
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            multiplier=self.multiplier,
            bias=self.bias if self.depthwise_bias is None else self.depthwise_bias,
        )
        pointwise = PointwiseConv(out_channels=self.out_channels, bias=self._maps_have_bias)
        (y,) = parts.add(depthwise, x)
        return parts.add(pointwise, y)

    def standard(self, x: Shape) -> Layer:
        return Conv(
            out_channels=self.out_channels,
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            bias=self._maps_have_bias,
        )

    @property
    def _maps_have_bias(self) -> bool:
        """Whether a number is added to each output map, as the standard convolution does."""
        return self.bias if self.pointwise_bias is None else self.pointwise_bias


@layer("spatial_separable_conv")
class SpatialSeparableConv(Composite):
    """A k×1 convolution, then a 1×k one (Szegedy et al. 2016, Inception v3, section 3.2). 2-D.

    Both have `out_channels` maps; stride and padding act on the axis that each slides along.

    out_channels: output maps
    kernel_size: the long side of each kernel
    stride: the step between windows
    padding: cells added at either end of each axis
    bias: whether each of the two has a bias

    Example: `- spatial_separable_conv: {out: 64, k: 7, p: 3}` on `64x17x17`
    """

    spatial_axes = (2, 2)
    stated = (IN_CHANNELS,)
    out_channels: Count
    kernel_size: Count
    stride: Count = 1
    padding: WholeNumber = 0
    bias: Flag = True

    def build(self, parts: Parts, x: Tensor) -> tuple[Tensor, ...]:
        k, s, p = self.kernel_size, self.stride, self.padding
        down = Conv(
            out_channels=self.out_channels,
            kernel_size=(k, 1),
            stride=(s, 1),
            padding=((p, p), (0, 0)),
            bias=self.bias,
        )
        across = Conv(
            out_channels=self.out_channels,
            kernel_size=(1, k),
            stride=(1, s),
            padding=((0, 0), (p, p)),
            bias=self.bias,
        )
        (y,) = parts.add(down, x)
        return parts.add(across, y)

    def standard(self, x: Shape) -> Layer:
        return Conv(
            out_channels=self.out_channels,
            kernel_size=(self.kernel_size,),
            stride=(self.stride,),
            padding=((self.padding, self.padding),),
            bias=self.bias,
        )


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

    module = True
    spatial_axes = (1, 3)
    squeeze: Count
    activation: Annotated[str, ActivationName()] = "relu"
    gate: Annotated[str, ActivationName()] = "sigmoid"

    def build(self, parts: Parts, x: Tensor) -> tuple[Tensor, ...]:
        with parts.group("path", "path"):
            pass  # the first path is the identity
        with parts.group("path", "path"):
            (y,) = parts.add(GlobalAvgPool(), x)
            squeeze = Conv(out_channels=self.squeeze, kernel_size=(1,))
            (y,) = parts.add(squeeze, y, name="squeeze")
            (y,) = parts.add(find(self.activation)(), y, name=self.activation)
            excite = Conv(out_channels=x.shape.channels, kernel_size=(1,))
            (y,) = parts.add(excite, y, name="excite")
            (y,) = parts.add(find(self.gate)(), y, name=self.gate)
        return parts.add(Mul(), x, y)
