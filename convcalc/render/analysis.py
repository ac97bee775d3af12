"""An analysis as a report: its layers, or the shares of what they have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.analysis import Analysis, Row, Share
from convcalc.costs import FIGURES, Figures
from convcalc.diagnostics import fail
from convcalc.render.columns import (
    TABLE,
    Column,
    chosen,
    defaults,
    find,
    legend,
    of_rows,
    order,
    sorted_rows,
)
from convcalc.render.report import Records, Report, Table
from convcalc.words import counted, grouped, listed, percent, short


def layers(
    analyses: Sequence[Analysis],
    columns: str | None = None,
    sort: str | None = None,
    si: bool = False,
) -> Report:
    """A row a layer, `columns` of it (keys with commas between), in the order of the column `sort`.

    Numbers are short in tables with `si`. Of several networks, records say which. Raises
    ConvcalcError for an unknown column.
    """
    kept = chosen(columns, of_rows(analyses[0]))

    def objects() -> list[dict[str, Any]]:
        # The layers are made one by one: a network of a hundred thousand is never whole in memory.
        return [
            {**each.head(), "layers": (row.to_dict() for row in sorted_rows(each.rows, sort))}
            for each in analyses
        ]

    def lines() -> Iterator[Mapping[str, Any]]:
        for analysis in analyses:
            for row in sorted_rows(analysis.rows, sort):
                yield _lead(analyses, analysis) | row.to_dict()

    def rows() -> Iterator[list[Any]]:
        for analysis in analyses:
            lead = list(_lead(analyses, analysis).values())
            for row in sorted_rows(analysis.rows, sort):
                yield [*lead, *[column.read(row) for column in kept]]

    header = [*_lead(analyses, analyses[0]), *(column.key for column in kept)]
    return Report(
        objects,
        lines,
        lambda: Records(header, rows()),
        lambda: [_layers(each, columns, sort, si) for each in analyses],
    )


def shares(
    analyses: Sequence[Analysis],
    by: str,
    columns: str | None = None,
    sort: str | None = None,
    si: bool = False,
) -> Report:
    """A row for all layers of one `type`, `kind` or `block`, with the figures `columns`.

    The largest is first, in MACs or in the figure `sort`. Raises ConvcalcError for a column that is
    no figure.
    """
    asked = [_summed(column, by) for column in chosen(columns, ("params", "macs", "flops"))]
    kept = [column for column in asked if column.key != "layers"]  # which is there anyway
    found = [(analysis, analysis.shares(by)) for analysis in analyses]
    if sort is not None:
        column = _summed(find(sort), by)
        for _, parts in found:
            parts.sort(key=lambda share: order(column, share.totals[column.key]))

    def objects() -> list[dict[str, Any]]:
        return [
            {
                **each.head(),
                "group_by": by,
                "groups": [{"group": share.group, **share.totals.columns()} for share in parts],
            }
            for each, parts in found
        ]

    def lines() -> Iterator[dict[str, Any]]:
        for analysis, parts in found:
            for share in parts:
                lead = _lead(analyses, analysis)
                yield {**lead, "group": share.group, **share.totals.columns()}

    def records() -> Records:
        keys = [column.key for column in kept] if columns else list(analyses[0].totals.columns())
        header = [*_lead(analyses, analyses[0]), by, *keys]
        rows = (
            [*_lead(analyses, analysis).values(), share.group, *(share.totals[k] for k in keys)]
            for analysis, parts in found
            for share in parts
        )
        return Records(header, rows)

    return Report(
        objects,
        lines,
        records,
        lambda: [_shares(each, parts, by, kept, si) for each, parts in found],
    )


def _summed(column: Column, by: str) -> Column:
    """A column, where it is a figure. Raises ConvcalcError."""
    figures = [key for key, figure in FIGURES.items() if figure.column]
    if column.key not in figures:
        message = f"`{column.key}` is no figure that `--group-by {by}` can sum up"
        raise fail("unknown-column", message, f"the figures are {listed(figures, 20)}")
    return column


def _lead(analyses: Sequence[Analysis], analysis: Analysis) -> dict[str, str]:
    """Which network a row is of, where there are several."""
    return {"network": analysis.preset or analysis.name} if len(analyses) > 1 else {}


def _layers(analysis: Analysis, columns: str | None, sort: str | None, si: bool) -> Table:
    """One row a layer, in the order of the network or of a column."""
    kept = chosen(columns, defaults(TABLE, analysis))
    marks = [
        column.marked is not None and any(map(column.marked, analysis.rows)) for column in kept
    ]
    rows = sorted_rows(analysis.rows, sort)

    def cells(row: Row) -> Iterator[str]:
        for column, mark in zip(kept, marks):
            text = _cell(column, column.read(row), si)
            if column.key in ("input_shapes", "output_shape"):
                text = text.replace("x", "×")
            if mark and column.marked is not None:
                text += "*" if column.marked(row) else " "
            yield text

    totals = []
    for index, column in enumerate(kept):
        if column.total is not None:
            text = _cell(column, column.total(analysis), si)
            totals.append(text + (" " if marks[index] else ""))
        else:
            totals.append(
                f"Total ({counted(analysis.totals.layers, 'layer')})" if index == 0 else ""
            )
    return Table(
        title(analysis),
        tuple(_title(column, analysis) for column in kept),
        tuple(column.numeric for column in kept),
        lambda: (tuple(cells(row)) for row in rows),
        tuple(totals),
        legend(analysis),
    )


def _cell(column: Column, value: Any, si: bool) -> str:
    """A value as people read it, a short one with its unit."""
    if column.numeric:
        return short(value) + column.unit if si else grouped(value)
    return "" if value is None else str(value)


def _shares(
    analysis: Analysis, shares: Sequence[Share], by: str, kept: Sequence[Column], si: bool
) -> Table:
    """One row a group, with its share of each figure."""
    whole = analysis.totals

    def cells(figures: Figures) -> Iterator[str]:
        yield f"{figures.layers:,}"
        for column in kept:
            yield _cell(column, figures[column.key], si)
            if column.numeric:
                own = figures is whole
                yield "" if own else percent(figures[column.key], whole[column.key])

    header = [by.capitalize(), "Layers"]
    numeric = [False, True]
    for column in kept:
        header += [_title(column, analysis), *(["%"] if column.numeric else [])]
        numeric += [True, True] if column.numeric else [False]
    return Table(
        title(analysis),
        tuple(header),
        tuple(numeric),
        lambda: ((share.group, *cells(share.totals)) for share in shares),
        ("Total", *cells(whole)),
        legend(analysis),
    )


def title(analysis: Analysis) -> str:
    """The network's name, with its preset."""
    return analysis.name + (f" ({analysis.preset})" if analysis.preset else "")


def _title(column: Column, analysis: Analysis) -> str:
    if column.key != "flops":
        return column.title
    unit = analysis.convention.unit
    return f"{unit} ({analysis.convention.name})" if unit == FIGURES["macs"].title else unit
