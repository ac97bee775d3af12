"""What a training step needs: what each layer keeps for its backward pass, and the peak.

`reference/saved.json` has what PyTorch keeps; `reference/record_saved.py` recorded it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convcalc import api, layers
from convcalc.diagnostics import ConvcalcError
from convcalc.memory.training import training
from convcalc.steps import Settings
from tests.reference.saved import BATCH, STANDING, around, saved

RECORD: dict[str, Any] = json.loads(
    (Path(__file__).parent / "reference" / "saved.json").read_text(encoding="utf-8")
)
#: What makes no tensor that it keeps, and what nobody knows.
NOT_ASKED = {"buffer", "opaque", "parameter"}
#: Its convolutions are written as one class, which lays zeros around what it is given whether or
#: not the layer needs any: a copy of that.
WRITTEN_OTHERWISE = {"m5": 36135600 - 33054800}


def kept(network: api.Network, **settings: Any) -> int:
    return training(network, Settings(**{"batch": BATCH, **settings})).saved


def test_a_layer_keeps_what_pytorch_keeps() -> None:
    found = {
        (line, standing): kept(api.loads(around(line, shape, standing)))
        for line, shape, _ in RECORD["layers"]
        for standing in STANDING
    }
    recorded = {
        (line, standing): bytes
        for line, _, each in RECORD["layers"]
        for standing, bytes in zip(STANDING, each)
    }
    assert found == recorded


def test_every_layer_type_is_recorded() -> None:
    examples = {name: layers.example(layers.find(name)) for name in layers.names()}
    recorded = {(line, shape) for line, shape, _ in RECORD["layers"]}
    assert {name for name, each in examples.items() if each not in recorded} == NOT_ASKED


def test_a_network_keeps_what_pytorch_keeps() -> None:
    found = {name: kept(api.load(name, input=shape)) for name, shape, _ in RECORD["networks"]}
    differs = {name: bytes - found[name] for name, _, bytes in RECORD["networks"]}
    assert len(found) > 50
    assert {name: bytes for name, bytes in differs.items() if bytes} == WRITTEN_OTHERWISE


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_pytorch_keeps_what_is_recorded() -> None:
    pytest.importorskip("torch")
    asked = [each for each in RECORD["layers"] if not each[0].startswith("deform_conv")]
    found = [
        [line, shape, [saved(api.loads(around(line, shape, each))) for each in STANDING]]
        for line, shape, _ in asked
    ]
    assert found == asked


#: 4·9 numbers enter, and as many leave each layer; the linear layer has 36·2 + 2 parameters.
SMALL = """
name: Small
input: [4, 9]
layers:
  - conv: {out: 4, k: 1, bias: false, trainable: %s}
  - relu
  - flatten
  - linear: {out: 2}
"""


def test_a_step_is_what_can_be_counted_by_hand() -> None:
    found = training(api.loads(SMALL % "true"), Settings(), "sgd")
    moments = [(each.name, *each[1:]) for each in found.moments]
    x, y = 4 * 36, 4 * 2
    linear, conv = 4 * (36 * 2 + 2), 4 * 16
    assert moments == [
        # What enters is kept by the convolution, what the relu makes by itself and the linear
        # layer; what the convolution makes goes when the relu has run.
        ("conv", False, x + x, 0, 0),
        ("relu", False, x + x + x, 0, 0),
        ("flatten", False, x + x, 0, 0),
        ("linear", False, x + x + y, 0, 0),
        ("linear", True, x + x + y, y + x, linear),
        ("flatten", True, x + x + y, x, linear),
        ("relu", True, x + x + y, x + x, linear),
        ("conv", True, x + y, x, linear + conv),
    ]
    assert found.saved == x + x
    assert found.at == found.moments[6]
    assert found.peak == 4 * x + y + linear


def test_an_optimizer_keeps_numbers_for_each_that_is_trained() -> None:
    graph = api.loads(SMALL % "false")
    found = {name: training(graph, Settings(), name) for name in ("sgd", "momentum", "adam")}
    trained = 4 * (36 * 2 + 2)
    assert {each.gradients for each in found.values()} == {trained}
    assert [each.optimizer for each in found.values()] == [0, trained, 2 * trained]
    peaks = [each.peak for each in found.values()]
    assert peaks == [peaks[0], peaks[0] + trained, peaks[0] + 2 * trained]
    half = training(graph, Settings(dtype="float16"))
    assert half.peak * 2 == found["adam"].peak


def test_what_is_not_trained_keeps_nothing_before_what_is() -> None:
    assert kept(api.loads(SMALL % "false"), batch=1) == 4 * 36
    frozen = SMALL.replace("{out: 2}", "{out: 2, trainable: false}") % "false"
    found = training(api.loads(frozen), Settings())
    assert (found.saved, found.gradients, found.optimizer) == (0, 0, 0)
    # There is no backward pass: the most is what the forward pass holds.
    assert found.peak == 4 * 36 * 2


SHARED = """
name: Shared
input: [4]
layers:
  - linear: {name: first, out: 4}
  - linear: {out: 4, weights: first}
"""


def test_tensors_that_are_used_again_have_one_gradient() -> None:
    found = training(api.loads(SHARED), Settings())
    assert found.gradients == found.moments[-1].gradients == 4 * (4 * 4 + 4)


def test_samples_only_add_up() -> None:
    """Apart from the statistics of batch norms, which are those of all samples."""
    graph = api.load("googlenet", input=[3, 64, 64])
    statistics = 4 * sum(
        2 * each.outputs[0][0] for each in graph.nodes if each.type == "batch_norm"
    )
    one, two, many = [kept(graph, batch=n) - statistics for n in (1, 2, 10)]
    assert (two, many) == (2 * one, 10 * one)


def test_a_network_without_a_layer_needs_nothing_to_train() -> None:
    found = training(
        api.loads("{name: N, input: [4], layers: [{relu: {when: false}}]}"), Settings()
    )
    assert (found.peak, found.at, found.moments) == (0, None, ())


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ConvcalcError, match=r"unknown optimizer `adamm`\s+= did you mean `adam`"):
        training(api.load("lenet5"), Settings(), "adamm")
