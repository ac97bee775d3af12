"""The spec of a foreign network: it analyzes to the same, and reads as a person would write it."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcalc
from convcalc import zoo
from convcalc.foreign import writing
from convcalc.foreign.traced import Call, Scope, Traced
from convcalc.foreign.writing import text_of
from convcalc.layers.base import Layer, find
from convcalc.shape import Shape, Tensor
from tests.networks import a_network_each, network
from tests.strategies import documents
from tests.traced import traced_of

NAMES = [*zoo.families(), *zoo.presets()]
#: How much a reader may know: the modules and their classes, the modules, nothing.
KNOWN: tuple[dict[str, bool], ...] = ({}, {"types": False}, {"scopes": False})


def figures(analyzed: convcalc.Network) -> list[Any]:
    """What a network costs, row by row, without the names of its layers."""
    rows = analyzed.analyze().rows
    return [
        (row.type, row.output_shapes, row.figures, node.functional)
        for row, node in zip(rows, analyzed.nodes)
    ]


@pytest.mark.parametrize("name", a_network_each(NAMES))
def test_a_network_of_the_zoo_comes_out_the_same(name: str) -> None:
    graph = network(name)
    wanted = figures(graph)
    for known in KNOWN:
        text = text_of(traced_of(graph, **known))
        assert figures(convcalc.loads(text)) == wanted
        # Blocks and loops are found: the plain list has more lines than layers. Modules inside
        # others of no known class, as DLA's trees are, take a few more; so do blocks that each have
        # a name of their own, as TF-slim's MobileNets', which no loop can say.
        assert text.count("\n") < max(60, 1.3 * len(graph.nodes))
    assert figures(convcalc.loads(text_of(traced_of(graph), flat=True))) == wanted


@given(documents, st.sampled_from(KNOWN))
def test_random_networks_come_out_the_same(text: str, known: dict[str, bool]) -> None:
    try:
        graph = convcalc.loads(text)
    except convcalc.ConvcalcError:
        return
    traced = traced_of(graph, **known)
    for flat in (False, True):
        assert figures(convcalc.loads(text_of(traced, flat=flat))) == figures(graph)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("resnet50", 50),
        ("mobilenet_v2", 55),
        ("vgg16", 40),
        ("densenet121", 50),
        ("efficientnet_b0", 65),
        ("googlenet", 50),
    ],
)
def test_networks_are_written_about_as_short_as_people_do(name: str, most: int) -> None:
    assert len(text_of(traced_of(network(name))).splitlines()) <= most


# What it reads like


def made(*lines: str, scopes: Mapping[int, tuple[Scope, ...]] | None = None) -> Traced:
    """A network of the lines of a spec, in scopes of its own."""
    body = "".join([f"  - {line}\n" for line in lines])
    graph = convcalc.loads(f"name: Made\ninput: [8, 16, 16]\nlayers:\n{body}")
    traced = traced_of(graph)
    calls = [
        call._replace(scopes=(scopes or {}).get(at, ())) for at, call in enumerate(traced.calls)
    ]
    return traced._replace(calls=tuple(calls))


def test_the_plain_list_has_a_line_for_each_layer() -> None:
    traced = made(
        "conv: {name: conv1, out: 8, k: [3, 3], s: [2, 1], p: 1, bias: false}",
        "batch_norm",
        "relu: {name: relu_17, functional: true}",
        "conv: {name: conv_17, from: conv1, out: 8, k: 1}",
        "add: {from: [conv_17, relu_17]}",
        "linear: {name: fc, out: 5, per_position: true}",
    )
    assert text_of(traced, flat=True) == (
        "name: Made\n"
        "input: [8, 16, 16]\n"
        "\n"
        "layers:\n"
        "  - conv: {name: conv1, out: 8, k: 3, s: [2, 1], p: 1, bias: false}\n"
        "  - batch_norm\n"
        "  - relu: {name: relu_17, functional: true}\n"
        "  - conv: {name: conv_17, from: conv1, out: 8, k: 1}\n"
        "  - add: {from: [conv_17, relu_17]}\n"
        "  - linear: {name: fc, out: 5, per_position: true}\n"
    )


def test_modules_of_one_class_are_a_block_with_arguments() -> None:
    conv = [
        "conv: {out: 16, k: 3, s: 2, p: 1}",
        "relu",
        "conv: {out: 32, k: 5, s: 2, p: 2}",
        "relu",
        "conv: {out: 24, k: 3, p: 1}",
        "relu",
    ]
    scopes = {at: (Scope(f"stem{at // 2}", "ConvReLU"),) for at in range(6)}
    assert text_of(made(*conv, scopes=scopes)) == (
        "name: Made\n"
        "input: [8, 16, 16]\n"
        "\n"
        "blocks:\n"
        "  conv_re_lu:\n"
        "    args: {out: required, k: 3, stride: 2}\n"
        "    layers:\n"
        "      - conv: {out: out, k: k, s: stride, p: k // 2}\n"
        "      - relu\n"
        "\n"
        "layers:\n"
        "  - conv_re_lu: {name: stem0, out: 16}\n"
        "  - conv_re_lu: {name: stem1, out: 32, k: 5}\n"
        "  - conv_re_lu: {name: stem2, out: 24, stride: 1}\n"
    )


def test_paths_that_are_joined_are_structures() -> None:
    text = text_of(
        made(
            "conv: {name: stem, out: 16, k: 1}",
            "conv: {out: 16, k: 3, p: 1}",
            "relu: {name: body}",
            "add: {name: sum, from: [stem, body]}",
            "conv: {name: left, out: 4, k: 1}",
            "conv: {from: sum, out: 4, k: 3, p: 1}",
            "relu: {name: right}",
            "concat: {from: [left, right]}",
        )
    )
    assert "  - residual:\n      layers:\n        - conv: {out: 16, k: 3, p: 1}\n" in text
    assert "  - branches:\n      merge: concat\n      paths:\n" in text
    assert "from" not in text


def test_sizes_are_worked_out_of_channels_and_of_few_numbers() -> None:
    windows = made(
        "reshape: {shape: [8, 4, 4, 4, 4]}",
        "reshape: {shape: [8, 16, 16]}",
        "conv: {out: 16, k: 1, s: 2}",
        "reshape: {shape: [16, 2, 4, 2, 4]}",
        "reshape: {shape: [16, 8, 8]}",
        scopes={at: (Scope(f"windows{at // 3}", "Windows"),) for at in (0, 1, 3, 4)},
    )
    assert (
        "    args: {size: required}\n"
        "    layers:\n"
        "      - reshape: {shape: [in_channels, size, 4, size, 4]}\n"
        "      - reshape: {shape: [in_channels, size * 4, size * 4]}\n"
    ) in text_of(windows)


def test_shapes_of_different_axes_are_arguments() -> None:
    shapes = made(
        "reshape: {shape: [8, 256]}",
        "reshape: {shape: [16, 128]}",
        "reshape: {shape: [16, 16, 8]}",
        "reshape: {shape: [4, 8, 64]}",
        scopes={at: (Scope(f"views{at // 2}", "Views"),) for at in range(4)},
    )
    assert "shape: shape_2" in text_of(shapes)


def test_modules_that_give_other_fields_are_other_blocks() -> None:
    by_scale = ["upsample: {scale: 2}", "relu", "max_pool: {k: 2}"]
    by_size = ["upsample: {size: 32}", "relu", "max_pool: {k: 2}"]
    scopes = {at: (Scope(f"up{at // 3}", "Up"),) for at in range(12)}
    text = text_of(made(*by_scale, *by_scale, *by_size, *by_size, scopes=scopes))
    assert text.count("scale: 2") == text.count("size: 32") == 1


def test_a_pad_goes_with_the_convolution_that_takes_it() -> None:
    stride_1 = ["conv: {out: 8, k: 3, p: 1, bias: false}", "batch_norm", "relu"]
    stride_2 = ["pad: {p: [[0, 1]]}", *stride_1]
    stride_2[1] = "conv: {out: 8, k: 3, s: 2, bias: false}"
    text = text_of(made(*stride_2, *stride_1, *stride_2, *stride_1))
    assert "- pad: {when: stride != 1, p: [[0, 1]]}\n" in text
    assert text.count("pad:") == 1


COMPOSITES = (
    ("[32, 10, 10]", "squeeze_excite: {squeeze: 8}"),
    ("[32, 10, 10]", "squeeze_excite: {squeeze: 4, activation: silu, gate: hard_sigmoid}"),
    ("[64, 49]", "self_attention: {heads: 4}"),
    ("[64, 49]", "self_attention: {heads: 2, head_channels: 24, qkv_bias: false}"),
)


@pytest.mark.parametrize(("input", "line"), COMPOSITES)
def test_what_a_composite_layer_is_made_of_is_that_layer(input: str, line: str) -> None:
    graph = convcalc.loads(f"name: Made\ninput: {input}\nlayers: [{line}]\n")
    for known in KNOWN:
        text = text_of(traced_of(graph, **known))
        assert text == f"name: Made\ninput: {input}\n\nlayers:\n  - {line}\n"


def test_the_thirds_that_attention_takes_have_its_names() -> None:
    # Scaled before the product, as no `self_attention` is.
    text = text_of(
        made(
            "flatten: {start_axis: 1}",
            "linear: {out: 24, per_position: true}",
            "split: {name: parts, sections: 3}",
            "mul: {name: a, from: parts.0, value: 0.5}",
            "matmul: {name: b, from: [a, parts.1], transpose_a: true}",
            "softmax: {name: c, axis: -1}",
            "reshape: {name: d, from: parts.2, shape: [8, 256]}",
            "matmul: {from: [d, c], transpose_b: true}",
        )
    )
    assert "  - mul: {name: q, from: split.0, value: 0.5}\n" in text
    assert "  - reshape: {name: v, from: split.2, shape: [8, 256]}\n" in text


@pytest.mark.parametrize(("input", "line"), COMPOSITES)
def test_what_is_not_quite_made_as_a_composite_layer_stays_in_parts(input: str, line: str) -> None:
    traced = traced_of(convcalc.loads(f"name: Made\ninput: {input}\nlayers: [{line}]\n"))
    # What one of its parts makes leaves the network as well.
    for at in range(len(traced.calls) - 1):
        inner = Tensor(at, 0, traced.calls[at].placed.outputs[0])
        text = text_of(traced._replace(outputs=(*traced.outputs, inner)))
        assert line.partition(":")[0] not in text


def test_equal_layers_are_a_loop() -> None:
    text = text_of(made(*["conv: {out: 8, k: 3, p: 1}", "max_pool: {k: 3, s: 1, p: 1}"] * 4))
    assert "  - repeat:\n      times: 4\n" in text
    assert text.count("conv") == 1


def test_a_module_that_is_used_twice_shares_its_weights() -> None:
    graph = convcalc.loads(
        "name: Twins\n"
        "input: {left: [3, 32, 32], right: [3, 32, 32]}\n"
        "blocks: {tower: {layers: [conv: {out: 8, k: 3}, batch_norm, relu]}}\n"
        "layers:\n"
        "  - tower: {name: one, from: left}\n"
        "  - tower: {name: other, from: right, weights: one}\n"
        "  - sub: {from: [one, other]}\n"
        "outputs: [one, sub]\n".replace("  - sub: {", "  - sub: {name: sub, ")
    )
    text = text_of(traced_of(graph))
    assert "- tower: {name: other, from: right, weights: one}\n" in text
    assert convcalc.loads(text).analyze().totals.params == graph.analyze().totals.params
    assert convcalc.loads(text).output_shapes() == graph.output_shapes()


# Bad input


def test_modules_and_paths_may_be_nested_without_end() -> None:
    shape = Shape(1, 4, 4)
    relu = find("relu")()
    calls = [called(relu, "x", Tensor(-1, 0, shape), scopes=(Scope("m", "M"),) * 400)]
    for at in range(300):
        here = Tensor(2 * at, 0, calls[-1].placed.outputs[0])
        calls.append(called(relu, "x", here))
        calls.append(called(find("add")(), "add", Tensor(2 * at + 1, 0, here.shape), here))
    forked = [called(relu, "x", Tensor(-1, 0, shape))]
    for at in range(300):
        forked.append(called(relu, "x", Tensor(2 * at, 0, shape)))
        forked.append(
            called(find("add")(), "add", Tensor(2 * at + 1, 0, shape), Tensor(-1, 0, shape))
        )
    for made_of in (calls, forked):
        end = Tensor(len(made_of) - 1, 0, shape)
        traced = Traced("Deep", "", {"x": shape}, tuple(made_of), (end,))
        assert len(convcalc.loads(text_of(traced)).nodes) == len(made_of)


def called(layer: Layer, name: str, *inputs: Tensor, scopes: tuple[Scope, ...] = ()) -> Call:
    placed = layer.placed(tuple([tensor.shape for tensor in inputs]))
    return Call(name, placed, inputs, scopes)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "input",
        "9",
        "a/b:c.d",
        "- #x",
        "conv: {",
        "卷积",
        "e\u0301",
        "\u202e",
        "x" * 300,
        "true",
    ],
)
def test_foreign_names_are_written_as_names(name: str) -> None:
    shape = Shape(4, 8, 8)
    x = Tensor(-1, 0, shape)
    conv = find("conv")(out_channels=4, kernel_size=(1,))
    calls = [called(conv, name, x, scopes=(Scope(name, name),)) for _ in range(2)]
    outputs = tuple([Tensor(at, 0, shape) for at in range(2)])
    join = called(find("sub")(), name, *outputs)
    traced = Traced(
        name or "N", f"{name}\n{name}", {name: shape}, (*calls, join), (Tensor(2, 0, shape),)
    )
    for flat in (False, True):
        assert len(convcalc.loads(text_of(traced, flat=flat)).nodes) == 3


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_numbers_that_no_spec_can_say_are_written_as_finite_ones(number: float) -> None:
    shape = Shape(4, 8, 8)
    layer = find("pad")(padding=((1, 1),), value=number)
    call = called(layer, "x", Tensor(-1, 0, shape))
    traced = Traced("N", "", {"x": shape}, (call,), (Tensor(0, 0, call.placed.outputs[0]),))
    for flat in (False, True):
        (node,) = convcalc.loads(text_of(traced, flat=flat)).nodes
        assert node.placed.outputs == call.placed.outputs
        assert node.placed.config["value"] in (0, sys.float_info.max, -sys.float_info.max)


def test_texts_are_quoted_where_yaml_would_take_them_for_more() -> None:
    shape = Shape(4, 8, 8)
    layer = find("opaque")(op="a: {b}, #c", shape=(4, 8, 8))
    call = called(layer, "x", Tensor(-1, 0, shape))
    traced = Traced(
        "no", 'see "x": y\n# z', {"x": shape}, (call,), (Tensor(0, 0, shape),), ("said\nso",)
    )
    found = convcalc.loads(text_of(traced))
    # A line's end is unseen, and shown.
    assert (found.name, found.source) == ("no", 'see "x": y\\n# z')
    assert found.nodes[0].placed.config["op"] == "a: {b}, #c"


def test_what_does_not_come_out_the_same_is_written_as_the_plain_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    traced = traced_of(network("lenet"))
    monkeypatch.setattr(writing, "_WAYS", (lambda *_: {"layers": ["relu"]},))
    assert text_of(traced) == text_of(traced, flat=True)


def test_the_same_network_is_written_the_same() -> None:
    traced = traced_of(network("mobilenet_v3"))
    assert text_of(traced) == text_of(traced)
