"""Records what flax's `tabulate(compute_flops=True)` says of layers and networks, in flax.json.

Needs Python 3.11 and, from PyPI, flax 0.12.8 with jax 0.10.2 (the CPU build):

    pip install flax==0.12.8 jax==0.10.2 jaxlib==0.10.2
    python tests/reference/record_flax.py

The figures are read from the printed table: `flops` from the row of the module itself, `params`
from the line `Total Parameters`, which adds up every collection, running statistics too. Flax
asks XLA's cost analysis of the lowered program, before any optimisation; that one keeps
`transcendentals` (exponentials, logarithms, roots, tanh) apart from FLOPs, so they are recorded
beside them. It adds up in single precision, so a count above 2**24 is rounded.

Flax is channels-last; `input` and `output_shape` are written channels first, as everywhere in
convcalc.
"""

# The packages are not there where types are checked.
# mypy: allow-subclassing-any, allow-untyped-decorators

import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["JAX_PLATFORMS"] = "cpu"

import flax
import jax
import jax.numpy as jnp
from flax import linen as nn

Layers = list[Any]
Fields = dict[str, Any]
CASES: list[Fields] = []
NETWORKS: dict[str, Fields] = {}


class Apply(nn.Module):
    """A function as a module."""

    function: Callable[[Any], Any]

    @nn.compact
    def __call__(self, x: Any) -> Any:
        return self.function(x)


class Scale(nn.Module):
    """One learned factor a channel."""

    @nn.compact
    def __call__(self, x: Any) -> Any:
        return x * self.param("scale", nn.initializers.ones, (x.shape[-1],))


class With(nn.Module):
    """A function of a tensor and a learned one."""

    shape: Sequence[int]
    function: Callable[[Any, Any], Any]

    @nn.compact
    def __call__(self, x: Any) -> Any:
        return self.function(x, self.param("weight", nn.initializers.ones, self.shape))


class Twice(nn.Module):
    """A module that is called again on what it made."""

    module: nn.Module

    @nn.compact
    def __call__(self, x: Any) -> Any:
        return self.module(self.module(x))


class Encoder(nn.Module):
    """A transformer's block."""

    heads: int

    @nn.compact
    def __call__(self, x: Any) -> Any:
        features = x.shape[-1]
        y = nn.LayerNorm()(x)
        x = x + nn.MultiHeadDotProductAttention(num_heads=self.heads)(y)
        y = nn.Dense(2 * features)(nn.LayerNorm()(x))
        return x + nn.Dense(features)(nn.gelu(y, approximate=False))


def first(x: Any) -> Any:
    """The tensor with its channels before the other axes, where convcalc counts its axes from."""
    return jnp.moveaxis(x, -1, 1)


def last(x: Any) -> Any:
    """The way back."""
    return jnp.moveaxis(x, 1, -1)


class SqueezeExcite(nn.Module):
    """Squeeze and excitation."""

    squeeze: int

    @nn.compact
    def __call__(self, x: Any) -> Any:
        y = x.mean(axis=(1, 2), keepdims=True)
        y = nn.relu(nn.Conv(self.squeeze, (1, 1))(y))
        return x * nn.sigmoid(nn.Conv(x.shape[-1], (1, 1))(y))


class LeNet(nn.Module):
    """Two convolutions with average pools, three dense layers."""

    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.relu(nn.Conv(6, (5, 5), padding=2)(x))
        x = nn.avg_pool(x, (2, 2), (2, 2))
        x = nn.relu(nn.Conv(16, (5, 5), padding="VALID")(x))
        x = nn.avg_pool(x, (2, 2), (2, 2))
        x = x.reshape((x.shape[0], -1))
        x = nn.relu(nn.Dense(120)(x))
        x = nn.relu(nn.Dense(84)(x))
        return nn.Dense(10)(x)


class ConvNorm(nn.Module):
    """A convolution without bias, then batch norm."""

    features: int
    kernel: int = 3
    stride: int = 1
    groups: int = 1

    @nn.compact
    def __call__(self, x: Any) -> Any:
        size = (self.kernel, self.kernel)
        conv = nn.Conv(
            self.features, size, self.stride, feature_group_count=self.groups, use_bias=False
        )
        return nn.BatchNorm(use_running_average=True)(conv(x))


