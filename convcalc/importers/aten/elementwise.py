"""What is done on every element, on those of one tensor or of two."""

from __future__ import annotations

from typing import Any

from convcalc.foreign.recorder import Foreign, Held, Value
from convcalc.importers.aten.operators import (
    Operation,
    axis_of,
    foreign,
    is_own,
    multiplied,
    operator,
    refuse_unless,
    unary,
)
from convcalc.layers import activation
from convcalc.layers.base import Layer
from convcalc.layers.dense import Dropout, Scale
from convcalc.layers.joining import Add, Div, Maximum, Minimum, Mul, Sub

Number = int | float | bool

#: The operators that are a layer without a field.
_PLAIN: dict[str, type[Layer]] = {
    "relu": activation.ReLU,
    "relu6": activation.ReLU6,
    "elu": activation.ELU,
    "celu": activation.ELU,
    "leaky_relu": activation.LeakyReLU,
    "gelu": activation.GELU,
    "sigmoid": activation.Sigmoid,
    "silu": activation.SiLU,
    "hardsigmoid": activation.HardSigmoid,
    "hardswish": activation.HardSwish,
    "tanh": activation.Tanh,
    "softplus": activation.Softplus,
    "mish": activation.Mish,
    "abs": activation.Abs,
    "sqrt": activation.Sqrt,
    "square": activation.Square,
    "exp": activation.Exp,
    "log": activation.Log,
}


def _plain(layer: type[Layer]) -> Any:
    def handler(op: Operation, x: Foreign, *_: Any, **__: Any) -> Value:
        return unary(op, layer(), x)

    return handler


for _name, _layer in _PLAIN.items():
    operator(_name)(_plain(_layer))


@operator("clamp", "hardtanh", "clip")
def clamp(
    op: Operation,
    x: Foreign,
    min: Number | None = None,
    max: Number | None = None,
    *,
    min_val: Number = -1.0,
    max_val: Number = 1.0,
) -> Value:
    """Kept within bounds."""
    if min is None and max is None:
        min, max = min_val, max_val
    refuse_unless(
        not isinstance(min, (Foreign, Held)) and not isinstance(max, (Foreign, Held)),
        "bounds in tensors",
    )
    if (min, max) == (0, 6):
        return unary(op, activation.ReLU6(), x)
    least, most = (None if bound is None else float(bound) for bound in (min, max))
    return unary(op, activation.Clamp(min=least, max=most), x)


@operator("clamp_min")
def clamp_min(op: Operation, x: Foreign, min: Number) -> Value:
    """Kept from falling below a bound."""
    return clamp(op, x, min)


@operator("clamp_max")
def clamp_max(op: Operation, x: Foreign, max: Number) -> Value:
    """Kept from rising above a bound."""
    return clamp(op, x, None, max)


@operator("prelu")
def prelu(op: Operation, x: Foreign, weight: Held) -> Value:
    """A ReLU with learned slopes; in its parts where these are not the layer's own."""
    if not is_own(weight):
        below = unary(op, activation.Clamp(max=0.0), x)
        axis = min(1, len(x.shape) - 1) if len(weight.shape) == 1 else 0
        below = multiplied(op, below, weight, axis)
        return op.recorder.join(Add(), unary(op, activation.ReLU(), x), below)
    with op.owning(weight) as key:
        layer = activation.PReLU(num_parameters=weight.shape[0] if weight.shape else 1)
        return op.recorder.on_channels(layer, x, min(1, len(x.shape) - 1), key=key)


@operator("selu")
def selu(op: Operation, x: Foreign) -> Value:
    """An ELU and a factor (Klambauer et al. 2017)."""
    return unary(op, Mul(value=1.0507009873554805), unary(op, activation.ELU(), x))


@operator("log_sigmoid")
def log_sigmoid(op: Operation, x: Foreign) -> Value:
    """The logarithm of a sigmoid."""
    return unary(op, activation.Log(), unary(op, activation.Sigmoid(), x))


