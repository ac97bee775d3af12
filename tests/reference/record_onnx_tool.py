"""Records what onnx-tool says of layers and networks that PyTorch exported, in onnx_tool.json.

Needs Python 3.11 and, from PyPI, torch 2.13.0 (a CPU build), torchvision 0.28.0 (its compiled
operators are not used), onnx 1.23.2, onnxscript 0.7.2 and onnx-tool 1.0.1:

    pip install torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnx-tool==1.0.1
    pip install --no-deps torchvision==0.28.0 pillow
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
    return program.model_proto


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
    for group in (convolutions, pools, normalisations, activations, dense, joins, networks):
        group()
        print(group.__name__, file=sys.stderr)
    write(Path(__file__).with_name("onnx_tool.json"))


if __name__ == "__main__":
    main()
