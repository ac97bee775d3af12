"""The front of many points: those than which no other is better in every goal (Pareto)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_
from typing import Any, Generic, NamedTuple, TypeVar

from convcalc.diagnostics import fail
from convcalc.search.columns import as_array, plain, positions
from convcalc.words import listed, shortened

_T = TypeVar("_T")
#: The words before the name of a goal, and whether they ask for the largest.
_WAYS = {"min": False, "max": True}
#: Points of a front of three goals or more that many points are held against at once.
_JUDGES = 32


class Goal(NamedTuple):
    """A number that is to be as small as can be, or as large."""

    name: str
    is_largest: bool = False

    def cost(self, value: Any) -> Any:
        """What is to be as small as can be."""
        return -value if self.is_largest else value

    def __str__(self) -> str:
        return f"{'max' if self.is_largest else 'min'}:{self.name}"


def parse_goals(text: str) -> tuple[Goal, ...]:
    """`min:macs,max:resolution` as goals. Raises ConvcalcError for what are none."""
    goals: list[Goal] = []
    for part in text.split(","):
        way, colon, name = (each.strip() for each in part.partition(":"))
        if not colon or way not in _WAYS or not name:
            message = f"{shortened(part.strip())!r} is no goal"
            raise fail("bad-value", message, "write min:NAME or max:NAME: min:macs,max:resolution")
        if name in [goal.name for goal in goals]:
            message = f"`{shortened(name)}` is a goal twice"
            raise fail("bad-value", message, "leave one of them out")
        goals.append(Goal(name, _WAYS[way]))
    if len(goals) < 2:
        help = f"the least alone is `--sort -{goals[0].name} --top 1`"
        if goals[0].is_largest:
            help = f"the largest alone is `--sort {goals[0].name} --top 1`"
        message = f"a front is of two goals or more, and {listed(map(str, goals))} is one"
        raise fail("bad-value", message, help)
    return tuple(goals)


class Front(Generic[_T]):
    """The points so far that no other is as good as in every goal, with what belongs to each.

    A point is its costs, all of which are to be as small as can be. What it holds does not grow
    with the points that it is shown, but with the front alone. Equal points are held once: the
    first of them.
    """

    def __init__(self) -> None:
        #: In their order, the first cost leading.
        self._costs: list[tuple[Any, ...]] = []
        self._held: list[_T] = []

    def __len__(self) -> int:
        return len(self._costs)

    def __iter__(self) -> Iterator[_T]:
        """What belongs to its points, the best in the first goal first."""
        return iter(self._held)

    def admits(self, costs: tuple[Any, ...]) -> bool:
        """Whether none of its points is as good in every goal."""
        before = bisect_right(self._costs, costs)
        if len(costs) == 2:  # the second cost falls as the first one grows
            return before == 0 or self._costs[before - 1][1] > costs[1]
        return not any(_is_as_good(other, costs) for other in self._costs[:before])

    def promising(self, costs: Sequence[Sequence[Any]]) -> Any:
        """Those of many points that are worth showing it, by their place in columns of costs.

        It is all of them, or less where numpy helps to tell; those of no number are left out.
        """
        arrays = [as_array(column) for column in costs]
        if any(array is None for array in arrays):
            rows = zip(*map(plain, costs))
            return [place for place, row in enumerate(rows) if None not in row]
        import numpy

        alive = numpy.arange(len(arrays[0]))
        own = [numpy.asarray(column) for column in zip(*self._costs)]
        if len(own) == 2 and {each.dtype.kind for each in own} <= {"i", "f"}:
            first, second = own
            before = numpy.searchsorted(first, arrays[0], "right")
            # The second cost falls as the first one grows: the last before a point is the judge.
            alive = positions((before == 0) | (second[before - 1] > arrays[1]))
        for other in self._judges() if len(arrays) > 2 else ():
            worse = [array[alive] >= cost for array, cost in zip(arrays, other)]
            alive = alive[~_all(worse)]
        return alive

    def _judges(self) -> Iterator[tuple[Any, ...]]:
        """Some of its points, from all over it."""
        step = max(1, len(self._costs) // _JUDGES)
        return iter(self._costs[step // 2 :: step])

    def add(self, costs: tuple[Any, ...], held: _T) -> None:
        """Show it a point."""
        if not self.admits(costs):
            return
        at = bisect_right(self._costs, costs)
        if len(costs) == 2:
            end = at
            while end < len(self._costs) and self._costs[end][1] >= costs[1]:
                end += 1
            self._costs[at:end] = [costs]
            self._held[at:end] = [held]
            return
        behind = [
            index
            for index in range(at, len(self._costs))
            if not _is_as_good(costs, self._costs[index])
        ]
        self._held[at:] = [held, *(self._held[index] for index in behind)]
        self._costs[at:] = [costs, *(self._costs[index] for index in behind)]


def _all(masks: Sequence[Any]) -> Any:
    """Where all of some masks are true."""
    return reduce(and_, masks)


def _is_as_good(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether a point is as good as another in every goal, or better."""
    return all(a <= b for a, b in zip(one, other))
