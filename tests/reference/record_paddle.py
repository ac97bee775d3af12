"""Records what `paddle.flops` says of layers and of Paddle's own networks, in paddle.json.

Needs Python 3.11 and, from PyPI, paddlepaddle 3.3.1 (the CPU build), setuptools and numpy before
2.4 (`paddle.flops` turns arrays of one element into numbers, which later ones refuse):

    pip install paddlepaddle==3.3.1 setuptools "numpy<2.4"
    python tests/reference/record_paddle.py

`paddle.flops` returns the operations and prints the parameters, so both are read: the first from
the call, the second from the line that it prints. It looks at the sublayers of what it is given
and never at the layer itself, which is why every case stands in a `Sequential`.
"""

# The packages are not there where types are checked.
# mypy: allow-subclassing-any

import contextlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paddle
from paddle.nn import functional as F  # noqa: F401, N812
from paddle.vision import models  # noqa: F401

Layers = list[Any]
Fields = dict[str, Any]
CASES: list[Fields] = []
NETWORKS: dict[str, Fields] = {}


class Apply(paddle.nn.Layer):
    """A function as a layer: what a model's `forward` does by itself."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


class Scale(paddle.nn.Layer):
    """One learned factor a channel."""

    def __init__(self, channels: int, rank: int) -> None:
        super().__init__()
        self.weight = self.create_parameter([channels] + [1] * rank)

    def forward(self, x: Any) -> Any:
        return x * self.weight


class With(paddle.nn.Layer):
    """A function of a tensor and a learned one."""

    def __init__(self, shape: list[int], function: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.weight = self.create_parameter(shape)
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x, self.weight)


class OverChannels(paddle.nn.Layer):
    """A layer that wants the channels last, on a tensor that has them first."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(x.transpose([0, 2, 1])).transpose([0, 2, 1])


class Twice(paddle.nn.Layer):
    """A layer that is called again on what it made."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(self.layer(x))


def rms_norm(x: Any, weight: Any) -> Any:
    """What Paddle has no layer for."""
    return x * paddle.rsqrt(paddle.mean(x * x, -1, True) + 1e-6) * weight


def frozen(layer: Any) -> Any:
    """The layer with what it learns held fast."""
    for each in layer.parameters():
        each.stop_gradient = True
    return layer


class DeformConv(paddle.nn.Layer):
    """A deformable convolution, and the convolution that predicts its offsets and masks."""

    def __init__(self, c_in: int, c_out: int, k: int, modulated: bool) -> None:
        super().__init__()
        self.taps = k * k
        self.modulated = modulated
        predicted = (3 if modulated else 2) * self.taps
        self.offset = paddle.nn.Conv2D(c_in, predicted, k, padding=k // 2)
        self.conv = paddle.vision.ops.DeformConv2D(c_in, c_out, k, padding=k // 2)

    def forward(self, x: Any) -> Any:
        predicted = self.offset(x)
        if not self.modulated:
            return self.conv(x, predicted)
        mask = paddle.nn.functional.sigmoid(predicted[:, 2 * self.taps :])
        return self.conv(x, predicted[:, : 2 * self.taps], mask)


class SqueezeExcite(paddle.nn.Layer):
    """Squeeze and excitation, out of modules but for the product."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.gate = paddle.nn.Sequential(
            paddle.nn.AdaptiveAvgPool2D(1),
            paddle.nn.Conv2D(channels, squeeze, 1),
            paddle.nn.ReLU(),
            paddle.nn.Conv2D(squeeze, channels, 1),
            paddle.nn.Sigmoid(),
        )

    def forward(self, x: Any) -> Any:
        return x * self.gate(x)


def measure(net: Any, batch: int, shape: list[int]) -> tuple[int, int]:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        flops = paddle.flops(net, [batch, *shape])
    found = re.search(r"Total Params: (\d+)", printed.getvalue())
    assert found is not None
    return int(flops), int(found[1])


def one_line(error: Exception) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text}"[:200]


def case(name: str, shape: list[int], layers: Layers, code: str, batch: int = 1) -> None:
    """Measures the layer that `code` makes; `layers` says the same in convcalc's language."""
    row: Fields = {
        "id": name,
        "input": shape,
        "batch": batch,
        "layers": layers,
        "code": code,
    }
    try:
        net = paddle.nn.Sequential(eval(code))
        net.eval()
        row["output_shape"] = list(net(paddle.randn([batch, *shape])).shape)[1:]
        row["flops"], row["params"] = measure(net, batch, shape)
    except Exception as error:
        row["raises"] = one_line(error)
    CASES.append(row)


