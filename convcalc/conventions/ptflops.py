"""ptflops with its backend `pytorch`, the default: hooks on modules, and patched functions.

ptflops/pytorch_ops.py (`MODULES_MAPPING`, `FUNCTIONAL_MAPPING`, `TENSOR_OPS_MAPPING`) and
pytorch_engine.py, version 0.7.5. It prints "MMac": multiply–accumulates, biases and elementwise
operations, one each.

- An `nn.ReLU` is counted twice: its module is hooked, and so is the function that its `forward`
  calls. Likewise prelu, elu, gelu and every pool. `nn.ReLU6` calls `F.hardtanh`, which is not
  patched, so once.
- What hooks count is divided by the batch, what functions count is not: with a batch of N the
  number is Σ hooks/N + Σ functions. An upsampling hook looks at one image, and is divided all the
  same. (Its fraction is dropped here layer by layer; the tool drops it from the sum.)
- Hooks go by exact type, so a subclass counts 0: torchvision's `LayerNorm2d` (`functional` here).
- `x + y` and `x * y` are not seen; `torch.add` and `torch.mul` are.
- Parameters are those that require a gradient, of all modules.
"""

from convcalc.conventions.base import Convention, Quantities, table


def interpolated(q: Quantities) -> int:
    """Elements of the upsampled tensor, at sizes in·scale that are not rounded down."""
    scale = q.layer.scale
    if scale is None or len(set(scale)) > 1:
        return q.out
    inp = q.numbers.inp
    try:
        return int(inp * float(scale[0]) ** q.axes)
    except OverflowError:
        return int(inp * scale[0] ** q.axes)


RESPONSE_NORM = "3 * inp + (channels + size - 1) * rows"

CONVENTION = Convention(
    name="ptflops",
    tool="ptflops",
    version="0.7.5",
    unit="MACs",
    meaning="multiply–accumulates, biases and elementwise operations, some of these twice",
    summary="MACs and biases, 2 an element of a batch norm, module activations and pools twice",
    share=0.2,
    spellings=("mac",),
    rules=table(
        {
            "convolution conv_transpose linear": "(macs + bias) // batch",
            "deform_conv": "(offset_macs + bias + positions * kernel"
            " * (channels * out_channels // groups + (25 if modulated else 24))) // batch",
            "layer_norm": "inp // batch",
            "batch_norm group_norm instance_norm": "(2 * inp if affine else inp) // batch",
            "local_response_norm": RESPONSE_NORM,
            "relu prelu elu gelu": "inp // batch + inp",
            "max_pool avg_pool global_max_pool global_avg_pool": "inp // batch + inp",
            "adaptive_avg_pool adaptive_max_pool": "inp // batch + inp",
            "relu6 leaky_relu": "inp // batch",
            "silu softmax": "inp",
            "upsample": "out // batch // batch + interpolated",
        }
    ),
    functions=table(
        {
            "relu prelu elu gelu silu softmax relu6": "inp",
            "max_pool avg_pool global_max_pool": "inp",
            "adaptive_avg_pool adaptive_max_pool": "inp",
            "local_response_norm": RESPONSE_NORM,
            "upsample": "interpolated",
            "add mul": "out",
        }
    ),
    quantities={"interpolated": interpolated},
)
