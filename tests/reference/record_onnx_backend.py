"""Records ONNX's own node tests as shapes, in onnx_backend.json.

Needs, from PyPI, onnx 1.23.2 (which makes its node tests as it goes, with their data):

    pip install onnx==1.23.2
    python tests/reference/record_onnx_backend.py

Of every test of one node whose operator is in OPERATORS: the node with its attributes, the opset,
the shape of what enters it (whole numbers with their values, for they say sizes), and the shape of
what leaves it, as the test's data has it. What the operator learns is a weight, everything else a
float an input of the network. Of tests that are alike in all that, one is taken.
"""

# onnx is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import onnx

#: The operators whose shapes are held.
OPERATORS = frozenset(
    """
    Conv ConvTranspose DeformConv MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool
    GlobalLpPool Pad Resize Upsample Reshape Flatten Transpose Slice Split Concat Squeeze Unsqueeze
    Gather Expand Tile CenterCropPad ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1
    ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare MatMul Gemm Einsum Attention Softmax
    LogSoftmax BatchNormalization InstanceNormalization GroupNormalization LayerNormalization
    RMSNormalization LRN LpNormalization MeanVarianceNormalization Relu LeakyRelu Elu Celu Selu
    Sigmoid HardSigmoid HardSwish Tanh Softplus Softsign Gelu Mish Swish PRelu Erf ThresholdedRelu
    Shrink Clip Add Sub Mul Div Pow Max Min Mean Sum Where Exp Log Sqrt Abs Neg Reciprocal Floor
    Ceil Round Sign Sin Cos DepthToSpace SpaceToDepth Dropout Identity ArgMax TopK
    """.split()
)
#: Operators whose further inputs are weights.
WEIGHTED = frozenset(
    """
    Conv ConvTranspose BatchNormalization InstanceNormalization GroupNormalization
    LayerNormalization RMSNormalization PRelu Gemm DeformConv
    """.split()
)


def entering(node: Any, case: Any) -> dict[str, Any]:
    """What enters a node, by name: its shape, values and whether it is a weight."""
    found: dict[str, Any] = {}
    for index, (info, value) in enumerate(zip(case.model.graph.input, case.data_sets[0][0])):
        here: dict[str, Any] = {"shape": list(value.shape)}
        kind = value.dtype.kind
        # Scales, limits and sizes are read; what is only moved or added is an input.
        if index and (kind in "iub" or node.op_type in ("Resize", "Upsample", "Clip", "Pad")):
            here["type"] = info.type.tensor_type.elem_type
            here["values"] = value.flatten().tolist()
        elif index and node.op_type in WEIGHTED:
            here["is_weight"] = True
        found[info.name] = here
    return found


def record(case: Any) -> dict[str, Any] | None:
    """A test as shapes; None where it is none of one node, or of no floats."""
    (node, *others) = case.model.graph.node
    if others or node.op_type not in OPERATORS or node.domain:
        return None
    inputs, outputs = case.data_sets[0]
    values = (*inputs, *outputs)
    if not inputs or not all(hasattr(each, "shape") and hasattr(each, "dtype") for each in values):
        return None
    if inputs[0].dtype.kind != "f":
        return None
    attributes = {}
    for each in node.attribute:
        value = onnx.helper.get_attribute_value(each)
        if isinstance(value, bytes):
            value = value.decode()
        if isinstance(value, list) and value and isinstance(value[0], bytes):
            value = [one.decode() for one in value]
        if not isinstance(value, (int, float, str, list)):
            return None
        attributes[each.name] = value
    names = [each.name for each in case.model.graph.output]
    return {
        "name": case.name.removeprefix("test_"),
        "opset": case.model.opset_import[0].version,
        "operator": node.op_type,
        "attributes": attributes,
        "inputs": list(node.input),
        "entering": entering(node, case),
        "outputs": list(node.output),
        "leaving": {name: list(value.shape) for name, value in zip(names, outputs)},
    }


def main() -> None:
    """Write the record, a line a test."""
    warnings.simplefilter("ignore")
    from onnx.backend.test.loader import load_model_tests

    records = [record(case) for case in load_model_tests(kind="node")]
    # Tests that differ in the types or the numbers of their data alone are one.
    kinds: dict[str, dict[str, Any]] = {}
    for each in sorted((one for one in records if one is not None), key=lambda one: one["name"]):
        entering = {
            name: {key: value for key, value in told.items() if key != "type"}
            for name, told in each["entering"].items()
        }
        kinds.setdefault(json.dumps({**each, "name": "", "entering": entering}), each)
    lines = [json.dumps(each) for each in kinds.values()]
    path = Path(__file__).with_name("onnx_backend.json")
    head = f'{{"onnx": "{onnx.__version__}", "tests": [\n'
    path.write_text(head + ",\n".join(lines) + "\n]}\n")
    print(len(lines), "tests")


if __name__ == "__main__":
    main()
