"""The shapes that ONNX's own rules give for one node, asked where there is no other way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.extras import require
from convcalc.importers.onnx_reader.constants import Constant
from convcalc.importers.onnx_reader.operation import Known
from convcalc.importers.onnx_reader.wire import GraphAttribute, Node, TensorData


def inferred(
    node: Node, inputs: Sequence[Known | None], opsets: Mapping[str, int]
) -> list[tuple[int, ...] | None]:
    """The shape of each output of a node; None where that does not follow.

    Raises ConvcalcError where the package onnx is missing.
    """
    onnx: Any = require("onnx", "onnx", f"the shape of what {node.op} makes")
    unknown: list[tuple[int, ...] | None] = [None] * len(node.outputs)
    try:
        schema = onnx.defs.get_schema(node.op, opsets.get(node.domain, 1), node.domain)
        names = [f"in{place}" if value is not None else "" for place, value in enumerate(inputs)]
        outputs = [f"out{place}" for place in range(len(node.outputs))]
        attributes = {
            name: _attribute(onnx, value)
            for name, value in node.attributes.items()
            if not isinstance(value, GraphAttribute)
        }
        made = onnx.helper.make_node(node.op, names, outputs, domain=node.domain, **attributes)
        types, data = {}, {}
        for name, value in zip(names, inputs):
            if value is None:
                continue
            kind = value.type if isinstance(value, Constant) else onnx.TensorProto.FLOAT
            types[name] = onnx.helper.make_tensor_type_proto(kind, value.shape)
            if isinstance(value, Constant) and value.values is not None:
                data[name] = onnx.helper.make_tensor(name, kind, value.shape, value.values)
        imports = [onnx.helper.make_opsetid(*each) for each in opsets.items()]
        found = onnx.shape_inference.infer_node_outputs(
            schema, made, types, data, opset_imports=imports
        )
    except Exception:
        # Whatever onnx refuses is not known: what it raises is no message for users.
        return unknown
    return [_sizes(found[name]) if name in found else None for name in outputs]


def _attribute(onnx: Any, value: Any) -> Any:
    if isinstance(value, TensorData):
        return onnx.helper.make_tensor("value", value.type, value.dims, value.values or ())
    return list(value) if isinstance(value, tuple) else value


def _sizes(type: Any) -> tuple[int, ...] | None:
    """The sizes of a tensor's type; None where one is open."""
    if not type.tensor_type.HasField("shape"):
        return None
    dims = type.tensor_type.shape.dim
    return tuple(d.dim_value for d in dims) if all(d.HasField("dim_value") for d in dims) else None
