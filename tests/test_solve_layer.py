"""`convcalc solve layer`: against PyTorch's formulas, one by one, and the tutorial's cases."""

from __future__ import annotations

import csv
import io
import json
import pickle
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

import convcalc
from convcalc import layers
from convcalc.search.windows import has_window
from tests.conftest import Run


def solutions(run: Run, words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run("solve", "layer", *words.split(), "--json").json["solutions"]
    return found


def unordered(found: list[dict[str, Any]]) -> set[tuple[tuple[str, Any], ...]]:
    rows = {tuple(sorted(each.items())) for each in found}
    assert len(rows) == len(found)
    return rows


# The sizes that the documentation of PyTorch's modules has; None where PyTorch refuses.


def conv(n: int, k: int, s: int, p: int, d: int) -> int | None:
    cells = n + 2 * p - d * (k - 1) - 1
    return cells // s + 1 if cells >= 0 else None


def max_pool(n: int, k: int, s: int, p: int, d: int) -> int | None:
    return conv(n, k, s, p, d) if 2 * p <= k else None


def ceiled(n: int, k: int, s: int, p: int, d: int) -> int | None:
    windows = -(-(n + 2 * p - d * (k - 1) - 1) // s) + 1
    windows -= (windows - 1) * s >= n + p
    return windows if 2 * p <= k and windows >= 1 else None


def transposed(n: int, k: int, s: int, p: int, d: int, output_padding: int) -> int | None:
    size = (n - 1) * s - 2 * p + d * (k - 1) + output_padding + 1
    return size if output_padding < max(s, d) and size >= 1 else None


TYPES: dict[str, Callable[..., int | None]] = {
    "conv": conv,
    "depthwise_conv": conv,
    "deform_conv --dims 2": conv,
    "max_pool": max_pool,
    "max_pool --ceil-mode": ceiled,
    "conv_transpose": transposed,
}


def tried(size: Callable[..., int | None], n: int, wanted: int) -> Iterator[dict[str, int]]:
    """Every window of a few that takes one size to another, by trying all of them."""
    ranges = {"k": range(1, 6), "s": range(1, 5), "p": range(5), "d": range(1, 4)}
    if size is transposed:
        ranges["output_padding"] = range(4)
    for values in product(*ranges.values()):
        if size(n, *values) == wanted:
            yield dict(zip(ranges, values))


@pytest.mark.parametrize("type", TYPES)
def test_all_windows_of_the_ranges_are_found(run: Run, type: str) -> None:
    ranges = "--k 1:5 --s 1:4 --p 0:4 --d 1:3"
    if type == "conv_transpose":
        ranges += " --output-padding 0:3"
    for n, wanted in ((12, 6), (9, 9), (7, 3), (5, 11), (10, 40)):
        expected = [*tried(TYPES[type], n, wanted)]
        outcome = run(
            "solve", "layer", *f"{type} {ranges} --in {n} --out-size {wanted}".split(), "--json"
        )
        assert outcome.status == (0 if expected else 1)
        assert unordered(json.loads(outcome.out)["solutions"]) == unordered(expected)


@pytest.mark.parametrize("type", ["conv", "max_pool", "max_pool --ceil-mode"])
def test_all_inputs_that_give_a_size_are_found(run: Run, type: str) -> None:
    words = f"{type} --k 1:5 --s 1:4 --p 0:2 --d 1:2 --in 1:60 --out-size 7"
    values = product(range(1, 61), range(1, 6), range(1, 5), range(3), range(1, 3))
    names = ("in", "k", "s", "p", "d")
    expected = [dict(zip(names, each)) for each in values if TYPES[type](*each) == 7]
    assert unordered(solutions(run, words)) == unordered(expected)


def test_every_solution_is_what_the_layer_makes(run: Run) -> None:
    words = {
        "kmax_pool": "--k-max 2 --in 12 --out-size 8",
        "unfold": "--in 3x8x8 --out-size 16",
        "avg_pool": "--in 4x9x9x9 --out-size 4",
        "conv": "--in 2x12x9 --out-size 6x5 --k 3,5 --p same,0:2",
        "max_unpool": "--in 7x5 --out-size 14x10",
    }
    types = [name for name in layers.names() if has_window(layers.find(name))]
    for type in types:
        given = words.get(
            type, "--in 12 --out-size 6" if type != "conv_transpose" else "--in 6 --out-size 12"
        )
        data = run("solve", "layer", type, *given.split(), "--json").json
        assert data["solutions"], type
        options = dict(re.findall(r"--([\w-]+) (\S+)", given))
        input, wanted = options["in"], [int(each) for each in options["out-size"].split("x")]
        extra: dict[str, Any] = {"k_max": 2} if type == "kmax_pool" else {}
        for each in data["solutions"]:
            shape = convcalc.layer(type, input, **each, **extra).output_shapes[0].spatial
            assert list(shape) in (wanted, wanted * len(shape)), (type, each)


@pytest.mark.parametrize(
    ("type", "module", "words"),
    [
        ("conv", "Conv2d", "--in 3x28x20 --out 8 --out-size 14x10 --k 1:7,2x3"),
        ("depthwise_conv", "Conv1d", "--in 3x100 --dims 1 --out-size 25"),
        ("conv_transpose", "ConvTranspose3d", "--in 3x4x4x4 --out 8 --out-size 9 --k 2:5"),
        ("max_pool", "MaxPool2d", "--in 3x28x28 --out-size 9 --ceil-mode"),
        ("avg_pool", "AvgPool3d", "--in 3x9x9x9 --out-size 4"),
    ],
)
def test_pytorch_makes_the_same_sizes(run: Run, type: str, module: str, words: str) -> None:
    torch = pytest.importorskip("torch")
    options = dict(re.findall(r"--([\w-]+) (\S+)", words))
    input = torch.empty(1, *map(int, options["in"].split("x")), device="meta")
    channels: list[int] = [3, int(options.get("out", 3))] if "conv" in type else []
    names = {"k": "kernel_size", "s": "stride", "p": "padding", "d": "dilation"}
    more: dict[str, Any] = {"groups": 3} if type == "depthwise_conv" else {}
    more |= {"device": "meta"} if channels else {}
    more |= {"ceil_mode": True} if "--ceil-mode" in words else {}
    wanted = [int(each) for each in options["out-size"].split("x")]
    found = solutions(run, f"{type} {words}")
    assert found
    for each in found:
        fields = {names.get(name, name): value for name, value in each.items()}
        made = getattr(torch.nn, module)(*channels, **fields, **more)(input).shape[2:]
        assert list(made) in (wanted, wanted * len(made)), each


# Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016): what is unknown
# in each relationship is looked for, on the sizes of the paper's own figures

TUTORIAL: dict[str, tuple[str, list[dict[str, int]]]] = {
    "1, no padding, stride 1": ("conv --in 4 --out-size 2 --k 3 --s 1", [{"p": 0}]),
    "2, padding, stride 1": ("conv --in 5 --out-size 6 --k 4 --s 1", [{"p": 2}]),
    "3, half padding": ("conv --in 5 --out-size 5 --k 3 --s 1", [{"p": 1}]),
    "4, full padding": ("conv --in 5 --out-size 7 --k 3 --s 1", [{"p": 2}]),
    "5, no padding, strides": ("conv --in 5 --out-size 2 --k 3 --p 0", [{"s": 2}]),
    "6, padding, strides": ("conv --out-size 3 --k 3 --s 2 --p 1", [{"in": 5}, {"in": 6}]),
    "7, pooling": ("max_pool --in 5 --out-size 3 --k 3 --p 0", [{"s": 1}]),
    "8, transposed": ("conv_transpose --in 2 --out-size 4 --s 1 --p 0", [{"k": 3}]),
    "9, transposed, padding": ("conv_transpose --in 6 --out-size 5 --k 4 --s 1", [{"p": 2}]),
    "10, transposed, half": ("conv_transpose --in 5 --out-size 5 --k 3 --s 1", [{"p": 1}]),
    "11, transposed, full": ("conv_transpose --in 7 --out-size 5 --k 3 --s 1", [{"p": 2}]),
    "12, transposed, strides": ("conv_transpose --in 2 --out-size 5 --k 3 --p 0", [{"s": 2}]),
    "13, transposed, all": ("conv_transpose --in 3 --out-size 5 --k 3 --s 2 --p 1", [{}]),
    "14, what a stride cut off": (
        "conv_transpose --in 3 --out-size 6 --k 3 --s 2 --p 1 --output-padding 0:1",
        [{"output_padding": 1}],
    ),
    "15, dilated": ("conv --in 7 --out-size 3 --k 3 --s 1 --p 0 --d 1:3", [{"d": 2}]),
}


@pytest.mark.parametrize("relationship", TUTORIAL)
def test_relationships_of_the_tutorial(run: Run, relationship: str) -> None:
    words, expected = TUTORIAL[relationship]
    if " --d" not in words:
        words += " --d 1"
    if words.startswith("conv_transpose") and "--output-padding" not in words:
        words += " --output-padding 0"
    found = solutions(run, words)
    assert [{**each, **value} for each, value in zip(found, expected)] == found
    assert len(found) == len(expected)


def test_paddings_of_the_tutorial_for_many_kernels(run: Run) -> None:
    for kernel in range(1, 12):
        same = run(
            "solve", "layer", *f"conv --in 20 --out-size 20 --k {kernel} --s 1 --d 1 --json".split()
        )
        expected = [{"k": kernel, "s": 1, "p": (kernel - 1) // 2, "d": 1}] if kernel % 2 else []
        assert json.loads(same.out)["solutions"] == expected
        full = f"conv --in 20 --out-size {20 + kernel - 1} --k {kernel} --s 1 --d 1"
        assert solutions(run, full) == [{"k": kernel, "s": 1, "p": kernel - 1, "d": 1}]


# Which comes first


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("conv --in 128 --out-size 64", {"k": 3, "s": 2, "p": 1, "d": 1}),
        ("conv --in 224 --out-size 224", {"k": 3, "s": 1, "p": 1, "d": 1}),
        ("conv --in 224 --out-size 112 --k 7", {"k": 7, "s": 2, "p": 3, "d": 1}),
        ("conv --in 224 --out-size 14 --k 16 --s 16", {"k": 16, "s": 16, "p": 0, "d": 1}),
        ("conv --in 28 --out-size 13", {"k": 3, "s": 2, "p": 0, "d": 1}),
        ("max_pool --in 112 --out-size 56", {"k": 2, "s": 2, "p": 0, "d": 1}),
        ("max_pool --in 9 --out-size 4 --s 2 --ceil-mode", {"k": 3, "s": 2, "p": 0, "d": 1}),
        ("avg_pool --in 28 --out-size 4", {"k": 7, "s": 7, "p": 0}),
        (
            "conv_transpose --in 4 --out-size 8 --k 4",
            {"k": 4, "s": 2, "p": 1, "d": 1, "output_padding": 0},
        ),
    ],
)
def test_usual_windows_come_first(run: Run, words: str, first: dict[str, int]) -> None:
    assert solutions(run, words)[0] == first


def test_values_are_whole_numbers_however_they_are_written(run: Run) -> None:
    found = solutions(run, "conv --in 128 --out-size 64 --k 3.0,1e0 --d 1")
    assert [repr(each["k"]) for each in found] == ["3", "1"]


def test_two_sizes_that_are_not_known(run: Run) -> None:
    found = solutions(run, "conv --k 3 --s 2 --p 1 --d 1 --in 1:20 --out-size 3:4")
    assert [(each["in"], each["out_size"]) for each in found] == [(5, 3), (6, 3), (7, 4), (8, 4)]


def test_inputs_of_two_sizes(run: Run) -> None:
    found = solutions(run, "conv --k 3 --s 2 --p 1 --d 1 --out-size 4x3")
    assert [each["in"] for each in found] == [[7, 5], [7, 6], [8, 5], [8, 6]]


def test_long_ranges_are_halved(run: Run) -> None:
    words = "conv --k 3 --s 1 --d 1 --in 28 --out-size 1000000026 --p 0:1000000000000000000"
    assert solutions(run, words) == [{"k": 3, "s": 1, "p": 500_000_000, "d": 1}]
    words = "conv_transpose --k 3 --s 1000 --d 1 --p 0 --output-padding 0 --in 1:1000000000000"
    assert [each["in"] for each in solutions(run, f"{words} --out-size 999999003")] == [1_000_000]


# From Python


def test_the_same_from_python(run: Run) -> None:
    found = convcalc.solve_layer(
        "conv", (3, 28, 20), (14, 10), k=range(1, 8, 2), p=[0, 1, "same"], d=1
    )
    words = "conv --in 3x28x20 --out-size 14x10 --k 1:7:2 --p 0,1,same --d 1"
    names = ("kernel_size", "stride", "padding", "dilation")
    expected = [tuple(each.values()) for each in solutions(run, words)]
    assert [tuple(map(each.fields.get, names)) for each in found.solutions] == expected
    assert pickle.loads(pickle.dumps(found)) == found
    assert repr(found) == f"LayerSolutions('conv', {len(expected)} solutions)"
    assert "kernel_size=3, stride=2, padding=1" in repr(found.solutions[0])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"input": 8}, "`output` says which size is wanted"),
        ({"input": 8, "output": 4, "kernel": 3}, "conv has no field `kernel`"),
        ({"input": 8, "output": 4, "k": 3.5}, "`k` must be a whole number"),
        ({"input": 8, "output": 4, "k": []}, "`k` is given no values"),
        ({"input": 8, "output": 4, "k": range(0)}, "`k` is given no values"),
        ({"input": 8, "output": "x"}, "'x' is no shape"),
        ({"input": 8, "output": 4, "dims": -1}, "`dims` is a number of spatial axes"),
    ],
)
def test_mistakes_from_python(given: dict[str, Any], message: str) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=message):
        convcalc.solve_layer("conv", **given)


