"""Tables as aligned text: for pipes, for long networks and for narrow terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from convcalc.render.formats.base import Format
from convcalc.render.report import Report, Table, tables_as


def render(report: Report) -> Iterator[str]:
    """What people read, without colour or wrapping."""
    return tables_as(report, aligned) if report.text is None else iter([report.text()])


def aligned(table: Table) -> str:
    """A table in columns."""
    totals = [table.totals] if table.totals else []
    lines = [table.header, *table.rows, *totals]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.header))]
    align: list[Callable[[str, int], str]] = [
        str.rjust if numeric else str.ljust for numeric in table.numeric
    ]

    def show(line: tuple[str, ...]) -> str:
        return "  ".join([a(cell, w) for a, cell, w in zip(align, line, widths)]).rstrip()

    rule = "  ".join("─" * width for width in widths)
    title = [table.title, ""] if table.title else []
    sums = [rule, *map(show, totals)] if totals else []
    legend = ["", table.legend] if table.legend else []
    return "\n".join([*title, show(table.header), rule, *map(show, table.rows), *sums, *legend, ""])


FORMAT = Format("table", (".txt",), render)
