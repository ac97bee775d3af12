"""The plain list: a line for each layer."""

from __future__ import annotations

from typing import Any

from convcalc.foreign.traced import Call, Traced
from convcalc.foreign.writing.fields import (
    Names,
    as_name,
    fields_of,
    owns_maps,
    says_something,
)
from convcalc.foreign.writing.yaml import Stack
from convcalc.shape import Tensor


def lines(traced: Traced, inputs: tuple[str, ...]) -> dict[str, Any]:
    """`layers`, and `outputs` where they are not the last layer's; inputs have these names."""
    calls = traced.calls
    entering = tuple(
        [Tensor(-1 - index, 0, shape) for index, shape in enumerate(traced.inputs.values())]
    )
    above = [entering, *[outputs_of(index, call) for index, call in enumerate(calls)]]
    explicit = [call.inputs != before for call, before in zip(calls, above)]
    leaving = traced.outputs != above[-1]
    needed = {tensor.node for call, said in zip(calls, explicit) if said for tensor in call.inputs}
    needed |= {tensor.node for tensor in traced.outputs if leaving}
    needed |= {owner for call in calls if (owner := _owner(call)) is not None}
    names = _names(calls, needed, inputs)

    def said(tensors: tuple[Tensor, ...]) -> str | list[str]:
        found: list[str] = []
        at = 0
        while at < len(tensors):
            node = tensors[at].node
            whole = entering[-1 - node : -node] if node < 0 else above[node + 1]
            name = inputs[-1 - node] if node < 0 else names[node]
            if tensors[at : at + len(whole)] == whole:
                found.append(name)
                at += len(whole)
            else:
                found.append(f"{name}.{tensors[at].part}")
                at += 1
        return found[0] if len(found) == 1 else found

    stack = Stack()
    for index, call in enumerate(calls):
        fields: dict[str, Any] = {}
        if index in names:
            fields["name"] = names[index]
        if explicit[index] and call.inputs:
            fields["from"] = said(call.inputs)
        owner = _owner(call)
        if owner is not None:
            fields["weights"] = names[owner]
        fields |= fields_of(call)
        stack.append({call.placed.type: fields} if fields else call.placed.type)
    result: dict[str, Any] = {"layers": stack}
    if leaving:
        result["outputs"] = said(traced.outputs)
    return result


def _owner(call: Call) -> int | None:
    """The call whose tensors another uses, if it has any."""
    return call.weights_of if call.placed.tensors else None


def outputs_of(index: int, call: Call) -> tuple[Tensor, ...]:
    """The tensors that a call makes."""
    return tuple([Tensor(index, part, s) for part, s in enumerate(call.placed.outputs)])


def _names(calls: tuple[Call, ...], needed: set[int], inputs: tuple[str, ...]) -> dict[int, str]:
    """The names of layers by their index: of those that are needed, and those that say much."""
    own = [as_name(call.name) for call in calls]
    counts: dict[str, int] = {}
    for name in own:
        counts[name] = counts.get(name, 0) + 1
    names, given = {}, Names(inputs)
    for index, call in enumerate(calls):
        name, type = own[index], call.placed.type
        is_wanted = owns_maps(call) and says_something(name, type)
        if index in needed or is_wanted:
            if counts[name] > 1 or not name:
                path = [*[scope.name for scope in call.scopes], call.name or type]
                name = as_name("_".join(path)) or type
            names[index] = given.new(name)
    return names
