"""The settings that a sweep walks: those of a space, or those of a table."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property, partial
from itertools import islice
from typing import Any, Protocol, runtime_checkable

from convcalc import arithmetic, budgets
from convcalc.arithmetic import is_number
from convcalc.diagnostics import ConvcalcError, Diagnostic, Mark, Source, fail, require_text
from convcalc.extras import require
from convcalc.frozen import FrozenDict, frozen
from convcalc.language.values import setting
from convcalc.search.columns import as_uniform, places, repeated, uses_arrays
from convcalc.search.space import Space
from convcalc.words import counted, describe, did_you_mean, listed, quoted, shortened
from convcalc.written import written

#: The values of settings by variable, one a position.
Columns = Mapping[str, Sequence[Any]]


@runtime_checkable
class Points(Protocol):
    """Settings to walk, in their order."""

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that they set."""

    @property
    def size(self) -> int | None:
        """How many there are; None where that shows at their end."""

    def chunks(self, count: Callable[[], int]) -> Iterator[Columns]:
        """All of them, `count()` at a time; ConvcalcError where they cannot be read."""


#: Values of an axis that are held as an array.
_MANY = 1 << 16


class Whole:
    """All settings of a space, or those from an index up to another."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.names = tuple(axis.name for axis in space.axes)
        self.start, self.stop = 0, space.size
        self.size = space.size

    def chunks(self, count: Callable[[], int]) -> Iterator[Columns]:
        """The settings by their index."""
        start = self.start
        while start < self.stop:
            stop = min(start + count(), self.stop)
            yield self.columns(start, stop)
            start = stop

    def part(self, first: int, stop: int) -> Whole:
        """Those of its settings from a place up to another."""
        found = copy(self)  # which knows of the axes what this does
        found.start, found.stop = self.start + first, min(self.start + stop, self.stop)
        found.size = found.stop - found.start
        return found

    def columns(self, start: int, stop: int) -> Columns:
        """The settings from an index up to another, in arrays where numpy is in use."""
        if not uses_arrays():
            return self.space.columns(start, stop)
        return {axis.name: axis.column(start, stop) for axis in self._axes}

    @cached_property
    def _axes(self) -> list[_Axis]:
        return [_Axis(*axis, stride) for axis, stride in zip(self.space.axes, self.space.strides)]


class _Axis:
    """An axis of a space, of which each value stands `stride` times, over and over."""

    def __init__(self, name: str, values: Sequence[Any], stride: int) -> None:
        self.name, self._values, self._stride = name, values, stride
        #: All of its values, where they are few; None where they are many, or not of one type.
        self._array = as_uniform(values) if len(values) <= _MANY else None

    def column(self, start: int, stop: int) -> Sequence[Any]:
        """Its values from one place up to another."""
        stride, count = self._stride, len(self._values)
        first, last = start // stride, (stop - 1) // stride + 1
        if self._array is not None:
            turns = places(first, last, count)
            found: Sequence[Any] = self._array[turns]
        else:
            lead, turn = first % count, min(last - first, count - first % count)
            found = [*self._values[lead : lead + turn]]
            while len(found) < last - first:
                found += self._values[: last - first - len(found)]
            if last - first <= _MANY and (array := as_uniform(found)) is not None:
                found = array
        column: Sequence[Any] = repeated(found, stride, start - first * stride, stop - start)
        return column


class Table:
    """Settings that come one by one, each a value a variable."""

    size: int | None = None
    #: The types of its columns, as far as they are known before its rows are.
    kinds: Mapping[str, type] = FrozenDict()

    def __init__(self, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self.names = tuple(names)
        self._rows = rows

    def chunks(self, count: Callable[[], int]) -> Iterator[Columns]:
        """The settings as they come."""
        rows = iter(self._rows)
        while found := list(islice(rows, count())):
            yield dict(zip(self.names, zip(*found)))


def listed_points(points: Sequence[Mapping[str, Any]], defaults: Mapping[str, Any]) -> Table:
    """Settings that are a mapping each, which set the same variables. Raises ConvcalcError.

    Figures among them are left out: the rows of a sweep are settings.
    """
    for point in points:
        if not isinstance(point, Mapping):
            raise fail("bad-value", f"a setting is values by variable, not {describe(point)}")
    header = tuple(points[0]) if points else ()
    names = variables_of(header, defaults) if header else ()
    for index, point in enumerate(points):
        if set(point) != set(header):
            message = f"the setting {index} sets {listed(point) or 'nothing'}"
            raise fail("bad-value", message, f"the first one sets {listed(header) or 'nothing'}")
    table = Table(names, [[point[name] for name in names] for point in points])
    table.size = len(points)
    return table


# Files

#: What reads each kind of file, by its suffix.
_TEXT = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PARQUET = ".parquet"
SUFFIXES = (*_TEXT, _PARQUET)
#: Rows of a Parquet file that are read at once.
_BATCH = 1 << 14
_NUMBER = re.compile(r"[-+]?(\d+|\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][-+]?\d+)", re.ASCII)


def is_parquet(name: str) -> bool:
    """Whether a file is called as Parquet is, which no text is."""
    return name.lower().endswith(_PARQUET)


def kind_of(name: str) -> str:
    """How the text of a file is read, by its suffix. Raises ConvcalcError."""
    kind = next((kind for suffix, kind in _TEXT.items() if name.lower().endswith(suffix)), None)
    if kind is None:
        message = f"{shortened(name)} is no points file by its name"
        raise fail("usage", message, f"it ends in {listed(SUFFIXES, joiner='or')}")
    return kind


def text_points(lines: Iterable[str], name: str, kind: str, defaults: Mapping[str, Any]) -> Table:
    """The settings of the lines of a file: `csv`, or `jsonl`, an object a line.

    `name` is what messages call it. A column that is a metric's is passed over, so that what a
    sweep has written can be read. Raises ConvcalcError, also on the way.
    """
    read = _csv if kind == "csv" else _jsonl
    rows = read(lines, name, defaults)
    names = next(rows)
    return Table(names, rows)


def parquet_points(file: Any, name: str, defaults: Mapping[str, Any]) -> Table:
    """The settings of a Parquet file. Raises ConvcalcError, also where pyarrow is not there."""
    pyarrow = require("pyarrow", "parquet", "reading Parquet")
    parquet = require("pyarrow.parquet", "parquet", "reading Parquet")
    try:
        opened = parquet.ParquetFile(file)
    except pyarrow.ArrowException as error:
        first = str(error).partition("\n")[0]
        raise fail("unreadable", f"{name} is no Parquet file: {shortened(first, 200)}") from None
    source = Source(name, "")
    header = tuple(opened.schema_arrow.names)
    names = variables_of(header, defaults, source)

    def rows() -> Iterator[Sequence[Any]]:
        done, own = 0, [default_of(key, defaults) for key in names]
        for batch in opened.iter_batches(_BATCH, columns=list(names)):
            columns = [batch.column(key).to_pylist() for key in names]
            for row in zip(*columns):
                done += 1
                try:
                    yield [_value(*each) for each in zip(row, names, own)]
                except ConvcalcError as error:
                    (said,) = error.diagnostics
                    message = f"row {done:,}: {said.message}"
                    raise fail("bad-value", message, said.help, source) from None

    return Table(names, rows())


class _Line(Source):
    """A line of a file that is not held otherwise."""

    def line(self, number: int) -> str:
        return self.text

    def __reduce__(self) -> Any:
        return _Line, tuple(self)


def _csv(lines: Iterable[str], name: str, defaults: Mapping[str, Any]) -> Iterator[Any]:
    """First the variables, then the values of each row. Raises ConvcalcError."""
    last = ""

    def noted() -> Iterator[str]:
        nonlocal last
        for line in lines:
            last = line.rstrip("\r\n")
            yield line

    reader = csv.reader(noted())

    def refused(message: str, column: int = 0, cells: Sequence[str] = (), help: str = "") -> Any:
        """What is said of a cell, or of its line."""
        start = sum(len(cell) + 1 for cell in cells[:column])
        cell = cells[column] if cells else last
        if not last.startswith(cell, start):  # quotes are in the way
            start = max(last.find(cell), 0)
        mark = Mark(reader.line_num, start + 1, max(len(cell), 1))
        source = _Line(name, last)
        return ConvcalcError([Diagnostic("bad-value", message, source, mark, help=help)])

    try:
        header = [cell.strip().removeprefix("\ufeff") for cell in next(reader, [])]
        if not any(header):
            raise _empty(name)
        for index, cell in enumerate(header):
            if message := _strange(cell, header[:index], defaults):
                raise refused(message, index, header, _known(cell, defaults))
        names = variables_of(header, defaults, _Line(name, last))
        yield names
        places = [(header.index(key), key, default_of(key, defaults)) for key in names]
        for cells in reader:
            if not cells:
                continue  # an empty line
            if len(cells) != len(header):
                message = f"this line has {counted(len(cells), 'cell')}, and the first one "
                raise refused(f"{message}{len(header)}", help=f"the columns are {listed(header)}")
            row = []
            for index, key, default in places:
                text = cells[index].strip()
                try:
                    if not text and not isinstance(default, str):
                        raise fail("bad-value", f"there is no value for {quoted(key)}")
                    row.append(_cell(text, key, default))
                except ConvcalcError as error:
                    (said,) = error.diagnostics
                    raise refused(said.message, index, cells, said.help) from None
            yield row
    except csv.Error as error:
        raise refused(f"this is no CSV: {error}") from None


def _jsonl(lines: Iterable[str], name: str, defaults: Mapping[str, Any]) -> Iterator[Any]:
    """First the variables, then the values of each row. Raises ConvcalcError."""
    names: tuple[str, ...] = ()
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text:
            continue
        source, mark = _Line(name, line.rstrip("\r\n")), Mark(number, 1, max(len(text), 1))

        refused = partial(_refused, source, mark)
        try:
            row = json.loads(text, parse_float=_decimal)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise refused("this line is no JSON object", 'write {"alpha": 0.5, "resolution": 192}')
        if not names:
            for key in row:
                if message := _strange(key, (), defaults):
                    raise refused(message, _known(key, defaults))
            names = variables_of(tuple(row), defaults, source)
            yield names
        for key in names:
            if key not in row:
                raise refused(f"this line has no {quoted(key)}", "the first line has one")
        if more := [key for key in row if key not in names and not _is_metric(key, defaults)]:
            raise refused(f"this line has {quoted(more[0])}, and the first one has none")
        try:
            yield [_value(row[key], key, default_of(key, defaults)) for key in names]
        except ConvcalcError as error:
            (said,) = error.diagnostics
            raise refused(said.message, said.help) from None
    if not names:
        raise _empty(name)


def _refused(source: Source, mark: Mark, message: str, help: str = "") -> ConvcalcError:
    return ConvcalcError([Diagnostic("bad-value", message, source, mark, help=help)])


def _decimal(text: str) -> Any:
    """The number that a decimal says, which may be negative."""
    number = arithmetic.written(text.removeprefix("-"))
    return -number if text.startswith("-") else number


def _empty(name: str) -> ConvcalcError:
    help = "the first line names the variables, and each other one is a setting"
    return fail("bad-value", "there are no points in it", help, Source(name, ""))


def _has(name: str, defaults: Mapping[str, Any]) -> bool:
    """Whether there is such a variable, or such an entry of one."""
    base, bracket, place = name.partition("[")
    if base not in defaults or not bracket:
        return base in defaults
    place, whole = place.removesuffix("]"), defaults[base]
    return isinstance(whole, (list, tuple)) and place.isdecimal() and int(place) < len(whole)


def label(name: str) -> str:
    """What rows call a variable, or an entry of one: where a figure has its name, otherwise."""
    return f"variables.{name}" if name in budgets.metrics() else name


def default_of(name: str, defaults: Mapping[str, Any]) -> Any:
    """What a variable is unless it is set, or an entry of one."""
    base, bracket, place = name.partition("[")
    return defaults[base][int(place.removesuffix("]"))] if bracket else defaults[base]


def _is_metric(name: str, defaults: Mapping[str, Any]) -> bool:
    return not _has(name, defaults) and name in budgets.metrics()


def _strange(name: str, before: Sequence[str], defaults: Mapping[str, Any]) -> str:
    """Why a column cannot be; empty where it can."""
    if not name:
        return "a column has no name"
    if name in before:
        return f"two columns are called {quoted(name)}"
    whole = name.partition("[")[0]
    is_entry = whole != name
    if whole in before if is_entry else any(each.startswith(f"{name}[") for each in before):
        return f"{quoted(whole)} is given as a whole, and entries of it too"
    if _has(name, defaults) or _is_metric(name, defaults):
        return ""
    if _NUMBER.fullmatch(name):
        return f"the first line has the number {shortened(name)}, and no names of variables"
    return f"there is no variable {quoted(name)}"


def _known(name: str, defaults: Mapping[str, Any]) -> str:
    """What could be a column, where a name is none."""
    if _has(name, defaults):
        return "leave one of them out"
    known = f"the variables are {listed(defaults)}" if defaults else "there are no variables"
    return f"{did_you_mean(name, defaults)} {known}".strip()


def require_known(names: Sequence[str], defaults: Mapping[str, Any]) -> None:
    """Refuse names that no variable has. Raises ConvcalcError."""
    for name in names:
        if not _has(name, defaults):
            message = f"there is no variable {quoted(name)}"
            raise fail("unknown-variable", message, _known(name, defaults))


def variables_of(
    header: Sequence[str], defaults: Mapping[str, Any], source: Source | None = None
) -> tuple[str, ...]:
    """The columns that are variables; others may be figures.

    Raises ConvcalcError for a column that is neither, and where none is a variable.
    """
    for index, name in enumerate(header):
        require_text("the name of a variable", name)
        if message := _strange(name, header[:index], defaults):
            raise fail("unknown-variable", message, _known(name, defaults), source)
    names = tuple(name for name in header if _has(name, defaults))
    if not names:
        message = "no column is a variable"
        raise fail("unknown-variable", message, _known("", defaults), source)
    return names


def _cell(text: str, name: str, default: Any) -> Any:
    """The value of a cell, for a variable with such a default. Raises ConvcalcError."""
    if is_number(default) and _NUMBER.fullmatch(text):  # most are
        digits = text.lstrip("+-")
        if not digits.isdigit():
            return _decimal(text.removeprefix("+"))
        return -int(digits) if text[0] == "-" else int(digits)
    return _value(written(text), name, default)


def _value(value: Any, name: str, default: Any) -> Any:
    """A value as a column has it, for a variable with such a default. Raises ConvcalcError."""
    return setting(shortened(name), frozen(value), default)