# What is printed


def test_table_has_lines_to_copy(run: Run) -> None:
    out = run("solve", "layer", *"conv --in 3x128x128 --out 8 --no-bias --out-size 64".split()).out
    assert "19 windows of conv take 3x128x128 to 64." in out
    assert "In PyTorch:  nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)" in out
    (line,) = re.findall(r"In a spec: +(- .*)", out)
    assert line == "- conv: {out: 8, k: 3, s: 2, p: 1, bias: false}"
    network = convcalc.loads(f"name: x\ninput: [3, 128, 128]\nlayers:\n  {line}\n")
    assert network.outputs[0].shape == (8, 64, 64)
    assert "Searched:    in 3x128x128; out_size 64; k 1:7; s 1:4,k; p 0:d(k-1); d 1:3" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_type_that_is_no_module_has_no_line_of_pytorch(run: Run) -> None:
    assert "PyTorch" not in run("solve", "layer", *"deform_conv --in 16 --out-size 8".split()).out


def test_table_has_twenty_and_says_how_many_there_are(run: Run) -> None:
    words = "conv --in 28 --out-size 14 --k 1:20".split()
    every = len(solutions(run, " ".join(words)))
    out = run("solve", "layer", *words).out
    assert f"The first 20 are shown; --top {every} prints all." in out
    assert len(re.findall(r"^ *\d+ +\d", out, re.M)) == 20
    assert len(solutions(run, f"{' '.join(words)} --top 3")) == 3


