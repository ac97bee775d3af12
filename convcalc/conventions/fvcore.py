"""fvcore's `FlopCountAnalysis`: operators of a traced graph.

fvcore/nn/flop_count.py (`_DEFAULT_SUPPORTED_OPS`), jit_handles.py and jit_analysis.py
(`_IGNORED_OPS`), version 0.1.5.post20221221. It prints "FLOPs", of which "one fused multiply-add"
is one: they are MACs, without biases, and operations of normalisations and poolings.

- A function counts as its module, since both trace to one operator; `x.mean()` is an operator that
  it does not know.
- Of upsamplings and adaptive pools it knows the 2-D ones, and bicubic not.
- A padding that is a word, `"same"` or `"valid"`, makes another operator,
  `aten::_convolution_mode`, which it does not know: 0.
- `F.interpolate(mode="area")` is an adaptive pool.
- A matrix product counts the elements of its first matrix times the columns of the second, however
  often the first is used. An attention is its linear layers: `F.scaled_dot_product_attention` is an
  operator that it does not know (of an attention that multiplies matrices itself it knows all;
  of `torch.einsum`, which torchvision's MaxViT has, to four digits).
- On a layer, group or instance norm of more than three spatial axes it stops; and PyTorch stops
  while it traces a max unpooling whose output size is not given.
- Unknown operators count 0, with a warning.
- Parameters are all that have a name, frozen ones too; a shared weight counts once.
"""

from convcalc.conventions.base import FREE, Convention, Quantities, in_attention, table


def worded(q: Quantities) -> bool:
    """Whether the padding is `same` or `valid`."""
    return q.written.padding in ("same", "valid")


def sized(q: Quantities) -> bool:
    """Whether the size of the output is given."""
    return q.written.output_size is not None


RULES = table(
    {
        "conv pointwise_conv depthwise_conv": "0 if worded else macs",
        "global_depthwise_conv conv_transpose linear": "macs",
        "deform_conv": "0 if worded else offset_macs",
        "batch_norm": "2 * inp if affine else inp",
        "layer_norm group_norm instance_norm": "5 * inp if affine else 4 * inp",
        "matmul": "inp * columns",
        "adaptive_avg_pool global_avg_pool": "inp if axes == 2 else 0",
        "upsample": "0 if axes != 2 else out if mode == 'nearest'"
        " else 4 * out if mode == 'bilinear' else inp if mode == 'area' else 0",
        "relu concat dropout flatten pad permute reshape slice split": "0",
    }
)
GAPS = table(
    {
        "layer_norm group_norm instance_norm": "axes > 3",
        "max_unpool": "not sized",
    }
)

_NEWEST = Convention(
    name="fvcore",
    tool="fvcore.nn.FlopCountAnalysis",
    version="0.1.5.post20221221",
    unit="FLOPs",
    meaning="multiply–accumulates, and operations of normalisations and adaptive pools",
    summary="MACs without biases, 2 an element of a batch norm, 5 of other norms, 1 of a mean",
    share=0.35,
    communities=("timm", "detectron2", "facebookresearch"),
    rules=RULES,
    functions={type: rule for type, rule in RULES.items() if type != "global_avg_pool"},
    attention={"matmul": FREE},
    places=in_attention,
    gaps=GAPS,
    quantities={"worded": worded, "sized": sized},
)
_FIRST = {
    **RULES,
    "conv_transpose": "out * (out_channels // groups) * kernel",
    "batch_norm": "5 * inp if affine else 4 * inp",
}
CONVENTION = _NEWEST._replace(
    older=(
        _NEWEST.was(
            "0.1.3",
            "0.1.3.post20210317",
            "as the newest, but 5 an element of a batch norm, transposed convolutions by output",
            "From 0.1.3 to 0.1.5.post20210402 (spring 2021): a batch norm counts as other norms do."
            " A transposed convolution counts what a forward one with its output does, and still"
            " did in 0.1.5.post20211023. Earlier releases count no norms.",
            rules=_FIRST,
            functions={type: rule for type, rule in _FIRST.items() if type != "global_avg_pool"},
        ),
    )
)
