"""Tables for a terminal: rich where it helps, plain text for long ones."""

from __future__ import annotations

from convcalc.render.formats.table import aligned
from convcalc.render.report import Table

#: rich takes a second for a thousand rows.
MOST_ROWS = 300


def drawn(table: Table, color: bool) -> str:
    """A table for the terminal that standard output is; `color` false leaves colours out."""
    if len(table.rows) > MOST_ROWS:
        return aligned(table) + "\n"
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(no_color=not color, highlight=False)
    if _width(table) > console.width:
        # Cut numbers are wrong numbers; a terminal wraps plain lines, and a reader can scroll.
        return aligned(table) + "\n"
    grid = RichTable(
        title=Text(table.title) if table.title else None,  # a name is no markup
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_footer=bool(table.totals),
        pad_edge=False,
    )
    for title, numeric, total in zip(table.header, table.numeric, table.totals or table.header):
        justify = "right" if numeric else "left"
        grid.add_column(Text(title), footer=Text(total), justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for row in table.rows:
        grid.add_row(*map(Text, row))
    with console.capture() as captured:
        console.print(grid)
        if table.legend:
            console.print(Text(table.legend, style="dim"))
    return captured.get()


def _width(table: Table) -> int:
    lines = [table.header, *table.rows, *([table.totals] if table.totals else [])]
    return sum(max(len(line[i]) for line in lines) + 2 for i in range(len(table.header)))
