"""`convcalc export --to keras`: the code reads as a person would write it, and Keras runs it."""

from __future__ import annotations

import builtins
import json
import symtable
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from convcalc import ConvcalcError, api, zoo
from convcalc.exporters.base import Model
from convcalc.exporters.keras import EXPORTER
from tests.networks import network

#: What Keras made of the zoo (tests/reference/record_export_keras.py).
RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "reference" / "export_keras.json").read_text(encoding="utf-8")
)["networks"]
#: Networks that have something of everything.
SOME = (
    *("condensenet74_g4", "dcgan_generator", "deeplabv3_resnet50", "densenet121", "dla34"),
    *("googlenet", "hrnet_w18", "m5", "mobilenet_v2", "mobilenet_v3_large", "resnet50"),
    *("retinanet_resnet50_fpn", "siamese_88", "slowfast_4x16_r50", "swin_t", "unet", "vit_b_16"),
    *("xception", "yolov8n"),
)


def exported(text: str | bytes, preset: str | None = None) -> str:
    """The Keras code of a spec."""
    opened = api.opened(text, preset=preset)
    content = EXPORTER.content(Model(opened.request.document, opened.at({})))
    assert isinstance(content, str)
    return content


def of_zoo(name: str) -> str:
    found = zoo.locate(name, 10**7)
    return exported(found.data, found.preset_or(None))


def body(code: str) -> str:
    """The code without its title and its imports."""
    return code[code.index("\ndef ") + 1 :]


def test_blocks_are_functions_with_arguments_and_conditions_are_ifs() -> None:
    spec = """
name: TinyNet
variables: {alpha: 1.0, resolution: 32, num_classes: 10}
input: [3, resolution, resolution]
blocks:
  conv_bn:
    args: {out: required, k: 3, stride: 1}
    layers:
      - conv: {out: out, k: k, s: stride, p: k // 2, bias: false}
      - batch_norm
  unit:
    args: {out: required, stride: 1, act: true}
    let: {hidden: in_channels * 2, unused: out + 1}
    layers:
      - residual:
          connect: stride == 1 and in_channels == out
          layers:
            - conv_bn: {out: hidden, k: 1}
            - relu6: {when: act}
            - conv_bn: {out: int(out * alpha), stride: stride}
layers:
  - conv_bn: {name: stem, out: 16, stride: 2}
  - relu
  - max_pool: {k: 3, s: 2, p: 1}
  - for_each:
      bind: [c, n]
      in: [[16, 1], [24, 2]]
      layers:
        - repeat:
            times: n
            index: i
            layers: [unit: {out: c, stride: 2 if i == 1 else 1}]
  - global_avg_pool
  - flatten
  - linear: {name: fc, out: num_classes}
"""
    expected = """\
def conv_bn(x, out, k=3, stride=1, name=None):
    if k > 1:
        x = layers.ZeroPadding2D(k // 2)(x)
    x = layers.Conv2D(out, k, strides=stride, use_bias=False)(x)
    return layers.BatchNormalization(name=name)(x)


def unit(x, out, alpha, stride=1, act=True):
    hidden = x.shape[-1] * 2
    shortcut = x
    x = conv_bn(x, hidden, k=1)
    if act:
        x = layers.ReLU(6)(x)
    x = conv_bn(x, int(out * alpha), stride=stride)
    if stride == 1 and shortcut.shape[-1] == out:
        x = layers.Add()([x, shortcut])
    return x


def tinynet(alpha=1.0, num_classes=10, input_shape=(32, 32, 3)):
    inputs = keras.Input(input_shape)
    x = conv_bn(inputs, 16, stride=2, name="stem")
    x = layers.ReLU()(x)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for c, n in [(16, 1), (24, 2)]:
        for i in range(n):
            x = unit(x, c, stride=2 if i == 1 else 1, alpha=alpha)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(num_classes, name="fc")(x)
    return keras.Model(inputs, outputs, name="tinynet")
"""
    assert body(exported(spec)) == expected


