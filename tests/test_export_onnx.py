"""Networks as ONNX, against onnx's own rules for shapes and what onnxruntime makes of them.

tests/reference/record_export_onnx.py writes the whole zoo; export_onnx.json has what came of it.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("onnx")

import numpy as np
import yaml

import convcalc
from convcalc import conventions, layers, zoo
from convcalc.exporters import onnx_nodes
from tests.onnx_files import inferred, made_by_onnxruntime, model_of, run_on, shapes

if TYPE_CHECKING:
    from convcalc.api import Network
    from tests.conftest import Run

#: The first onnxruntime that has every operator.
ORT = "1.32"
RECORDED = json.loads(
    (Path(__file__).parent / "reference" / "export_onnx.json").read_text(encoding="utf-8")
)


def spec(shape: str, *lines: str) -> str:
    body = "".join(f"  - {line}\n" for line in lines)
    return f"name: N\nsource: a book\ninput: [{shape.replace('x', ', ')}]\nlayers:\n{body}"


def value_of(shape: str, *lines: str, x: Any) -> Any:
    """What onnxruntime makes of one sample."""
    model = model_of(convcalc.loads(spec(shape, *lines)))
    pytest.importorskip("onnxruntime", ORT)
    (made,) = run_on(model, {"input": np.asarray(x, np.float32)[None]}).values()
    return made[0]


#: What the examples of the types leave out.
SETTINGS = [
    ("8x9x7", "conv: {out: 4, k: [3, 2], s: 2, d: 2, p: [[1, 0], [2, 3]], g: 4}"),
    ("8x9x7", "conv: {out: 4, k: 4, s: 3, p: same}"),
    ("8x9x7", "conv: {out: 4, k: 4, s: 3, p: same_lower, bias: false}"),
    ("6x24", "conv: {out: 4, k: 3}"),
    ("4x6x5x6", "conv: {out: 4, k: 3, p: 1}"),
    ("8x9x7", "depthwise_conv: {k: 3, multiplier: 2}"),
    ("8x9x7", "conv_transpose: {out: 6, k: 3, s: 2, p: [[1, 0], [1, 2]], output_padding: 1, g: 2}"),
    ("8x9x7", "deform_conv: {out: 6, k: 3, p: 1, modulated: true, deformable_groups: 2, g: 2}"),
    ("8x10x9", "max_pool: {k: 3, s: 2, ceil_mode: true}"),
    ("8x10x9", "max_pool: {k: 2, s: 3, p: 1, ceil_mode: true}"),
    ("8x10x9", "max_pool: {k: 2, s: 1, d: 3, p: same}"),
    ("8x10x9", "avg_pool: {k: 3, s: 2, p: 1, ceil_mode: true}"),
    ("8x10x9", "avg_pool: {k: 3, s: 2, p: same}"),
    ("8x10x9", "adaptive_avg_pool: {output_size: [null, 3]}"),
    ("8x10x9", "adaptive_max_pool: {output_size: 4}"),
    ("8x10x9", "kmax_pool: {k: 3, s: 2, p: 1, ceil_mode: true, k_max: 4}"),
    ("8x10x9", "max_unpool: {k: 3, s: 2, p: 1, output_size: [20, 18]}"),
    ("8x3x4x2", "layer_norm: {over: all, affine: false}"),
    ("8", "layer_norm"),
    ("8x3x4", "layer_norm: {affine: false}"),
    ("8x3", "batch_norm: {affine: false}"),
    ("8x3", "instance_norm: {affine: true}"),
    ("8", "group_norm: {g: 2, affine: false}"),
    ("8x3", "local_response_norm: {size: 3}"),
    ("8x3x4", "local_response_norm: {size: 4}"),
    ("8x3x4", "prelu: {num_parameters: 8}"),
    ("8x3x4", "clamp: {max: 3}"),
    ("8x3x4", "linear: {out: 5, per_position: true}"),
    ("8", "linear: {out: 5, per_position: true, bias: false}"),
    ("8x3x4", "flatten: {start_axis: 1}"),
    ("8x9x7", "upsample: {scale: [1.5, 0.4], mode: bicubic}"),
    ("8x9", "upsample: {size: 20, mode: linear}"),
    ("8x3x4x2", "upsample: {scale: 2, mode: trilinear}"),
    ("8x9x7", "upsample: {size: [4, 14], mode: area}"),
    ("8x9x7", "upsample: {scale: 2, mode: nearest-exact}"),
    ("8x9x7", "pad: {p: [[2, -1], [0, 3]], value: 1.5}"),
    ("8x9x7", "pad: {p: 3, mode: circular}"),
    ("8x9x7", "pad: {axis: 0, p: [1, 2]}"),
    ("8x9x7", "unfold: {k: [3, 2], s: 2, d: 2, p: 1}"),
    ("6x4", "fold: {output_size: [5, 3], k: [3, 2], s: [2, 2], p: [[0, 0], [0, 1]]}"),
    ("8x9x7", "slice: {start: -3, stop: -1, axis: -1}"),
    ("8x9x7", "slice: {start: 1, step: 3, axis: 1}"),
    ("8x9x7", "split: {sizes: [2, 3, 4], axis: 1}"),
    ("8x9x7", "split: {sizes: [8]}"),
    ("8x9x7", "index_select: {axis: -1, size: 30}"),
    ("8x9x7", "reduce: {op: l2, axes: [0, -1]}"),
    ("8x9x7", "softmax: {axis: -1}"),
    ("8x9x7", "opaque: {op: A b, shape: [3], tensors: [[2, 2]]}"),
]


def examples() -> list[tuple[str, str]]:
    """Every layer type's example: the shape that it stands on, and its line."""
    found = [layers.example(layers.find(type)) for type in layers.names()]
    return [(shape or "3", line) for line, shape in filter(None, found)]


