"""The range that each number of a tape may have, from those of the inputs (Moore 1966).

Integers have exact ranges. Floats have those that Python's own operations make of the ends:
rounding keeps the order, so that no result lies outside. Where Python's floats stand for something
else (beyond 2⁵³, or where a result vanishes, see `convcalc.arithmetic`), the range is all numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any, NamedTuple

from convcalc.arithmetic import OPERATIONS
from convcalc.trace import INPUT, Traced


class Range(NamedTuple):
    """The smallest and the largest of what a number may be; of a condition, 0 and 1."""

    low: Any
    high: Any
    #: What is not 0 is no smaller than this.
    least: float = 1.0

    def holds(self, other: Range) -> bool:
        """Whether it has all that another one has."""
        return bool(self.low <= other.low and other.high <= self.high and self.least <= other.least)

    def joined(self, other: Range) -> Range:
        """The least range that has all of both."""
        return Range(
            min(self.low, other.low), max(self.high, other.high), min(self.least, other.least)
        )

    def grown(self, other: Range) -> Range:
        """A range that has all of both, and goes as far again where the other one goes beyond."""
        low, high, least = self.joined(other)
        far = high - low
        if low < self.low:
            low = min(low, max(low - far, low // 2)) if low > 0 else low - far
        return Range(low, high + far if high > self.high else high, least)


ALL = Range(-math.inf, math.inf, 0.0)
TRUE, FALSE, OPEN = Range(1, 1), Range(0, 0), Range(0, 1)
#: Integers beyond this are anything: nothing is decided by them.
_HUGE = 2**256
#: Floats hold every integer below this; `arithmetic` leaves Python's operations from there on.
FINE = 2**53
#: A float may come close to vanishing where its operands were smaller than this.
_LEAST = 2.0**-900


def ranges(numbers: Iterable[Traced], inputs: Mapping[str, Range]) -> dict[int, Range]:
    """The range of each number by its place on the tape; operands come before what needs them."""
    found: dict[int, Range] = {}
    for number in numbers:
        if number.operation == INPUT:
            found[number.index] = _kept(inputs[number.operands[0]], number)
            continue
        operands = [
            found[each.index] if isinstance(each, Traced) else of(each) for each in number.operands
        ]
        rule = _RULES[number.operation]
        if rule in _OF_KNOWN and ALL in operands:
            result = ALL
        elif number.is_whole or not number.numeric or all(map(_is_fine, operands)):
            result = rule(*operands)
        else:
            result = ALL
        found[number.index] = _kept(result, number)
    return found


def of(value: Any) -> Range:
    """The range of one value."""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, int):
        return Range(value, value) if abs(value) < _HUGE else ALL
    if isinstance(value, float) and abs(value) < FINE:
        return Range(value, value, min(abs(value) or 1.0, 1.0))
    return ALL


def _is_fine(each: Range) -> bool:
    return bool(each.low > -FINE and each.high < FINE)


def _kept(result: Range, number: Traced) -> Range:
    """A range as it holds for a number: all numbers where operations are not those of the ends."""
    if not number.numeric or result is ALL:
        return result if number.numeric or result is not ALL else OPEN
    most = max(abs(result.low), abs(result.high))
    if number.is_whole:
        return Range(*result[:2]) if most < _HUGE else ALL
    return result if most < FINE and result.least > _LEAST else ALL


def _corners(operation: Callable[..., Any], *operands: Range) -> Range:
    """Of an operation that rises or falls in each operand alone, whatever the others are."""
    found = [operation(*ends) for ends in product(*[each[:2] for each in operands])]
    return Range(min(found), max(found))


def _add(a: Range, b: Range) -> Range:
    return Range(a.low + b.low, a.high + b.high, min(a.least, b.least) / FINE)


def _sub(a: Range, b: Range) -> Range:
    return Range(a.low - b.high, a.high - b.low, min(a.least, b.least) / FINE)


def _mul(a: Range, b: Range) -> Range:
    return _corners(lambda x, y: x * y, a, b)._replace(least=min(1.0, a.least * b.least))


def _divisors(b: Range) -> Range | None:
    """Where the divisors end of which the sign is one; None where there are others."""
    return b if b.low > 0 or b.high < 0 else None


def _truediv(a: Range, b: Range) -> Range:
    if _divisors(b) is None:
        return ALL
    most = max(abs(b.low), abs(b.high))
    if max(abs(a.low), abs(a.high), most) >= FINE:
        return ALL
    result = _corners(lambda x, y: x / y, a, b)
    return result._replace(least=min(1.0, a.least / most))


def _quotient(name: str) -> Callable[[Range, Range], Range]:
    def rule(a: Range, b: Range) -> Range:
        ends = {end for end in (b.low, b.high, -1, 1) if b.low <= end <= b.high and end}
        if not ends or not all(isinstance(end, int) for end in (*a[:2], *b[:2])):
            return ALL
        found = [OPERATIONS[name](x, y) for x in a[:2] for y in ends]
        return Range(min(found), max(found))

    return rule


def _mod(a: Range, b: Range) -> Range:
    if not all(isinstance(end, int) for end in (*a[:2], *b[:2])):
        return ALL
    if b.low > a.high >= a.low >= 0:
        return a
    return Range(min(0, b.low + 1), max(0, b.high - 1))


def _gcd(a: Range, b: Range) -> Range:
    if a.low > 0 and b.low > 0:
        return Range(1, min(a.high, b.high))
    return Range(0, max(abs(end) for end in (*a[:2], *b[:2])))


def _scaled(a: Range, b: Range) -> Range:
    if isinstance(b.low, int) and isinstance(b.high, int):
        return _mul(a, b)
    if max(map(abs, (*a[:2], *b[:2]))) >= FINE:
        return ALL
    most = max(abs(x * y) for x in a[:2] for y in b[:2])
    return _corners(OPERATIONS["scaled"], a, b) if most < FINE else ALL


def _rounded(name: str) -> Callable[[Range], Range]:
    return lambda a: _corners(OPERATIONS[name], a)


def _nearest_multiple(v: Range, divisor: Range, least: Range) -> Range:
    if divisor.low <= 0 or max(map(abs, (*v[:2], *divisor[:2], *least[:2]))) >= FINE // 4:
        return ALL
    if divisor.low == divisor.high and least.low == least.high:
        return _corners(OPERATIONS["nearest_multiple"], v, divisor, least)
    return Range(math.floor(least.low), math.ceil(max(least.high, v.high + divisor.high)) * 2)


def _maximum(a: Range, b: Range) -> Range:
    return Range(max(a.low, b.low), max(a.high, b.high), min(a.least, b.least))


def _minimum(a: Range, b: Range) -> Range:
    return Range(min(a.low, b.low), min(a.high, b.high), min(a.least, b.least))


def _where(condition: Range, a: Range, b: Range) -> Range:
    if condition.low == condition.high:
        return a if condition.low else b
    return a.joined(b)


def _truth(always: bool, never: bool) -> Range:
    return TRUE if always else FALSE if never else OPEN


def _lt(a: Range, b: Range) -> Range:
    return _truth(a.high < b.low, a.low >= b.high)


def _le(a: Range, b: Range) -> Range:
    return _truth(a.high <= b.low, a.low > b.high)


def _equal(a: Range, b: Range) -> Range:
    return _truth(a.low == a.high == b.low == b.high, a.high < b.low or b.high < a.low)


def _divides(a: Range, b: Range) -> Range:
    if a.low == a.high and b.low == b.high and a.low:
        return _truth(b.low % a.low == 0, b.low % a.low != 0)
    return TRUE if a[:2] == (1, 1) and isinstance(b.low, int) else OPEN


_RULES: Mapping[str, Callable[..., Range]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "truediv": _truediv,
    "floordiv": _quotient("floordiv"),
    "ceil_div": _quotient("ceil_div"),
    "exact_div": _quotient("exact_div"),
    "mod": _mod,
    "gcd": _gcd,
    "scaled": _scaled,
    "floor": _rounded("floor"),
    "ceil": _rounded("ceil"),
    "round": _rounded("round"),
    "nearest_multiple": _nearest_multiple,
    "maximum": _maximum,
    "minimum": _minimum,
    "where": _where,
    "lt": _lt,
    "le": _le,
    "gt": lambda a, b: _lt(b, a),
    "ge": lambda a, b: _le(b, a),
    "equal": _equal,
    "divides": _divides,
    "denied": lambda a: Range(1 - a.high, 1 - a.low),
    "both": lambda a, b: Range(a.low and b.low, a.high and b.high),
    "either": lambda a, b: Range(a.low or b.low, a.high or b.high),
}
#: Rules that calculate with the ends: of all numbers there are none.
_OF_KNOWN = frozenset(
    rule for name, rule in _RULES.items() if name not in ("where", "denied", "both", "either")
)
