"""DeepSpeed's flops profiler (`get_model_profile`), its MACs.

See `deepspeed`; version 0.19.8. The products of convolutions, linear layers and matrix products.
"""

from convcalc.conventions import calflops, calflops_macs, deepspeed
from convcalc.conventions.base import Convention

SEEN = {"matmul": "inp * columns"}
MACS = {**calflops_macs.MACS, **SEEN, "conv_transpose": "macs"}

_NEWEST = Convention(
    name="deepspeed-macs",
    tool="deepspeed.profiling.flops_profiler",
    version="0.19.8",
    unit="MACs",
    meaning="multiply–accumulates",
    summary="MACs of convolutions and linear layers, nothing else",
    share=0.08,
    rules={**dict.fromkeys(calflops.RULES, "0"), **MACS},
    functions={**dict.fromkeys(calflops.FUNCTIONS, "0"), **MACS},
    quantities=calflops.QUANTITIES,
)
_BEFORE = {**calflops_macs.MACS, **SEEN}
CONVENTION = _NEWEST._replace(
    older=(
        _NEWEST.was(
            "0.18",
            "0.18.9",
            "as the newest, with calflops' transposed convolution",
            deepspeed.BEFORE,
            rules={**_NEWEST.rules, **_BEFORE},
            functions={**dict.fromkeys(calflops.FUNCTIONS, "0"), **_BEFORE},
        ),
    )
)
