"""Where a node stood in the code that a file was made from, by its metadata or by names."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.foreign.traced import Scope
from convcalc.importers.onnx_reader.wire import Graph, Node


class Scopes:
    """The modules that each node was called in, and what it is called there."""

    def __init__(self, nodes: Sequence[Node], graph: Graph) -> None:
        self._nodes = nodes

    def of(self, node: Node) -> tuple[tuple[Scope, ...], str]:
        """The modules around a node, outermost first, and its own name."""
        return (), node.op.lower()
