"""Reconciliation: bridges that sum, and the conventions behind a reported figure."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from convcalc import zoo
from convcalc.reconcile import reconcile
from tests.conftest import Run
from tests.networks import network


@pytest.fixture(autouse=True)
def wide_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A screen on which each line is whole."""
    monkeypatch.setenv("COLUMNS", "200")


def paragraph(out: str, name: str) -> list[str]:
    """The lines of a convention's bridge, with single spaces."""
    found = re.search(rf"^{re.escape(name)}:\n((?:  .+\n)+)", out, re.MULTILINE)
    assert found is not None, out
    return [" ".join(line.split()) for line in found[1].rstrip().split("\n")]


#: Families that have between them what bridges are made of: functions, attention, upsampling, one
#: and three axes, several inputs, shared weights and frozen ones.
TELLING = ("googlenet", "m5", "mobilenet_v3", "r3d_18", "siamese", "unet", "vit", "yolov8")
FAMILIES = [
    pytest.param(family, marks=[] if family in TELLING else [pytest.mark.exhaustive])
    for family in zoo.families()
]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_bridge_sums_to_what_the_convention_counts(family: str) -> None:
    graph = network(family)
    found = reconcile(graph)
    totals = graph.analyze("all").counts
    assert found.macs is not None
    for bridge in found.bridges:
        name = bridge.convention.name
        older = None if name in totals else graph.analyze(name).totals.flops
        assert bridge.total == totals.get(name, older)
        if bridge.total is not None:
            assert found.macs + sum(item.amount for item in bridge.items) == bridge.total


def test_a_bridge_from_the_macs_item_by_item(run: Run) -> None:
    out = run("reconcile", "mobilenet_v2").out
    # 2 an element of each of 52 batch norms; the pool is on 1280×7×7.
    assert paragraph(out, "fvcore") == [
        "300,774,272 MACs",
        "+ 13,356,224 batch_norm: 2·inp (52 layers)",
        "+ 62,720 adaptive_avg_pool, called as a function: inp (1 layer)",
        "= 314,193,216",
    ]
    assert paragraph(out, "ptflops-aten") == [
        "300,774,272 MACs",
        "+ 1,000 biases: bias (1 layer)",
        "= 300,775,272",
    ]


def test_exact_is_bridged_by_the_operations_of_its_sums(run: Run) -> None:
    # One output is a sum of 9 products and a bias: 9 multiplications and 9 additions.
    spec = b"{name: n, input: [1, 3, 3], layers: [{conv: {out: 1, k: 3}}]}"
    out = run("reconcile", "-", stdin=spec).out
    assert paragraph(out, "exact") == [
        "9 MACs",
        "+ 9 a second operation for each MAC: macs (1 layer)",
        "− 1 sums of n products have n − 1 additions: −sums (1 layer)",
        "+ 1 biases: bias (1 layer)",
        "= 18",
    ]


def test_taps_in_the_padding_are_an_item_of_flax(run: Run) -> None:
    # 3 taps at 4 places, of which the first and the last fall in the padding.
    spec = b"{name: n, input: [1, 4], layers: [{conv: {out: 1, k: 3, p: 1, bias: false}}]}"
    out = run("reconcile", "-", stdin=spec).out
    lost = "MACs that read padding, or of a transposed convolution write what is cut off"
    assert paragraph(out, "flax") == [
        "12 MACs",
        "+ 12 a second operation for each MAC: macs (1 layer)",
        f"− 4 {lost}: −2·lost (1 layer)",
        "= 20",
    ]


def test_a_batch_norm_that_is_folded_leaves_a_bias(run: Run) -> None:
    spec = b"{name: n, input: [1, 4], layers: [{conv: {out: 2, k: 1, bias: false}}, batch_norm]}"
    assert paragraph(run("reconcile", "-", stdin=spec).out, "onnx-tool") == [
        "8 MACs",
        "+ 8 biases of batch norms that are folded in: out (1 layer)",
        "= 16",
    ]


def test_conventions_with_one_bridge_share_it(run: Run) -> None:
    out = run("reconcile", "resnet18").out
    assert paragraph(out, "macs, calflops-macs, deepspeed-macs") == [
        "1,814,073,344 MACs",
        "= 1,814,073,344",
    ]


def test_a_tool_without_a_number_says_for_which_layers(run: Run) -> None:
    spec = b"{name: n, input: [4, 6, 6], layers: [{conv: {out: 4, k: 3}}, mish]}"
    out = run("reconcile", "-", stdin=spec).out
    assert "onnx-tool: no number for mish\n" in out
    row = next(line for line in out.split("\n") if line.startswith("onnx-tool "))
    assert row.split() == ["onnx-tool", "MACs", "?"]


