"""torch's `FlopCounterMode`: two operations for every product that a registered operator makes.

torch/utils/flop_counter.py, version 2.13: `conv_flop`, `mm_flop`, `addmm_flop`, `bmm_flop`. It
prints "FLOPs", and they are: 2 a multiply–accumulate, without biases. Nothing else is registered,
and what is not registered counts 0 in silence. It sees operators, so a function counts as its
module; it does not count parameters. torchvision publishes half of this number as a model's `_ops`.

`F.scaled_dot_product_attention` counts its two matrix products on a GPU (`sdpa_flop`) and on the
meta device, which this is; on a CPU it runs an operator that is not registered, and counts 0.
"""

from convcalc.conventions.base import Convention, table

CONVENTION = Convention(
    name="torch",
    tool="torch.utils.flop_counter.FlopCounterMode",
    version="torch 2.13",
    unit="FLOPs",
    meaning="2 for each product of a convolution, a linear layer or matrices",
    summary="two operations for each product of a convolution, a linear layer or matrices",
    share=0.3,
    communities=("torchvision",),
    rules=table(
        {
            "convolution conv_transpose linear matmul": "2 * macs",
            "deform_conv": "2 * offset_macs",
        }
    ),
    parameters=None,
)
