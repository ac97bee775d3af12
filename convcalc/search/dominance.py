"""How many points are no more than others in each of several coordinates.

Of two coordinates a wavelet matrix counts them (Claude, Navarro and Ordóñez 2015, "The wavelet
matrix"): points in the order of the first, their ranks in the second bit by bit, each bit with how
much of it there is before each place. Of more, points are held against points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Pairs of points that are compared at once.
_AT_ONCE = 2**22


class Plane:
    """Points of two coordinates, each some times, that can be asked how many are within bounds."""

    def __init__(self, first: Any, second: Any, counts: Any) -> None:
        import numpy

        self._numpy = numpy
        order = first.argsort(kind="stable")
        self.first, counts = first[order], counts[order]
        by_second = second[order].argsort(kind="stable")
        self.second = second[order][by_second]
        count = len(order)
        ranks = numpy.empty(count, "int64")
        ranks[by_second] = numpy.arange(count)
        self.count = count
        self.total = int(counts.sum())
        self._by_first = _upto(numpy, counts)
        self._by_second = _upto(numpy, counts[by_second])
        self._is_once = bool((counts == 1).all())
        #: By bit, the highest first: how many 0 there are before each place, and their counts.
        self._levels: list[tuple[int, Any, Any, int]] = []
        for bit in reversed(range(max(1, (count - 1).bit_length()))):
            is_zero = (ranks >> bit & 1) == 0
            zeros = _upto(numpy, is_zero)
            weights = zeros if self._is_once else _upto(numpy, counts * is_zero)
            self._levels.append((bit, zeros, weights, int(zeros[-1])))
            order = numpy.concatenate([is_zero.nonzero()[0], (~is_zero).nonzero()[0]])
            ranks, counts = ranks[order], counts[order]

    def within(self, first: Any, second: Any) -> Any:
        """How many points are at most (first, second), for each of these."""
        numpy = self._numpy
        before = self.first.searchsorted(first, "right")
        below = self.second.searchsorted(second, "right")
        found = self._by_first[before]
        found[below == 0] = 0
        is_other = (before == self.count) & (below < self.count)
        found[is_other] = self._by_second[below[is_other]]
        is_open = (
            (before < self.count) & (below < self.count) & (before > 0) & (below > 0)
        ).nonzero()
        end, rank = before[is_open], below[is_open]
        start = numpy.zeros_like(end)
        sums = numpy.zeros_like(end)
        for bit, zeros, weights, many in self._levels:
            is_set = (rank >> bit & 1) == 1
            zero_start, zero_end = zeros[start], zeros[end]
            if self._is_once:
                sums += numpy.where(is_set, zero_end - zero_start, 0)
            else:
                sums += numpy.where(is_set, weights[end] - weights[start], 0)
            start = numpy.where(is_set, many + start - zero_start, zero_start)
            end = numpy.where(is_set, many + end - zero_end, zero_end)
        found[is_open] = sums
        return found


def _upto(numpy: Any, counts: Any) -> Any:
    """How many there are before each place, and in all."""
    found = numpy.zeros(len(counts) + 1, "int64")
    numpy.cumsum(counts, out=found[1:])
    return found


def within(one: Any, other: Any, most: Sequence[int]) -> int:
    """How many sums of one of each bag are no more than `most` in any metric, of which there are
    more than two.
    """
    if len(other) < len(one):
        one, other = other, one
    found = 0
    step = max(1, _AT_ONCE // max(1, len(other)))
    for start in range(0, len(one), step):
        kept: Any = True
        for a, b, each in zip(one.sums, other.sums, most):
            kept = kept & (a[start : start + step, None] + b[None, :] <= each)
        found += int(((kept * other.counts).sum(1) * one.counts[start : start + step]).sum())
    return found
