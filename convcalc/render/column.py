"""What a column is, of whatever rows: how it is read, shown, shared out and sorted by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from convcalc.diagnostics import ConvcalcError, fail
from convcalc.words import did_you_mean, grouped, listed, percent, quoted, short

_T = TypeVar("_T")


def as_word(value: Any, si: bool) -> str:
    """A word in a table; empty where there is none."""
    return "" if value is None else str(value)


def as_sizes(value: Any, si: bool) -> str:
    """Sizes in a table: `3×224×224`; several that are alike once, with their number."""
    shapes = str(value).replace("x", "×").split(" ")
    runs = ((shape, len([*run])) for shape, run in groupby(shapes))
    return " ".join(f"{shape} ×{count}" if count > 1 else shape for shape, count in runs)


def as_number(unit: str = "", missing: str = "?") -> Callable[[Any, bool], str]:
    """A number in a table, a short one with its unit; `missing` where there is none."""

    def show(value: Any, si: bool) -> str:
        if value is None:
            return missing
        return short(value) + unit if si else grouped(value)

    return show


#: Behind a figure that is 0 because a tool passes over the layer.
PASSED = "*"
#: Behind the parameters of a row that uses another's weights.
BORROWED = "†"


class Column(NamedTuple):
    """A column: its key, its title, how it is read from a row, and from the whole where it sums up.

    `show` is its value as people read it, short where that is asked for; `numeric` columns stand to
    the right. `mark` is what stands behind the figure of a row that is not what it seems, which a
    legend explains; `costs`: sums lack layers of unknown cost. `measure` is what rows are sorted
    by, where that is not the value. What `is_sum` is one in the whole, and each row has a share of
    it, which is read as what it is a share of.
    """

    key: str
    title: str
    read: Callable[[Any], Any]
    total: Callable[[Any], Any] | None = None
    numeric: bool = False
    mark: Callable[[Any], str] | None = None
    costs: bool = False
    show: Callable[[Any, bool], str] = as_word
    measure: Callable[[Any], int | None] | None = None
    #: What a legend says of its values.
    note: str = ""
    is_sum: bool = False

    @property
    def is_share(self) -> bool:
        """Whether it is the share of the whole, in per cent."""
        return self.key.endswith(SHARE)

    @property
    def base(self) -> str:
        """The key of what it is a share of; else its own."""
        return self.key.removesuffix(SHARE)

    @property
    def share(self) -> Column:
        """The share of the whole, in per cent. Of a number that sums up."""
        key, title = f"{self.key}{SHARE}", f"{self.title} {SHARE}"
        return self._replace(key=key, title=title, mark=None, show=as_word)

    def text(self, row: Any, si: bool) -> str:
        """What stands in it for a row that is read as it is, with the mark behind it."""
        return self.show(self.read(row), si) + self.mark_of(row, self.read(row))

    def mark_of(self, row: Any, value: Any) -> str:
        """What stands behind the number of a row; nothing where it has none."""
        return "" if self.mark is None or value is None else self.mark(row)

    def value(self, value: Any, whole: Any) -> Any:
        """What stands in the column for what was read: itself, or its share of that of `whole`."""
        return percent(value, whole) if self.is_share else value


#: What the keys and the titles of shares end in.
SHARE = "%"


class Order(NamedTuple):
    """What rows are sorted by: a column, the other way round with `is_reversed`."""

    column: Column
    is_reversed: bool = False

    def sorted(self, rows: Sequence[_T], read: Callable[[_T], Any] | None = None) -> list[_T]:
        """Rows in this order, equal ones as they were; `read` gives a row's value.

        Numbers and shapes begin with the largest, words with a; what has no value comes last.
        """
        column = self.column
        read = read or column.measure or column.read
        is_number = column.numeric or column.measure is not None
        known = [(value, row) for row in rows if (value := read(row)) is not None]
        unknown = [row for row in rows if read(row) is None]
        known.sort(
            key=lambda pair: pair[0] if is_number else str(pair[0]),
            reverse=is_number is not self.is_reversed,
        )
        return [*(row for _, row in known), *unknown]


def chosen(
    keys: str | None, default: Sequence[str], look_up: Callable[[str], Column]
) -> list[Column]:
    """The columns of a comma-separated list; `look_up` gives the one of a name.

    Raises ConvcalcError for an unknown one, and for one that is there twice.
    """
    found: dict[str, Column] = {}
    for name in [key.strip() for key in keys.split(",")] if keys else default:
        column = look_up(name)
        if column.key in found:
            message = f"the column `{column.key}` is asked for twice"
            raise fail("bad-value", message, "a table has each column once")
        found[column.key] = column
    return list(found.values())


def order(sort: str, look_up: Callable[[str], Column]) -> Order:
    """The order of `macs`, or of `-macs`, which is the other way round. Raises ConvcalcError."""
    is_reversed = len(sort) > 1 and sort.startswith("-")
    return Order(look_up(sort[1:] if is_reversed else sort), is_reversed)


def unknown(name: str, columns: Mapping[str, Column], more: str = "") -> ConvcalcError:
    """The mistake of a name that none of the columns has; `more` is what is said besides."""
    if not name:
        return fail("unknown-column", "a column has no name", "leave out the comma beside it")
    names = [key for key, column in columns.items() if not column.is_share]
    parts = [did_you_mean(name, columns), f"the columns are {listed(names, 30)}"]
    help = "; ".join([" ".join(filter(None, parts)), *([more] if more else [])])
    return fail("unknown-column", f"unknown column {quoted(name)}", help)
