"""Records what onnx-tool says of layers and networks that PyTorch exported, in onnx_tool.json.

Needs Python 3.11 and, from PyPI, torch 2.13.0 (a CPU build), torchvision 0.28.0 (its compiled
operators are not used), timm 1.0.31, onnx 1.23.2, onnxscript 0.7.2 and onnx-tool 1.0.1:

    pip install torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnx-tool==1.0.1
    pip install --no-deps torchvision==0.28.0 timm==1.0.31 pillow
    python tests/reference/record_onnx_tool.py

What is counted is the file, so the exporter has its say: it folds batch norm into the convolution
before it, turns functions into operators of its own choice, drops a bias that is all zeros, and
keeps one copy of small constants that are equal. So the weights matter. They are random here, all
of them, as if trained; `untrained` is the same network as its constructor leaves it, where batch
norm folds into a bias of zeros. The figures are those of the `Total` line of
`onnx_tool.model_profile` with its default settings.
"""

# The packages are not there where types are checked.
# mypy: allow-subclassing-any

import contextlib
import io
import json
import logging
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import onnx
import onnx_tool
import onnxscript
import torch
from torch import nn
from torch.nn import functional as F  # noqa: F401, N812


def import_torchvision_models() -> types.ModuleType:
    """torchvision.models, also where torchvision was built for another torch.

    Declaring the two operators that its package refers to on import is enough for classifiers.
    """
    for name in ("nms", "qnms"):
        with contextlib.suppress(RuntimeError):
            torch.library.define(
                f"torchvision::{name}",
                "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
            )
    import torchvision.models

    models: types.ModuleType = torchvision.models
    return models


models = import_torchvision_models()

from timm.layers import Attention  # noqa: E402, F401

Layers = list[Any]
Fields = dict[str, Any]
CASES: list[Fields] = []
NETWORKS: dict[str, Fields] = {}


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x)


