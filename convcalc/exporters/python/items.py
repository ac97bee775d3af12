"""Modules that come one after the other, before they are written: some in loops, some perhaps."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from convcalc.exporters.python import expressions
from convcalc.exporters.python.code import are_contrary
from convcalc.exporters.python.layout import INDENT

#: The code of a module, or one of what follows.
Item = Any


class Code(NamedTuple):
    """A statement among them."""

    text: str


class If(NamedTuple):
    """Those that are there under a condition."""

    condition: str
    items: list[Any]


class For(NamedTuple):
    """Those of all turns of a loop."""

    header: str
    items: list[Any]


def rendered(items: list[Item], init: list[str]) -> str:
    """What stands in the brackets of a sequence; statements that it needs come before it."""
    if all(isinstance(each, str) or _splat(each) for each in items):
        return ", ".join([each if isinstance(each, str) else str(_splat(each)) for each in items])
    lines: list[str] = []
    _list_lines(items, lines, "", first=True)
    init += lines
    return "*layers"


def _splat(item: Item) -> str:
    """A loop as one item; empty where it needs statements."""
    if isinstance(item, For) and len(item.items) == 1 and isinstance(item.items[0], str):
        text = f"*[{item.items[0]} {item.header}]"
        return text if len(text) <= 80 else ""
    return ""


def _list_lines(items: list[Item], lines: list[str], indent: str, *, first: bool) -> None:
    at = 0
    while at < len(items):
        item = items[at]
        at += 1
        if isinstance(item, Code):
            lines.append(indent + item.text)
            continue
        if isinstance(item, (If, For)):
            before = items[at - 2] if at > 1 else None
            if (
                isinstance(item, If)
                and isinstance(before, If)
                and are_contrary(item.condition, before.condition)
            ):
                lines.append(f"{indent}else:")
                _list_lines(item.items, lines, indent + INDENT, first=False)
                continue
            if first:
                lines.append(f"{indent}layers = []")
                first = False
            head = f"if {item.condition}" if isinstance(item, If) else item.header
            lines.append(f"{indent}{head}:")
            _list_lines(item.items, lines, indent + INDENT, first=False)
            continue
        run = [item]
        while at < len(items) and isinstance(items[at], str):
            run.append(items[at])
            at += 1
        if first:
            lines.append(f"{indent}layers = [{', '.join(run)}]")
        elif len(run) == 1:
            lines.append(f"{indent}layers.append({run[0]})")
        else:
            lines.append(f"{indent}layers += [{', '.join(run)}]")
        first = False


def count_of(item: Item, text: str) -> int:
    """How often a text comes in an item; more than once for one that has others in it."""
    if isinstance(item, (If, For)):
        return 2
    return (item.text if isinstance(item, Code) else item).count(text)


def replaced(item: Item, text: str, name: str) -> Item:
    """An item with a name for a text."""
    if isinstance(item, Code):
        return Code(item.text.replace(text, name))
    return item.replace(text, name) if isinstance(item, str) else item


def step_of(after: ast.expr, variable: str) -> ast.expr | None:
    """What is added to a variable in each turn; None where it is not that."""
    if isinstance(after, ast.BinOp) and isinstance(after.op, ast.Add):
        left = after.left
        if (
            isinstance(left, ast.Name)
            and left.id == variable
            and variable not in expressions.names_in(after.right)
        ):
            return after.right
    return None
