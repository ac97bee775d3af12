"""Tables as rows of text: what the formats for people are made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.analysis import Analysis, Share
from convcalc.render.columns import Column, sorted_rows
from convcalc.words import grouped, percent, short


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


def title(analysis: Analysis) -> str:
    """The network's name, with its preset."""
    return analysis.name + (f" ({analysis.preset})" if analysis.preset else "")


def _title(column: Column, analysis: Analysis) -> str:
    return analysis.convention.unit if column.key == "flops" else column.title
