"""Layers of unknown cost: nothing that is said of a network hides that it lacks them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

import convcalc
from convcalc import conventions, layers
from convcalc.layers.base import Unary, layer
from convcalc.shape import Shape

from .conftest import Run

SPEC = b"""
name: Detector
input: [3, 32, 32]
layers:
  - conv: {out: 8, k: 3, p: 1, bias: false}
  - sequential:
      name: head
      layers:
        - opaque: {name: align, op: RoiAlign, shape: [8, 7, 7], tensors: [[5, 2], [5]]}
        - flatten
        - linear: {out: 10, bias: false}
  - opaque: {name: nms, op: "Non max: suppression", shape: [10]}
"""
#: MACs of the convolution, and of the linear layer.
CONV, LINEAR = 27 * 8 * 32 * 32, 8 * 49 * 10


def test_rows_have_no_number_and_totals_say_what_they_lack(run: Run) -> None:
    answer = run("analyze", "-", "--json", stdin=SPEC).json
    rows = {row["name"]: row for row in answer["layers"]}
    for name in ("head.align", "nms"):
        found = {key: rows[name][key] for key in ("macs", "flops", "operations", "unknown")}
        assert found == {"macs": None, "flops": None, "operations": None, "unknown": 1}
    assert rows["head.align"]["config"]["op"] == "RoiAlign"
    assert rows["head.align"]["params"] == 15
    totals = answer["totals"]
    assert (totals["unknown"], totals["macs"]) == (2, CONV + LINEAR)
    assert totals["params"] == 15 + 27 * 8 + 8 * 49 * 10
    assert totals["activations"] == 8 * 32 * 32 + 8 * 49 + 2 * 10  # but not `flatten`


@pytest.mark.parametrize("name", [*conventions.names(), "all"])
def test_no_convention_has_a_number_for_it(name: str) -> None:
    analysis = convcalc.loads(SPEC).analyze(name)
    row = analysis.rows["nms"]
    assert row.flops is None
    assert [each.flops for each in row.counts.values()] == [None] * len(row.counts)
    assert analysis.totals.flops is not None


def test_a_fold_and_a_group_are_the_sums_of_what_is_known(run: Run) -> None:
    folded = run("analyze", "-", "--depth", "1", "--json", stdin=SPEC).json["layers"]
    assert [(row["macs"], row["unknown"]) for row in folded] == [(CONV, 0), (LINEAR, 1), (None, 1)]
    groups = run("analyze", "-", "--group-by", "block", "--json", stdin=SPEC).json["groups"]
    assert [(each["macs"], each["unknown"]) for each in groups] == [
        *((CONV, 0), (LINEAR, 1), (None, 1))
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        *("analyze", "analyze --depth 1", "analyze --group-by type", "analyze --convention all"),
        *("analyze --format markdown", "analyze --format latex", "analyze --format html"),
        *("reconcile", "explain - head", "check --max macs=1G"),
    ],
)
def test_whatever_is_printed_says_what_it_lacks(run: Run, arguments: str) -> None:
    command, *options = arguments.split()
    spec = [] if "-" in options else ["-"]
    out = run(command, *spec, *options, stdin=SPEC).out.replace("\\_", "_")
    _, lacking, names = out.partition("of unknown cost")
    assert lacking
    assert ("`align`" if "head" in options else "nms") in names


@pytest.mark.parametrize("arguments", [(), ("--group-by", "block")])
def test_the_sum_of_shares_lacks_what_the_total_lacks(run: Run, arguments: tuple[str, ...]) -> None:
    columns = ("--columns", "params%,macs%,flops%")
    out = run("analyze", "-", *columns, *arguments, stdin=SPEC).out
    cells = [line.split()[-3:] for line in out.splitlines()]
    assert ["100.0", "100.0+?", "100.0+?"] in cells


def test_a_list_says_what_its_totals_lack(run: Run) -> None:
    out = run("list", "-", "lenet", stdin=SPEC).out
    assert f"{CONV + LINEAR:,}+?" in out
    assert "Totals of `Detector` lack layers of unknown cost (?)." in out
    rows = run("list", "-", "lenet", "--json", stdin=SPEC).json["networks"]
    assert [row.get("unknown") for row in rows] == [2, None]
    header, line = run("list", "-", "--csv", stdin=SPEC).out.splitlines()
    assert header.endswith(",params,macs,unknown")
    assert line.endswith(f",{CONV + LINEAR},2")


def test_a_budget_is_not_known_to_hold(run: Run) -> None:
    outcome = run("check", "-", "--max", "macs=1G", "--json", stdin=SPEC)
    assert outcome.status == 1
    (budget,) = json.loads(outcome.out)["budgets"]
    assert (budget["passed"], budget["unknown"]) == (False, 2)
    said = run("check", "-", "--max", "macs=1G", "--error-format", "concise", stdin=SPEC).err
    assert "[unknown-cost]" in said
    # One that is exceeded already is exceeded; one of what is known holds.
    said = run("check", "-", "--max", "macs=1k", "--error-format", "concise", stdin=SPEC).err
    assert "[over-budget]: macs is at least" in said
    assert run("check", "-", "--max", "params=1M", stdin=SPEC).status == 0
    assert run("check", "-", "--max", "unknown=2", stdin=SPEC).status == 0
    assert run("check", "-", "--max", "unknown=1", stdin=SPEC).status == 1


def test_a_layer_alone(run: Run) -> None:
    given = ["layer", "opaque", "--op", "RoiAlign", "--shape", "8,7,7", "--tensors", "[[5, 2]]"]
    answer = run(*given, "--in", "8x9x9", "--in", "5", "--json").json
    assert (answer["macs"], answer["flops"], answer["params"]) == (None, None, 10)
    out = run(*given).out
    assert "MACs         unknown" in out
    assert "What this layer computes is not known, and so what it costs." in out


def test_nothing_known_is_no_number() -> None:
    spec = {"name": "N", "input": [3], "layers": [{"opaque": {"op": "X", "shape": [3]}}]}
    analysis = convcalc.loads(json.dumps(spec)).analyze()
    assert (analysis.totals.macs, analysis.totals.flops, analysis.totals.unknown) == (None, None, 1)
    assert "1 layer, 1 of unknown cost" in repr(analysis)


def test_the_text_of_an_operator_is_no_expression(run: Run) -> None:
    for op in ("in_channels * 2", "=1+1", "a | b", "<b>"):
        spec = {"name": "N", "input": [3], "layers": [{"opaque": {"op": op, "shape": [3]}}]}
        stdin = json.dumps(spec).encode()
        assert run("analyze", "-", "--json", stdin=stdin).json["layers"][0]["config"]["op"] == op
    assert "must be a text" in run("analyze", "-", stdin=SPEC.replace(b"RoiAlign", b"3")).err


@pytest.fixture
def stranger() -> Iterator[None]:
    before = dict(layers.TYPES)

    @layer("mystery")
    class Mystery(Unary):
        """What nobody knows.

        Example: `- mystery` on `8`
        """

        def operations(self, x: Shape, y: Shape) -> None:
            return None

    yield
    for name in layers.TYPES.keys() - before.keys():
        del layers.TYPES[name]
    layers.find.cache_clear()


@pytest.mark.usefixtures("stranger")
def test_another_packages_layer_may_say_so(run: Run) -> None:
    stdin = b"name: N\ninput: [8]\nlayers: [relu, mystery]\n"
    totals = run("analyze", "-", "--json", stdin=stdin).json["totals"]
    assert (totals["flops"], totals["unknown"]) == (8, 1)


#: A network of which nothing is known but what it learns.
ALONE = b"name: N\ninput: [3]\nlayers:\n- opaque: {op: X, shape: [3], tensors: [[20, 20]]}\n"


def test_a_figure_of_a_network_of_unknown_cost_may_be_its_parameters(run: Run) -> None:
    answer = convcalc.loads(ALONE).reported("400")
    assert [(each.what, int(each.value)) for each in answer.matches] == [("params", 400)]
    assert {each.params for each in answer.found.bridges} == {400, None}
    # Nothing is near a number of MACs that nobody knows.
    assert convcalc.loads(ALONE).reported("400 MACs").nearest is None
    asked = ("reconcile", "-", "--reported", "400 MACs")
    for form in ("table", "markdown", "csv"):
        assert run(*asked, "--format", form, stdin=ALONE).status == 1
    assert json.loads(run(*asked, "--json", stdin=ALONE).out)["reported"]["nearest"] is None


def test_reconcile_and_explain_mark_every_sum_that_lacks_layers(run: Run) -> None:
    out = run("reconcile", "-", stdin=SPEC).out
    assert f"{CONV + LINEAR:,}+?  MACs" in out
    sums = [line for line in out.splitlines() if line.startswith("  = ")]
    assert sums
    assert all(line.endswith("+?") for line in sums)
    assert "?: no number" not in out
    for form in ("table", "markdown"):
        assert f" {LINEAR:,}+?" in run("explain", "-", "head", "--format", form, stdin=SPEC).out
    network = convcalc.loads(SPEC)
    assert f"{CONV + LINEAR:,} MACs, 2 layers of unknown cost" in repr(network.reconcile())
    explained, row = network.explain("head"), network.analyze().folded(1).rows["head"]
    for each in (explained, row):
        assert f"{LINEAR:,} MACs, 1 layer of unknown cost" in repr(each)
    # Where nothing is known there is no number at all.
    out = run("reconcile", "-", stdin=ALONE).out
    assert out.startswith("N, input 3: ? MACs\n")
    assert "?: no number" in out
    assert run("reconcile", "-", "--json", stdin=ALONE).json["macs"] is None
    assert "? MACs, 1 layer of unknown cost" in repr(convcalc.loads(ALONE).reconcile())
