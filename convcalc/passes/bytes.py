"""Bytes of weights and activations: how much memory a network's numbers take."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.costs import Figure, activations, common, unchanged, weight_bytes
from convcalc.dtypes import size_of
from convcalc.graph import Graph
from convcalc.passes.base import Pass, add_pass
from convcalc.steps import Settings, dtypes_of


@add_pass
class Bytes(Pass):
    """The bytes of the tensors that a layer owns, running statistics included, and of its outputs.

    Outputs are those of all samples; a view of an input is no output of its own. A layer that says
    its own type has numbers of that.
    """

    figures = (
        Figure(
            "weight_bytes",
            "Weight bytes",
            unit="B",
            times=unchanged,
            meaning="Weight bytes: parameters and running statistics, as {dtype}.",
        ),
        Figure(
            "activation_bytes",
            "Activation bytes",
            unit="B",
            meaning="Activation bytes: what every layer makes, summed, normalisations and"
            " activations included, views left out, as {dtype}; not what is alive at once.",
        ),
        Figure("dtype", "Dtype", total=common, times=unchanged, numeric=False),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int, int, str]]:
        size_of(settings.dtype)
        known: dict[tuple[int, str], tuple[int, int, str]] = {}
        for node, dtype in zip(graph.nodes, dtypes_of(graph, settings)):
            placed = node.placed
            key = id(placed), dtype
            if key not in known:
                made = activations(placed) * settings.batch * size_of(dtype)
                known[key] = (weight_bytes(node, settings), made, dtype)
            yield known[key]
