"""Settings counted without walking them, against walking them; networks by `analyze` alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from operator import le
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc.search.counting import within
from convcalc.search.solving import solve
from tests.conftest import Run
from tests.networks import FREE_WIDTHS, FREE_WIDTHS_SPACE

#: Shortcuts, rounded widths, groups that may not divide, layers and repeats that come and go.
SMALL = """
name: Small
variables: {w: [8, 16, 8, 8], alpha: 1.0, size: 16, groups: 1, pooled: false, deep: 1}
input: [3, size, size]
layers:
  - conv: {out: "w[0]", k: 3, p: 1}
  - residual:
      connect: in_channels == w[1]
      layers:
        - conv: {out: "w[1]", k: 3, p: 1, g: groups}
        - relu
  - conv: {when: "w[1] > w[2]", out: "w[2]", k: 1}
  - max_pool: {when: pooled, k: 2}
  - repeat:
      times: deep
      layers:
        - residual:
            connect: in_channels == w[3]
            layers:
              - conv: {out: "w[3]", k: 3, p: 1, when: size > 12 and not pooled}
              - conv: {out: "w[3]", k: 1, when: size <= 12 or pooled}
        - conv: {out: "w[3]", k: 3, s: 2}
  - conv: {out: "make_divisible(24 * alpha)", k: 1}
  - adaptive_avg_pool: {output_size: 1}
  - flatten
  - linear: {out: 10}
"""

VALUES: Mapping[str, list[Any]] = {
    "w[0]": [4, 8, 12, 16],
    "w[1]": [4, 8, 12, 16],
    "w[2]": [6, 8, 10],
    "w[3]": [4, 8, 12],
    "alpha": [0.25, 0.5, 1, 1.0625, 1.3],
    "size": [8, 12, 16, 19],
    "groups": [1, 2, 3, 4],
    "pooled": [False, True],
    "deep": [0, 1, 2, 3],
}
METRICS = ("macs", "params", "flops", "activations")


def walked(network: convcalc.Network, space: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Every setting that is a network, with its figures."""
    for values in product(*space.values()):
        point = dict(zip(space, values))
        own: dict[str, Any] = {}
        for name, value in point.items():
            if "[" in name:
                whole = own.setdefault("w", list(network.variables["w"]))
                whole[int(name[2])] = value
            else:
                own[name] = value
        try:
            totals = network.at(own).analyze().totals
        except convcalc.ConvcalcError:
            continue
        yield {**point, **{metric: totals[metric] for metric in METRICS}}


@st.composite
def spaces(draw: st.DrawFn) -> dict[str, list[Any]]:
    """A few axes of a few values."""
    names = draw(st.lists(st.sampled_from([*VALUES]), min_size=1, max_size=4, unique=True))
    return {
        name: draw(
            st.lists(st.sampled_from(VALUES[name]), min_size=1, max_size=3, unique_by=lambda v: v)
        )
        for name in names
    }


NETWORK = convcalc.loads(SMALL)


@settings(max_examples=40, deadline=None)
@given(spaces(), st.data())
def test_a_count_is_that_of_walking(space: dict[str, list[Any]], data: st.DataObject) -> None:
    rows = list(walked(NETWORK, space))
    asked = convcalc.Space(NETWORK, space)
    found = asked.count()
    assert (found.count, found.space - found.invalid) == (len(rows), len(rows))
    if not rows:
        return
    metrics = data.draw(st.lists(st.sampled_from(METRICS), min_size=1, max_size=3, unique=True))
    most = {metric: data.draw(st.sampled_from(rows))[metric] for metric in metrics}
    fit = [row for row in rows if all(row[name] <= each for name, each in most.items())]
    assert asked.count(max=most).count == len(fit)
    low = data.draw(st.sampled_from(rows))["params"]
    where = f"params > {low} or macs <= {low}.5k and not params == {low}"
    kept = [
        row
        for row in fit
        if row["params"] > low or (row["macs"] <= low * 1000 + 500 and row["params"] != low)
    ]
    assert asked.count(max=most, where=where).count == len(kept)
    drawn = asked.sample(5, max=most, where=where)
    assert len(drawn) == (5 if kept else 0)
    for row in drawn:
        assert any(all(each[name] == value for name, value in row.items()) for each in kept)


GOALS = ("macs", "params", "activations", "alpha", "size", "w[0]")


