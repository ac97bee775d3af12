"""Columns of many settings: lists, or arrays of numpy where it is there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

#: Floats hold all integers below this.
_EXACT = 2**53


def is_array(column: Any) -> bool:
    """Whether a column is an array of numpy, without importing that."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(column, numpy.ndarray)


def plain(column: Any) -> list[Any]:
    """A column with Python's own values in it."""
    return column.tolist() if is_array(column) else list(column)


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


def as_array(column: Sequence[Any]) -> Any:
    """A column of numbers as an array that holds them as they are; None where there is no such.

    That is also so where nobody has imported numpy.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if not is_array(column) and not set(map(type, column)) <= {int, float}:
        return None
    array = numpy.asarray(column)
    if array.dtype.kind == "i":
        return array
    is_fine = array.dtype.kind == "f" and (abs(array) < _EXACT).all()
    return array if is_fine else None
