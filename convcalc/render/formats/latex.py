"""Tables for papers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

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
_SPECIAL = re.compile(f"[{re.escape(''.join(_LATEX))}]")


def render(report: Report) -> Iterator[str]:
    """A `tabular` each for the booktabs package; its title and legend are comments."""
    return tables_as(report, _table)


def _table(table: Table) -> Iterator[str]:
    yield from (f"% {as_line(line)}" for line in (table.title, *table.legend) if line)
    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    yield rf"\begin{{tabular}}{{{columns}}}"
    yield r"\toprule"
    yield _row(table.header)
    yield r"\midrule"
    yield from map(_row, table.rows())
    if table.totals:
        yield r"\midrule"
        yield _row(table.totals)
    yield r"\bottomrule"
    yield r"\end{tabular}"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(_escaped, cells)) + r" \\"


def _escaped(cell: str) -> str:
    """A cell with what LaTeX would read as a command escaped."""
    text = _SPECIAL.sub(lambda found: _LATEX[found[0]], visible(cell).strip())
    # The row or the rule above it would take a bracket or a star that follows; a log takes `::`.
    return f"{{}}{text}" if text.startswith(("[", "*", "::")) else text


FORMAT = Format("latex", (".tex",), render)
