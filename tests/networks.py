"""Networks that many tests look at, made once: none of them changes one."""

from __future__ import annotations

import json
from functools import cache, lru_cache

import convcalc


def network(
    name: str, variables: str = "{}", input: tuple[int, ...] | None = None
) -> convcalc.Network:
    """A network of the zoo; the variables are JSON."""
    return _network(name, variables, input)


# What is left out and what is said as it is anyway are one key here.
@cache
def _network(name: str, variables: str, input: tuple[int, ...] | None) -> convcalc.Network:
    return convcalc.load(name, input=input, **json.loads(variables))


@lru_cache(200)
def network_of(text: str) -> convcalc.Network:
    """The network of a spec's text. Raises ConvcalcError."""
    return convcalc.loads(text)
