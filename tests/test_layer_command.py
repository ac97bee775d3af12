"""`convcalc layer`: one layer, with the formula of each figure."""

from __future__ import annotations

import csv
import io
import re

import pytest

from convcalc import layers
from convcalc.layers.fields import Truth
from tests.conftest import Run


def test_every_type_has_a_command_with_its_fields(run: Run) -> None:
    for name in layers.names():
        out = run("layer", name, "--help").out
        for field in layers.fields_of(layers.find(name)):
            assert f"--{field.name.replace('_', '-')}" in out


def test_short_and_canonical_options_are_the_same(run: Run) -> None:
    short = run("layer", "conv", *"--out 8 --k 3 --s 2 --p 1 --d 1 --g 1 --in 4x9x9".split())
    long = run(
        "layer",
        "conv",
        *"--out-channels 8 --kernel-size 3 --stride 2 --padding 1 --dilation 1".split(),
        *"--groups 1 --in 4x9x9".split(),
    )
    assert short == long


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ("128", [None, 126, 126]),
        ("128x96", [None, 126, 94]),
        ("3x128x96", [None, 126, 94]),
        ("3x16x128x96", [None, 14, 126, 94]),
    ],
)
def test_input_sizes(run: Run, size: str, shape: list[int]) -> None:
    assert run("layer", "conv", "--k", "3", "--in", size, "--json").json["output_shape"] == shape


def test_one_number_is_a_list_of_one_where_a_list_is_meant(run: Run) -> None:
    flat = run("layer", "reshape", *"--in 14x19 --dims 1 --shape 266 --json".split()).json
    assert (flat["config"], flat["output_shape"]) == ({"shape": [266]}, [266])
    said = run("layer", "reshape", *"--in 14x19 --dims 1 --shape 2.5".split()).err
    assert "`shape` must be a list of whole numbers, -1 or more, not 2.5" in said


@pytest.mark.parametrize(
    ("options", "given"),
    [
        # The help says `[N,N…],…`.
        ("--tensors [64,3],[64]", [[64, 3], [64]]),
        ("--tensors [[64,3],[64]]", [[64, 3], [64]]),
        ("--tensors [64,3]", [[64, 3]]),
    ],
)
def test_lists_of_lists_need_no_brackets_around_them(
    run: Run, options: str, given: list[list[int]]
) -> None:
    found = run("layer", "opaque", "--op", "X", "--shape", "64,7", "--json", *options.split())
    assert found.json["config"]["tensors"] == given


@pytest.mark.parametrize(
    ("layer", "title"),
    [
        ("reshape --shape 4,4", "reshape: shape [4, 4]"),
        ("split --sections 4,4", "split: sections [4, 4], axis 0"),
        ("split --sections 4", "split: sections 4, axis 0"),
        ("opaque --op X --shape 3 --tensors [[3,3]]", "opaque: op X, shape [3], tensors [[3, 3]]"),
        ("max_pool --k 3,3 --s 1,2", "max_pool: kernel_size 3, stride [1, 2], padding 0"),
    ],
)
def test_equal_numbers_are_one_only_where_they_are_of_axes(
    run: Run, layer: str, title: str
) -> None:
    assert run("layer", *layer.split()).out.startswith(title)


def test_dims_say_how_many_axes(run: Run) -> None:
    answer = run("layer", "conv", *"--k 3 --in 2x100 --dims 1 --out 4 --json".split()).json
    assert answer["output_shape"] == [4, 98]


def test_nothing_given_is_all_symbols(run: Run) -> None:
    answer = run("layer", "conv", "--json").json
    assert answer["output_shape"] == [None, None, None]
    assert answer["formulas"]["macs"] == "k²·C_in·C_out·H_out·W_out"


def test_known_layer_has_numbers_and_named_formulas(run: Run) -> None:
    answer = run("layer", "conv", *"--out 4 --k 3 --in 3x8x8 --json".split()).json
    assert (answer["params"], answer["macs"]) == (112, 3888)
    assert answer["formulas"]["params"] == "k²·(C_in/g)·C_out + C_out"


