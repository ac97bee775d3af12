"""The table of rules, and what the files that fill it have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from convcalc.exporters.python.use import Rule, Use

#: How PyTorch has each layer type.
RULES: dict[str, Rule] = {}


def module(
    *types: str, is_tensor: bool = False
) -> Callable[[Callable[[Use], list[str]]], Callable[[Use], list[str]]]:
    """Register what makes the modules of types."""

    def register(make: Callable[[Use], list[str]]) -> Callable[[Use], list[str]]:
        for type in types:
            RULES[type] = RULES.get(type, Rule())._replace(module=make, is_tensor=is_tensor)
        return make

    return register


def function(
    *types: str, holds: bool = False
) -> Callable[[Callable[[Use, list[str]], str]], Callable[[Use, list[str]], str]]:
    """Register what calls types as a function; `holds` where it works on a module of its own."""

    def register(call: Callable[[Use, list[str]], str]) -> Callable[[Use, list[str]], str]:
        for type in types:
            RULES[type] = RULES.get(type, Rule())._replace(function=call, holds=holds)
        return call

    return register


def called(name: str, *arguments: str, **named: Any) -> str:
    """A call as code; what is None is left out."""
    given = [*arguments, *[f"{key}={value}" for key, value in named.items() if value is not None]]
    return f"{name}({', '.join(given)})"


def unless_default(use: Use, field: str) -> str | None:
    """A field as code; None where it has its default."""
    if not use.is_set(field) and field not in use.st.body.open:
        return None
    code = use.arg(field)
    return None if code == use.default(field) else code


def reversed_pads(pads: tuple[tuple[int, int], ...]) -> str:
    """Padding as `torch.nn.functional.pad` takes it: the last axis first."""
    return f"({', '.join([str(each) for pair in reversed(pads) for each in pair])})"
