"""The columns of a table: what every format, `--columns` and `--sort` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from convcalc import conventions, passes
from convcalc.analysis import ALL, Analysis, Row
from convcalc.arithmetic import product
from convcalc.costs import FIGURES, Figure
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.render.heading import shapes
from convcalc.shape import Shape
from convcalc.window import Window
from convcalc.words import did_you_mean, grouped, listed, percent, quoted, short, sizes

_T = TypeVar("_T")


def as_word(value: Any, si: bool) -> str:
    """A word in a table; empty where there is none."""
    return "" if value is None else str(value)


def as_sizes(value: Any, si: bool) -> str:
    """Sizes in a table: `3×224×224`."""
    return str(value).replace("x", "×")


def as_number(unit: str = "") -> Callable[[Any, bool], str]:
    """A number in a table, a short one with its unit; `?` where there is none."""
    return lambda value, si: short(value) + unit if si else grouped(value)


class Column(NamedTuple):
    """A column: its key, its title, how it is read from a row, and from the whole where it sums up.

    `show` is its value as people read it, short where that is asked for; `numeric` columns stand to
    the right. `marked` says where a figure is 0 because a tool passes over the layer; `measure` is
    what rows are sorted by, where that is not the value. A share is read as what it is a share of.
    """

    key: str
    title: str
    read: Callable[[Any], Any]
    total: Callable[[Any], Any] | None = None
    numeric: bool = False
    marked: Callable[[Any], bool] | None = None
    show: Callable[[Any, bool], str] = as_word
    measure: Callable[[Any], int | None] | None = None
    #: What a legend says of its values.
    note: str = ""

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
        return self._replace(key=key, title=title, marked=None, show=as_word)

    def value(self, value: Any, whole: Any) -> Any:
        """What stands in the column for what was read: itself, or its share of that of `whole`."""
        return percent(value, whole) if self.is_share else value


#: What the keys and the titles of shares end in.
SHARE = "%"


class Order(NamedTuple):
    """What rows are sorted by: a column, the other way round with `is_reversed`."""

    column: Column
    is_reversed: bool = False

    def sorted(self, rows: Iterable[_T], read: Callable[[_T], Any] | None = None) -> list[_T]:
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


def _elements(shapes: Sequence[Shape]) -> int:
    return sum(shape.size for shape in shapes)


def _shapes(shapes: Sequence[Shape]) -> str:
    """Shapes as programs read them: `3x224x224`, several with a space between."""
    return " ".join(map(sizes, shapes))


def _windows(row: Row) -> tuple[Window, ...]:
    """The windows of a layer, one a spatial axis; of several layers there are none."""
    return row.nodes[0].placed.windows if row.depth is None else ()


def _sliding(row: Row) -> tuple[Window, ...]:
    """Those that compute something; a `pad` only moves what comes."""
    return () if row.nodes[0].layer.moves else _windows(row)


def _pads(window: Window) -> str:
    """The padding of an axis: `1` on both sides, or `0+1` before and after."""
    before, after = window.before, window.after
    return str(before) if before == after else f"{before}+{after}"


def _of_windows(
    key: str,
    windows: Callable[[Row], tuple[Window, ...]],
    show: Callable[[Window], Any],
    size: Callable[[Window], int],
    joined: Callable[[Iterable[int]], int] = product,
    note: str = "",
) -> Column:
    """A column of what windows have: a value an axis, sorted by all of them."""
    return Column(
        key,
        key.capitalize(),
        lambda r: sizes([show(window) for window in windows(r)]),
        show=as_sizes,
        measure=lambda r: joined(map(size, found)) if (found := windows(r)) else None,
        note=note,
    )


_WORDS = {
    column.key: column
    for column in (
        Column("name", "Layer", lambda r: r.name),
        Column("type", "Type", lambda r: r.type),
        Column("kind", "Kind", lambda r: r.kind),
        Column("inputs", "Inputs", lambda r: " ".join(r.inputs)),
        Column(
            "input_shapes",
            "Input",
            lambda r: _shapes(r.input_shapes),
            show=as_sizes,
            measure=lambda r: _elements(r.input_shapes),
        ),
        Column(
            "output_shape",
            "Output",
            lambda r: _shapes(r.output_shapes),
            show=as_sizes,
            measure=lambda r: _elements(r.output_shapes),
        ),
        _of_windows("kernel", _sliding, lambda w: w.kernel, lambda w: w.kernel),
        _of_windows("stride", _sliding, lambda w: w.stride, lambda w: w.stride),
        _of_windows(
            "padding",
            _windows,
            _pads,
            lambda w: w.before + w.after,
            sum,
            "A padding of 0+1 is no cell before and one behind.",
        ),
        _of_windows("dilation", _sliding, lambda w: w.dilation, lambda w: w.dilation),
        Column(
            "groups",
            "Groups",
            lambda r: r.nodes[0].placed.channel_groups if r.depth is None else None,
            numeric=True,
            show=lambda value, si: "" if value is None else grouped(value),
        ),
    )
}
TABLE = ("name", "type", "output_shape", "params", "macs", "flops")
#: What a CSV begins with unless columns are asked for.
_RECORD = ("name", "type", "inputs", "input_shapes", "output_shape")
#: Other words for columns, as they stand in tables and in the options of other commands.
_ALIASES = {
    "layer": "name",
    "output": "output_shape",
    "input": "input_shapes",
    "parameters": "params",
    "kernel_size": "kernel",
}


def _figure(figure: Figure) -> Column:
    key = figure.key
    return Column(
        key,
        figure.title,
        lambda r: r.figures[key],
        lambda a: a.totals[key],
        figure.numeric,
        (lambda r: r.uncounted) if key == "flops" else None,
        as_number(figure.unit) if figure.numeric else as_word,
    )


def _convention(name: str) -> Column:
    """The column of a convention, where all are asked for."""
    return Column(
        name,
        name,
        lambda r: r.counts[name].flops,
        lambda a: a.counts[name],
        numeric=True,
        marked=lambda r: r.counts[name].silent,
        show=as_number(),
    )


def known() -> dict[str, Column]:
    """Every column but those of conventions, by key: words first, then figures and their shares."""
    passes.known()  # they register theirs
    figures = [_figure(figure) for figure in FIGURES.values() if figure.column]
    shares = [column.share for column in figures if column.numeric]
    return _WORDS | {column.key: column for column in (*figures, *shares)}


def of_rows(analysis: Analysis) -> list[str]:
    """The columns of a CSV unless others are asked for: all that a row of one layer has."""
    figures = [key for key in analysis.totals.columns() if key != "layers"]
    return defaults([*_RECORD, *figures], analysis)


def chosen(
    keys: str | None, default: Sequence[str], look_up: Callable[[str], Column] | None = None
) -> list[Column]:
    """The columns of a comma-separated list; `look_up` gives the one of a name, `find` unless said.

    Raises ConvcalcError for an unknown one, and for one that is there twice.
    """
    found: dict[str, Column] = {}
    for name in [key.strip() for key in keys.split(",")] if keys else default:
        column = (look_up or find)(name)
        if column.key in found:
            message = f"the column `{column.key}` is asked for twice"
            raise fail("bad-value", message, "a table has each column once")
        found[column.key] = column
    return list(found.values())


def defaults(keys: Sequence[str], analysis: Analysis) -> list[str]:
    """The columns unless others are asked for: `keys`, with one a convention for the FLOPs."""
    if not analysis.counts:
        return list(keys)
    others = [name for name in analysis.counts if name not in keys]
    return [key for key in keys if key != "flops"] + others


def find(name: str) -> Column:
    """A column by its key, or a convention's. Raises ConvcalcError, which lists the known ones."""
    columns = known()
    key, is_share = name.lower().removesuffix(SHARE), name.endswith(SHARE)
    key = _ALIASES.get(key, key)
    if key in conventions.names() and key not in columns:
        return _convention(key).share if is_share else _convention(key)
    key = f"{key}{SHARE}" if is_share else key
    if key in columns:
        return columns[key]
    raise unknown(name, columns, f"FIGURE{SHARE} is a figure's share of the whole")


