"""What a convention is: how one tool, or one tradition, counts the operations of a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from convcalc.arithmetic import product
from convcalc.graph import Node
from convcalc.layers.base import Operations, fields_of
from convcalc.spec.expressions import Expression, parse


class Count(NamedTuple):
    """A number of operations; None where the tool gives none. `known`: whether it knows the layer."""

    flops: int | None
    known: bool


class Convention(NamedTuple):
    """A way to count operations, as data.

    `rules` has a formula for each layer type that is counted: a text over the names of `Quantities`, or
    where the tool does what no formula says, a function whose documentation says it in a line. `free`
    are the types that are left out on purpose. A type in neither is one that the tool does not know, and
    `default` is what it gets: "0" where the tool says nothing (the row is marked), None where it stops.
    """

    name: str
    tool: str
    version: str
    #: What the tool prints, and what its number is.
    unit: str
    meaning: str
    #: One line of what it counts.
    summary: str
    rules: Mapping[str, Rule] = {}
    free: frozenset[str] = frozenset()
    default: str | None = "0"
    #: Whether `default` is a formula for every type, and so a layer without a rule is counted by it.
    counts_all: bool = False

    def operations(self, node: Node, batch: int) -> Count:
        """The operations of a node on `batch` samples."""
        rule = self.rule(node.type)
        if rule is None:
            return Count(None, known=False)
        quantities = Quantities(node, batch)
        flops = _evaluate(parse(rule), quantities) if isinstance(rule, str) else rule(quantities)
        return Count(flops, self.knows(node.type))

    def rule(self, type: str) -> Rule | None:
        """The formula for a layer type; None where the tool stops at it."""
        return "0" if type in self.free else self.rules.get(type, self.default)

    def knows(self, type: str) -> bool:
        """Whether the tool has something to say about a layer type, if only that it is free."""
        return type in self.rules or type in self.free or self.counts_all


class Quantities:
    """What the formulas of conventions speak of, for one layer on `batch` samples.

    `inp`, `out`: elements of the first input and of the output. `macs`: multiply–accumulates. `bias`:
    additions of a bias. `mul`, `add`, `cmp`, `div`, `exp`, `log`, `sqrt`, `erf`: primitive operations,
    those of the sums of products included. `channels`: of the input. `rows`: positions of the input.
    `params`: trainable parameters. `kernel`: cells of the window. `batch`: samples.
    """

    def __init__(self, node: Node, batch: int) -> None:
        self.node = node
        self.batch = batch

    @property
    def inp(self) -> int:
        return self.node.inputs[0].shape.size * self.batch

    @property
    def out(self) -> int:
        return sum(shape.size for shape in self.node.outputs) * self.batch

    @cached_property
    def operations(self) -> Operations:
        node = self.node
        return node.layer.counts(node.input_shapes, node.outputs).times(self.batch)

    @cached_property
    def primitives(self) -> dict[str, int]:
        return self.operations.primitives()

    @property
    def channels(self) -> int:
        return self.node.inputs[0].shape.channels

    @property
    def rows(self) -> int:
        return self.node.inputs[0].shape.positions * self.batch

    @property
    def params(self) -> int:
        node = self.node
        return sum(w.size for w in node.layer.tensors(node.input_shapes) if w.trainable)

    @property
    def kernel(self) -> int:
        return product(getattr(self.node.layer, "kernel_size", (1,)))

    def __getitem__(self, name: str) -> Any:
        if name in ("macs", "bias"):
            return getattr(self.operations, name)
        if name in _PRIMITIVES:
            return self.primitives.get(name, 0)
        if name in _QUANTITIES:
            return getattr(self, name)
        for field in fields_of(type(self.node.layer)):
            if field.name == name:
                return field.kind.show(getattr(self.node.layer, name))
        raise KeyError(name)


_PRIMITIVES = ("mul", "add", "cmp", "div", "exp", "log", "sqrt", "erf")
_QUANTITIES = ("inp", "out", "channels", "rows", "params", "kernel", "batch")


def _evaluate(expression: Expression, quantities: Quantities) -> Any:
    return expression.evaluate({name: quantities[name] for name in expression.names})


#: A formula over the names of `Quantities`, or a function of them.
Rule = str | Callable[[Quantities], Any]
