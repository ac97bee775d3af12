"""Published figures, each with the convention that gives it.

`reference/reported.json` has figures as their pages print them: of which network, on which input,
whose count each is, times which factor, without what. `reference/unexplained.json` has those that
no convention gives, with what is known of them.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import convcalc
from convcalc import conventions

REFERENCE = Path(__file__).parent / "reference"
Json = dict[str, Any]

REPORTED: list[Json] = json.loads((REFERENCE / "reported.json").read_text(encoding="utf-8"))
UNEXPLAINED: list[Json] = json.loads((REFERENCE / "unexplained.json").read_text(encoding="utf-8"))

#: Texts that stand for the same numbers as one of these, in powers of ten.
UNITS = {"": 0, "m": 6, "million": 6, "g": 9, "b": 9, "billion": 9}


def numbers(text: str) -> tuple[Fraction, Fraction]:
    """A figure's value, and the unit of its last digit that is not a zero at the end of it."""
    found = re.match(r"([\d,]+)(\.\d+)? ?(million|billion|[MGB]|)", text)
    assert found, text
    whole, decimals, unit = found[1].replace(",", ""), found[2] or "", found[3].lower()
    zeros = 0 if decimals else len(whole) - len(whole.rstrip("0"))
    power = UNITS[unit]
    value = Fraction(whole + decimals) * 10**power
    return value, Fraction(10) ** (power + zeros - max(len(decimals) - 1, 0))


def stands_for(text: str, number: Fraction) -> bool:
    """Whether a number, rounded or cut, is printed so."""
    value, unit = numbers(text)
    return abs(number - value) <= unit / 2 or value <= number < value + unit or number == value


@cache
def network(name: str, input: str | None) -> convcalc.Network:
    return convcalc.load(name, input=input)


@cache
def counts(name: str, input: str | None, convention: str, what: str) -> list[int]:
    """What a convention counts of each layer."""
    graph, found = network(name, input), conventions.find(convention)
    if what == "params":
        return [each or 0 for each in found.params(graph)]
    return [each.flops or 0 for each in found.counts(graph)]


def counted(row: Json) -> Fraction:
    """What the convention of a figure counts of its network, as the figure says."""
    each = counts(row["network"], row.get("input"), row["convention"], row["what"])
    if "leaving_out" in row:
        assert row["leaving_out"] == ["the classifier"]
        types = [node.type for node in network(row["network"], row.get("input")).nodes]
        last = len(types) - 1 - types[::-1].index("linear")
        each = each[:last] + each[last + 1 :]
    return sum(each) * Fraction(row["factor"])


def named(row: Json) -> str:
    return f"{row['network']} {row['text']}: {row['source']}"


def test_a_figure_is_what_its_convention_counts() -> None:
    known = [row for row in REPORTED if row["convention"] in conventions.names()]
    assert [named(row) for row in known if not stands_for(row["text"], counted(row))] == []


def test_figures_are_many_of_many_sources() -> None:
    assert len(REPORTED) >= 150
    assert len({row["source"] for row in REPORTED}) >= 8


def test_what_is_unexplained_says_what_was_found() -> None:
    assert [named(row) for row in UNEXPLAINED if not row["found"].strip()] == []
    both = {(row["network"], row["text"], row["url"]) for row in REPORTED}
    assert [r for r in UNEXPLAINED if (r["network"], r["text"], r["url"]) in both] == []
