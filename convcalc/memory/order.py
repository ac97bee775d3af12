"""The order of the steps that keeps the fewest bytes alive.

Where every step before one must run before it and every step behind it after it, the network is
cut, and each part has its own best order. In a part, orders whose peak is lower than that of the
best so far are looked for, until there is none: sets of steps that have run are told apart, not the
orders that lead to them. What it finds does not depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.memory.lifetimes import lifetimes_of, live_bytes
from convcalc.steps import Steps


class Order(NamedTuple):
    """The steps, by their indices, in an order; `proved`: no other has a lower peak."""

    steps: tuple[int, ...]
    proved: bool


def best_order(steps: Steps, tries: int, look: Callable[[], None] = lambda: None) -> Order:
    """The order of steps with the lowest peak of live bytes; that of the file where that is as low.

    Where `tries` steps were tried and lower peaks are not ruled out, it is the best that was found.
    `look` is called now and then.
    """
    given = max(live_bytes(steps, lifetimes_of(steps)), default=0)
    sources = _sources(steps)
    late = _late(steps, sources)
    steps = steps.in_order(late)
    bytes = live_bytes(steps, lifetimes_of(steps))
    parts = _parts(steps, frozenset([at for at, step in enumerate(late) if step in sources]))
    # A step that is a part by itself leaves no choice.
    peaks = {part: max(bytes[part.start : part.end]) for part in parts}
    inside = {at for part in parts for at in range(part.start, part.end)}
    alone = [size for at, size in enumerate(bytes) if at not in inside]
    lowest = max([*alone, *[part.lowest for part in parts]], default=0)
    chosen, left = [*late], tries
    for part in sorted(parts, key=lambda part: -peaks[part]):
        if peaks[part] > lowest and left > 0:
            left -= part.compare(look)
            lowest = max(lowest, part.lowest)
        while peaks[part] > lowest:
            found = part.sketched(peaks[part], left // 2, look)
            left -= found.tries
            if found.order is None:
                found = part.below(peaks[part], left, look)
                left -= found.tries
            if found.order is not None:
                peaks[part] = found.peak
                chosen[part.start : part.end] = [late[part.start + step] for step in found.order]
            elif left > 0:
                lowest = peaks[part]
            else:
                break
    peak = max([lowest, *peaks.values()])
    if peak >= given:
        return Order(tuple(range(len(late))), given <= lowest)
    return Order(tuple(chosen), peak <= lowest)


def _sources(steps: Steps) -> frozenset[int]:
    """The steps that read nothing, and can run right before the first that reads what they make.

    They free nothing, so that nothing is won where they run earlier; unless something enters that
    nobody reads, which is there while the first step runs.
    """
    read = {tensor for step in steps.steps for tensor in step.reads}
    if any(held.maker is None and t not in read for t, held in enumerate(steps.tensors)):
        return frozenset()
    return frozenset(
        at
        for at, step in enumerate(steps.steps)
        if not step.reads and len(step.makes) == 1 and step.makes[0] in read
    )


def _late(steps: Steps, sources: frozenset[int]) -> list[int]:
    """The order of the file, with each of the `sources` right before the first that reads it."""
    waiting = {steps.steps[at].makes[0]: at for at in sources}
    found = []
    for at, step in enumerate(steps.steps):
        if at not in sources:
            found += [waiting.pop(tensor) for tensor in step.reads if tensor in waiting]
            found.append(at)
    return found


def _parts(steps: Steps, sources: frozenset[int]) -> list[_Part]:
    """The parts of more than a step that the steps are cut into; `sources` can wait."""
    tensors = steps.tensors
    read = {tensor for step in steps.steps for tensor in step.reads}
    entering = [t for t, held in enumerate(tensors) if held.maker is None]
    found, start, held = [], 0, 0
    for end in _cuts(steps, sources):
        if end - start > 1:
            found.append(_Part(steps, start, end, entering, held, sources))
        made = [t for step in steps.steps[start:end] for t in step.makes]
        # What the last step makes is read by the next part alone.
        last = steps.steps[end - 1].makes
        over = [t for t in (*entering, *made) if tensors[t].leaves and t not in last]
        held += sum([tensors[t].bytes for t in over])
        entering = [t for t in last if tensors[t].leaves or t in read]
        start = end
    return found


def _cuts(steps: Steps, sources: frozenset[int]) -> Iterator[int]:
    """Where the steps are cut: behind the last of each part.

    A part ends with a step that all before it lead to, and that leads to all behind it: no tensor
    passes by it, none before it is read by nobody, and none behind it comes from nowhere.
    """
    count = len(steps.steps)
    readers = [-1] * len(steps.tensors)
    for at, step in enumerate(steps.steps):
        for tensor in step.reads:
            readers[tensor] = at
    #: The last reader of what enters, and of what each step makes.
    reach = [max([r for r, held in zip(readers, steps.tensors) if held.maker is None], default=-1)]
    reach += [max([readers[t] for t in step.makes]) for step in steps.steps]
    unread = reach[1:].index(-1) if count else 0
    #: The last step that no tensor leads to which enters; one that waits goes with its readers.
    nowhere, made = -1, {t for t, held in enumerate(steps.tensors) if held.maker is None}
    for at, step in enumerate(steps.steps):
        if not made.isdisjoint(step.reads):
            made.update(step.makes)
        elif at not in sources:
            nowhere = at
    passing = 0
    for at in range(count):
        passing = max(passing, reach[at])
        if (passing <= at and nowhere <= at <= unread) or at == count - 1:
            yield at + 1


class _State(NamedTuple):
    """Steps that have run."""

    done: int
    #: The bytes that are alive now, and the most that were.
    level: int
    top: int
    #: The steps that can run.
    ready: tuple[int, ...]
    #: The steps in their order: those before the last, and the last.
    path: Any


#: The bytes that are alive after a step, the step, and those while it runs.
_Move = tuple[int, int, int]


class _Found(NamedTuple):
    """An order of a part and its peak, or None where there is none; and how many tries it took."""

    order: Sequence[int] | None
    peak: int
    tries: int


class _Part:
    """Steps that are put in order by themselves, as sets of bits."""

    def __init__(
        self,
        steps: Steps,
        start: int,
        end: int,
        entering: Sequence[int],
        held: int,
        sources: frozenset[int],
    ) -> None:
        """The steps from `start` to `end`; `entering` are the tensors that are there before these.

        Beside them `held` bytes are, to the end. Those of `sources` can wait.
        """
        self.start, self.end = start, end
        self.all = (1 << (end - start)) - 1
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
        # What reads nothing waits for all else that its only reader waits for.
        waiting = [at for at in range(end - start) if start + at in sources]
        others = ~sum([1 << at for at in waiting])
        for at in waiting:
            readers = users[inside[at].makes[0]]
            if readers & readers - 1 == 0:
                self.before[at] = self.before[readers.bit_length() - 1] & others
        self.after: list[list[int]] = [[] for _ in inside]
        for at, before in enumerate(self.before):
            for earlier in _bits(before):
                self.after[earlier].append(at)
        #: The bytes that are alive before the first step; those that nobody needs, once it has run.
        self.entering = held + sum([tensors[t].bytes for t in entering])
        self.unread = sum(
            [tensors[t].bytes for t in entering if t not in users and not tensors[t].leaves]
        )
        #: The bytes that are alive throughout.
        self.kept = held + sum([tensors[t].bytes for t in entering if tensors[t].leaves])
        #: What must be alive between the steps that make it and those that read it: its bytes, the
        #: step that makes it, where that is one of these, and those that need it.
        self.spans = [
            (tensors[t].bytes, 0, users[t])
            for t in entering
            if t in users and not tensors[t].leaves
        ] + [
            (tensors[t].bytes, 1 << at, -1 if tensors[t].leaves else users.get(t, 0))
            for at, step in enumerate(inside)
            for t in step.makes
        ]
        #: A peak that no order is below: what a step reads and makes is there while it runs.
        self.lowest = self.kept + max(
            [make + sum([size for size, _ in frees]) for make, frees in zip(self.makes, self.frees)]
        )

    def __len__(self) -> int:
        return self.end - self.start

    def compare(self, look: Callable[[], None]) -> int:
        """Raise `lowest` to what is alive at a step whatever the order; the tries that it took.

        All between a step before it, or itself, and one behind it, or itself, is.
        """
        count = len(self)
        if count > _MOST_COMPARED:
            return 0
        earlier = self._closed(self.before, range(count))
        direct = [sum([1 << step for step in after]) for after in self.after]
        later = self._closed(direct, range(count - 1, -1, -1))
        for at in range(count):
            look()
            here = 1 << at
            past, future = earlier[at] | here, later[at] | here
            alive = [
                size
                for size, maker, readers in self.spans
                if maker == here or (maker & ~past == 0 and readers & future)
            ]
            self.lowest = max(self.lowest, self.kept + sum(alive))
        return count * len(self.spans) // _COMPARISONS

    def _closed(self, direct: Sequence[int], order: Sequence[int]) -> list[int]:
        """All steps that lead to each, or that each leads to, of those that do so directly."""
        found = [0] * len(direct)
        for at in order:
            found[at] = direct[at]
            for other in _bits(direct[at]):
                found[at] |= found[other]
        return found

    def sketched(self, peak: int, tries: int, look: Callable[[], None]) -> _Found:
        """An order with a lower peak than this, where one is found by keeping the best few starts.

        Those are the ones with the lowest peaks so far, and of them with the fewest bytes alive.
        """
        used, states = 0, [self._start()]
        while states:
            found: dict[int, _State] = {}
            for state in states:
                look()
                settled, moves, more = self._settled(state, peak, 0)
                used += more
                if settled.done == self.all:
                    return _Found(_unwound(settled.path), settled.top, used)
                if used > tries:
                    return _Found(None, peak, used)
                for each in self._next(settled, moves):
                    known = found.get(each.done)
                    if known is None or (each.top, each.level) < (known.top, known.level):
                        found[each.done] = each
            states = sorted(found.values(), key=lambda each: (each.top, each.level, each.done))
            states = states[:_KEPT]
        return _Found(None, peak, used)

    def below(self, peak: int, tries: int, look: Callable[[], None]) -> _Found:
        """An order with a lower peak than this, looked for depth first, until there is none."""
        used, stack = 0, [self._start()]
        seen: set[int] = set()
        while stack:
            look()
            state = stack.pop()
            if state.done in seen:
                continue
            settled, moves, more = self._settled(state, peak, peak)
            used += more
            if settled.done == self.all:
                return _Found(_unwound(settled.path), settled.top, used)
            if used > tries:
                break
            seen.update((state.done, settled.done))
            # The one that leaves the fewest bytes alive is tried first.
            moves.sort(reverse=True)
            stack += [each for each in self._next(settled, moves) if each.done not in seen]
        return _Found(None, peak, used)

    def _start(self) -> _State:
        """Nothing has run."""
        ready = tuple(at for at, before in enumerate(self.before) if not before)
        return _State(0, self.entering, 0, ready, None)

    def _settled(self, state: _State, peak: int, free: int) -> tuple[_State, list[_Move], int]:
        """A state with all that is best run at once, the moves from there, and the tries it took.

        That is a step that frees as much as it makes, and needs no more than `free` bytes: whatever
        runs later has as much room then, or more. Moves stay below the peak.
        """
        done, level, top, ready, path = state
        # A set of many steps is large, and so are the sets that follow where many can run.
        used = (len(self) + len(ready) ** 2) // _SMALL
        while True:
            moves: list[_Move] = []
            for step in ready:
                used += 1 + len(self.frees[step])
                high = level + self.makes[step]
                if high >= peak:
                    continue
                after = high - self.wasted[step]
                now = done | 1 << step
                for size, readers in self.frees[step]:
                    if not readers & ~now:
                        after -= size
                is_best = after <= level and high <= free
                if not done:
                    after -= self.unread
                moves.append((after, step, high))
                if is_best:
                    break
            else:
                return _State(done, level, top, ready, path), moves, used
            done, level, top = now, after, max(top, high)
            ready, path = self._ready(ready, step, done), (path, step)

    def _next(self, state: _State, moves: Iterable[_Move]) -> Iterator[_State]:
        """The states that moves lead to."""
        for after, step, high in moves:
            now = state.done | 1 << step
            ready = self._ready(state.ready, step, now)
            yield _State(now, after, max(state.top, high), ready, (state.path, step))

    def _ready(self, ready: tuple[int, ...], step: int, done: int) -> tuple[int, ...]:
        """What can run once a step of what could has run too."""
        new = [each for each in self.after[step] if not self.before[each] & ~done]
        return (*[each for each in ready if each != step], *new)


#: How many starts of an order are kept of those that are as long.
_KEPT = 16
#: Steps of a part that are all compared with each other, to say what must be alive with each: that
#: grows with their square, and more would take longer than the tries. A comparison is a few
#: operations on bits, of which about eight take as long as a try.
_MOST_COMPARED, _COMPARISONS = 1_000, 8
#: Steps in a set that take no longer than a try: the bits of a larger one are several words, which
#: are copied whenever a step is added, so that it counts for more.
_SMALL = 32


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
