"""Settings of a space at random, each as likely as any other that is within what is asked.

They are drawn backwards through the elimination (Dechter 1999), each value as often as there are
settings that have it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, product
from math import prod
from random import Random
from typing import Any

from convcalc.search.bags import Bag
from convcalc.search.elimination import NO_LIMIT, Eliminated, Message, Pair


class Drawing:
    """Draws settings of what was eliminated."""

    def __init__(self, eliminated: Eliminated, least: Mapping[str, int], random: Random) -> None:
        self.eliminated, self._random = eliminated, random
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

    def one(self) -> list[int]:
        """A setting, as a position for each axis."""
        at = self._chosen(self._upto)
        pair = self._pairs[at]
        left, right = pair.left.plain(), pair.right.plain()
        if at not in self._weights:
            many: Any = 0
            for sign, most in self._corners(pair):
                many = many + sign * pair.left.each_within(right, most)
            self._weights[at] = list(accumulate((many * right.counts).tolist()))
        place = self._chosen(self._weights[at])
        right_sums = tuple(int(each[place]) for each in right.sums)
        many = left.counts * 0
        for sign, most in self._corners(pair):
            many = many + sign * left.is_within(right_sums, most) * left.counts
        place = self._chosen(list(accumulate(many.tolist())))
        left_sums = tuple(int(each[place]) for each in left.sums)
        found = dict(zip(self.eliminated.root.scope, pair.places))
        self._split(pair.parts[:-1], left_sums, found)
        self._split(pair.parts[-1:], right_sums, found)
        return [found[axis] for axis in range(len(self.eliminated.sizes))]

    def _chosen(self, upto: Sequence[int]) -> int:
        """A place, by how many there are up to each."""
        return bisect_right(upto, self._random.randrange(upto[-1]))

    def _split(
        self, parts: Sequence[Message], sums: tuple[int, ...], found: dict[int, int]
    ) -> None:
        """Values of the axes that lie in messages, whose sums are these altogether."""
        bags = [part.bags[tuple(found[each] for each in part.scope)] for part in parts]
        while parts:
            (first, *parts), (bag, *bags) = parts, bags
            own = sums
            if parts:
                rest = _plus(bags)
                plain = bag.plain()
                weights = [
                    times * rest.times(tuple(a - b for a, b in zip(sums, each)))
                    for times, *each in zip(plain.counts.tolist(), *_lists(plain))
                ]
                place = self._chosen(list(accumulate(weights)))
                own = tuple(int(each[place]) for each in plain.sums)
            self._back(first, own, found)
            sums = tuple(a - b for a, b in zip(sums, own))

    def _back(self, message: Message, sums: tuple[int, ...], found: dict[int, int]) -> None:
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
                part.bags.get(tuple(known[each] for each in part.scope)) for part in message.parts
            ]
            left.append(rest)
            if None in bags:
                weights.append(0)
            elif bags:
                weights.append(_plus(bags).times(rest))  # type: ignore[arg-type]
            else:
                weights.append(int(not any(rest)))
        chosen = self._chosen(list(accumulate(weights)))
        found[message.axis] = places[chosen]
        self._split(message.parts, left[chosen], found)


def _lists(bag: Bag) -> list[list[int]]:
    return [each.tolist() for each in bag.sums]


def _plus(bags: Sequence[Bag]) -> Bag:
    result, *rest = bags
    for bag in rest:
        result = result.plus(bag)
    return result
