"""Amounts as people write them: `300M`, `256KiB`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

from convcalc.arithmetic import Refusal
from convcalc.diagnostics import fail
from convcalc.words import shortened

#: What may stand after a number.
_UNITS: Mapping[str, int] = {
    "": 1,
    **{letter: 10 ** (3 * power) for power, letter in enumerate("kMGT", 1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)},
}
_AMOUNT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,30})(\.\d{1,30})?\s*([A-Za-z]*)", re.ASCII)
#: The same for readers that have no list of units.
PATTERN = (
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,30})(?:\.[0-9]{1,30})?"
    rf"\s*(?:{'|'.join(filter(None, _UNITS))})?"
)


def with_unit(number: str, unit: str) -> Fraction:
    """A number, written without an exponent, times its unit. Raises Refusal for an unknown unit."""
    if unit in _UNITS:
        return Fraction(number) * _UNITS[unit]
    raise Refusal(f"{shortened(number + unit)!r} is no amount", help=_meant(number, unit))


def _meant(number: str, unit: str) -> str:
    """What is right where a unit is none."""
    if unit.lower() in ("kb", "mb", "gb", "tb"):
        two, ten = f"{unit[0].upper()}iB", "k" if unit[0] in "kK" else unit[0].upper()
        return f"say which: {number}{two} is a power of two, {number}{ten} of ten"
    if near := [each for each in _UNITS if each.lower() == unit.lower() != ""]:
        return f"write {number}{near[0]}"
    return "write a number, with k, M or G after it, or with KiB or MiB for bytes: 300M, 256KiB"


def parse_amount(text: str) -> int:
    """An amount as people write it: `300M`, `1.5G`, `568,740,352`, `256KiB`.

    k, M, G and T are powers of ten, KiB, MiB, GiB and TiB of two. Raises ConvcalcError.
    """
    found = _AMOUNT.fullmatch(text)
    unit = found[3] if found else ""
    if found is None or unit not in _UNITS:
        help = _meant(text.removesuffix(unit).strip(), unit)
        raise fail("bad-value", f"{shortened(text)!r} is no amount", help)
    amount = with_unit(found[1].replace(",", "") + (found[2] or ""), unit)
    if amount.denominator != 1:
        message = f"{shortened(text)!r} is no whole number"
        raise fail("bad-value", message, f"write {int(amount)}, the largest that it allows")
    return int(amount)
