"""Conventions as text, data and a page: the list of them, the rules of one, the rules of all."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from convcalc import conventions, layers
from convcalc.conventions.base import FREE, MOVING, Convention, Quantities

#: The files of the vocabulary, in the order of the tables.
_FAMILIES = (
    *("convolution", "dense", "normalization", "activation", "pooling"),
    *("resampling", "joining"),
)


def summary_object(convention: Convention) -> dict[str, Any]:
    """A convention in a list, as JSON has it."""
    keys = ("name", "tool", "version", "unit", "meaning", "summary")
    return {key: getattr(convention, key) for key in keys}


def rules_object(convention: Convention) -> dict[str, Any]:
    """A convention with its rules, as JSON has it."""
    c = convention
    return {
        **summary_object(c),
        "rules": {type: c.rule(type) for type in _types()},
        "functions": {type: c.rule(type, True) for type in _types()},
        "unseen": [type for type in _types() if rule_text(c, type).startswith("0 *")],
        "gaps": dict(c.gaps),
        "parameters": None
        if c.parameters is None
        else {type: c.parameters.get(type, "params") for type in _weighted()},
        "quantities": dict(_own(c)),
    }


def list_text(found: Sequence[Convention]) -> str:
    """One line a convention."""
    header = ("Name", "Tool", "Prints", "Counts")
    rows = [header, *((c.name, _tool(c), c.unit, c.summary) for c in found)]
    return f"{_aligned(rows)}\n`convcalc conventions NAME` prints the rules of one.\n"


def rules_text(convention: Convention) -> str:
    """The rules of a convention, a line for the layer types that share one, and its names."""
    c = convention
    header = ("Layers", "Counted as", *(["As a function"] if c.functions is not None else []))
    rows = [header, *((", ".join(types), *rules) for rules, types in _shared_rules(c))]
    return "\n".join(
        [
            f"{c.name}: {c.summary}",
            f"{_tool(c)} prints {c.unit}: {c.meaning}",
            "",
            prose(c),
            "",
            _aligned(rows),
            f"Parameters: {parameters_text(c)}.",
            *(f"{name}: {text}" for name, text in _meanings(c)),
            "*: the tool does not know the layer, and without a word counts it as 0.",
            "",
        ]
    )


def rule_text(convention: Convention, type: str, functional: bool = False) -> str:
    """What a layer type is counted as, in a line."""
    rule = convention.rule(type, functional)
    if rule is None:
        return "no number"
    silent = not convention.knows(type, functional) and type not in MOVING
    text = _math(rule) + (" *" if silent else "")
    gap = convention.gaps.get(type)
    return f"{text}; no number where {_math(gap)}" if gap else text


def parameters_text(convention: Convention) -> str:
    """How parameters are counted, in a line."""
    if convention.parameters is None:
        return "not counted"
    rules: dict[str, list[str]] = {}
    for type in _weighted():
        rules.setdefault(convention.parameters.get(type, "params"), []).append(type)
    common = max(rules, key=lambda rule: len(rules[rule]))
    others = [
        f"{', '.join(types)}: {_math(rule)}" for rule, types in rules.items() if rule != common
    ]
    return "; ".join([_math(common), *others])


def _shared_rules(convention: Convention) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The texts of the rules, with the layer types that share them; what is free comes last."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for type in _types():
        forms = (False,) if convention.functions is None else (False, True)
        rules = tuple(rule_text(convention, type, functional) for functional in forms)
        groups.setdefault(rules, []).append(type)
    yield from sorted(groups.items(), key=lambda group: group[0][0][:1] in "0n")


def _math(formula: str) -> str:
    """A formula of the expression language as people write it."""
    return formula.replace(" * ", "·").replace(" - ", " − ")


def prose(convention: Convention) -> str:
    """The documentation of a convention's file."""
    conventions.find(convention.name)
    module = sys.modules[f"convcalc.conventions.{convention.name.replace('-', '_')}"]
    return inspect.getdoc(module) or ""


#: Which conventions stand side by side in the page's tables.
_TABLES = (
    ("ptflops", "ptflops-aten", "fvcore", "thop", "torch", "torchinfo"),
    ("calflops", "deepspeed", "paddle", "tensorflow", "flax", "onnx-tool"),
)
_NETWORKS = (
    *("alexnet", "vgg16", "resnet18", "resnet50", "densenet121", "googlenet"),
    *("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0", "mnasnet1_0"),
    *("efficientnet_b0", "regnet_y_400mf", "convnext_tiny"),
)
_INTRODUCTION = """\
# How the tools count

People quote "FLOPs" for one network that differ by more than two times: each tool counts by rules
of its own. convcalc reproduces them, `convcalc analyze NAME --convention thop`, and says where they
differ, `convcalc reconcile NAME`. This page is made from the rules that run (`python
docs/generate.py`).

Every rule was measured on the tool itself, in the version named, on single layers and whole
networks: `tests/reference/` has the scripts that run the tools and what they answered, and the
tests compare.

Formulas: `inp` and `out` are the elements of a layer's input and output, `macs` its
multiply–accumulates, `bias` its additions of a bias, `params` its parameters; the other names are
explained below the tables. A star marks what a tool does not know and, without a word, counts as 0.
"As a function" is for layers that the modelled code writes as a call (`functional: true` in a
spec), with = where that is the same as the module; a `global_avg_pool` is then `x.mean([2, 3])`.
Layers that only move what comes cost nothing and are left out (but flax counts 1 for the constant
of a padding).
"""


