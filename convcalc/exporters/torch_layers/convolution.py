"""Convolutions."""

from __future__ import annotations

from typing import Any

from convcalc.exporters.python.channels import Unsayable
from convcalc.exporters.python.use import Use
from convcalc.exporters.torch_layers.rules import (
    called,
    function,
    module,
    reversed_pads,
    unless_default,
)
from convcalc.layers.base import Placed
from convcalc.window import Window, windows_over


def padded(use: Use) -> tuple[list[str], str | None, str]:
    """The modules before a convolution, its `padding`, and what its class is called beside.

    `same` that depends on the size of the input is worked out when it runs.
    """
    layers: list[Any] = [each.layer for each in use.placed]
    words = {each.padding for each in layers if isinstance(each.padding, str)}
    if words:
        if len(words) > 1 or not all(isinstance(each.padding, str) for each in layers):
            raise Unsayable
        (word,) = words
        windows = {_windows(each) for each in use.placed}
        if all((w.before, w.after) == (0, 0) for each in windows for w in each):
            return [], None, ""
        steps = all(w.stride == 1 for each in windows for w in each)
        if word == "same" and steps and "stride" not in use.st.body.open:
            return [], '"same"', ""
        if len(windows) == 1:
            (only,) = windows
            if all(w.before == w.after for w in only):
                sizes = [w.before for w in only]
                return (
                    [],
                    str(sizes[0]) if len({*sizes}) == 1 else f"({', '.join(map(str, sizes))})",
                    "",
                )
        return [], None, "Same" if word == "same" else "SameLower"
    if any(before != after for each in layers for before, after in each.padding):
        pads = use.known("padding")
        return [f"nn.ZeroPad{len(pads)}d({reversed_pads(pads)})"], None, ""
    return [], unless_default(use, "padding"), ""


def _windows(placed: Placed) -> tuple[Window, ...]:
    """The windows of a convolution, or of the first part of a layer that stands for several."""
    layer: Any = placed.layer
    sizes = placed.inputs[0].spatial
    return placed.windows or windows_over(
        sizes, layer.kernel_size, layer.stride, layer.padding, layer.dilation
    )


def convolution(use: Use, name: str, *sizes: str, **more: str | None) -> list[str]:
    before, padding, kind = padded(use)
    axes = use.axes
    if kind:
        use.helper("same_padding")
        name = use.helper(f"{name}{axes}d{kind}")
    else:
        name = f"nn.{name}{axes}d"
    stride = unless_default(use, "stride")
    dilation = unless_default(use, "dilation")
    bias = unless_default(use, "bias")
    made = called(
        name, *sizes, stride=stride, padding=padding, dilation=dilation, **more, bias=bias
    )
    return [*before, made]


@module("conv")
def conv(use: Use) -> list[str]:
    groups = unless_default(use, "groups")
    return convolution(
        use, "Conv", use.channels(), use.arg("out_channels"), use.arg("kernel_size"), groups=groups
    )


@module("pointwise_conv")
def pointwise_conv(use: Use) -> list[str]:
    groups = unless_default(use, "groups")
    return convolution(use, "Conv", use.channels(), use.arg("out_channels"), "1", groups=groups)


@module("depthwise_conv")
def depthwise_conv(use: Use) -> list[str]:
    from convcalc.exporters.python.expressions import product, text

    channels = use.channels()
    out = text(product(use.channels_tree(), use.tree("multiplier")))
    return convolution(use, "Conv", channels, out, use.arg("kernel_size"), groups=channels)


@module("global_depthwise_conv")
def global_depthwise_conv(use: Use) -> list[str]:
    spatial = use.always(lambda each: each.inputs[0].spatial)
    channels = use.channels()
    size = str(spatial[0]) if len({*spatial}) == 1 else f"({', '.join(map(str, spatial))})"
    bias = unless_default(use, "bias")
    return [called(f"nn.Conv{use.axes}d", channels, channels, size, groups=channels, bias=bias)]


@module("conv_transpose")
def conv_transpose(use: Use) -> list[str]:
    pads = {each.layer.padding for each in use.placed}  # type: ignore[attr-defined]
    after, padding = [], None
    if any(before != end for each in pads for before, end in each):
        (only,) = pads if len(pads) == 1 else (None,)
        if only is None:
            raise Unsayable
        cut = tuple([(-before, -end) for before, end in only])
        after = [f"nn.ZeroPad{len(only)}d({reversed_pads(cut)})"]
    else:
        written: Any = use.placed[0].written
        padding = unless_default(use, "padding") if written.padding != "valid" else None
    made = called(
        f"nn.ConvTranspose{use.axes}d",
        use.channels(),
        use.arg("out_channels"),
        use.arg("kernel_size"),
        stride=unless_default(use, "stride"),
        padding=padding,
        output_padding=unless_default(use, "output_padding"),
        groups=unless_default(use, "groups"),
        bias=unless_default(use, "bias"),
        dilation=unless_default(use, "dilation"),
    )
    return [made, *after]


@module("deform_conv")
def deform_conv(use: Use) -> list[str]:
    before, padding, kind = padded(use)
    if kind or padding == '"same"':
        windows = use.always(lambda each: each.windows)
        before = [f"nn.ZeroPad2d({reversed_pads(tuple([(w.before, w.after) for w in windows]))})"]
        padding = None
    made = called(
        use.helper("DeformConv2d"),
        use.channels(),
        use.arg("out_channels"),
        use.arg("kernel_size"),
        stride=unless_default(use, "stride"),
        padding=padding,
        dilation=unless_default(use, "dilation"),
        groups=unless_default(use, "groups"),
        bias=unless_default(use, "bias"),
        offset_groups=unless_default(use, "deformable_groups"),
        modulated=unless_default(use, "modulated"),
    )
    return [*before, made]


@function("conv", holds=True)
def conv_function(use: Use, operands: list[str]) -> str:
    layer, x = operands
    before, padding, kind = padded(use)
    if kind or before or padding == '"same"':
        return f"{layer}({x})"
    given = {
        name: f"{layer}.{name}"
        for name in ("stride", "padding", "dilation", "groups")
        if use.is_set(name) or name in use.st.body.open
    }
    return called(f"F.conv{use.axes}d", x, f"{layer}.weight", f"{layer}.bias", **given)
