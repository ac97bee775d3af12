"""Tables as aligned text: for pipes, for long networks and for narrow terminals."""

from __future__ import annotations

from collections.abc import Callable

from convcalc.render.table import Table


def render(table: Table) -> str:
    """Aligned text without colour or wrapping."""
    totals = [table.totals] if table.totals else []
    lines = [table.header, *table.rows, *totals]
    widths = [max(len(line[i]) for line in lines) for i in range(len(table.header))]
    align: list[Callable[[str, int], str]] = [
        str.rjust if numeric else str.ljust for numeric in table.numeric
    ]

    def show(line: tuple[str, ...]) -> str:
        return "  ".join(a(cell, w) for a, cell, w in zip(align, line, widths)).rstrip()

    rule = "  ".join("─" * width for width in widths)
    title = [table.title, ""] if table.title else []
    sums = [rule, *map(show, totals)] if totals else []
    return "\n".join(
        [*title, show(table.header), rule, *map(show, table.rows), *sums, "", table.legend, ""]
    )
