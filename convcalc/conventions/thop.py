"""thop (`thop.profile`): hooks on leaf modules.

thop/profile.py (`register_hooks`), vision/basic_hooks.py and vision/calc_func.py, version
0.1.1.post2209072238. It prints "MACs": multiply–accumulates without biases, and operations of
normalisations, average pools and upsamplings.

- Batch norm counts 4 an element: `count_normalization` doubles what has a scale and a shift.
- Functions, operators and tensor methods are not seen. Hooks go by exact type.
- A transposed convolution is counted as if every output were a sum of C_in·K products.
- An adaptive pool's windows are a ratio of floats that is multiplied and cut: now and then one less
  than the formula.
- Parameters are summed over the modules that have a rule and run: those of group norm, layer scale,
  a deformable convolution's own kernel and of layers that are called as functions are lost.
"""

from convcalc.conventions.base import Convention, Quantities, table


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


CONVENTION = Convention(
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
            "softmax": "rows * (3 * channels - 1)",
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
    parameters=table(
        {
            "group_norm scale": "0",
            "deform_conv": "offset_params",
            "convolution conv_transpose linear": "0 if functional else params",
            "batch_norm layer_norm instance_norm": "0 if functional else params",
        }
    ),
    quantities={"averaged": averaged},
)
