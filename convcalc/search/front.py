"""The front of many points: those than which no other is better in every goal (Pareto)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from convcalc.diagnostics import fail, require_texts
from convcalc.search.columns import EXACT, as_array, is_array, plain, taken
from convcalc.words import listed, shortened

_T = TypeVar("_T")
#: The words before the name of a goal, and whether they ask for the largest.
_WAYS = {"min": False, "max": True}
#: Points of a front of three goals or more that others are held against at once.
_BLOCK = 256


class Goal(NamedTuple):
    """A number that is to be as small as can be, or as large."""

    name: str
    is_largest: bool = False

    def cost(self, value: Any) -> Any:
        """What is to be as small as can be."""
        return -value if self.is_largest else value

    def __str__(self) -> str:
        return f"{'max' if self.is_largest else 'min'}:{self.name}"


def parse_goals(given: str | Sequence[str]) -> tuple[Goal, ...]:
    """`min:macs,max:resolution`, or a list of such, as goals. Raises ConvcalcError for others."""
    goals: list[Goal] = []
    for part in require_texts("goals", given):
        way, colon, name = (each.strip() for each in part.partition(":"))
        if not colon or way not in _WAYS or not name:
            message = f"{shortened(part.strip())!r} is no goal"
            raise fail("bad-value", message, "write min:NAME or max:NAME: min:macs,max:resolution")
        if name in [goal.name for goal in goals]:
            message = f"`{shortened(name)}` is a goal twice"
            raise fail("bad-value", message, "leave one of them out")
        goals.append(Goal(name, _WAYS[way]))
    if not goals:
        raise fail("bad-value", "there are no goals", "write two: min:macs,max:params")
    if len(goals) < 2:
        help = f"the least alone is `convcalc sweep … --sort -{goals[0].name} --top 1`"
        if goals[0].is_largest:
            help = f"the largest alone is `convcalc sweep … --sort {goals[0].name} --top 1`"
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

        Those of no number are left out, and where numpy is in use, most that are not on the front.
        """
        arrays = [as_array(column) for column in costs]
        points = None if any(each is None for each in arrays) else _as_table(arrays)
        front = None if points is None else _as_table([*zip(*self._costs)])
        if points is None or front is None:
            rows = zip(*map(plain, costs))
            return [place for place, row in enumerate(rows) if None not in row]
        import numpy

        # In their order, and equal ones once: the first of them.
        order = numpy.lexsort(points[::-1])
        own = points[:, order]
        is_new = (own[:, 1:] != own[:, :-1]).any(axis=0)
        order = order[numpy.append(True, is_new)[: len(order)]]
        if len(arrays) == 2:
            return order[_below_steps(points[:, order], front)]
        # Some from all over the front tell of most that they are not on it.
        judges = front[:, :: max(1, front.shape[-1] // _BLOCK)] if front.size else front
        for others in (judges, front) if front.size else ():
            order = order[~_beaten(points[:, order], others)]
        if self._costs:
            known = set(self._costs)
            rows = zip(*points[:, order].tolist())
            order = order[[row not in known for row in rows]]
        own = points[:, order]
        return order[~_beaten(own, own)]

    def show(self, costs: Sequence[Sequence[Any]], held: Callable[[Any], Iterable[_T]]) -> None:
        """Show it many points; `held` has what belongs to those at some places."""
        places = self.promising(costs)
        points = [*zip(*(plain(taken(column, places)) for column in costs))]
        if len(costs) == 2 or not is_array(places) or not points:
            for point, own in zip(points, held(places)):
                self.add(point, own)
            return
        import numpy

        # None of them is better than another, and none of the front's better than one of them.
        stay = [*zip(self._costs, self._held)]
        front = numpy.array(self._costs).T
        if front.size:
            beaten = _beaten(front, numpy.array(points).T)
            stay = [each for each, is_beaten in zip(stay, beaten.tolist()) if not is_beaten]
        stay += zip(points, held(places))
        stay.sort(key=itemgetter(0))
        self._costs = [point for point, _ in stay]
        self._held = [own for _, own in stay]

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


def _as_table(columns: Sequence[Any]) -> Any:
    """Columns of numbers as one array that holds them as they are; None where there is no such."""
    import numpy

    table = numpy.array(columns)
    if table.dtype.kind == "f" and (abs(table) >= EXACT).any():
        return None  # an integer among floats would be rounded
    return table if table.dtype.kind in "if" else None


def _below_steps(points: Any, front: Any) -> Any:
    """Which of the points of two costs, in their order, are below a front and those before them.

    A front of two costs is steps: the second cost falls as the first one grows, and the last step
    before a point is its judge.
    """
    import numpy

    first, second = points
    lowest = numpy.minimum.accumulate(second)
    below = numpy.append(True, second[1:] < lowest[:-1])[: len(second)]
    if front.size:
        before = numpy.searchsorted(front[0], first, "right")
        below &= (before == 0) | (front[1][before - 1] > second)
    return below


def _beaten(points: Any, others: Any) -> Any:
    """Which points another one is as good as in every cost, and not equal to; of columns of costs.

    What is in both is equal to itself.
    """
    import numpy

    found = numpy.zeros(points.shape[1], bool)
    for start in range(0, others.shape[1], _BLOCK):
        left = (~found).nonzero()[0]
        if not len(left):
            break
        block, own = others[:, start : start + _BLOCK, None], points[:, None, left]
        beats = (block <= own).all(axis=0) & (block < own).any(axis=0)
        found[left[beats.any(axis=0)]] = True
    return found


def _is_as_good(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether a point is as good as another in every goal, or better."""
    return all(a <= b for a, b in zip(one, other))
