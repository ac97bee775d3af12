"""Fractions as people and programs read them."""

from __future__ import annotations

from fractions import Fraction

from convcalc.words import short

#: Units of time, with how many of them make a second.
_TIMES = (("s", 1), ("ms", 10**3), ("µs", 10**6), ("ns", 10**9))
#: Digits that people are shown, and a number that is too long for them.
_DIGITS, _LONG = 4, 10**9


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
    over, under = seconds.numerator, seconds.denominator
    unit, many = next((each for each in _TIMES if over * each[1] >= under), _TIMES[-1])
    return f"{_digits(over * many, under, 0)} {unit}"


def as_rate(value: Fraction) -> str:
    """What is done in a second, to four digits: `155.9T`, `12.50`."""
    return short(int(value)) if value >= 1000 else digits(value)


def at_most(value: Fraction) -> str:
    """A number to four digits, rounded up."""
    return _digits(value.numerator, value.denominator, 2 * value.denominator - 1)


def digits(value: Fraction) -> str:
    """The nearest number of four digits, or its whole part: `1,234`, `12.34`, `0.123`."""
    return _digits(value.numerator, value.denominator, value.denominator)


def _digits(over: int, under: int, more: int) -> str:
    """A fraction to four digits, rounded down; with `more` halves of `under`, nearest or up."""
    # In integers: a long table has as many of them as it has layers, and fractions are slow.
    places = max(_DIGITS - len(str(over // under)), 0)
    scaled = over * 10**places
    cut = (2 * scaled + more) // (2 * under)
    whole, rest = divmod(cut, 10**places)
    if whole >= _LONG:
        return short(whole)
    return f"{whole:,}.{rest:0{places}}" if places else f"{whole:,}"
