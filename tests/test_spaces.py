"""Spaces in Python: what they say is what an analysis of each setting says."""

from __future__ import annotations

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import convcalc
from tests.conftest import Run

SPEC = """\
name: Tiny
variables: {width: 8, size: 8}
input: [3, size, size]
layers:
  - conv: {out: width, k: 3, p: 1, bias: false}
  - conv: {out: 12, k: 1, g: 4}
"""
COLUMNS = {"width": [4, 8, 6, 12] * 8, "size": [3, 5, 7, 9] * 8}
METRICS = ("params", "macs", "flops", "activations", "live_bytes", "receptive_field")


@pytest.fixture
def network() -> convcalc.Network:
    return convcalc.loads(SPEC)


def said(network: convcalc.Network, width: int, size: int) -> dict[str, int] | None:
    try:
        totals = network.at(width=width, size=size).totals
    except convcalc.ConvcalcError:
        return None
    return {"width": width, "size": size, **{metric: totals[metric] for metric in METRICS}}


def test_an_evaluation_has_a_row_for_each_position(network: convcalc.Network) -> None:
    space = convcalc.Space(network)
    found = space.evaluate(COLUMNS, METRICS)
    assert list(found.rows) == [said(network, *each) for each in zip(*COLUMNS.values())]
    one = space.evaluate({name: column[:1] for name, column in COLUMNS.items()}, METRICS)
    assert one.rows == found.rows[:1]
    assert list(found["macs"]) == [row["macs"] if row else 0 for row in found.rows]


def test_an_evaluation_cannot_be_changed(network: convcalc.Network) -> None:
    found = convcalc.Space(network).evaluate(COLUMNS)
    with pytest.raises((TypeError, ValueError)):
        found["macs"][0] = 1  # type: ignore[index]
    with pytest.raises(AttributeError):
        found.valid = ()
    assert pickle.loads(pickle.dumps(found)) == copy.deepcopy(found) == found


def test_many_threads_get_the_same(network: convcalc.Network) -> None:
    space = convcalc.Space(network, {"width": "4:16:4", "size": [4, 8]})
    together = threading.Barrier(8)

    def asked(_: int) -> Any:
        together.wait()
        few = {name: column[:3] for name, column in COLUMNS.items()}
        answers = space.evaluate(COLUMNS, METRICS), space.evaluate(few), space.sweep(top=3)
        most = {"macs": 3000}
        return *answers, space.count(max=most), space.sample(3, max=most), space.solve(max=most)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(asked, range(8)))
    assert all(each == found[0] for each in found)
    assert list(found[0][0].rows) == [said(network, *each) for each in zip(*COLUMNS.values())]


def test_columns_may_be_arrays(network: convcalc.Network) -> None:
    numpy = pytest.importorskip("numpy")
    space = convcalc.Space(network)
    columns = {"width": numpy.array([4, 8]), "size": numpy.array([5, 7], "uint8")}
    found = space.evaluate(columns)
    assert found == space.evaluate({"width": [4, 8], "size": [5, 7]})
    assert {type(value) for row in found.rows for value in row or {"": None}} == {str}
    assert {type(value) for row in found.rows if row for value in row.values()} == {int}
    columns["width"][0] = 100
    assert list(found["width"]) == [4, 8]


def test_rows_are_settings_again(network: convcalc.Network) -> None:
    first = network.sweep({"width": [4, 8], "size": [5, 7]})
    assert network.sweep(first.rows).rows == first.rows
    space = convcalc.Space(network)
    assert space.evaluate(first.columns).rows == first.rows


def test_values_may_come_with_the_space_or_the_question(network: convcalc.Network) -> None:
    values = {"width": "4:16:4", "size": [4, 8]}
    own, given = convcalc.Space(network, values), convcalc.Space(network)
    most = {"macs": 3000}
    assert own.count(max=most) == given.count(values, max=most)
    assert own.sweep(max=most) == given.sweep(values, max=most)
    assert own.pareto("min:macs,max:params") == given.pareto("min:macs,max:params", values)
    assert own.solve(max=most) == given.solve(values, max=most)
    assert own.sample(3, 1) == given.sample(3, 1, values)
    assert own.count(max=most).count == len(own.sweep(max=most).rows)
    assert pickle.loads(pickle.dumps(own)) == own != given


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"width": [4, 8], "size": [4]}, "`width` has 2 values, and `size` has 1"),
        ({"wdith": [4]}, "wdith"),
        ({}, "settings are columns by variable"),
        ({"width": 4}, "the column `width` must be a list of values, not 4"),
        ({"width": "4:8:4"}, "the column `width` must be a list of values"),
        ({4: [4]}, "the name of a variable must be a text"),
        ({"macs": [4]}, "no column is a variable"),
    ],
)
def test_columns_that_are_none(network: convcalc.Network, columns: Any, message: str) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=message):
        convcalc.Space(network).evaluate(columns)