def test_totals_stand_side_by_side_with_parameters(run: Run) -> None:
    rows = {
        line.split()[0]: line.split()[1:]
        for line in run("reconcile", "resnet50").out.split("\n")
        if line[:1].isalpha() and len(line.split()) > 3
    }
    assert rows["paddle"][:4] == ["FLOPs", "4,111,514,624", "1.005", "25,610,152"]
    assert rows["thop"][:4] == ["MACs", "4,133,742,592", "1.011", "25,557,032"]
    assert rows["torch"][:3] == ["FLOPs", "8,178,368,512", "2.000"]


# A reported figure


@pytest.mark.parametrize(
    ("network", "figure", "reading"),
    [
        ("mobilenet_v2", "314.2M", "fvcore = 314,193,216"),
        ("mobilenet_v2", "314.13M", "paddle, thop@0.0.31 = 314,130,496"),
        ("mobilenet_v2", "0.6G", "2 × macs"),
        ("mobilenet_v1", "568,740,352", "macs, calflops-macs, deepspeed-macs, ½ × torch"),
        ("mobilenet_v1", "569M", "macs, calflops-macs, deepspeed-macs, ½ × torch"),
        ("mobilenet_v1", "1.137 GFLOPs", "2 × macs"),
        ("mobilenet_v1", "1137480704", "2 × macs"),
        ("resnet50", "4.1e9", "fvcore = 4,111,512,576"),
        ("resnet50", "4.134 GMACs", "thop = 4,133,742,592"),
        ("resnet50", "4.11B", "fvcore = 4,111,512,576"),
    ],
)
def test_a_reported_figure_is_named(run: Run, network: str, figure: str, reading: str) -> None:
    outcome = run("reconcile", network, "--reported", figure)
    assert outcome.status == 0
    answer = outcome.out.split("\n\n")[0]
    assert answer.startswith((f"{figure} is ", f"{figure} may be "))
    assert reading in answer


def test_a_figure_is_only_what_it_rounds_to(run: Run) -> None:
    # fvcore's 314,193,216 is 314.19M to two decimals, and 314.2M to one, to which people add a 0.
    matches = [
        [each["convention"] for each in report(run, "mobilenet_v2", figure)["matches"]]
        for figure in ("314.2M", "314.19M", "314.20M", "314.21M", "314,193,216", "314,193,217")
    ]
    assert matches == [["fvcore"], ["fvcore"], ["fvcore"], [], ["fvcore"], []]


def report(run: Run, network: str, figure: str) -> Any:
    """What JSON says of a figure; a run that finds no convention ends with status 1."""
    return json.loads(run("reconcile", network, "--reported", figure, "--json").out)["reported"]


def test_a_figure_without_an_item_is_explained(run: Run) -> None:
    # calflops, had it not seen the pool: 614,967,488 − 62,720.
    outcome = run("reconcile", "mobilenet_v2", "--reported", "614,904,768")
    assert outcome.status == 1
    assert "614,904,768 is no convention's number, nor twice or half of one." in outcome.out
    pool = "adaptive_avg_pool, called as a function: inp (1 layer)"
    assert f"It is calflops without {pool}: 614,904,768." in outcome.out


def test_a_tool_without_a_number_gives_no_figure(run: Run) -> None:
    # Flax has no adaptive pool, so that it gives no number for the network.
    answer = report(run, "alexnet", "714M")
    assert "flax" not in {each["convention"] for each in answer["matches"]}


def test_a_figure_of_nothing_gets_the_nearest(run: Run) -> None:
    outcome = run("reconcile", "mobilenet_v2", "--reported", "250,000,000")
    assert outcome.status == 1
    assert "The nearest is macs = 300,774,272; 50,774,272 less is reported." in outcome.out


@pytest.mark.parametrize("figure", ["", "many", "3..1M", "1,23M", "-4M", "4X", "1e999"])
def test_what_is_no_figure_is_refused(run: Run, figure: str) -> None:
    outcome = run("reconcile", "lenet", "--reported", figure)
    assert outcome.status == 2
    assert outcome.out == ""
    assert "is no figure" in outcome.err
    assert (
        "write it as it is reported: 314.2M, 0.6G, 4.1e9, 568,740,352 or 3.5M params" in outcome.err
    )


# For programs


