"""The numbers that a variable may be with which a network stays the same.

Of a trace in one variable all that rounds, compares or chooses is looked at: as long as it does the
same, the network is the same, whatever else changes. Each such step rises or falls with the
variable all the way, so that where it changes is found by bisection among the floats.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.arithmetic import CONDITIONS, OPERATIONS, exact
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.search.groups import Asked, Group, trace
from convcalc.trace import INPUT, Traced, needed


class Piece(NamedTuple):
    """The floats from `low` to `high` are one network, or none at all, with these figures."""

    low: float
    high: float
    totals: Mapping[str, int] | None


#: The floats that a variable may be, without the ends: those of which a trace is of many values.
LEAST, MOST = 2.0**-24, 2.0**24


#: Pieces that are looked at, at the most.
_MOST_PIECES = 400


class Pieces:
    """The pieces of a variable of a family."""

    def __init__(self, asked: Asked, name: str) -> None:
        self.asked, self.name = asked, name
        self.known: list[Piece] = []

    def at(self, value: float) -> Piece:
        """The piece that has a value. Raises ConvcalcError where its ends are not to be found."""
        for piece in self.known:
            if piece.low <= value <= piece.high:
                return piece
        if len(self.known) >= _MOST_PIECES:
            raise fail(
                "no-interval",
                f"`{self.name}` makes more than {_MOST_PIECES} different networks on the way",
                f"give it values: --var {self.name}=first:last:step",
            )
        group = trace(self.asked, {self.name: value})
        steps = _Steps(group, self.name)
        own = steps.taken(value)
        low = _last(value, LEAST, lambda each: steps.taken(each) == own)
        high = _last(value, MOST, lambda each: steps.taken(each) == own)
        totals = None
        if group.figures is not None:
            totals = {
                metric: each.worth if isinstance(each, Traced) else each
                for metric, each in group.figures.items()
            }
        piece = Piece(low, high, totals)
        self.known.append(piece)
        return piece

    def beside(self, piece: Piece, sign: int) -> Piece | None:
        """The next piece above, or below; None beyond all."""
        edge = piece.high if sign > 0 else piece.low
        value = math.nextafter(edge, math.inf * sign)
        return self.at(value) if LEAST < value < MOST else None

    def whole(self, piece: Piece) -> Piece:
        """A piece with those around it that have the same figures."""
        found = piece
        if piece.low == piece.high:  # a tape of this value alone
            return found
        for sign in (-1, 1):
            while (other := self.beside(found, sign)) and other.totals == piece.totals:
                low, high = min(found.low, other.low), max(found.high, other.high)
                found = Piece(low, high, piece.totals)
        return found


def _last(inside: float, end: float, holds: Callable[[float], bool]) -> float:
    """The last float from `inside` towards `end` for which something holds, as far as that goes."""
    if holds(end):
        return end
    low, high = _order(inside), _order(end)
    while abs(high - low) > 1:
        middle = (low + high) // 2
        if holds(_float(middle)):
            low = middle
        else:
            high = middle
    return _float(low)


def _order(value: float) -> int:
    """The place of a positive float among all."""
    found: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return found


def _float(order: int) -> float:
    found: float = struct.unpack("<d", struct.pack("<q", order))[0]
    return found


class _Steps:
    """What a trace in one variable rounds, compares or chooses."""

    def __init__(self, group: Group, name: str) -> None:
        figures = () if group.figures is None else tuple(group.figures.values())
        wanted = [*figures, *(guard.condition for guard in group.guards)]
        for figure in figures:
            if isinstance(figure, Traced) and not figure.is_whole:
                raise _unclear(name)
        numbers = list(needed(wanted))
        self._steps = [each for each in numbers if _is_step(each)]
        self._numbers = list(needed(self._steps))
        directions = _directions(self._numbers)
        for each in self._steps:
            if directions[each.index] is None:
                raise _unclear(name)

    def taken(self, value: float) -> list[Any] | None:
        """What each step comes to at a value; None where one has no result."""
        found: dict[int, Any] = {}
        try:
            for number in self._numbers:
                if number.operation == INPUT:
                    found[number.index] = value
                    continue
                operands = [
                    found[each.index] if isinstance(each, Traced) else each
                    for each in number.operands
                ]
                found[number.index] = _worth(number.operation, operands)
        except (ArithmeticError, ValueError):
            return None
        return [found[each.index] for each in self._steps]


def _worth(operation: str, operands: Sequence[Any]) -> Any:
    """The result of an operation; of whether two numbers are equal, which is the larger."""
    if operation == "equal":
        a, b = map(exact, operands)
        return (a > b) - (a < b)
    if operation in CONDITIONS:
        return bool(CONDITIONS[operation](*map(exact, operands)))
    return OPERATIONS[operation](*operands)


def _unclear(name: str) -> ConvcalcError:
    message = f"`{name}` is used in a way in which nothing is sure to rise or fall with it"
    return fail("no-interval", message, f"give it values: --var {name}=first:last:step")


def _is_step(number: Traced) -> bool:
    """Whether what is no integer becomes an integer or an answer."""
    if number.operation == INPUT or (number.numeric and not number.is_whole):
        return False
    return any(
        isinstance(each, Traced) and each.numeric and not each.is_whole for each in number.operands
    )


class _Way(NamedTuple):
    """Whether a number rises (1), falls (-1) or stays (0), and whether it is never negative."""

    sign: int
    positive: bool


def _directions(numbers: Sequence[Traced]) -> dict[int, _Way | None]:
    """How each number goes where the variable, which is positive, rises; None: not known."""
    found: dict[int, _Way | None] = {}
    for number in numbers:
        if number.operation == INPUT:
            found[number.index] = _Way(1, True)
            continue
        ways = [
            found[each.index] if isinstance(each, Traced) else _Way(0, each >= 0)
            for each in number.operands
        ]
        found[number.index] = None if None in ways else _direction(number, ways)  # type: ignore
    return found


def _direction(number: Traced, ways: Sequence[_Way]) -> _Way | None:
    operation, (a, *rest) = number.operation, ways
    b = rest[0] if rest else _Way(0, True)
    if operation in ("floor", "ceil", "round"):
        return a
    if operation == "nearest_multiple":
        return _Way(a.sign, a.positive) if not (b.sign or rest[1].sign) else None
    if operation in ("add", "maximum", "minimum"):
        both = a.positive and b.positive
        return _Way(a.sign or b.sign, both) if a.sign * b.sign >= 0 else None
    if operation in ("sub", "lt", "le", "gt", "ge", "equal"):
        return _Way(a.sign or -b.sign, False) if a.sign * b.sign <= 0 else None
    if operation in ("mul", "scaled"):
        if a.positive and b.positive:
            return _Way(a.sign or b.sign, True) if a.sign * b.sign >= 0 else None
        return (
            _Way(a.sign or b.sign, False)._replace(
                sign=(a.sign or b.sign) * (1 if (b if a.sign else a).positive else -1)
            )
            if not (a.sign and b.sign)
            else None
        )
    if operation in ("truediv", "floordiv", "ceil_div", "exact_div"):
        if not (a.positive and b.positive) or a.sign * b.sign > 0:
            return None
        return _Way(a.sign or -b.sign, True)
    if operation in ("denied", "both", "either"):
        signs = {way.sign for way in ways} - {0}
        return _Way(signs.pop() if signs else 0, False) if len(signs) < 2 else None
    return None


# The ends as people write them


def ends(piece: Piece) -> tuple[tuple[Fraction, bool], tuple[Fraction, bool]]:
    """The ends of a piece on the real line, and whether each is open.

    They are the simplest fractions at which it can end: floats round what is computed, and between
    the last one and the next there is none with as small a denominator.
    """
    low = Fraction(0) if piece.low == LEAST else _between(piece.low, -math.inf)
    high = _between(piece.high, math.inf)
    return (low, not _has(piece, low)), (high, not _has(piece, high))


def _has(piece: Piece, value: Fraction) -> bool:
    return piece.low <= float(value) <= piece.high


def _between(edge: float, towards: float) -> Fraction:
    """The simplest fraction about the last float of a piece and the next one."""
    values = [edge, math.nextafter(edge, towards)]
    low = Fraction(min(values)) - Fraction(math.ulp(edge)) * _SLACK
    high = Fraction(max(values)) + Fraction(math.ulp(edge)) * _SLACK
    return simplest(low, high)


#: How far rounding moves an end, in floats: a product and a sum round once each.
_SLACK = 2


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of the smallest denominator of those from one to another, both positive.

    By continued fractions (Hardy and Wright, "An introduction to the theory of numbers", 10.15).
    """
    whole = math.ceil(low)
    if whole <= high:
        return Fraction(whole)
    whole -= 1
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))


def usual(piece: Piece, value: Any) -> Any:
    """A value of a piece that people would write: the one given, or one of few digits."""
    if piece.low <= value <= piece.high:
        return value
    low, high = Fraction(piece.low), Fraction(piece.high)
    for digits in range(18):
        scale = 10**digits
        first, last = math.ceil(low * scale), math.floor(high * scale)
        if first <= last:
            middle = round((low + high) / 2 * scale)
            return float(Fraction(min(max(middle, first), last), scale))
    return piece.low