def side_by_side(lines: Iterable[tuple[str, str]]) -> Network:
    """All these layers as one network, each on an input of the shape that it stands on."""
    inputs: dict[str, list[int]] = {}
    body = []
    for index, (shape, line) in enumerate(lines):
        found = yaml.safe_load(line)
        ((type, fields),) = found.items() if isinstance(found, dict) else [(found, {})]
        inputs[f"x{shape}"] = [int(size) for size in shape.split("x")]
        taken = [f"x{shape}"] * len(fields.get("from", "1"))
        entering = {} if layers.find(type).arity == 0 else {"from": taken}
        body.append({type: {**fields, "name": f"{type}-{index}", **entering}})
    return convcalc.loads(json.dumps({"name": "N", "input": inputs, "layers": body}))


@pytest.mark.parametrize("lines", [examples(), SETTINGS], ids=["examples", "settings"])
def test_onnxruntime_makes_the_shapes_of_every_layer_type(lines: list[tuple[str, str]]) -> None:
    network = side_by_side(lines)
    model, wanted = model_of(network), shapes(network)
    found = {name: shape for name, shape in inferred(model).items() if name in wanted}
    assert found == {name: wanted[name] for name in found}
    pytest.importorskip("onnxruntime", ORT)
    assert made_by_onnxruntime(network, model) == wanted


def test_random_networks_have_the_same_shapes_there() -> None:
    pytest.importorskip("onnxruntime", ORT)
    from fuzz.onnx_files import run as tried

    assert tried(60, seed=3) == 60


@pytest.mark.parametrize("name", ["lenet5", "squeezenet1_1", "shufflenet_v2_x0_5", "vit_b_32"])
def test_onnx_infers_the_shapes_of_a_network(name: str) -> None:
    network = convcalc.load(name)
    wanted = shapes(network)
    found = inferred(model_of(network))
    assert {key: found.get(key) for key in wanted} == wanted


def test_the_whole_zoo_was_written_and_every_shape_is_ours() -> None:
    assert RECORDED.keys() == {each["name"] for each in zoo.index()}
    for name, line in RECORDED.items():
        assert line["inferred_otherwise"] == line.get("run_otherwise", 0) == 0, name
    assert sum("run_at" in line for line in RECORDED.values()) >= 250