def test_figures_agree_with_analyze(run: Run) -> None:
    spec = b"name: n\ninput: [6, 20, 30]\nlayers: [conv: {out: 8, k: [3, 5], s: 2, p: 1, g: 2}]\n"
    (row,) = run("analyze", "-", "--json", stdin=spec).json["layers"]
    options = "--out 8 --k 3,5 --s 2 --p 1 --g 2 --in 6x20x30 --json".split()
    answer = run("layer", "conv", *options).json
    for key in ("output_shape", "config", "weights", "params", "macs", "flops", "operations"):
        assert answer[key] == row[key], key


def test_pooling_formula_is_the_ceiling_with_ceil_mode(run: Run) -> None:
    out = run("layer", "max_pool", *"--k 3 --s 2 --ceil-mode --in 112".split()).out
    assert "⌈(112 + 2·0 − 1·(3 − 1) − 1)/2⌉ + 1" in out


def test_asymmetric_padding_has_a_symbol_for_each_side(run: Run) -> None:
    out = run("layer", "conv", "--k", "3", "--p", "[[0,1],[2,0]]", "--in", "8").out
    assert "p_top + p_bottom" in out
    assert "p_left + p_right" in out


def test_composite_layer_shows_its_parts(run: Run) -> None:
    answer = run("layer", "squeeze_excite", *"--squeeze 4 --in 16x8x8 --json".split()).json
    assert answer["params"] == 16 * 4 + 4 + 4 * 16 + 16
    assert [part["type"] for part in answer["parts"]][-1] == "mul"


def test_composite_layer_in_symbols(run: Run) -> None:
    answer = run("layer", "separable_conv", *"--k 3 --no-bias --in 32 --json".split()).json
    assert answer["formulas"]["params"] == "C_in·C_out + 9·C_in"


def test_csv_has_a_row_a_figure(run: Run) -> None:
    out = run("layer", "conv", *"--out 4 --k 3 --in 3x8x8 --csv".split()).out
    rows = {row["figure"]: row for row in csv.DictReader(io.StringIO(out))}
    assert list(rows) == ["H_out", "W_out", "params", "macs", "flops", "activations"]
    assert rows["params"]["value"] == "112"
    assert rows["params"]["numbers"] == "3²·(3/1)·4 + 4"


def test_markdown_and_latex_have_the_formulas(run: Run) -> None:
    options = "--k 3 --s 2 --in 128 --format".split()
    markdown = run("layer", "conv", *options, "markdown").out
    assert "| params | k²·(C_in/g)·C_out + C_out | 3²·(C_in/1)·C_out + C_out |" in markdown
    latex = run("layer", "conv", *options, "latex").out
    assert r"9$\cdot$C\_in$\cdot$C\_out + C\_out \\" in latex
    assert r"$\lfloor$(H\_in" in latex


def test_join_takes_its_inputs(run: Run) -> None:
    answer = run("layer", "concat", *"--in 8x4x4 --in 3x4x4 --json".split()).json
    assert answer["output_shape"] == [11, 4, 4]


