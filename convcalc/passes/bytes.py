"""Bytes of weights and activations: how much memory a network's numbers take."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.costs import Figure, activations, buffers, common, params, unchanged
from convcalc.dtypes import size_of
from convcalc.graph import Graph
from convcalc.passes.base import Pass, Settings, add_pass


@add_pass
class Bytes(Pass):
    """The bytes of the tensors that a layer owns, running statistics included, and of its outputs.

    Outputs are those of all samples; views of an input count as any output does.
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
            meaning="Activation bytes: what every layer puts out, summed, normalisations and"
            " activations included, as {dtype}; not what is alive at once.",
        ),
        Figure("dtype", "Dtype", total=common, times=unchanged, numeric=False),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int, int, str]]:
        size, dtype = size_of(settings.dtype), settings.dtype
        known: dict[int, tuple[int, int, str]] = {}
        for node in graph.nodes:
            placed = node.placed
            if id(placed) not in known:
                weights = params(placed) + buffers(placed)
                outputs = activations(placed) * settings.batch
                known[id(placed)] = (weights * size, outputs * size, dtype)
            yield known[id(placed)]
