"""What a convention is: how one tool, or one tradition, counts the operations of a layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property, partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from convcalc import costs
from convcalc.arithmetic import decided, either, equal, known, product, truth
from convcalc.graph import Graph, Node
from convcalc.layers.base import NOTHING, PRIMITIVES, Layer, Operations, Placed, fields_of
from convcalc.shape import Shape

if TYPE_CHECKING:
    from fractions import Fraction

#: The formula of what costs nothing.
FREE = "0"
#: The default of a tool that counts 0 without a word for what it does not know.
SILENT = "silent"


class Place(NamedTuple):
    """What a layer's surroundings mean to a tool.

    `merged`: the layer and a neighbour have become one. `first`: no layer before it has brought the
    same constant. What is not `counted` is a call of a module that the tool has forgotten.
    `attends`: it is a part of a `self_attention`.
    """

    merged: bool = False
    first: bool = True
    counted: bool = True
    attends: bool = False


ALONE = Place()
_ATTENDS = Place(attends=True)

_D = TypeVar("_D")


def _summed_in_single(counts: Iterator[Count]) -> Iterator[Count]:
    """What each count adds to a sum that is kept in 32-bit floats; a formula stays as it is."""
    total = 0
    for count in counts:
        flops = known(count.flops)
        if isinstance(flops, int):
            after = _in_single(total + _in_single(flops))
            count, total = count._replace(flops=after - total), after
        yield count


def _in_single(number: int) -> int:
    """The 32-bit float nearest to a whole number, of two the even one (IEEE 754, 4.3.1)."""
    cut = max(number.bit_length() - 24, 0)
    whole, rest = divmod(number, 1 << cut)
    half = 1 << cut >> 1
    up = rest > half or (rest == half > 0 and whole % 2 == 1)
    return (whole + up) << cut


def last_calls(graph: Graph) -> Iterator[Place]:
    """The places for a tool that, of a module which is called several times, has the last call."""
    modules = [node.weights_of or node.name for node in graph.nodes]
    last = {module: index for index, module in enumerate(modules)}
    for index, module in enumerate(modules):
        yield Place(counted=last[module] == index)


def _alone(graph: Graph) -> Iterable[Place]:
    return repeat(ALONE, len(graph.nodes))


def in_attention(graph: Graph) -> Iterator[Place]:
    """The places of nodes, for a tool that sees an attention otherwise than by its parts."""
    for node in graph.nodes:
        yield _ATTENDS if _attends(node) else ALONE


def _attends(node: Node) -> bool:
    """Whether a node is a part of an attention."""
    return any(group.layer is not None and group.layer.attends for group in node.groups)


class Count(NamedTuple):
    """What a tool says of a layer's operations: None where it gives no number.

    `silent`: the tool passes over the layer without a word, which makes them 0. Of a layer whose
    operations are not known there is no number, whatever the tool.
    """

    flops: int | None
    silent: bool = False


class OpenFigure(Exception):  # noqa: N818 - nothing went wrong
    """A number is asked for where a symbol is open."""


class Convention(NamedTuple):
    """A way to count operations, as data.

    A rule is a formula in the spec's expression language over the names of `Quantities`, the fields
    of the layer, and the convention's own `quantities`, for what no short formula says. It is for a
    layer type, or for those types of a family that have no rule of their own. A type without any
    gets `default`: a formula, `SILENT` where the tool passes over what it does not know (the row is
    marked), None where it stops or has no such layer; what only moves data is free then.
    """

    name: str
    tool: str
    version: str
    #: What the tool prints, and what its number is.
    unit: str
    meaning: str
    #: One line of what it counts.
    summary: str
    #: Layer types and families to formula.
    rules: Mapping[str, str] = {}
    #: The same for layers that the modelled code calls as functions (`functional: true`); others
    #: that it so calls are not seen. None where the tool does not tell functions from modules.
    functions: Mapping[str, str] | None = None
    #: The same for the parts of a `self_attention`, modules or functions, where the tool counts
    #: these otherwise; what comes to 0 it passes over.
    attention: Mapping[str, str] = {}
    #: The layer types that count 0 because the tool does not know them, where `default` is None.
    silent: str = ""
    #: The layer types that only move data and for which the tool has no layer: no number.
    missing: str = ""
    default: str | None = SILENT
    #: Layer type to the condition under which the tool gives no number.
    gaps: Mapping[str, str] = {}
    #: How parameters are counted: layer type to formula, `params` without one; None: not at all.
    #: Those of a layer that uses another's weights count there.
    parameters: Mapping[str, str] | None = {}
    #: Whether only those parameters count that are trained.
    trained_alone: bool = False
    #: Names of the convention's own, each a documented function.
    quantities: Mapping[str, Callable[[Quantities], int]] = {}
    #: The place of every node of a graph, where the tool counts a graph of its own making.
    places: Callable[[Graph], Iterable[Place]] = _alone
    #: How often a published figure is of it, beside 1 for plain MACs; an estimate.
    share: float = 0.01
    #: Words in the source of networks whose figures are of it.
    communities: tuple[str, ...] = ()
    #: Its own words for a unit, in small letters, where others hardly use them.
    spellings: tuple[str, ...] = ()
    #: Whether those who use it publish the figures of classifiers without their last layers.
    is_headless: bool = False
    #: Layer type to what is cut off its count, where the tool cuts its sum: these are summed, and
    #: each whole one is added to the layer that makes it whole.
    fractions: Mapping[str, Callable[[Quantities], Fraction]] = {}
    #: Whether the tool sums in 32-bit floats: what a layer adds to its sum is the layer's count.
    in_single: bool = False
    #: What the tool was in versions that count differently, the newest first.
    older: tuple[Convention, ...] = ()
    #: How an older version differs, in prose; of the newest, its file tells.
    notes: str = ""

    def __repr__(self) -> str:
        return f"Convention({self.name!r}, {self.tool} {self.version})"

    def __hash__(self) -> int:
        return hash((self.name, self.version))  # its tables cannot be hashed

    def was(self, since: str, version: str, summary: str, notes: str, **changes: Any) -> Convention:
        """The convention as an older version of its tool, `NAME@since`, measured in `version`."""
        name = f"{self.name}@{since}"
        return self._replace(name=name, version=version, summary=summary, notes=notes, **changes)

    def is_of(self, version: str) -> bool:
        """Whether a version, or the beginning of one, is this one's."""
        own = (self.name.partition("@")[2], self.version)
        return any(each == version or each.startswith(f"{version}.") for each in own if version)

    def count_layer(self, node: Node, batch: int = 1, place: Place = ALONE) -> Count:
        """The operations of a node on `batch` samples."""
        if node.placed.operations is None:
            return Count(None)
        rule = self.rule_at(node, place)
        quantities = Quantities(node, batch, place)
        if rule is None or self.has_gap(quantities):
            return Count(None)
        flops = self.evaluate(rule, quantities)
        if self._is_part(node, place):
            known = not (isinstance(flops, int) and flops == 0)
        else:
            known = self.knows(type(node.layer), node.functional)
        return Count(flops, not known and quantities.operations != NOTHING)

    def counts(self, graph: Graph, batch: int = 1) -> Iterator[Count]:
        """The counts of all nodes of a graph, in their order."""
        counts = self._of_each(graph, partial(self.count_layer, batch=batch))
        if self.in_single:
            return _summed_in_single(counts)
        return self._carried(graph, batch, counts) if self.fractions else counts

    def _carried(self, graph: Graph, batch: int, counts: Iterator[Count]) -> Iterator[Count]:
        """The counts with what is cut off them, where it sums to whole ones."""
        rest: Fraction | int = 0
        for node, count in zip(graph.nodes, counts):
            if node.type in self.fractions and count.flops is not None:
                rest += self.fractions[node.type](Quantities(node, batch))
                count = count._replace(flops=count.flops + int(rest))
                rest -= int(rest)
            yield count

    def params(self, graph: Graph) -> Iterator[int | None]:
        """The parameters of all nodes of a graph, in their order, as the tool counts them.

        None for a node that it gives no number for, and for each where it does not count them.
        """
        return self._of_each(graph, self._params)

    def _of_each(self, graph: Graph, ask: Callable[..., _D]) -> Iterator[_D]:
        """What is asked of every node and its place."""
        known: dict[Any, _D] = {}
        for node, place in zip(graph.nodes, self.places(graph)):
            # Equal layers on equal shapes cost the same; a long network has few different ones.
            key = (id(node.placed), node.functional, place)
            if key not in known:
                known[key] = ask(node, place=place)
            yield known[key]

    def rule(self, cls: type[Layer], functional: bool = False) -> str | None:
        """The formula for a layer type; None where the tool has none and does not count 0."""
        if functional and self.functions is not None:
            return _entry(self.functions, cls, FREE)
        if cls.type in self.missing.split():
            return None
        silent = self.default == SILENT or cls.type in self.silent.split()
        free = silent or (cls.moves and self.default is None)
        return _entry(self.rules, cls, FREE if free else self.default)

    def rule_at(self, node: Node, place: Place) -> str | None:
        """The formula for a node at its place; None where the tool has none."""
        if not place.counted:
            return FREE
        if self._is_part(node, place):
            return self.attention[node.type]
        return self.rule(type(node.layer), node.functional)

    def _is_part(self, node: Node, place: Place) -> bool:
        """Whether the tool counts a node otherwise because it is a part of an attention."""
        return place.attends and node.type in self.attention

    def loses(self, node: Node) -> bool:
        """Whether a node is of a type that the tool knows, and counts otherwise in an attention."""
        is_part = node.type in self.attention and _attends(node)
        return is_part and self.knows(type(node.layer), node.functional)

    def knows(self, cls: type[Layer], functional: bool = False) -> bool:
        """Whether the tool has something to say about a layer type, if only that it is free."""
        if functional and self.functions is not None:
            return _entry(self.functions, cls, None) is not None
        return _entry(self.rules, cls, None) is not None or self.default not in (None, SILENT)

    def passes_over(self, cls: type[Layer], functional: bool = False) -> bool:
        """Whether the tool, without a word, counts 0 for what layers of a type compute."""
        return not (self.knows(cls, functional) or cls.moves) and self.rule(cls, functional) == FREE

    def gap_of(self, cls: type[Layer]) -> str | None:
        """The condition under which the tool gives no number for a layer type."""
        return _entry(self.gaps, cls, None)

    def has_gap(self, quantities: Quantities) -> bool | None:
        """Whether the tool gives no number for a layer; None where that hangs on what is open."""
        condition = self.gap_of(quantities.cls)
        if condition is None:
            return False
        try:
            return bool(self.evaluate(condition, quantities, in_numbers))
        except OpenFigure:
            return None

    def open_names(self, quantities: Quantities) -> dict[str, str]:
        """The names of its own that stand open in a layer's formula, and what each is."""
        rule = self.rule_at(quantities.node, quantities.place) or FREE
        names = _parsed(rule).names if self.quantities else ()
        own = [name for name in names if name in self.quantities]
        return {
            name: self.meaning_of(name) for name in own if quantities.is_open(self.quantities[name])
        }

    def meaning_of(self, name: str) -> str:
        """What one of its own names is, in a line."""
        return (self.quantities[name].__doc__ or "").split("\n")[0].rstrip(".")

    def parameters_of(self, cls: type[Layer]) -> str | None:
        """The formula for the parameters of a layer type; None where they are not counted."""
        return None if self.parameters is None else _entry(self.parameters, cls, "params")

    def evaluate(
        self, rule: str, quantities: Quantities, of: Callable[[Any], Any] = lambda value: value
    ) -> Any:
        """The value of a rule, whose names stand for what `of` makes of their quantities."""
        if rule in _ALONE:
            return of(quantities[rule])
        expression = _parsed(rule)
        names = {
            name: of(
                quantities.own(name, self.quantities[name])
                if name in self.quantities
                else quantities[name]
            )
            for name in expression.names
        }
        return expression.evaluate(names)

    def _params(self, node: Node, place: Place) -> int | None:
        quantities = Quantities(node, place=place)
        rule = self.parameters_of(quantities.cls)
        counted = self.rule(quantities.cls, node.functional) is not None
        if rule is None or not counted or self.has_gap(quantities):
            return None
        if node.placed.borrowing or (self.trained_alone and node.placed.frozen):
            return 0
        params: int = self.evaluate(rule, quantities)
        return params


