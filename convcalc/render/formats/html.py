"""HTML: a page of its own, and a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from convcalc.render.formats.base import Format
from convcalc.render.report import Report, Table
from convcalc.visible import visible

_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }}
table {{ border-collapse: collapse; margin-bottom: 1em; font-variant-numeric: tabular-nums; }}
caption {{ text-align: left; font-weight: bold; padding-bottom: .5em; }}
th, td {{ padding: .15em .7em; border-bottom: 1px solid #ddd; }}
p {{ color: #555; white-space: pre-line; }}
</style>
</head>
<body>
"""


def render(report: Report) -> Iterator[str]:
    """One page with every table."""
    tables = report.tables()
    title = tables[0].title if tables else ""
    yield _HEAD.format(title=escaped(title or "convcalc"))
    for table in tables:
        yield from _table(table)
    yield "</body>\n</html>\n"


def fragment(table: Table) -> str:
    """A table with its legend, without a page around it."""
    return "".join(_table(table))


def _table(table: Table) -> Iterator[str]:
    aligned = ["right" if numeric else "left" for numeric in table.numeric]

    def line(cells: tuple[str, ...], tag: str) -> str:
        marked = (
            f'<{tag} style="text-align: {side}">{escaped(cell)}</{tag}>'
            for cell, side in zip(cells, aligned)
        )
        return f"<tr>{''.join(marked)}</tr>"

    yield "<table>\n"
    if table.title:
        yield f"<caption>{escaped(table.title)}</caption>\n"
    yield f"<thead>{line(table.header, 'th')}</thead>\n<tbody>\n"
    for row in table.rows():
        yield f"{line(row, 'td')}\n"
    yield "</tbody>\n"
    if table.totals:
        yield f"<tfoot>{line(table.totals, 'th')}</tfoot>\n"
    yield "</table>\n"
    if table.legend:
        yield "<p>" + "\n".join(map(escaped, table.legend)) + "</p>\n"


def escaped(text: str) -> str:
    """A text that is shown as what it is, in an element or an attribute."""
    # A log obeys `##[` wherever it is; a browser shows the same.
    return escape(visible(text)).replace("##", "#&#35;")


FORMAT = Format("html", (".html", ".htm"), render)
