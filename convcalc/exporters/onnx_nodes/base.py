"""The nodes of a file as they are written, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from convcalc.diagnostics import ConvcalcError, fail
from convcalc.extras import require
from convcalc.graph import Node
from convcalc.layers.base import Layer
from convcalc.shape import Shape
from convcalc.visible import visible
from convcalc.window import Window

#: The domain of what ONNX has no operator for.
DOMAIN = "convcalc"
#: The operators that are used if no newer one is: the first whose pools round up as PyTorch's.
OPSET = 22
#: The largest size and index of ONNX, whose integers have 64 bits.
_MOST = 2**63 - 1

#: What adds the nodes of one layer.
Writer = Callable[["Nodes"], None]
_WRITERS: dict[str, Writer] = {}


def writes(*types: str) -> Callable[[Writer], Writer]:
    """Register what writes the layers of some types."""

    def register(writer: Writer) -> Writer:
        for type in types:
            if type in _WRITERS:
                raise ValueError(f"two functions write the layer type {type!r}")
            _WRITERS[type] = writer
        return writer

    return register


def writer_of(type: str) -> Writer | None:
    """What writes the layers of a type; None where nothing does."""
    return _WRITERS.get(type)


def cannot_export(what: str, help: str = "") -> ConvcalcError:
    """The error for what ONNX cannot say."""
    return fail("cannot-export", f"{what} cannot be written as ONNX", help)


class File:
    """The nodes of a file while they are written."""

    def __init__(self) -> None:
        self.onnx: Any = require("onnx", "onnx", "writing ONNX")
        #: The set of operators that its own need.
        self.opset = OPSET
        self.nodes: list[Any] = []
        #: The functions of the domain `convcalc`, by name: how many tensors each takes at most.
        self.functions: dict[str, int] = {}
        #: The constants that stand for weights, by name, each with its shape in the file.
        self.weights: dict[str, tuple[int, ...]] = {}
        self._known: set[str] = set()

    def tensor(self, name: str, shape: Shape) -> Any:
        """What is known of a tensor: its name and its shape, with a batch of 1."""
        sizes_fit(shape)
        number = self.onnx.TensorProto.FLOAT
        return self.onnx.helper.make_tensor_value_info(name, number, [1, *shape])

    def op(
        self, type: str, inputs: Iterable[str], outputs: Sequence[str], name: str, **attributes: Any
    ) -> None:
        """Add a node."""
        node = self.onnx.helper.make_node(type, inputs, outputs, name=name, **attributes)
        self.nodes.append(node)

    def integers(self, name: str, values: Sequence[int]) -> str:
        """A constant list of integers, once for each name."""
        if name not in self._known:
            self._known.add(name)
            sizes_fit(values)
            proto = self.onnx.TensorProto
            value = proto(dims=[len(values)], data_type=proto.INT64, int64_data=values)
            self._constant(name, value=value)
        return name

    def number(self, name: str, value: float) -> str:
        """A constant number."""
        proto = self.onnx.TensorProto
        value = proto(data_type=proto.FLOAT, float_data=[value])
        self._constant(name, value=value)
        return name

    def numbers(self, name: str, values: Sequence[float]) -> str:
        """A constant list of numbers."""
        proto = self.onnx.TensorProto
        value = proto(dims=[len(values)], data_type=proto.FLOAT, float_data=values)
        self._constant(name, value=value)
        return name

    def empty(self, name: str, shape: Sequence[int], type: str = "FLOAT") -> str:
        """A constant whose cells nothing is said of: it is sparse, and no cell of it is given."""
        sizes_fit(shape)
        proto = self.onnx.TensorProto
        sparse = self.onnx.SparseTensorProto(
            values=proto(dims=[0], data_type=proto.DataType.Value(type)),
            indices=proto(dims=[0], data_type=proto.INT64),
            dims=shape,
        )
        self._constant(name, sparse_value=sparse)
        return name

    def _constant(self, name: str, **value: Any) -> None:
        """Add a node of a constant; its tensor alone has a name."""
        self.op("Constant", [], [name], "", **value)

    def weight(self, name: str, shape: Sequence[int]) -> str:
        """The constant that stands for a weight, once however often it is used.

        One that is used with axes of size 1 elsewhere than at first is reshaped there.
        """
        if name not in self.weights:
            self.weights[name] = tuple(shape)
            return self.empty(name, shape)
        if self.weights[name] == tuple(shape):
            return name
        written = f"{name}.{'x'.join(map(str, shape))}"
        if written not in self._known:
            self._known.add(written)
            self.op("Reshape", [name, self.integers(f"{written}.shape", shape)], [written], written)
        return written


def sizes_fit(sizes: Iterable[int]) -> None:
    """Refuse sizes that ONNX's integers do not hold. Raises ConvcalcError."""
    for size in sizes:
        if abs(size) > _MOST:
            raise cannot_export(f"a size of {size}", "its integers end below 2⁶³")


