"""What other tools call things, for advice on a name that is unknown here."""

from __future__ import annotations

import re
from collections.abc import Iterable


def _by_name(meant: dict[str, str]) -> dict[str, str]:
    """Each name to what it means here; `meant` has the names of each meaning."""
    return {name: here for here, names in meant.items() for name in names.split()}


#: Layer types and structures, as `_folded` reads their names.
LAYERS = _by_name(
    {
        "linear": "dense fc fullyconnected",
        "batch_norm": "bn",
        "layer_norm": "ln",
        "group_norm": "gn",
        "local_response_norm": "lrn",
        "conv_transpose": "deconv transposedconv",
        "depthwise_conv": "depthwise dwconv",
        "pointwise_conv": "pointwise pwconv",
        "separable_conv": "depthwiseseparable depthwiseseparableconv dsconv dwsconv dwsepconv"
        " sepconv separable",
        "global_avg_pool": "gap globalaveragepool globalaveragepooling",
        "avg_pool": "averagepool averagepooling",
        "max_pool": "maxpooling",
        "concat": "cat concatenate stack hstack vstack",
        "add": "sum",
        "sub": "subtract",
        "mul": "multiply",
        "div": "divide",
        "clamp": "clip hardtanh",
        "split": "chunk unbind tensorsplit",
        "slice": "narrow crop select",
        "permute": "transpose movedim moveaxis swapaxes swapdims",
        "reshape": "view unflatten squeeze unsqueeze rearrange",
        "reduce": "mean amax amin reducemean reducesum reducemax reducemin",
        "matmul": "mm bmm einsum baddbmm",
        "parameter": "classtoken clstoken posembed posembedding positionembedding"
        " positionalembedding positionembeddings posemb learnedtoken",
        "self_attention": "attention mha mhsa multiheadattention multiheadselfattention"
        " selfattn multiheadedattention",
        "unfold": "im2col",
        "fold": "col2im",
        "max_unpool": "unpool unpooling maxunpooling",
        "pixel_shuffle": "depthtospace",
        "pixel_unshuffle": "spacetodepth",
        "squeeze_excite": "se",
        "relu": "activation",
        "residual": "shortcut",
        "branches": "parallel",
        "repeat": "loop",
        "for_each": "for foreach",
        "pad": "zeropad",
        "upsample": "interpolate",
    }
)
#: What takes several layers here, as `_folded` reads its name.
_IN_STEPS = {
    "roll": "it is two `slice`s, which `concat` joins the other way round",
}
#: Letters of a name that are looked at.
_LONGEST = 100


def layer_meant(name: str, known: Iterable[str]) -> str | None:
    """The one of the `known` layer types that another spelling, or another tool, calls so."""
    folded = _folded(name)
    found = LAYERS.get(folded)
    words = {_folded(each): each for each in known}
    return found if found in words.values() else words.get(folded)


def in_steps(name: str) -> str:
    """What makes here what another tool has one layer for; empty where that is not known."""
    return _IN_STEPS.get(_folded(name), "")


def _folded(name: str) -> str:
    """A name as every spelling of it reads: `Conv2d`, `conv_2d`, `Convolution` are `conv`."""
    plain = re.sub(r"[123]d$|[^a-z0-9]", "", name[:_LONGEST].lower())
    return plain.replace("convolution", "conv")


#: What a constant factor is called by who looks for it in `scale`, which learns its own.
_FACTORS = ("by", "value", "factor", "scale", "scale_factor", "constant", "scalar")


def is_constant(type: str, field: str) -> bool:
    """Whether a field would make a constant of a layer's factors: that is `mul` here."""
    return type == "scale" and field in _FACTORS


#: What enters a layer, which is no field here.
INPUTS = (
    *("in_channels", "in_features", "num_features"),
    *("input", "input_shape", "input_size", "in_shape", "in_"),
)
#: Fields, to the short name.
FIELDS = _by_name(
    {
        "out": "filters units features num_output num_filters",
        "k": "kernel size pool_size",
        "s": "strides",
        "p": "pads pad",
        "d": "dilations dilation_rate",
        "g": "group num_groups",
        "multiplier": "depth_multiplier",
        "rate": "p",
        "scale": "scale_factor",
        "factor": "upscale_factor downscale_factor",
        "axis": "dim",
        "start_axis": "start_dim",
        "bias": "use_bias",
        "trainable": "requires_grad frozen freeze",
        "weights": "weight tied tie shared share_weights reuse",
    }
)
