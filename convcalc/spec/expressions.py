"""The expressions of the spec language: parsed here, and evaluated here, never by Python.

if      = or ["if" or "else" if]
or      = and {"or" and}            and   = not {"and" not}            not = "not" not | compare
compare = sum {("<" | "<=" | ">" | ">=" | "==" | "!=") sum}
sum     = term {("+" | "-") term}   term  = sign {("*" | "/" | "//" | "%") sign}
sign    = ("+" | "-") sign | power  power = item ["**" sign]
item    = atom {"[" if "]"}
atom    = number | text | name | name "(" [if {"," if}] ")" | "(" if ")" | "[" [if {"," if}] "]"
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from convcalc.arithmetic import Symbolic
from convcalc.diagnostics import did_you_mean, listed
from convcalc.layers.fields import describe
from convcalc.spec.limits import DEFAULT, Limits

#: Nested brackets and operators in an expression.
MAX_DEPTH = 50
#: Operators in an expression.
MAX_OPERATORS = 250


class ExpressionError(Exception):
    """An expression that cannot be read or has no value: what, and which part of its text."""

    def __init__(
        self, message: str, offset: int, length: int, *, code: str = "bad-expression", help: str = "",
        label: str = "",
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.length = length
        self.code = code
        self.help = help
        self.label = label


class Node(NamedTuple):
    """A part of an expression: how it is evaluated, and where it stands in the text."""

    evaluate: Callable[[Mapping[str, Any]], Any]
    offset: int
    length: int


class Expression(NamedTuple):
    """A parsed expression. `names` are the names in it with the place of each one's first use."""

    text: str
    root: Node
    names: Mapping[str, int]

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The value under `names`. Raises ExpressionError."""
        return self.root.evaluate(names)


_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>'[^'\n]*'|\"[^\"\n]*\")|(?P<sign>\*\*|//|[<>=!]=|[-+*/%<>()\[\],])|(?P<end>\Z))",
    re.ASCII,
)
_KEYWORDS = frozenset(("if", "else", "and", "or", "not", "true", "false"))


def _make_divisible(v: Any, divisor: Any = 8, min_value: Any = None) -> int:
    """The nearest multiple of `divisor`, not below `min_value`, nor below 90 % of `v`.

    Sandler et al. 2018's released code, `_make_divisible`.
    """
    least = divisor if min_value is None else min_value
    result = max(least, int(v + divisor / 2) // divisor * divisor)
    if result < 0.9 * v:
        result += divisor
    return int(result)


def _smallest(*values: Any) -> Any:
    return min(*values)


def _largest(*values: Any) -> Any:
    return max(*values)


def _round(value: Any, digits: Any = None) -> Any:
    return round(value, digits)


#: Name to function, fewest and most arguments.
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int, int]] = {
    "min": (_smallest, 1, 99),
    "max": (_largest, 1, 99),
    "abs": (abs, 1, 1),
    "int": (int, 1, 1),
    "floor": (math.floor, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "round": (_round, 1, 2),
    "len": (len, 1, 1),
    "make_divisible": (_make_divisible, 1, 3),
}
_BINARY: Mapping[str, tuple[Callable[[Any, Any], Any], str]] = {
    "+": (operator.add, "add {b} to {a}"),
    "-": (operator.sub, "subtract {b} from {a}"),
    "*": (operator.mul, "multiply {a} by {b}"),
    "/": (operator.truediv, "divide {a} by {b}"),
    "//": (operator.floordiv, "divide {a} by {b}"),
    "%": (operator.mod, "divide {a} by {b}"),
    "**": (operator.pow, "raise {a} to the power of {b}"),
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@lru_cache(maxsize=4096)
def parse(text: str, limits: Limits = DEFAULT) -> Expression:
    """Read an expression. Raises ExpressionError with the place in the text."""
    if len(text) > limits.expression:
        raise ExpressionError(
            f"this expression has {len(text):,} characters, more than the limit of {limits.expression:,}",
            0,
            min(len(text), 40),
            code="limit-expression",
            help="`--limit expression=N` allows N; `variables` and `let` name the parts of a long one",
        )
    return _Parser(text, limits).parse()


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


class _Parser:
    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.most_bits = int(limits.digits * 3.33)
        self.names: dict[str, int] = {}
        self.depth = 0
        self.operators = 0
        self.tokens = self._tokens()
        self.token = next(self.tokens)

    def _tokens(self) -> Any:
        at = 0
        while True:
            found = _TOKEN.match(self.text, at)
            if found is None:
                start = at + len(self.text[at:]) - len(self.text[at:].lstrip())
                char = self.text[start]
                raise ExpressionError(
                    f"`{char}` has no meaning in an expression", start, 1, help=_char_help(char)
                )
            kind = found.lastgroup or ""
            yield _Token(kind, found[kind], found.start(kind))
            if kind == "end":
                return
            at = found.end()

    def parse(self) -> Expression:
        if not self.text.strip():
            raise ExpressionError(
                "there is no expression here", 0, len(self.text), help="write a value"
            )
        root = self.choice()
        if self.token.kind != "end":
            raise self.unexpected()
        return Expression(self.text, root, self.names)

    def advance(self) -> _Token:
        token: _Token = self.token
        self.token = next(self.tokens)
        return token

    def accept(self, *texts: str) -> _Token | None:
        if self.token.kind not in ("sign", "name") or self.token.text not in texts:
            return None
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            raise ExpressionError(
                f"this expression has more than {MAX_OPERATORS} operators and brackets",
                self.token.offset,
                len(self.token.text),
                code="limit-expression",
                help="name the parts of it in `variables` or `let`",
            )
        return self.advance()

    def expect(self, text: str, opened: _Token) -> _Token:
        token = self.accept(text)
        if token is None:
            if self.token.kind == "end":
                raise ExpressionError(
                    f"`{opened.text}` is not closed",
                    opened.offset,
                    len(opened.text),
                    help=f"add a `{text}`",
                )
            raise self.unexpected(f"`{text}` or an operator")
        return token

    def unexpected(self, wanted: str = "") -> ExpressionError:
        token = self.token
        if token.kind == "end":
            before = self.text.rstrip()
            return ExpressionError(
                "the expression ends too early",
                max(0, len(before) - 1),
                1,
                help="a value is missing at its end",
            )
        help = f"here could stand {wanted}" if wanted else ""
        if token.kind == "name" and re.match(r"_\d", token.text):
            help = "digits are written without separators: 1000, not 1_000"
        elif token.kind == "name" and re.match(r"[ox][0-9a-fA-F]+\Z", token.text):
            help = "in an expression numbers are decimal"
        return ExpressionError(
            f"`{token.text}` cannot stand here", token.offset, len(token.text), help=help
        )

    def node(self, start: int, evaluate: Callable[[Mapping[str, Any]], Any], end: int) -> Node:
        return Node(evaluate, start, end - start)

    def choice(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(
                f"this expression is nested more than {MAX_DEPTH} deep",
                self.token.offset,
                1,
                code="limit-expression",
                help="name the parts of it in `variables` or `let`",
            )
        node = self.either()
        if self.accept("if"):
            condition = self.either()
            if not self.accept("else"):
                raise self.unexpected("`else`")
            other = self.choice()
            a, c, b = node.evaluate, condition.evaluate, other.evaluate
            node = self.node(
                node.offset,
                lambda names: a(names) if c(names) else b(names),
                other.offset + other.length,
            )
        self.depth -= 1
        return node

    def either(self) -> Node:
        node = self.both()
        while self.accept("or"):
            other = self.both()
            node = self._either(node, other)
        return node

    def _either(self, left: Node, right: Node) -> Node:
        a, b = left.evaluate, right.evaluate
        return self.node(
            left.offset, lambda names: a(names) or b(names), right.offset + right.length
        )

    def both(self) -> Node:
        node = self.negation()
        while self.accept("and"):
            other = self.negation()
            node = self._both(node, other)
        return node

    def _both(self, left: Node, right: Node) -> Node:
        a, b = left.evaluate, right.evaluate
        return self.node(
            left.offset, lambda names: a(names) and b(names), right.offset + right.length
        )

    def negation(self) -> Node:
        nots = []
        while token := self.accept("not"):
            nots.append(token)
        node = self.comparison()
        if nots:
            a, odd = node.evaluate, len(nots) % 2 == 1
            node = self.node(
                nots[0].offset, lambda names: bool(a(names)) != odd, node.offset + node.length
            )
        return node

    def comparison(self) -> Node:
        first = self.sum()
        rest: list[tuple[str, Node]] = []
        while self.token.kind == "sign" and self.token.text in _COMPARISONS:
            relation = self.advance().text
            rest.append((relation, self.sum()))
        if not rest:
            return first
        start, end = first.offset, rest[-1][1].offset + rest[-1][1].length

        def evaluate(names: Mapping[str, Any]) -> bool:
            left = first.evaluate(names)
            for relation, node in rest:
                right = node.evaluate(names)
                try:
                    true = _COMPARISONS[relation](left, right)
                except TypeError:
                    message = f"cannot compare {describe(left)} and {describe(right)}"
                    raise ExpressionError(message, start, end - start, code="bad-value") from None
                if not true:
                    return False
                left = right
            return True

        return self.node(start, evaluate, end)

    def sum(self) -> Node:
        node = self.term()
        while sign := self.accept("+", "-"):
            node = self.binary(sign.text, node, self.term())
        return node

    def term(self) -> Node:
        node = self.sign()
        while sign := self.accept("*", "/", "//", "%"):
            node = self.binary(sign.text, node, self.sign())
        return node

    def sign(self) -> Node:
        signs = []
        while sign := self.accept("+", "-"):
            signs.append(sign)
        node = self.power()
        if signs:
            a, odd = node.evaluate, sum(sign.text == "-" for sign in signs) % 2 == 1
            start, end = signs[0].offset, node.offset + node.length

            def evaluate(names: Mapping[str, Any]) -> Any:
                value = a(names)
                if not _is_number(value):
                    message = f"{describe(value)} is no number, and has no sign"
                    raise ExpressionError(message, start, end - start, code="bad-value")
                return -value if odd else value

            node = self.node(start, evaluate, end)
        return node

    def power(self) -> Node:
        node = self.item()
        if self.accept("**"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise ExpressionError(
                    f"this expression is nested more than {MAX_DEPTH} deep", self.token.offset, 1,
                    code="limit-expression",
                )  # fmt: skip
            node = self.binary("**", node, self.sign())
            self.depth -= 1
        return node

    def binary(self, sign: str, left: Node, right: Node) -> Node:
        function, what = _BINARY[sign]
        start, end = left.offset, right.offset + right.length
        a, b = left.evaluate, right.evaluate
        most_bits = self.most_bits

        def evaluate(names: Mapping[str, Any]) -> Any:
            x, y = a(names), b(names)
            problem, code, help = "", "bad-value", ""
            if not (_is_number(x) and _is_number(y)):
                problem = f"cannot {what.format(a=describe(x), b=describe(y))}"
            elif y == 0 and sign in ("/", "//", "%"):
                problem, code = f"cannot {what.format(a=describe(x), b='0')}", "division-by-zero"
            elif sign == "**" and _power_bits(x, y) > most_bits:
                problem, code = _too_large(self.limits), "limit-digits"
            if not problem:
                try:
                    value = function(x, y)
                except (OverflowError, ZeroDivisionError):
                    problem, code = _too_large(self.limits), "limit-digits"
                else:
                    if isinstance(value, complex):
                        problem = f"cannot {what.format(a=describe(x), b=describe(y))}"
                    elif isinstance(value, int) and value.bit_length() > most_bits:
                        problem, code = _too_large(self.limits), "limit-digits"
                    elif isinstance(value, float) and not math.isfinite(value):
                        problem, code = "the result is not a finite number", "bad-value"
                    else:
                        return value
            if code == "limit-digits":
                help = "`--limit digits=N` allows N"
            raise ExpressionError(problem, start, end - start, code=code, help=help)

        return self.node(start, evaluate, end)

    def item(self) -> Node:
        node = self.atom()
        while opened := self.accept("["):
            index = self.choice()
            closed = self.expect("]", opened)
            node = self.indexed(node, index, closed.offset + 1)
        return node

    def indexed(self, items: Node, index: Node, end: int) -> Node:
        start = items.offset

        def evaluate(names: Mapping[str, Any]) -> Any:
            values, at = items.evaluate(names), index.evaluate(names)
            if not isinstance(values, (list, tuple)):
                message = f"{describe(values)} is no list, and has no items"
            elif isinstance(at, bool) or not isinstance(at, int):
                message = f"an index is a whole number, not {describe(at)}"
            elif not -len(values) <= at < len(values):
                message = f"index {at} is outside the list of {len(values)}"
            else:
                return values[at]
            raise ExpressionError(message, start, end - start, code="bad-value")

        return self.node(start, evaluate, end)

    def atom(self) -> Node:
        token = self.token
        if token.kind == "number":
            return self.number(self.advance())
        if token.kind == "text":
            self.advance()
            text = token.text[1:-1]
            return self.node(token.offset, lambda names: text, token.offset + len(token.text))
        if token.kind == "name" and token.text in ("true", "false"):
            self.advance()
            truth = token.text == "true"
            return self.node(token.offset, lambda names: truth, token.offset + len(token.text))
        if token.kind == "name" and token.text not in _KEYWORDS:
            self.advance()
            if opened := self.accept("("):
                return self.call(token, opened)
            return self.name(token)
        if opened := self.accept("("):
            node = self.choice()
            closed = self.expect(")", opened)
            return Node(node.evaluate, opened.offset, closed.offset + 1 - opened.offset)
        if opened := self.accept("["):
            items = self.arguments("]", opened)
            values = [item.evaluate for item in items[0]]
            return self.node(
                opened.offset, lambda names: tuple(value(names) for value in values), items[1]
            )
        raise self.unexpected()

    def number(self, token: _Token) -> Node:
        text = token.text
        end = token.offset + len(text)
        value: int | float
        if text.isdigit():
            if len(text) > self.limits.digits:
                raise ExpressionError(
                    _too_large(self.limits), token.offset, 20, code="limit-digits",
                    help="`--limit digits=N` allows N",
                )  # fmt: skip
            value = int(text)
        else:
            value = float(text)
            if not math.isfinite(value):
                raise ExpressionError("this number is not finite", token.offset, len(text))
        return self.node(token.offset, lambda names: value, end)

    def name(self, token: _Token) -> Node:
        name, offset = token.text, token.offset
        self.names.setdefault(name, offset)

        def evaluate(names: Mapping[str, Any]) -> Any:
            try:
                return names[name]
            except KeyError:
                raise unknown_name(name, offset, names) from None

        return self.node(offset, evaluate, offset + len(name))

    def arguments(self, close: str, opened: _Token) -> tuple[list[Node], int]:
        nodes: list[Node] = []
        while True:
            if closed := self.accept(close):
                return nodes, closed.offset + 1
            if nodes and not self.accept(","):
                self.expect(close, opened)
            if closed := self.accept(close):
                return nodes, closed.offset + 1
            nodes.append(self.choice())

    def call(self, name: _Token, opened: _Token) -> Node:
        nodes, end = self.arguments(")", opened)
        start = name.offset
        if name.text not in FUNCTIONS:
            raise ExpressionError(
                f"unknown function `{name.text}`", start, len(name.text),
                label=did_you_mean(name.text, FUNCTIONS), help=f"the functions are {listed(FUNCTIONS)}",
            )  # fmt: skip
        function, fewest, most = FUNCTIONS[name.text]
        if not fewest <= len(nodes) <= most:
            wanted = (
                str(fewest)
                if fewest == most
                else f"{fewest} or more"
                if most > 9
                else f"{fewest} to {most}"
            )
            raise ExpressionError(
                f"`{name.text}` takes {wanted} values, and this gives it {len(nodes)}",
                start,
                end - start,
            )
        limits = self.limits

        def evaluate(names: Mapping[str, Any]) -> Any:
            values = [node.evaluate(names) for node in nodes]
            problem, code = "", "bad-value"
            if name.text != "len":
                if (
                    name.text in ("min", "max")
                    and len(values) == 1
                    and isinstance(values[0], (list, tuple))
                ):
                    values = list(values[0]) or [None]
                wrong = next((value for value in values if not _is_number(value)), 0)
                if not _is_number(wrong):
                    problem = f"`{name.text}` takes numbers, not {describe(wrong)}"
                elif len(values) == 1 and name.text in ("min", "max"):
                    return values[0]
            elif not isinstance(values[0], (list, tuple, str)):
                problem = f"`len` takes a list, not {describe(values[0])}"
            if name.text == "round" and len(values) == 2 and not isinstance(values[1], int):
                problem = "`round` takes a whole number of digits"
            if not problem:
                try:
                    value = function(*values)
                    if isinstance(value, int) and value.bit_length() > self.most_bits:
                        problem, code = _too_large(limits), "limit-digits"
                    else:
                        return value
                except ZeroDivisionError:
                    problem, code = f"`{name.text}` cannot divide by 0", "division-by-zero"
                except (OverflowError, ValueError):
                    problem, code = _too_large(limits), "limit-digits"
            raise ExpressionError(problem, start, end - start, code=code)

        return self.node(start, evaluate, end)


def unknown_name(name: str, offset: int, known: Mapping[str, Any]) -> ExpressionError:
    """The error for a name that stands for nothing here."""
    words = [*known, *FUNCTIONS]
    return ExpressionError(
        f"unknown name `{name}`",
        offset,
        len(name),
        code="unknown-name",
        label=did_you_mean(name, words),
        help=_name_help(name, [word for word in known if not word.startswith("in_")]),
    )


def _name_help(name: str, known: list[str]) -> str:
    if name.lower() in ("yes", "no", "on", "off"):
        return "truth values are written `true` and `false`"
    if name in ("True", "False"):
        return f"write `{name.lower()}`"
    if name == "None":
        return "leave the field out"
    return f"known here: {listed(sorted(known))}" if known else "no variable is known here"


def _char_help(char: str) -> str:
    if char in "\"'":
        return "the text is not closed"
    if char == ".":
        return "there are no attributes; a number has digits around its point"
    if char == "=":
        return "equality is `==`"
    if char in "×·":
        return "multiplication is `*`"
    if char in "&|!":
        return "write `and`, `or`, `not`"
    if char == "^":
        return "a power is `**`"
    if char == ":":
        return "a text or a mapping was meant? Then quotes or a line of its own are missing"
    return ""


def _power_bits(x: Any, y: Any) -> int:
    """The bits that x ** y has at the least; 0 where it is no growing power of integers."""
    if isinstance(x, int) and isinstance(y, int) and y > 1 and abs(x) > 1:
        return (x.bit_length() - 1) * y
    return 0


def _too_large(limits: Limits) -> str:
    return f"the result has more than {limits.digits} digits"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Symbolic)) and not isinstance(value, bool)
