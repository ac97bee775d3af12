"""Convolutions: sums of products over sliding windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convcalc.arithmetic import both, equal, exact_div, product, require, truth
from convcalc.layers.base import Operations, Placed, Storage, Unary, Weight, layer, stated
from convcalc.layers.fields import Count, Cut, Flag, Padding, PerAxis, PerAxisFromZero, Whole
from convcalc.layers.grouping import per_group
from convcalc.layers.keeping import INPUT_KEPT, Kept, Own, Wanted, padded
from convcalc.reach import Sight, whole
from convcalc.shape import Shape
from convcalc.window import Window, same_size, windows_over


def _kernel_kind(kernel: tuple[int, ...], groups: Any, channels: Any) -> str:
    """Pointwise, depthwise, grouped or full, as the MobileNet papers' tables tell them apart."""
    if groups == 1:
        return "pointwise conv" if all(size == 1 for size in kernel) else "conv"
    return "depthwise conv" if groups == channels else "grouped conv"


def _storage(channels: int, groups: int, maps: int) -> Storage:
    """A depthwise convolution works channel by channel, each in the place of what it reads."""
    depthwise = both(equal(groups, channels), equal(groups, maps))
    return Storage.IN_PLACE if truth(both(depthwise, groups > 1)) is True else Storage.OWN


def _require_groups(inputs: int, outputs: int, groups: int) -> None:
    """Refuse groups that do not divide the input and the output channels."""
    per_group(inputs, groups, what="input channels", other=outputs)
    per_group(outputs, groups, what="output channels", other=inputs)


#: What PyTorch's convolutions are told first.
IN_CHANNELS = stated(
    "in_channels",
    Whole(1),
    "input channel",
    lambda layer, x: x.channels if x.spatial else None,
    "the channels of the input; only checked",
)


class _Sliding(Unary):
    """The fields and the window of a convolution.

    stride: the step between windows
    padding: cells added at either end of the input: a number, one per axis, a `[before, after]`
        pair per axis, `same` (output = ⌈input / stride⌉, the odd cell at the end), `same_lower` (at
        the start) or `valid`
    dilation: the step between the cells of a window
    bias: whether a number is added to each output map
    """

    family = "convolution"
    absorbs = True
    spatial_axes = (1, 3)
    stated = (IN_CHANNELS,)

    stride: PerAxis = (1,)
    padding: Padding = ((0, 0),)
    dilation: PerAxis = (1,)
    bias: Flag = True

    def kernel(self, x: Shape) -> tuple[int, ...]:
        """The size of the kernel on each axis."""
        raise NotImplementedError

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return windows_over(x.spatial, self.kernel(x), self.stride, self.padding, self.dilation)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        (x,) = inputs
        windows = self.windows(x)
        if self.transposed or all(w.before == w.after for w in windows):
            return INPUT_KEPT
        if self.padding == "same" and all(w.stride == 1 for w in windows):
            # PyTorch knows this rule, and lays on apart only what one end has more than the other.
            margins = [abs(w.after - w.before) for w in windows]
        else:
            margins = [w.before + w.after for w in windows]
        return padded(x, tuple([n + more for n, more in zip(x.spatial, margins)]))

    def positions(self, x: Shape) -> tuple[int, ...]:
        """The number of windows on each axis."""
        axes = zip(self.windows(x), x.spatial)
        if isinstance(self.padding, str):
            return tuple([same_size(n, window.stride) for window, n in axes])
        return tuple([window.output_size(n) for window, n in axes])