@cache
def _parsed(rule: str) -> Any:
    # One layer under `exact` needs no expression, and is explained in half the time of an import.
    from convcalc.expressions import Bounds, parse

    # The numbers of a spec are bounded already; a cost is a product of several.
    return parse(rule, Bounds(digits=100_000))


#: Rules that are one name, which needs no evaluation.
_ALONE = frozenset(("operations", "params", "macs"))


def table(rules: Mapping[str, str]) -> dict[str, str]:
    """A table of rules, its keys taken word by word: `{"relu prelu": "inp"}` is of two types."""
    return {word: rule for words, rule in rules.items() for word in words.split()}


def _entry(rules: Mapping[str, str], cls: type[Layer], default: _D) -> str | _D:
    """What a table says of a layer type: by its name, else by its family."""
    return rules.get(cls.type, rules.get(cls.family, default))


class Quantities:
    """What the formulas of conventions speak of, for one layer on `batch` samples.

    Amounts, of the whole batch:

    inp: elements of the first input
    out: elements of the output
    macs: multiply–accumulates
    bias: additions of a bias
    mul, add, cmp, div, exp, log, sqrt, erf: primitive operations, the sums of products included
    operations: all of these
    rows: positions of the input
    positions: positions of the output
    offset_macs, offset_bias: of the convolution that makes the offsets of a `deform_conv`

    Of the layer itself:

    params: parameters, whether they are its own or another layer's, trained or not
    buffers: running statistics, likewise
    offset_params: parameters of the convolution that makes the offsets of a `deform_conv`
    channels, maps: channels of the input and of the output
    columns: the size of the output's last axis
    kernel: cells of the window
    strides: the product of the strides
    shrink: the product of ⌊in / out⌋ over the axes
    grouped: whether a convolution is split into groups of more than one channel
    axes: spatial axes
    output_size: sizes of the output's spatial axes
    inputs: how many there are
    batch: samples
    functional: whether the modelled code calls a function
    merged, first: see `Place`
    attends: whether it is a part of a `self_attention`
    """

    def __init__(self, node: Node, batch: int = 1, place: Place = ALONE) -> None:
        self.node = node
        self.placed = node.placed
        self.cls = type(node.layer)
        self.layer: Any = node.layer
        self.x: Shape = node.placed.entering
        self.y: Shape = node.outputs[0]
        self.batch = batch
        self.place = place

    def __getitem__(self, name: str) -> Any:
        if name in PRIMITIVES:
            return self.primitives.get(name, 0)
        if name in _READ:
            return _READ[name](self)
        for field in fields_of(type(self.layer)):
            if field.name == name:
                return field.kind.show(getattr(self.layer, name))
        raise KeyError(name)

    def __getattr__(self, name: str) -> int:
        if name not in _READ:
            raise AttributeError(name)
        number: int = _READ[name](self)
        return number

    @property
    def written(self) -> Any:
        """The layer as the spec has it, where one number may stand for every axis."""
        return self.placed.written

    def own(self, name: str, function: Callable[[Quantities], int]) -> Any:
        """A convention's own quantity; where it is no formula of what is open, its name."""
        try:
            return function(self)
        except OpenFigure:
            from convcalc.symbolic import Symbol

            return Symbol(name)

    def is_open(self, function: Callable[[Quantities], int]) -> bool:
        """Whether a convention's own quantity is no formula of what is open."""
        try:
            function(self)
        except OpenFigure:
            return True
        return False

    @cached_property
    def numbers(self) -> Quantities:
        """The same without symbols. Raises OpenFigure where one is open."""
        layer, written = _in_numbers(self.layer), _in_numbers(self.written)
        inputs, outputs = (
            tuple(Shape(*in_numbers(shape)) for shape in shapes)
            for shapes in (self.placed.inputs, self.placed.outputs)
        )
        changes = {"layer": layer, "inputs": inputs, "outputs": outputs, "written": written}
        node = self.node._replace(placed=dataclasses.replace(self.placed, **changes))
        return Quantities(node, in_numbers(self.batch), self.place)

    @cached_property
    def operations(self) -> Operations:
        """The primitive operations of the layer."""
        operations = self.placed.operations or NOTHING
        return operations if self.batch == 1 else operations.times(self.batch)

    @cached_property
    def primitives(self) -> Mapping[str, int]:
        """The arithmetic operations by kind, those of sums of products included."""
        return self.operations.primitives()

    @cached_property
    def offset(self) -> Placed:
        """The convolution that makes the offsets of a `deform_conv`."""
        offset: Placed = self.layer.offset_conv(self.x)
        return offset


