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
from convcalc.reported import Answer, answer, parse_reported

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
def counts(
    name: str, input: str | None, convention: str, what: str, of_modules: bool = False
) -> list[int]:
    """What a convention counts of each layer; of modules where functions are taken for such."""
    graph: convcalc.Graph = network(name, input)
    found = conventions.find(convention)
    if of_modules:
        graph = graph._replace(nodes=tuple(n._replace(functional=False) for n in graph.nodes))
    if what == "params":
        return [each or 0 for each in found.params(graph)]
    return [each.flops or 0 for each in found.counts(graph)]


def counted(row: Json) -> set[Fraction]:
    """What the convention of a figure counts of its network, as the figure says.

    OpenMMLab builds of modules much that others call as functions, and not all.
    """
    asked = (row["network"], row.get("input"), row["convention"], row["what"])
    found = set()
    for of_modules in (False, True) if row["convention"] == "mmcv" else (False,):
        each = counts(*asked, of_modules)
        if "leaving_out" in row:
            assert row["leaving_out"] == ["the classifier"]
            types = [node.type for node in network(row["network"], row.get("input")).nodes]
            last = len(types) - 1 - types[::-1].index("linear")
            each = each[:last] + each[last + 1 :]
        found.add(sum(each) * Fraction(row["factor"]))
    return found


def gives(row: Json) -> bool:
    """Whether a figure is what its convention counts."""
    return any(stands_for(row["text"], number) for number in counted(row))


def named(row: Json) -> str:
    return f"{row['network']} {row['text']}: {row['source']}"


def test_a_figure_is_what_its_convention_counts() -> None:
    assert [named(row) for row in REPORTED if not gives(row)] == []


def test_figures_are_many_of_many_sources() -> None:
    assert len(REPORTED) >= 150
    assert len({row["source"] for row in REPORTED}) >= 8


def test_what_is_unexplained_says_what_was_found() -> None:
    assert [named(row) for row in UNEXPLAINED if not row["found"].strip()] == []
    both = {(row["network"], row["text"], row["url"]) for row in REPORTED}
    assert [r for r in UNEXPLAINED if (r["network"], r["text"], r["url"]) in both] == []


# What is said of them


def is_among_the_first(row: Json, answer: Answer) -> bool:
    """Whether the first two readings have the convention of a figure, or one that counts alike."""
    wanted = [
        each
        for each in answer.matches
        if each.convention.name == row["convention"]
        and each.factor == row["factor"]
        and (each.what == "params") == (row["what"] == "params")
    ]
    if row["what"] == "params":
        return any(each.what == "params" for each in answer.matches[:2])
    first = {each.value for each in answer.matches[:2]}
    return any(each.value in first for each in wanted)


def told(rows: list[Json]) -> list[Json]:
    """The figures whose convention is among the first two readings."""
    reconciled = cache(lambda name, input: network(name, input).reconcile())
    found = []
    for row in rows:
        asked = (row["network"], row.get("input"))
        figure = parse_reported(row["text"])
        subject = network(*asked)._subject()
        if is_among_the_first(row, answer(reconciled(*asked), figure, subject)):
            found.append(row)
    return found


def test_the_convention_of_a_figure_is_among_the_first_two_readings() -> None:
    """Of the figures of every sixth network; benchmarks/reported_figures.py has all."""
    names = sorted({row["network"] for row in REPORTED})[1::6]
    rows = [row for row in REPORTED if row["network"] in names]
    assert len(rows) >= 50
    assert len(told(rows)) >= 0.9 * len(rows)
