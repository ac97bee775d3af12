"""What a mistake is answered: a corpus of broken specs, each with its exact message, and the rest.

tests/errors/NAME.yaml is a spec that is wrong, NAME.txt what standard error says to it, and
NAME.ok.yaml its near twin that is right. `UPDATE_ERRORS=1 pytest tests/test_errors.py` writes the
texts anew; the difference is for review.
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from unicodedata import east_asian_width

import pytest
import yaml

import convcalc
from tests.conftest import Run

FOLDER = Path(__file__).parent / "errors"
TWINS = sorted(path.name for path in FOLDER.glob("*.ok.yaml"))
BROKEN = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.name not in TWINS)


@pytest.fixture(autouse=True)
def in_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """File names in messages are as they were given."""
    monkeypatch.chdir(FOLDER)


def expected(name: str, said: str) -> str:
    """The text of a file beside the corpus, written anew where that is asked for."""
    path = FOLDER / name
    if os.environ.get("UPDATE_ERRORS"):
        path.write_text(said, encoding="utf-8")
    return path.read_text(encoding="utf-8")


# The corpus


@pytest.mark.parametrize("name", BROKEN)
def test_mistake_is_answered(run: Run, name: str) -> None:
    outcome = run("analyze", f"{name}.yaml")
    assert outcome.err == expected(f"{name}.txt", outcome.err)
    assert outcome.out == ""
    assert outcome.status == 2


@pytest.mark.parametrize("twin", TWINS)
def test_near_twin_is_right(run: Run, twin: str) -> None:
    outcome = run("analyze", twin, "--json")
    assert outcome.err == ""
    assert outcome.json["totals"]["layers"] >= 1


def test_corpus_is_whole() -> None:
    assert len(BROKEN) >= 60
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(BROKEN)
    assert {twin.removesuffix(".ok.yaml") for twin in TWINS} <= set(BROKEN)


SECOND_HALF = "\0"


def in_columns(line: str) -> str:
    """A line with one character for each column of a terminal."""
    wide = [char for char in set(line) if east_asian_width(char) in "WF"]
    return line.translate({ord(char): char + SECOND_HALF for char in wide})


@pytest.mark.parametrize("name", BROKEN)
def test_caret_is_under_the_source_line(name: str) -> None:
    """Read from the text alone: every caret stands under characters of the line above it."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    for source, caret in pairwise(lines):
        if " | " in caret and caret.split(" | ")[1].lstrip().startswith("^"):
            start = caret.index("^")
            length = len(caret[start:].split(" ")[0])
            marked = in_columns(source)[start : start + length]
            assert len(marked) == length
            marked = marked.replace(SECOND_HALF, "")
            assert marked == marked.strip() != "" or name == "yaml-tab"


@pytest.mark.parametrize("name", BROKEN)
def test_validate_says_the_same(run: Run, name: str) -> None:
    outcome = run("validate", f"{name}.yaml")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == run("analyze", f"{name}.yaml").err


# Formats


@pytest.mark.parametrize("style", ["full", "concise", "github", "json"])
def test_each_format_of_the_same_mistakes(run: Run, style: str) -> None:
    outcome = run("analyze", "several-mistakes.yaml", "--error-format", style)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err == expected(f"formats/several-mistakes.{style}", outcome.err)


def test_json_format_is_an_array_of_diagnostics(run: Run) -> None:
    found = json.loads(run("analyze", "several-mistakes.yaml", "--error-format=json").err)
    assert [(each["code"], each["line"]) for each in found] == [
        ("unknown-name", 7),
        ("bad-value", 9),
        ("missing-field", 10),
        ("unknown-layer", 11),
    ]
    assert {each["file"] for each in found} == {"several-mistakes.yaml"}


