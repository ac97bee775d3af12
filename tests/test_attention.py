"""Matrix products, attention and what it is made of, against PyTorch and timm.

The numbers were counted by torch 2.13.0 (parameters, FlopCounterMode / 2) of timm 1.0.31's
`Attention` without fused kernels; `torch.nn.MultiheadAttention` has the same where there is one.
"""

from __future__ import annotations

import json
from math import prod
from typing import Any

import numpy
import pytest

import convcalc

from .conftest import Run
from .networks import network_of


def analyzed(*elements: Any, input: Any, **options: Any) -> convcalc.Analysis:
    """The analysis of a stack of layers."""
    spec = {"name": "stack", "input": input, "layers": list(elements)}
    return network_of(json.dumps(spec)).analyze(**options)


def shape(analysis: convcalc.Analysis) -> tuple[int, ...]:
    return tuple(analysis.rows[-1].output_shapes[0])


@pytest.mark.parametrize(
    ("channels", "tokens", "fields", "params", "macs"),
    [
        (768, 197, {"heads": 12}, 2362368, 524391936),
        (192, 50, {"heads": 3, "qkv_bias": False}, 147648, 8332800),
        (24, 7, {"heads": 2, "head_channels": 4}, 816, 6160),
        (1024, 577, {"heads": 16}, 4198400, 3101952000),
    ],
)
def test_self_attention_is_timms(
    channels: int, tokens: int, fields: dict[str, Any], params: int, macs: int
) -> None:
    found = analyzed({"self_attention": fields}, input=[channels, tokens])
    assert shape(found) == (channels, tokens)
    assert (found.totals.params, found.totals.macs) == (params, macs)


@pytest.mark.parametrize("fields", [{}, {"heads": 1}, {"heads": 12}])
def test_what_attention_costs_is_said_in_the_channels_that_enter_it(fields: dict[str, Any]) -> None:
    # Four projections, and two products of all heads' channels with every pair of tokens.
    found = convcalc.layer("self_attention", **fields)
    assert found.figures["macs"].closed == "4·C_in²·L_in + 2·C_in·L_in²"
    assert not any("H_out" in figure.closed for figure in found.figures.values())


def test_parts_of_attention_are_called_as_timms() -> None:
    found = analyzed({"self_attention": {"heads": 4}}, input=[32, 10])
    assert found.rows["self_attention.qkv"].weights == {"weight": (96, 32), "bias": (96,)}
    assert found.rows["self_attention.proj"].weights == {"weight": (32, 32), "bias": (32,)}
    assert found.rows["softmax"].config == {"axis": 2}
    # Each score is divided by the root of a head's channels.
    assert found.rows["scaled"].config == {"value": 8**-0.5}


@pytest.mark.parametrize(
    ("a", "b", "fields"),
    [
        ([3, 5], [5, 7], {}),
        ([5, 3], [5, 7], {"transpose_a": True}),
        ([2, 1, 3, 5], [2, 6, 7, 5], {"transpose_b": True}),
        ([4, 5, 3], [1, 7, 5], {"transpose_a": True, "transpose_b": True}),
    ],
)
def test_a_matrix_product_is_numpys(a: list[int], b: list[int], fields: dict[str, Any]) -> None:
    left, right = numpy.ones(a), numpy.ones(b)
    left = left.swapaxes(-1, -2) if "transpose_a" in fields else left
    right = right.swapaxes(-1, -2) if "transpose_b" in fields else right
    product = left @ right
    found = analyzed({"matmul": {"from": ["a", "b"], **fields}}, input={"a": a, "b": b})
    assert shape(found) == product.shape
    # Of ones, every element of the product is the number of products that it sums up.
    assert found.totals.macs == product.sum()
    assert found.rows[0].operations.get("add", 0) == product.sum() - product.size


