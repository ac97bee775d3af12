"""An analysis as HTML, for a notebook."""

from __future__ import annotations

from html import escape

from convcalc.analysis import Analysis
from convcalc.render.columns import TABLE, chosen, defaults, legend
from convcalc.render.table import of_analysis


def render(analysis: Analysis) -> str:
    """A table with one row a layer, the totals and the legend."""
    columns = chosen(None, defaults(TABLE, analysis))
    table = of_analysis(analysis, columns, None, False, legend(analysis))
    aligned = ["right" if numeric else "left" for numeric in table.numeric]

    def line(cells: tuple[str, ...], tag: str) -> str:
        marked = (
            f'<{tag} style="text-align: {side}">{escape(cell)}</{tag}>'
            for cell, side in zip(cells, aligned)
        )
        return f"<tr>{''.join(marked)}</tr>"

    body = "\n".join(line(row, "td") for row in table.rows)
    return (
        f"<table>\n<caption>{escape(table.title)}</caption>\n"
        f"<thead>{line(table.header, 'th')}</thead>\n<tbody>\n{body}\n</tbody>\n"
        f"<tfoot>{line(table.totals, 'th')}</tfoot>\n</table>\n"
        f"<p>{escape(table.legend)}</p>\n"
    )
