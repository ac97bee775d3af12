"""calflops (`calculate_flops`), its MACs: products of convolutions, linear layers and matrices.

See `calflops`, with which it shares its ways; version 0.3.2. What it patches besides, it declares
to have no MACs.
"""

from convcalc.conventions.base import Convention, in_attention, table
from convcalc.conventions.calflops import ATTENTION, FUNCTIONS, GAPS, QUANTITIES, RULES

#: The MACs in what `calflops` counts.
MACS = table(
    {
        "conv pointwise_conv depthwise_conv": "macs - short_macs",
        "global_depthwise_conv": "macs",
        "conv_transpose": "inp * (out_channels // groups // groups) * kernel",
        "deform_conv": "offset_macs",
        "linear": "macs",
    }
)

CONVENTION = Convention(
    name="calflops-macs",
    tool="calflops.calculate_flops",
    version="0.3.2",
    unit="MACs",
    meaning="multiply–accumulates",
    summary="MACs of convolutions and linear layers, nothing else",
    share=0.1,
    trained_alone=True,
    rules={**dict.fromkeys(RULES, "0"), **MACS},
    functions={**dict.fromkeys(FUNCTIONS, "0"), **MACS, "matmul": "inp * columns"},
    attention=ATTENTION,
    places=in_attention,
    gaps=GAPS,
    quantities=QUANTITIES,
)
