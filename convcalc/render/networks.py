"""Networks side by side: a row each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import ConvcalcError, fail
from convcalc.render import column as base
from convcalc.render.column import Column, as_number, unknown
from convcalc.render.fitting import fitting, shortened
from convcalc.render.report import Records, Report, Table
from convcalc.words import PARTIAL, listed, sizes

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.conventions.base import Convention

FORMAT = "convcalc.networks/1"

#: A network: what JSON has of it, and what else is known.
Row = Mapping[str, Any]


def _word(key: str) -> Column:
    return Column(key, key.capitalize(), lambda row: row[key])


def _names(key: str) -> Column:
    return Column(
        key, key.capitalize(), lambda row: row.get(key, []), show=lambda names, si: ", ".join(names)
    )


def _shape(key: str) -> Column:
    return _word(key)._replace(show=_as_shapes, measure=lambda row: _elements(row[key]))


def _number(key: str, title: str, unit: str = "") -> Column:
    return _word(key)._replace(title=title, numeric=True, show=as_number(unit))


def _as_shapes(value: Any, si: bool) -> str:
    """A shape as people read it; those of several tensors by name, or how many there are alike."""
    if isinstance(value, Mapping):
        shape, *others = value.values()
        if others and all(other == shape for other in others):
            return f"{_as_shapes(shape, si)} ×{len(value)}"
        return ", ".join(f"{name} {_as_shapes(shape, si)}" for name, shape in value.items())
    return "×".join(map(str, value))


def _elements(value: Any) -> int:
    return sum(map(prod, value.values() if isinstance(value, Mapping) else [value]))


def _record(value: Any) -> Any:
    """A value in a cell for programs: `3x224x224`, `left=4x8x8 right=4x8x8`."""
    if isinstance(value, Mapping):
        return " ".join(f"{name}={sizes(shape)}" for name, shape in value.items())
    if isinstance(value, list):
        return sizes(value) if value and isinstance(value[0], int) else " ".join(value)
    return value


def _lacks(row: Row) -> str:
    """What stands behind a sum that lacks layers of unknown cost."""
    return PARTIAL if 0 < row.get("unknown", 0) < row["layers"] else ""


#: What the zoo's index has of a network, and JSON of every one.
INDEXED = {
    column.key: column
    for column in (
        *map(_word, ("family", "name", "network", "source")),
        _shape("input"),
        _number("params", "Params"),
        _number("macs", "MACs")._replace(mark=_lacks),
    )
}
#: Other words for columns, as they stand in tables and elsewhere.
_ALIASES = {"parameters": "params", "input_shape": "input", "output_shape": "output"}


def known() -> dict[str, Column]:
    """Every column but those of conventions and variables, by key: words first."""
    from convcalc import passes
    from convcalc.costs import FIGURES
    from convcalc.graph import WAYS

    passes.known()  # they register their figures
    figures = [
        _number(key, figure.title, figure.unit)._replace(mark=_lacks if figure.costs else None)
        if figure.numeric
        else _word(key)._replace(title=figure.title)
        for key, figure in FIGURES.items()
        if figure.column and key not in INDEXED
    ]
    others = (_word("preset"), *map(_names, WAYS), _shape("output"), *figures)
    return INDEXED | {each.key: each for each in others}


def row(name: str, family: str | None, analysis: Analysis) -> Row:
    """What is known of a network that was analyzed; `name` is what it was asked for by."""
    described = analysis.graph.to_dict()
    outputs = {key: list(shape) for key, shape in analysis.graph.output_shapes().items()}
    return {
        "family": family,
        **described,
        "name": name,
        "network": analysis.name,
        "output": next(iter(outputs.values())) if len(outputs) == 1 else outputs,
        **analysis.totals.columns(),
        "counts": analysis.counts,
    }


class Conditions(NamedTuple):
    """What networks were analyzed under: what is asked of all, and the variables that were set."""

    convention: Convention
    #: The conventions that were counted by, where all were.
    every: Sequence[str] = ()
    batch: int = 1
    dtype: str | None = None
    has_preset: bool = False
    #: Whether networks were asked for at several inputs.
    has_inputs: bool = False
    #: The variables that were set, with all their values.
    variables: Mapping[str, Sequence[Any]] = {}
    #: The ways that networks are cut.
    cuts: Sequence[str] = ()
    #: The presets that files have, by name, where none was asked for.
    presets: Mapping[str, Sequence[str]] = {}


class Columns(NamedTuple):
    """The columns that networks have in tables, which JSON has beside its own, and in CSV."""

    table: list[Column]
    record: list[Column]


def find(name: str, conditions: Conditions | None = None) -> Column:
    """A column by its key, a convention's or a variable's. Raises ConvcalcError."""
    key = _ALIASES.get(name.lower(), name.lower())
    if key in INDEXED:
        return INDEXED[key]
    columns = known()
    if conditions is not None:
        columns |= {each.key: each for each in _variables(conditions)}
        columns |= {each: _counted(each) for each in conditions.every if each not in columns}
    found = columns.get(key) or columns.get(name)
    if found is None:
        raise _no_such(name, columns)
    if conditions is None:
        return found
    from convcalc.render.columns import title_of

    return found._replace(title=title_of(found, conditions.convention))


def _no_such(name: str, columns: Mapping[str, Column]) -> ConvcalcError:
    from convcalc import conventions

    if name.lower() in conventions.names():
        message = f"`{name}` is a column of `--convention all` alone"
        help = f"`--convention {name} --columns flops` counts FLOPs so"
        return fail("unknown-column", message, help)
    return unknown(name, columns, "a variable is one where `--set` gives it a value")


def _counted(name: str) -> Column:
    """The column of a convention."""
    return Column(
        name, name, lambda row: row["counts"][name], numeric=True, mark=_lacks, show=as_number()
    )


def _variables(conditions: Conditions) -> list[Column]:
    """A column for each variable that was set: `variables.NAME` where NAME is another's."""
    from convcalc.render.heading import as_setting

    taken = {word for each in known().values() for word in (each.key, each.title)}
    taken.update(conditions.every)

    def column(name: str, values: Sequence[Any]) -> Column:
        is_number = not any(isinstance(each, bool) for each in values) and all(
            isinstance(each, (int, float)) for each in values
        )
        key = f"variables.{name}" if name in taken else name

        def read(row: Row) -> Any:
            if name not in row["variables"]:
                return None
            value = row["variables"][name]
            return value if is_number else as_setting(value)

        return Column(key, key, read, numeric=is_number)

    return [column(name, values) for name, values in conditions.variables.items()]