class ResNet20(nn.Module):
    """He et al. 2016, section 4.2, with n = 3, and a projection where the shape changes."""

    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.relu(ConvNorm(16)(x))
        for stage, width in enumerate((16, 32, 64)):
            for block in range(3):
                stride = 2 if stage > 0 and block == 0 else 1
                y = nn.relu(ConvNorm(width, stride=stride)(x))
                y = ConvNorm(width)(y)
                if stride == 2:
                    x = ConvNorm(width, 1, stride)(x)
                x = nn.relu(x + y)
        return nn.Dense(10)(x.mean(axis=(1, 2)))


class MobileNetV1(nn.Module):
    """Howard et al. 2017, table 1."""

    rows: Sequence[tuple[int, int]] = (
        (64, 1),
        (128, 2),
        (128, 1),
        (256, 2),
        (256, 1),
        (512, 2),
        *[(512, 1)] * 5,
        (1024, 2),
        (1024, 1),
    )

    @nn.compact
    def __call__(self, x: Any) -> Any:
        x = nn.relu(ConvNorm(32, stride=2)(x))
        for features, stride in self.rows:
            channels = x.shape[-1]
            x = nn.relu(ConvNorm(channels, stride=stride, groups=channels)(x))
            x = nn.relu(ConvNorm(features, 1)(x))
        return nn.Dense(1000)(x.mean(axis=(1, 2)))


def measure(module: nn.Module, batch: int, shape: list[int]) -> Fields:
    x = jnp.zeros((batch, *shape[1:], shape[0]))
    key = jax.random.key(0)
    table = nn.tabulate(
        module, key, compute_flops=True, console_kwargs={"width": 2000, "force_terminal": False}
    )(x)
    cells = [re.split("[┃│]", line) for line in table.splitlines()]
    header = next(row for row in cells if any(cell.strip() == "flops" for cell in row))
    column = next(i for i, cell in enumerate(header) if cell.strip() == "flops")
    first = next(row for row in cells if len(row) == len(header) and row[column].strip().isdigit())
    total = re.search(r"Total Parameters: ([\d,]+)", table)

    variables = jax.eval_shape(module.init, key, x)
    lowered = jax.jit(lambda v, x: module.apply(v, x)).lower(variables, x)
    cost = lowered.cost_analysis() or {}
    out = jax.eval_shape(module.apply, variables, x).shape
    return {
        "output_shape": [out[-1], *out[1:-1]],
        "flops": int(first[column]),
        "transcendentals": int(cost.get("transcendentals", 0)),
        "params": int(total[1].replace(",", "")) if total else 0,
    }


def one_line(error: Exception) -> str:
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text}"[:200]


def case(
    name: str, shape: list[int], layers: Layers, code: str, batch: int = 1, beyond: str = ""
) -> None:
    """Measures the module, or function of a tensor, that `code` makes.

    `layers` says the same in convcalc's language, but for what is `beyond` it.
    """
    row: Fields = {
        "id": name,
        "input": shape,
        "batch": batch,
        "layers": layers,
        "code": code,
    }
    if beyond:
        row["beyond_spec"] = beyond
    try:
        made = eval(code)
        row.update(measure(made if isinstance(made, nn.Module) else Apply(made), batch, shape))
    except Exception as error:
        row["raises"] = one_line(error)
    CASES.append(row)


def network(name: str, module: nn.Module, shape: list[int], layers: Layers) -> None:
    NETWORKS[name] = {"input": shape, "layers": layers, **measure(module, 1, shape)}