class Nodes:
    """The nodes that one layer becomes, as they are added.

    Tensors are known by their names. What the layer makes is called as the layer; what is only its
    own, `NAME.` and what it is.
    """

    def __init__(self, file: File, node: Node, inputs: tuple[str, ...], outputs: tuple[str, ...]):
        self.file = file
        self.node = node
        self.inputs = inputs
        self.outputs = outputs
        #: Whose weights it has.
        self._owner = node.weights_of or node.name

    @property
    def layer(self) -> Any:
        """The layer, with a value for every spatial axis: of the type that is written."""
        layer: Layer = self.node.placed.layer
        return layer

    @property
    def windows(self) -> tuple[Window, ...]:
        """Its window on each spatial axis."""
        return self.node.placed.windows

    @property
    def x(self) -> str:
        """The (first) input."""
        return self.inputs[0]

    @property
    def entering(self) -> Shape:
        """The shape of the (first) input."""
        return self.node.placed.entering

    @property
    def leaving(self) -> Shape:
        """The shape of the (first) output."""
        return self.node.outputs[0]

    def op(
        self,
        type: str,
        *inputs: str,
        part: str = "",
        outputs: Sequence[str] = (),
        **attributes: Any,
    ) -> str:
        """Add a node; the tensor that it makes.

        That is the layer's own, or `outputs`, or with `part` one on the way there.
        """
        name = self._named(part) if part else self.node.name
        made = outputs or ([name] if part else self.outputs)
        self.file.op(type, inputs, made, name, **attributes)
        return made[0]

    def weight(self, name: str, shape: Sequence[int] | None = None) -> str:
        """One of its weights, which may be another layer's: in a shape other than PyTorch's."""
        if shape is None:
            shape = next(each.shape for each in self.node.placed.tensors if each.name == name)
        return self.file.weight(f"{self._owner}.{name}", shape)

    def weights(self) -> list[str]:
        """All its weights, in PyTorch's order and shapes."""
        return [self.weight(each.name) for each in self.node.placed.tensors]

    def has(self, weight: str) -> bool:
        """Whether it has a weight of that name."""
        return any(each.name == weight for each in self.node.placed.tensors)

    def integers(self, part: str, values: Sequence[int]) -> str:
        """A constant list of integers."""
        return self.file.integers(self._named(part), values)

    def number(self, part: str, value: float) -> str:
        """A constant number."""
        return self.file.number(self._named(part), value)

    def numbers(self, part: str, values: Sequence[float]) -> str:
        """A constant list of numbers."""
        return self.file.numbers(self._named(part), values)

    def empty(self, part: str, shape: Sequence[int]) -> str:
        """Constant integers that a spec does not say."""
        return self.file.empty(self._named(part), shape, "INT64")

    def filled(self, part: str, shape: Sequence[int], value: float) -> str:
        """A tensor of one number, computed, so that it is no weight; the output without `part`."""
        sizes = self.integers(f"{part}.shape" if part else "shape", shape)
        proto = self.file.onnx.TensorProto
        content = proto(dims=[1], data_type=proto.FLOAT, float_data=[value])
        return self.op("ConstantOfShape", sizes, part=part, value=content)

    def learned(self, name: str, default: float) -> str:
        """A weight a channel; where the layer has none such, `default` for each."""
        channels = self.entering.channels
        return self.weight(name) if self.has(name) else self.filled(name, [channels], default)

    def reshaped(self, x: str, shape: Sequence[int], part: str = "") -> str:
        """A tensor in another shape, the batch left out of it."""
        sizes = self.integers(f"{part}.shape" if part else "shape", [1, *shape])
        return self.op("Reshape", x, sizes, part=part)

    def transposed(self, x: str, order: Iterable[int], part: str = "") -> str:
        """A tensor with its axes in another order, the batch left out of it."""
        return self.op("Transpose", x, part=part, perm=[0, *(axis + 1 for axis in order)])

    def refused(self, why: str, help: str = "") -> ConvcalcError:
        """The error for a layer that ONNX cannot say."""
        return cannot_export(f"`{visible(self.node.name)}`, {why},", help)

    def _named(self, part: str) -> str:
        return f"{self.node.name}.{part}"


def channels_last(shape: Shape) -> list[int]:
    """The order of axes that puts the channels last."""
    return [*range(1, len(shape)), 0]


def channels_first(shape: Shape) -> list[int]:
    """The order of axes that puts the last one first: back from `channels_last`."""
    return [len(shape) - 1, *range(len(shape) - 1)]


def pads_of(windows: Sequence[Window]) -> list[int]:
    """The cells added before each axis, and then those after each."""
    return [*(window.before for window in windows), *(window.after for window in windows)]


def sliding(windows: Sequence[Window]) -> dict[str, Any]:
    """The attributes of what slides windows."""
    return {
        "kernel_shape": [window.kernel for window in windows],
        "strides": [window.stride for window in windows],
        "pads": pads_of(windows),
    }


def dilations(windows: Sequence[Window]) -> dict[str, Any]:
    """The attribute of those whose windows may have gaps."""
    return {"dilations": [window.dilation for window in windows]}
