"""Conventions as text and data: the list of them, and the rules of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc import layers
from convcalc.conventions.base import Convention


def summary_object(convention: Convention) -> dict[str, Any]:
    """A convention in a list, as JSON has it."""
    keys = ("name", "tool", "version", "unit", "meaning", "summary")
    return {key: getattr(convention, key) for key in keys}


def rules_object(convention: Convention) -> dict[str, Any]:
    """A convention with its rules, as JSON has it."""
    return {
        **summary_object(convention),
        "rules": {type: rule_text(convention, type) for type in _types()},
    }


def list_text(conventions: Sequence[Convention]) -> str:
    """One line a convention."""
    header = ("Name", "Tool", "Unit", "Counts")
    rows = [
        header,
        *((c.name, f"{c.tool} {c.version}".strip(), c.unit, c.summary) for c in conventions),
    ]
    return _aligned(rows)


def rules_text(convention: Convention) -> str:
    """The rules of a convention, a line a layer type."""
    import inspect
    import sys

    c = convention
    rows = [("Layer", "Counted as")]
    for type in _types():
        rows.append((type, rule_text(c, type)))
    module = sys.modules.get(f"convcalc.conventions.{c.name.replace('-', '_')}")
    prose = inspect.getdoc(module) if module else ""
    return f"{c.name}: {c.summary}\nprints {c.unit}: {c.meaning}\n\n{prose}\n\n{_aligned(rows)}"


def rule_text(convention: Convention, type: str) -> str:
    """What a layer type is counted as, in a line."""
    rule = convention.rule(type)
    if rule is None:
        return "no number: the tool stops"
    text = rule if isinstance(rule, str) else (rule.__doc__ or "").split("\n")[0].rstrip(".")
    return text if convention.knows(type) else f"{text} (not known to the tool)"


def _types() -> list[str]:
    return [name for name in layers.names() if layers.find(name).family != "composite"]


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:], ""])
