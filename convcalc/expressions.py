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

Where amounts are asked for, as conditions of a search do, a number may have a unit: `300M`.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache, reduce
from typing import Any, NamedTuple

from convcalc import arithmetic
from convcalc.arithmetic import (
    Refusal,
    Symbolic,
    both,
    decided,
    denied,
    either,
    exact,
    is_number,
    truth,
)
from convcalc.visible import is_identifier, visible
from convcalc.words import describe, did_you_mean, listed, shortened


class Bounds(NamedTuple):
    """How large an expression and its values may be; each has an option (`--limit digits=400`)."""

    #: Characters of an expression.
    expression: int = 2_000
    #: Brackets and choices inside each other in an expression.
    brackets: int = 32
    #: Items of a list in an expression, those of the lists in it included.
    items: int = 10_000
    #: Decimal digits of an integer, and of the two that a fraction is made of.
    digits: int = 300

    def forbid(self, number: int) -> bool:
        """Whether an integer has more than `digits` decimal digits."""
        return number.bit_length() > 3 * self.digits and abs(number) >= 10**self.digits


DEFAULT = Bounds()


def advice(name: str) -> str:
    """How a bound is raised."""
    return f"`--limit {name}=N` allows N"


@dataclass(eq=False)
class ExpressionError(Exception):
    """An expression that cannot be read or has no value: what, and which part of its text."""

    message: str
    start: int
    end: int
    _: KW_ONLY
    code: str = "bad-expression"
    label: str = ""
    help: str = ""

    def __str__(self) -> str:
        return self.message


def _limit(name: str, message: str, cure: str = "") -> Refusal:
    """The refusal of what is beyond a bound, with how to do without and how to raise it."""
    return Refusal(message, code=f"limit-{name}", help=cure + advice(name))


#: The cure for an expression that is too long, or too deep.
_NAME_PARTS = "name its parts in `variables` or `let`; "


def _error(refusal: Refusal, start: int, end: int) -> ExpressionError:
    """What a refusal says, said of a part of the text."""
    return ExpressionError(refusal.message, start, end, code=refusal.code, help=refusal.help)


def _placed(start: int, end: int, function: Callable[..., Any], *operands: Any) -> Any:
    """The value of a function; what it refuses is said of a part of the text."""
    try:
        return function(*operands)
    except Refusal as refusal:
        raise _error(refusal, start, end) from None


class Node(NamedTuple):
    """A part of an expression: how it is evaluated, and where in the text it stands."""

    evaluate: Callable[[Mapping[str, Any]], Any]
    start: int
    end: int


