"""Why the tools differ: every convention's total, and the bridge from the MACs to each.

A bridge is worked out from the rules: each layer's formula, multiplied out in the names it uses,
less its MACs. What is left is grouped by what it is, so that MACs and items sum to the total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from convcalc import conventions
from convcalc.conventions.base import AMOUNTS, Convention, Place, Quantities
from convcalc.costs import known_macs, summed
from convcalc.graph import Graph, Node
from convcalc.layers.base import Operations
from convcalc.symbolic import Polynomial, Symbol, polynomial_of
from convcalc.visible import visible
from convcalc.words import counted, grouped, lacking


class Item(NamedTuple):
    """One step of a bridge: what is counted beside the MACs (below 0: left out), and how."""

    what: str
    formula: str
    amount: int
    layers: int


class Bridge(NamedTuple):
    """From the MACs of a network to what a convention counts.

    `total` is the network's MACs and the items, summed; None where the tool gives no number for
    some layers, whose types are in `without`. `params` are None where it does not count them.
    `silent` counts the layers that it passes over.
    """

    convention: Convention
    total: int | None
    params: int | None
    items: tuple[Item, ...]
    without: tuple[str, ...]
    silent: int


class Reconciliation(NamedTuple):
    """A network's total under every convention, for one sample.

    `macs` and the totals are of the layers whose cost is known; None where it is of none.
    """

    graph: Graph
    macs: int | None
    bridges: tuple[Bridge, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """The names of the layers of unknown cost, which the totals lack."""
        return tuple(node.name for node in self.graph.nodes if node.placed.operations is None)

    def __repr__(self) -> str:
        name, number = visible(self.graph.name), counted(len(self.bridges), "convention")
        macs = f"{grouped(self.macs)} MACs{lacking(len(self.unknown))}"
        return f"Reconciliation({name!r}, {macs}, {number})"


def reconcile(graph: Graph, look: Callable[[], None] = lambda: None) -> Reconciliation:
    """Every convention's total for a graph, and the bridge from its MACs to each.

    An older version of a tool is there where it counts this graph in another way than the newest.

    `look` is called before every layer, and ends it by raising what it likes.
    """
    macs = known_macs(node.placed for node in graph.nodes)
    bridges: list[Bridge] = []
    for name in conventions.names():
        newest = _counted(graph, conventions.find(name), look)
        older = (_counted(graph, each, look) for each in newest.convention.older)
        others = [each for each in older if each[1:] != newest[1:]]
        bridges += (_with_items(each, graph, macs, look) for each in (newest, *others))
    return Reconciliation(graph, macs, tuple(bridges))


#: What an item is, and its formula.
_What = tuple[str, str]


def _counted(graph: Graph, convention: Convention, look: Callable[[], None]) -> Bridge:
    """What a convention counts, without the items that lead there."""
    counts = []
    for count in convention.counts(graph):
        look()
        counts.append(count)
    silent = sum(count.silent for count in counts)
    known = [node.placed.operations is not None for node in graph.nodes]
    without = [
        node.type
        for node, count, is_known in zip(graph.nodes, counts, known)
        if count.flops is None and (is_known or not any(known))
    ]
    total = None if without else sum(count.flops or 0 for count in counts)
    params = summed(convention.params(graph))
    return Bridge(convention, total, params, (), tuple(dict.fromkeys(without)), silent)


def _with_items(bridge: Bridge, graph: Graph, macs: int | None, look: Callable[[], None]) -> Bridge:
    """The same with its items, where it has a total; `macs` are those of the graph."""
    if bridge.total is None or macs is None:
        return bridge
    convention = bridge.convention
    amounts: dict[_What, list[int]] = {}
    known: dict[Any, list[tuple[_What, int]]] = {}
    for node, place in zip(graph.nodes, convention.places(graph)):
        if node.placed.operations is None:
            continue
        key = (id(node.placed), node.functional, place)
        if key not in known:
            look()
            known[key] = _steps(node, convention, place)
        for step, amount in known[key]:
            amounts.setdefault(step, []).append(amount)
    items = [Item(*step, sum(found), len(found)) for step, found in amounts.items()]
    carried = bridge.total - macs
    carried -= sum(item.amount for item in items)
    if carried and convention.in_single:
        items.append(Item("sums in 32-bit floats", "rounding", carried, len(graph.nodes)))
    elif carried:
        items.append(Item("fractions of upsamplings that make whole ones", "1", carried, carried))
    return bridge._replace(items=tuple(sorted(items, key=lambda item: -abs(item.amount))))


class _Named(Quantities):
    """Quantities that answer with their names: a rule makes this layer's formula of them."""

    def __getitem__(self, name: str) -> Any:
        if name == "channels" or (name in AMOUNTS and name not in ("macs", "bias")):
            return Symbol(name)
        return super().__getitem__(name)

    @cached_property
    def operations(self) -> Operations:
        """A symbol for each kind of operation that there is."""
        counts = zip(Operations._fields, super().operations)
        return Operations(*(Symbol(name) if count else 0 for name, count in counts))  # type: ignore[arg-type]

    @property
    def primitives(self) -> dict[str, int]:
        return self.operations.primitives()

    def own(self, name: str, function: Callable[[Quantities], int]) -> Any:
        return Symbol(name) if function(self.numbers) else 0


#: What the terms of a formula are on a layer that has MACs, beside the MACs themselves.
_TERMS: Mapping[tuple[str, int], str] = {
    ("macs", 1): "a second operation for each MAC",
    ("bias", 1): "biases",
    ("sums", -1): "sums of n products have n − 1 additions",
    ("offset_macs", 1): "MACs of the convolution that makes a deformable one's offsets, once more",
}


def _steps(node: Node, convention: Convention, place: Place) -> list[tuple[_What, int]]:
    """What a layer's operations are beside its MACs, each with its amount; nothing of amount 0."""
    quantities = Quantities(node, place=place)
    rule = convention.rule_at(node, place)
    assert rule is not None
    flops, macs = convention.evaluate(rule, quantities), quantities.macs
    if flops == macs:
        return []
    formula = polynomial_of(convention.evaluate(rule, _Named(node, place=place)))
    as_function = node.functional and convention.functions is not None
    what = f"{node.type}, called as a function" if as_function else node.type
    if not macs:
        return [((what, str(formula)), flops)]
    rest = formula.plus(polynomial_of(Symbol("macs")), -1)
    steps = [_term(term, factor, convention, quantities) for term, factor in rest.terms.items()]
    named = [step for step in steps if step is not None]
    return named if len(named) == len(steps) else [((what, str(rest)), flops - macs)]


def _term(
    term: tuple[Any, ...], factor: int, convention: Convention, quantities: Quantities
) -> tuple[_What, int] | None:
    """One term of the formula of a layer that has MACs, or None: a known name times a number."""
    if len(term) != 1 or term[0][1] != 1 or not isinstance(term[0][0], Symbol):
        return None
    name = term[0][0].name
    text = _TERMS.get((name, factor))
    if name in convention.quantities:
        value = quantities.own(name, convention.quantities[name])
        text = convention.meaning_of(name)
    elif name == "out" and quantities.merged:
        text, value = "biases of batch norms that are folded in", quantities.out
    elif text is not None:
        fields = quantities.operations._asdict()
        value = fields[name] if name in fields else quantities[name]
    else:
        return None
    return (text, str(Polynomial({term: factor}))), factor * value
