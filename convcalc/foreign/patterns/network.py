"""A network while it is rewritten: who reads what, and its calls made anew with changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from convcalc.arithmetic import Refusal
from convcalc.foreign.traced import Call, Scope, Traced
from convcalc.layers.base import Layer, Placed
from convcalc.shape import Shape, Tensor


class Network:
    """A traced network, and the calls that read each of its tensors."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced
        self.calls = traced.calls
        #: For each call, those that read what it makes, once for every time.
        self.readers: list[list[int]] = [[] for _ in self.calls]
        #: The same for each input, which has a negative number.
        self.entered: dict[int, list[int]] = {}
        #: For each call, whether what it makes leaves the network.
        self.leaves = [False] * len(self.calls)
        #: The calls that use the tensors of another, or whose tensors another uses.
        self.shared: set[int] = set()
        for index, call in enumerate(self.calls):
            for tensor in call.inputs:
                if tensor.node >= 0:
                    self.readers[tensor.node].append(index)
                else:
                    self.entered.setdefault(tensor.node, []).append(index)
            if call.weights_of is not None:
                self.shared |= {index, call.weights_of}
        for tensor in traced.outputs:
            if tensor.node >= 0:
                self.leaves[tensor.node] = True

    def maker(self, tensor: Tensor) -> Call | None:
        """The call that makes a tensor; None for an input."""
        return self.calls[tensor.node] if tensor.node >= 0 else None

    def type_of(self, tensor: Tensor) -> str:
        """The type of the layer that makes a tensor; empty for an input."""
        return self.calls[tensor.node].placed.type if tensor.node >= 0 else ""

    def reader(self, index: int) -> int | None:
        """The one call that reads what a call makes, where there is one and nothing leaves."""
        readers = self.readers[index]
        return readers[0] if len(readers) == 1 and not self.leaves[index] else None

    def leaves_already(self, tensor: Tensor) -> bool:
        """Whether a tensor leaves the network or is an input, so that no other may become it."""
        return tensor.node < 0 or self.leaves[tensor.node]

    def reading(self, tensor: Tensor) -> list[int]:
        """The calls that read a tensor, in order."""
        if tensor.node >= 0:
            found = self.readers[tensor.node]
        else:
            found = self.entered.get(tensor.node, [])
        return [index for index in found if tensor in self.calls[index].inputs]

    def are_closed(self, inner: Iterable[int], last: int) -> bool:
        """Whether what these calls make is read by one another alone, but for the last one's."""
        within = {*inner, last}
        return all(
            not self.leaves[index] and within.issuperset(self.readers[index])
            for index in within
            if index != last
        )

    def out(self, index: int) -> Tensor:
        """The first tensor that a call makes."""
        return Tensor(index, 0, self.calls[index].placed.outputs[0])

    def owner(self, index: int) -> int:
        """The call that owns the tensors that a call uses."""
        owner = self.calls[index].weights_of
        return index if owner is None else owner


class Change(NamedTuple):
    """Calls that become others, which are made in the place of the last of them."""

    #: The last of them, whose outputs those of the new ones stand for.
    at: int
    #: All that it takes; those of which others read are made as before.
    taken: frozenset[int]
    #: Makes the new calls, and says which tensors stand for the outputs.
    make: Callable[[Anew], tuple[Tensor, ...]]
    #: The calls whose tensors the new ones use, in the order of these.
    holding: tuple[int, ...] = ()
    #: What is to be said of it beside the network.
    note: str = ""


