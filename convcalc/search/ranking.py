"""The settings of a space that are within what is asked, by their index, without walking them.

An index is taken apart backwards through the elimination, each value of an axis having as many of
them as there are settings with it: so a random index is a random setting, each as likely as any.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from math import prod
from typing import Any

from convcalc.search.bags import Bag
from convcalc.search.elimination import NO_LIMIT, Eliminated, Message, Pair


class Ranked:
    """The settings of what was eliminated; `least` is what figures come to at the least."""

    def __init__(self, eliminated: Eliminated, least: Mapping[str, int]) -> None:
        self.eliminated = eliminated
        self._least = tuple(least.get(metric, -NO_LIMIT) for metric in eliminated.budgets.metrics)
        #: How many settings are up to each pair of bags, the empty ones left out.
        self._pairs: list[Pair] = []
        counts = []
        for pair in eliminated.pairs():
            many = self._count(pair)
            if many:
                counts.append(many)
                self._pairs.append(pair)
        self._upto = list(accumulate(counts))
        self._weights: dict[int, list[int]] = {}

    @property
    def count(self) -> int:
        """How many settings there are."""
        return self._upto[-1] if self._upto else 0

    def _corners(self, pair: Pair) -> Iterator[tuple[int, tuple[int, ...]]]:
        """What settings are to be within, and whether these are added or taken away."""
        ends = []
        for most, limit, least in zip(pair.most, self.eliminated.budgets.most, self._least):
            below = least - 1 - (limit - most)
            ends.append([(1, most)] if least == -NO_LIMIT else [(1, most), (-1, min(most, below))])
        for corner in product(*ends):
            yield prod(sign for sign, _ in corner), tuple(each for _, each in corner)

    def _count(self, pair: Pair) -> int:
        return sum(sign * pair.left.within(pair.right, most) for sign, most in self._corners(pair))

    def __getitem__(self, index: int) -> list[int]:
        """A setting, as a position for each axis."""
        at, index = _placed(self._upto, index)
        pair = self._pairs[at]
        left, right = pair.left.plain(), pair.right.plain()
        if at not in self._weights:
            many: Any = 0
            for sign, most in self._corners(pair):
                many = many + sign * pair.left.each_within(right, most)
            self._weights[at] = list(accumulate((many * right.counts).tolist()))
        place, index = _placed(self._weights[at], index)
        index, right_index = divmod(index, int(right.counts[place]))
        right_sums = right.at(place)
        many = left.counts * 0
        for sign, most in self._corners(pair):
            many = many + sign * left.is_within(right_sums, most) * left.counts
        place, index = _placed(accumulate(many.tolist()), index)
        found = dict(zip(self.eliminated.root.scope, pair.places))
        self._split(pair.parts[:-1], left.at(place), index, found)
        self._split(pair.parts[-1:], right_sums, right_index, found)
        return [found[axis] for axis in range(len(self.eliminated.sizes))]

    def _split(
        self, parts: Sequence[Message], sums: tuple[int, ...], index: int, found: dict[int, int]
    ) -> None:
        """Values of the axes that lie in messages, whose sums are these altogether."""
        bags = [part.bags[tuple(found[each] for each in part.scope)] for part in parts]
        while parts:
            (first, *parts), (bag, *bags) = parts, bags
            own, own_index = sums, index
            if parts:
                rest, plain = _plus(bags), bag.plain()
                times = [
                    rest.times([a - b for a, b in zip(sums, plain.at(place))])
                    for place in range(len(plain))
                ]
                both = map(int.__mul__, times, plain.counts.tolist())
                place, index = _placed(accumulate(both), index)
                own_index, index = divmod(index, times[place])
                own = plain.at(place)
            self._back(first, own, own_index, found)
            sums = tuple(a - b for a, b in zip(sums, own))

    def _back(
        self, message: Message, sums: tuple[int, ...], index: int, found: dict[int, int]
    ) -> None:
        """Values of the axes that a message is left of."""
        clique = message.clique
        at = tuple(slice(None) if each == message.axis else found[each] for each in clique.scope)
        places = clique.mask[at].nonzero()[0].tolist()
        added = [table[at].tolist() for table in clique.tables]
        weights, left = [], []
        for place in places:
            rest = tuple(each - own[place] for each, own in zip(sums, added))
            known = {**found, message.axis: place}
            bags = [
                bag
                for part in message.parts
                if (bag := part.bags.get(tuple(known[each] for each in part.scope)))
            ]
            left.append(rest)
            if len(bags) < len(message.parts):
                weights.append(0)
            elif bags:
                weights.append(_plus(bags).times(rest))
            else:
                weights.append(int(not any(rest)))
        chosen, index = _placed(accumulate(weights), index)
        found[message.axis] = places[chosen]
        self._split(message.parts, left[chosen], index, found)


def _placed(upto: Iterable[int], index: int) -> tuple[int, int]:
    """Where an index lies, by how many there are up to each place; and its index there."""
    upto = upto if isinstance(upto, list) else list(upto)
    place = bisect_right(upto, index)
    return place, index - (upto[place - 1] if place else 0)


def _plus(bags: Sequence[Bag]) -> Bag:
    result, *rest = bags
    for bag in rest:
        result = result.plus(bag)
    return result
