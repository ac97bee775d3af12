"""What onnx and onnxruntime make of a network that was written as ONNX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx

from convcalc.api import Network

#: The shapes of tensors by name, with their batch.
Shapes = dict[str, list[int]]


def model_of(network: Network) -> Any:
    """The network's file, read by onnx: its full check and its strict inference pass."""
    content = network.export("onnx")
    assert isinstance(content, bytes)
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


def shapes(network: Network) -> Shapes:
    """The shape of every tensor that a layer makes, as convcalc has it, by its name in a file."""
    found = {}
    for node in network.nodes:
        parts = len(node.outputs)
        for part, shape in enumerate(node.outputs):
            found[node.name if parts == 1 else f"{node.name}.{part}"] = [1, *shape]
    return found


def inferred(model: Any) -> Shapes:
    """The shapes that onnx infers where the file says none; it has not a rule for everything."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    made = onnx.shape_inference.infer_shapes(bare, data_prop=True).graph
    values = [*made.value_info, *made.output]
    sizes = {each.name: each.type.tensor_type.shape.dim for each in values}
    return {name: [size.dim_value for size in dims] for name, dims in sizes.items() if dims}


def run_on(
    model: Any, inputs: Mapping[str, Any], names: Iterable[str] = ()
) -> dict[str, np.ndarray[Any, Any]]:
    """What onnxruntime makes, its optimisations off; `names` are asked for besides the outputs."""
    import onnxruntime

    have = {each.name for each in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=each) for each in names if each not in have)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    content, providers = model.SerializeToString(), ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(content, options, providers=providers)
    made = zip(session.get_outputs(), session.run(None, inputs))
    return {each.name: array for each, array in made}


def made_by_onnxruntime(network: Network, model: Any) -> Shapes:
    """The shape of every tensor that a layer makes, as onnxruntime makes them of zeros."""
    zeros = {name: np.zeros((1, *shape), np.float32) for name, shape in network.inputs.items()}
    made = run_on(model, zeros, shapes(network))
    return {name: list(made[name].shape) for name in shapes(network)}