def test_json_has_the_totals_and_the_bridges(run: Run) -> None:
    answer = run("reconcile", "mobilenet_v2_x0_5", "--input", "3x192x192", "--json").json
    assert list(answer) == [
        *("format", "name", "source", "preset", "variables", "input", "macs", "unknown"),
        "conventions",
    ]
    assert answer["format"] == "convcalc.reconciliation/1"
    assert (answer["preset"], answer["input"]) == ("mobilenet_v2_x0_5", [3, 192, 192])
    for each in answer["conventions"]:
        assert answer["macs"] + sum(item["amount"] for item in each["bridge"]) == each["total"]
    thop = next(each for each in answer["conventions"] if each["name"] == "thop")
    assert thop["bridge"][0]["what"] == "batch_norm"
    assert thop["bridge"][0]["formula"] == "4·inp"
    assert thop["bridge"][0]["layers"] == 52


def test_a_variable_is_set(run: Run) -> None:
    reference = Path(__file__).parent / "reference" / "paddle.json"
    recorded = json.loads(reference.read_text(encoding="utf-8"))["networks"]["mobilenet_v1_x0_5"]
    half = run("reconcile", "mobilenet_v1", "--set", "alpha=0.5", "--json").json
    paddle = next(each for each in half["conventions"] if each["name"] == "paddle")
    assert (paddle["total"], paddle["params"]) == (recorded["flops"], recorded["params"])


MOBILENET = ("reconcile", "mobilenet_v2", "--reported")


def test_rows_say_which_of_them_is_the_reported_figure(run: Run) -> None:
    out = run(*MOBILENET, "314.2M", "--csv").out
    rows = {row["convention"]: row for row in csv.DictReader(out.splitlines())}
    found = {name: (row["reading"], row["factor"]) for name, row in rows.items() if row["reading"]}
    assert found == {"fvcore": ("matches", "1")}
    assert rows["fvcore"]["comes_to"] == rows["fvcore"]["total"] == "314193216"
    assert {row["comes_to"] for name, row in rows.items() if name not in found} == {""}


@pytest.mark.parametrize("figure", ["314.2M", "600M", "314.3M", "1G"])
def test_lines_and_rows_have_what_json_has(run: Run, figure: str) -> None:
    answer = report(run, "mobilenet_v2", figure)
    expected = [*answer["matches"], *answer["near"]]
    expected += [] if answer["matches"] else [answer["nearest"]]
    lines = [
        json.loads(line) for line in run(*MOBILENET, figure, "--format", "jsonl").out.splitlines()
    ]
    readings = [each for line in lines for each in line["readings"]]
    keys = ("convention", "factor", "total")
    assert sorted([each[key] for key in keys] for each in readings) == sorted(
        [each[key] for key in keys] for each in expected
    )
    for line, row in zip(
        lines, csv.DictReader(run(*MOBILENET, figure, "--csv").out.splitlines()), strict=True
    ):
        first = line["readings"][0] if line["readings"] else {"reading": "", "factor": ""}
        assert (row["reading"], row["factor"]) == (first["reading"], str(first["factor"]))


def test_nothing_is_said_of_a_figure_that_is_not_asked_about(run: Run) -> None:
    assert "reading" not in run("reconcile", "lenet", "--csv").out.splitlines()[0]
    assert "readings" not in run("reconcile", "lenet", "--format", "jsonl").out


@pytest.mark.parametrize("format", ["markdown", "latex", "html"])
def test_a_document_begins_with_the_answer(run: Run, format: str) -> None:
    assert "fvcore" in head(run(*MOBILENET, "314.2M", "--format", format).out)
    missed = run(*MOBILENET, "250,000,000", "--format", format)
    assert missed.status == 1
    found = head(missed.out)
    assert "250,000,000: no convention" in found
    assert "macs (the nearest)" in found
    assert "300,774,272" in found
    assert "50,774,272" in found


def head(document: str) -> str:
    """What stands before the totals."""
    before, _, after = document.partition("300,774,272 MACs")
    assert after
    return before


@pytest.mark.parametrize("reported", [[], ["--reported", "314.2M"], ["--reported", "600M"]])
def test_the_text_is_as_wide_as_the_screen(
    run: Run, monkeypatch: pytest.MonkeyPatch, reported: list[str]
) -> None:
    texts = []
    for columns in (70, 500):
        monkeypatch.setenv("COLUMNS", str(columns))
        texts.append(run("reconcile", "mobilenet_v2", *reported).out)
    narrow, wide = texts
    assert max(map(len, narrow.splitlines())) <= 70
    assert narrow.split() == wide.split()