def test_formats_for_programs(run: Run) -> None:
    words = "conv --in 128x96 --out-size 64x48 --k 3x5 --p [[1,1],[2,2]] --d 1".split()
    data = run("solve", "layer", *words, "--json").json
    assert data["format"] == "convcalc.solution/1"
    (only,) = data["solutions"]
    assert only == {"k": [3, 5], "s": 2, "p": [[1, 1], [2, 2]], "d": 1}
    assert json.loads(run("solve", "layer", *words, "--format", "jsonl").out) == only
    words = "conv --in 128 --out-size 64 --d 1 --k 3,5".split()
    rows = csv.DictReader(io.StringIO(run("solve", "layer", *words, "--csv").out))
    assert [*rows] == [
        {"k": "3", "s": "2", "p": "1", "d": "1"},
        {"k": "5", "s": "2", "p": "2", "d": "1"},
    ]


def test_what_does_not_fit_ends_with_1_and_the_nearest_sizes(run: Run) -> None:
    words = "conv --in 28 --out-size 12 --s 2 --k 3 --d 1".split()
    outcome = run("solve", "layer", *words)
    assert outcome.status == 1
    assert "No conv takes 28 to 12; these come nearest." in outcome.out
    outcome = run("solve", "layer", *words, "--json")
    assert outcome.status == 1
    data = json.loads(outcome.out)
    assert data["solutions"] == []
    assert data["nearest"] == [{"k": 3, "s": 2, "p": 0, "d": 1, "in": 28, "out_size": 13}]
    both = run("solve", "layer", *"conv --in 9 --out-size 4 --k 2 --s 1,3 --p 0 --json".split())
    assert [each["out_size"] for each in json.loads(both.out)["nearest"]] == [3, 6]