def columns_of(
    keys: str | None, conditions: Conditions | None = None, by_family: bool = False
) -> Columns:
    """The columns of networks: those of `keys`, or else what is asked of them.

    A name stands before them, and behind it what tells the rows of one spec apart: the preset, the
    variables that were set, what was cut off, several inputs. Raises ConvcalcError for an unknown
    column, and where what is asked shows in none.
    """
    lead = [INDEXED["name"]]
    more: list[Column] = []
    if conditions is not None:
        lead += [find("preset")] if conditions.has_preset else []
        lead += _variables(conditions)
        lead += [*map(_names, conditions.cuts)]
        keys_of = (*_of_convention(conditions), *_of_dtype(conditions))
        more = [find(key, conditions) for key in keys_of]
    sizes_and_costs = [INDEXED[key] for key in ("input", "params", "macs")]
    if keys is not None:
        asked = base.chosen(keys, (), lambda name: find(name, conditions))
        if conditions is not None:
            _require_heard(conditions, asked)
        if conditions is not None and conditions.has_inputs:
            lead.append(INDEXED["input"])
        own = [each.key for each in asked]
        more = [each for each in lead[1:] if each.key not in own]
        if own[:1] == ["name"]:
            return _led(asked[:1], more, asked[1:])
        return _led([] if "name" in own else lead[:1], more, asked)
    family = [INDEXED["family"]]
    described = [INDEXED[key] for key in ("network", "source")]
    shown = [*(family if by_family else ()), *lead, *sizes_and_costs, *more]
    record = [*family, lead[0], *described, *lead[1:], *sizes_and_costs, *more]
    return Columns(shown, record)


