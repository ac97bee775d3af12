"""Networks beside each other: totals, their ratios, and the layers that two have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, Literal, NamedTuple

from convcalc.alignment import pairs, said
from convcalc.analysis import Analysis, Row, as_one
from convcalc.costs import FIGURES
from convcalc.frozen import FrozenDict
from convcalc.visible import visible
from convcalc.words import shortened

#: A value of the first network, and that of the other.
Both = tuple[Any, Any]

Change = Literal["same", "changed", "added", "removed"]


class Aligned(NamedTuple):
    """A layer of the first network and the one that stands for it in another.

    None: there is no such layer.
    """

    first: Row | None
    other: Row | None

    @property
    def change(self) -> Change:
        """`added` is in the other alone, `removed` in the first; what differs is `changed`.

        A layer is what it was where its type, its fields, its shapes, its weights and its own costs
        are. Its name may be another, and so may what hangs on the layers around it: what of it is
        alive with others, what it sees of the input.
        """
        if self.first is None:
            return "added"
        if self.other is None:
            return "removed"
        is_same = self.first.type == self.other.type and not (self.config or self.shapes)
        return "same" if is_same and _own(self.first) == _own(self.other) else "changed"

    @property
    def row(self) -> Row:
        """The layer of the other network; of the first where that has none."""
        found = self.first if self.other is None else self.other
        assert found is not None
        return found

    @property
    def config(self) -> dict[str, Both]:
        """The fields that differ, by canonical name, with both values; None: the type has none.

        What the windows are may be said in several ways, and is the same where they are. Empty
        where there is but one layer.
        """
        first, other = self
        if first is None or other is None:
            return {}
        if first.nodes[0].placed.windows == other.nodes[0].placed.windows:
            return _differing(said(first.nodes[0]), said(other.nodes[0]))
        return _differing(first.config, other.config)

    @property
    def shapes(self) -> dict[str, Both]:
        """`input_shapes`, `output_shapes` and `weights` where they differ; empty as above."""
        return {} if None in self else _differing(*[_shapes(each) for each in self if each])

    @property
    def figures(self) -> dict[str, Both]:
        """The figures that differ, by key; those of a layer that is not there are None."""
        first, other = (each.figures.columns() if each else {} for each in self)
        return _differing(first, other)


def _differing(first: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Both]:
    """What two mappings do not have alike; None stands for what one of them lacks."""
    keys = dict.fromkeys((*first, *other))
    both = {key: (first.get(key), other.get(key)) for key in keys}
    return {key: values for key, values in both.items() if values[0] != values[1]}


def _shapes(row: Row) -> dict[str, Any]:
    weights = tuple(row.weights.items())
    return {
        "input_shapes": row.input_shapes,
        "output_shapes": row.output_shapes,
        "weights": FrozenDict(weights),
    }


@cache
def _own_figures() -> frozenset[str]:
    """The figures of a layer that do not hang on the layers around it."""
    from convcalc.passes.bytes import Bytes

    own = {key for key, figure in FIGURES.items() if figure.read is not None}
    return frozenset({*own, "flops", *(figure.key for figure in Bytes.figures)})


def _own(row: Row) -> dict[str, Any]:
    """What a layer costs by itself, and whether its weights are another's."""
    figures = {key: value for key, value in row.figures.items() if key in _own_figures()}
    return {**figures, "borrows": row.is_borrowing}


