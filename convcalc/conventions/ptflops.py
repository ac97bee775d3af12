"""ptflops with its backend `pytorch`, the default: hooks on modules, and patched functions.

ptflops/pytorch_ops.py (`MODULES_MAPPING`, `FUNCTIONAL_MAPPING`, `TENSOR_OPS_MAPPING`) and
pytorch_engine.py, version 0.7.5. It prints "MMac": multiply–accumulates, biases and elementwise
operations, one each.

- An `nn.ReLU` is counted twice: its module is hooked, and so is the function that its `forward`
  calls. Likewise prelu, elu, gelu and every pool. `nn.ReLU6` calls `F.hardtanh`, which is not
  patched, so once.
- What hooks count is divided by the batch, what functions count is not: with a batch of N the
  number is Σ hooks/N + Σ functions. An upsampling hook looks at one image, and is divided all the
  same. The tool cuts its sum to an integer, once: what upsamplings count beyond integers is added
  to the layer where it makes a whole one.
- `F.interpolate` with a scale for each axis counts inp·∏int(scale), which is 0 for 0.7; in the mode
  `area` it calls an adaptive pool, which counts too.
- Hooks go by exact type, so a subclass counts 0: torchvision's `LayerNorm2d` (`functional` here).
- `x + y`, `x * y` and `x @ y` are not seen; `torch.add`, `torch.mul` and `torch.matmul` are
  (`functional` here), the last by the elements of its first matrix, however often these are used.
- A `self_attention` is timm's `Attention`, which has a hook: scaled queries, products and softmax.
  The tool takes it for a leaf and loses the linear layers inside. Called as a function it is
  `nn.MultiheadAttention`, which has a hook for all of it. An attention that is another class counts
  its linear layers, and `F.scaled_dot_product_attention` 0.
- Parameters are those that require a gradient, of all modules; a shared weight counts once. The
  operations of a module that stands in several others are counted in each of these.
"""

import math
from fractions import Fraction
from typing import Any

from convcalc.arithmetic import product
from convcalc.conventions.base import FREE, Convention, Quantities, in_attention, table


def interpolated(q: Quantities) -> int:
    """Elements of the upsampled tensor, at sizes in·scale; scales for each axis rounded down."""
    elements: int = _by_function(q) if _whole(q) else math.floor(_by_function(q.numbers))
    return elements


def hooked(q: Quantities) -> int:
    """The same with the output of one image over the batch, cut to an integer."""
    if _whole(q):
        return q.out // q.batch // q.batch + interpolated(q)
    return math.floor(_by_hook_and_function(q.numbers))


def fraction(q: Quantities) -> Fraction:
    """What an upsampling counts beyond an integer."""
    q = q.numbers
    exact = Fraction(_by_function(q) if q.node.functional else _by_hook_and_function(q))
    return exact - math.floor(exact)


def _whole(q: Quantities) -> bool:
    """Whether the function counts a whole number, of sizes or of a scale for each axis."""
    return q.written.scale is None or len(q.written.scale) > 1


def _by_function(q: Quantities) -> Any:
    """What `F.interpolate` counts, in floats as long as they go."""
    scale = q.written.scale
    if scale is None:
        return q.out
    if len(scale) > 1:
        return q.inp * product(map(int, scale))
    return _scaled(q.inp, scale[0], q.axes)


def _by_hook_and_function(q: Quantities) -> Fraction:
    """What an `nn.Upsample` counts."""
    return Fraction(q.out // q.batch, q.batch) + Fraction(_by_function(q))


def scaled_once(q: Quantities) -> int:
    """inp·scale; with `size`, the product of the sizes given."""
    scale = q.written.scale
    return product(q.written.size) if scale is None else int(_scaled(q.numbers.inp, scale[0], 1))


def _scaled(inp: int, scale: float, axes: int) -> Any:
    """Elements times a scale, in floats as long as they go."""
    try:
        return inp * float(scale) ** axes
    except OverflowError:
        return int(inp * Fraction(scale) ** axes)


def uneven(q: Quantities) -> bool:
    """Whether an upsampling has a factor for each axis."""
    return len(q.written.scale or ()) > 1


#: The adaptive pool that the mode `area` calls.
_AREA = "(inp if mode == 'area' else 0)"
RESPONSE_NORM = "3 * inp + (channels + size - 1) * rows"
#: The product of an attention's queries and keys, which counts its scaling, or of the values.
_PRODUCT = "macs + (inp if transpose_a else 0)"

_NEWEST = Convention(
    name="ptflops",
    tool="ptflops",
    version="0.7.5",
    unit="MACs",
    meaning="multiply–accumulates, biases and elementwise operations, some of these twice",
    summary="MACs and biases, 2 an element of a batch norm, module activations and pools twice",
    share=0.2,
    spellings=("mac",),
    trained_alone=True,
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
            "upsample": f"hooked + {_AREA}",
        }
    ),
    functions=table(
        {
            "relu prelu elu gelu silu softmax relu6": "inp",
            "max_pool avg_pool global_max_pool": "inp",
            "adaptive_avg_pool adaptive_max_pool": "inp",
            "local_response_norm": RESPONSE_NORM,
            "upsample": f"interpolated + {_AREA}",
            "add mul": "out",
            "matmul": "inp * columns",
        }
    ),
    attention={
        "linear": "(macs + bias) // batch if functional else 0",
        "matmul": f"({_PRODUCT}) // batch",
        "mul": FREE,
        "softmax": "out // batch",
    },
    places=in_attention,
    quantities={"interpolated": interpolated, "hooked": hooked},
    fractions={"upsample": fraction},
)

