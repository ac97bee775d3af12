"""The settings of a space than which no other is better in every goal, without walking it.

Of a sum over tables a part that is dominated is in no front: so one axis after the other is
eliminated, and for each combination of those that it meets the front alone is kept (Li and Haimes
1987, "The envelope approach for multiobjective optimization problems", dynamic programming).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from convcalc.search.buckets import Buckets, Clique
from convcalc.search.decomposition import Decomposed
from convcalc.search.grids import Scope, Tables, does_not_decompose

#: Sums that are made for one axis, at the most.
_MOST_WORK = 2**28
#: Points of a front that others are held against at once.
_JUDGES = 64
#: Points of which some are sifted out by every so many of them before they are sorted.
_MANY, _EVERY = 1000, 16


class Cost(NamedTuple):
    """What is to be small: a sum of tables, and what it may come to at the most."""

    tables: Tables
    most: int


class Points(NamedTuple):
    """A front: an array for each cost, and where each point comes from.

    That is a value of the axis that was eliminated, and a point of each message.
    """

    costs: tuple[Any, ...]
    value: Any
    parts: tuple[Any, ...]

    def taken(self, places: Any) -> Points:
        """Some of the points."""
        return Points(
            tuple(each[places] for each in self.costs),
            self.value[places],
            tuple(each[places] for each in self.parts),
        )

    def __bool__(self) -> bool:
        return len(self.value) > 0


class Message(NamedTuple):
    """What is left of axes: for each combination of `scope` a front; see `elimination.Message`."""

    scope: Scope
    fronts: Mapping[tuple[int, ...], Points]
    axis: int
    parts: tuple[Message, ...]
    most: int


class Fronts:
    """The front of a part of a space."""

    def __init__(self, part: Decomposed, costs: Sequence[Cost]) -> None:
        self.sizes = part.sizes
        self._costs = costs
        self._buckets: Buckets[Message] = Buckets(
            self.sizes, [cost.tables for cost in costs], part.masks
        )
        left = set(range(len(self.sizes)))
        while left:
            axis = min(left, key=self._order)
            if self._buckets.cost(axis) > _MOST_WORK:
                raise does_not_decompose("too many points on the fronts of its parts")
            left.remove(axis)
            clique, parts = self._buckets.taken(axis)
            self._buckets.messages.append(self._message(axis, clique, parts))
        self._final = self._joined()

    def _order(self, axis: int) -> Any:
        """What is eliminated next: what makes no two fronts meet, since these multiply."""
        waiting = self._buckets
        parts = waiting.parts(axis)
        is_new = not parts and bool(waiting.messages)
        return (waiting.fill(axis), len(parts) > 1, is_new, *self._work(axis), axis)

    def _work(self, axis: int) -> tuple[int, ...]:
        """At first that of most values, as fronts are short then."""
        if self._buckets.messages:
            return (self._buckets.cost(axis),)
        return (-self.sizes[axis],)

    def _room(self) -> list[int]:
        """What each cost may come to, as the rest is at least so much."""
        found = []
        for place, cost in enumerate(self._costs):
            lowest = self._buckets.lowest(place)
            for message in self._buckets.messages:
                each = [int(points.costs[place].min()) for points in message.fronts.values()]
                lowest += min(each, default=0)
            found.append(cost.most - lowest)
        return found

    def _message(self, axis: int, clique: Clique, parts: tuple[Message, ...]) -> Message:
        met = {*clique.scope}.union(*(part.scope for part in parts))
        scope = tuple(sorted(met - {axis}))
        room = self._room()
        fronts = {}
        for places in product(*(range(self.sizes[each]) for each in scope)):
            known = dict(zip(scope, places))
            points = self._points(axis, known, clique, parts)
            if points is None:
                continue
            points = front(points, room)
            if points:
                fronts[places] = points
        most = max([len(each.value) for each in fronts.values()], default=1)
        return Message(scope, fronts, axis, parts, most)

    def _points(
        self, axis: int, known: Mapping[int, int], clique: Clique, parts: tuple[Message, ...]
    ) -> Points | None:
        """All points that an axis and what came to it make."""
        import numpy

        at = tuple(slice(None) if each == axis else known[each] for each in clique.scope)
        values = clique.mask[at].nonzero()[0]
        added = [table[at] for table in clique.tables]
        if not parts:
            return Points(tuple(each[values] for each in added), values, ())
        pieces = []
        for value in values.tolist():
            found = [_found(part, {**known, axis: value}) for part in parts]
            if None in found:
                continue
            costs, places = _sums(found)  # type: ignore[arg-type]
            pieces.append((value, [each + own[value] for each, own in zip(costs, added)], places))
        if not pieces:
            return None
        return Points(
            tuple(
                numpy.concatenate([costs[at] for _, costs, _ in pieces])
                for at in range(len(self._costs))
            ),
            numpy.concatenate([numpy.full(len(costs[0]), value) for value, costs, _ in pieces]),
            tuple(
                numpy.concatenate([places[at] for _, _, places in pieces])
                for at in range(len(parts))
            ),
        )

    def _joined(self) -> Points:
        """The front of what hangs on no axis any more."""
        import numpy

        rest = self._buckets.rest(())
        parts = tuple(self._buckets.messages)
        found = [part.fronts.get(()) for part in parts]
        if None in found or not rest.mask.all():
            empty = numpy.zeros(0, "int64")
            return Points(tuple(empty for _ in self._costs), empty, ())
        costs, places = _sums(found)  # type: ignore[arg-type]
        costs = [each + int(own) for each, own in zip(costs, rest.tables)]
        points = Points(tuple(costs), numpy.zeros(len(costs[0]), "int64"), tuple(places))
        return front(points, [cost.most for cost in self._costs])

    def points(self) -> Iterator[tuple[tuple[int, ...], list[int]]]:
        """The front: the costs of each point, and a setting that has them, by its positions."""
        parts = self._buckets.messages
        for at in range(len(self._final.value)):
            found: dict[int, int] = {}
            for part, own in zip(parts, self._final.parts):
                self._back(part, int(own[at]), found)
            costs = tuple(int(each[at]) for each in self._final.costs)
            yield costs, [found[axis] for axis in range(len(self.sizes))]

    def _back(self, message: Message, at: int, found: dict[int, int]) -> None:
        """The values of the axes that a point of a message has."""
        points = message.fronts[tuple(found[each] for each in message.scope)]
        found[message.axis] = int(points.value[at])
        for part, own in zip(message.parts, points.parts):
            self._back(part, int(own[at]), found)


def _found(part: Message, known: Mapping[int, int]) -> Points | None:
    return part.fronts.get(tuple(known[each] for each in part.scope))


def _sums(fronts: Sequence[Points]) -> tuple[list[Any], list[Any]]:
    """The sums of a point of each front, and which of each."""
    import numpy

    first, *rest = fronts
    costs, places = list(first.costs), [numpy.arange(len(first.value))]
    for other in rest:
        count, many = len(costs[0]), len(other.value)
        if count * many > _MOST_WORK:
            raise does_not_decompose("too many points on the fronts of its parts")
        costs = [(a[:, None] + b[None, :]).ravel() for a, b in zip(costs, other.costs)]
        places = [each.repeat(many) for each in places]
        places.append(numpy.tile(numpy.arange(many), count))
    return costs, places


def front(points: Points, room: Sequence[int]) -> Points:
    """The points within the room than which no other is better, each once."""
    import numpy

    kept: Any = True
    for each, most in zip(points.costs, room):
        kept = kept & (each <= most)
    points = points.taken(kept)
    if not points:
        return points
    if len(points.costs) == 1:
        return points.taken(points.costs[0].argmin()[None])
    if len(points.costs) == 2:
        points = _sifted(points)
        first, second = points.costs
        points = points.taken(numpy.lexsort((second, first)))
        second = points.costs[1]
        least = numpy.minimum.accumulate(second)
        is_less = numpy.ones(len(second), bool)
        is_less[1:] = second[1:] < least[:-1]
        return points.taken(is_less)
    points = points.taken(numpy.lexsort(points.costs[::-1]))
    return points.taken(_undominated(numpy.stack(points.costs, 1)))


def _sifted(points: Points) -> Points:
    """The points of two costs, without most of those that are dominated: by some of the others."""
    import numpy

    first, second = points.costs
    if len(first) < _MANY:
        return points
    some = slice(None, None, _EVERY)
    order = first[some].argsort()
    judges = first[some][order]
    least = numpy.minimum.accumulate(second[some][order])
    place = judges.searchsorted(first, "right") - 1
    is_worse = (place >= 0) & (least[place] < second)
    return points.taken((~is_worse).nonzero()[0])


def _undominated(costs: Any) -> Any:
    """Which of several points, in their order, are no worse than one before them."""
    import numpy

    waiting = numpy.arange(len(costs))
    found: list[Any] = []
    while len(waiting):
        judges = waiting[:_JUDGES]
        # Among themselves, each against those before it.
        own = costs[judges]
        is_worse = (own[None, :, :] <= own[:, None, :]).all(2)
        judges = judges[~numpy.tril(is_worse, -1).any(1)]
        found.append(judges)
        waiting = waiting[_JUDGES:]
        for judge in costs[judges]:
            waiting = waiting[~(costs[waiting] >= judge).all(1)]
    return numpy.concatenate(found)
