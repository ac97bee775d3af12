"""The doors for foreign networks: `import`, `export` and `verify`, and files where specs stand.

What is read of a file and how it is written have tests of their own.
"""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc.cli import progress
from tests.conftest import Run

onnx = pytest.importorskip("onnx")

SPEC = b"name: Small\ninput: [3, 8, 8]\nlayers:\n  - conv: {out: 4, k: 3}\n  - relu\n"
OPAQUE = b"name: Odd\ninput: [3, 8, 8]\nlayers:\n  - opaque: {op: Foo, shape: [4]}\n"


@pytest.fixture
def small(run: Run, tmp_path: Path) -> str:
    """A network's ONNX file."""
    path = tmp_path / "small.onnx"
    run("export", "-", "-o", str(path), stdin=SPEC)
    return str(path)


COMMANDS = [
    *("analyze SPEC", "check SPEC --max macs=1M", "reconcile SPEC", "validate SPEC"),
    *("explain SPEC conv", "list SPEC", "show SPEC", "import SPEC"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_stands_where_a_spec_does(run: Run, small: str, command: str) -> None:
    outcome = run(*command.replace("SPEC", small).split())
    assert (outcome.status, outcome.err) == (0, "")


def test_it_costs_what_it_costs(run: Run, small: str) -> None:
    totals = run("analyze", small, "--json").json["totals"]
    assert (totals["params"], totals["macs"]) == (4 * 3 * 9 + 4, 4 * 3 * 9 * 6 * 6)
    assert convcalc.load(small).totals.macs == 4 * 3 * 9 * 6 * 6
    assert run("analyze", "-", "--json", stdin=run("import", small).out.encode()).json[
        "totals"
    ] == {**totals}


def test_what_is_imported_in_python_is_what_is_printed(run: Run, small: str) -> None:
    assert convcalc.spec_of(small) == run("import", small).out
    assert convcalc.spec_of(Path(small), flat=True) == run("import", small, "--flat").out


def test_it_does_not_overwrite_what_it_reads(run: Run, small: str) -> None:
    before = Path(small).read_bytes()
    for command in ("import", "show"):
        outcome = run(command, small, "-o", small)
        assert (outcome.status, outcome.out) == (2, "")
        assert "is what is read" in outcome.err
    assert Path(small).read_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import", "needs a model"),
        ("import mine.txt", "mine.txt is nothing that can be imported"),
        ("import lenet.yaml", "lenet.yaml is a spec already"),
        ("import missing.onnx", "there is no file missing.onnx"),
        ("analyze missing.onnx", "there is no file missing.onnx"),
        ("analyze weights.pth", "a .pth file is no spec, and cannot be imported"),
        ("analyze model.tflite", "write it as ONNX first"),
        ("analyze torchvision.models:resnet50", "is code, not a spec"),
        ("analyze torchvision.models:resnet50", "convcalc import torchvision.models:resnet50"),
        ("import SMALL --arg width=3", "`--arg` is for PyTorch"),
        ("import my.module:Net --shared-once", "`--shared-once` is for ONNX"),
        ("import my.module:Net --arg width", "write NAME=VALUE: width=64"),
        ("import my.module:Net --arg a=1 --arg a=2", "`--arg a` is given twice"),
        ("export lenet", "needs the format that it writes"),
        ("export lenet -o lenet.py", "lenet.py may be code for Keras or PyTorch"),
        ("export lenet --to caffe", "unknown exporter `caffe`"),
        ("export resnet18 --until conv2_x --to keras", "`--to onnx` write what is left"),
    ],
)
def test_mistakes(run: Run, small: str, line: str, said: str) -> None:
    outcome = run(*line.replace("SMALL", small).split())
    assert (outcome.status, outcome.out) == (2, "")
    assert said in outcome.err


@pytest.mark.parametrize("line", ["analyze -", "import ODD"])
def test_strict_is_for_costs_that_are_not_known(run: Run, tmp_path: Path, line: str) -> None:
    odd = str(tmp_path / "odd.onnx")
    run("export", "-", "-o", odd, stdin=OPAQUE)
    words = line.replace("ODD", odd).split()
    assert run(*words, stdin=OPAQUE).status == 0
    outcome = run(*words, "--strict", stdin=OPAQUE)
    assert outcome.status == 1
    assert "opaque" in outcome.out


def test_strict_ends_well_where_all_is_known(run: Run, small: str) -> None:
    assert run("analyze", "lenet", "--strict").status == 0
    assert run("import", small, "--strict").status == 0


@pytest.mark.parametrize("command", ["verify lenet", "import my.module:Net --input 8"])
def test_a_package_that_is_not_there(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.syspath_prepend(Path(__file__).parent / "without_torch")
    outcome = run(*command.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert "pip install 'convcalc[torch]'" in outcome.err


def test_what_takes_long_shows_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(progress, "PATIENCE", 0)
    monkeypatch.setenv("TERM", "xterm")
    for shown in (True, False):
        screen = Screen() if shown else io.StringIO()
        monkeypatch.setattr(sys, "stderr", screen)
        with progress.waiting("reading model.onnx"):
            time.sleep(0.3)
        assert ("reading model.onnx" in screen.getvalue()) == shown


def test_verify_says_where_pytorch_differs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from convcalc.layers.pooling import MaxPool
    from convcalc.shape import Shape

    found = run("verify", "lenet", "--json").json
    assert found["format"] == "convcalc.verification/1"
    assert (found["passed"], found["layers"], found["differences"]) == (True, 10, [])
    assert found["torch"] == torch.__version__

    def wrong(self: Any, x: Shape) -> Shape:
        return Shape(x.channels, *[n // 2 - 1 for n in x.spatial])

    monkeypatch.setattr(MaxPool, "output_shape", wrong)
    spec = b"name: N\ninput: [2, 9, 9]\nlayers:\n  - max_pool: {k: 2}\n"
    outcome = run("verify", "-", "--json", stdin=spec)
    assert outcome.status == 1
    assert {"name": "max_pool", "what": "shape", "ours": [2, 3, 3], "theirs": [2, 4, 4]} in (
        json.loads(outcome.out)["differences"]
    )