def test_github_format_escapes_what_ends_a_field(run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "a,b:c%.yaml"
    spec.write_text("name: N\ninput: [3, 8, 8]\nlayers: [rellu]\n")
    said = run("validate", str(spec), "--format", "github").err
    assert said.startswith("::error file=")
    assert "a%2Cb%3Ac%25.yaml,line=3,col=10," in said


# Several mistakes


def test_the_first_twenty_are_reported(run: Run) -> None:
    said = run("analyze", "more-than-twenty.yaml").err
    assert said.count("error[") == 20
    assert said.endswith("… and 5 more\n")


def test_mistakes_are_in_the_order_of_the_file() -> None:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.load("several-mistakes.yaml")
    marks = [each.mark for each in caught.value.diagnostics]
    assert marks == sorted(marks)  # type: ignore[type-var]


def test_a_mistake_in_a_loop_is_said_once() -> None:
    text = """
name: N
input: [3, 8, 8]
layers:
  - repeat: {times: 5, index: i, layers: [conv: {out: 8, k: 3, p: 1, g: i + 2}]}
"""
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.loads(text)
    assert [each.code for each in caught.value.diagnostics] == ["indivisible-groups"]


def test_consequences_of_a_mistake_are_not_reported() -> None:
    text = """
name: N
input: [3, 8, 8]
layers:
  - conv: {name: stem, out: 8, k: 9}
  - linear: {out: in_channels * 2}
  - add: {from: [stem, input]}
"""
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.loads(text)
    assert [each.code for each in caught.value.diagnostics] == ["kernel-too-large"]


def test_composite_layer_is_said_at_its_own_line() -> None:
    text = """
name: N
input: [6, 8, 8]
layers:
  - separable_conv: {out: 8, k: 3}
  - separable_conv: {out: 8, k: 9}
  - separable_conv: {from: input, out: 8, k: 11}
"""
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.loads(text)
    assert [each.mark.line for each in caught.value.diagnostics if each.mark] == [6, 7]


# validate


def test_validate_is_silent_when_all_is_well(run: Run) -> None:
    outcome = run("validate", "mobilenet_v2", *TWINS)
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")


def test_validate_reports_every_file(run: Run) -> None:
    said = run("validate", "no-layers.yaml", "lenet", "unknown-from.yaml", "nowhere.yaml").err
    assert "no-layers.yaml:3:9" in said
    assert "unknown-from.yaml:5:18" in said
    assert "there is no file nowhere.yaml" in said


def test_validate_tries_every_preset(run: Run) -> None:
    text = b"""
name: N
variables: {alpha: 1.0}
presets:
  half: {alpha: 0.5}
  tenth: {alpha: 0.1}
input: [3, 8, 8]
layers:
  - conv: {out: 32 * alpha, k: 3}
"""
    outcome = run("validate", "-", stdin=text)
    assert outcome.status == 2
    assert outcome.err.count("error[") == 1
    assert "= with the preset `tenth`" in outcome.err
    assert "= `32 * alpha` is 3.2, with alpha = 0.1" in outcome.err


def test_validate_bounds_the_time_of_presets(run: Run) -> None:
    presets = "".join(f"  p{number}: {{a: {number}}}\n" for number in range(300))
    layers = "layers: [repeat: {times: 15000, layers: [relu: {when: a > 0}]}]\n"
    text = f"name: N\nvariables: {{a: 1}}\npresets:\n{presets}input: [8]\n{layers}"
    said = run("validate", "-", "--limit", "seconds=1", stdin=text.encode()).err
    assert said.count("error[limit-seconds]: this spec takes more than 1 second to work out") == 1
    assert "with the preset `p" in said


@pytest.mark.parametrize("id", ["convcalc-validate", "convcalc-check"])
def test_hook_for_pre_commit_runs(run: Run, id: str) -> None:
    hooks = yaml.safe_load((FOLDER.parent.parent / ".pre-commit-hooks.yaml").read_text())
    (hook,) = [each for each in hooks if each["id"] == id]
    program, *arguments = hook["entry"].split()
    assert program == "convcalc"
    assert run(*arguments, "budgets.ok.yaml").status == 0
    assert run(*arguments, "budgets.ok.yaml", "no-layers.yaml").status == 2


# The command line

USAGE = [
    (
        ["analyse", "lenet"],
        "error[usage]: there is no command and no spec `analyse`\n = help: did you mean `analyze`?",
    ),
    (["analyze"], "`convcalc analyze` needs a spec: a file, or a name from `convcalc list`"),
    (["analyze", "mobilnet_v1"], "there is no file and no spec in the zoo called 'mobilnet_v1'"),
    (["analyze", "nothing.yaml"], "there is no file nothing.yaml"),
    (["analyze", "."], ". is a folder, not a spec"),
    (["analyze", "lenet", "--convention", "thp"], "unknown convention `thp`"),
    (["analyze", "lenet", "--columns", "name,flop"], "unknown column `flop`"),
    (["analyze", "lenet", "--columns", "name,layer"], "the column `name` is asked for twice"),
    (["analyze", "lenet", "--sort", "parms"], "unknown column `parms`"),
    (["analyze", "resnet", "--preset", "resnet19"], "resnet.yaml has no preset `resnet19`"),
    (["analyze", "mobilenet_v1", "--set", "alhpa=1"], "has no variable `alhpa`"),
    (["analyze", "mobilenet_v1", "--set", "alpha"], "'alpha' sets nothing"),
    (["analyze", "mobilenet_v1", "--set", "alpha=wide"], "the variable `alpha` is a number"),
    (["analyze", "mobilenet_v1", "--set", "alpha=1/0"], "cannot divide 1 by 0"),
    (["analyze", "mobilenet_v1", "--set", "alpha=a-b"], "'a-b' is no value: unknown name `a`"),
    (["analyze", "lenet", "--input", "1x28y28"], "'1x28y28' is no shape"),
    (["analyze", "lenet", "--input", "1x0x28"], "'1x0x28' has a size below 1"),
    (["analyze", "lenet", "--input", "9" * 30], "is no shape"),
    (["analyze", "lenet", "--batch", "0"], "0 is not in the range x>=1"),
    (["analyze", "lenet", "--format", "yml"], "unknown format `yml`"),
    (["analyze", "lenet", "--limit", "layer=5"], "there is no limit `layer`"),
    (
        ["analyze", "lenet", "--limit", "layers=0"],
        "the limit `layers` is a whole number, 1 or more",
    ),
    (["analyze", "lenet", "--limit", "depth=101"], "a whole number, from 1 to 100, not '101'"),
    (["analyze", "lenet", "-o", "no/such/folder.txt"], "no/such/folder.txt cannot be written"),
    (["validate"], "`convcalc validate` needs a spec: a file, or a name from `convcalc list`"),
    (["schema", "lenet"], "unexpected extra argument"),
    (["completion"], "'{bash|zsh|fish}'. Choose from: bash, zsh, fish\n"),
]


@pytest.mark.parametrize(
    ("args", "sentence"), USAGE, ids=[" ".join(args)[:50] for args, _ in USAGE]
)
def test_wrong_request(run: Run, args: list[str], sentence: str) -> None:
    outcome = run(*args)
    assert sentence in outcome.err
    assert (outcome.status, outcome.out) == (2, "")


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        (["analyze", "mobilenet_v1", "--set", "alhpa=1"], "`alpha`"),
        (["analyze", "resnet", "--preset", "resnet49"], "`resnet50`"),
        (["analyze", "lenet", "--convention", "padle"], "`paddle`"),
        (["analyze", "lenet", "--sort", "parms"], "`params`"),
        (["analyze", "lenet", "--limit", "layer=5"], "`layers`"),
        (["analyze", "mobilnet_v1"], "`mobilenet_v1`"),
    ],
)
def test_nearest_is_suggested(run: Run, args: list[str], meant: str) -> None:
    said = run(*args).err
    assert "did you mean" in said
    assert meant in said.split("did you mean")[1]