class Expression(NamedTuple):
    """A parsed expression. `names` are the names in it with the place of each one's first use.

    `parts` is the number of its signs, names and numbers.
    """

    text: str
    root: Node
    names: Mapping[str, int]
    parts: int

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The value under `names`. Raises ExpressionError."""
        return self.root.evaluate(names)


def parse(text: str, bounds: Bounds = DEFAULT, *, units: bool = False) -> Expression:
    """Read an expression; with `units`, a number may have one: `300M`, `256KiB`.

    Raises ExpressionError with the place in the text.
    """
    if len(text) > bounds.expression:
        length, most = f"{len(text):,}", f"{bounds.expression:,}"
        message = f"this expression has {length} characters, more than the limit of {most}"
        raise _error(_limit("expression", message, _NAME_PARTS), 0, len(text))
    read = _kept if len(text) <= _SHORT else _read
    return read(text, bounds, units)


#: Characters of an expression that is kept; a parsed one takes a hundred times its text.
_SHORT = 100


def _read(text: str, bounds: Bounds, units: bool) -> Expression:
    return _Parser(text, bounds, units).parse()


_kept = lru_cache(maxsize=4096)(_read)


# What the operators and functions do


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, Symbolic) and not value.numeric)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _shown(value: Any) -> str:
    """A value in a message."""
    return f"`{value}`" if isinstance(value, Symbolic) else describe(value)


#: The arithmetic operators, and what each does with `a` and `b`, in words.
_ARITHMETIC: Mapping[str, tuple[Callable[..., Any], str]] = {
    "+": (arithmetic.exactly(operator.add), "add {b} to {a}"),
    "-": (arithmetic.exactly(operator.sub), "subtract {b} from {a}"),
    "*": (arithmetic.exactly(operator.mul), "multiply {a} by {b}"),
    "/": (arithmetic.divide, "divide {a} by {b}"),
    "//": (arithmetic.exactly(operator.floordiv), "divide {a} by {b}"),
    "%": (arithmetic.exactly(operator.mod), "divide {a} by {b}"),
    "**": (arithmetic.power, "raise {a} to the power of {b}"),
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
    if is_number(a) and is_number(b):
        try:
            value = function(a, b, 4 * bounds.digits) if sign == "**" else function(a, b)
            if not isinstance(value, complex):
                return _bounded(value, bounds, a, b)
        except ZeroDivisionError:
            code = "division-by-zero"
        except OverflowError:
            raise _too_large(bounds) from None
    raise Refusal(f"cannot {phrase.format(a=_shown(a), b=_shown(b))}", code=code)


def _bounded(value: Any, bounds: Bounds, *operands: Any) -> Any:
    """A result, where it is neither infinite nor longer than allowed. Raises Refusal.

    An integer made of floats that is too long is the float that stands for it, if there is one.
    """
    if isinstance(value, int):
        if value.bit_length() > 3 * bounds.digits and bounds.forbid(value):
            if float in map(type, operands) and exact(float(value)) == value:
                return float(value)
            raise _too_large(bounds)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Refusal("the result is not a finite number")
    elif isinstance(value, Symbolic):
        if (number := value.large()) is not None:
            _bounded(number, bounds, *map(decided, operands))
    elif bounds.forbid(value.numerator) or bounds.forbid(value.denominator):
        raise _too_large(bounds)
    return value


def _too_large(bounds: Bounds) -> Refusal:
    return _limit("digits", f"the result has more than {bounds.digits} digits")


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
        raise _limit("items", f"this list has more than {bounds.items:,} items")
    return values


def _round(value: Any, digits: Any = None) -> Any:
    places = _index(digits)
    if digits is not None and (places is None or abs(places) > 300):
        raise Refusal("`round` takes a whole number of digits, from -300 to 300")
    return arithmetic.nearest(value, places)


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
    "min": _Function(lambda *values: reduce(arithmetic.minimum, values), 1, 99),
    "max": _Function(lambda *values: reduce(arithmetic.maximum, values), 1, 99),
    "abs": _Function(abs, 1, 1),
    "int": _Function(arithmetic.truncate, 1, 1),
    "floor": _Function(arithmetic.floor, 1, 1),
    "ceil": _Function(arithmetic.ceil, 1, 1),
    "round": _Function(_round, 1, 2),
    "len": _Function(len, 1, 1),
    "make_divisible": _Function(arithmetic.make_divisible, 1, 3),
}


def _call(name: str, values: list[Any], bounds: Bounds) -> Any:
    """The value of a function. Raises Refusal."""
    if name == "len":
        if not _is_list(values[0]):
            raise Refusal(f"`len` takes a list, not {_shown(values[0])}")
        return len(values[0])
    if name in ("min", "max") and len(values) == 1 and _is_list(values[0]):
        values = values[0]
        if not values:
            raise Refusal(f"an empty list has no `{name}`")
        if set(map(type, values)) == {int}:
            return min(values) if name == "min" else max(values)  # a long list, most likely
    for value in values:
        if not is_number(value):
            raise Refusal(f"`{name}` takes numbers, not {_shown(value)}")
    try:
        return _bounded(FUNCTIONS[name].function(*values), bounds)
    except ZeroDivisionError:
        raise Refusal(f"`{name}` cannot divide by 0", code="division-by-zero") from None
    except OverflowError:
        raise _too_large(bounds) from None


def _compare(relation: str, a: Any, b: Any) -> Any:
    """Whether a relation holds: a truth value, or an open condition. Raises Refusal."""
    function = _COMPARISONS[relation]
    try:
        if not isinstance(a, Symbolic) and not isinstance(b, Symbolic):
            return function(a, b) if type(a) is type(b) else function(exact(a), exact(b))
        if is_number(a) and is_number(b):
            if relation == "!=":
                return denied(arithmetic.equal(a, b))
            return arithmetic.equal(a, b) if relation == "==" else function(exact(a), exact(b))
        if relation in ("==", "!=") and not (_is_truth(a) or _is_truth(b)):
            return relation == "!="
    except TypeError:
        pass
    raise Refusal(f"cannot compare {_shown(a)} and {_shown(b)}")


def _chosen(condition: Any, a: Any, b: Any) -> Any:
    """a where an open condition holds, else b. Raises Refusal unless both are of one kind."""
    if is_number(a) and is_number(b):
        return arithmetic.where(condition, a, b)
    if _is_truth(a) and _is_truth(b):
        return either(both(condition, a), both(denied(condition), b))
    raise Refusal(f"cannot choose between {_shown(a)} and {_shown(b)}: `{condition}` is open")


def _joined(sign: str, settled: Any, a: Any, b: Any) -> Any:
    """`a and b` or `a or b`, where `a` does not settle it. Raises Refusal."""
    if settled is True or settled is False:
        return b
    if _is_truth(a) or _is_truth(b):
        # Of a condition and a number, `n > 4 and n`, only the truth is asked.
        return either(settled, truth(b)) if sign == "or" else both(settled, truth(b))
    return _chosen(settled, a, b) if sign == "or" else _chosen(settled, b, a)


def _index(value: Any) -> int | None:
    """The one integer that a number is, for a place in a list; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, Symbolic)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _item(values: Any, index: Any) -> Any:
    """An item of a list. Raises Refusal."""
    if not _is_list(values):
        raise Refusal(f"{_shown(values)} is no list, and has no items")
    place = _index(index)
    if place is None:
        raise Refusal(f"an index is a whole number, not {_shown(index)}")
    if not -len(values) <= place < len(values):
        message = f"index {_shown(index)} is outside the list of {len(values)}: items count from 0"
        raise Refusal(message)
    return values[place]


