"""thop (`thop.profile`): hooks on leaf modules.

thop/profile.py (`register_hooks`), vision/basic_hooks.py and vision/calc_func.py, version
0.1.1.post2209072238. It prints "MACs": multiply–accumulates without biases, and operations of
normalisations, average pools and upsamplings.

- Batch norm counts 4 an element: `count_normalization` doubles what has a scale and a shift.
- Functions, operators and tensor methods are not seen, matrix products among them: an attention is
  its linear layers, and `nn.MultiheadAttention` (`functional` here) counts 0. Hooks go by exact
  type.
- A transposed convolution is counted as if every output were a sum of C_in·K products.
- An adaptive pool's windows are a ratio of floats that is multiplied and cut: now and then one less
  than the formula.
- Parameters are summed over the modules that have a rule and run: those of group norm, RMS norm,
  layer scale, a deformable convolution's own kernel, of what is in no such module (`parameter`) and
  of layers that are called as functions are lost. Frozen ones count; a weight that several modules
  share counts in each, and so does a module that stands in several others, with all of its
  operations.
"""

from convcalc.arithmetic import product
from convcalc.conventions.base import (
    FREE,
    Convention,
    Quantities,
    in_attention,
    last_calls,
    table,
)


def averaged(q: Quantities) -> int:
    """(Π in/out + 1)·out in floats, cut to an integer."""
    q = q.numbers
    ratio = 1.0
    try:
        for size, output in zip(q.x.spatial, q.y.spatial):
            ratio *= size / output
        return int((ratio + 1) * q.out)
    except OverflowError:
        return q.inp + q.out


def open_size(q: Quantities) -> bool:
    """Whether an adaptive pool keeps the size of an axis."""
    return None in q.written.output_size


def window(q: Quantities) -> int:
    """The cells of the window, or the one number that stands for its axes."""
    cells: int = product(q.written.kernel_size)
    return cells


_NEWEST = Convention(
    name="thop",
    tool="thop.profile",
    version="0.1.1.post2209072238",
    unit="MACs",
    meaning="multiply–accumulates, and operations of normalisations, average pools and upsamplings",
    summary="MACs without biases, 4 an element of a batch norm, average pools, softmax, upsampling",
    share=0.3,
    communities=("ultralytics",),
    rules=table(
        {
            "convolution linear": "macs",
            "conv_transpose": "out * (channels // groups) * kernel",
            "deform_conv": "offset_macs",
            "batch_norm layer_norm instance_norm": "4 * inp if affine else 2 * inp",
            "prelu": "inp",
            # A sum has as many additions as its largest addend takes comparisons.
            "softmax": "exp + cmp + div",
            "avg_pool": "out",
            "adaptive_avg_pool global_avg_pool": "averaged",
            "upsample": "out if mode == 'nearest' else 5 * out if mode == 'linear'"
            " else 11 * out if mode == 'bilinear' else 259 * out if mode == 'bicubic' else 0",
            "relu relu6 leaky_relu": "0",
            "max_pool adaptive_max_pool global_max_pool": "0",
            "dropout pad pixel_shuffle": "0",
        }
    ),
    functions={},
    attention={"softmax": FREE},
    places=in_attention,
    parameters=table(
        {
            "group_norm rms_norm scale parameter": "0",
            "deform_conv": "offset_params",
            "convolution conv_transpose linear": "0 if functional else params",
            "batch_norm layer_norm instance_norm prelu": "0 if functional else params",
        }
    ),
    quantities={"averaged": averaged},
)
#: By 0.0.31.post2005241907.
_PLAIN = table(
    {
        "convolution": "macs + bias",
        "conv_transpose": "out * (channels // groups) * kernel + bias",
        "deform_conv": "offset_macs + offset_bias",
        "linear": "macs",
        "batch_norm": "2 * inp",
        "leaky_relu": "inp",
        "avg_pool": "out",
        "adaptive_avg_pool global_avg_pool": "out * (shrink + 1)",
        "upsample": "5 * out if mode == 'linear' else 11 * out if mode == 'bilinear'"
        " else 259 * out if mode == 'bicubic' else 0",
        "relu relu6 max_pool adaptive_max_pool global_max_pool dropout pad": "0",
    }
)
#: By 0.0.30, which takes a window that is one number for a window on one axis.
_SUMS = {
    **_PLAIN,
    "linear": "2 * macs - out",
    "batch_norm": "4 * inp",
    "avg_pool": "out * (window + 1)",
    "upsample": "5 * out if mode == 'linear' else 13 * out if mode == 'bilinear'"
    " else 259 * out if mode == 'bicubic' else 0",
}
#: By 0.0.23.post1908021522.
_FIRST = {
    **{type: rule for type, rule in _SUMS.items() if type not in ("upsample", "pad")},
    "conv_transpose": "out * (channels * kernel // groups) + bias if axes == 2 else 0",
    "deform_conv": "offset_macs + offset_bias * channels",
    **table({"conv pointwise_conv": "macs + bias * (channels // groups)", "relu relu6": "inp"}),
}
_OPEN = {"adaptive_avg_pool": "open_size and not functional"}
_IN_FLOATS = " Sums are 32-bit floats, in the order of the layers."

