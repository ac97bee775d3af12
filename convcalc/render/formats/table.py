"""Tables as aligned text: for pipes, for long networks and for narrow terminals."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from convcalc.render.formats.base import Format
from convcalc.render.report import Report, Table, tables_as
from convcalc.visible import as_line, width

#: Columns are as wide as their cells, up to this; a longer cell moves the rest of its row.
_WIDEST = 200


def render(report: Report) -> Iterator[str]:
    """What people read, without colour or wrapping."""
    if report.text is None:
        return tables_as(report, aligned)
    return (f"{as_line(line)}\n" for line in report.text())


def aligned(table: Table) -> Iterator[str]:
    """The lines of a table in columns."""
    totals = [table.totals] if table.totals else []
    widths = [0 for _ in table.header]
    for cells in chain([table.header], table.rows(), totals):
        widths = [max(w, width(as_line(cell))) for w, cell in zip(widths, cells)]
    widths = [min(w, _WIDEST) for w in widths]

    def show(cells: tuple[str, ...]) -> str:
        return "  ".join(map(_padded, cells, widths, table.numeric)).rstrip()

    rule = "  ".join("─" * width for width in widths)
    if table.title:
        yield as_line(table.title)
        yield ""
    yield show(table.header)
    yield rule
    yield from map(show, table.rows())
    if totals:
        yield rule
        yield from map(show, totals)
    if table.legend:
        yield ""
        yield from map(as_line, table.legend)


def _padded(cell: str, wide: int, numeric: bool) -> str:
    """A cell with what fills its column."""
    text = as_line(cell)
    space = " " * (wide - width(text))
    return space + text if numeric else text + space


FORMAT = Format("table", (".txt",), render)