def test_tensors_have_their_names_and_contrary_conditions_are_one_if() -> None:
    spec = """
name: Paths
variables: {wide: false}
input: [3, 64, 64]
layers:
  - conv: {name: low, out: 8, k: 3, p: 1 if wide else 0}
  - max_pool: {k: 3, s: 2, p: 1}
  - branches:
      merge: concat
      paths: [[], [conv: {out: 8, k: 1}, relu], [avg_pool: {k: 3, s: 1, p: 1}]]
  - conv: {name: up, when: not wide, out: 8, k: 1}
  - depthwise_conv: {name: up, when: wide, k: 3, p: same}
  - upsample: {name: high, from: up, size: [62, 62], mode: bilinear}
  - concat: {from: [low, high]}
  - split: {name: half, sections: 2}
  - mul: {from: [half.0, half.1]}
"""
    expected = """\
def paths(wide=False, input_shape=(64, 64, 3)):
    inputs = keras.Input(input_shape)
    low = layers.Conv2D(8, 3, padding="same" if wide else "valid", name="low")(inputs)
    x = ops.pad(low, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-float("inf"))
    x = layers.MaxPooling2D(3, strides=2)(x)
    branch_2 = layers.Conv2D(8, 1)(x)
    branch_2 = layers.ReLU()(branch_2)
    branch_3 = layers.ZeroPadding2D(1)(x)
    branch_3 = layers.AveragePooling2D(3, strides=1)(branch_3)
    x = layers.Concatenate()([x, branch_2, branch_3])
    if wide:
        up = layers.DepthwiseConv2D(3, padding="same")(x)
    else:
        up = layers.Conv2D(8, 1)(x)
    high = ops.image.resize(up, (62, 62), interpolation="bilinear")
    x = layers.Concatenate()([low, high])
    half = ops.split(x, 2, axis=-1)
    outputs = layers.Multiply()([half[0], half[1]])
    return keras.Model(inputs, outputs, name="paths")
"""
    assert body(exported(spec)) == expected


def test_shared_and_frozen_weights_are_layers_that_are_called_again_and_not_trained() -> None:
    spec = """
name: Two
input: {left: [1, 16, 16], right: [1, 16, 16]}
blocks:
  tower: {layers: [conv: {out: 4, k: 3}, relu]}
layers:
  - tower: {name: a, from: left}
  - tower: {name: b, from: right, weights: a}
  - sub: {from: [a, b]}
  - conv: {name: first, out: 4, k: 1, trainable: false}
  - conv: {from: first, out: 4, k: 1, weights: first}
  - repeat: {times: 3, share_weights: true, layers: [conv: {out: 4, k: 1}, relu]}
"""
    expected = """\
def as_model(block, shape, *args, **kwargs):
    \"\"\"A block as a model, which can be called again with the same weights.\"\"\"
    inputs = keras.Input(shape)
    return keras.Model(inputs, block(inputs, *args, **kwargs))


def tower(x):
    x = layers.Conv2D(4, 3)(x)
    return layers.ReLU()(x)


def two(left_shape=(16, 16, 1), right_shape=(16, 16, 1)):
    left = keras.Input(left_shape, name="left")
    right = keras.Input(right_shape, name="right")
    a_model = as_model(tower, left.shape[1:])
    a = a_model(left)
    b = a_model(right)
    x = layers.Subtract()([a, b])
    first_layer = layers.Conv2D(4, 1, trainable=False)
    first = first_layer(x)
    x = first_layer(first)
    conv_layer = layers.Conv2D(4, 1)
    for _ in range(3):
        x = conv_layer(x)
        x = layers.ReLU()(x)
    return keras.Model([left, right], x, name="two")
"""
    assert body(exported(spec)) == expected


def globals_of(table: symtable.SymbolTable) -> Iterator[str]:
    """The names that functions take from the file around them."""
    for symbol in table.get_symbols():
        if symbol.is_global() and symbol.is_referenced():
            yield symbol.get_name()
    for inner in table.get_children():
        yield from globals_of(inner)


@pytest.mark.parametrize("name", SOME)
def test_every_name_of_a_file_is_known_in_it(name: str) -> None:
    code = of_zoo(name)
    assert max(map(len, code.splitlines())) <= 100
    table = symtable.symtable(code, name, "exec")
    known = {each.get_name() for each in table.get_symbols() if each.is_assigned()}
    known |= {each.get_name() for each in table.get_symbols() if each.is_imported()}
    assert {*globals_of(table)} - known - {*vars(builtins)} == set()
    unused = {each.get_name() for each in table.get_symbols() if each.is_imported()}
    assert unused <= {*globals_of(table)}


def test_a_flatten_that_a_pool_does_keeps_its_name() -> None:
    spec = """
name: Two heads
input: [3, 32, 32]
layers: [global_avg_pool, {flatten: {name: feat}}, {linear: {name: score, out: 4}}]
outputs: [score, feat]
"""
    assert (
        body(exported(spec))
        == """def two_heads(input_shape=(32, 32, 3)):
    inputs = keras.Input(input_shape)
    feat = layers.GlobalAveragePooling2D(name="feat")(inputs)
    score = layers.Dense(4, name="score")(feat)
    return keras.Model(inputs, [score, feat], name="two_heads")
"""
    )


