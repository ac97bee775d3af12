"""The order in which nodes are gone through: every tensor is made before it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from convcalc.diagnostics import ConvcalcError
from convcalc.importers.onnx_reader.wire import Node
from convcalc.words import listed, quoted

#: Nodes of a circle that a message names.
_MOST = 5


def called(node: Node) -> str:
    """A node in a message."""
    name = node.name or (node.outputs[0] if node.outputs else "")
    return f"{node.op} {quoted(name)}" if name else node.op


def in_order(
    nodes: Sequence[Node], known: Iterable[str], error: Callable[..., ConvcalcError]
) -> Sequence[Node]:
    """The nodes, those first that make what others read; `known` is what is there beforehand.

    `error` makes an error about the file. Raises ConvcalcError for what nothing makes, and for a
    circle.
    """
    given = {"", *known}
    if _are_sorted(nodes, given):
        return nodes
    made = {name for node in nodes for name in node.outputs}
    waiting: dict[str, list[int]] = {}
    missing = []
    for index, node in enumerate(nodes):
        needed = {name for name in node.inputs if name not in given}
        for name in needed:
            if name not in made:
                message = f"{called(node)} reads {quoted(name)}, which nothing in the file makes"
                raise error("not-onnx", message, "the file may not be all there")
            waiting.setdefault(name, []).append(index)
        missing.append(len(needed))
    ready = [index for index in reversed(range(len(nodes))) if not missing[index]]
    found = []
    while ready:
        node = nodes[ready.pop()]
        found.append(node)
        for name in set(node.outputs):
            for index in waiting.get(name, ()):
                missing[index] -= 1
                if not missing[index]:
                    ready.append(index)
    if len(found) < len(nodes):
        raise _circular([node for index, node in enumerate(nodes) if missing[index]], error)
    return found


def _are_sorted(nodes: Sequence[Node], known: Iterable[str]) -> bool:
    """Whether they are in order as they are."""
    found = set(known)
    for node in nodes:
        if not found.issuperset(node.inputs):
            return False
        found.update(node.outputs)
    return True


def _circular(nodes: Sequence[Node], error: Callable[..., ConvcalcError]) -> ConvcalcError:
    """The error for nodes none of which can come first."""
    makers = {name: node for node in nodes for name in node.outputs}
    path: dict[int, Node] = {}
    node = nodes[0]
    while id(node) not in path:
        path[id(node)] = node
        node = next(makers[name] for name in node.inputs if name in makers)
    ring = list(path.values())[list(path).index(id(node)) :][::-1]
    names = listed([called(each) for each in ring[:_MOST]])
    more = f" and {len(ring) - _MOST} more" if len(ring) > _MOST else ""
    message = f"the graph goes round in a circle: {names}{more} wait for each other"
    return error("cyclic", message, "a graph that can be run has no circle")
