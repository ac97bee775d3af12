"""Layers that change the resolution without learning."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from convcalc.exporters.onnx_nodes.base import Nodes, writes
from convcalc.exporters.onnx_nodes.pooling import adaptive_mean

_PADS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


@writes("pad")
def _pad(nodes: Nodes) -> None:
    layer = nodes.layer
    pairs = dict(enumerate(layer.padding, start=1 if layer.axis is None else layer.axis))
    if layer.axis is not None:
        pairs = {layer.axis % len(nodes.entering): layer.padding[0]}
    margins = [pairs.get(axis, (0, 0)) for axis in range(len(nodes.entering))]
    pads = [0, *(before for before, _ in margins), 0, *(after for _, after in margins)]
    inputs = [nodes.x, nodes.integers("pads", pads)]
    if layer.mode == "constant":
        nodes.op("Pad", *inputs, nodes.number("value", layer.value))
    else:
        nodes.op("Pad", *inputs, mode=_PADS[layer.mode])


#: How each of PyTorch's modes is said (aten/src/ATen/native/UpSample.h).
_MODES: dict[str, dict[str, Any]] = {
    "nearest": {
        "mode": "nearest",
        "nearest_mode": "floor",
        "coordinate_transformation_mode": "asymmetric",
    },
    "nearest-exact": {"mode": "nearest", "nearest_mode": "round_prefer_ceil"},
    "linear": {"mode": "linear"},
    "bilinear": {"mode": "linear"},
    "trilinear": {"mode": "linear"},
    "bicubic": {"mode": "cubic", "cubic_coeff_a": -0.75},
}


@writes("upsample")
def _upsample(nodes: Nodes) -> None:
    if nodes.layer.mode == "area":
        adaptive_mean(nodes)
        return
    mode, scale = _MODES[nodes.layer.mode], nodes.layer.scale
    if scale is not None and _scaled(nodes.entering.spatial, scale) == nodes.leaving.spatial:
        scales = nodes.numbers("scales", [1.0, 1.0, *scale])
        nodes.op("Resize", nodes.x, "", scales, **mode)
    else:
        sizes = nodes.integers("sizes", [1, *nodes.leaving])
        nodes.op("Resize", nodes.x, "", "", sizes, **mode)


def _scaled(sizes: Iterable[int], scale: Iterable[float]) -> tuple[int, ...]:
    """The sizes that ONNX makes with a scale, in its single precision."""
    return tuple(int(_single(size * _single(factor))) for size, factor in zip(sizes, scale))


def _single(number: float) -> float:
    """A number as single precision has it."""
    (rounded,) = struct.unpack("f", struct.pack("f", number))
    return float(rounded)


@writes("pixel_shuffle")
def _pixel_shuffle(nodes: Nodes) -> None:
    nodes.op("DepthToSpace", nodes.x, blocksize=nodes.layer.factor, mode="CRD")


@writes("pixel_unshuffle")
def _pixel_unshuffle(nodes: Nodes) -> None:
    # `SpaceToDepth` has the channels last in its blocks, PyTorch first.
    (channels, *sizes), factor = nodes.entering, nodes.layer.factor
    height, width = (size // factor for size in sizes)
    x = nodes.reshaped(nodes.x, [channels, height, factor, width, factor], part="blocks")
    nodes.reshaped(nodes.transposed(x, [0, 2, 4, 1, 3], part="taken"), nodes.leaving)
