"""The language's expressions as Python's, taken apart and put together as syntax trees.

In a tree a name is the language's own; who writes it says what Python calls it (`renamed`).
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from convcalc.arithmetic import make_divisible, nearest
from convcalc.expressions import Expression
from convcalc.language.statements import Items, Value

#: What a text, a number and a name are in an expression.
_PART = re.compile(
    r"(?P<text>'[^'\n]*'|\"[^\"\n]*\")|(?P<name>[^\W\d]\w*)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
)
_WORDS = frozenset(("if", "else", "and", "or", "not"))
#: The functions that are a module's in Python.
_OF_MATH = ("floor", "ceil")


def tree(value: Value) -> ast.expr:
    """A value of a spec as Python has it: a number, a text, a tuple, an expression."""
    if isinstance(value, Expression):
        return _parsed(value)
    if isinstance(value, Items):
        return ast.Tuple([tree(item) for item in value.items])
    if isinstance(value, tuple):
        return ast.Tuple([tree(item) for item in value])
    plain: Any = value
    if isinstance(plain, (int, float)) and not isinstance(plain, bool) and plain < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-plain))
    return ast.Constant(plain)


def _parsed(expression: Expression) -> ast.expr:
    names: list[str] = []

    def spelled(found: re.Match[str]) -> str:
        text = found[0]
        if found["text"]:
            return repr(text[1:-1])
        if found["number"]:
            return text.lstrip("0") or "0" if text.isdecimal() else text
        if text in _WORDS:
            return text
        names.append(text)
        return f"_{len(names) - 1}_"

    text = _PART.sub(spelled, expression.text)
    found = ast.parse(f"({text})".replace("\n", " "), mode="eval").body
    made: ast.expr = _Named(names).visit(found)
    return made


class _Named(ast.NodeTransformer):
    """Puts the names back, which Python may not take."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        name = self.names[int(node.id.strip("_"))]
        return ast.Constant(name == "true") if name in ("true", "false") else ast.Name(name)

    def visit_List(self, node: ast.List) -> ast.expr:
        self.generic_visit(node)
        return ast.Tuple(node.elts)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        assert isinstance(node.func, ast.Name)
        name = self.names[int(node.func.id.strip("_"))]
        given = [self.visit(each) for each in node.args]
        if name in ("min", "max") and len(given) == 1 and not isinstance(given[0], _LISTS):
            return given[0]  # type: ignore[no-any-return]
        return ast.Call(ast.Name(f"math.{name}" if name in _OF_MATH else name), given, [])


_LISTS = (ast.Tuple, ast.Name, ast.Subscript)


def parsed(code: str) -> ast.expr:
    """A tree that was written (`text`)."""

    class Dotted(ast.NodeTransformer):
        def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
            return ast.Name(ast.unparse(node))

    made: ast.expr = Dotted().visit(ast.parse(code, mode="eval").body)
    return made


def names_in(node: ast.expr) -> set[str]:
    """The names in a tree, those of functions left out."""
    called = {id(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)}
    return {
        each.id for each in ast.walk(node) if isinstance(each, ast.Name) and id(each) not in called
    }


def functions_in(node: ast.expr) -> set[str]:
    """The functions that are called in a tree."""
    return {
        each.func.id
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }


