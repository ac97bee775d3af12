"""Sums of tables over all settings of a space, counted by eliminating one axis after the other.

What an axis meets in is one table; without the axis, there is left for each combination of the
others what the sums can be, and how often (Dechter 1999, "Bucket elimination"; Bertelè and Brioschi
1972, "Nonserial dynamic programming"). At the last axes the sums of both sides are held against the
budgets and not added: they meet in the middle (Horowitz and Sahni 1974).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations, product
from math import prod
from typing import Any, NamedTuple

from convcalc.search.bags import Bag
from convcalc.search.decomposition import Decomposed
from convcalc.search.grids import MOST_CELLS, Scope, cells, does_not_decompose, spread

#: Sums that are kept at a time, at the most.
_MOST_SUMS = 2**26
#: Sums that are made for one axis, at the most.
_MOST_WORK = 2**31
#: Settings, and what a figure may come to, below which sums and counts are 64-bit integers.
_MOST_COUNT = 2**61


#: The most of a figure that has none.
NO_LIMIT = 2**62


class Budgets(NamedTuple):
    """The metrics that have a budget, and what each may come to."""

    metrics: tuple[str, ...]
    most: tuple[int, ...]


class Clique(NamedTuple):
    """Axes that meet: by metric the table of what they add, and where they are a network."""

    scope: Scope
    tables: tuple[Any, ...]
    mask: Any


class Message(NamedTuple):
    """What is left of the axes that were eliminated: for each combination of `scope`, a bag.

    `clique` is what the last of them, `axis`, met in, and `parts` the messages that came to it.
    """

    scope: Scope
    bags: Mapping[tuple[int, ...], Bag]
    axis: int
    clique: Clique
    parts: tuple[Message, ...]
    #: Sums of a bag, at the most.
    most: int


class Pair(NamedTuple):
    """A value of each of the last axes, with the two bags that meet there.

    `most` is what the budgets leave of their sums. `right` is of the last of `parts`, `left` of all
    others together.
    """

    places: tuple[int, ...]
    left: Bag
    right: Bag
    most: tuple[int, ...]
    parts: tuple[Message, ...]


class Eliminated:
    """The settings of a part of a space within budgets."""

    def __init__(self, part: Decomposed, budgets: Budgets) -> None:
        import numpy

        self._numpy = numpy
        most = tuple([min(each, NO_LIMIT) for each in budgets.most])
        self.part, self.budgets = part, budgets._replace(most=most)
        self.sizes = part.sizes
        self._require_small()
        self._cliques = self._factors()
        self.messages: list[Message] = []
        self._floor = [0] * len(budgets.metrics)
        self._eliminate()

    def _require_small(self) -> None:
        """Refuse what 64-bit integers do not hold. Raises ConvcalcError."""
        if prod(self.sizes) >= _MOST_COUNT:
            raise does_not_decompose(f"the space has {prod(self.sizes):,} settings")
        for metric in self.budgets.metrics:
            tables = self.part.figures[metric].values()
            if sum(int(abs(table).max()) for table in tables) >= _MOST_COUNT:
                raise does_not_decompose(f"{metric} is beyond 64-bit integers")

    def _factors(self) -> list[Clique]:
        """Every table by itself, those of one scope together."""
        numpy, count = self._numpy, len(self.budgets.metrics)
        found: dict[Scope, list[Any]] = {}
        for place, metric in enumerate(self.budgets.metrics):
            for scope, table in self.part.figures[metric].items():
                found.setdefault(scope, [0] * count)[place] = table
        for scope in self.part.masks:
            found.setdefault(scope, [0] * count)
        for axis in range(len(self.sizes)):  # one that nothing hangs on has its values, too
            if not any(axis in scope for scope in found):
                found[axis,] = [0] * count
        return [
            Clique(
                scope,
                tuple(
                    numpy.broadcast_to(table, [self.sizes[axis] for axis in scope])
                    for table in tables
                ),
                self.part.masks.get(scope, True),
            )
            for scope, tables in found.items()
        ]

    def _met(self, axis: int) -> Scope:
        scopes = self._scopes()
        return tuple(sorted({each for scope in scopes if axis in scope for each in scope}))

    def _scopes(self) -> list[Scope]:
        return [*(each.scope for each in self._cliques), *(each.scope for each in self.messages)]

    def _cost(self, axis: int) -> int:
        """About how many sums there are to make where an axis is eliminated."""
        count = cells(self._met(axis), self.sizes)
        for message in self.messages:
            if axis in message.scope:
                count *= message.most
        return count

    def _fill(self, axis: int) -> int:
        """How many axes meet for the first time where an axis is eliminated."""
        scopes = self._scopes()
        others = [each for each in self._met(axis) if each != axis]
        return sum(
            not any(one in scope and two in scope for scope in scopes)
            for one, two in combinations(others, 2)
        )

    def _meeting(self, left: Sequence[int]) -> int:
        """About how many sums are looked up where the axes that are left are the last."""
        sizes = sorted(message.most for message in self.messages)
        count = cells(tuple(left), self.sizes)
        for size in sizes[:-1]:
            count *= size
        return count

    def _eliminate(self) -> None:
        left = set(range(len(self.sizes)))
        while len(left) > 1:
            fills = {axis: self._fill(axis) for axis in left}
            axis = min(left, key=lambda each: (fills[each], self._cost(each), each))
            cost = self._cost(axis)
            if len(self.messages) == 2 and self._meeting([*left]) < 2 * cost:
                break
            if cost > _MOST_WORK:
                raise does_not_decompose("too many different sums of the figures")
            left.remove(axis)
            clique, parts = self._taken(axis)
            self._floor = self._lowest()
            self.messages.append(self._message(axis, clique, parts))
        self._left = tuple(sorted(left))
        if self._meeting(self._left) > _MOST_WORK:
            raise does_not_decompose("too many different sums of the figures")

    def _taken(self, axis: int) -> tuple[Clique, tuple[Message, ...]]:
        """What an axis meets in, as one table; it and the messages are no longer waiting."""
        taken = [each for each in self._cliques if axis in each.scope]
        parts = tuple(each for each in self.messages if axis in each.scope)
        self._cliques = [each for each in self._cliques if axis not in each.scope]
        self.messages = [each for each in self.messages if axis not in each.scope]
        scope = tuple(sorted({axis}.union(*(each.scope for each in taken))))
        return self._together(taken, scope), parts

    def _together(self, cliques: Sequence[Clique], scope: Scope) -> Clique:
        """Tables as one of a scope that has all of theirs."""
        if cells(scope, self.sizes) > MOST_CELLS:
            raise does_not_decompose("a table in which too many variables meet")
        shape = [self.sizes[each] for each in scope]
        tables: list[Any] = [self._numpy.zeros(shape, "int64") for _ in self.budgets.metrics]
        mask: Any = self._numpy.ones(shape, bool)
        for own in cliques:
            for place, each in enumerate(own.tables):
                tables[place] = tables[place] + spread(each, own.scope, scope)
            if own.mask is not True:
                mask = mask & spread(own.mask, own.scope, scope)
        return Clique(scope, tuple(tables), mask)

    def _lowest(self) -> list[int]:
        """By metric, the least that everything that still waits adds."""
        found = []
        for place in range(len(self.budgets.metrics)):
            lowest = sum(int(each.tables[place].min()) for each in self._cliques)
            for message in self.messages:
                lowest += min([bag.ends[place][0] for bag in message.bags.values()], default=0)
            found.append(lowest)
        return found

    def _message(self, axis: int, clique: Clique, parts: tuple[Message, ...]) -> Message:
        """What is left of an axis."""
        met = {*clique.scope}.union(*(part.scope for part in parts))
        scope = tuple(sorted(met - {axis}))
        room = tuple(most - low for most, low in zip(self.budgets.most, self._floor))
        bags = {}
        total = 0
        for places in product(*(range(self.sizes[each]) for each in scope)):
            bag = self._bag(axis, scope, places, clique, parts, room)
            if len(bag):
                bags[places] = bag
                total += len(bag)
                if total > _MOST_SUMS:
                    raise does_not_decompose("too many different sums of the figures")
        return Message(scope, bags, axis, clique, parts, max(map(len, bags.values()), default=1))

    def _bag(
        self,
        axis: int,
        scope: Scope,
        places: tuple[int, ...],
        clique: Clique,
        parts: tuple[Message, ...],
        room: tuple[int, ...],
    ) -> Bag:
        known = dict(zip(scope, places))
        at = tuple(slice(None) if each == axis else known[each] for each in clique.scope)
        mask = clique.mask[at]
        added = [table[at] for table in clique.tables]
        if not parts:
            return Bag.of([each[mask] for each in added], int(mask.sum()), room)
        pieces = []
        for place in mask.nonzero()[0].tolist():
            bag = _joined([_found(part, {**known, axis: place}) for part in parts])
            if bag is not None:
                pieces.append((bag, tuple(int(each[place]) for each in added)))
        return Bag.joined(pieces, room)

    # What is asked

    @cached_property
    def root(self) -> Clique:
        """What is added by the axes that are left."""
        return self._together(self._cliques, self._left)

    def pairs(self) -> Iterator[Pair]:
        """By value of the last axes, the two bags whose sums are held against the budgets."""
        clique, count = self.root, len(self.budgets.metrics)
        for places in (
            zip(*(each.tolist() for each in clique.mask.nonzero())) if self._left else ((),)
        ):
            known = dict(zip(clique.scope, places))
            bags = [(bag, part) for part in self.messages if (bag := _found(part, known))]
            if len(bags) < len(self.messages):
                continue
            bags.sort(key=lambda each: len(each[0]))
            added = [int(each[places]) for each in clique.tables]
            most = tuple(most - each for most, each in zip(self.budgets.most, added))
            left = _joined([bag for bag, _ in bags[:-1]]) or Bag.one(count)
            right = bags[-1][0] if bags else Bag.one(count)
            yield Pair(places, left, right, most, tuple(part for _, part in bags))

    def count(self) -> int:
        """How many settings are within the budgets."""
        return sum(int(pair.left.within(pair.right, pair.most)) for pair in self.pairs())


def _found(part: Message, known: Mapping[int, int]) -> Bag | None:
    return part.bags.get(tuple(known[each] for each in part.scope))


def _joined(bags: Sequence[Bag | None]) -> Bag | None:
    """All sums of one of each."""
    result: Bag | None = None
    for bag in bags:
        if bag is None:
            return None
        result = bag if result is None else result.plus(bag)
    return result
