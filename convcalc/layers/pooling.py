"""Pooling: the largest, the mean or the k largest of a window."""

from __future__ import annotations

from typing import Annotated

from convcalc.arithmetic import both, maximum, product, require
from convcalc.layers.base import Operations, Unary, layer
from convcalc.layers.fields import (
    Count,
    Cut,
    EachAxis,
    Flag,
    KeptOrEachAxis,
    Optional,
    Padding,
    PerAxis,
)
from convcalc.layers.keeping import (
    INPUT_KEPT,
    NOTHING_KEPT,
    Kept,
    Own,
    Wanted,
    input_and,
    padded,
    with_indices,
)
from convcalc.reach import Along, Reach, Sight, adaptive, nearest, reach_of, sight_of, whole
from convcalc.shape import Shape
from convcalc.window import Window, adaptive_taps, same_size, windows_over


class _Pool(Unary):
    """The window of a pool.

    kernel_size: the size of a window
    stride: the step between windows; the kernel's size when left out
    padding: cells added at either end of the input (at most half the kernel): a number, one per
        axis, a `[before, after]` pair per axis, `same`, `same_lower` or `valid`
    ceil_mode: whether a last window that hangs over the end counts; it must start inside the input
    """

    family = "pooling"
    spatial_axes = (1, 3)

    kernel_size: PerAxis
    stride: Annotated[tuple[int, ...] | None, Optional(EachAxis(1))] = None
    padding: Padding = ((0, 0),)
    ceil_mode: Flag = False

    def windows(self, x: Shape) -> tuple[Window, ...]:
        stride = self.stride or self.kernel_size
        return windows_over(x.spatial, self.kernel_size, stride, self.padding, self.dilations())

    def dilations(self) -> tuple[int, ...]:
        """The step between the cells of a window, on each axis."""
        return (1,) * len(self.kernel_size)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return self._read(inputs[0])

    def _read(self, x: Shape) -> Kept:
        """The input; padded where PyTorch's pools cannot pad so."""
        windows = self.windows(x)
        if not isinstance(self.padding, str) and all(w.before == w.after for w in windows):
            return INPUT_KEPT
        return self._cut(x)

    def _cut(self, x: Shape) -> Kept:
        """The cells that windows reach, where PyTorch's code cuts or pads the input to these."""
        axes = zip(_Pool.output_shape(self, x).spatial, self.windows(x))
        return padded(x, tuple([(count - 1) * w.stride + w.span for count, w in axes]))

    def output_shape(self, x: Shape) -> Shape:
        windows = self.windows(x)
        axes = zip(windows, x.spatial)
        if isinstance(self.padding, str):
            return Shape(x.channels, *(same_size(n, window.stride) for window, n in axes))
        for kernel, _, *pads, _ in windows:
            for pad in pads:
                require(
                    2 * pad <= kernel,
                    "a padding of {pad} is more than half of a kernel of {kernel}",
                    code="pool-padding",
                    field="padding",
                    help="a window could lie in the padding alone; pad first, with a `pad` layer",
                    pad=pad,
                    kernel=kernel,
                )
        return Shape(x.channels, *(w.pooled_size(n, ceil_mode=self.ceil_mode) for w, n in axes))


@layer("max_pool")
class MaxPool(_Pool):
    """The largest of each window: K − 1 comparisons (PyTorch, `torch.nn.MaxPool2d`).

    dilation: the step between the cells of a window

    Example: `- max_pool: {k: 3, s: 2, p: 1}` on `64x112x112`
    """

    dilation: PerAxis = (1,)

    def dilations(self) -> tuple[int, ...]:
        return self.dilation

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(cmp=(product(self.kernel_size) - 1) * y.size)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return with_indices(self._read(inputs[0]), outputs[0].size)


@layer("avg_pool")
class AvgPool(_Pool):
    """The mean of each window: K − 1 additions and a division (PyTorch, `torch.nn.AvgPool2d`).

    Example: `- avg_pool: {k: 2}` on `256x56x56`
    """

    def output_shape(self, x: Shape) -> Shape:
        # PyTorch's AvgPool3d is alone in not letting its padding make room for the kernel.
        for size, kernel in zip(x.spatial, self.kernel_size) if len(x.spatial) == 3 else ():
            require(
                kernel <= size,
                "a 3-D avg_pool's kernel of {kernel} does not fit into {size} cells of input,"
                " its padding left out",
                code="kernel-too-large",
                field="kernel_size",
                help="pad first, with a `pad` layer",
                kernel=kernel,
                size=size,
            )
        return super().output_shape(x)

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(add=(product(self.kernel_size) - 1) * y.size, div=y.size)