@layer("conv")
class Conv(_Sliding):
    """Slides `out_channels` kernels over the input; 1-D, 2-D or 3-D by its input.

    Output ⌊(in + pads − d·(k − 1) − 1)/s⌋ + 1 on every axis; each output is a sum of (C_in/g)·K
    products, K the kernel's size (PyTorch, `torch.nn.Conv2d`; Dumoulin and Visin 2016).

    out_channels: kernels, and so output maps
    kernel_size: the size of a kernel
    groups: parts that the input and output channels are split into, each convolved apart

    Example: `- conv: {out: 64, k: 3, s: 2, p: 1}` on `3x128x128`
    """

    out_channels: Count
    kernel_size: PerAxis
    groups: Count = 1

    def kernel(self, x: Shape) -> tuple[int, ...]:
        return self.kernel_size

    def output_shape(self, x: Shape) -> Shape:
        _require_groups(x.channels, self.out_channels, self.groups)
        return Shape(self.out_channels, *self.positions(x))

    def weights(self, x: Shape) -> Iterator[Weight]:
        per_group = exact_div(x.channels, self.groups)
        yield Weight("weight", (self.out_channels, per_group, *self.kernel_size))
        if self.bias:
            yield Weight("bias", (self.out_channels,))

    def operations(self, x: Shape, y: Shape) -> Operations:
        products = exact_div(x.channels, self.groups) * product(self.kernel_size)
        bias = y.size if self.bias else 0
        return Operations(macs=products * y.size, sums=y.size, bias=bias)

    def storage(self, x: Shape) -> Storage:
        return _storage(x.channels, self.groups, self.out_channels)

    def channel_groups(self, x: Shape) -> int:
        return self.groups

    def kind(self, x: Shape) -> str:
        return _kernel_kind(self.kernel_size, self.groups, x.channels)


@layer("pointwise_conv")
class PointwiseConv(_Sliding):
    """A convolution with a kernel of one cell: a linear layer at every position.

    out_channels: kernels, and so output maps
    groups: parts that the input and output channels are split into, each convolved apart

    Example: `- pointwise_conv: {out: 64}` on `32x56x56`
    """

    out_channels: Count
    groups: Count = 1

    def kernel(self, x: Shape) -> tuple[int, ...]:
        return (1,) * len(x.spatial)

    def output_shape(self, x: Shape) -> Shape:
        _require_groups(x.channels, self.out_channels, self.groups)
        return Shape(self.out_channels, *self.positions(x))

    def weights(self, x: Shape) -> Iterator[Weight]:
        per_group = exact_div(x.channels, self.groups)
        yield Weight("weight", (self.out_channels, per_group, *self.kernel(x)))
        if self.bias:
            yield Weight("bias", (self.out_channels,))

    def operations(self, x: Shape, y: Shape) -> Operations:
        products = exact_div(x.channels, self.groups)
        bias = y.size if self.bias else 0
        return Operations(macs=products * y.size, sums=y.size, bias=bias)

    def storage(self, x: Shape) -> Storage:
        return _storage(x.channels, self.groups, self.out_channels)

    def channel_groups(self, x: Shape) -> int:
        return self.groups

    def kind(self, x: Shape) -> str:
        return "pointwise conv" if self.groups == 1 else "grouped conv"


@layer("depthwise_conv")
class DepthwiseConv(_Sliding):
    """Convolves every channel apart, with `multiplier` kernels each.

    A convolution with as many groups as input channels: K products an output (Howard et al. 2017,
    MobileNets, section 3.1).

    kernel_size: the size of a kernel
    multiplier: output maps for each input channel

    Example: `- depthwise_conv: {k: 3, p: 1}` on `32x112x112`
    """

    kernel_size: PerAxis
    multiplier: Count = 1

    def kernel(self, x: Shape) -> tuple[int, ...]:
        return self.kernel_size

    def output_shape(self, x: Shape) -> Shape:
        return Shape(x.channels * self.multiplier, *self.positions(x))

    def weights(self, x: Shape) -> Iterator[Weight]:
        maps = x.channels * self.multiplier
        yield Weight("weight", (maps, 1, *self.kernel_size))
        if self.bias:
            yield Weight("bias", (maps,))

    def operations(self, x: Shape, y: Shape) -> Operations:
        bias = y.size if self.bias else 0
        return Operations(macs=product(self.kernel_size) * y.size, sums=y.size, bias=bias)

    def storage(self, x: Shape) -> Storage:
        is_same = truth(equal(self.multiplier, 1)) is True
        return Storage.IN_PLACE if is_same else Storage.OWN

    def channel_groups(self, x: Shape) -> int:
        return x.channels

    def kind(self, x: Shape) -> str:
        return "depthwise conv"