# The parser

#: What separates tokens: what `\\s` is in them.
_SPACES = " \t\n\r\f\v"
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    # What begins like a name in any script; `_name_in` says how far it is one.
    r"|(?P<name>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)"
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


def _name_in(text: str) -> str:
    """The name that a text begins with, which is not all ASCII; empty where it begins with none."""
    end = 0
    while end < len(text) and is_identifier("_" * (end > 0) + text[end]):
        end += 1
    return text[:end]


class _Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class _Parser:
    """Reads one expression. A chain of operators is one node, so that only brackets nest."""

    def __init__(self, text: str, bounds: Bounds, units: bool) -> None:
        self.text = text
        self.bounds = bounds
        self.units = units
        self.names: dict[str, int] = {}
        self.depth = 0
        self.parts = 0
        self.tokens = self._tokens()
        self.token = next(self.tokens)

    def _tokens(self) -> Iterator[_Token]:
        at = 0
        while True:
            found = _TOKEN.match(self.text, at)
            text = found[found.lastgroup or ""] if found else ""
            if found and found.lastgroup == "name" and not text.isascii():
                text = _name_in(text)
            if found is None or (found.lastgroup == "name" and not text):
                start = len(self.text) - len(self.text[at:].lstrip(_SPACES))
                char = self.text[start]
                is_seen = not char.isspace() and visible(char) == char
                shown = f"`{char}`" if is_seen else f"U+{ord(char):04X}"
                message = f"{shown} has no meaning in an expression"
                help = _char_help(char, self.text[:start])
                raise ExpressionError(message, start, start + 1, help=help)
            kind = found.lastgroup or ""
            yield _Token(kind, text, found.start(kind))
            at = found.start(kind) + len(text)

    def parse(self) -> Expression:
        if not self.text.strip():
            raise ExpressionError("there is no expression here", 0, len(self.text))
        root = self.choice()
        if self.token.kind != "end":
            raise self.unexpected()
        return Expression(self.text, root, self.names, self.parts)

    def advance(self) -> _Token:
        token = self.token
        self.parts += 1
        self.token = next(self.tokens)
        return token

    def accept(self, *texts: str) -> _Token | None:
        """The next token, taken, where it is one of these signs or keywords (a text has quotes)."""
        return self.advance() if self.token.text in texts else None

    def expect(self, text: str, opened: _Token) -> _Token:
        """The sign that closes what `opened` opened."""
        if token := self.accept(text):
            return token
        if self.token.kind == "end":
            message = f"`{opened.text}` is not closed"
            raise ExpressionError(message, opened.start, opened.end, help=f"add a `{text}`")
        raise self.unexpected(f"`{text}` or an operator")

    def unexpected(self, wanted: str = "") -> ExpressionError:
        """The error for a token that cannot stand where it does."""
        token = self.token
        help = f"here could stand {wanted}" if wanted else ""
        if token.kind == "end":
            end = len(self.text.rstrip())
            help = help or "a value is missing at its end"
            return ExpressionError("the expression ends too early", end - 1, end, help=help)
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
            message = f"this expression is nested more than {self.bounds.brackets} deep"
            refusal = _limit("brackets", message, _NAME_PARTS)
            raise _error(refusal, self.token.start, self.token.end)

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
        start, end = cases[0][1].start, last.end

        def evaluate(names: Mapping[str, Any]) -> Any:
            open_: list[tuple[Any, Any]] = []
            chosen = last
            for condition, value in cases:
                settled = condition.evaluate(names)
                if settled is not True and settled is not False:
                    settled = truth(settled)
                if settled is True:
                    chosen = value
                    break
                if settled is not False:
                    open_.append((settled, value.evaluate(names)))
            result = chosen.evaluate(names)
            for settled, held in reversed(open_):
                result = _placed(start, end, _chosen, settled, held, result)
            return result

        return Node(evaluate, start, end)

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
        return _LEVELS.get(self.token.text, -1)

    def chain(self, first: Node, rest: list[tuple[str, Node]]) -> Node:
        """Operators of one level, from the left."""
        start, end = first.start, rest[-1][1].end
        sign = rest[0][0]
        bounds = self.bounds

        def calculation(names: Mapping[str, Any]) -> Any:
            value = first.evaluate(names)
            try:
                for sign, node in rest:
                    value = _calculate(sign, value, node.evaluate(names), bounds)
            except Refusal as refusal:
                raise _error(refusal, start, node.end) from None
            return value

        def comparison(names: Mapping[str, Any]) -> Any:
            left = first.evaluate(names)
            result: Any = True
            try:
                for relation, node in rest:
                    right = node.evaluate(names)
                    holds = _compare(relation, left, right)
                    if holds is False:
                        return False
                    result = holds if result is True else both(result, holds)
                    left = right
            except Refusal as refusal:
                raise _error(refusal, start, node.end) from None
            return result

        def junction(names: Mapping[str, Any]) -> Any:
            # As in Python, the value that settles it: `width or 32`.
            value = first.evaluate(names)
            for _, node in rest:
                settled = truth(value)
                if settled is (sign == "or"):
                    return value
                other = node.evaluate(names)
                value = _placed(start, node.end, _joined, sign, settled, value, other)
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

        def evaluate(names: Mapping[str, Any]) -> Any:
            settled = truth(node.evaluate(names))
            return denied(settled) if odd else settled

        return Node(evaluate, nots[0].start, node.end)

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
            if not is_number(value):
                message = f"{_shown(value)} is no number, and has no sign"
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
        if token.text in ("true", "false"):
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
        unit = self.token
        if self.units and unit.kind == "name" and unit.start == token.end:
            return self.amount(token, self.advance())
        if not text.isdigit():
            number = (arithmetic.written(text), self.bounds, float(text))
            return self.constant(token, _placed(token.start, token.end, _bounded, *number))
        if len(text) > self.bounds.digits:
            length, most = f"{len(text):,}", self.bounds.digits
            message = f"this number has {length} digits, more than the limit of {most}"
            raise _error(_limit("digits", message), token.start, token.end)
        return self.constant(token, int(text))

    def amount(self, token: _Token, unit: _Token) -> Node:
        """A number with a unit behind it."""
        from convcalc.amounts import with_unit  # a spec has none

        if "e" in token.text.lower():
            message = f"`{shortened(token.text)}` has an exponent, and takes no unit"
            help = "write the number without one of the two"
            raise ExpressionError(message, token.start, unit.end, code="bad-value", help=help)
        amount = _placed(token.start, unit.end, with_unit, token.text, unit.text)
        value = int(amount) if amount.denominator == 1 else amount
        value = _placed(token.start, unit.end, _bounded, value, self.bounds)
        return Node(lambda names: value, token.start, unit.end)

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
            values = tuple([node.evaluate(names) for node in nodes])
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
            message = f"unknown function `{shortened(name.text)}`"
            label = did_you_mean(name.text, FUNCTIONS)
            help = f"the functions are {listed(FUNCTIONS)}"
            raise ExpressionError(message, name.start, name.end, label=label, help=help)
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
    message, end = f"unknown name `{shortened(name)}`", start + len(name)
    label = did_you_mean(name, [*known, *FUNCTIONS])
    help = _name_help(name, known)
    return ExpressionError(message, start, end, code="unknown-name", label=label, help=help)


