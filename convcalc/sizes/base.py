"""What the sizes at the foot of a summary are, and which modules of a network a tool sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from convcalc.diagnostics import fail
from convcalc.dtypes import size_of
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph, Node
from convcalc.steps import Settings


class Sizes(NamedTuple):
    """The sizes of one network, as a tool prints them."""

    #: The name of the definition, and whose it is.
    definition: str
    tool: str
    version: str
    #: What the numbers are.
    meaning: str
    #: Each size in the tool's own megabytes, not rounded.
    sizes: Mapping[str, float]
    #: The same as the tool prints them.
    printed: Mapping[str, str]
    #: What the tool writes before each, without the colon.
    labels: Mapping[str, str]
    #: Where the tool itself gives no number, or another.
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        lines = [f"{self.labels[name]}: {text}" for name, text in self.printed.items()]
        return f"Sizes({self.definition!r}, {', '.join(lines)})"


class Definition(NamedTuple):
    """A tool's way to say how large a network is, as data."""

    name: str
    tool: str
    version: str
    meaning: str
    #: What the tool writes before each size, by the size's name.
    labels: Mapping[str, str]
    #: The sizes of a graph by their names: each in megabytes, and as the tool writes it.
    measure: Callable[[Graph, Settings], Mapping[str, tuple[float, str]]]
    #: The bytes that it counts for a number, whatever its type; None: those of the type.
    width: int | None = None
    #: Where the tool stops, and gives no number; what is given is then what its rule comes to.
    stops: Callable[[Graph], Iterator[str]] = lambda graph: iter(())

    def __repr__(self) -> str:
        return f"Definition({self.name!r}, {self.tool} {self.version})"

    def of(self, graph: Graph, batch: int = 1, dtype: str = "float32") -> Sizes:
        """The sizes of a graph on `batch` samples.

        Raises ConvcalcError for an unknown dtype, or one whose numbers the tool counts otherwise.
        """
        if size_of(dtype) != (self.width or size_of(dtype)):
            message = f"{self.tool} counts {self.width} bytes for a number of any type"
            raise fail("bad-value", message, f"leave the type out: `{dtype}` changes nothing")
        found = self.measure(graph, Settings(batch, dtype))
        return Sizes(
            self.name,
            self.tool,
            self.version,
            self.meaning,
            sizes=FrozenDict({name: size for name, (size, _) in found.items()}),
            printed=FrozenDict({name: text for name, (_, text) in found.items()}),
            labels=FrozenDict(self.labels),
            notes=tuple(f"{self.tool} {note}" for note in self._notes(graph)),
        )

    def _notes(self, graph: Graph) -> Iterator[str]:
        for reason in self.stops(graph):
            yield f"stops {reason}"
        if self.name in graph.notes:
            yield graph.notes[self.name]


#: What torchsummary and torchinfo write before their sizes.
IN_MEGABYTES = FrozenDict(
    {
        "input": "Input size (MB)",
        "forward_backward": "Forward/backward pass size (MB)",
        "params": "Params size (MB)",
        "total": "Estimated Total Size (MB)",
    }
)


def in_two_places(**sizes: float) -> dict[str, tuple[float, str]]:
    """Each size, and its text with two places, as torchsummary and torchinfo write theirs."""
    return {name: (size, f"{size:.2f}") for name, size in sizes.items()}


def is_module(node: Node) -> bool:
    """Whether a layer is a call of a module, which has hooks."""
    return node.layer.is_in_module(node.functional, is_in_attention(node))


def is_in_attention(node: Node) -> bool:
    """Whether a layer is a part of an attention."""
    return any(group.layer is not None and group.layer.attends for group in node.groups)


def elements(node: Node) -> int:
    """The elements that a layer's modules put out for one sample."""
    return sum(shape.size for shape in node.outputs) + node.layer.inner_elements(node.outputs[0])


def block_ends(graph: Graph) -> Iterator[Node]:
    """The last layer of every block that is a module class of its own: its output is the block's.

    One that ends several blocks comes several times.
    """
    ends: dict[str, Node] = {}
    for node in graph.nodes:
        path = ""
        for group in node.groups:
            path += f".{group.name}"
            if group.module:
                ends[path] = node
    return iter(ends.values())
