"""The rules by which ONNX files are read, each on a network of a few nodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

if TYPE_CHECKING:
    from tests.conftest import Run


def node(operator: str, *inputs: str, to: str = "y", name: str = "", **attributes: Any) -> Any:
    named = {key.rstrip("_"): value for key, value in attributes.items()}
    return helper.make_node(operator, inputs, to.split(), name=name, **named)


def of_runtime(operator: str, *inputs: str, to: str = "y", **attributes: Any) -> Any:
    """A node of ONNX Runtime's own operators."""
    return node(operator, *inputs, to=to, domain="com.microsoft", **attributes)


def weight(name: str, *shape: int) -> Any:
    """A weight without its data."""
    return TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)


def floats(name: str, shape: tuple[int, ...], *values: float) -> Any:
    return helper.make_tensor(name, TensorProto.FLOAT, shape, values)


def ints(name: str, *values: int) -> Any:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


class Net(NamedTuple):
    """A network, and what is expected of it."""

    nodes: tuple[Any, ...]
    tensors: tuple[Any, ...]
    #: The type, the output's shape and the parameters of each layer.
    layers: str
    entering: tuple[int | str, ...] = (1, 4, 8, 8)
    opset: int = 17
    options: tuple[str, ...] = ()
    producer: str = ""
    leaving: tuple[int, ...] | None = None


def written(net: Net, folder: Path, graph_name: str = "net") -> str:
    """The file of a network."""
    entering = helper.make_tensor_value_info("x", TensorProto.FLOAT, net.entering)
    leaving = helper.make_tensor_value_info("y", TensorProto.FLOAT, net.leaving)
    graph = helper.make_graph(net.nodes, graph_name, [entering], [leaving], net.tensors)
    opsets = [helper.make_opsetid("", net.opset)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name=net.producer)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return str(path)


CONV = node("Conv", "x", "w", "b", to="a")
W, B = weight("w", 6, 4, 3, 3), weight("b", 6)

