"""Settings counted without walking them, against walking them; networks by `analyze` alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from operator import le
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc

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
    "deep": [1, 2],
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