def convolutions() -> None:
    more: Fields
    for rank, space in {1: [33], 2: [32, 31], 3: [8, 9, 12]}.items():
        shape = [16, *space]
        base = {"out_channels": 8, "kernel_size": 3}
        size = (3,) * rank
        for name, more, arguments in (
            ("k3-p1-bias", {"padding": 1}, "padding=1"),
            ("k3-p0", {"bias": False}, "padding='VALID', use_bias=False"),
            (
                "k3-s2-p1",
                {"stride": 2, "padding": 1, "bias": False},
                "strides=2, padding=1, use_bias=False",
            ),
            (
                "k3-s2-same",
                {"stride": 2, "padding": "same", "bias": False},
                "strides=2, use_bias=False",
            ),
            (
                "k3-d2-p2",
                {"dilation": 2, "padding": 2, "bias": False},
                "kernel_dilation=2, padding=2, use_bias=False",
            ),
            (
                "k3-d2-s2-same",
                {"dilation": 2, "stride": 2, "padding": "same", "bias": False},
                "kernel_dilation=2, strides=2, use_bias=False",
            ),
            ("k3-g4-p1-bias", {"groups": 4, "padding": 1}, "padding=1, feature_group_count=4"),
        ):
            code = f"nn.Conv(8, {size}, {arguments})"
            case(f"conv{rank}d-{name}", shape, [{"conv": {**base, **more}}], code)
        case(
            f"depthwise{rank}d-k3-p1-bias",
            shape,
            [{"depthwise_conv": {"kernel_size": 3, "padding": 1}}],
            f"nn.Conv(16, {size}, padding=1, feature_group_count=16)",
        )
        case(
            f"pointwise{rank}d",
            shape,
            [{"pointwise_conv": {"out_channels": 8, "bias": False}}],
            f"nn.Conv(8, {(1,) * rank}, use_bias=False)",
        )
        base = {"out_channels": 8, "kernel_size": 3, "bias": False}
        two = (2,) * rank
        for name, more, arguments in (
            ("k3-s1-p1", {"padding": 1}, "padding='SAME'"),
            ("k3-s2", {"stride": 2}, f"strides={two}, padding='VALID'"),
            (
                "k3-s2-same",
                {"stride": 2, "padding": [[0, 1]] * rank},
                f"strides={two}, padding='SAME'",
            ),
            (
                "k3-s2-p1-op1",
                {"stride": 2, "padding": 1, "output_padding": 1},
                f"strides={two}, padding={[(1, 2)] * rank}",
            ),
            (
                "k3-s2-d2",
                {"stride": 2, "dilation": 2},
                f"strides={two}, padding='VALID', kernel_dilation={two}",
            ),
        ):
            code = f"nn.ConvTranspose(8, {size}, {arguments}, use_bias=False)"
            case(
                f"conv_transpose{rank}d-{name}", shape, [{"conv_transpose": {**base, **more}}], code
            )

    for name, more, arguments in (
        ("k5-p2", {"kernel_size": 5, "padding": 2}, "(5, 5), padding=2"),
        ("k5-s2-same", {"kernel_size": 5, "stride": 2, "padding": "same"}, "(5, 5), strides=2"),
        ("k4-same", {"kernel_size": 4, "padding": "same"}, "(4, 4)"),
        ("k3-s3-same", {"kernel_size": 3, "stride": 3, "padding": "same"}, "(3, 3), strides=3"),
        ("k1-s2-same", {"kernel_size": 1, "stride": 2, "padding": "same"}, "(1, 1), strides=2"),
        (
            "k3x1-s1x2",
            {"kernel_size": [3, 1], "stride": [1, 2]},
            "(3, 1), strides=(1, 2), padding='VALID'",
        ),
        (
            "k3-p0-1x2-0",
            {"kernel_size": 3, "padding": [[0, 1], [2, 0]]},
            "(3, 3), padding=((0, 1), (2, 0))",
        ),
        ("k7-larger-than-input", {"kernel_size": 7, "padding": 3}, "(7, 7), padding=3"),
    ):
        shape = [3, 4, 5] if "larger" in name else [3, 31, 32]
        case(
            f"conv2d-{name}",
            shape,
            [{"conv": {"out_channels": 8, **more}}],
            f"nn.Conv(8, {arguments})",
        )
    case(
        "conv2d-k3-p1-bias-batch4",
        [16, 32, 32],
        [{"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1}}],
        "nn.Conv(8, (3, 3), padding=1)",
        batch=4,
    )
    case(
        "conv_transpose2d-k3-s2-bias-batch4",
        [16, 32, 32],
        [{"conv_transpose": {"out_channels": 8, "kernel_size": 3, "stride": 2}}],
        "nn.ConvTranspose(8, (3, 3), strides=(2, 2), padding='VALID')",
        batch=4,
    )
    case(
        "conv_transpose2d-k4-s2-p1-bias",
        [16, 14, 15],
        [{"conv_transpose": {"out_channels": 8, "kernel_size": 4, "stride": 2, "padding": 1}}],
        "nn.ConvTranspose(8, (4, 4), strides=(2, 2), padding='SAME')",
    )
    case(
        "depthwise2d-x2-k3-p1",
        [16, 32, 32],
        [{"depthwise_conv": {"multiplier": 2, "kernel_size": 3, "padding": 1, "bias": False}}],
        "nn.Conv(32, (3, 3), padding=1, feature_group_count=16, use_bias=False)",
    )
    case(
        "separable2d-k3-p1",
        [16, 32, 32],
        [{"separable_conv": {"out_channels": 24, "kernel_size": 3, "padding": 1}}],
        "nn.Sequential([nn.Conv(16, (3, 3), padding=1, feature_group_count=16), "
        "nn.Conv(24, (1, 1))])",
    )
    case(
        "global_depthwise2d",
        [16, 7, 7],
        [{"global_depthwise_conv": {"bias": False}}],
        "nn.Conv(16, (7, 7), padding='VALID', feature_group_count=16, use_bias=False)",
    )


def pools() -> None:
    for rank, space in {1: [33], 2: [33, 32], 3: [9, 12, 12]}.items():
        shape = [6, *space]
        axes = tuple(range(1, rank + 1))
        for name in ("max", "avg"):
            window = f"{(3,) * rank}, {(2,) * rank}"
            case(
                f"{name}_pool{rank}d-k3-s2-p1",
                shape,
                [{f"{name}_pool": {"kernel_size": 3, "stride": 2, "padding": 1}}],
                f"lambda x: nn.{name}_pool(x, {window}, {((1, 1),) * rank})",
            )
            case(
                f"{name}_pool{rank}d-k3-s2-same",
                shape,
                [{f"{name}_pool": {"kernel_size": 3, "stride": 2, "padding": "same"}}],
                f"lambda x: nn.{name}_pool(x, {window}, 'SAME')",
            )
            reduction = {"max": "max", "avg": "mean"}[name]
            case(
                f"global_{name}_pool{rank}d",
                shape,
                [f"global_{name}_pool"],
                f"lambda x: x.{reduction}(axis={axes}, keepdims=True)",
            )
    case(
        "max_pool2d-k3x2-s2x1-batch4",
        [6, 32, 32],
        [{"max_pool": {"kernel_size": [3, 2], "stride": [2, 1]}}],
        "lambda x: nn.max_pool(x, (3, 2), (2, 1))",
        batch=4,
    )
    case(
        "avg_pool2d-k2-batch4",
        [6, 32, 32],
        [{"avg_pool": {"kernel_size": 2}}],
        "lambda x: nn.avg_pool(x, (2, 2), (2, 2))",
        batch=4,
    )
    case(
        "avg_pool2d-k3-s2-same-excluding-padding",
        [6, 33, 32],
        [{"avg_pool": {"kernel_size": 3, "stride": 2, "padding": "same"}}],
        "lambda x: nn.avg_pool(x, (3, 3), (2, 2), 'SAME', count_include_pad=False)",
        beyond="the divisor leaves the padding out",
    )
    case(
        "global_avg_pool2d-batch4",
        [6, 7, 7],
        ["global_avg_pool"],
        "lambda x: x.mean(axis=(1, 2), keepdims=True)",
        batch=4,
    )


def normalisations() -> None:
    plain = "use_scale=False, use_bias=False"
    for rank, space in {1: [33], 2: [32, 32], 3: [8, 12, 12]}.items():
        shape = [12, *space]
        case(f"batch_norm{rank}d", shape, ["batch_norm"], "nn.BatchNorm(use_running_average=True)")
        case(f"group_norm{rank}d-g3", shape, [{"group_norm": {"groups": 3}}], "nn.GroupNorm(3)")
        case(
            f"instance_norm{rank}d-affine",
            shape,
            [{"instance_norm": {"affine": True}}],
            "nn.InstanceNorm()",
        )
    shape = [12, 32, 32]
    for name, spec, code in (
        (
            "batch_norm2d-plain",
            {"batch_norm": {"affine": False}},
            f"nn.BatchNorm(use_running_average=True, {plain})",
        ),
        (
            "group_norm2d-g3-plain",
            {"group_norm": {"groups": 3, "affine": False}},
            f"nn.GroupNorm(3, {plain})",
        ),
        ("instance_norm2d", "instance_norm", f"nn.InstanceNorm({plain})"),
    ):
        case(name, shape, [spec], code)
    case(
        "batch_norm2d-batch4",
        shape,
        ["batch_norm"],
        "nn.BatchNorm(use_running_average=True)",
        batch=4,
    )
    case(
        "group_norm2d-g3-batch4", shape, [{"group_norm": {"groups": 3}}], "nn.GroupNorm(3)", batch=4
    )
    case("layer_norm", [64], ["layer_norm"], "nn.LayerNorm()")
    case("layer_norm-plain", [64], [{"layer_norm": {"affine": False}}], f"nn.LayerNorm({plain})")
    case("layer_norm-batch4", [64], ["layer_norm"], "nn.LayerNorm()", batch=4)


def activations() -> None:
    for name in (
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "gelu",
        "silu",
        "sigmoid",
        "tanh",
        "softmax",
        "softplus",
    ):
        if name == "gelu":
            case("gelu", [12, 9, 9], ["gelu"], "lambda x: nn.gelu(x, approximate=False)")
            case("gelu-tanh", [12, 9, 9], ["gelu"], "nn.gelu", beyond="tanh's approximation")
        else:
            case(name, [12, 9, 9], [name], f"nn.{name}")
    case("hard_swish", [12, 9, 9], ["hard_swish"], "nn.hard_swish")
    case("hard_sigmoid", [12, 9, 9], ["hard_sigmoid"], "nn.hard_sigmoid")
    case("mish", [12, 9, 9], ["mish"], "jax.nn.mish")
    case("prelu", [12, 9, 9], ["prelu"], "nn.PReLU()")
    case("relu-batch4", [12, 9, 9], ["relu"], "nn.relu", batch=4)
    case("softmax-batch4", [64], ["softmax"], "nn.softmax", batch=4)


def dense() -> None:
    linear = {"out_features": 10}
    case("linear-bias", [64], [{"linear": linear}], "nn.Dense(10)")
    case("linear", [64], [{"linear": {**linear, "bias": False}}], "nn.Dense(10, use_bias=False)")
    case("linear-bias-batch4", [64], [{"linear": linear}], "nn.Dense(10)", batch=4)
    case(
        "linear-per-position",
        [64, 7, 5],
        [{"linear": {**linear, "per_position": True}}],
        "nn.Dense(10)",
    )
    case("flatten", [4, 6, 6], ["flatten"], "lambda x: x.reshape((x.shape[0], -1))")
    case("dropout", [64], [{"dropout": {"rate": 0.2}}], "nn.Dropout(0.2, deterministic=True)")
    case("scale", [4, 6, 6], ["scale"], "Scale()")


def joins() -> None:
    both = {"from": ["input", "input"]}
    case("add", [4, 6, 6], [{"add": both}], "lambda x: x + x")
    case("mul", [4, 6, 6], [{"mul": both}], "lambda x: x * x")
    case("concat", [4, 6, 6], [{"concat": both}], "lambda x: jnp.concatenate([x, x], axis=-1)")
    case(
        "pad",
        [4, 6, 6],
        [{"pad": {"padding": 1}}],
        "lambda x: jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))",
    )
    for mode in ("nearest", "bilinear", "bicubic"):
        for side in (12, 18):
            case(
                f"upsample-{mode}-x{side // 6}",
                [4, 6, 6],
                [{"upsample": {"scale": side // 6, "mode": mode}}],
                f"lambda x: jax.image.resize(x, (1, {side}, {side}, 4), '{mode}')",
            )
    case("squeeze_excite", [16, 8, 8], [{"squeeze_excite": {"squeeze": 4}}], "SqueezeExcite(4)")


def arithmetic() -> None:
    """Two tensors, a tensor and a constant, and functions of an element."""
    shape = [4, 6, 6]
    halves: Layers = [{"split": {"name": "half", "sections": 2}}]
    both = {"from": ["half.0", "half.1"]}
    for name, code in {
        "sub": "a - b",
        "div": "a / b",
        "maximum": "jnp.maximum(a, b)",
        "minimum": "jnp.minimum(a, b)",
    }.items():
        code = f"lambda x: (lambda a, b: {code})(*jnp.split(x, 2, -1))"
        case(name, shape, [*halves, {name: both}], code)
    case("add-of-3", shape, [{"add": {"from": ["input"] * 3}}], "lambda x: x + x + x")
    for name, code in {
        "add": "x + 0.5",
        "sub": "x - 0.5",
        "mul": "x * 0.5",
        "div": "x / 0.5",
        "maximum": "jnp.maximum(x, 0.5)",
        "minimum": "jnp.minimum(x, 0.5)",
    }.items():
        case(f"{name}-value", shape, [{name: {"value": 0.5}}], f"lambda x: {code}")
    case("mul-value-batch4", shape, [{"mul": {"value": 2}}], "lambda x: x * 2", batch=4)
    for name, fields, code in (
        ("clamp", {"min": 0, "max": 1}, "jnp.clip(x, 0.0, 1.0)"),
        ("clamp-min", {"min": 0.25}, "jnp.clip(x, min=0.25)"),
        ("clamp-max", {"max": 1}, "jnp.clip(x, max=1.0)"),
    ):
        case(name, shape, [{"clamp": fields}], f"lambda x: {code}")
    whole = "the bounds are whole numbers, which are converted"
    bounds = [{"clamp": {"min": 0, "max": 1}}]
    case("clamp-whole", shape, bounds, "lambda x: jnp.clip(x, 0, 1)", beyond=whole)
    for name in ("abs", "sqrt", "square", "exp", "log"):
        case(name, shape, [name], f"jnp.{name}")
    case("square-batch4", shape, ["square"], "jnp.square", batch=4)
    case("square-power", shape, ["square"], "lambda x: x**2")
    case("softmax-axis2", shape, [{"softmax": {"axis": 2}}], "lambda x: nn.softmax(x, 2)")
    case(
        "softmax-axis1-batch4",
        [4, 5, 6],
        [{"softmax": {"axis": 1}}],
        "lambda x: nn.softmax(x, 1)",
        batch=4,
    )


def tensors() -> None:
    """Products of matrices, sums along axes, learned tensors, and what moves elements."""
    sizes = {2: [5, 7], 3: [3, 5, 7], 4: [2, 3, 5, 7]}
    both = {"from": ["input", "input"]}
    for rank, shape in sizes.items():
        layers: Layers = [{"matmul": {**both, "transpose_b": True}}]
        code = "lambda x: last(first(x) @ first(x).swapaxes(-1, -2))"
        case(f"matmul{rank}d-transpose_b", shape, layers, code)
    case("matmul4d-transpose_b-batch4", shape, layers, code, batch=4)
    layers = [{"matmul": {**both, "transpose_a": True}}]
    code = "lambda x: last(first(x).swapaxes(-1, -2) @ first(x))"
    case("matmul3d-transpose_a", sizes[3], layers, code)
    one = {"reduce": {"op": "max", "axes": [0], "keep": True, "name": "one"}}
    for name, order, code in (
        ("first", ["one", "input"], "x.max(1, keepdims=True) @ x.swapaxes(-1, -2)"),
        ("second", ["input", "one"], "x @ x.max(1, keepdims=True).swapaxes(-1, -2)"),
    ):
        layers = [one, {"matmul": {"from": order, "transpose_b": True}}]
        code = f"lambda x: (lambda x: last({code}))(first(x))"
        case(f"matmul3d-broadcast-{name}", sizes[3], layers, code)
    table = {"parameter": {"shape": [7, 4], "name": "table"}}
    layers = [table, {"matmul": {"from": ["input", "table"]}}]
    code = "With((7, 4), lambda x, w: last(first(x) @ w))"
    for batch in (1, 4):
        name = "matmul2d-parameter" + ("-batch4" if batch > 1 else "")
        case(name, [5, 7], layers, code, batch)
    table = {"parameter": {"shape": [16, 50], "name": "table"}}
    layers = [table, {"add": {"from": ["input", "table"]}}]
    for batch in (1, 4):
        name = "parameter-add" + ("-batch4" if batch > 1 else "")
        case(name, [16, 50], layers, "With((50, 16), lambda x, w: x + w)", batch)
    token = {"parameter": {"shape": [16, 1], "name": "token"}}
    layers = [token, {"concat": {"from": ["token", "input"], "axis": 1}}]
    code = "With((1, 1, 16), lambda x, w: jnp.concatenate([jnp.tile(w, (len(x), 1, 1)), x], 1))"
    for batch in (1, 4):
        case("parameter-concat" + ("-batch4" if batch > 1 else ""), [16, 50], layers, code, batch)
    shape = [4, 6, 10]
    for name, op, axes, keep, code in (
        ("mean", "mean", [1, 2], True, "x.mean((1, 2), keepdims=True)"),
        ("mean-dropped", "mean", [-1], False, "x.mean(2)"),
        ("mean-channels", "mean", [0], True, "x.mean(-1, keepdims=True)"),
        ("sum", "sum", [1], False, "x.sum(1)"),
        ("sum-all", "sum", [0, 1, 2], True, "x.sum((1, 2, 3), keepdims=True)"),
        ("max", "max", [0], True, "x.max(-1, keepdims=True)"),
        ("max-two", "max", [1, 2], False, "x.max((1, 2))"),
        ("min", "min", [0], True, "x.min(-1, keepdims=True)"),
        ("l2", "l2", [0], True, "jnp.linalg.norm(x, axis=-1, keepdims=True)"),
        ("l2-two", "l2", [1, 2], False, "jnp.sqrt(jnp.sum(x * x, axis=(1, 2)))"),
    ):
        layers = [{"reduce": {"op": op, "axes": axes, "keep": keep}}]
        case(f"reduce-{name}", shape, layers, f"lambda x: {code}")
    layers = [{"reduce": {"op": "mean", "axes": [1]}}]
    case("reduce-mean-batch4", shape, layers, "lambda x: x.mean(1)", batch=4)
    for name, spec, code in (
        ("permute", {"permute": {"order": [1, 2, 0]}}, "x.transpose(0, 2, 3, 1)"),
        ("flatten-start_axis", {"flatten": {"start_axis": 1}}, "x.reshape(len(x), -1, 4)"),
        ("concat-axis", {"concat": {**both, "axis": 2}}, "jnp.concatenate([x, x], 2)"),
        (
            "slice-axis",
            {"slice": {"axis": 2, "start": 1, "stop": -1, "step": 2}},
            "x[:, :, 1:-1:2]",
        ),
        (
            "pad-axis",
            {"pad": {"axis": 1, "padding": [2, 1]}},
            "jnp.pad(x, ((0, 0), (2, 1), (0, 0), (0, 0)))",
        ),
        (
            "pad-cut",
            {"pad": {"axis": 1, "padding": [-1, -1]}},
            "jax.lax.pad(x, 0.0, ((0, 0, 0), (-1, -1, 0), (0, 0, 0), (0, 0, 0)))",
        ),
        (
            "pixel_unshuffle",
            {"pixel_unshuffle": {"factor": 2}},
            "x.reshape(-1, 3, 2, 5, 2, 4).transpose(0, 1, 3, 5, 2, 4).reshape(-1, 3, 5, 16)",
        ),
        (
            "pixel_shuffle",
            {"pixel_shuffle": {"factor": 2}},
            "x.reshape(-1, 6, 10, 1, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(-1, 12, 20, 1)",
        ),
    ):
        case(name, shape, [spec], f"lambda x: {code}")
    case(
        "unfold",
        shape,
        [{"unfold": {"kernel_size": 3, "padding": 1, "stride": 2}}],
        "lambda x: jax.lax.conv_general_dilated_patches(x, (3, 3), (2, 2), ((1, 1), (1, 1)), "
        "dimension_numbers=('NHWC', 'OIHW', 'NHWC')).reshape(-1, 15, 36)",
        beyond="no layer: a convolution with ones and zeros for weights",
    )
    layers = [{"split": {"name": "part", "sizes": [2, 8], "axis": 2}}]
    layers += [{"concat": {"from": ["part.1", "part.0"], "axis": 2}}]
    code = "lambda x: jnp.concatenate(jnp.split(x, [2], 2)[::-1], 2)"
    case("split-axis", shape, layers, code)
    shape = [16, 50]
    for bias in (True, False):
        linear = {"out_features": 10, "per_position": True, "bias": bias}
        code = f"nn.Dense(10, use_bias={bias})"
        case(f"linear-tokens{'-bias' if bias else ''}", shape, [{"linear": linear}], code)
    for name, affine in (("", True), ("-plain", False)):
        code = f"nn.RMSNorm(use_scale={affine})"
        case(f"rms_norm{name}", shape, [{"rms_norm": {"affine": affine}}], code)
    case("rms_norm-flat", [16], ["rms_norm"], "nn.RMSNorm()")
    case("rms_norm-batch4", shape, ["rms_norm"], "nn.RMSNorm()", batch=4)
    case("layer_norm-tokens", shape, ["layer_norm"], "nn.LayerNorm()")


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
        ("", plain, "num_heads=4"),
        ("-head_channels", {**plain, "head_channels": 6}, "num_heads=4, qkv_features=24"),
    ):
        code = f"nn.MultiHeadDotProductAttention({code})"
        case(f"self_attention{name}", shape, [{"self_attention": fields}], code)
    layers: Layers = [{"self_attention": plain}]
    code = "nn.MultiHeadDotProductAttention(num_heads=4)"
    case("self_attention-batch4", shape, layers, code, batch=4)
    case("self_attention-twice", shape, layers * 2, f"nn.Sequential([{code}, {code}])")
    case("encoder_block", shape, encoder_block(16, 4), "Encoder(4)", batch=4)
    wider = [{"self_attention": {"heads": 2}}]
    code = "nn.MultiHeadDotProductAttention(num_heads=2)"
    case("self_attention-h2", [12, 7], wider, code)


def sharing() -> None:
    """Weights that are used twice."""
    conv: Fields = {"out_channels": 4, "kernel_size": 3, "padding": "same", "name": "first"}
    layers: Layers = [{"conv": conv}, {"conv": {**conv, "name": "second", "weights": "first"}}]
    case("shared-conv", [4, 6, 6], layers, "Twice(nn.Conv(4, (3, 3)))")
    linear: Fields = {"out_features": 8, "name": "first"}
    layers = [{"linear": linear}, {"linear": {**linear, "name": "second", "weights": "first"}}]
    case("shared-linear", [8], layers, "Twice(nn.Dense(8))")


def networks() -> None:
    def conv_bn(out: int, k: int = 3, stride: int = 1) -> Layers:
        fields = {"out_channels": out, "kernel_size": k, "bias": False}
        more = {"stride": stride} if stride > 1 else {}
        padding = {"padding": "same"} if k > 1 or stride > 1 else {}
        return [{"conv": {**fields, **more, **padding}}, "batch_norm"]

    network(
        "lenet",
        LeNet(),
        [1, 28, 28],
        [
            {"conv": {"out_channels": 6, "kernel_size": 5, "padding": 2}},
            "relu",
            {"avg_pool": {"kernel_size": 2}},
            {"conv": {"out_channels": 16, "kernel_size": 5}},
            "relu",
            {"avg_pool": {"kernel_size": 2}},
            "flatten",
            {"linear": {"out_features": 120}},
            "relu",
            {"linear": {"out_features": 84}},
            "relu",
            {"linear": {"out_features": 10}},
        ],
    )

    layers: Layers = [*conv_bn(16), "relu"]
    for stage, width in enumerate((16, 32, 64)):
        for block in range(3):
            stride = 2 if stage > 0 and block == 0 else 1
            body = [*conv_bn(width, stride=stride), "relu", *conv_bn(width)]
            shortcut = {"shortcut": conv_bn(width, 1, stride)} if stride == 2 else {}
            layers += [{"residual": {"layers": body, **shortcut}}, "relu"]
    layers += ["global_avg_pool", "flatten", {"linear": {"out_features": 10}}]
    network("resnet20", ResNet20(), [3, 32, 32], layers)

    layers = [*conv_bn(32, stride=2), "relu"]
    for features, stride in MobileNetV1.rows:
        depthwise = {"kernel_size": 3, "padding": "same", "bias": False}
        if stride > 1:
            depthwise["stride"] = stride
        layers += [{"depthwise_conv": depthwise}, "batch_norm", "relu"]
        layers += [*conv_bn(features, 1), "relu"]
    layers += ["global_avg_pool", "flatten", {"linear": {"out_features": 1000}}]
    for side in (32, 96, 224):
        network(f"mobilenet_v1_{side}", MobileNetV1(), [3, side, side], layers)


def write(path: Path) -> None:
    """One case a line, so that a difference reads as one."""
    rows = ",\n".join("    " + json.dumps(row) for row in CASES)
    nets = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in NETWORKS.items()
    )
    versions = json.dumps({"flax": flax.__version__, "jax": jax.__version__})
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
    write(Path(__file__).with_name("flax.json"))


if __name__ == "__main__":
    main()