def unknown(name: str, columns: Mapping[str, Column], more: str = "") -> ConvcalcError:
    """The mistake of a name that none of the columns has; `more` is what is said besides."""
    if not name:
        return fail("unknown-column", "a column has no name", "leave out the comma beside it")
    names = [key for key, column in columns.items() if not column.is_share]
    parts = [did_you_mean(name, columns), f"the columns are {listed(names, 30)}"]
    help = "; ".join([" ".join(filter(None, parts)), *([more] if more else [])])
    return fail("unknown-column", f"unknown column {quoted(name)}", help)


def order(sort: str, look_up: Callable[[str], Column] | None = None) -> Order:
    """The order of `macs`, or of `-macs`, which is the other way round. Raises ConvcalcError."""
    is_reversed = len(sort) > 1 and sort.startswith("-")
    return Order((look_up or find)(sort[1:] if is_reversed else sort), is_reversed)


def require(columns: str | None, sort: str | None, convention: str) -> None:
    """Refuse columns that do not exist, or not under a convention, or stand there twice.

    Raises ConvcalcError.
    """
    kept = chosen(columns, ())
    asked = [*kept, *([order(sort).column] if sort else [])]
    for column in asked:
        if column.key not in known() and convention != ALL:
            raise fail(
                "unknown-column",
                f"`{column.key}` is a column of `--convention all` alone",
                f"`--convention {column.base}` counts FLOPs so",
            )
    if kept and convention == ALL and all(column.key in known() for column in asked):
        message = "`--convention all` is a column for each, and no column is one's"
        raise fail("unknown-column", message, "name some in --columns: thop, fvcore")


def sorted_rows(rows: Iterable[Row], sort: str | None) -> list[Row]:
    """Rows by a column as `--sort` names it; as they are without one. Raises ConvcalcError."""
    return list(rows) if sort is None else order(sort).sorted(list(rows))


def legend(analysis: Analysis) -> tuple[str, ...]:
    """What the numbers are for, and what they mean."""
    convention = analysis.convention
    parts = [
        f"input {shapes(analysis.graph)}",
        f"batch {analysis.batch}",
        "operations as each tool counts them; `convcalc conventions` says how"
        if analysis.counts
        else f"{convention.unit} as `{convention.name}` counts them: {convention.summary}",
    ]
    lines = [
        "; ".join(parts) + ".",
        "1 MAC is one multiplication and one addition of a convolution or a linear layer,"
        " biases left out.",
    ]
    tool = "the tool" if analysis.counts else convention.tool
    if any(count.silent for row in analysis.rows for count in row.counts.values()) or any(
        row.uncounted for row in analysis.rows
    ):
        lines.append(f"* {tool} does not know these layers and counts them as 0.")
    if None in (analysis.totals.flops, *analysis.counts.values()):
        lines.append(f"? {tool} has no number for this layer, so there is no total.")
    return tuple(lines)
