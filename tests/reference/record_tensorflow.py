"""Records what TensorFlow's profiler says of Keras layers and networks, in tensorflow.json.

Needs Python 3.11 and, from PyPI, tensorflow 2.21.0 with keras 3.15.1 (any CPU build):

    pip install tensorflow==2.21.0 keras==3.15.1
    python tests/reference/record_tensorflow.py

`flops` is `float_operation` of `tf.compat.v1.profiler.profile` over the graph of the inference
function, traced for a fixed batch; no layer is asked, only the graph's operations, and one that
the profiler has no statistic for is 0. Many people freeze the variables into constants first:
where that changes the count, `frozen_flops` is the other one. `params` is Keras'
`count_params()`, trainable and not.

Keras is channels-last; `input` and `output_shape` are written channels first, as everywhere in
convcalc. Keras has no symmetric padding, so a padded convolution is `ZeroPadding` and a
convolution without padding.
"""

# The packages are not there where types are checked.
# mypy: allow-subclassing-any

import contextlib
import io
import json
import os
import re
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow as tf
from keras import applications, layers, ops  # noqa: F401
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

Layers = list[Any]
Fields = dict[str, Any]
CASES: list[Fields] = []
NETWORKS: dict[str, Fields] = {}


def channels_last(shape: list[int]) -> list[int]:
    return [*shape[1:], shape[0]]


def channels_first(shape: list[int]) -> list[int]:
    return [shape[-1], *shape[:-1]]


def float_operations(graph: Any) -> int:
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    with contextlib.redirect_stderr(io.StringIO()):
        profile = tf.compat.v1.profiler.profile(graph=graph, options=options)
    return int(profile.total_float_ops)


def measure(model: Any, batch: int, shape: list[int]) -> dict[str, int]:
    signature = tf.TensorSpec([batch, *channels_last(shape)], tf.float32)
    traced = tf.function(lambda x: model(x, training=False)).get_concrete_function(signature)
    row = {"flops": float_operations(traced.graph), "params": model.count_params()}
    frozen = float_operations(convert_variables_to_constants_v2(traced).graph)
    if frozen != row["flops"]:
        row["frozen_flops"] = frozen
    return row


def one_line(error: Exception) -> str:
    lines = [re.sub(r"\x1b\[\d*m", "", line).strip() for line in str(error).splitlines()]
    frames = ("File ", "in user code", "raise ", "lambda ", "ValueError: Exception", "Exception")
    text = next((line for line in lines if line and not line.startswith(frames)), "")
    return f"{type(error).__name__}: {text.split(' for ')[0]}"[:200]


def case(name: str, shape: list[int], spec: Layers, code: str, batch: int = 1) -> None:
    """Measures the layer, or function of a tensor, that `code` makes.

    `spec` says the same in convcalc's language.
    """
    row: Fields = {
        "id": name,
        "input": shape,
        "batch": batch,
        "layers": spec,
        "code": code,
    }
    try:
        keras.utils.set_random_seed(0)
        tensor = keras.Input(batch_shape=(batch, *channels_last(shape)))
        model = keras.Model(tensor, eval(code)(tensor))
        measured = measure(model, batch, shape)
        row["output_shape"] = channels_first([int(size) for size in model.output_shape[1:]])
        row.update(measured)
    except Exception as error:
        row["raises"] = one_line(error)
    CASES.append(row)
    keras.backend.clear_session()


def network(name: str, code: str, shape: list[int]) -> None:
    NETWORKS[name] = {"input": shape, "code": code, **measure(eval(code), 1, shape)}
    keras.backend.clear_session()


class With(keras.layers.Layer):
    """A function of a tensor and a learned one."""

    def __init__(self, shape: tuple[int, ...], function: Any) -> None:
        super().__init__()
        self.function = function
        self.weight = self.add_weight(shape=shape)

    def call(self, x: Any) -> Any:
        return self.function(x, self.weight)


def first(x: Any) -> Any:
    """The tensor with its channels before the other axes, where convcalc counts its axes from."""
    return ops.moveaxis(x, -1, 1)


def last(x: Any) -> Any:
    """The way back."""
    return ops.moveaxis(x, 1, -1)


def twice(layer: Any) -> Any:
    """A layer that is called again on what it made."""
    return lambda x: layer(layer(x))


