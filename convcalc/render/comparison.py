"""Networks beside the first of them, as a report: totals, ratios, what differs, and the layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from convcalc.comparison import Aligned, Comparison, folded
from convcalc.costs import FIGURES
from convcalc.diagnostics import fail
from convcalc.render import column as base
from convcalc.render import columns as layer_columns
from convcalc.render.column import Column, unknown
from convcalc.render.fitting import fitting
from convcalc.render.heading import as_setting, heading, shapes
from convcalc.render.numbers import as_number, digits
from convcalc.render.report import Records, Report, Table
from convcalc.visible import cut as cut_behind
from convcalc.visible import cut_inside
from convcalc.words import PARTIAL, counted, listed, sizes

FORMAT = "convcalc.comparison/1"

#: The figures that are compared unless others are asked for.
_DEFAULT = ("params", "macs")


def known() -> dict[str, Column]:
    """The columns of figures that networks are compared by, by key."""
    found = layer_columns.known()
    return {key: found[key] for key, figure in FIGURES.items() if figure.column and figure.numeric}


def chosen(
    keys: str | None, convention: str = "exact", dtype: str | None = None, fuse: bool | None = None
) -> list[Column]:
    """The columns of a comma-separated list; unless there is one, those that are usual.

    Raises ConvcalcError for one that there is not, and where none shows what is asked for.
    """
    columns = known()

    def find(name: str) -> Column:
        found = layer_columns.find(name) if name.lower() not in columns else columns[name.lower()]
        if found.key not in columns:
            raise unknown(name, columns)
        return found

    heard: list[tuple[str, bool, list[str], Collection[str]]] = [
        ("convention", convention != "exact", ["flops"], ()),
        ("dtype", dtype is not None, ["weight_bytes"], layer_columns.of_dtype()),
        ("fuse", fuse is not None, ["live_bytes", "moved_bytes"], layer_columns.of_steps()),
    ]
    added = [added[0] for _, is_asked, added, _ in heard if is_asked]
    found = base.chosen(keys, [*_DEFAULT, *added], find)
    for option, is_asked, added, shown in heard:
        if is_asked and {*added, *shown}.isdisjoint(each.key for each in found):
            message = f"no column of --columns shows what `--{option}` is for"
            raise fail("usage", message, f"add {listed(added, 3, 'or')}")
    return found


def report(
    comparison: Comparison,
    specs: Sequence[str],
    columns: Sequence[Column],
    has_layers: bool = False,
    si: bool = False,
) -> Report:
    """A row a network, with its figures and their ratios to the first.

    `specs` are what the networks are of. With `has_layers` there are also the layers that are not
    as in the first; rows for programs are these.
    """
    names = _names(comparison, specs)
    convention = comparison.analyses[0].convention
    columns = [each._replace(title=layer_columns.title_of(each, convention)) for each in columns]
    others = [*enumerate(comparison.analyses)][1:]
    aligned: dict[int, tuple[Aligned, ...]] = {}

    def layers(index: int) -> tuple[Aligned, ...]:
        if index not in aligned:
            aligned[index] = comparison.layers(index)
        return aligned[index]

    def differences() -> Iterator[tuple[int, Aligned]]:
        for index, _ in others:
            yield from ((index, each) for each in layers(index) if each.change != "same")

    def lines() -> Iterator[Mapping[str, Any]]:
        if has_layers:
            return (to_dict(*each) for each in differences())
        pairs = zip(_networks(comparison, specs), _ratios(comparison))
        return ({**network, "ratios": ratios} for network, ratios in pairs)

    def objects() -> list[dict[str, Any]]:
        found = _head(comparison, specs)
        return [{**found, "layers": [*lines()]} if has_layers else found]

    def records() -> Records:
        if has_layers:
            return _layer_records(names, columns, differences())
        return _network_records(comparison, names, specs, columns)

    def tables(width: int | None = None) -> list[Table]:
        found = _whole(comparison, names, columns, si, width)
        for index, _ in others if has_layers else ():
            title = f"{names[0]} → {names[index]}"
            if all(each.change == "same" for each in layers(index)):
                said = f"All layers of {names[index]} are as in {names[0]}."
                found[-1] = found[-1]._replace(legend=(*found[-1].legend, said))
            else:
                found += _layers(title, layers(index), columns, si, width)
        return found

    return Report(objects, lines, records, tables, fitted=[lambda width, height: tables(width)])


def _names(comparison: Comparison, specs: Sequence[str]) -> list[str]:
    """What tables call each network: as other answers do, and by its SPEC where that is not all."""
    common = _common(comparison)
    titles = [heading(each.graph, unsaid=common) for each in comparison.analyses]
    return [
        spec if titles.count(title) > 1 and specs.count(spec) == 1 else title
        for spec, title in zip(specs, titles)
    ]


def _common(comparison: Comparison) -> dict[str, Any]:
    """The variables that are set in all networks, and to the same."""
    first, *others = [each.graph.settings for each in comparison.analyses]
    return {
        name: value
        for name, value in first.items()
        if all(name in each and each[name] == value for each in others)
    }


# What programs read


def _head(comparison: Comparison, specs: Sequence[str]) -> dict[str, Any]:
    """What JSON has but for the layers; see docs/json.md."""
    first = comparison.analyses[0]
    return {
        "format": FORMAT,
        "batch": first.batch,
        "fuse": first.fuse,
        "convention": {"name": first.convention.name, "unit": first.convention.unit},
        "networks": _networks(comparison, specs),
        "ratios": _ratios(comparison),
        "changed": {name: list(values) for name, values in comparison.variables.items()},
    }


def _networks(comparison: Comparison, specs: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"spec": spec, **each.graph.to_dict(), "totals": each.totals.columns()}
        for spec, each in zip(specs, comparison.analyses)
    ]


def _ratios(comparison: Comparison) -> list[dict[str, Any]]:
    return [{key: as_number(ratio) for key, ratio in each.items()} for each in comparison.ratios]


def to_dict(network: int, aligned: Aligned) -> dict[str, Any]:
    """A layer as JSON has it, in a network by its place beside the first one's."""
    first, other = aligned
    return {
        "network": network,
        "change": aligned.change,
        "names": [each and each.name for each in (first, other)],
        "types": [each and each.type for each in (first, other)],
        "config": _listed(aligned.config),
        "shapes": _listed(aligned.shapes),
        "figures": _listed(aligned.figures),
    }


