"""Tables that are as wide as a screen: short numbers, then short names, then several tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.render.column import Column
from convcalc.render.report import Table
from convcalc.render.wrapping import wrapped_table
from convcalc.visible import cut, width

#: A table of rows that begin with these labels, with these columns behind them, numbers short or
#: not.
Make = Callable[[Sequence[str], Sequence[Column], bool], Table]
#: Cuts a label to so many columns of a screen.
Cut = Callable[[str, int], str]


def fitting(
    labels: Sequence[str],
    kept: Sequence[Column],
    make: Make,
    columns: int,
    si: bool,
    shorten: Cut = cut,
) -> list[Table]:
    """The table of rows with `labels` and the columns `kept` on a screen of `columns`.

    Numbers are short where the screen is too narrow for long ones, then labels are cut, and then
    the columns stand in several tables. A column of texts that is too wide by itself is wrapped.
    The legend says where numbers are short that were not to be.
    """
    longest = max(map(width, labels), default=0)

    def table(kept: Sequence[Column], si: bool, most: int = longest) -> Table:
        return make([shorten(label, most) for label in labels], kept, si)

    full = table(kept, si)
    if full.width() <= columns:
        return [full]
    whole = shortened(full, table(kept, True))
    if whole.width() <= columns:
        return [whole]
    if (left := longest - (whole.width() - columns)) >= _SHORTEST:
        return [table(kept, True, left)._replace(legend=whole.legend)]
    tables, rest = [], list(kept)
    while rest:
        counts = range(len(rest), 0, -1)
        parts = (table(rest[:count], True, _LONGEST) for count in counts)
        fits = next((each for each in parts if each.width() <= columns), None)
        fits = fits or wrapped_table(table(rest[:1], True, _LONGEST), columns, (True, True))
        tables.append(fits._replace(legend=()))
        rest = rest[len(fits.header) - 1 :]
    return [*tables[:-1], tables[-1]._replace(legend=whole.legend)]


def shortened(full: Table, short: Table) -> Table:
    """A table with short numbers in place of the same with `full` ones, which its legend says."""
    if all(one == other for one, other in zip(full.rows(), short.rows())):
        return short
    return short._replace(legend=(*short.legend, _SHORT))


_SHORT = "k is 1,000; a wider screen or fewer --columns have the numbers in full."
#: Columns that names may be cut to, for one table; and those that they have where it takes several.
_SHORTEST = 16
_LONGEST = 32
