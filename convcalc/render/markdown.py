"""Tables for GitHub and its kin."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.render.table import Table


def render(table: Table) -> str:
    """A GitHub table."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.strip().replace("|", r"\|") for cell in cells) + " |"

    rules = ["---:" if numeric else "---" for numeric in table.numeric]
    totals = [f"**{cell.strip()}**" if cell.strip() else "" for cell in table.totals]
    rows = [line(row) for row in table.rows] + ([line(totals)] if totals else [])
    legend = table.legend.replace("*", r"\*")
    return "\n".join(
        [f"### {table.title}", "", line(table.header), line(rules), *rows, "", legend, ""]
    )