def renamed(node: ast.expr, names: Callable[[str], ast.expr]) -> ast.expr:
    """The tree with other trees for its names."""

    class Renamed(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return names(node.id)

        def visit_Call(self, node: ast.Call) -> ast.expr:
            return ast.Call(node.func, [self.visit(each) for each in node.args], [])

    import copy

    made: ast.expr = Renamed().visit(copy.deepcopy(node))
    return made


# What is known of a tree


def is_number(node: ast.expr) -> bool:
    """Whether a tree is a plain whole number."""
    return isinstance(node, ast.Constant) and type(node.value) is int


def same(a: ast.expr | None, b: ast.expr | None) -> bool:
    """Whether two trees are written alike."""
    # Not by their dumps: some are parsed and some are made, which differ in what is not written.
    return a is not None and b is not None and text(a) == text(b)


_BINARY: Mapping[type, tuple[str, int, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", 11, operator.add),
    ast.Sub: ("-", 11, operator.sub),
    ast.Mult: ("*", 12, operator.mul),
    ast.Div: ("/", 12, operator.truediv),
    ast.FloorDiv: ("//", 12, operator.floordiv),
    ast.Mod: ("%", 12, operator.mod),
    ast.Pow: ("**", 14, operator.pow),
}
_COMPARED: Mapping[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "min": min, "max": max, "abs": abs, "int": int, "round": nearest, "len": len,
    "math.floor": math.floor, "math.ceil": math.ceil, "make_divisible": make_divisible,
}  # fmt: skip


def value_of(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of a tree as Python works it out. Raises LookupError for what is not known."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.Tuple):
        return tuple([value_of(each, names) for each in node.elts])
    if isinstance(node, ast.UnaryOp):
        value = value_of(node.operand, names)
        return (
            not value
            if isinstance(node.op, ast.Not)
            else -value
            if isinstance(node.op, ast.USub)
            else value
        )
    if isinstance(node, ast.BinOp):
        a, b = value_of(node.left, names), value_of(node.right, names)
        if isinstance(node.op, ast.Pow) and (abs(b) > 64 or abs(a) > 2**64):
            raise LookupError
        try:
            return _BINARY[type(node.op)][2](a, b)
        except ArithmeticError:
            raise LookupError from None
    if isinstance(node, ast.BoolOp):
        is_or = isinstance(node.op, ast.Or)
        for each in node.values:
            value = value_of(each, names)
            if bool(value) is is_or:
                break
        return value
    if isinstance(node, ast.Compare):
        left = value_of(node.left, names)
        for op, other in zip(node.ops, node.comparators):
            right = value_of(other, names)
            if not _COMPARED[type(op)][1](left, right):
                return False
            left = right
        return True
    if isinstance(node, ast.IfExp):
        return value_of(node.body if value_of(node.test, names) else node.orelse, names)
    if isinstance(node, ast.Subscript):
        return value_of(node.value, names)[value_of(node.slice, names)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return _FUNCTIONS[node.func.id](*[value_of(each, names) for each in node.args])
    raise LookupError


# What is made of trees


def _number(node: ast.expr) -> int | None:
    """The whole number that a tree is; None for another tree."""
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def number(value: int) -> ast.expr:
    """A whole number."""
    return tree(value)


def product(a: ast.expr, b: ast.expr) -> ast.expr:
    """a·b; of numbers, the number, and of one and another, that."""
    for one, other in ((a, b), (b, a)):
        if _number(one) == 1:
            return other
    if _number(a) is None:
        a, b = b, a
    factor = _number(a)
    if factor is None:
        return ast.BinOp(b, ast.Mult(), a)
    if (other_factor := _number(b)) is not None:
        return number(factor * other_factor)
    if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult):
        for mine, rest in ((b.left, b.right), (b.right, b.left)):
            if (other_factor := _number(mine)) is not None:
                return product(number(factor * other_factor), rest)
    return ast.BinOp(a, ast.Mult(), b)


def quotient(a: ast.expr, b: ast.expr) -> ast.expr:
    """a // b; a factor that both have is left out, which whole numbers allow."""
    divisor, size = _number(b), _number(a)
    if divisor == 1:
        return a
    if divisor is not None:
        if size is not None:
            return number(size // divisor)
        if isinstance(a, ast.BinOp) and isinstance(a.op, ast.Mult):
            factor = _number(a.left)
            if factor is not None and factor % divisor == 0:
                return product(number(factor // divisor), a.right)
    return ast.BinOp(a, ast.FloorDiv(), b)


def _terms(node: ast.expr, sign: int = 1) -> Iterator[tuple[int, ast.expr]]:
    """The terms of a sum, each with how often it is added."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        yield from _terms(node.left, sign)
        yield from _terms(node.right, sign if isinstance(node.op, ast.Add) else -sign)
    elif (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and (factor := _number(node.left)) is not None
    ):
        yield sign * factor, node.right
    else:
        yield sign, node


def total(nodes: list[ast.expr]) -> ast.expr:
    """The sum of several, equal ones as a product."""
    known: list[ast.expr] = []
    counts: list[int] = []
    constant = 0
    for factor, term in [each for node in nodes for each in _terms(node)]:
        if (size := _number(term)) is not None:
            constant += factor * size
            continue
        at = next((i for i, each in enumerate(known) if same(each, term)), None)
        if at is None:
            known.append(term)
            counts.append(factor)
        else:
            counts[at] += factor
    terms = [(count, term) for count, term in zip(counts, known) if count]
    terms.sort(key=lambda each: each[0] < 0)
    if constant or not terms:
        terms.append((1 if constant >= 0 else -1, number(abs(constant))))
    (count, first), *others = terms
    result = product(number(count), first)
    for count, term in others:
        op = ast.Add() if count > 0 else ast.Sub()
        result = ast.BinOp(result, op, product(number(abs(count)), term))
    return result


def folded(node: ast.expr) -> ast.expr:
    """A tree in which what is plain numbers and truth values is worked out, where exactly."""

    class Folded(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            self.generic_visit(node)
            if not (is_number(node.left) or is_number(node.right)):
                return node
            if is_number(node.left) and is_number(node.right):
                return self._settled(node)
            if isinstance(node.op, ast.Mult):
                return product(node.left, node.right)
            return total([node]) if isinstance(node.op, ast.Add) else node

        def visit_Compare(self, node: ast.Compare) -> ast.expr:
            self.generic_visit(node)
            return self._settled(node)

        def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
            self.generic_visit(node)
            return self._settled(node) if isinstance(node.op, ast.Not) else node

        def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
            self.generic_visit(node)
            if isinstance(node.test, ast.Constant):
                return node.body if node.test.value else node.orelse
            return node.body if same(node.body, node.orelse) else node

        def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
            self.generic_visit(node)
            is_or = isinstance(node.op, ast.Or)
            kept: list[ast.expr] = []
            for each in node.values:
                if isinstance(each, ast.Constant):
                    if bool(each.value) is is_or:
                        kept.append(each)
                        break
                    if each is not node.values[-1]:
                        continue
                kept.append(each)
            last = kept[-1]
            if len(kept) > 1 and isinstance(last, ast.Constant) and bool(last.value) is not is_or:
                kept.pop()  # of what follows only the truth is asked
            return kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)

        def _settled(self, node: ast.expr) -> ast.expr:
            try:
                value = value_of(node, {})
            except (LookupError, TypeError):
                return node
            return tree(value) if isinstance(value, (bool, int)) else node

    made: ast.expr = Folded().visit(node)
    return made


def gathered(node: ast.expr) -> ast.expr:
    """A tree of whole numbers in which terms that are the same are put together."""

    class Gathered(ast.NodeTransformer):
        def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
            self.generic_visit(node)
            if isinstance(node.op, ast.FloorDiv):
                return quotient(node.left, node.right)
            return total([node]) if isinstance(node.op, (ast.Add, ast.Sub)) else node

    made: ast.expr = Gathered().visit(folded(node))
    return made


# How it is written


def text(node: ast.expr) -> str:
    """A tree as black writes it, on one line."""
    return _text(node, 0)


def _text(node: ast.expr, least: int) -> str:
    written, level = _written(node)
    return f"({written})" if level < least else written


def quoted(value: str) -> str:
    """A text in double quotes, where it has none in it."""
    shown = repr(value)
    return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in shown else shown


def _written(node: ast.expr) -> tuple[str, int]:
    """A tree, and how tightly it binds."""
    if isinstance(node, ast.Constant):
        return (quoted(node.value) if isinstance(node.value, str) else repr(node.value)), 20
    if isinstance(node, ast.Name):
        return node.id, 20
    if isinstance(node, ast.Tuple):
        items = ", ".join(map(text, node.elts))
        return f"({items},)" if len(node.elts) == 1 else f"({items})", 20
    if isinstance(node, ast.Call):
        return f"{text(node.func)}({', '.join(map(text, node.args))})", 20
    if isinstance(node, ast.Attribute):
        return f"{_text(node.value, 20)}.{node.attr}", 20
    if isinstance(node, ast.Subscript):
        return f"{_text(node.value, 20)}[{text(node.slice)}]", 20
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            return f"not {_text(node.operand, 8)}", 8
        sign = "-" if isinstance(node.op, ast.USub) else "+"
        return f"{sign}{_text(node.operand, 13)}", 13
    if isinstance(node, ast.BinOp):
        sign, level, _ = _BINARY[type(node.op)]
        is_power = sign == "**"
        left = _text(node.left, level + is_power)
        right = _text(node.right, level - 1 if is_power else level + 1)
        space = "" if is_power and _is_simple(node.left) and _is_simple(node.right) else " "
        return f"{left}{space}{sign}{space}{right}", level
    if isinstance(node, ast.Compare):
        parts = [_text(node.left, 10)]
        for op, other in zip(node.ops, node.comparators):
            parts += [_COMPARED[type(op)][0], _text(other, 10)]
        return " ".join(parts), 9
    if isinstance(node, ast.BoolOp):
        level = 6 if isinstance(node.op, ast.Or) else 7
        word = " or " if level == 6 else " and "
        return word.join([_text(each, level + 1) for each in node.values]), level
    assert isinstance(node, ast.IfExp)
    body, test = _text(node.body, 6), _text(node.test, 6)
    return f"{body} if {test} else {_text(node.orelse, 5)}", 5


def _is_simple(node: ast.expr) -> bool:
    """Whether an operand of a power has no spaces around the sign."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.operand, (ast.Constant, ast.Name))
    if isinstance(node, ast.Attribute):
        return _is_simple(node.value)
    return isinstance(node, (ast.Constant, ast.Name))
