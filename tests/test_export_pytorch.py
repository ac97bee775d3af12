"""Networks as PyTorch code: how they read, that they hold together, and, with torch, what they do.

`reference/export_pytorch.json` has what every network of the zoo did when it was exported and run;
`reference/record_export_pytorch.py` recorded it.
"""

from __future__ import annotations

import ast
import builtins
import json
import math
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from convcalc import api, layers, zoo
from convcalc.diagnostics import ConvcalcError
from convcalc.exporters.base import Model
from convcalc.exporters.pytorch import EXPORTER
from convcalc.exporters.torch_layers import RULES
from fuzz.making.document import document

RECORD = Path(__file__).parent / "reference" / "export_pytorch.json"
#: What came back when `reference/record_return_pytorch.py` imported the zoo's code.
RETURNED = RECORD.with_name("return_pytorch.json")


def exported(text: str, preset: str | None = None, **variables: Any) -> tuple[str, api.Network]:
    """A spec's file, and its network."""
    opened = api.opened(text, preset=preset)
    network = opened.at(variables)
    file = EXPORTER.content(Model(opened.request.document, network))
    assert isinstance(file, str)
    return file, network


def of_zoo(name: str) -> str:
    found = zoo.locate(name, 10**7)
    assert isinstance(found.data, bytes)
    return exported(found.data.decode(), found.preset)[0]


BLOCKS = """
name: Small net
variables: {alpha: 1.0, num_classes: 10}
input: [3, 32, 32]
blocks:
  conv_bn:
    args: {out: required, k: 3, stride: 1}
    layers:
      - conv: {out: out, k: k, s: stride, p: k // 2, bias: false}
      - batch_norm
  unit:
    args: {out: required, expand: required, stride: 1}
    let: {hidden: in_channels * expand}
    layers:
      - residual:
          connect: stride == 1 and in_channels == out
          layers:
            - conv_bn: {when: expand != 1, out: hidden, k: 1}
            - relu: {when: expand != 1}
            - conv_bn: {out: out, stride: stride}
layers:
  - conv_bn: {name: stem, out: "make_divisible(16 * alpha, 8)"}
  - for_each:
      bind: [t, c, n]
      in: [[1, 16, 1], [4, 24, 2]]
      layers:
        - repeat:
            times: n
            index: i
            layers:
              - unit: {out: c, expand: t, stride: 2 if i == 0 else 1}
  - relu: {functional: true}
  - adaptive_avg_pool: {output_size: 1}
  - flatten
  - linear: {name: head, out: num_classes}
"""

BLOCKS_IN_PYTORCH = '''"""Small net."""

import torch.nn.functional as F
from torch import nn


def make_divisible(v, divisor=8, min_value=None):
    """Return the multiple of `divisor` nearest to `v`, not below 90 % of it."""
    least = divisor if min_value is None else min_value
    result = max(least, int(v + divisor / 2) // divisor * divisor)
    return int(result + divisor if result < 0.9 * v else result)


class ConvBN(nn.Sequential):
    def __init__(self, in_channels, out, k=3, stride=1):
        super().__init__(
            nn.Conv2d(in_channels, out, k, stride=stride, padding=k // 2, bias=False),
            nn.BatchNorm2d(out),
        )


class Unit(nn.Module):
    def __init__(self, in_channels, out, expand, stride=1):
        super().__init__()
        hidden = in_channels * expand
        self.use_shortcut = stride == 1 and in_channels == out
        layers = []
        if expand != 1:
            layers += [ConvBN(in_channels, hidden, k=1), nn.ReLU()]
        layers.append(ConvBN(hidden, out, stride=stride))
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        y = self.body(x)
        return y + x if self.use_shortcut else y


class SmallNet(nn.Module):
    def __init__(self, alpha=1.0, num_classes=10):
        super().__init__()
        channels = make_divisible(16 * alpha, 8)
        self.stem = ConvBN(3, channels)
        layers = []
        for t, c, n in [(1, 16, 1), (4, 24, 2)]:
            for i in range(n):
                layers.append(Unit(channels, c, expand=t, stride=2 if i == 0 else 1))
                channels = c
        self.units = nn.Sequential(*layers)
        self.adaptive_avg_pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.head = nn.Linear(channels, num_classes)

    def forward(self, x):
        x = self.stem(x)
        x = self.units(x)
        x = F.relu(x)
        x = self.adaptive_avg_pool(x)
        x = self.flatten(x)
        return self.head(x)
'''

