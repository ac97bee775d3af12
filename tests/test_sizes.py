"""Sizes as torchsummary, torchinfo and Keras print them, beside what these printed themselves."""

from __future__ import annotations

import json
import math
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc import ConvcalcError, sizes
from tests.conftest import Run

REFERENCE = Path(__file__).parent / "reference"
RECORDED = json.loads((REFERENCE / "sizes.json").read_text(encoding="utf-8"))
KERAS = json.loads((REFERENCE / "keras_sizes.json").read_text(encoding="utf-8"))
SHARED = """
name: n
input: [4, 8, 8]
blocks:
  chain: {%slayers: [conv: {out: 4, k: 3, p: 1}, relu]}
  summed: {layers: [residual: {layers: [conv: {out: 4, k: 3, p: 1}]}]}
layers: [chain, summed]
"""
#: Mega, as torchsummary and Keras have it.
MEGABYTE = 1024**2


@cache
def network(name: str) -> convcalc.Network:
    """A network of the zoo, which several tests ask."""
    return convcalc.load(name)


def printed(name: str, network: Any, batch: int = 1, dtype: str = "float32") -> dict[str, str]:
    return dict(sizes.find(name).of(network, batch, dtype).printed)


@pytest.mark.parametrize("tool", ["torchsummary", "torchinfo"])
def test_networks_have_the_sizes_that_the_tool_prints(tool: str) -> None:
    found = RECORDED["networks"]
    theirs = {
        name: each[tool]["printed"]
        for name, each in found.items()
        if "printed" in each[tool] and "unseen" not in each[tool]
    }
    assert len(theirs) >= 20
    found = {name: sizes.find(tool).of(network(name)) for name in theirs}
    assert {name: dict(each.printed) for name, each in found.items()} == theirs
    assert [name for name, each in found.items() if each.notes] == []


def test_what_torchsummary_counts_beside_is_modules_that_only_pass_on_or_turn() -> None:
    """The block is right once these are added, to the printed digit."""
    cases = {
        name: each["torchsummary"]
        for name, each in RECORDED["networks"].items()
        if "unseen" in each["torchsummary"]
    }
    assert cases
    for name, case in cases.items():
        measured = sizes.find("torchsummary").of(network(name))
        found, (note,) = measured.sizes, measured.notes
        assert note.startswith("torchsummary.summary also counts"), name
        assert [each for each in case["unseen"] if each not in note] == [], name
        unseen = sum(case["unseen"].values()) * 8 / MEGABYTE
        assert f"{found['forward_backward'] + unseen:.2f}" == case["printed"]["forward_backward"]
        assert f"{found['params']:.2f}" == case["printed"]["params"], name


def test_torchinfo_counts_the_object_that_holds_the_input() -> None:
    for name, each in RECORDED["networks"].items():
        found = sizes.find("torchinfo").of(network(name)).sizes
        assert found["input"] == each["torchinfo"]["total_input"] / 1e6, name


@pytest.mark.parametrize("tool", ["torchsummary", "torchinfo"])
def test_small_networks_have_the_sizes_that_the_tool_prints(tool: str) -> None:
    found = RECORDED["own"]
    theirs = {name: each[tool]["printed"] for name, each in found.items()}
    ours = {name: printed(tool, convcalc.loads(each["spec"])) for name, each in found.items()}
    assert ours == theirs


@pytest.mark.parametrize("tool", ["torchsummary", "torchinfo"])
def test_a_batch_multiplies_what_enters_and_what_is_made(tool: str) -> None:
    theirs = {name: each[tool]["printed"] for name, each in RECORDED["of three samples"].items()}
    assert {name: printed(tool, network(name), batch=3) for name in theirs} == theirs


def test_torchinfo_goes_by_the_type_of_the_numbers_and_torchsummary_does_not() -> None:
    small = network("mobilenet_v3_small")
    theirs = RECORDED["in bfloat16"]["mobilenet_v3_small"]["torchinfo"]["printed"]
    assert printed("torchinfo", small, dtype="bfloat16") == theirs
    with pytest.raises(ConvcalcError, match="counts 4 bytes for a number of any type"):
        small.sizes("torchsummary", dtype="bfloat16")


def test_one_convolution_has_the_sizes_of_the_article() -> None:
    spec = "name: n\ninput: [3, 64, 64]\nlayers: [conv: {out: 4, k: 3, p: 1, bias: false}]"
    found = sizes.find("torchsummary").of(convcalc.loads(spec))
    assert list(found.printed.values()) == ["0.05", "0.12", "0.00", "0.17"]
    assert found.sizes["input"] == 3 * 64 * 64 * 4 / MEGABYTE
    assert found.labels["forward_backward"] == "Forward/backward pass size (MB)"


