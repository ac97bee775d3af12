"""Receptive fields as a report: a row a layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from convcalc.graph import Graph
from convcalc.reach import MOST_CELLS, Number, Reach, as_whole
from convcalc.receptive_field import Jump, ReceptiveField, ReceptiveFields, Way
from convcalc.render.column import Column
from convcalc.render.fitting import fitting
from convcalc.render.heading import heading, shapes
from convcalc.render.report import Fitted, Records, Report, Table
from convcalc.visible import cut_inside
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
                yield [*lead, *_record(field)]

    header = [*_lead(found, found[0]), *_RECORD]
    return Report(
        objects,
        lines,
        lambda: Records(header, rows()),
        lambda: [_table(each, None, _COLUMNS[1:], False) for each in found],
        fitted=[_fitted(each) for each in found],
    )


def explained(way: Way, found: Found) -> Report:
    """How the receptive field of one layer comes about, jump by jump."""

    def objects() -> list[dict[str, Any]]:
        jumps = [_without(as_json(jump.field), "phases", "exact") for jump in way.jumps]
        (whole,) = report([found]).objects()
        return [{**whole, "path": jumps}]

    def records() -> Records:
        return Records(_RECORD, [_record(jump.field) for jump in way.jumps])

    def tables() -> list[Table]:
        return [*_jumps(way, found), *_phases(way.field)]

    def fitted(columns: int, lines: int) -> list[Table]:
        jumps = (_on_screen(table, columns) for table in _jumps(way, found))
        return [*(table for tables in jumps for table in tables), *_phases(way.field)]

    return Report(objects, lambda: objects()[0]["path"], records, tables, fitted=[fitted])


def _on_screen(table: Table, columns: int) -> list[Table]:
    """A table of jumps on a screen of so many columns."""
    rows = [*table.rows()]

    def make(labels: Sequence[str], kept: Sequence[Column], si: bool) -> Table:
        cells = [(name, *(each.read(row) for each in kept)) for name, row in zip(labels, rows)]
        header = (table.header[0], *(each.title for each in kept))
        numeric = (table.numeric[0], *(each.numeric for each in kept))
        return table._replace(header=header, numeric=numeric, rows=lambda: cells)

    places = range(1, len(table.header))
    titles = zip(places, table.header[1:])
    kept = [
        Column(title, title, itemgetter(place), numeric=table.numeric[place])
        for place, title in titles
    ]
    return fitting([row[0] for row in rows], kept, make, columns, False, cut_inside)


def _without(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


def _jumps(way: Way, found: Found) -> Iterator[Table]:
    """A table of the jumps, for each axis that has its own."""
    tables: dict[tuple[tuple[str, ...], ...], list[int]] = {}
    for axis in range(len(way.field.spans)):
        rows = tuple(_jump(jump, axis) for jump in way.jumps)
        tables.setdefault(rows, []).append(axis + 1)
    title = f"{heading(found.graph)} {way.field.name}"
    legends = legend(found, is_of_axis=True)
    if not tables:
        yield _of_rows(title, (), legends)
    for place, (rows, axes) in enumerate(tables.items(), start=1):
        which = "" if len(tables) == 1 else f", {_named(axes)}"
        said = (*legends, *_JUMPS) if place == len(tables) else ()
        yield _of_rows(f"{title}{which}", rows, said)


def _of_rows(title: str, rows: Sequence[tuple[str, ...]], said: tuple[str, ...]) -> Table:
    header = ("Layer", "Reads", "Adds", "Field", "Stride", "Padding")
    numeric = (False, False, False, True, True, True)
    return Table(title, header, numeric, lambda: rows, (), said)


_JUMPS = (
    "Reads: k cells, d apart, with p cells before the first, on to the next by s. Adds: the stride"
    " before, times those between the first and the last that is read.",
)


def _jump(jump: Jump, axis: int) -> tuple[str, ...]:
    """A jump on one axis: what is read there, and what that adds."""
    before, rules = jump.entering[axis], jump.rules[axis]
    after = jump.field.spans[axis]
    is_met = jump.others > 0
    reads = f"joins {jump.others + 1} paths" if is_met else "all"
    adds = ""
    if rules is not None and before is not None and before.stride is not None:
        reads = ", then ".join([*map(_read, rules), *([reads] if is_met else [])])
        if len(rules) == 1 and not is_met:
            adds = _added(before.stride, rules[0])
    if after is None:
        return jump.field.name, reads, "", "global" if jump.field.is_global else _ALL, "", ""
    figures = (after.size, after.stride, after.padding)
    words = [_NONE if value is None else str(value) for value in figures]
    mark = "" if jump.field.aligned else NOT_ALIGNED
    return jump.field.name, reads or "1", adds, words[0] + mark, *words[1:]


def _read(rule: Reach) -> str:
    """What is read: `k 3, s 2, p 1`; a transposed convolution or an upsampling moves on by 1/s."""
    stride = Fraction(rule.stride, rule.up)
    before = Fraction(rule.before, rule.up)
    words = [f"k {rule.kernel}"]
    words += [f"s {stride}"] if stride != 1 else []
    words += [f"p {before}"] if before else []
    apart = Fraction(rule.dilation, rule.up)
    words += [f"d {apart}"] if apart != 1 else []
    return ", ".join(words)


def _added(stride: Number, rule: Reach) -> str:
    """By how much a rule widens what is seen: `2·(3 − 1) = 4`."""
    if rule.kernel == 1:
        return ""
    apart = Fraction(rule.dilation, rule.up)
    factors = [str(each) for each in (stride, apart) if each != 1]
    sum_ = as_whole(stride * apart * (rule.kernel - 1))
    return f"{'·'.join([*factors, f'({rule.kernel} − 1)'])} = {sum_}"


def _phases(field: ReceptiveField) -> Iterator[Table]:
    """A table of the exact sets where they are not all of the interval; axes alike have one."""
    alike: dict[tuple[Number, tuple[tuple[int, ...], ...]], list[int]] = {}
    for axis, (stride, sets) in enumerate(zip(field.stride, field.phases or ()), start=1):
        if sets is not None and stride is not None:
            alike.setdefault((stride, sets), []).append(axis)
    for (stride, sets), axes in alike.items():
        step = as_whole(Fraction(stride) * len(sets))
        said = f"Exactly; cell y + {len(sets)} sees what cell y does, {step} further on."
        title = _named(axes).capitalize() if len(field.spans) > 1 else ""
        yield _cells(title, sets, said)


def _cells(title: str, sets: Sequence[tuple[int, ...]], said: str) -> Table:
    """Which cells each sees; those that follow one another and see the same are one row."""
    runs: list[tuple[int, int, tuple[int, ...]]] = []
    for y, cells in enumerate(sets):
        if runs and runs[-1][2] == cells:
            runs[-1] = (runs[-1][0], y, cells)
        else:
            runs.append((y, y, cells))
    rows = [(_run(first, last), _runs(cells)) for first, last, cells in runs]
    return Table(title, ("Cell", "Sees"), (True, False), lambda: rows, (), (said,))


def _named(axes: Sequence[int]) -> str:
    """`axis 1`, `axes 2 and 3`."""
    return f"ax{'is' if len(axes) == 1 else 'es'} {' and '.join(map(str, axes))}"


def _run(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}…{last}"


def _runs(cells: Sequence[int]) -> str:
    """Cells with those that follow one another as a run: `0…4, 6`."""
    runs: list[list[int]] = []
    for cell in cells:
        if runs and runs[-1][1] == cell - 1:
            runs[-1][1] = cell
        else:
            runs.append([cell, cell])
    shown = [_run(first, last) for first, last in runs]
    most = shown[:_MOST_RUNS]
    return ", ".join([*most, f"{len(shown) - _MOST_RUNS} runs more"] if shown != most else most)


#: How many runs of cells a table shows of a set.
_MOST_RUNS = 12


def _record(field: ReceptiveField) -> list[Any]:
    """A layer as CSV has it."""
    truths = ["true" if truth else "false" for truth in (field.aligned, field.is_global)]
    return [*(column.read(field) for column in _COLUMNS), *truths]


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
#: The columns of CSV.
_RECORD = (*(column.key for column in _COLUMNS), "aligned", "global")


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
        labels, make = [field.name for field in found.fields], partial(_table, found)
        return fitting(labels, _COLUMNS[1:], make, columns, False, cut_inside)

    return fit


def legend(found: Found, *, is_of_axis: bool = False) -> tuple[str, ...]:
    """What the numbers mean, of all axes or of one alone."""
    fields = found.fields
    of = "the input" if found.since is None else quoted(found.since)
    every = "" if is_of_axis else "; one number stands for every axis"
    centre = "" if is_of_axis else "; centre is the middle of what cell 0 sees"
    lines = [
        f"input {shapes(found.graph)}{every}.",
        f"Cell y of a layer sees the cells of {of} from y·stride − padding on, as many as the"
        f" receptive field has{centre}.",
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
        lines.append(f"{_NONE}: no bound, since paths have met that move on at different rates.")
    if not all(field.aligned for field in fields):
        lines.append(f"{NOT_ALIGNED} not aligned: paths have met that are centred otherwise.")
    inexact = sum(not field.is_exact for field in fields)
    if inexact:
        lines.append(
            f"The exact sets of {counted(inexact, 'layer')} are not worked out, which have more"
            f" than {grouped(MOST_CELLS)} cells."
        )
    return tuple(lines)
