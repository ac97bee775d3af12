"""`convcalc explain`, and composite layers part by part."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from itertools import product
from typing import Any, cast

import pytest

import convcalc
from convcalc import conventions, layers, passes
from convcalc.conventions.base import Quantities, in_attention, in_numbers, last_calls
from convcalc.diagnostics import ConvcalcError
from convcalc.explain import explain
from convcalc.visible import width
from tests.conftest import Run
from tests.test_layers import computed, example_of

ISSUE = "layer separable_conv --out 4 --k 3 --p 1 --in 3x64x64 --no-bias".split()


def blocks(text: str) -> list[list[str]]:
    """What stands between empty lines."""
    return [block.split("\n") for block in text.rstrip("\n").split("\n\n")]


def block(text: str, title: str) -> str:
    (found,) = (lines for lines in blocks(text) if lines[0].partition(":")[0] == title)
    return "\n".join(found)


# --- Composite layers -----------------------------------------------------------------------------


def test_a_separable_convolution_is_derived_part_by_part(run: Run) -> None:
    out = run(*ISSUE).out
    assert "params = k²·multiplier·C_in = 3²·1·3 = 27" in block(out, "depthwise_conv")
    assert "params = multiplier·C_in·C_out = 1·3·4 = 12" in block(out, "pointwise_conv")
    assert "= 27 + 12\n" in block(out, "sum")
    assert "params = k²·C_in·C_out = 3²·3·4 = 108" in block(out, "standard")
    ratio = block(out, "ratio to the standard")
    assert "params = 39/108 = 1/C_out + 1/k² = 1/4 + 1/9 ≈ 0.361 (2.8 times less)" in ratio
    assert "MACs = 159,744/442,368 = 1/C_out + 1/k² = 1/4 + 1/9 ≈ 0.361 (2.8 times less)" in ratio


def test_its_json_has_the_ratio(run: Run) -> None:
    answer = run(*ISSUE, "--json").json
    assert [part["params"] for part in answer["parts"]] == [27, 12]
    assert answer["parts"][1]["formulas"]["params"] == "multiplier·C_in·C_out"
    assert (answer["standard"]["params"], answer["standard"]["macs"]) == (108, 442_368)
    for key in ("params", "macs"):
        assert answer["ratio"][key] == {"value": 13 / 36, "formula": "1/C_out + 1/k²"}


def test_its_csv_has_the_ratio(run: Run) -> None:
    lines = run(*ISSUE, "--csv").out.splitlines()
    assert "pointwise_conv.params,12,multiplier·C_in·C_out,1·3·4,12" in lines
    assert f"ratio.macs,{13 / 36},1/C_out + 1/k²,1/4 + 1/9,13/36" in lines


def test_it_is_symbols_where_nothing_is_given(run: Run) -> None:
    out = run("layer", "separable_conv", "--no-bias").out
    for title in ("params", "MACs"):
        assert f"  {title} = 1/C_out + 1/k²" in block(out, "ratio to the standard").split("\n")
    answer = run("layer", "separable_conv", "--no-bias", "--json").json
    assert answer["ratio"]["params"] == {"value": None, "formula": "1/C_out + 1/k²"}
    assert answer["standard"]["params"] is None


@pytest.mark.parametrize(("flags", "second"), [("", [2, 4, 5]), ("--transpose-b", [2, 5, 4])])
def test_a_product_in_symbols_is_of_any_two_matrices(
    run: Run, flags: str, second: list[int]
) -> None:
    call = {"from": ["a", "b"], "transpose_b": bool(flags)}
    given = {"a": [2, 3, 4], "b": second}
    spec = {"name": "product", "input": given, "layers": [{"matmul": call}]}
    totals = convcalc.loads(json.dumps(spec)).analyze().totals
    answer = run("layer", "matmul", *flags.split(), "--json").json
    names = {"C_in": 2, "M": 3, "K": 4, "N": 5}
    assert computed(answer["formulas"]["macs"], names) == totals.macs


def test_what_was_explained_before_changes_nothing() -> None:
    explain("self_attention", {}, [()])
    found = explain("self_attention", {"head_channels": 4}, [()])
    call = {"self_attention": {"heads": 2, "head_channels": 4}}
    spec = {"name": "attention", "input": [12, 8], "layers": [call]}
    totals = convcalc.loads(json.dumps(spec)).analyze().totals
    for key in ("params", "macs", "flops", "activations"):
        closed = found.figures[key].closed
        assert computed(closed, {"heads": 2, "C_in": 12, "L_in": 8}) == getattr(totals, key)


def test_it_is_mixed_where_some_is_given(run: Run) -> None:
    out = run("layer", "separable_conv", "--no-bias", "--k", "3").out
    assert "  params = 1/C_out + 1/k² = 1/C_out + 1/9" in out


def test_biases_do_not_cancel(run: Run) -> None:
    out = run("layer", "separable_conv", "--out", "4", "--k", "3", "--in", "3x8x8").out
    assert "params = 46/112" in block(out, "ratio to the standard")


def test_the_ratio_is_that_of_howard_et_al(run: Run) -> None:
    """Howard et al. 2017, section 3.1: D_K²·M·D_F² + M·N·D_F² over D_K²·M·N·D_F²."""
    for k, m, n, size in product((1, 3, 5), (1, 8), (4, 32), (7, 14)):
        fields = {"out_channels": n, "kernel_size": k, "padding": k // 2, "bias": False}
        found = explain("separable_conv", fields, [(m, size, size)])
        assert found.figures["macs"].value == k**2 * m * size**2 + m * n * size**2
        assert found.standard is not None
        assert found.standard.figures["macs"].value == k**2 * m * n * size**2
        assert found.standard.ratios["macs"].value == Fraction(1, n) + Fraction(1, k**2)


def test_a_multiplier_and_unequal_kernels_are_in_the_ratio(run: Run) -> None:
    options = "--out 4 --k 3,5 --multiplier 2 --in 3x9x9 --no-bias --json".split()
    ratio = run("layer", "separable_conv", *options).json["ratio"]["params"]
    assert ratio["formula"] == "multiplier/C_out + multiplier/(k_h·k_w)"
    assert ratio["value"] == pytest.approx(2 / 4 + 2 / 15)


def test_a_spatially_separable_convolution_has_two_kth(run: Run) -> None:
    options = "--out 64 --k 7 --p 3 --in 64x17x17 --no-bias".split()
    out = run("layer", "spatial_separable_conv", *options).out
    ratio = "params = 57,344/200,704 = 1/k + C_out/(k·C_in) = 1/7 + 1/7 ≈ 0.286 (3.5 times less)"
    assert ratio in " ".join(out.split())


def test_squeeze_and_excitation_stands_for_itself(run: Run) -> None:
    options = "--squeeze 4 --in 16x8x8".split()
    out = run("layer", "squeeze_excite", *options).out
    assert "= 68 + 80 = 148\n" in block(out, "sum")
    assert not {"standard", "ratio"} & set(run("layer", "squeeze_excite", *options, "--json").json)


# --- The formulas ---------------------------------------------------------------------------------


def test_operations_of_a_transposed_convolution_have_names(run: Run) -> None:
    out = run("layer", "conv_transpose", *"--out 4 --k 4 --s 2 --in 3x8x8".split()).out
    assert "  sums = products − results\n       = 12,288 − 1,296\n" in out
    assert "  FLOPs = products + sums + biases\n        = 12,288 + 10,992 + 1,296\n" in out
    assert "\n  FLOPs        products + sums + biases\n" in run("layer", "conv_transpose").out


def test_named_operations_come_to_the_flops() -> None:
    for k, s, d, bias in product((1, 2, 3), (1, 2, 3), (1, 2), (True, False)):
        fields = {"out_channels": 4, "kernel_size": k, "stride": s, "dilation": d, "bias": bias}
        found = explain("conv_transpose", fields, [(6, 5, 7)], batch=2)
        *terms, total = found.parts[0].terms
        for term in (*terms, total):
            assert computed(term.numbers) == term.value
        amounts = {term.name: term.value for term in terms}
        reached = [len({i * s + j * d for i in range(n) for j in range(k)}) for n in (5, 7)]
        assert amounts["results"] == 2 * 4 * reached[0] * reached[1]
        assert total.value == found.figures["flops"].value


def test_numbers_have_separators_for_people_alone(run: Run) -> None:
    options = ["layer", "conv", "--k", "3", "--s", "2", "--p", "1", "--in", "128"]
    assert "36,864·C_in·C_out" in run(*options).out
    assert run(*options, "--json").json["formulas"]["macs"] == "36864·C_in·C_out"


TYPES = layers.names()


def texts(run: Run, type: str) -> list[str]:
    """A layer explained in symbols where that can be, and in the numbers of its example."""
    fields, inputs = example_of(type)
    options = []
    for name, value in fields.items():
        dashed = name.replace("_", "-")
        if isinstance(value, bool):
            options.append(f"--{'' if value else 'no-'}{dashed}")
        else:
            options += [f"--{dashed}", str(list(value) if isinstance(value, tuple) else value)]
    fixed = list(options)
    for sizes in inputs:
        options += ["--in", "x".join(map(str, sizes))]
    answers = [run("layer", type), run("layer", type, *fixed), run("layer", type, *options)]
    return [answer.out for answer in answers if answer.status == 0]


WORDS = {"max", "min", "gcd", "if", "else", "and", "or", "divides", "not", "MACs"}


def symbols_in(text: str) -> set[str]:
    """The names on the right of what is derived."""
    formulas = ""
    for lines in blocks(text):
        first = next((i for i, line in enumerate(lines) if re.match(r"  \S+ = ", line)), len(lines))
        formulas += "\n".join(re.sub(r"^  \S* *= ", " ", line) for line in lines[first:])
    return set(re.findall("[A-Za-z_][A-Za-z_0-9]*", formulas)) - WORDS


def legend_of(text: str) -> list[str]:
    """The names in the block that explains them."""
    for lines in reversed(blocks(text)):
        entries = [re.match(r"  (\w+) +\S", line) for line in lines]
        if any(" = " in line for line in lines):
            break
        if entries[0]:
            return [entry[1] for entry in entries if entry]
    return []


@pytest.mark.parametrize("type", TYPES)
def test_every_symbol_is_in_the_legend_once(run: Run, type: str) -> None:
    for text in texts(run, type):
        legend = legend_of(text)
        assert len(legend) == len(set(legend))
        words = {"params", "buffers", "activations", "FLOPs", "times", "less", "more"}
        assert symbols_in(text) - set(legend) - words == set(), text


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize("columns", [60, 80])
def test_nothing_is_wider_than_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, type: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for text in texts(run, type):
        assert [line for line in text.splitlines() if width(line) > columns] == []


def test_lines_are_broken_before_operators(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = run("layer", "conv", *"--out 4 --k 3 --in 3x8x8 --no-bias".split()).out
    assert (
        "  FLOPs = 2·k²·(C_in/g)·C_out·H_out·W_out\n"
        "            − C_out·H_out·W_out\n"
        "        = 2·3²·(3/1)·4·6·6 − 4·6·6\n"
    ) in out


@pytest.mark.parametrize("type", ["concat", "add", "mul"])
def test_a_join_of_very_many_is_refused(run: Run, type: str) -> None:
    assert run("layer", type, *["--in", "8x4x4"] * 64).status == 0
    outcome = run("layer", type, *["--in", "8x4x4"] * 5000)
    assert (outcome.status, outcome.out) == (2, "")
    assert f"`{type}` joins 5,000 inputs, and 64 are explained at the most" in outcome.err


# --- Layers of a network --------------------------------------------------------------------------

ROW = "inverted_residual_2.conv_bn_1.conv"
ZOO = ("lenet", "mobilenet_v2", "squeezenet", "shufflenet_v2", "unet")


def test_a_row_is_explained_with_its_numbers(run: Run) -> None:
    out = run("explain", "mobilenet_v2", ROW).out
    assert out.startswith(f"MobileNetV2 {ROW}\nconv: out_channels 96, kernel_size 1, ")
    assert "  place        layer 9 of 153, in inverted_residual_2.conv_bn_1\n" in out
    assert "  input        inverted_residual_1.conv_bn_2.batch_norm 16×112×112\n" in out
    assert "  params = k²·(C_in/g)·C_out\n         = 1²·(16/1)·96\n         = 1,536\n" in out


@pytest.mark.parametrize("name", ZOO)
def test_every_row_of_a_network_is_explained_as_it_is_analyzed(name: str) -> None:
    network = convcalc.load(name)
    for row in network.analyze().rows:
        found = network.explain(row.name)
        described, expected = found.to_dict(), row.to_dict()
        of_passes = {figure.key for each in passes.known() for figure in each.figures}
        for key in set(expected) - of_passes:
            assert described[key] == expected[key], (row.name, key)
        (part,) = found.parts
        for figure in (*part.figures.values(), *part.sizes, *part.terms):
            assert computed(figure.numbers) == figure.value
            assert computed(figure.closed) == figure.value


def test_every_block_is_explained_as_it_is_analyzed() -> None:
    network = convcalc.load("mobilenet_v2")
    for depth in (1, 2):
        for row in network.analyze().folded(depth).rows:
            found = network.explain(row.name).to_dict()
            for key in ("name", "type", "inputs", "output_shape", "params", "macs", "flops"):
                assert found[key] == row.to_dict()[key]
            assert sum(part["macs"] for part in found.get("parts", [found])) == row.macs


@pytest.mark.parametrize("convention", conventions.names())
def test_every_convention_explains_a_row_as_it_analyzes_it(convention: str) -> None:
    network = convcalc.load("shufflenet_v2")
    for row in network.analyze(convention, batch=3).rows[::7]:
        found = network.explain(row.name, convention, 3)
        assert (found.figures["flops"].value, found.whole.uncounted) == (row.flops, row.uncounted)


def test_a_block_is_its_layers_and_their_sum(run: Run) -> None:
    out = run("explain", "mobilenet_v2", "inverted_residual_2.conv_bn_1").out
    assert "conv_bn: 2 layers" in out
    assert "  place        layers 9 to 10 of 153, in inverted_residual_2\n" in out
    assert "  conv        96×112×112   1,536  19,267,584  37,330,944\n" in out
    assert "  sum                      1,728  19,267,584  39,739,392\n" in out
    assert "  params = 2·C_in = 2·96 = 192" in block(out, "batch_norm")


SEPARABLE = b"""\
name: N
input: [3, 64, 64]
layers:
  - sequential:
      name: stem
      layers: [separable_conv: {out: 4, k: 3, p: 1, bias: false}]
  - squeeze_excite: {squeeze: 2}
