"""torch's `FlopCounterMode`: two operations for every product that a registered operator makes.

torch/utils/flop_counter.py, version 2.13: `conv_flop`, `mm_flop`, `addmm_flop`. Nothing else is
registered, and what is not registered counts as 0.
"""

from convcalc.conventions.base import Convention

CONVENTION = Convention(
    name="torch",
    tool="torch.utils.flop_counter.FlopCounterMode",
    version="torch 2.13",
    unit="FLOPs",
    meaning="2 for each product of a convolution or a linear layer",
    summary="two operations for each product of a convolution or a linear layer, nothing else",
    rules={
        "conv": "2 * macs",
        "pointwise_conv": "2 * macs",
        "depthwise_conv": "2 * macs",
        "global_depthwise_conv": "2 * macs",
        "conv_transpose": "2 * macs",
        "linear": "2 * macs",
    },
)
