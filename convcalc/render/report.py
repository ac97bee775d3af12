"""What a command prints, before it has a form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.visible import as_line, width


class Table(NamedTuple):
    """Cells as text, a line each. `numeric` says which columns are aligned to the right.

    The rows are made whenever they are asked for: those of a long network are much text. The legend
    is one text a line. `heavy` are the indices of the rows that are to stand out.
    """

    title: str
    header: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: Callable[[], Iterable[tuple[str, ...]]]
    totals: tuple[str, ...] = ()
    legend: tuple[str, ...] = ()
    heavy: frozenset[int] = frozenset()

    def width(self) -> int:
        """The columns of a terminal that it takes, with two between its own."""
        lines = chain([self.header], self.rows(), [self.totals] if self.totals else [])
        widths = [0 for _ in self.header]
        for cells in lines:
            widths = [max(most, width(as_line(cell))) for most, cell in zip(widths, cells)]
        return sum(widths) + 2 * len(widths)


#: Makes the tables for a screen of so many columns and lines.
Fitted = Callable[[int, int], Sequence[Table]]


class Records(NamedTuple):
    """Rows of values for programs, and the names of their columns. None is an empty cell.

    `kinds` are the types of columns of which the first rows may be of another.
    """

    header: Sequence[str]
    rows: Iterable[Sequence[Any]]
    kinds: Mapping[str, type] = MappingProxyType({})


class Report(NamedTuple):
    """The views of an answer that formats choose from, each made when it is asked for.

    `objects` are what JSON has (a single one stands by itself), `lines` its rows alone, an object
    each, `records` the same flat, `tables` what people read; `text` is that, line by line, where it
    is more than tables, and `fitted` that for a screen, where it has tables of its own. Text from
    outside is in all of them as it came: a format escapes it for its medium. The rows of one that
    `flows` take long, and are not waited for to the last.
    """

    objects: Callable[[], Sequence[Any]]
    lines: Callable[[], Iterable[Mapping[str, Any]]]
    records: Callable[[], Records]
    tables: Callable[[], Sequence[Table]]
    text: Callable[[], Iterable[str]] | None = None
    fitted: Sequence[Fitted] | None = None
    flows: bool = False


def tables_as(report: Report, lines: Callable[[Table], Iterable[str]]) -> Iterator[str]:
    """The tables of a report as text, with an empty line between them; `lines` are without ends."""
    for index, table in enumerate(report.tables()):
        yield "\n" if index else ""
        for line in lines(table):
            yield f"{line}\n"


def records_of(objects: Sequence[Mapping[str, Any]]) -> Records:
    """Objects as flat rows under the keys of the first; a list of sizes is `3x224x224`."""
    rows = ([_flat(value) for value in each.values()] for each in objects)
    return Records(list(objects[0]) if objects else [], rows)


def _flat(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "x".join(map(str, value)) if isinstance(value, list) else value
