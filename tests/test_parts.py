"""Part of a network: a backbone without its head, a network without some layers."""

from __future__ import annotations

import json
import pickle
import shlex
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc import ConvcalcError, Graph
from tests.conftest import Run

#: What torchvision's networks are without some modules; see reference/record_parts.py.
PARTS = json.loads((Path(__file__).parent / "reference" / "parts.json").read_text())["parts"]

TWO = """\
name: Two
input: {left: [3, 8, 8], right: [3, 8, 8]}
layers:
  - conv: {name: a, from: left, out: 4, k: 3, p: 1}
  - conv: {name: b, from: right, out: 4, k: 3, p: 1}
  - concat: {name: both, from: [a, b]}
  - conv: {name: mixed, out: 6, k: 1}
  - split: {name: halves, sections: 2}
  - add: {name: sum, from: [halves.0, halves.1]}
  - sequential:
      name: head
      layers: [flatten, linear: {out: 5}]
"""


def two() -> convcalc.Network:
    return convcalc.loads(TWO, "two.yaml")


def refused(network: convcalc.Network, *dropped: str) -> str:
    with pytest.raises(ConvcalcError) as caught:
        network.drop(*dropped)
    return str(caught.value)


# Against torchvision


def test_parts_are_those_of_torchvision(run: Run) -> None:
    found = {}
    for line in PARTS:
        answer = run("analyze", *shlex.split(line), "--convention", "torch", "--json").json
        name, *_ = shlex.split(line)
        network = convcalc.load(name)
        network = network.until(*answer["until"]) if "until" in answer else network
        network = network.drop(*answer["drop"]) if "drop" in answer else network
        assert json.loads(json.dumps(network.analyze("torch").to_dict())) == answer, line
        found[line] = {
            "params": answer["totals"]["params"],
            "flops": answer["totals"]["flops"],
            "outputs": [each["shape"] for each in answer["outputs"]],
        }
    assert found == PARTS


# Laws