def _listed(value: Any) -> Any:
    """A value as JSON has it: tuples are lists."""
    if isinstance(value, Mapping):
        return {name: _listed(each) for name, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, (list, tuple)) else value


def _network_records(
    comparison: Comparison,
    names: Sequence[str],
    specs: Sequence[str],
    columns: Sequence[Column],
) -> Records:
    """A row a network."""
    variables = comparison.variables
    header = ["network", "spec", "preset", *(f"variables.{name}" for name in variables), "input"]
    header += [key for each in columns for key in (each.key, f"{each.key}_ratio")]

    def rows() -> Iterator[Sequence[Any]]:
        ratios = _ratios(comparison)
        for at, each in enumerate(comparison.analyses):
            figures = ((each.totals[c.key], ratios[at][c.key]) for c in columns)
            own = [_cell(values[at]) for values in variables.values()]
            input = " ".join(map(sizes, each.inputs.values()))
            yield [
                names[at],
                specs[at],
                each.preset,
                *own,
                input,
                *(f for two in figures for f in two),
            ]

    return Records(header, rows())


def _layer_records(
    names: Sequence[str], columns: Sequence[Column], found: Iterator[tuple[int, Aligned]]
) -> Records:
    """A row a layer that is not as it was."""
    keys = [each.key for each in columns]
    two = ("name", "type", "output_shape", *keys)
    header = ["network", "change", *(f"{key}_{which}" for key in two for which in _WHICH)]

    def rows() -> Iterator[Sequence[Any]]:
        for index, aligned in found:
            cells = [
                [layer_columns.find(key).read(row) if row else None for row in aligned]
                for key in two
            ]
            yield [names[index], aligned.change, *(cell for both in cells for cell in both)]

    return Records(header, rows())


#: What the columns of the two layers of a row end in.
_WHICH = ("first", "other")


def _cell(value: Any) -> Any:
    """A variable's value in a cell; a number stays one."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number or value is None else as_setting(value)


# What people read


def _fitted(
    labels: Sequence[str], kept: Sequence[Column], make: Any, width: int | None, si: bool
) -> list[Table]:
    """The tables for a screen; without one, a table as wide as it needs."""
    if width is None:
        return [make(labels, kept, si)]
    return fitting(labels, kept, make, width, si, cut_inside)


def _table(title: str, lead: str, rows: Sequence[Any], legend: Sequence[str]) -> Any:
    """Makes tables of rows with a label each, of columns that `fitting` chooses."""

    def make(labels: Sequence[str], kept: Sequence[Column], si: bool) -> Table:
        def lines() -> Iterator[tuple[str, ...]]:
            for label, row in zip(labels, rows):
                yield label, *(column.text(row, si) for column in kept)

        header = (lead, *(column.title for column in kept))
        numeric = (False, *(column.numeric for column in kept))
        return Table(title, header, numeric, lines, (), tuple(legend))

    return make


def _whole(
    comparison: Comparison,
    names: Sequence[str],
    columns: Sequence[Column],
    si: bool,
    width: int | None,
) -> list[Table]:
    """A row a network: its totals, and beside each its ratio to the first network's."""
    analyses, ratios = comparison.analyses, comparison.ratios
    rows = [*zip(analyses, ratios)]
    kept = [each for column in columns for each in _with_ratio(column)]
    keys = [column.key for column in columns]
    first = analyses[0]
    said = "one input" if first.batch == 1 else f"a batch of {first.batch:,}"
    legend = [*_differing(comparison)]
    if common := _common(comparison):
        all_at = (f"{name}={as_setting(value)}" for name, value in common.items())
        legend.append(f"All at {', '.join(all_at)}.")
    legend.append(f"Ratios are to the first network; operations are for {said}.")
    if "flops" in keys:
        convention = first.convention
        legend.append(
            f"{convention.unit} as `{convention.name}` counts them: {convention.summary}."
        )
    legend += layer_columns.meanings({*keys} - {"macs"}, first.totals.dtype, first.fuse)
    lacking = [name for name, each in zip(names, analyses) if each.totals.unknown]
    if lacking:
        legend.append(f"Totals of {listed(lacking, 6)} lack layers of unknown cost (?).")
    make = _table("", "Network", rows, legend)
    return _fitted(names, kept, make, width, si)


