"""Networks of specs as a reader of foreign networks would hand them on."""

from __future__ import annotations

from convcalc.foreign.traced import Call, Scope, Traced
from convcalc.graph import Graph
from convcalc.language import built


def traced_of(graph: Graph, *, types: bool = True, scopes: bool = True) -> Traced:
    """A network, whose groups are modules; without their classes, or without modules at all."""
    index = {node.name: at for at, node in enumerate(graph.nodes)}
    calls = tuple(
        Call(
            name=node.name.rpartition(".")[2] if scopes else "",
            placed=node.placed,
            inputs=node.inputs,
            scopes=tuple(
                Scope(group.name, _class(group.type) if types else "")
                for group in node.groups
                if scopes and group.type not in ("path", "shortcut")
            ),
            functional=node.functional,
            weights_of=None if node.weights_of is None else index[node.weights_of],
        )
        for node in graph.nodes
    )
    return Traced(graph.name, graph.source, graph.inputs, calls, graph.outputs)


def _class(type: str) -> str:
    """A block's name as a class has it: `InvertedResidual`."""
    if type in built.STRUCTURES:
        return "Sequential"
    return "".join(part.capitalize() for part in type.split("_"))