#: A transposed convolution, whose products were counted at every position of its output.
_BY_OUTPUT = "positions * kernel * channels * (out_channels // groups) + bias"
#: A linear layer, whose bias was counted once, whatever the positions.
_LINEAR = "macs + (out_features if bias else 0)"
_ONCE = table(
    {
        "convolution": "macs + bias",
        "conv_transpose": _BY_OUTPUT,
        "deform_conv": "offset_macs + offset_bias",
        "linear": _LINEAR,
        "batch_norm group_norm instance_norm": "2 * inp if affine else inp",
        "relu prelu elu gelu relu6 leaky_relu": "inp",
        "max_pool avg_pool global_max_pool global_avg_pool": "inp",
        "adaptive_avg_pool adaptive_max_pool": "inp",
        "upsample": "out // batch",
    }
)
CONVENTION = _NEWEST._replace(
    older=(
        _NEWEST.was(
            "0.7.4",
            "0.7.4",
            "as the newest, but transposed convolutions by the positions of their output",
            "A transposed convolution counts its products at every position of its output. From"
            " 0.7.3, but for what that one makes of an upsampling.",
            rules={**_NEWEST.rules, "conv_transpose": f"({_BY_OUTPUT}) // batch"},
        ),
        _NEWEST.was(
            "0.7.1",
            "0.7.1",
            "as 0.7.4, but linear layers twice, and upsamplings as if they had one axis",
            "A linear layer is counted twice, by its hook and by the function that it calls, with a"
            " bias once for all positions. A function that upsamples counts inp·scale, or the"
            " product of the sizes; with a scale for each axis, and for a local response norm, the"
            " tool stops, as it does for a batch. (0.7.3 has the upsampling yet, the rest not.) Of"
            " attentions `nn.MultiheadAttention` has a hook (`functional` here), timm's not.",
            rules={
                **_NEWEST.rules,
                "conv_transpose": f"({_BY_OUTPUT}) // batch",
                "linear": f"2 * ({_LINEAR}) // batch",
                "upsample": f"out // batch // batch + scaled_once + {_AREA}",
            },
            functions={
                **(_NEWEST.functions or {}),
                "linear": _LINEAR,
                "upsample": f"scaled_once + {_AREA}",
            },
            attention={
                "linear": f"(macs + bias) // batch + {_LINEAR} if functional"
                f" else 2 * ({_LINEAR}) // batch",
                "matmul": f"({_PRODUCT}) // batch if functional else 0",
                "mul": FREE,
                "softmax": "out // batch if functional else 0",
            },
            gaps={"upsample": "uneven", "local_response_norm": "inp > 0"},
            quantities={"scaled_once": scaled_once, "uneven": uneven},
            fractions={},
        ),
        _NEWEST.was(
            "0.6",
            "0.6.9",
            "MACs and biases, 2 an element of a batch norm, 1 of a module activation and of a pool",
            "Hooks on modules alone: all count once, and functions are not seen. A transposed"
            " convolution counts its products at every position of its output. A linear"
            " layer's bias counts once, whatever the positions. A batch, which `input_constructor`"
            " gives by keyword, is counted whole. Of attentions `nn.MultiheadAttention` has a hook"
            " (`functional` here). 0.7 adds layer norms, 1 an element. Before"
            " 0.6.7 GELU is not known, before 0.6.6 group and instance norms neither; to 0.6.2 the"
            " bias of a linear layer is left out.",
            rules=_ONCE,
            functions={},
            attention={
                "linear": f"macs + bias if functional else {_LINEAR}",
                "matmul": f"{_PRODUCT} if functional else 0",
                "softmax": "out if functional else 0",
            },
            quantities={},
            fractions={},
        ),
    )
)