def test_batch_is_a_symbol_in_the_formula(run: Run) -> None:
    options = "--out 4 --k 3 --in 3x8x8 --batch 16 --json".split()
    answer = run("layer", "conv", *options).json
    assert answer["macs"] == 16 * 3888
    assert "N" in answer["formulas"]["macs"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("conv --k 3 --in 2", "does not fit"),
        ("conv --k 0 --in 8", "must be"),
        ("conv --k x+1 --in 8", "x+1"),
        ("conv --k 3 --g 3 --in 32x8x8", "32 input channels cannot be split into 3 groups"),
        ("conv --k 3 --p sam --in 8", "must be"),
        ("conv --k 3 --in 8 --convention no", "unknown convention"),
        (f"conv --k 3 --in 8 --batch {'9' * 4299}", "a batch has 10¹⁸ samples at the most"),
        ("conv --k 3 --in 8 --convention all", "a layer is explained under one convention"),
        ("conv --k 3,3,3 --dims 2 --in 8", "3 values"),
        ("conv --k 3 --in 1x2x3x4x5", "does not fit an input with 3 spatial axes"),
        ("conv --k 3 --dims 3 --in 4x5", "4x5 does not fit an input with 3 spatial axes"),
        ("conv --k 3 --dims 0 --in 4", "conv takes 1 to 3 spatial axes, not 0"),
        ("linear --out 3 --dims 2 --in 3x4x4", "flat"),
        ("relu --in 4 --in 5", "takes one input, and 2 are given"),
        ("cnov --k 3", "did you mean `conv`?"),
        ("reshape --in 4", "reshape: `shape` must be given"),
        ("upsample --in 4", "error[missing-field]: upsample takes either"),
        (
            "self_attention --heads 3 --in 192x8x8",
            "in a spec `flatten: {start_axis: 1}` makes it 192x64; or, where 192 is a batch,"
            " --batch 192 has it",
        ),
        ("conv --k 3 --in 1x2x3x4x5", "; where 1 is a batch, --batch 1 has it"),
        (
            "concat --axis 1 --in 192x1 --in 192x64",
            "`--dims 1` takes 192x1 for channels and a length",
        ),
        ("scale --value 0.5", "a constant is `convcalc layer mul --value 0.5`"),
    ],
)
def test_refusals(run: Run, arguments: str, message: str) -> None:
    outcome = run("layer", *arguments.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ("conv --in-channels 3", "in"),
        ("conv --in_channels 3", "in"),
        ("linear --in-features 84", "in"),
        ("max_pool --input 3x8x8", "in"),
        ("batch_norm --num_features 4", "in"),
        ("conv --kernel 3", "k"),
        ("max_pool --pool_size 3", "k"),
        ("conv --filters 64", "out"),
        ("linear --units 10", "out"),
        ("conv --out_features 10", "out"),
        ("conv --strides 2", "s"),
        ("conv --group 2", "g"),
        ("dropout --p 0.5", "rate"),
    ],
)
def test_an_option_of_another_tool_is_answered_with_its_own(
    run: Run, arguments: str, option: str
) -> None:
    outcome = run("layer", *arguments.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert f"help: {'it is ' if option != 'in' else ''}`--{option}`" in outcome.err


def test_options_may_have_underscores_as_pytorch_has(run: Run) -> None:
    dashed = run("layer", "conv", *"--out-channels 8 --kernel-size 3 --in 4x9x9".split())
    assert dashed.status == 0
    assert run("layer", "conv", *"--out_channels 8 --kernel_size 3 --in 4x9x9".split()) == dashed


def test_a_linear_layer_is_told_its_flat_input(run: Run) -> None:
    err = run("layer", "linear", *"--in 16x5x5 --out 120".split()).err
    (flat,) = re.findall(r"--in \d+", err)
    assert "put `flatten`" not in err
    assert run("layer", "linear", *flat.split(), "--out", "120", "--json").json["params"] == 48120


def test_the_help_lists_every_type_by_family_on_one_screen(run: Run) -> None:
    lines = run("layer", "--help").out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    at = lines.index("Layer types; `convcalc layer TYPE --help` explains one:")
    assert set(re.findall(r"\w+", " ".join(lines[at + 1 :]))) >= set(layers.names())


@pytest.mark.parametrize("name", layers.names())
def test_the_help_of_a_switch_has_its_default(run: Run, name: str) -> None:
    switches = [f for f in layers.fields_of(layers.find(name)) if isinstance(f.kind, Truth)]
    out = " ".join(run("layer", name, "--help").out.split())
    for field in switches:
        word = field.name.replace("_", "-")
        assert f"[default: {word if field.default else f'no-{word}'}]" in out


def test_the_help_offers_the_words_that_a_type_takes(run: Run) -> None:
    for name in ("conv", "conv_transpose", "max_pool"):
        (line,) = (each for each in run("layer", name, "--help").out.split() if "N[,N…]|" in each)
        words = line.split("|")[1:]
        for word in ("same", "same_lower", "valid"):
            outcome = run("layer", name, "--k", "2", "--p", word)
            assert (outcome.status == 0) == (word in words)


def legend(run: Run, *arguments: str) -> dict[str, str]:
    symbols: dict[str, str] = run("layer", *arguments, "--json").json["symbols"]
    return symbols


@pytest.mark.parametrize("name", ["conv", "conv_transpose", "max_pool", "separable_conv"])
def test_a_symbol_is_what_its_layer_type_says_it_is(run: Run, name: str) -> None:
    symbols = legend(run, name)
    said = {field.name: field.description for field in layers.fields_of(layers.find(name))}
    for letter, field in {"k": "kernel_size", "s": "stride", "p": "padding"}.items():
        assert symbols[letter].split(";")[0].split(": ")[-1] in said[field]


def test_the_padding_of_a_transposed_convolution_is_taken_off(run: Run) -> None:
    assert "taken off" in legend(run, "conv_transpose")["p"]
    assert "added" in legend(run, "conv")["p"]
    assert "windows" not in legend(run, "conv_transpose")["s"]


def test_the_stride_of_a_pool_is_said_where_none_is_given(run: Run) -> None:
    assert legend(run, "max_pool", "--k", "2")["s"].endswith("the kernel's size, as none is given")
    assert (
        legend(run, "max_pool", "--k", "2", "--s", "2")["s"] == "stride: the step between windows"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--out 128 --k 3 --p 1 --in 64x56x56", "1/128 + 1/9 ≈ 0.119 (8.4 times less)"),
        ("--out 8 --k 1 --in 8x4x4", "1/8 + 1 ≈ 1.12 (1.1 times more)"),
        ("--out 16 --k 2 --in 8x4x4", "1/16 + 1/4 ≈ 0.312 (3.2 times less)"),
        ("--out 4 --k 2 --in 8x4x4", "1/4 + 1/4 = 0.5 (2 times less)"),
    ],
)
def test_a_ratio_says_that_it_is_rounded_and_how_many_times(
    run: Run, arguments: str, line: str
) -> None:
    out = run("layer", "separable_conv", "--no-bias", *arguments.split()).out
    assert line in " ".join(out.split())


