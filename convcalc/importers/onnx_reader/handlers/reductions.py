"""One number for all cells along axes."""

from __future__ import annotations

from convcalc.foreign.recorder import Foreign
from convcalc.importers.onnx_reader.constants import axis_of
from convcalc.importers.onnx_reader.operation import Operation, operator
from convcalc.layers.activation import Abs, Exp, Log, Square
from convcalc.layers.base import Layer

#: How `reduce` calls each, and the layers on every element before and after it.
_KINDS: dict[str, tuple[str, tuple[type[Layer], ...], tuple[type[Layer], ...]]] = {
    "ReduceMean": ("mean", (), ()),
    "ReduceSum": ("sum", (), ()),
    "ReduceMax": ("max", (), ()),
    "ReduceMin": ("min", (), ()),
    "ReduceL2": ("l2", (), ()),
    "ReduceL1": ("sum", (Abs,), ()),
    "ReduceSumSquare": ("sum", (Square,), ()),
    "ReduceLogSum": ("sum", (), (Log,)),
    "ReduceLogSumExp": ("sum", (Exp,), (Log,)),
}


@operator(*_KINDS)
def reduce(op: Operation) -> Foreign:
    """A reduction along some axes; along all where none are said."""
    value = op.foreign(0)
    axes = op.integers("axes", 1)
    rank = len(value.shape)
    if not axes:
        if op.attribute("noop_with_empty_axes", 0):
            return value
        axes = tuple(range(rank))
    kind, before, after = _KINDS[op.name]
    for layer in before:
        value = op.recorder.unary(layer(), value)
    keeps = bool(op.attribute("keepdims", 1))
    found = [op.apart_from_batch(axis_of(axis, rank)) for axis in axes]
    made = op.recorder.reduced(kind, value, found, keeps)
    for layer in after:
        made = op.recorder.unary(layer(), made)
    return made
