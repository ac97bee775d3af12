"""Layers that stand for a stack of others, found where the network has that stack.

What the stack is made of only the types know: one is built as the calls suggest, and compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

from convcalc.arithmetic import Refusal
from convcalc.foreign.traced import Call
from convcalc.foreign.writing.proof import take_alike
from convcalc.layers.activation import Activation
from convcalc.layers.attention import SelfAttention
from convcalc.layers.base import Layer, Placed
from convcalc.layers.composite import ActivationName, Composite, SqueezeExcite
from convcalc.layers.convolution import Conv
from convcalc.layers.dense import Linear, Reshape
from convcalc.shape import Shape, Tensor


class Found(NamedTuple):
    """A composite layer, and the calls that are its parts."""

    layer: Composite
    calls: range
    #: The calls' first whose tensors they use; None: they are their own.
    weights_of: int | None


def composites(calls: Sequence[Call], users: dict[Tensor, list[int]]) -> dict[int, Found]:
    """The composite layers of a network, by the first of their calls; none overlap.

    `users` has the calls that take a tensor.
    """
    found: dict[int, Found] = {}
    end = 0
    for first, call in enumerate(calls):
        suggested = _SUGGESTED.get(call.placed.type)
        if suggested is None or first < end or len(call.inputs) != 1:
            continue
        layers = [each.placed.layer for each in calls[first : first + _MOST_LOOKED_AT]]
        layer = suggested(layers, call.inputs[0].shape)
        one = None if layer is None else _found(layer, calls, first, users)
        if one is not None:
            found[first] = one
            end = one.calls.stop
    return found


def _found(
    layer: Composite, calls: Sequence[Call], first: int, users: dict[Tensor, list[int]]
) -> Found | None:
    """A layer where the calls from the first on are what it builds; None where they are not."""
    parts, x = _Parts(first), calls[first].inputs[0]
    try:
        layer.require(x.shape)
        layer.build(parts, x)
    except Refusal:
        return None
    run = range(first, first + len(parts.made))
    own = calls[first : run.stop]
    if len(own) < len(run) or not all(map(_is_same, own, parts.made)):
        return None
    if any(users.get(t, [0])[-1] >= run.stop for t in parts.tensors if t.node != run[-1]):
        return None
    # It is called as a function or not, trained or not, and uses another's tensors as a whole.
    if len({call.functional for call in own}) > 1:
        return None
    learned = [(at, call) for at, call in zip(run, own) if call.placed.tensors]
    owners = {None if c.weights_of is None else at - c.weights_of for at, c in learned}
    if len(owners) != 1 or len({call.placed.frozen for _, call in learned}) > 1:
        return None
    (offset,) = owners
    return Found(layer, run, None if offset is None else first - offset)


def _is_same(call: Call, part: tuple[Placed, tuple[Tensor, ...]]) -> bool:
    """Whether a call is a part on its tensors."""
    placed, inputs = part
    return call.placed.layer == placed.layer and take_alike(call, inputs)


class _Parts:
    """The parts of a layer, as they would be called from so many calls on."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.made: list[tuple[Placed, tuple[Tensor, ...]]] = []
        self.tensors: list[Tensor] = []

    def add(self, layer: Layer, *inputs: Tensor, name: str = "") -> tuple[Tensor, ...]:
        """A part on its inputs. Raises Refusal."""
        index = self.first + len(self.made)
        placed = layer.placed(tuple([tensor.shape for tensor in inputs]))
        self.made.append((placed, inputs))
        outputs = tuple([Tensor(index, part, each) for part, each in enumerate(placed.outputs)])
        self.tensors += outputs
        return outputs

    def group(self, name: str, type: str) -> AbstractContextManager[None]:
        """Calls have no groups."""
        return nullcontext()


def _squeeze_excite(layers: Sequence[Layer], x: Shape) -> SqueezeExcite | None:
    match layers:
        case [_, Conv() as squeeze, Activation() as activation, Conv(), Activation() as gate, *_]:
            if {activation.type, gate.type} <= {*ActivationName().words}:
                return SqueezeExcite(
                    squeeze=squeeze.out_channels, activation=activation.type, gate=gate.type
                )
    return None


def _self_attention(layers: Sequence[Layer], x: Shape) -> SelfAttention | None:
    match layers:
        case [Linear() as qkv, _, Reshape(shape=(heads, each, _)), *_]:
            own = None if heads * each == x.channels else each
            return SelfAttention(heads=heads, head_channels=own, qkv_bias=qkv.bias)
    return None


#: By the type of its first part, the layer that calls may be, told by the first and what enters it.
_SUGGESTED: dict[str, Callable[[Sequence[Layer], Shape], Composite | None]] = {
    "global_avg_pool": _squeeze_excite,
    "linear": _self_attention,
}
#: How many calls a layer is told by, at the most.
_MOST_LOOKED_AT = 5
