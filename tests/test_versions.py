"""Older versions of tools: what each was recorded to answer, and how they are named.

tests/reference/record_torch_versions.py ran them; torch_versions.json has their answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcalc
from convcalc import conventions
from convcalc.conventions.base import Count, _summed_in_single
from tests.conftest import Run
from tests.test_conventions import DIFFERENT, SPECS, counted, graph_of, recorded, total

#: Figures that are summed in 32-bit floats.
IN_FLOATS = ("thop@0.0.30", "thop@0.0.23")
#: Recorded answers that an older version does not give: thop lost parameters that stand in a module
#: with others, here the first projection of an `nn.MultiheadAttention`.
WITHOUT_PARAMETERS = {
    (f"{network}-functional{batch}", name)
    for network in ("self_attention", "tokens")
    for batch in ("", "-batch4")
    for name in IN_FLOATS
}
NAMES = (
    "ptflops@0.7.4",
    "ptflops@0.7.1",
    "ptflops@0.6",
    "mmcv",
    "thop@0.0.31",
    *IN_FLOATS,
    "fvcore@0.1.3",
)


@cache
def cases() -> dict[str, dict[str, Any]]:
    """The recorded layers that a spec can say."""
    found = recorded("torch_tools_layers")["cases"]
    return {case["id"]: case for case in found if "beyond_spec" not in case}


@cache
def graph(id: str) -> convcalc.Network:
    return graph_of(cases()[id])


def newest(name: str) -> str:
    """Whose answer stands for that of a version which is not listed."""
    return "ptflops" if name == "mmcv" else name.partition("@")[0]


def answers(name: str) -> Iterator[tuple[dict[str, Any], Any, Any]]:
    """Every case that the tool gave numbers for: operations and parameters."""
    listed = recorded("torch_versions")[name]["cases"]
    for id, case in cases().items():
        if id in listed:
            answer = listed[id]
        else:
            tool = case["tools"][newest(name)]
            answer = [tool.get("flops"), tool.get("params")]
        if isinstance(answer, list) and answer[0] is not None:
            yield case, *answer


@pytest.mark.parametrize("name", NAMES)
def test_layers_count_as_the_version_says(name: str) -> None:
    convention = conventions.find(name)
    wrong = {}
    for case, flops, params in answers(name):
        if (case["id"], newest(name)) in DIFFERENT:
            continue
        counts = convention.counts(graph(case["id"]), case["batch"])
        found = (
            total([count.flops for count in counts]),
            total(list(convention.params(graph(case["id"])))),
        )
        if (case["id"], name) in WITHOUT_PARAMETERS:
            found = (found[0], params)
        if found != (flops, params):
            wrong[case["id"]] = (found, flops, params)
    assert not wrong


def test_deepspeeds_layers_count_as_the_version_says() -> None:
    names = ("deepspeed@0.18", "deepspeed-macs@0.18")
    wrong = {}
    for id, (flops, macs, params) in recorded("torch_versions")["deepspeed@0.18"]["cases"].items():
        case = cases()[id]
        counts = [conventions.find(name).counts(graph(id), case["batch"]) for name in names]
        found = [total([count.flops for count in each]) for each in counts]
        if found != [flops, macs] or counted(graph(id), names[:1])[names[0]][1] != params:
            wrong[id] = (found, flops, macs)
    assert not wrong


@pytest.mark.parametrize("network", ["alexnet", "vgg16", "resnet50", "densenet121", "mobilenet_v2"])
def test_networks_count_as_the_versions_say(network: str) -> None:
    loaded = convcalc.load(network)
    for name in NAMES:
        if (network, name) == ("resnet50", "thop@0.0.23"):
            continue  # which counts the last call of a module that is called several times
        wanted = recorded("torch_versions")[name]["networks"][network]
        flops, params = counted(loaded, [name])[name]
        assert flops == wanted[0], name
        # Parameters are summed in floats, too.
        assert params == pytest.approx(wanted[1], rel=1e-6 if name in IN_FLOATS else 0, abs=0), name


# What model zoos publish, counted by MMCV


def backbone(network: convcalc.Network) -> int:
    """What MMCV counts of a network up to its classifier."""
    pairs = zip(network.nodes, conventions.find("mmcv").counts(network))
    return sum(count.flops or 0 for node, count in pairs if node.type != "linear")


@pytest.mark.parametrize(
    ("name", "flops"),
    [
        ("densenet121", 2_881_695_488),
        ("densenet161", 7_816_363_968),
        ("densenet169", 3_416_860_160),
        ("densenet201", 4_365_236_736),
    ],
)
def test_mmpretrain_publishes_a_backbone_to_the_digit(name: str, flops: int) -> None:
    # Its last relu and its pool are modules, which torchvision calls as functions.
    spec = (SPECS / "densenet.yaml").read_text(encoding="utf-8")
    text = spec.replace("functional: true", "functional: false")
    assert backbone(convcalc.loads(text, "densenet.yaml", name)) == flops


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        *(("resnet18", "1.82"), ("resnet34", "3.68"), ("resnet50", "4.12"), ("resnet101", "7.85")),
        *(("resnet152", "11.58"), ("resnext50_32x4d", "4.27"), ("resnext101_32x8d", "16.5")),
        *(("wide_resnet50_2", "11.44"), ("wide_resnet101_2", "22.81"), ("mobilenet_v2", "0.319")),
        *(("regnet_x_800mf", "0.81"), ("regnet_x_1_6gf", "1.63"), ("regnet_x_8gf", "8.03")),
        *(("vgg11", "7.63"), ("vgg13", "11.34"), ("vgg16", "15.5"), ("vgg19", "19.67")),
        *(("vgg11_bn", "7.64"), ("vgg13_bn", "11.36"), ("vgg16_bn", "15.53")),
        ("vgg19_bn", "19.70"),
    ],
)
def test_mmpretrain_publishes_giga_to_the_last_printed_digit(name: str, figure: str) -> None:
    network = convcalc.load(name)
    flops = network.analyze("mmcv").totals.flops if name.startswith("vgg") else backbone(network)
    decimals = len(figure.partition(".")[2])
    assert flops is not None
    assert flops / 1e9 == pytest.approx(float(figure), abs=10**-decimals)  # cut or rounded


def test_mmpretrain_publishes_a_resnet_for_small_images_to_the_digit() -> None:
    spec = (SPECS / "resnet.yaml").read_text(encoding="utf-8")
    for text, other in {
        "k: 7, stride: 2": "k: 3",
        "  - max_pool: {k: 3, s: 2, p: 1}\n": "",
        "resolution: 224, num_classes: 1000": "resolution: 32, num_classes: 10",
    }.items():
        assert text in spec
        spec = spec.replace(text, other)
    network = convcalc.loads(spec, "resnet.yaml", "resnet18")
    assert network.analyze("ptflops@0.6").totals.flops == 557_216_778  # with a bias of 10


#: What RetinaNet has behind a ResNet's stages: a feature pyramid, and two heads on each level
#: (Lin et al. 2017, section 4).
RETINANET = """\
  - conv: {name: l5, out: 256, k: 1, from: conv5_x}
  - conv: {name: l4, out: 256, k: 1, from: conv4_x}
  - conv: {name: l3, out: 256, k: 1, from: conv3_x}
  - upsample: {name: u5, scale: 2, functional: true, from: l5}
  - add: {name: m4, from: [l4, u5]}
  - upsample: {name: u4, scale: 2, functional: true, from: m4}
  - add: {name: m3, from: [l3, u4]}
  - conv: {name: p3, out: 256, k: 3, p: 1, from: m3}
  - conv: {name: p4, out: 256, k: 3, p: 1, from: m4}
  - conv: {name: p5, out: 256, k: 3, p: 1, from: l5}
  - conv: {name: p6, out: 256, k: 3, s: 2, p: 1, from: conv5_x}
  - relu: {from: p6}
  - conv: {name: p7, out: 256, k: 3, s: 2, p: 1}