NETS = {
    # Convolutions and pools.
    "groups": Net((node("Conv", "x", "w", group=4),), (weight("w", 8, 1, 3, 3),), "conv 8×6×6 72"),
    "SAME_UPPER": Net(
        (node("Conv", "x", "w", "b", auto_pad="SAME_UPPER", strides=[3, 3]),),
        (W, B),
        "conv 6×3×3 222",
    ),
    "a bias of zeros that is computed": Net(
        (node("ConstantOfShape", "s", to="b"), node("Conv", "x", "w", "b")),
        (W, ints("s", 6)),
        "conv 6×6×6 216",
    ),
    "a negative padding": Net(
        (node("Conv", "x", "w", pads=[-1, 1, -1, 1]),), (W,), "pad 4×6×10 0, conv 6×4×8 216"
    ),
    "a transposed convolution to a size": Net(
        (node("ConvTranspose", "x", "w", strides=[2, 2], output_shape=[16, 16]),),
        (weight("w", 4, 5, 3, 3),),
        "conv_transpose 5×16×16 180",
    ),
    "a deformable convolution": Net(
        (
            node("Conv", "x", "ow", "ob", to="o"),
            node("Split", "o", "n", to="p m", axis=1),
            node("Sigmoid", "m", to="s"),
            node("DeformConv", "x", "w", "p", "b", "s"),
        ),
        (weight("ow", 27, 4, 3, 3), weight("ob", 27), ints("n", 18, 9), W, B),
        "deform_conv 6×6×6 1221",
        opset=19,
    ),
    "offsets that are read elsewhere": Net(
        (
            node("Conv", "x", "ow", "ob", to="o"),
            node("DeformConv", "x", "w", "o", to="d"),
            node("Concat", "d", "o", axis=1),
        ),
        (weight("ow", 18, 4, 3, 3), weight("ob", 18), W),
        "conv 18×6×6 666, opaque 6×6×6 216, concat 24×6×6 0",
        opset=19,
    ),
    "computed weights": Net((node("Conv", "x", "x"),), (), "opaque 1×1×1 0"),
    "a pool whose padding is wide": Net(
        (node("MaxPool", "x", kernel_shape=[2, 2], pads=[2, 2, 2, 2]),),
        (),
        "pad 4×12×12 0, max_pool 4×11×11 0",
    ),
    "a pool over all positions": Net(
        (node("GlobalAveragePool", "x"),), (), "adaptive_avg_pool 4×1×1 0"
    ),
    "an adaptive pool to the sizes that there are": Net(
        (node("AveragePool", "x", kernel_shape=[1, 1], strides=[1, 1]),),
        (),
        "adaptive_avg_pool 4×8×8 0",
    ),
    # Products.
    "the sum behind a product": Net(
        (node("MatMul", "x", "w", to="a"), node("Add", "b", "a")),
        (weight("w", 16, 5), weight("b", 5)),
        "linear 5 85",
        (1, 16),
    ),
    "a sum that another node reads": Net(
        (node("MatMul", "x", "w", to="a"), node("Add", "a", "b", to="c"), node("Mul", "a", "c")),
        (weight("w", 16, 5), weight("b", 5)),
        "linear 5 80, parameter 5 5, add 5 0, mul 5 0",
        (1, 16),
    ),
    "a vector that is added across tokens": Net(
        (node("MatMul", "x", "w", to="a"), node("Add", "a", "b")),
        (weight("w", 16, 5), weight("b", 9, 1)),
        "permute 16×9 0, linear 5×9 80, parameter 1×9 9, add 5×9 0",
        (1, 9, 16),
    ),
    "Gemm": Net(
        (node("Gemm", "x", "w", "b", transB=1),),
        (weight("w", 5, 16), weight("b", 1, 5)),
        "linear 5 85",
        (1, 16),
    ),
    "a sum of products": Net(
        (node("Einsum", "x", "w", equation="btc,cd->bdt"),),
        (weight("w", 16, 5),),
        "permute 16×9 0, linear 5×9 80",
        (1, 9, 16),
    ),
    "a quantised product": Net(
        (node("QLinearMatMul", "x", "s", "z", "w", "s", "z", "s", "z"),),
        (
            TensorProto(name="w", data_type=TensorProto.INT8, dims=(16, 5)),
            weight("s", 1),
            TensorProto(name="z", data_type=TensorProto.INT8, dims=(1,)),
        ),
        "linear 5 80",
        (1, 16),
    ),
    "a convolution that is quantised when it runs": Net(
        (
            node("DynamicQuantizeLinear", "x", to="q s z"),
            node("Mul", "s", "ws", to="f"),
            node("ConvInteger", "q", "w", "z", to="i"),
            node("Cast", "i", to="c", to_=1),
            node("Mul", "c", "f", to="d"),
            node("Add", "d", "b"),
        ),
        (
            TensorProto(name="w", data_type=TensorProto.INT8, dims=(6, 4, 3, 3)),
            floats("ws", (), 0.01),
            weight("b", 1, 6, 1, 1),
        ),
        "conv 6×6×6 222",
    ),
    # Of ONNX Runtime.
    "a fused convolution": Net(
        (
            of_runtime("FusedConv", "x", "w", to="c", activation="Relu"),
            of_runtime(
                *("FusedConv", "x", "w", "b", "c"),
                activation="Clip",
                activation_params=[0.0, 6.0],
            ),
        ),
        (W, B),
        "conv 6×6×6 216, relu 6×6×6 0, conv 6×6×6 222, add 6×6×6 0, relu6 6×6×6 0",
    ),
    "a sum and its layer norm": Net(
        (
            of_runtime("SkipLayerNormalization", "x", "x", "s", "b", to="n m v t"),
            node("Add", "n", "t"),
        ),
        (weight("s", 16), weight("b", 16)),
        "add 16 0, layer_norm 16 32, add 16 0",
        (1, 16),
    ),
    "quantised parts": Net(
        (
            of_runtime("QLinearConcat", "s", "z", "x", "s", "z", "x", "s", "z", to="c", axis=1),
            of_runtime("QLinearGlobalAveragePool", "c", "s", "z", "s", "z", to="p"),
            node("Flatten", "p", to="f"),
            of_runtime("QGemm", "f", "s", "z", "w", "s", "z", "b", "s", "z", transB=1),
        ),
        (
            TensorProto(name="w", data_type=TensorProto.INT8, dims=(5, 8)),
            TensorProto(name="b", data_type=TensorProto.INT32, dims=(5,)),
            floats("s", (), 0.1),
            TensorProto(name="z", data_type=TensorProto.INT8, dims=()),
        ),
        "concat 8×8×8 0, adaptive_avg_pool 8×1×1 0, flatten 8 0, linear 5 45",
    ),
    # Normalisations.
    "a layer norm without a shift": Net(
        (node("LayerNormalization", "x", "s", axis=-1),),
        (weight("s", 16),),
        "layer_norm 16 0, scale 16 16",
        (1, 16),
    ),
    "a layer norm over all": Net(
        (node("LayerNormalization", "x", "s", "b", axis=1),),
        (weight("s", 4, 8, 8), weight("b", 4, 8, 8)),
        "layer_norm 4×8×8 512",
    ),
    "a group norm with a scale for each group": Net(
        (node("GroupNormalization", "x", "s", "b", num_groups=2),),
        (weight("s", 2), weight("b", 2)),
        "group_norm 4×8×8 0, parameter 2 2, index_select 4 0, reshape 4×1×1 0, mul 4×8×8 0,"
        " parameter 2 2, index_select 4 0, reshape 4×1×1 0, add 4×8×8 0",
        opset=18,
    ),
    # What is learned.
    "a token and a table of places": Net(
        (node("Concat", "t", "x", to="a", axis=1), node("Add", "a", "p")),
        (weight("t", 1, 1, 16), weight("p", 1, 10, 16)),
        "parameter 1×16 16, concat 10×16 0, parameter 10×16 160, add 10×16 0",
        (1, 9, 16),
    ),
    "a mask by its name": Net(
        (node("Add", "x", "attn_mask"),),
        (weight("attn_mask", 8, 8),),
        "buffer 1×8×8 0, add 4×8×8 0",
    ),
    "a mask by its values": Net(
        (node("Add", "x", "m"),),
        (floats("m", (8, 1), *[0, -100] * 4),),
        "buffer 1×8×1 0, add 4×8×8 0",
    ),
    "a number": Net((node("Mul", "x", "n"),), (floats("n", (1,), 0.5),), "mul 4×8×8 0"),
    "a factor for each channel": Net(
        (node("Mul", "f", "x"),), (weight("f", 4, 1, 1),), "scale 4×8×8 4"
    ),
    "a table that is gathered": Net(
        (node("Gather", "t", "i", to="g"), node("Add", "x", "g")),
        (weight("t", 3, 8), ints("i", 0, 1, 2, 0, 1, 2, 0, 1)),
        "parameter 24 24, index_select 64 0, reshape 1×8×8 0, add 4×8×8 0",
    ),
    "a number that PyTorch has learned": Net(
        (node("Mul", "x", "n", to="a"), node("Add", "a", "val_3")),
        (floats("n", (1,), 0.5), floats("val_3", (1,), 0.5)),
        "parameter 1×1×1 1, mul 4×8×8 0, add 4×8×8 0",
        producer="pytorch",
    ),
    "one bias for all": Net(
        (node("Gemm", "x", "w", "b"),),
        (weight("w", 16, 5), floats("b", (1,), 0.5)),
        "linear 5 80, parameter 1 1, add 5 0",
        (1, 16),
    ),
    "ones and zeros of a norm's own": Net(
        (
            node("LayerNormalization", "x", "s", "t", to="a"),
            node("InstanceNormalization", "a", "u", "v"),
        ),
        (
            *(floats("s", (8,), *[1] * 8), floats("t", (8,), *[0] * 8)),
            *(floats("u", (4,), *[1] * 4), floats("v", (4,), *[0] * 4)),
        ),
        "permute 8×4×8 0, layer_norm 8×4×8 16, permute 4×8×8 0, instance_norm 4×8×8 8",
    ),
    "ones and zeros that an exporter makes": Net(
        (
            node("LayerNormalization", "x", "val_1", "val_2", to="a"),
            node("Reshape", "a", "n", to="b"),
            node("InstanceNormalization", "b", "u", "v"),
        ),
        (
            *(floats("val_1", (8,), *[1] * 8), floats("val_2", (8,), *[0] * 8)),
            *(floats("u", (2,), 1, 1), floats("v", (2,), 0, 0), ints("n", 1, 2, -1)),
        ),
        "permute 8×4×8 0, layer_norm 8×4×8 0, permute 4×8×8 0, reshape 2×128 0,"
        " instance_norm 2×128 0",
    ),
    "a literal as a weight": Net(
        (
            node("Constant", to="w", value=floats("", (16, 2), *[0.5] * 32)),
            node("MatMul", "x", "w"),
        ),
        (),
        "linear 2 32",
        (1, 16),
        producer="pytorch",
    ),
    "integers as a weight": Net(
        (node("Cast", "w", to="f", to_=1), node("MatMul", "x", "f")),
        (TensorProto(name="w", data_type=TensorProto.INT8, dims=(16, 5)),),
        "linear 5 80",
        (1, 16),
    ),
    "zeros that a recurrent layer starts from": Net(
        (node("LSTM", "x", "w", "r", "", "", "h", "h", hidden_size=2),),
        (weight("w", 1, 8, 4), weight("r", 1, 8, 2), floats("h", (1, 1, 2), 0, 0)),
        "opaque 1×1×2 48",
        (1, 1, 4),
    ),
    "an embedding": Net(
        (node("Cast", "x", to="i", to_=7), node("Gather", "t", "i")),
        (weight("t", 50, 8),),
        "parameter 50×8 400, index_select 9×8 0",
        (1, 9),
    ),
    # Weights that are made of several tensors.
    "a sum of two kernels": Net(
        (node("Add", "w", "v", to="k"), node("Conv", "x", "k")),
        (W, weight("v", 6, 4, 3, 3)),
        "parameter 6×4×3×3 216, conv 6×6×6 216",
    ),
    "a kernel and its gain": Net(
        (node("Mul", "w", "g", to="k"), node("Conv", "x", "k", "b")),
        (W, B, weight("g", 6, 1, 1, 1)),
        "parameter 6×1×1×1 6, conv 6×6×6 222",
    ),
    "a matrix and a product of two": Net(
        (
            node("MatMul", "u", "v", to="d"),
            node("Add", "w", "d", to="s"),
            node("MatMul", "x", "s"),
        ),
        (weight("w", 16, 5), weight("u", 16, 2), weight("v", 2, 5)),
        "parameter 16×2 32, parameter 2×5 10, linear 5 80",
        (1, 16),
    ),
    "a matrix that is a product of two": Net(
        (node("MatMul", "u", "v", to="w"), node("MatMul", "x", "w")),
        (weight("u", 16, 2), weight("v", 2, 5)),
        "parameter 32 32, parameter 10 10, concat 42 0, index_select 80 0, reshape 16×5 0,"
        " matmul 1×5 0",
        (1, 1, 16),
    ),
    "a matrix in parts": Net(
        (
            node("Split", "w", "n", to="p q", axis=1),
            node("MatMul", "x", "p", to="a"),
            node("MatMul", "a", "q"),
        ),
        (weight("w", 16, 21), ints("n", 16, 5)),
        "linear 16 256, linear 5 80",
        (1, 16),
    ),
    "a table in parts": Net(
        (
            node("Slice", "p", "i", "j", to="a"),
            node("Slice", "p", "j", "k", to="b"),
            node("Add", "x", "a", to="c"),
            node("Add", "c", "b"),
        ),
        (weight("p", 18, 16), ints("i", 0), ints("j", 9), ints("k", 18)),
        "parameter 9×16 144, add 9×16 0, parameter 9×16 144, add 9×16 0",
        (1, 9, 16),
    ),
    "the front of a table": Net(
        (node("Slice", "p", "i", "j", to="a"), node("Add", "x", "a")),
        (weight("p", 18), ints("i", 0), ints("j", 9)),
        "parameter 18 18, index_select 9 0, add 9 0",
        (1, 9),
    ),
    # Elementwise, of old and new versions.
    "old sums along an axis": Net(
        (node("Add", "x", "b", axis=1, broadcast=1),),
        (weight("b", 4),),
        "parameter 4×1×1 4, add 4×8×8 0",
        opset=6,
    ),
    "the old softmax is over all from one on": Net(
        (node("Softmax", "x"),), (), "flatten 256 0, softmax 256 0, reshape 4×8×8 0", opset=11
    ),
    "the new softmax is along one": Net((node("Softmax", "x"),), (), "softmax 4×8×8 0"),
    "a softmax along transposed channels": Net(
        (
            node("Transpose", "x", to="t", perm=[0, 2, 1, 3]),
            node("Softmax", "t", to="s", axis=1),
            node("Conv", "s", "w"),
        ),
        (weight("w", 1, 8, 1, 1),),
        "permute 8×4×8 0, softmax 8×4×8 0, conv 1×4×8 8",
    ),
    "Clip from 0 to 6": Net(
        (node("Clip", "x", "l", "m"),), (floats("l", (), 0), floats("m", (), 6)), "relu6 4×8×8 0"
    ),
    "a slope for each channel": Net(
        (node("PRelu", "x", "s"),), (weight("s", 4, 1, 1),), "prelu 4×8×8 4"
    ),
    "a mean along two axes": Net(
        (node("ReduceMean", "x", axes=[2, 3], keepdims=0),),
        (),
        "global_avg_pool 4×1×1 0, flatten 4 0",
    ),
    # What moves.
    "sizes that are worked out": Net(
        (
            node("Shape", "x", to="s"),
            node("Slice", "s", "zero", "one", to="n"),
            node("Concat", "n", "rest", to="t", axis=0),
            node("Reshape", "x", "t"),
        ),
        (ints("zero", 0), ints("one", 1), ints("rest", -1)),
        "flatten 256 0",
    ),
    "a list of parts": Net(
        (
            node("SplitToSequence", "x", "n", to="l", axis=1),
            node("SequenceAt", "l", "i", to="p"),
            node("Relu", "p"),
        ),
        (ints("n", 1, 3), helper.make_tensor("i", TensorProto.INT64, [], [1])),
        "split 1×8×8+3×8×8 0, relu 3×8×8 0",
    ),
    "columns that become a map": Net(
        (node("Col2Im", "x", "size", "kernel", strides=[2, 2]),),
        (ints("size", 8, 8), ints("kernel", 2, 2)),
        "fold 3×8×8 0",
        (1, 12, 16),
        opset=18,
    ),
    "a padding that is worked out": Net(
        (
            node("Clip", "n", "zero", to="c"),
            node("Cast", "c", to="i", to_=7),
            node("Concat", "none", "i", "none", "i", to="p", axis=0),
            node("Pad", "x", "p"),
        ),
        (floats("n", (2,), -1, 2), floats("zero", (), 0), ints("none", 0, 0)),
        "pad 4×8×12 0",
    ),
    "a resize by a factor": Net(
        (node("Resize", "x", "", "s", mode="linear"),),
        (floats("s", (4,), 1, 1, 2, 2),),
        "upsample 4×16×16 0",
    ),
    "padding of channels": Net(
        (node("Pad", "x", "p"),), (ints("p", 0, 1, 0, 0, 0, 1, 0, 0),), "pad 6×8×8 0"
    ),
    # Inputs.
    "channels last": Net(
        (node("Transpose", "x", to="t", perm=[0, 3, 1, 2]), node("Conv", "t", "w")),
        (W,),
        "conv 6×6×6 216",
        (1, 8, 8, 4),
    ),
    "open sizes": Net(
        (CONV, node("Relu", "a")),
        (W, B),
        "conv 6×4×5 222, relu 6×4×5 0",
        ("N", 4, "H", "W"),
        options=("--input", "6x7"),
    ),
    "other sizes": Net(
        (CONV, node("Relu", "a")),
        (W, B),
        "conv 6×4×5 222, relu 6×4×5 0",
        options=("--input", "4x6x7"),
    ),
    "a batch": Net(
        (node("Reshape", "x", "s"),), (ints("s", 5, -1),), "flatten 256 0", (5, 4, 8, 8)
    ),
    "sizes that are worked out from a batch": Net(
        (
            node("Shape", "x", to="s"),
            node("Gather", "s", "zero", to="n"),
            node("Concat", "n", "rest", to="t", axis=0),
            node("Reshape", "x", "t"),
        ),
        (ints("zero", 0), ints("rest", -1)),
        "flatten 256 0",
        (5, 4, 8, 8),
    ),
    "a token for each of a batch": Net(
        (node("Expand", "t", "s", to="e"), node("Concat", "e", "x", axis=1)),
        (weight("t", 1, 1, 16), ints("s", 5, 1, 16)),
        "parameter 1×16 16, concat 10×16 0",
        (5, 9, 16),
    ),
    "queries in front of a batch": Net(
        (
            node("Transpose", "x", to="t", perm=[2, 0, 1, 3]),
            node("Gather", "t", "i", to="q"),
            node("Relu", "q"),
        ),
        (helper.make_tensor("i", TensorProto.INT64, [], [1]),),
        "slice 9×1×16 0, flatten 9×16 0, relu 9×16 0",
        (5, 9, 3, 16),
    ),
    "windows in the batch": Net(
        (
            node("Reshape", "x", "s", to="r"),
            node("Conv", "r", "w", to="c", strides=[2, 2]),
            node("Relu", "c"),
        ),
        (ints("s", 4, 1, 8, 8), weight("w", 2, 1, 2, 2)),
        "reshape 1×4×8×8 0, conv 2×4×4×4 8, relu 2×4×4×4 0",
    ),
    # Weights that are used again.
    "twice": Net(
        (node("Conv", "x", "w", to="a"), node("Conv", "a", "w")),
        (weight("w", 4, 4, 1, 1),),
        "conv 4×8×8 16, conv 4×8×8 16",
    ),
    "once": Net(
        (node("Conv", "x", "w", to="a"), node("Conv", "a", "w")),
        (weight("w", 4, 4, 1, 1),),
        "conv 4×8×8 16, conv 4×8×8 0",
        options=("--shared-once",),
    ),
    "what was folded": Net(
        (node("Conv", "x", "onnx::Conv_7", "onnx::Conv_8"),),
        (weight("onnx::Conv_7", 6, 4, 3, 3), weight("onnx::Conv_8", 6)),
        "conv 6×6×6 216, batch_norm 6×6×6 12",
        options=("--unfold-batch-norm",),
    ),
}


