"""docs/json.md is what is printed: every key of every command, both ways."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import run_convcalc

PAGE = (Path(__file__).parent.parent / "docs" / "json.md").read_text(encoding="utf-8")
SEVERAL = b"""
name: N
input: {left: [4, 8, 8], right: [4, 8, 8]}
layers:
  - split: {from: left, name: parts, sections: 2}
  - add: {from: [parts.0, parts.1]}
  - conv: {name: a, out: 2, k: 1}
  - conv: {weights: a, out: 2, k: 1}
"""

#: The section of the page, and the commands whose answers it describes.
COMMANDS = {
    "`convcalc analyze --json`": [
        "analyze mobilenet_v1 --json",
        "analyze mobilenet_v2 --depth 1 --convention torch --json",
        "analyze lenet --convention all --json",
        "analyze lenet --group-by kind --json",
        "analyze lenet --top 2 --json",
        "analyze lenet --until flatten --drop conv_1 --json",
        "analyze lenet resnet18 --format jsonl",
        "analyze - --json",
    ],
    "`convcalc memory --json`": [
        "memory lenet --json",
        "memory lenet resnet18 --definition train --format jsonl",
    ],
    "`convcalc memory --definition torchsummary --json`": [
        "memory lenet --definition torchsummary --json",
        "memory lenet resnet18 --definition keras --format jsonl",
    ],
    "`convcalc layer --json`": [
        "layer conv --k 3 --in 8 --json",
        "layer squeeze_excite --squeeze 4 --in 16x8x8 --json",
        "layer adaptive_avg_pool --convention tensorflow --json",
        "layer conv --k 3 --p 1 --convention flax --json",
        "layer conv --k 3 --p 1 --format jsonl",
        "layer separable_conv --k 3 --json",
        "layer conv --k 3 --p same --json",
    ],
    "`convcalc solve SPEC --json`": [
        "solve mobilenet_v2 --var alpha=0.5:1:0.25 --max macs=300M --json",
        "solve lenet --var num_classes --max params=61k --json",
    ],
    "`convcalc count --json`": [
        "count mobilenet_v2 --var alpha=0.5:1:0.25 --max macs=300M --json",
        "count lenet --var num_classes=2:12 --sample 2 --json",
    ],
    "`convcalc pareto --json`": [
        "pareto lenet --var num_classes=2:12 --pareto min:macs,max:num_classes --json",
    ],
    "`convcalc explain --json`": [
        "explain lenet conv_1 --json",
        "explain mobilenet_v2 inverted_residual_2 --json",
        "explain lenet conv_1 --format jsonl",
    ],
    "`convcalc list --json`": [
        "list --json",
        "list --format jsonl",
        "list mobilenet_v1 lenet --set alpha=0.5 --columns layers,output,flops,dtype --json",
        "list mobilenet_v1 --preset mobilenet_v1_x0_5 --dtype int8 --format jsonl",
        "list lenet --until flatten --drop conv_1 --json",
    ],
    "`convcalc compare --json`": [
        "compare mobilenet_v1 conv_mobilenet --layers --json",
        "compare lenet --set num_classes=7 --until linear_3 --layers --json",
        "compare lenet resnet18 --format jsonl",
        "compare lenet --set num_classes=7 --layers --format jsonl",
    ],
    "`convcalc conventions --json`": [
        "conventions --json",
        "conventions ptflops --json",
        "conventions thop --format jsonl",
    ],
    "`convcalc errata --json`": ["errata --json", "errata mobilenet_v1 --format jsonl"],
    "`convcalc reconcile --json`": [
        "reconcile mobilenet_v2 --json",
        "reconcile mobilenet_v2 --reported 314.2M --json",
        "reconcile mobilenet_v2 --reported 314.3M --json",
        "reconcile mobilenet_v2 --reported 314.2M --format jsonl",
        "reconcile lenet --until flatten --drop conv_1 --reported 300k --json",
    ],
    "`convcalc receptive-field --json`": [
        "receptive-field lenet --from conv_1 --json",
        "receptive-field lenet --layer conv_2 --json",
        "receptive-field unet --format jsonl",
    ],
    "`convcalc roofline --json`": [
        "roofline lenet --device a100 --json",
        "roofline resnet18 --device a100 --depth 1 --top 2 --json",
        "roofline lenet --device a100 --device t4 --format jsonl",
    ],
    "`convcalc roofline --list-devices --json`": [
        "roofline --list-devices --json",
        "roofline --list-devices --format jsonl",
    ],
    "Mistakes": ["analyze tests/errors/several-mistakes.yaml --error-format json"],
}
#: Keys under which keys are names of somebody's: variables, layers, tensors, layer types, figures.
NAMED = {
    *("variables", "config", "weights", "operations", "counts", "formulas", "names", "symbols"),
    *("rules", "functions", "attention", "gaps", "parameters", "quantities"),
    *("rows", "same", "same_ends"),
    *("sources", "operations_per_second", "operations_by_type", "changed", "ratios"),
}


@cache
def answers(command: str) -> list[Any]:
    outcome = run_convcalc(*command.split(), stdin=SEVERAL)
    text = outcome.out or outcome.err
    if "jsonl" in command:
        return [json.loads(line) for line in text.splitlines()]
    return [json.loads(text)]


def keys(value: Any, top: bool = True) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from keys(each, top)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            named = key in NAMED or (key in ("input", "budgets") and isinstance(inner, dict))
            if not named:
                yield from keys(inner, False)


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def on_page(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", text))


@pytest.mark.parametrize("title", COMMANDS)
def test_every_key_that_is_printed_is_on_the_page(title: str) -> None:
    described = on_page(section(title))
    for known in ("analyze", "layer") if "explain" in title else ("analyze",):
        if any(word in title for word in ("layer", "explain", "compare")):
            described |= on_page(section(f"`convcalc {known} --json`"))
    for command in COMMANDS[title]:
        assert set(keys(answers(command))) - described - {"network"} == set(), command


@pytest.mark.parametrize("title", COMMANDS)
def test_every_key_on_the_page_is_printed(title: str) -> None:
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", section(title), re.MULTILINE)
    described = {key for row in rows for key in on_page(row)}
    printed = {key for command in COMMANDS[title] for key in keys(answers(command))}
    assert described - printed == set()


#: Rows and mistakes are parts of an answer.
WHOLE = [c for each in COMMANDS.values() for c in each if c.endswith(" --json")]


@pytest.mark.parametrize("command", WHOLE)
def test_every_object_begins_with_its_format(command: str) -> None:
    for answer in answers(command):
        assert next(iter(answer)) == "format"
        assert re.fullmatch(r"convcalc\.[a-z_]+/1", answer["format"])
