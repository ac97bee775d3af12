"""Tables as plain rows of text: what the terminal, Markdown and LaTeX formats are made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from convcalc.analysis import Analysis, Share
from convcalc.render.columns import Column, grouped, short, sorted_rows


class Table(NamedTuple):
    """Cells as text. `numeric` says which columns are aligned to the right."""

    title: str
    header: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    totals: tuple[str, ...]
    legend: str


def of_analysis(
    analysis: Analysis, columns: Sequence[Column], sort: str | None, si: bool, legend: str
) -> Table:
    """One row a layer, in the order of the network or of a column."""
    number = short if si else grouped
    marks = [
        column.marked is not None and any(map(column.marked, analysis.rows)) for column in columns
    ]
    rows = []
    for row in sorted_rows(analysis.rows, sort):
        cells = []
        for column, mark in zip(columns, marks):
            value = column.read(row)
            text = number(value) if column.numeric else str(value)
            if column.key in ("input_shapes", "output_shape"):
                text = text.replace("x", "×")
            if mark and column.marked is not None:
                text += "*" if column.marked(row) else " "
            cells.append(text)
        rows.append(tuple(cells))
    totals = []
    for index, column in enumerate(columns):
        if column.total is not None:
            text = number(column.total(analysis))
            totals.append(text + (" " if marks[index] else ""))
        else:
            totals.append(f"Total ({analysis.totals.layers:,} layers)" if index == 0 else "")
    return Table(
        title(analysis),
        tuple(_title(column, analysis) for column in columns),
        tuple(column.numeric for column in columns),
        tuple(rows),
        tuple(totals),
        legend,
    )


def of_shares(analysis: Analysis, shares: Sequence[Share], by: str, si: bool, legend: str) -> Table:
    """One row a group, with its share of parameters, MACs and FLOPs."""
    number = short if si else grouped
    whole = analysis.totals
    rows = []
    for share in shares:
        part = share.totals
        rows.append(
            (
                share.group,
                f"{part.layers:,}",
                number(part.params),
                percent(part.params, whole.params),
                number(part.macs),
                percent(part.macs, whole.macs),
                number(part.flops),
                percent(part.flops, whole.flops),
            )
        )
    unit = analysis.convention.unit
    header = (by.capitalize(), "Layers", "Params", "%", "MACs", "%", unit, "%")
    totals = (
        "Total",
        f"{whole.layers:,}",
        number(whole.params),
        "",
        number(whole.macs),
        "",
        number(whole.flops),
        "",
    )
    return Table(title(analysis), header, (False,) + (True,) * 7, tuple(rows), totals, legend)


def percent(part: int | None, whole: int | None) -> str:
    """A share in per cent, to one decimal, rounded in integers."""
    if part is None or not whole:
        return ""
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}"


def title(analysis: Analysis) -> str:
    """The network's name, with its preset."""
    return analysis.name + (f" ({analysis.preset})" if analysis.preset else "")


def _title(column: Column, analysis: Analysis) -> str:
    return analysis.convention.unit if column.key == "flops" else column.title


def plain(table: Table) -> str:
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


def markdown(table: Table) -> str:
    """A GitHub table."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.strip().replace("|", r"\|") for cell in cells) + " |"

    rules = ["---:" if numeric else "---" for numeric in table.numeric]
    totals = [f"**{cell.strip()}**" if cell.strip() else "" for cell in table.totals]
    rows = [line(row) for row in table.rows]
    legend = table.legend.replace("*", r"\*")
    return "\n".join(
        [
            f"### {table.title}",
            "",
            line(table.header),
            line(rules),
            *rows,
            line(totals),
            "",
            legend,
            "",
        ]
    )


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
}


def latex(table: Table) -> str:
    """A `tabular` for the booktabs package."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(latex_text(cell.strip()) for cell in cells) + r" \\"

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
            r"\midrule",
            line(table.totals),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def latex_text(text: str) -> str:
    """Text with what LaTeX would read as a command escaped."""
    return "".join(_LATEX.get(char, char) for char in text)