def told(report: dict[str, Any]) -> str:
    """The layers of an analysis, as they are expected."""
    found = []
    for each in report["layers"]:
        shapes = each.get("output_shapes") or [each["output_shape"]]
        sizes = "+".join("×".join(map(str, shape)) for shape in shapes)
        found.append(f"{each['type']} {sizes} {each['params']}")
    return ", ".join(found)


@pytest.mark.parametrize("title", NETS)
def test_nodes_become_layers(title: str, run: Run, tmp_path: Path) -> None:
    net = NETS[title]
    ran = run("import", written(net, tmp_path), "--flat", *net.options)
    assert ran.status == 0, ran.err
    assert told(run("analyze", "-", "--json", stdin=ran.out.encode()).json) == net.layers


def scoped(names: tuple[str, str, str], weights: tuple[str, str], producer: str) -> Net:
    """Two convolutions and what is between them, by the names of the nodes and the weights."""
    return Net(
        (
            node("Conv", "x", weights[0], to="a", name=names[0]),
            node("Relu", "a", to="b", name=names[1]),
            node("Conv", "b", weights[1], name=names[2]),
        ),
        (weight(weights[0], 4, 4, 1, 1), weight(weights[1], 4, 4, 1, 1)),
        "",
        producer=producer,
    )


NAMED = {
    "of the weights": (
        scoped(("", "", ""), ("stem.conv1.weight", "stem.conv2.weight"), "pytorch"),
        ["conv1", "relu", "conv2"],
    ),
    "of the nodes": (
        scoped(("/stem/conv1/Conv", "/stem/act/Relu", "/stem/conv2/Conv"), ("v", "w"), "pytorch"),
        ["conv1", "relu", "conv2"],
    ),
    "of Keras' layers": (
        scoped(("net/first/Conv2D", "net/act/Relu", "net/last/Conv2D"), ("v", "w"), "tf2onnx"),
        ["first", "relu", "last"],
    ),
}


