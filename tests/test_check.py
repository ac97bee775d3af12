"""Budgets: the status, and what is said of each."""

from __future__ import annotations

import json
import pickle
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcalc
from convcalc.amounts import parse_amount
from tests.conftest import Run

#: Of MobileNetV2, as torchvision builds it and fvcore and ptflops count it.
MACS, PARAMS = 300_774_272, 3_504_872


@pytest.mark.parametrize(
    ("budgets", "status"),
    [
        (f"macs={MACS}", 0),
        (f"macs={MACS - 1}", 1),
        ("macs=300M", 1),
        ("macs=301M", 0),
        (f"params={PARAMS:,}", 0),
        ("macs=301M params=3.5M", 1),
        ("macs=301M params=3.6M", 0),
        ("macs=0", 1),
        ("macs=0.301G", 0),
        (f"weight_bytes={(PARAMS + 34_112) * 4}", 0),
        (f"weight_bytes={(PARAMS + 34_112) * 4 - 1}", 1),
    ],
)
def test_status(run: Run, budgets: str, status: int) -> None:
    options = [word for each in budgets.split() for word in ("--max", each)]
    outcome = run("check", "mobilenet_v2", *options)
    assert (outcome.status, outcome.err) == (status, "")


def test_json(run: Run) -> None:
    outcome = run("check", "mobilenet_v2", "--max", "macs=300M", "--max", "params=4M", "--json")
    assert outcome.status == 1
    answer = json.loads(outcome.out)
    assert answer["format"] == "convcalc.check/1"
    assert answer["passed"] is False
    assert answer["budgets"] == [
        {
            "metric": "macs",
            "most": 300_000_000,
            "value": MACS,
            "passed": False,
            "unknown": 0,
            "from": "max",
        },
        {
            "metric": "params",
            "most": 4_000_000,
            "value": PARAMS,
            "passed": True,
            "unknown": 0,
            "from": "max",
        },
    ]


def test_what_is_said(run: Run) -> None:
    out = run("check", "mobilenet_v2", "--max", "macs=300M", "--max", "params=4M").out
    assert "over by 774,272" in out
    assert "ok, 495,128 left" in out