def _led(name: list[Column], more: list[Column], asked: list[Column]) -> Columns:
    """The same columns everywhere; but a title that a table begins with does for a name there."""
    record = [*name, *more, *asked]
    if name and asked[:1] == [INDEXED["network"]]:
        return Columns([asked[0], *more, *asked[1:]], record)
    return Columns(record, record)


def _of_convention(conditions: Conditions) -> list[str]:
    """The columns that a convention is asked for to see."""
    if conditions.every:
        return [name for name in conditions.every if name not in INDEXED]
    return ["flops"] if conditions.convention.name != "exact" else []


def _of_dtype(conditions: Conditions) -> list[str]:
    """The columns that a type of number is asked for to see."""
    from convcalc.passes.bytes import Bytes

    return [each.key for each in Bytes.figures if each.numeric] if conditions.dtype else []


def _require_heard(conditions: Conditions, asked: Sequence[Column]) -> None:
    """Refuse columns of which none shows what is asked for. Raises ConvcalcError."""
    own = {each.key for each in asked}
    from convcalc.render.columns import of_dtype

    for option, keys, heard in (
        ("convention", _of_convention(conditions), ()),
        ("dtype", _of_dtype(conditions), of_dtype()),
    ):
        if keys and own.isdisjoint((*keys, *heard)):
            message = f"no column of --columns shows what `--{option}` is for"
            raise fail("usage", message, f"add {listed(keys, 3, 'or')}")


def report(
    rows: Sequence[Row],
    columns: Columns | None = None,
    order: base.Order | None = None,
    top: int | None = None,
    si: bool = False,
    conditions: Conditions | None = None,
) -> Report:
    """A row a network, in an order or as they are; the first `top` alone.

    The columns are those of the index, family by family, unless others are given.
    """
    columns = columns or columns_of(None, by_family=True)
    found = (list(rows) if order is None else order.sorted(rows))[:top]
    own_name, title = _called(rows)
    reads = {"name": own_name, "network": title}
    tabled = [each._replace(read=reads.get(each.key, each.read)) for each in columns.table]
    legend = _legend(columns.table, rows, conditions)
    lacking = [each for each in found if each.get("unknown")]
    priced = [each for each in found if each not in lacking]
    record = columns.record
    if lacking and all(column.key != "unknown" for column in record):
        record = [*record, known()["unknown"]]
    if any(None in map(each.read, priced) and each.show(None, si) for each in columns.table):
        legend = (*legend, "? the tool has no number for a layer, so there is no total.")
    if lacking:
        names = listed([str(own_name(each)) for each in lacking], 6)
        legend = (*legend, f"Totals of {names} lack layers of unknown cost (?).")
    if order is not None and len(found) < len(rows):
        way = f"sorted by `{'-' if order.is_reversed else ''}{order.column.key}`"
        legend = (f"The first {len(found):,} of {len(rows):,} networks, {way}.", *legend)

    def table(kept: Sequence[Column], si: bool, names: Sequence[str] | None = None) -> Table:
        def first(index: int) -> str:
            if names is not None:
                return names[index]
            value = kept[0].read(found[index])
            # A family is named where it begins.
            is_same = index > 0 and order is None and kept[0].read(found[index - 1]) == value
            return "" if is_same and kept[0].key == "family" else kept[0].show(value, si)

        def lines() -> Iterator[tuple[str, ...]]:
            for index, each in enumerate(found):
                yield first(index), *[column.text(each, si) for column in kept[1:]]

        titles = tuple(column.title for column in kept)
        return Table("", titles, tuple(column.numeric for column in kept), lines, (), legend)

    def fitted(width: int, height: int) -> list[Table]:
        full = table(tabled, si)
        for whole in (full, shortened(full, table(tabled, True))):
            if whole.width() <= width:
                return [whole]
        # Names of networks begin as those of their families do.
        first, *rest = [each for each in tabled if each.key != "family"]

        def make(labels: Sequence[str], kept: Sequence[Column], si: bool) -> Table:
            return table([first, *kept], si, labels)

        return fitting([first.show(first.read(each), si) for each in found], rest, make, width, si)

    def objects() -> list[dict[str, Any]]:
        own, variables = [*INDEXED], set()
        if conditions is not None and conditions.variables:
            own.append("variables")
            variables = {each.key for each in _variables(conditions)}
        more = [each for each in columns.table if each.key not in (*own, *variables)]
        return [
            {
                **{key: each[key] for key in own},
                **({"unknown": each["unknown"]} if each.get("unknown") else {}),
                **{column.key: column.read(each) for column in more},
            }
            for each in found
        ]

    def answer() -> dict[str, Any]:
        asked = {"convention": "exact", "batch": 1, "dtype": None}
        if conditions is not None:
            name = conditions.convention.name
            asked = {"convention": name, "batch": conditions.batch, "dtype": conditions.dtype}
        return {"format": FORMAT, **asked, "networks": objects()}

    return Report(
        lambda: [answer()],
        objects,
        lambda: Records(
            [column.key for column in record],
            ([_record(column.read(each)) for column in record] for each in found),
        ),
        lambda: [table(tabled, si)],
        fitted=[fitted],
    )


