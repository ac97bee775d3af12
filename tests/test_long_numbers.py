"""Numbers beyond 2⁵³ in a spec: counted exactly, or refused in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import convcalc
from convcalc.cli import main

SPEC = """
name: Long
variables: {{half: (2 ** 60 + 1) / 2, wide: 1e23}}
input: [3, 8, 8]
layers:
  - conv: {{out: {out}, k: 1, bias: false}}
"""


def test_a_float_in_a_spec_counts_what_its_text_says() -> None:
    assert convcalc.loads(SPEC.format(out="wide")).analyze().totals.params == 3 * 10**23


def test_a_fraction_is_refused_where_a_count_is_meant() -> None:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.loads(SPEC.format(out="half"))
    text = str(caught.value)
    assert "must be a whole number, not 1152921504606846977/2" in text


def test_a_fraction_has_a_truth_value_and_a_place_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(SPEC.format(out="4, when: half"))
    with pytest.raises(SystemExit):
        main(["analyze", str(path), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["totals"]["params"] == 12
    assert found["variables"]["half"] == "1152921504606846977/2"


def test_the_longest_number_is_printed_whatever_python_is_told() -> None:
    """Of eight sizes as long as limits allow, for as many samples as there may be."""
    wide = "9" * 495
    text = (
        f"name: N\ninput: [{wide}, {wide}9, {wide}9, {wide}9]\n"
        f"layers: [conv: {{out: '{wide}', k: '{wide}'}}]\n"
    )
    command = [sys.executable, "-m", "convcalc", "analyze", "-", "--json"]
    options = ["--limit", "digits=500", "--batch", str(10**18), "--convention", "all"]
    env = {**os.environ, "PYTHONINTMAXSTRDIGITS": "640"}
    result = subprocess.run([*command, *options], input=text.encode(), capture_output=True, env=env)
    assert (result.returncode, result.stderr) == (0, b"")
    assert len(str(json.loads(result.stdout)["totals"]["macs"])) > 3900