@settings(max_examples=40, deadline=None)
@given(spaces(), st.data())
def test_a_front_is_that_of_walking(space: dict[str, list[Any]], data: st.DataObject) -> None:
    rows = list(walked(NETWORK, space))
    known = [name for name in GOALS if name in METRICS or name in space]
    names = data.draw(st.lists(st.sampled_from(known), min_size=2, max_size=3, unique=True))
    signs = [data.draw(st.sampled_from((1, -1))) for _ in names]
    asked: dict[str, Any] = {}
    is_bounded: bool = data.draw(st.booleans())
    if rows and is_bounded:
        low, high = sorted(data.draw(st.sampled_from(rows))["params"] for _ in range(2))
        asked = {"max": {"params": high}, "where": f"params >= {low}"}
        rows = [row for row in rows if low <= row["params"] <= high]
    costs = {tuple(sign * row[name] for name, sign in zip(names, signs)) for row in rows}
    front = sorted(
        cost
        for cost in costs
        if not any(other != cost and all(map(le, other, cost)) for other in costs)
    )
    goals = ",".join(f"{'min' if sign > 0 else 'max'}:{name}" for name, sign in zip(names, signs))
    found = convcalc.Space(NETWORK, space).pareto(goals, **asked)
    own = [tuple(sign * row[name] for name, sign in zip(names, signs)) for row in found.rows]
    assert own == front
    for row in found.rows:
        assert any(all(each[name] == value for name, value in row.items()) for each in rows)


@settings(max_examples=30, deadline=None)
@given(spaces(), st.data())
def test_the_largest_within_budgets_is_that_of_walking(
    space: dict[str, list[Any]], data: st.DataObject
) -> None:
    rows = list(walked(NETWORK, space))
    if not rows:
        return
    first, second = data.draw(st.permutations(METRICS))[:2]
    budgets = {name: data.draw(st.sampled_from(rows))[name] for name in (first, second)}
    family = NETWORK.family()
    found = solve(within(family, space, max=budgets))
    fit = [row for row in rows if all(row[name] <= most for name, most in budgets.items())]
    if not fit:
        assert found.best is None
        assert found.next is not None
        assert found.next.totals[first] == min(row[first] for row in rows)
        return
    best = max((row[first], row[second]) for row in fit)
    assert found.best is not None
    assert (found.best.totals[first], found.best.totals[second]) == best
    assert {**found.best.variables, **found.best.totals} in [dict(row) for row in fit]
    above = [row[first] for row in rows if row[first] > best[0]]
    assert (found.next.totals[first] if found.next else None) == min(above, default=None)


def test_nine_free_widths_of_mobilenet_v2() -> None:
    """The number is that of another program, which assumed one structure of the networks."""
    space = convcalc.Space(convcalc.loads(FREE_WIDTHS), FREE_WIDTHS_SPACE)
    assert space.size == 603_979_776_000
    assert space.count(max={"macs": "300M"}).count == 117_311_684_702
    rows = space.pareto("min:macs,max:params", max={"macs": "300M"}).rows
    own = convcalc.load("mobilenet_v2").totals
    assert own.params < max(row["params"] for row in rows)
    (row, *_) = space.sample(1, max={"macs": "300M"})
    widths = [row[f"w[{place}]"] for place in range(9)]
    totals = convcalc.loads(FREE_WIDTHS, w=widths).totals
    assert totals.macs == row["macs"] <= 300_000_000


def test_a_variable_without_values_is_the_interval_of_one_network(run: Run) -> None:
    found = run("solve", "mobilenet_v2", "--var", "alpha", "--max", "macs=300M", "--json").json
    assert found["same"] == {"alpha": ["39/40", "79/80"]}
    assert found["same_ends"] == {"alpha": {"open": [False, True]}}
    assert found["best"]["totals"]["macs"] == 299_896_192
    assert found["next"]["totals"]["macs"] == 300_774_272
    network = convcalc.load("mobilenet_v2")
    # 320 times the float next to 79/80 is rounded to 316; the one before that is not.
    alphas = (39 / 40, 79 / 80 - 3e-16, 79 / 80)
    costs = [network.at(alpha=alpha).totals.macs for alpha in alphas]
    assert network.at(alpha=39 / 40 - 3e-16).totals.macs < 299_896_192
    assert costs == [299_896_192, 299_896_192, 300_774_272]


def test_where_nothing_fits_the_smallest_is_said(run: Run) -> None:
    outcome = run("solve", "mobilenet_v2", "--var", "alpha", "--max", "macs=1M", "--json")
    assert outcome.status == 1
    found = json.loads(outcome.out)
    assert found["best"] is None
    assert found["next"]["totals"]["macs"] == 23_225_728


def test_whole_numbers_stay_whole(run: Run) -> None:
    found = run("solve", "resnet18", "--var", "resolution", "--max", "macs=1G", "--json").json
    assert found["same"] == {"resolution": [159, 160]}
    network = convcalc.load("resnet18")
    assert network.at(resolution=160).totals.macs == found["best"]["totals"]["macs"] <= 10**9
    assert network.at(resolution=161).totals.macs == found["next"]["totals"]["macs"] > 10**9


def test_a_figure_that_does_not_decompose_is_swept(run: Run) -> None:
    outcome = run(
        "count", "mobilenet_v2", "--var", "alpha=0.5,1", "--where", "macs / params <= 100"
    )
    assert outcome.status == 2
    assert "does-not-decompose" in outcome.err
    assert "convcalc sweep" in outcome.err