@layer("kmax_pool")
class KMaxPool(_Pool):
    """The `k_max` largest of each window, kept in their order, side by side on the last axis.

    Each costs a pass over what is left: k_max·K − k_max·(k_max + 1)/2 comparisons a window of K
    cells (Kalchbrenner et al. 2014, section 3.3, with a window as long as the sentence).

    k_max: how many of each window are kept

    Example: `- kmax_pool: {k: 4, k_max: 2}` on `16x64`
    """

    natural_axes = 1

    k_max: Count

    def output_shape(self, x: Shape) -> Shape:
        size = product(self.kernel_size)
        require(
            self.k_max <= size,
            "a window of {size} cells has no {k_max} to keep",
            code="k-max",
            field="k_max",
            size=size,
            k_max=self.k_max,
        )
        windows = super().output_shape(x)
        return Shape(*windows[:-1], windows[-1] * self.k_max)

    def operations(self, x: Shape, y: Shape) -> Operations:
        windows = product(super().output_shape(x))
        passes = self.k_max * product(self.kernel_size) - self.k_max * (self.k_max + 1) // 2
        return Operations(cmp=passes * windows)

    def sight(self, x: Shape, y: Shape) -> Sight:
        rules: list[tuple[Reach, ...]] = [(reach_of(window),) for window in self.windows(x)]
        # What is kept of a window lies side by side, and each of it may be any of its cells.
        rules[-1] = (*rules[-1], nearest(self.k_max))
        return tuple(Along(axis, each) for axis, each in enumerate(rules, start=1))

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # The windows laid out, which along one axis are the input seen otherwise; the indices of
        # the largest, and these in order.
        (x,), (y,) = inputs, outputs
        read = self._cut(x)
        if len(x.spatial) > 1:
            windows = product(super().output_shape(x))
            read = Kept(own=(Own(windows * product(self.kernel_size)),))
        return with_indices(with_indices(read, y.size), y.size)


class _GlobalPool(Unary):
    family = "pooling"
    spatial_axes = (1, 3)

    def output_shape(self, x: Shape) -> Shape:
        return Shape(x.channels, *(1 for _ in x.spatial))

    def sight(self, x: Shape, y: Shape) -> Sight:
        return whole(len(x) - 1)


@layer("global_avg_pool")
class GlobalAvgPool(_GlobalPool):
    """The mean of every channel; the axes stay, with size 1.

    Example: `- global_avg_pool` on `1280x7x7`
    """

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(add=x.size - y.size, div=y.size)


@layer("global_max_pool")
class GlobalMaxPool(_GlobalPool):
    """The largest of every channel; the axes stay, with size 1.

    Example: `- global_max_pool` on `1280x7x7`
    """

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(cmp=x.size - y.size)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return with_indices(INPUT_KEPT, outputs[0].size)


def _adaptive_taps(x: Shape, y: Shape) -> int:
    """The cells that all windows of an adaptive pool of all channels read."""
    sizes = zip(x.spatial, y.spatial)
    return x.channels * product(adaptive_taps(n, o) for n, o in sizes)


def adaptive_mean(x: Shape, y: Shape) -> Operations:
    """The operations of the means over adaptive windows: all cells but one, and a division."""
    return Operations(add=_adaptive_taps(x, y) - y.size, div=y.size)


def kept_by_adaptive_mean(y: Shape) -> Kept:
    """What the means over adaptive windows keep; of one window, PyTorch has a plain mean."""
    return NOTHING_KEPT if y.positions == 1 else INPUT_KEPT