"""


def test_a_composite_layer_of_a_network_is_compared_as_one_alone(run: Run) -> None:
    alone = "separable_conv --out 4 --k 3 --p 1 --in 3x64x64 --no-bias".split()
    expected = run("layer", *alone, "--json").json
    found = run("explain", "-", "stem.separable_conv", "--json", stdin=SEPARABLE).json
    assert found["ratio"]["macs"]["value"] == pytest.approx(1 / 4 + 1 / 9)
    for key in ("standard", "ratio"):
        assert found[key] == expected[key]
    out = run("explain", "-", "stem.separable_conv", stdin=SEPARABLE).out
    for title in ("standard", "ratio to the standard"):
        assert block(out, title) == block(run("layer", *alone).out, title)


def test_only_a_composite_layer_itself_is_compared(run: Run) -> None:
    for name in ("stem", "stem.separable_conv.depthwise_conv", "squeeze_excite"):
        found = run("explain", "-", name, "--json", stdin=SEPARABLE).json
        assert not {"standard", "ratio"} & set(found)


def test_what_is_left_of_a_composite_layer_is_not_compared_with_what_the_whole_replaces(
    run: Run,
) -> None:
    name = "stem.separable_conv"
    for cut in (
        f"--drop {name}.pointwise_conv",
        f"--drop {name}.depthwise_conv",
        f"--until {name}.depthwise_conv",
    ):
        found = run("explain", "-", name, "--json", *cut.split(), stdin=SEPARABLE).json
        assert not {"standard", "ratio"} & set(found), cut
    whole = run("explain", "-", name, "--json", "--until", name, stdin=SEPARABLE).json
    assert {"standard", "ratio"} <= set(whole)


def test_what_a_symbol_is_said_to_be_is_not_another_layer_types_word_for_it() -> None:
    # Both know `k` and `multiplier`; a layer is made once for equal fields.
    convcalc.layer("separable_conv", out=4, kernel_size=3)
    found = convcalc.layer("depthwise_conv", kernel_size=3).symbols
    descriptions = {
        field.name: field.description for field in layers.fields_of(layers.find("depthwise_conv"))
    }
    assert found["multiplier"] in descriptions["multiplier"]
    assert "the two" not in found["multiplier"]
    assert "depthwise" not in found["k"]


@pytest.fixture
def counting_otherwise(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that makes `exact` a convention that counts by a layer's surroundings."""

    def changed(**changes: Any) -> None:
        convention = conventions.find("exact")._replace(**changes)
        monkeypatch.setattr(conventions, "find", lambda name: convention)

    return changed


