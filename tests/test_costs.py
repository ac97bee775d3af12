"""What an input may take: 5 seconds of processor time, and 300 MB at the peak.

The memory of a process at its peak is read where Linux has it, in a process of its own: this one
has more already.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from convcalc import Limits
from tests.conftest import Outcome

SECONDS, MEGABYTES = 5, 300
#: What ends at the limit of time does so sooner: two seconds are two of each run of these tests.
SOONER = ("--limit", "seconds=1")

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="Linux says what a process takes"
)

#: Runs the command line, and notes in the file that comes first what that took.
MEASURED = """
import atexit, re, resource, sys, time

def note(file=sys.argv.pop(1)):
    with open("/proc/self/status") as status:
        peak = re.search("VmHWM:\\\\s*([0-9]+)", status.read())[1]
    with open(file, "w") as notes:
        print(time.process_time(), int(peak) / 1024, file=notes)

atexit.register(note)
resource.setrlimit(resource.RLIMIT_CPU, (SECONDS + 1, SECONDS + 1))
from convcalc.__main__ import run
run()
""".replace("SECONDS", str(SECONDS))


class Taken(NamedTuple):
    """What a run took, and what it said."""

    seconds: float
    megabytes: float
    outcome: Outcome


def taken(folder: Path, *arguments: str) -> Taken:
    notes = folder / "notes"
    process = subprocess.run(
        [sys.executable, "-c", MEASURED, str(notes), *arguments],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "1"},
        timeout=300,
    )
    said = Outcome(process.returncode, process.stdout.decode(), process.stderr.decode())
    assert notes.exists(), f"stopped after more than {SECONDS} seconds, or {said.err}"
    seconds, megabytes = map(float, notes.read_text().split())
    return Taken(seconds, megabytes, said)


def bounded(folder: Path, *arguments: str) -> Outcome:
    """What is answered, within the bounds."""
    found = taken(folder, *arguments)
    assert found.seconds <= SECONDS
    assert found.megabytes <= MEGABYTES
    assert found.outcome.status in (0, 2)
    assert "Traceback" not in found.outcome.err
    return found.outcome


HEAD = "name: N\ninput: [8, 9, 9]\n"
LOOP = HEAD + "layers: [repeat: {times: 19900, index: i, layers: [conv: {out: i + 1, k: 1}]}]\n"
PARTS = """\
name: N
input: [4096, 1]
layers:
- relu: {name: a}
- repeat: {times: 1400, layers: [split: {sections: 4096, from: a, name: b}, concat: {from: b}]}
"""
MISTAKES = HEAD + "layers:\n" + "- rellu\n" * 20
SIZE = Limits().bytes


def largest() -> str:
    ones, sum_ = ",".join(["1"] * 9_990), " + ".join(["max(l)"] * 200)
    layers = f"repeat: {{times: 900, layers: [relu: {{when: {sum_}}}]}}"
    return f"name: N\nvariables: {{l: [{ones}]}}\ninput: [8, 9, 9]\nlayers: [{layers}]\n"


def variables() -> str:
    lines = "".join(f"  v{index}: {index}\n" for index in range(20_000))
    return f"name: N\nvariables:\n{lines}input: [8, 9, 9]\nlayers: [relu]\n"


def similar() -> str:
    known = ", ".join(f"a_rather_long_name_of_a_variable_{index}: 1" for index in range(500))
    lines = "".join(
        f"- conv: {{out: a_rather_long_name_of_variable_{index}x, k: 1}}\n" for index in range(100)
    )
    return f"name: N\nvariables: {{{known}}}\ninput: [8, 9, 9]\nlayers:\n{lines}"


def filled(before: str, text: str, after: str) -> str:
    """As much of a text between others as a file may have."""
    return before + text * ((SIZE - len(before) - len(after)) // len(text)) + after


#: Specs by what is much in them.
SPECS: Mapping[str, Callable[[], str]] = {
    "parts": lambda: PARTS,
    "largest of lists": largest,
    "variables": variables,
    "similar names": similar,
    "lines with mistakes": lambda: filled("", "# x\n", MISTAKES),
    "mistakes in a line": lambda: filled(f"{HEAD}layers: [{'rellu, ' * 20}", " ", "]\n"),
    "lines": lambda: filled(f"{HEAD}layers:\n", "- relu\n", ""),
    "bytes": lambda: f"{HEAD}layers:\n" + "- relu\n" * 2_140_000,
}


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_analyzed_or_refused_in_time(tmp_path: Path, name: str) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPECS[name]())
    bounded(tmp_path, "analyze", str(spec), *SOONER)


@pytest.mark.parametrize("command", ["reconcile", "analyze --convention all"])
def test_many_layers_are_counted_by_every_convention_in_time(tmp_path: Path, command: str) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text(LOOP)
    bounded(tmp_path, *command.split(), str(spec), *SOONER)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    with spec.open("wb") as file:
        file.truncate(2**31)
    said = bounded(tmp_path, "analyze", str(spec))
    assert said.err.startswith("error[limit-bytes]")


def test_many_inputs_of_a_layer_are_joined_in_time(tmp_path: Path) -> None:
    inputs = [text for index in range(6_000) for text in ("--in", f"{index + 1}x9x9")]
    bounded(tmp_path, "layer", "concat", *inputs)


def test_a_search_for_costly_inputs_finds_none() -> None:
    command = [sys.executable, "-m", "fuzz", "costs", "--examples", "15", "--seed", "1"]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True)
    assert not done.returncode, done.stdout.decode() + done.stderr.decode()
    assert done.stdout.endswith(b"15 inputs tried\n")
