"""Where a node stood in the code that a file was made from, by its metadata or by names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from convcalc.foreign.traced import Scope
from convcalc.importers.onnx_reader.wire import CLASSES, SCOPES, Model, Node

Place = tuple[tuple[Scope, ...], str]

#: A text in a list as Python prints it.
_TEXT = re.compile(r"'([^']*)'|\"([^\"]*)\"")
#: PyTorch's modules that are layers, and those of them that hold others.
_LAYERS = "torch.nn.modules."
_COMPOSITE = (
    "torch.nn.modules.container.",
    "torch.nn.modules.transformer.",
    "torch.nn.modules.activation.MultiheadAttention",
)
#: Operators that only work out sizes.
_SIZES = frozenset(("Constant", "Shape", "Gather", "Unsqueeze", "Concat", "Cast", "Slice"))
#: Operators that one module is exported as.
_AS_ONE = (
    {"Transpose", "MatMul", "Add"},
    {"ReduceMean", "Sub", "Pow", "Add", "Sqrt", "Div", "Mul"},
    {"Div", "Erf", "Add", "Mul"},
    {"Reshape", "InstanceNormalization", "Mul", "Add"},
    {"Sigmoid", "Mul"},
    {"HardSigmoid", "Mul"},
    {"Add", "Clip", "Div", "Mul"},
    {"Softplus", "Tanh", "Mul"},
    {"Pad", "Conv"},
)
#: What tf2onnx and Keras put around the name of a layer.
_CALLS = ("StatefulPartitionedCall", "PartitionedCall", "functional", "model")
#: Modules inside each other that are kept.
_DEEPEST = 16
#: What Keras calls parts of one layer.
_INSIDE = frozenset(
    ("batchnorm", "convolution", "moments", "Cast", "depthwise", "separable_conv2d")
)
#: A number that makes a name the only one of its kind.
_NUMBER = re.compile(r"_\d+$")


class Scopes:
    """The modules that each node was called in, and what it is called there."""

    def __init__(self, nodes: Sequence[Node], model: Model) -> None:
        self._learned = model.graph.constants
        self._is_keras = model.producer.startswith(("tf2onnx", "keras2onnx"))
        self._ops: dict[tuple[str, ...], list[str]] = {}
        self._last: tuple[Scope, ...] = ()
        self._texts: dict[str, tuple[str, ...]] = {}
        for node in nodes:
            if node.name.startswith("/") and node.op not in _SIZES:
                *path, _ = node.name[1:].split("/")
                for depth in range(len(path)):
                    self._ops.setdefault(tuple(path[: depth + 1]), []).append(node.op)

    def of(self, node: Node) -> Place:
        """The modules around a node, outermost first, and its own name; empty: it has none."""
        scopes, name = self._found(node)
        self._last = scopes = scopes[:_DEEPEST]
        return scopes, name

    def _found(self, node: Node) -> Place:
        if SCOPES in node.metadata:
            return self._by_metadata(node)
        if node.name.startswith("/"):
            return self._by_path(node)
        names = [name for name in node.inputs[1:] if name in self._learned]
        if self._is_keras:
            return self._by_layer(node, names)
        for name in names:
            path = name.split(".")[:-1]
            if path:
                return tuple(Scope(each) for each in path[:-1]), path[-1]
        return self._last, ""

    def _by_metadata(self, node: Node) -> Place:
        """By what PyTorch's newer exporter writes beside a node."""
        paths, classes = (
            self._list(node.metadata[SCOPES]),
            self._list(node.metadata.get(CLASSES, "")),
        )
        if len(classes) != len(paths):
            classes = ("",) * len(paths)
        scopes: list[Scope] = []
        around = ""
        for path, kind in list(zip(paths, classes))[:-1]:
            if path:
                own = path[len(around) + 1 :] if path.startswith(f"{around}.") else path
                *holders, name = own.split(".")
                scopes += [Scope(each) for each in holders]
                scopes.append(Scope(name, kind.rpartition(".")[2]))
                around = path
        kind = classes[-2] if len(classes) > 1 else ""
        if kind.startswith(_LAYERS) and not kind.startswith(_COMPOSITE) and scopes:
            return tuple(scopes[:-1]), self._by_weight(node, scopes) or scopes[-1].name
        return tuple(scopes), ""

    def _by_weight(self, node: Node, scopes: Sequence[Scope]) -> str:
        """The module whose weight enters a node, where its neighbour was folded into it."""
        for name in node.inputs[1:2]:
            *around, own, _ = ["", "", *name.split(".")] if name in self._learned else ["", ""]
            if [each for each in around if each] == [scope.name for scope in scopes[:-1]]:
                return own
        return ""

    def _list(self, text: str) -> tuple[str, ...]:
        """The texts in a list as Python prints it."""
        found = self._texts.get(text)
        if found is None:
            found = tuple([a or b for a, b in _TEXT.findall(text)])
            self._texts[text] = found
        return found

    def _by_path(self, node: Node) -> Place:
        """By the names that PyTorch's older exporter gives: `/layer1/layer1.0/conv1/Conv`."""
        *path, _ = node.name[1:].split("/")
        scopes: list[Scope] = []
        around = ""
        for each in path:
            own = each[len(around) + 1 :] if around and each.startswith(f"{around}.") else each
            scopes += [Scope(name) for name in own.split(".") if name]
            around = each
        ops = self._ops.get(tuple(path), [])
        if scopes and (len(ops) == 1 or any(set(ops) <= chain for chain in _AS_ONE)):
            return tuple(scopes[:-1]), scopes[-1].name
        return tuple(scopes), ""

    def _by_layer(self, node: Node, learned: Iterable[str]) -> Place:
        """By the names of Keras' layers: `model/block1_conv/Conv2D`, of a node or its weights."""
        for name in (*learned, node.name):
            first, *path = [each for each in name.split("/")[:-1] if each not in _CALLS] or [""]
            if not path:
                continue
            while len(path) > 1 and path[-1] in _INSIDE:
                path.pop()
            number = _NUMBER.search(first)
            if number is not None:  # Keras 3 numbers all layers like the model
                path = [each.removesuffix(number.group()) for each in path]
            return tuple(Scope(each) for each in path[:-1]), path[-1]
        return self._last, ""
