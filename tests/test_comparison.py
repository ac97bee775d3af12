"""Networks beside each other: ratios of totals, what differs, and layers that are aligned."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc import alignment
from convcalc.comparison import folded

from .conftest import Run, run_convcalc
from .pages import on_a_screen

OPAQUE = "{opaque: {op: What, shape: [8, 8, 8], tensors: []}}"


def net(layers: str, name: str = "Net", **more: str) -> convcalc.Network:
    """A network of a list of layers on a small map, in YAML."""
    lines = [f"{key}: {value}" for key, value in more.items()]
    return convcalc.loads("\n".join([f"name: {name}", "input: [4, 8, 8]", *lines, layers]))


def chain(*layers: str) -> convcalc.Network:
    return net(f"layers: [{', '.join(layers)}]")


def found(first: convcalc.Network, other: convcalc.Network) -> dict[str, Any]:
    """The names of the layers of each change; of what changed both."""
    result: dict[str, Any] = {"added": [], "removed": [], "changed": []}
    for each in convcalc.compare(first, other).layers():
        if each.change in ("added", "removed"):
            result[each.change].append(each.row.name)
        elif each.change == "changed":
            assert each.first is not None
            assert each.other is not None
            result["changed"].append((each.first.name, each.other.name))
    return {change: names for change, names in result.items() if names}


# Totals and ratios


def test_separable_convolutions_save_what_the_paper_says(run: Run) -> None:
    """Howard et al. 2017, table 4: 4866 and 569 million, 29.3 and 4.2 million parameters."""
    answer = run("compare", "mobilenet_v1", "conv_mobilenet", "--json").json
    _, twin = answer["ratios"]
    assert twin["macs"] == pytest.approx(4866 / 569, rel=1e-3)
    assert 8 < twin["macs"] < 9
    assert round(answer["networks"][1]["totals"]["params"] / 1e6, 1) == 29.3
    assert twin["params"] == pytest.approx(29.3 / 4.2, rel=2e-2)


def test_ratios_are_those_of_what_analyze_says(run: Run) -> None:
    names = ["resnet18", "mobilenet_v2", "lenet"]
    answer = run("compare", *names, "--json", "--convention", "fvcore", "--batch", "3").json
    options = ("--convention", "fvcore", "--batch", "3", "--json")
    every = [run("analyze", name, *options).json["totals"] for name in names]
    assert [each["totals"] for each in answer["networks"]] == every
    for ratios, totals in zip(answer["ratios"], every):
        assert ratios.keys() == totals.keys() - {"dtype"}
        for key, ratio in ratios.items():
            first = every[0][key]
            expected = Fraction(totals[key], first) if first else None
            assert ratio == (expected if expected is None else float(expected)), key


def test_there_is_no_ratio_to_nothing_and_to_what_lacks_layers(run: Run) -> None:
    nothing, known, unknown = chain("relu"), chain("{conv: {out: 8, k: 1}}"), chain(OPAQUE)
    assert [each["params"] for each in convcalc.compare(nothing, known).ratios] == [None, None]
    assert convcalc.compare(known, known, unknown).ratios[2]["macs"] is None
    assert convcalc.compare(known, unknown).ratios[0]["macs"] == 1


def test_a_comparison_is_compared_and_pickled() -> None:
    one = convcalc.compare("lenet", convcalc.load("lenet", num_classes=7))
    assert pickle.loads(pickle.dumps(one)) == one
    assert one.variables == {"num_classes": (10, 7)}
    assert one.layers()[-1].config == {"out_features": (10, 7)}
    assert repr(one) == "<convcalc.Comparison: LeNet, LeNet>"


# Layers

C = "{{conv: {{out: {}, k: {}, p: same}}}}".format
ABC = [C(6, 3), C(9, 5), C(7, 1)]


@pytest.mark.parametrize(
    ("first", "other", "expected"),
    [
        ([*ABC], [C(6, 3), C(7, 1)], {"removed": ["conv_2"], "changed": [("conv_3", "conv_2")]}),
        ([C(4, 3)] * 3, [C(4, 3)] * 5, {"added": ["conv_4", "conv_5"]}),
        (["relu", *ABC], ["relu", "tanh", *ABC], {"added": ["tanh"]}),
        (ABC, [C(12, 3), C(18, 5), C(14, 1)], {"changed": [(f"conv_{n}",) * 2 for n in (1, 2, 3)]}),
        # The number of a name is its place: what was third is fourth now.
        ([C(4, 3), C(4, 5)], [C(4, 7), C(4, 3), C(4, 5)], {"added": ["conv_1"]}),
        # A name of the spec is the layer's own, wherever it stands.
        (
            ["{relu: {name: a}}", "{tanh: {name: b}}"],
            ["{tanh: {name: b}}", "{relu: {name: a}}"],
            {},
        ),
        (["{relu: {name: a}}"], ["{tanh: {name: a}}"], {"changed": [("a", "a")]}),
        # The same type in the same place.
        (["{relu: {name: a}}", "tanh"], ["{relu: {name: b}}", "tanh"], {}),
        ([C(4, 3), "relu"], [f"{{sequential: {{name: s, layers: [{C(4, 3)}, relu]}}}}"], {}),
        ([C(4, 3)], ["{max_pool: {k: 2}}"], {"removed": ["conv"], "added": ["max_pool"]}),
        ([OPAQUE], [OPAQUE.replace("What", "Other")], {"changed": [("opaque",) * 2]}),
        # What is said in another way is the same.
        (["{max_pool: {k: 2}}"], ["{max_pool: {k: 2, s: [2, 2], p: valid}}"], {}),
        ([C(4, 3)], ["{conv: {out: 4, k: [3, 3], p: 1}}"], {}),
        ([C(4, 3)], [C(4, "3, trainable: false")], {"changed": [("conv",) * 2]}),
        ([C(4, 3)], [C(4, "3, dtype: int8")], {"changed": [("conv",) * 2]}),
    ],
)
def test_layers_are_aligned_as_a_reader_would(
    first: list[str], other: list[str], expected: dict[str, Any]
) -> None:
    assert found(chain(*first), chain(*other)) == expected


STAGES = """
variables: {depths: [3, 3], w: 8}
blocks:
  block:
    args: {out: required, stride: 1}
    layers: [{conv: {out: out, k: 3, s: stride, p: 1}}, relu]
