"""The exact arithmetic of sliding windows, shared by convolutions and pools.

One axis at a time. The rules are PyTorch's (`torch.nn.Conv2d`, `MaxPool2d`, `ConvTranspose2d`; the
arithmetic is derived in Dumoulin and Visin, "A guide to convolution arithmetic for deep learning",
2016); `same` is TensorFlow's and Paddle's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.arithmetic import ceil_div, exact_div, gcd, maximum, require, where


class Window(NamedTuple):
    """What slides along one axis.

    `kernel` cells, `dilation` apart, every `stride` cells of an input with `before` and `after`
    cells added. Of a transposed convolution, what slides along its output.
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1

    @property
    def span(self) -> int:
        """The cells from the first of the kernel to its last: d·(k − 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    def output_size(self, size: int) -> int:
        """⌊(size + pads − d·(k − 1) − 1) / s⌋ + 1.

        Raises Refusal where the kernel spans more than the padded input.
        """
        self._require_room(size)
        return (
            size + self.before + self.after - self.dilation * (self.kernel - 1) - 1
        ) // self.stride + 1

    def pooled_size(self, size: int, *, ceil_mode: bool) -> int:
        """`output_size`, or with `ceil_mode` its ceiling.

        A last window that would start in the padding at the end is dropped: it must start inside
        the input or its left padding (PyTorch, aten/src/ATen/native/Pool.h,
        `pooling_output_shape_pad_lr`). With `ceil_mode` a window may hang over the end, so a kernel
        fits that spans up to stride − 1 cells more than the padded input. Raises Refusal where not
        one window fits.
        """
        if not ceil_mode:
            return self.output_size(size)
        self._require_room(size, overhang=self.stride - 1)
        cells = size + self.before + self.after - self.dilation * (self.kernel - 1) - 1
        windows = ceil_div(cells, self.stride) + 1
        return where((windows - 1) * self.stride >= size + self.before, windows - 1, windows)

    def transposed_size(self, size: int, output_padding: int) -> int:
        """(size − 1)·s − pads + d·(k − 1) + output_padding + 1.

        Raises Refusal where `output_padding` is not below max(stride, dilation), or nothing is
        left.
        """
        require(
            output_padding < maximum(self.stride, self.dilation),
            "output_padding {output_padding} must be smaller than the stride or the dilation,"
            " and they are {stride} and {dilation}",
            code="output-padding",
            field="output_padding",
            output_padding=output_padding,
            stride=self.stride,
            dilation=self.dilation,
        )
        pads = self.before + self.after
        steps = (size - 1) * self.stride
        result = steps - pads + self.dilation * (self.kernel - 1) + output_padding + 1
        require(
            result >= 1,
            "a padding of {before} + {after} takes all of the transposed convolution's output",
            code="empty-output",
            field="padding",
            help="use less padding",
            before=self.before,
            after=self.after,
        )
        return result

    def reached_cells(self, size: int) -> int:
        """The output cells that a transposed convolution adds something to, before its padding.

        They are the different values of i·s + j·d for i < size, j < kernel: all size·kernel of them
        but those that (i + d′, j − s′) gives as well, s′ and d′ being s and d over gcd(s, d).
        """
        common = gcd(self.stride, self.dilation)
        cells = maximum(size - exact_div(self.dilation, common), 0)
        taps = maximum(self.kernel - exact_div(self.stride, common), 0)
        return size * self.kernel - cells * taps

    def _require_room(self, size: int, overhang: int = 0) -> None:
        padded = size + self.before + self.after
        span = self.span
        require(
            span <= padded + overhang,
            "a kernel that spans {span} does not fit into {padded}",
            code="kernel-too-large",
            field="kernel_size",
            help=lambda: (
                f"a padding of {ceil_div(span - size - overhang, 2)} would let it fit, or a kernel"
                f" of {(padded + overhang - 1) // self.dilation + 1}"
            ),
            span=span,
            padded=lambda: (
                f"{padded} cell{'' if padded == 1 else 's'} of"
                f" {'padded input' if self.before + self.after else 'input'}"
            ),
        )


def same(size: int, kernel: int, stride: int, dilation: int = 1, *, lower: bool = False) -> Window:
    """The window of the padding `same`, under which the output has ⌈size / stride⌉ cells.

    The odd cell goes to the end, with `lower` to the start (TensorFlow's `SAME`, ONNX's
    `SAME_LOWER`).
    """
    steps = ceil_div(size, stride) - 1
    total = maximum(steps * stride + dilation * (kernel - 1) + 1 - size, 0)
    small = total // 2
    large = total - small
    before, after = (large, small) if lower else (small, large)
    return Window(kernel, stride, before, after, dilation)


def windows_over(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[tuple[int, int]] | str,
    dilation: Sequence[int],
) -> tuple[Window, ...]:
    """The window on each axis of an input of `sizes`; `padding` is pairs, `same` or `same_lower`.

    Raises ValueError where there is not one value for every axis.
    """
    if isinstance(padding, str):
        lower = ("same", "same_lower").index(padding) == 1
        axes = zip(sizes, kernel, stride, dilation, strict=True)
        return tuple([same(*axis, lower=lower) for axis in axes])
    fields = zip(kernel, stride, padding, dilation, sizes, strict=True)
    return tuple([Window(k, s, *pads, d) for k, s, pads, d, _ in fields])


def same_size(size: int, stride: int) -> int:
    """⌈size / stride⌉: what `same` padding leaves."""
    return ceil_div(size, stride)


def adaptive_taps(size: int, output: int) -> int:
    """The input cells that `output` adaptive windows read in all, an overlap counted each time.

    Window a spans ⌊a·n/o⌋ … ⌈(a + 1)·n/o⌉ (PyTorch, aten/src/ATen/native/AdaptivePooling.h); over
    all windows the ends exceed the starts by n + o − gcd(n, o): each but gcd(n, o) of the o inner
    bounds is fractional and is read from both of its sides.
    """
    if output is size:  # an axis that keeps its size
        return size
    return size + output - gcd(size, output)
