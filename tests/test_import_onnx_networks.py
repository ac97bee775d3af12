"""Small ONNX files of PyTorch's exporters, Keras and the model zoo, against what they say.

tests/reference/small_onnx.py makes the files, onnx_truth.py reads their truth without convcalc.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import convcalc

if TYPE_CHECKING:
    from tests.conftest import Run

FOLDER = Path(__file__).parent / "onnx"
TRUTH: dict[str, dict[str, Any]] = json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))
#: Layers that only move data: between two moves their form is ours to choose.
MOVES = frozenset(
    "permute reshape flatten parameter buffer split slice concat index_select identity".split()
)
POOLS = {"max_pool": "MaxPool", "avg_pool": "AveragePool"}


def unpacked(name: str, folder: Path) -> Path:
    path = folder / name
    path.write_bytes(lzma.decompress((FOLDER / f"{name}.xz").read_bytes()))
    return path


def without_order(shape: list[int]) -> tuple[int, ...]:
    return tuple(sorted(size for size in shape if size != 1))


def windows(layers: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """The shapes that leave convolutions and pools."""
    found: Counter[tuple[Any, ...]] = Counter()
    for layer in layers:
        is_conv = {"kernel_size", "out_channels"} <= set(layer["config"])
        kind = "conv" if is_conv else POOLS.get(layer["type"])
        if kind:
            found[kind, tuple(layer["output_shape"])] += 1
    return found


@pytest.mark.parametrize("name", TRUTH)
def test_a_file_says_what_its_spec_says(name: str, run: Run, tmp_path: Path) -> None:
    truth = TRUTH[name]
    report = run("analyze", str(unpacked(name, tmp_path)), "--json").json
    totals = report["totals"]
    assert totals["unknown"] == 0
    assert totals["macs"] == truth["macs"]
    assert totals["params"] == truth["params"]
    assert windows(report["layers"]) == {
        (kind, tuple(shape)): count for kind, shape, count in truth["windows"]
    }
    known = set(map(without_order, truth["shapes"]))
    for layer in report["layers"]:
        if layer["type"] not in MOVES:
            assert without_order(layer["output_shape"]) in known, layer["name"]


def test_a_spec_that_was_imported_is_the_same_network(tmp_path: Path) -> None:
    path = unpacked("mobilenet_v2.dynamo.onnx", tmp_path)
    of_file = convcalc.load(path).analyze().totals
    of_spec = convcalc.loads(convcalc.spec_of(path)).analyze().totals
    assert of_spec == of_file
    of_list = convcalc.loads(convcalc.spec_of(path, flat=True)).analyze().totals
    assert of_list == of_file