CONVENTION = _NEWEST._replace(
    older=(
        _NEWEST.was(
            "0.0.31",
            "0.0.31.post2005241907",
            "MACs and biases of convolutions, 2 an element of a batch norm, average pools",
            "To 0.0.5.post2110061705 (October 2021): biases of convolutions count, and 2 an element"
            " of a batch norm. Other norms, prelu and softmax are not known, nor are their"
            " parameters; leaky_relu is. An adaptive pool's windows are rounded down, and the tool"
            " stops where its output size is left open. The releases called 0.0.4 and 0.0.5 are"
            " younger than 0.0.31, and count as it does.",
            rules=_PLAIN,
            gaps=_OPEN,
            parameters=table(
                {
                    "layer_norm group_norm instance_norm rms_norm prelu scale parameter": "0",
                    "deform_conv": "offset_params",
                    "convolution conv_transpose linear batch_norm": "0 if functional else params",
                }
            ),
            quantities={"open_size": open_size},
        ),
        _NEWEST.was(
            "0.0.30",
            "0.0.30.post1908302010",
            "as 0.0.31, but 4 an element of a batch norm, 2 a MAC of a linear layer",
            "A linear layer counts its additions too. An average pool counts its window and a"
            " division, and one number is a window of one axis: a 2×2 pool that is written as 2 has"
            " 2 + 1. Just before, 0.0.23.post1908061459 does not know upsampling; just after,"
            " 0.0.31.post1912272122 counts 11 an element of a bilinear one, and linear biases."
            " Parameters are those of all leaf modules, called or not; those that stand in others"
            " are lost, as those of an `nn.MultiheadAttention` but for its last layer (here none)."
            + _IN_FLOATS,
            rules=_SUMS,
            gaps=_OPEN,
            in_single=True,
            parameters={"parameter": "0"},
            quantities={"window": window, "open_size": open_size},
        ),
        _NEWEST.was(
            "0.0.23",
            "0.0.23.post1908021522",
            "as 0.0.30, but relu counts, and a bias as often as the input has channels",
            "From 0.0.23.post1907171430: a convolution's window has one cell more where there is a"
            " bias, relu and relu6 count 1 an element. Upsampling is not known, and of transposed"
            " convolutions the 2-D ones are. A module that is called several times (`weights`)"
            " counts its last call alone. torchvision's ResNets call one relu two or three times in"
            " a block, which the zoo's do not say: 4,142,111,744 for ResNet-50." + _IN_FLOATS,
            rules=_FIRST,
            gaps=_OPEN,
            in_single=True,
            parameters={"parameter": "0"},
            quantities={"window": window, "open_size": open_size},
            places=last_calls,
        ),
    )
)
