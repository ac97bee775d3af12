"""DeepSpeed's flops profiler (`get_model_profile`), its FLOPs: calflops' ancestor, since mended.

deepspeed/profiling/flops_profiler/profiler.py, version 0.19.8. It prints "FLOPs", and beside them
the MACs that are the convention `deepspeed-macs`. It counts as `calflops` does, but

- a transposed convolution is right, bias included;
- upsampling by a scale counts its output, before sizes are rounded down;
- `@`, `mm`, `bmm` and scaled dot-product attention are seen, the last as its two matrix products
  (`torch.einsum`, which a spec cannot tell from `@`, counts FLOPs to four digits and no MACs:
  torchvision's MaxViT has it);
- all parameters are counted, frozen ones too; a shared weight once.

Versions up to 0.19.6 have calflops' transposed convolution.
"""

import math

from convcalc.arithmetic import product
from convcalc.conventions import calflops
from convcalc.conventions.base import FREE, Convention, Quantities, in_attention


def resized(q: Quantities) -> int:
    """inp·Π scale, cut to an integer; with `size`, the product of the sizes given."""
    if q.written.size is not None:
        return product(q.written.size)
    inp = q.numbers.inp
    try:
        return int(inp * math.prod(map(float, q.layer.scale)))
    except OverflowError:
        return int(inp * math.prod(q.layer.scale))


#: What is said of the version before.
BEFORE = (
    "Up to 0.19.6: a transposed convolution divides by the groups twice, and has its bias at a"
    " forward convolution's size."
)
SEEN = {"matmul": "2 * inp * columns"}
CHANGED = {**SEEN, "conv_transpose": "2 * macs + bias"}
QUANTITIES = {**calflops.QUANTITIES, "resized": resized}

_NEWEST = Convention(
    name="deepspeed",
    tool="deepspeed.profiling.flops_profiler",
    version="0.19.8",
    unit="FLOPs",
    meaning="2 a multiply–accumulate, 1 a bias of a convolution, and elementwise operations",
    summary="as calflops, with the transposed convolution right",
    share=0.08,
    rules={**calflops.RULES, **CHANGED},
    functions={**calflops.FUNCTIONS, **CHANGED},
    attention={"mul": FREE, "softmax": FREE},
    places=in_attention,
    quantities=QUANTITIES,
)
CONVENTION = _NEWEST._replace(
    older=(
        _NEWEST.was(
            "0.18",
            "0.18.9",
            "as the newest, with calflops' transposed convolution",
            BEFORE,
            rules={**calflops.RULES, **SEEN},
            functions={**calflops.FUNCTIONS, **SEEN},
        ),
    )
)
