"""A network at any variables, as a search asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from convcalc.graph import Graph


class Make(Protocol):
    """Makes the network at some variables. Raises ConvcalcError where there is none.

    `curt`: whoever asks tries many, and is told the first mistake in few words.
    """

    def __call__(self, variables: Mapping[str, Any], curt: bool = False) -> Graph: ...


class Family(NamedTuple):
    """A network whose variables are yet to be set."""

    name: str
    #: Every variable with the value that it has where it is not set.
    defaults: Mapping[str, Any]
    graph: Make
    #: What tells it from others, whatever their names: its text, and what is set in it.
    identity: str = ""
