"""calflops (`calculate_flops`), its FLOPs: patches of the functions that modules call.

calflops/pytorch_ops.py and calculate_pipline.py, version 0.3.2. It prints "FLOPs": 2 a
multiply–accumulate, 1 a bias of a convolution, and elementwise operations; and beside them the MACs
of convolutions, linear layers and matrix products alone, which are the convention `calflops-macs`.

- It patches `torch.nn.functional`, so a module counts as the function that it calls; `nn.ReLU6`
  calls `F.hardtanh`, which is not patched: 0, where `F.relu6` counts.
- A linear layer's bias is left out.
- `x + y`, `x * y`, `x @ y`, `x.mean()` and everything else written without `torch.nn.functional`
  is not seen; `torch.add`, `torch.mul` and `torch.matmul` are (`functional` here), the last by the
  elements of its first matrix, however often these are used. So an attention is its linear layers:
  `F.scaled_dot_product_attention` is not patched. `torch.einsum`, which a spec cannot tell from
  `@`, counts FLOPs to four digits and no MACs: torchvision's MaxViT has it.
- With `padding="same"` it works the output size out from ⌊d·(k − 1)/2⌋ on both sides: where d·(k −
  1) is odd, one too few.
- A transposed convolution divides by the groups twice, and has its bias at a forward convolution's
  size.
- Upsampling by a scale counts the input: its product is thrown away. By a size: the product of the
  sizes, without channels or batch, or the one number that stands for all axes. By a scale for each
  axis it raises a TypeError (but counts the input where there are as many samples as axes). `area`
  is an adaptive pool, and counts the input besides.
- Parameters are those that require a gradient; a shared weight counts once. On a model without any
  parameters it raises StopIteration.
"""

from collections.abc import Callable

from convcalc.arithmetic import product
from convcalc.conventions.base import FREE, Convention, Quantities, in_attention, table


def short(q: Quantities) -> int:
    """Outputs left out where `same` pads an axis by an odd number of cells, one an axis."""
    if q.layer.padding != "same":
        return 0
    q = q.numbers
    windows = zip(q.y.spatial, q.placed.windows)
    sizes = (m - window.dilation * (window.kernel - 1) % 2 for m, window in windows)
    return q.out - q.y.channels * product(sizes) * q.batch


def short_macs(q: Quantities) -> int:
    """The multiply–accumulates of the outputs left out."""
    return 0 if (outputs := short(q)) == 0 else outputs * (q.macs // q.out)


def short_bias(q: Quantities) -> int:
    """The biases of the outputs left out."""
    return short(q) if q.layer.bias else 0


def forward_bias(q: Quantities) -> int:
    """The biases of one group of a forward convolution with the window of the transposed one."""
    windows = zip(q.x.spatial, q.placed.windows)
    sizes = ((n + w.before + w.after - w.span) // w.stride + 1 for n, w in windows)
    return q.y.channels // q.layer.groups * product(sizes) * q.batch if q.layer.bias else 0


def resized(q: Quantities) -> int:
    """The input's elements; with `size`, the product of the sizes, or the one number given."""
    size: tuple[int, ...] | None = q.written.size
    return q.inp if size is None else product(size)


def uneven(q: Quantities) -> bool:
    """Whether an upsampling has a factor for each axis."""
    return len(q.written.scale or ()) > 1


RULES = table(
    {
        "conv pointwise_conv depthwise_conv": "2 * (macs - short_macs) + bias - short_bias",
        "global_depthwise_conv": "2 * macs + bias",
        "conv_transpose": "2 * (inp * (out_channels // groups // groups) * kernel) + forward_bias",
        "deform_conv": "2 * offset_macs + offset_bias",
        "linear": "2 * macs",
        "batch_norm": "2 * inp if affine else inp",
        "layer_norm group_norm instance_norm": "5 * inp if affine else 4 * inp",
        "local_response_norm": "3 * inp + (channels + size - 1) * rows",
        "relu prelu elu gelu leaky_relu silu softmax": "inp",
        "max_pool avg_pool global_max_pool global_avg_pool": "inp",
        "adaptive_avg_pool adaptive_max_pool": "inp",
        "upsample": "resized + inp if mode == 'area' else resized",
    }
)
FUNCTIONS = table(
    {
        **{type: rule for type, rule in RULES.items() if type != "global_avg_pool"},
        "relu6": "inp",
        "add mul": "out",
        "matmul": "2 * inp * columns",
    }
)
ATTENTION = {"matmul": FREE, "mul": FREE, "softmax": FREE}

GAPS = {"upsample": "uneven"}
QUANTITIES: dict[str, Callable[[Quantities], int]] = {
    function.__name__: function
    for function in (short_macs, short_bias, forward_bias, resized, uneven)
}

CONVENTION = Convention(
    name="calflops",
    tool="calflops.calculate_flops",
    version="0.3.2",
    unit="FLOPs",
    meaning="2 a multiply–accumulate, 1 a bias of a convolution, and elementwise operations",
    summary="2 a MAC, biases of convolutions, 2 an element of a batch norm, 1 of a pool or a relu",
    share=0.15,
    trained_alone=True,
    rules=RULES,
    functions=FUNCTIONS,
    attention=ATTENTION,
    places=in_attention,
    gaps=GAPS,
    quantities=QUANTITIES,
)
