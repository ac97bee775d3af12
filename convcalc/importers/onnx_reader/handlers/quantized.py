"""Quantised networks, which are read as what they were before.

What scaling, shifting and rounding cost is not counted, which is said.
"""

from __future__ import annotations

from convcalc.foreign.recorder import Foreign, Learned
from convcalc.importers.onnx_reader.constants import FLOAT, Constant
from convcalc.importers.onnx_reader.handlers.convolution import conv
from convcalc.importers.onnx_reader.handlers.products import matmul
from convcalc.importers.onnx_reader.operation import QUANTIZED, Known, Operation, operator


@operator("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear")
def quantized(op: Operation) -> Known:
    """The tensor itself."""
    op.recorder.note(QUANTIZED)
    return op[0]


@operator("QLinearConv", "ConvInteger")
def quantized_conv(op: Operation) -> Foreign:
    """A convolution whose weights are integers, with their scales and zeros beside them."""
    return conv(_of_floats(op, *((0, 3, 8) if op.name == "QLinearConv" else (0, 1))))


@operator("QLinearMatMul", "MatMulInteger")
def quantized_matmul(op: Operation) -> Foreign:
    """A product of matrices of integers, with their scales and zeros beside them."""
    return matmul(_of_floats(op, *((0, 3) if op.name == "QLinearMatMul" else (0, 1))))


def _of_floats(op: Operation, *places: int) -> Operation:
    """The use of the operator on floats, whose inputs stand at these places."""
    op.recorder.note(QUANTIZED)
    inputs = [op.inputs[place] if op.has(place) else None for place in places]
    names = [op.node.inputs[place] if op.has(place) else "" for place in places]
    for place, each in enumerate(inputs):
        if place and isinstance(each, Constant):
            learned = (Learned(names[place], each.shape),)
            inputs[place] = Constant(each.shape, FLOAT, None, learned)
    return op.on(inputs)
