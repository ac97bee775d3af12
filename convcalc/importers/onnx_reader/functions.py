"""Operators that a model defines by others, written out where they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convcalc.diagnostics import ConvcalcError
from convcalc.importers.onnx_reader.wire import MOST_NODES, Function, Model, Node, Reference

#: Functions inside each other.
_DEEPEST = 32


def inlined(model: Model, error: Callable[..., ConvcalcError]) -> Sequence[Node]:
    """The nodes of a model, each use of a function as the nodes of it. Raises ConvcalcError."""
    if not model.functions:
        return model.graph.nodes
    return _Inliner(model.functions, error).written_out(model.graph.nodes, 0)


class _Inliner:
    def __init__(
        self, functions: Mapping[tuple[str, str], Function], error: Callable[..., ConvcalcError]
    ) -> None:
        self._functions = functions
        self._error = error
        self._count = 0

    def written_out(self, nodes: Sequence[Node], depth: int) -> list[Node]:
        """These nodes, with those of the functions that they use."""
        found: list[Node] = []
        for node in nodes:
            function = self._functions.get((node.domain, node.op))
            self._count += 1
            if depth > _DEEPEST or self._count > MOST_NODES:
                message = f"the functions that {node.op} stands for have no end, or are too many"
                raise self._error("limit-nodes", message)
            # A function of this domain is an operator that nobody knows, and has a body of zeros.
            if function is None or node.domain == "convcalc":
                found.append(node)
            else:
                found += self.written_out(self._body(function, node), depth + 1)
        return found

    def _body(self, function: Function, call: Node) -> list[Node]:
        """The nodes of a function, with the tensors and the attributes of a call."""
        prefix = f"{call.name or call.op}/{self._count}/"
        names = {
            **dict.fromkeys(function.inputs, ""),
            **dict(zip(function.inputs, call.inputs)),
            **dict(zip(function.outputs, call.outputs)),
        }

        def renamed(tensors: Sequence[str]) -> tuple[str, ...]:
            return tuple(names.get(each, prefix + each) if each else "" for each in tensors)

        attributes = {**function.defaults, **call.attributes}
        return [
            node._replace(
                name=f"{call.name or call.op}/{node.name or node.op}",
                inputs=renamed(node.inputs),
                outputs=renamed(node.outputs),
                attributes=_given(node.attributes, attributes),
                metadata=node.metadata or call.metadata,
            )
            for node in function.nodes
        ]


def _given(own: Mapping[str, Any], outer: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with what they stand for where they are those of a call."""
    found = {}
    for name, value in own.items():
        if not isinstance(value, Reference):
            found[name] = value
        elif value.name in outer:
            found[name] = outer[value.name]
    return found