class Anew:
    """The calls of a network made anew, one after the other."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.calls: list[Call] = []
        #: Where calls that are kept went, what stands for the outputs of others, and where the
        #: learned tensors of all went.
        self._places: dict[int, int] = {}
        self._stand: dict[int, Sequence[Tensor]] = {}
        self._owners: dict[int, int] = {}
        #: What is added is called as this one, and stands where it does.
        self.like: Call = Call("", _NOWHERE, ())

    def __getitem__(self, tensor: Tensor) -> Tensor:
        """What stands for a tensor of before."""
        node, part, shape = tensor
        place = node if node < 0 else self._places.get(node)
        if place is None:
            return self._stand[node][part]
        return tensor if place == node else Tensor(place, part, shape)

    def add(
        self,
        layer: Layer,
        *inputs: Tensor,
        name: str = "",
        scopes: tuple[Scope, ...] | None = None,
        holding: Sequence[int] = (),
    ) -> tuple[Tensor, ...]:
        """A layer on new tensors, which uses the learned ones of calls of before; its outputs.

        Raises Refusal.
        """
        placed = layer.placed(tuple([tensor.shape for tensor in inputs]))
        owner = None
        if holding:
            before = [self.network.calls[index] for index in holding]
            owner = self._owners.get(self.network.owner(holding[0]))
            frozen = before[0].placed.frozen
            placed = placed.holding(borrowing=owner is not None, frozen=frozen)
        index = len(self.calls)
        for each in holding if owner is None else ():
            self._owners[each] = index
        like = self.like
        self.calls.append(
            Call(
                name or like.name,
                placed,
                inputs,
                like.scopes if scopes is None else scopes,
                like.functional,
                owner,
            )
        )
        return tuple([Tensor(index, part, each) for part, each in enumerate(placed.outputs)])

    def keep(self, index: int) -> None:
        """A call as it was."""
        call, place = self.network.calls[index], len(self.calls)
        self._owners[index] = self._places[index] = place
        inputs = tuple([self[tensor] for tensor in call.inputs])
        owner = None if call.weights_of is None else self._owners[call.weights_of]
        if inputs != call.inputs or owner != call.weights_of:
            call = call._replace(inputs=inputs, weights_of=owner)
        self.calls.append(call)

    def stand(self, index: int, made: Sequence[Tensor]) -> None:
        """Let tensors stand for the outputs of a call of before."""
        self._stand[index] = made


#: The layer of the call that stands for none.
_NOWHERE: Placed = Placed(Layer(), (), (), Layer())


def changed(network: Network, changes: Iterable[Change]) -> Traced:
    """The network with changes, and without what nobody reads then.

    A change is left out where it would part learned tensors that are used several times, and where
    a part of it is called as a function and another as a module, which some tools tell apart.
    """
    traced = network.traced
    alike = [change for change in changes if _is_functional(network, change) is not None]
    at = {change.at: change for change in _sharing_alike(network, alike)}
    if not at:
        return traced
    gone = {index for change in at.values() for index in change.taken} - at.keys()
    anew = Anew(network)
    for index in range(len(network.calls)):
        change = at.get(index)
        if change is not None:
            anew.like = _named(network, change)
            anew.stand(index, change.make(anew))
        elif index not in gone:
            anew.keep(index)
    outputs = tuple([anew[tensor] for tensor in traced.outputs])
    said = [change.note for change in at.values() if change.note]
    notes = tuple(dict.fromkeys([*traced.notes, *said]))
    made = traced._replace(calls=tuple(anew.calls), outputs=outputs, notes=notes)
    return without_dead(made)


def _named(network: Network, change: Change) -> Call:
    """A call whose name and scopes tell what a change takes."""
    scopes = None
    for index in sorted(change.taken):
        call = network.calls[index]
        if call.placed.layer.arity != 0:
            scopes = call.scopes if scopes is None else common(scopes, call.scopes)
    last = network.calls[change.at]
    return last._replace(scopes=scopes or (), functional=_is_functional(network, change) is True)


def _is_functional(network: Network, change: Change) -> bool | None:
    """Whether the code calls functions for what a change takes; None: for some of it.

    What has no layer is a function, so that all is where some of it has none.
    """
    calls = [network.calls[index] for index in change.taken]
    own = {call.functional for call in calls if not call.placed.layer.moves}
    own = own or {call.functional for call in calls}
    if len(own) == 1:
        return own.pop()
    return True if any(call.placed.layer.family == "primitive" for call in calls) else None


def common(a: tuple[Scope, ...], b: tuple[Scope, ...]) -> tuple[Scope, ...]:
    """The scopes that both are in."""
    count = 0
    for one, other in zip(a, b):
        if one != other:
            break
        count += 1
    return a[:count]


def _sharing_alike(network: Network, changes: Sequence[Change]) -> list[Change]:
    """Those changes that take learned tensors together wherever these are used."""
    kept = list(changes)
    while True:
        users: dict[int, set[tuple[int, ...]]] = {}
        for change in kept:
            owners = tuple(map(network.owner, change.holding))
            for index in change.holding:
                users.setdefault(network.owner(index), set()).add(owners)
        taken = {index for change in kept for index in change.holding}
        for index in network.shared - taken:
            users.setdefault(network.owner(index), set()).add(())
        left = [
            change
            for change in kept
            if all(len(users[network.owner(index)]) == 1 for index in change.holding)
            and len({network.calls[index].placed.frozen for index in change.holding}) <= 1
        ]
        if len(left) == len(kept):
            return kept
        kept = left


def without_dead(traced: Traced) -> Traced:
    """The network without layers that nobody reads, but for those that learn or multiply."""
    calls = traced.calls
    read = {tensor.node for tensor in traced.outputs}
    lent = {call.weights_of for call in calls}
    for index in range(len(calls) - 1, -1, -1):
        call = calls[index]
        if index in read or index in lent or _matters(call.placed):
            read.add(index)
            read |= {tensor.node for tensor in call.inputs}
    alive = [index for index in range(len(calls)) if index in read]
    if len(alive) == len(calls):
        return traced
    place = {old: new for new, old in enumerate(alive)}

    def moved(tensors: Iterable[Tensor]) -> Iterator[Tensor]:
        for each in tensors:
            yield each if each.node < 0 else each._replace(node=place[each.node])

    kept = [
        call._replace(
            inputs=tuple(moved(call.inputs)),
            weights_of=None if call.weights_of is None else place[call.weights_of],
        )
        for call in (calls[index] for index in alive)
    ]
    return traced._replace(calls=tuple(kept), outputs=tuple(moved(traced.outputs)))


def _matters(placed: Placed) -> bool:
    """Whether a layer counts although nobody reads it."""
    operations = placed.operations
    return (
        any(weight.trainable for weight in placed.tensors)
        or (operations is None and placed.layer.family != "primitive")
        or (operations is not None and bool(operations.macs))
    )


def fits(layer: Layer, *inputs: Shape) -> tuple[Shape, ...]:
    """What a layer makes of inputs; nothing where they do not fit it."""
    try:
        return layer.placed(inputs).outputs
    except Refusal:
        return ()