def _name_help(name: str, known: Iterable[str]) -> str:
    if name.lower() in ("yes", "no", "on", "off"):
        return "truth values are written `true` and `false`"
    if name in ("True", "False"):
        return f"write `{name.lower()}`"
    if name == "None":
        return "leave the field out"
    own = [word for word in known if not word.startswith("in_")]
    return f"known here: {listed(own)}" if own else "no variable is known here"


#: What is meant by a character that has no meaning here.
_CHAR_HELP: Mapping[str, str] = {
    "\"'": "the text is not closed",
    ".": "there are no attributes; a number has digits around its point",
    "=": "equality is `==`",
    "×·": "multiplication is `*`",
    "−–": "a minus sign is `-`",
    "&|!": "write `and`, `or`, `not`",
    "^": "a power is `**`",
    "{": "a mapping has no place in an expression; fields stand on the line of their layer",
    ":": "a mapping has no place in an expression",
}


def _char_help(char: str, before: str) -> str:
    if char == ":" and before[-1:].isdigit():
        return "a number has no colon in it; YAML 1.1 reads 1:30 as 90"
    if not char.isspace() and visible(char) != char:
        return "it cannot be seen; take it out"
    if char.isspace():
        return "it looks like a space, and is none; write a plain one"
    return next((help for chars, help in _CHAR_HELP.items() if char in chars), "")
