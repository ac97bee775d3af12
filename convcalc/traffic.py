"""Traffic: what a network reads and writes as it runs, each tensor once a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from convcalc.graph import Graph, Node
from convcalc.layers.base import Storage
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
    steps, tensors = steps_of(graph, settings)
    learned = _learned(graph)
    known: dict[tuple[int, str | None], int] = {}

    def weights(node: Node) -> int:
        key = id(node.placed), node.dtype
        if key not in known:
            count = sum([tensor.size for tensor in node.placed.tensors])
            known[key] = count * settings.width_of(node)
        return known[key]

    moved = []
    needed: dict[str, int] = {}
    read: set[int] = set()
    sizes = [tensor.bytes for tensor in tensors]
    for at, _, reads, makes, _ in steps:
        node = graph.nodes[at]
        used = weights(node)
        needed[node.weights_of or node.name] = used
        if learned and (owners := _owners(graph, node, learned)):
            of_owners = {name: weights(owner) for name, owner in owners.items()}
            needed |= of_owners
            used += sum(of_owners.values())
        read.update(reads)
        moved.append(used + sum([sizes[tensor] for tensor in reads + makes]))
    ends = sum(
        tensor.bytes
        for index, tensor in enumerate(tensors)
        if (index in read if tensor.maker is None else tensor.leaves)
    )
    return Traffic(steps, tuple(moved), sum(needed.values()) + ends)


def _owners(graph: Graph, node: Node, learned: Mapping[int, int]) -> dict[str, Node]:
    """The nodes whose learned tensors enter a node, each once, by the name of the owner."""
    entering = [graph.nodes[learned[each.node]] for each in node.inputs if each.node in learned]
    return {owner.weights_of or owner.name: owner for owner in entering}


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