#: What is another figure of a network that comes back, and why.
OTHERWISE = {
    # The windows of a shifted attention are cut out by `unfold` here, of which flax has none, so
    # that there is no number; ONNX has them as gathers, of which there is one.
    name: ["flax"]
    for name in ("maxvit_t", "swin_b", "swin_s", "swin_t")
} | {
    # The last of the residual sums is scaled by 1, which is nothing where a file is read.
    name: ["exact", "flax", "onnx-tool", "tensorflow"]
    for name in ("inception_resnet_v2-same", "slim_inception_resnet_v2")
}


def test_the_whole_zoo_comes_back_as_it_was() -> None:
    found = {name: line["back"] for name, line in RECORDED.items() if line["back"]}
    assert found == OTHERWISE


def test_a_weight_is_named_as_pytorch_does_and_has_no_numbers() -> None:
    model = model_of(convcalc.load("lenet5"))
    constants = [node for node in model.graph.node if node.op_type == "Constant"]
    sparse = {
        node.output[0]: list(node.attribute[0].sparse_tensor.dims)
        for node in constants
        if node.attribute[0].name == "sparse_value"
    }
    assert sparse["c1.weight"] == [6, 1, 5, 5]
    assert sparse["f6.bias"] == [84]
    params = convcalc.load("lenet5").analyze().totals.params
    assert sum(int(np.prod(dims)) for dims in sparse.values()) == params


def test_a_file_says_what_made_it_and_where_the_network_is_from() -> None:
    model = model_of(convcalc.loads(spec("3x4x4", "relu")))
    assert (model.producer_name, model.producer_version) == ("convcalc", convcalc.__version__)
    assert {each.key: each.value for each in model.metadata_props} == {"source": "a book"}


def test_an_opaque_layer_is_an_operator_of_convcalcs_domain_that_runs() -> None:
    uses = ["opaque: {op: A, shape: [3], tensors: [[2, 2], [5]]}", "opaque: {op: A, shape: [2, 4]}"]
    network = convcalc.loads(spec("3x4x4", *uses))
    model = model_of(network)
    used = [node for node in model.graph.node if node.domain == "convcalc"]
    assert [(node.op_type, len(node.input)) for node in used] == [("A", 3), ("A", 1)]
    pytest.importorskip("onnxruntime", ORT)
    assert made_by_onnxruntime(network, model) == shapes(network)


def test_shared_weights_are_one_constant() -> None:
    lines = ["conv: {name: a, out: 3, k: 3, p: 1}", "conv: {out: 3, k: 3, p: 1, weights: a}"]
    model = model_of(convcalc.loads(spec("3x4x4", *lines)))
    weights = [list(node.input[1:]) for node in model.graph.node if node.op_type == "Conv"]
    assert weights == [["a.weight", "a.bias"]] * 2


def test_a_network_that_hands_its_input_on_has_it_as_an_output_of_its_own() -> None:
    text = spec("3x4x4", "relu") + "outputs: [relu_x, input]\n"
    network = convcalc.loads(text.replace("- relu", "- relu: {name: relu_x}"))
    assert [each.name for each in model_of(network).graph.output] == ["relu_x", "input.output"]


def test_a_mean_counts_the_zeros_of_a_padding_as_pytorch_does_and_not_those_of_same() -> None:
    ones = np.ones((1, 3, 3))
    assert value_of("1x3x3", "avg_pool: {k: 3, s: 2, p: 1}", x=ones)[0, 0, 0] == np.float32(4 / 9)
    assert value_of("1x3x3", "avg_pool: {k: 3, s: 2, p: same}", x=ones)[0, 0, 0] == 1


def test_windows_of_uneven_adaptive_pools_are_pytorchs() -> None:
    x = np.arange(35.0).reshape(1, 5, 7)
    made = value_of("1x5x7", "adaptive_avg_pool: {output_size: [2, 3]}", x=x)
    rows, columns = [(0, 3), (2, 5)], [(0, 3), (2, 5), (4, 7)]
    wanted = [[x[0, a:b, c:d].mean() for c, d in columns] for a, b in rows]
    assert made[0] == pytest.approx(np.array(wanted))


