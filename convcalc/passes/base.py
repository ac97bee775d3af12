"""What a pass is, and the registry of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from convcalc.costs import Figure, register
from convcalc.graph import Graph
from convcalc.steps import Settings


class Pass:
    """Works out figures of every node of a graph.

    `figures` are what it adds, in the order of the values that `run` gives for each node. A value
    is a number or a word, or anything else that can be hashed: equal layers with equal values share
    their figures. A block's is the total of its layers'. One that is `dear` runs where a figure of
    it is asked for, and not in every analysis.
    """

    figures: ClassVar[tuple[Figure, ...]]
    dear: ClassVar[bool] = False

    def run(self, graph: Graph, settings: Settings) -> Iterable[tuple[Any, ...]]:
        """A value for each of `figures`, node by node, for all samples. Raises ConvcalcError."""
        raise NotImplementedError


#: Every pass, in the order in which their figures are printed.
PASSES: list[Pass] = []


def add_pass(cls: type[Pass]) -> type[Pass]:
    """Register a pass and its figures; a decorator."""
    register(*cls.figures)
    PASSES.append(cls())
    return cls
