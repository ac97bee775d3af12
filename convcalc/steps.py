"""A graph as it runs: the steps, one after the other, and the tensors that they read and make.

A view (`flatten`, `dropout`) is its input's tensor and no step; a learned tensor (`parameter`) is a
weight. Where a network is fused, a batch norm or an elementwise activation that alone reads what a
convolution or a linear layer makes has vanished into that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.dtypes import size_of
from convcalc.graph import Graph
from convcalc.layers.base import Storage
from convcalc.shape import Shape


class Held(NamedTuple):
    """A tensor that takes memory while it is needed."""

    #: As the rows of an analysis call it: as what makes it, `NAME.1` for a part, or as an input.
    name: str
    #: Its shape, for one sample, and its bytes, for all.
    shape: Shape
    bytes: int
    #: The step that makes it; None for what enters the network.
    maker: int | None
    #: Whether it leaves the network.
    leaves: bool

    @property
    def elements(self) -> int:
        """Its elements, for one sample."""
        return self.shape.size


class Step(NamedTuple):
    """A layer that runs, with those that have vanished into it."""

    #: The index of its node in the graph, and of those of the layers in it.
    node: int
    vanished: tuple[int, ...]
    #: The tensors that it reads, each once, and those that it makes.
    reads: tuple[int, ...]
    makes: tuple[int, ...]
    #: Whether what it makes may take the place of what it reads.
    in_place: bool


class Steps(NamedTuple):
    """The steps of a graph, in an order in which they can run, and all tensors."""

    steps: tuple[Step, ...]
    tensors: tuple[Held, ...]

    def in_order(self, order: Sequence[int]) -> Steps:
        """The same in another order, which has the index of every step once."""
        new = {step: at for at, step in enumerate(order)}
        tensors = [
            held if held.maker is None else held._replace(maker=new[held.maker])
            for held in self.tensors
        ]
        return Steps(tuple([self.steps[step] for step in order]), tuple(tensors))


def steps_of(graph: Graph, batch: int = 1, dtype: str = "float32", is_fused: bool = False) -> Steps:
    """What runs of a graph, on `batch` samples of numbers of a type, in the graph's own order.

    A layer that says its own type makes numbers of that. Raises ConvcalcError for an unknown type.
    """
    sizes: dict[str | None, int] = {None: size_of(dtype)}
    names: list[str] = []
    shapes: list[Shape] = []
    widths: list[int] = []
    makers: list[int | None] = []
    #: The tensor that each output of a node is; None where that is a weight.
    tensor_of: dict[tuple[int, int], int | None] = {}
    for index, (name, shape) in enumerate(graph.inputs.items()):
        tensor_of[-1 - index, 0] = len(names)
        names.append(name)
        shapes.append(shape)
        widths.append(sizes[None])
        makers.append(None)
    read_by = _readers(graph) if is_fused else {}
    #: The step of an absorbing layer whose tensor may still take in what reads it.
    taking: dict[int, int] = {}
    steps: list[Step] = []
    for index, node in enumerate(graph.nodes):
        placed = node.placed
        layer = placed.layer
        storage = placed.storage
        reads = dict.fromkeys(
            [
                tensor
                for node_, part, _ in node.inputs
                if (tensor := tensor_of[node_, part]) is not None
            ]
        )
        if storage is Storage.VIEW or storage is Storage.WEIGHT:
            (tensor,) = reads or (None,)
            if tensor in taking and read_by[node.inputs[0][:2]] != 1:
                del taking[tensor]
            for part in range(len(placed.outputs)):
                tensor_of[index, part] = tensor
            continue
        if node.dtype not in sizes:
            sizes[node.dtype] = size_of(node.dtype or dtype)
        width = sizes[node.dtype]
        if layer.vanishes and len(reads) == 1 and len(node.inputs) == 1:
            (tensor,) = reads
            at = taking.get(tensor)
            if at is not None and read_by.get(node.inputs[0][:2]) == 1:
                step = steps[at]
                steps[at] = step._replace(vanished=(*step.vanished, index))
                widths[tensor] = width
                tensor_of[index, 0] = tensor
                continue
        makes = tuple(range(len(names), len(names) + len(placed.outputs)))
        for part, (tensor, shape) in enumerate(zip(makes, placed.outputs)):
            tensor_of[index, part] = tensor
            names.append(node.name if len(makes) == 1 else f"{node.name}.{part}")
            shapes.append(shape)
            widths.append(width)
            makers.append(len(steps))
        if is_fused and layer.absorbs:
            taking[makes[0]] = len(steps)
        in_place = storage is Storage.IN_PLACE
        steps.append(Step(index, (), tuple(reads), makes, in_place))
    leaving = {tensor_of[node, part] for node, part, _ in graph.outputs}
    held = [
        Held(name, shape, shape.size * width * batch, maker, tensor in leaving)
        for tensor, (name, shape, width, maker) in enumerate(zip(names, shapes, widths, makers))
    ]
    return Steps(tuple(steps), tuple(held))


def _readers(graph: Graph) -> dict[tuple[int, int], int]:
    """How often what each node makes is read, or leaves the network."""
    read_by: dict[tuple[int, int], int] = {}
    for tensors in (*(node.inputs for node in graph.nodes), graph.outputs):
        for node, part, _ in tensors:
            read_by[node, part] = read_by.get((node, part), 0) + 1
    return read_by
