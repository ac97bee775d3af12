"""Fractions as people and programs read them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

#: Units of time, with how many of them make a second.
_TIMES = (("s", 1), ("ms", 10**3), ("µs", 10**6), ("ns", 10**9))
#: Digits that people are shown.
_DIGITS = 4


def as_number(value: Fraction | None) -> int | float | None:
    """The number that programs read: itself where it is whole, else the nearest float."""
    if value is None or value.denominator == 1:
        return value if value is None else value.numerator
    return as_float(value)


def as_float(value: Fraction) -> int | float:
    """The nearest float; what is beyond all floats is rounded to a whole number."""
    try:
        return float(value)
    except OverflowError:
        return round(value)


def as_time(seconds: Fraction) -> str:
    """A least time to four digits, rounded down, so that it is one still: `12.34 µs`."""
    scaled = ((seconds * many, unit) for unit, many in _TIMES)
    time, unit = next((each for each in scaled if each[0] >= 1), (seconds * _TIMES[-1][1], "ns"))
    return f"{digits(time, int)} {unit}"


def digits(value: Fraction, rounding: Callable[[Fraction], int] = round) -> str:
    """A number to four digits or to its whole part: `1,234`, `12.34`, `0.123`."""
    places = max(_DIGITS - len(str(int(value))), 0)
    whole, rest = divmod(rounding(value * 10**places), 10**places)
    return f"{whole:,}.{rest:0{places}}" if places else f"{whole:,}"