def page() -> str:
    """The page about conventions, docs/conventions.md."""
    found = [conventions.find(name) for name in conventions.names()]
    summaries = _markdown(
        ("convention", "tool", "version", "prints", "counts"),
        ((f"`{c.name}`", c.tool, c.version, c.unit, c.summary) for c in found),
    )
    parts = [_INTRODUCTION, "## The conventions\n", summaries, "## The rules\n"]
    parts += [_rules_table([conventions.find(name) for name in names]) for names in _TABLES]
    parts += ["The names in the formulas:\n", *(f"- `{n}`: {text}" for n, text in _shared())]
    parts += ["\n## What they make of networks\n", _networks_table()]
    for c in found:
        title, _, rest = prose(c).partition("\n")
        own = [f"- `{name}`: {text}" for name, text in _own(c)]
        parts += [f"## {c.name}\n", f"{title}\n", f"{rest.strip()}\n"]
        parts += ["Names of its own:\n", *own, ""] if own else []
        parts += [f"Parameters: {parameters_text(c)}.\n"]
    return "\n".join(parts)


def _rules_table(found: Sequence[Convention]) -> str:
    """A row for layer types that are counted alike, a column a convention; then as functions."""
    modules: dict[tuple[str, ...], list[str]] = {}
    functions: dict[tuple[str, ...], list[str]] = {}
    for type in _types():
        if type in MOVING:
            continue
        as_module = tuple(rule_text(c, type) for c in found)
        as_function = tuple(rule_text(c, type, functional=True) for c in found)
        modules.setdefault(as_module, []).append(type)
        if as_function != as_module:
            changed = tuple("=" if f == m else f for f, m in zip(as_function, as_module))
            functions.setdefault(changed, []).append(type)
    rows = [(", ".join(types), *rules) for rules, types in modules.items()]
    rows += [(f"as a function: {', '.join(types)}", *rules) for rules, types in functions.items()]
    return _markdown(("layer", *(c.name for c in found)), rows)


def _networks_table() -> str:
    """A row a network of the zoo, a column a convention."""
    from convcalc import api

    names = conventions.names()
    rows = []
    for network in _NETWORKS:
        counts = api.load(network).analyze("all").counts
        rows.append((f"`{network}`", *(_cell(counts[name]) for name in names)))
    return _markdown(("network", *names), rows)


def _cell(count: int | None) -> str:
    return "no number" if count is None else f"{count:,}"


def _markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines: list[Sequence[str]] = [header, ["---"] * len(header), *rows]
    cells = ([cell.replace("*", r"\*").replace("|", r"\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _tool(convention: Convention) -> str:
    return f"{convention.tool} {convention.version}".strip()


def _types() -> list[str]:
    """The layer types that are counted, family by family."""
    found = [name for name in layers.names() if layers.find(name).family != "composite"]
    return sorted(
        found, key=lambda name: _FAMILIES.index(layers.find(name).__module__.split(".")[-1])
    )


def _weighted() -> list[str]:
    """The layer types that have parameters."""
    plain = (layers.base.Layer.tensors, layers.base.Unary.weights)
    return [
        name
        for name in _types()
        if layers.find(name).tensors not in plain
        and getattr(layers.find(name), "weights", None) not in plain
    ]


def _used(convention: Convention) -> set[str]:
    """The names in a convention's formulas."""
    from convcalc.expressions import parse

    c = convention
    formulas = [*c.rules.values(), *(c.functions or {}).values(), c.default or FREE]
    formulas += [*c.gaps.values(), *(c.parameters or {}).values()]
    return {name for formula in formulas for name in parse(formula).names}


def _own(convention: Convention) -> Iterator[tuple[str, str]]:
    """The convention's own names, and what each is."""
    used = _used(convention)
    for name, function in convention.quantities.items():
        if name in used:
            yield name, " ".join((inspect.getdoc(function) or "").split())


def _shared() -> Iterator[tuple[str, str]]:
    """The names that all conventions share, and what each is, as `Quantities` documents them."""
    for line in (inspect.getdoc(Quantities) or "").split("\n"):
        names, colon, text = line.partition(": ")
        if colon:
            yield names, text


def _meanings(convention: Convention) -> Iterator[tuple[str, str]]:
    """What the names in a convention's formulas mean."""
    used = _used(convention)
    yield from _own(convention)
    for names, text in _shared():
        if used & set(names.split(", ")):
            yield names, text


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:], ""])
