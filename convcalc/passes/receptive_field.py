"""How many cells of the input a cell of each layer sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convcalc.arithmetic import greatest, product
from convcalc.costs import Figure, Figures, largest, unchanged
from convcalc.graph import Graph
from convcalc.layers.base import Placed
from convcalc.passes.base import Pass, add_pass
from convcalc.receptive_field import Seen, seen_by_nodes
from convcalc.steps import Settings


def last(values: Iterable[int | None]) -> int | None:
    """That of the last; None where there is none."""
    found: int | None = None
    for value in values:
        found = value
    return found


def _has_own(figures: Figures) -> bool:
    """Whether there is a bound, or there are several cells that could have had one.

    What one cell alone sees says nothing of a network: a global pool, and a classifier behind it.
    """
    return figures["receptive_field"] is not None or figures["positions"] > 1


@add_pass
class ReceptiveField(Pass):
    """The cells along the longest side of what is seen, and how many cells there are to see it.

    A block's is that of its last layer of more than one cell.
    """

    figures = (
        Figure(
            "receptive_field",
            "Receptive field",
            total=last,
            times=unchanged,
            counts=_has_own,
            meaning="Receptive field: how many cells of the input a cell of the layer sees along"
            " the longer side, at the most; none where it sees all, or where there is no bound. A"
            " block's, and the network's, is that of its last layer of more than one cell.",
        ),
        Figure("positions", "Positions", total=largest, times=unchanged, column=False),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int | None, int]]:
        sides: dict[int, int | None] = {}
        positions: dict[int, int] = {}
        for node, seen in zip(graph.nodes, seen_by_nodes(graph)):
            if seen is None:
                yield None, 0
                continue
            if id(seen) not in sides:
                sides[id(seen)] = _side(seen)
            if id(node.placed) not in positions:
                positions[id(node.placed)] = _positions(node.placed)
            yield sides[id(seen)], positions[id(node.placed)]


def _positions(placed: Placed) -> int:
    """The cells of its outputs, channels aside."""
    cells: int = greatest([product(shape[1:]) for shape in placed.outputs])
    return cells


def _side(seen: Seen) -> int | None:
    """The longest side of what is seen; None where an axis has no bound."""
    sides = [span and span.most for span in seen.spans]
    bounds = [side for side in sides if side is not None]
    return greatest(bounds) if bounds and len(bounds) == len(sides) else None
