"""The worked examples of convolution arithmetic, through the command line as a user would ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run


def layer(run: Run, *args: str) -> Any:
    return run("layer", *args, "--json").json


# Dumoulin and Visin 2016, chapters 2 and 4.
@pytest.mark.parametrize(
    ("kernel", "padding", "stride", "dilation", "output"),
    [(3, 0, 1, 1, 126), (3, 1, 1, 1, 128), (3, 0, 2, 1, 63), (3, 0, 1, 2, 124), (3, 1, 2, 1, 64)],
)
def test_output_size(
    run: Run, kernel: int, padding: int, stride: int, dilation: int, output: int
) -> None:
    options = f"--k {kernel} --p {padding} --s {stride} --d {dilation} --in 128".split()
    assert layer(run, "conv", *options)["output_shape"] == [None, output, output]


@pytest.mark.parametrize(("dilation", "effective"), [(1, 3), (2, 5), (3, 7)])
def test_effective_kernel(run: Run, dilation: int, effective: int) -> None:
    options = f"--k 3 --d {dilation} --in {effective}".split()
    assert layer(run, "conv", *options)["output_shape"] == [None, 1, 1]
    assert run("layer", "conv", *options[:-1], str(effective - 1)).status == 2


def test_stack_of_dilated_layers_sees_15_cells(tmp_path: Path, run: Run) -> None:
    spec = tmp_path / "stack.yaml"
    spec.write_text(
        "name: stack\ninput: [1, 15]\nlayers:\n"
        + "".join(f"  - conv: {{out: 1, k: 3, d: {d}}}\n" for d in (1, 2, 4))
    )
    rows = run("analyze", str(spec), "--json").json["layers"]
    assert [row["output_shape"][1] for row in rows] == [13, 9, 1]


@pytest.mark.parametrize(
    ("options", "output"),
    [
        ("--k 3 --s 1 --in 6", [4, 4]),
        ("--k 3 --s 1 --p 1 --in 6", [6, 6]),
        ("--k 3,5 --s 1 --in 12x6", [10, 2]),
        ("--k 3,5 --s 1 --p 1,2 --in 12x6", [12, 6]),
        ("--k 2 --p same --in 6", [3, 3]),
        ("--k 1 --p same --in 6", [6, 6]),
        ("--k 2 --p valid --in 6", [3, 3]),
        ("--k 2 --s 2 --in 4", [2, 2]),
    ],
)
@pytest.mark.parametrize("pool", ["max_pool", "avg_pool"])
def test_pool_output_size(run: Run, pool: str, options: str, output: list[int]) -> None:
    assert layer(run, pool, *options.split())["output_shape"][1:] == output


def test_asymmetric_padding_counts_both_sides(run: Run) -> None:
    options = ["--k", "3", "--s", "2", "--p", "[[0, 1], [2, 0]]", "--in", "8x8"]
    assert layer(run, "conv", *options)["output_shape"] == [None, 4, 4]


@pytest.mark.parametrize(
    ("arguments", "params"),
    [
        ("conv --k 3 --out 4 --no-bias --in 3x64x64", 108),
        ("depthwise_conv --k 3 --no-bias --in 3x64x64", 27),
        ("pointwise_conv --out 4 --no-bias --in 3x64x64", 12),
        ("conv --k 3 --out 8 --no-bias --in 4x64x64", 288),
        ("conv --k 3 --out 8 --g 2 --no-bias --in 4x64x64", 144),
        ("separable_conv --k 3 --out 8 --no-bias --in 4x64x64", 68),
        ("conv --k 3 --p 1 --out 4 --in 2x320x320", 76),
        ("global_depthwise_conv --no-bias --in 512x7x5", 512 * 7 * 5),
        ("linear --out 84 --in 120", 120 * 84 + 84),
        ("batch_norm --in 64x8x8", 128),
    ],
)
def test_parameters(run: Run, arguments: str, params: int) -> None:
    assert layer(run, *arguments.split())["params"] == params


def test_parameters_in_symbols(run: Run) -> None:
    answer = layer(run, "conv", "--k", "3", "--s", "2", "--p", "1", "--in", "128")
    assert answer["params"] is None
    assert answer["formulas"]["params"] == "9·C_in·C_out + C_out"
    assert answer["output_shape"] == [None, 64, 64]


def test_formula_with_names_then_with_numbers(run: Run) -> None:
    text = run("layer", "conv", *"--k 3 --s 2 --p 1 --in 128".split()).out
    assert "⌊(H_in + 2·p − d·(k − 1) − 1)/s⌋ + 1" in text
    assert "⌊(128 + 2·1 − 1·(3 − 1) − 1)/2⌋ + 1" in text


@pytest.mark.parametrize(
    ("bias", "per_output"), [("--no-bias", 2 * 3 * 9 - 1), ("--bias", 2 * 3 * 9)]
)
def test_exact_operations(run: Run, bias: str, per_output: int) -> None:
    answer = layer(run, "conv", *"--k 3 --out 5 --in 3x10x10".split(), bias)
    assert answer["flops"] == per_output * 5 * 8 * 8


def test_paddle_counts_parameters_times_positions(run: Run) -> None:
    options = "--k 3 --p 1 --out 4 --in 2x320x320 --convention paddle".split()
    assert layer(run, "conv", *options)["flops"] == 7_782_400


def test_paddle_counts_two_an_element_of_batch_norm(run: Run) -> None:
    options = "--in 64x8x8 --convention paddle".split()
    assert layer(run, "batch_norm", *options)["flops"] == 2 * 64 * 8 * 8


@pytest.mark.parametrize("figure", ["params", "macs"])
@pytest.mark.parametrize(("channels", "maps", "kernel"), [(16, 32, 3), (3, 64, 5)])
def test_separable_to_standard(
    run: Run, figure: str, channels: int, maps: int, kernel: int
) -> None:
    # 1/C_out + 1/k² (Howard et al. 2017, section 3.1), in integers.
    options = f"--out {maps} --k {kernel} --no-bias --in {channels}x20x20 --p same".split()
    separable = layer(run, "separable_conv", *options)[figure]
    standard = layer(run, "conv", *options)[figure]
    assert separable * maps * kernel**2 == standard * (kernel**2 + maps)


def test_batch_norm_buffers(run: Run) -> None:
    assert layer(run, "batch_norm", "--in", "64x8x8")["buffers"] == 128


def test_lenet_under_paddle_row_for_row(run: Run) -> None:
    # What `paddle.flops` prints for paddle.vision.models.LeNet.
    rows = run("analyze", "lenet", "--convention", "paddle", "--json").json["layers"]
    found = [(row["output_shape"], row["params"], row["flops"]) for row in rows]
    assert found == [
        ([6, 28, 28], 60, 47_040),
        ([6, 28, 28], 0, 0),
        ([6, 14, 14], 0, 0),
        ([16, 10, 10], 2_416, 241_600),
        ([16, 10, 10], 0, 0),
        ([16, 5, 5], 0, 0),
        ([400], 0, 0),
        ([120], 48_120, 48_000),
        ([84], 10_164, 10_080),
        ([10], 850, 840),
    ]


def test_lenet_under_paddle_totals(run: Run) -> None:
    totals = run("analyze", "lenet", "--convention", "paddle", "--json").json["totals"]
    assert (totals["params"], totals["flops"]) == (61_610, 347_560)