@pytest.mark.parametrize("rule", ["same", "same_lower"])
@pytest.mark.parametrize(
    "options", ["conv --k 5 --d 2", "conv --k 4 --s 3", "avg_pool --k 3 --s 2"]
)
def test_the_padding_of_a_rule_is_said_and_does_the_same_as_numbers(
    run: Run, options: str, rule: str
) -> None:
    arguments = ("layer", *options.split(), "--in", "3x28x27")
    ruled = run(*arguments, "--p", rule, "--json").json
    ends = [[axis["before"], axis["after"]] for axis in ruled["pads"]]
    assert all(0 <= (after - before) * (1 if rule == "same" else -1) <= 1 for before, after in ends)
    numbers = run(*arguments, "--p", str(ends).replace(" ", ""), "--json").json
    assert numbers["output_shape"] == ruled["output_shape"]
    assert "pads" not in numbers


def test_the_padding_of_a_rule_is_said_without_an_input_at_stride_1(run: Run) -> None:
    out = run("layer", "conv", *"--k 5 --d 2 --p same".split()).out
    assert "padding      same: 4 before, 4 after\n" in out
    assert "d  " in out
    (height, width) = run("layer", "conv", *"--k 4,3 --p same --json".split()).json["pads"]
    assert (height["before"], height["after"], width["after"]) == (1, 2, 1)
    open = run("layer", "conv", *"--k 3 --s 2 --p same --json".split()).json["pads"][0]
    assert (open["before"], open["after"]) == (None, None)
    assert open["formula"] == "max(2·⌈H_in/2⌉ − H_in + 1, 0)"


def test_a_layer_of_a_network_says_what_its_rule_adds(run: Run) -> None:
    spec = b"name: N\ninput: [3, 7, 8]\nlayers: [conv: {out: 2, k: 3, s: 2, p: same}]\n"
    out = run("explain", "-", "conv", stdin=spec).out
    assert "same: H 1 before, 1 after; W 0 before, 1 after\n" in out
