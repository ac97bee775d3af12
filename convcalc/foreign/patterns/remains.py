"""Primitives that no pattern took, in layers of the vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from convcalc.foreign.patterns.network import Anew, Change, Network
from convcalc.foreign.primitives import Primitive
from convcalc.layers.activation import Exp, Log, Sqrt, Square
from convcalc.layers.attention import Buffer, Opaque
from convcalc.layers.base import Layer
from convcalc.layers.joining import Add, Div, Mul, Sub
from convcalc.shape import Tensor


class _Writer(NamedTuple):
    """Adds layers in the place of a primitive."""

    anew: Anew

    def __call__(self, layer: Layer, *inputs: Tensor) -> Tensor:
        return self.anew.add(layer, *inputs, name=layer.type)[0]

    def constant_first(self, layer: Layer, value: float, x: Tensor) -> Tensor:
        """A constant joined with a tensor after it: one number that nothing enters."""
        one = self(Buffer(shape=(1,) * len(x.shape)))
        return self(layer, one, x)


def _power(add: _Writer, x: Tensor, value: float) -> Tensor:
    """x to the power of a constant: by products for the small whole ones, else by logarithms."""
    if value < 0:
        return add.constant_first(Div(), 1, _power(add, x, -value))
    if value == 0.5:
        return add(Sqrt(), x)
    if value in (1, 2, 3, 4):
        made = x if value in (1, 3) else add(Square(), x)
        if value == 3:
            return add(Mul(), x, add(Square(), x))
        return add(Square(), made) if value == 4 else made
    return add(Exp(), add(Mul(value=value), add(Log(), x)))


#: What a primitive with one tensor becomes.
_SAID: Mapping[str, Callable[[_Writer, Tensor, float], Tensor]] = {
    "neg": lambda add, x, _: add(Mul(value=-1), x),
    "reciprocal": lambda add, x, _: add.constant_first(Div(), 1, x),
    "rsqrt": lambda add, x, _: add.constant_first(Div(), 1, add(Sqrt(), x)),
    "rsub": lambda add, x, value: add.constant_first(Sub(), value, x),
    "rdiv": lambda add, x, value: add.constant_first(Div(), value, x),
    "log1p": lambda add, x, _: add(Log(), add(Add(value=1), x)),
    "expm1": lambda add, x, _: add(Sub(value=1), add(Exp(), x)),
    "pow": _power,
}


def remains(network: Network) -> Iterator[Change]:
    """Primitives in layers of the vocabulary; what has none is `opaque`."""
    for index, call in enumerate(network.calls):
        if isinstance(call.placed.layer, Primitive):
            yield Change(index, frozenset([index]), _maker(network, index))


def _maker(network: Network, index: int) -> Callable[[Anew], tuple[Tensor, ...]]:
    call = network.calls[index]
    layer = call.placed.layer
    assert isinstance(layer, Primitive)

    def make(anew: Anew) -> tuple[Tensor, ...]:
        inputs = [anew[each] for each in call.inputs]
        say = _SAID.get(layer.op)
        if say is not None and len(inputs) == 1:
            return (say(_Writer(anew), inputs[0], layer.value or 0),)
        return anew.add(Opaque(op=layer.op, shape=tuple(call.placed.outputs[0])), *inputs)

    return make
