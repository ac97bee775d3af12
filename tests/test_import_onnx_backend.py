"""ONNX's own node tests: what leaves each operator has the shape that they recorded."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

onnx = pytest.importorskip("onnx")

if TYPE_CHECKING:
    from tests.conftest import Run

RECORD = Path(__file__).parent / "reference" / "onnx_backend.json"
TESTS: list[dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8"))["tests"]

#: Tests that are refused, by the reason; `*` stands at the end of several names.
REFUSED: Mapping[str, str] = {
    "tensors without cells": """
        reduce_l1_empty* reduce_l2_empty* reduce_log_sum_empty* reduce_log_sum_exp_empty*
        reduce_max_empty* reduce_min_empty* reduce_prod_empty* reduce_sum_empty*
        reduce_sum_square_empty* slice_neg_steps slice_start_out_of_bounds split_zero_size*
        reshape_allowzero_reordered
    """,
    "inputs without axes": """
        dropout_default_mask_ratio dropout_default_ratio pow_bcast_scalar training_dropout*
        einsum_scalar
    """,
    "an operator that is not known, and a batch": """
        argmax* reduce_prod* center_crop_pad* l1normalization* l2normalization* lpnormalization*
        top_k* thresholdedrelu* mvn
    """,
    "an attention with a past, a soft cap, groups of queries or a padded mask, and a batch": """
        attention*
    """,
    "a sum or product over the first axis, which is no batch there": """
        einsum_sum* einsum_transpose* einsum_batch_diagonal gemm_all_attributes gemm_transposeA
        matmul_2d pow prelu_example
    """,
    "a normalization over the first axis": """
        layer_normalization_2d_axis0 layer_normalization_2d_axis_negative_2
        layer_normalization_3d_axis0* layer_normalization_3d_axis_negative_3*
        layer_normalization_4d_axis0 layer_normalization_4d_axis_negative_4
    """,
    "what goes along the batch, or moves it": """
        concat_2d_axis_0 concat_2d_axis_negative_2 concat_3d_axis_0 concat_3d_axis_negative_3
        expand_dim_changed flatten_axis0 flatten_axis2 flatten_axis3 flatten_negative_axis*
        gather_0 gemm_default_matrix_bias logsoftmax_axis_0 reduce_l1_default* reduce_l2_default*
        reduce_log_sum_asc_axes reduce_log_sum_default reduce_log_sum_exp_default*
        reduce_max_default* reduce_mean_default* reduce_min_default* reduce_sum_default*
        reduce_sum_square_default* reshape_one_dim reshape_reordered_all_dims
        rms_normalization_2d_axis0 rms_normalization_2d_axis_negative_2
        rms_normalization_3d_axis0* rms_normalization_3d_axis_negative_3*
        rms_normalization_4d_axis0 rms_normalization_4d_axis_negative_4 softmax_axis_0 tile*
        transpose* unsqueeze_axis_0
    """,
    "a batch that becomes two axes": "reshape_negative_extended_dims",
}
#: Of the tests, how many have the recorded shapes at least.
SAME = 430


def model_of(test: dict[str, Any]) -> Any:
    """A test as a file: weights without data, whole numbers with theirs."""
    helper, weights, inputs = onnx.helper, [], []
    for name, entering in test["entering"].items():
        if "values" in entering:
            tensor = helper.make_tensor(
                name, entering["type"], entering["shape"], entering["values"]
            )
            weights.append(tensor)
        elif entering.get("is_weight"):
            weights.append(onnx.TensorProto(name=name, data_type=1, dims=entering["shape"]))
        else:
            inputs.append(helper.make_tensor_value_info(name, 1, entering["shape"]))
    node = helper.make_node(
        test["operator"], test["inputs"], test["outputs"], name="node", **test["attributes"]
    )
    # A layer behind each output: what only moves data is none.
    relus = [helper.make_node("Relu", [name], [f"{name}_out"]) for name in leaving(test)]
    outputs = [helper.make_tensor_value_info(each.output[0], 1, None) for each in relus]
    graph = helper.make_graph([node, *relus], test["name"], inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", test["opset"])])


def leaving(test: dict[str, Any]) -> dict[str, list[int]]:
    """What leaves a test's node: of an operator with outputs for training, the first."""
    several = test["operator"] in ("Split", "TopK")
    return {
        name: shape
        for place, (name, shape) in enumerate(test["leaving"].items())
        if several or place == 0
    }


def without_order(shape: list[int]) -> list[int]:
    """A shape in no order and without its ones, for the axes of channels are ours to place."""
    return sorted(size for size in shape if size != 1)


def outcome(test: dict[str, Any], run: Callable[..., Any], path: Path) -> str:
    """`same`, or what our shapes are, or the error."""
    path.write_bytes(model_of(test).SerializeToString())
    ran = run("analyze", str(path), "--json")
    if ran.status:
        return f"refused: {ran.err}"
    ours = [without_order(each["shape"]) for each in ran.json["outputs"]]
    recorded = list(leaving(test).values())
    # The batch is divided out; where the node mixes it with other axes, the cells are left to say.
    whole, divided = map(without_order, recorded), [without_order(shape[1:]) for shape in recorded]
    if ours in (list(whole), divided):
        return "same"
    batches = [each["shape"][0] for each in test["entering"].values() if each["shape"]]
    if [batches[0] * math.prod(shape) for shape in ours] == [math.prod(each) for each in recorded]:
        return "same cells"
    return f"differs: {ours}, recorded {recorded}"


def outcomes(run: Callable[..., Any], folder: Path) -> Iterator[tuple[dict[str, Any], str]]:
    for test in TESTS:
        yield test, outcome(test, run, folder / "node.onnx")


def is_listed(name: str) -> bool:
    return any(
        name.startswith(each[:-1]) if each.endswith("*") else name == each
        for names in REFUSED.values()
        for each in names.split()
    )


def test_shapes_are_those_of_the_recorded_tests(run: Run, tmp_path: Path) -> None:
    found = [(test["name"], told) for test, told in outcomes(run, tmp_path)]
    assert [each for each in found if each[1].startswith("differs")] == []
    refused = [each for each in found if each[1].startswith("refused")]
    assert [each for each in refused if not is_listed(each[0])] == []
    assert sum(told == "same" for _, told in found) >= SAME
