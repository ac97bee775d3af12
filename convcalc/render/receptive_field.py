"""Receptive fields as a report: a row a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from operator import itemgetter
from typing import Any, NamedTuple

from convcalc.graph import Graph
from convcalc.reach import MOST_CELLS, Doubt, Number, Reach, Span, as_whole
from convcalc.receptive_field import MOST_LISTED, Jump, ReceptiveField, ReceptiveFields, Way
from convcalc.render.column import Column
from convcalc.render.fitting import Make, fitting
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
    #: Whether rows stand for blocks.
    is_folded: bool = False


def folded(found: Found, depth: int) -> Found:
    """The same with a row for all layers of a block `depth` levels deep: that of its last."""
    groups = {node.name: node.groups for node in found.graph.nodes}
    rows: list[ReceptiveField] = []
    for field in found.fields:
        around = groups[field.name][:depth]
        if len(around) < depth:
            rows.append(field)
            continue
        name = ".".join(group.name for group in around)
        if rows and rows[-1].name == name:
            rows.pop()
        rows.append(field._replace(name=name, type=around[-1].type))
    return found._replace(fields=ReceptiveFields(rows), is_folded=True)


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
        lambda: [_table(each, None, _COLUMNS, False) for each in found],
        fitted=[_fitted(each) for each in found],
    )


def explained(way: Way, found: Found) -> Report:
    """How the receptive field of one layer comes about, jump by jump."""

    def objects() -> list[dict[str, Any]]:
        jumps = [_without(as_json(jump.field), "phases", "exact", "doubts") for jump in way.jumps]
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
        Column(title.lower(), title, itemgetter(place), numeric=table.numeric[place])
        for place, title in titles
    ]
    return _narrowed([row[0] for row in rows], kept, make, columns, _LEFT_OUT_OF_JUMPS)


def _narrowed(
    labels: Sequence[str],
    kept: Sequence[Column],
    make: Make,
    columns: int,
    left_out: Sequence[str],
) -> list[Table]:
    """The table of rows on a screen, one with legible names as far as `left_out` makes it one."""
    whole = make(labels, kept, False)
    legible = labels if whole.width() <= columns else _legible(labels)
    gone: list[str] = []
    for key in left_out:
        if make(legible, kept, False).width() <= columns:
            break
        gone += [each.title for each in kept if each.key == key]
        kept = [each for each in kept if each.key != key]
    *tables, last = fitting(labels, kept, make, columns, False, cut_inside)
    if gone:
        said = f"A wider screen has more columns: {', '.join(reversed(gone))}."
        last = last._replace(legend=(*last.legend, said))
    return [*tables, last]


def _legible(labels: Sequence[str]) -> list[str]:
    """Labels cut as short as they can still be told apart, if that is not too long."""
    different = len({*labels[:_COMPARED]})
    for most in range(_SHORTEST, _LONGEST):
        found = [cut_inside(label, most) for label in labels[:_COMPARED]]
        if len({*found}) == different:
            return [cut_inside(label, most) for label in labels]
    return [cut_inside(label, _LONGEST) for label in labels]


#: What a screen may be too narrow for, the first first: the centre follows from the rest.
_LEFT_OUT = ("centre", "padding", "type")
#: The same of a table of jumps, whose stride is among what each adds.
_LEFT_OUT_OF_JUMPS = ("padding", "stride")
#: Columns of a screen that a name has, and how many names are looked at for that.
_SHORTEST, _LONGEST, _COMPARED = 20, 36, 1000


def _without(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}


def _jumps(way: Way, found: Found) -> Iterator[Table]:
    """A table of the jumps, for each axis that has its own."""
    tables: dict[tuple[tuple[str, ...], ...], list[int]] = {}
    for axis, span in enumerate(way.field.spans):
        rows = tuple(_jump(jump, axis) for jump in way.jumps)
        alone = (way.field.name, "1", "", *_figures(way.field, span))
        tables.setdefault(rows or (alone,), []).append(axis + 1)
    title = f"{heading(found.graph)} {way.field.name}"
    legends = legend(found, way)
    if not tables:
        yield _of_rows(title, ((way.field.name, "all", "", "global", "", ""),), legends)
    for place, (rows, axes) in enumerate(tables.items(), start=1):
        which = "" if len(tables) == 1 else f", {_named(axes)}"
        said = (*legends, *_JUMPS) if place == len(tables) else ()
        yield _of_rows(f"{title}{which}", rows, said)


def _of_rows(title: str, rows: Sequence[tuple[str, ...]], said: tuple[str, ...]) -> Table:
    header = ("Layer", "Reads", "Adds", "Receptive field", "Stride", "Padding")
    numeric = (False, False, False, True, True, True)
    return Table(title, header, numeric, lambda: rows, (), said)


_JUMPS = (
    "Reads: k cells, d apart, with p cells before the first, on to the next by s. Adds: the stride"
    " before, times those between the first and the last that is read. Padding: how far before the"
    " first cell what cell 0 sees begins, all layers taken together.",
)


def _jump(jump: Jump, axis: int) -> tuple[str, ...]:
    """A jump on one axis: what is read there, and what that adds."""
    before, rules = jump.entering[axis], jump.rules[axis]
    is_met = jump.others > 0
    reads = f"joins {jump.others + 1} paths" if is_met else "all"
    adds = ""
    if rules is not None and before is not None and before.stride is not None:
        reads = ", then ".join([*map(_read, rules), *([reads] if is_met else [])])
        if len(rules) == 1 and not is_met:
            adds = _added(before.stride, rules[0])
    return jump.field.name, reads or "1", adds, *_figures(jump.field, jump.field.spans[axis])


def _figures(field: ReceptiveField, span: Span | None) -> tuple[str, str, str]:
    """The interval of one axis, its stride and its padding; `≤` where no cell sees as many."""
    if span is None:
        return "global" if field.is_global else _ALL, "", ""
    mark = "" if field.aligned else NOT_ALIGNED
    if span.stride is None:
        return f"{_NONE}{mark}", "", ""
    is_reached = span.is_least and span.most == span.size
    return f"{'' if is_reached else '≤'}{span.size}{mark}", str(span.stride), str(span.padding)


def _is_copy(rule: Reach) -> bool:
    """Whether each cell sees a single one, and several the same."""
    return rule.kernel == rule.up > 1 and rule.dilation == 1


def _read(rule: Reach) -> str:
    """What is read: `k 3, s 2, p 1`; a transposed convolution or an upsampling moves on by 1/s."""
    stride = Fraction(rule.stride, rule.up)
    if _is_copy(rule):
        return f"1 cell, s {stride}"
    before = Fraction(rule.before, rule.up)
    words = [f"k {rule.kernel}"]
    words += [f"s {stride}"] if stride != 1 else []
    words += [f"p {before}"] if before else []
    apart = Fraction(rule.dilation, rule.up)
    words += [f"d {apart}"] if apart != 1 else []
    return ", ".join(words)


def _added(stride: Number, rule: Reach) -> str:
    """By how much a rule widens what is seen: `2·(3 − 1) = 4`; at the most, where it copies."""
    if rule.kernel == 1:
        return ""
    apart = Fraction(rule.dilation, rule.up)
    sum_ = as_whole(stride * apart * (rule.kernel - 1))
    if _is_copy(rule):
        return f"≤{sum_}"
    factors = [str(each) for each in (stride, apart) if each != 1]
    return f"{'·'.join([*factors, f'({rule.kernel} − 1)'])} = {sum_}"


def _phases(field: ReceptiveField) -> Iterator[Table]:
    """A table of the exact sets where they are not all of the interval; axes alike have one."""
    alike: dict[tuple[Number, tuple[tuple[int, ...], ...]], list[int]] = {}
    for axis, (stride, sets) in enumerate(zip(field.stride, field.phases or ()), start=1):
        if sets is not None and stride is not None:
            alike.setdefault((stride, sets), []).append(axis)
    for (stride, sets), axes in alike.items():
        step = as_whole(Fraction(stride) * len(sets))
        most = field.cells[axes[0] - 1]
        said = (
            f"Exactly, at the most {counted(most or 0, 'cell')} from the first to the last; cell"
            f" y + {len(sets)} sees what cell y does, {step} further on."
        )
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
    figures = [_of_axes(field, key, _decimal) for key in _FIGURES]
    truths = ["true" if truth else "false" for truth in (field.aligned, field.is_global)]
    shapes = " ".join(map(sizes, field.output_shapes))
    return [field.name, field.type, shapes, *(words and sizes(words) for words in figures), *truths]


def _of_axes(field: ReceptiveField, key: str, written: Callable[[Number], str]) -> list[str] | None:
    """A figure on each axis in words; None where all is seen."""
    if field.is_global:
        return None
    words = []
    for span, value in zip(field.spans, getattr(field, key)):
        words.append(_ALL if span is None else _NONE if value is None else written(value))
    return words


def _decimal(value: Number) -> str:
    """A number as CSV has it: where a fraction is no decimal, as a fraction."""
    rest = value.denominator
    for factor in (2, 5):
        while rest % factor == 0:
            rest //= factor
    if value.denominator == 1 or rest > 1:
        return str(value)
    places = 1
    while value.denominator and 10**places % value.denominator:
        places += 1
    whole, part = divmod(abs(value.numerator) * 10**places // value.denominator, 10**places)
    return f"{'-' if value < 0 else ''}{whole}.{part:0{places}}"


def _lead(found: Sequence[Found], each: Found) -> dict[str, Any]:
    """Which network a row is of, where there are several."""
    return {"network": each.graph.preset or each.graph.name} if len(found) > 1 else {}


def as_json(field: ReceptiveField) -> dict[str, Any]:
    """A layer's as JSON has it: whole numbers, and fractions as text."""
    is_global = field.is_global
    figures = {
        key: None if is_global else [_number(value) for value in getattr(field, key)]
        for key in _FIGURES
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
        "doubts": sorted(doubt.value for doubt in field.doubts),
    }


