"""The graph: every layer with its inputs and shapes, in the order it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.layers.base import Layer
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.analysis import Analysis


class Tensor(NamedTuple):
    """What a layer, or the network's input, hands on.

    `node` is the index of the layer, negative for an input (-1 the first); `part` counts the
    outputs of a layer that has several.
    """

    node: int
    part: int
    shape: Shape


class Group(NamedTuple):
    """A block or a named structure that a node is in: its name there, and its type."""

    name: str
    type: str


class Node(NamedTuple):
    """One layer, its per-axis fields spread over the axes of its input."""

    name: str
    layer: Layer
    inputs: tuple[Tensor, ...]
    outputs: tuple[Shape, ...]
    #: The groups that it is in, outermost first; their names and the node's own make up `name`.
    groups: tuple[Group, ...] = ()
    functional: bool = False

    @property
    def type(self) -> str:
        """The layer type."""
        return self.layer.type

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shapes of the inputs."""
        return tuple(tensor.shape for tensor in self.inputs)


class Graph(NamedTuple):
    """A network: its nodes, in an order in which every input comes before its use."""

    name: str
    source: str
    inputs: dict[str, Shape]
    nodes: tuple[Node, ...]
    outputs: tuple[Tensor, ...]
    preset: str | None
    variables: dict[str, Any]

    def tensor_name(self, tensor: Tensor) -> str:
        """A tensor's name in results: its layer's, `NAME.1` for a part, or an input's."""
        if tensor.node < 0:
            return list(self.inputs)[-1 - tensor.node]
        node = self.nodes[tensor.node]
        return node.name if len(node.outputs) == 1 else f"{node.name}.{tensor.part}"

    def analyze(self, convention: str = "exact", batch: int = 1) -> Analysis:
        """Parameters, operations and shapes of every layer, and their totals.

        `convention` names how `flops` are counted; `batch` is the number of samples that MACs,
        FLOPs and activations are for. Raises ConvcalcError for an unknown convention or a batch
        below 1.
        """
        from convcalc.analysis import analyze

        return analyze(self, convention, batch)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {shape}" for name, shape in self.inputs.items())
        return f"<convcalc.Graph {self.name}: {len(self.nodes)} layers, {shapes}>"


def input_data(inputs: Mapping[str, Shape]) -> Any:
    """Inputs as JSON has them: the shape of a single one, else an object by name."""
    shapes = {name: list(shape) for name, shape in inputs.items()}
    return shapes["input"] if list(shapes) == ["input"] else shapes
