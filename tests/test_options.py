"""No option is left out in silence: it changes what is printed, or is refused with a cure."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

import convcalc
from convcalc import ConvcalcError
from convcalc.render import formats
from tests.conftest import Outcome, Run, run_convcalc

SPEC = """
name: N
variables: {a: 4, b: 3}
presets: {wide: {b: 5}}
input: [3, 16, 16]
blocks:
  outer: {layers: [{conv: {out: a, k: b, p: (b - 1) // 2}}, inner, batch_norm]}
  inner: {layers: [{conv: {out: 2 * a, k: 1}}, relu]}
layers: [outer, gelu, {max_pool: {k: 2}}, flatten, {linear: {out: 10}}]
"""
#: An option of each kind, with a value that makes a difference.
ANALYZE = (
    *("--set a=5", "--preset wide", "--input 3x20x20", "--batch 3", "--convention tensorflow"),
    *("--convention all", "--depth 1", "--group-by kind", "--sort params", "--dtype int8", "--si"),
    *("--top 2", "--drop outer.inner"),
    "--columns name,type,macs,flops,activation_bytes",
)
RECONCILE = ("--set a=5", "--preset wide", "--input 3x20x20", "--until gelu", "--drop gelu")
LAYER = (*("--d 2", "--s 2", "--p 1", "--no-bias", "--batch 3", "--convention tensorflow", "--si"),)


def answers(command: str, options: tuple[str, ...], format: str, spec: str) -> Outcome:
    words = [*command.split(), *" ".join(options).split(), "--format", format]
    return run_convcalc(*words, stdin=spec.encode())


@pytest.mark.parametrize("format", formats.names())
@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("analyze -", ANALYZE),
        ("reconcile -", RECONCILE),
        ("layer conv --out 64 --k 5 --in 3x64x64", LAYER),
    ],
    ids=["analyze", "reconcile", "layer"],
)
def test_every_option_is_heard(command: str, options: tuple[str, ...], format: str) -> None:
    """Alone, and beside any other."""
    plain = answers(command, (), format, SPEC)
    alone = {option: answers(command, (option,), format, SPEC) for option in options}
    assert [option for option, answer in alone.items() if answer == plain] == []
    for pair in combinations(options, 2):
        both = answers(command, pair, format, SPEC)
        assert both.status in (0, 2)
        if both.status == 0:
            assert both not in [alone[option] for option in pair], pair
        else:
            assert "= help: " in both.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("analyze lenet --json --csv", "`--json` and `--csv` exclude each other"),
        ("analyze lenet --csv --format json", "`--csv` and `--format` exclude each other"),
        ("list --format html --format csv", "`--format` is given twice"),
        ("analyze lenet --batch 2 --batch 3", "`--batch` is given twice"),
        ("layer conv --k 1 --kernel-size 3", "`--k` is given twice"),
        ("layer conv --bias --no-bias", "`--bias/--no-bias` is given twice"),
        ("analyze mobilenet_v1 --set alpha=1 --set alpha=2", "`--set alpha` is given twice"),
        ("validate lenet --limit layers=5 --limit layers=6", "`--limit layers` is given twice"),
        ("validate lenet --format json --error-format full", "`--error-format` is given twice"),
        ("analyze lenet --error-format json --error-format json", "is given twice"),
        ("analyze lenet -o a -o b", "`-o` is given twice"),
        ("analyze lenet --si --json", "`--si` is for tables, and json has exact numbers"),
        ("layer conv --si --csv", "`--si` is for tables, and csv has exact numbers"),
        ("list --si -o out.jsonl", "`--si` is for tables, and jsonl has exact numbers"),
        ("analyze lenet --columns name --json", "`--columns` is for tables and CSV, and json"),
        ("analyze lenet --columns layer,macs,name", "the column `name` is asked for twice"),
        ("analyze lenet --columns name,", "a column has no name"),
        ("analyze lenet --columns name --dtype int8", "no column has bytes"),
        ("analyze lenet --columns name --convention all", "no column is one's"),
        ("analyze lenet --group-by kind --convention all", "--group-by takes one convention"),
        ("layer conv --convention all", "a layer is explained under one convention"),
        ("analyze resnet18 --preset resnet34", "`resnet18` is a preset of `resnet` itself"),
        ("analyze lenet --preset small", "has no preset `small`"),
        ("layer relu --dims 1 --in 3x8x8", "does not fit an input with 1 spatial axes"),
        ("layer conv --in 3x8x8 --in 3x8x8", "conv takes one input"),
        ("layer relu --k 3", "No such option"),
        ("completion bash zsh", "unexpected extra argument"),
        ("completion", "Missing argument"),
        ("completion tcsh", "is not one of 'bash', 'zsh', 'fish'"),
        ("schema --json", "No such option"),
    ],
)
def test_what_contradicts_is_refused(run: Run, line: str, message: str) -> None:
    outcome = run(*line.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err


def test_a_flag_may_be_given_again(run: Run) -> None:
    assert run("analyze", "lenet", "--json", "--json") == run("analyze", "lenet", "--json")


def test_help_stands_before_what_contradicts(run: Run) -> None:
    outcome = run("analyze", "--batch", "1", "--batch", "2", "--help")
    assert outcome == run("analyze", "--help")
    assert outcome.status == 0


@pytest.mark.parametrize("option", ["sort", "columns", "preset", "convention", "dtype", "input"])
def test_an_empty_value_is_none(run: Run, option: str) -> None:
    for value in ("", " "):
        outcome = run("analyze", "lenet", f"--{option}", value)
        assert (outcome.status, outcome.out) == (2, "")
        assert f"'--{option}': it is empty; leave the option out instead" in outcome.err


@pytest.mark.parametrize("value", ["x", "1.5", "-3", "1_000", "٣", "9" * 5000, "0"])
@pytest.mark.parametrize("line", ["analyze lenet --batch", "layer relu --dims"])
def test_a_count_is_written_in_digits(run: Run, line: str, value: str) -> None:
    outcome = run(*line.split(), value)
    if (line, value) == ("layer relu --dims", "0"):
        assert outcome.status == 0
        return
    assert (outcome.status, outcome.out) == (2, "")
    assert max(map(len, outcome.err.splitlines())) < 200


def test_a_type_of_number_shows_its_bytes(run: Run) -> None:
    for options in ((), ("--group-by", "kind"), ("--convention", "all")):
        header = run("analyze", "lenet", "--dtype", "int8", *options).out.splitlines()[2]
        assert "Weight bytes" in header
        assert "Activation bytes" in header


def test_a_message_of_usage_is_one_line(run: Run) -> None:
    said = run("completion", "--error-format", "concise").err
    assert len(said.splitlines()) == 1


def test_a_variable_that_is_a_text_is_set_to_what_follows() -> None:
    spec = "name: N\nvariables: {act: \"'relu'\", n: 3}\ninput: [3, 8, 8]\nlayers: [relu]\n"

    def variables(*settings: str) -> Any:
        options = [word for each in settings for word in ("--set", each)]
        return run_convcalc("analyze", "-", "--json", *options, stdin=spec.encode())

    texts = ("gelu", "leaky relu", "hard-swish", "3", "true", "1 +", "a,b")
    assert [variables(f"act={text}").json["variables"]["act"] for text in texts] == [*texts]
    assert variables("act='gelu'", "n=2 * 3").json["variables"] == {"act": "gelu", "n": 6}
    assert "'a-b' is no value: unknown name `a`" in variables("n=a-b").err
    with pytest.raises(ConvcalcError, match="the variable `act` is a text, and 3 is not"):
        convcalc.loads(spec, act=3)
