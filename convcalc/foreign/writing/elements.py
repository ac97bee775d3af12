"""Lines as elements of a `layers` list."""

from __future__ import annotations

import re
from typing import Any

from convcalc.foreign.writing.arguments import INDEX, Expression, Switch, choice
from convcalc.foreign.writing.line import Line, every, says_more
from convcalc.foreign.writing.yaml import Stack


def stack(lines: list[Line]) -> Stack:
    """A list of lines as a spec has it."""
    return Stack([_element(line) for line in lines])


def _element(line: Line) -> Any:
    fields: dict[str, Any] = {}
    name = shown_name(line)
    if name:
        fields["name"] = name
    if "when" in line.fields:
        fields["when"] = line.fields["when"]
    if line.from_:
        fields["from"] = line.from_[0] if len(line.from_) == 1 else list(line.from_)
    if isinstance(line.weights, Line):
        fields["weights"] = line.weights.label
    for key, value in line.fields.items():
        if key == "split" and line.kind == "branches":
            fields[key] = True
        elif key != "when":
            fields[key] = choice(*value) if isinstance(value, Switch) else value
    if line.kind == "repeat" and any(map(_asks_for_turn, every(line.lists["layers"]))):
        fields["index"] = INDEX
    for key, lines in line.lists.items():
        if key == "paths":
            fields[key] = Stack([stack(path) for path in lines])
        elif lines or key == "layers":
            fields[key] = stack(lines)
    return {line.kind: fields} if fields else line.kind


def _asks_for_turn(line: Line) -> bool:
    """Whether a value of a line is another in the first turn of the loop around it."""
    return any(
        isinstance(value, Switch)
        or (isinstance(value, Expression) and re.search(rf"\b{INDEX} [=!]= 0", value) is not None)
        for value in line.fields.values()
    )


def shown_name(line: Line) -> str:
    """The name that a line is written with; empty where it has none."""
    if line.label:
        return line.label
    return line.name if line.is_named and says_more(line) else ""