@pytest.mark.parametrize("title", NAMED)
def test_layers_are_called_by_names(title: str, run: Run, tmp_path: Path) -> None:
    net, names = NAMED[title]
    ran = run("import", written(net, tmp_path), "--flat")
    report = run("analyze", "-", "--json", stdin=ran.out.encode()).json
    assert [each["name"] for each in report["layers"]] == names


@pytest.mark.parametrize(
    ("graph", "name"),
    [("LeNet-5", "LeNet-5"), ("torch_jit", "net"), ("main_graph", "net"), (" ", "net")],
)
def test_a_network_is_called_as_its_graph_or_its_file(
    graph: str, name: str, run: Run, tmp_path: Path
) -> None:
    path = written(NETS["groups"], tmp_path, graph)
    assert run("analyze", path, "--json").json["name"] == name


@pytest.mark.parametrize(
    "nodes",
    [
        (node("Conv", "x", "w", to="a"), node("Conv", "a", "w", pads=[1, 1, 1, 1])),
        (node("Conv", "x", "w", to="a"), node("Conv", "a", "w", "b")),
    ],
)
def test_weights_of_unlike_layers_count_for_each(
    nodes: tuple[Any, ...], run: Run, tmp_path: Path
) -> None:
    tensors = (weight("w", 4, 4, 3, 3), weight("b", 4))
    ran = run("import", written(Net(nodes, tensors, ""), tmp_path), "--shared-once")
    assert "that unlike layers use" in ran.err
    report = run("analyze", "-", "--json", stdin=ran.out.encode()).json
    assert report["totals"]["params"] == 288 + 4 * ("b" in nodes[1].input)