def chain(*parts: str) -> str:
    return f"keras.Sequential([{', '.join(parts)}])"


def convolutions() -> None:
    more: Fields
    for rank, space in {1: [33], 2: [32, 32], 3: [8, 12, 12]}.items():
        shape = [16, *space]
        base = {"out_channels": 8, "kernel_size": 3}
        pad = f"layers.ZeroPadding{rank}D(1)"
        conv = f"layers.Conv{rank}D"
        for name, more, code in (
            ("k3-p1-bias", {"padding": 1}, chain(pad, f"{conv}(8, 3)")),
            ("k3-p1", {"padding": 1, "bias": False}, chain(pad, f"{conv}(8, 3, use_bias=False)")),
            (
                "k3-s2-same-bias",
                {"stride": 2, "padding": "same"},
                f"{conv}(8, 3, strides=2, padding='same')",
            ),
            ("k3-d2-bias", {"dilation": 2}, f"{conv}(8, 3, dilation_rate=2)"),
            (
                "k3-d2-same-bias",
                {"dilation": 2, "padding": "same"},
                f"{conv}(8, 3, dilation_rate=2, padding='same')",
            ),
            ("k3-g4-bias", {"groups": 4}, f"{conv}(8, 3, groups=4)"),
            ("k3-g4", {"groups": 4, "bias": False}, f"{conv}(8, 3, groups=4, use_bias=False)"),
        ):
            case(f"conv{rank}d-{name}", shape, [{"conv": {**base, **more}}], code)
        case(
            f"pointwise{rank}d",
            shape,
            [{"pointwise_conv": {"out_channels": 8, "bias": False}}],
            f"{conv}(8, 1, use_bias=False)",
        )
        transposed = f"layers.Conv{rank}DTranspose"
        for name, more, arguments in (
            ("k3-s2-bias", {"stride": 2}, "strides=2"),
            ("k3-s2", {"stride": 2, "bias": False}, "strides=2, use_bias=False"),
            (
                "k3-s2-p1-op1-bias",
                {"stride": 2, "padding": 1, "output_padding": 1},
                "strides=2, padding='same'",
            ),
            ("k3-s1-p1-bias", {"padding": 1}, "padding='same'"),
        ):
            code = f"{transposed}(8, 3, {arguments})"
            case(
                f"conv_transpose{rank}d-{name}", shape, [{"conv_transpose": {**base, **more}}], code
            )

    for rank, space in {1: [33], 2: [32, 32]}.items():
        shape = [16, *space]
        for name, more, arguments in (
            ("k3-same-bias", {"padding": "same"}, "padding='same'"),
            (
                "k3-s2-same",
                {"stride": 2, "padding": "same", "bias": False},
                "strides=2, padding='same', use_bias=False",
            ),
            ("k3-x2-bias", {"multiplier": 2}, "depth_multiplier=2"),
            ("k3-d2-bias", {"dilation": 2}, "dilation_rate=2"),
        ):
            case(
                f"depthwise{rank}d-{name}",
                shape,
                [{"depthwise_conv": {"kernel_size": 3, **more}}],
                f"layers.DepthwiseConv{rank}D(3, {arguments})",
            )
        case(
            f"separable{rank}d-k3-same",
            shape,
            [
                {"depthwise_conv": {"kernel_size": 3, "padding": "same", "bias": False}},
                {"pointwise_conv": {"out_channels": 24}},
            ],
            f"layers.SeparableConv{rank}D(24, 3, padding='same')",
        )

    case(
        "conv2d-k3-s2-same-odd",
        [3, 31, 33],
        [{"conv": {"out_channels": 8, "kernel_size": 3, "stride": 2, "padding": "same"}}],
        "layers.Conv2D(8, 3, strides=2, padding='same')",
    )
    case(
        "conv2d-k3-d3-odd",
        [4, 20, 23],
        [{"conv": {"out_channels": 6, "kernel_size": 3, "dilation": 3, "bias": False}}],
        "layers.Conv2D(6, 3, dilation_rate=3, use_bias=False)",
    )
    case(
        "conv3d-k3-d2-odd",
        [4, 9, 10, 13],
        [{"conv": {"out_channels": 6, "kernel_size": 3, "dilation": 2, "bias": False}}],
        "layers.Conv3D(6, 3, dilation_rate=2, use_bias=False)",
    )
    case(
        "conv2d-k3-d2-s2",
        [4, 20, 23],
        [{"conv": {"out_channels": 6, "kernel_size": 3, "dilation": 2, "stride": 2}}],
        "layers.Conv2D(6, 3, dilation_rate=2, strides=2)",
    )
    case(
        "conv2d-k3x1-s1x2",
        [4, 20, 30],
        [{"conv": {"out_channels": 6, "kernel_size": [3, 1], "stride": [1, 2]}}],
        "layers.Conv2D(6, (3, 1), strides=(1, 2))",
    )
    case(
        "conv2d-k3-bias-batch4",
        [16, 32, 32],
        [{"conv": {"out_channels": 8, "kernel_size": 3}}],
        "layers.Conv2D(8, 3)",
        batch=4,
    )
    case(
        "conv2d-g16-as-depthwise",
        [16, 32, 32],
        [{"conv": {"out_channels": 16, "kernel_size": 3, "groups": 16}}],
        "layers.Conv2D(16, 3, groups=16)",
    )
    case(
        "conv2d-g4-then-conv",
        [16, 32, 32],
        [
            {"conv": {"out_channels": 8, "kernel_size": 3, "groups": 4}},
            {"conv": {"out_channels": 8, "kernel_size": 3}},
        ],
        chain("layers.Conv2D(8, 3, groups=4)", "layers.Conv2D(8, 3)"),
    )
    case(
        "conv_transpose2d-rounded-down",
        [3, 32, 32],
        [{"conv_transpose": {"out_channels": 5, "kernel_size": 3, "stride": 2, "bias": False}}],
        "layers.Conv2DTranspose(5, 3, strides=2, use_bias=False)",
    )
    case(
        "conv_transpose2d-k2-s3x1",
        [3, 10, 11],
        [{"conv_transpose": {"out_channels": 5, "kernel_size": 3, "stride": [3, 1]}}],
        "layers.Conv2DTranspose(5, 3, strides=(3, 1))",
    )
    case(
        "conv_transpose2d-k3-s2-bias-batch4",
        [16, 32, 32],
        [{"conv_transpose": {"out_channels": 8, "kernel_size": 3, "stride": 2}}],
        "layers.Conv2DTranspose(8, 3, strides=2)",
        batch=4,
    )
    case(
        "global_depthwise2d",
        [16, 7, 7],
        [{"global_depthwise_conv": {"bias": False}}],
        "layers.DepthwiseConv2D(7, use_bias=False)",
    )


