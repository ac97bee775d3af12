"""A network at any variables, as a search asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from convcalc.graph import Graph


class Family(NamedTuple):
    """A network whose variables are yet to be set."""

    name: str
    #: Every variable with the value that it has where it is not set.
    defaults: Mapping[str, Any]
    #: The network at some variables; it raises ConvcalcError where there is none.
    graph: Callable[[Mapping[str, Any]], Graph]