def test_axes_that_need_windows_of_their_own(run: Run) -> None:
    outcome = run("solve", "layer", *"conv --in 128x192 --out-size 64x48".split())
    assert outcome.status == 1
    assert "each axis alone may have some: --dims 1" in outcome.out


def test_help_names_types_with_a_window_alone(run: Run) -> None:
    out = run("solve", "layer", "--help").out
    assert "conv, " in out
    assert "linear" not in out
    assert "[searched: 1:4,k]" in run("solve", "layer", "conv", "--help").out


@pytest.mark.parametrize(
    ("words", "message", "help"),
    [
        ("linear --in 8 --out-size 4", "a linear has no window to look for", "`conv`"),
        ("conf --out-size 4", "there is no layer type `conf`", "did you mean `conv`"),
        ("depthwise-conv --in 8", "no layer type", "convcalc solve layer depthwise_conv --in 8"),
        ("conv --in 8", "`--out-size` says which size is wanted", "convcalc layer"),
        ("conv --out-size 4 --in 8 --k 7:1", "the range '7:1' of `k` is empty", "1:7"),
        ("conv --out-size 4 --in 8 --k 1:7:0", "has a step of 0", "above 0"),
        ("conv --out-size 4 --in 8 --k 0:3", "`k` must be a whole number, 1 or more", ""),
        ("conv --out-size 4 --in 8 --k 1.5", "`k` must be a whole number, not 1.5", "round it"),
        ("conv --out-size 4 --in 8 --k 1:2:0.5", "no range of whole numbers", "1:7:2"),
        ("conv --out-size 4 --in 8 --p 0:10000000000000000000000", "above 10¹⁸", ""),
        ("conv --out-size 4 --in 8 --k 1,,2", "a value of `k` is missing", "two commas"),
        ("conv --out-size 4 --in 8 --p sane", "`p` must be", "`same`"),
        ("conv --out-size 4 --in 8x9,3", "several inputs are numbers", "--in 64:256"),
        ("conv --out-size 4x4x4 --in 8x8", "has 3 spatial axes", "without channels"),
        ("conv --out-size 0 --in 8", "0 has a size below 1", ""),
        ("conv --out-size 4 --in 8 --g 3 --out 4", "4 output channels cannot", ""),
        ("conv --out-size 4 --in 8 --k 1:10000000000", "10,000 windows", "k 1:10000000000"),
        ("conv --out-size 3 --s 200000 --k 1 --p 0", "100,000 solutions", "in 1:"),
        ("kmax_pool --in 8 --out-size 4", "hangs on what is not given", "`--k-max`"),
        ("conv_transpose --in 8 --out-size 16 --p same", "takes numbers as padding", "(k − s)/2"),
    ],
)
def test_mistakes(run: Run, words: str, message: str, help: str) -> None:
    outcome = run("solve", "layer", *words.split())
    assert outcome.status == 2
    assert message in outcome.err
    assert help in outcome.err
