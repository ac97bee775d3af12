"""Networks that many tests look at, made once: none of them changes one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any

import pytest

import convcalc
from convcalc import zoo


def network(
    name: str, variables: str = "{}", input: tuple[int, ...] | None = None
) -> convcalc.Network:
    """A network of the zoo; the variables are JSON."""
    return _network(name, variables, input)


# What is left out and what is said as it is anyway are one key here.
@cache
def _network(name: str, variables: str, input: tuple[int, ...] | None) -> convcalc.Network:
    return convcalc.load(name, input=input, **json.loads(variables))


def a_network_each(names: Iterable[str], most: int = 1) -> list[Any]:
    """Networks of the zoo as parameters of a test: `most` of each family, the rest exhaustive."""

    def parameters() -> Iterator[Any]:
        met: dict[str, int] = {}
        for name in names:
            family = zoo.presets().get(name, name)
            met[family] = met.get(family, 0) + 1
            marks = [pytest.mark.exhaustive] if met[family] > most else []
            yield pytest.param(name, marks=marks)

    return [*parameters()]


@lru_cache(200)
def network_of(text: str) -> convcalc.Network:
    """The network of a spec's text. Raises ConvcalcError."""
    return convcalc.loads(text)
