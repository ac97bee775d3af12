"""What layers compute, on a few numbers: enough to tell one function from another."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from operator import add, mul, sub

from convcalc.foreign.primitives import Primitive
from convcalc.layers.attention import Reduce
from convcalc.layers.base import Layer

#: Numbers along what is reduced, or one number for all of them.
Vector = Sequence[float]
#: What there is where a function has no value, or none that fits.
NONE = math.nan


def _safe(function: Callable[..., float]) -> Callable[..., float]:
    """The same with NaN where there is no value, and infinity where it is too large."""

    def guarded(*numbers: float) -> float:
        try:
            return function(*numbers)
        except (ValueError, ZeroDivisionError, TypeError):
            return NONE
        except OverflowError:
            return math.inf

    return guarded


def each(function: Callable[..., float]) -> Callable[..., Vector]:
    """A function of numbers as one of vectors, of which those of one number broadcast."""
    guarded = _safe(function)

    def spread(*vectors: Vector) -> Vector:
        count = max(map(len, vectors))
        full = [vector if len(vector) == count else [*vector] * count for vector in vectors]
        return [*map(guarded, *full)]

    return spread


def divided(a: float, b: float) -> float:
    """a/b; infinite where b is."""
    return a / b


def power(a: float, b: float) -> float:
    """a to the power of b, where that is a real number."""
    return math.pow(a, b)


def sigmoid(x: float) -> float:
    """1/(1 + e⁻ˣ)."""
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def softplus(x: float) -> float:
    """ln(1 + eˣ)."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def gelu(x: float) -> float:
    """x/2·(1 + erf(x/√2)) (Hendrycks and Gimpel 2016)."""
    return x / 2 * (1 + math.erf(x / math.sqrt(2)))


def gelu_by_tanh(x: float) -> float:
    """The approximation of GELU by a hyperbolic tangent (ibid., section 2)."""
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def hard_sigmoid(x: float) -> float:
    """min(max(x + 3, 0), 6)/6."""
    return min(max(x + 3, 0.0), 6.0) / 6


#: What each layer type of one number and no field computes.
FUNCTIONS: Mapping[str, Callable[[float], float]] = {
    "relu": lambda x: max(x, 0.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "abs": abs,
    "square": lambda x: x * x,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "tanh": math.tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "silu": lambda x: x * sigmoid(x),
    "mish": lambda x: x * math.tanh(softplus(x)),
    "hard_sigmoid": hard_sigmoid,
    "hard_swish": lambda x: x * hard_sigmoid(x),
    "gelu": gelu,
}

#: What primitives compute, a constant after the tensors.
_PRIMITIVES: Mapping[str, Callable[..., float]] = {
    "erf": math.erf,
    "erfc": math.erfc,
    "neg": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "pow": power,
    "rsub": lambda x, value: value - x,
    "rdiv": lambda x, value: value / x,
    "log1p": math.log1p,
    "expm1": math.expm1,
    "sign": lambda x: (x > 0) - (x < 0),
    "where": lambda condition, a, b: a if condition else b,
    "greater": lambda a, b: float(a > b),
    "greater_or_equal": lambda a, b: float(a >= b),
    "less": lambda a, b: float(a < b),
    "less_or_equal": lambda a, b: float(a <= b),
}
#: What joins compute, of two numbers.
_JOINS: Mapping[str, Callable[[float, float], float]] = {
    "add": add,
    "sub": sub,
    "mul": mul,
    "div": divided,
    "maximum": max,
    "minimum": min,
}


def mean(x: Vector) -> float:
    """The mean."""
    return math.fsum(x) / len(x)


#: What reductions compute.
_REDUCED: Mapping[str, Callable[[Vector], float]] = {
    "mean": mean,
    "sum": math.fsum,
    "max": max,
    "min": min,
    "l2": lambda x: math.sqrt(math.fsum(n * n for n in x)),
}
#: Pools that are reductions over all but the channels.
GLOBAL: Mapping[str, str] = {"global_avg_pool": "mean", "global_max_pool": "max"}

_EACH = {
    **{name: each(function) for name, function in FUNCTIONS.items()},
    **{name: each(function) for name, function in _JOINS.items()},
}
_EACH_PRIMITIVE = {name: each(function) for name, function in _PRIMITIVES.items()}


#: Types whose fields say what they compute; `scale` is a product with what it learned.
_WITH_FIELDS = ("reduce", "clamp", "scale")


def is_computed(layer: Layer) -> bool:
    """Whether `computed` knows what a layer does."""
    if isinstance(layer, Primitive):
        return layer.op in _PRIMITIVES
    return layer.type in _EACH or layer.type in GLOBAL or layer.type in _WITH_FIELDS


def reduction(layer: Layer) -> str:
    """What a layer reduces by, as `reduce` has it; empty for one that does not."""
    return layer.op if isinstance(layer, Reduce) else GLOBAL.get(layer.type, "")


def computed(layer: Layer, inputs: Sequence[Vector]) -> Vector:
    """What a layer makes of vectors along what it reduces, if it reduces."""
    op = reduction(layer)
    if op:
        try:
            return [_REDUCED[op](inputs[0])]
        except (OverflowError, ValueError):
            return [NONE]
    if layer.type == "index_select":
        return inputs[0]
    value = getattr(layer, "value", None)
    given = [*inputs] if value is None else [*inputs, [value]]
    if isinstance(layer, Primitive):
        return _EACH_PRIMITIVE[layer.op](*given)
    if layer.type == "clamp":
        low, high = layer.min, layer.max  # type: ignore[attr-defined]
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        return [NONE if math.isnan(n) else min(max(n, low), high) for n in inputs[0]]
    made = given[0]
    if len(given) == 1:
        return _EACH[layer.type](made)
    for other in given[1:]:
        made = _EACH[layer.type](made, other)
    return made


def are_near(a: Vector, b: Vector) -> bool:
    """Whether two vectors are one, but for constants of single precision."""
    return len(a) == len(b) and all(map(_is_near, a, b))


def _is_near(a: float, b: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or math.isclose(a, b, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


#: A constant of single precision is off by 6·10⁻⁸ of itself; the next common one by far more.
_RELATIVE = 1e-6
#: Less than what people add against a division by 0, which is an addition.
_ABSOLUTE = 1e-9