class _AdaptivePool(Unary):
    """The output that an adaptive pool reaches.

    output_size: the size of the output: one number, or one per axis, null where it is the input's
    """

    family = "pooling"
    spatial_axes = (1, 3)

    output_size: Annotated[tuple[int | None, ...], KeptOrEachAxis()]

    def output_shape(self, x: Shape) -> Shape:
        sizes = zip(self.output_size, x.spatial, strict=True)
        return Shape(x.channels, *(size if wanted is None else wanted for wanted, size in sizes))

    def sight(self, x: Shape, y: Shape) -> Sight:
        sizes = zip(x.spatial, y.spatial)
        return sight_of([None if o == 1 else adaptive(n, o) for n, o in sizes])


@layer("adaptive_avg_pool")
class AdaptiveAvgPool(_AdaptivePool):
    """The mean over windows ⌊a·n/o⌋ … ⌈(a + 1)·n/o⌉ (PyTorch, `torch.nn.AdaptiveAvgPool2d`).

    Example: `- adaptive_avg_pool: {output_size: 7}` on `512x16x16`
    """

    def operations(self, x: Shape, y: Shape) -> Operations:
        return adaptive_mean(x, y)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return kept_by_adaptive_mean(outputs[0])


@layer("adaptive_max_pool")
class AdaptiveMaxPool(_AdaptivePool):
    """The largest over windows ⌊a·n/o⌋ … ⌈(a + 1)·n/o⌉ (PyTorch, `torch.nn.AdaptiveMaxPool2d`).

    Example: `- adaptive_max_pool: {output_size: 7}` on `512x16x16`
    """

    def operations(self, x: Shape, y: Shape) -> Operations:
        return Operations(cmp=_adaptive_taps(x, y) - y.size)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return with_indices(INPUT_KEPT, outputs[0].size)


@layer("max_unpool")
class MaxUnpool(Unary):
    """Puts each cell back where a max pool took it from, zeros elsewhere: (in − 1)·s − pads + k.

    The way back from `max_pool` with the same window (PyTorch, `torch.nn.MaxUnpool2d`; Zeiler and
    Fergus 2014, section 2.1).

    kernel_size: the size of the pool's windows
    stride: the step between them; the kernel's size when left out
    padding: cells that the pool added at either end: a number, one per axis, a `[before, after]`
        pair per axis, or `valid`: none
    output_size: the size of the output: one number or one per axis, less than a stride from what
        the windows cover; that when left out

    Example: `- max_unpool: {k: 2}` on `64x28x28`
    """

    moves = True
    transposed = True
    spatial_axes = (1, 3)

    kernel_size: PerAxis
    stride: Annotated[tuple[int, ...] | None, Optional(EachAxis(1))] = None
    padding: Cut = ((0, 0),)
    output_size: Annotated[tuple[int, ...] | None, Optional(EachAxis(1))] = None

    def windows(self, x: Shape) -> tuple[Window, ...]:
        stride, ones = self.stride or self.kernel_size, (1,) * len(self.kernel_size)
        return windows_over(x.spatial, self.kernel_size, stride, self.padding, ones)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # Where each cell goes.
        return input_and(inputs[0].positions, dtype="int64", each=False)

    def output_shape(self, x: Shape) -> Shape:
        require(
            not isinstance(self.padding, str),
            "max_unpool takes numbers as padding, not `{padding}`",
            code="bad-value",
            field="padding",
            padding=self.padding,
        )
        sizes = []
        for axis, (size, window) in enumerate(zip(x.spatial, self.windows(x))):
            made = (size - 1) * window.stride - window.before - window.after + window.kernel
            if self.output_size is not None:
                wanted = self.output_size[axis]
                require(
                    both(wanted > made - window.stride, wanted < made + window.stride),
                    "an output of {wanted} is a stride of {stride} or more from the {made} that"
                    " {size} windows cover",
                    code="output-size",
                    field="output_size",
                    help="an output from {least} to {most} fits",
                    least=maximum(made - window.stride + 1, 1),
                    most=made + window.stride - 1,
                    wanted=wanted,
                    stride=window.stride,
                    made=made,
                    size=size,
                )
                made = wanted
            require(
                made >= 1,
                "a padding of {before} + {after} takes all of max_unpool's output",
                code="empty-output",
                field="padding",
                help="use less padding",
                before=window.before,
                after=window.after,
            )
            sizes.append(made)
        return Shape(x.channels, *sizes)
