"""Tables for papers."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.render.table import Table

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


def render(table: Table) -> str:
    """A `tabular` for the booktabs package."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(_escaped(cell.strip()) for cell in cells) + r" \\"

    columns = "".join("r" if numeric else "l" for numeric in table.numeric)
    comments = [f"% {line}" for line in (table.title, *table.legend.split("\n"))]
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
