"""Tables for papers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from convcalc.render.formats.base import Format
from convcalc.render.report import Report, Table, tables_as

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


def render(report: Report) -> Iterator[str]:
    """A `tabular` each for the booktabs package; its title and legend are comments."""
    return tables_as(report, _table)


def _table(table: Table) -> str:

    def line(cells: Sequence[str]) -> str:
        return " & ".join(_escaped(cell.strip()) for cell in cells) + r" \\"

    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    # A line break in a name must not end the comment.
    comments = [f"% {line}" for line in f"{table.title}\n{table.legend}".splitlines() if line]
    return "\n".join(
        [
            *comments,
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            line(table.header),
            r"\midrule",
            *map(line, table.rows),
            *([r"\midrule", line(table.totals)] if table.totals else []),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _escaped(text: str) -> str:
    """Text with what LaTeX would read as a command escaped."""
    return "".join(_LATEX.get(char, char) for char in text)


FORMAT = Format("latex", (".tex",), render)