def _with_ratio(column: Column) -> tuple[Column, Column]:
    """The columns of a figure, and of its ratio."""
    key = column.key

    def mark(row: Any) -> str:
        return PARTIAL if column.costs and row[0].totals.are_partial else ""

    number = column._replace(
        read=lambda row: row[0].totals[key],
        mark=mark,
    )
    return number, Column(
        f"{key}_ratio", "Ratio", lambda row: row[1][key], numeric=True, show=_as_ratio
    )


def _as_ratio(value: Fraction | None, si: bool) -> str:
    return "" if value is None else f"{digits(value)}×"


def _differing(comparison: Comparison) -> Iterator[str]:
    """What a legend says of the variables that are not the same in all networks, and of inputs."""
    joiner = " → " if len(comparison.analyses) == 2 else ", "
    for name, values in comparison.variables.items():
        shown = ["–" if value is None else as_setting(value) for value in values]
        yield f"{name}: {joiner.join(shown)}."
    if comparison.has_other_inputs:
        yield f"Input: {joiner.join(shapes(each.graph) for each in comparison.analyses)}."


def _layers(
    title: str,
    found: Sequence[Aligned],
    columns: Sequence[Column],
    si: bool,
    width: int | None,
) -> list[Table]:
    """A row a layer that is not as in the first network: what it was, and what it is now."""
    rows = [each for each in folded(found) if each.change != "same"]
    counts = Counter(each.change for each in found)
    said = [f"{counts[change]:,} {change}" for change in ("added", "removed", "changed")]
    legend = [f"Layers: {', '.join(said)}; {counts['same']:,} as they were."]
    kept = [
        Column("change", "Change", lambda row: row.change),
        Column("config", "Fields", lambda row: _config(row)),
        Column("output_shape", "Output", lambda row: _output(row)),
        *map(_difference, columns),
    ]
    kept = [each for each in kept if each.numeric or any(map(each.read, rows))]
    make = _table(title, "Layer", rows, legend)
    labels = [each.row.name for each in rows]
    if width is not None and make(labels, kept, True).width() > width:
        kept = [each._replace(show=_as_brief) if each.key == "config" else each for each in kept]
    return _fitted(labels, kept, make, width, si)


def _config(aligned: Aligned) -> str:
    """The fields that are not what they were, each with what it was; the type, where it is not."""
    first, other = aligned
    if first is None or other is None:
        layers = aligned.row.layers
        return "" if aligned.row.depth is None else counted(layers, "layer")
    if first.type != other.type:
        return f"{first.type} → {other.type}"
    return ", ".join(
        f"{name} {_setting(before)} → {_setting(now)}"
        for name, (before, now) in aligned.config.items()
    )


#: What fields take at the most where they would need a screen of their own.
_BRIEF = 24


def _as_brief(text: str, si: bool) -> str:
    return cut_behind(text, _BRIEF)


def _setting(value: Any) -> str:
    if isinstance(value, (list, tuple)) and all(isinstance(each, int) for each in value):
        return "×".join(map(str, value))
    return "" if value is None else as_setting(value)


def _output(aligned: Aligned) -> str:
    """What a layer makes: its shapes, with what they were where these are others."""
    both = dict.fromkeys(
        " ".join(map(str, each.output_shapes)) for each in aligned if each is not None
    )
    return " → ".join(both)


def _difference(column: Column) -> Column:
    """How much more a layer has of a figure than it had; of one that is new or gone, all of it."""
    key = column.key

    def read(row: Aligned) -> Any:
        first, other = ((each.figures[key] if each else 0) for each in row)
        return None if None in (first, other) else other - first

    return column._replace(read=read, mark=None, show=_as_difference(column))


def _as_difference(column: Column) -> Any:
    def show(value: Any, si: bool) -> str:
        return column.show(value, si) if not value or value < 0 else f"+{column.show(value, si)}"

    return show
