"""Functions of every element by itself, and softmax."""

from __future__ import annotations

from convcalc.arithmetic import product
from convcalc.foreign.primitives import Primitive
from convcalc.foreign.recorder import Foreign, NoLayerError
from convcalc.importers.onnx_reader.operation import MICROSOFT, Operation, operator
from convcalc.layers.activation import (
    ELU,
    GELU,
    Abs,
    Clamp,
    Exp,
    HardSigmoid,
    HardSwish,
    LeakyReLU,
    Log,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Sqrt,
    Tanh,
)
from convcalc.layers.base import Layer
from convcalc.layers.joining import Add, Div, Mul

#: Operators that are one layer on every element.
_LAYERS: dict[str, type[Layer]] = {
    "Relu": ReLU,
    "LeakyRelu": LeakyReLU,
    "Elu": ELU,
    "Sigmoid": Sigmoid,
    "HardSigmoid": HardSigmoid,
    "HardSwish": HardSwish,
    "Tanh": Tanh,
    "Softplus": Softplus,
    "Mish": Mish,
    "Gelu": GELU,
    "Swish": SiLU,
    "Exp": Exp,
    "Log": Log,
    "Sqrt": Sqrt,
    "Abs": Abs,
}
#: Those that no layer is, by the names that `Primitive` has for them.
_PRIMITIVES = {
    "Erf": "erf",
    "Neg": "neg",
    "Reciprocal": "reciprocal",
    "Sign": "sign",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "round",
    "Sin": "sin",
    "Cos": "cos",
}


@operator(*_LAYERS)
def activation(op: Operation) -> Foreign:
    """A layer on every element."""
    return op.recorder.unary(_LAYERS[op.name](), op.foreign(0))


@operator("Gelu", "FastGelu", domain=MICROSOFT)
def gelu(op: Operation) -> Foreign:
    """GELU as ONNX Runtime fuses it."""
    value = op.foreign(0)
    if op.has(1):
        value = op.recorder.join(Add(), value, op.mixed(1))
    return op.recorder.unary(GELU(), value)


@operator("QuickGelu", domain=MICROSOFT)
def quick_gelu(op: Operation) -> Foreign:
    """x·σ(α·x), which is SiLU where α is 1."""
    value, alpha, recorder = op.foreign(0), op.attribute("alpha", 1.702), op.recorder
    if alpha == 1:
        return recorder.unary(SiLU(), value)
    gate = recorder.unary(Sigmoid(), recorder.unary(Mul(value=alpha), value))
    return recorder.join(Mul(), value, gate)


@operator(*_PRIMITIVES)
def primitive(op: Operation) -> Foreign:
    """A function of every element that is no layer type."""
    return op.recorder.unary(Primitive(op=_PRIMITIVES[op.name]), op.foreign(0))


@operator("Selu", "Celu")
def scaled_elu(op: Operation) -> Foreign:
    """An ELU times a constant."""
    value = op.recorder.unary(ELU(), op.foreign(0))
    factor = op.attribute("gamma", 1.0507) if op.name == "Selu" else op.attribute("alpha", 1.0)
    return op.recorder.unary(Mul(value=factor), value) if factor != 1 else value


@operator("Softsign")
def softsign(op: Operation) -> Foreign:
    """x/(1 + |x|)."""
    value = op.foreign(0)
    below = op.recorder.unary(Add(value=1.0), op.recorder.unary(Abs(), value))
    return op.recorder.join(Div(), value, below)


@operator("Clip")
def clip(op: Operation) -> Foreign:
    """A clamp; of 0 and 6 what it is called then."""
    value = op.foreign(0)
    least, most = op.number("min", 1), op.number("max", 2)
    if (least, most) == (0, 6):
        return op.recorder.unary(ReLU6(), value)
    # An end beyond all floats of 32 bits is none.
    least = None if least is not None and least < -3.4e38 else least
    most = None if most is not None and most > 3.4e38 else most
    if (least, most) == (None, None):
        return value
    if (least, most) == (0, None):
        return op.recorder.unary(ReLU(), value)
    return op.recorder.unary(Clamp(min=least, max=most), value)


@operator("PRelu")
def prelu(op: Operation) -> Foreign:
    """A slope for all, or one for each channel."""
    value, slope = op.foreign(0), op.weights(1)
    rank = len(value.shape)
    aligned = (1,) * (rank - len(slope.shape)) + slope.shape
    axes = [axis for axis, size in enumerate(aligned) if size != 1]
    key = op.owned(slope)
    if not axes:
        return op.recorder.unary(PReLU(), value, key)
    # A slope for each channel was not always aligned at the end.
    (axis,) = axes if len(axes) == 1 else (-1,)
    if slope.shape == (value.shape[1],) and axis == rank - 1 != 1:
        axis = 1
    if axis < 0 or value.shape[axis] != slope.size:
        raise NoLayerError(f"slopes of {list(slope.shape)}")
    return op.recorder.on_channels(PReLU(num_parameters=slope.size), value, axis, key)


@operator("Softmax", "LogSoftmax")
def softmax(op: Operation) -> Foreign:
    """Along one axis; up to version 12 along all from one on, as if they were one."""
    value = op.foreign(0)
    rank = len(value.shape)
    is_old = op.opset < 13
    axis = op.axis(1 if is_old else -1, rank)
    recorder = op.recorder
    if is_old and product(value.shape[axis + 1 :]) != 1:
        flat = recorder.reshaped(value, (*value.shape[:axis], product(value.shape[axis:])))
        assert isinstance(flat, Foreign)
        back = recorder.reshaped(recorder.softmax(Softmax, flat, axis), value.shape)
        assert isinstance(back, Foreign)
        made = back
    elif axis == 1 and value.axes[1] not in (None, 0):
        # The channels of what was transposed are its first axis, as they are of what comes next.
        made = recorder.on_channels(Softmax(axis=0), value)
    else:
        made = recorder.softmax(Softmax, value, axis)
    return recorder.unary(Log(), made) if op.name == "LogSoftmax" else made
