"""Paddle's `paddle.flops`: hooks on leaf layers.

python/paddle/hapi/dynamic_flops.py (`register_hooks`), paddlepaddle 3.3.1. It prints "Total Flops"
for what are multiply–accumulates, biases and operations of batch norms and average pools.

- Batch norm counts 2 an element in 2-D and nothing in 1-D and 3-D, whose classes it does not know.
- An adaptive pool counts Π⌊in/out⌋ + 1 for each output.
- Functions and operators are not seen. Hooks go by exact type; of a type that it does not know it
  says "Treat it as zero FLOPs", and counts its parameters.
- An attention is its linear layers: its products and its softmax are functions. An RMS norm, which
  has no layer, is 0 too, with its scale as a parameter.
- Parameters are those of leaf layers that run. Paddle keeps a batch norm's mean and variance as
  parameters, so it has 4 a channel.
"""

from convcalc.conventions.base import Convention, table

CONVENTION = Convention(
    name="paddle",
    tool="paddle.flops",
    version="paddlepaddle 3.3.1",
    unit="FLOPs",
    meaning="multiply–accumulates, biases of convolutions, batch norms and average pools",
    summary="MACs and biases of convolutions, MACs of linear layers, 2 an element of a batch norm",
    share=0.25,
    communities=("paddle",),
    rules=table(
        {
            "convolution": "macs + bias",
            "conv_transpose": "out * (channels // groups) * kernel + bias",
            "deform_conv": "offset_macs + offset_bias",
            "linear": "macs",
            "batch_norm": "2 * inp if axes == 2 else 0",
            "leaky_relu": "inp",
            "avg_pool": "out",
            "adaptive_avg_pool global_avg_pool": "out * (shrink + 1)",
            "relu relu6 dropout": "0",
        }
    ),
    functions={},
    parameters=table(
        {
            "convolution conv_transpose linear": "0 if functional else params",
            "layer_norm group_norm prelu": "0 if functional else params",
            "batch_norm": "0 if functional else params + buffers",
        }
    ),
)
