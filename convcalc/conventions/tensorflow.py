"""TensorFlow's profiler, `tf.compat.v1.profiler.profile` with `float_operation`, on Keras layers.

tensorflow/python/profiler/internal/flops_registry.py and ops/nn_ops.py, TensorFlow 2.21.0; the
graphs are those of Keras 3.15.1 (keras/src/backend/tensorflow/nn.py). It prints "FLOPs", 2 a
multiply–accumulate: every graph node whose operation has a registered statistic, from its static
shapes. The rest is silently 0.

- A grouped convolution counts its bias alone: Keras compiles it apart, on every device. One with as
  many groups as channels is taken here for the `DepthwiseConv2D` that a Keras user would write.
- A dilated convolution is padded so that the dilation divides its output, and the padding is
  counted.
- `ReLU`, `Sigmoid`, `Tanh`, `Elu` and `Max` have no statistic; 3-D pools and 3-D transposed
  convolutions neither. Batch norm at inference recomputes its C factors: 6·C beside 2 an element,
  whatever the batch.
- Adaptive pools are Keras' two pools and a gather. They raise where an axis shrinks to 1; where all
  do, a global pool is what is taken here. A convolution raises where it has both a stride and a
  dilation.
- Of two tensors, or a tensor and a constant, the arithmetic and comparisons count; `Abs`, `Sqrt`
  and `Exp` have no statistic either, and of `keras.ops.norm` the root is 0. A softmax along another
  axis than the channels swaps them, which takes 2 to work out.
- A `self_attention` is Keras' `MultiHeadAttention`, whose products of queries, keys and values are
  `Einsum`, which has no statistic; `keras.ops.matmul` has one. With `use_bias=False` the projection
  has no bias as well, so `qkv_bias: false` is only near it.
- `keras.ops.split` at places takes a subtraction for each.
- Where Keras has no such layer there is no number: `max_unpool`, `fold`, an RMS norm without a
  scale.
- Parameters are `count_params()`: the running mean and variance included, 4 a channel of a batch
  norm.
"""

from convcalc.arithmetic import decided, product
from convcalc.conventions.base import FREE, Convention, Quantities, in_attention, table


def rounding(q: Quantities) -> int:
    """Multiply–accumulates added by rounding the output up to multiples of the dilation."""
    if all(decided(window.dilation) == 1 for window in q.placed.windows):
        return 0
    q = q.numbers
    dilations = [window.dilation for window in q.placed.windows]
    padded = product(-(-size // d) * d for size, d in zip(q.y.spatial, dilations))
    return q.macs // q.y.positions * padded - q.macs


def gathered(q: Quantities) -> int:
    """Axis by axis, pools of windows ⌈n/o⌉ and ⌈n/o⌉ + 1 at stride 1, and 9 a cell to gather."""
    q = q.numbers
    sizes = list(q.x.spatial)
    total = 0
    for axis, output in enumerate(q.y.spatial):
        size = sizes[axis]
        others = product(sizes) // size
        for window in (-(-size // output), -(-size // output) + 1):
            if q.axes < 3:
                total += q.channels * q.batch * window * (size - window + 1) * others
        sizes[axis] = output
        total += 9 * output
    return total


def places(q: Quantities) -> int:
    """The places that an axis is split at, where the sizes of the parts are given."""
    return 0 if isinstance(q.layer.sections, int) else len(q.node.outputs) - 1


RULES = table(
    {
        "conv pointwise_conv": "bias if grouped else 2 * (macs + rounding) + bias",
        "depthwise_conv": "2 * (macs + rounding) + bias",
        "global_depthwise_conv": "2 * macs + bias",
        "conv_transpose": "bias if axes == 3 else 2 * out * kernel * channels // strides + bias",
        "linear": "2 * macs + bias",
        "batch_norm": "2 * inp + (6 if affine else 5) * channels",
        "layer_norm": "9 * inp + 4 * rows if affine else 6 * inp + 5 * rows",
        "group_norm": "6 * inp + batch * (4 * groups + 3 * channels) if affine"
        " else 6 * inp + 5 * groups * batch",
        "instance_norm": "6 * inp + (7 if affine else 5) * channels * batch",
        "prelu": "3 * inp + params",
        "silu": "2 * inp",
        "gelu": "4 * inp",
        "hard_sigmoid": "2 * inp",
        "hard_swish": "3 * inp",
        "mish": "inp",
        "softmax": "5 * inp if axis == 0 or attends else 5 * inp + 2",
        "rms_norm": "4 * inp + 3 * rows",
        "square log": "inp",
        "clamp": "cmp",
        "max_pool avg_pool": "0 if axes == 3 else kernel * out",
        "global_avg_pool": "inp",
        "adaptive_avg_pool": "inp if max(output_size) == 1 else gathered",
        "adaptive_max_pool": "0 if max(output_size) == 1 else gathered",
        "add sub mul div maximum minimum": "max(inputs - 1, 1) * out",
        "matmul": "2 * macs",
        "reduce": "0 if op == 'max' or op == 'min' else operations - sqrt",
        "split": "places",
        "scale": "out",
        "upsample": "axes if mode == 'nearest' else 0",
    }
)
#: `MultiHeadAttention` multiplies matrices as `Einsum`.
ATTENTION = {"matmul": FREE}
STRIDED_AND_DILATED = "max(stride) > 1 and max(dilation) > 1"

CONVENTION = Convention(
    name="tensorflow",
    tool="tf.compat.v1.profiler on Keras",
    version="TensorFlow 2.21.0, Keras 3.15.1",
    unit="FLOPs",
    meaning="2 a multiply–accumulate, 1 a bias, and registered elementwise operations",
    summary="2 a MAC, 1 a bias, 2 an element of a batch norm, K an output of a pool, 0 of a relu",
    share=0.2,
    communities=("keras", "tensorflow"),
    rules=RULES,
    attention=ATTENTION,
    silent="relu relu6 leaky_relu elu sigmoid tanh softplus global_max_pool local_response_norm"
    " abs sqrt exp",
    missing="max_unpool",
    default=None,
    gaps=table(
        {
            "conv pointwise_conv": STRIDED_AND_DILATED,
            "depthwise_conv": f"axes == 3 or {STRIDED_AND_DILATED}",
            "global_depthwise_conv": "axes == 3",
            "conv_transpose": "groups > 1",
            "layer_norm": "over == 'all'",
            "rms_norm": "not affine",
            "adaptive_avg_pool adaptive_max_pool": "min(output_size) == 1 and max(output_size) > 1",
            "upsample": "mode != 'nearest' and axes != 2",
        }
    ),
    parameters={"batch_norm": "params + buffers"},
    quantities={"rounding": rounding, "gathered": gathered, "places": places},
    places=in_attention,
)
