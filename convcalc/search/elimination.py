"""Sums of tables over all settings of a space, counted by eliminating one axis after the other.

What an axis meets in is one table; without the axis, there is left for each combination of the
others what the sums can be, and how often (Dechter 1999, "Bucket elimination"; Bertelè and Brioschi
1972, "Nonserial dynamic programming"). At the last axes the sums of both sides are held against the
budgets and not added: they meet in the middle (Horowitz and Sahni 1974).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

from convcalc.search.bags import Bag
from convcalc.search.buckets import Buckets, Clique
from convcalc.search.decomposition import Decomposed
from convcalc.search.grids import MOST_SUM, Scope, cells, does_not_decompose, require_words

#: Sums that are kept at a time, at the most.
_MOST_SUMS = 2**26
#: Sums that are made for one axis, at the most.
_MOST_WORK = 2**31


#: The most of a figure that has none.
NO_LIMIT = 2**62


class Budgets(NamedTuple):
    """The metrics that have a budget, and what each may come to."""

    metrics: tuple[str, ...]
    most: tuple[int, ...]


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

    @property
    def lowest(self) -> int:
        """The least sum of the first metric."""
        return self.left.ends[0][0] + self.right.ends[0][0]

    @property
    def highest(self) -> int:
        """The largest sum of the first metric."""
        return self.left.ends[0][1] + self.right.ends[0][1]


class Eliminated:
    """The settings of a part of a space within budgets."""

    def __init__(self, part: Decomposed, budgets: Budgets) -> None:
        most = tuple([min(each, NO_LIMIT) for each in budgets.most])
        self.part, self.budgets = part, budgets._replace(most=most)
        self.sizes = part.sizes
        self._require_small()
        tables = [part.figures[metric] for metric in budgets.metrics]
        self._buckets: Buckets[Message] = Buckets(self.sizes, tables, part.masks)
        #: What is added by the axes that are the last.
        self.root = self._buckets.rest(self._eliminate())

    def _require_small(self) -> None:
        """Refuse what 64-bit integers do not hold. Raises ConvcalcError."""
        if prod(self.sizes) >= MOST_SUM:
            raise does_not_decompose(f"the space has {prod(self.sizes):,} settings")
        for metric in self.budgets.metrics:
            require_words(metric, self.part.figures[metric])

    def _meeting(self, left: Sequence[int]) -> int:
        """About how many sums are looked up where the axes that are left are the last."""
        sizes = sorted(message.most for message in self.messages)
        count = cells(tuple(left), self.sizes)
        # Of three metrics and more they are held against each other, of fewer looked up.
        for size in sizes if len(self.budgets.metrics) > 2 else sizes[:-1]:
            count *= size
        return count

    def _eliminate(self) -> Scope:
        """Eliminate all axes but the last; these."""
        waiting = self._buckets
        left = set(range(len(self.sizes)))
        while len(left) > 1:
            costs = {axis: (waiting.fill(axis), waiting.cost(axis), axis) for axis in left}
            _, cost, axis = min(costs.values())
            if len(self.messages) == 2 and self._meeting([*left]) < 2 * cost:
                break
            if cost > _MOST_WORK:
                raise does_not_decompose("too many different sums of the figures")
            left.remove(axis)
            clique, parts = waiting.taken(axis)
            waiting.messages.append(self._message(axis, clique, parts))
        last = tuple(sorted(left))
        if self._meeting(last) > _MOST_WORK:
            raise does_not_decompose("too many different sums of the figures")
        return last

    @property
    def messages(self) -> list[Message]:
        """What was left of the axes that were eliminated, and meets at the last ones."""
        return self._buckets.messages

    def _lowest(self, place: int) -> int:
        """The least that everything that still waits adds to a metric."""
        lowest = self._buckets.lowest(place)
        for message in self.messages:
            lowest += min([bag.ends[place][0] for bag in message.bags.values()], default=0)
        return lowest

    def _message(self, axis: int, clique: Clique, parts: tuple[Message, ...]) -> Message:
        """What is left of an axis."""
        met = {*clique.scope}.union(*(part.scope for part in parts))
        scope = tuple(sorted(met - {axis}))
        room = tuple(most - self._lowest(at) for at, most in enumerate(self.budgets.most))
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

    def pairs(self) -> Iterator[Pair]:
        """By value of the last axes, the two bags whose sums are held against the budgets."""
        clique, count = self.root, len(self.budgets.metrics)
        for places in zip(*(each.tolist() for each in clique.mask.nonzero())):
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

    def largest(self) -> int | None:
        """The largest sum of the only metric within its budget; None where there is none."""
        (most,) = self.budgets.most
        found: int | None = None
        for pair in self.pairs():
            # What the last axes add is what they take of the budget.
            added = most - pair.most[0]
            if found is not None and min(pair.highest + added, most) <= found:
                continue
            own = pair.left.largest(pair.right, pair.most[0])
            if own is not None:
                found = own + added if found is None else max(found, own + added)
        return found

    def least(self, above: int | None) -> int | None:
        """The least sum of the only metric that is above another; None where there is none."""
        (most,) = self.budgets.most
        found: int | None = None
        for pair in self.pairs():
            added = most - pair.most[0]
            bound = None if above is None else above - added
            if found is not None and pair.lowest + added >= found:
                continue
            own = pair.left.least(pair.right, bound)
            if own is not None:
                found = own + added if found is None else min(found, own + added)
        return found


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