def _is_grouped(q: Quantities) -> bool:
    groups, channels = q.layer.groups, q.x.channels
    return truth(either(equal(groups, 1), equal(groups, channels))) is not True


#: How amounts are read, which a count is a sum of.
AMOUNTS: Mapping[str, Callable[[Quantities], Any]] = {
    "inp": lambda q: q.x.size * q.batch,
    "out": lambda q: costs.activations(q.placed) * q.batch,
    "macs": lambda q: q.operations.macs,
    "bias": lambda q: q.operations.bias,
    "rows": lambda q: q.x.positions * q.batch,
    "positions": lambda q: q.y.positions * q.batch,
    "params": lambda q: costs.learned(q.placed.tensors),
    "buffers": lambda q: costs.running(q.placed.tensors),
    "offset_macs": lambda q: (q.offset.operations or NOTHING).macs * q.batch,
    "offset_bias": lambda q: (q.offset.operations or NOTHING).bias * q.batch,
}
#: How every quantity is read that is no primitive operation and no field.
_READ: Mapping[str, Callable[[Quantities], Any]] = {
    **AMOUNTS,
    "operations": lambda q: sum(q.primitives.values()),
    "offset_params": lambda q: costs.params(q.offset),
    "channels": lambda q: q.x.channels,
    "maps": lambda q: q.y.channels,
    "columns": lambda q: q.y[-1],
    "kernel": lambda q: product(window.kernel for window in q.placed.windows),
    "strides": lambda q: product(window.stride for window in q.placed.windows),
    "shrink": lambda q: product(n // m for n, m in zip(q.x.spatial, q.y.spatial)),
    "grouped": _is_grouped,
    "axes": lambda q: len(q.x.spatial),
    "output_size": lambda q: list(q.y.spatial),
    "inputs": lambda q: len(q.placed.inputs),
    "batch": lambda q: q.batch,
    "functional": lambda q: q.node.functional,
    "merged": lambda q: q.place.merged,
    "first": lambda q: q.place.first,
    "attends": lambda q: q.place.attends,
}


def _in_numbers(layer: Any) -> Any:
    """A layer without symbols. Raises OpenFigure where one is open."""
    names = [field.name for field in fields_of(type(layer))]
    values = {name: in_numbers(getattr(layer, name)) for name in names}
    if all(value is getattr(layer, name) for name, value in values.items()):
        return layer
    return dataclasses.replace(layer, **values)


def in_numbers(value: Any) -> Any:
    """A value, or several, without symbols. Raises OpenFigure where one is open."""
    if isinstance(value, (tuple, list)):
        return tuple(map(in_numbers, value))
    number = decided(value)
    if number is None and value is not None:
        raise OpenFigure
    return number
