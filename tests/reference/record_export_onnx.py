"""Record what onnx and onnxruntime make of the zoo, written as ONNX, in export_onnx.json.

    pip install 'convcalc[test]'
    python tests/reference/record_export_onnx.py             # what has no line yet
    python tests/reference/record_export_onnx.py --all       # everything again, some minutes

A network's line has how large its file is, how many tensors its layers make, and how many of these
have another shape than here: by the strict inference of shapes of onnx, at the spec's own input;
and as onnxruntime makes them of zeros, its optimisations off, at the first of some small inputs
that the spec takes. `not_inferred` are tensors of operators that onnx has no rule for.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

import convcalc
from convcalc import zoo
from convcalc.api import Network
from convcalc.graph import Node

FILE = Path(__file__).parent / "export_onnx.json"
#: The sides of the inputs that networks are run at, where they take them.
SIDES = (64, 96, 128, 224, 299)
#: No network with more products is run.
MOST_MACS = 6 * 10**9


def tensors(network: Network) -> dict[str, list[int]]:
    """The shape of every tensor that a layer makes, with its batch, by its name in a file."""

    def names(node: Node) -> list[str]:
        count = len(node.outputs)
        return [node.name] if count == 1 else [f"{node.name}.{part}" for part in range(count)]

    return {
        name: [1, *shape]
        for node in network.nodes
        for name, shape in zip(names(node), node.outputs)
    }


def written(network: Network) -> bytes:
    """The network's file."""
    content = network.export("onnx")
    assert isinstance(content, bytes)
    return content


def inferred(content: bytes) -> dict[str, list[int]]:
    """The shapes that onnx infers, strictly, once its full check has passed."""
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    del model.graph.value_info[:]  # else it would repeat what the file says
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    values = [*model.graph.value_info, *model.graph.output]
    shapes = {value.name: value.type.tensor_type.shape.dim for value in values}
    return {name: [size.dim_value for size in shape] for name, shape in shapes.items()}


def run(content: bytes, network: Network) -> dict[str, list[int]]:
    """The shapes of what onnxruntime makes of zeros, for every tensor of a layer."""
    model = onnx.load_from_string(content)
    del model.graph.value_info[:]
    have = {value.name for value in model.graph.output}
    for name in tensors(network).keys() - have:
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    zeros = {name: np.zeros((1, *shape), np.float32) for name, shape in network.inputs.items()}
    made = zip(session.get_outputs(), session.run(None, zeros))
    return {value.name: list(array.shape) for value, array in made}


def smaller(name: str, network: Network) -> Iterator[Network]:
    """The network at small inputs, then at its own."""
    shapes = list(network.inputs.values())
    if len(shapes) == 1 and len(shapes[0]) == 3:
        for side in SIDES:
            if side < min(shapes[0].spatial):
                try:
                    yield convcalc.load(name, input=str(side))
                except convcalc.ConvcalcError:
                    continue
    yield network


def recorded(name: str) -> dict[str, Any]:
    """The line of a network."""
    network = convcalc.load(name)
    content = written(network)
    shapes, found = tensors(network), inferred(content)
    unknown = [tensor for tensor in shapes if not found.get(tensor)]
    line: dict[str, Any] = {
        "bytes": len(content),
        "tensors": len(shapes),
        "not_inferred": len(unknown),
        "inferred_otherwise": sum(found[t] != shapes[t] for t in shapes if t not in unknown),
    }
    small = next(smaller(name, network))
    if small.analyze().totals.macs <= MOST_MACS:
        shapes, found = tensors(small), run(written(small), small)
        line["run_at"] = [list(shape) for shape in small.inputs.values()]
        line["run_otherwise"] = sum(found[tensor] != shapes[tensor] for tensor in shapes)
    return line


def main() -> None:
    """Record the networks of the zoo."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--all", action="store_true")
    onnxruntime.set_default_logger_severity(4)
    known = {} if parser.parse_args().all or not FILE.exists() else json.loads(FILE.read_text())
    names = [each["name"] for each in zoo.index()]
    for name in names:
        if name not in known:
            known[name] = recorded(name)
            print(name, known[name], flush=True)
            lines = [f"{json.dumps(each)}: {json.dumps(known[each])}" for each in sorted(known)]
            FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
