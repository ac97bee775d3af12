"""Records that Keras builds what `convcalc export --to keras` writes, in export_keras.json.

Needs Python 3.11 and, from PyPI, tensorflow 2.21.0 with keras 3.15.1 (any CPU build):

    pip install tensorflow==2.21.0 keras==3.15.1
    python tests/reference/record_export_keras.py               # every network of the zoo
    python tests/reference/record_export_keras.py resnet50 …    # some: printed, not kept

For each network: how many layers' outputs have Keras's shape, and how many parameters and buffers
Keras counts, which are ours; or why it cannot be written in Keras. Weights are never made.
"""

# TensorFlow is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from keras.src.ops.operation import Operation

from convcalc import ConvcalcError, api, zoo
from convcalc.exporters.base import Model
from convcalc.exporters.keras import EXPORTER
from convcalc.graph import Graph, Node
from convcalc.shape import Shape

FILE = Path(__file__).with_name("export_keras.json")
Json = dict[str, Any]


class Different(Exception):  # noqa: N818 - it is what was found, not an error
    """Keras makes something else."""


class Made:
    """One call of a Keras layer or operation: its parameters, and the shapes that it makes."""

    def __init__(self, operation: Any, outputs: Any) -> None:
        self.operation = operation
        self.name = type(operation).__name__
        self.shapes = [tuple(x.shape[1:]) for x in keras.tree.flatten(outputs)]

    @property
    def weights(self) -> int:
        """How many numbers its own tensors hold."""
        if isinstance(self.operation, keras.Model) or not hasattr(self.operation, "count_params"):
            return 0
        return self.operation.count_params()


def exported(name: str) -> tuple[str, Graph]:
    """The Keras code of a network of the zoo, and the network."""
    found = zoo.locate(name, 10**7)
    opened = api.opened(found.data, found.name, found.preset_or(None))
    network = opened.at({})
    return EXPORTER.content(Model(opened.request.document, network)), network


def built(code: str) -> tuple[Any, list[Made]]:
    """The model that the last function of the code makes, and the calls that made it."""
    made: list[Made] = []
    calls = {each: each.symbolic_call for each in (Operation, keras.layers.Layer)}

    def symbolic_call(self: Any, *args: Any, **kwargs: Any) -> Any:
        kind = keras.layers.Layer if isinstance(self, keras.layers.Layer) else Operation
        outputs = calls[kind](self, *args, **kwargs)
        made.append(Made(self, outputs))
        return outputs

    names: Json = {"__name__": "exported"}
    exec(compile(code, "<exported>", "exec"), names)
    function = [name for name in names if callable(names[name])][-1]
    for each in calls:
        each.symbolic_call = symbolic_call
    try:
        # No weight is made in it.
        with keras.StatelessScope(initialize_variables=False):
            model = names[function]()
    finally:
        for each, own in calls.items():
            each.symbolic_call = own
    keras.backend.clear_session(free_memory=False)  # which takes as long as the rest
    return model, made


def channels_last(shape: Shape) -> tuple[int, ...]:
    return (*shape.spatial, shape.channels)


def is_seen(node: Node, after: Node | None) -> bool:
    """Whether Keras has a layer of its own for a node."""
    composite = next((g.type for g in node.groups if g.layer is not None), "")
    if composite == "self_attention":
        return node.type == "linear"  # its products have another order of axes
    if composite == "squeeze_excite":
        return node.type in ("conv", "global_avg_pool", "mul")  # activations are the convolutions'
    if composite == "separable_conv":
        bias = any(weight.name == "bias" for weight in node.placed.weights)
        return node.type == "pointwise_conv" or bias or len(node.outputs[0]) > 3
    pools = ("global_avg_pool", "global_max_pool", "adaptive_avg_pool", "adaptive_max_pool")
    return not (node.type in pools and after is not None and after.type == "flatten")


