"""What foreign networks say in many layers and the vocabulary in one, recognised.

`values` tells arithmetic by what it computes, `views` reshapes and permutes by the order that they
make; `moving` has what takes tensors apart, `structures` layers that are one by how they stand
together. What no pattern takes, `remains` says in layers that there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from convcalc.foreign.patterns.moving import moves
from convcalc.foreign.patterns.network import Change, Network, changed
from convcalc.foreign.patterns.remains import remains
from convcalc.foreign.patterns.structures import structures
from convcalc.foreign.patterns.values import values
from convcalc.foreign.patterns.views import twins, views
from convcalc.foreign.traced import Traced

__all__ = ["recognised"]

#: What looks for patterns: in turn, what stands together at once, until none finds any. Arithmetic
#: is looked at when there are no more views in between than there must be.
_TURNS = ((twins,), (moves, views), (values, structures))


def recognised(traced: Traced, tick: Callable[[], None] = lambda: None) -> Traced:
    """The same network with patterns as the layers that they are.

    Learned tensors, MACs and what leaves it are the same. `tick` is called now and then, and raises
    ConvcalcError where the time is over.
    """
    settled = _settled(Network(traced), tick)
    said = changed(settled, remains(settled))
    return said if said is settled.traced else _settled(Network(said), tick).traced


def _settled(network: Network, tick: Callable[[], None]) -> Network:
    """The network in which nothing more is found."""
    at = idle = 0
    while idle < len(_TURNS):
        for _ in network.calls:
            tick()
        made = changed(network, _found(network, _TURNS[at % len(_TURNS)]))
        idle = idle + 1 if made is network.traced else 0
        network = network if made is network.traced else Network(made)
        at += 1
    return network


def _found(
    network: Network, turn: Iterable[Callable[[Network], Iterator[Change]]]
) -> Iterator[Change]:
    """What is found in a turn, no call taken twice."""
    taken: set[int] = set()
    for look in turn:
        for change in look(network):
            if taken.isdisjoint(change.taken):
                taken |= change.taken
                yield change