@pytest.mark.parametrize("text", ["", " ", "\r", "a\x85b", "\x1b[31m", "\x00", "\ufffe", "\x7f"])
def test_unseen_characters_of_a_file_are_no_part_of_a_spec(
    text: str, run: Run, tmp_path: Path
) -> None:
    path = Path(written(Net((node(text, "x"),), (), "", leaving=(1, 4, 8, 8)), tmp_path))
    path = path.rename(tmp_path / f"n{text}.onnx".replace("\0", ""))
    ran = run("import", str(path))
    assert told(run("analyze", "-", "--json", stdin=ran.out.encode()).json) == "opaque 4×8×8 0"


def test_the_batch_that_is_divided_out_is_said(run: Run, tmp_path: Path) -> None:
    net = Net((node("MatMul", "x", "w"),), (weight("w", 16, 4),), "linear 4 64", (10, 16))
    ran = run("analyze", written(net, tmp_path), "--json")
    assert "the first axis, of 10, is taken for a batch" in ran.err
    assert told(ran.json) == net.layers


def test_a_kernel_of_nothing_is_refused(run: Run, tmp_path: Path) -> None:
    net = Net((node("Conv", "x", "w", name="first"),), (weight("w", 6, 4, 0, 0),), "")
    ran = run("import", written(net, tmp_path))
    assert ran.status == 2
    assert "Conv `first`" in ran.err


