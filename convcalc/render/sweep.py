"""A sweep as a report: the settings that were kept, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from convcalc import conventions
from convcalc.arithmetic import is_fraction, is_number
from convcalc.dtypes import is_fused
from convcalc.render.column import Column
from convcalc.render.column import as_number as as_figure
from convcalc.render.columns import find, meanings, title_of
from convcalc.render.fitting import fitting
from convcalc.render.heading import as_setting
from convcalc.render.numbers import as_number
from convcalc.render.report import Records, Report, Table
from convcalc.search.sweep import Refused, Sweeping
from convcalc.words import counted

FORMAT = "convcalc.sweep/1"
#: Rows that a table has at the most, and those that it has on however small a screen.
_MOST_ROWS, _FEWEST_ROWS = 1000, 20

Row = tuple[Any, ...]


class _Held(NamedTuple):
    """The first rows, and how many there were."""

    rows: Sequence[Row]
    total: int


def report(sweeping: Sweeping, title: str, si: bool = False) -> Report:
    """A row a setting that is kept, or a value of the variable that they are grouped by.

    CSV and JSON lines have them as they come; a table has the first of them.
    """
    header = (*sweeping.variables, *sweeping.metrics)

    def objects() -> list[dict[str, Any]]:
        found = list(sweeping.held(sweeping.rows()))
        return [{**_about(sweeping, len(found)), "rows": map(as_object, found)}]

    def as_object(row: Row) -> dict[str, Any]:
        return dict(zip(header, map(_in_json, row)))

    def records() -> Records:
        flat = ([_in_csv(value) for value in row] for row in sweeping.rows())
        return Records(header, flat, sweeping.kinds())

    def fitted(columns: int, height: int) -> list[Table]:
        held = _held(sweeping.rows(), max(height, _FEWEST_ROWS))
        lead, *rest = _columns(sweeping, held.rows)
        labels = [lead.text(row, si) for row in held.rows]
        make = partial(_table, sweeping, title, held, lead)
        return fitting(labels, rest, make, columns, si)

    def tables() -> list[Table]:
        held = _held(sweeping.rows(), _MOST_ROWS)
        lead, *rest = _columns(sweeping, held.rows)
        labels = [lead.text(row, si) for row in held.rows]
        return [_table(sweeping, title, held, lead, labels, rest, si)]

    def lines() -> Iterator[dict[str, Any]]:
        return map(as_object, sweeping.rows())

    return Report(objects, lines, records, tables, fitted=[fitted], flows=True)


def parquet(sweeping: Sweeping) -> Iterator[bytes]:
    """The rows as a file of Parquet. Raises ConvcalcError where pyarrow is not there."""
    from convcalc.render.parquet import render

    return render(report(sweeping, ""))


def refused(found: Sequence[str], rows: Callable[[], Iterator[Refused]]) -> Report:
    """A row a setting that is no network, with the reason; `found` are the variables."""

    def lines() -> Iterator[Mapping[str, Any]]:
        for point, reason in rows():
            yield {**{name: _in_json(value) for name, value in point.items()}, "reason": reason}

    def records() -> Records:
        flat = ([*map(_in_csv, each.point.values()), each.reason] for each in rows())
        return Records((*found, "reason"), flat)

    def tables() -> list[Table]:
        def cells() -> Iterator[tuple[str, ...]]:
            for point, reason in rows():
                yield (*map(as_setting, point.values()), reason)

        numeric = (True,) * len(found)
        return [Table("", (*found, "Reason"), (*numeric, False), cells)]

    return Report(lambda: [{"invalid": lines()}], lines, records, tables)


def _held(rows: Iterator[Row], most: int) -> _Held:
    first = list(islice(rows, most))
    return _Held(first, len(first) + sum(1 for _ in rows))


def _about(sweeping: Sweeping, kept: int) -> dict[str, Any]:
    """What a sweep is of, and its counts."""
    batch, dtype, _ = sweeping.settings
    return {
        "format": FORMAT,
        "name": sweeping.family.name,
        "variables": list(sweeping.variables),
        "metrics": list(sweeping.metrics),
        "convention": sweeping.convention,
        "batch": batch,
        "dtype": dtype,
        "fuse": sweeping.settings.is_fused,
        "points": sweeping.tried,
        "invalid": sweeping.invalid,
        "within": sweeping.within,
        "kept": kept,
    }


def _in_json(value: Any) -> Any:
    if is_fraction(value):
        return as_number(value)
    return list(map(_in_json, value)) if isinstance(value, tuple) else value


def _in_csv(value: Any) -> Any:
    if value is None or isinstance(value, str) or is_number(value):
        return _in_json(value)
    return as_setting(value)


def _columns(sweeping: Sweeping, rows: Sequence[Row]) -> list[Column]:
    convention = conventions.find(sweeping.convention)
    found = []
    for at, name in enumerate((*sweeping.variables, *sweeping.metrics)):
        if at < len(sweeping.variables):
            numeric = all(is_number(row[at]) for row in rows)
            found.append(Column(name, name, _reader(at), numeric=numeric, show=_as_value))
            continue
        metric, _, end = name.rpartition("_")
        is_end = sweeping.query.group is not None and end in ("min", "max")
        title = name.capitalize()
        if name != "count" or sweeping.query.group is None:
            title = title_of(find(metric if is_end else name), convention)
        if is_end:
            title = f"{title} {end}"
        found.append(Column(name, title, _reader(at), numeric=True, show=as_figure()))
    return found


def _reader(at: int) -> Callable[[Row], Any]:
    return lambda row: row[at]


def _as_value(value: Any, si: bool) -> str:
    """A variable's value in a table."""
    return as_setting(_in_json(value))


