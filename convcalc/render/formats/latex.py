"""Tables for papers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from convcalc.render.formats.base import Format
from convcalc.render.report import Report, Table, tables_as
from convcalc.visible import as_line, visible

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "−": "$-$",
    "–": "--",
    "⌊": r"$\lfloor$",
    "⌋": r"$\rfloor$",
    "⌈": r"$\lceil$",
    "⌉": r"$\rceil$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    **{power: f"$^{digit}$" for digit, power in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}
#: The last letter of the Latin script that pdfLaTeX knows without more.
_LATIN = "\u017f"
#: Rows of a table that fit on a page; one of more breaks over several.
_PAGE = 40
_SPECIAL = re.compile(f"[{re.escape(''.join(_LATEX))}]")


def render(report: Report) -> Iterator[str]:
    """A `tabular` each, or a `longtable` that breaks over pages; what is not cells is comments."""
    return tables_as(report, _table)


def _table(table: Table) -> Iterator[str]:
    is_long = sum(1 for _ in islice(table.rows(), _PAGE + 1)) > _PAGE
    packages = "booktabs,longtable" if is_long else "booktabs"
    yield rf"% Needs \usepackage{{{packages}}} in the preamble."
    if any(map(_is_of_another_script, chain([table.header], table.rows()))):
        yield "% Needs XeLaTeX or LuaLaTeX, and a font that has its letters (ctex for Chinese)."
    yield from (f"% {as_line(line)}" for line in (table.title, *table.legend) if line)
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    environment = "longtable" if is_long else "tabular"
    yield rf"\begin{{{environment}}}{{{columns}}}"
    yield r"\toprule"
    yield _row(table.header)
    yield r"\midrule"
    if is_long:  # its head and foot, on every page and on the last one
        yield r"\endhead"
        yield r"\midrule"
        yield rf"\multicolumn{{{len(table.header)}}}{{r}}{{continued on the next page}} \\"
        yield r"\endfoot"
        yield r"\bottomrule"
        yield r"\endlastfoot"
    yield from map(_row, table.rows())
    if table.totals:
        yield r"\midrule"
        yield _row(table.totals)
    if not is_long:
        yield r"\bottomrule"
    yield rf"\end{{{environment}}}"


def _is_of_another_script(cells: Sequence[str]) -> bool:
    """Whether cells have letters that pdfLaTeX does not know: others than Latin ones."""
    return any(
        not cell.isascii() and any(char > _LATIN and char not in _LATEX for char in visible(cell))
        for cell in cells
    )


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


def _escaped(cell: str) -> str:
    """A cell with what LaTeX would read as a command escaped."""
    text = _SPECIAL.sub(lambda found: _LATEX[found[0]], visible(cell).strip())
    # The row or the rule above it would take a bracket or a star that follows; a log takes `::`.
    return f"{{}}{text}" if text.startswith(("[", "*", "::")) else text


FORMAT = Format("latex", (".tex",), render)
