"""An analysis as a report: its layers, or the shares of what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

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
from convcalc.render.report import Fitted, Records, Report, Table
from convcalc.visible import cut, width
from convcalc.words import counted, grouped, listed, percent, short

if TYPE_CHECKING:
    from convcalc.render.tree import Branch, Line


def layers(
    analyses: Sequence[Analysis],
    columns: str | None = None,
    sort: str | None = None,
    si: bool = False,
    depth: int | None = None,
) -> Report:
    """A row a layer, `columns` of it (keys with commas between), in the order of the column `sort`.

    Numbers are short in tables with `si`. Of several networks, records say which. `depth` is the
    number of groups that the analyses are folded at, where it was asked for. Raises ConvcalcError
    for an unknown column.
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
        fitted=None if sort else [_fitted(each, columns, si, depth) for each in analyses],
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
    rows = sorted_rows(analysis.rows, sort)
    return _table(analysis, [], kept, lambda: (((), row) for row in rows), si)


def _fitted(analysis: Analysis, keys: str | None, si: bool, deepest: int | None) -> Fitted:
    """The network as a tree: blocks are open as far as the screen is high, or down to `deepest`.

    Numbers are short where the screen is too narrow for long ones, then names are cut, and then
    the columns stand in several tables.
    """
    kept = [each for each in chosen(keys, defaults(TABLE, analysis)) if each.key not in _NAMES]

    @cache
    def grown() -> Sequence[Branch]:
        from convcalc.render.tree import branches

        return branches(analysis.rows)

    def fitted(columns: int, height: int) -> list[Table]:
        from convcalc.render.tree import lines_of

        found = lines_of(grown(), max(height, FEWEST_LINES), deepest)
        labels = ["  " * line.depth + line.branch.label for line in found]
        names = max(map(width, labels))

        def tree(kept: Sequence[Column], si: bool, most: int = names) -> Table:
            return _tree(analysis, kept, found, [cut(label, most) for label in labels], si)

        for numbers in (si, True):
            if (table := tree(kept, numbers)).width() <= columns:
                return [table]
        if (left := names - (table.width() - columns)) >= _SHORTEST:
            return [tree(kept, True, left)]
        tables, rest = [], list(kept)
        while rest:
            counts = range(len(rest), 0, -1)
            parts = [tree(rest[:count], True, _LONGEST) for count in counts]
            fits = next((each for each in parts if each.width() <= columns), parts[-1])
            tables.append(fits._replace(legend=()))
            rest = rest[len(fits.header) - 1 :]
        return [*tables[:-1], tables[-1]._replace(legend=table.legend)]

    return fitted


def _tree(
    analysis: Analysis,
    kept: Sequence[Column],
    found: Sequence[Line],
    labels: Sequence[str],
    si: bool,
) -> Table:
    """One line a layer or a block; the figures of one that is open stand below it."""
    rows = [None if line.is_open else line.branch.row for line in found]
    costs = [line.branch.row.macs * line.times * (not line.is_open) for line in found]
    costly = sorted(range(len(found)), key=lambda index: -costs[index])[:_HEAVIEST]
    heavy = (index for index in costly if costs[index] * _HEAVY >= analysis.totals.macs > 0)
    more = []
    if any(line.branch.times > 1 for line in found):
        more.append("×N: N alike follow one another, and the figures are those of one.")
    if any(line.branch.inside and not line.is_open for line in found):
        more.append("Blocks are folded to fit the screen; --depth N opens N levels of them.")
    table = _table(analysis, ["Layer"], kept, lambda: zip(zip(labels), rows), si)
    return table._replace(heavy=frozenset(heavy), legend=(*more, *table.legend))


#: Columns that a tree has in its names.
_NAMES = ("name", "type")
#: Columns that names may be cut to, for one table; and those that they have where it takes several.
_SHORTEST = 16
_LONGEST = 32
#: Lines that a tree may have on a lower screen: a reader can scroll a little.
FEWEST_LINES = 40
#: How many layers are made to stand out, each with a tenth of the MACs or more.
_HEAVIEST = 3
_HEAVY = 10


def _table(
    analysis: Analysis,
    lead: Sequence[str],
    kept: Sequence[Column],
    rows: Callable[[], Iterable[tuple[tuple[str, ...], Row | None]]],
    si: bool,
) -> Table:
    """A table of rows, each with the cells of the columns `lead` before it; None has no cells."""
    marks = [
        column.marked is not None and any(map(column.marked, analysis.rows)) for column in kept
    ]

    def cells(row: Row | None) -> Iterator[str]:
        for column, mark in zip(kept, marks):
            if row is None:
                yield ""
                continue
            text = _cell(column, column.read(row), si)
            if column.key in ("input_shapes", "output_shape"):
                text = text.replace("x", "×")
            if mark and column.marked is not None:
                text += "*" if column.marked(row) else " "
            yield text

    totals = [""] * len(lead)
    for column, mark in zip(kept, marks):
        text = "" if column.total is None else _cell(column, column.total(analysis), si)
        totals.append(text + (" " if mark and text else ""))
    if not totals[0]:
        totals[0] = f"Total ({counted(analysis.totals.layers, 'layer')})"
    return Table(
        title(analysis),
        (*lead, *(_title(column, analysis) for column in kept)),
        (*(False for _ in lead), *(column.numeric for column in kept)),
        lambda: ((*first, *cells(row)) for first, row in rows()),
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
