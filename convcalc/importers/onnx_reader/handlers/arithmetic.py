"""Arithmetic on the elements of tensors, which broadcast."""

from __future__ import annotations

from convcalc.arithmetic import product
from convcalc.foreign.primitives import Primitive
from convcalc.foreign.recorder import Foreign, NoLayerError, Value
from convcalc.importers.onnx_reader.constants import Constant, axis_of, broadcast
from convcalc.importers.onnx_reader.learning import may_be_learned, mixed
from convcalc.importers.onnx_reader.operation import (
    MICROSOFT,
    SCALE,
    Known,
    Operation,
    operator,
)
from convcalc.layers.activation import Sqrt, Square
from convcalc.layers.base import Layer
from convcalc.layers.dense import Scale
from convcalc.layers.joining import Add, Div, Maximum, Minimum, Mul, Sub

_LAYERS: dict[str, type[Layer]] = {
    "Add": Add,
    "Sum": Add,
    "Sub": Sub,
    "Mul": Mul,
    "Div": Div,
    "Max": Maximum,
    "Min": Minimum,
}


def number_of(known: Known) -> float | None:
    """The number that a constant of one element is; None for what is none."""
    if isinstance(known, Constant) and known.size == 1 and known.values:
        value = known.values[0]
        return float(value) if abs(value) < 1e300 else None
    return None


def _of_rank(op: Operation, value: Foreign, *others: Known) -> Foreign:
    """A tensor with the axes of one cell that broadcasting gives it."""
    missing = max(len(other.shape) for other in others) - len(value.shape)
    found = op.recorder.unsqueezed(value, range(missing)) if missing > 0 else value
    assert isinstance(found, Foreign)
    return found


@operator(*_LAYERS)
def arithmetic(op: Operation) -> Foreign:
    """A layer on tensors, or on one and a constant number."""
    layer = _LAYERS[op.name]
    known = [_aligned(op, op.of_a_sample(op[index]), index) for index in range(len(op.inputs))]
    if len(known) == 1:
        return op.foreign(0)
    numbers = [None if _is_learned(each) else number_of(each) for each in known]
    if op.name == "Mul" and any(isinstance(c, Constant) and SCALE in c.made_of for c in known):
        return next(each for each in known if isinstance(each, Foreign))
    if len(known) == 2:
        for place in (1, 0):
            value, constant, number = known[1 - place], known[place], numbers[place]
            if number is None or not isinstance(value, Foreign):
                continue
            value = _of_rank(op, value, constant)
            if op.name == "Div" and place == 1 and number == 0:
                raise NoLayerError("a division by 0")
            if place == 0 and op.name in ("Sub", "Div"):
                first = "rsub" if op.name == "Sub" else "rdiv"
                return op.recorder.unary(Primitive(op=first, value=number), value)
            return op.recorder.unary(layer(value=number), value)
        if op.name == "Mul" and (scaled := _scaled(op, known)) is not None:
            return scaled
    return op.recorder.join(layer(), *[mixed(each) for each in known])


def _is_learned(known: Known) -> bool:
    return isinstance(known, Constant) and may_be_learned(known)


def _aligned(op: Operation, known: Known, index: int) -> Known:
    """A second operand with the axes that it has behind its own, up to version 6 of ONNX."""
    axis = op.attribute("axis")
    if index != 1 or axis is None or op.opset > 6:
        return known
    behind = len(op[0].shape) - axis_of(axis, len(op[0].shape)) - len(known.shape)
    axes = range(len(known.shape), len(known.shape) + max(behind, 0))
    if isinstance(known, Constant):
        return known._replace(shape=(*known.shape, *[1 for _ in axes]))
    made = op.recorder.unsqueezed(known, axes)
    assert isinstance(made, Foreign)
    return made


def _scaled(op: Operation, known: list[Known]) -> Foreign | None:
    """A learned factor for each cell of our first axis, which is a layer type; else None."""
    for value, factor in (known, known[::-1]):
        if not isinstance(value, Foreign) or not isinstance(factor, Constant):
            continue
        rank = len(value.shape)
        if not may_be_learned(factor) or len(factor.shape) > rank:
            continue
        aligned = (1,) * (rank - len(factor.shape)) + factor.shape
        (*axes,) = [axis for axis, size in enumerate(aligned) if size != 1]
        if len(axes) == 1 and value.lies[:1] == (axes[0],) and value.shape[axes[0]] == factor.size:
            return op.recorder.on_channels(Scale(), value, axes[0], op.owned(factor))
    return None


@operator("Mean")
def mean(op: Operation) -> Foreign:
    """The sum of tensors over their number."""
    count = len(op.inputs)
    if count == 1:
        return op.foreign(0)
    made = op.recorder.join(Add(), *[op.mixed(index) for index in range(count)])
    return op.recorder.unary(Div(value=float(count)), made)


@operator("Pow")
def power(op: Operation) -> Foreign:
    """A power by a constant: a square, a root, or any other."""
    value, exponent = op.foreign(0), number_of(op[1])
    if exponent is None:
        raise NoLayerError("a power whose exponent is no number")
    value = _of_rank(op, value, op[1])
    if exponent == 1:
        return value
    if exponent in (2, 0.5):
        return op.recorder.unary(Square() if exponent == 2 else Sqrt(), value)
    return op.recorder.unary(Primitive(op="pow", value=exponent), value)


@operator("Where")
def where(op: Operation) -> Foreign:
    """Cells of one tensor or of another; by a condition that is constant it costs nothing."""
    condition, *values = op[0], op[1], op[2]
    shape = broadcast(condition.shape, values[0].shape, values[1].shape)
    foreign = [each for each in values if isinstance(each, Foreign)]
    if isinstance(condition, Constant) and len(foreign) == 1:
        return op.recorder.expanded(foreign[0], shape)
    tensors: list[Value] = [op.tensor(index) for index in range(3)]
    if product(shape) == 0:
        raise NoLayerError("it makes nothing")
    return op.recorder.join(Primitive(op="where"), *tensors)


@operator("Greater", "Less", "Equal")
def comparison(op: Operation) -> Foreign:
    """A comparison of tensors, or of one and a number."""
    name = op.name.lower()
    number = number_of(op[1])
    if number is not None:
        value = _of_rank(op, op.foreign(0), op[1])
        return op.recorder.unary(Primitive(op=name, value=number), value)
    return op.recorder.join(Primitive(op=name), op.tensor(0), op.tensor(1))


@operator("BiasAdd", domain=MICROSOFT)
def bias_add(op: Operation) -> Foreign:
    """A sum of three."""
    return op.recorder.join(Add(), *[op.mixed(index) for index in range(len(op.inputs))])
