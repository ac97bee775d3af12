"""The arithmetic that layer rules are written in.

A rule uses `+ - * //` and the helpers below, and nothing else, so that one rule runs on three kinds
of number: Python integers (exact at any size), numpy integer arrays (many configurations at once)
and symbols (`convcalc.symbolic`, which record the formula that ran). Signatures say `int`; arrays
and symbols behave like one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any


class Refusal(ValueError):  # noqa: N818 - a rule refuses; nothing went wrong
    """A rule or a field refuses a value: one short sentence, and where to look.

    `code` names the kind of mistake, `field` the layer's field that carries the offending value
    (None: the layer as a whole), `label` the few words that stand beside the caret, `help` what
    would be right.
    """

    def __init__(
        self, message: str, *, code: str, field: str | None = None, label: str = "", help: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field
        self.label = label
        self.help = help


def require(
    condition: Any,
    message: str,
    *,
    code: str,
    field: str | None = None,
    label: str = "",
    help: str | Callable[[], str] = "",
    **values: Any,
) -> None:
    """Raise `Refusal` unless `condition` holds.

    A condition on symbols whose values are open cannot fail; one on arrays must hold everywhere,
    and does not say where it fails. The texts are templates filled with `values` (a callable one is
    called), so that a rule that does not fail formats nothing.
    """
    if condition is True or holds(condition):
        return
    if getattr(condition, "ndim", 0):
        raise Refusal("some of these configurations are refused", code=code, field=field)
    known = {name: value() if callable(value) else value for name, value in values.items()}
    advice = help() if callable(help) else help
    raise Refusal(
        message.format(**known),
        code=code,
        field=field,
        label=label.format(**known),
        help=advice.format(**known),
    )


def holds(condition: Any) -> bool:
    """Whether a condition is true, true everywhere (arrays), or not known to be false (symbols)."""
    if isinstance(condition, bool):
        return condition
    return isinstance(condition, Symbolic) or bool(condition.all())


def product(numbers: Iterable[int]) -> int:
    """The product of `numbers`; 1 for none."""
    result = 1
    for number in numbers:
        result = result * number
    return result


class Symbolic:
    """A number that records what was done to it; see `convcalc.symbolic`."""

    @property
    def value(self) -> int | None:
        """The number, where every symbol in it has one; else None."""
        raise NotImplementedError

    def apply(self, operation: str, *operands: Any) -> Any:
        """The result of one of the helpers below on `operands`, of which this is one."""
        raise NotImplementedError


def value_of(number: Any) -> Any:
    """The number behind a symbol, None where it is open; any other number as it is."""
    return number.value if isinstance(number, Symbolic) else number


def _symbol(*numbers: Any) -> Symbolic | None:
    for number in numbers:
        if isinstance(number, Symbolic):
            return number
    return None


def ceil_div(a: int, b: int) -> int:
    """⌈a / b⌉, for b > 0."""
    if symbol := _symbol(a, b):
        return symbol.apply("ceil_div", a, b)  # type: ignore[no-any-return]
    return -(-a // b)


def exact_div(a: int, b: int) -> int:
    """a / b, where a rule has already required that b divides a."""
    if symbol := _symbol(a, b):
        return symbol.apply("exact_div", a, b)  # type: ignore[no-any-return]
    return a // b


def scaled(n: int, factor: float) -> int:
    """⌊n·factor⌋, the product rounded as PyTorch's is (a double); exact for a whole factor."""
    if isinstance(n, Symbolic):
        return n.apply("scaled", n, factor)  # type: ignore[no-any-return]
    if factor == int(factor):
        return n * int(factor)
    if isinstance(n, int):
        # A double holds no larger integer exactly, and no network has such a size.
        if n.bit_length() <= 53:
            return math.floor(n * factor)
        numerator, denominator = factor.as_integer_ratio()
        return n * numerator // denominator
    import numpy

    return numpy.floor(n * factor).astype(n.dtype)


def divides(a: int, b: int) -> Any:
    """Whether a divides b: a truth value, an array of them, or an open condition."""
    if symbol := _symbol(a, b):
        return symbol.apply("divides", a, b)
    return b % a == 0


def equal(a: int, b: int) -> Any:
    """Whether a and b are the same number: a truth value, an array, or an open condition."""
    if symbol := _symbol(a, b):
        return symbol.apply("equal", a, b)
    return a == b


def either(*conditions: Any) -> Any:
    """Whether a condition holds: a truth value, an array of them, or an open condition."""
    if any(condition is True for condition in conditions):
        return True
    result: Any = False
    for condition in conditions:
        if isinstance(condition, Symbolic):
            return condition
        result = result | condition
    return result


def where(condition: Any, a: int, b: int) -> int:
    """a where the condition holds, else b."""
    if isinstance(condition, bool):
        return a if condition else b
    if isinstance(condition, Symbolic):
        return condition.apply("where", condition, a, b)  # type: ignore[no-any-return]
    result: int = condition * a + (1 - condition) * b
    return result


def maximum(a: int, b: int) -> int:
    """The larger of two numbers."""
    if symbol := _symbol(a, b):
        return symbol.apply("maximum", a, b)  # type: ignore[no-any-return]
    return where(a >= b, a, b)


def minimum(a: int, b: int) -> int:
    """The smaller of two numbers."""
    if symbol := _symbol(a, b):
        return symbol.apply("minimum", a, b)  # type: ignore[no-any-return]
    return where(a <= b, a, b)


def gcd(a: int, b: int) -> int:
    """The greatest common divisor of two positive numbers."""
    if symbol := _symbol(a, b):
        return symbol.apply("gcd", a, b)  # type: ignore[no-any-return]
    if isinstance(a, int) and isinstance(b, int):
        return math.gcd(a, b)
    import numpy

    return numpy.gcd(a, b)
