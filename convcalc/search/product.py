"""Every setting of a space, each network that there is evaluated once.

What hangs on one axis alone is a table of that axis. Two values with equal rows in it give the same
networks, whatever the other axes have: a width that is rounded to a multiple of 8 is the same for
many values of alpha. The figures of a setting are those of its class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from convcalc.search.evaluation import Evaluated, Evaluator
from convcalc.search.groups import fixed
from convcalc.search.kept import Kept, numbered
from convcalc.search.kinds import as_array
from convcalc.search.space import Axis, Space

#: Networks and values of an axis that are kept at the most: of more, settings are evaluated alone.
MOST_NETWORKS = 1 << 20
#: Groups beyond which a space is taken to have no others in common.
_MOST_GROUPS = 48


class Networks(NamedTuple):
    """The networks that a space has: their figures, and of how many settings each is.

    One may be there more than once: settings of different groups are never put together.
    """

    evaluated: Evaluated
    counts: Any
    #: By axis, the class of each of its values, and how far apart two classes are.
    classes: tuple[Any, ...]
    strides: tuple[int, ...]


class Product:
    """The settings of a space in order, as `space.point` has them: the last axis is the fastest."""

    def __init__(self, evaluator: Evaluator, space: Space) -> None:
        self.evaluator, self.space = evaluator, space
        self._networks: Networks | None = None
        self._is_known = False
        self._arrays: dict[str, Any] = {}

    @property
    def size(self) -> int:
        """How many settings there are."""
        return self.space.size

    @property
    def networks(self) -> Networks | None:
        """The networks of all settings, found once.

        None where there are too many, or numpy is not there: settings are evaluated one by one.
        """
        if not self._is_known:
            self._networks, self._is_known = _networks(self.evaluator, self.space), True
        return self._networks

    def evaluate(self, start: int, stop: int) -> Evaluated:
        """The figures of the settings from one index to another."""
        known = self.networks
        if known is None:
            return self.evaluator.evaluate(self.columns(start, stop))
        which = self.network_of(start, stop)
        valid: Any = known.evaluated.valid
        figures: Mapping[str, Any] = known.evaluated.figures
        taken = {metric: figure.take(which) for metric, figure in figures.items()}
        return Evaluated(valid.take(which), taken)

    def network_of(self, start: int, stop: int) -> Any:
        """By setting, the place of its network in `networks`, which is not None: an array."""
        import numpy

        known = self.networks
        assert known is not None
        *outer, last = (codes * stride for codes, stride in zip(known.classes, known.strides))
        width = len(last)
        first, end = start // width, -(-stop // width)
        if end - first == 1:
            base = _summed(numpy, outer, first, end)
            return base[0] + last[start - first * width : stop - first * width]
        rows = numpy.add.outer(_summed(numpy, outer, first, end), last).reshape(-1)
        return rows[start - first * width : stop - first * width]

    def columns(self, start: int, stop: int) -> dict[str, Any]:
        """The values of the settings from one index to another, by axis."""
        stride, strides = 1, []
        for axis in reversed(self.space.axes):
            strides.append(stride)
            stride *= len(axis.values)
        found = {}
        for axis, own in zip(self.space.axes, reversed(strides)):
            count = len(axis.values)
            if self.evaluator.has_arrays and count <= MOST_NETWORKS and stride < 2**62:
                found[axis.name] = self._array(axis)[_places(start, stop, own, count)]
            else:
                places = (index // own % count for index in range(start, stop))
                found[axis.name] = [axis.values[place] for place in places]
        return found

    def _array(self, axis: Axis) -> Any:
        """The values of an axis as an array, made once."""
        if axis.name not in self._arrays:
            self._arrays[axis.name] = as_array(axis.values)
        return self._arrays[axis.name]


def _places(start: int, stop: int, stride: int, count: int) -> Any:
    """By setting, the place of its value on an axis."""
    import numpy

    index = numpy.arange(start, stop)
    return index // stride % count


def _summed(numpy: Any, parts: Sequence[Any], start: int, stop: int) -> Any:
    """What rows of a space add, from one to another: a number of each axis."""
    index = numpy.arange(start, stop)
    result = numpy.zeros(stop - start, "int64")
    for part in reversed(parts):
        index, place = numpy.divmod(index, len(part))
        result += part[place]
    return result


def _networks(evaluator: Evaluator, space: Space) -> Networks | None:
    """The networks of a space; None where there are too many."""
    longest = max((len(axis.values) for axis in space.axes), default=0)
    if not evaluator.has_arrays or not 0 < longest <= MOST_NETWORKS:
        return None
    import numpy

    tables = [_Table(numpy, axis) for axis in space.axes]
    kept: list[Kept] = []
    while len(kept) < _MOST_GROUPS and prod(table.count for table in tables) <= MOST_NETWORKS:
        counts = [table.count for table in tables]
        places = numpy.unravel_index(numpy.arange(prod(counts)), counts)
        columns = {table.name: table.values(place) for table, place in zip(tables, places)}
        found, used = evaluator.evaluate_by(columns)
        if not used.are_all:
            return None
        # Values are alike if they are to every group of the settings, of which none is left out.
        fresh = [each for each in used.groups if each not in kept]
        kept += fresh
        if not fresh:
            sizes = [numpy.bincount(table.codes) for table in tables]
            multiplicity = prod(size[place] for size, place in zip(sizes, places))
            strides = [prod(counts[at + 1 :]) for at in range(len(counts))]
            codes = tuple(table.codes for table in tables)
            return Networks(_as_arrays(numpy, found), multiplicity, codes, tuple(strides))
        for each in fresh:
            for table in tables:
                table.split(each)
    return None


def _as_arrays(numpy: Any, found: Evaluated) -> Evaluated:
    """Figures of few settings, which come as lists, as arrays."""

    def array(values: Sequence[Any]) -> Any:
        if hasattr(values, "dtype"):
            return values
        is_word = all(isinstance(each, int) and abs(each) < 2**63 for each in values)
        return numpy.array(values, "int64" if is_word else object)

    figures = {metric: array(values) for metric, values in found.figures.items()}
    return Evaluated(numpy.asarray(found.valid, bool), figures)


class _Table:
    """The values of an axis in classes, of which all values give the same networks."""

    def __init__(self, numpy: Any, axis: Axis) -> None:
        self._numpy = numpy
        self.name, self._axis = axis.name, axis
        types = set(map(type, axis.values))
        if types in ({int}, {float}):  # the many values that an axis may have are of one type
            kinds = [0] * len(axis.values)
            self._fixed = [fixed({axis.name: axis.values[0]})[axis.name]]
        else:
            own = [fixed({axis.name: value})[axis.name] for value in axis.values]
            kinds = numbered(map(repr, own))
            self._fixed = list(dict(zip(kinds, own)).values())
        self._kinds = numpy.array(kinds)
        self._unlike(self._kinds)

    def _unlike(self, codes: Any) -> None:
        """Keep values apart that have different codes; classes come in the order of their first."""
        _, first, inverse = self._numpy.unique(codes, return_index=True, return_inverse=True)
        order = self._numpy.argsort(first, kind="stable")
        ranks = self._numpy.empty_like(order)
        ranks[order] = self._numpy.arange(len(order))
        self.codes = ranks[inverse.reshape(-1)]
        self._first = first[order]

    @property
    def count(self) -> int:
        """How many classes there are."""
        return len(self._first)

    def values(self, classes: Any) -> list[Any]:
        """A value of each of some classes."""
        own = [self._axis.values[place] for place in self._first.tolist()]
        return [own[each] for each in classes.tolist()]

    def split(self, kept: Kept) -> None:
        """Keep values apart that are not the same to a group, which has some of them."""
        if self.name not in kept.names:
            return
        common = repr(kept.group.fixed[self.name])
        kind = [repr(each) for each in self._fixed].index(common)
        rows = self._numpy.flatnonzero(self._kinds == kind)
        values = self._axis.values
        if len(rows) < len(values):
            values = [values[place] for place in rows]
        codes = self._numpy.zeros(len(self.codes), "int64")
        codes[rows] = 1 + kept.alike(self.name, values)
        self._unlike(self.codes * (int(codes.max()) + 1) + codes)