"""


def head(level: int, name: str, maps: int) -> str:
    """One of the heads of RetinaNet on a level of the pyramid."""
    tower = "repeat: {times: 4, layers: [conv: {out: 256, k: 3, p: 1}, relu]}"
    layers = f"[{tower}, conv: {{out: {maps}, k: 3, p: 1}}]"
    return f"  - sequential: {{name: {name}{level}, from: p{level}, layers: {layers}}}\n"


def test_mmdetection_publishes_retinanet_to_the_digit() -> None:
    spec = (SPECS / "resnet.yaml").read_text(encoding="utf-8")
    stages, classifier, _ = spec.partition("  - adaptive_avg_pool")
    assert classifier
    heads = [(level, *kind) for level in range(3, 8) for kind in (("boxes", 36), ("classes", 720))]
    outputs = ", ".join(f"{name}{level}" for level, name, _ in heads)
    text = stages + RETINANET + "".join(head(*each) for each in heads) + f"outputs: [{outputs}]\n"
    network = convcalc.loads(text, "retinanet.yaml", "resnet50", input=(3, 1280, 800))
    assert network.analyze("mmcv").totals.flops == 239_316_567_080


# Names


def test_a_name_is_the_newest_version() -> None:
    assert conventions.find("thop").version == "0.1.1.post2209072238"
    assert conventions.find("thop@0.1.1.post2209072238") is conventions.find("thop")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ptflops@0.7.5", "ptflops"),
        ("ptflops@0.7", "ptflops"),
        ("ptflops@0.7.4", "ptflops@0.7.4"),
        ("ptflops@0.6.9", "ptflops@0.6"),
        ("thop@0", "thop"),
        ("thop@0.0", "thop@0.0.31"),
        ("thop@0.0.31.post2005241907", "thop@0.0.31"),
    ],
)
def test_the_beginning_of_a_version_is_the_newest_that_begins_so(name: str, found: str) -> None:
    assert conventions.find(name).name == found


def test_a_version_that_is_not_here_is_answered_with_those_that_are(run: Run) -> None:
    error = run("analyze", "lenet", "--convention", "thop@0.2").err
    assert "unknown convention `thop@0.2`" in error
    assert "there is `thop`, which is 0.1.1.post2209072238" in error
    assert "its older versions are `thop@0.0.31`, `thop@0.0.30` and `thop@0.0.23`" in error
    assert "there is `macs` alone" in run("layer", "relu", "--convention", "macs@1").err


def test_a_part_of_a_number_is_no_version(run: Run) -> None:
    assert run("analyze", "lenet", "--convention", "thop@0.0.3").status == 2


def test_the_command_line_takes_a_version(run: Run) -> None:
    answer = run("analyze", "resnet50", "--convention", "thop@0.0.31", "--json").json
    assert answer["convention"]["name"] == "thop@0.0.31"
    assert answer["totals"]["flops"] == 4_111_514_624
    layer = run("layer", "relu", "--in", "8x4x4", "--convention", "ptflops@0.6", "--json").json
    assert layer["flops"] == 8 * 4 * 4


def test_every_version_explains_a_layer_as_it_analyzes_it(run: Run) -> None:
    spec = "{name: n, input: [4, 8, 8], layers: [{conv: {out: 8, k: 3}}]}"
    newest = map(conventions.find, conventions.names())
    for name in [each.name for convention in newest for each in convention.older]:
        asked = f"layer conv --k 3 --out 8 --in 4x8x8 --json --convention {name}"
        answer = run(*asked.split()).json
        assert answer["flops"] == convcalc.loads(spec).analyze(name).totals.flops, name


def test_the_list_has_the_older_versions_after_the_newest(run: Run) -> None:
    names = [each["name"] for each in run("conventions", "--json").json["conventions"]]
    assert names[names.index("thop") :][:4] == ["thop", "thop@0.0.31", "thop@0.0.30", "thop@0.0.23"]
    assert "Older versions: `thop@0.0.31`, `thop@0.0.30`" in run("conventions", "thop").out
    out = run("conventions", "fvcore@0.1.3").out
    assert "From 0.1.3 to 0.1.5.post20210402" in out
    assert "5·inp if affine else 4·inp" in out


def test_versions_are_the_releases_that_were_recorded() -> None:
    for name, answer in recorded("torch_versions").items():
        assert answer["release"].partition("==")[2] == conventions.find(name).version


# All of them


def test_all_has_the_newest_alone() -> None:
    counts = convcalc.load("lenet").analyze("all").counts
    assert set(counts) == set(conventions.names())
    assert not any("@" in name for name in counts)


def test_reconcile_tries_the_versions_that_count_otherwise(run: Run) -> None:
    answer = run("reconcile", "resnet18", "--json").json
    assert {each["name"] for each in answer["conventions"] if "@" in each["name"]} == {
        *("ptflops@0.7.1", "ptflops@0.6", "fvcore@0.1.3"),
        *("thop@0.0.31", "thop@0.0.30", "thop@0.0.23"),
    }
    assert "thop@0.0.31" in run("reconcile", "resnet18", "--reported", "1819066368").out


@pytest.mark.parametrize(("name", "total"), [("0.0.23", 4_145_398_272), ("0.0.31", 4_111_514_624)])
def test_sums_are_those_of_32_bit_floats(run: Run, name: str, total: int) -> None:
    answer = run("analyze", "resnet50", "--convention", f"thop@{name}", "--json").json
    assert answer["totals"]["flops"] == total == sum(row["flops"] for row in answer["layers"])


@given(st.lists(st.integers(0, 10**12), max_size=40))
def test_sums_in_32_bits_are_numpys(numbers: list[int]) -> None:
    wanted = numpy.float32(0)
    for number in numbers:
        wanted = numpy.float32(wanted + numpy.float32(number))
    found = _summed_in_single(iter(map(Count, numbers)))
    assert sum(each.flops or 0 for each in found) == int(wanted)
