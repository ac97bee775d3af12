"""Products of matrices, what prepares tensors for them, and what convcalc does not know."""

from __future__ import annotations

from convcalc.exporters.onnx_nodes.base import DOMAIN, Nodes, writes
from convcalc.shape import Shape


@writes("matmul")
def _matmul(nodes: Nodes) -> None:
    a, b = nodes.inputs
    if nodes.layer.transpose_a:
        a = nodes.transposed(a, _swapped(nodes.node.placed.inputs[0]), part="a")
    if nodes.layer.transpose_b:
        b = nodes.transposed(b, _swapped(nodes.node.placed.inputs[1]), part="b")
    nodes.op("MatMul", a, b)


def _swapped(shape: Shape) -> list[int]:
    """The order of axes that transposes the matrices."""
    *others, rows, columns = range(len(shape))
    return [*others, columns, rows]


@writes("permute")
def _permute(nodes: Nodes) -> None:
    nodes.transposed(nodes.x, [axis % len(nodes.entering) for axis in nodes.layer.order])


_REDUCTIONS = {
    "mean": "ReduceMean",
    "sum": "ReduceSum",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "l2": "ReduceL2",
}


@writes("reduce")
def _reduce(nodes: Nodes) -> None:
    axes = sorted({axis % len(nodes.entering) + 1 for axis in nodes.layer.axes})
    type, keep = _REDUCTIONS[nodes.layer.op], int(nodes.layer.keep)
    nodes.op(type, nodes.x, nodes.integers("axes", axes), keepdims=keep)


@writes("parameter")
def _parameter(nodes: Nodes) -> None:
    # onnxruntime hands out no constant of more than two axes itself.
    nodes.op("Identity", nodes.weight("weight", [1, *nodes.leaving]))


@writes("buffer")
def _buffer(nodes: Nodes) -> None:
    nodes.filled("", [1, *nodes.leaving], 0.0)


@writes("opaque")
def _opaque(nodes: Nodes) -> None:
    inputs, functions = [*nodes.inputs, *nodes.weights()], nodes.file.functions
    functions[nodes.layer.op] = max(len(inputs), functions.get(nodes.layer.op, 0))
    nodes.op(nodes.layer.op, *inputs, domain=DOMAIN, shape=[1, *nodes.leaving])
