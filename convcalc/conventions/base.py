"""What a convention is: how one tool, or one tradition, counts the operations of a layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import repeat
from typing import Any, NamedTuple

from convcalc.arithmetic import product, value_of
from convcalc.expressions import Bounds, parse
from convcalc.graph import Graph, Node
from convcalc.layers.base import NOTHING, Operations, Weight, fields_of
from convcalc.layers.convolution import Conv, DeformConv
from convcalc.shape import Shape

#: Layer types that most tools treat alike.
CONVOLUTIONS = ("conv", "pointwise_conv", "depthwise_conv", "global_depthwise_conv")
AVERAGING = ("adaptive_avg_pool", "global_avg_pool")
#: Pools that have a function. A `global_avg_pool` that is called as one is `x.mean()`.
FUNCTION_POOLS = (
    "max_pool",
    "avg_pool",
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "global_max_pool",
)
POOLS = (*FUNCTION_POOLS, "global_avg_pool")
NORMS = ("batch_norm", "layer_norm", "group_norm", "instance_norm")
#: Layers that only pass or move what comes.
MOVING = (
    "channel_shuffle",
    "concat",
    "dropout",
    "flatten",
    "identity",
    "pad",
    "pixel_shuffle",
    "reshape",
    "slice",
    "split",
)

#: The formula of what costs nothing.
FREE = "0"
#: The numbers of a spec are bounded already; a cost is a product of several.
_BOUNDS = Bounds(digits=100_000)


class Place(NamedTuple):
    """What a layer's surroundings mean to a tool that counts a graph of its own making.

    `merged`: the layer and a neighbour have become one. `first`: no layer before it has brought the
    same constant.
    """

    merged: bool = False
    first: bool = True


ALONE = Place()


def _alone(graph: Graph) -> Iterable[Place]:
    return repeat(ALONE, len(graph.nodes))


class Count(NamedTuple):
    """What a tool says of a layer: operations and parameters, None where it gives no number.

    `silent`: the tool passes over the layer without a word, which makes its operations 0.
    """

    flops: int | None
    params: int | None
    silent: bool = False


class OpenFigure(Exception):  # noqa: N818 - nothing went wrong
    """A number is asked for where a symbol is open."""


class Convention(NamedTuple):
    """A way to count operations, as data.

    A rule is a formula in the spec's expression language over the names of `Quantities`, the fields
    of the layer, and the convention's own `quantities`, for what no short formula says. A type
    without a rule gets `default`: "0" where the tool passes over what it does not know (the row is
    marked), None where it stops or has no such layer.
    """

    name: str
    tool: str
    version: str
    #: What the tool prints, and what its number is.
    unit: str
    meaning: str
    #: One line of what it counts.
    summary: str
    #: Layer type to formula.
    rules: Mapping[str, str] = {}
    #: The same for layers that the modelled code calls as functions (`functional: true`); others
    #: that it so calls are not seen. None where the tool does not tell functions from modules.
    functions: Mapping[str, str] | None = None
    #: Layer types that count 0 because the tool does not know them, where `default` is None.
    silent: frozenset[str] = frozenset()
    default: str | None = "0"
    #: Layer type to the condition under which the tool gives no number.
    gaps: Mapping[str, str] = {}
    #: How parameters are counted: layer type to formula, `params` without one; None: not at all.
    parameters: Mapping[str, str] | None = {}
    #: Names of the convention's own, each a documented function.
    quantities: Mapping[str, Callable[[Quantities], int]] = {}
    #: The place of every node of a graph, where the tool counts a graph of its own making.
    places: Callable[[Graph], Iterable[Place]] = _alone

    def count_layer(self, node: Node, batch: int = 1, place: Place = ALONE) -> Count:
        """The operations of a node on `batch` samples, and its parameters."""
        quantities = Quantities(node, batch, place)
        rule = self.rule(node.type, node.functional)
        if rule is None or self._has_gap(quantities):
            return Count(None, None)
        known = self.knows(node.type, node.functional) or quantities.operations == NOTHING
        return Count(self.evaluate(rule, quantities), self._params(quantities), not known)

    def counts(self, graph: Graph, batch: int = 1) -> Iterator[Count]:
        """The counts of all nodes of a graph, in their order."""
        known: dict[Any, Count] = {}
        for node, place in zip(graph.nodes, self.places(graph)):
            # Equal layers on equal shapes cost the same; a long network has few different ones.
            key = (node.layer, node.input_shapes, node.functional, place)
            if key not in known:
                known[key] = self.count_layer(node, batch, place)
            yield known[key]

    def rule(self, type: str, functional: bool = False) -> str | None:
        """The formula for a layer type; None where the tool has none and does not count 0."""
        if functional and self.functions is not None:
            return self.functions.get(type, FREE)
        return self.rules.get(type, FREE if type in self.silent else self.default)

    def knows(self, type: str, functional: bool = False) -> bool:
        """Whether the tool has something to say about a layer type, if only that it is free."""
        if functional and self.functions is not None:
            return type in self.functions
        return type in self.rules or self.default not in (None, FREE)

    def evaluate(self, rule: str, quantities: Quantities) -> Any:
        """The value of a rule."""
        expression = parse(rule, _BOUNDS)
        names = {
            name: quantities.own(name, self.quantities[name])
            if name in self.quantities
            else quantities[name]
            for name in expression.names
        }
        return expression.evaluate(names)

    def _has_gap(self, quantities: Quantities) -> bool:
        condition = self.gaps.get(quantities.node.type)
        if condition is None:
            return False
        try:
            return bool(self.evaluate(condition, quantities.numbers))
        except OpenFigure:
            return False

    def _params(self, quantities: Quantities) -> Any:
        if self.parameters is None:
            return None
        return self.evaluate(self.parameters.get(quantities.node.type, "params"), quantities)


class Quantities:
    """What the formulas of conventions speak of, for one layer on `batch` samples.

    Amounts, of the whole batch:

    inp: elements of the first input
    out: elements of the output
    macs: multiply–accumulates
    bias: additions of a bias
    mul, add, cmp, div, exp, log, sqrt, erf: primitive operations, the sums of products included
    rows: positions of the input
    positions: positions of the output
    offset_macs, offset_bias: of the convolution that makes the offsets of a `deform_conv`

    Of the layer itself:

    params: trainable parameters
    buffers: running statistics
    offset_params: parameters of the convolution that makes the offsets of a `deform_conv`
    channels, maps: channels of the input and of the output
    kernel: cells of the window
    strides: the product of the strides
    shrink: the product of ⌊in / out⌋ over the axes
    grouped: whether a convolution is split into groups of more than one channel
    axes: spatial axes
    inputs: how many there are
    batch: samples
    functional: whether the modelled code calls a function
    merged, first: see `Place`
    """

    def __init__(self, node: Node, batch: int = 1, place: Place = ALONE) -> None:
        self.node = node
        self.layer: Any = node.layer
        self.x: Shape = node.inputs[0].shape
        self.y: Shape = node.outputs[0]
        self.batch = batch
        self.place = place

    def __getitem__(self, name: str) -> Any:
        if name in PRIMITIVES:
            return self.operations.primitives().get(name, 0)
        if name in _DIRECT:
            return getattr(self, name)
        for field in fields_of(type(self.layer)):
            if field.name == name:
                return field.kind.show(getattr(self.layer, name))
        raise KeyError(name)

    def own(self, name: str, function: Callable[[Quantities], int]) -> Any:
        """A convention's own quantity; where it is no formula of what is open, its name."""
        try:
            return function(self)
        except OpenFigure:
            from convcalc.symbolic import Symbol

            return Symbol(name)

    @cached_property
    def numbers(self) -> Quantities:
        """The same without symbols. Raises OpenFigure where one is open."""
        node = self.node
        values = {
            field.name: _in_numbers(getattr(node.layer, field.name))
            for field in fields_of(type(node.layer))
        }
        if any(value is not getattr(node.layer, name) for name, value in values.items()):
            node = node._replace(layer=dataclasses.replace(node.layer, **values))  # type: ignore[type-var]
        inputs = tuple(t._replace(shape=Shape(*_in_numbers(t.shape))) for t in node.inputs)
        outputs = tuple(Shape(*_in_numbers(shape)) for shape in node.outputs)
        node = node._replace(inputs=inputs, outputs=outputs)
        return Quantities(node, _in_numbers(self.batch), self.place)

    @property
    def inp(self) -> int:
        return self.x.size * self.batch

    @property
    def out(self) -> int:
        return sum(shape.size for shape in self.node.outputs) * self.batch

    @cached_property
    def operations(self) -> Operations:
        """The primitive operations of the layer."""
        node = self.node
        return node.layer.counts(node.input_shapes, node.outputs).times(self.batch)

    @property
    def macs(self) -> int:
        return self.operations.macs

    @property
    def bias(self) -> int:
        return self.operations.bias

    @property
    def rows(self) -> int:
        return self.x.positions * self.batch

    @property
    def positions(self) -> int:
        return self.y.positions * self.batch

    @property
    def params(self) -> int:
        return _size(w for w in self._weights() if w.trainable)

    @property
    def buffers(self) -> int:
        return _size(w for w in self._weights() if not w.trainable)

    def _weights(self) -> Iterable[Weight]:
        return self.node.layer.tensors(self.node.input_shapes)

    @cached_property
    def _offset(self) -> Conv:
        assert isinstance(self.layer, DeformConv)
        window = ("kernel_size", "stride", "padding", "dilation")
        same = {name: getattr(self.layer, name) for name in window}
        return Conv(out_channels=self.layer.offset_channels(), **same)

    @property
    def offset_macs(self) -> int:
        return self._offset_operations.macs

    @property
    def offset_bias(self) -> int:
        return self._offset_operations.bias

    @cached_property
    def _offset_operations(self) -> Operations:
        outputs = self._offset.output_shape(self.x)
        return self._offset.operations(self.x, outputs).times(self.batch)

    @property
    def offset_params(self) -> int:
        return _size(self._offset.weights(self.x))

    @property
    def channels(self) -> int:
        return self.x.channels

    @property
    def maps(self) -> int:
        return self.y.channels

    @property
    def kernel(self) -> int:
        if self.node.type == "global_depthwise_conv":
            return self.x.positions
        return product(getattr(self.layer, "kernel_size", (1,)))

    @property
    def strides(self) -> int:
        return product(getattr(self.layer, "stride", (1,)))

    @property
    def shrink(self) -> int:
        return product(n // m for n, m in zip(self.x.spatial, self.y.spatial))

    @property
    def grouped(self) -> bool:
        groups, channels = value_of(self.layer.groups), value_of(self.channels)
        return groups not in (1, channels)

    @property
    def axes(self) -> int:
        return len(self.x.spatial)

    @property
    def inputs(self) -> int:
        return len(self.node.inputs)

    @property
    def functional(self) -> bool:
        return self.node.functional

    @property
    def merged(self) -> bool:
        return self.place.merged

    @property
    def first(self) -> bool:
        return self.place.first


#: The names of primitive operations.
PRIMITIVES = ("mul", "add", "cmp", "div", "exp", "log", "sqrt", "erf")
#: The names of quantities that are amounts: what a count is a sum of.
AMOUNTS = frozenset(
    (
        *("inp", "out", "macs", "bias", "rows", "positions", "params", "buffers"),
        *("offset_macs", "offset_bias"),
    )
)
_DIRECT = AMOUNTS | {
    *("offset_params", "channels", "maps", "kernel", "strides", "shrink", "grouped", "axes"),
    *("inputs", "batch", "functional", "merged", "first"),
}


def _size(weights: Iterable[Weight]) -> int:
    return sum((weight.size for weight in weights), start=0)


def _in_numbers(value: Any) -> Any:
    """A value, or a tuple of values, without symbols. Raises OpenFigure where one is open."""
    if isinstance(value, tuple):
        return tuple(map(_in_numbers, value))
    number = value_of(value)
    if number is None and value is not None:
        raise OpenFigure
    return number
