"""The page about conventions, made from the rules that run."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence

from convcalc import conventions, sizes
from convcalc.conventions.base import Convention
from convcalc.render.conventions import (
    attention_text,
    counted_types,
    own_names,
    parameters_text,
    prose,
    rule_text,
    shared_names,
)
from docs.tables import markdown

#: Which conventions stand side by side in the page's tables.
_TABLES = (
    ("ptflops", "ptflops-aten", "mmcv", "fvcore", "thop", "torch", "torchinfo"),
    ("calflops", "deepspeed", "paddle", "tensorflow", "flax", "onnx-tool"),
)
_NETWORKS = (
    *("alexnet", "vgg16", "resnet18", "resnet50", "densenet121", "googlenet"),
    *("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0", "mnasnet1_0"),
    *("efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "vit_b_16"),
)
_SIZES = """\
## Sizes as the tools print them

Under a summary some tools print how large a network is, in megabytes. `convcalc memory NAME
--definition torchsummary` works the same out, each tool's by its own rule over the modules that it
sees, measured on the tool (`tests/reference/record_sizes.py`, `record_keras_sizes.py`). It is right
to the printed digit where the tool's modules are those of the spec's layers and blocks; where they
are known to be others, a note says so. These are sums over all layers, which nothing has in memory
at once; what is there at once is the peak (`convcalc memory NAME`).
"""
_INTRODUCTION = """\
# How the tools count

People quote "FLOPs" for one network that differ by more than two times: each tool counts by rules
of its own. convcalc reproduces them, `convcalc analyze NAME --convention thop`, and says where they
differ, `convcalc reconcile NAME`. This page is made from the rules that run (`python -m
docs.generate`).

Every rule was measured on the tool itself, in the version named, on single layers and whole
networks: `tests/reference/` has the scripts that run the tools and what they answered, and the
tests compare.

Formulas: `inp` and `out` are the elements of a layer's input and output, `macs` its
multiply–accumulates, `bias` its additions of a bias, `params` its parameters; the other names are
explained below the tables. A star marks what a tool does not know and, without a word, counts as 0.
"As a function" is for layers that the modelled code writes as a call (`functional: true` in a
spec), with = where that is the same as the module; a `global_avg_pool` is then `x.mean([2, 3])`.
What PyTorch has no module for is written with operators, `x + y`, `x / 2`, `x @ y`, and as a
function `torch.add(x, y)`, `torch.matmul(x, y)`. A `self_attention` stands for timm's `Attention`,
which calls `F.scaled_dot_product_attention`, and as a function for `torch.nn.MultiheadAttention`,
whose linear layers are calls as well; one that multiplies matrices itself is written out, of
`linear`, `matmul` and `softmax`.
Layers that only move what comes cost nothing and are left out (but flax counts 1 for the constant
of a padding, TensorFlow's profiler a split at places, onnx-tool a `max_unpool`; where a tool has no
such layer, its section says so).

A layer that uses the weights of another (`weights`, `share_weights`) is taken for one module that
is called again, as most code shares: under every convention its parameters count once, and its
operations at every call. Where a tool takes other ways to share otherwise, its section says so.

`NAME` is a tool in the newest version that was measured, and `NAME@VERSION` in an older one that
counts otherwise; `NAME@0` is the newest whose version begins so. `--convention all` has the newest,
`convcalc reconcile` tries all.
"""


def page() -> str:
    """The page about conventions, docs/conventions.md."""
    found = conventions.every()
    summaries = markdown(
        ("convention", "tool", "version", "prints", "counts"),
        ((f"`{c.name}`", c.tool, c.version, c.unit, c.summary) for c in found),
    )
    parts = [_INTRODUCTION, "## The conventions\n", summaries, "## The rules\n"]
    parts += [_rules_table([conventions.find(name) for name in names]) for names in _TABLES]
    parts += ["The names in the formulas:\n", *(f"- `{n}`: {text}" for n, text in shared_names())]
    parts += ["\n## What they make of networks\n", _networks_table()]
    for c in found:
        own = [f"- `{name}`: {text}" for name, text in own_names(c)]
        if c.notes:
            parts += [f"### {c.name}\n", f"{c.tool} {c.version}: {c.summary}.\n", f"{c.notes}\n"]
            parts += [_changes(c)]
        else:
            title, _, rest = prose(c).partition("\n")
            parts += [f"## {c.name}\n", f"{title}\n", f"{rest.strip()}\n"]
        parts += ["Names of its own:\n", *own, ""] if own else []
        if c.attention:
            parts += [f"As parts of a `self_attention`: {attention_text(c)}.\n"]
        parts += [f"Parameters: {parameters_text(c)}.\n"]
    return "\n".join([*parts, *_sizes()])


def _sizes() -> Iterator[str]:
    """What the tools print at the foot of a summary."""
    yield _SIZES
    for definition in map(sizes.find, sizes.names()):
        module = sys.modules[definition.measure.__module__]
        title, _, rest = (inspect.getdoc(module) or "").partition("\n")
        yield f"### Sizes of {definition.name}\n"
        yield f"{title} Version {definition.version}.\n"
        labels = ", ".join(f"{label} (`{name}`)" for name, label in definition.labels.items())
        yield f"It prints: {labels}.\n"
        yield f"{rest.strip()}\n"


def _changes(c: Convention) -> str:
    """A row for the layer types that an older version counts otherwise than the newest."""
    newest = conventions.find(c.name.partition("@")[0])
    rows: dict[tuple[str, ...], list[str]] = {}
    for cls in counted_types():
        then, now = (
            tuple(rule_text(each, cls, functional) for functional in (False, True))
            for each in (c, newest)
        )
        if then != now:
            rows.setdefault(then, []).append(cls.type)
    return markdown(
        ("layer", "counted as", "as a function"),
        [(", ".join(types), *rules) for rules, types in rows.items()],
    )


def _rules_table(found: Sequence[Convention]) -> str:
    """A row for layer types that are counted alike, a column a convention; then as functions."""
    modules: dict[tuple[str, ...], list[str]] = {}
    functions: dict[tuple[str, ...], list[str]] = {}
    for cls in counted_types():
        if cls.moves:
            continue
        as_module = tuple(rule_text(c, cls) for c in found)
        as_function = tuple(rule_text(c, cls, functional=True) for c in found)
        modules.setdefault(as_module, []).append(cls.type)
        if as_function != as_module:
            changed = tuple("=" if f == m else f for f, m in zip(as_function, as_module))
            functions.setdefault(changed, []).append(cls.type)
    rows = [(", ".join(types), *rules) for rules, types in modules.items()]
    rows += [(f"as a function: {', '.join(types)}", *rules) for rules, types in functions.items()]
    return markdown(("layer", *(c.name for c in found)), rows)


def _networks_table() -> str:
    """A row a network of the zoo, a column a convention."""
    from convcalc import api

    names = conventions.names()
    rows = []
    for network in _NETWORKS:
        counts = api.load(network).analyze("all").counts
        rows.append((f"`{network}`", *(_cell(counts[name]) for name in names)))
    return markdown(("network", *names), rows)


def _cell(count: int | None) -> str:
    return "no number" if count is None else f"{count:,}"
