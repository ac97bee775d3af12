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
REFUSED: Mapping[str, str] = {}


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
    # The batch is divided out.
    if ours in ([shape[1:] for shape in recorded], recorded):
        return "same"
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
    found = [(test["name"], told) for test, told in outcomes(run, tmp_path) if told != "same"]
    assert [each for each in found if each[1].startswith("differs")] == []
    assert [each for each in found if not is_listed(each[0])] == []
