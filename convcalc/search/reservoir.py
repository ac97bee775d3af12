"""A sample of very many things, however many come."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Reservoir(Generic[_T]):
    """Up to `most` of the things that it was given, each as likely as any other.

    It is Li's Algorithm L ("Reservoir-Sampling Algorithms of Time Complexity O(n(1 + log(N/n)))",
    1994). The same things make the same sample.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        #: Those that are in it, and how many were given.
        self.held: list[_T] = []
        self.count = 0
        self._random = Random(0)
        self._weight = 1.0
        self._next = 0

    def add(self, things: Sequence[_T]) -> None:
        """Give it some more."""
        start, end = self.count, self.count + len(things)
        if start < self.most:
            self.held += things[: self.most - start]
            if end < self.most:
                self.count = end
                return
            self._next = self.most - 1
            self._skip()
        while self._next < end:
            if self._next >= start:
                self.held[self._random.randrange(self.most)] = things[self._next - start]
            self._skip()
        self.count = end

    def _skip(self) -> None:
        """Go to the next thing that comes in."""
        from math import exp, floor, log

        self._weight *= exp(log(1 - self._random.random()) / self.most)
        gap = floor(log(1 - self._random.random()) / log(1 - self._weight))
        self._next += gap + 1
