"""Bytes moved: what each layer reads and writes as it runs."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.costs import Figure
from convcalc.graph import Graph
from convcalc.passes.base import Pass, add_pass
from convcalc.steps import Settings
from convcalc.traffic import traffic


@add_pass
class Moved(Pass):
    """The bytes that a layer reads and writes: its weights, its inputs and its outputs, once.

    A view moves nothing; nor does what has vanished into the layer before it.
    """

    figures = (
        Figure(
            "moved_bytes",
            "Moved bytes",
            unit="B",
            of_steps=True,
            meaning="Moved bytes: the weights, inputs and outputs of every layer, once each, as"
            " {dtype}.",
        ),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int]]:
        (steps, _), moved = traffic(graph, settings)
        of_nodes = dict(zip([step.node for step in steps], moved))
        for index in range(len(graph.nodes)):
            yield (of_nodes.get(index, 0),)