def test_the_largest_of_a_window_keep_their_order() -> None:
    x = [[1, 9, 3, 7, 5, 5, 2, 8]]
    made = value_of("1x8", "kmax_pool: {k: 4, k_max: 2}", x=x)
    assert made.tolist() == [[9, 7, 5, 8]]


def test_columns_are_those_of_the_windows() -> None:
    x = np.arange(2 * 4 * 5.0).reshape(2, 4, 5)
    made = value_of("2x4x5", "unfold: {k: [2, 3], s: [2, 1]}", x=x)
    windows = itertools.product((0, 2), (0, 1, 2))
    wanted = [x[:, top : top + 2, left : left + 3].ravel() for top, left in windows]
    assert made.T.tolist() == np.array(wanted).tolist()


def test_pixels_are_taken_apart_and_put_together_in_one_order() -> None:
    x = np.arange(8 * 2 * 3.0).reshape(8, 2, 3)
    lines = ["pixel_shuffle: {factor: 2}", "pixel_unshuffle: {factor: 2}"]
    assert (value_of("8x2x3", *lines, x=x) == x).all()
    assert value_of("8x2x3", lines[0], x=x)[0, :2, :2].tolist() == [[0, 6], [12, 18]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("conv_transpose: {out: 2, k: 3, d: 3, output_padding: 2}", "an output_padding of 2"),
        ("max_unpool: {k: 2, p: 2}", "a padding of 2 and a kernel of 2"),
        ("reshape: {shape: [1]}", "a size of 12000000000000000000000 cannot be written"),
    ],
)
def test_what_onnx_cannot_say_is_refused(line: str, message: str) -> None:
    shape = "3x4000000000x1000000000000" if line.startswith("reshape") else "3x4x4"
    line = line.replace("[1]", "[-1]")
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.loads(spec(shape, line)).export("onnx")
    assert caught.value.diagnostics[0].code == "cannot-export"
    assert message in caught.value.diagnostics[0].message


def test_a_layer_type_that_nothing_writes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(onnx_nodes.base._WRITERS, "relu")
    with pytest.raises(convcalc.ConvcalcError, match="`relu`, a layer of the type relu, cannot"):
        convcalc.loads(spec("3x4x4", "relu")).export("onnx")


def test_without_onnx_the_extra_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    outcome = run("export", "lenet", "--to", "onnx")
    assert outcome.status == 2
    assert "writing ONNX needs the package onnx, which is not installed" in outcome.err
    assert "pip install 'convcalc[onnx]'" in outcome.err


#: Conventions that do not tell functions from modules, which ONNX does not either.
UNTOLD = [each.name for each in conventions.every() if each.functions is None]


@pytest.mark.parametrize(
    "name", ["lenet5", "squeezenet1_1", "shufflenet_v2_x0_5", "mobilenet_v3_small", "convnext_tiny"]
)
def test_a_network_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    network, path = convcalc.load(name), tmp_path / "network.onnx"
    path.write_bytes(network.export("onnx"))  # type: ignore[arg-type]
    back = convcalc.load(path)
    for convention in UNTOLD:
        a, b = (each.analyze(convention).totals for each in (network, back))
        assert (b.params, b.buffers, b.macs, b.flops) == (a.params, a.buffers, a.macs, a.flops)


def test_weights_that_are_shared_come_back_as_one_where_that_is_asked(
    run: Run, tmp_path: Path
) -> None:
    lines = ["conv: {name: a, out: 3, k: 3, p: 1}", "conv: {out: 3, k: 3, p: 1, weights: a}"]
    network, path = convcalc.loads(spec("3x4x4", *lines)), tmp_path / "network.onnx"
    path.write_bytes(network.export("onnx"))  # type: ignore[arg-type]
    assert convcalc.load(path).analyze().totals.params == 2 * 84
    spec_of = run("import", str(path), "--shared-once")
    assert convcalc.loads(spec_of.out).analyze().totals == network.analyze().totals


def test_every_layer_type_has_a_writer() -> None:
    composites = {"self_attention", "separable_conv", "spatial_separable_conv", "squeeze_excite"}
    assert {type for type in layers.names() if onnx_nodes.writer_of(type) is None} == composites