def own_nodes(graph: Graph) -> Iterator[tuple[Node, bool]]:
    """The nodes that are not another's once more, and whether Keras has a layer of each."""
    shared = {
        tuple(group.name for group in node.groups[:1])
        for node in graph.nodes
        if node.weights_of and node.groups
    }
    for node, after in zip(graph.nodes, (*graph.nodes[1:], None)):
        if node.weights_of or tuple(group.name for group in node.groups[:1]) in shared:
            continue
        yield node, is_seen(node, after)


def sizes(nodes: list[Node]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The parameters and buffers of each node that has any; of a separable convolution, of both."""
    before = 0
    for node in nodes:
        count = sum(weight.size for weight in node.placed.weights) + before
        before = 0
        if not is_seen(node, None) and count:
            before = count
        elif count:
            yield count, channels_last(node.outputs[0])


def agree(a: tuple[int | None, ...], b: tuple[int, ...]) -> bool:
    return len(a) == len(b) and all(x is None or x == y for x, y in zip(a, b))


def compared(graph: Graph, model: Any, made: list[Made]) -> int:
    """How many nodes have the shapes of Keras. Raises Different."""
    nodes = [*own_nodes(graph)]
    own = [*sizes([node for node, _ in nodes])]
    # What a transposed convolution's padding takes off is cropped after it.
    last = [
        each if "Cropping" in each.name else made[n] for n, each in enumerate([*made[1:], made[0]])
    ]
    theirs = [(each.weights, end.shapes[0]) for each, end in zip(made, last) if each.weights]
    for n, ((count, shape), (keras_count, keras_shape)) in enumerate(zip(own, theirs)):
        if count != keras_count or not agree(keras_shape, shape):
            found = f"{keras_count} and {keras_shape}, not {count} and {shape}"
            raise Different(f"layer {n} with weights has {found}")
    if len(own) != len(theirs):
        raise Different(f"{len(theirs)} layers have weights, not {len(own)}")
    at = seen = 0
    for node, is_own in nodes:
        if not is_own:
            continue
        wanted = [channels_last(shape) for shape in node.outputs]
        while at < len(made) and not (
            len(made[at].shapes) == len(wanted) and all(map(agree, made[at].shapes, wanted))
        ):
            at += 1
        if at == len(made):
            raise Different(f"nothing has the shape of {node.name}, {wanted[0]}")
        at += 1
        seen += 1
    outputs = [tuple(x.shape[1:]) for x in keras.tree.flatten(model.outputs)]
    if outputs != [channels_last(tensor.shape) for tensor in graph.outputs]:
        raise Different(f"what leaves it has {outputs}")
    tensors = [weight for node in graph.nodes for weight in node.placed.weights]
    total = sum(weight.size for weight in tensors)
    if model.count_params() != total:
        raise Different(f"{model.count_params()} parameters, not {total}")
    return seen


def recorded(name: str) -> Json:
    """What Keras makes of a network."""
    try:
        code, graph = exported(name)
    except ConvcalcError as error:
        return {"why": error.diagnostics[0].message}
    model, made = built(code)
    seen = compared(graph, model, made)
    return {"layers": seen, "of": len(graph.nodes), "params_and_buffers": model.count_params()}


def main() -> None:
    sys.setrecursionlimit(20_000)  # Keras goes through a model layer by layer
    gc.disable()  # it takes as long as Keras
    names = sys.argv[1:] or [entry["name"] for entry in zoo.index()]
    found: Json = {}
    for name in names:
        try:
            found[name] = recorded(name)
        except Exception as error:
            found[name] = {"error": f"{type(error).__name__}: {str(error)[:300]}"}
        print(name, json.dumps(found[name]), flush=True)
    if not sys.argv[1:]:
        found = {"keras": keras.__version__, "networks": found}
        lines = [
            f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found["networks"].items()
        ]
        text = ",\n".join(lines)
        FILE.write_text(f'{{"keras": "{keras.__version__}", "networks": {{\n{text}\n}}}}\n')


if __name__ == "__main__":
    main()
