"""MMCV's `get_model_complexity_info`, also MMEngine's before it had its own: an early ptflops.

mmcv/cnn/utils/flops_counter.py, version 1.7.2. It prints "FLOPs" and says that "a multiply-add
counts as one": they are MACs, biases of convolutions, and elementwise operations, one each. The
model zoos of MMPretrain (MMClassification) and MMDetection publish its figures, those of the former
for a backbone without its classifier.

- Hooks go by exact type; functions are not seen. An activation counts once, as its output.
- A linear layer's bias is left out. Norms count 2 an element, layer norms too.
- Of transposed convolutions it knows the 2-D ones, by their input; GELU and SiLU it does not know.
- A batch, which its `input_constructor` gives by keyword, is counted whole.
- Parameters are those that require a gradient, of all modules; a shared weight counts once.
"""

from convcalc.conventions.base import Convention, table

CONVENTION = Convention(
    name="mmcv",
    tool="mmcv.cnn.get_model_complexity_info",
    version="1.7.2",
    unit="FLOPs",
    meaning="multiply–accumulates, biases of convolutions, and elementwise operations",
    summary="MACs, biases of convolutions, 2 an element of a norm, 1 of an activation or a pool",
    share=0.2,
    communities=("openmmlab", "mmpretrain", "mmdetection"),
    is_headless=True,
    trained_alone=True,
    rules=table(
        {
            "convolution": "macs + bias",
            "conv_transpose": "macs + bias if axes == 2 else 0",
            "deform_conv": "offset_macs + offset_bias",
            "linear": "macs",
            "batch_norm layer_norm": "2 * inp if affine else inp",
            "group_norm instance_norm": "2 * inp if affine else inp",
            "relu prelu elu relu6 leaky_relu": "inp",
            "max_pool avg_pool global_max_pool global_avg_pool": "inp",
            "adaptive_avg_pool adaptive_max_pool": "inp",
            "upsample": "out // batch",
        }
    ),
    functions={},
)
