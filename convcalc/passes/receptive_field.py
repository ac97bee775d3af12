"""How many cells of the input a cell of each layer sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convcalc.costs import Figure, unchanged
from convcalc.graph import Graph
from convcalc.passes.base import Pass, add_pass
from convcalc.receptive_field import Seen, seen_by_nodes
from convcalc.steps import Settings


def last(values: Iterable[int | None]) -> int | None:
    """That of the last layer which has one; None where none has."""
    known: int | None = None
    for value in values:
        known = known if value is None else value
    return known


@add_pass
class ReceptiveField(Pass):
    """The cells along the longest side of what is seen.

    A block's is that of its last layer with such a bound.
    """

    figures = (
        Figure(
            "receptive_field",
            "Receptive field",
            total=last,
            times=unchanged,
            meaning="Receptive field: how many cells of the input a cell of the layer sees along"
            " the longer side; none where it sees all, or where there is no bound. A block's, and"
            " the network's, is that of its last layer with one.",
        ),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int | None]]:
        known: dict[int, tuple[int | None]] = {}
        for seen in seen_by_nodes(graph):
            if id(seen) not in known:
                known[id(seen)] = (_side(seen),)
            yield known[id(seen)]


def _side(seen: Seen | None) -> int | None:
    """The longest side of what is seen; None where an axis has no bound."""
    sides = [span and span.most for span in seen.spans] if seen else []
    bounds = [side for side in sides if side is not None]
    return max(bounds) if bounds and len(bounds) == len(sides) else None
