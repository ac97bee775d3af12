"""Normalisation."""

from __future__ import annotations

from convcalc.exporters.python.use import Use
from convcalc.exporters.torch_layers.rules import called, module, unless_default


@module("batch_norm")
def batch_norm(use: Use) -> list[str]:
    axes = use.axes
    if axes > 3:
        return [
            called(use.helper("BatchNormNd"), use.channels(), affine=unless_default(use, "affine"))
        ]
    name = f"nn.BatchNorm{max(axes, 1)}d"
    return [called(name, use.channels(), affine=unless_default(use, "affine"))]


@module("layer_norm")
def layer_norm(use: Use) -> list[str]:
    affine = unless_default(use, "affine")
    if use.known("over") == "all":
        sizes = use.always(lambda each: tuple(each.inputs[0]))
        return [
            called("nn.LayerNorm", f"[{', '.join(map(str, sizes))}]", elementwise_affine=affine)
        ]
    return [_over_channels(use, "LayerNorm")]


@module("rms_norm")
def rms_norm(use: Use) -> list[str]:
    return [_over_channels(use, "RMSNorm")]


def _over_channels(use: Use, name: str) -> str:
    flat = use.one([len(each.inputs[0]) == 1 for each in use.placed])
    name = f"nn.{name}" if flat else use.helper(f"Channel{name}")
    return called(name, use.channels(), elementwise_affine=unless_default(use, "affine"))


@module("group_norm")
def group_norm(use: Use) -> list[str]:
    return [
        called(
            "nn.GroupNorm", use.arg("groups"), use.channels(), affine=unless_default(use, "affine")
        )
    ]


@module("instance_norm")
def instance_norm(use: Use) -> list[str]:
    axes = use.axes
    name = f"nn.InstanceNorm{axes}d" if axes <= 3 else use.helper("InstanceNormNd")
    return [called(name, use.channels(), affine=unless_default(use, "affine"))]


@module("local_response_norm")
def local_response_norm(use: Use) -> list[str]:
    return [called("nn.LocalResponseNorm", use.arg("size"))]