def test_what_was_folded_away_is_said(run: Run, tmp_path: Path) -> None:
    path = written(NETS["what was folded"], tmp_path)
    assert "the export folded 1 batch norm into convolutions" in run("analyze", path).err
    assert "is a guess" in run("import", path, "--unfold-batch-norm").err


def test_open_sizes_are_asked_for_by_their_input(run: Run, tmp_path: Path) -> None:
    open_sizes = NETS["open sizes"]
    ran = run("analyze", written(open_sizes, tmp_path))
    assert ran.status == 2
    assert "--input 4x224x224" in ran.err
    last = NETS["channels last"]._replace(entering=(1, "H", "W", 4))
    assert "--input 4x224x224" in run("analyze", written(last, tmp_path)).err


@pytest.mark.parametrize(
    "nodes",
    [
        (node("Softmax", "x", axis=0),),
        (node("Transpose", "x", perm=[1, 0, 2, 3]),),
        (node("Reshape", "x", "s"),),
    ],
)
def test_a_batch_that_is_not_in_every_shape_is_refused(
    nodes: tuple[Any, ...], run: Run, tmp_path: Path
) -> None:
    net = Net(nodes, (ints("s", 4, -1),), "", (5, 4, 8, 8))
    ran = run("analyze", written(net, tmp_path))
    assert ran.status == 2
    assert "the batch of 5 cannot be divided out" in ran.err


def test_nodes_may_stand_in_any_order(run: Run, tmp_path: Path) -> None:
    net = Net((node("Relu", "a"), CONV), (W, B), "conv 6×6×6 222, relu 6×6×6 0")
    assert told(run("analyze", written(net, tmp_path), "--json").json) == net.layers
