"""Bytes moved: what a network reads and writes as it runs, each tensor once a step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

    def run(self, graph: Graph, settings: Settings) -> Iterable[tuple[int]]:
        found = None if settings.is_fused else _of_plain(graph, settings)
        return _of_any(graph, settings) if found is None else found


def _of_any(graph: Graph, settings: Settings) -> Iterator[tuple[int]]:
    """What each node moves, 0 where it is no step."""
    steps, moved, _ = traffic(graph, settings)
    of_nodes = dict(zip([step.node for step in steps], moved))
    for index in range(len(graph.nodes)):
        yield (of_nodes.get(index, 0),)


def _of_plain(graph: Graph, settings: Settings) -> list[tuple[int]] | None:
    """The same where nothing vanishes, in a fraction of the time: equal layers move the same.

    None where a layer has a type of its own, a learned tensor enters one, or one tensor twice.
    """
    size, batch = size_of(settings.dtype), settings.batch
    known: dict[int, tuple[int]] = {}
    found = []
    for node in graph.nodes:
        placed = node.placed
        moved = known.get(id(placed))
        if moved is None:
            storage = placed.storage
            if storage is Storage.WEIGHT:
                return None
            weights = sum([tensor.size for tensor in placed.tensors])
            passed = sum([shape.size for shape in (*placed.inputs, *placed.outputs)])
            whole = 0 if storage is Storage.VIEW else size * (weights + batch * passed)
            moved = known[id(placed)] = (whole,)
        if node.dtype is not None:
            return None
        if len(node.inputs) > 1 and not _are_apart(graph, node):
            return None
        found.append(moved)
    return found


def _are_apart(graph: Graph, node: Node) -> bool:
    """Whether what enters a node is as many tensors, none of which may be a view of another."""
    tensors = {tensor[:2] for tensor in node.inputs}
    makers = [tensor.node for tensor in node.inputs]
    views = [at for at in makers if at >= 0 and graph.nodes[at].placed.storage is Storage.VIEW]
    return len(tensors) == len(makers) and not views