def pools() -> None:
    for rank, space in {1: [33], 2: [33, 32], 3: [9, 12, 12]}.items():
        shape = [6, *space]
        for name, title in (("max", "Max"), ("avg", "Average")):
            case(
                f"{name}_pool{rank}d-k3-s2-same",
                shape,
                [{f"{name}_pool": {"kernel_size": 3, "stride": 2, "padding": "same"}}],
                f"layers.{title}Pooling{rank}D(3, strides=2, padding='same')",
            )
            case(
                f"{name}_pool{rank}d-k2",
                shape,
                [{f"{name}_pool": {"kernel_size": 2}}],
                f"layers.{title}Pooling{rank}D(2)",
            )
            case(
                f"global_{name}_pool{rank}d",
                shape,
                [f"global_{name}_pool"],
                f"layers.Global{title}Pooling{rank}D(keepdims=True)",
            )
            case(
                f"adaptive_{name}_pool{rank}d-5",
                shape,
                [{f"adaptive_{name}_pool": {"output_size": 5}}],
                f"layers.Adaptive{title}Pooling{rank}D(5)",
            )
    for name, size in (("8x4", (8, 4)), ("7", 7), ("3x6", (3, 6))):
        case(
            f"adaptive_avg_pool2d-{name}",
            [6, 32, 32],
            [
                {
                    "adaptive_avg_pool": {
                        "output_size": list(size) if isinstance(size, tuple) else size
                    }
                }
            ],
            f"layers.AdaptiveAveragePooling2D({size})",
        )
    case(
        "adaptive_avg_pool2d-1",
        [6, 8, 8],
        [{"adaptive_avg_pool": {"output_size": 1}}],
        "layers.AdaptiveAveragePooling2D(1)",
    )
    case(
        "adaptive_avg_pool2d-5-batch4",
        [6, 32, 32],
        [{"adaptive_avg_pool": {"output_size": 5}}],
        "layers.AdaptiveAveragePooling2D(5)",
        batch=4,
    )
    case(
        "max_pool2d-k3x2-s2x1-batch4",
        [6, 32, 32],
        [{"max_pool": {"kernel_size": [3, 2], "stride": [2, 1]}}],
        "layers.MaxPooling2D((3, 2), strides=(2, 1))",
        batch=4,
    )
    case(
        "global_avg_pool2d-batch4",
        [6, 7, 7],
        ["global_avg_pool"],
        "layers.GlobalAveragePooling2D(keepdims=True)",
        batch=4,
    )


