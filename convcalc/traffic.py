"""Traffic: what a network reads and writes as it runs, each tensor once a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from convcalc.graph import Graph, Node
from convcalc.layers.base import NOTHING, Placed, Storage
from convcalc.steps import Settings, Steps, steps_of


class Traffic(NamedTuple):
    """What the steps of a graph move, in bytes, for all samples."""

    steps: Steps
    #: By step: its weights, what it reads and what it makes, each once.
    moved: tuple[int, ...]


def traffic(graph: Graph, settings: Settings) -> Traffic:
    """What the steps of a graph move. Raises ConvcalcError for an unknown type of number.

    Weights are read once for all samples. What has vanished into a step moves nothing.
    """
    found = steps_of(graph, settings)
    steps, tensors = found
    learned, weights = _learned(graph), _Weights(graph, settings)
    moved = []
    sizes = [tensor.bytes for tensor in tensors]
    for at, _, reads, makes, _ in steps:
        node = graph.nodes[at]
        used = weights.bytes(node)
        if learned:
            entering = [learned[each.node] for each in node.inputs if each.node in learned]
            owners = {weights.owner(graph.nodes[index]).name: index for index in entering}
            used += sum([weights.bytes(graph.nodes[index]) for index in owners.values()])
        moved.append(used + sum([sizes[tensor] for tensor in reads + makes]))
    return Traffic(found, tuple(moved))


def compulsory(graph: Graph, settings: Settings, found: Steps) -> int:
    """The bytes that the operations of a graph need, for all samples, each number once.

    They are those of the weights that the layers among the steps compute with; of what enters the
    network, or is a learned tensor, as much as a layer that computes something reads of it, behind
    layers that only move numbers, too; and of what is made and leaves. The tensors of layers that
    do nobody knows what are left out.
    """
    weights = _Weights(graph, settings)
    needed: dict[str, int] = {}
    read = _read(graph)
    for step in found.steps:
        node = graph.nodes[step.node]
        if node.placed.tensors and node.placed.operations is not None:
            needed[weights.owner(node).name] = weights.bytes(node)
    for index, node in enumerate(graph.nodes):
        if node.placed.storage is Storage.WEIGHT:
            owner = weights.owner(node).name
            bytes = read.get((index, 0), 0) * weights.width(node)
            needed[owner] = max(needed.get(owner, 0), bytes)
    width = settings.width * settings.batch
    of_steps = {tensor for step in found.steps for tensor in step.reads}
    entering = width * sum(
        read.get((-1 - place, 0), 0) for place in range(len(graph.inputs)) if place in of_steps
    )
    leaving = sum(held.bytes for held in found.tensors if held.leaves and held.maker is not None)
    return sum(needed.values()) + entering + leaving


class _Weights:
    """The bytes of what layers own or use."""

    def __init__(self, graph: Graph, settings: Settings) -> None:
        self._settings = settings
        lent = {node.weights_of for node in graph.nodes} - {None}
        self._owners = {node.name: node for node in graph.nodes if node.name in lent}
        self._known: dict[tuple[int, int], int] = {}

    def owner(self, node: Node) -> Node:
        """The node that owns what a node computes with."""
        return self._owners.get(node.weights_of or node.name, node)

    def width(self, node: Node) -> int:
        """The bytes of a number: the type is that of the owner."""
        return self._settings.width_of(self.owner(node))

    def bytes(self, node: Node) -> int:
        """What a node's weights take, its own or another's."""
        placed = node.placed
        if not placed.tensors:
            return 0
        width = self.width(node)
        key = id(placed), width
        if key not in self._known:
            self._known[key] = sum([tensor.size for tensor in placed.tensors]) * width
        return self._known[key]


def _learned(graph: Graph) -> Mapping[int, int]:
    """The nodes whose output is a learned tensor, or a view of one, to the one that owns it."""
    found: dict[int, int] = {}
    for index, node in enumerate(graph.nodes):
        storage = node.placed.storage
        if storage is Storage.WEIGHT:
            found[index] = index
        elif storage is Storage.VIEW and node.inputs and node.inputs[0].node in found:
            found[index] = found[node.inputs[0].node]
    return found


def _read(graph: Graph) -> dict[tuple[int, int], int]:
    """The elements of each output, and of each input, that are read at the least, for one sample.

    What leaves the network is read whole.
    """
    # Inputs have negative numbers.
    read = {(node, part): shape.size for node, part, shape in graph.outputs}
    for index in range(len(graph.nodes) - 1, -1, -1):
        node = graph.nodes[index]
        if not node.inputs:
            continue
        unread = 0
        if not _computes(node.placed):
            made = [(part, shape.size) for part, shape in enumerate(node.outputs)]
            unread = sum([size - read.get((index, part), 0) for part, size in made])
        needed = node.layer.needed(node.placed.inputs, node.outputs, unread)
        for (source, part, _), count in zip(node.inputs, needed):
            read[source, part] = max(read.get((source, part), 0), count)
    return read


def _computes(placed: Placed) -> bool:
    """Whether it does more than move numbers."""
    return placed.operations != NOTHING
