"""flax's `nn.tabulate(compute_flops=True)`: XLA's cost analysis of the unoptimised program.

flax/linen/summary.py (`_get_flops`), flax 0.12.8, jax 0.10.2; xla/service/hlo_cost_analysis.cc. It
prints "flops", and they are: 2 a multiply–accumulate, 1 an elementwise operation, comparisons and
selections too.

- Products of a convolution that fall in its padding are not counted.
- Exponentials, logarithms, roots, tanh and the error function are "transcendentals", which are not
  in the number: tanh is 0. An exact gelu is 66, since `erfc` is written out as a polynomial.
- Batch norm at inference: 3 an element and 2 a channel, whatever the batch.
- Sums run in 32-bit floats: above 2²⁴ the tool's total is off in the eighth digit. This is the
  exact sum.
- A 1-D pool with k = 2·p + 1 and p + 1 outputs has a special case that is not reproduced. Where
  flax has no such layer there is no number; an adaptive pool to 1 is a mean or a maximum over the
  positions.
- The bounds of a clamp are decimals: whole ones are converted, 1 each, which is not counted here.
- A `self_attention` is `nn.MultiHeadDotProductAttention`, which divides the queries by √d, not the
  products. With `use_bias=False` the projection has no bias as well, so `qkv_bias: false` is only
  near it.
- Cells that a `pad` cuts off are taken for a slice. `unfold`, `fold` and `max_unpool` have no
  layer: no number. (`jax.lax.conv_general_dilated_patches` is a convolution.)
- Parameters are all collections: 4 a channel of a batch norm, and one for a prelu.
"""

from convcalc.arithmetic import decided, exact_div, product
from convcalc.conventions.base import Convention, Quantities, in_attention, in_numbers, table
from convcalc.window import Window


def lost(q: Quantities) -> int:
    """MACs that read padding, or of a transposed convolution write what is cut off."""
    windows = q.placed.windows
    if all(decided(w.before) == 0 and decided(w.after) == 0 for w in windows):
        return 0
    windows = tuple([Window(*in_numbers(window)) for window in windows])
    outside, inside = in_numbers(q.y.spatial), in_numbers(q.x.spatial)
    if q.layer.transposed:
        outside, inside = inside, outside
    taps = product(n * window.kernel for n, window in zip(outside, windows))
    reached = product(_reached(*axis) for axis in zip(outside, inside, windows))
    return q.macs - exact_div(q.macs, taps) * reached


def _reached(windows: int, size: int, window: Window) -> int:
    """The pairs of a window i and a tap j with 0 ≤ i·s + j·d − before < size."""
    kernel, stride, low, _, dilation = window

    def up_to(limit: int) -> int:
        """The pairs with i·s + j·d ≤ limit, i however large."""
        if limit < 0:
            return 0
        taps = min(kernel, limit // dilation + 1)
        return taps + _floor_sum(taps, dilation, limit - (taps - 1) * dilation, stride)

    def below(cell: int) -> int:
        """The pairs of a window that there is, with i·s + j·d < cell."""
        return up_to(cell - 1) - up_to(cell - 1 - windows * stride)

    return below(low + size) - below(low)


def _floor_sum(n: int, a: int, b: int, m: int) -> int:
    """Σ ⌊(a·i + b)/m⌋ for i from 0 to n − 1, by Euclid's algorithm: kernels may be long."""
    total = 0
    while True:
        total += n * (n - 1) // 2 * (a // m) + n * (b // m)
        highest = a % m * n + b % m
        if highest < m:
            return total
        n, a, b, m = highest // m, m, highest % m, a % m


def resized(q: Quantities) -> int:
    """Nearest: 8 for each output row and column; else two matrix products, and their weights."""
    q = q.numbers
    if q.layer.mode == "nearest":
        return 8 * sum(q.y.spatial)
    (n, n2), (m, m2) = q.x.spatial, q.y.spatial
    products = min(n2 * m * (n + m2), n * m2 * (n2 + m))
    weights = 10 if q.layer.mode == "bilinear" else 22
    return 2 * q.channels * q.batch * products + sum(
        weights * a * b + 9 * b + 3 for a, b in ((n, m), (n2, m2))
    )


def unmeasured(q: Quantities) -> bool:
    """Whether an axis does not grow, or the mode is neither nearest, bilinear nor bicubic."""
    if q.layer.mode == "nearest":
        return False
    grows = all(a < b for a, b in zip(q.x.spatial, q.y.spatial))
    return not grows or q.layer.mode not in ("bilinear", "bicubic")


def padded(q: Quantities) -> int:
    """1, the constant, where any cells are added."""
    if isinstance(q.layer.padding, str):
        return 1
    return int(any(end > 0 for ends in q.numbers.layer.padding for end in ends))


CONVENTION = Convention(
    name="flax",
    tool="flax.linen.tabulate",
    version="flax 0.12.8, jax 0.10.2",
    unit="FLOPs",
    meaning="2 a multiply–accumulate on real input, 1 an elementwise operation",
    summary="2 a MAC outside the padding, biases, 3 an element of a batch norm, 1 of a relu",
    share=0.02,
    rules=table(
        {
            "conv pointwise_conv depthwise_conv conv_transpose": "2 * (macs - lost) + bias",
            "global_depthwise_conv linear": "2 * macs + bias",
            "batch_norm": "3 * inp + 2 * channels if affine else 2 * inp + channels",
            "layer_norm": "(7 if affine else 5) * inp + 4 * rows",
            "group_norm": "6 * inp + batch * (3 * groups + 2 * channels) if affine"
            " else 5 * inp + batch * (3 * groups + channels)",
            "instance_norm": "6 * inp + 5 * channels * batch if affine"
            " else 5 * inp + 4 * channels * batch",
            "relu": "inp",
            "relu6": "2 * inp",
            "leaky_relu": "3 * inp",
            "prelu": "3 * inp",
            "elu": "4 * inp",
            "gelu": "66 * inp",
            "silu": "4 * inp",
            "sigmoid": "3 * inp",
            "hard_sigmoid": "4 * inp",
            "hard_swish": "5 * inp",
            "tanh": "0",
            "softplus": "6 * inp",
            "mish": "7 * inp",
            "softmax": "2 * inp + add",
            "rms_norm": "(4 if affine else 3) * inp + rows",
            "clamp": "cmp",
            "abs square": "inp",
            "sqrt exp log": "0",
            "max_pool": "(kernel - 1) * out",
            "avg_pool": "kernel * out",
            "adaptive_avg_pool global_avg_pool": "inp",
            "global_max_pool adaptive_max_pool": "inp - out",
            "add sub div maximum minimum": "max(inputs - 1, 1) * out",
            "mul": "0 if attends else max(inputs - 1, 1) * out",
            "matmul": "2 * macs + inp if attends and transpose_a else 2 * macs",
            "reduce": "operations - sqrt",
            "scale": "out",
            "upsample": "resized",
            "pad": "padded",
        }
    ),
    default=None,
    missing="unfold max_unpool",
    gaps=table(
        {
            "adaptive_avg_pool adaptive_max_pool": "max(output_size) > 1",
            "conv_transpose": "groups > 1",
            "layer_norm": "over == 'all'",
            "max_pool": "max(dilation) > 1",
            "upsample": "unmeasured",
        }
    ),
    parameters={"batch_norm": "params + buffers", "prelu": "1"},
    quantities={"lost": lost, "resized": resized, "unmeasured": unmeasured, "padded": padded},
    places=in_attention,
)
