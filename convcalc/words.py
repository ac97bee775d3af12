"""Numbers, lists, names and values as people read them, and what a mistyped word may mean."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

#: How alike two words are, where one may be meant for the other.
_ALIKE = 0.6
#: Numbers that sentences write out.
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")
#: Behind the sum of layers of which some have a cost that is not known.
PARTIAL = "+?"


def nearest(word: str, words: Iterable[str], most: int = 3) -> list[str]:
    """The known words that a mistyped one is likeliest to mean; equally near ones as they come.

    The first 500 words are looked at, and the first 100 letters of each.
    """
    from convcalc.likeness import likeness

    known = {candidate.lower()[:100]: candidate for candidate in islice(words, 500)}
    ratios = likeness(word.lower()[:100], tuple(known))
    found = sorted(zip(ratios, known.values()), key=lambda each: each[0], reverse=True)[:most]
    return [word for ratio, word in found if ratio >= _ALIKE]


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """`did you mean `alpha`?`, or nothing."""
    found = nearest(word, words)
    return f"did you mean {listed(found, joiner='or')}?" if found else ""


def listed(words: Iterable[str], most: int = 12, joiner: str = "and") -> str:
    """Words as a phrase: `a`, `b` and `c`."""
    known = list(words)
    shown = [f"`{word}`" for word in known[:most]]
    if len(known) > most:
        shown.append(f"{len(known) - most} more")
    return f" {joiner} ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def describe(value: Any) -> str:
    """A value as a spec's author wrote it: `true`, `1.5`, text "wide", a list."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return "not-a-number"
        if math.isinf(value):
            return "infinity" if value > 0 else "minus infinity"
        return repr(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**24 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, str):
        return f'the text "{value}"' if len(value) <= 40 else f'the text "{value[:37]}…"'
    if isinstance(value, (list, tuple)):
        inner = ""
        for item in value[:4]:
            inner += (", " if inner else "") + describe(item)
            if len(inner) > 80:  # the lists in it stop here too, however many and deep they are
                inner = f"{inner[:79]}…"
                break
        return f"the list [{inner}{', …' if len(value) > 4 else ''}]"
    from fractions import Fraction  # which hardly a value is

    if isinstance(value, Fraction):
        if max(abs(value.numerator), value.denominator) >= 10**24:
            return f"a fraction near {describe(round(value))}"
        return str(value)
    return "a mapping" if isinstance(value, Mapping) else f"a `{type(value).__name__}`"


def near_integers(value: float) -> str:
    """The roundings of a number that was to be whole, as advice."""
    below, above, nearest = map(describe, (math.floor(value), math.ceil(value), round(value)))
    return f"round it: floor gives {below}, ceil {above}, round {nearest}"


def grouped(number: int | None) -> str:
    """A number with thousands separators; `?` where there is none."""
    return "?" if number is None else f"{number:,}"


def short(number: int | None) -> str:
    """A number to four digits with a prefix of the SI: `568.7M`."""
    if number is None:
        return "?"
    if abs(number) < 1000:
        return str(number)
    sign, size = ("-" if number < 0 else ""), abs(number)
    for power, prefix in ((3, "k"), (6, "M"), (9, "G"), (12, "T"), (15, "P"), (18, "E")):
        for decimals in (3, 2, 1):
            # Rounded in integers: a float would turn some halves the wrong way.
            scaled = (size * 10**decimals * 2 + 10**power) // (2 * 10**power)
            if scaled < 10**4:
                whole, rest = divmod(scaled, 10**decimals)
                return f"{sign}{whole}.{rest:0{decimals}d}{prefix}"
    from decimal import Decimal  # a float ends at 1.8e+308

    return f"{sign}{Decimal(size):.3e}"


def bytes_in_words(number: int) -> str:
    """Bytes as people read them, to one decimal, rounded in integers: `1,470.0 KiB`, `42.7 MiB`."""
    if number < 1024:
        return f"{number} B"
    unit = next((each for each in _BINARY if number < 10_000 * each.bytes), _BINARY[-1])
    return f"{unit.of(number)} {unit.name}"


class Unit(NamedTuple):
    """A unit of bytes."""

    bytes: int
    name: str

    def of(self, number: int) -> str:
        """Bytes in it, to one decimal, rounded in integers: `1,470.0`."""
        if self.bytes == 1:
            return f"{number:,}"
        tenths = (20 * number + self.bytes) // (2 * self.bytes)
        return f"{tenths // 10:,}.{tenths % 10}"


#: A number alone has up to four digits before its point.
_BINARY = tuple(Unit(1024**power, f"{letter}iB") for power, letter in enumerate("KMGTP", 1))


def unit_for(number: int) -> Unit:
    """The unit of a column of bytes that this one is in; it has up to six digits before its point.

    More than a number alone has: those below it in the column are smaller.
    """
    if number < 1024:
        return Unit(1, "B")
    return next((each for each in _BINARY if number < 100 * 1024 * each.bytes), _BINARY[-1])


def percent(part: int | None, whole: int | None) -> str:
    """A share in per cent, to one decimal, rounded in integers."""
    if part is None or not whole:
        return ""
    tenths = (2000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 part`, `3 parts`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def lacking(layers: int) -> str:
    """What a sum says that lacks so many layers, whose cost is unknown: `, 2 layers of …`."""
    return f", {counted(layers, 'layer')} of unknown cost" if layers else ""


def shortened(text: str, most: int = 40) -> str:
    """A text from outside, cut to `most` characters."""
    return text if len(text) <= most else f"{text[: most - 3]}…"


def quoted(name: str) -> str:
    """A name from outside in a message, cut where it is long."""
    return f"`{shortened(name)}`"


def sizes(shape: Sequence[Any]) -> str:
    """A shape as programs read it: `3x224x224`."""
    return "x".join(map(str, shape))


def as_mathematics(formula: str) -> str:
    """A formula of the expression language as people write it."""
    return formula.replace(" * ", "·").replace(" - ", " − ")
