"""Conventions as reports: the list of them, and the rules of one."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from convcalc import layers
from convcalc.conventions.base import FREE, Convention, Quantities
from convcalc.layers import Layer
from convcalc.render.report import Report, Table, records_of
from convcalc.render.wrapping import wrapped_table
from convcalc.words import as_mathematics, listed

#: What a list says of each.
_KEYS = ("name", "tool", "version", "unit", "meaning", "summary")


def report_list(found: Sequence[Convention]) -> Report:
    """One row a convention."""

    def objects() -> list[dict[str, Any]]:
        return [{key: getattr(convention, key) for key in _KEYS} for convention in found]

    legend = ("`convcalc conventions NAME` prints the rules of one.",)

    def table() -> Table:
        rows = [(c.name, tool(c), c.unit, c.summary) for c in found]
        header = ("Name", "Tool", "Prints", "Counts")
        return Table("", header, (False,) * 4, lambda: rows, (), legend)

    def fitted(columns: int, height: int) -> list[Table]:
        if (wide := table()).width() <= columns:
            return [wide]
        rows = [(c.name, c.unit, f"{tool(c)}\n{c.summary}") for c in found]
        header = ("Name", "Prints", "Tool, and what it counts")
        narrow = Table("", header, (False,) * 3, lambda: rows, (), legend)
        return [wrapped_table(narrow, columns, (True,) * 3)]

    return Report(
        lambda: [{"format": "convcalc.conventions/1", "conventions": objects()}],
        objects,
        lambda: records_of(objects()),
        lambda: [table()],
        fitted=[fitted],
    )


def report_rules(convention: Convention) -> Report:
    """The rules of a convention, a row for the layer types that share one, and its names."""

    def fitted(columns: int, height: int) -> list[Table]:
        made = _rules_table(convention, _paragraphs(prose(convention)))
        return [wrapped_table(made, columns, (True, *(False for _ in made.header[1:])))]

    return Report(
        lambda: [_rules_object(convention)],
        lambda: _rules(convention),
        lambda: records_of(_rules(convention)),
        lambda: [_rules_table(convention, prose(convention).split("\n"))],
        fitted=[fitted],
    )


def _rules_object(c: Convention) -> dict[str, Any]:
    """A convention with its rules, as JSON has it."""
    types = counted_types()
    return {
        "format": "convcalc.convention/1",
        **{key: getattr(c, key) for key in _KEYS},
        "rules": {cls.type: c.rule(cls) for cls in types},
        "functions": {cls.type: c.rule(cls, True) for cls in types},
        "attention": dict(c.attention),
        "unseen": [cls.type for cls in types if c.passes_over(cls)],
        "gaps": {cls.type: gap for cls in types if (gap := c.gap_of(cls)) is not None},
        "parameters": None
        if c.parameters is None
        else {cls.type: c.parameters_of(cls) for cls in _weighted()},
        "trained_alone": c.trained_alone,
        "quantities": dict(own_names(c)),
    }


def _rules(c: Convention) -> list[dict[str, Any]]:
    """A row a layer type."""
    return [
        {
            "type": cls.type,
            "rule": c.rule(cls),
            "function": c.rule(cls, True),
            "gap": c.gap_of(cls),
            "parameters": c.parameters_of(cls),
        }
        for cls in counted_types()
    ]


def _paragraphs(text: str) -> list[str]:
    """The paragraphs and the items of a text, a line each, for what breaks lines itself."""
    found = [""]
    for line in text.split("\n"):
        goes_on = line and found[-1] and not line.startswith("- ")
        found[-1:] = [f"{found[-1]} {line.strip()}"] if goes_on else [found[-1], line]
    return found[1:]


def _rules_table(c: Convention, documentation: Sequence[str]) -> Table:
    """The rules, with the lines of the documentation of the convention's file below."""
    functions = [] if c.functions is None else ["As a function"]
    legend = [
        f"{tool(c)} prints {c.unit}: {c.meaning}",
        *(["", *documentation, ""] if any(documentation) else []),
        *([f"As parts of a self_attention: {attention_text(c)}."] if c.attention else []),
        f"Parameters: {parameters_text(c)}.",
        *([f"Older versions: {listed(each.name for each in c.older)}."] if c.older else []),
        *(f"{name}: {text}" for name, text in _meanings(c)),
    ]
    rows = [(", ".join(types), *rules) for rules, types in _shared_rules(c)]
    if any("*" in rule for _, *rules in rows for rule in rules):
        legend.append("*: the tool does not know the layer, and without a word counts it as 0.")
    header = ("Layers", "Counted as", *functions)
    title = f"{c.name}: {c.summary}"
    return Table(title, header, (False,) * len(header), lambda: rows, (), tuple(legend))


