"""A graph as it runs: the steps, one after the other, and the tensors that they read and make.

A view (`flatten`, `dropout`) is its input's tensor and no step; a learned tensor (`parameter`) is a
weight. Where a network is fused, a batch norm or an elementwise activation that alone reads what a
convolution or a linear layer makes has vanished into that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.dtypes import is_fused, size_of
from convcalc.graph import Graph, Node
from convcalc.layers.base import Placed, Storage
from convcalc.shape import Shape, Tensor


class Settings(NamedTuple):
    """How a network runs: samples at a time, and the type of a number.

    `fuse` says whether batch norms and elementwise activations vanish into the convolution or
    linear layer that feeds them; None: as is usual for the type.
    """

    batch: int = 1
    dtype: str = "float32"
    fuse: bool | None = None

    @property
    def is_fused(self) -> bool:
        """Whether batch norms and elementwise activations vanish."""
        return is_fused(self.dtype) if self.fuse is None else self.fuse

    @property
    def width(self) -> int:
        """The bytes of a number. Raises ConvcalcError for an unknown type."""
        return size_of(self.dtype)

    def dtype_of(self, node: Node) -> str:
        """The type of a layer's numbers: its own, or that of the whole network."""
        return node.dtype or self.dtype

    def width_of(self, node: Node) -> int:
        """The bytes of each of a layer's numbers. Raises ConvcalcError for an unknown type."""
        return size_of(node.dtype or self.dtype)


def dtypes_of(graph: Graph, settings: Settings) -> list[str]:
    """The type of each layer's numbers; a view has those of its input, whatever it says itself."""
    found = [settings.dtype_of(node) for node in graph.nodes]
    if any(node.dtype for node in graph.nodes):
        for index, node in enumerate(graph.nodes):
            if node.placed.storage is Storage.VIEW and node.inputs:
                source = node.inputs[0].node
                found[index] = found[source] if source >= 0 else settings.dtype
    return found


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


def steps_of(graph: Graph, settings: Settings) -> Steps:
    """What runs of a graph, in the graph's own order.

    A layer that says its own type makes numbers of that. Raises ConvcalcError for an unknown type.
    """
    fuses, usual = settings.is_fused, settings.width
    names = list(graph.inputs)
    shapes = list(graph.inputs.values())
    #: The elements of each tensor for one sample, the bytes of one, and the step that makes it.
    counts = [shape.size for shape in shapes]
    widths = [usual] * len(names)
    makers: list[int | None] = [None] * len(names)
    #: The tensor that each node makes, or the first of them; None where that is a weight. Inputs
    #: have negative numbers, and so are at the end.
    tensor_of: list[int | None] = [None] * len(graph.nodes) + list(reversed(range(len(names))))
    read_by = _readers(graph) if fuses else {}
    #: The step of an absorbing layer whose tensor may still take in what reads it.
    taking: dict[int, int] = {}
    #: What is asked of each layer that is placed, once.
    known: dict[int, _Asked] = {}
    steps: list[Step] = []
    for index, node in enumerate(graph.nodes):
        placed = node.placed
        asked = known.get(id(placed))
        if asked is None:
            asked = known[id(placed)] = _Asked.of(placed)
        outputs, elements, is_step, in_place, absorbs, vanishes = asked
        inputs = node.inputs
        reads = _tensors(inputs, tensor_of)
        if not is_step:
            tensor = reads[0] if reads else None
            if tensor in taking and read_by[inputs[0][:2]] != 1:
                del taking[tensor]
            tensor_of[index] = tensor
            continue
        width = usual if node.dtype is None else settings.width_of(node)
        if taking and vanishes and len(reads) == 1 and len(inputs) == 1:
            (tensor,) = reads
            at = taking.get(tensor)
            if at is not None and read_by.get(inputs[0][:2]) == 1:
                step = steps[at]
                steps[at] = step._replace(vanished=(*step.vanished, index))
                widths[tensor] = width
                tensor_of[index] = tensor
                continue
        first = tensor_of[index] = len(names)
        if len(outputs) == 1:
            makes: tuple[int, ...] = (first,)
            names.append(node.name)
        else:
            makes = tuple(range(first, first + len(outputs)))
            names += [f"{node.name}.{part}" for part in range(len(outputs))]
        shapes += outputs
        counts += elements
        for _ in makes:
            widths.append(width)
            makers.append(len(steps))
        if fuses and absorbs:
            taking[first] = len(steps)
        steps.append(Step(index, (), reads, makes, in_place))
    leaving = {*_tensors(graph.outputs, tensor_of)}
    bytes = [count * width * settings.batch for count, width in zip(counts, widths)]
    leaves = [tensor in leaving for tensor in range(len(names))]
    held = map(Held, names, shapes, bytes, makers, leaves)
    return Steps(tuple(steps), tuple(held))


class _Asked(NamedTuple):
    """What is asked of a layer that is placed."""

    outputs: tuple[Shape, ...]
    elements: list[int]
    is_step: bool
    in_place: bool
    absorbs: bool
    vanishes: bool

    @classmethod
    def of(cls, placed: Placed) -> _Asked:
        """The answers of a layer."""
        storage, layer = placed.storage, placed.layer
        return cls(
            placed.outputs,
            [shape.size for shape in placed.outputs],
            storage not in (Storage.VIEW, Storage.WEIGHT),
            storage is Storage.IN_PLACE,
            layer.absorbs,
            layer.vanishes,
        )


def _tensors(read: Sequence[Tensor], tensor_of: Sequence[int | None]) -> tuple[int, ...]:
    """What is read, each tensor once and weights left out."""
    if len(read) == 1:  # most layers
        ((node, part, _),) = read
        first = tensor_of[node]
        return () if first is None else (first + part,)
    found = [first + part for node, part, _ in read if (first := tensor_of[node]) is not None]
    return tuple(dict.fromkeys(found))


def _readers(graph: Graph) -> dict[tuple[int, int], int]:
    """How often what each node makes is read, or leaves the network."""
    read_by: dict[tuple[int, int], int] = {}
    for tensors in (*(node.inputs for node in graph.nodes), graph.outputs):
        for node, part, _ in tensors:
            read_by[node, part] = read_by.get((node, part), 0) + 1
    return read_by