def network(name: str, code: str, shape: list[int]) -> None:
    flops, params = measure(eval(code), 1, shape)
    NETWORKS[name] = {"input": shape, "code": code, "flops": flops, "params": params}


def convolutions() -> None:
    sizes = {1: [33], 2: [32, 32], 3: [8, 12, 12]}
    for rank, space in sizes.items():
        kind, shape = f"paddle.nn.Conv{rank}D", [16, *space]
        base = {"out_channels": 8, "kernel_size": 3}
        for name, more, arguments in (
            ("k3-p1-bias", {"padding": 1}, "padding=1"),
            ("k3-p1", {"padding": 1, "bias": False}, "padding=1, bias_attr=False"),
            ("k3-s2-p1-bias", {"stride": 2, "padding": 1}, "stride=2, padding=1"),
            (
                "k3-d2-p2",
                {"dilation": 2, "padding": 2, "bias": False},
                "dilation=2, padding=2, bias_attr=False",
            ),
            ("k3-g4-p1-bias", {"groups": 4, "padding": 1}, "groups=4, padding=1"),
            (
                "k3-s2-same",
                {"stride": 2, "padding": "same", "bias": False},
                "stride=2, padding='SAME', bias_attr=False",
            ),
        ):
            code = f"{kind}(16, 8, 3, {arguments})"
            case(f"conv{rank}d-{name}", shape, [{"conv": {**base, **more}}], code)
        case(
            f"depthwise{rank}d-k3-p1-bias",
            shape,
            [{"depthwise_conv": {"kernel_size": 3, "padding": 1}}],
            f"{kind}(16, 16, 3, padding=1, groups=16)",
        )
        case(
            f"pointwise{rank}d",
            shape,
            [{"pointwise_conv": {"out_channels": 8, "bias": False}}],
            f"{kind}(16, 8, 1, bias_attr=False)",
        )
        base = {"out_channels": 8, "kernel_size": 3}
        for name, more, arguments in (
            ("k3-s2-bias", {"stride": 2}, "stride=2"),
            ("k3-s2", {"stride": 2, "bias": False}, "stride=2, bias_attr=False"),
            (
                "k3-s2-p1-op1-bias",
                {"stride": 2, "padding": 1, "output_padding": 1},
                "stride=2, padding=1, output_padding=1",
            ),
            ("k3-s2-g4-bias", {"stride": 2, "groups": 4}, "stride=2, groups=4"),
        ):
            code = f"paddle.nn.Conv{rank}DTranspose(16, 8, 3, {arguments})"
            case(
                f"conv_transpose{rank}d-{name}", shape, [{"conv_transpose": {**base, **more}}], code
            )

    for side in (31, 32):
        case(
            f"conv2d-k3-s2-same-{side}",
            [3, side, side],
            [{"conv": {"out_channels": 8, "kernel_size": 3, "stride": 2, "padding": "same"}}],
            "paddle.nn.Conv2D(3, 8, 3, stride=2, padding='SAME')",
        )
    case(
        "conv2d-k3x1-s1x2",
        [4, 20, 30],
        [{"conv": {"out_channels": 6, "kernel_size": [3, 1], "stride": [1, 2]}}],
        "paddle.nn.Conv2D(4, 6, (3, 1), stride=(1, 2))",
    )
    case(
        "conv2d-k3-p1-bias-batch4",
        [16, 32, 32],
        [{"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1}}],
        "paddle.nn.Conv2D(16, 8, 3, padding=1)",
        batch=4,
    )
    case(
        "conv_transpose2d-k3-s2-bias-batch4",
        [16, 32, 32],
        [{"conv_transpose": {"out_channels": 8, "kernel_size": 3, "stride": 2}}],
        "paddle.nn.Conv2DTranspose(16, 8, 3, stride=2)",
        batch=4,
    )
    case(
        "depthwise2d-x2-k3-p1",
        [16, 32, 32],
        [{"depthwise_conv": {"multiplier": 2, "kernel_size": 3, "padding": 1, "bias": False}}],
        "paddle.nn.Conv2D(16, 32, 3, padding=1, groups=16, bias_attr=False)",
    )
    case(
        "separable2d-k3-p1",
        [16, 32, 32],
        [{"separable_conv": {"out_channels": 24, "kernel_size": 3, "padding": 1}}],
        "paddle.nn.Sequential(paddle.nn.Conv2D(16, 16, 3, padding=1, groups=16), "
        "paddle.nn.Conv2D(16, 24, 1))",
    )
    case(
        "global_depthwise2d",
        [16, 7, 7],
        [{"global_depthwise_conv": {"bias": False}}],
        "paddle.nn.Conv2D(16, 16, 7, groups=16, bias_attr=False)",
    )
    for modulated in (False, True):
        case(
            f"deform2d-k3-p1{'-modulated' if modulated else ''}",
            [8, 16, 16],
            [
                {
                    "deform_conv": {
                        "out_channels": 6,
                        "kernel_size": 3,
                        "padding": 1,
                        **({"modulated": True} if modulated else {}),
                    }
                }
            ],
            f"DeformConv(8, 6, 3, {modulated})",
        )


def pools() -> None:
    for rank, space in {1: [33], 2: [33, 32], 3: [9, 12, 12]}.items():
        shape = [6, *space]
        for name in ("max", "avg"):
            case(
                f"{name}_pool{rank}d-k3-s2-p1",
                shape,
                [{f"{name}_pool": {"kernel_size": 3, "stride": 2, "padding": 1}}],
                f"paddle.nn.{name.title()}Pool{rank}D(3, stride=2, padding=1)",
            )
            case(
                f"global_{name}_pool{rank}d",
                shape,
                [f"global_{name}_pool"],
                f"paddle.nn.Adaptive{name.title()}Pool{rank}D(1)",
            )
        for size in (5, 7):
            case(
                f"adaptive_avg_pool{rank}d-{size}",
                shape,
                [{"adaptive_avg_pool": {"output_size": size}}],
                f"paddle.nn.AdaptiveAvgPool{rank}D({size})",
            )
    case(
        "adaptive_max_pool2d-5",
        [6, 33, 32],
        [{"adaptive_max_pool": {"output_size": 5}}],
        "paddle.nn.AdaptiveMaxPool2D(5)",
    )
    case(
        "adaptive_avg_pool2d-larger",
        [6, 4, 6],
        [{"adaptive_avg_pool": {"output_size": 7}}],
        "paddle.nn.AdaptiveAvgPool2D(7)",
    )
    case(
        "adaptive_avg_pool2d-5x7-batch4",
        [6, 33, 32],
        [{"adaptive_avg_pool": {"output_size": [5, 7]}}],
        "paddle.nn.AdaptiveAvgPool2D((5, 7))",
        batch=4,
    )
    case(
        "avg_pool2d-k3-s2-ceil",
        [6, 32, 32],
        [{"avg_pool": {"kernel_size": 3, "stride": 2, "ceil_mode": True}}],
        "paddle.nn.AvgPool2D(3, stride=2, ceil_mode=True)",
    )
    case(
        "global_avg_pool2d-functional",
        [6, 7, 7],
        [{"global_avg_pool": {"functional": True}}],
        "Apply(lambda x: paddle.nn.functional.adaptive_avg_pool2d(x, 1))",
    )


def normalisations() -> None:
    for rank, space in {1: [33], 2: [32, 32], 3: [8, 12, 12]}.items():
        shape = [12, *space]
        case(f"batch_norm{rank}d", shape, ["batch_norm"], f"paddle.nn.BatchNorm{rank}D(12)")
        case(
            f"batch_norm{rank}d-plain",
            shape,
            [{"batch_norm": {"affine": False}}],
            f"paddle.nn.BatchNorm{rank}D(12, weight_attr=False, bias_attr=False)",
        )
        case(
            f"instance_norm{rank}d-affine",
            shape,
            [{"instance_norm": {"affine": True}}],
            f"paddle.nn.InstanceNorm{rank}D(12)",
        )
        case(
            f"instance_norm{rank}d",
            shape,
            ["instance_norm"],
            f"paddle.nn.InstanceNorm{rank}D(12, weight_attr=False, bias_attr=False)",
        )
        case(
            f"group_norm{rank}d-g3",
            shape,
            [{"group_norm": {"groups": 3}}],
            "paddle.nn.GroupNorm(3, 12)",
        )
    case("batch_norm2d-batch4", [12, 32, 32], ["batch_norm"], "paddle.nn.BatchNorm2D(12)", batch=4)
    case("batch_norm-old-class", [12, 32, 32], ["batch_norm"], "paddle.nn.BatchNorm(12)")
    case(
        "group_norm2d-plain",
        [12, 32, 32],
        [{"group_norm": {"groups": 3, "affine": False}}],
        "paddle.nn.GroupNorm(3, 12, weight_attr=False, bias_attr=False)",
    )
    case("layer_norm", [64], ["layer_norm"], "paddle.nn.LayerNorm(64)")
    case(
        "layer_norm-plain",
        [64],
        [{"layer_norm": {"affine": False}}],
        "paddle.nn.LayerNorm(64, weight_attr=False, bias_attr=False)",
    )
    case(
        "local_response_norm",
        [12, 32, 32],
        [{"local_response_norm": {"size": 5}}],
        "paddle.nn.LocalResponseNorm(5)",
    )


def activations() -> None:
    for name, code in {
        "relu": "ReLU()",
        "relu6": "ReLU6()",
        "leaky_relu": "LeakyReLU()",
        "elu": "ELU()",
        "gelu": "GELU()",
        "silu": "Silu()",
        "swish": "Swish()",
        "hard_swish": "Hardswish()",
        "sigmoid": "Sigmoid()",
        "hard_sigmoid": "Hardsigmoid()",
        "tanh": "Tanh()",
        "softmax": "Softmax(axis=1)",
        "mish": "Mish()",
        "softplus": "Softplus()",
    }.items():
        case(name, [12, 9, 9], [name], f"paddle.nn.{code}")
    case("prelu", [12, 9, 9], [{"prelu": {"num_parameters": 12}}], "paddle.nn.PReLU(12)")
    case("leaky_relu-batch4", [12, 9, 9], ["leaky_relu"], "paddle.nn.LeakyReLU()", batch=4)
    case(
        "relu-functional",
        [12, 9, 9],
        [{"relu": {"functional": True}}],
        "Apply(paddle.nn.functional.relu)",
    )
    case(
        "leaky_relu-functional",
        [12, 9, 9],
        [{"leaky_relu": {"functional": True}}],
        "Apply(paddle.nn.functional.leaky_relu)",
    )


def dense() -> None:
    linear = {"out_features": 10}
    case("linear-bias", [64], [{"linear": linear}], "paddle.nn.Linear(64, 10)")
    case(
        "linear",
        [64],
        [{"linear": {**linear, "bias": False}}],
        "paddle.nn.Linear(64, 10, bias_attr=False)",
    )
    case("linear-bias-batch4", [64], [{"linear": linear}], "paddle.nn.Linear(64, 10)", batch=4)
    case(
        "linear-per-position",
        [64, 7, 5],
        [{"linear": {**linear, "per_position": True}}],
        "paddle.nn.Sequential(Apply(lambda x: x.transpose([0, 2, 3, 1])), "
        "paddle.nn.Linear(64, 10), Apply(lambda x: x.transpose([0, 3, 1, 2])))",
    )
    case("flatten", [4, 6, 6], ["flatten"], "paddle.nn.Flatten()")
    case("dropout", [64], [{"dropout": {"rate": 0.2}}], "paddle.nn.Dropout(0.2)")
    case("identity", [4, 6, 6], ["identity"], "paddle.nn.Identity()")
    case("scale", [4, 6, 6], ["scale"], "Scale(4, 2)")


def joins() -> None:
    both = {"from": ["input", "input"]}
    case("add", [4, 6, 6], [{"add": both}], "Apply(lambda x: x + x)")
    case("mul", [4, 6, 6], [{"mul": both}], "Apply(lambda x: x * x)")
    case("concat", [4, 6, 6], [{"concat": both}], "Apply(lambda x: paddle.concat([x, x], axis=1))")
    case(
        "channel_shuffle",
        [4, 6, 6],
        [{"channel_shuffle": {"groups": 2}}],
        "paddle.nn.ChannelShuffle(2)",
    )
    case(
        "pixel_shuffle", [8, 6, 6], [{"pixel_shuffle": {"factor": 2}}], "paddle.nn.PixelShuffle(2)"
    )
    case("pad", [4, 6, 6], [{"pad": {"padding": 1}}], "paddle.nn.Pad2D(1)")
    for mode in ("nearest", "bilinear", "bicubic"):
        case(
            f"upsample-{mode}",
            [4, 6, 6],
            [{"upsample": {"scale": 2, "mode": mode}}],
            f"paddle.nn.Upsample(scale_factor=2, mode='{mode}')",
        )
    case(
        "squeeze_excite",
        [16, 8, 8],
        [{"squeeze_excite": {"squeeze": 4}}],
        "SqueezeExcite(16, 4)",
    )


def arithmetic() -> None:
    """Two tensors, a tensor and a constant, and functions of an element: none is seen."""
    shape = [4, 6, 6]
    halves: Layers = [{"split": {"name": "half", "sections": 2}}]
    both = {"from": ["half.0", "half.1"]}
    for name, code in {"sub": "a - b", "div": "a / b", "maximum": "paddle.maximum(a, b)"}.items():
        code = f"Apply(lambda x: (lambda a, b: {code})(*paddle.chunk(x, 2, 1)))"
        case(name, shape, [*halves, {name: both}], code)
    case("mul-value", shape, [{"mul": {"value": 0.5}}], "Apply(lambda x: x * 0.5)")
    clamp = {"clamp": {"min": -1, "max": 1}}
    case("clamp", shape, [clamp], "paddle.nn.Hardtanh()")
    for name in ("abs", "sqrt", "square", "exp", "log"):
        case(name, shape, [name], f"Apply(paddle.{name})")
    case("softmax-axis2", shape, [{"softmax": {"axis": 2}}], "paddle.nn.Softmax(3)")


def tensors() -> None:
    """Products of matrices, sums along axes, learned tensors, and what moves elements."""
    both = {"from": ["input", "input"]}
    for rank, shape in {2: [5, 7], 3: [3, 5, 7], 4: [2, 3, 5, 7]}.items():
        layers: Layers = [{"matmul": {**both, "transpose_b": True}}]
        code = "Apply(lambda x: paddle.matmul(x, x, transpose_y=True))"
        case(f"matmul{rank}d-transpose_b", shape, layers, code)
    table = {"parameter": {"shape": [7, 4], "name": "table"}}
    layers = [table, {"matmul": {"from": ["input", "table"]}}]
    case("matmul2d-parameter", [5, 7], layers, "With([7, 4], lambda x, w: x @ w)")
    table = {"parameter": {"shape": [16, 50], "name": "table"}}
    layers = [table, {"add": {"from": ["input", "table"]}}]
    case("parameter-add", [16, 50], layers, "With([16, 50], lambda x, w: x + w)")
    shape = [4, 6, 10]
    for name, op, axes, code in (
        ("mean", "mean", [1, 2], "x.mean([2, 3], True)"),
        ("max", "max", [0], "x.max(1, True)"),
        ("l2", "l2", [0], "paddle.norm(x, axis=1, keepdim=True)"),
    ):
        layers = [{"reduce": {"op": op, "axes": axes, "keep": True}}]
        case(f"reduce-{name}", shape, layers, f"Apply(lambda x: {code})")
    for name, spec, code in (
        (
            "permute",
            {"permute": {"order": [1, 2, 0]}},
            "Apply(lambda x: x.transpose([0, 2, 3, 1]))",
        ),
        ("flatten-start_axis", {"flatten": {"start_axis": 1}}, "paddle.nn.Flatten(2)"),
        (
            "concat-axis",
            {"concat": {**both, "axis": 2}},
            "Apply(lambda x: paddle.concat([x, x], 3))",
        ),
        (
            "slice-axis",
            {"slice": {"axis": 2, "start": 1, "stop": -1}},
            "Apply(lambda x: x[..., 1:-1])",
        ),
        ("pixel_unshuffle", {"pixel_unshuffle": {"factor": 2}}, "paddle.nn.PixelUnshuffle(2)"),
        ("unfold", {"unfold": {"kernel_size": 3, "padding": 1}}, "paddle.nn.Unfold(3, paddings=1)"),
    ):
        case(name, shape, [spec], code)
    fold = {"output_size": 6, "kernel_size": 3}
    case("fold-overlap", [18, 16], [{"fold": fold}], "paddle.nn.Fold([6, 6], 3)")
    layers = [{"max_pool": {"kernel_size": 2}}, {"max_unpool": {"kernel_size": 2}}]
    code = "Apply(lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_mask=True), 2))"
    case("max_unpool", [4, 6, 6], layers, code)
    shape = [16, 50]
    for bias in (True, False):
        linear = {"out_features": 10, "per_position": True, "bias": bias}
        code = f"OverChannels(paddle.nn.Linear(16, 10, bias_attr={None if bias else False}))"
        case(f"linear-tokens{'-bias' if bias else ''}", shape, [{"linear": linear}], code)
    case("linear-tokens-batch4", shape, [{"linear": linear}], code, batch=4)
    case("rms_norm", shape, ["rms_norm"], "OverChannels(With([16], rms_norm))")
    case("layer_norm-tokens", shape, ["layer_norm"], "OverChannels(paddle.nn.LayerNorm(16))")


def attention() -> None:
    shape = [16, 10]
    layers: Layers = [{"self_attention": {"heads": 4}}]
    code = "OverChannels(paddle.nn.MultiHeadAttention(16, 4))"
    for batch in (1, 4):
        case("self_attention" + ("-batch4" if batch > 1 else ""), shape, layers, code, batch)
    case("self_attention-twice", shape, layers * 2, f"paddle.nn.Sequential({code}, {code})")


def sharing() -> None:
    """Weights that are used twice, and frozen ones."""
    conv: Fields = {"out_channels": 4, "kernel_size": 3, "padding": 1, "name": "first"}
    layers: Layers = [{"conv": conv}, {"conv": {**conv, "name": "second", "weights": "first"}}]
    code = "Twice(paddle.nn.Conv2D(4, 4, 3, padding=1))"
    case("shared-conv", [4, 6, 6], layers, code)
    case("shared-conv-batch4", [4, 6, 6], layers, code, batch=4)
    linear: Fields = {"out_features": 8, "name": "first"}
    layers = [{"linear": linear}, {"linear": {**linear, "name": "second", "weights": "first"}}]
    case("shared-linear", [8], layers, "Twice(paddle.nn.Linear(8, 8))")
    layers = [{"linear": {"out_features": 8, "trainable": False}}]
    case("frozen-linear", [8], layers, "frozen(paddle.nn.Linear(8, 8))")


def networks() -> None:
    network("lenet", "models.LeNet()", [1, 28, 28])
    names = ["alexnet", "squeezenet1_0", "squeezenet1_1", "googlenet"]
    names += [f"vgg{depth}" for depth in (11, 13, 16, 19)]
    names += [f"resnet{depth}" for depth in (18, 34, 50, 101, 152)]
    names += [f"resnext{depth}_{width}x4d" for depth in (50, 101, 152) for width in (32, 64)]
    names += ["wide_resnet50_2", "wide_resnet101_2"]
    names += [f"densenet{depth}" for depth in (121, 161, 169, 201, 264)]
    names += [
        f"shufflenet_v2_{x}" for x in ("x0_25", "x0_33", "x0_5", "x1_0", "x1_5", "x2_0", "swish")
    ]
    for name in names:
        network(name, f"models.{name}()", [3, 224, 224])
    for name in ("vgg11", "vgg16"):
        network(f"{name}_bn", f"models.{name}(batch_norm=True)", [3, 224, 224])
    for name in ("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"):
        for scale in (0.25, 0.5, 0.75, 1.0, 1.25):
            suffix = "" if scale == 1.0 else f"_x{scale}".replace(".", "_")
            network(f"{name}{suffix}", f"models.{name}(scale={scale})", [3, 224, 224])
    network("inception_v3", "models.inception_v3()", [3, 299, 299])


def write(path: Path) -> None:
    """One case a line, so that a difference reads as one."""
    rows = ",\n".join("    " + json.dumps(row) for row in CASES)
    nets = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in NETWORKS.items()
    )
    versions = json.dumps({"paddlepaddle": paddle.__version__})
    parts = [
        f'  "versions": {versions}',
        f'  "networks": {{\n{nets}\n  }}',
        f'  "cases": [\n{rows}\n  ]',
    ]
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def main() -> None:
    for group in (
        *(convolutions, pools, normalisations, activations, dense, joins),
        *(arithmetic, tensors, attention, sharing, networks),
    ):
        group()
    write(Path(__file__).with_name("paddle.json"))


if __name__ == "__main__":
    main()
