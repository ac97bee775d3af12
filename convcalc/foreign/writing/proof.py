"""Whether a text is the network that it was written for: it is read again and compared."""

from __future__ import annotations

from convcalc.diagnostics import ConvcalcError, fail
from convcalc.foreign.traced import Call, Traced
from convcalc.graph import Graph
from convcalc.language.check import check
from convcalc.language.expand import expand
from convcalc.language.limits import DEFAULT, LATE, Budget
from convcalc.language.reader import read, source_of
from convcalc.shape import Tensor

#: Types whose operands may change places, where these have one shape.
COMMUTING = ("add", "mul")


def is_of(text: str, traced: Traced) -> bool:
    """Whether a spec's text makes the same layers on the same tensors, in the same order."""
    try:
        return _is_same(_made(text, traced), traced)
    except ConvcalcError:
        return False


def require_readable(text: str, traced: Traced) -> None:
    """Refuse a text that is no spec. Raises ConvcalcError."""
    try:
        _made(text, traced)
    except ConvcalcError as error:
        message = f"{(traced.source or traced.name)[:200]} has layers that no spec says"
        first = error.diagnostics[0]
        if first.code == LATE:  # it is one, as far as it was read
            return
        raise fail("not-written", f"{message}: {first.message}", first.help) from None


def _made(text: str, traced: Traced) -> Graph:
    """What a text makes. Raises ConvcalcError."""
    # How much a spec may ask for is asked where it is analyzed.
    limits = DEFAULT._replace(
        bytes=len(text.encode()), layers=max(DEFAULT.layers, len(traced.calls))
    )
    source = source_of(text, traced.name, limits)
    budget = Budget(limits)
    return expand(check(read(source, budget), source, budget), source, budget)


def _is_same(graph: Graph, traced: Traced) -> bool:
    nodes, calls = graph.nodes, traced.calls
    if len(nodes) != len(calls) or [*graph.inputs.values()] != [*traced.inputs.values()]:
        return False
    for node, call in zip(nodes, calls):
        placed, other = node.placed, call.placed
        if placed is not other and (placed.layer, placed.frozen) != (other.layer, other.frozen):
            return False
        if node.functional != call.functional or not take_alike(call, node.inputs):
            return False
        owner = None if call.weights_of is None else nodes[call.weights_of].name
        if call.placed.tensors and node.weights_of != owner:
            return False
    return graph.outputs == traced.outputs


def take_alike(call: Call, inputs: tuple[Tensor, ...]) -> bool:
    """Whether a call takes these tensors, or the same in another order where that is the same."""
    if inputs == call.inputs:
        return True
    if call.placed.type not in COMMUTING or len({each.shape for each in inputs}) != 1:
        return False
    return sorted(inputs) == sorted(call.inputs)