TENSORS = """
name: Tokens
input: {left: [3, 32, 32], right: [3, 32, 32]}
blocks:
  tower:
    layers:
      - conv: {out: 8, k: 16, s: 16}
      - reshape: {shape: [in_channels, -1]}
layers:
  - tower: {name: one, from: left, trainable: false}
  - tower: {name: other, from: right, weights: one}
  - parameter: {name: class_token, shape: [8, 1]}
  - concat: {name: tokens, from: [class_token, one, other], axis: 1}
  - repeat:
      times: 2
      share_weights: true
      layers:
        - residual: {layers: [layer_norm, {linear: {out: 8, per_position: true}}]}
  - matmul: {from: [tokens, tokens], transpose_a: true}
  - flatten
  - linear: {name: score, out: 2}
outputs: [score, tokens]
"""

TENSORS_IN_PYTORCH = """class Tower(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, 8, 16, stride=16)

    def forward(self, x):
        x = self.conv(x)
        return x.reshape(x.shape[0], x.shape[1], -1)


class TokensLayer(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.body = nn.Sequential(ChannelLayerNorm(in_channels), ChannelLinear(in_channels, 8))

    def forward(self, x):
        return self.body(x) + x


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = Tower(3).requires_grad_(False)
        self.class_token = nn.Parameter(torch.zeros(8, 1))
        self.turn = TokensLayer(8)
        self.flatten = nn.Flatten()
        self.score = nn.Linear(81, 2)

    def forward(self, left, right):
        one = self.one(left)
        other = self.one(right)
        class_token = self.class_token.unsqueeze(0)
        tokens = torch.cat([class_token.expand(one.shape[0], -1, -1), one, other], dim=2)
        x = tokens
        for _ in range(2):
            x = self.turn(x)
        x = tokens.transpose(-2, -1) @ tokens
        x = self.flatten(x)
        score = self.score(x)
        return score, tokens
"""

#: Weights used again on other sizes, and turns that change the channels.
SHARED = """
name: Shared
input: [6, 16]
layers:
  - conv: {name: owner, k: 3, p: 1, out: 6}
  - max_unpool: {name: pooled, k: 2}
  - conv: {name: again, weights: owner, k: 3, p: 1, out: 6}
  - max_unpool: {weights: pooled, k: 2}
  - repeat:
      times: 2
      share_weights: true
      layers:
        - reshape: {shape: [6, -1]}
        - linear: {out: 3, per_position: true}
        - identity: {name: half}
        - add: {from: [half, half]}
  - self_attention: {heads: 1}
"""


def test_blocks_loops_and_conditions_are_classes_loops_and_conditions() -> None:
    assert exported(BLOCKS)[0] == BLOCKS_IN_PYTORCH


def test_tensors_go_by_their_names() -> None:
    assert exported(TENSORS)[0].endswith(TENSORS_IN_PYTORCH)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shufflenet_v2_x1_0", "*[BasicUnit(2 * (out // 2)) for _ in range(times - 1)]"),
        ("vit_b_16", "*[EncoderBlock(width, heads, mlp=mlp, width=width) for _ in range(depth)]"),
        (
            "mobilenet_v2",
            "out_channels = make_divisible(c * alpha, 8)\n            for i in range(n):",
        ),
        ("densenet121", "torch.cat([x, self.path(x)], dim=1)"),
    ],
)
def test_a_loop_says_what_changes_in_it_and_nothing_else(name: str, said: str) -> None:
    assert said in of_zoo(name)


def test_a_whole_number_is_written_alike_however_the_spec_has_it() -> None:
    whole, point = [
        exported(f"{{name: N, input: [4, 9], layers: [dropout: {{rate: {rate}}}]}}")[0]
        for rate in ("0", "0.0")
    ]
    assert whole == point
    assert "nn.Dropout(0.0)" in whole


def test_what_is_left_of_a_network_is_one_class() -> None:
    left = api.load("resnet18").until("conv2_x")
    code = str(left.export("pytorch"))
    (network,) = [each for each in ast.parse(code).body if isinstance(each, ast.ClassDef)]
    assert network.name == "ResNet"
    made = [each for each in ast.walk(network) if isinstance(each, ast.Attribute)]
    assert sum(each.attr == "Conv2d" for each in made) == 5


def test_what_a_preset_leaves_out_is_not_written() -> None:
    assert "Bottleneck" not in of_zoo("resnet18")
    assert "BasicBlock" not in of_zoo("resnet50")


@pytest.mark.parametrize("name", ["densenet121", "hrnet_w18", "swin_t", "unet_padded", "yolov8n"])
def test_every_name_in_a_file_is_known(name: str) -> None:
    tree = ast.parse(of_zoo(name))
    known = {alias.asname or alias.name for each in tree.body for alias in _aliases(each)}
    known |= {each.name for each in tree.body if isinstance(each, (ast.ClassDef, ast.FunctionDef))}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            names = [each for each in ast.walk(function) if isinstance(each, ast.Name)]
            own = {each.id for each in names if isinstance(each.ctx, ast.Store)}
            own |= {each.arg for each in ast.walk(function) if isinstance(each, ast.arg)}
            read = {each.id for each in names if isinstance(each.ctx, ast.Load)}
            assert read <= known | own | set(vars(builtins))
    used = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    assert {name.partition(".")[0] for name in known} <= used | {
        name for name in known if name[0].isupper()
    }


def _aliases(node: ast.stmt) -> Iterator[ast.alias]:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from node.names


def test_there_is_a_rule_for_every_layer_type() -> None:
    assert set(RULES) == set(layers.names())


def test_a_type_without_a_rule_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(RULES, "mish")
    with pytest.raises(ConvcalcError, match="`mish` cannot be written in PyTorch"):
        exported("{name: N, input: [3, 8, 8], layers: [mish]}")


def test_the_record_has_the_whole_zoo_without_a_difference() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))["networks"]
    assert [*record] == [each["name"] for each in zoo.index()]
    assert {name for name, each in record.items() if each["differences"]} == set()


