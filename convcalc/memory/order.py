"""The order of the steps that keeps the fewest bytes alive.

Where every step before one must run before it and every step behind it after it, the network is
cut, and each part has its own best order. In a part, orders whose peak is lower than that of the
best so far are looked for, until there is none: sets of steps that have run are told apart, not the
orders that lead to them. What it finds does not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcalc.memory.lifetimes import lifetimes_of, live_bytes
from convcalc.steps import Steps


class Order(NamedTuple):
    """The steps, by their indices, in an order; `proved`: no other has a lower peak."""

    steps: tuple[int, ...]
    proved: bool


def best_order(steps: Steps, tries: int) -> Order:
    """The order of steps with the lowest peak of live bytes; that of the file where that is as low.

    Where `tries` steps were tried and lower peaks are not ruled out, it is the best that was found.
    """
    given = live_bytes(steps, lifetimes_of(steps))
    parts = [_Part(steps, *ends) for ends in _parts(steps)]
    peaks = [max(given[part.start : part.end]) for part in parts]
    lowest = max([part.lowest for part in parts], default=0)
    orders: list[Sequence[int]] = [range(len(part)) for part in parts]
    left = tries
    for index in sorted(range(len(parts)), key=lambda index: -peaks[index]):
        part = parts[index]
        while peaks[index] > lowest:
            found = part.below(peaks[index], left)
            left -= found.tries
            if found.order is not None:
                orders[index], peaks[index] = found.order, found.peak
            elif left > 0:
                lowest = peaks[index]
            else:
                break
    chosen = [part.start + step for part, order in zip(parts, orders) for step in order]
    return Order(tuple(chosen), max(peaks, default=0) <= lowest)


def _parts(steps: Steps) -> list[tuple[int, int]]:
    """Where the steps are cut: the first of each part, and the one behind its last.

    A part ends with a step that all before it lead to, and that leads to all behind it: no tensor
    passes by it, none before it is read by nobody, and none behind it comes from nowhere.
    """
    count = len(steps.steps)
    reach = [0] * (
        count + 1
    )  # of the tensors made by a step (from 1; 0: entering), the last reader
    readers = [-1] * len(steps.tensors)
    for at, step in enumerate(steps.steps):
        for tensor in step.reads:
            readers[tensor] = at
    for held, reader in zip(steps.tensors, readers):
        made = 0 if held.maker is None else held.maker + 1
        reach[made] = max(reach[made], reader)
    unread = next((i for i, s in enumerate(steps.steps) if all(readers[t] < 0 for t in s.makes)), 0)
    nowhere = max((i for i, s in enumerate(steps.steps) if not s.reads), default=-1)
    found, start, passing = [], 0, 0
    for at in range(count):
        passing = max(passing, reach[at])
        if (passing <= at and nowhere <= at <= unread) or at == count - 1:
            found.append((start, at + 1))
            start = at + 1
    return found


class _Found(NamedTuple):
    """An order of a part and its peak, or None where there is none; and how many tries it took."""

    order: Sequence[int] | None
    peak: int
    tries: int


class _Part:
    """Steps that are put in order by themselves, as sets of bits."""

    def __init__(self, steps: Steps, start: int, end: int) -> None:
        self.start, self.end = start, end
        tensors = steps.tensors
        inside = steps.steps[start:end]
        users: dict[int, int] = {}
        for at, step in enumerate(inside):
            for tensor in step.reads:
                users[tensor] = users.get(tensor, 0) | 1 << at
        #: For each step: the bytes that it makes, and those of them that nobody needs.
        self.makes = [sum([tensors[t].bytes for t in step.makes]) for step in inside]
        self.wasted = [
            sum([tensors[t].bytes for t in s.makes if t not in users and not tensors[t].leaves])
            for s in inside
        ]
        #: For each step: what it may free, and the steps that read that.
        self.frees = [
            [(tensors[t].bytes, users[t]) for t in step.reads if not tensors[t].leaves]
            for step in inside
        ]
        makers = {t: at for at, step in enumerate(inside) for t in step.makes}
        #: For each step: the steps that it waits for, and those that wait for it.
        self.before = [0] * len(inside)
        for at, step in enumerate(inside):
            for tensor in step.reads:
                if tensor in makers:
                    self.before[at] |= 1 << makers[tensor]
        self.after: list[list[int]] = [[] for _ in inside]
        for at, before in enumerate(self.before):
            for earlier in _bits(before):
                self.after[earlier].append(at)
        #: The bytes that are alive before the first step; those that nobody needs, once it has run.
        outside = [
            (t, held)
            for t, held in enumerate(tensors)
            if (held.maker is None or held.maker < start)
            and (held.leaves or t in users or (start == 0 and held.maker is None))
        ]
        self.entering = sum([held.bytes for _, held in outside])
        self.unread = sum([h.bytes for t, h in outside if t not in users and not h.leaves])
        self.lowest = max(self._least(steps, inside, outside, users), default=0)

    def __len__(self) -> int:
        return self.end - self.start

    def _least(
        self, steps: Steps, inside: Sequence[Any], outside: Sequence[Any], users: dict[int, int]
    ) -> list[int]:
        """The bytes that are alive at each step whatever the order."""
        kept = sum([held.bytes for _, held in outside if held.leaves])
        if len(inside) == 1:
            return [self.entering + self.makes[0]]
        if len(inside) > _MOST_COMPARED:
            return [
                kept + make + sum([size for size, _ in frees])
                for make, frees in zip(self.makes, self.frees)
            ]
        earlier = self._closed(self.before, range(len(inside)))
        later = self._closed(
            [sum([1 << s for s in after]) for after in self.after],
            range(len(inside) - 1, -1, -1),
        )
        #: What must be alive between the steps that make it and those that read it.
        spans = [
            (held.bytes, 0, users[t]) for t, held in outside if t in users and not held.leaves
        ] + [
            (steps.tensors[t].bytes, 1 << at, -1 if steps.tensors[t].leaves else users.get(t, 0))
            for at, step in enumerate(inside)
            for t in step.makes
        ]
        found = []
        for at in range(len(inside)):
            here = 1 << at
            past, future = earlier[at] | here, later[at] | here
            found.append(
                kept
                + sum(
                    [
                        size
                        for size, maker, readers in spans
                        if maker == here or (maker & ~past == 0 and readers & future)
                    ]
                )
            )
        return found

    def _closed(self, direct: Sequence[int], order: Sequence[int]) -> list[int]:
        """All steps that lead to each, or that each leads to, of those that do so directly."""
        found = [0] * len(direct)
        for at in order:
            found[at] = direct[at]
            for other in _bits(direct[at]):
                found[at] |= found[other]
        return found

    def below(self, peak: int, tries: int) -> _Found:
        """An order with a lower peak than this, looked for depth first."""
        most, used = peak - 1, 0
        full = (1 << len(self)) - 1
        first = tuple(at for at, before in enumerate(self.before) if not before)
        seen: set[int] = set()
        # What has run, the bytes alive, the peak so far, what can run, and the steps in order.
        stack: list[tuple[int, int, int, tuple[int, ...], Any]] = [
            (0, self.entering, 0, first, None)
        ]
        while stack:
            done, level, top, ready, path = stack.pop()
            if done in seen:
                continue
            is_moving = True
            while is_moving:
                # A step that frees as much as it makes, and raises no peak, is best run at once:
                # whatever else runs later has as much room, or more.
                is_moving = False
                moves = []
                for step in ready:
                    used += 1 + len(self.frees[step])
                    high = level + self.makes[step]
                    if high > most:
                        continue
                    after = high - self.wasted[step]
                    now = done | 1 << step
                    for size, readers in self.frees[step]:
                        if not readers & ~now:
                            after -= size
                    if not done:
                        after -= self.unread
                    moves.append((after, step, high))
                    if after <= level:
                        done, level, top = now, after, max(top, high)
                        ready = self._ready(ready, step, done)
                        path = (path, step)
                        is_moving = True
                        break
            if done == full:
                return _Found(_unwound(path), top, used)
            if done in seen:
                continue
            seen.add(done)
            if used > tries:
                return _Found(None, peak, used)
            for after, step, high in sorted(moves, reverse=True):
                now = done | 1 << step
                if now not in seen:
                    following = self._ready(ready, step, now)
                    stack.append((now, after, max(top, high), following, (path, step)))
        return _Found(None, peak, used)

    def _ready(self, ready: tuple[int, ...], step: int, done: int) -> tuple[int, ...]:
        """What can run once a step of what could has run too."""
        new = [each for each in self.after[step] if not self.before[each] & ~done]
        return (*[each for each in ready if each != step], *new)


#: Steps of a part that are all compared with each other, to say what must be alive with each.
_MOST_COMPARED = 1_000


def _bits(mask: int) -> list[int]:
    """The places of the bits of a mask."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def _unwound(path: Any) -> list[int]:
    """The steps of a path from its end."""
    found = []
    while path is not None:
        path, step = path
        found.append(step)
    return found[::-1]