def normalisations() -> None:
    for rank, space in {1: [33], 2: [32, 32], 3: [8, 12, 12]}.items():
        shape = [12, *space]
        case(f"batch_norm{rank}d", shape, ["batch_norm"], "layers.BatchNormalization()")
        case(
            f"group_norm{rank}d-g3",
            shape,
            [{"group_norm": {"groups": 3}}],
            "layers.GroupNormalization(3)",
        )
    plain = "scale=False, center=False"
    case("batch_norm0d", [64], ["batch_norm"], "layers.BatchNormalization()")
    case(
        "batch_norm2d-plain",
        [12, 32, 32],
        [{"batch_norm": {"affine": False}}],
        f"layers.BatchNormalization({plain})",
    )
    case(
        "batch_norm2d-batch4", [12, 32, 32], ["batch_norm"], "layers.BatchNormalization()", batch=4
    )
    case(
        "group_norm2d-g3-plain",
        [12, 32, 32],
        [{"group_norm": {"groups": 3, "affine": False}}],
        f"layers.GroupNormalization(3, {plain})",
    )
    case(
        "group_norm2d-g3-batch4",
        [12, 32, 32],
        [{"group_norm": {"groups": 3}}],
        "layers.GroupNormalization(3)",
        batch=4,
    )
    case(
        "instance_norm2d-affine",
        [12, 32, 32],
        [{"instance_norm": {"affine": True}}],
        "layers.GroupNormalization(-1)",
    )
    case(
        "instance_norm2d",
        [12, 32, 32],
        ["instance_norm"],
        f"layers.GroupNormalization(-1, {plain})",
    )
    case("layer_norm", [64], ["layer_norm"], "layers.LayerNormalization()")
    case(
        "layer_norm-plain",
        [64],
        [{"layer_norm": {"affine": False}}],
        f"layers.LayerNormalization({plain})",
    )
    case("layer_norm-batch4", [64], ["layer_norm"], "layers.LayerNormalization()", batch=4)
    case(
        "local_response_norm",
        [12, 32, 32],
        [{"local_response_norm": {"size": 5}}],
        "layers.Lambda(lambda x: tf.nn.local_response_normalization(x, depth_radius=2))",
    )


def activations() -> None:
    for name, code in {
        "relu": "layers.ReLU()",
        "relu6": "layers.ReLU(6)",
        "leaky_relu": "layers.LeakyReLU()",
        "prelu": "layers.PReLU(shared_axes=[1, 2])",
        "elu": "layers.ELU()",
        "gelu": "layers.Activation('gelu')",
        "silu": "layers.Activation('silu')",
        "hard_swish": "layers.Activation('hard_silu')",
        "sigmoid": "layers.Activation('sigmoid')",
        "hard_sigmoid": "layers.Activation('hard_sigmoid')",
        "tanh": "layers.Activation('tanh')",
        "softmax": "layers.Softmax()",
        "mish": "layers.Activation('mish')",
        "softplus": "layers.Activation('softplus')",
    }.items():
        layer = {"prelu": {"num_parameters": 12}} if name == "prelu" else name
        case(name, [12, 9, 9], [layer], code)
    case(
        "prelu-batch4",
        [12, 9, 9],
        [{"prelu": {"num_parameters": 12}}],
        "layers.PReLU(shared_axes=[1, 2])",
        batch=4,
    )
    case("gelu-batch4", [12, 9, 9], ["gelu"], "layers.Activation('gelu')", batch=4)
    case("softmax-flat", [64], ["softmax"], "layers.Softmax()")


