"""What an ONNX file says of its network, read without convcalc: MACs, parameters, shapes."""

# onnx is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import onnx

#: The inputs of an operator that are learned, where it has some; -1: any of its inputs.
LEARNED: Mapping[str, tuple[int, ...]] = {
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "Gemm": (0, 1, 2),
    "MatMul": (0, 1),
    "BatchNormalization": (1, 2),
    "LayerNormalization": (1, 2),
    "InstanceNormalization": (1, 2),
    "GroupNormalization": (1, 2),
    "RMSNormalization": (1,),
    "SkipLayerNormalization": (2, 3, 4),
    "PRelu": (1,),
}
#: Operators that learn where a float tensor of more than one element enters them.
ARITHMETIC = frozenset("Add Sub Mul Div Sum Concat Where Pow Max Min Expand Einsum".split())
#: Between what every parameter is before an export.
FILLED = (0.0099, 0.0201)
#: Operators whose further inputs are indices, sizes or a type.
FIRST = frozenset("Gather Reshape Expand CastLike Slice Tile Pad Unsqueeze Squeeze".split())
FLOATS = frozenset(
    (
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.DOUBLE,
        onnx.TensorProto.BFLOAT16,
    )
)


def count_macs(node: Any, shapes: Mapping[str, list[int]]) -> int:
    """The multiply-accumulates of a node, batch 1, from the shapes of its tensors."""
    if node.op_type in ("Conv", "ConvInteger"):
        weight, out = shapes[node.input[1]], shapes[node.output[0]]
        return math.prod(out) * math.prod(weight[1:])
    if node.op_type == "ConvTranspose":
        weight, entering = shapes[node.input[1]], shapes[node.input[0]]
        return math.prod(entering) * math.prod(weight[1:])
    if node.op_type == "Gemm":
        a = shapes[node.input[0]]
        transposed = any(each.name == "transA" and each.i for each in node.attribute)
        return math.prod(shapes[node.output[0]]) * a[0 if transposed else 1]
    if node.op_type == "MatMul":
        return math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    if node.op_type == "Einsum":
        equation = next(each.s for each in node.attribute if each.name == "equation").decode()
        sizes: dict[str, int] = {}
        for letters, name in zip(equation.split("->")[0].replace(" ", "").split(","), node.input):
            sizes.update(zip(letters, shapes[name]))
        return math.prod(sizes.values()) if len(node.input) == 2 else 0
    return 0


