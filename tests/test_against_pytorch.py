"""Random layers and graphs against PyTorch: shapes, tensors, parameters, products, and refusals.

`reference/pytorch.json.gz` has PyTorch's answers; `reference/record_pytorch.py` drew and recorded
them and says what is left out. Where torch is installed, as many fresh cases again are asked of it.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import random
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import convcalc

REFERENCE = Path(__file__).parent / "reference"
Case = tuple[dict[str, Any], dict[str, Any]]


@cache
def recorded() -> dict[str, list[Case]]:
    """The recorded cases by what they are of: a layer type, or `graph`."""
    with gzip.open(REFERENCE / "pytorch.json.gz") as file:
        record = json.load(file)
    found: dict[str, list[Case]] = {}
    for case in record["cases"]:
        found.setdefault(case["spec"]["name"], []).append((case["spec"], case["answer"]))
    return found


def answer(spec: dict[str, Any]) -> dict[str, Any]:
    """What convcalc makes of a spec, in the form of the recorded answers."""
    try:
        graph = convcalc.loads(json.dumps(spec))
    except convcalc.ConvcalcError as error:
        return {"refuses": str(error)}
    analysis = graph.analyze()
    return {
        "outputs": [list(tensor.shape) for tensor in graph.outputs],
        "weights": [
            {name: list(shape) for name, shape in row.weights.items()}
            for row in analysis.rows
            if row.weights
        ],
        "params": analysis.totals.params,
        "frozen": analysis.totals.frozen,
        "buffers": analysis.totals.buffers,
        "macs": analysis.totals.macs,
    }


def differences(cases: Iterable[Case]) -> list[str]:
    """The cases in which convcalc and PyTorch differ. Where both refuse they agree."""
    found = []
    for spec, theirs in cases:
        ours = answer(spec)
        if ours != theirs and not ("refuses" in ours and "refuses" in theirs):
            found.append(f"{json.dumps(spec)}\n  PyTorch:  {theirs}\n  convcalc: {ours}")
    return found


@pytest.mark.parametrize("kind", sorted(recorded()))
def test_agrees_with_pytorch(kind: str) -> None:
    assert not differences(recorded()[kind])


def test_the_record_has_both_answers_for_every_rule_that_can_refuse() -> None:
    refused = {
        kind
        for kind, cases in recorded().items()
        if len({"refuses" in theirs for _, theirs in cases}) == 2
    }
    assert refused >= {
        "add", "avg_pool", "channel_shuffle", "clamp", "concat", "conv", "conv_transpose",
        "depthwise_conv", "div", "fold", "graph", "group_norm", "instance_norm", "linear",
        "local_response_norm", "matmul", "max_pool", "max_unpool", "pad", "permute",
        "pixel_shuffle", "pixel_unshuffle", "pointwise_conv", "prelu", "reduce", "reshape",
        "self_attention", "separable_conv", "slice", "spatial_separable_conv", "split", "sub",
        "unfold", "upsample",
    }  # fmt: skip


def test_agrees_with_pytorch_on_fresh_cases() -> None:
    pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("record", REFERENCE / "record_pytorch.py")
    assert spec is not None
    assert spec.loader is not None
    recorder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recorder)
    seed = random.randrange(2**32)
    found = differences(recorder.cases(seed, layers=400, graphs=60))
    assert not found, f"seed {seed}"