def dense() -> None:
    linear = {"out_features": 10}
    case("linear-bias", [64], [{"linear": linear}], "layers.Dense(10)")
    case(
        "linear", [64], [{"linear": {**linear, "bias": False}}], "layers.Dense(10, use_bias=False)"
    )
    case("linear-bias-batch4", [64], [{"linear": linear}], "layers.Dense(10)", batch=4)
    case(
        "linear-per-position",
        [64, 7, 5],
        [{"linear": {**linear, "per_position": True}}],
        "layers.Dense(10)",
    )
    case("flatten", [4, 6, 6], ["flatten"], "layers.Flatten()")
    case("dropout", [64], [{"dropout": {"rate": 0.2}}], "layers.Dropout(0.2)")
    case("identity", [4, 6, 6], ["identity"], "layers.Identity()")


def joins() -> None:
    both = {"from": ["input", "input"]}
    case("add", [4, 6, 6], [{"add": both}], "lambda x: layers.Add()([x, x])")
    case(
        "add-of-3",
        [4, 6, 6],
        [{"add": {"from": ["input"] * 3}}],
        "lambda x: layers.Add()([x, x, x])",
    )
    case("mul", [4, 6, 6], [{"mul": both}], "lambda x: layers.Multiply()([x, x])")
    case("concat", [4, 6, 6], [{"concat": both}], "lambda x: layers.Concatenate()([x, x])")
    case("pad", [4, 6, 6], [{"pad": {"padding": 1}}], "layers.ZeroPadding2D(1)")
    for mode in ("nearest", "bilinear", "bicubic"):
        case(
            f"upsample-{mode}",
            [4, 6, 6],
            [{"upsample": {"scale": 2, "mode": mode}}],
            f"layers.UpSampling2D(2, interpolation='{mode}')",
        )
    case(
        "upsample1d-nearest",
        [4, 6],
        [{"upsample": {"scale": 2, "mode": "nearest"}}],
        "layers.UpSampling1D(2)",
    )
    case(
        "upsample3d-nearest",
        [4, 6, 6, 6],
        [{"upsample": {"scale": 2, "mode": "nearest"}}],
        "layers.UpSampling3D(2)",
    )
    case(
        "squeeze_excite",
        [16, 8, 8],
        [{"squeeze_excite": {"squeeze": 4}}],
        "lambda x: layers.Multiply()([x, "
        + chain(
            "layers.GlobalAveragePooling2D(keepdims=True)",
            "layers.Conv2D(4, 1)",
            "layers.ReLU()",
            "layers.Conv2D(16, 1)",
            "layers.Activation('sigmoid')",
        )
        + "(x)])",
    )


def arithmetic() -> None:
    """Two tensors, a tensor and a constant, and functions of an element."""
    shape = [4, 6, 6]
    halves: Layers = [{"split": {"name": "half", "sections": 2}}]
    both = {"from": ["half.0", "half.1"]}
    for name, code in {
        "sub": "layers.Subtract()([a, b])",
        "div": "a / b",
        "maximum": "layers.Maximum()([a, b])",
        "minimum": "layers.Minimum()([a, b])",
    }.items():
        code = f"lambda x: (lambda a, b: {code})(*ops.split(x, 2, -1))"
        case(name, shape, [*halves, {name: both}], code)
    three = {"from": ["input"] * 3}
    case("maximum-of-3", shape, [{"maximum": three}], "lambda x: layers.Maximum()([x, x, x])")
    for name, code in {
        "add": "x + 0.5",
        "sub": "x - 0.5",
        "mul": "x * 0.5",
        "div": "x / 0.5",
        "maximum": "ops.maximum(x, 0.5)",
        "minimum": "ops.minimum(x, 0.5)",
    }.items():
        case(f"{name}-value", shape, [{name: {"value": 0.5}}], f"lambda x: {code}")
    case("mul-value-batch4", shape, [{"mul": {"value": 2}}], "lambda x: x * 2", batch=4)
    for name, fields, code in (
        ("clamp", {"min": 0, "max": 1}, "ops.clip(x, 0, 1)"),
        ("clamp-min", {"min": 0.25}, "ops.maximum(x, 0.25)"),
        ("clamp-max", {"max": 1}, "ops.minimum(x, 1)"),
    ):
        case(name, shape, [{"clamp": fields}], f"lambda x: {code}")
    for name in ("abs", "sqrt", "square", "exp", "log"):
        case(name, shape, [name], f"ops.{name}")
    case("square-batch4", shape, ["square"], "ops.square", batch=4)
    case("softmax-axis2", shape, [{"softmax": {"axis": 2}}], "layers.Softmax(2)")
    case("softmax-axis1", [4, 5, 6], [{"softmax": {"axis": 1}}], "layers.Softmax(1)", batch=4)


