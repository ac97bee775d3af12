"""Columns of many settings: lists, or arrays of numpy where it is there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

#: Floats hold all integers below this.
EXACT = 2**53


def uses_arrays() -> bool:
    """Whether numpy is in use, which is slow to import."""
    return sys.modules.get("numpy") is not None


def numpy_in_use() -> Any:
    """numpy where somebody imported it, else None."""
    if not uses_arrays():
        return None
    import numpy  # which waits for a thread that is importing it

    return numpy


def is_array(column: Any) -> bool:
    """Whether a column is an array of numpy, without importing that."""
    numpy = numpy_in_use()
    return numpy is not None and isinstance(column, numpy.ndarray)


def plain(column: Any) -> list[Any]:
    """A column with Python's own values in it."""
    return column.tolist() if is_array(column) else list(column)


def value_at(column: Any, place: int) -> Any:
    """One of Python's own values of a column."""
    return column[place].item() if is_array(column) else column[place]


def positions(mask: Any) -> Any:
    """Where a column of truth values is true."""
    if is_array(mask):
        return mask.astype(bool).nonzero()[0]
    return [index for index, holds in enumerate(mask) if holds]


def taken(column: Any, places: Any) -> Any:
    """The values of a column at some places."""
    if is_array(column):
        return column[places]
    return [column[place] for place in plain(places)]


def holding(column: Any, test: Callable[[Any], Any]) -> Any:
    """Where a test holds of the values of a column; not where there is no number.

    The test is one that numpy's integers and floats take, too.
    """
    if is_array(column) and column.dtype.kind in "if":
        return positions(test(column))
    return [index for index, value in enumerate(plain(column)) if value is not None and test(value)]


def least(column: Any) -> Any:
    """The least number of a column; None where there is none."""
    if is_array(column) and column.dtype.kind in "if":
        return column.min().item() if len(column) else None
    return min([value for value in plain(column) if value is not None], default=None)


def most(column: Any) -> Any:
    """The largest number of a column; None where there is none."""
    if is_array(column) and column.dtype.kind in "if":
        return column.max().item() if len(column) else None
    return max([value for value in plain(column) if value is not None], default=None)


def by_value(column: Any) -> dict[Any, Any]:
    """The places of each value of a column, the one that comes first leading."""
    array = column if is_array(column) and column.dtype.kind in "if" else None
    if array is None:
        found: dict[Any, Any] = {}
        for place, value in enumerate(plain(column)):
            found.setdefault(value, []).append(place)
        return found
    import numpy

    order = numpy.argsort(array, kind="stable")
    ends = numpy.flatnonzero(numpy.diff(array[order])) + 1
    parts = [part for part in numpy.split(order, ends) if len(part)]
    parts.sort(key=lambda part: int(part[0]))
    return {array[part[0]].item(): part for part in parts}


def as_array(column: Sequence[Any]) -> Any:
    """A column of numbers as an array that holds them as they are; None where there is no such.

    That is also so where nobody has imported numpy.
    """
    numpy = numpy_in_use()
    if numpy is None:
        return None
    if not is_array(column) and not set(map(type, column)) <= {int, float}:
        return None
    array = numpy.asarray(column)
    if array.dtype.kind == "i":
        return array
    is_fine = array.dtype.kind == "f" and (abs(array) < EXACT).all()
    return array if is_fine else None


def as_uniform(values: Sequence[Any]) -> Any:
    """Integers or floats as an array, from which they come back as they are; else None."""
    if not uses_arrays():
        return None
    import numpy

    kinds = set(map(type, values))
    try:
        if kinds == {int}:
            return numpy.array(values, "int64")
        return numpy.array(values, "float64") if kinds == {float} else None
    except OverflowError:
        return None


def places(first: int, last: int, count: int) -> Any:
    """From one number up to another, each modulo `count`: an array."""
    import numpy

    return numpy.arange(first, last) % count


def repeated(values: Any, times: int, start: int, size: int) -> Any:
    """Values, each so many times, from one place on, so many of them."""
    if times == 1:
        return values[start : start + size]
    counts = [times] * len(values)
    counts[0] -= start
    counts[-1] -= sum(counts) - size
    if is_array(values):
        return values.repeat(counts)
    return [value for value, many in zip(values, counts) for _ in range(many)]
