"""The networks of the papers, through the command line: totals, shares, variables, presets."""

from __future__ import annotations

from typing import Any

import pytest

from convcalc.costs import FIGURES
from tests.conftest import Run


def totals(run: Run, *args: str) -> Any:
    return run("analyze", *args, "--json").json["totals"]


# Howard et al. 2017, tables 6 and 7, to the last digit by torch's counter on the same layers.
@pytest.mark.parametrize(
    ("arguments", "params", "macs"),
    [
        ("mobilenet_v1", 4_231_976, 568_740_352),
        ("mobilenet_v1 --set alpha=0.75", 2_585_560, 325_400_448),
        ("mobilenet_v1 --set alpha=0.5", 1_331_592, 149_497_088),
        ("mobilenet_v1 --set alpha=0.25", 470_072, 41_030_272),
        ("mobilenet_v1_x0_25", 470_072, 41_030_272),
        ("mobilenet_v1 --preset mobilenet_v1_x0_5", 1_331_592, 149_497_088),
        ("mobilenet_v1 --set resolution=192", 4_231_976, 418_121_728),
        ("mobilenet_v1 --input 3x160x160", 4_231_976, 290_675_200),
        ("mobilenet_v1 --set resolution=128", 4_231_976, 186_400_768),
        ("mobilenet_v2", 3_504_872, 300_774_272),
        ("resnet18", 11_689_512, 1_814_073_344),
        ("resnet50", 25_557_032, 4_089_184_256),
    ],
)
def test_totals(run: Run, arguments: str, params: int, macs: int) -> None:
    found = totals(run, *arguments.split())
    assert (found["params"], found["macs"]) == (params, macs)


def test_torch_counts_two_for_a_mac(run: Run) -> None:
    assert totals(run, "mobilenet_v2", "--convention", "torch")["flops"] == 601_548_544


def test_buffers_are_the_running_statistics(run: Run) -> None:
    assert totals(run, "mobilenet_v2")["buffers"] == 34_112


def test_shares_by_kind(run: Run) -> None:
    # Howard et al. 2017, table 2, of the multiply-adds.
    out = run("analyze", "mobilenet_v1", "--group-by", "kind").out
    shares = {line[:14].strip(): line.split()[-3] for line in out.splitlines() if "," in line}
    assert shares["pointwise conv"] == "94.9"
    assert shares["depthwise conv"] == "3.1"
    assert shares["conv"] == "1.9"
    assert shares["dense"] == "0.2"


@pytest.mark.parametrize("by", ["type", "kind", "block"])
def test_groups_sum_to_the_totals(run: Run, by: str) -> None:
    answer = run("analyze", "resnet18", "--group-by", by, "--json").json
    numbers = {key: total for key, total in answer["totals"].items() if FIGURES[key].is_sum}
    for key, total in numbers.items():
        assert sum(group[key] for group in answer["groups"]) == total


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("network", ["resnet18", "mobilenet_v2"])
def test_folded_rows_sum_to_the_totals(run: Run, network: str, depth: int) -> None:
    answer = run("analyze", network, "--depth", str(depth), "--json").json
    for key in ("params", "buffers", "macs", "flops", "activations"):
        assert sum(row[key] for row in answer["layers"]) == answer["totals"][key]


def test_folding_leaves_one_row_a_block(run: Run) -> None:
    rows = run("analyze", "mobilenet_v1", "--depth", "1", "--json").json["layers"]
    assert sum(row["type"] == "depthwise_separable" for row in rows) == 13


@pytest.mark.parametrize("figure", ["macs", "flops", "activations"])
def test_batch_multiplies_what_depends_on_it(run: Run, figure: str) -> None:
    one, eight = (totals(run, "resnet18", "--batch", batch) for batch in ("1", "8"))
    assert eight[figure] == 8 * one[figure]


def test_batch_leaves_parameters(run: Run) -> None:
    assert totals(run, "resnet18", "--batch", "8")["params"] == 11_689_512


def test_names_are_unique(run: Run) -> None:
    names = [row["name"] for row in run("analyze", "resnet50", "--json").json["layers"]]
    assert len(set(names)) == len(names)
