"""ptflops with its backend `aten`: the matrix products and convolutions that PyTorch dispatches.

ptflops/aten_ops.py and aten_engine.py, version 0.7.5: `mm`, `matmul`, `addmm`, `bmm`,
`convolution`. It prints "MMac": multiply–accumulates, and biases one each. Nothing else is counted,
and a module is counted as the function that it calls: `@` as `torch.matmul`, and an attention as
its linear layers, since `F.scaled_dot_product_attention` is one operator that it does not know (of
an attention that multiplies matrices itself it knows all). Parameters are those that require a
gradient; a shared weight counts once, and its operations at every call.

A linear layer on a tensor that is not contiguous (one fresh from a `permute`) runs as a product and
an addition, and loses its bias in the tool; a spec cannot say so. So does the first one of an
`nn.MultiheadAttention` on several samples.
"""

from convcalc.conventions.base import FREE, Convention, in_attention, table

CONVENTION = Convention(
    name="ptflops-aten",
    tool="ptflops, backend aten",
    version="0.7.5",
    unit="MACs",
    meaning="multiply–accumulates, and biases one each",
    summary="MACs and biases of convolutions, linear layers and matrix products, nothing else",
    share=0.06,
    spellings=("mac",),
    trained_alone=True,
    rules=table(
        {
            "convolution conv_transpose linear": "macs + bias",
            "deform_conv": "offset_macs + offset_bias",
            "matmul": "macs",
        }
    ),
    attention={"matmul": FREE},
    places=in_attention,
)