layers:
  - for_each:
      bind: [i, depth]
      in: "[[0, depths[0]], [1, depths[1]]]"
      layers:
        - repeat:
            times: depth
            index: n
            layers:
              - block: {out: "w * 2 ** i", stride: "2 if n == 0 and i == 1 else 1"}
"""


@pytest.mark.parametrize("width", [8, 16])
def test_a_shorter_stage_lacks_whole_blocks_whatever_the_width(width: int) -> None:
    """Names are numbered through: what stands behind the stage has other numbers."""
    first = convcalc.loads(f"name: N\ninput: [8, 8, 8]\n{STAGES}")
    comparison = convcalc.compare(first, first.at(depths=[1, 2], w=width))
    rows = folded(comparison.layers())
    removed = [each.row for each in rows if each.change == "removed"]
    assert [(row.type, row.layers, row.output_shapes[0][1]) for row in removed] == [
        ("block", 2, 8),
        ("block", 2, 8),
        ("block", 2, 4),
    ]
    kept = [each for each in comparison.layers() if each.first and each.other]
    assert [each.first.input_shapes[0].spatial for each in kept if each.first] == [
        each.other.input_shapes[0].spatial for each in kept if each.other
    ]


def test_a_deeper_network_is_the_other_with_more_blocks(run: Run) -> None:
    """ResNet-34 has 3, 4, 6, 3 blocks where ResNet-18 has 2 each (He et al. 2016, table 1)."""
    rows = folded(convcalc.compare("resnet18", "resnet34").layers())
    added = Counter(each.row.name.partition(".")[0] for each in rows if each.change == "added")
    assert added == {"conv2_x": 1, "conv3_x": 2, "conv4_x": 4, "conv5_x": 1}
    assert {each.change for each in rows} == {"added", "same"}


def test_what_comes_back_from_onnx_is_what_went_there(tmp_path: Path, run: Run) -> None:
    """Its blocks are others: the file has none."""
    path = tmp_path / "resnet18.onnx"
    assert run("export", "resnet18", "--to", "onnx", "-o", str(path)).status == 0
    assert run("compare", "resnet18", str(path), "--layers", "--json").json["layers"] == []


def test_what_a_twin_has_in_common_stays(run: Run) -> None:
    layers = convcalc.compare("mobilenet_v1", "conv_mobilenet").layers()
    changes = Counter((each.change, each.row.type) for each in layers)
    assert changes["added", "conv"] == changes["removed", "depthwise_conv"] == 13
    assert changes["removed", "pointwise_conv"] == 13
    assert changes["same", "batch_norm"] == 14
    assert "changed" not in {change for change, _ in changes}


def test_a_level_that_is_too_long_for_the_best_alignment_has_a_good_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alignment, "_MOST_CELLS", 4)
    layers = [C(n, 1) for n in range(2, 30)]
    changed = [*layers[:9], "tanh", *layers[9:20], "abs", *layers[20:]]
    assert found(chain(*layers), chain(*changed)) == {"added": ["tanh", "abs"]}
    alike = found(chain(*[C(4, 1)] * 9), chain("relu", *[C(4, 1)] * 9, "relu"))
    assert alike == {"added": ["relu_1", "relu_2"]}


# Laws

LAYERS = [C(4, 3), C(4, 1), C(8, 1), "relu", "batch_norm"]
NAMED = ["{tanh: {name: t}}", "{abs: {name: u}}"]
some = st.lists(st.sampled_from(LAYERS), min_size=1, max_size=6)
parts = st.one_of(
    some.map(", ".join),
    some.map(lambda found: f"{{sequential: {{name: s, layers: [{', '.join(found)}]}}}}"),
)
named = st.lists(st.sampled_from(NAMED), unique=True)
networks = st.tuples(st.lists(parts, min_size=1, max_size=3), named).flatmap(
    lambda both: st.permutations([*both[0], *both[1]])
)


@settings(max_examples=60)
@given(networks, networks)
def test_the_order_of_two_networks_is_only_that(one: list[str], two: list[str]) -> None:
    first, other = chain(*one), chain(*two)
    there = convcalc.compare(first, other)
    back = convcalc.compare(other, first)
    forth = {(a and a.name, b and b.name) for a, b in there.layers()}
    assert forth == {(b and b.name, a and a.name) for a, b in back.layers()}
    opposite = {"added": "removed", "removed": "added"}
    changes = Counter(opposite.get(each.change, each.change) for each in back.layers())
    assert Counter(each.change for each in there.layers()) == changes
    # Each layer stands in it once, and what changes makes up what the totals differ by.
    assert Counter(a.name for a, _ in there.layers() if a) == Counter(n.name for n in first.nodes)
    assert [b.name for _, b in there.layers() if b] == [node.name for node in other.nodes]
    rows = [each for each in folded(there.layers()) if each.change != "same"]
    more = sum((b.params if b else 0) - (a.params if a else 0) for a, b in rows)
    assert more == other.totals.params - first.totals.params
    assert found(first, first) == {}


# The command


def networks_of(*args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run_convcalc("compare", *args, "--json").json["networks"]
    return found


@pytest.mark.parametrize(
    ("args", "alphas"),
    [
        ("--set alpha=0.5", [1.0, 0.5]),
        ("--set alpha=0.5 --set resolution=160", [1.0, 0.5]),
        ("--set alpha=0.75 --set alpha=0.5", [0.75, 0.5]),
        ("--set alpha=1.4 --set alpha=1 --input 96 --input 64", [1.4, 1, 1.4, 1]),
        ("mobilenet_v1 --set alpha=0.5", [0.5, 0.5]),
        ("--input 160", [1.0, 1.0]),
        ("--drop linear", [1.0, 1.0]),
        ("lenet --set alpha=0.5", [0.5, None]),
    ],
)
def test_one_spec_is_compared_under_several_settings(args: str, alphas: list[float]) -> None:
    found = networks_of("mobilenet_v2", *args.split())
    assert [each["variables"].get("alpha") for each in found] == alphas


def test_what_one_file_is_beside_itself_changed(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: M\nvariables: {w: 8}\ninput: [3, 8, 8]\nlayers: [{conv: {out: w, k: 3}}]"
    )
    answer = run("compare", str(path), "--set", "w=16", "--layers", "--json").json
    assert answer["changed"] == {"w": [8, 16]}
    (layer,) = answer["layers"]
    assert layer["names"] == ["conv", "conv"]
    assert layer["config"] == {"out_channels": [8, 16]}
    assert layer["shapes"]["output_shapes"] == [[[8, 6, 6]], [[16, 6, 6]]]
    assert layer["figures"]["macs"] == [27 * 8 * 36, 27 * 16 * 36]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("lenet", "--set num_classes=VALUE"),
        ("", "needs a spec"),
        ("lenet resnet999", "resnet999"),
        ("lenet resnet18 --set alhpa=1", "no variable `alhpa`"),
        ("mobilenet_v2 --set alpha=1 --set alpha=1.0", "the same value twice"),
        ("lenet vgg11 --columns parms", "did you mean `params`"),
        ("lenet vgg11 --columns params%", "unknown column"),
        ("lenet vgg11 --columns name", "unknown column"),
        ("lenet vgg11 --columns params --dtype int8", "`--dtype`"),
        ("lenet vgg11 --columns params --fuse", "`--fuse`"),
        ("lenet vgg11 --convention all", "`all` are many"),
        ("lenet vgg11 --drop nothing", "no layer `nothing`"),
    ],
)
def test_a_wrong_request_is_answered(run: Run, args: str, said: str) -> None:
    outcome = run("compare", *args.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert said in outcome.err


@pytest.mark.parametrize(
    ("networks", "convention", "said"),
    [
        (["lenet"], "exact", "two networks"),
        (["lenet", "vgg11"], "all", "one convention"),
        (["lenet", 7], "exact", "not 7"),
    ],
)
def test_a_wrong_argument_is_answered(networks: list[Any], convention: str, said: str) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=said):
        convcalc.compare(*networks, convention=convention)


@pytest.mark.parametrize(
    "args", ["mobilenet_v2 --set alpha=0.5 --layers", "lenet resnet50 unet --layers --dtype int8"]
)
def test_tables_fit_a_terminal(monkeypatch: pytest.MonkeyPatch, args: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    status, text = on_a_screen(["compare", *args.split()])
    assert status == 0
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_programs_have_a_row_a_network_or_a_layer(run: Run) -> None:
    header, *rows = run("compare", "lenet", "--set", "num_classes=7", "--csv").out.splitlines()
    assert (
        header
        == "network,spec,preset,variables.num_classes,input,params,params_ratio,macs,macs_ratio"
    )
    assert rows[0] == "LeNet,lenet,,10,1x28x28,61610,1,341256,1"
    lines = run("compare", "lenet", "--set", "num_classes=7", "--format", "jsonl").out.splitlines()
    assert [json.loads(line)["ratios"]["layers"] for line in lines] == [1, 1]
    layers = run("compare", "lenet", "--set", "num_classes=7", "--layers", "--csv").out.splitlines()
    assert (
        layers[1]
        == "LeNet (num_classes=7),changed,linear_3,linear_3,linear,linear,10,7,850,595,840,588"
    )