def _table(
    sweeping: Sweeping,
    title: str,
    held: _Held,
    lead: Column,
    labels: Sequence[str],
    kept: Sequence[Column],
    si: bool,
) -> Table:
    def rows() -> Iterator[tuple[str, ...]]:
        for label, row in zip(labels, held.rows):
            yield label, *(column.text(row, si) for column in kept)

    return Table(
        title,
        (lead.title, *(column.title for column in kept)),
        (lead.numeric, *(column.numeric for column in kept)),
        rows,
        (),
        tuple(_legend(sweeping, held)),
    )


def _legend(sweeping: Sweeping, held: _Held) -> Iterator[str]:
    query = sweeping.query
    if len(held.rows) < held.total:
        yield (
            f"The first {len(held.rows):,} of {held.total:,} rows; --csv and --format jsonl have"
            " all of them."
        )
    said = [counted(sweeping.tried, "setting")]
    if sweeping.invalid:
        are = "is" if sweeping.invalid == 1 else "are"
        where = "" if sweeping.on_refused else " (--invalid FILE lists them)"
        said.append(f"{sweeping.invalid:,} {are} no network{where}")
    if query.condition or query.budgets or query.distinct:
        what = "are different networks" if query.distinct else "are within what is asked"
        what = (
            what.replace("are", "is").replace("networks", "network")
            if sweeping.within == 1
            else what
        )
        said.append(f"{sweeping.within:,} {what}")
    if query.goals:
        goals, front = ", ".join(map(str, query.goals)), sweeping.front
        is_cut = front is not None and front > held.total
        said.append(f"{front if is_cut else held.total:,} on the front of {goals}")
        if is_cut:
            said.append(f"the first {held.total:,} are shown")
    elif query.order is not None and held.total < sweeping.within:
        said.append(f"the first {held.total:,} by {query.order.name}")
    yield ", ".join(said) + "."
    settings = sweeping.settings
    if "flops" in query.metrics:
        convention = conventions.find(sweeping.convention)
        counting = f"{convention.unit} as `{convention.name}` counts them: {convention.summary}"
        yield f"batch {settings.batch}; {counting}."
    elif settings.batch != 1:
        yield f"batch {settings.batch}."
    fuse = is_fused(settings.dtype) if settings.fuse is None else settings.fuse
    yield from meanings(query.metrics, settings.dtype, fuse)
