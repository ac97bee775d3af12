"""ONNX, from the graph: every layer as ONNX's operators, and weights that hold no numbers.

A weight is a `Constant` with an empty `sparse_value`: its shape, and zeros that nobody wrote, so
that a file of a network of any size has some kilobytes. The batch is 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from convcalc.exporters.base import Exporter, Model
from convcalc.exporters.onnx_nodes import DOMAIN, File, Nodes, cannot_export, sizes_fit, writer_of
from convcalc.graph import Graph
from convcalc.shape import Shape
from convcalc.visible import visible

#: The version of the format: that of operator set 21 and later.
_IR_VERSION = 10


def content(model: Model) -> bytes:
    """A network as an ONNX file.

    Raises ConvcalcError where the package `onnx` is missing, and for what ONNX cannot say.
    """
    from convcalc import __version__

    graph, file = model.graph, File()
    inputs = {name: file.tensor(name, shape) for name, shape in graph.inputs.items()}
    made = _written(file, graph)
    outputs = {}
    for name, shape in graph.output_shapes().items():
        if name in inputs:
            passed = f"{name}.output"
            file.op("Identity", [name], [passed], passed)
            name = passed
        outputs[name] = file.tensor(name, shape)
    helper = file.onnx.helper
    proto = helper.make_model(
        helper.make_graph(
            file.nodes,
            graph.name,
            [*inputs.values()],
            [*outputs.values()],
            value_info=[file.tensor(*each) for each in made.items() if each[0] not in outputs],
        ),
        functions=[_function(file, *each) for each in file.functions.items()],
        opset_imports=[*_opsets(file)],
        ir_version=_IR_VERSION,
        producer_name="convcalc",
        producer_version=__version__,
        doc_string=model.document.spec.description,
    )
    helper.set_model_props(proto, dict(_properties(graph)))
    text: bytes = proto.SerializeToString(deterministic=True)
    return text


def _written(file: File, graph: Graph) -> dict[str, Shape]:
    """Add the nodes of every layer; the tensors that they make. Raises ConvcalcError."""
    made: dict[str, Shape] = {}
    for node, inputs in zip(graph.nodes, graph.input_names()):
        writer = writer_of(node.type)
        if writer is None:
            raise cannot_export(
                f"`{visible(node.name)}`, a layer of the type {node.type},",
                "a function that `convcalc.exporters.onnx_nodes.writes` such layers says how",
            )
        for shape in node.outputs:
            sizes_fit(shape)
        count = len(node.outputs)
        names = [node.name] if count == 1 else [f"{node.name}.{part}" for part in range(count)]
        writer(Nodes(file, node, inputs, tuple(names)))
        made.update(zip(names, node.outputs))
    return made


def _function(file: File, name: str, inputs: int) -> Any:
    """A function that stands for an operator that convcalc does not know.

    It makes zeros of the shape that it is told, so that what has such a layer runs. A use may have
    fewer inputs.
    """
    onnx = file.onnx
    shape = onnx.helper.make_node("Constant", [], ["shape"])
    shape.attribute.add(name="value_ints", ref_attr_name="shape", type=onnx.AttributeProto.INTS)
    return onnx.helper.make_function(
        DOMAIN,
        name,
        [f"x{index}" for index in range(inputs)],
        ["y"],
        [shape, onnx.helper.make_node("ConstantOfShape", ["shape"], ["y"])],
        [onnx.helper.make_opsetid("", file.opset)],
        attributes=["shape"],
    )


def _opsets(file: File) -> Iterator[Any]:
    """The sets of operators that it takes."""
    yield file.onnx.helper.make_opsetid("", file.opset)
    if file.functions:
        yield file.onnx.helper.make_opsetid(DOMAIN, 1)


def _properties(graph: Graph) -> Iterator[tuple[str, str]]:
    """What else is to be known of the network."""
    if graph.source:
        yield "source", graph.source
    if graph.preset is not None:
        yield "preset", graph.preset


EXPORTER = Exporter("onnx", "ONNX", ".onnx", content)
