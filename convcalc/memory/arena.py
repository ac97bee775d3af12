"""One block of memory for all tensors: where in it each is kept."""

from __future__ import annotations

from collections.abc import Callable

from convcalc.arithmetic import ceil_div, maximum
from convcalc.memory.lifetimes import Lifetimes
from convcalc.steps import Steps

#: Bytes that every offset is a multiple of.
ALIGNMENT = 16


def offsets(
    steps: Steps,
    lifetimes: Lifetimes,
    most: int | None = None,
    look: Callable[[], None] = lambda: None,
) -> list[int] | None:
    """The first byte of each tensor in one arena, by TensorFlow Lite Micro's greedy planner.

    The largest tensor is placed first, each into the first gap between those that are placed
    already and are alive with it (micro/memory_planner/greedy_memory_planner.cc); sizes are
    rounded up to 16 bytes. None where more than `most` pairs of tensors are alive together. `look`
    is called before each.
    """
    sizes = [_aligned(held.bytes) for held in steps.tensors]
    first = lifetimes.first
    together = _together(lifetimes, len(steps.steps), most, look)
    if together is None:
        return None
    found: list[int | None] = [None] * len(sizes)
    for tensor in sorted(range(len(sizes)), key=lambda t: (-steps.tensors[t].bytes, first[t])):
        look()
        size, at = sizes[tensor], 0
        placed = [(start, sizes[o]) for o in together[tensor] if (start := found[o]) is not None]
        for start, other in sorted(placed):
            if at + size <= start:
                break
            at = maximum(at, start + other)
        found[tensor] = at
    return [at for at in found if at is not None]


def ends(steps: Steps, starts: list[int]) -> list[int]:
    """The byte behind each tensor in an arena where they begin so; sizes are rounded up."""
    return [at + _aligned(held.bytes) for at, held in zip(starts, steps.tensors)]


def _aligned(bytes: int) -> int:
    return ceil_div(bytes, ALIGNMENT) * ALIGNMENT


def _together(
    lifetimes: Lifetimes, steps: int, most: int | None, look: Callable[[], None]
) -> list[list[int]] | None:
    """The tensors that are alive with each; None where there are more than `most` pairs."""
    together: list[list[int]] = [[] for _ in lifetimes.first]
    ending: list[list[int]] = [[] for _ in range(steps)]
    alive: dict[int, None] = {}
    pairs = at = 0
    for tensor in sorted(range(len(together)), key=lifetimes.first.__getitem__):
        look()
        while at < lifetimes.first[tensor]:
            for over in ending[at]:
                del alive[over]
            at += 1
        pairs += len(alive)
        if most is not None and pairs > most:
            return None
        for other in alive:
            together[other].append(tensor)
        together[tensor].extend(alive)
        if steps:
            alive[tensor] = None
            ending[lifetimes.last[tensor]].append(tensor)
    return together