def _number(value: Number | None) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)


def _listed(phases: Sequence[Sequence[int]] | None) -> list[list[int]] | None:
    return None if phases is None else [list(cells) for cells in phases]


def _axes(key: str, title: str) -> Column:
    """A column of a figure that each axis has."""

    def read(field: ReceptiveField) -> str:
        words = _of_axes(field, key, str)
        return "" if words is None else _together(words)

    return Column(key, title, read, numeric=True)


def _cells_seen(field: ReceptiveField) -> str:
    """How many cells are seen, `≤` where they are not worked out and less may be."""
    words = _of_axes(field, "cells", str)
    if words is None:
        return "global"
    # Without a bound there is nothing that may be less.
    known = zip(words, field.is_least)
    return _together([word if least or word == _NONE else f"≤{word}" for word, least in known])


def _together(words: Sequence[str]) -> str:
    """What each axis has, once where it is the same."""
    return words[0] if len(set(words)) == 1 else "×".join(words)


def _not_aligned(field: ReceptiveField) -> str:
    return "" if field.aligned or field.is_global else NOT_ALIGNED


#: The columns of a table behind the names.
_COLUMNS = (
    Column("type", "Type", lambda field: field.type),
    Column("output_shape", "Output", lambda field: " ".join(map(str, field.output_shapes))),
    Column("cells", "Receptive field", _cells_seen, numeric=True, mark=_not_aligned),
    _axes("stride", "Stride"),
    _axes("padding", "Padding"),
    _axes("centre", "Centre"),
)
#: What JSON and CSV have of each axis.
_FIGURES = ("size", "stride", "padding", "centre", "cells")
#: The columns of CSV.
_RECORD = ("name", "type", "output_shape", *_FIGURES, "aligned", "global")