def test_names_are_explained_of_the_rule_that_counts_a_part(counting_otherwise: Any) -> None:
    def cells(q: Quantities) -> int:
        """Cells of the input."""
        return cast(int, in_numbers(q.x.size))

    rules = {"rules": {"linear": "cells"}, "quantities": {"cells": cells}}
    counting_otherwise(**rules)
    assert explain("self_attention", {"heads": 2}).meanings == {"cells": "Cells of the input"}
    counting_otherwise(**rules, attention={"linear": "macs"}, places=in_attention)
    assert explain("self_attention", {"heads": 2}).meanings == {}


def test_a_call_that_is_not_counted_has_no_terms(counting_otherwise: Any) -> None:
    counting_otherwise(places=last_calls)
    fields = "out: 4, k: 3, s: 2"
    network = convcalc.loads(
        "{name: n, input: [4, 9, 9], layers: ["
        f"conv_transpose: {{{fields}, name: a}}, conv_transpose: {{{fields}, weights: a}}]}}"
    )
    first, last = (network.explain(row).parts[0] for row in ("a", "conv_transpose"))
    assert (first.figures["flops"].value, first.terms) == (0, ())
    assert last.terms[-1].value == last.figures["flops"].value > 0


def test_it_takes_what_analyze_takes(run: Run) -> None:
    options = "--set alpha=0.5 --input 3x160x160 --batch 4 --convention torch".split()
    (row,) = (
        row
        for row in run("analyze", "mobilenet_v2", *options, "--json").json["layers"]
        if row["name"] == ROW
    )
    found = run("explain", "mobilenet_v2", ROW, *options, "--json").json
    for key in ("name", "config", "params", "macs", "flops", "output_shape"):
        assert found[key] == row[key]
    preset = run("explain", "resnet", "conv1.conv", "--preset", "resnet34", "--json")
    assert preset.json["macs"] == 118_013_952