def _called(rows: Sequence[Row]) -> tuple[Callable[[Row], str], Callable[[Row], str]]:
    """What tables call each network by, and its title, as functions of its row.

    A network of the zoo is called as it was asked for, one of a file by its own name. Where two
    would be called the same, a file is called as it was asked for; titles say which preset it is.
    """
    meant: dict[str, set[str]] = {}
    for row in rows:
        meant.setdefault(row["network"] if _is_file(row) else row["name"], set()).add(row["name"])

    def is_alone(row: Row) -> bool:
        return len(meant[row["network"]]) == 1

    def name(row: Row) -> str:
        own: str = row["network"] if _is_file(row) and is_alone(row) else row["name"]
        return own

    def title(row: Row) -> str:
        preset = row.get("preset") or (row["name"] if row["name"] != row["family"] else None)
        if _is_file(row):
            preset = row.get("preset") if is_alone(row) else row["name"]
        return f"{row['network']} ({preset})" if preset else str(row["network"])

    return name, title


def _is_file(row: Row) -> bool:
    """Whether a network is of a file, and not of the zoo."""
    return row["family"] is None


def _legend(
    shown: Sequence[Column], rows: Sequence[Row], conditions: Conditions | None
) -> tuple[str, ...]:
    """What the names and the numbers of the columns `shown` are."""
    keys = {each.key for each in shown}
    lines = []
    is_asked = conditions is not None and (
        conditions.variables or conditions.has_preset or conditions.has_inputs or conditions.cuts
    )
    if not is_asked and not any(map(_is_file, rows)):
        lines.append("`convcalc analyze NAME` takes each of these names.")
    batch = 1 if conditions is None else conditions.batch
    samples = "one input" if batch == 1 else f"a batch of {batch:,}"
    if "macs" in keys:
        lines.append(f"MACs are for {samples}, biases left out.")
    elif batch > 1:
        lines.append(f"Operations and activations are for {samples}.")
    lines = [" ".join(lines)] if lines else []
    if conditions is None:
        return tuple(lines)
    if "flops" in keys:
        convention = conditions.convention
        lines.append(f"{convention.unit} as `{convention.name}` counts them: {convention.summary}.")
    from convcalc.dtypes import is_fused
    from convcalc.render.columns import meanings

    lines += meanings(keys - {"macs"}, conditions.dtype, is_fused(conditions.dtype or "float32"))
    for file, presets in conditions.presets.items():
        ways = " ".join(f"--preset {name}" for name in presets[:2])
        what, whom = ("presets", "each") if len(presets) > 1 else ("preset", "it")
        lines.append(f"{file} has the {what} {listed(presets, 6)}: {ways} gives {whom} a row.")
    return tuple(lines)
