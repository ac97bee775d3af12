"""An analysis as a report: its layers, or the shares of what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from convcalc.analysis import Analysis, Row, Share
from convcalc.costs import FIGURES
from convcalc.diagnostics import fail
from convcalc.render.column import Column
from convcalc.render.columns import (
    SUMMED,
    TABLE,
    chosen,
    defaults,
    find,
    legend,
    of_rows,
    order,
    partial_mark,
    sorted_rows,
    title_of,
    with_rare,
)
from convcalc.render.fitting import fitting
from convcalc.render.heading import heading
from convcalc.render.report import Fitted, Records, Report, Table
from convcalc.visible import cut_inside
from convcalc.words import counted, listed

if TYPE_CHECKING:
    from convcalc.render.tree import Branch, Line


def layers(
    analyses: Sequence[Analysis],
    columns: str | None = None,
    sort: str | None = None,
    si: bool = False,
    depth: int | None = None,
    top: int | None = None,
) -> Report:
    """A row a layer, `columns` of it (keys with commas between), in the order of the column `sort`.

    Numbers are short in tables with `si`. Of several networks, records say which. `depth` is the
    number of groups that the analyses are folded at, where it was asked for. The first `top` rows
    alone are shown, those of the largest MACs without `sort`. Raises ConvcalcError for an unknown
    column.
    """
    kept = chosen(columns, of_rows(analyses[0]))
    sort = sort or _by_default(top)

    def shown(analysis: Analysis) -> Sequence[Row]:
        return sorted_rows(analysis.rows, sort)[:top]

    def objects() -> list[dict[str, Any]]:
        # The layers are made one by one: a network of a hundred thousand is never whole in memory.
        return [
            {
                **each.head(),
                **_rows(each.rows, top),
                "layers": (row.to_dict() for row in shown(each)),
            }
            for each in analyses
        ]

    def lines() -> Iterator[Mapping[str, Any]]:
        for analysis in analyses:
            for row in shown(analysis):
                yield _lead(analyses, analysis) | row.to_dict()

    def rows() -> Iterator[list[Any]]:
        for analysis in analyses:
            lead = list(_lead(analyses, analysis).values())
            values = _reader(kept, analysis)
            for row in shown(analysis):
                yield [*lead, *values(row)]

    def table(analysis: Analysis) -> Table:
        chose = chosen(columns, defaults(with_rare(TABLE, analysis), analysis))
        found = shown(analysis)
        made = _table(analysis, [], chose, lambda: (((), row) for row in found), si)
        return _saying(made, _first(sort, top, len(analysis.rows)))

    def fitted(analysis: Analysis) -> Fitted:
        if sort is None:
            return _fitted_tree(analysis, columns, si, depth)
        first = _first(sort, top, len(analysis.rows))
        return _fitted_list(analysis, shown(analysis), columns, si, first)

    header = [*_lead(analyses, analyses[0]), *(column.key for column in kept)]
    return Report(
        objects,
        lines,
        lambda: Records(header, rows()),
        lambda: [table(each) for each in analyses],
        fitted=[fitted(each) for each in analyses],
    )


def shares(
    analyses: Sequence[Analysis],
    by: str,
    columns: str | None = None,
    sort: str | None = None,
    si: bool = False,
    top: int | None = None,
) -> Report:
    """A row for all layers of one `type`, `kind` or `block`, with the figures `columns`.

    In tables each has its share beside it, unless some are among `columns`. The largest is first,
    in MACs or in the figure `sort`; the first `top` rows alone are shown. Raises ConvcalcError for
    a column that is no figure.
    """
    default = with_rare(SUMMED, *analyses)
    asked = [_summed(column, by) for column in chosen(columns, default)]
    kept = [column for column in asked if column.key != "layers"]  # which is there anyway
    every = [(analysis, analysis.shares(by)) for analysis in analyses]
    sort = sort or _by_default(top)
    if sort is not None:
        wanted = order(sort)
        base = _summed(wanted.column, by).base
        every = [
            (each, wanted.sorted(parts, lambda share: share.totals[base])) for each, parts in every
        ]
    found = [(analysis, parts[:top]) for analysis, parts in every]
    said = [_first(sort, top, len(parts)) for _, parts in every]

    def objects() -> list[dict[str, Any]]:
        return [
            {
                **each.head(),
                "group_by": by,
                **_rows(parts, top),
                "groups": [
                    {"group": share.group, **share.totals.columns()} for share in parts[:top]
                ],
            }
            for each, parts in every
        ]

    def lines() -> Iterator[dict[str, Any]]:
        for analysis, parts in found:
            for share in parts:
                lead = _lead(analyses, analysis)
                yield {**lead, "group": share.group, **share.totals.columns()}

    def records() -> Records:
        figures = [find(key) for key in analyses[0].totals.columns()]
        chose = kept if columns else figures
        header = [*_lead(analyses, analyses[0]), by, *(column.key for column in chose)]
        rows = (
            [
                *_lead(analyses, analysis).values(),
                share.group,
                *(_of_share(column, share, analysis) for column in chose),
            ]
            for analysis, parts in found
            for share in parts
        )
        return Records(header, rows)

    tabled = [find("layers"), *_with_shares(kept)]
    return Report(
        objects,
        lines,
        records,
        lambda: [
            _saying(_shares(each, parts, by, tabled, si), first)
            for (each, parts), first in zip(found, said)
        ],
        fitted=[
            _fitted_shares(each, parts, by, tabled, si, first)
            for (each, parts), first in zip(found, said)
        ],
    )


def _by_default(top: int | None) -> str | None:
    """What rows are sorted by where the first of them are asked for, and no order."""
    return None if top is None else "macs"


def _rows(rows: Sequence[Any], top: int | None) -> dict[str, int]:
    """What JSON says where it may have the first of the rows alone: how many there are."""
    return {} if top is None else {"rows": len(rows)}


def _first(sort: str | None, top: int | None, rows: int) -> str:
    """What a table says where it has the first of its rows alone."""
    if top is None or top >= rows:
        return ""
    return f"The first {top:,} of {rows:,} rows, sorted by `{sort}`; the totals are those of all."


def _saying(table: Table, line: str) -> Table:
    """A table with a line before its legend."""
    return table._replace(legend=(line, *table.legend)) if line else table


def _reader(kept: Sequence[Column], analysis: Analysis) -> Callable[[Row], list[Any]]:
    """What gives the values of a row."""
    wholes = [None if column.total is None else column.total(analysis) for column in kept]
    return lambda row: [
        column.value(column.read(row), whole) for column, whole in zip(kept, wholes)
    ]


def _summed(column: Column, by: str) -> Column:
    """A column, where it is a figure or its share. Raises ConvcalcError."""
    figures = [key for key, figure in FIGURES.items() if figure.column]
    if column.base not in figures:
        message = f"`{column.key}` is no figure that `--group-by {by}` can sum up"
        raise fail("unknown-column", message, f"the figures are {listed(figures, 20)}")
    return column


def _of_share(column: Column, share: Share, analysis: Analysis) -> Any:
    """What stands in a column of figures."""
    return column.value(share.totals[column.base], analysis.totals[column.base])


def _with_shares(kept: Sequence[Column]) -> list[Column]:
    """Figures with their shares behind them; as they are where shares are among them."""
    if any(column.is_share for column in kept):
        return list(kept)
    return [
        each for column in kept for each in ((column, column.share) if column.is_sum else (column,))
    ]


def _lead(analyses: Sequence[Analysis], analysis: Analysis) -> dict[str, str]:
    """Which network a row is of, where there are several."""
    return {"network": analysis.preset or analysis.name} if len(analyses) > 1 else {}


def _fitted_tree(analysis: Analysis, keys: str | None, si: bool, deepest: int | None) -> Fitted:
    """The network as a tree: blocks are open as far as the screen is high, or down to `deepest`."""
    kept = _without_names(keys, analysis)

    @cache
    def grown() -> Sequence[Branch]:
        from convcalc.render.tree import branches

        return branches(analysis.rows)

    def fitted(columns: int, height: int) -> list[Table]:
        from convcalc.render.tree import lines_of

        found = lines_of(grown(), max(height, FEWEST_LINES), deepest)
        labels = ["  " * line.depth + line.branch.label for line in found]

        def make(labels: Sequence[str], kept: Sequence[Column], si: bool) -> Table:
            return _tree(analysis, kept, found, labels, si)

        return fitting(labels, kept, make, columns, si)

    return fitted


def _fitted_list(
    analysis: Analysis, rows: Sequence[Row], keys: str | None, si: bool, first: str
) -> Fitted:
    """Layers in an order of their own, by their whole names."""
    kept = _without_names(keys, analysis)

    def make(labels: Sequence[str], kept: Sequence[Column], si: bool) -> Table:
        cells = [((label,), row) for label, row in zip(labels, rows)]
        return _saying(_table(analysis, ["Layer"], kept, lambda: cells, si), first)

    def fitted(columns: int, height: int) -> list[Table]:
        from convcalc.render.tree import labelled

        labels = [labelled(row.name, row.type) for row in rows]
        return fitting(labels, kept, make, columns, si, cut_inside)

    return fitted


def _fitted_shares(
    analysis: Analysis,
    shares: Sequence[Share],
    by: str,
    kept: Sequence[Column],
    si: bool,
    first: str,
) -> Fitted:
    """The shares on a screen."""

    def make(labels: Sequence[str], kept: Sequence[Column], si: bool) -> Table:
        named = [share._replace(group=label) for label, share in zip(labels, shares)]
        return _saying(_shares(analysis, named, by, kept, si), first)

    labels = [share.group for share in shares]
    return lambda columns, height: fitting(labels, kept, make, columns, si)


def _without_names(keys: str | None, analysis: Analysis) -> list[Column]:
    """The columns behind labels, which have the names and types."""
    found = chosen(keys, defaults(with_rare(TABLE, analysis), analysis))
    return [column for column in found if column.key not in _NAMES]


def outline(analysis: Analysis, keys: Sequence[str], most: int) -> tuple[Table, list[Line], int]:
    """The network as a tree for a reader who opens and closes its blocks.

    A table with a line a layer or a block, these with the sum of theirs; the lines, at most `most`
    of them unless more stand side by side; and how many levels are open at first, so that about a
    screen is seen.
    """
    from convcalc.render.tree import branches, lines_of

    tree = branches(analysis.rows)
    found = lines_of(tree, most)
    first = [line.depth + 1 for line in lines_of(tree, FEWEST_LINES) if line.is_open]
    kept = [find(key) for key in defaults(with_rare(keys, analysis), analysis)]

    def rows() -> Iterator[tuple[tuple[str, ...], Row]]:
        return (((line.branch.label,), line.branch.row) for line in found)

    table = _table(analysis, ["Layer"], kept, rows, si=False)
    if any(line.branch.times > 1 for line in found):
        table = table._replace(legend=(_ALIKE, *table.legend))
    return table, found, max(first, default=0)


def _tree(
    analysis: Analysis,
    kept: Sequence[Column],
    found: Sequence[Line],
    labels: Sequence[str],
    si: bool,
) -> Table:
    """One line a layer or a block; the figures of one that is open stand below it."""
    rows = [None if line.is_open else line.branch.row for line in found]
    costs = [(line.branch.row.macs or 0) * line.times * (not line.is_open) for line in found]
    costly = sorted(range(len(found)), key=lambda index: -costs[index])[:_HEAVIEST]
    heavy = (index for index in costly if costs[index] * _HEAVY >= (analysis.totals.macs or 0) > 0)
    more = []
    if any(line.branch.times > 1 for line in found):
        more.append(_ALIKE)
    if any(line.branch.inside and not line.is_open for line in found):
        more.append("Blocks are folded to fit the screen; --depth N opens N levels of them.")
        more += [] if _has_blocks(analysis) else [_of_blocks(kept)]
    table = _table(analysis, ["Layer"], kept, lambda: zip(zip(labels), rows), si)
    return table._replace(heavy=frozenset(heavy), legend=(*more, *table.legend))


def _has_blocks(analysis: Analysis) -> bool:
    """Whether rows stand for blocks."""
    return any(row.depth is not None for row in analysis.rows)


def _of_blocks(kept: Sequence[Column]) -> str:
    """What a legend says of the rows of blocks; a number that is no sum is explained apart."""
    numbers = [column for column in kept if column.total is not None and column.numeric]
    others = [column.title for column in numbers if not column.is_sum]
    apart = f", {', '.join(others)} apart" if others else ""
    return f"A block's figures are the sums of its layers{apart}; its output is that of the last."


_ALIKE = "×N: N alike follow one another, and the figures are those of one."
#: Columns that a tree has in its names.
_NAMES = ("name", "type")
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
    values = _reader(kept, analysis)
    marks = [
        _marks(column, analysis, (row for _, row in rows() if row is not None)) for column in kept
    ]
    #: How wide the marks behind the numbers of each column are.
    wide = [max(map(len, found)) for found in marks]

    def cells(row: Row | None) -> Iterator[str]:
        if row is None:
            yield from [""] * len(kept)
            return
        for column, value, width in zip(kept, values(row), wide):
            yield column.show(value, si) + column.mark_of(row, value).ljust(width)

    totals = [""] * len(lead)
    for column, width in zip(kept, wide):
        text = _total(column, analysis, si)
        totals.append(text + (_whole_mark(column, analysis).ljust(width) if text else ""))
    if not totals[0]:
        totals[0] = f"Total ({counted(analysis.totals.layers, 'layer')})"
    return Table(
        heading(analysis.graph, analysis.batch),
        (*lead, *(title_of(column, analysis.convention) for column in kept)),
        (*(False for _ in lead), *(column.numeric for column in kept)),
        lambda: ((*first, *cells(row)) for first, row in rows()),
        tuple(totals),
        (
            *([_of_blocks(kept)] if _has_blocks(analysis) else []),
            *legend(analysis, kept, set().union(*marks)),
        ),
    )


def _marks(column: Column, analysis: Analysis, shown: Iterable[Row | Share]) -> set[str]:
    """What stands behind the numbers of a column in the rows that are shown, and in the whole."""
    marks = {_whole_mark(column, analysis)}
    if column.mark is not None:
        marks.update(column.mark_of(each, column.read(each)) for each in shown)
    return marks


def _whole_mark(column: Column, analysis: Analysis) -> str:
    """What stands behind the total of a column."""
    if not column.costs or column.total is None or column.total(analysis) is None:
        return ""
    return partial_mark(analysis.totals)


def _total(column: Column, analysis: Analysis, si: bool) -> str:
    """What stands below a column."""
    if column.total is None:
        return ""
    whole = column.total(analysis)
    return column.show(column.value(whole, whole), si)


def _shares(
    analysis: Analysis, shares: Sequence[Share], by: str, kept: Sequence[Column], si: bool
) -> Table:
    """One row a group."""
    marks = [_marks(column, analysis, shares) for column in kept]
    wide = [max(map(len, found)) for found in marks]

    def cells(share: Share) -> Iterator[str]:
        yield share.group
        for column, width in zip(kept, wide):
            value = _of_share(column, share, analysis)
            yield column.show(value, si) + column.mark_of(share, value).ljust(width)

    return Table(
        heading(analysis.graph, analysis.batch),
        (by.capitalize(), *(title_of(column, analysis.convention) for column in kept)),
        (False, *(column.numeric for column in kept)),
        lambda: (tuple(cells(share)) for share in shares),
        (
            "Total",
            *(
                _total(column, analysis, si) + _whole_mark(column, analysis).ljust(width)
                for column, width in zip(kept, wide)
            ),
        ),
        legend(analysis, kept, set().union(*marks)),
    )
