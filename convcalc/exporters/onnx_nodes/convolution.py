"""Convolutions."""

from __future__ import annotations

from typing import Any

from convcalc.exporters.onnx_nodes.base import Nodes, dilations, sliding, writes


@writes("conv", "pointwise_conv", "depthwise_conv", "global_depthwise_conv")
def _conv(nodes: Nodes) -> None:
    nodes.op("Conv", nodes.x, *nodes.weights(), group=_groups(nodes), **_window(nodes))


@writes("conv_transpose")
def _conv_transpose(nodes: Nodes) -> None:
    for more, window in zip(nodes.layer.output_padding, nodes.windows):
        if more >= window.stride:
            raise nodes.refused(
                f"a transposed convolution with an output_padding of {more} and a stride of"
                f" {window.stride}",
                "ONNX adds less than a stride",
            )
    nodes.op(
        "ConvTranspose",
        nodes.x,
        *nodes.weights(),
        group=_groups(nodes),
        output_padding=nodes.layer.output_padding,
        **_window(nodes),
    )


@writes("deform_conv")
def _deform_conv(nodes: Nodes) -> None:
    offset, *own = ["offset.weight", "offset.bias"], "weight", "bias"
    window = _window(nodes)
    learned = [nodes.weight(name) for name in offset]
    offsets, mask = nodes.op("Conv", nodes.x, *learned, part="offset", **window), ""
    if nodes.layer.modulated:
        third = nodes.layer.offset_channels() // 3
        parts = [f"{offsets}.{part}" for part in range(2)]
        sizes = nodes.integers("offset.split", [2 * third, third])
        nodes.op("Split", offsets, sizes, part="offset.parts", outputs=parts, axis=1)
        offsets, mask = parts[0], nodes.op("Sigmoid", parts[1], part="mask")
    weight, bias = (nodes.weight(name) if nodes.has(name) else "" for name in own)
    inputs = [nodes.x, weight, offsets, bias, mask]
    while not inputs[-1]:
        inputs.pop()
    groups = nodes.layer.deformable_groups
    nodes.op("DeformConv", *inputs, group=_groups(nodes), offset_group=groups, **window)


def _groups(nodes: Nodes) -> int:
    groups = nodes.node.placed.channel_groups
    assert groups is not None
    return groups


def _window(nodes: Nodes) -> dict[str, Any]:
    return {**sliding(nodes.windows), **dilations(nodes.windows)}