@operator("glu")
def glu(op: Operation, x: Foreign, dim: int = -1) -> Value:
    """One half by the sigmoid of the other (Dauphin et al. 2017)."""
    axis = axis_of(dim, len(x.shape))
    first, second = op.recorder.split(x, axis, (x.shape[axis] // 2,) * 2)
    return op.recorder.join(Mul(), first, unary(op, activation.Sigmoid(), second))


@operator("softmax", "_softmax")
def softmax(op: Operation, x: Foreign, dim: int, *_: Any, **__: Any) -> Value:
    """A softmax along an axis."""
    return op.recorder.softmax(activation.Softmax, x, axis_of(dim, len(x.shape)))


@operator("log_softmax", "_log_softmax")
def log_softmax(op: Operation, x: Foreign, dim: int, *_: Any, **__: Any) -> Value:
    """The logarithm of a softmax."""
    return unary(op, activation.Log(), foreign(op, softmax(op, x, dim)))


@operator("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def dropout(op: Operation, x: Foreign, p: float, train: bool = False) -> Value:
    """Nothing at inference; a layer where training drops something."""
    return unary(op, Dropout(rate=float(p)), x) if p else x


@operator("native_dropout")
def native_dropout(op: Operation, x: Foreign, p: float, train: bool | None) -> list[Value]:
    """The same, whose mask follows the result."""
    return [dropout(op, x, p)]


def _scaled(op: Operation, x: Value, factor: Value) -> Foreign | None:
    """A product with a learned factor for each of our channels, as a layer; None: it is none."""
    if not isinstance(x, Foreign) or not isinstance(factor, Held) or not is_own(factor):
        return None
    rank = len(x.shape)
    large = [axis - len(factor.shape) + rank for axis, n in enumerate(factor.shape) if n != 1]
    if len(large) != 1 or large[0] < 0 or x.axes[large[0]] is None:
        return None
    if x.shape[large[0]] != max(factor.shape) or len(factor.shape) > rank:
        return None
    if x.axes[large[0]] != 0:
        return None
    with op.owning(factor) as key:
        return op.recorder.unary(Scale(), x, key=key)


def _joined(op: Operation, layer: type[Layer], x: Any, other: Any) -> Value:
    """Two tensors element by element, or one and a number."""
    for number, value in ((other, x), (x, other)):
        if isinstance(number, Number):
            return unary(op, layer(value=float(number)), foreign(op, value))
    return op.recorder.join(layer(), x, other)


def _times(op: Operation, x: Any, alpha: Number) -> Any:
    """A tensor or a number by a number."""
    if alpha == 1:
        return x
    return (
        x * alpha if isinstance(x, Number) else unary(op, Mul(value=float(alpha)), foreign(op, x))
    )


@operator("add")
def add(op: Operation, x: Any, other: Any, *, alpha: Number = 1) -> Value:
    """A sum, the second with a factor."""
    return _joined(op, Add, x, _times(op, other, alpha))


@operator("sub")
def sub(op: Operation, x: Any, other: Any, *, alpha: Number = 1) -> Value:
    """A difference, what is taken away with a factor."""
    if isinstance(x, Number):
        return rsub(op, other, x)
    return _joined(op, Sub, x, _times(op, other, alpha))


@operator("rsub")
def rsub(op: Operation, x: Any, other: Any, alpha: Number = 1) -> Value:
    """The difference the other way round."""
    if isinstance(other, Number):
        return unary(op, Add(value=float(other)), foreign(op, _times(op, x, -alpha)))
    return _joined(op, Sub, other, _times(op, x, alpha))


@operator("mul", "multiply")
def mul(op: Operation, x: Any, other: Any) -> Value:
    """A product."""
    if not isinstance(x, Number) and not isinstance(other, Number):
        made = _scaled(op, x, other) or _scaled(op, other, x)
        if made is not None and made.shape == op.shape:
            return made
    return _joined(op, Mul, x, other)


@operator("div", "true_divide", "divide")
def div(op: Operation, x: Any, other: Any, *, rounding_mode: str | None = None) -> Value:
    """A quotient."""
    refuse_unless(rounding_mode is None, "a rounded quotient")
    if isinstance(x, Number):
        return _over(op, foreign(op, other))
    return _joined(op, Div, x, other)


def _over(op: Operation, x: Foreign) -> Foreign:
    """A constant over a tensor."""
    return op.recorder.join(Div(), Held((1,) * len(x.shape)), x)


@operator("reciprocal")
def reciprocal(op: Operation, x: Foreign) -> Value:
    """One over a tensor."""
    return _over(op, x)


@operator("rsqrt")
def rsqrt(op: Operation, x: Foreign) -> Value:
    """One over a square root."""
    return _over(op, unary(op, activation.Sqrt(), x))


@operator("neg")
def neg(op: Operation, x: Foreign) -> Value:
    """The other sign."""
    return unary(op, Mul(value=-1.0), x)


@operator("maximum")
def maximum(op: Operation, x: Value, other: Value) -> Value:
    """The larger of two."""
    return op.recorder.join(Maximum(), x, other)


@operator("minimum")
def minimum(op: Operation, x: Value, other: Value) -> Value:
    """The smaller of two."""
    return op.recorder.join(Minimum(), x, other)


@operator("addcmul")
def addcmul(op: Operation, x: Value, a: Value, b: Value, *, value: Number = 1) -> Value:
    """A sum with a product."""
    made = mul(op._replace(shapes=()), a, b) if isinstance(a, Foreign) else _joined(op, Mul, a, b)
    return _joined(op, Add, x, _times(op, made, value))


@operator("pow")
def power(op: Operation, x: Any, exponent: Any) -> Value:
    """A power, by a root or products where it can be."""
    refuse_unless(isinstance(exponent, Number) and isinstance(x, Foreign), "a power")
    if exponent == 0.5:
        return unary(op, activation.Sqrt(), x)
    if exponent == -0.5:
        return rsqrt(op, x)
    if exponent == -1:
        return _over(op, x)
    if exponent == 1:
        return _kept(x)
    if exponent not in (2, 3, 4):  # a logarithm, a product and an exponential
        scaled = unary(op, Mul(value=float(exponent)), unary(op, activation.Log(), x))
        return unary(op, activation.Exp(), scaled)
    made = unary(op, activation.Square(), x)
    if exponent == 3:
        return op.recorder.join(Mul(), made, x)
    return made if exponent == 2 else unary(op, activation.Square(), made)


def _kept(x: Value) -> Value:
    return x


@operator(
    "clone", "contiguous", "detach", "alias", "to", "_to_copy", "lift_fresh_copy", "lift_fresh",
    "type_as", "float", "double", "half", "bfloat16", "identity", "requires_grad", "view_as_real",
    "resolve_conj", "resolve_neg", "positive", "_assert_tensor_metadata", "lift", "cpu", "cuda",
)  # fmt: skip
def kept(op: Operation, x: Value, *_: Any, **__: Any) -> Value:
    """What makes no other tensor."""
    return x


@operator("copy")
def copied(op: Operation, x: Value, src: Value, *_: Any) -> Value:
    """The elements of another tensor."""
    return src