@layer("global_depthwise_conv")
class GlobalDepthwiseConv(Unary):
    """A depthwise convolution whose kernel is the whole input.

    One output a channel, C·H·W weights (Chen et al. 2018, MobileFaceNets, section 3.2).

    bias: whether a number is added to each output map

    Example: `- global_depthwise_conv: {bias: false}` on `512x7x7`
    """

    family = "convolution"
    absorbs = True
    spatial_axes = (1, 3)
    stated = (IN_CHANNELS,)

    bias: Flag = True

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return tuple(map(Window, x.spatial))

    def output_shape(self, x: Shape) -> Shape:
        return Shape(x.channels, *(1 for _ in x.spatial))

    def storage(self, x: Shape) -> Storage:
        return Storage.IN_PLACE

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return INPUT_KEPT

    def weights(self, x: Shape) -> Iterator[Weight]:
        yield Weight("weight", (x.channels, 1, *x.spatial))
        if self.bias:
            yield Weight("bias", (x.channels,))

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(macs=x.size, sums=y.size, bias=y.size if self.bias else 0)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return whole(len(x) - 1)

    def channel_groups(self, x: Shape) -> int:
        return x.channels

    def kind(self, x: Shape) -> str:
        return "depthwise conv"


@layer("conv_transpose")
class ConvTranspose(_Sliding):
    """The convolution that runs the other way: each input cell spreads a kernel over the output.

    Output (in − 1)·s − pads + d·(k − 1) + output_padding + 1; each input cell takes part in
    (C_out/g)·K products, which are summed up before padding takes cells off (PyTorch,
    `torch.nn.ConvTranspose2d`; Dumoulin and Visin 2016, chapter 4).

    out_channels: output maps
    kernel_size: the size of a kernel
    stride: the step between the kernels that neighbouring input cells spread
    padding: cells taken off either end of the output: a number, one per axis, a `[before, after]`
        pair per axis, or `valid`: none
    dilation: the step between the cells of a kernel
    output_padding: cells added at the end of the output; smaller than the stride or the dilation
    groups: parts that the input and output channels are split into, each convolved apart

    Example: `- conv_transpose: {out: 32, k: 4, s: 2, p: 1}` on `64x16x16`
    """

    family = "transposed convolution"
    transposed = True

    out_channels: Count
    kernel_size: PerAxis
    padding: Cut = ((0, 0),)
    output_padding: PerAxisFromZero = (0,)
    groups: Count = 1

    def kernel(self, x: Shape) -> tuple[int, ...]:
        return self.kernel_size

    def output_shape(self, x: Shape) -> Shape:
        _require_groups(x.channels, self.out_channels, self.groups)
        require(
            not isinstance(self.padding, str),
            "a transposed convolution takes numbers as padding, not `{padding}`",
            code="bad-value",
            field="padding",
            help="a padding of (k − s)/2, with its odd cell as output_padding, gives in·s cells",
            padding=self.padding,
        )
        axes = zip(self.windows(x), x.spatial, self.output_padding, strict=True)
        return Shape(self.out_channels, *(w.transposed_size(n, more) for w, n, more in axes))

    def weights(self, x: Shape) -> Iterator[Weight]:
        per_group = exact_div(self.out_channels, self.groups)
        yield Weight("weight", (x.channels, per_group, *self.kernel_size))
        if self.bias:
            yield Weight("bias", (self.out_channels,))

    def operations(self, x: Shape, y: Shape) -> Operations:
        kernel = product(self.kernel_size)
        macs = x.size * exact_div(self.out_channels, self.groups) * kernel
        reached = (w.reached_cells(n) for w, n in zip(self.windows(x), x.spatial))
        sums = self.out_channels * product(reached)
        return Operations(macs=macs, sums=sums, bias=y.size if self.bias else 0)

    def channel_groups(self, x: Shape) -> int:
        return self.groups

    def kind(self, x: Shape) -> str:
        return "transposed conv"


