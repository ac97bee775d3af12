"""From which step to which a tensor is needed, and what that comes to, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NamedTuple

from convcalc.arithmetic import either
from convcalc.steps import Steps


class Lifetimes(NamedTuple):
    """The first and the last step that each tensor is needed at, by its index.

    What enters the network is there from the first step on; what leaves it is kept to the end; what
    nobody reads is there while it is made.
    """

    first: tuple[int, ...]
    last: tuple[int, ...]


def lifetimes_of(steps: Steps) -> Lifetimes:
    """The lifetimes of the tensors of steps that run in this order."""
    first = [0 if held.maker is None else held.maker for held in steps.tensors]
    last = first.copy()
    for at, (_, _, reads, _, _) in enumerate(steps.steps):
        for tensor in reads:
            last[tensor] = at
    end = max(len(steps.steps) - 1, 0)
    for tensor, held in enumerate(steps.tensors):
        if held.leaves:
            last[tensor] = end
    return Lifetimes(tuple(first), tuple(last))


def live_bytes(steps: Steps, lifetimes: Lifetimes) -> list[int]:
    """The bytes of all tensors that are alive at each step, its own included."""
    count = len(steps.steps)
    change = [0] * (count + 1)
    for held, first, last in zip(steps.tensors, *lifetimes):
        bytes = held.bytes
        change[first] += bytes
        if last < count:
            change[last + 1] -= bytes
    return list(accumulate(change))[:count]


def alive(steps: Steps, lifetimes: Lifetimes) -> Iterator[tuple[int, ...]]:
    """The tensors that are alive at each step, in the order in which they came to be."""
    starting: list[list[int]] = [[] for _ in steps.steps]
    ending: list[list[int]] = [[] for _ in steps.steps]
    if steps.steps:
        for tensor, (first, last) in enumerate(zip(*lifetimes)):
            starting[first].append(tensor)
            ending[last].append(tensor)
    now: dict[int, None] = {}
    for begin, end in zip(starting, ending):
        now.update(dict.fromkeys(begin))
        yield tuple(now)
        for tensor in end:
            del now[tensor]


def taken(steps: Steps, lifetimes: Lifetimes, keep_input: bool = False) -> dict[int, Any]:
    """The steps whose output may take the place of an input, each with whether it does.

    An input that ends there, at least as large, is overwritten by what works element by element;
    what enters the network too, unless it is to be kept.
    """
    last, tensors = lifetimes.last, steps.tensors
    found = {}
    for at, (_, _, reads, makes, in_place) in enumerate(steps.steps):
        if not in_place:
            continue
        size = tensors[makes[0]].bytes
        fits: Any = False
        for tensor in reads:
            if last[tensor] == at and fits is not True:
                _, _, bytes, maker, leaves = tensors[tensor]
                if not leaves and not (keep_input and maker is None):
                    fits = bytes >= size if fits is False else either(fits, bytes >= size)
        if fits is not False:
            found[at] = fits
    return found