def test_python_explains_as_the_command_line(run: Run) -> None:
    found = convcalc.load("mobilenet_v2").explain(ROW, batch=2)
    assert found.to_dict() == run("explain", "mobilenet_v2", ROW, "--batch", "2", "--json").json
    assert found.to_dict()["network"] == "MobileNetV2"


def test_the_end_of_a_name_is_enough_where_it_is_the_only_one(run: Run) -> None:
    found = run("explain", "mobilenet_v2", "inverted_residual_2.conv_bn_1", "--json").json
    spec = b"name: n\ninput: [4]\nblocks: {a: {layers: [linear: {out: 2}]}}\nlayers: [a, relu]\n"
    assert run("explain", "-", "linear", "--json", stdin=spec).json["name"] == "a.linear"
    assert found["parts"][0]["name"] == ROW


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("mobilenet_v2 conv", "MobileNetV2 has 52 layers that `conv` may mean"),
        ("mobilenet_v2 conv", "name one: `stem.conv`, `inverted_residual_1.conv_bn_1.conv`, "),
        ("mobilenet_v2 inverted_residual_2.conv_bn_1.cnv", f"did you mean `{ROW}`"),
        ("mobilenet_v2 inverted_residual_33", "did you mean `inverted_residual_3`"),
        ("mobilenet_v2 xyz", "`convcalc analyze` lists the names of its layers"),
        ("mobilenet_v2 linear --convention all", "a layer is explained under one convention"),
        ("mobilenet_v2 linear --convention no", "unknown convention"),
        ("mobilenet_v2", "`convcalc analyze mobilenet_v2` names them"),
    ],
)
def test_refusals(run: Run, arguments: str, message: str) -> None:
    outcome = run("explain", *arguments.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err


def test_a_group_of_very_many_layers_is_refused(run: Run) -> None:
    spec = b"name: n\ninput: [4, 8, 8]\nlayers: [a, relu]\nblocks:\n"
    spec += b"  a: {layers: [repeat: {times: 1001, layers: [relu]}]}\n"
    outcome = run("explain", "-", "a", stdin=spec)
    assert "`a` has 1,001 layers, and 1,000 are explained at the most" in outcome.err


def test_a_name_from_python_is_a_text() -> None:
    network: Any = convcalc.load("lenet")
    with pytest.raises(ConvcalcError, match="the name of a layer must be a text"):
        network.explain(3)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(
    "arguments",
    ["inception_v3 mixed_5b", "mobilenet_v2 inverted_residual_2", f"mobilenet_v2 {ROW} --batch 8"],
)
def test_no_line_of_a_network_is_wider_than_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    outcome = run("explain", *arguments.split())
    assert outcome.status == 0, outcome.err
    assert [line for line in outcome.out.splitlines() if width(line) > columns] == []


def test_two_columns_never_have_one_title(run: Run) -> None:
    out = run("explain", "mobilenet_v2", "stem", "--convention", "thop").out
    assert "  part        output      params        MACs  MACs (thop)\n" in out
    assert "does not know" not in out


def test_what_a_tool_does_not_see_inside_an_attention_is_not_called_unknown_to_it(run: Run) -> None:
    # fvcore counts a matrix product, and not one that is in F.scaled_dot_product_attention.
    parts = (
        "self_attention: {name: a, heads: 3}, matmul: {name: b, from: [a, a], transpose_a: true}"
    )
    spec = f"name: N\ninput: [192, 65]\nlayers: [{parts}]\n".encode()

    def said(layer: str) -> str:
        out = run("explain", "-", layer, "--convention", "fvcore", stdin=spec).out
        return " ".join(out.split())

    assert "does not see this layer inside an attention, and counts 0 for it." in said("a.scores")
    assert "Inside an attention it does not see `scores` and `mixed`." in said("a")
    assert "does not know this layer" in said("a.softmax")
    assert "does not see" not in said("b")


def test_a_symbol_that_two_layer_types_have_is_what_each_says(run: Run) -> None:
    layers = "[conv: {out: 4, k: 3, p: 1}, conv_transpose: {out: 3, k: 2, s: 2}]"
    spec = f"name: N\ninput: [3, 8, 8]\nlayers: [sequential: {{name: up, layers: {layers}}}]\n"
    symbols = run("explain", "-", "up", "--json", stdin=spec.encode()).json["symbols"]
    assert symbols["p"] == (
        "padding: cells added at either end of the input;"
        " in conv_transpose, padding: cells taken off either end of the output"
    )
    assert symbols["H_in"] == "input height"
