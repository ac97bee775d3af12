"""Conventions against the tools: what each was recorded to answer, for single layers and networks.

The scripts in tests/reference/ ran the tools; the JSON files beside them are their answers.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import convcalc
from convcalc import conventions, layers
from convcalc.explain import explain
from docs.generate import PAGES
from tests.conftest import Run
from tests.networks import network
from tests.test_layers import analyzed, configurations

REFERENCE = Path(__file__).parent / "reference"
SPECS = Path(__file__).parents[1] / "specs"
FILES = ("torch_tools_layers", "paddle", "tensorflow", "flax", "onnx_tool")

#: Recorded answers that a convention does not give, and why.
DIFFERENT = {
    ("conv2d-g16-as-depthwise", "tensorflow"): "taken for Keras' DepthwiseConv2D",
    ("adaptive_avg_pool2d-1", "tensorflow"): "taken for Keras' GlobalAveragePooling2D",
    **{
        (f"upsample2d-{scales}{form}-batch2", name): "as many samples as axes, by chance"
        for scales in ("scale0.7x2", "scale2x2")
        for form in ("", "-functional")
        for name in ("calflops", "calflops-macs")
    },
    ("adaptive_avg_pool2d-3", "onnx-tool"): "no rule: the exporter writes a dozen operators",
    ("clamp-twice", "onnx-tool"): "clips and relus in a row: the exporter makes one of them",
    ("parameter-gate", "onnx-tool"): "of a learned tensor alone: the exporter works it out",
    **{
        (f"{network}-functional-batch4", "ptflops-aten"): "a bias lost, of what is not contiguous"
        for network in ("self_attention", "tokens")
    },
    **{
        ("maxvit_t", name): "torchvision writes its matrix products as `torch.einsum`"
        for name in ("fvcore", "calflops", "deepspeed", "deepspeed-macs")
    },
}

Answer = dict[str, tuple[int | None, int | None]]


@cache
def recorded(file: str) -> Any:
    return json.loads((REFERENCE / f"{file}.json").read_text(encoding="utf-8"))


def answers(file: str, case: dict[str, Any], id: str = "") -> Answer:
    """Operations and parameters by convention; None where the tool raises or does not count."""
    tools = case.get("tools") or {file.replace("_", "-"): case}
    return {
        name: (answer.get("flops"), answer.get("params"))
        for name, answer in tools.items()
        if (id or case.get("id"), name) not in DIFFERENT
    }


def cases() -> Iterator[Any]:
    """Every recorded layer that a spec can say."""
    for file in FILES:
        for case in recorded(file)["cases"]:
            if "beyond_spec" not in case:
                yield pytest.param(case, answers(file, case), id=f"{file}-{case['id']}")


def graph_of(case: dict[str, Any]) -> convcalc.Network:
    """The graph of a recorded case; a spec may be written as JSON."""
    return convcalc.loads(
        json.dumps({"name": "case", "input": case["input"], "layers": case["layers"]})
    )


def counted(graph: convcalc.Graph, names: Iterable[str]) -> Answer:
    """What the conventions make of a graph, for one sample."""
    found: Answer = {}
    for name in names:
        convention = conventions.find(name)
        flops = [count.flops for count in convention.counts(graph)]
        found[name] = (total(flops), total(list(convention.params(graph))))
    return found


def total(numbers: list[int | None]) -> int | None:
    return None if None in numbers else sum(number for number in numbers if number is not None)


@pytest.mark.parametrize(("case", "expected"), list(cases()))
def test_a_layer_counts_as_its_tool_says(case: dict[str, Any], expected: Answer) -> None:
    graph = graph_of(case)
    params = counted(graph, expected)
    found = {
        name: (graph.analyze(name, case["batch"]).totals.flops, params[name][1])
        for name in expected
    }
    assert found == expected


def test_a_function_that_is_handed_a_weight_counts_as_the_tools_say() -> None:
    (case,) = (
        case
        for case in recorded("torch_tools_layers")["other_forms"]
        if case["id"] == "other-prelu-functional"
    )
    layer = {"prelu": {"num_parameters": 16, "functional": True}}
    graph = graph_of({"input": case["input"], "layers": [layer]})
    expected = answers("torch_tools_layers", case)
    assert counted(graph, expected) == expected


def test_random_specs_count_as_their_tools_say() -> None:
    wrong = []
    for case in recorded("differential")["cases"]:
        graph = convcalc.loads(json.dumps(case["spec"]))
        for name, wanted in case["tools"].items():
            convention = conventions.find(name)
            counts = convention.counts(graph, case["batch"])
            found = [
                total([count.flops for count in counts]),
                total(list(convention.params(graph))),
            ]
            if found != wanted:
                wrong.append((case["spec"], case["batch"], name, found, wanted))
    assert not wrong


@pytest.mark.parametrize(("name", "case"), recorded("torch_tools_networks")["networks"].items())
def test_a_torchvision_network_counts_as_its_tools_say(name: str, case: dict[str, Any]) -> None:
    expected = answers("torch_tools_networks", case, name)
    graph = network(name.partition("@")[0], input=tuple(case["input"]))
    assert counted(graph, expected) == expected


@pytest.mark.parametrize(
    ("name", "case"),
    [(n, c) for n, c in recorded("torch_tools_networks")["networks"].items() if "published" in c],
)
def test_torch_is_twice_what_torchvision_publishes(name: str, case: dict[str, Any]) -> None:
    for published in case["published"]:
        crop = published["crop"]
        graph = network(name.partition("@")[0], input=(3, crop, crop))
        flops = graph.analyze("torch").totals.flops
        assert flops is not None
        assert round(flops / 2e9, 3) == published["_ops"]


#: Paddle's networks that the zoo builds the same; the others have a module where torchvision's,
#: which the zoo follows, call a function, or have other heads.
PADDLE = (
    *("lenet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg16_bn"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
    *("resnext50_32x4d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"),
    *("mobilenet_v1", "mobilenet_v1_x0_25", "mobilenet_v1_x0_5", "mobilenet_v1_x0_75"),
    *("mobilenet_v3_small", "mobilenet_v3_large"),
)


@pytest.mark.parametrize("name", PADDLE)
def test_a_paddle_network_counts_as_paddle_says(name: str) -> None:
    case = recorded("paddle")["networks"][name]
    graph = network(name, input=tuple(case["input"]))
    assert counted(graph, ["paddle"]) == answers("paddle", case)


def test_paddles_narrow_mobilenet_v3_has_a_narrow_head() -> None:
    graph = convcalc.load("mobilenet_v3_small", alpha=0.75)
    case = recorded("paddle")["networks"]["mobilenet_v3_small_x0_75"]
    assert counted(graph, ["paddle"]) == answers("paddle", case)


def zoo_without(text: str, file: str, preset: str | None = None) -> convcalc.Network:
    """A network of the zoo, a piece of its spec left out."""
    spec = (SPECS / file).read_text(encoding="utf-8")
    assert text in spec
    return convcalc.loads(spec.replace(text, ""), file, preset)


def test_paddles_mobilenet_v2_pools_with_a_module() -> None:
    graph = zoo_without(", functional: true", "mobilenet_v2.yaml")
    case = recorded("paddle")["networks"]["mobilenet_v2"]
    assert counted(graph, ["paddle"]) == answers("paddle", case)


@pytest.mark.parametrize(("name", "case"), recorded("onnx_tool")["networks"].items())
def test_an_exported_network_counts_as_onnx_tool_says(name: str, case: dict[str, Any]) -> None:
    graph = network(name, input=tuple(case["input"]))
    assert counted(graph, ["onnx-tool"]) == answers("onnx_tool", case)


#: Keras' networks that the zoo builds the same, but for a softmax at the end; the zoo's name.
KERAS = {
    "mobilenet": "mobilenet_v1",
    **{name: name for name in ("mobilenet_v2", "mobilenet_v2_x0_5", "mobilenet_v2_x1_4")},
    **{name: name for name in ("mobilenet_v3_small", "mobilenet_v3_large")},
    **{name: name for name in ("densenet121", "densenet169", "densenet201")},
    **{name: f"keras_{name}" for name in ("resnet50", "resnet101", "resnet152")},
    "xception": "xception",
}


@pytest.mark.parametrize("name", [*KERAS, "vgg16"])
def test_a_keras_network_counts_as_tensorflow_says(name: str) -> None:
    case = recorded("tensorflow")["networks"][name]
    if name == "vgg16":
        graph = zoo_without("  - adaptive_avg_pool: {output_size: 7}\n", "vgg.yaml", "vgg16")
    else:
        graph = network(KERAS[name])
    flops, params = counted(graph, ["tensorflow"])["tensorflow"]
    if graph.nodes[-1].type != "softmax":
        softmax = convcalc.loads("{name: softmax, input: [1000], layers: [softmax]}")
        (end,) = counted(softmax, ["tensorflow"]).values()
        assert flops is not None
        assert end[0] is not None
        flops += end[0]
    assert (flops, params) == (case["flops"], case["params"])


@pytest.mark.parametrize(("name", "case"), recorded("flax")["networks"].items())
def test_a_flax_network_counts_as_flax_says(name: str, case: dict[str, Any]) -> None:
    flops, params = counted(graph_of(case), ["flax"])["flax"]
    # The tool sums in 32-bit floats.
    assert flops == pytest.approx(case["flops"], rel=2**-23)
    assert params == case["params"]


# What the zoo's numbers are known to be elsewhere


@pytest.mark.parametrize(
    ("network", "convention", "flops"),
    [
        # 569 million in Howard et al. 2017, table 8.
        ("mobilenet_v1", "macs", 568_740_352),
        ("mobilenet_v1", "torch", 2 * 568_740_352),
        ("resnet50", "torch", 8_178_368_512),
        ("vgg16", "paddle", 15_483_862_016),
    ],
)
def test_the_command_line_prints_the_number(
    run: Run, network: str, convention: str, flops: int
) -> None:
    answer = run("analyze", network, "--convention", convention, "--json").json
    assert answer["totals"]["flops"] == flops


# Taps


@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=2),
    kernel=st.integers(1, 5),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    pads=st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
@settings(deadline=None)
def test_flax_counts_the_taps_that_fall_on_the_input(
    sizes: list[int], kernel: int, stride: int, dilation: int, pads: tuple[int, int]
) -> None:
    low, high = pads
    windows = [(n + low + high - dilation * (kernel - 1) - 1) // stride + 1 for n in sizes]
    assume(min(windows) >= 1)
    taps = 1
    for size, outputs in zip(sizes, windows):
        cells = [
            window * stride + tap * dilation - low
            for window, tap in itertools.product(range(outputs), range(kernel))
        ]
        taps *= sum(0 <= cell < size for cell in cells)
    fields = {"out": 1, "k": kernel, "s": stride, "d": dilation, "p": [pads] * len(sizes)}
    layer = {"conv": {**fields, "bias": False}}
    graph = graph_of({"input": [1, *sizes], "layers": [layer]})
    assert counted(graph, ["flax"]) == {"flax": (2 * taps, kernel ** len(sizes))}


def test_a_layer_of_any_size_is_counted_at_once(run: Run) -> None:
    huge = 10**200
    stack = [
        {"upsample": {"scale": 2}},
        {"adaptive_avg_pool": {"output_size": [huge, 3]}},
        {"conv": {"out": 1, "k": [huge, 1], "p": [huge // 2, 0]}},
    ]
    spec = json.dumps({"name": "huge", "input": [4, huge, huge], "layers": stack}).encode()
    answer = run("analyze", "-", "--convention", "all", "--json", stdin=spec).json
    upsample, pool, _ = (layer["counts"] for layer in answer["layers"])
    assert upsample["deepspeed"] == 16 * huge * huge
    assert pool["thop"] == 16 * huge * huge + 12 * huge
    assert run("reconcile", "-", stdin=spec).status == 0


# Fractions


@pytest.mark.parametrize(
    ("upsample", "sizes", "times", "batch", "flops"),
    [
        ({"scale": 1.5, "functional": True}, [1, 1], 3, 1, 4),  # 3 × 1.5
        ({"scale": 1.5}, [1, 1], 3, 3, 14),  # 3 × (4.5 + ⅓)
        ({"scale": 2.5}, [4, 1], 1, 3, 32),  # 30 + 8/3
    ],
)
def test_ptflops_cuts_its_sum_once(
    run: Run, upsample: dict[str, Any], sizes: list[int], times: int, batch: int, flops: int
) -> None:
    layers = [{"upsample": upsample}] * times
    spec = json.dumps({"name": "up", "input": sizes, "layers": layers}).encode()
    command = ("analyze", "-", "--convention", "ptflops", "--batch", str(batch), "--json")
    answer = run(*command, stdin=spec).json
    assert answer["totals"]["flops"] == flops
    assert sum(layer["flops"] for layer in answer["layers"]) == flops


def test_a_bridge_has_the_fractions_that_make_whole_ones(run: Run) -> None:
    layers = [{"upsample": {"scale": 1.5, "functional": True}}] * 3
    spec = json.dumps({"name": "up", "input": [1, 1], "layers": layers}).encode()
    (found,) = (
        each
        for each in run("reconcile", "-", "--json", stdin=spec).json["conventions"]
        if each["name"] == "ptflops"
    )
    assert found["total"] == 4
    assert sum(item["amount"] for item in found["bridge"]) == 4


# Zeros that are no knowledge


def test_a_layer_that_the_tool_passes_over_is_marked(run: Run) -> None:
    out = run("analyze", "lenet", "--convention", "thop").out
    assert "*" not in out.split("max_pool_1")[1].split("\n")[0]
    out = run("analyze", "lenet", "--convention", "fvcore").out
    assert out.split("max_pool_1")[1].split("\n")[0].endswith("0*")
    assert "fvcore.nn.FlopCountAnalysis does not know these layers and counts them as 0" in out


def test_a_layer_that_stops_the_tool_leaves_the_total_open(run: Run) -> None:
    spec = b"{name: n, input: [4, 6, 6], layers: [{conv: {out: 4, k: 3}}, mish]}"
    outcome = run("analyze", "-", "--convention", "onnx-tool", stdin=spec)
    assert outcome.out.split("Total")[1].split("\n")[0].endswith("?")
    assert (
        "onnx_tool.model_profile has no number for this layer, so there is no total" in outcome.out
    )
    answer = run("analyze", "-", "--convention", "onnx-tool", "--json", stdin=spec).json
    assert answer["totals"]["flops"] is None
    assert [layer["flops"] for layer in answer["layers"]] == [2368, None]


# Every convention at a time


def test_all_conventions_are_what_each_is(run: Run) -> None:
    whole = run("analyze", "googlenet", "--convention", "all", "--json").json
    for name in conventions.names():
        alone = run("analyze", "googlenet", "--convention", name, "--json").json
        assert whole["totals"]["counts"][name] == alone["totals"]["flops"]
        assert [row["counts"][name] for row in whole["layers"]] == [
            row["flops"] for row in alone["layers"]
        ]


def test_all_conventions_are_columns_of_a_csv(run: Run) -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("analyze", "lenet", "--convention", "all", "--csv").out))
    )
    assert set(conventions.names()) <= set(rows[0])
    assert sum(int(row["ptflops"]) for row in rows) == 372_990
    assert sum(int(row["torchinfo"]) for row in rows) == 347_774


def test_folded_rows_of_all_conventions_sum_to_the_totals(run: Run) -> None:
    arguments = ["analyze", "resnet50", "--convention", "all", "--depth", "1", "--json"]
    answer = run(*arguments).json
    for name, total in answer["totals"]["counts"].items():
        assert sum(row["counts"][name] for row in answer["layers"]) == total


def test_a_few_conventions_are_chosen_as_columns(run: Run) -> None:
    out = run("analyze", "lenet", "--convention", "all", "--columns", "name,thop,macs").out
    assert out.split("\n")[2].split() == ["Layer", "thop", "MACs"]
    total = next(line for line in out.split("\n") if line.startswith("Total"))
    assert total.split()[-2:] == ["341,256", "341,256"]


def test_a_convention_is_no_column_of_another_one(run: Run) -> None:
    outcome = run("analyze", "lenet", "--columns", "name,thop")
    assert outcome.status == 2
    assert "`thop` is a column of `--convention all` alone" in outcome.err
    assert "`--convention thop` counts FLOPs so" in outcome.err


def test_groups_are_for_one_convention(run: Run) -> None:
    outcome = run("analyze", "lenet", "--convention", "all", "--group-by", "type")
    assert outcome.status == 2
    assert "--group-by takes one convention" in outcome.err


# One layer


def test_one_layer_is_explained_by_a_convention(run: Run) -> None:
    out = run("layer", "batch_norm", "--in", "64x56x56", "--convention", "thop").out
    assert "802,816" in out  # 4 · 64 · 56 · 56


def test_a_quantity_that_is_no_formula_keeps_its_name(run: Run) -> None:
    arguments = ["layer", "adaptive_avg_pool", "--output-size", "7", "--convention", "thop"]
    assert run(*arguments, "--json").json["flops"] is None
    assert "averaged" in run(*arguments).out
    assert run(*arguments, "--in", "512x16x16", "--json").json["flops"] == 512 * (16 * 16 + 7 * 7)


# The conventions themselves


@pytest.mark.parametrize("type", layers.names())
def test_every_convention_explains_a_layer_as_it_analyzes_it(type: str) -> None:
    for fields, inputs in configurations(type, 3):
        shapes = [tuple(sizes) for sizes in inputs]
        dims = len(shapes[0]) - 1 if shapes else None
        for name in conventions.names():
            totals = analyzed(type, fields, *inputs, convention=name, batch=3).totals
            explained = explain(type, fields, shapes, dims=dims, convention=name, batch=3)
            assert explained.figures["flops"].value == totals.flops
            assert totals.flops is None or (isinstance(totals.flops, int) and totals.flops >= 0)


@pytest.mark.parametrize("name", conventions.names())
def test_every_rule_is_of_a_layer_type(name: str) -> None:
    c = conventions.find(name)
    named = {*c.rules, *(c.functions or {}), *c.attention, *c.gaps, *(c.parameters or {})}
    named |= {*c.silent.split(), *c.missing.split()}
    families = {layers.find(type).family for type in layers.names()}
    assert named <= {*layers.names(), *families}


def test_the_list_names_every_convention_with_tool_and_unit(run: Run) -> None:
    wanted = {
        *("exact", "macs", "ptflops", "ptflops-aten", "fvcore", "thop", "torch", "torchinfo"),
        *("calflops", "calflops-macs", "deepspeed", "deepspeed-macs"),
        *("paddle", "tensorflow", "flax", "onnx-tool", "mmcv"),
    }
    found = {each["name"]: each for each in run("conventions", "--json").json["conventions"]}
    assert {name for name in found if "@" not in name} == wanted
    assert (found["fvcore"]["unit"], found["fvcore"]["version"]) == (
        "FLOPs",
        recorded("torch_tools_layers")["versions"]["fvcore"],
    )
    assert wanted <= {line.split(" ")[0] for line in run("conventions").out.split("\n")}


def test_versions_are_those_that_were_recorded() -> None:
    versions = recorded("torch_tools_layers")["versions"]
    for name in ("ptflops", "ptflops-aten", "fvcore", "thop", "torchinfo", "calflops", "deepspeed"):
        assert conventions.find(name).version == versions[name.partition("-")[0]]
    for name in ("paddle", "tensorflow", "flax", "onnx-tool"):
        for version in recorded(name.replace("-", "_"))["versions"].values():
            text = conventions.find(name).version
            assert version in text or name == "onnx-tool"


def test_the_rules_of_one_convention(run: Run) -> None:
    out = run("conventions", "ptflops").out
    relu = next(line for line in out.split("\n") if line.startswith("elu, gelu"))
    assert re.split(" {2,}", relu)[1:] == ["inp // batch + inp", "inp"]
    assert "An `nn.ReLU` is counted twice" in out
    assert "interpolated: Elements of the upsampled tensor" in out
    rules = run("conventions", "ptflops", "--json").json
    assert rules["rules"]["relu"] == "inp // batch + inp"
    assert rules["functions"]["relu"] == "inp"
    assert "sigmoid" in rules["unseen"]
    assert "relu" not in rules["unseen"]


def test_the_parts_of_an_attention_have_rules_of_their_own(run: Run) -> None:
    rules = run("conventions", "fvcore", "--json").json
    assert (rules["rules"]["matmul"], rules["attention"]) == ("inp * columns", {"matmul": "0"})
    assert "As parts of a self_attention: matmul: 0." in run("conventions", "fvcore").out
    spec = b"{name: n, input: [8, 5], layers: [{self_attention: {heads: 2}}]}"
    out = run("analyze", "-", "--convention", "fvcore", stdin=spec).out
    assert out.split("scores")[1].split("\n")[0].endswith("0*")
    out = run("analyze", "-", "--convention", "ptflops", stdin=spec).out
    assert out.split("qkv")[1].split("\n")[0].endswith("0*")
    command = ("explain", "-", "self_attention.scores", "--convention", "ptflops")
    assert "= 2·4·5·5 + 2·4·5" in run(*command, stdin=spec).out
    layer = run("layer", "self_attention", "--heads", "2", "--in", "8x5", "--convention", "fvcore")
    assert "1,280" in layer.out  # 4 · 8 · 8 · 5


def test_the_page_is_made_from_the_rules() -> None:
    page = Path(__file__).parent.parent / "docs" / "conventions.md"
    assert page.read_text(encoding="utf-8") == PAGES["conventions.md"]()