def test_a_block_that_a_sequential_cannot_run_is_a_class_unless_it_says_so() -> None:
    """What torchsummary sees: a convolution and a ReLU, a convolution, and each class's output."""

    def made(said: str) -> float:
        network = convcalc.loads(SHARED % said)
        return sizes.find("torchsummary").of(network).sizes["forward_backward"] * MEGABYTE / 8 / 256

    assert (made(""), made("module: true, "), made("module: 1 == 2, ")) == (4, 5, 4)
    moving = "permute: {order: [0, 2, 1]}"  # a method, for which there is no module
    network = convcalc.loads((SHARED % "").replace("relu", moving))
    found = sizes.find("torchsummary").of(network).sizes["forward_backward"]
    assert found * MEGABYTE / 8 / 256 == 4  # no ReLU, and a class


def test_keras_prints_the_same_totals() -> None:
    for kind in ("exported", "written"):
        theirs = KERAS[kind]
        assert {name: printed("keras", network(name)) for name in theirs} == theirs
    (name, theirs), *_ = KERAS["of float16"].items()
    assert printed("keras", network(name), dtype="float16") == theirs


def test_keras_takes_the_unit_of_which_there_is_one_or_more() -> None:
    spec = "name: n\ninput: [{n}]\nlayers: [linear: {{out: {n}, bias: false}}]"
    found = {n: printed("keras", convcalc.loads(spec.format(n=n)))["params"] for n in (15, 16, 512)}
    assert found == {15: "225 (900.00 B)", 16: "256 (1.00 KB)", 512: "262,144 (1.00 MB)"}


def test_it_says_where_torchsummary_stops() -> None:
    stopped = {
        name: sizes.find("torchsummary").of(network(name)).notes
        for name, each in RECORDED["networks"].items()
        if "raises" in each["torchsummary"]
    }
    of_lists = ("torchsummary.summary stops at modules that take a list of tensors",)
    assert stopped == {
        "densenet121": of_lists,
        "densenet161": of_lists,
        "vit_b_16": (
            "torchsummary.summary stops at `nn.MultiheadAttention`, which returns more than a"
            " tensor",
        ),
    }


def test_the_command_prints_the_block(run: Run) -> None:
    asked = ("memory", "resnet18", "--definition", "torchsummary")
    found = run(*asked, "--json").json
    theirs = RECORDED["networks"]["resnet18"]["torchsummary"]["printed"]
    assert (found["format"], found["printed"]) == ("convcalc.memory/1", theirs)
    assert {name: f"{size:.2f}" for name, size in found["sizes"].items()} == theirs
    table = " ".join(run(*asked).out.split())
    assert "Forward/backward pass size (MB) 62.79" in table
    assert "once more" in table
    assert "resnet18,total,107.9" in run(*asked, "vgg11", "--csv").out


def test_the_command_says_what_a_definition_of_sizes_does_not_take(run: Run) -> None:
    asked = ("memory", "lenet5", "--definition", "keras", "--order", "best")
    assert "--order is for peaks; `keras` has none" in run(*asked).err
    sent = run("analyze", "lenet5", "--convention", "torchsummary").err
    assert "sizes are `convcalc memory NAME --definition torchsummary`" in sent
    known = run("memory", "lenet5", "--definition", "kera").err
    assert "did you mean `keras`? the definitions are `sum`, `max_io`" in known


def test_sizes_are_values() -> None:
    lenet = network("lenet5")
    found = lenet.sizes("torchinfo")
    assert pickle.loads(pickle.dumps(found)) == found == sizes.find("torchinfo").of(lenet)
    assert math.isclose(found.sizes["total"], sum([*found.sizes.values()][:3]))
    assert repr(found).startswith("Sizes('torchinfo', Input size (MB): 0.00, Forward")


def test_an_unknown_definition_or_type_is_said_with_those_there_are() -> None:
    with pytest.raises(ConvcalcError, match="unknown definition `torchsumary`") as error:
        sizes.find("torchsumary")
    assert "`torchsummary`, `torchinfo` and `keras`" in error.value.diagnostics[0].help
    with pytest.raises(ConvcalcError, match="unknown type of number `float31`"):
        sizes.find("torchsummary").of(network("lenet5"), dtype="float31")