def rule_text(convention: Convention, cls: type[Layer], functional: bool = False) -> str:
    """What a layer type is counted as, in a line."""
    rule = convention.rule(cls, functional)
    if rule is None:
        return "no number"
    text = as_mathematics(rule) + (" *" if convention.passes_over(cls, functional) else "")
    gap = convention.gap_of(cls)
    return f"{text}; no number where {as_mathematics(gap)}" if gap else text


def attention_text(convention: Convention) -> str:
    """How the parts of a `self_attention` are counted, in a line; empty where it is as alone."""
    rules = convention.attention.items()
    return "; ".join(f"{type}: {as_mathematics(rule)}" for type, rule in rules)


def parameters_text(convention: Convention) -> str:
    """How parameters are counted, in a line."""
    if convention.parameters is None:
        return "not counted"
    rules: dict[str, list[str]] = {}
    for cls in _weighted():
        rules.setdefault(convention.parameters_of(cls) or FREE, []).append(cls.type)
    common = max(rules, key=lambda rule: len(rules[rule]))
    trained = ["frozen ones left out"] if convention.trained_alone else []
    others = [
        f"{', '.join(types)}: {as_mathematics(rule)}"
        for rule, types in rules.items()
        if rule != common
    ]
    return "; ".join([as_mathematics(common), *others, *trained])


def _shared_rules(convention: Convention) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The texts of the rules, with the layer types that share them; what is free comes last."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for cls in counted_types():
        forms = (False,) if convention.functions is None else (False, True)
        rules = tuple(rule_text(convention, cls, functional) for functional in forms)
        groups.setdefault(rules, []).append(cls.type)
    yield from sorted(groups.items(), key=lambda group: group[0][0][:1] in "0n")


def prose(convention: Convention) -> str:
    """The documentation of a convention's file, or its notes; empty for one from elsewhere."""
    if convention.notes:
        return convention.notes
    module = sys.modules.get(f"convcalc.conventions.{convention.name.replace('-', '_')}")
    return inspect.getdoc(module) or "" if module else ""


def tool(convention: Convention) -> str:
    """The tool with its version."""
    return f"{convention.tool} {convention.version}".strip()


def counted_types() -> list[type[Layer]]:
    """The layer types that are counted, family by family; composite ones are by their parts."""
    found = [layers.find(name) for name in layers.names()]
    return sorted((cls for cls in found if cls.family != "composite"), key=layers.reading_order)


def _weighted() -> list[type[Layer]]:
    """The layer types that have parameters."""
    return [cls for cls in counted_types() if cls.owns_tensors()]


def _used(convention: Convention) -> set[str]:
    """The names in a convention's formulas."""
    from convcalc.expressions import parse

    c = convention
    formulas = [*c.rules.values(), *(c.functions or {}).values(), c.default or FREE]
    formulas += [*c.attention.values(), *c.gaps.values(), *(c.parameters or {}).values()]
    return {name for formula in formulas for name in parse(formula).names}


def own_names(convention: Convention) -> Iterator[tuple[str, str]]:
    """The convention's own names, and what each is."""
    used = _used(convention)
    for name, function in convention.quantities.items():
        if name in used:
            yield name, " ".join((inspect.getdoc(function) or "").split())


def shared_names() -> Iterator[tuple[str, str]]:
    """The names that all conventions share, and what each is, as `Quantities` documents them."""
    for line in (inspect.getdoc(Quantities) or "").split("\n"):
        names, colon, text = line.partition(": ")
        if colon:
            yield names, text


def _meanings(convention: Convention) -> Iterator[tuple[str, str]]:
    """What the names in a convention's formulas mean."""
    used = _used(convention)
    yield from own_names(convention)
    for names, text in shared_names():
        if used & set(names.split(", ")):
            yield names, text
