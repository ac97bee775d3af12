"""Sums, and how often each is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from convcalc.search import dominance
from convcalc.search.grids import does_not_decompose

#: A bag is a histogram where that has no more than this many places for each sum.
_LOOSE = 4
#: Sums of a bag, at the most.
_MOST = 2**25


class Bag:
    """Sums of several metrics; `counts` says how often each is there.

    `sums` has an array for each metric. Where `step` is set there is one metric, and the sums are
    `sums[0][0]`, and so on, each a step above the last, some of them not there.
    """

    __slots__ = (
        "_divisor",
        "_ends",
        "_ordered",
        "_parted",
        "_plain",
        "_plane",
        "_sorted",
        "counts",
        "step",
        "sums",
    )

    def __init__(self, sums: tuple[Any, ...], counts: Any, step: int = 0) -> None:
        self.sums, self.counts, self.step = sums, counts, step
        self._divisor: int | None = None
        self._ends: list[tuple[int, int]] | None = None
        self._sorted: Any = None
        self._parted: tuple[int, Any, Any] | None = None
        self._plain: Bag | None = None
        self._ordered: Bag | None = None
        self._plane: dominance.Plane | None = None

    @classmethod
    def one(cls, metrics: int) -> Bag:
        """Nothing, once."""
        import numpy

        return cls(tuple(numpy.zeros(1, "int64") for _ in range(metrics)), numpy.ones(1, "int64"))

    @classmethod
    def of(cls, sums: Sequence[Any], count: int, room: Sequence[int]) -> Bag:
        """Each sum once, without those that are beyond the room."""
        import numpy

        if not sums:
            return cls((), numpy.array([count] if count else [], "int64"))
        kept: Any = True
        for each, most in zip(sums, room):
            kept = kept & (each <= most)
        found = tuple(each[kept] for each in sums)
        return cls(found, numpy.ones(len(found[0]), "int64"))

    @classmethod
    def joined(cls, pieces: Sequence[tuple[Bag, tuple[int, ...]]], room: Sequence[int]) -> Bag:
        """The sums of bags, to each of which something is added, without those beyond the room."""
        import numpy

        if not pieces:
            return cls(tuple(numpy.zeros(0, "int64") for _ in room), numpy.zeros(0, "int64"))
        if not room:
            count = sum(int(bag.counts.sum()) for bag, _ in pieces)
            return cls((), numpy.array([count], "int64"))
        if len(room) == 1:
            found = cls._histogram(pieces, room[0])
            if found is not None:
                return found
        pieces = [(bag.plain(), added) for bag, added in pieces]
        sums = [
            numpy.concatenate([bag.sums[place] + added[place] for bag, added in pieces])
            for place in range(len(room))
        ]
        counts = numpy.concatenate([bag.counts for bag, _ in pieces])
        kept: Any = True
        for each, most in zip(sums, room):
            kept = kept & (each <= most)
        return cls(tuple(each[kept] for each in sums), counts[kept])

    @classmethod
    def _histogram(cls, pieces: Sequence[tuple[Bag, tuple[int, ...]]], room: int) -> Bag | None:
        """The same as a histogram; None where that has too many places."""
        import numpy

        starts = [bag.ends[0][0] + added for bag, (added,) in pieces]
        lowest = min(starts)
        if lowest > room:
            return cls((numpy.zeros(0, "int64"),), numpy.zeros(0, "int64"))
        step = 0
        for (bag, _), start in zip(pieces, starts):
            step = math.gcd(step, start - lowest, bag.divisor)
        step = step or 1
        highest = min(max(bag.ends[0][1] + added for bag, (added,) in pieces), room)
        places = (highest - lowest) // step + 1
        if places > min(_LOOSE * sum(len(bag) for bag, _ in pieces), _MOST):
            return None
        counts = numpy.zeros(places, "int64")
        for (bag, (added,)), start in zip(pieces, starts):
            at = (start - lowest) // step
            if bag.step:
                every = bag.step // step
                there = counts[at::every][: len(bag.counts)]
                there += bag.counts[: len(there)]
            else:
                index = (bag.sums[0] + (added - lowest)) // step
                kept = index < places
                if kept.all():
                    numpy.add.at(counts, index, bag.counts)
                else:
                    numpy.add.at(counts, index[kept], bag.counts[kept])
        return cls((numpy.array([lowest]),), counts, step)

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def ends(self) -> list[tuple[int, int]]:
        """The least and the largest sum of each metric."""
        if self._ends is None:
            if self.step:
                first = int(self.sums[0][0])
                self._ends = [(first, first + (len(self.counts) - 1) * self.step)]
            else:
                self._ends = [(int(each.min()), int(each.max())) for each in self.sums]
        return self._ends

    @property
    def divisor(self) -> int:
        """What divides the differences of all sums of the only metric."""
        import numpy

        if self._divisor is None:
            self._divisor = self.step or int(numpy.gcd.reduce(self.sums[0] - self.sums[0][0]))
        return self._divisor

    def plain(self) -> Bag:
        """The same, each sum written out."""
        if not self.step:
            return self
        if self._plain is None:
            places = self.counts.nonzero()[0]
            self._plain = Bag((self.sums[0][0] + places * self.step,), self.counts[places])
        return self._plain

    def plus(self, other: Bag) -> Bag:
        """Every sum of the two."""
        a, b = self.plain(), other.plain()
        if len(a) * len(b) > _MOST:
            raise does_not_decompose("too many different sums of the figures")
        sums = tuple((one[:, None] + two[None, :]).ravel() for one, two in zip(a.sums, b.sums))
        return Bag(sums, (a.counts[:, None] * b.counts[None, :]).ravel())

    def ascending(self) -> tuple[Any, Any, Any]:
        """The sums of the only metric in their order, and how many there are before each, and in
        all; None for the last where each is there once.
        """
        import numpy

        if self._sorted is None:
            if self.step:
                sums, counts = None, self.counts
            elif (self.counts == 1).all():
                self._sorted = (numpy.sort(self.sums[0]), numpy.arange(len(self) + 1), None)
                return self._sorted  # type: ignore[no-any-return]
            else:
                order = self.sums[0].argsort()
                sums, counts = self.sums[0][order], self.counts[order]
            self._sorted = (sums, numpy.concatenate([[0], numpy.cumsum(counts)]), counts)
        return self._sorted  # type: ignore[no-any-return]

    def within(self, other: Bag, most: Sequence[int]) -> int:
        """How many sums of one of each are no more than `most`."""
        if not most:
            return int(self.counts.sum()) * int(other.counts.sum())
        if any(a[0] + b[0] > each for a, b, each in zip(self.ends, other.ends, most)):
            return 0
        if all(a[1] + b[1] <= each for a, b, each in zip(self.ends, other.ends, most)):
            return int(self.counts.sum()) * int(other.counts.sum())
        if len(most) == 1:
            return _within(self, other, most[0])
        if len(most) > 2:
            return dominance.within(self, other, most)
        one, two = (self, other) if len(self) <= len(other) else (other, self)
        if two._plane is not None and one._plane is None:
            one, two = two, one
        two = two.ordered()
        return int((one.each_within(two, most) * two.counts).sum())

    def each_within(self, other: Bag, most: Sequence[int]) -> Any:
        """For each sum of another bag, a plain one, with how many of this bag's it is within."""
        import numpy

        if not most:
            return numpy.full(len(other), self.counts.sum())
        if len(most) == 1:
            room = most[0] - other.sums[0]
            sums, upto, _ = self.ascending()
            if self.step:
                index = (room - self.ends[0][0]) // self.step + 1
                return upto[index.clip(0, len(self.counts))]
            return upto[sums.searchsorted(room, "right")]
        if len(most) == 2:
            if self._plane is None:
                self._plane = dominance.Plane(self.sums[0], self.sums[1], self.counts)
            return self._plane.within(most[0] - other.sums[0], most[1] - other.sums[1])
        found = numpy.zeros(len(other), "int64")
        for at, sums in enumerate(zip(*other.sums)):
            found[at] = self.counts[self.is_within(sums, most)].sum()
        return found

    def is_within(self, sums: Sequence[Any], most: Sequence[int]) -> Any:
        """Which sums of a plain bag are within, with another sum."""
        kept: Any = True
        for each, other, limit in zip(self.sums, sums, most):
            kept = kept & (each + other <= limit)
        return kept

    def ordered(self) -> Bag:
        """A plain bag, the largest of its first metric first: what they leave then rises, which is
        quick to look up.
        """
        if self._ordered is None:
            order = self.sums[0].argsort()[::-1]
            self._ordered = Bag(tuple(each[order] for each in self.sums), self.counts[order])
        return self._ordered

    def at(self, place: int) -> tuple[int, ...]:
        """A sum of a plain bag."""
        return tuple([int(each[place]) for each in self.sums])

    def times(self, sums: Sequence[int]) -> int:
        """How often a sum is there."""
        if not sums:
            return int(self.counts.sum())
        if self.step:
            place, rest = divmod(sums[0] - self.ends[0][0], self.step)
            is_there = not rest and 0 <= place < len(self.counts)
            return int(self.counts[place]) if is_there else 0
        found: Any = True
        for each, wanted in zip(self.sums, sums):
            found = found & (each == wanted)
        return int(self.counts[found].sum())

    def largest(self, other: Bag, most: int) -> int | None:
        """The largest sum of one of each that is no more than `most`; None where there is none."""
        own, others = self.plain().ascending()[0], other.plain().ascending()[0]
        others = others[: others.searchsorted(most - own[0], "right")]
        if not len(others):
            return None
        places = own.searchsorted(most - others, "right") - 1
        return int((own[places] + others).max())

    def least(self, other: Bag, above: int | None) -> int | None:
        """The least sum of one of each that is above `above`, or of all."""
        if above is None:
            return self.ends[0][0] + other.ends[0][0]
        own, others = self.plain().ascending()[0], other.plain().ascending()[0]
        others = others[others.searchsorted(above - own[-1], "right") :]
        if not len(others):
            return None
        places = own.searchsorted(above - others, "right")
        return int((own[places] + others).min())

    def parted(self, step: int) -> tuple[Any, Any]:
        """The sums of the only metric, ascending, by a step: whole quotients and what is left."""
        import numpy

        if self._parted is None or self._parted[0] != step:
            self._parted = (step, *numpy.divmod(self.ascending()[0], step))
        return self._parted[1:]


def _within(one: Bag, other: Bag, most: int) -> int:
    if not one.step and (other.step or len(other) > len(one)):
        one, other = other, one
    other = other.plain()
    # How many of `one` there are is looked up for each of the other's that is neither too large for
    # all of these nor small enough for all.
    sums, upto, counts = other.ascending()
    low, high = one.ends[0]
    first, last = sums.searchsorted([most - high, most - low], "right").tolist()
    whole = one.ascending()[1]
    found = int(upto[first]) * int(whole[-1])
    if one.step:
        quotients, rests = other.parted(one.step)
        places, rest = divmod(most - low, one.step)
        index = (places + 1) - quotients[first:last]
        index -= rests[first:last] > rest
        there = whole[index]
    else:
        there = whole[one.ascending()[0].searchsorted(most - sums[first:last], "right")]
    if counts is not None:
        there = there * counts[first:last]
    return found + int(there.sum())
