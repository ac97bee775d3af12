"""ONNX's own node tests: what leaves each operator has the shape that they recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("convcalc.importers.onnx")

if TYPE_CHECKING:
    from tests.conftest import Run

RECORD = Path(__file__).parent / "reference" / "onnx_backend.json"
TESTS: list[dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8"))["tests"]

#: Tests that are refused, by the reason; `*` stands at the end of several names.
REFUSED: Mapping[str, str] = {
    "a batch that is not in every shape": """
        add_int16 add_int8 add_uint16 add_uint32 add_uint64 add_uint8
        attention_3d_diff_heads_sizes_softcap attention_3d_gqa attention_3d_gqa_causal
        attention_3d_gqa_scaled attention_3d_gqa_softcap attention_3d_local_window
        attention_3d_softcap attention_4d_attn_mask_bool_4d
        attention_4d_causal_nonpad_attn_mask_composition attention_4d_causal_padded_kv_bf16
        attention_4d_causal_with_past_and_present attention_4d_diff_heads_mask4d_padded_kv
        attention_4d_diff_heads_sizes_softcap
        attention_4d_diff_heads_with_past_and_present_mask3d
        attention_4d_diff_heads_with_past_and_present_mask4d attention_4d_gqa
        attention_4d_gqa_causal* attention_4d_gqa_scaled attention_4d_gqa_softcap
        attention_4d_padded_kv_bf16 attention_4d_softcap
        attention_4d_with_past_and_present_qk_matmul_bias_3d*
        attention_4d_with_past_and_present_qk_matmul_bias_4d*
        attention_local_window_gqa_rank4_mask attention_local_window_with_past
        concat_2d_axis_0 concat_2d_axis_negative_2 concat_3d_axis_0
        concat_3d_axis_negative_3 div_int16 div_int8 div_uint16 div_uint32 div_uint64
        div_uint8 einsum_batch_diagonal einsum_sum* einsum_transpose* expand_dim_changed
        flatten_axis0 flatten_axis2 flatten_axis3 flatten_negative_axis1
        flatten_negative_axis2 flatten_negative_axis4 gather_0 gemm_all_attributes
        gemm_default_matrix_bias gemm_transposeA layer_normalization_2d_axis0
        layer_normalization_2d_axis_negative_2 layer_normalization_3d_axis0_epsilon
        layer_normalization_3d_axis_negative_3_epsilon layer_normalization_4d_axis0
        layer_normalization_4d_axis_negative_4 logsoftmax_axis_0 mul_int16 mul_int8
        mul_uint16 mul_uint32 mul_uint64 mul_uint8 pow prelu_example reduce_l1_default*
        reduce_l2_default* reduce_log_sum_asc_axes reduce_log_sum_default
        reduce_log_sum_exp_default* reduce_max_default* reduce_mean_default*
        reduce_min_default* reduce_sum_default* reduce_sum_square_default*
        reshape_negative_extended_dims reshape_one_dim reshape_reordered_all_dims
        rms_normalization_2d_axis0 rms_normalization_2d_axis_negative_2
        rms_normalization_3d_axis0_epsilon rms_normalization_3d_axis_negative_3_epsilon
        rms_normalization_4d_axis0 rms_normalization_4d_axis_negative_4 slice_neg_steps
        slice_start_out_of_bounds softmax_axis_0 sub_int16 sub_int8 sub_uint16 sub_uint32
        sub_uint64 sub_uint8 tile* transpose_all_permutations_2 transpose_all_permutations_3
        transpose_all_permutations_4 transpose_all_permutations_5 transpose_default
        unsqueeze_axis_0 where_long_example
    """,
    "nothing is in a tensor": """
        reduce_l1_empty_set reduce_l2_empty_set reduce_log_sum_empty_set
        reduce_log_sum_exp_empty_set reduce_max_empty* reduce_min_empty_set reduce_prod_empty_set
        reduce_sum_empty_set* reduce_sum_square_empty_set reshape_allowzero_reordered split_zero*
    """,
    "a number, which is no tensor": "einsum_scalar",
}


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
    outputs = [helper.make_tensor_value_info(name, 1, None) for name in test["leaving"]]
    graph = helper.make_graph([node], test["name"], inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", test["opset"])])


def outcome(test: dict[str, Any], run: Callable[..., Any], path: Path) -> str:
    """`same`, or what our shapes are, or the error."""
    path.write_bytes(model_of(test).SerializeToString())
    ran = run("analyze", str(path), "--json")
    if ran.status:
        return f"refused: {ran.err}"
    ours = [each["shape"] for each in ran.json["outputs"]]
    recorded = list(test["leaving"].values())
    if all(map(is_same, ours, recorded)):  # what training alone makes comes last, and is left out
        return "same"
    return f"differs: {ours}, recorded {recorded}"


def is_same(ours: list[int], recorded: list[int]) -> bool:
    """Whether sizes are equal but for a batch, which is left out, and the order of the axes.

    Ours have their channels first, whatever a file does, and leave out axes of one cell.
    """
    return sizes(ours) in (sizes(recorded), sizes(recorded[1:]))


def sizes(shape: list[int]) -> list[int]:
    return sorted(size for size in shape if size != 1)


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
    found = [(test["name"], told) for test, told in outcomes(run, tmp_path) if told != "same"]
    assert [each for each in found if each[1].startswith("differs")] == []
    assert [each for each in found if not is_listed(each[0])] == []
