"""The tables and messages that an elimination still has, and what an axis meets in (its bucket).

Axes are taken so that few meet for the first time (min-fill: Rose 1970), those of little work
first.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from convcalc.search.grids import MOST_CELLS, Scope, Tables, cells, does_not_decompose, spread


class Clique(NamedTuple):
    """Axes that meet: by metric the table of what they add, and where they are a network."""

    scope: Scope
    tables: tuple[Any, ...]
    mask: Any


class Sent(Protocol):
    """What is left of axes that were eliminated, for each combination of those of `scope`."""

    @property
    def scope(self) -> Scope:
        """The axes that it hangs on."""

    @property
    def most(self) -> int:
        """How many sums there are for one of the combinations, at the most."""


_Sent = TypeVar("_Sent", bound=Sent)


class Buckets(Generic[_Sent]):
    """What waits while axes are eliminated; `sizes` are how many values each has.

    `tables` has by metric those whose sum it is.
    """

    def __init__(self, sizes: Sequence[int], tables: Sequence[Tables], masks: Tables) -> None:
        import numpy

        self._numpy = numpy
        self.sizes = sizes
        self._metrics = len(tables)
        self.cliques = self._factors(tables, masks)
        self.messages: list[_Sent] = []

    def _factors(self, tables: Sequence[Tables], masks: Tables) -> list[Clique]:
        """Every table by itself, those of one scope together."""
        found: dict[Scope, list[Any]] = {}
        for place, own in enumerate(tables):
            for scope, table in own.items():
                found.setdefault(scope, [0] * self._metrics)[place] = table
        for scope in masks:
            found.setdefault(scope, [0] * self._metrics)
        for axis in range(len(self.sizes)):  # one that nothing hangs on has its values, too
            if not any(axis in scope for scope in found):
                found[axis,] = [0] * self._metrics
        return [
            Clique(
                scope,
                tuple(
                    self._numpy.broadcast_to(table, [self.sizes[axis] for axis in scope])
                    for table in own
                ),
                masks.get(scope, True),
            )
            for scope, own in found.items()
        ]

    def met(self, axis: int) -> Scope:
        """The axes that one meets, itself among them."""
        scopes = self._scopes()
        return tuple(sorted({each for scope in scopes if axis in scope for each in scope}))

    def _scopes(self) -> list[Scope]:
        return [*(each.scope for each in self.cliques), *(each.scope for each in self.messages)]

    def parts(self, axis: int) -> tuple[_Sent, ...]:
        """The messages of which an axis is."""
        return tuple(each for each in self.messages if axis in each.scope)

    def cost(self, axis: int) -> int:
        """About how many sums there are to make where an axis is eliminated."""
        count = cells(self.met(axis), self.sizes)
        for message in self.parts(axis):
            count *= message.most
        return count

    def fill(self, axis: int) -> int:
        """How many axes meet for the first time where an axis is eliminated."""
        scopes = self._scopes()
        others = [each for each in self.met(axis) if each != axis]
        return sum(
            not any(one in scope and two in scope for scope in scopes)
            for one, two in combinations(others, 2)
        )

    def taken(self, axis: int) -> tuple[Clique, tuple[_Sent, ...]]:
        """What an axis meets in, as one table; it and the messages are no longer waiting."""
        own = [each for each in self.cliques if axis in each.scope]
        parts = self.parts(axis)
        self.cliques = [each for each in self.cliques if axis not in each.scope]
        self.messages = [each for each in self.messages if axis not in each.scope]
        scope = tuple(sorted({axis}.union(*(each.scope for each in own))))
        return self._together(own, scope), parts

    def rest(self, scope: Scope) -> Clique:
        """All that waits as one table of a scope that has all of its axes."""
        return self._together(self.cliques, scope)

    def _together(self, cliques: Sequence[Clique], scope: Scope) -> Clique:
        if cells(scope, self.sizes) > MOST_CELLS:
            raise does_not_decompose("a table in which too many variables meet")
        shape = [self.sizes[each] for each in scope]
        tables: list[Any] = [self._numpy.zeros(shape, "int64") for _ in range(self._metrics)]
        mask: Any = self._numpy.ones(shape, bool)
        for own in cliques:
            for place, each in enumerate(own.tables):
                tables[place] = tables[place] + spread(each, own.scope, scope)
            if own.mask is not True:
                mask = mask & spread(own.mask, own.scope, scope)
        return Clique(scope, tuple(tables), mask)

    def lowest(self, metric: int) -> int:
        """The least that the tables that wait add to a metric."""
        return sum(int(each.tables[metric].min()) for each in self.cliques)
