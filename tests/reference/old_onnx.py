"""ONNX files of old opsets, without their weights, beside the truth.

    python tests/reference/old_onnx.py FOLDER

`zoo_NAME.opset9.onnx` are the model zoo's networks as onnx itself carries them for its tests, where
their weights are written as what fills them: here weights without data again, which are inputs
of the graph as well, as old files have it. `old_NAME.opsetN.onnx` are written by hand after the
rules of operators that have changed since.
"""

# onnx is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import onnx
from onnx import TensorProto, helper

from tests.reference import onnx_truth

FLOAT = TensorProto.FLOAT


class File:
    """A file in the making: nodes with weights that have no data and are inputs too."""

    def __init__(self, opset: int, *size: int) -> None:
        self.opset = opset
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.size = size
        self.last = "data"
        self.shapes: dict[str, list[int]] = {}

    def weight(self, name: str, *dims: int) -> str:
        self.weights.append(TensorProto(name=name, data_type=FLOAT, dims=dims))
        return name

    def node(
        self, operator: str, leaving: list[int], /, *others: str, more: int = 0, **attributes: Any
    ) -> str:
        """Add a node on the last tensor; `leaving` is the shape of its output, found by hand."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        outputs = [name, *(f"{name}_{i}" for i in range(more))]
        self.nodes.append(
            helper.make_node(operator, [self.last, *others], outputs, name=name, **attributes)
        )
        self.shapes[name] = leaving
        self.last = name
        return name

    def model(self) -> Any:
        def value(name: str, dims: Any) -> Any:
            return helper.make_tensor_value_info(name, FLOAT, dims)

        graph = helper.make_graph(
            self.nodes,
            "old",
            [value("data", self.size), *(value(w.name, list(w.dims)) for w in self.weights)],
            [value(self.last, self.shapes[self.last])],
            self.weights,
        )
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=3)


def opset_1() -> File:
    """Sizes as attributes everywhere, broadcasting asked for, consumed inputs."""
    f = File(1, 1, 3, 32, 32)
    f.node("Conv", [1, 8, 30, 30], f.weight("conv_w", 8, 3, 3, 3), kernel_shape=[3, 3])
    # A bias of its own, along the channels.
    f.node("Add", [1, 8, 30, 30], f.weight("conv_b", 8), broadcast=1, axis=1)
    statistics = [f.weight(f"bn_{each}", 8) for each in ("scale", "bias", "mean", "var")]
    f.node(
        "BatchNormalization",
        [1, 8, 30, 30],
        *statistics,
        consumed_inputs=[0, 0, 0, 1, 1],
        is_test=1,
        spatial=1,
    )
    f.node("Relu", [1, 8, 30, 30], consumed_inputs=[0])
    f.node("Pad", [1, 8, 32, 34], mode="constant", paddings=[0, 0, 1, 2, 0, 0, 1, 2], value=0.0)
    f.node("MaxPool", [1, 8, 16, 17], kernel_shape=[2, 2], strides=[2, 2])
    f.node("LRN", [1, 8, 16, 17], size=5, alpha=1e-4, beta=0.75, bias=1.0)
    f.node("Clip", [1, 8, 16, 17], min=0.0, max=6.0, consumed_inputs=[0])
    f.node("Slice", [1, 8, 16, 16], axes=[3], starts=[0], ends=[16])
    f.node("Upsample", [1, 8, 32, 32], width_scale=2.0, height_scale=2.0, mode="nearest")
    f.node("Dropout", [1, 8, 32, 32], more=1, is_test=1, ratio=0.5)
    f.node("ReduceMean", [1, 8], axes=[2, 3], keepdims=0)
    f.node("Reshape", [1, 8], shape=[1, -1])
    f.node("Gemm", [1, 10], f.weight("fc_w", 10, 8), f.weight("fc_b", 10), transB=1, broadcast=1)
    f.node("Softmax", [1, 10])
    return f


def opset_3() -> File:
    """As Caffe2 and CNTK wrote them: two outputs of Dropout, Softmax over all axes but one."""
    f = File(3, 1, 3, 67, 67)
    f.node(
        "Conv",
        [1, 16, 33, 33],
        f.weight("conv1_w", 16, 3, 3, 3),
        f.weight("conv1_b", 16),
        kernel_shape=[3, 3],
        strides=[2, 2],
        auto_pad="VALID",
    )
    f.node("Relu", [1, 16, 33, 33])
    f.node("MaxPool", [1, 16, 16, 16], kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 0, 0])
    squeezed = f.node(
        "Conv",
        [1, 8, 16, 16],
        f.weight("squeeze_w", 8, 16, 1, 1),
        f.weight("squeeze_b", 8),
        kernel_shape=[1, 1],
    )
    left = f.node("Conv", [1, 8, 16, 16], f.weight("one_w", 8, 8, 1, 1), kernel_shape=[1, 1])
    f.last = squeezed
    right = f.node(
        "Conv",
        [1, 8, 16, 16],
        f.weight("three_w", 8, 8, 3, 3),
        kernel_shape=[3, 3],
        auto_pad="SAME_UPPER",
    )
    f.last = left
    f.node("Concat", [1, 16, 16, 16], right, axis=1)
    before = f.last
    f.node("PRelu", [1, 16, 16, 16], f.weight("slope", 16))
    f.node("Sum", [1, 16, 16, 16], before)
    f.node("Dropout", [1, 16, 16, 16], more=1, is_test=1, ratio=0.5)
    f.node("Conv", [1, 10, 16, 16], f.weight("last_w", 10, 16, 1, 1), kernel_shape=[1, 1])
    f.node("GlobalAveragePool", [1, 10, 1, 1])
    f.node("Softmax", [1, 10, 1, 1])
    return f


def opset_8() -> File:
    """Pads, scales and axes as attributes, transposed convolution, means over axes."""
    f = File(8, 1, 4, 20, 24)
    f.node("Pad", [1, 4, 22, 26], mode="reflect", pads=[0, 0, 1, 1, 0, 0, 1, 1])
    f.node(
        "Conv",
        [1, 6, 10, 12],
        f.weight("conv_w", 6, 4, 3, 3),
        kernel_shape=[3, 3],
        strides=[2, 2],
        dilations=[1, 1],
    )
    statistics = [f.weight(f"bn_{each}", 6) for each in ("scale", "bias", "mean", "var")]
    f.node("BatchNormalization", [1, 6, 10, 12], *statistics, spatial=1, momentum=0.9)
    f.node("LeakyRelu", [1, 6, 10, 12], alpha=0.1)
    f.node(
        "ConvTranspose",
        [1, 5, 20, 24],
        f.weight("up_w", 6, 5, 4, 4),
        f.weight("up_b", 5),
        kernel_shape=[4, 4],
        strides=[2, 2],
        pads=[1, 1, 1, 1],
    )
    f.node("Upsample", [1, 5, 40, 48], scales=[1.0, 1.0, 2.0, 2.0], mode="linear")
    f.node("AveragePool", [1, 5, 20, 24], kernel_shape=[2, 2], strides=[2, 2], count_include_pad=1)
    f.node("Slice", [1, 5, 18, 24], axes=[2], starts=[1], ends=[-1])
    f.node("InstanceNormalization", [1, 5, 18, 24], f.weight("in_w", 5), f.weight("in_b", 5))
    f.node("ReduceMean", [1, 5, 1, 24], axes=[2], keepdims=1)
    f.node("Squeeze", [1, 5, 24], axes=[2])
    f.node("Unsqueeze", [1, 5, 24, 1], axes=[3])
    f.node("Flatten", [1, 120], axis=1)
    f.node("Gemm", [1, 7], f.weight("fc_w", 7, 120), f.weight("fc_b", 7), transB=1)
    f.node("LogSoftmax", [1, 7], axis=1)
    return f


OLD: dict[str, Callable[[], File]] = {"1": opset_1, "3": opset_3, "8": opset_8}


def zoo_file(path: str) -> Any:
    """A file of the zoo with its weights as initializers, and as inputs of the graph."""
    model = onnx.load(path)
    graph = model.graph
    sizes = {each.name: onnx.numpy_helper.to_array(each).tolist() for each in graph.initializer}
    filled = [node for node in graph.node if node.op_type == "ConstantOfShape"]
    for node in filled:
        dims = sizes[node.input[0]]
        graph.node.remove(node)
        graph.initializer.append(TensorProto(name=node.output[0], data_type=FLOAT, dims=dims))
        graph.input.append(helper.make_tensor_value_info(node.output[0], FLOAT, dims))
    gone = {node.input[0] for node in filled}
    for each in [one for one in graph.input if one.name in gone]:
        graph.input.remove(each)
    for each in [one for one in graph.initializer if one.name in gone]:
        graph.initializer.remove(each)
    return model


def write(model: Any, path: Path, shapes: dict[str, list[int]]) -> None:
    """Write a file and its truth."""
    onnx_truth.strip(model, external=False)
    truth = onnx_truth.truth_of(model, shapes=shapes)
    name, exporter = path.stem.rsplit(".", 1)
    initial = {each.name for each in model.graph.initializer}
    (size, *_) = [each for each in model.graph.input if each.name not in initial]
    record = {
        "name": name,
        "library": "onnx",
        "exporter": exporter,
        "masks": [],
        "torch": {"input": [d.dim_value for d in size.type.tensor_type.shape.dim][1:]},
        "onnx": truth,
        "shapes_from": "onnx" if name.startswith("zoo") else "hand",
    }
    onnx.save(model, str(path))
    path.with_suffix(".json").write_text(json.dumps(record))


def main() -> None:
    """Write all of them."""
    folder = Path(sys.argv[1])
    for opset, make in OLD.items():
        file = make()
        model = file.model()
        inferred = onnx_truth.inferred_shapes(model)
        for name, shape in file.shapes.items():
            if inferred.get(name, shape) != shape:
                print(f"opset {opset}: {name} is {shape} by hand, {inferred[name]} inferred")
        write(model, folder / f"old_net.opset{opset}.onnx", file.shapes)
    light = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    for path in sorted(light.glob("*.onnx")):
        name = path.stem.removeprefix("light_")
        shapes = onnx_truth.inferred_shapes(onnx.load(str(path)))
        write(zoo_file(str(path)), folder / f"zoo_{name}.opset9.onnx", shapes)


if __name__ == "__main__":
    main()
