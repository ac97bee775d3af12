"""Dense layers, and those that only pass or re-arrange what comes."""

from __future__ import annotations

from convcalc.exporters.onnx_nodes.base import Nodes, channels_first, channels_last, writes


@writes("linear")
def _linear(nodes: Nodes) -> None:
    if not nodes.layer.per_position:
        nodes.op("Gemm", nodes.x, *nodes.weights(), transB=1)
        return
    # A matrix product is over the last axis, so the channels are put there, and the weights
    # transposed as PyTorch's exporter does.
    flat = not nodes.entering.spatial
    weight = nodes.weight("weight", [nodes.entering.channels, nodes.layer.out_features])
    x = nodes.x if flat else nodes.transposed(nodes.x, channels_last(nodes.entering), part="last")
    y = nodes.op("MatMul", x, weight, part="" if flat and not nodes.layer.bias else "product")
    if nodes.layer.bias:
        y = nodes.op("Add", y, nodes.weight("bias"), part="" if flat else "sum")
    if not flat:
        nodes.transposed(y, channels_first(nodes.leaving))


@writes("scale")
def _scale(nodes: Nodes) -> None:
    ones = [1] * len(nodes.entering.spatial)
    nodes.op("Mul", nodes.x, nodes.weight("weight", [nodes.entering.channels, *ones]))


@writes("flatten")
def _flatten(nodes: Nodes) -> None:
    if len(nodes.leaving) == 1:
        nodes.op("Flatten", nodes.x, axis=1)
    else:
        nodes.reshaped(nodes.x, nodes.leaving)


@writes("reshape")
def _reshape(nodes: Nodes) -> None:
    nodes.reshaped(nodes.x, nodes.leaving)


@writes("dropout")
def _dropout(nodes: Nodes) -> None:
    # ONNX's ratio is below 1; at inference nothing is dropped either way.
    ratio = [nodes.number("ratio", nodes.layer.rate)] if nodes.layer.rate < 1 else []
    nodes.op("Dropout", nodes.x, *ratio)


@writes("identity")
def _identity(nodes: Nodes) -> None:
    nodes.op("Identity", nodes.x)
