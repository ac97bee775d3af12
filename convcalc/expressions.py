"""The expressions of the spec language: parsed here, and evaluated here, never by Python.

choice  = any {"if" any "else" any}
any     = all {"or" all}            all   = denial {"and" denial}
denial  = {"not"} compare           compare = sum {("<" | "<=" | ">" | ">=" | "==" | "!=") sum}
sum     = term {("+" | "-") term}   term  = signed {("*" | "/" | "//" | "%") signed}
signed  = {"+" | "-"} power         power = item ["**" signed]
item    = atom {"[" choice "]"}
atom    = number | text | "true" | "false" | name | name "(" list ")" | "[" list "]"
        | "(" choice ")"
list    = [choice {"," choice} [","]]
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from convcalc.arithmetic import Refusal, Symbolic
from convcalc.words import describe, did_you_mean, listed, shortened


class Bounds(NamedTuple):
    """How large an expression and its values may be; each has an option (`--limit digits=400`)."""

    #: Characters of an expression.
    expression: int = 2_000
    #: Brackets and choices inside each other in an expression.
    brackets: int = 32
    #: Items of a list in an expression, those of the lists in it included.
    items: int = 10_000
    #: Decimal digits of an integer.
    digits: int = 300

    def forbid(self, number: int) -> bool:
        """Whether an integer has more than `digits` decimal digits."""
        return number.bit_length() > 3 * self.digits and abs(number) >= 10**self.digits


DEFAULT = Bounds()


def advice(name: str) -> str:
    """How a bound is raised."""
    return f"`--limit {name}=N` allows N"


class ExpressionError(Exception):
    """An expression that cannot be read or has no value: what, and which part of its text."""

    def __init__(
        self,
        message: str,
        start: int,
        end: int,
        *,
        code: str = "bad-expression",
        label: str = "",
        help: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.code = code
        self.label = label
        self.help = help


def _placed(start: int, end: int, function: Callable[..., Any], *operands: Any) -> Any:
    """The value of a function; what it refuses is said of a part of the text."""
    try:
        return function(*operands)
    except Refusal as refusal:
        raise ExpressionError(
            refusal.message, start, end, code=refusal.code, help=refusal.help
        ) from None


class Node(NamedTuple):
    """A part of an expression: how it is evaluated, and where in the text it stands."""

    evaluate: Callable[[Mapping[str, Any]], Any]
    start: int
    end: int


class Expression(NamedTuple):
    """A parsed expression. `names` are the names in it with the place of each one's first use."""

    text: str
    root: Node
    names: Mapping[str, int]

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The value under `names`. Raises ExpressionError."""
        return self.root.evaluate(names)


@lru_cache(maxsize=4096)
def parse(text: str, bounds: Bounds = DEFAULT) -> Expression:
    """Read an expression. Raises ExpressionError with the place in the text."""
    if len(text) > bounds.expression:
        raise ExpressionError(
            f"this expression has {len(text):,} characters,"
            f" more than the limit of {bounds.expression:,}",
            0,
            len(text),
            code="limit-expression",
            help=f"name its parts in `variables` or `let`; {advice('expression')}",
        )
    return _Parser(text, bounds).parse()


# What the operators and functions do


def _refusal(message: str, code: str = "bad-value", help: str = "") -> Refusal:
    return Refusal(message, code=code, help=help)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Symbolic)) and not isinstance(value, bool)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


#: The arithmetic operators, and what each does with `a` and `b`, in words.
_ARITHMETIC: Mapping[str, tuple[Callable[[Any, Any], Any], str]] = {
    "+": (operator.add, "add {b} to {a}"),
    "-": (operator.sub, "subtract {b} from {a}"),
    "*": (operator.mul, "multiply {a} by {b}"),
    "/": (operator.truediv, "divide {a} by {b}"),
    "//": (operator.floordiv, "divide {a} by {b}"),
    "%": (operator.mod, "divide {a} by {b}"),
    "**": (operator.pow, "raise {a} to the power of {b}"),
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def _calculate(sign: str, a: Any, b: Any, bounds: Bounds) -> Any:
    """The value of an arithmetic operator. Raises Refusal."""
    function, phrase = _ARITHMETIC[sign]
    code = "bad-value"
    if _is_number(a) and _is_number(b):
        if _power_bits(sign, a, b) > 4 * bounds.digits:
            raise _too_large(bounds)
        try:
            value = function(a, b)
            if not isinstance(value, complex):
                return _bounded(value, bounds)
        except ZeroDivisionError:
            code = "division-by-zero"
        except OverflowError:
            raise _too_large(bounds) from None
    raise _refusal(f"cannot {phrase.format(a=describe(a), b=describe(b))}", code)


def _power_bits(sign: str, a: Any, b: Any) -> int:
    """The bits that a ** b has at the least; 0 where it is no growing power of integers."""
    if sign == "**" and isinstance(a, int) and isinstance(b, int) and b > 1 and abs(a) > 1:
        return (a.bit_length() - 1) * b
    return 0


def _bounded(value: Any, bounds: Bounds) -> Any:
    """A result, where it is neither infinite nor longer than allowed. Raises Refusal."""
    if isinstance(value, int) and bounds.forbid(value):
        raise _too_large(bounds)
    if isinstance(value, float) and not math.isfinite(value):
        raise _refusal("the result is not a finite number")
    return value


def _too_large(bounds: Bounds) -> Refusal:
    message = f"the result has more than {bounds.digits} digits"
    return _refusal(message, "limit-digits", advice("digits"))


def fits(values: tuple[Any, ...], bounds: Bounds) -> bool:
    """Whether a list has no more items than allowed, those of the lists in it included.

    A list of ten times the list above it, and so on, grows by ten with every line of a spec.
    """
    left, waiting = bounds.items, [values]
    while waiting and left >= 0:
        items = waiting.pop()
        left -= len(items)
        waiting += [item for item in items if _is_list(item)]
    return left >= 0


def _listed(values: tuple[Any, ...], bounds: Bounds) -> tuple[Any, ...]:
    """A list, where it is no longer than allowed. Raises Refusal."""
    if not fits(values, bounds):
        message = f"this list has more than {bounds.items:,} items"
        raise _refusal(message, "limit-items", advice("items"))
    return values


def _make_divisible(v: Any, divisor: Any = 8, min_value: Any = None) -> int:
    """The nearest multiple of `divisor`, not below `min_value`, nor below 90 % of `v`.

    Sandler et al. 2018's released code, `_make_divisible`.
    """
    least = divisor if min_value is None else min_value
    result = max(least, int(v + divisor / 2) // divisor * divisor)
    if result < 0.9 * v:
        result += divisor
    return int(result)


def _round(value: Any, digits: Any = None) -> Any:
    if digits is not None and not (isinstance(digits, int) and abs(digits) <= 300):
        raise _refusal("`round` takes a whole number of digits, from -300 to 300")
    return round(value, digits)


class _Function(NamedTuple):
    """A function of the language: what computes it, and how few and many values it takes."""

    function: Callable[..., Any]
    fewest: int
    most: int

    def takes(self) -> str:
        """How many values it takes, in words."""
        if self.fewest == self.most:
            return "1 value" if self.most == 1 else f"{self.most} values"
        return f"{self.fewest} {'or more' if self.most > 9 else f'to {self.most}'} values"


#: The functions by name.
FUNCTIONS: Mapping[str, _Function] = {
    # Of one number, which Python refuses, it is the smallest and the largest.
    "min": _Function(lambda *values: min(values), 1, 99),
    "max": _Function(lambda *values: max(values), 1, 99),
    "abs": _Function(abs, 1, 1),
    "int": _Function(int, 1, 1),
    "floor": _Function(math.floor, 1, 1),
    "ceil": _Function(math.ceil, 1, 1),
    "round": _Function(_round, 1, 2),
    "len": _Function(len, 1, 1),
    "make_divisible": _Function(_make_divisible, 1, 3),
}


def _call(name: str, values: list[Any], bounds: Bounds) -> Any:
    """The value of a function. Raises Refusal."""
    if name == "len":
        if not _is_list(values[0]):
            raise _refusal(f"`len` takes a list, not {describe(values[0])}")
        return len(values[0])
    if name in ("min", "max") and len(values) == 1 and _is_list(values[0]):
        values = values[0]
        if not values:
            raise _refusal(f"an empty list has no `{name}`")
    for value in values:
        if not _is_number(value):
            raise _refusal(f"`{name}` takes numbers, not {describe(value)}")
    try:
        return _bounded(FUNCTIONS[name].function(*values), bounds)
    except ZeroDivisionError:
        raise _refusal(f"`{name}` cannot divide by 0", "division-by-zero") from None
    except OverflowError:
        raise _too_large(bounds) from None


def _compare(relation: str, a: Any, b: Any) -> Any:
    """Whether a relation holds. Raises Refusal."""
    try:
        return _COMPARISONS[relation](a, b)
    except TypeError:
        raise _refusal(f"cannot compare {describe(a)} and {describe(b)}") from None


def _item(values: Any, index: Any) -> Any:
    """An item of a list. Raises Refusal."""
    if not _is_list(values):
        raise _refusal(f"{describe(values)} is no list, and has no items")
    if isinstance(index, bool) or not isinstance(index, int):
        raise _refusal(f"an index is a whole number, not {describe(index)}")
    if not -len(values) <= index < len(values):
        raise _refusal(
            f"index {describe(index)} is outside the list of {len(values)}: items count from 0"
        )
    return values[index]


# The parser

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>'[^'\n]*'|\"[^\"\n]*\")|(?P<sign>\*\*|//|[<>=!]=|[-+*/%<>()\[\],])|(?P<end>\Z))",
    re.ASCII,
)
_KEYWORDS = frozenset(("if", "else", "and", "or", "not", "true", "false"))
#: How tightly the operators of two operands bind; `not` stands between `and` and the comparisons.
_LEVELS: Mapping[str, int] = {
    "or": 0,
    "and": 1,
    **dict.fromkeys(_COMPARISONS, 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "//", "%"), 5),
}
_NOT = 2


class _Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class _Parser:
    """Reads one expression. A chain of operators is one node, so that only brackets nest."""

    def __init__(self, text: str, bounds: Bounds) -> None:
        self.text = text
        self.bounds = bounds
        self.names: dict[str, int] = {}
        self.depth = 0
        self.tokens = self._tokens()
        self.token = next(self.tokens)

    def _tokens(self) -> Iterator[_Token]:
        at = 0
        while True:
            found = _TOKEN.match(self.text, at)
            if found is None:
                start = len(self.text) - len(self.text[at:].lstrip())
                char = self.text[start]
                raise ExpressionError(
                    f"`{char}` has no meaning in an expression",
                    start,
                    start + 1,
                    help=_char_help(char, self.text[:start]),
                )
            kind = found.lastgroup or ""
            yield _Token(kind, found[kind], found.start(kind))
            at = found.end()

    def parse(self) -> Expression:
        if not self.text.strip():
            raise ExpressionError("there is no expression here", 0, len(self.text))
        root = self.choice()
        if self.token.kind != "end":
            raise self.unexpected()
        return Expression(self.text, root, self.names)

    def advance(self) -> _Token:
        token = self.token
        self.token = next(self.tokens)
        return token

    def accept(self, *texts: str) -> _Token | None:
        """The next token, taken, where it is one of these signs or keywords."""
        if self.token.kind in ("sign", "name") and self.token.text in texts:
            return self.advance()
        return None

    def expect(self, text: str, opened: _Token) -> _Token:
        """The sign that closes what `opened` opened."""
        if token := self.accept(text):
            return token
        if self.token.kind == "end":
            raise ExpressionError(
                f"`{opened.text}` is not closed", opened.start, opened.end, help=f"add a `{text}`"
            )
        raise self.unexpected(f"`{text}` or an operator")

    def unexpected(self, wanted: str = "") -> ExpressionError:
        """The error for a token that cannot stand where it does."""
        token = self.token
        help = f"here could stand {wanted}" if wanted else ""
        if token.kind == "end":
            end = len(self.text.rstrip())
            message = "the expression ends too early"
            return ExpressionError(
                message, end - 1, end, help=help or "a value is missing at its end"
            )
        if token.kind == "name" and re.match(r"_\d", token.text):
            help = "digits are written without separators: 1000, not 1_000"
        elif token.kind == "name" and re.match(r"[oxb][0-9a-fA-F]+\Z", token.text):
            help = "hexadecimal and octal numbers stand alone: 0x1F, 0o17"
        elif token.text == ",":
            help = "digits are written without separators: 1000, not 1,000; a list has brackets"
        message = f"`{shortened(token.text)}` cannot stand here"
        return ExpressionError(message, token.start, token.end, help=help)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > self.bounds.brackets:
            raise ExpressionError(
                f"this expression is nested more than {self.bounds.brackets} deep",
                self.token.start,
                self.token.end,
                code="limit-brackets",
                help=f"name its parts in `variables` or `let`; {advice('brackets')}",
            )

    def choice(self) -> Node:
        self.deeper()
        node = self.operation()
        cases: list[tuple[Node, Node]] = []
        while self.accept("if"):
            condition = self.operation()
            if not self.accept("else"):
                raise self.unexpected("`else`")
            cases.append((condition, node))
            node = self.operation()
        self.depth -= 1
        if not cases:
            return node
        last = node

        def evaluate(names: Mapping[str, Any]) -> Any:
            for condition, value in cases:
                if condition.evaluate(names):
                    return value.evaluate(names)
            return last.evaluate(names)

        return Node(evaluate, cases[0][1].start, last.end)

    def operation(self, lowest: int = 0) -> Node:
        """Operands with operators between them that bind as tightly as `lowest` or more so."""
        node = self.denial() if lowest <= _NOT else self.signed()
        while (level := self.level()) >= lowest:
            rest: list[tuple[str, Node]] = []
            while self.level() == level:
                sign = self.advance().text
                rest.append((sign, self.operation(level + 1)))
            node = self.chain(node, rest)
        return node

    def level(self) -> int:
        """How tightly the operator that comes next binds; -1 where none does."""
        return _LEVELS.get(self.token.text, -1) if self.token.kind in ("sign", "name") else -1

    def chain(self, first: Node, rest: list[tuple[str, Node]]) -> Node:
        """Operators of one level, from the left."""
        start, end = first.start, rest[-1][1].end
        sign = rest[0][0]
        bounds = self.bounds

        def calculation(names: Mapping[str, Any]) -> Any:
            value = first.evaluate(names)
            for sign, node in rest:
                operand = node.evaluate(names)
                value = _placed(start, node.end, _calculate, sign, value, operand, bounds)
            return value

        def comparison(names: Mapping[str, Any]) -> bool:
            left = first.evaluate(names)
            for relation, node in rest:
                right = node.evaluate(names)
                if not _placed(start, node.end, _compare, relation, left, right):
                    return False
                left = right
            return True

        def junction(names: Mapping[str, Any]) -> Any:
            # As in Python, the value that settles it: `width or 32`.
            value = first.evaluate(names)
            for _, node in rest:
                if bool(value) == (sign == "or"):
                    return value
                value = node.evaluate(names)
            return value

        if sign in _ARITHMETIC:
            return Node(calculation, start, end)
        return Node(comparison if sign in _COMPARISONS else junction, start, end)

    def denial(self) -> Node:
        """Operands after any number of `not`."""
        nots = []
        while token := self.accept("not"):
            nots.append(token)
        if not nots:
            return self.signed()
        node = self.operation(_NOT + 1)
        odd = len(nots) % 2 == 1
        return Node(lambda names: bool(node.evaluate(names)) != odd, nots[0].start, node.end)

    def signed(self) -> Node:
        """An operand after any number of signs."""
        signs = []
        while sign := self.accept("+", "-"):
            signs.append(sign)
        node = self.power()
        if not signs:
            return node
        start, end = signs[0].start, node.end
        negative = sum(sign.text == "-" for sign in signs) % 2 == 1

        def evaluate(names: Mapping[str, Any]) -> Any:
            value = node.evaluate(names)
            if not _is_number(value):
                message = f"{describe(value)} is no number, and has no sign"
                raise ExpressionError(message, start, end, code="bad-value")
            return -value if negative else value

        return Node(evaluate, start, end)

    def power(self) -> Node:
        node = self.item()
        if sign := self.accept("**"):
            self.deeper()
            node = self.chain(node, [(sign.text, self.signed())])
            self.depth -= 1
        return node

    def item(self) -> Node:
        """An atom, or an item of it: `rows[0][1]`."""
        node = self.atom()
        indices: list[Node] = []
        while opened := self.accept("["):
            index = self.choice()
            indices.append(index._replace(end=self.expect("]", opened).end))
        if not indices:
            return node

        def evaluate(names: Mapping[str, Any]) -> Any:
            value = node.evaluate(names)
            for index in indices:
                value = _placed(node.start, index.end, _item, value, index.evaluate(names))
            return value

        return Node(evaluate, node.start, indices[-1].end)

    def atom(self) -> Node:
        token = self.token
        if token.kind == "number":
            return self.number(self.advance())
        if token.kind == "text":
            return self.constant(self.advance(), token.text[1:-1])
        if token.kind == "name" and token.text in ("true", "false"):
            return self.constant(self.advance(), token.text == "true")
        if token.kind == "name" and token.text not in _KEYWORDS:
            name = self.advance()
            opened = self.accept("(")
            return self.call(name, opened) if opened else self.name(name)
        if opened := self.accept("("):
            node = self.choice()
            return Node(node.evaluate, opened.start, self.expect(")", opened).end)
        if opened := self.accept("["):
            return self.sequence(opened)
        raise self.unexpected()

    def constant(self, token: _Token, value: Any) -> Node:
        return Node(lambda names: value, token.start, token.end)

    def number(self, token: _Token) -> Node:
        text = token.text
        if not text.isdigit():
            return self.constant(
                token, _placed(token.start, token.end, _bounded, float(text), self.bounds)
            )
        if len(text) > self.bounds.digits:
            too_large = _too_large(self.bounds)
            message = (
                f"this number has {len(text):,} digits, more than the limit of {self.bounds.digits}"
            )
            raise ExpressionError(
                message, token.start, token.end, code=too_large.code, help=too_large.help
            )
        return self.constant(token, int(text))

    def name(self, token: _Token) -> Node:
        name, start = token.text, token.start
        self.names.setdefault(name, start)

        def evaluate(names: Mapping[str, Any]) -> Any:
            try:
                return names[name]
            except KeyError:
                raise unknown_name(name, start, names) from None

        return Node(evaluate, start, token.end)

    def sequence(self, opened: _Token) -> Node:
        nodes, end = self.items("]", opened)
        bounds = self.bounds

        def evaluate(names: Mapping[str, Any]) -> Any:
            values = tuple(node.evaluate(names) for node in nodes)
            return _placed(opened.start, end, _listed, values, bounds)

        return Node(evaluate, opened.start, end)

    def items(self, close: str, opened: _Token) -> tuple[list[Node], int]:
        """What stands between brackets, commas between them, and the end of it."""
        nodes: list[Node] = []
        while True:
            if closed := self.accept(close):
                return nodes, closed.end
            nodes.append(self.choice())
            if not self.accept(","):
                return nodes, self.expect(close, opened).end

    def call(self, name: _Token, opened: _Token) -> Node:
        nodes, end = self.items(")", opened)
        function = FUNCTIONS.get(name.text)
        if function is None:
            raise ExpressionError(
                f"unknown function `{shortened(name.text)}`",
                name.start,
                name.end,
                label=did_you_mean(name.text, FUNCTIONS),
                help=f"the functions are {listed(FUNCTIONS)}",
            )
        if not function.fewest <= len(nodes) <= function.most:
            message = f"`{name.text}` takes {function.takes()}, and this gives it {len(nodes)}"
            raise ExpressionError(message, name.start, end)
        bounds = self.bounds

        def evaluate(names: Mapping[str, Any]) -> Any:
            values = [node.evaluate(names) for node in nodes]
            return _placed(name.start, end, _call, name.text, values, bounds)

        return Node(evaluate, name.start, end)


def unknown_name(name: str, start: int, known: Iterable[str]) -> ExpressionError:
    """The error for a name that stands for nothing here."""
    return ExpressionError(
        f"unknown name `{shortened(name)}`",
        start,
        start + len(name),
        code="unknown-name",
        label=did_you_mean(name, [*known, *FUNCTIONS]),
        help=_name_help(name, known),
    )


def _name_help(name: str, known: Iterable[str]) -> str:
    if name.lower() in ("yes", "no", "on", "off"):
        return "truth values are written `true` and `false`"
    if name in ("True", "False"):
        return f"write `{name.lower()}`"
    if name == "None":
        return "leave the field out"
    own = [word for word in known if not word.startswith("in_")]
    return f"known here: {listed(own)}" if own else "no variable is known here"


def _char_help(char: str, before: str) -> str:
    if char in "\"'":
        return "the text is not closed"
    if char == ".":
        return "there are no attributes; a number has digits around its point"
    if char == "=":
        return "equality is `==`"
    if char in "×·":
        return "multiplication is `*`"
    if char in "−–":
        return "a minus sign is `-`"
    if char in "&|!":
        return "write `and`, `or`, `not`"
    if char == "^":
        return "a power is `**`"
    if char == "{":
        return "a mapping has no place in an expression; fields stand on the line of their layer"
    if char == ":" and before[-1:].isdigit():
        return "a number has no colon in it; YAML 1.1 reads 1:30 as 90"
    if char == ":":
        return "a mapping has no place in an expression"
    return ""