def tensors() -> None:
    """Products of matrices, sums along axes, learned tensors, and what moves elements."""
    sizes = {2: [5, 7], 3: [3, 5, 7], 4: [2, 3, 5, 7]}
    both = {"from": ["input", "input"]}
    for rank, shape in sizes.items():
        spec: Layers = [{"matmul": {**both, "transpose_b": True}}]
        code = "lambda x: last(ops.matmul(first(x), ops.swapaxes(first(x), -1, -2)))"
        case(f"matmul{rank}d-transpose_b", shape, spec, code)
    case("matmul4d-transpose_b-batch4", shape, spec, code, batch=4)
    spec = [{"matmul": {**both, "transpose_a": True}}]
    code = "lambda x: last(ops.matmul(ops.swapaxes(first(x), -1, -2), first(x)))"
    case("matmul3d-transpose_a", sizes[3], spec, code)
    one = {"reduce": {"op": "max", "axes": [0], "keep": True, "name": "one"}}
    for name, order, code in (
        ("first", ["one", "input"], "ops.max(x, 1, keepdims=True), ops.swapaxes(x, -1, -2)"),
        ("second", ["input", "one"], "x, ops.swapaxes(ops.max(x, 1, keepdims=True), -1, -2)"),
    ):
        spec = [one, {"matmul": {"from": order, "transpose_b": True}}]
        code = f"lambda x: (lambda x: last(ops.matmul({code})))(first(x))"
        case(f"matmul3d-broadcast-{name}", sizes[3], spec, code)
    table = {"parameter": {"shape": [7, 4], "name": "table"}}
    spec = [table, {"matmul": {"from": ["input", "table"]}}]
    code = "With((7, 4), lambda x, w: last(ops.matmul(first(x), w)))"
    for batch in (1, 4):
        name = "matmul2d-parameter" + ("-batch4" if batch > 1 else "")
        case(name, [5, 7], spec, code, batch)
    table = {"parameter": {"shape": [16, 50], "name": "table"}}
    spec = [table, {"add": {"from": ["input", "table"]}}]
    for batch in (1, 4):
        name = "parameter-add" + ("-batch4" if batch > 1 else "")
        case(name, [16, 50], spec, "With((50, 16), lambda x, w: x + w)", batch)
    token = {"parameter": {"shape": [16, 1], "name": "token"}}
    spec = [token, {"concat": {"from": ["token", "input"], "axis": 1}}]
    code = "With((1, 1, 16), lambda x, w: ops.concatenate([ops.tile(w, (x.shape[0], 1, 1)), x], 1))"
    for batch in (1, 4):
        case("parameter-concat" + ("-batch4" if batch > 1 else ""), [16, 50], spec, code, batch)
    shape = [4, 6, 10]
    for name, op, axes, keep, code in (
        ("mean", "mean", [1, 2], True, "ops.mean(x, (1, 2), keepdims=True)"),
        ("mean-dropped", "mean", [-1], False, "ops.mean(x, 2)"),
        ("mean-channels", "mean", [0], True, "ops.mean(x, -1, keepdims=True)"),
        ("sum", "sum", [1], False, "ops.sum(x, 1)"),
        ("sum-all", "sum", [0, 1, 2], True, "ops.sum(x, (1, 2, 3), keepdims=True)"),
        ("max", "max", [0], True, "ops.max(x, -1, keepdims=True)"),
        ("max-two", "max", [1, 2], False, "ops.max(x, (1, 2))"),
        ("min", "min", [0], True, "ops.min(x, -1, keepdims=True)"),
        ("l2", "l2", [0], True, "ops.norm(x, axis=-1, keepdims=True)"),
        ("l2-one", "l2", [1], False, "ops.norm(x, axis=1)"),
    ):
        spec = [{"reduce": {"op": op, "axes": axes, "keep": keep}}]
        case(f"reduce-{name}", shape, spec, f"lambda x: {code}")
    spec = [{"reduce": {"op": "mean", "axes": [1]}}]
    case("reduce-mean-batch4", shape, spec, "lambda x: ops.mean(x, 1)", batch=4)
    for name, layer, code in (
        ("permute", {"permute": {"order": [1, 2, 0]}}, "ops.transpose(x, (0, 2, 3, 1))"),
        ("flatten-start_axis", {"flatten": {"start_axis": 1}}, "ops.reshape(x, (-1, 60, 4))"),
        ("concat-axis", {"concat": {**both, "axis": 2}}, "layers.Concatenate(2)([x, x])"),
        (
            "slice-axis",
            {"slice": {"axis": 2, "start": 1, "stop": -1, "step": 2}},
            "x[:, :, 1:-1:2]",
        ),
        (
            "pad-axis",
            {"pad": {"axis": 1, "padding": [2, 1]}},
            "layers.ZeroPadding2D(((2, 1), (0, 0)))(x)",
        ),
        (
            "pad-cut",
            {"pad": {"axis": 1, "padding": [-1, -1]}},
            "layers.Cropping2D(((1, 1), (0, 0)))(x)",
        ),
        (
            "pixel_unshuffle",
            {"pixel_unshuffle": {"factor": 2}},
            "tf.nn.space_to_depth(x, 2)",
        ),
        ("pixel_shuffle", {"pixel_shuffle": {"factor": 2}}, "tf.nn.depth_to_space(x, 2)"),
        (
            "unfold",
            {"unfold": {"kernel_size": 3, "padding": 0, "stride": 2}},
            "tf.reshape(tf.image.extract_patches(x, (1, 3, 3, 1), (1, 2, 2, 1), (1, 1, 1, 1), "
            "'VALID'), (1, 8, 36))",
        ),
    ):
        lambdas = f"layers.Lambda(lambda x: {code})" if "tf." in code else f"lambda x: {code}"
        case(name, shape, [layer], lambdas)
    spec = [{"split": {"name": "part", "sizes": [2, 8], "axis": 2}}]
    spec += [{"concat": {"from": ["part.1", "part.0"], "axis": 2}}]
    code = "lambda x: ops.concatenate(ops.split(x, [2], 2)[::-1], 2)"
    case("split-axis", shape, spec, code)
    spec = [{"split": {"name": "part", "sizes": [2, 3, 5], "axis": 2}}]
    spec += [{"concat": {"from": ["part.2", "part.1", "part.0"], "axis": 2}}]
    code = "lambda x: ops.concatenate(ops.split(x, [2, 5], 2)[::-1], 2)"
    case("split-axis-three", shape, spec, code, batch=4)
    spec = [{"split": {"name": "part", "sections": 2}}, {"concat": {"from": ["part.1", "part.0"]}}]
    case("split", shape, spec, "lambda x: ops.concatenate(ops.split(x, 2, -1)[::-1], -1)")
    shape = [16, 50]
    for bias in (True, False):
        linear = {"out_features": 10, "per_position": True, "bias": bias}
        code = f"layers.Dense(10, use_bias={bias})"
        case(f"linear-tokens{'-bias' if bias else ''}", shape, [{"linear": linear}], code)
    case("linear-tokens-batch4", shape, [{"linear": linear}], code, batch=4)
    case("rms_norm", shape, ["rms_norm"], "layers.RMSNormalization()")
    case("rms_norm-flat", [16], ["rms_norm"], "layers.RMSNormalization()")
    case("rms_norm-batch4", shape, ["rms_norm"], "layers.RMSNormalization()", batch=4)
    case("layer_norm-tokens", shape, ["layer_norm"], "layers.LayerNormalization()")


