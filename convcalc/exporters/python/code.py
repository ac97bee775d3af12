"""Statements of Python, as lines with their indentation: what they read, and how they end."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from convcalc.exporters.python import expressions
from convcalc.exporters.python.layout import INDENT


def end_with(body: list[str], code: str) -> None:
    """End a function: with its last value, not by way of a name."""
    if body:
        name, equals, value = body[-1].partition(" = ")
        if equals and name == code:
            body[-1] = f"return {value}"
            return
    body.append(f"return {code}")


def merged(lines: list[str]) -> list[str]:
    """Statements in which what is done under one condition, or under its contrary, is together."""
    blocks: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith(INDENT):
            blocks[-1][1].append(line[len(INDENT) :])
        else:
            blocks.append((line, []))
    found: list[tuple[str, list[str]]] = []
    #: The condition of the last block, and of the `if` that it is the `else` of.
    last = asked = ""
    for head, inside in blocks:
        condition = head[3:-1] if head.startswith("if ") and inside else ""
        if condition and last and not assigned_in(found[-1][1]) & names_read([condition]):
            if condition == last or (asked and are_contrary(condition, asked)):
                found[-1][1].extend(inside)
                continue
            if not asked and are_contrary(condition, last):
                found.append(("else:", inside))
                last, asked = condition, last
                continue
        if head == "else:":
            last, asked = "", ""
        else:
            last, asked = condition, ""
        found.append((head, inside))
    return [
        each
        for head, inside in found
        for each in (head, *[INDENT + line for line in merged(inside)])
    ]


def are_contrary(a: str, b: str) -> bool:
    """Whether of two conditions one holds where the other does not, as they are written."""
    one, other = expressions.parsed(a), expressions.parsed(b)
    for node, plain in ((one, other), (other, one)):
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return expressions.same(node.operand, plain)
    pairs = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.GtE, ast.GtE: ast.Lt}
    pairs |= {ast.Gt: ast.LtE, ast.LtE: ast.Gt}
    if isinstance(one, ast.Compare) and isinstance(other, ast.Compare) and len(one.ops) == 1:
        turned = ast.Compare(one.left, [pairs[type(one.ops[0])]()], one.comparators)
        return expressions.same(turned, other)
    return False


def assigned_in(lines: list[str]) -> set[str]:
    """The names that lines assign to."""
    return {
        each.id
        for each in ast.walk(_parsed(lines))
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _parsed(lines: Iterable[str]) -> ast.Module:
    text = "\n".join(lines)
    return ast.parse(
        "def _():\n" + "\n".join(f" {line}" for line in text.splitlines()) if text else ""
    )


def names_read(lines: Iterable[str]) -> set[str]:
    """The names in lines."""
    return {each.id for each in ast.walk(_parsed(lines)) if isinstance(each, ast.Name)}


def mentions(lines: Iterable[str], name: str) -> bool:
    """Whether lines have a name, or an attribute of `self`, in them."""
    parsed = _parsed(lines)
    if name.startswith("self."):
        return any(
            isinstance(each, ast.Attribute)
            and isinstance(each.value, ast.Name)
            and each.value.id == "self"
            and each.attr == name[5:]
            for each in ast.walk(parsed)
        )
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(parsed))


def without_unused(body: list[str], names: list[str]) -> list[str]:
    """A function without assignments at its beginning that nothing reads."""
    while True:
        for name in names:
            for index, line in enumerate(body):
                if line.startswith(f"{name} = "):
                    read = {
                        each.id
                        for each in ast.walk(_parsed([*body[:index], *body[index + 1 :]]))
                        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
                    }
                    if name not in read:
                        del body[index]
                        break
            else:
                continue
            break
        else:
            return body
