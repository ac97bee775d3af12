"""Layers that are one because of how they stand together: an entry of `STRUCTURES` for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from convcalc.foreign.patterns.network import Anew, Change, Network, changed, fits
from convcalc.foreign.patterns.views import VIEWS, chain_to, order_of
from convcalc.foreign.traced import Traced
from convcalc.layers.attention import Parameter, Reduce
from convcalc.layers.base import Layer, Placed
from convcalc.layers.dense import Scale
from convcalc.layers.normalization import GroupNorm, LayerNorm
from convcalc.shape import Shape, Tensor


class Found(NamedTuple):
    """One layer that stands for several."""

    layer: Layer
    #: What enters it.
    x: Tensor
    #: The calls that it stands for, the last of them last.
    calls: tuple[int, ...]
    #: The calls whose learned tensors it has, in the order of its own.
    holding: tuple[int, ...] = ()


def learned_beside(network: Network, index: int) -> tuple[int, Shape, Tensor] | None:
    """What a call joins a tensor with, where that is learned and nobody else reads it.

    The call that has the learned tensor, the shape of that beside the other, and this; None for
    calls that join no such two.
    """
    call = network.calls[index]
    if isinstance(call.placed.layer, Scale):
        return index, _of_channels(call.placed.entering), call.inputs[0]
    if call.placed.type not in ("mul", "add") or len(call.inputs) != 2:
        return None
    for x, learned in (call.inputs, call.inputs[::-1]):
        maker = network.maker(learned)
        is_learned = maker is not None and isinstance(maker.placed.layer, Parameter)
        if is_learned and network.reader(learned.node) == index:
            return learned.node, learned.shape, x
    return None


def _of_channels(x: Shape) -> Shape:
    """The shape of a number for each channel beside `x`."""
    return Shape(x.channels, *[1] * (len(x) - 1))


def _biased(network: Network, index: int) -> Found | None:
    """A linear layer or a convolution without a bias, and what is added to its maps."""
    last = network.reader(index)
    placed = network.calls[index].placed
    if last is None or network.calls[last].placed.type != "add" or placed.layer.bias:  # type: ignore[attr-defined]
        return None
    beside = learned_beside(network, last)
    if beside is None or beside[1] != _of_channels(placed.outputs[0]):
        return None
    layer = dataclasses.replace(placed.written, bias=True)  # type: ignore[type-var]
    (x,) = network.calls[index].inputs
    return Found(layer, x, (index, beside[0], last), (index, beside[0]))


def _affine(network: Network, index: int) -> Found | None:
    """A norm that learns nothing, and a learned factor and a learned shift after it."""
    placed = network.calls[index].placed
    layer = placed.written
    if layer.affine:  # type: ignore[attr-defined]
        return None
    x, shape = placed.entering, _of_channels(placed.entering)
    if isinstance(layer, LayerNorm) and layer.over == "all":
        shape = x
    holding: list[int] = []
    calls = [index]
    for type in ("mul",) if placed.type == "rms_norm" else ("mul", "add"):
        last = network.reader(calls[-1])
        beside = None if last is None else learned_beside(network, last)
        if last is None or beside is None or beside[1] != shape:
            return None
        if network.calls[last].placed.type not in (type, "scale" if type == "mul" else type):
            return None
        holding.append(beside[0])
        calls += [each for each in (beside[0], last) if each not in calls]
    layer = dataclasses.replace(layer, affine=True)  # type: ignore[type-var]
    (entering,) = network.calls[index].inputs
    return Found(layer, entering, tuple(calls), tuple(holding))


def _grouped(network: Network, index: int) -> Found | None:
    """An instance norm that learns nothing, of channels laid out as groups of them."""
    call = network.calls[index]
    (x,) = call.inputs
    last = network.reader(index)
    if call.placed.layer.affine or last is None or network.type_of(x) not in VIEWS:  # type: ignore[attr-defined]
        return None
    if network.reader(x.node) is None:
        return None
    before, after = chain_to(network, x.node), [last]
    (x,) = network.calls[before[0]].inputs
    if network.calls[last].placed.type not in VIEWS:
        return None
    groups = call.placed.entering.channels
    if network.out(last).shape != x.shape or x.shape.channels % groups:
        return None
    if not (_keep_order(network, before) and _keep_order(network, after)):
        return None
    return Found(GroupNorm(groups=groups, affine=False), x, (*before, index, *after))


def _keep_order(network: Network, chain: list[int]) -> bool:
    """Whether views leave the elements in the order that they are in."""
    placed = [network.calls[index].placed for index in chain]
    shown = tuple([(each.layer, each.outputs[0]) for each in placed])
    order = order_of(placed[0].entering, shown)
    return order is not None and len(order.order) <= 1


def _keeping(network: Network, index: int) -> Found | None:
    """A reduction whose axes come back with one cell."""
    layer, last = network.calls[index].placed.layer, network.reader(index)
    assert isinstance(layer, Reduce)
    if last is None or layer.keep or network.calls[last].placed.type not in VIEWS:
        return None
    layer = dataclasses.replace(layer, keep=True)
    (x,) = network.calls[index].inputs
    if fits(layer, x.shape) != (network.out(last).shape,):
        return None
    if not _keep_order(network, [last]):
        return None
    return Found(layer, x, (index, last))


#: What is looked for where a layer of a type stands, the first that is found.
STRUCTURES: Mapping[str, tuple[Callable[[Network, int], Found | None], ...]] = {
    **dict.fromkeys(("linear", "conv", "conv_transpose"), (_biased,)),
    **dict.fromkeys(("layer_norm", "group_norm", "rms_norm"), (_affine,)),
    "instance_norm": (_grouped, _affine),
    "reduce": (_keeping,),
}


def with_structures(traced: Traced) -> Traced:
    """The network with layers that stand together as the one that they are."""
    network = Network(traced)
    return changed(network, [*_changes(network)])


def _changes(network: Network) -> Iterator[Change]:
    taken: set[int] = set()
    for index, call in enumerate(network.calls):
        for look in STRUCTURES.get(call.placed.type, ()):
            found = look(network, index)
            if found is not None and taken.isdisjoint(found.calls):
                taken.update(found.calls)
                yield _change(network, found)
                break


def _change(network: Network, found: Found) -> Change:
    first = network.calls[found.calls[0]]

    def make(anew: Anew) -> tuple[Tensor, ...]:
        name = first.name if _owns(first.placed) else ""
        return anew.add(found.layer, anew[found.x], name=name, holding=found.holding)

    return Change(found.calls[-1], frozenset(found.calls), make, found.holding)


def _owns(placed: Placed) -> bool:
    return bool(placed.tensors)
