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
from keras import applications, layers  # noqa: F401
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
    for group in (convolutions, pools, normalisations, activations, dense, joins, networks):
        group()
    write(Path(__file__).with_name("tensorflow.json"))


if __name__ == "__main__":
    main()