class Comparison(NamedTuple):
    """Networks beside the first of them."""

    analyses: tuple[Analysis, ...]

    @property
    def ratios(self) -> tuple[Mapping[str, Fraction | None], ...]:
        """Each network's totals by those of the first, figure by figure.

        None where the first has 0 or no total, or one of the two lacks layers of unknown cost.
        """
        first = self.analyses[0].totals
        keys = [key for key in first.columns() if FIGURES[key].numeric]

        def ratio(key: str, analysis: Analysis) -> Fraction | None:
            both = analysis.totals[key], first[key]
            lacks = FIGURES[key].costs and (analysis.totals.unknown or first.unknown)
            return None if lacks or None in both or not both[1] else Fraction(both[0]) / both[1]

        return tuple(
            FrozenDict({key: ratio(key, analysis) for key in keys}) for analysis in self.analyses
        )

    @property
    def variables(self) -> Mapping[str, tuple[Any, ...]]:
        """The variables that several networks have, and not alike; None where one has it not."""
        names = dict.fromkeys(name for each in self.analyses for name in each.variables)
        return FrozenDict(
            {name: values for name in names if (values := self._values(name)) is not None}
        )

    def _values(self, name: str) -> tuple[Any, ...] | None:
        """A variable's value in each network; None where no two of them differ."""
        values = tuple(each.variables.get(name) for each in self.analyses)
        had = [each.variables[name] for each in self.analyses if name in each.variables]
        return values if any(each != had[0] for each in had) else None

    @property
    def has_other_inputs(self) -> bool:
        """Whether the networks differ in their inputs."""
        return any(each.inputs != self.analyses[0].inputs for each in self.analyses)

    def layers(self, index: int = 1) -> tuple[Aligned, ...]:
        """The layers of the first network aligned with those of another, by its place.

        They are in the order of the other; those that it does not have stand where they were.
        """
        return align(self.analyses[0], self.analyses[index])

    def __repr__(self) -> str:
        names = ", ".join(visible(shortened(each.name)) for each in self.analyses[:4])
        more = len(self.analyses) - 4
        return f"<convcalc.Comparison: {names}{f' and {more} more' if more > 0 else ''}>"


def align(first: Analysis, other: Analysis) -> tuple[Aligned, ...]:
    """The layers of one network aligned with those of another; see `Comparison.layers`."""
    nodes = [[row.nodes[0] for row in each.rows] for each in (first, other)]
    partner = {after: before for before, after in pairs(*nodes)}
    paired = {*partner.values()}
    found: list[Aligned] = []

    def gone(start: int) -> None:
        """Add the layers from a place on that the other network does not have."""
        while start < len(first.rows) and start not in paired:
            found.append(Aligned(first.rows[start], None))
            start += 1

    gone(0)
    for index, row in enumerate(other.rows):
        before = partner.get(index)
        found.append(Aligned(None if before is None else first.rows[before], row))
        if before is not None:
            gone(before + 1)
    return tuple(found)


def folded(found: Sequence[Aligned]) -> list[Aligned]:
    """Layers that are aligned, with a row for each block that is wholly new or wholly gone."""
    sizes: dict[Change, Counter[str]] = {"removed": Counter(), "added": Counter()}
    alone: dict[Change, Counter[str]] = {"removed": Counter(), "added": Counter()}
    for each in found:
        for change, row in zip(sizes, each):
            if row is not None:
                sizes[change].update(_blocks(row))
        if each.change in alone:
            alone[each.change].update(_blocks(each.row))

    def block(each: Aligned) -> int | None:
        """How many levels deep the outermost block is that it is new with; None: there is none."""
        change = each.change
        if change not in alone:
            return None
        own = enumerate(_blocks(each.row), 1)
        return next((n for n, name in own if alone[change][name] == sizes[change][name]), None)

    result: list[Aligned | None] = []
    rows: dict[tuple[Change, str], tuple[int, list[Row]]] = {}
    places: dict[tuple[Change, str], int] = {}
    for each in found:
        depth = block(each)
        if depth is None:
            result.append(each)
            continue
        key = each.change, [*_blocks(each.row)][depth - 1]
        if key not in rows:
            rows[key] = depth, []
            places[key] = len(result)
            result.append(None)
        rows[key][1].append(each.row)
    for key, (depth, own) in rows.items():
        one = as_one(own, depth)
        result[places[key]] = Aligned(None, one) if key[0] == "added" else Aligned(one, None)
    return [each for each in result if each is not None]


def _blocks(row: Row) -> Iterator[str]:
    """The names of the groups that a layer is in, outermost first."""
    path = ""
    for group in row.groups:
        path += f".{group.name}" if path else group.name
        yield path
