"""Small specs after questions that people asked in public, with the values that are right.

`cases/NAME.yaml` is the spec, `cases/expect.json` has under NAME where the question was asked
(`source`), how the values are known (`known`), and what must come out: of `analyze` as it stands,
with a preset, and with another `input` line; of `reconcile --reported`; or of the mistake that the
spec is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run

CASES = Path(__file__).parent / "cases"
Json = dict[str, Any]
EXPECTED: dict[str, Json] = json.loads((CASES / "expect.json").read_text(encoding="utf-8"))
RIGHT = [name for name, expected in EXPECTED.items() if "status" not in expected]
WRONG = [name for name in EXPECTED if name not in RIGHT]


def spec(name: str) -> str:
    return str(CASES / f"{name}.yaml")


def figures(analysis: Json, wanted: Json) -> Json:
    """What an analysis says of what is wanted of it."""
    layers = analysis["layers"]
    found = {
        **analysis["totals"],
        "output_shape": layers[-1]["output_shape"],
        "activations": [layer["activations"] for layer in layers],
        "receptive_field": [layer["receptive_field"] for layer in layers],
        "activation_bytes": [layer["activation_bytes"] for layer in layers],
    }
    return {key: found[key] for key in wanted}


def wanted_of(expected: Json) -> Json:
    """The figures among what is expected."""
    other = ("source", "known", "presets", "reported", "weights_of", "with_input")
    return {key: value for key, value in expected.items() if key not in other}


@pytest.mark.parametrize("name", RIGHT)
def test_the_figures_are_right(run: Run, name: str) -> None:
    expected = EXPECTED[name]
    analyses = {"": expected, **expected.get("presets", {})}
    for preset, wanted in analyses.items():
        options = ["--preset", preset] if preset else []
        analysis = run("analyze", spec(name), "--json", *options).json
        figures_wanted = wanted_of(wanted)
        assert figures(analysis, figures_wanted) == figures_wanted


@pytest.mark.parametrize("name", [name for name in RIGHT if "weights_of" in EXPECTED[name]])
def test_a_block_has_the_weights_of_another(run: Run, name: str) -> None:
    rows = {row["name"]: row for row in run("analyze", spec(name), "--json").json["layers"]}
    for user, owner in EXPECTED[name]["weights_of"].items():
        parts = [name.removeprefix(f"{owner}.") for name in rows if name.startswith(f"{owner}.")]
        found = [(rows[f"{user}.{part}"], f"{owner}.{part}") for part in parts]
        assert found
        assert [row["weights_of"] for row, _ in found] == [theirs for _, theirs in found]
        assert [row["params"] for row, _ in found] == [0] * len(found)


@pytest.mark.parametrize("name", [name for name in RIGHT if "reported" in EXPECTED[name]])
def test_what_was_reported_is_found_first(run: Run, name: str) -> None:
    wanted = EXPECTED[name]["reported"]
    answer = run("reconcile", spec(name), "--reported", wanted["text"], "--json").json
    first = answer["reported"]["matches"][0]
    assert (first["convention"], first["factor"]) == (wanted["first"], wanted["factor"])


@pytest.mark.parametrize("name", WRONG)
def test_the_mistake_is_named(run: Run, name: str) -> None:
    expected = EXPECTED[name]
    failed = run("analyze", spec(name))
    assert failed.status == expected["status"]
    assert failed.out == ""
    if "line" in expected:
        assert f"{name}.yaml:{expected['line']}:" in failed.err
    assert [text for text in expected["message_names"] if text not in failed.err] == []
    assert [text for text in expected.get("message_lacks", ()) if text in failed.err] == []


@pytest.mark.parametrize("name", [name for name in WRONG if "with_input" in EXPECTED[name]])
def test_the_cure_gives_the_right_figures(run: Run, name: str) -> None:
    text = Path(spec(name)).read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("input:")]
    for input, wanted in EXPECTED[name]["with_input"].items():
        cured = text.replace(line, f"input: [{input.replace('x', ', ')}]")
        analysis = run("analyze", "-", "--json", stdin=cured.encode()).json
        assert figures(analysis, wanted) == wanted
