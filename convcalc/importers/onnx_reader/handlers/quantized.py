"""Quantised networks, which are read as what they were before.

What scaling, shifting and rounding cost is not counted, which is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.foreign.recorder import Learned, NoLayerError
from convcalc.importers.onnx_reader.constants import FLOAT, Constant
from convcalc.importers.onnx_reader.operation import (
    MICROSOFT,
    QUANTIZED,
    SCALE,
    Known,
    Operation,
    operator,
)


@operator("QuantizeLinear", "DequantizeLinear")
def quantized(op: Operation) -> Known:
    """The tensor itself."""
    op.recorder.note(QUANTIZED)
    return op[0]


@operator("DynamicQuantizeLinear")
def dynamically_quantized(op: Operation) -> tuple[Known, Constant, Constant]:
    """The tensor itself; the scale and the zero that it was given."""
    op.recorder.note(QUANTIZED)
    scale = Constant((), FLOAT, None, (SCALE,))
    return op[0], scale, scale


#: The operator on floats that each stands for, and where its inputs are.
_ON_FLOATS: Mapping[str, tuple[str, Sequence[int]]] = {
    "QLinearConv": ("Conv", (0, 3, 8)),
    "ConvInteger": ("Conv", (0, 1)),
    "QLinearMatMul": ("MatMul", (0, 3)),
    "MatMulInteger": ("MatMul", (0, 1)),
}
#: The same of ONNX Runtime's.
_OF_RUNTIME: Mapping[str, tuple[str, Sequence[int]]] = {
    "QLinearAdd": ("Add", (0, 3)),
    "QLinearMul": ("Mul", (0, 3)),
    "QLinearSigmoid": ("Sigmoid", (0,)),
    "QLinearLeakyRelu": ("LeakyRelu", (0,)),
    "QLinearSoftmax": ("Softmax", (0,)),
    "QLinearAveragePool": ("AveragePool", (0,)),
    "QLinearGlobalAveragePool": ("GlobalAveragePool", (0,)),
    "QGemm": ("Gemm", (0, 3, 6)),
    "MatMulIntegerToFloat": ("MatMul", (0, 1)),
    "DynamicQuantizeMatMul": ("MatMul", (0, 1)),
}


@operator(*_ON_FLOATS)
def on_integers(op: Operation) -> Any:
    """An operator on integers, with their scales and zeros beside them."""
    return _on_floats(op, *_ON_FLOATS[op.name])


@operator(*_OF_RUNTIME, domain=MICROSOFT)
def of_runtime(op: Operation) -> Any:
    """Such an operator of ONNX Runtime."""
    if op.attribute("channels_last", 0):
        raise NoLayerError("its channels are last")
    return _on_floats(op, *_OF_RUNTIME[op.name])


@operator("QLinearConcat", domain=MICROSOFT)
def quantized_concat(op: Operation) -> Any:
    """Tensors one after the other, each with its scale and its zero behind it."""
    return _on_floats(op, "Concat", range(2, len(op.inputs), 3))


def _on_floats(op: Operation, name: str, places: Sequence[int]) -> Any:
    """What an operator makes of floats, whose inputs stand at these places."""
    op.recorder.note(QUANTIZED)
    inputs = [op.inputs[place] if op.has(place) else None for place in places]
    for index, (place, each) in enumerate(zip(places, inputs)):
        if index and isinstance(each, Constant):
            learned = Learned(op.node.inputs[place], each.shape)
            inputs[index] = Constant(each.shape, FLOAT, None, (learned,))
    return op.done(name, *inputs)
