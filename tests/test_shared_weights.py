"""Weights that are used more than once, and those that are not trained: what counts, and where.

tests/reference/record_shared_weights.py ran the tools on PyTorch's modules, called several times
and frozen; shared_weights.json has their answers, the parameters of the modules among them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import convcalc
from convcalc import ConvcalcError, conventions
from convcalc.graph import with_owners
from tests.conftest import Run
from tests.test_conventions import recorded, total

#: Koch et al. 2015, figure 4, as in sksq96/pytorch-summary#113, with a sum for the difference.
SIAMESE = """
name: Siamese
input: {a: [1, 88, 88], b: [1, 88, 88]}
blocks:
  twin:
    layers:
      - for_each:
          bind: [c, k, pool]
          in: [[64, 10, true], [128, 7, true], [128, 4, true], [256, 4, true]]
          layers: [conv: {out: c, k: k}, relu: {functional: true}, max_pool: {when: pool, k: 2}]
      - flatten
      - linear: {out: 4096}
layers:
  - twin: {name: ta, from: a}
  - twin: {name: tb, from: b, weights: ta}
  - add: {from: [ta, tb]}
  - linear: {out: 1}
  - sigmoid
"""
TURNS = """
name: SharedLinear
input: [1024]
layers:
  - repeat: {times: 100, share_weights: true, layers: [linear: {out: 1024}]}
"""
FROZEN = """
name: Frozen
variables: {frozen_stages: 1}
input: [3, 32, 32]
layers:
  - repeat:
      times: 2
      index: i
      layers:
        - sequential:
            name: stage
            trainable: i >= frozen_stages
            layers: [conv: {out: 8, k: 3, p: 1}, batch_norm, relu]
  - flatten
  - linear: {name: head, out: 10}
"""


def network(*layers: str, input: str = "[8, 16, 16]", blocks: str = "{}") -> convcalc.Network:
    lines = "".join(f"  - {line}\n" for line in layers)
    return convcalc.loads(f"name: N\ninput: {input}\nblocks: {blocks}\nlayers:\n{lines}")


def mistakes(*layers: str, **more: str) -> list[str]:
    with pytest.raises(ConvcalcError) as caught:
        network(*layers, **more)
    return [each.message for each in caught.value.diagnostics]


# Published counts


@pytest.mark.parametrize(
    ("spec", "params", "macs"),
    [(SIAMESE, 2_251_585, 1_054_294_528), (TURNS, 1_049_600, 104_857_600)],
)
def test_weights_count_once_and_what_is_computed_every_time(
    spec: str, params: int, macs: int
) -> None:
    totals = convcalc.loads(spec).totals
    assert (totals.params, totals.macs, totals.weight_bytes) == (params, macs, 4 * params)


# PyTorch and the tools


def cases() -> list[Any]:
    return [pytest.param(each, id=each["id"]) for each in recorded("shared_weights")["cases"]]


@pytest.mark.parametrize("case", cases())
def test_modules_called_again_and_frozen_ones_count_as_the_tools_say(case: dict[str, Any]) -> None:
    graph = convcalc.loads(json.dumps(case["spec"]))
    found, expected = {}, {}
    for name, (flops, params) in case["tools"].items():
        if flops is None:  # the tool stopped
            continue
        convention = conventions.find(name)
        counts = [count.flops for count in convention.counts(graph)]
        found[name] = [total(counts), total(list(convention.params(graph)))]
        expected[name] = [flops, params]
    assert found == expected


@pytest.mark.parametrize("case", cases())
def test_parameters_are_those_of_the_modules(case: dict[str, Any]) -> None:
    tools = case["tools"]
    totals = convcalc.loads(json.dumps(case["spec"])).totals
    all_of_them, trained = tools["fvcore"][1], tools["ptflops"][1]
    assert (totals.params, totals.params - totals.frozen) == (all_of_them, trained)


# Part of a network


def test_where_the_owner_is_gone_the_first_that_is_left_has_the_weights() -> None:
    shares = "{times: 3, share_weights: true, layers: [linear: {out: 8}]}"
    nodes = network(f"repeat: {shares}", "linear: {name: own, out: 8}", input="[8]").nodes
    assert with_owners(nodes) == nodes
    left = with_owners(nodes[1:])
    assert [node.weights_of for node in left] == [None, "linear_2", None]
    assert [len(node.placed.weights) for node in left] == [2, 0, 2]


# Rows


def test_rows_say_whose_weights_they_use_and_own_none() -> None:
    analysis = convcalc.loads(SIAMESE).analyze()
    mine = [row for row in analysis.rows if row.name.startswith("tb.")]
    assert {(row.params, row.buffers, row.weight_bytes) for row in mine} == {(0, 0, 0)}
    assert [row.weights_of for row in mine] == [row.name.replace("tb", "ta") for row in mine]
    assert {row.to_dict()["weights_of"] for row in mine} == {row.weights_of for row in mine}
    assert all(row.weights == {} for row in mine)
    others = [row for row in analysis.rows if row not in mine]
    assert not any(row.weights_of or "weights_of" in row.to_dict() for row in others)


def test_a_folded_row_is_of_a_block_where_all_of_it_is() -> None:
    rows = convcalc.loads(SIAMESE).analyze().folded(1).rows
    assert [(row.name, row.params, row.weights_of) for row in rows[:2]] == [
        ("ta", 2_247_488, None),
        ("tb", 0, "ta"),
    ]
    block = "{pair: {layers: [conv: {name: a, out: 8, k: 1}, conv: {weights: a, out: 8, k: 1}]}}"
    (row,) = network("pair", blocks=block).analyze().folded(1).rows
    assert (row.params, row.weights_of) == (72, None)


def test_a_folded_row_is_of_a_block_whose_turns_share_theirs() -> None:
    spec = """