def _table(found: Found, labels: Sequence[str] | None, kept: Sequence[Column], si: bool) -> Table:
    """A row a layer; its names are `labels`, where those are given."""
    fields = found.fields
    names = [field.name for field in fields] if labels is None else labels

    def rows() -> Iterator[tuple[str, ...]]:
        for name, field in zip(names, fields):
            yield (name, *(column.text(field, si) for column in kept))

    header = ("Layer", *(column.title for column in kept))
    numeric = (False, *(column.numeric for column in kept))
    return Table(heading(found.graph), header, numeric, rows, (), legend(found))


def _fitted(found: Found) -> Fitted:
    def fit(columns: int, lines: int) -> Sequence[Table]:
        labels = [field.name for field in found.fields]
        # A long table is measured more than once.
        texts = {each.key: [each.text(field, False) for field in found.fields] for each in _COLUMNS}
        whole = _table(found, (), (), False)

        def make(labels: Sequence[str], kept: Sequence[Column], si: bool) -> Table:
            rows = [*zip(labels, *(texts[each.key] for each in kept))]
            header = ("Layer", *(each.title for each in kept))
            numeric = (False, *(each.numeric for each in kept))
            return whole._replace(header=header, numeric=numeric, rows=lambda: rows)

        return _narrowed(labels, _COLUMNS, make, columns, _LEFT_OUT)

    return fit