def encoder(features: int, heads: int) -> Any:
    """A transformer's block."""

    def block(x: Any) -> Any:
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(heads, features // heads)(y, y)])
        y = layers.Dense(2 * features, activation="gelu")(layers.LayerNormalization()(x))
        return layers.Add()([x, layers.Dense(features)(y)])

    return block


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
        ("", plain, "4, 4"),
        ("-head_channels", {**plain, "head_channels": 6}, "4, 6"),
    ):
        code = f"lambda x: layers.MultiHeadAttention({code})(x, x)"
        case(f"self_attention{name}", shape, [{"self_attention": fields}], code)
    spec: Layers = [{"self_attention": plain}]
    code = "lambda x: layers.MultiHeadAttention(4, 4)(x, x)"
    case("self_attention-batch4", shape, spec, code, batch=4)
    case("self_attention-twice", shape, spec * 2, f"lambda x: ({code})(({code})(x))")
    spec = [{"self_attention": {"heads": 2}}]
    case("encoder_block", shape, encoder_block(16, 4), "encoder(16, 4)", batch=4)
    case("self_attention-h2", [12, 7], spec, "lambda x: layers.MultiHeadAttention(2, 6)(x, x)")


def sharing() -> None:
    """Weights that are used twice, and frozen ones."""
    conv: Fields = {"out_channels": 4, "kernel_size": 3, "padding": "same", "name": "first"}
    spec: Layers = [{"conv": conv}, {"conv": {**conv, "name": "second", "weights": "first"}}]
    case("shared-conv", [4, 6, 6], spec, "twice(layers.Conv2D(4, 3, padding='same'))")
    linear: Fields = {"out_features": 8, "name": "first"}
    spec = [{"linear": linear}, {"linear": {**linear, "name": "second", "weights": "first"}}]
    case("shared-linear", [8], spec, "twice(layers.Dense(8))")
    spec = [{"linear": {"out_features": 8, "trainable": False}}]
    case("frozen-linear", [8], spec, "layers.Dense(8, trainable=False)")


