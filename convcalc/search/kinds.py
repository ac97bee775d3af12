"""Columns of settings, apart by what settings of a group have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.arithmetic import is_number

#: Numbers beyond this have no code of machine words, and would be in the way of the others.
_LARGE = 2**52
#: Of numbers beyond this an analysis may have more digits than it is allowed, which no trace tells.
_FAR = 2**63


def is_far(value: Any) -> bool:
    """Whether a number is so large that its setting is analysed for itself."""
    return is_number(value) and not abs(value) < _FAR


def listed(column: Sequence[Any]) -> list[Any]:
    """A column as a list of Python's own values."""
    if hasattr(column, "tolist"):
        return column.tolist()  # type: ignore[no-any-return]
    return [each.item() if hasattr(each, "item") else each for each in column]


def plain(point: Mapping[str, Any]) -> dict[str, Any]:
    """A setting of Python's own values."""
    return dict(zip(point, listed(list(point.values()))))


def as_array(values: Sequence[Any]) -> Any:
    """Values as an array: of machine words where all are numbers of one type, else of objects."""
    import numpy

    return _column(numpy, values)[0]


def parts(
    numpy: Any, columns: Mapping[str, Sequence[Any]], count: int
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Any]]:
    """Settings that have in common what a group has: one of them, their numbers, their places.

    Numbers are arrays by the name of the axis; places are those in the columns.
    """
    arrays: dict[str, Any] = {}
    codes: Any = None
    for name, column in columns.items():
        arrays[name], key = _column(numpy, column)
        if key is not None:
            codes = key if codes is None else codes * (int(key.max()) + 1) + key
            _, codes = numpy.unique(codes, return_inverse=True)
    if codes is None:
        yield _part(numpy, arrays, numpy.arange(count))
        return
    order = numpy.argsort(codes, kind="stable")
    ends = numpy.flatnonzero(numpy.diff(codes[order])) + 1
    for rows in numpy.split(order, ends):
        yield _part(numpy, {name: array[rows] for name, array in arrays.items()}, rows)


def _part(
    numpy: Any, arrays: Mapping[str, Any], rows: Any
) -> tuple[Mapping[str, Any], Mapping[str, Any], Any]:
    point = plain({name: array[0] for name, array in arrays.items()})
    numbers = {
        name: _typed(array, point[name]) for name, array in arrays.items() if is_number(point[name])
    }
    return point, numbers, rows


def _typed(array: Any, first: Any) -> Any:
    """An array of numbers of one type, in machine words where they are such."""
    if array.dtype == object and not is_far(first) and type(first) in _WORDS:
        return array.astype(_WORDS[type(first)])
    return array


#: How numpy calls the words of Python's numbers.
_WORDS = {int: "int64", float: "float64"}


def _column(numpy: Any, column: Any) -> tuple[Any, Any]:
    """A column as an array, and a number for each value, another where no group has both.

    None where there is a group for any two.
    """
    kind = getattr(getattr(column, "dtype", None), "kind", None)
    if kind is None or kind not in "iuf" or column.dtype == "uint64":
        column = listed(column)
        types = set(map(type, column))
        if types == {int} and not any(map(is_far, column)):
            kind = "i"
        elif types == {float}:
            kind = "f"
        else:
            known: dict[Any, int] = {}
            keys = [known.setdefault(_key(each), len(known)) for each in column]
            array = numpy.empty(len(column), object)
            array[:] = column
            return array, numpy.array(keys)
    array = numpy.asarray(column, "float64" if kind == "f" else "int64")
    if array.min() > -_LARGE and array.max() < _LARGE:
        return array, None
    sizes = abs(array.astype("float64"))
    return array, (~(sizes < _LARGE)).astype(int) + ~(sizes < _FAR)


def _key(value: Any) -> Any:
    if is_number(value):
        return type(value), abs(value) < _LARGE, is_far(value)
    return type(value), repr(value)
