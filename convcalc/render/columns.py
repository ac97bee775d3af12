"""The columns of layers: what every format, `--columns` and `--sort` share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from convcalc import conventions, passes
from convcalc.analysis import ALL, Analysis, Row, Share
from convcalc.arithmetic import product
from convcalc.conventions.base import Convention
from convcalc.costs import FIGURES, Figure, Figures
from convcalc.diagnostics import fail
from convcalc.render import column as base
from convcalc.render.column import (
    BORROWED,
    PASSED,
    SHARE,
    Column,
    Order,
    as_number,
    as_sizes,
    as_word,
    unknown,
)
from convcalc.render.heading import outputs, shapes
from convcalc.shape import Shape
from convcalc.window import Window
from convcalc.words import PARTIAL, grouped, sizes


def _elements(shapes: Sequence[Shape]) -> int:
    return sum(shape.size for shape in shapes)


def _shapes(shapes: Sequence[Shape]) -> str:
    """Shapes as programs read them: `3x224x224`, several with a space between."""
    return " ".join(map(sizes, shapes))


def _windows(row: Row) -> tuple[Window, ...]:
    """The windows of a layer, one a spatial axis; of several layers there are none."""
    return row.nodes[0].placed.windows if row.depth is None else ()


def _sliding(row: Row) -> tuple[Window, ...]:
    """Those of several cells, or that compute something; a `pad` or a `slice` only moves cells."""
    windows = _windows(row)
    only_moved = row.nodes[0].layer.moves and all(window.kernel == 1 for window in windows)
    return () if only_moved else windows


def _pads(window: Window) -> str:
    """The padding of an axis: `1` on both sides, or `0+1` before and after; cut off, `4-1`."""
    before, after = window.before, window.after
    return str(before) if before == after else f"{before}{after:+}"


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
        Column("weights_of", "Weights of", lambda r: r.weights_of),
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
#: What stands beside the rows of a type, a kind or a block.
SUMMED = ("params", "macs", "flops")
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


def partial_mark(figures: Figures) -> str:
    """The mark of sums that lack layers of unknown cost; empty where they lack none."""
    return PARTIAL if figures.are_partial else ""


def _figure(figure: Figure) -> Column:
    key = figure.key

    def mark(row: Row | Share) -> str:
        passed = PASSED if key == "flops" and row.uncounted else ""
        return passed + partial_mark(row.figures)

    def borrowed(row: Row | Share) -> str:
        return BORROWED if row.is_borrowing else ""

    return Column(
        key,
        figure.title,
        lambda r: r.figures[key],
        lambda a: a.totals[key],
        figure.numeric,
        borrowed if key == "params" else mark if figure.costs else None,
        figure.costs,
        # What a layer computes may be unknown; anything else that it lacks is not there.
        as_number(figure.unit, "?" if figure.costs else "") if figure.numeric else as_word,
        is_sum=figure.is_sum,
    )


def _intensity(figures: Figures) -> int | float | None:
    """Operations a byte moved; None where they are not known, or nothing moves."""
    operations, moved = figures["operations"], figures["moved_bytes"]
    if operations is None or not moved:
        return None
    from fractions import Fraction  # few ask for it

    from convcalc.render.numbers import as_number

    return as_number(Fraction(sum(operations.values()), moved))


def _as_ratio(value: Any, si: bool) -> str:
    from fractions import Fraction

    from convcalc.render.numbers import digits

    return "" if value is None else digits(Fraction(value))


#: Ratios of figures, which the sums have of their own.
_RATIOS = {
    "intensity": Column(
        "intensity",
        "Ops/byte",
        lambda r: _intensity(r.figures),
        lambda a: _intensity(a.totals),
        numeric=True,
        show=_as_ratio,
    )
}


def _convention(name: str) -> Column:
    """The column of a convention, where all are asked for."""
    return Column(
        name,
        name,
        lambda r: r.counts[name].flops,
        lambda a: a.counts[name],
        numeric=True,
        mark=lambda r: (PASSED if r.counts[name].silent else "") + partial_mark(r.figures),
        costs=True,
        show=as_number(),
        is_sum=True,
    )


def known() -> dict[str, Column]:
    """Every column but those of conventions, by key: words first, then figures and their shares."""
    passes.known()  # they register theirs
    figures = [_figure(figure) for figure in FIGURES.values() if figure.column]
    shares = [column.share for column in figures if column.is_sum]
    return _WORDS | {column.key: column for column in (*figures, *shares)} | _RATIOS


def of_rows(analysis: Analysis) -> list[str]:
    """The columns of a CSV unless others are asked for: all that a row of one layer has."""
    figures = [key for key in analysis.totals.columns() if key != "layers"]
    return defaults([*_RECORD, *figures], analysis)


def with_rare(keys: Sequence[str], *analyses: Analysis) -> list[str]:
    """Columns of figures among others, with the rare figures of networks that have some."""
    rare = [key for key, figure in FIGURES.items() if figure.rare and key not in keys]
    found = [key for key in rare if any(analysis.totals[key] for analysis in analyses)]
    at = keys.index("params") + 1
    return [*keys[:at], *found, *keys[at:]]


def chosen(keys: str | None, default: Sequence[str]) -> list[Column]:
    """The columns of a comma-separated list. Raises ConvcalcError; see `convcalc.render.column`."""
    return base.chosen(keys, default, find)


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
    if is_share and (base := columns.get(key.removesuffix(SHARE))) and base.total is not None:
        message = f"the column `{base.key}` has no shares: the whole is no sum of its layers"
        raise fail("unknown-column", message, f"`{base.key}` has the numbers themselves")
    raise unknown(name, columns, f"FIGURE{SHARE} is a figure's share of the whole")


def figures_of(columns: str | None, sort: str | None = None) -> list[str]:
    """What `--columns` and `--sort` are of, for the passes that run only where they are asked."""
    asked = [*chosen(columns, ()), *([order(sort).column] if sort else [])]
    return [column.base for column in asked]


def order(sort: str) -> Order:
    """The order that `--sort` names. Raises ConvcalcError for an unknown column."""
    return base.order(sort, find)


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


def sorted_rows(rows: Sequence[Row], sort: str | None) -> list[Row]:
    """Rows by a column as `--sort` names it; as they are without one. Raises ConvcalcError."""
    return list(rows) if sort is None else order(sort).sorted(rows)


def title_of(column: Column, convention: Convention) -> str:
    """A column's title; that of FLOPs is what the convention's tool calls them."""
    if column.base != "flops":
        return column.title
    unit = convention.unit
    if unit == FIGURES["macs"].title:
        unit = f"{unit} ({convention.name})"
    return f"{unit} {SHARE}" if column.is_share else unit


def legend(
    analysis: Analysis, shown: Sequence[Column], marks: Collection[str] = ()
) -> tuple[str, ...]:
    """What the numbers are for, and what those of the columns `shown` and their `marks` mean."""
    convention = analysis.convention
    keys = {column.base for column in shown}
    counting = [
        column for column in shown if column.base == "flops" or column.key in analysis.counts
    ]
    parts = [f"input {shapes(analysis.graph)}"]
    if analysis.graph.cuts:
        parts.append(outputs(analysis.graph))
    parts.append(f"batch {analysis.batch}")
    if not keys.isdisjoint(analysis.counts):
        parts.append("operations as each tool counts them; `convcalc conventions` says how")
    elif counting:
        parts.append(f"{convention.unit} as `{convention.name}` counts them: {convention.summary}")
    dtype = analysis.totals.dtype or ("each layer's dtype" if analysis.rows else None)
    lines = ["; ".join(parts) + ".", *meanings(keys, dtype, analysis.fuse)]
    tool = "the tool" if analysis.counts else convention.tool
    if any(PASSED in mark for mark in marks):
        lines.append(f"{PASSED} {tool} does not know these layers and counts them as 0.")
    totals = [column.total(analysis) for column in counting if column.total is not None]
    if None in totals and not analysis.totals.are_unknown:
        lines.append(f"? {tool} has no number for this layer, so there is no total.")
    if analysis.totals.unknown and any(column.costs for column in shown):
        from convcalc.render.lacking import lacking  # most networks lack none

        lines += lacking(analysis.rows)
    if any(BORROWED in mark for mark in marks):
        from convcalc.render.borrowed import lenders  # most networks have none

        lines.append(f"{BORROWED} uses weights that are counted elsewhere: {lenders(analysis)}.")
    for column in shown:
        if column.note and any("+" in str(column.read(row)) for row in analysis.rows):
            lines.append(column.note)
    return tuple(lines)


def meanings(keys: Collection[str], dtype: str | None, fuse: bool) -> tuple[str, ...]:
    """What a legend says of the figures among some columns.

    `dtype` is the type of a number; `fuse`: whether batch norms and activations are fused.
    """
    passes.known()  # they register theirs
    dtype = dtype or "float32"
    run = f"{dtype}, {'fused' if fuse else 'not fused'}"
    known = [figure for key, figure in FIGURES.items() if key in keys and figure.meaning]
    return tuple(each.meaning.format(dtype=run if each.of_steps else dtype) for each in known)


def of_dtype() -> frozenset[str]:
    """The columns that go by the type of a number: those in bytes, and what is told by them."""
    passes.known()  # they register theirs
    return frozenset(("dtype", *_RATIOS, *(key for key, f in FIGURES.items() if f.unit == "B")))


def of_steps() -> frozenset[str]:
    """The columns that go by what runs, and so by whether batch norms are fused."""
    passes.known()  # they register theirs
    return frozenset((*_RATIOS, *(key for key, figure in FIGURES.items() if figure.of_steps)))