def inferred_shapes(model: Any) -> dict[str, list[int]]:
    """The shape of every tensor that inference finds whole."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    shapes: dict[str, list[int]] = {}
    for each in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        dims = each.type.tensor_type.shape.dim
        if each.type.tensor_type.HasField("shape") and all(d.HasField("dim_value") for d in dims):
            shapes[each.name] = [d.dim_value for d in dims]
    for each in model.graph.initializer:
        shapes[each.name] = list(each.dims)
    for node in model.graph.node:
        for value in constants_of(node):
            shapes[node.output[0]] = list(value.dims)
    return shapes


def run_shapes(model: Any) -> dict[str, list[int]]:
    """The shape of every tensor, by running the file, whose weights are there, in onnxruntime."""
    import numpy as np
    import onnxruntime

    every = onnx.ModelProto()
    every.CopyFrom(model)
    del every.graph.value_info[:]
    there = {each.name for each in every.graph.output}
    for node in every.graph.node:
        every.graph.output.extend(
            onnx.ValueInfoProto(name=name)
            for name in node.output
            if name and name not in there and node.op_type != "Constant"
        )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(every.SerializeToString(), options)
    feed = {each.name: np.zeros(each.shape, np.float32) for each in session.get_inputs()}
    names = [each.name for each in session.get_outputs()]
    values = zip(names, session.run(names, feed))
    return {name: list(value.shape) for name, value in values if hasattr(value, "shape")}


def constants_of(node: Any) -> Iterator[Any]:
    """The tensor that a Constant holds."""
    if node.op_type == "Constant":
        for each in node.attribute:
            if each.name == "value":
                yield each.t


def truth_of(
    model: Any,
    not_learned: frozenset[str] = frozenset(),
    shapes: Mapping[str, list[int]] | None = None,
) -> dict[str, Any]:
    """What a file says.

    `macs`: Conv, ConvTranspose, Gemm, MatMul and Einsum on what depends on an input (and a
    convolution of constants); products of weights alone count no MACs. `params_per_use`: the
    float weights that enter operators which learn, once a use, also through operators on weights
    alone (a gather or transposition of a table): `not_learned` names masks and coordinates.
    `params_once`: the same, each initializer once. `sure` is what enters convolutions, linear
    layers and normalizations only: no mask can be among it. `shapes` is what is known beside what
    inference finds.
    """
    shapes = {**inferred_shapes(model), **(shapes or {})}
    tensors = {each.name: each for each in model.graph.initializer}
    for node in model.graph.node:
        for value in constants_of(node):
            tensors[node.output[0]] = value
    initial = {each.name for each in model.graph.initializer}
    varying = {each.name for each in model.graph.input if each.name not in initial}
    #: The tables that a tensor of weights alone is made of.
    made_of: dict[str, tuple[str, ...]] = {name: (name,) for name in tensors}
    macs = 0
    by_op: dict[str, int] = {}
    uses: list[tuple[str, str]] = []
    unknown: list[str] = []
    for node in model.graph.node:
        if node.op_type == "Constant":
            continue
        by_op[node.op_type] = by_op.get(node.op_type, 0) + 1
        # The second input of CastLike says a type alone.
        sources = node.input[:1] if node.op_type == "CastLike" else node.input
        depends = any(name in varying for name in sources)
        if node.op_type in ("Shape", "Size"):
            depends = False
        elif depends:
            varying.update(node.output)
        if depends or node.op_type in ("Conv", "ConvTranspose"):
            try:
                macs += count_macs(node, shapes)
            except KeyError:
                if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum"):
                    unknown.append(node.name)
        if not depends:
            #: A folded Shape is a constant that is no weight.
            parts: tuple[str, ...] = ()
            if node.op_type in ("Conv", "ConvTranspose"):
                # What it learns is counted here, and not again where its output is used.
                varying.update(node.output)
            elif node.op_type not in ("Shape", "Size"):
                sources = node.input[:1] if node.op_type in FIRST else node.input
                parts = tuple(p for name in sources for p in made_of.get(name, ()))
            for name in node.output:
                made_of[name] = parts
            if node.op_type not in ("Conv", "ConvTranspose"):
                continue
        for index, name in enumerate(node.input):
            slots = LEARNED.get(node.op_type)
            if slots is None and node.op_type not in ARITHMETIC:
                continue
            if slots is not None and index not in slots:
                continue
            for part in made_of.get(name, ()):
                uses.append((node.op_type, part))

    def counted(operator: str, name: str) -> bool:
        tensor = tensors[name]
        # A constant of one element is a number of the code, not a weight.
        several = (operator in LEARNED and name in initial) or math.prod(tensor.dims) > 1
        return tensor.data_type in FLOATS and several and name not in not_learned

    learned = [(op, name) for op, name in uses if counted(op, name)]
    sizes = {name: math.prod(tensors[name].dims) for _, name in learned}
    return {
        "opset": {each.domain or "ai.onnx": each.version for each in model.opset_import},
        "macs": macs,
        "macs_unknown": unknown,
        "params_per_use": sum(sizes[name] for _, name in learned),
        "params_once": sum(sizes.values()),
        "params_sure": sum(sizes[name] for op, name in learned if op in LEARNED),
        "by_op": by_op,
        "outputs": [shapes.get(each.name) for each in model.graph.output],
        "shapes": {
            name: shapes.get(name)
            for node in model.graph.node
            if node.op_type != "Constant"
            for name in node.output
            if name in varying
        },
    }


def masks_of(model: Any) -> frozenset[str]:
    """Float constants that are no weights by their values.

    Masks are zeros and one large negative number; an InstanceNormalization with ones and zeros is
    how a group normalization begins.
    """
    import numpy as np
    from onnx import numpy_helper

    found = set()
    tensors = [(each.name, each) for each in model.graph.initializer]
    tensors += [(n.output[0], value) for n in model.graph.node for value in constants_of(n)]
    for name, tensor in tensors:
        if tensor.data_type not in FLOATS or math.prod(tensor.dims) < 4:
            continue
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            continue
        values = np.unique(numpy_helper.to_array(tensor))
        if len(values) == 2 and values[1] == 0 and values[0] <= -50:
            found.add(name)
    by_name = dict(tensors)
    for node in model.graph.node:
        if node.op_type == "InstanceNormalization":
            for name, value in zip(node.input[1:], (1, 0)):
                if name in by_name and (numpy_helper.to_array(by_name[name]) == value).all():
                    found.add(name)
    return frozenset(found)


def tables_of(model: Any, parameters: frozenset[str]) -> frozenset[str]:
    """Float constants that no parameter went into, by their values: coordinates, masks.

    Every parameter was filled with numbers of FILLED before the export, so that what views and
    gathers make of them lies there too. What convolutions, products and normalizations take is
    never among them.
    """
    from onnx import numpy_helper

    taken = {
        node.input[slot]
        for node in model.graph.node
        for slot in LEARNED.get(node.op_type, ())
        if slot < len(node.input)
    }
    tensors = [(each.name, each) for each in model.graph.initializer]
    tensors += [(n.output[0], value) for n in model.graph.node for value in constants_of(n)]
    found = set()
    for name, tensor in tensors:
        if name in taken or name in parameters or tensor.data_type not in FLOATS:
            continue
        if math.prod(tensor.dims) > 1:
            values = numpy_helper.to_array(tensor)
            # Zeros between two biases, as where keys have none, are part of what was folded.
            if ((values > FILLED[0]) & (values < FILLED[1])).mean() < 0.5:
                found.add(name)
    return frozenset(found)


def strip(model: Any, external: bool, largest: int = 1024) -> None:
    """Take the data of large tensors away, as if they lay in a file that is not there."""

    def without(tensor: Any) -> None:
        size = len(tensor.raw_data) or tensor.ByteSize()
        if size <= largest or tensor.data_type == onnx.TensorProto.STRING:
            return
        for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data"):
            tensor.ClearField(field)
        if external:
            tensor.data_location = onnx.TensorProto.EXTERNAL
            del tensor.external_data[:]
            tensor.external_data.add(key="location", value="weights.bin")

    for tensor in model.graph.initializer:
        without(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                without(attribute.t)
