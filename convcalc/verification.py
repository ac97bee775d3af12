"""Whether PyTorch says the same of a network, layer by layer: its code is built and run."""

from __future__ import annotations

from typing import Any, NamedTuple

from convcalc.graph import Graph


class Difference(NamedTuple):
    """What two say of a layer: its `shape`, its `weights` or its `macs`."""

    name: str
    what: str
    ours: Any
    theirs: Any


class Verification(NamedTuple):
    """A network whose code was run, how many layers were compared, and where they differ."""

    graph: Graph
    layers: int
    differences: tuple[Difference, ...]
    #: The version of what ran it.
    torch: str

    @property
    def passed(self) -> bool:
        """Whether all layers are the same."""
        return not self.differences
