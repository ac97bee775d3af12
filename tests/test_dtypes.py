"""The type of a number: that of the whole network, and that which a line says."""

from __future__ import annotations

import json

import convcalc
from tests.conftest import Run

MIXED = """
name: Mixed
input: [4, 8, 8]
blocks:
  unit: {args: {out: required}, layers: [conv: {out: out, k: 1, bias: false}, relu]}
layers:
  - conv: {name: plain, out: 8, k: 1, bias: false}
  - unit: {name: quantized, out: 8, dtype: int8}
  - residual:
      name: half
      dtype: float16
      layers:
        - squeeze_excite: {squeeze: 2}
        - conv: {name: precise, out: 8, k: 1, bias: false, dtype: float64}
  - repeat: {times: 2, dtype: uint8, layers: [conv: {out: 8, k: 1, bias: false}]}
  - conv: {name: again, weights: plain, dtype: int8, out: 8, k: 1, bias: false}
"""


def test_a_line_says_the_type_of_all_that_is_in_it_and_an_inner_word_is_stronger() -> None:
    spec = MIXED.replace("weights: plain, ", "")
    rows = convcalc.loads(spec).analyze(dtype="bfloat16").rows
    found = {row.name: row.dtype for row in rows}
    assert found.pop("plain") == "bfloat16"
    assert {found.pop(name) for name in ("quantized.conv", "quantized.relu")} == {"int8"}
    assert found.pop("half.precise") == "float64"
    assert {found.pop(f"conv_{n}") for n in (1, 2)} == {"uint8"}
    assert found.pop("again") == "int8"
    assert len(found) > 5
    assert set(found.values()) == {"float16"}


def test_bytes_are_those_of_the_type_that_a_layer_says(run: Run) -> None:
    spec = MIXED.replace("weights: plain, ", "").encode()
    sizes = {"int8": 1, "uint8": 1, "float16": 2, "float32": 4, "float64": 8}
    answer = run("analyze", "-", "--json", stdin=spec).json
    for row in answer["layers"]:
        size = sizes[row["dtype"]]
        assert row["weight_bytes"] == size * (row["params"] + row["buffers"])
        assert row["activation_bytes"] == size * row["activations"]
    assert answer["totals"]["dtype"] is None
    table = run("analyze", "-", "--columns", "name,weight_bytes", stdin=spec).out
    assert "as each layer's dtype" in table


def test_a_layer_that_borrows_weights_makes_numbers_of_its_own_type() -> None:
    spec = MIXED.replace("input: [4,", "input: [8,")
    row = convcalc.loads(spec).analyze().rows["again"]
    assert (row.weight_bytes, row.activation_bytes) == (0, 8 * 8 * 8)


def test_the_type_is_one_that_there_is(run: Run) -> None:
    spec = MIXED.replace("dtype: float16", "dtype: float_16").encode()
    err = run("analyze", "-", stdin=spec).err
    assert "error[bad-value]: `dtype` must be one of `float64`, `float32`, `float16`" in err
    assert "<stdin>:11:14" in err
    assert "did you mean `float16`" in err


def test_a_type_is_meant_by_its_other_names(run: Run) -> None:
    for name, meant in (("fp16", "float16"), ("half", "float16"), ("int4", "int8")):
        assert f"did you mean `{meant}`?" in run("analyze", "lenet", "--dtype", name).err


def test_an_answer_says_whether_it_is_fused(run: Run) -> None:
    columns = ("analyze", "mobilenet_v2", "--dtype", "int8", "--columns", "name,live_bytes")
    assert "as int8, fused" in run(*columns).out
    assert "as int8, not fused" in run(*columns, "--no-fuse").out
    check = ("check", "mobilenet_v2", "--max", "live_bytes=1k")
    over = run(*check, "--dtype", "int8", "--error-format", "concise").err
    assert "live_bytes is 1,505,280 (int8, fused), over by 1,504,280" in over
    assert json.loads(run(*check, "--fuse", "--json").out)["fuse"] is True
    assert run("analyze", "mobilenet_v2", "--json").json["fuse"] is False


def test_what_is_fused_is_asked_of_what_goes_by_it(run: Run) -> None:
    wrong = [
        ("analyze", "lenet", "--fuse"),
        ("analyze", "lenet", "--no-fuse", "--columns", "name,params"),
        ("check", "lenet", "--max", "macs=1M", "--fuse"),
    ]
    for arguments in wrong:
        assert "`--fuse` is about what is in memory as a network runs" in run(*arguments).err
    assert run("list", "lenet", "--columns", "live_bytes", "--dtype", "int8").status == 0
    assert run("analyze", "lenet", "--columns", "name,intensity", "--fuse").status == 0