def test_a_layer_that_does_nothing_hands_on_what_enters() -> None:
    branches = "branches: {merge: concat, paths: [[pad: {p: 0}]]}"
    spec = f"{{name: N, input: [3, 8, 8], layers: [pad: {{p: 0, name: a}}, {branches}]}}"
    assert body(exported(spec)).endswith("""keras.Input(input_shape)
    return keras.Model(inputs, inputs, name="n")
""")


def test_a_block_without_layers_hands_on_what_enters() -> None:
    spec = """
name: 2⁵³
input: [3, 32, 32]
blocks: {u: {layers: []}}
layers: [{u: {name: c1}}, {concat: {from: [input, c1.0]}}]
"""
    assert (
        body(exported(spec))
        == """def u(x, name=None):
    return layers.Identity(name=name)(x)


def net_253(input_shape=(32, 32, 3)):
    inputs = keras.Input(input_shape)
    c1 = u(inputs, name="c1")
    outputs = layers.Concatenate()([inputs, c1])
    return keras.Model(inputs, outputs, name="net_253")
"""
    )


def test_a_padding_that_a_call_says_by_a_word_is_the_layers_own() -> None:
    spec = """
name: Net
input: [3, 32, 32]
blocks: {unit: {args: {p: "'same'"}, layers: [conv: {out: 4, k: 3, s: 2, p: p}]}}
layers: [unit, unit: {p: "'valid'"}]
"""
    conv = 'layers.Conv2D(4, 3, strides=2, padding=p or "valid")'
    assert f"    return {conv}(x)\n" in body(exported(spec))
    assert "strides=2, padding=p)(x)" in body(exported(spec.replace("valid", "same")))
    with pytest.raises(ConvcalcError, match="padding that is `same` in one call, and cells in ano"):
        exported(spec.replace("'valid'", "1"))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("deform_conv: {out: 8, k: 3}", "samples its input at learned offsets"),
        ("kmax_pool: {k: 2, k_max: 1}", "keeps several cells of each window"),
        ("max_unpool: {k: 2}", "needs the places"),
        ("opaque: {op: RoiAlign, shape: [4, 7, 7]}", "is an operator whose computation"),
        ("conv: {out: 8, k: 3, s: 2, d: 2}", "has a stride and a dilation"),
        ("conv_transpose: {out: 4, k: 2, g: 2}", "has groups"),
    ],
)
def test_what_keras_cannot_do_is_refused_by_name(line: str, why: str) -> None:
    spec = f"name: Odd\ninput: [4, 16, 16]\nlayers:\n  - {line}\n"
    with pytest.raises(ConvcalcError) as refused:
        exported(spec)
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "cannot-export"
    type = line.partition(":")[0]
    assert diagnostic.message.startswith(f"{type} at line 4, cannot be written in Keras: it {why}")


def test_keras_has_built_the_zoo() -> None:
    assert [*RECORDED] == [entry["name"] for entry in zoo.index()]
    refused = {name: found["why"] for name, found in RECORDED.items() if "why" in found}
    assert {*refused} == {"deformable_deeplab_resnet101", "deformable_deeplab_resnet50"}
    assert not [name for name, found in RECORDED.items() if "error" in found]


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "siamese_88", "vit_b_16"])
def test_keras_counts_the_parameters_and_buffers(name: str) -> None:
    tensors = [weight for node in network(name).nodes for weight in node.placed.weights]
    assert RECORDED[name]["params_and_buffers"] == sum(weight.size for weight in tensors)


@pytest.fixture(scope="module")
def keras() -> ModuleType:
    module: ModuleType = pytest.importorskip("keras")
    return module


@pytest.mark.parametrize("name", ["lenet5", "squeezenet1_1", "shufflenet_v2_x0_5"])
def test_keras_runs_a_file(keras: ModuleType, name: str) -> None:
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(of_zoo(name), name, "exec"), names)
    model = [each for each in names.values() if callable(each)][-1]()
    tensors = [weight for node in network(name).nodes for weight in node.placed.weights]
    assert model.count_params() == sum(weight.size for weight in tensors)
    assert tuple(model.output_shape[1:]) == tuple(network(name).outputs[0].shape)
