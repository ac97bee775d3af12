"""Tables for GitHub and its kin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.render.formats.base import Format
from convcalc.render.report import Report, Table, tables_as


def render(report: Report) -> Iterator[str]:
    """A GitHub table each, with its title above and its legend below."""
    return tables_as(report, _table)


def _table(table: Table) -> str:

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.strip().replace("|", r"\|") for cell in cells) + " |"

    rules = ["---:" if numeric else "---" for numeric in table.numeric]
    totals = [f"**{cell.strip()}**" if cell.strip() else "" for cell in table.totals]
    rows = [line(row) for row in table.rows] + ([line(totals)] if totals else [])
    title = [f"### {table.title}", ""] if table.title else []
    legend = ["", table.legend.replace("*", r"\*")] if table.legend else []
    return "\n".join([*title, line(table.header), line(rules), *rows, *legend, ""])


FORMAT = Format("markdown", (".md", ".markdown"), render)