@layer("deform_conv")
class DeformConv(Conv):
    """A convolution that samples each tap at an offset from a convolution of its own.

    The offset convolution is part of the layer; it has the same window, a bias and 2·K maps for
    every deformable group (Dai et al. 2017). `modulated` makes that 3·K, the last third a mask that
    passes a sigmoid (Zhu et al. 2019). A sample is interpolated between four cells. 2-D.

    deformable_groups: the input channels are split into this many groups, each with offsets of its
        own
    modulated: whether each sample is weighted by a learned mask

    Example: `- deform_conv: {out: 64, k: 3, p: 1}` on `32x28x28`
    """

    family = "deformable convolution"
    spatial_axes = (2, 2)

    deformable_groups: Count = 1
    modulated: Flag = False

    def offset_channels(self) -> int:
        """The maps of the offset convolution: two numbers a tap, three with a mask."""
        return (3 if self.modulated else 2) * product(self.kernel_size) * self.deformable_groups

    def offset_conv(self, x: Shape) -> Placed:
        """The convolution that makes the offsets."""
        return Conv(
            out_channels=self.offset_channels(),
            kernel_size=self.kernel_size,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
        ).placed((x,))

    def storage(self, x: Shape) -> Storage:
        return Storage.OWN  # a sample may lie anywhere

    def output_shape(self, x: Shape) -> Shape:
        per_group(
            x.channels,
            self.deformable_groups,
            what="input channels",
            parts="deformable groups",
            field="deformable_groups",
        )
        return super().output_shape(x)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        (x,), (y,) = inputs, outputs
        # The offsets; with a mask, those put together, and what the sigmoid makes of the mask.
        # Without one torchvision has a number a sample in its place.
        offsets = self.offset_channels() * y.positions
        read = super().kept(inputs, outputs, wanted)
        if read != INPUT_KEPT or self.padding in ("same", "same_lower"):
            margins = [n + w.before + w.after for n, w in zip(x.spatial, self.windows(x))]
            read = padded(x, tuple(margins))
        return read._replace(own=(*read.own, Own(offsets + (0 if self.modulated else 1))))

    def weights(self, x: Shape) -> Iterator[Weight]:
        yield Weight("offset.weight", (self.offset_channels(), x.channels, *self.kernel_size))
        yield Weight("offset.bias", (self.offset_channels(),))
        yield from super().weights(x)

    def inner_elements(self, y: Shape) -> int:
        return self.offset_channels() * y.positions

    def operations(self, x: Shape, y: Shape) -> Operations:
        kernel = product(self.kernel_size)
        offsets = self.offset_channels() * y.positions
        offset_conv = Operations(macs=x.channels * kernel * offsets, sums=offsets, bias=offsets)
        # One sample a tap, position and channel: four products and three additions. Its four
        # factors are shared by the channels of a deformable group: two distances to the cell
        # before, two complements to 1, and four products of these.
        points = kernel * y.positions * self.deformable_groups
        samples = kernel * y.positions * x.channels
        mask = points if self.modulated else 0
        sampling = Operations(
            mul=4 * samples + 4 * points + (samples if self.modulated else 0),
            add=3 * samples + 4 * points + mask,
            exp=mask,
            div=mask,
        )
        return super().operations(x, y).plus(offset_conv).plus(sampling)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return whole(len(x) - 1)  # an offset may lead anywhere

    def kind(self, x: Shape) -> str:
        return "deformable conv"
