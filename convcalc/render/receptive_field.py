"""Receptive fields as a report: a row a layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.graph import Graph
from convcalc.reach import MOST_CELLS, Number
from convcalc.receptive_field import ReceptiveField, ReceptiveFields
from convcalc.render.column import Column
from convcalc.render.fitting import fitting
from convcalc.render.heading import heading, shapes
from convcalc.render.report import Fitted, Records, Report, Table
from convcalc.words import counted, grouped, quoted, sizes

FORMAT = "convcalc.receptive_field/1"
#: Behind the size of a layer where paths meet that are centred otherwise, and of all that follow.
NOT_ALIGNED = "*"
#: What stands for an axis that is seen whole, and for one that has no bound.
_ALL, _NONE = "all", "none"


class Found(NamedTuple):
    """The receptive fields of a network; `since` is the layer that they are looked for in."""

    graph: Graph
    fields: ReceptiveFields
    since: str | None = None


def report(found: Sequence[Found]) -> Report:
    """A row a layer, for each network."""

    def objects() -> list[dict[str, Any]]:
        return [
            {
                "format": FORMAT,
                **each.graph.to_dict(),
                **({} if each.since is None else {"from": each.since}),
                "layers": [as_json(field) for field in each.fields],
            }
            for each in found
        ]

    def lines() -> Iterator[Mapping[str, Any]]:
        for each in found:
            for field in each.fields:
                yield _lead(found, each) | as_json(field)

    def rows() -> Iterator[list[Any]]:
        for each in found:
            lead = list(_lead(found, each).values())
            for field in each.fields:
                yield [*lead, *(column.read(field) for column in _COLUMNS), *_said(field)]

    header = [*_lead(found, found[0]), *(column.key for column in _COLUMNS), "aligned", "global"]
    return Report(
        objects,
        lines,
        lambda: Records(header, rows()),
        lambda: [_table(each, None, _COLUMNS[1:], False) for each in found],
        fitted=[_fitted(each) for each in found],
    )


def _lead(found: Sequence[Found], each: Found) -> dict[str, Any]:
    """Which network a row is of, where there are several."""
    return {"network": each.graph.preset or each.graph.name} if len(found) > 1 else {}


def as_json(field: ReceptiveField) -> dict[str, Any]:
    """A layer's as JSON has it: whole numbers, and fractions as text."""
    is_global = field.is_global
    figures = {
        key: None if is_global else [_number(value) for value in getattr(field, key)]
        for key in ("size", "stride", "padding", "centre")
    }
    phases = field.phases
    return {
        "name": field.name,
        "type": field.type,
        **figures,
        "aligned": field.aligned,
        "global": is_global,
        "phases": None if phases is None else [_listed(axis) for axis in phases],
        "exact": field.is_exact,
    }


def _number(value: Number | None) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)


def _listed(phases: Sequence[Sequence[int]] | None) -> list[list[int]] | None:
    return None if phases is None else [list(cells) for cells in phases]


def _said(field: ReceptiveField) -> tuple[str, str]:
    return tuple("true" if truth else "false" for truth in (field.aligned, field.is_global))  # type: ignore[return-value]


def _axes(key: str, title: str) -> Column:
    """A column of a figure that each axis has."""

    def read(field: ReceptiveField) -> str | None:
        if field.is_global:
            return None
        words = []
        for span, value in zip(field.spans, getattr(field, key)):
            words.append(_ALL if span is None else _NONE if value is None else str(value))
        return sizes(words)

    def show(value: str | None, si: bool) -> str:
        if value is None:
            return "global" if key == "size" else ""
        words = value.split("x")
        return words[0] if len(set(words)) == 1 else "×".join(words)

    def mark(field: ReceptiveField) -> str:
        return "" if field.aligned else NOT_ALIGNED

    return Column(key, title, read, numeric=True, show=show, mark=mark if key == "size" else None)


_COLUMNS = (
    Column("name", "Layer", lambda field: field.name),
    Column("type", "Type", lambda field: field.type),
    Column(
        "output_shape",
        "Output",
        lambda field: " ".join(map(sizes, field.output_shapes)),
        show=lambda value, si: value.replace("x", "×"),
    ),
    _axes("size", "Receptive field"),
    _axes("stride", "Stride"),
    _axes("padding", "Padding"),
    _axes("centre", "Centre"),
)


def _table(found: Found, labels: Sequence[str] | None, kept: Sequence[Column], si: bool) -> Table:
    """A row a layer; its names are `labels`, where those are given."""
    fields = found.fields
    names = [field.name for field in fields] if labels is None else labels

    def rows() -> Iterator[tuple[str, ...]]:
        for name, field in zip(names, fields):
            yield (name, *(column.text(field, si) for column in kept))

    header = (_COLUMNS[0].title, *(column.title for column in kept))
    numeric = (False, *(column.numeric for column in kept))
    return Table(heading(found.graph), header, numeric, rows, (), legend(found))


def _fitted(found: Found) -> Fitted:
    def fit(columns: int, lines: int) -> Sequence[Table]:
        labels = [field.name for field in found.fields]
        make = lambda names, kept, si: _table(found, names, kept, si)  # noqa: E731
        return fitting(labels, _COLUMNS[1:], make, columns, False)

    return fit


def legend(found: Found) -> tuple[str, ...]:
    """What the numbers mean."""
    fields = found.fields
    of = "the input" if found.since is None else quoted(found.since)
    lines = [
        f"input {shapes(found.graph)}; one number stands for every axis.",
        f"Cell y of a layer sees the cells of {of} from y·stride − padding on, as many as the"
        " receptive field has; centre is the middle of what cell 0 sees.",
    ]
    if any(field.is_global for field in fields):
        lines.append(f"global: every cell sees all that reaches it of {of}.")
    words = {_ALL: False, _NONE: False}
    for field in fields:
        if not field.is_global:
            words[_ALL] |= None in field.spans
            words[_NONE] |= any(span is not None and span.stride is None for span in field.spans)
    if words[_ALL]:
        lines.append(f"{_ALL}: every cell sees the whole axis.")
    if words[_NONE]:
        lines.append(f"{_NONE}: paths have met that move on at different rates, without a bound.")
    if not all(field.aligned for field in fields):
        lines.append(f"{NOT_ALIGNED} not aligned: paths have met that are centred otherwise.")
    inexact = sum(not field.is_exact for field in fields)
    if inexact:
        lines.append(
            f"The exact sets of {counted(inexact, 'layer')} are not worked out, which have more"
            f" than {grouped(MOST_CELLS)} cells."
        )
    return tuple(lines)
