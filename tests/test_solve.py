"""`convcalc solve SPEC`, against analyses of the answers' neighbours and against walking."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import nextafter, ulp
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from tests.conftest import Run

pytest.importorskip("numpy")

METRICS = ("macs", "params", "flops", "activations")

#: A width that is rounded, a resolution that must be whole, groups that may not divide.
SMALL = """\
name: Small
variables: {alpha: 1.0, size: 16, width: 8, groups: 1, named: "'a'", deep: true}
input: [3, size, size]
layers:
  - conv: {out: "make_divisible(24 * alpha)", k: 3, p: 1, s: 2}
  - conv: {out: width, k: 3, p: 1, g: groups}
  - conv: {out: "floor(20 * alpha)", k: 1, when: deep}
  - adaptive_avg_pool: {output_size: 1}
  - flatten
  - linear: {out: 10}
"""
NETWORK = convcalc.loads(SMALL)
VALUES: Mapping[str, list[Any]] = {
    "alpha": [0.25, 0.5, 0.55, 0.75, 1, 1.0625, 1.3],
    "size": [8, 11, 12, 16, 19],
    "width": [4, 8, 12, 16],
    "groups": [1, 2, 3, 4],
    "deep": [False, True],
}


def figures(network: convcalc.Network, **variables: Any) -> dict[str, int] | None:
    """What an analysis says; None where there is no network."""
    try:
        totals = network.at(variables).totals
    except convcalc.ConvcalcError:
        return None
    return {metric: totals[metric] for metric in METRICS}


# A variable without values


@pytest.mark.parametrize(
    ("spec", "most", "low", "high", "macs", "next_macs"),
    [
        # The paper's network at 1.0 takes 300,774,272, and is not within its 300 M.
        ("mobilenet_v2", "300M", "39/40", "79/80", 299_896_192, 300_774_272),
        # At 1.0 there is room for one more eight of channels in the head.
        ("mobilenet_v2", "301M", "321/320", "323/320", 300_907_712, 301_041_152),
        ("mobilenet_v1", "300M", "737/1024", "369/512", 299_816_242, 300_711_737),
    ],
)
def test_a_width_is_found_with_the_ends_of_its_interval(
    run: Run, spec: str, most: str, low: str, high: str, macs: int, next_macs: int
) -> None:
    found = run("solve", spec, "--var", "alpha", "--max", f"macs={most}", "--json").json
    assert found["same"] == {"alpha": [low, high]}
    assert found["same_ends"] == {"alpha": {"open": [False, True]}}
    assert (found["best"]["totals"]["macs"], found["next"]["totals"]["macs"]) == (macs, next_macs)

    # The ends are those without rounding; floats, which round, have them to three of their places.
    network = convcalc.load(spec)
    best, above = found["best"]["totals"], found["next"]["totals"]
    first, last = float(Fraction(low)), float(Fraction(high))
    inside = (first, found["best"]["variables"]["alpha"], last - 3 * ulp(last))
    assert [figures(network, alpha=value) for value in inside] == [best] * 3
    outside = (last, found["next"]["variables"]["alpha"])
    assert [figures(network, alpha=value) for value in outside] == [above] * 2
    below = figures(network, alpha=first - 3 * ulp(first))
    assert below is not None
    assert below["macs"] < macs < above["macs"]


def test_a_variable_that_must_be_whole(run: Run) -> None:
    found = run("solve", "-", "--var", "size", "--max", "macs=100k", "--json", stdin=SMALL.encode())
    every = {size: figures(NETWORK, size=size) for size in range(1, 40)}
    known = {size: each for size, each in every.items() if each is not None}
    best = max(each["macs"] for each in known.values() if each["macs"] <= 100_000)
    above = min(each["macs"] for each in known.values() if each["macs"] > 100_000)
    assert found.json["best"]["totals"]["macs"] == best
    assert found.json["next"]["totals"]["macs"] == above
    same = [size for size, each in known.items() if each["macs"] == best]
    assert found.json["same"] == {"size": [min(same), max(same)]}
    assert found.json["same_ends"] == {"size": {"open": [False, False]}}


def test_the_tighter_of_two_budgets_decides(run: Run) -> None:
    line = ("solve", "mobilenet_v2", "--var", "alpha", "--json", "--max", "macs=300M")
    found = run(*line, "--max", "params=3M").json
    assert found["budgets"] == {"macs": 300_000_000, "params": 3_000_000}
    assert found["best"]["totals"]["params"] <= 3_000_000 < found["next"]["totals"]["params"]
    network = convcalc.load("mobilenet_v2")
    end = float(Fraction(found["same"]["alpha"][1]))
    assert figures(network, alpha=nextafter(end, 0)) == {
        metric: found["best"]["totals"][metric] for metric in METRICS
    }
    above = figures(network, alpha=end)
    assert above is not None
    assert above["params"] > 3_000_000


@pytest.mark.parametrize("variable", ["alpha", "size"])
def test_nothing_fits(run: Run, variable: str) -> None:
    line = ("solve", "-", "--var", variable, "--max", "macs=10", "--json")
    outcome = run(*line, stdin=SMALL.encode())
    found = json.loads(outcome.out)
    assert (outcome.status, outcome.err, found["best"], found["same"]) == (1, "", None, {})
    tried = [figures(NETWORK, **{variable: each / 64}) for each in range(1, 65)]
    tried += [figures(NETWORK, **{variable: each}) for each in range(1, 9)]
    assert found["next"]["totals"]["macs"] == min(each["macs"] for each in tried if each)
    assert "there is no network" in run(*line[:-1], stdin=SMALL.encode()).out


# Values


@st.composite
def spaces(draw: st.DrawFn) -> dict[str, list[Any]]:
    """A few axes of a few values."""
    names = draw(st.lists(st.sampled_from([*VALUES]), min_size=1, max_size=3, unique=True))
    values = {name: st.sampled_from(VALUES[name]) for name in names}
    return {
        name: draw(st.lists(values[name], min_size=1, max_size=4, unique=True)) for name in names
    }


@settings(max_examples=25)
@given(spaces(), st.data())
def test_the_largest_of_a_space_is_that_of_walking(
    space: dict[str, list[Any]], data: st.DataObject
) -> None:
    points = [dict(zip(space, values)) for values in product(*space.values())]
    walked = [(point, figures(NETWORK, **point)) for point in points]
    known = [(point, each) for point, each in walked if each is not None]
    order = data.draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=2, unique=True))
    most = {
        metric: data.draw(st.sampled_from([each[metric] for _, each in known] or [7]))
        - data.draw(st.integers(0, 1))
        for metric in order
    }
    found = convcalc.Space(NETWORK, space).solve(max=most)
    fit = [each for _, each in known if all(each[name] <= most[name] for name in order)]
    ranks = [tuple(each[name] for name in order) for each in fit]
    first = order[0]
    if not fit:
        assert (found.best, found.same) == (None, {})
        above = [each[first] for _, each in known]
    else:
        assert found.best is not None
        assert tuple(found.best.totals[name] for name in order) == max(ranks)
        assert (dict(found.best.variables), dict(found.best.totals)) in [
            (point, {name: each[name] for name in found.best.totals}) for point, each in known
        ]
        above = [each[first] for _, each in known if each[first] > max(ranks)[0]]
    assert (None if found.next is None else found.next.totals[first]) == min(above, default=None)
    for name, ends in found.same.items():
        assert found.best is not None
        low, high = ends
        for value in space[name]:
            if low <= value <= high:
                own = figures(NETWORK, **{**found.best.variables, name: value})
                assert own is not None
                assert own == {metric: found.best.totals[metric] for metric in METRICS}


def test_everything_fits(run: Run) -> None:
    line = ("solve", "mobilenet_v2", "--var", "alpha=0.5:1.4:0.3", "--max", "macs=1T", "--json")
    found = run(*line).json
    assert (found["best"]["variables"], found["next"]) == ({"alpha": 1.4}, None)


def test_a_condition_chooses_among_values(run: Run) -> None:
    line = ("solve", "mobilenet_v2", "--var", "alpha=0.5:1.4:0.05", "--max", "macs=300M", "--json")
    found = run(*line, "--var", "resolution=128:256:32", "--where", "resolution < 224").json
    network = convcalc.load("mobilenet_v2")
    alphas, resolutions = [each / 20 for each in range(10, 29)], (128, 160, 192)
    tried = [network.at(alpha=a, resolution=r).totals.macs for a in alphas for r in resolutions]
    known = [each for each in tried if each is not None]
    assert found["best"]["totals"]["macs"] == max(each for each in known if each <= 300_000_000)
    assert found["next"]["totals"]["macs"] == min(each for each in known if each > 300_000_000)


# What is not asked rightly


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--var alpha", "needs a budget"),
        ("--max macs=1M", "needs a variable"),
        ("--var alpah --max macs=1M", "did you mean `alpha`?"),
        ("--var alpha --max mcas=1M", "did you mean `macs`?"),
        ("--var named --max macs=1M", "no positive number"),
        ("--var deep --max macs=1M", "no positive number"),
        ("--var alpha --var size --max macs=1M", "one variable without values is the only one"),
        ("--var alpha --max macs=1M --where alpha<1", "`--where` chooses among values"),
        ("--var size --max params=1M", "every network that was tried is within"),
        ("--var alpha=1:0:0.5 --max macs=1M", "alpha"),
        ("--var alpha --max macs=1M --max macs=2M", "given twice"),
        ("--var alpha --max macs=1M --convention all", "one convention"),
    ],
)
def test_what_cannot_be_solved_is_refused(run: Run, options: str, said: str) -> None:
    outcome = run("solve", "-", *options.split(), stdin=SMALL.encode())
    assert (outcome.status, outcome.out) == (2, "")
    assert said in outcome.err
