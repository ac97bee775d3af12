"""Bytes moved: what a network reads and writes as it runs, each tensor once a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from convcalc.costs import Figure
from convcalc.dtypes import size_of
from convcalc.graph import Graph, Node
from convcalc.layers.base import Storage
from convcalc.passes.base import Pass, add_pass
from convcalc.steps import Settings, Step, steps_of


class Traffic(NamedTuple):
    """What the steps of a graph move, in bytes, for all samples."""

    steps: tuple[Step, ...]
    #: By step: its weights, what it reads and what it makes, each once.
    moved: tuple[int, ...]
    #: What no way to run it can do without: every weight, what enters the network and is read, and
    #: what is made and leaves it.
    compulsory: int


def traffic(graph: Graph, settings: Settings) -> Traffic:
    """What the steps of a graph move. Raises ConvcalcError for an unknown type of number.

    Weights are read once for all samples. What has vanished into a step moves nothing.
    """
    dtype = settings.dtype
    steps, tensors = steps_of(graph, settings)
    learned = _learned(graph)
    known: dict[tuple[int, str | None], int] = {}

    def weights(node: Node) -> int:
        key = id(node.placed), node.dtype
        if key not in known:
            count = sum([tensor.size for tensor in node.placed.tensors])
            known[key] = count * size_of(node.dtype or dtype)
        return known[key]

    moved = []
    needed: dict[str, int] = {}
    read: set[int] = set()
    for step in steps:
        node = graph.nodes[step.node]
        used = {node.weights_of or node.name: weights(node)}
        for tensor in node.inputs if learned else ():
            if (index := learned.get(tensor.node)) is not None:
                owner = graph.nodes[index]
                used[owner.weights_of or owner.name] = weights(owner)
        needed |= used
        read.update(step.reads)
        passed = sum([tensors[tensor].bytes for tensor in (*step.reads, *step.makes)])
        moved.append(sum(used.values()) + passed)
    ends = sum(
        tensor.bytes
        for index, tensor in enumerate(tensors)
        if (index in read if tensor.maker is None else tensor.leaves)
    )
    return Traffic(steps, tuple(moved), sum(needed.values()) + ends)


def _learned(graph: Graph) -> dict[int, int]:
    """The nodes whose output is a learned tensor, or a view of one, to the one that owns it."""
    found: dict[int, int] = {}
    for index, node in enumerate(graph.nodes):
        storage = node.placed.storage
        if storage is Storage.WEIGHT:
            found[index] = index
        elif storage is Storage.VIEW and node.inputs and node.inputs[0].node in found:
            found[index] = found[node.inputs[0].node]
    return found


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
            meaning="Moved bytes: the weights, inputs and outputs of every layer, once each, as"
            " {dtype}.",
        ),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int]]:
        steps, moved, _ = traffic(graph, settings)
        of_nodes = dict(zip([step.node for step in steps], moved))
        for index in range(len(graph.nodes)):
            yield (of_nodes.get(index, 0),)