name: Turns inside
input: [8, 16, 16]
blocks:
  b:
    layers:
      - repeat: {times: 2, share_weights: true, layers: [conv: {out: 8, k: 3, p: 1}]}
layers:
  - b: {name: x}
  - b: {name: y, weights: x}
"""
    x, y = convcalc.loads(spec).analyze().folded(1).rows
    assert (x.weights_of, y.weights_of) == (None, "x")
    assert (x.params, y.params) == (8 * 8 * 9 + 8, 0)


@pytest.mark.parametrize("spec", [SIAMESE, TURNS, FROZEN])
def test_rows_sum_to_totals_however_they_are_taken(spec: str) -> None:
    analysis = convcalc.loads(spec).analyze()
    for key in ("params", "frozen", "buffers", "weight_bytes", "macs"):
        whole = analysis.totals[key]
        assert sum(row.figures[key] for row in analysis.rows) == whole
        assert sum(row.figures[key] for row in analysis.folded(1).rows) == whole
        assert sum(share.totals[key] for share in analysis.shares("type")) == whole


def test_a_table_says_whose_weights_a_row_uses(run: Run) -> None:
    out = run("analyze", "-", "--depth", "1", stdin=SIAMESE.encode()).out
    assert "0†" in out
    assert "† uses weights that are counted elsewhere: `tb` those of `ta`.\n" in out
    out = run("analyze", "-", "--columns", "name,params", stdin=TURNS.encode()).out
    assert "`linear_2`, `linear_3`, `linear_4` and 96 others those of `linear_1`." in out
    csv = run("analyze", "-", "--csv", "--columns", "name,weights_of", stdin=TURNS.encode()).out
    assert csv.splitlines()[1:3] == ["linear_1,", "linear_2,linear_1"]


def test_a_group_that_uses_anothers_weights_is_marked(run: Run) -> None:
    for by, group in (("block", "tb"), ("type", "conv")):
        out = run("analyze", "-", "--group-by", by, stdin=SIAMESE.encode()).out
        cells = {line.split()[0]: line.split() for line in out.splitlines() if line.strip()}
        is_marked = by == "block"
        assert cells[group][2].endswith("†") == is_marked
        # The legend has a line for the marks that are there, and for no others.
        assert ("† uses weights" in out) == is_marked
    out = run("analyze", "-", "--sort", "params", "--top", "1", stdin=SIAMESE.encode()).out
    assert "†" not in out
    assert "†" not in run("check", "-", "--max", "params=1G", stdin=SIAMESE.encode()).out


def test_a_block_that_uses_the_weights_of_several_is_marked(run: Run) -> None:
    users = "conv: {weights: b, out: 8, k: 1}, conv: {weights: a, out: 8, k: 1}"
    owners = "conv: {name: a, out: 8, k: 1}, conv: {name: b, out: 8, k: 1}"
    layers = f"[{owners}, sequential: {{name: both, layers: [{users}]}}]"
    stdin = f"name: N\ninput: [8, 4, 4]\nlayers: {layers}\n".encode()
    assert "0†" in run("analyze", "-", "--depth", "1", stdin=stdin).out
    assert "those of b, a, counted there" in run("explain", "-", "both", stdin=stdin).out


def test_an_explanation_says_whose_weights_a_layer_uses(run: Run) -> None:
    out = run("explain", "-", "tb.conv_2", stdin=SIAMESE.encode()).out
    assert "weights      those of ta.conv_2, counted there" in out
    assert "params       0" in out
    explained = convcalc.loads(SIAMESE).explain("tb.conv_2")
    assert (explained.params, explained.macs) == (0, 437_133_312)
    assert explained.to_dict()["weights_of"] == "ta.conv_2"


# What is not trained


def test_frozen_parameters_are_parameters() -> None:
    graph = convcalc.loads(FROZEN)
    stage = 3 * 9 * 8 + 8 + 2 * 8
    totals = graph.totals
    assert (totals.frozen, totals.params - totals.frozen) == (stage, 81_930 + 8 * 9 * 8 + 8 + 16)
    assert totals.buffers == 2 * 2 * 8
    assert graph.at(frozen_stages=0).totals.frozen == 0
    assert graph.at(frozen_stages=0).totals.params == totals.params
    rows = graph.analyze().rows
    assert [row.name for row in rows if row.frozen] == ["stage_1.conv", "stage_1.batch_norm"]


def test_a_table_has_frozen_parameters_where_there_are_some(run: Run) -> None:
    def header(*options: str) -> list[str]:
        return run("analyze", "-", *options, stdin=FROZEN.encode()).out.splitlines()[2].split()

    assert header()[3:5] == ["Params", "Frozen"]
    assert "Frozen" in header("--group-by", "type")
    assert "Frozen" not in header("--set", "frozen_stages=0")


def test_what_is_inside_is_frozen_with_it_and_an_inner_word_does_not_thaw_it() -> None:
    layers = "[conv: {out: 4, k: 1, trainable: true}, squeeze_excite: {squeeze: 2}]"
    graph = network(f"sequential: {{trainable: false, layers: {layers}}}", "conv: {out: 2, k: 1}")
    totals = graph.totals
    assert totals.params - totals.frozen == 4 * 2 + 2


def test_shared_weights_are_trained_or_not_as_where_they_are_first() -> None:
    first = "conv: {name: a, trainable: false, out: 8, k: 1}"
    totals = network(first, "conv: {weights: a, out: 8, k: 1}").totals
    assert (totals.params, totals.frozen) == (72, 72)
    (said,) = mistakes("conv: {name: a, out: 8, k: 1}", f"{first[:-1]}, weights: a}}")
    assert said.endswith("it is frozen, and `a` is trained")


# Which weights


def test_the_weights_of_one_that_uses_anothers_are_those() -> None:
    conv = "out: 8, k: 3, p: 1}"
    graph = network(
        f"conv: {{name: a, {conv}",
        f"conv: {{name: b, weights: a, {conv}",
        f"conv: {{name: c, weights: b, {conv}",
    )
    assert [node.weights_of for node in graph.nodes] == [None, "a", "a"]


def test_weights_are_shared_inside_of_what_is_shared() -> None:
    blocks = "{tied: {layers: [linear: {name: a, out: 8}, linear: {name: b, weights: a, out: 8}]}}"
    inner = "[repeat: {times: 2, share_weights: true, layers: [tied: {name: t}]}]"
    graph = network(
        "tied: {name: one}",
        "tied: {name: two, weights: one}",
        f"repeat: {{times: 3, share_weights: true, layers: {inner}}}",
        input="[8]",
        blocks=blocks,
    )
    owners = [node.weights_of for node in graph.nodes]
    assert owners == [None, *["one.a"] * 3, None, *["t_1.a"] * 11]
    assert graph.totals.params == 2 * 72


def test_only_the_size_may_differ_that_layers_run_at() -> None:
    head = "{head: {layers: [conv: {out: 8, k: 3, p: 1}, batch_norm, relu]}}"
    graph = network(
        "head: {name: p3}",
        "max_pool: {name: half, from: input, k: 2}",
        "head: {name: p4, from: half, weights: p3}",
        blocks=head,
    )
    totals = graph.totals
    assert (totals.params, totals.buffers) == (8 * 8 * 9 + 8 + 16, 16)
    assert totals.macs == 8 * 8 * 9 * (256 + 64)
    (said,) = mistakes(
        "global_depthwise_conv: {name: a}",
        "max_pool: {name: half, from: input, k: 2}",
        "global_depthwise_conv: {from: half, weights: a}",
    )
    assert said.endswith("it has a weight of 8×1×8×8, and `a` has 8×1×16×16")


def test_attention_uses_the_weights_of_one_on_more_tokens() -> None:
    def other(heads: int) -> list[str]:
        return [
            "reshape: {name: tokens, shape: [in_channels, in_height * in_width]}",
            "self_attention: {name: a, heads: 2}",
            "max_pool: {name: half, from: input, k: 2}",
            "reshape: {shape: [in_channels, in_height * in_width]}",
            f"self_attention: {{heads: {heads}, weights: a}}",
        ]

    assert network(*other(2)).totals.params == 4 * 8 * 8 + 4 * 8
    (said,) = mistakes(*other(4))
    assert said.endswith("it has heads 4, and `a` has 2")


def test_a_function_may_stand_for_a_module() -> None:
    graph = network("relu: {name: r}", "relu: {weights: r, functional: true}")
    assert [node.weights_of for node in graph.nodes] == [None, "r"]


def test_lines_of_different_blocks_that_are_built_alike_share() -> None:
    unit = "[conv: {out: 8, k: 1}, relu]"
    blocks = f"{{a: {{layers: {unit}}}, b: {{layers: {unit}}}}}"
    assert network("a: {name: x}", "b: {weights: x}", blocks=blocks).totals.params == 72
    named = f"sequential: {{name: x, layers: {unit}}}"
    assert network(named, "a: {weights: x}", blocks=blocks).totals.params == 72


def test_what_a_condition_leaves_out_is_not_compared() -> None:
    blocks = "{u: {args: {act: true}, layers: [conv: {out: 8, k: 1}, relu: {when: act}]}}"
    assert network("u: {name: x}", "u: {weights: x}", blocks=blocks).totals.params == 72
    (said,) = mistakes("u: {name: x}", "u: {weights: x, act: false}", blocks=blocks)
    assert said == "`u` cannot use the weights of `x`: it has 1 layer, and `x` has 2"


def test_a_mistake_elsewhere_is_not_said_again_of_weights() -> None:
    said = mistakes(
        "conv: {name: a, out: 8, k: 99}", "conv: {from: input, weights: a, out: 8, k: 1}"
    )
    assert len(said) == 1
    assert "`weights`" not in said[0]
