"""Layers that stand for a stack of others."""

from __future__ import annotations

from convcalc import layers
from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Unsayable
from convcalc.exporters.python.use import Use
from convcalc.exporters.torch_layers.activation import PLAIN
from convcalc.exporters.torch_layers.convolution import convolution
from convcalc.exporters.torch_layers.rules import called, module, unless_default


@module("separable_conv")
def separable_conv(use: Use) -> list[str]:
    channels = use.channels()
    middle = expressions.text(expressions.product(use.channels_tree(), use.tree("multiplier")))
    biases = [_bias(use, name) for name in ("depthwise_bias", "pointwise_bias")]
    depthwise = convolution(use, "Conv", channels, middle, use.arg("kernel_size"), groups=channels)
    depthwise[-1] = _with_bias(depthwise[-1], biases[0])
    pointwise = called(f"nn.Conv{use.axes}d", middle, use.arg("out_channels"), "1")
    return [*depthwise, _with_bias(pointwise, biases[1])]


def _bias(use: Use, name: str) -> str | None:
    given = {getattr(each.layer, name) for each in use.placed}
    if given == {None}:
        return unless_default(use, "bias")
    if None in given:
        raise Unsayable
    code = use.arg(name)
    return None if code == "True" else code


def _with_bias(code: str, bias: str | None) -> str:
    head, _, _ = code[:-1].partition(", bias=")
    return f"{head})" if bias is None else f"{head}, bias={bias})"


@module("spatial_separable_conv")
def spatial_separable_conv(use: Use) -> list[str]:
    k, s, p = (use.arg(name) for name in ("kernel_size", "stride", "padding"))
    bias = unless_default(use, "bias")
    has_stride = use.is_set("stride") or "stride" in use.st.body.open
    has_padding = use.is_set("padding") or "padding" in use.st.body.open
    out = use.arg("out_channels")
    down = called(
        "nn.Conv2d", use.channels(), out, f"({k}, 1)",
        stride=f"({s}, 1)" if has_stride else None,
        padding=f"({p}, 0)" if has_padding else None, bias=bias,
    )  # fmt: skip
    across = called(
        "nn.Conv2d", out, out, f"(1, {k})",
        stride=f"(1, {s})" if has_stride else None,
        padding=f"(0, {p})" if has_padding else None, bias=bias,
    )  # fmt: skip
    return [down, across]


@module("squeeze_excite")
def squeeze_excite(use: Use) -> list[str]:
    name = use.helper("SqueezeExcite" if use.axes == 2 else f"SqueezeExcite{use.axes}d")
    named = {}
    for field in ("activation", "gate"):
        word = use.known(field)
        if use.is_set(field):
            named[field] = _activation(use, word)
    return [called(name, use.channels(), use.arg("squeeze"), **named)]


def _activation(use: Use, word: str) -> str:
    made = PLAIN.get(layers.find(word).type, ("", ""))[0]
    if made:
        return made
    if word == "prelu":
        return "nn.PReLU"
    if word == "softmax":
        return f"{use.helper('ChannelSoftmax')}"
    use.helper("Function")
    return f"lambda: Function({PLAIN[word][1]})"


@module("self_attention")
def self_attention(use: Use) -> list[str]:
    return [
        called(
            use.helper("SelfAttention"),
            use.channels(),
            use.arg("heads"),
            head_channels=unless_default(use, "head_channels"),
            qkv_bias=unless_default(use, "qkv_bias"),
        )
    ]
