"""Lines as elements of a `layers` list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convcalc.foreign.writing.arguments import INDEX, Expression, Switch, asks_for_turn, choice
from convcalc.foreign.writing.line import Line, every, says_more
from convcalc.foreign.writing.yaml import Stack


def stack(lines: list[Line]) -> Stack:
    """A list of lines as a spec has it."""
    return Stack([_element(line) for line in _without_bare_groups(lines)])


def _without_bare_groups(lines: list[Line]) -> Iterator[Line]:
    """The lines, and those in groups that say nothing."""
    for line in lines:
        is_bare = line.is_module and not (line.fields or shown_name(line) or line.weights)
        if is_bare and not line.reads_input and not (line.from_ and line.lists["layers"][0].from_):
            inner: list[Line] = line.lists["layers"]
            inner[0].from_ = inner[0].from_ or line.from_
            yield from _without_bare_groups(inner)
        elif pair := _pair(line):
            yield from pair
        else:
            yield line


def _pair(line: Line) -> list[Line]:
    """The two lines that a loop stands for which is longer than they are; nothing for others."""
    body = line.lists.get("layers", ())
    if line.kind != "repeat" or line.fields != {"times": 2} or line.from_ or line.label:
        return []
    if len(body) != 1 or body[0].lists:
        return []
    (one,) = body
    if any(isinstance(value, Expression) and asks_for_turn(one) for value in one.fields.values()):
        return []
    pair = [Line(one.kind, range(one.first, one.end), one.takes, one.makes) for _ in range(2)]
    for key, value in one.fields.items():
        is_switch = isinstance(value, Switch)
        pair[0].fields[key] = value.first if is_switch else value
        if not is_switch:
            pair[1].fields[key] = value  # the rest have what is left out
    return pair


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
        if key != "when":
            fields[key] = choice(*value) if isinstance(value, Switch) else value
    if line.kind == "repeat" and any(map(asks_for_turn, every(line.lists["layers"]))):
        fields["index"] = INDEX
    for key, lines in line.lists.items():
        if key == "paths":
            fields[key] = Stack([stack(path) for path in lines])
        elif lines or key == "layers":
            fields[key] = stack(lines)
    return {line.kind: fields} if fields else line.kind


def shown_name(line: Line) -> str:
    """The name that a line is written with; empty where it has none."""
    if line.label:
        return line.label
    return line.name if line.is_named and says_more(line) else ""