class Scale(nn.Module):
    """One learned factor a channel."""

    def __init__(self, channels: int, rank: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones([channels] + [1] * rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


class With(nn.Module):
    """A function of a tensor and a learned one."""

    def __init__(self, shape: list[int], function: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, self.weight)


class OverChannels(nn.Module):
    """A module that wants the channels last, on a tensor that has them first."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x.movedim(1, -1)).movedim(-1, 1)


class Twice(nn.Module):
    """A module that is called again on what it made."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(self.module(x))


class MultiheadAttention(nn.Module):
    """PyTorch's attention of tokens to themselves."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class SqueezeExcite(nn.Module):
    """Squeeze and excitation, out of modules but for the product."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeeze, 1),
            nn.ReLU(),
            nn.Conv2d(squeeze, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(x)


class ResidualBlock(nn.Module):
    """A pre-activation block: its first batch norm has no convolution to be folded into."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


def mobilenet_v1() -> nn.Module:
    """Howard et al. 2017, with relu and the pool as modules."""

    def conv_bn(c_in: int, c_out: int, k: int, stride: int, groups: int) -> list[nn.Module]:
        conv = nn.Conv2d(c_in, c_out, k, stride, (k - 1) // 2, groups=groups, bias=False)
        return [conv, nn.BatchNorm2d(c_out), nn.ReLU()]

    channels = 32
    parts = conv_bn(3, channels, 3, 2, 1)
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    for out, stride in [*rows, *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
        parts += conv_bn(channels, channels, 3, stride, channels)
        parts += conv_bn(channels, out, 1, 1, 1)
        channels = out
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


def randomise(module: nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point():
            tensor.data.uniform_(0.5, 1.5, generator=generator)


def export(module: nn.Module, batch: int, shape: list[int]) -> onnx.ModelProto:
    module.eval()
    with contextlib.redirect_stdout(io.StringIO()):
        program = torch.onnx.export(
            module, (torch.zeros(batch, *shape),), dynamo=True, verbose=False
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    return model


def measure(module: nn.Module, batch: int, shape: list[int]) -> Fields:
    """The steps of `onnx_tool.model_profile`, but for the printing."""
    graph = onnx_tool.Model(export(module, batch, shape)).graph
    graph.graph_reorder_nodes()
    graph.shape_infer(None)
    graph.profile(exclude_ops=onnx_tool.NoMacsOps)
    operators = {node.op_type: None for node in graph.nodemap.values()}
    return {"operators": list(operators), "flops": int(graph.macs[0]), "params": int(graph.params)}


def one_line(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text}"[:200]


def case(name: str, shape: list[int], layers: Layers, code: str, batch: int = 1) -> None:
    """Measures the module that `code` makes; `layers` says the same in convcalc's language."""
    row: Fields = {
        "id": name,
        "input": shape,
        "batch": batch,
        "layers": layers,
        "code": code,
    }
    module = eval(code).eval()
    row["output_shape"] = list(module(torch.zeros(batch, *shape)).shape)[1:]
    randomise(module)
    try:
        row.update(measure(module, batch, shape))
    except Exception as error:
        row["raises"] = one_line(error)
    CASES.append(row)


def network(name: str, code: str, shape: list[int]) -> None:
    torch.manual_seed(0)
    module = eval(code)
    untrained = measure(module, 1, shape)
    del untrained["operators"]
    randomise(module)
    row = measure(module, 1, shape)
    NETWORKS[name] = {"input": shape, "code": code, **row, "untrained": untrained}


def convolutions() -> None:
    more: Fields
    for rank, space in {1: [33], 2: [32, 32], 3: [8, 12, 12]}.items():
        shape = [16, *space]
        base = {"out_channels": 8, "kernel_size": 3}
        conv, norm = f"nn.Conv{rank}d", f"nn.BatchNorm{rank}d"
        for name, more, arguments in (
            ("k3-p1-bias", {"padding": 1}, "padding=1"),
            ("k3-p1", {"padding": 1, "bias": False}, "padding=1, bias=False"),
            ("k3-s2-p1-bias", {"stride": 2, "padding": 1}, "stride=2, padding=1"),
            (
                "k3-d2-p2",
                {"dilation": 2, "padding": 2, "bias": False},
                "dilation=2, padding=2, bias=False",
            ),
            ("k3-g4-p1-bias", {"groups": 4, "padding": 1}, "groups=4, padding=1"),
            ("k3-same-bias", {"padding": "same"}, "padding='same'"),
        ):
            code = f"{conv}(16, 8, 3, {arguments})"
            case(f"conv{rank}d-{name}", shape, [{"conv": {**base, **more}}], code)
        for name, more, arguments in (("", {"bias": False}, ", bias=False"), ("-bias", {}, "")):
            case(
                f"conv{rank}d-k3{name}-batch_norm",
                shape,
                [{"conv": {**base, **more}}, "batch_norm"],
                f"nn.Sequential({conv}(16, 8, 3{arguments}), {norm}(8))",
            )
        case(
            f"conv_transpose{rank}d-k3-s2-batch_norm",
            shape,
            [{"conv_transpose": {**base, "stride": 2, "bias": False}}, "batch_norm"],
            f"nn.Sequential(nn.ConvTranspose{rank}d(16, 8, 3, stride=2, bias=False), {norm}(8))",
        )
        case(
            f"depthwise{rank}d-k3-p1-bias",
            shape,
            [{"depthwise_conv": {"kernel_size": 3, "padding": 1}}],
            f"{conv}(16, 16, 3, padding=1, groups=16)",
        )
        case(
            f"pointwise{rank}d",
            shape,
            [{"pointwise_conv": {"out_channels": 8, "bias": False}}],
            f"{conv}(16, 8, 1, bias=False)",
        )
        for name, more, arguments in (
            ("k3-s2-bias", {"stride": 2}, "stride=2"),
            ("k3-s2", {"stride": 2, "bias": False}, "stride=2, bias=False"),
            (
                "k3-s2-p1-op1-bias",
                {"stride": 2, "padding": 1, "output_padding": 1},
                "stride=2, padding=1, output_padding=1",
            ),
            ("k3-s2-g4-bias", {"stride": 2, "groups": 4}, "stride=2, groups=4"),
        ):
            code = f"nn.ConvTranspose{rank}d(16, 8, 3, {arguments})"
            case(
                f"conv_transpose{rank}d-{name}", shape, [{"conv_transpose": {**base, **more}}], code
            )
    case(
        "conv2d-k4-same",
        [16, 32, 31],
        [{"conv": {"out_channels": 8, "kernel_size": 4, "padding": "same"}}],
        "nn.Conv2d(16, 8, 4, padding='same')",
    )
    case(
        "conv2d-k3x1-s1x2",
        [4, 20, 30],
        [{"conv": {"out_channels": 6, "kernel_size": [3, 1], "stride": [1, 2]}}],
        "nn.Conv2d(4, 6, (3, 1), stride=(1, 2))",
    )
    case(
        "conv2d-k3-p1-bias-batch4",
        [16, 32, 32],
        [{"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1}}],
        "nn.Conv2d(16, 8, 3, padding=1)",
        batch=4,
    )
    case(
        "conv2d-pad-conv",
        [16, 32, 32],
        [{"pad": {"padding": 1}}, {"conv": {"out_channels": 8, "kernel_size": 3}}],
        "nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(16, 8, 3))",
    )


def pools() -> None:
    for rank, space in {1: [33], 2: [33, 32], 3: [9, 12, 12]}.items():
        shape = [6, *space]
        for name in ("max", "avg"):
            case(
                f"{name}_pool{rank}d-k3-s2-p1",
                shape,
                [{f"{name}_pool": {"kernel_size": 3, "stride": 2, "padding": 1}}],
                f"nn.{name.title()}Pool{rank}d(3, stride=2, padding=1)",
            )
            case(
                f"global_{name}_pool{rank}d",
                shape,
                [f"global_{name}_pool"],
                f"nn.Adaptive{name.title()}Pool{rank}d(1)",
            )
            case(
                f"adaptive_{name}_pool{rank}d-3",
                shape,
                [{f"adaptive_{name}_pool": {"output_size": 3}}],
                f"nn.Adaptive{name.title()}Pool{rank}d(3)",
            )
    case(
        "adaptive_avg_pool2d-11x8",
        [6, 33, 32],
        [{"adaptive_avg_pool": {"output_size": [11, 8]}}],
        "nn.AdaptiveAvgPool2d((11, 8))",
    )
    case(
        "avg_pool2d-k3-s2-ceil",
        [6, 32, 32],
        [{"avg_pool": {"kernel_size": 3, "stride": 2, "ceil_mode": True}}],
        "nn.AvgPool2d(3, stride=2, ceil_mode=True)",
    )
    case(
        "max_pool2d-k3x2-s2x1-batch4",
        [6, 32, 32],
        [{"max_pool": {"kernel_size": [3, 2], "stride": [2, 1]}}],
        "nn.MaxPool2d((3, 2), stride=(2, 1))",
        batch=4,
    )
    case(
        "global_avg_pool2d-functional",
        [6, 7, 7],
        [{"global_avg_pool": {"functional": True}}],
        "Apply(lambda x: F.adaptive_avg_pool2d(x, 1))",
    )
    case(
        "mean-of-positions",
        [6, 7, 7],
        ["global_avg_pool", "flatten"],
        "Apply(lambda x: x.mean([2, 3]))",
    )


def normalisations() -> None:
    for rank, space in {1: [33], 2: [32, 32], 3: [8, 12, 12]}.items():
        shape = [12, *space]
        case(f"batch_norm{rank}d", shape, ["batch_norm"], f"nn.BatchNorm{rank}d(12)")
        case(
            f"instance_norm{rank}d-affine",
            shape,
            [{"instance_norm": {"affine": True}}],
            f"nn.InstanceNorm{rank}d(12, affine=True)",
        )
        case(f"instance_norm{rank}d", shape, ["instance_norm"], f"nn.InstanceNorm{rank}d(12)")
        case(f"group_norm{rank}d-g3", shape, [{"group_norm": {"groups": 3}}], "nn.GroupNorm(3, 12)")
    case(
        "batch_norm2d-plain",
        [12, 32, 32],
        [{"batch_norm": {"affine": False}}],
        "nn.BatchNorm2d(12, affine=False)",
    )
    case("batch_norm2d-batch4", [12, 32, 32], ["batch_norm"], "nn.BatchNorm2d(12)", batch=4)
    case(
        "group_norm2d-g3-plain",
        [12, 32, 32],
        [{"group_norm": {"groups": 3, "affine": False}}],
        "nn.GroupNorm(3, 12, affine=False)",
    )
    case("layer_norm", [64], ["layer_norm"], "nn.LayerNorm(64)")
    case(
        "layer_norm-plain",
        [64],
        [{"layer_norm": {"affine": False}}],
        "nn.LayerNorm(64, elementwise_affine=False)",
    )
    case("layer_norm-batch4", [64], ["layer_norm"], "nn.LayerNorm(64)", batch=4)
    case(
        "local_response_norm",
        [12, 32, 32],
        [{"local_response_norm": {"size": 5}}],
        "nn.LocalResponseNorm(5)",
    )
    case(
        "conv2d-relu-batch_norm",
        [12, 32, 32],
        [{"conv": {"out_channels": 8, "kernel_size": 3}}, "relu", "batch_norm"],
        "nn.Sequential(nn.Conv2d(12, 8, 3), nn.ReLU(), nn.BatchNorm2d(8))",
    )
    case(
        "linear-batch_norm",
        [64],
        [{"linear": {"out_features": 10}}, "batch_norm"],
        "nn.Sequential(nn.Linear(64, 10), nn.BatchNorm1d(10))",
    )
    case(
        "linear-no-bias-batch_norm",
        [64],
        [{"linear": {"out_features": 10, "bias": False}}, "batch_norm"],
        "nn.Sequential(nn.Linear(64, 10, bias=False), nn.BatchNorm1d(10))",
    )
    case(
        "group_norm2d-twice",
        [12, 32, 32],
        [{"group_norm": {"groups": 3}}, "relu", {"group_norm": {"groups": 3}}],
        "nn.Sequential(nn.GroupNorm(3, 12), nn.ReLU(), nn.GroupNorm(3, 12))",
    )
    case(
        "batch_norm-conv2d",
        [12, 32, 32],
        ["batch_norm", {"conv": {"out_channels": 8, "kernel_size": 3}}],
        "nn.Sequential(nn.BatchNorm2d(12), nn.Conv2d(12, 8, 3))",
    )


def activations() -> None:
    for name, code in {
        "relu": "ReLU()",
        "relu6": "ReLU6()",
        "leaky_relu": "LeakyReLU()",
        "prelu": "PReLU(12)",
        "elu": "ELU()",
        "gelu": "GELU()",
        "silu": "SiLU()",
        "hard_swish": "Hardswish()",
        "sigmoid": "Sigmoid()",
        "hard_sigmoid": "Hardsigmoid()",
        "tanh": "Tanh()",
        "softmax": "Softmax(1)",
        "mish": "Mish()",
        "softplus": "Softplus()",
    }.items():
        layer = {"prelu": {"num_parameters": 12}} if name == "prelu" else name
        case(name, [12, 9, 9], [layer], f"nn.{code}")
    case("relu-batch4", [12, 9, 9], ["relu"], "nn.ReLU()", batch=4)
    case("relu-functional", [12, 9, 9], [{"relu": {"functional": True}}], "Apply(F.relu)")


def dense() -> None:
    linear = {"out_features": 10}
    case("linear-bias", [64], [{"linear": linear}], "nn.Linear(64, 10)")
    case("linear", [64], [{"linear": {**linear, "bias": False}}], "nn.Linear(64, 10, bias=False)")
    case("linear-bias-batch4", [64], [{"linear": linear}], "nn.Linear(64, 10)", batch=4)
    case(
        "linear-batch4",
        [64],
        [{"linear": {**linear, "bias": False}}],
        "nn.Linear(64, 10, bias=False)",
        batch=4,
    )
    for name, more, arguments in (("-bias", {}, ""), ("", {"bias": False}, ", bias=False")):
        case(
            f"linear{name}-per-position",
            [64, 7, 5],
            [{"linear": {**linear, "per_position": True, **more}}],
            "nn.Sequential(Apply(lambda x: x.permute(0, 2, 3, 1)), "
            f"nn.Linear(64, 10{arguments}), Apply(lambda x: x.permute(0, 3, 1, 2)))",
        )
    case("flatten", [4, 6, 6], ["flatten"], "nn.Flatten()")
    case("dropout", [64], [{"dropout": {"rate": 0.2}}], "nn.Dropout(0.2)")
    case("identity", [4, 6, 6], ["identity"], "nn.Identity()")
    case("scale", [4, 6, 6], ["scale"], "Scale(4, 2)")


def joins() -> None:
    both = {"from": ["input", "input"]}
    case("add", [4, 6, 6], [{"add": both}], "Apply(lambda x: x + x)")
    case("mul", [4, 6, 6], [{"mul": both}], "Apply(lambda x: x * x)")
    case("concat", [4, 6, 6], [{"concat": both}], "Apply(lambda x: torch.cat([x, x], 1))")
    case("channel_shuffle", [4, 6, 6], [{"channel_shuffle": {"groups": 2}}], "nn.ChannelShuffle(2)")
    case("pixel_shuffle", [8, 6, 6], [{"pixel_shuffle": {"factor": 2}}], "nn.PixelShuffle(2)")
    case("pad", [4, 6, 6], [{"pad": {"padding": 1}}], "nn.ZeroPad2d(1)")
    for mode in ("nearest", "bilinear", "bicubic"):
        case(
            f"upsample-{mode}",
            [4, 6, 6],
            [{"upsample": {"scale": 2, "mode": mode}}],
            f"nn.Upsample(scale_factor=2, mode='{mode}')",
        )
    case("squeeze_excite", [16, 8, 8], [{"squeeze_excite": {"squeeze": 4}}], "SqueezeExcite(16, 4)")
    case(
        "preactivation-block",
        [16, 8, 8],
        [
            {
                "residual": {
                    "layers": [
                        "batch_norm",
                        "relu",
                        {
                            "conv": {
                                "out_channels": 16,
                                "kernel_size": 3,
                                "padding": 1,
                                "bias": False,
                            }
                        },
                        "batch_norm",
                        "relu",
                        {"conv": {"out_channels": 16, "kernel_size": 3, "padding": 1}},
                    ]
                }
            }
        ],
        "ResidualBlock(16)",
    )


def arithmetic() -> None:
    """Two tensors, a tensor and a constant, and functions of an element."""
    shape = [4, 6, 6]
    halves: Layers = [{"split": {"name": "half", "sections": 2}}]
    both = {"from": ["half.0", "half.1"]}
    for name, code in {
        "sub": "a - b",
        "div": "a / b",
        "maximum": "torch.maximum(a, b)",
        "minimum": "torch.minimum(a, b)",
    }.items():
        layers = [*halves, {name: both}]
        case(name, shape, layers, f"Apply(lambda x: (lambda a, b: {code})(*x.chunk(2, 1)))")
    three = {"from": ["input"] * 3}
    case("add-of-3", shape, [{"add": three}], "Apply(lambda x: x + x + x)")
    case("mul-of-3-batch4", shape, [{"mul": three}], "Apply(lambda x: x * x * x)", batch=4)
    for name, code in {
        "add": "x + 0.5",
        "sub": "x - 0.5",
        "mul": "x * 0.5",
        "div": "x / 0.5",
        "maximum": "torch.clamp(x, min=0.5)",
        "minimum": "torch.clamp(x, max=0.5)",
    }.items():
        case(f"{name}-value", shape, [{name: {"value": 0.5}}], f"Apply(lambda x: {code})")
    case("mul-value-batch4", shape, [{"mul": {"value": 2}}], "Apply(lambda x: x * 2)", batch=4)
    case(
        "value-twice",
        shape,
        [{"mul": {"value": 0.5}}, "relu", {"mul": {"value": 0.5}}],
        "Apply(lambda x: F.relu(x * 0.5) * 0.5)",
    )
    case(
        "value-of-two-types",
        shape,
        [{"mul": {"value": 0.5}}, {"add": {"value": 0.5}}],
        "Apply(lambda x: x * 0.5 + 0.5)",
    )
    for name, fields, code in (
        ("clamp", {"min": 0, "max": 1}, "torch.clamp(x, 0, 1)"),
        ("clamp-min", {"min": 0.25}, "torch.clamp(x, min=0.25)"),
        ("clamp-max", {"max": 1.5}, "torch.clamp(x, max=1.5)"),
        ("clamp-max-whole", {"max": 1}, "torch.clamp(x, max=1)"),
        ("clamp-min-whole", {"min": 0}, "torch.clamp(x, min=0)"),
        ("clamp-hardtanh", {"min": -1, "max": 1}, "F.hardtanh(x)"),
    ):
        case(name, shape, [{"clamp": fields}], f"Apply(lambda x: {code})")
    case(
        "clamp-twice",
        shape,
        [{"clamp": {"min": 0, "max": 1}}, "relu", {"clamp": {"min": 0, "max": 1}}],
        "Apply(lambda x: torch.clamp(F.relu(torch.clamp(x, 0, 1)), 0, 1))",
    )
    for name in ("abs", "sqrt", "square", "exp", "log"):
        case(name, shape, [name], f"Apply(torch.{name})")
    case("square-batch4", shape, ["square"], "Apply(torch.square)", batch=4)
    case("softmax-axis2", shape, [{"softmax": {"axis": 2}}], "nn.Softmax(3)")


def tensors() -> None:
    """Products of matrices, sums along axes, learned tensors, and what moves elements."""
    sizes = {2: [5, 7], 3: [3, 5, 7], 4: [2, 3, 5, 7]}
    both = {"from": ["input", "input"]}
    for rank, shape in sizes.items():
        layers: Layers = [{"matmul": {**both, "transpose_b": True}}]
        code = "Apply(lambda x: x @ x.transpose(-1, -2))"
        case(f"matmul{rank}d-transpose_b", shape, layers, code)
        case(f"matmul{rank}d-transpose_b-batch4", shape, layers, code, batch=4)
    layers = [{"matmul": {**both, "transpose_a": True}}]
    case("matmul3d-transpose_a", sizes[3], layers, "Apply(lambda x: x.transpose(-1, -2) @ x)")
    mean = {"reduce": {"op": "max", "axes": [0], "keep": True, "name": "one"}}
    for name, order, code in (
        ("first", ["one", "input"], "x.amax(1, True) @ x.transpose(-1, -2)"),
        ("second", ["input", "one"], "x @ x.amax(1, True).transpose(-1, -2)"),
    ):
        layers = [mean, {"matmul": {"from": order, "transpose_b": True}}]
        case(f"matmul3d-broadcast-{name}", sizes[3], layers, f"Apply(lambda x: {code})")
    table = {"parameter": {"shape": [7, 4], "name": "table"}}
    layers = [table, {"matmul": {"from": ["input", "table"]}}]
    for batch in (1, 4):
        name = "matmul2d-parameter" + ("-batch4" if batch > 1 else "")
        case(name, [5, 7], layers, "With([7, 4], lambda x, w: x @ w)", batch)
    table = {"parameter": {"shape": [16, 50], "name": "table"}}
    layers = [table, {"add": {"from": ["input", "table"]}}]
    for batch in (1, 4):
        name = "parameter-add" + ("-batch4" if batch > 1 else "")
        case(name, [16, 50], layers, "With([16, 50], lambda x, w: x + w)", batch)
    token = {"parameter": {"shape": [16, 1], "name": "token"}}
    layers = [token, {"concat": {"from": ["token", "input"], "axis": 1}}]
    code = "With([16, 1], lambda x, w: torch.cat([w.expand(len(x), -1, -1), x], 2))"
    for batch in (1, 4):
        case("parameter-concat" + ("-batch4" if batch > 1 else ""), [16, 50], layers, code, batch)
    shape = [4, 6, 10]
    for name, op, axes, keep, code in (
        ("mean", "mean", [1, 2], True, "x.mean([2, 3], True)"),
        ("mean-dropped", "mean", [-1], False, "x.mean(-1)"),
        ("mean-channels", "mean", [0], False, "x.mean(1)"),
        ("sum", "sum", [1], False, "x.sum(2)"),
        ("sum-all", "sum", [0, 1, 2], True, "x.sum([1, 2, 3], True)"),
        ("max", "max", [0], True, "x.amax(1, True)"),
        ("max-two", "max", [1, 2], False, "x.amax([2, 3])"),
        ("min", "min", [0], False, "x.amin(1)"),
        ("l2", "l2", [0], True, "torch.linalg.vector_norm(x, dim=1, keepdim=True)"),
    ):
        layers = [{"reduce": {"op": op, "axes": axes, "keep": keep}}]
        case(f"reduce-{name}", shape, layers, f"Apply(lambda x: {code})")
    layers = [{"reduce": {"op": "mean", "axes": [1]}}]
    case("reduce-mean-batch4", shape, layers, "Apply(lambda x: x.mean(2))", batch=4)
    layers = [{"reduce": {"op": "mean", "axes": [1], "keep": True}}, "relu"]
    layers += [{"reduce": {"op": "sum", "axes": [1], "keep": True}}]
    code = "Apply(lambda x: F.relu(x.mean(2, True)).sum(2, True))"
    case("reduce-same-axis-twice", shape, layers, code)
    layers = [{"reduce": {"op": "mean", "axes": [1, 2], "keep": True}}, "global_avg_pool"]
    code = "nn.Sequential(Apply(lambda x: x.mean([2, 3], True)), nn.AdaptiveAvgPool2d(1))"
    case("reduce-then-pool", shape, layers, code)
    for name, spec, code in (
        ("permute", {"permute": {"order": [1, 2, 0]}}, "x.permute(0, 2, 3, 1)"),
        ("flatten-start_axis", {"flatten": {"start_axis": 1}}, "x.flatten(2)"),
        ("concat-axis", {"concat": {**both, "axis": 2}}, "torch.cat([x, x], 3)"),
        ("slice-axis", {"slice": {"axis": 2, "start": 1, "stop": -1, "step": 2}}, "x[..., 1:-1:2]"),
        ("pad-axis", {"pad": {"axis": 1, "padding": [2, 1]}}, "F.pad(x, (0, 0, 2, 1))"),
        ("pad-cut", {"pad": {"axis": 1, "padding": [-1, -1]}}, "F.pad(x, (0, 0, -1, -1))"),
        ("pixel_unshuffle", {"pixel_unshuffle": {"factor": 2}}, "F.pixel_unshuffle(x, 2)"),
        (
            "unfold",
            {"unfold": {"kernel_size": 3, "padding": 1, "stride": 2}},
            "F.unfold(x, 3, padding=1, stride=2)",
        ),
    ):
        case(name, shape, [spec], f"Apply(lambda x: {code})")
    layers = [{"split": {"name": "part", "sizes": [2, 8], "axis": 2}}]
    layers += [{"concat": {"from": ["part.1", "part.0"], "axis": 2}}]
    code = "Apply(lambda x: torch.cat(x.split([2, 8], 3)[::-1], 3))"
    case("split-axis", shape, layers, code)
    fold = {"output_size": 6, "kernel_size": 2, "stride": 2}
    case("fold", [16, 9], [{"fold": fold}], "Apply(lambda x: F.fold(x, 6, 2, stride=2))")
    fold = {"output_size": 6, "kernel_size": 3}
    case("fold-overlap", [18, 16], [{"fold": fold}], "Apply(lambda x: F.fold(x, 6, 3))")
    layers = [{"max_pool": {"kernel_size": 2}}, {"max_unpool": {"kernel_size": 2}}]
    code = "Apply(lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2))"
    case("max_unpool", [4, 6, 6], layers, code)
    code = "Apply(lambda x: F.max_unpool2d(*F.max_pool2d(x, 3, 2, return_indices=True), 3, 2))"
    fields = {"kernel_size": 3, "stride": 2}
    layers = [{"max_pool": fields}, {"max_unpool": fields}]
    case("max_unpool-k3-s2", [4, 7, 9], layers, code)
    layers = [{"pad": {"axis": 1, "padding": [2, -1]}}]
    case("pad-and-cut", shape, layers, "Apply(lambda x: F.pad(x, (0, 0, 2, -1)))")
    layers = [{"parameter": {"shape": [4, 1, 1], "name": "table"}}, {"sigmoid": {"name": "gate"}}]
    layers += [{"mul": {"from": ["input", "gate"]}}]
    case("parameter-gate", shape, layers, "With([4, 1, 1], lambda x, w: x * torch.sigmoid(w))")
    layers = [{"reduce": {"op": "mean", "axes": [-1]}}, "rms_norm"]
    code = "Apply(lambda x: x.mean(-1)), OverChannels(nn.RMSNorm(4))"
    case("reduce-then-rms_norm", shape, layers, f"nn.Sequential({code})")
    shape = [16, 50]
    for bias in (True, False):
        linear = {"out_features": 10, "per_position": True, "bias": bias}
        code = f"OverChannels(nn.Linear(16, 10, bias={bias}))"
        case(f"linear-tokens{'-bias' if bias else ''}", shape, [{"linear": linear}], code)
    for name, affine in (("", True), ("-plain", False)):
        code = f"OverChannels(nn.RMSNorm(16, elementwise_affine={affine}))"
        case(f"rms_norm{name}", shape, [{"rms_norm": {"affine": affine}}], code)
    case("rms_norm-flat", [16], ["rms_norm"], "nn.RMSNorm(16)")
    case("rms_norm-eps", [16], ["rms_norm"], "nn.RMSNorm(16, eps=1e-5)")
    case("rms_norm-batch4", shape, ["rms_norm"], "OverChannels(nn.RMSNorm(16))", batch=4)
    code = "nn.Sequential(nn.RMSNorm(16), nn.ReLU(), nn.RMSNorm(16))"
    case("rms_norm-twice", [16], ["rms_norm", "relu", "rms_norm"], code)
    case("layer_norm-tokens", shape, ["layer_norm"], "OverChannels(nn.LayerNorm(16))")


def encoder_block(features: int, heads: int) -> Layers:
    """A transformer's block as a spec has it."""
    wide = {"out_features": 2 * features, "per_position": True}
    narrow = {"out_features": features, "per_position": True}
    return [
        {"residual": {"layers": ["layer_norm", {"self_attention": {"heads": heads}}]}},
        {"residual": {"layers": ["layer_norm", {"linear": wide}, "gelu", {"linear": narrow}]}},
    ]


def attention() -> None:
    shape = [16, 10]
    plain = {"heads": 4}
    for name, fields, code in (
        ("", plain, "qkv_bias=True"),
        ("-nobias", {**plain, "qkv_bias": False}, "qkv_bias=False"),
        ("-head_channels", {**plain, "head_channels": 6}, "qkv_bias=True, attn_head_dim=6"),
    ):
        code = f"OverChannels(Attention(16, 4, {code}))"
        case(f"self_attention{name}", shape, [{"self_attention": fields}], code)
    layers: Layers = [{"self_attention": plain}]
    code = "OverChannels(Attention(16, 4, qkv_bias=True))"
    case("self_attention-batch4", shape, layers, code, batch=4)
    case("self_attention-twice", shape, layers * 2, f"nn.Sequential({code}, {code})")
    layers = [{"self_attention": {**plain, "functional": True}}]
    for batch in (1, 4):
        name = "self_attention-functional" + ("-batch4" if batch > 1 else "")
        case(name, shape, layers, "OverChannels(MultiheadAttention(16, 4))", batch)
    layers = [
        {"conv": {"out_channels": 16, "kernel_size": 8, "stride": 8}},
        {"reshape": {"shape": [16, -1], "name": "patches"}},
        {"parameter": {"shape": [16, 1], "name": "class"}},
        {"concat": {"from": ["class", "patches"], "axis": 1, "name": "tokens"}},
        {"parameter": {"shape": [16, 17], "name": "positions"}},
        {"add": {"from": ["tokens", "positions"]}},
        *encoder_block(16, 2) * 2,
        "layer_norm",
        {"slice": {"axis": 1, "stop": 1}},
        "flatten",
        {"linear": {"out_features": 10}},
    ]
    code = "models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=10)"
    case("vision_transformer", [3, 32, 32], layers, code)


def sharing() -> None:
    """Weights that are used twice, and frozen ones."""
    conv: Fields = {"out_channels": 4, "kernel_size": 3, "padding": 1, "name": "first"}
    layers: Layers = [{"conv": conv}, {"conv": {**conv, "name": "second", "weights": "first"}}]
    case("shared-conv", [4, 6, 6], layers, "Twice(nn.Conv2d(4, 4, 3, padding=1))")
    linear: Fields = {"out_features": 8, "name": "first"}
    layers = [{"linear": linear}, {"linear": {**linear, "name": "second", "weights": "first"}}]
    case("shared-linear", [8], layers, "Twice(nn.Linear(8, 8))")
    layers = [{"linear": {"out_features": 8, "trainable": False}}]
    case("frozen-linear", [8], layers, "nn.Linear(8, 8).requires_grad_(False)")


def networks() -> None:
    network("mobilenet_v1", "mobilenet_v1()", [3, 224, 224])
    for name in (
        "alexnet",
        "vgg16",
        "vgg16_bn",
        "resnet18",
        "resnet50",
        "resnext50_32x4d",
        "densenet121",
        "mobilenet_v2",
        "mobilenet_v3_small",
        "mobilenet_v3_large",
        "squeezenet1_1",
        "mnasnet1_0",
        "shufflenet_v2_x1_0",
        "efficientnet_b0",
        "regnet_y_400mf",
        "convnext_tiny",
        "vit_b_16",
    ):
        network(name, f"models.{name}()", [3, 224, 224])
    network("googlenet", "models.googlenet(aux_logits=False, init_weights=False)", [3, 224, 224])
    network("inception_v3", "models.inception_v3(init_weights=False)", [3, 299, 299])


def write(path: Path) -> None:
    """One case a line, so that a difference reads as one."""
    import torchvision

    rows = ",\n".join("    " + json.dumps(row) for row in CASES)
    nets = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in NETWORKS.items()
    )
    versions = json.dumps(
        {
            "onnx-tool": onnx_tool.VERSION,
            "onnx": onnx.__version__,
            "onnxscript": onnxscript.__version__,
            "torch": torch.__version__.split("+")[0],
            "torchvision": torchvision.__version__.split("+")[0],
        }
    )
    parts = [
        f'  "versions": {versions}',
        f'  "networks": {{\n{nets}\n  }}',
        f'  "cases": [\n{rows}\n  ]',
    ]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for group in (
        *(convolutions, pools, normalisations, activations, dense, joins),
        *(arithmetic, tensors, attention, sharing, networks),
    ):
        group()
        print(group.__name__, file=sys.stderr)
    write(Path(__file__).with_name("onnx_tool.json"))


if __name__ == "__main__":
    main()