def networks() -> None:
    for name, maker, side in (
        ("mobilenet", "MobileNet(weights=None)", 224),
        ("mobilenet_x0_25", "MobileNet(weights=None, alpha=0.25)", 224),
        ("mobilenet_x0_5", "MobileNet(weights=None, alpha=0.5)", 224),
        ("mobilenet_x0_75", "MobileNet(weights=None, alpha=0.75)", 224),
        ("mobilenet_v2", "MobileNetV2(weights=None)", 224),
        ("mobilenet_v2_x0_5", "MobileNetV2(weights=None, alpha=0.5)", 224),
        ("mobilenet_v2_x1_4", "MobileNetV2(weights=None, alpha=1.4)", 224),
        ("mobilenet_v3_small", "MobileNetV3Small(weights=None, include_preprocessing=False)", 224),
        ("mobilenet_v3_large", "MobileNetV3Large(weights=None, include_preprocessing=False)", 224),
        ("vgg16", "VGG16(weights=None)", 224),
        ("vgg19", "VGG19(weights=None)", 224),
        ("resnet50", "ResNet50(weights=None)", 224),
        ("resnet101", "ResNet101(weights=None)", 224),
        ("resnet152", "ResNet152(weights=None)", 224),
        ("resnet50_v2", "ResNet50V2(weights=None)", 224),
        ("densenet121", "DenseNet121(weights=None)", 224),
        ("densenet169", "DenseNet169(weights=None)", 224),
        ("densenet201", "DenseNet201(weights=None)", 224),
        ("inception_v3", "InceptionV3(weights=None)", 299),
        ("inception_resnet_v2", "InceptionResNetV2(weights=None)", 299),
        ("xception", "Xception(weights=None)", 299),
        ("nasnet_mobile", "NASNetMobile(weights=None)", 224),
        ("efficientnet_b0", "EfficientNetB0(weights=None)", 224),
        ("efficientnet_v2_b0", "EfficientNetV2B0(weights=None, include_preprocessing=False)", 224),
        ("convnext_tiny", "ConvNeXtTiny(weights=None, include_preprocessing=False)", 224),
    ):
        network(name, f"applications.{maker}", [3, side, side])


def write(path: Path) -> None:
    """One case a line, so that a difference reads as one."""
    rows = ",\n".join("    " + json.dumps(row) for row in CASES)
    nets = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in NETWORKS.items()
    )
    versions = json.dumps({"tensorflow": tf.__version__, "keras": keras.__version__})
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
    write(Path(__file__).with_name("tensorflow.json"))


if __name__ == "__main__":
    main()
