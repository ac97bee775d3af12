"""The columns of a table: what every format, `--columns` and `--sort` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from convcalc import conventions, passes
from convcalc.analysis import ALL, Analysis, Row
from convcalc.costs import FIGURES, Figure
from convcalc.diagnostics import fail
from convcalc.shape import Shape
from convcalc.words import did_you_mean, listed, quoted, sizes


class Column(NamedTuple):
    """A column: its key, its title, how it is read from a row, and from the whole where it sums up.

    `marked` says where a figure is 0 because a tool passes over the layer; `measure` is what rows
    are sorted by, where that is not the value.
    """

    key: str
    title: str
    read: Callable[[Row], Any]
    total: Callable[[Analysis], Any] | None = None
    numeric: bool = False
    marked: Callable[[Row], bool] | None = None
    unit: str = ""
    measure: Callable[[Row], int] | None = None


def _elements(shapes: Sequence[Shape]) -> int:
    return sum(shape.size for shape in shapes)


def _shapes(shapes: Sequence[Shape]) -> str:
    """Shapes as programs read them: `3x224x224`, several with a space between."""
    return " ".join(map(sizes, shapes))


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
            measure=lambda r: _elements(r.input_shapes),
        ),
        Column(
            "output_shape",
            "Output",
            lambda r: _shapes(r.output_shapes),
            measure=lambda r: _elements(r.output_shapes),
        ),
    )
}
TABLE = ("name", "type", "output_shape", "params", "macs", "flops")
#: Other words for columns, as they stand in tables and in the options of other commands.
_ALIASES = {
    "layer": "name",
    "output": "output_shape",
    "input": "input_shapes",
    "parameters": "params",
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
        figure.unit,
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
    )


def known() -> dict[str, Column]:
    """Every column but those of conventions, by key: words first, then the figures."""
    passes.known()  # they register theirs
    figures = {key: _figure(figure) for key, figure in FIGURES.items() if figure.column}
    return _WORDS | figures


def of_rows(analysis: Analysis) -> list[str]:
    """The columns of a CSV unless others are asked for: all that a row of one layer has."""
    figures = [key for key in analysis.totals.columns() if key != "layers"]
    return defaults([*(key for key in _WORDS if key != "kind"), *figures], analysis)


def chosen(keys: str | None, default: Sequence[str]) -> list[Column]:
    """The columns of a comma-separated list.

    Raises ConvcalcError for an unknown one, and for one that is there twice.
    """
    found: dict[str, Column] = {}
    for name in [key.strip() for key in keys.split(",")] if keys else default:
        column = find(name)
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
    if not name:
        raise fail("unknown-column", "a column has no name", "leave out the comma beside it")
    key = _ALIASES.get(name.lower(), name.lower())
    if key in columns:
        return columns[key]
    if key in conventions.names():
        return _convention(key)
    help = f"{did_you_mean(name, columns)} the columns are {listed(columns, 20)}".strip()
    raise fail("unknown-column", f"unknown column {quoted(name)}", help)


def require(columns: str | None, sort: str | None, convention: str) -> None:
    """Refuse columns that do not exist, or not under a convention, or stand there twice.

    Raises ConvcalcError.
    """
    kept = chosen(columns, ())
    for index, column in enumerate(kept):
        if column.key in [before.key for before in kept[:index]]:
            message = f"the column `{column.key}` is named twice"
            raise fail("bad-value", message, "leave one of them out")
    asked = [*kept, *([find(sort)] if sort else [])]
    for column in asked:
        if column.key not in known() and convention != ALL:
            raise fail(
                "unknown-column",
                f"`{column.key}` is a column of `--convention all` alone",
                f"`--convention {column.key}` counts FLOPs so",
            )
    if kept and convention == ALL and all(column.key in known() for column in asked):
        message = "`--convention all` is a column for each, and no column is one's"
        raise fail("unknown-column", message, "name some in --columns: thop, fvcore")


def sorted_rows(rows: Iterable[Row], key: str | None) -> list[Row]:
    """Rows by a column, equal ones as they were.

    Numbers and shapes begin with the largest, words with a.
    """
    found = list(rows)
    if key is None:
        return found
    column = find(key)
    if (measure := column.measure) is not None:
        return sorted(found, key=lambda row: -measure(row))
    return sorted(found, key=lambda row: order(column, column.read(row)))


def order(column: Column, value: Any) -> Any:
    """What a value of a column is sorted by."""
    return -(value or 0) if column.numeric else str(value)


def legend(analysis: Analysis) -> tuple[str, ...]:
    """What the numbers are for, and what they mean."""
    shapes = [
        str(shape) if name == "input" else f"{name} {shape}"
        for name, shape in analysis.inputs.items()
    ]
    convention = analysis.convention
    parts = [
        f"input {', '.join(shapes)}",
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
