"""Tables for a terminal: rich where it helps, plain text for long ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import islice

from convcalc.render.formats.table import aligned
from convcalc.render.report import Report, Table
from convcalc.render.wrapping import wrapped
from convcalc.visible import as_line

#: rich takes a second for a thousand rows.
MOST_ROWS = 300


def drawn(report: Report, color: bool) -> Iterator[str]:
    """The tables of a report for the terminal that standard output is.

    `color` false leaves colours out.
    """
    columns, lines = shutil.get_terminal_size()
    if report.fitted is None:
        tables = report.tables()
    else:
        tables = [table for fit in report.fitted for table in fit(columns, lines - _AROUND)]
    has_legend = False
    for table in tables:
        if table.title and has_legend:
            yield "\n"
        yield from _drawn(table, columns, color)
        has_legend = bool(table.legend)


def _drawn(table: Table, columns: int, color: bool) -> Iterator[str]:
    rows = list(islice(table.rows(), MOST_ROWS + 1))
    if len(rows) > MOST_ROWS or table.width() > columns:
        # Cut numbers are wrong numbers; a terminal wraps plain lines, and a reader can scroll.
        legend = (part for line in table.legend for part in wrapped(line, columns, 0, prose=True))
        for line in aligned(table._replace(legend=tuple(legend))):
            yield f"{line}\n"
        yield "\n"
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    def text(part: str, style: str = "") -> Text:
        return Text(as_line(part), style)  # a name is no markup

    console = Console(width=columns, no_color=not color, highlight=False)
    grid = RichTable(
        title=text(table.title) if table.title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=bool(table.totals),
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for title, numeric, total in zip(table.header, table.numeric, table.totals or table.header):
        justify = "right" if numeric else "left"
        grid.add_column(text(title), footer=text(total), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for index, row in enumerate(rows):
        grid.add_row(*map(text, row), style="bold yellow" if index in table.heavy else None)
    with console.capture() as captured:
        console.print(grid)
        for line in table.legend:
            console.print(text(line, "dim"))
    yield captured.get()


#: Lines of a screen for what stands around a table's rows: header, totals, legend, the next prompt.
_AROUND = 14
