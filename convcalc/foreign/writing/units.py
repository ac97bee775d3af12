"""Modules of a network that has none: lines that people write once, found by what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set

from convcalc import layers
from convcalc.foreign.writing.line import Line, every
from convcalc.foreign.writing.paths import Users

#: How often lines come that are worth a block.
_OFTEN = 4
#: What types are called in the name of a block.
_SHORT = {"batch_norm": "bn", "layer_norm": "ln", "group_norm": "gn", "instance_norm": "in"}


def with_idioms(lines: list[Line], users: Users) -> list[Line]:
    """The same lines, where a convolution, its normalization and its activation are a module."""
    lent = {line.weights for line in lines}
    found = [
        part
        for stack in _idioms(lines, users)
        for part in ([[line] for line in stack] if _shares(stack, lent) else [stack])
    ]
    counts = Counter(_types(stack) for stack in found)
    result: list[Line] = []
    for stack in found:
        often = len(_types(stack)) > 1 and counts[_types(stack)] >= _OFTEN
        result += [_module(stack, "_".join(_types(stack)))] if often else stack
    return result


def _shares(lines: list[Line], lent: Set[object]) -> bool:
    """Whether one of some lines uses the weights of another, or another those of one."""
    return any(line.weights is not None or line.first in lent for line in lines)


def _idioms(lines: list[Line], users: Users) -> Iterator[list[Line]]:
    """The lines in their order, those together that may be a module."""
    at = 0
    while at < len(lines):
        # What is padded first is a part of it.
        head = at + (lines[at].kind == "pad" and _goes_on(lines, at, users))
        end = head + 1
        if _family(lines[head]) == "convolution":
            for family in ("normalization", "activation"):
                if end < len(lines) and _family(lines[end]) == family:
                    before = lines[end - 1]
                    alone = lines[end].takes == before.makes and lines[end].weights is None
                    is_idiom = family == "normalization" or end - head > 1 or _is_map(before)
                    alone = alone and is_idiom
                    if alone and all(users.of.get(t) == [lines[end].first] for t in before.makes):
                        end += 1
        else:
            end = at + 1
        yield lines[at:end]
        at = end


def _goes_on(lines: list[Line], at: int, users: Users) -> bool:
    """Whether the line below takes what a line makes, and no other does."""
    below = lines[at + 1 : at + 2]
    return bool(below) and all(users.of.get(t) == [below[0].first] for t in lines[at].makes)


def _is_map(line: Line) -> bool:
    """Whether a line makes a map of several cells: what weighs channels is another idiom."""
    return line.makes[0].shape.positions > 1


def _family(line: Line) -> str:
    return layers.find(line.kind).family if line.kind in layers.TYPES else ""


def _types(lines: list[Line]) -> tuple[str, ...]:
    return tuple([_SHORT.get(line.kind, line.kind) for line in lines if line.kind != "pad"])


def with_units(lines: list[Line], users: Users) -> list[Line]:
    """The same lines, where a structure and the activation of what it makes are a module."""
    if any(line.weights is not None for line in every(lines)):
        return lines  # a line in a module uses the weights of none outside
    result: list[Line] = []
    at = 0
    while at < len(lines):
        line, end = lines[at], at + 1
        for key, inner in line.lists.items():
            if key == "paths":
                line.lists[key] = [with_units(path, users) for path in inner]
            elif not line.is_module:
                line.lists[key] = with_units(inner, users)
        if line.kind in ("residual", "branches"):
            if end < len(lines) and _family(lines[end]) == "activation":
                after = lines[end]
                if after.takes == line.makes and users.of.get(line.makes[0]) == [after.first]:
                    end += 1
            name = "residual_block" if line.kind == "residual" else "parallel"
            stack = lines[at:end]
            # What takes more than enters it stays where it sees that.
            alone = users.entering(line.first, stack[-1].end) == line.takes
            result += [_module(stack, name)] if alone else stack
        else:
            result.append(line)
        at = end
    return _with_unconnected(result, users)


def _with_unconnected(lines: list[Line], users: Users) -> list[Line]:
    """The same lines, where those that are as the body of a residual is are a module as well."""
    forms = {
        tuple(map(_kind, body))
        for line in lines
        if line.is_module and line.lists["layers"][0].kind == "residual"
        for body in [line.lists["layers"][0].lists["layers"]]
        if len(line.lists["layers"]) == 1 and len(body) > 1
    }
    if not forms:
        return lines
    kinds = [*map(_kind, lines)]
    result: list[Line] = []
    at = 0
    while at < len(lines):
        form = next(
            (
                form
                for form in sorted(forms, key=lambda form: (-len(form), form))
                if tuple(kinds[at : at + len(form)]) == form
            ),
            (),
        )
        body = lines[at : at + len(form)]
        if form and _is_chain(body, users):
            result.append(_module(body, "residual_block"))
            at += len(form)
        else:
            result.append(lines[at])
            at += 1
    return result


def _kind(line: Line) -> str:
    """What a line is, to tell stacks that are alike; of a convolution with kernel and groups."""
    inner = line.lists.get("layers", [line])
    first = inner[1] if inner[0].kind == "pad" and len(inner) > 1 else inner[0]
    if _family(first) != "convolution":
        return line.cls or line.kind
    return f"{line.cls or line.kind} {first.fields.get('k')} {'g' in first.fields}"


def _is_chain(lines: list[Line], users: Users) -> bool:
    pairs = [(lines[at - 1], lines[at]) for at in range(1, len(lines))]
    follow = all(after.takes == before.makes for before, after in pairs)
    inside = all(users.is_inside(t, lines[-1].end) for line in lines[:-1] for t in line.makes)
    return follow and inside and users.entering(lines[0].first, lines[-1].end) == lines[0].takes


def _module(lines: list[Line], cls: str) -> Line:
    first, last = lines[0], lines[-1]
    calls = range(first.first, last.end)
    inner = {"layers": lines}
    return Line("sequential", calls, first.takes, last.makes, lists=inner, cls=cls)
