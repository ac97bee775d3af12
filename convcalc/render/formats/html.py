"""HTML: a page of its own, and a table for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from convcalc.render.formats.base import Format
from convcalc.render.report import Report, Table

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
    yield _HEAD.format(title=escape(title or "convcalc"))
    for table in tables:
        yield fragment(table)
    yield "</body>\n</html>\n"


def fragment(table: Table) -> str:
    """A table with its legend, without a page around it."""
    aligned = ["right" if numeric else "left" for numeric in table.numeric]

    def line(cells: tuple[str, ...], tag: str) -> str:
        marked = (
            f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
            for cell, side in zip(cells, aligned)
        )
        return f"<tr>{''.join(marked)}</tr>"

    body = "\n".join(line(row, "td") for row in table.rows)
    caption = f"<caption>{escape(table.title)}</caption>\n" if table.title else ""
    foot = f"<tfoot>{line(table.totals, 'th')}</tfoot>\n" if table.totals else ""
    legend = f"<p>{escape(table.legend)}</p>\n" if table.legend else ""
    return (
        f"<table>\n{caption}<thead>{line(table.header, 'th')}</thead>\n"
        f"<tbody>\n{body}\n</tbody>\n{foot}</table>\n{legend}"
    )


FORMAT = Format("html", (".html", ".htm"), render)