def legend(found: Found, way: Way | None = None) -> tuple[str, ...]:
    """What the numbers mean, of all axes, or of one alone on the way to a layer."""
    fields = found.fields
    of = "the input" if found.since is None else quoted(found.since)
    every = "; one number stands for every axis" if way is None else ""
    centre = "; centre is the middle of what cell 0 sees" if way is None else ""
    lines = [
        *([] if fields else [f"No layer sees anything of {of}."]),
        *(["A block's row is that of its last layer."] if found.is_folded else []),
        f"input {shapes(found.graph)}{every}.",
        f"Cell y of a layer sees the cells of {of} from y·stride − padding on, as many as the"
        f" receptive field has{centre}.",
    ]
    if way is None and any(_is_uneven(field) for field in fields):
        lines.append(
            "Cells do not all see as many behind an upsampling: the receptive field is that of the"
            " cell that sees most, and begins no earlier; --layer LAYER has each."
        )
    if any(not all(field.is_least) for field in fields):
        lines.append("≤: at the most so many; a cell may see less.")
    elif way is not None and any(_is_uneven(jump.field) for jump in way.jumps):
        lines.append("≤: at the most so many; no cell sees all of these.")
    if first := next((field.name for field in fields if field.is_global), None):
        since = (way and way.global_since) or first
        lines.append(f"global: every cell sees all that reaches it of {of}, since `{since}`.")
    if fields and not any(field.spans for field in fields):
        lines.append("What is seen there has channels alone, and no axis to be near on.")
    if any(not field.is_global and None in field.spans for field in fields):
        lines.append(f"{_ALL}: every cell sees the whole axis.")
    lines += [f"{_NONE}: {said}." for doubt, said in _NO_BOUND.items() if _has(fields, doubt)]
    if not all(field.aligned for field in fields):
        lines.append(f"{NOT_ALIGNED} not aligned: paths have met that are centred otherwise.")
    if _has(fields, Doubt.MIRRORED):
        lines.append("Cells at a border see others besides, since a pad holds copies of them.")
    inexact = [field for field in fields if not field.is_exact]
    for doubt, said in _INEXACT.items():
        if count := sum(doubt in field.doubts for field in inexact):
            lines.append(f"The exact sets of {counted(count, 'layer')} are not worked out: {said}.")
    return tuple(lines)


def _has(fields: Sequence[ReceptiveField], doubt: Doubt) -> bool:
    return any(doubt in field.doubts for field in fields)


def _is_uneven(field: ReceptiveField) -> bool:
    """Whether cells do not all see as many as the interval has."""
    return field.cells != field.size


#: Why there is no bound.
_NO_BOUND = {
    Doubt.RATES: "no bound, since paths have met that move on at different rates",
    Doubt.AXES: "no bound, since the same axis is seen along two axes, as in a table of scores",
    Doubt.DIGITS: "no bound, since its numbers would have more than 300 digits",
}
#: Why the exact sets are not worked out.
_INEXACT = {
    Doubt.MANY: f"they have more than {grouped(MOST_CELLS)} cells, or those of all together more"
    f" than {grouped(MOST_LISTED)}",
    Doubt.BESIDE: "parts lie beside one another on an axis, and a cell sees one of them",
    Doubt.ROUNDED: "a scale is no number of float32, and some cells are copies of the next one",
}