def test_the_zoo_comes_back_from_its_code() -> None:
    """Parameters, MACs and shapes; and operations, where a tool cannot tell functions apart.

    A helper of the code is no class of PyTorch's own, which tools that go by classes see; PyTorch
    writes a local response norm as a pool and arithmetic, and a product with 1 is nothing where it
    is read.
    """
    record = json.loads(RETURNED.read_text(encoding="utf-8"))["networks"]
    assert [*record] == [each["name"] for each in zoo.index()]
    differs = {name: {each.partition(":")[0] for each in found} for name, found in record.items()}
    told = {key for found in differs.values() for key in found}
    assert not told & {"params", "buffers", "macs", "outputs", "torch"}
    assert [name for name, keys in differs.items() if "exact" in keys] == [
        "alexnet_two_group",
        "slim_inception_resnet_v2",
        "inception_resnet_v2-same",
    ]


def test_small_networks_run_as_they_are_counted() -> None:
    pytest.importorskip("torch")
    for spec in (BLOCKS, TENSORS, SHARED):
        assert api.loads(spec).verify().differences == ()


def test_what_is_left_of_a_network_runs_as_it_is_counted() -> None:
    pytest.importorskip("torch")
    network = api.loads(SHARED)
    for left in (network.until("pooled"), network.drop("again"), network.drop("owner")):
        assert 0 < len(left.nodes) < len(network.nodes)
        assert left.verify().differences == ()


def test_functions_are_compared_in_the_order_of_their_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from convcalc.layers.dense import Linear
    from convcalc.shape import Shape

    spec = (
        "{name: N, input: [%s], layers: [linear: {out: 4, per_position: true, functional: true}]}"
    )
    assert api.loads(spec % "3, 5, 6").verify().passed
    monkeypatch.setattr(Linear, "output_shape", lambda self, x: Shape(*x.spatial, 4))
    wrong = api.loads(spec % "3, 5, 7").verify()
    found = {each.name: (each.ours, each.theirs) for each in wrong.differences}
    assert found["linear"] == ([5, 7, 4], [4, 5, 7])


def test_what_pytorch_does_not_run_is_said() -> None:
    pytest.importorskip("torch")
    spec = "{name: N, input: [4], layers: [group_norm: {groups: 4}]}"
    with pytest.raises(ConvcalcError, match="PyTorch does not run N: Expected more than 1 value"):
        api.loads(spec).verify()


def has_torchvision() -> bool:
    """Whether torchvision is there, and fits PyTorch."""
    try:
        import torchvision  # noqa: F401
    except Exception:
        return False
    return True


def test_a_deformable_convolution_is_counted_with_its_offsets() -> None:
    pytest.importorskip("torch")
    if not has_torchvision():
        pytest.skip("torchvision has the operator")
    spec = "{name: N, input: [3, 16, 16], layers: [deform_conv: {k: [1, 2], p: 3, out: 1}]}"
    assert api.loads(spec).verify().differences == ()


def test_random_networks_run_as_they_are_counted() -> None:
    pytest.importorskip("torch")
    ran = 0
    for seed in range(40):
        try:
            network = api.loads(json.dumps(document(Random(seed)).data))
        except ConvcalcError:
            continue
        totals = network.analyze().totals
        is_there = has_torchvision() or all(node.type != "deform_conv" for node in network.nodes)
        sizes = [totals.params, totals.activations, *map(math.prod, network.inputs.values())]
        if totals["unknown"] or max(sizes) > 10**9 or not is_there:
            continue
        assert network.verify().differences == (), seed
        ran += 1
    assert ran > 20