def test_one_of_several_networks_is_enough_to_fail(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tiny.yaml"
    file.write_text("name: tiny\ninput: [3, 8, 8]\nlayers: [conv: {out: 4, k: 1, bias: false}]\n")
    assert run("check", str(file), "--max", "params=12").status == 0
    outcome = run("check", str(file), "lenet", "--max", "params=12", "--csv")
    assert outcome.status == 1
    assert outcome.out.splitlines()[1] == f"{file},tiny,,params,12,12,true,0,max"
    assert outcome.out.splitlines()[2].startswith("lenet,LeNet,,params,12,")


def test_options_of_a_network_hold(run: Run) -> None:
    budget = ("--max", "params=2M", "--json")
    assert run("check", "mobilenet_v2", *budget).status == 1
    assert run("check", "mobilenet_v2", "--set", "alpha=0.5", *budget).status == 0
    assert run("check", "mobilenet_v2", "--preset", "mobilenet_v2_x0_5", *budget).status == 0
    macs = ("--max", f"macs={MACS}")
    assert run("check", "mobilenet_v2", "--batch", "2", *macs).status == 1
    assert run("check", "mobilenet_v2", "--input", "256", *macs).status == 1


def test_bytes_say_their_type(run: Run) -> None:
    out = run("check", "lenet", "--max", "weight_bytes=64KiB", "--dtype", "int8").out
    assert "Weight bytes (int8)" in out
    assert "Weight bytes (float32)" in run("check", "lenet", "--max", "weight_bytes=1M").out


def test_a_table_says_its_input_and_what_is_bounded(run: Run) -> None:
    out = run("check", "mobilenet_v1", "--input", "96", "--max", "activation_bytes=1M").out
    assert "input 3×96×96; batch 1.\n" in out
    assert "not what is alive at once" in out
    assert "input 3×224×224" in run("check", "mobilenet_v1", "--max", "params=1M").out
    assert "the elements that every layer makes" in run("check", "--help").out.replace("\n  ", " ")


def test_json_says_what_was_checked(run: Run) -> None:
    options = ("--set", "alpha=0.5", "--batch", "2", "--dtype", "int8", "--input", "96")
    answer = run("check", "mobilenet_v1", *options, "--max", "params=9M", "--json").json
    asked = {key: answer[key] for key in ("spec", "input", "batch", "dtype")}
    assert asked == {"spec": "mobilenet_v1", "input": [3, 96, 96], "batch": 2, "dtype": "int8"}
    assert answer["variables"]["alpha"] == 0.5


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two files whose networks have one name: of 12 parameters, and of 24."""
    monkeypatch.chdir(tmp_path)
    for name, out in (("a.yaml", 4), ("b.yaml", 8)):
        layers = f"[conv: {{out: {out}, k: 1, bias: false}}]"
        Path(name).write_text(f"name: twin\ninput: [3, 8, 8]\nlayers: {layers}\n")
    return ["a.yaml", "b.yaml"]


def test_networks_of_one_name_are_told_apart(run: Run, twins: list[str]) -> None:
    out = run("check", *twins, "--max", "params=99").out
    assert "a.yaml: twin\n" in out
    assert "b.yaml: twin\n" in out
    assert "a.yaml" not in run("check", "a.yaml", "lenet", "--max", "params=99").out


def test_an_exceeded_budget_is_a_mistake_for_programs(run: Run, twins: list[str]) -> None:
    check = ("check", *twins, "--max", "params=20", "--max", "layers=1", "--error-format")
    said = "params is 24, over by 4"
    outcome = run(*check, "github")
    assert outcome.status == 1
    line = f"::error file=b.yaml,line=1,col=7,title=over-budget::{said}; at most 20 is allowed\n"
    assert outcome.err == line
    assert run(*check, "concise").err == f"b.yaml:1:7: error[over-budget]: {said}\n"
    (mistake,) = json.loads(run(*check, "json").err)
    assert (mistake["code"], mistake["file"], mistake["message"]) == ("over-budget", "b.yaml", said)
    full = run(*check, "full")
    assert (full.status, full.err) == (1, "")
    assert full.out == outcome.out


def test_flops_are_of_a_convention(run: Run) -> None:
    thop = run("check", "lenet", "--max", "flops=1M", "--convention", "thop").out
    assert "as `thop` counts them" in thop


def test_no_total_is_not_enough(run: Run) -> None:
    spec = b"name: n\ninput: [3, 8, 8]\nlayers: [kmax_pool: {k: 2, k_max: 2}]\n"
    options = ("--convention", "tensorflow")
    assert run("analyze", "-", *options, "--json", stdin=spec).json["totals"]["flops"] is None
    outcome = run("check", "-", "--max", "flops=1T", *options, stdin=spec)
    assert outcome.status == 1
    assert "no total" in outcome.out


TINY = """\
name: tiny
variables: {out: 4}
presets: {wide: {out: 8}}
budgets:
  macs: 0.8k
  params: 12
input: [3, 8, 8]
layers: [conv: {out: out, k: 1, bias: false}]
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network of 768 MACs, 12 parameters, 1,280 FLOPs, 256 activations; and its budgets."""
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(TINY)
    return tmp_path


def test_a_spec_has_budgets_of_its_own(run: Run, tiny: Path) -> None:
    answer = run("check", "tiny.yaml", "--json").json
    assert answer["passed"] is True
    assert [(each["metric"], each["most"], each["from"]) for each in answer["budgets"]] == [
        ("macs", 800, "spec"),
        ("params", 12, "spec"),
    ]
    outcome = run("check", "tiny.yaml", "--preset", "wide", "--error-format", "github")
    assert outcome.status == 1
    assert outcome.err.splitlines() == [
        "::error file=tiny.yaml,line=5,col=9,title=over-budget::macs is 1,536, over by 736; "
        "at most 800 is allowed",
        "::error file=tiny.yaml,line=6,col=11,title=over-budget::params is 24, over by 12; "
        "at most 12 is allowed",
    ]


def test_an_option_stands_in_place_of_a_specs_budget(run: Run, tiny: Path) -> None:
    options = ("--set", "out=5", "--max", "params=15", "--max", "activations=1k")
    answer = json.loads(run("check", "tiny.yaml", *options, "--json").out)
    assert [(each["metric"], each["from"], each["passed"]) for each in answer["budgets"]] == [
        ("macs", "spec", False),
        ("params", "max", True),
        ("activations", "max", True),
    ]


def test_each_network_has_its_own_budgets(run: Run, tiny: Path) -> None:
    Path("other.yaml").write_text(TINY.replace("macs: 0.8k", "macs: 767"))
    first, other = json.loads(run("check", "tiny.yaml", "other.yaml", "--json").out)
    assert (first["passed"], other["passed"]) == (True, False)
    refused = run("check", "tiny.yaml", "lenet")
    assert (refused.status, refused.out) == (2, "")
    assert "lenet.yaml has no `budgets`, and none is given" in refused.err


@pytest.mark.parametrize(
    "command",
    [
        "analyze tiny.yaml lenet --json",
        "check tiny.yaml lenet --max live_bytes=1G --json",
        "list tiny.yaml lenet --columns flops,activations --json",
    ],
)
def test_no_more_than_an_earlier_answer(run: Run, tiny: Path, command: str) -> None:
    assert run(*command.split(), "-o", "before.json").status == 0
    against = ("--against", "before.json")
    same = run("check", "lenet", "tiny.yaml", *against, "--max", "layers=99", "--json").json
    assert [each["passed"] for each in same] == [True, True]
    assert [each["from"] for each in same[0]["budgets"]] == ["max"] + ["against"] * 4
    Path("tiny.yaml").write_text(TINY.replace("out: 4}", "out: 5}"))
    more = ("check", "tiny.yaml", *against, "--max", "macs=1k", "--max", "params=20")
    outcome = run(*more, "--error-format", "github")
    assert outcome.status == 1
    assert [
        line.partition("::error file=tiny.yaml,line=1,col=7,title=over-budget::")[2]
        for line in outcome.err.splitlines()
    ] == [
        "params is 15, 3 more than before; before.json has 12",
        "macs is 960, 192 more than before; before.json has 768",
        "flops is 1,600, 320 more than before; before.json has 1,280",
        "activations is 320, 64 more than before; before.json has 256",
    ]
    assert "MACs, before" in outcome.out
    assert "192 more" in outcome.out


def test_an_earlier_answer_is_not_overwritten(run: Run, tiny: Path) -> None:
    run("analyze", "tiny.yaml", "--json", "-o", "before.json")
    before = Path("before.json").read_text()
    outcome = run("check", "tiny.yaml", "--against", "before.json", "-o", "before.json")
    assert outcome.status == 2
    assert Path("before.json").read_text() == before


def test_networks_of_an_earlier_answer_are_known_by_their_presets(run: Run, tiny: Path) -> None:
    rows = ("list", "tiny.yaml", "--preset", "wide", "--json", "-o", "wide.json")
    assert run(*rows).status == 0
    check = ("check", "tiny.yaml", "--max", "macs=1G", "--max", "params=1M")
    assert run(*check, "--against", "wide.json", "--preset", "wide").status == 0
    assert "does not have `tiny` without a preset" in run(*check, "--against", "wide.json").err
    run("list", "mobilenet_v2", "mobilenet_v2_x0_5", "--json", "-o", "zoo.json")
    for name, params in (("mobilenet_v2", PARAMS), ("mobilenet_v2_x0_5", 1_968_680)):
        answer = run("check", name, "--against", "zoo.json", "--json").json
        assert answer["passed"] is True
        assert answer["budgets"][0]["most"] == params


def test_networks_of_one_name_are_known_by_what_else_is_theirs(run: Run, twins: list[str]) -> None:
    run("check", *twins, "--max", "params=99", "--json", "-o", "before.json")
    found = run("check", *twins, "--against", "before.json", "--json").json
    assert [each["budgets"][0]["most"] for each in found] == [12, 24]
    Path("c.yaml").write_text(Path("b.yaml").read_text())
    refused = run("check", "c.yaml", "--against", "before.json").err
    assert "before.json has 2 networks called `twin`, and none is this one" in refused


def test_layers_of_unknown_cost_are_no_more_than_before(run: Run, tiny: Path) -> None:
    spec = (
        "name: n\ninput: [3, 8, 8]\n"
        "layers: [conv: {out: 3, k: 1}, opaque: {op: Erode, shape: [3, 8, 8]}]\n"
    )
    Path("n.yaml").write_text(spec)
    assert run("analyze", "n.yaml", "--json", "-o", "before.json").status == 0
    assert run("check", "n.yaml", "--against", "before.json").status == 0
    Path("n.yaml").write_text(spec.replace("}]", "}, opaque: {op: Erode, shape: [3, 8, 8]}]"))
    outcome = run("check", "n.yaml", "--against", "before.json", "--error-format", "concise")
    assert outcome.status == 1
    assert "what 1 layer of unknown cost takes" in outcome.err


def damaged(**wrong: object) -> bytes:
    """An answer of `list` in which something is not what it should be."""
    network = {"name": "tiny.yaml", "network": "tiny", "params": 12, **wrong}
    answer = {"format": "convcalc.networks/1", **wrong, "networks": [network]}
    return json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b'{"format": "convcalc.analysis/1", "na', "the file ends before its JSON does"),
        (b'{"format": ', "the file ends before its JSON does"),
        (b"name: tiny\n", "b.json:1:1"),
        (b"\xff\xfe", "b.json is not UTF-8 text"),
        (b"[" * 99_999, "b.json is nested too deep"),
        (b"1" * 5_000, "b.json has a number of more than 4,000 digits"),
        (b"[1]", "b.json is no answer of `convcalc analyze --json`"),
        (b'{"format": "convcalc.roofline/1"}', "has no totals to compare"),
        (b'{"format": "convcalc.analysis/1", "name": "tiny"}', "b.json has no right `totals`"),
        (b'{"format": "convcalc.networks/1", "networks": [3]}', "has a network that is none"),
        (b'{"format": "convcalc.networks/1", "networks": []}', "it has none; write it anew"),
        (damaged(preset=[1]), "b.json has no right `preset`"),
        (damaged(params="3"), 'b.json has the text "3" as its `params`'),
        (damaged(params=-3), "b.json has -3 as its `params`"),
        (damaged(unknown=True), "b.json has true as its `unknown`"),
        (damaged(batch="x" * 9_999), "as its `batch`"),
        (damaged(convention="x" * 9_999), "xx…"),
        (damaged(network="x" * 9_999), "xx…`; write it anew"),
        (b" " * 4_000_001, "`--limit bytes=N` allows N"),
        (None, "b.json cannot be read: no such file or directory"),
    ],
)
def test_what_is_no_earlier_answer(
    run: Run, tiny: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        Path("b.json").write_bytes(content)
    outcome = run("check", "tiny.yaml", "--against", "b.json")
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err
    assert len(outcome.err) < 500


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--batch 2", "before.json is for a batch of 1, and this is for 2"),
        ("--convention torch", "before.json is for the convention exact, and this is for torch"),
        ("--dtype int8", "before.json is for numbers of float32, and this is for int8"),
        ("--until conv", "before.json has another part of `tiny`"),
    ],
)
def test_what_is_not_alike_is_not_compared(
    run: Run, tiny: Path, options: str, message: str
) -> None:
    run("analyze", "tiny.yaml", "--json", "-o", "before.json")
    outcome = run("check", "tiny.yaml", "--against", "before.json", *options.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err


def test_layers_may_have_a_type_of_their_own(run: Run, tiny: Path) -> None:
    Path("tiny.yaml").write_text(TINY.replace("bias: false}", "bias: false, dtype: int8}"))
    for command in ("analyze tiny.yaml", "check tiny.yaml", "list tiny.yaml"):
        assert run(*command.split(), "--json", "-o", "before.json").status == 0
        assert run("check", "tiny.yaml", "--against", "before.json").status == 0


def test_from_python(run: Run, tiny: Path) -> None:
    network = convcalc.load("tiny.yaml")
    assert network.budgets == {"macs": 800, "params": 12}
    assert network.check().passed
    checked = network.at(out=5).check({"macs": "1k", "activations": 320})
    assert pickle.loads(pickle.dumps(checked)) == checked
    assert repr(checked) == "Checked('tiny.yaml', not passed)"
    assert repr(checked.verdicts[1].budget) == "Budget(params=12, spec)"
    assert [(each.budget.metric, each.passed) for each in checked.verdicts] == [
        *(("macs", True), ("params", False), ("activations", True)),
    ]
    Path("before.json").write_text(run("analyze", "tiny.yaml", "--json").out)
    assert network.check(against="before.json").passed
    wrong: list[tuple[Any, Any, str]] = [
        (["macs"], None, "budgets are amounts by metric, not the list"),
        ({"macs": None}, None, "'None' is no amount"),
        ({3: 4}, None, "there is no metric `3`"),
        ({}, 3, "`against` is the name of a file, not 3"),
    ]
    for budgets, against, message in wrong:
        with pytest.raises(convcalc.ConvcalcError, match=message):
            network.check(budgets, against)
    with pytest.raises(convcalc.ConvcalcError, match="has no `budgets`"):
        convcalc.load("lenet").check()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("", "write `budgets: {macs: 300M, params: 4M}` in the spec, or --max macs=300M"),
        ("--max mac=3", "did you mean `macs`?"),
        ("--max ram=3", "`live_bytes` is the peak of the tensors that are alive at once"),
        ("--max SRAM=3", "`live_bytes` is the peak of the tensors that are alive at once"),
        ("--max memory=3", "the tensors that are alive at once"),
        ("--max flash=3", "= help: `weight_bytes` is the bytes of parameters"),
        ("--max size=3", "= help: `weight_bytes` is the bytes of parameters"),
        ("--max dtype=3", "there is no metric `dtype`"),
        ("--max macs", "write METRIC=AMOUNT"),
        ("--max macs=", "'' is no amount"),
        ("--max macs=-3", "'-3' is no amount"),
        ("--max macs=1e6", "'1e6' is no amount"),
        ("--max macs=300m", "write 300M"),
        ("--max weight_bytes=3KB", "say which: 3KiB is a power of two, 3k of ten"),
        ("--max weight_bytes=3kib", "write 3KiB"),
        ("--max macs=1.5", "'1.5' is no whole number"),
        ("--max macs=3 --max macs=4", "`--max macs` is given twice"),
        ("--max macs=3 --convention all", "a budget is for one convention"),
    ],
)
def test_refusals(run: Run, options: str, message: str) -> None:
    outcome = run("check", "lenet", *options.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err


POWERS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@given(st.integers(0, 10**15), st.integers(0, 6), st.sampled_from(sorted(POWERS)))
def test_amounts_are_exact(digits: int, decimals: int, unit: str) -> None:
    """An amount is its number times its unit, as fractions have it, or refused."""
    text = f"{digits // 10**decimals}.{digits % 10**decimals:0{decimals}d}" if decimals else digits
    value = Fraction(str(text)) * POWERS[unit]
    if value.denominator == 1:
        assert parse_amount(f"{text}{unit}") == value
    else:
        with pytest.raises(Exception, match="no whole number"):
            parse_amount(f"{text}{unit}")
