"""Layers that are one because of how they stand together: an entry of `STRUCTURES` for each."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from convcalc.foreign.patterns.network import Anew, Change, Network
from convcalc.foreign.patterns.views import VIEWS, chain_to, keep_order
from convcalc.foreign.traced import Call
from convcalc.layers.attention import Matmul, Parameter
from convcalc.layers.base import Layer, Placed
from convcalc.layers.dense import Linear, Reshape, Scale
from convcalc.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from convcalc.layers.pooling import GlobalAvgPool
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
    #: What enters it beside.
    beside: tuple[Tensor, ...] = ()
    #: What shows its output as that of the calls.
    view: Layer | None = None
    #: What is to be said of it.
    note: str = ""
    #: A call that it is called as, and stands where; else as those that it stands for.
    like: Call | None = None


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
    """A linear layer or a convolution without a bias, and what is added to its maps.

    These may be laid out as groups of maps before, as the heads of an attention.
    """
    placed = network.calls[index].placed
    last, calls = network.reader(index), [index]
    view: Layer | None = None
    if placed.layer.bias or last is None:  # type: ignore[attr-defined]
        return None
    wanted: Shape | None = _of_channels(placed.outputs[0])
    if isinstance(network.calls[last].placed.layer, Reshape):
        view = network.calls[last].placed.written
        calls.append(last)
        wanted = _laid_out(placed.outputs[0], network.out(last).shape)
        last = network.reader(last)
    if last is None or network.calls[last].placed.type != "add":
        return None
    beside = learned_beside(network, last)
    if beside is None or beside[1] != wanted:
        return None
    layer = dataclasses.replace(placed.written, bias=True)  # type: ignore[type-var]
    (x,) = network.calls[index].inputs
    return Found(layer, x, (*calls, beside[0], last), (index, beside[0]), view=view)


def _laid_out(x: Shape, shown: Shape) -> Shape | None:
    """The shape of a number for each channel of `x` beside what shows these as several axes."""
    split = len(shown) - len(x.spatial)
    if split < 1 or shown[split:] != x.spatial:
        return None
    return Shape(*shown[:split], *[1] * len(x.spatial))


def _learned_product(network: Network, index: int) -> Found | None:
    """A learned matrix by a tensor of channels at positions, as a linear layer at each of these."""
    call = network.calls[index]
    layer, (learned, x) = call.placed.layer, call.inputs
    assert isinstance(layer, Matmul)
    maker = network.maker(learned)
    if maker is None or not isinstance(maker.placed.layer, Parameter):
        return None
    if len(x.shape) != 2 or layer.transpose_b or network.reader(learned.node) != index:
        return None
    features = call.placed.outputs[0].channels
    linear = Linear(out_features=features, bias=False, per_position=True)
    return Found(linear, x, (learned.node, index), (learned.node,))


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
    if not (keep_order(network, before) and keep_order(network, after)):
        return None
    return Found(GroupNorm(groups=groups, affine=False), x, (*before, index, *after))


def _larger_first(network: Network, index: int) -> Found | None:
    """What is broadcast comes second, as a gate after what it weighs."""
    call = network.calls[index]
    if len(call.inputs) != 2 or call.inputs[0].shape == call.placed.outputs[0]:
        return None
    first, second = call.inputs
    if second.shape != call.placed.outputs[0]:
        return None
    return Found(call.placed.written, second, (index,), beside=(first,))


def _batch_norm(network: Network, index: int) -> Found | None:
    """A factor and a shift that are what an exporter has made of a batch norm, by their names."""
    last = network.reader(index)
    first = learned_beside(network, index)
    second = None if last is None else learned_beside(network, last)
    if last is None or first is None or second is None:
        return None
    if network.calls[last].placed.type != "add" or second[2].node != index:
        return None
    shape = _of_channels(first[2].shape)
    like = _as_batch_norm(network.calls[index], network.calls[last])
    if first[1] != shape or second[1] != shape or like is None:
        return None
    calls = tuple(dict.fromkeys((first[0], index, second[0], last)))
    return Found(BatchNorm(), first[2], calls, (first[0], second[0]), note=_FOLDED, like=like)


def _as_batch_norm(first: Call, last: Call) -> Call | None:
    """The batch norm that two calls are parts of by their names, without what it does.

    None where they are called otherwise.
    """
    for depth, scope in enumerate(first.scopes):
        if _BATCH_NORM.search(scope.name):
            # Keras calls every one so, inside of the module that has a name.
            place = max(depth - 1, 0) if scope.name == "batchnorm" else depth
            return first._replace(name=first.scopes[place].name, scopes=first.scopes[:place])
    return first if first.name == last.name and _BATCH_NORM.search(first.name) else None


#: What batch norms are called.
_BATCH_NORM = re.compile(r"batch_?norm|(?:^|_)bn(?:_|\d|$)", re.IGNORECASE)
#: What is said beside a network with such.
_FOLDED = (
    "the file has its batch norms as a factor and a shift for each channel; they are written as"
    " batch norms, whose running statistics are counted again"
)


def _gate(network: Network, index: int) -> Found | None:
    """A mean of each channel in front of a gate: of squeeze-and-excite, which has a global pool."""
    call = network.calls[index]
    (x,) = call.inputs
    if call.functional or set(call.placed.outputs[0].spatial) != {1}:
        return None
    last: int | None = index
    for wanted in ("conv", "", "conv", "", "mul"):
        last = None if last is None else network.reader(last)
        if last is None or wanted not in ("", network.calls[last].placed.type):
            return None
    assert last is not None
    return Found(GlobalAvgPool(), x, (index,)) if x in network.calls[last].inputs else None


#: What is looked for where a layer of a type stands, the first that is found.
STRUCTURES: Mapping[str, tuple[Callable[[Network, int], Found | None], ...]] = {
    **dict.fromkeys(("linear", "conv", "conv_transpose"), (_biased,)),
    **dict.fromkeys(("layer_norm", "group_norm", "rms_norm"), (_affine,)),
    "instance_norm": (_grouped, _affine),
    "matmul": (_learned_product,),
    "scale": (_batch_norm,),
    "adaptive_avg_pool": (_gate,),
    "mul": (_batch_norm, _larger_first),
    **dict.fromkeys(("add", "maximum", "minimum"), (_larger_first,)),
}


def structures(network: Network) -> Iterator[Change]:
    """Layers that stand together, as the one that they are."""
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
        if found.like is not None:
            anew.like = found.like
        name = first.name if _owns(first.placed) and found.like is None else ""
        inputs = [anew[each] for each in (found.x, *found.beside)]
        made = anew.add(found.layer, *inputs, name=name, holding=found.holding)
        return made if found.view is None else anew.add(found.view, *made, name=found.view.type)

    return Change(found.calls[-1], frozenset(found.calls), make, found.holding, found.note)


def _owns(placed: Placed) -> bool:
    return bool(placed.tensors)
