"""The exact arithmetic of sliding windows, shared by convolutions and pools.

One axis at a time. The rules are PyTorch's (`torch.nn.Conv2d`, `MaxPool2d`, `ConvTranspose2d`; the
arithmetic is derived in Dumoulin and Visin, "A guide to convolution arithmetic for deep learning",
2016); `same` is TensorFlow's and Paddle's.
"""

from __future__ import annotations

from convcalc.arithmetic import ceil_div, exact_div, gcd, maximum, require, where

#: Cells added before and after an axis.
Pads = tuple[int, int]


def effective_kernel(kernel: int, dilation: int = 1) -> int:
    """The cells that a dilated kernel spans: d·(k − 1) + 1."""
    return dilation * (kernel - 1) + 1


def same_pads(size: int, kernel: int, stride: int, dilation: int, *, lower: bool = False) -> Pads:
    """The cells that `same` adds, so that the output has ⌈size / stride⌉ cells.

    The odd cell goes to the end, with `lower` to the start (TensorFlow's `SAME`, ONNX's
    `SAME_LOWER`).
    """
    steps = ceil_div(size, stride) - 1
    total = maximum(steps * stride + effective_kernel(kernel, dilation) - size, 0)
    small = total // 2
    large = total - small
    return (large, small) if lower else (small, large)


def same_size(size: int, stride: int) -> int:
    """⌈size / stride⌉: what `same` padding leaves."""
    return ceil_div(size, stride)


def output_size(size: int, kernel: int, stride: int, pads: Pads, dilation: int) -> int:
    """⌊(size + pads − d·(k − 1) − 1) / s⌋ + 1.

    Raises Refusal where the kernel spans more than the padded input.
    """
    before, after = pads
    _require_window(size, kernel, pads, dilation)
    return (size + before + after - dilation * (kernel - 1) - 1) // stride + 1


def pooled_size(
    size: int, kernel: int, stride: int, pads: Pads, dilation: int, *, ceil_mode: bool
) -> int:
    """`output_size`, or with `ceil_mode` its ceiling.

    A last window that would start in the padding at the end is dropped: it must start inside the
    input or its left padding (PyTorch, aten/src/ATen/native/Pool.h, `pooling_output_shape_pad_lr`).
    With `ceil_mode` a window may hang over the end, so a kernel fits that spans up to stride − 1
    cells more than the padded input. Raises Refusal where not one window fits.
    """
    if not ceil_mode:
        return output_size(size, kernel, stride, pads, dilation)
    before, after = pads
    _require_window(size, kernel, pads, dilation, overhang=stride - 1)
    windows = ceil_div(size + before + after - dilation * (kernel - 1) - 1, stride) + 1
    return where((windows - 1) * stride >= size + before, windows - 1, windows)


def transposed_size(
    size: int, kernel: int, stride: int, pads: Pads, dilation: int, output_padding: int
) -> int:
    """(size − 1)·s − pads + d·(k − 1) + output_padding + 1.

    Raises Refusal where `output_padding` is not below max(stride, dilation), or nothing is left.
    """
    require(
        output_padding < maximum(stride, dilation),
        "output_padding {output_padding} must be smaller than the stride or the dilation,"
        " and they are {stride} and {dilation}",
        code="output-padding",
        field="output_padding",
        output_padding=output_padding,
        stride=stride,
        dilation=dilation,
    )
    before, after = pads
    result = (size - 1) * stride - (before + after) + dilation * (kernel - 1) + output_padding + 1
    require(
        result >= 1,
        "a padding of {before} + {after} takes all of the transposed convolution's output",
        code="empty-output",
        field="padding",
        help="use less padding",
        before=before,
        after=after,
    )
    return result


def reached_cells(size: int, kernel: int, stride: int, dilation: int) -> int:
    """The output cells that a transposed convolution adds something to, before its padding.

    They are the different values of i·s + j·d for i < size, j < kernel: all size·kernel of them but
    those that (i + d′, j − s′) gives as well, s′ and d′ being s and d over gcd(s, d).
    """
    common = gcd(stride, dilation)
    cells = maximum(size - exact_div(dilation, common), 0)
    taps = maximum(kernel - exact_div(stride, common), 0)
    return size * kernel - cells * taps


def adaptive_taps(size: int, output: int) -> int:
    """The input cells that `output` adaptive windows read in all, an overlap counted each time.

    Window a spans ⌊a·n/o⌋ … ⌈(a + 1)·n/o⌉ (PyTorch, aten/src/ATen/native/AdaptivePooling.h); over
    all windows the ends exceed the starts by n + o − gcd(n, o): each but gcd(n, o) of the o inner
    bounds is fractional and is read from both of its sides.
    """
    return size + output - gcd(size, output)


def _require_window(size: int, kernel: int, pads: Pads, dilation: int, overhang: int = 0) -> None:
    before, after = pads
    span = effective_kernel(kernel, dilation)
    padded = size + before + after
    require(
        span <= padded + overhang,
        "a kernel that spans {span} does not fit into {padded}",
        code="kernel-too-large",
        field="kernel_size",
        help=lambda: (
            f"a padding of {ceil_div(span - size - overhang, 2)} would let it fit, or a kernel of"
            f" {(padded + overhang - 1) // dilation + 1}"
        ),
        span=span,
        padded=lambda: (
            f"{padded} cell{'' if padded == 1 else 's'} of"
            f" {'padded input' if before + after else 'input'}"
        ),
    )