def test_a_space_without_values_asks_for_some(network: convcalc.Network) -> None:
    with pytest.raises(convcalc.ConvcalcError, match="values that its variables may have"):
        convcalc.Space(network).count(max={"macs": 1})


#: What is asked of a space, and what is said where it is no such question.
WRONG: tuple[tuple[str, Any, str], ...] = (
    ("where", 3, "a condition must be a text"),
    ("max", 3, "budgets are amounts by metric"),
    ("values", 3, "a space is values by variable"),
    ("values", {3: [4]}, "the name of a variable must be a text"),
)
WRONG_BY_METHOD: dict[str, tuple[tuple[str, Any, str], ...]] = {
    "sweep": (
        ("metrics", 3, "metrics must be a text, or a list of texts"),
        ("metrics", (), "no metric is asked for"),
        ("pareto", [3, 4], "one of goals must be a text"),
        ("top", "a", "`top` has one row or more"),
        ("sort", 3, "`sort` must be a text"),
        ("group", 3, "`group` must be a text"),
        ("distinct", 3, "`distinct` must be True or False"),
        ("jobs", 0, "jobs has one job or more"),
    ),
    "pareto": (("goals", 3, "goals must be a text"), ("top", 0, "`top` has one row or more")),
    "solve": (("max", {}, "has no end without a budget"),),
    "sample": (("size", -1, "`size` must be a whole number"),),
    "count": (),
}


@pytest.mark.parametrize("method", WRONG_BY_METHOD)
def test_questions_that_are_none(network: convcalc.Network, method: str) -> None:
    needed: dict[str, dict[str, Any]] = {
        "pareto": {"goals": "min:macs,max:params"},
        "solve": {"max": {"macs": 9}},
    }
    space = convcalc.Space(network, {"width": [4, 8]})
    for name, value, message in (*WRONG, *WRONG_BY_METHOD[method]):
        with pytest.raises(convcalc.ConvcalcError, match=message):
            getattr(space, method)(**{**needed.get(method, {}), name: value})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("convention", "foo", "unknown convention `foo`"),
        ("convention", "all", "one convention"),
        ("dtype", "float99", "unknown type of number `float99`"),
        ("batch", 0, "one sample or more"),
    ],
)
def test_how_networks_run_is_no_matter_of_settings(
    network: convcalc.Network, name: str, value: Any, message: str
) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=message):
        convcalc.Space(network, **{name: value})
    with pytest.raises(convcalc.ConvcalcError, match=message):
        network.sweep({"width": [4, 8]}, **{name: value})


@pytest.mark.parametrize("command", ["sweep", "count", "pareto", "solve"])
def test_an_unknown_convention_ends_a_command(run: Run, command: str) -> None:
    more = {"pareto": "--pareto min:macs,max:params", "solve": "--max macs=1G"}.get(command, "")
    done = run(*f"{command} mobilenet_v2 --var alpha=0.5,1 {more} --convention foo".split())
    assert done.status == 2
    assert "unknown convention `foo`" in done.err


def test_constants_are_told_apart_by_their_signs() -> None:
    spec = """
name: N
variables: {x: 0.5, y: 0.5}
input: [3, 32, 32]
layers:
  - conv: {out: floor(64 + x * (-1.0)), k: 3}
  - conv: {out: floor(64 + y * (-2.0)), k: 3}
"""
    network = convcalc.loads(spec)
    found = convcalc.Space(network).evaluate({"x": [0.5, 3.0], "y": [0.5, 20.0]}, "params")
    own = [network.at(x=x, y=y).totals.params for x, y in ((0.5, 0.5), (3.0, 20.0))]
    assert list(found["params"]) == own


def test_what_is_equal_may_be_of_another_type() -> None:
    network = convcalc.loads(
        '{name: N, variables: {w: [4, 4]}, input: [3, 8, 8], layers: [{conv: {out: "w[0]", k: 1}}]}'
    )
    space = convcalc.Space(network)
    for values in ([(1, 1), (True, 1)], [(True, 1), (1, 1)]):
        found = [space.evaluate({"w": [value]}, "params").valid[0] for value in values]
        assert found == [value[0] is not True for value in values]


def test_the_order_of_budgets_does_not_hide_an_end() -> None:
    network = convcalc.loads(
        "{name: N, variables: {k: 3}, input: [64, 32, 32],"
        " layers: [{conv: {out: 64, k: k, p: same}}]}"
    )
    most = {"activations": 1_000_000, "params": 50_000}
    found = convcalc.Space(network).solve("k", max=most)
    assert found.best is not None
    assert found.best.variables == {"k": 3}  # 36,928 parameters; 65,600 with the next
