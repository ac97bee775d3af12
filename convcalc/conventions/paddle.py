"""Paddle's `paddle.flops`: multiply–accumulates with the bias, and two for each element of a batch norm.

python/paddle/hapi/dynamic_flops.py, version 3.3: `count_convNd`, `count_linear`, `count_bn`,
`count_leaky_relu`, `count_avgpool`, `count_adap_avgpool`, `count_zero_ops`. It prints "FLOPs" for what
are multiply–accumulates, and counts the running statistics of a batch norm as parameters.
"""

from convcalc.conventions.base import Convention

CONVENTION = Convention(
    name="paddle",
    tool="paddle.flops",
    version="paddlepaddle 3.3",
    unit="FLOPs",
    meaning="multiply–accumulates, the bias one more",
    summary="multiply–accumulates and biases of convolutions, 2 for each element of a batch norm",
    rules={
        "conv": "macs + bias",
        "pointwise_conv": "macs + bias",
        "depthwise_conv": "macs + bias",
        "global_depthwise_conv": "macs + bias",
        "linear": "macs",
        "batch_norm": "2 * inp",
        "leaky_relu": "inp",
        "avg_pool": "out",
    },
    free=frozenset(("relu", "relu6", "max_pool", "dropout", "flatten")),
)
