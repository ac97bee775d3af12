"""Tables for a terminal: rich where it helps, plain text for long ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from convcalc.render.formats.table import aligned
from convcalc.render.report import Table
from convcalc.visible import as_line, width

#: rich takes a second for a thousand rows.
MOST_ROWS = 300


def drawn(table: Table, color: bool) -> Iterator[str]:
    """A table for the terminal that standard output is; `color` false leaves colours out."""
    rows = list(islice(table.rows(), MOST_ROWS + 1))
    if len(rows) > MOST_ROWS:
        yield from _plain(table)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(no_color=not color, highlight=False)
    if _width(table) > console.width:
        # Cut numbers are wrong numbers; a terminal wraps plain lines, and a reader can scroll.
        yield from _plain(table)
        return

    def text(part: str, style: str = "") -> Text:
        return Text(as_line(part), style)  # a name is no markup

    grid = RichTable(
        title=text(table.title) if table.title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=bool(table.totals),
        pad_edge=False,
    )
    for title, numeric, total in zip(table.header, table.numeric, table.totals or table.header):
        justify = "right" if numeric else "left"
        grid.add_column(text(title), footer=text(total), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in rows:
        grid.add_row(*map(text, row))
    with console.capture() as captured:
        console.print(grid)
        for line in table.legend:
            console.print(text(line, "dim"))
    yield captured.get()


def _plain(table: Table) -> Iterator[str]:
    for line in aligned(table):
        yield f"{line}\n"
    yield "\n"


def _width(table: Table) -> int:
    lines = [table.header, *table.rows(), *([table.totals] if table.totals else [])]
    return sum(max(width(as_line(line[i])) for line in lines) + 2 for i in range(len(table.header)))