@pytest.mark.parametrize("name", ["lenet", "resnet18", "googlenet", "unet", "shufflenet_v2_x0_5"])
def test_up_to_its_last_layer_it_is_the_whole(name: str) -> None:
    network = convcalc.load(name)
    part = network.until(network.nodes[-1].name)
    assert (part.nodes, part.outputs, part.inputs) == (
        network.nodes,
        network.outputs,
        network.inputs,
    )


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "unet", "densenet121"])
def test_every_layer_up_to_another_costs_what_it_cost(name: str) -> None:
    network = convcalc.load(name)
    rows = network.analyze("fvcore").rows
    for node in network.nodes[:: len(network.nodes) // 7 + 1]:
        part = network.until(node.name).analyze("fvcore").rows
        assert part[-1].name == node.name
        assert list(map(alone, part)) == [alone(rows[row.name]) for row in part]


def alone(row: convcalc.Row) -> dict[str, Any]:
    """What a layer costs wherever it stands: not what else is alive while it runs."""
    found = row.to_dict()
    for key in ("live_bytes", "in_place_bytes"):
        del found[key]
    return found


def test_what_keeps_the_shape_takes_its_own_figures_away() -> None:
    network = convcalc.load("mobilenet_v3_large")
    whole = network.analyze()
    for block in whole.folded(1).rows:
        if block.depth is None or block.input_shapes[0] != block.output_shapes[0]:
            continue
        rest = network.drop(block.name).analyze().totals
        assert rest.params == whole.totals.params - block.params
        assert rest.macs == whole.totals.macs - block.macs
        assert rest.layers == whole.totals.layers - block.layers


def test_the_order_of_names_does_not_matter() -> None:
    network = convcalc.load("mobilenet_v2")
    one = network.drop("linear", "dropout", "inverted_residual_3")
    other = network.drop("inverted_residual_3").drop("dropout").drop("linear")
    assert one.nodes == other.nodes
    assert one.outputs == other.outputs


# What is left


def test_only_what_leads_there_is_kept() -> None:
    part = two().until("b")
    assert [node.name for node in part.nodes] == ["b"]
    assert dict(part.inputs) == {"right": (3, 8, 8)}
    assert part.to_dict()["input"] == {"right": [3, 8, 8]}


def test_several_leave_in_the_order_that_is_asked_for() -> None:
    assert two().until("mixed", "a").output_shapes() == {"mixed": (6, 8, 8), "a": (4, 8, 8)}


def test_all_that_a_layer_makes_leaves() -> None:
    assert list(two().until("halves").output_shapes()) == ["halves.0", "halves.1"]


def test_what_fed_the_end_leaves_in_its_place() -> None:
    assert two().drop("head").output_shapes() == {"sum": (3, 8, 8)}
    assert list(two().until("both").drop("both").output_shapes()) == ["a", "b"]


def test_what_follows_is_placed_anew() -> None:
    part = two().drop("mixed").analyze()
    assert part.rows["sum"].output_shapes == ((4, 8, 8),)
    assert part.rows["head.linear"].params == 4 * 8 * 8 * 5 + 5


def test_a_composite_layer_is_made_anew() -> None:
    spec = """\
name: Excited
input: [3, 8, 8]
layers: [conv: {out: 16, k: 1}, squeeze_excite: {squeeze: 2}]
"""
    part = convcalc.loads(spec).drop("conv").analyze()
    assert part.rows["excite"].config["out_channels"] == 3
    assert part.totals.params == 3 * 2 + 2 + 2 * 3 + 3


def test_a_block_is_left_out_with_all_that_is_in_it() -> None:
    network = two()
    assert network.drop("head.linear", "head").nodes == network.drop("head").nodes


def test_a_part_of_a_part() -> None:
    network = convcalc.load("resnet50").drop("linear").until("conv5_x").until("conv3_x")
    assert network.cut_by() == {"until": ["conv3_x"], "drop": ["linear"]}
    assert network.output_shapes() == {"conv3_x.bottleneck_block_4.relu_3": (512, 28, 28)}


def test_it_stays_a_part_at_other_variables_and_when_it_is_pickled() -> None:
    part = convcalc.load("mobilenet_v2").drop("linear")
    assert pickle.loads(pickle.dumps(part)) == part
    narrow = pickle.loads(pickle.dumps(part)).at(alpha=0.5, input=96)
    assert narrow == convcalc.load("mobilenet_v2", alpha=0.5, input=96).drop("linear")


# Weights that are used more than once

SHARED = """\
name: Shared
input: [6, 8, 8]
layers:
  - conv: {name: first, out: 4, k: 1}
  - conv: {name: a, out: 4, k: 3, p: 1}
  - conv: {name: b, out: 4, k: 3, p: 1, weights: a}
  - conv: {name: c, out: 4, k: 3, p: 1, weights: a}
  - squeeze_excite: {name: se, squeeze: 2, trainable: false}
"""


def test_the_next_user_of_weights_owns_them_where_their_owner_is_gone() -> None:
    network = convcalc.loads(SHARED)
    part = network.drop("a")
    assert [node.weights_of for node in part.nodes[:3]] == [None, None, "b"]
    assert part.totals.params == network.totals.params
    assert network.drop("b").totals.params == network.totals.params


def test_weights_that_no_longer_fit_are_a_mistake() -> None:
    said = refused(convcalc.loads(SHARED), "first")
    assert "without `first`, `b` cannot use the weights of `a`" in said


def test_what_is_not_trained_is_not_trained_when_it_is_made_anew() -> None:
    part = convcalc.loads(SHARED).drop("first", "a", "b", "c")
    assert part.totals.frozen == part.totals.params == 6 * 2 + 2 + 2 * 6 + 6


# Where it cannot be


def test_a_name_is_found_by_its_end_and_an_unknown_one_is_answered() -> None:
    network = convcalc.load("mobilenet_v2")
    assert network.until("stem.conv").cuts[0].names == ("stem.conv",)
    assert two().drop("linear").cuts[0].names == ("head.linear",)
    assert "did you mean `linear`?" in refused(network, "linaer")
    assert "has 52 layers that `conv` may mean" in refused(network, "conv")
    assert "what is left of MobileNetV2 has no layer `linear`" in refused(
        network.until("stem"), "linear"
    )


def test_an_unknown_name_is_told_the_names_that_there_are() -> None:
    network = convcalc.load("resnet50")
    begins = "its blocks and layers are `conv1`, `relu`, `max_pool`, `conv2_x`, `conv3_x`"
    assert begins in refused(network, "layer4")
    assert "did you mean `linear`?" in refused(network, "fc")
    assert "did you mean `linear_3`?" in refused(convcalc.load("vgg16"), "classifier")
    several = "`conv4_x` and `conv5_x` are names by themselves: give one at a time, and an option"
    assert several in refused(network, "conv4_x,conv5_x")
    with pytest.raises(ConvcalcError, match="what is left of ResNet has no layer `linear`"):
        network.drop("linear").explain("linear")


def test_explain_finds_a_name_however_it_is_composed() -> None:
    spec = "{name: n, input: [3, 8, 8], layers: [conv: {name: caf\u00e9, out: 4, k: 1}]}"
    network = convcalc.loads(spec)
    assert network.explain("cafe\u0301").params == 16


def test_a_layer_that_would_not_fit_says_why() -> None:
    said = refused(convcalc.load("mobilenet_v2"), "inverted_residual_4")
    assert "without `inverted_residual_4`, `inverted_residual_5.add` does not fit" in said
    assert "32 and 24 channels differ" in said
    assert "without `flatten`, `linear` does not fit: linear takes a flat input" in refused(
        convcalc.load("mobilenet_v2"), "flatten"
    )


def test_a_layer_of_several_parts_that_would_not_fit_says_why() -> None:
    tokens = "{reshape: {name: tokens, shape: [9, -1]}}, {self_attention: {heads: 1}}"
    network = convcalc.loads(f"{{name: n, input: [9, 14, 2], layers: [{tokens}]}}")
    expected = (
        "without `tokens`, `self_attention` does not fit: self_attention takes an input with 1"
    )
    assert expected in refused(network, "tokens")


def test_what_has_no_one_passage_is_not_left_out() -> None:
    assert "it reads 2 tensors, and `mixed` follows" in refused(two(), "both")
    assert "it makes several tensors, and `sum` follows" in refused(two(), "halves")
    assert "nothing of Two is left" in refused(two().until("a"), "a")


def test_names_are_texts() -> None:
    with pytest.raises(ConvcalcError, match="must be a text, not 3"):
        two().until(3)  # type: ignore[arg-type]
    with pytest.raises(ConvcalcError, match="`drop` takes the name of a layer"):
        two().drop()


def test_other_weights_of_what_follows_are_doubted(run: Run) -> None:
    """PyTorch's `nn.Linear(2048 * 7 * 7, 1000)` beside `nn.Linear(2048, 1000)`."""
    expected = "without `adaptive_avg_pool`, `linear` has 100,353,000 parameters, 2,049,000 before"
    (found,) = convcalc.load("resnet50").drop("adaptive_avg_pool").doubts
    assert (found.severity, found.message) == ("warning", expected)
    line = ("analyze", "resnet50", "--drop", "adaptive_avg_pool", "--json")
    assert f"warning[other-shape]: {expected}" in run(*line).err
    assert "linear` has 100,353,000" in run("list", *line[1:]).err
    assert not convcalc.load("mobilenet_v2").drop("dropout", "linear").doubts
    (found,) = two().drop("mixed").doubts
    assert found.message == "without `mixed`, `head.linear` has 1,285 parameters, 965 before"


# How long it may take


def test_cuts_are_held_to_the_time_of_an_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """30 cuts of 18,000 layers took five times as long as their limits allow."""
    part = convcalc.load("mobilenet_v2").drop("linear")
    now = 0.0
    places = Graph.places

    def slow(graph: Graph) -> dict[str, range]:
        nonlocal now
        now += 2.0  # of the three seconds that there are
        return places(graph)

    monkeypatch.setattr("time.thread_time", lambda: now)
    monkeypatch.setattr(Graph, "places", slow)
    part.at(alpha=0.5)
    with pytest.raises(ConvcalcError, match="takes more than 3 seconds"):
        part.until("flatten").until("flatten")
    with pytest.raises(ConvcalcError, match="takes more than 3 seconds"):
        part.until("flatten").at(alpha=0.5)
    said = run("analyze", "mobilenet_v2", "--until", "flatten", "--drop", "inverted_residual_3").err
    assert "takes more than 3 seconds" in said
    said = run("list", "mobilenet_v2", "--until", "flatten", "--drop", "inverted_residual_3").err
    assert "takes more than 3 seconds" in said


# What is said of a part


def test_titles_and_programs_are_told(run: Run) -> None:
    title = run("analyze", "mobilenet_v2", "--drop", "dropout", "--drop", "linear").out
    assert title.startswith("MobileNetV2 (without dropout and linear)\n")
    title = run("check", "vgg16", "--until", "stage_5", "--max", "params=15M").out
    assert title.startswith("VGG (vgg16, until stage_5)\n")
    answer = run("analyze", "resnet50", "--until", "conv1", "--json").json
    assert answer["until"] == ["conv1"]
    assert "drop" not in answer
    assert "until" not in run("analyze", "lenet", "--json").json


def test_what_leaves_is_told(run: Run) -> None:
    line = ("analyze", "resnet50", "--until", "conv5_x")
    assert "input 3×224×224; output 2048×7×7; batch 1;" in run(*line).out
    name = "conv5_x.bottleneck_block_3.relu_3"
    assert run(*line, "--json").json["outputs"] == [{"name": name, "shape": [2048, 7, 7]}]
    both = run("analyze", "resnet50", "--until", "conv2_x", "--until", "conv3_x").out
    assert "outputs conv2_x.bottleneck_block_3.relu_3 256×56×56, conv3_x." in both
    assert "output" not in run("analyze", "lenet").out.splitlines()[-2]
    assert run("analyze", "lenet", "--json").json["outputs"][0]["shape"] == [10]


def test_networks_are_listed_without_what_they_have(run: Run) -> None:
    line = ("list", "resnet50", "vgg16", "--drop", "linear", "--drop", "linear_3")
    rows = run(*line, "--json").json["networks"]
    assert [(row["drop"], row["params"]) for row in rows] == [
        (["linear"], 23_508_032),
        (["linear_3"], 138_357_544 - 4_097_000),
    ]
    assert run(*line, "--csv").out.splitlines()[0].startswith("family,name,network,source,drop,")
    assert "has no layer `linaer`" in run("list", "resnet50", "vgg16", "--drop", "linaer").err


def test_a_figure_of_the_whole_is_not_taken_for_the_part(run: Run) -> None:
    def readings(figure: str) -> list[tuple[str, bool]]:
        line = ("reconcile", "mobilenet_v2", "--drop", "linear", "--reported", figure, "--json")
        found = json.loads(run(*line).out)["reported"]["matches"]
        return [(each["as"], "drop" in each) for each in found]

    assert readings("2,223,872 params") == [("params", True)]
    assert readings("3,504,872 params") == [("params", False)]
    said = run("reconcile", "mobilenet_v2", "--drop", "linear", "--reported", "3,504,872 params")
    assert "the parameters of the whole network = 3,504,872" in said.out