def test_a_matrix_product_is_explained_of_two_inputs(run: Run) -> None:
    answer = run("layer", "matmul", "--in", "12x197x64", "--in", "12x64x197", "--json").json
    assert answer["output_shape"] == [12, 197, 197]
    assert answer["formulas"]["macs"] == "C_in·K·M·N"
    refused = run("layer", "matmul", *["--in", "8x8"] * 3)
    assert "matmul takes 2 inputs, and 3 are given" in refused.err


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 0, 1], [-1, -3, 1]])
def test_a_permutation_is_numpys(order: list[int]) -> None:
    found = analyzed({"permute": {"order": order}}, input=[2, 3, 4])
    assert shape(found) == numpy.ones((2, 3, 4)).transpose(order).shape
    assert found.totals.flops == 0


@pytest.mark.parametrize(
    ("op", "operations"),
    [
        ("sum", {"add": 1}),
        ("mean", {"add": 1, "div": 0}),
        ("max", {"cmp": 1}),
        ("min", {"cmp": 1}),
        ("l2", {"mul": 2, "add": 1, "sqrt": 0}),
    ],
)
@pytest.mark.parametrize(("axes", "keep"), [([0], False), ([1, -1], True), ([0, 1, 2], True)])
def test_a_reduction_is_numpys(
    op: str, operations: dict[str, int], axes: list[int], keep: bool
) -> None:
    """An operation is done m, n − m or n times, of n elements that become m."""
    x = numpy.ones((2, 3, 4))
    y = x.sum(axis=tuple(axes), keepdims=keep)
    found = analyzed({"reduce": {"op": op, "axes": axes, "keep": keep}}, input=[2, 3, 4])
    assert shape(found) == y.shape
    times = (y.size, x.size - y.size, x.size)
    assert found.rows[0].operations == {name: times[which] for name, which in operations.items()}


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_a_softmax_normalizes_along_its_axis(axis: int) -> None:
    sizes = [5, 7, 3]
    (row,) = analyzed({"softmax": {"axis": axis}}, input=sizes).rows
    rows = prod(sizes) // sizes[axis]
    assert row.operations["cmp"] == prod(sizes) - rows


def test_an_rms_norm_learns_a_scale_a_channel() -> None:
    (row,) = analyzed("rms_norm", input=[8, 5]).rows
    assert row.weights == {"weight": (8,)}
    # Squares, their mean and its root at each of 5 positions; the quotient, and the scale.
    assert row.operations == {"mul": 3 * 40, "add": 40, "div": 2 * 5, "sqrt": 5}
    assert analyzed({"rms_norm": {"affine": False}}, input=[8, 5]).totals.params == 0


def test_a_parameter_ignores_the_line_above() -> None:
    found = analyzed(
        {"relu": {"name": "x"}},
        {"parameter": {"name": "token", "shape": ["in_channels", 1]}},
        {"concat": {"from": ["token", "x"], "axis": 1}},
        input=[8, 5],
    )
    token = found.rows["token"]
    assert (token.inputs, token.params, token.kind) == ((), 8, "parameter")
    assert shape(found) == (8, 6)


def test_a_network_may_begin_with_a_parameter(run: Run) -> None:
    spec = b"name: N\ninput: [3]\nlayers:\n  - parameter: {shape: [8, 2]}\n  - relu\n"
    for command in ("analyze - --convention all", "analyze - --format html", "reconcile -"):
        assert run(*command.split(), stdin=spec).status == 0
    out = run("explain", "-", "parameter", stdin=spec).out
    assert "params       16" in out
    assert run("layer", "parameter", "--shape", "8,2", "--json").json["input_shapes"] == []
    refused = run("layer", "parameter", "--shape", "8,2", "--in", "8")
    assert "nothing enters a parameter: leave it out" in refused.err


def test_a_matrix_product_has_multiply_accumulates_under_macs() -> None:
    elements = {"matmul": {"from": ["a", "b"]}}
    totals = analyzed(elements, input={"a": [3, 5], "b": [5, 7]}, convention="macs").totals
    assert totals.flops == totals.macs == 3 * 5 * 7
