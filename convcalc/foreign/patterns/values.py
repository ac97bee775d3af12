"""Arithmetic that is one layer: told by what it makes of a few numbers.

However a GELU or a layer norm is written, its values are the same. So layers between a tensor and
one that is made of it alone are tried on a few numbers, and compared with those that are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from typing import Any, NamedTuple

from convcalc.foreign.patterns.arithmetic import (
    FUNCTIONS,
    GLOBAL,
    Vector,
    are_near,
    computed,
    each,
    gelu_by_tanh,
    is_computed,
    mean,
    reduction,
)
from convcalc.foreign.patterns.network import Anew, Change, Network, fits
from convcalc.layers.activation import (
    ELU,
    Clamp,
    LeakyReLU,
    Log,
    PReLU,
    Softmax,
)
from convcalc.layers.attention import Parameter, Permute, Reduce
from convcalc.layers.base import Layer, Placed, find
from convcalc.layers.dense import Reshape, Scale
from convcalc.layers.joining import Div, IndexSelect, Mul
from convcalc.layers.normalization import GroupNorm, InstanceNorm, LayerNorm, RMSNorm
from convcalc.shape import Shape, Tensor


class Region(NamedTuple):
    """Layers between a tensor and one that is made of it, and of learned tensors, alone."""

    #: What enters it.
    x: Tensor
    #: Its calls, in order; the last makes what leaves it.
    calls: tuple[int, ...]
    #: The calls that have the learned tensors that it uses, each at one place, and the shapes.
    learned: tuple[int, ...]
    shapes: tuple[Shape, ...]
    #: The axes that it reduces; none: it treats every element by itself.
    axes: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """The shape of what enters."""
        return self.x.shape

    @property
    def whole(self) -> tuple[int, ...]:
        """The shape of a learned tensor with an element for each of what is reduced."""
        return tuple([n if axis in self.axes else 1 for axis, n in enumerate(self.shape)])


#: What a value becomes: layers one after the other, or None where the shapes do not fit.
Layers = tuple[Layer, ...] | None


class Value(NamedTuple):
    """Something that layers are known to compute."""

    #: Of the numbers that enter, and the learned ones.
    function: Callable[..., Vector]
    #: The layers that compute it for a region. The last that owns tensors has the learned ones.
    become: Callable[[Region], Layers]
    #: How many learned tensors it has.
    learned: int = 0


# --- Of every element by itself ---------------------------------------------------------------

#: Numbers to tell functions apart: on both sides of every corner that activations have.
_NUMBERS: Vector = (
    -9.1,
    -4.3,
    -3.4,
    -2.6,
    -1.7,
    -1.0,
    -0.3,
    0.2,
    0.7,
    1.9,
    2.8,
    3.6,
    5.2,
    6.7,
    11.3,
)
#: Learned numbers beside them.
_SLOPES: tuple[Vector, ...] = (
    tuple([0.31 + 0.17 * n for n in range(len(_NUMBERS))]),
    tuple([0.83 - 0.11 * n for n in range(len(_NUMBERS))]),
)


def _of_channels(shape: Shape, learned: tuple[int, ...]) -> bool:
    """Whether a learned tensor has a number for each channel, and no others."""
    return learned == (shape[0], *(1,) * (len(shape) - 1))


def _scale(region: Region) -> Layers:
    return (Scale(),) if _of_channels(region.shape, region.shapes[0]) else None


def _prelu(region: Region) -> Layers:
    (learned,) = region.shapes
    if _of_channels(region.shape, learned) or learned.size == 1:
        return (PReLU(num_parameters=learned.size),)
    return None


def _always(layer: str) -> Callable[[Region], Layers]:
    return lambda region: (find(layer)(),)


#: What is known of every element by itself.
ELEMENTWISE: tuple[Value, ...] = (
    *[Value(each(FUNCTIONS[name]), _always(name)) for name in FUNCTIONS if name != "abs"],
    # Where several are one layer: the layer does not keep what they differ in.
    Value(each(gelu_by_tanh), _always("gelu")),
    Value(each(lambda x, a: x * a), _scale, learned=1),
    Value(each(lambda x, a: x if x > 0 else a * x), _prelu, learned=1),
    # An export may have changed the sign of what is learned.
    Value(each(lambda x, a: x if x > 0 else -a * x), _prelu, learned=1),
)


#: What is nearer to 0 or to 1 is no slope that anybody has.
_LEAST_SLOPE = 1e-3


def _with_a_constant(values: Vector) -> Layer | None:
    """A layer whose function has constants, which are found in its values at `_NUMBERS`."""
    first, last, at_minus_one = values[0], values[-1], values[_NUMBERS.index(-1.0)]
    if any(map(math.isnan, values)):
        return None
    families: Sequence[tuple[Layer, Callable[[float], float]]] = (
        (LeakyReLU(), lambda x: x if x > 0 else -at_minus_one * x),
        (ELU(), lambda x: x if x > 0 else at_minus_one * math.expm1(x) / math.expm1(-1)),
    )
    for layer, function in families:
        if _LEAST_SLOPE < -at_minus_one < 1 - _LEAST_SLOPE and are_near(
            values, [*map(function, _NUMBERS)]
        ):
            return layer
    low = None if first == _NUMBERS[0] else first
    high = None if last == _NUMBERS[-1] else last
    if low is not None or high is not None:
        least, most = -math.inf if low is None else low, math.inf if high is None else high
        if least < most and [min(max(x, least), most) for x in _NUMBERS] == [*values]:
            return Clamp(min=low, max=high)
    return None


# --- Along axes -------------------------------------------------------------------------------

#: Numbers along what is reduced: so large that what is added against a division by 0 is nothing.
_LARGE: Vector = (331.0, -274.0, 522.0, -61.0, 187.0, -420.0)
#: And such that no exponential of them is nothing.
_SMALL: Vector = (0.8, -1.7, 2.3, 0.1, -0.6, 1.4)
_LEARNED: tuple[Vector, ...] = (
    (0.7, 1.9, -0.4, 2.2, 1.3, -0.9),
    (0.2, -0.5, 1.6, 0.9, -1.1, 0.4),
)

_plus, _minus, _times, _over = (
    each(lambda a, b: a + b),
    each(lambda a, b: a - b),
    each(lambda a, b: a * b),
    each(lambda a, b: a / b),
)


def _normalised(x: Vector) -> Vector:
    centred = _minus(x, [mean(x)])
    return _over(centred, [math.sqrt(mean([n * n for n in centred]))])


def _by_root_mean_square(x: Vector) -> Vector:
    return _over(x, [math.sqrt(mean([n * n for n in x]))])


def _norm(x: Vector) -> Vector:
    return [math.sqrt(math.fsum(n * n for n in x))]


def _softmax(x: Vector) -> Vector:
    powers = [math.exp(n - max(x)) for n in x]
    return _over(powers, [math.fsum(powers)])


def _along(layer: Layer, region: Region) -> Layers:
    """A layer over the channels, along the one axis that a region reduces."""
    axes, rank = region.axes, len(region.shape)
    if axes == (0,):
        return (layer,)
    if len(axes) != 1:
        return None
    order = (axes[0], *[axis for axis in range(rank) if axis != axes[0]])
    back = tuple([order.index(axis) for axis in range(rank)])
    return (Permute(order=order), layer, Permute(order=back))


def _layer_norm(region: Region) -> Layers:
    affine, rank = bool(region.learned), len(region.shape)
    is_per_channel = all(_of_channels(region.shape, shape) for shape in region.shapes)
    if rank > 1 and region.axes == tuple(range(1, rank)) and is_per_channel:
        return (InstanceNorm(affine=affine),)
    if rank > 2 and region.axes == tuple(range(1, rank)) and affine:
        return _group_norm(region)
    if any(shape != region.whole for shape in region.shapes):
        return None
    if rank > 1 and region.axes == tuple(range(rank)):
        return (LayerNorm(affine=affine, over="all"),)
    return _along(LayerNorm(affine=affine), region)


def _group_norm(region: Region) -> Layers:
    """A group norm of channels that are laid out as groups, and learned tensors like these."""
    groups, each, *rest = region.shape
    if any(shape != (groups, each, *[1] * len(rest)) for shape in region.shapes):
        return None
    layer = GroupNorm(groups=groups)
    return (Reshape(shape=(groups * each, *rest)), layer, Reshape(shape=tuple(region.shape)))


def _scaled_layer_norm(region: Region) -> Layers:
    """A layer norm has a factor and a shift, or none."""
    is_scaled = region.axes == (0,) and region.shapes == (region.whole,)
    return (LayerNorm(affine=False), Scale()) if is_scaled else None


def _rms_norm(region: Region) -> Layers:
    if any(shape != region.whole for shape in region.shapes):
        return None
    return _along(RMSNorm(affine=bool(region.learned)), region)


def _softmax_along(region: Region) -> Layers:
    return (Softmax(axis=region.axes[0]),) if len(region.axes) == 1 else None


def _log_softmax_along(region: Region) -> Layers:
    return (Softmax(axis=region.axes[0]), Log()) if len(region.axes) == 1 else None


def _l2(region: Region) -> Layers:
    return (Reduce(op="l2", axes=region.axes, keep=True),)


#: What is known along axes, of numbers that are large.
ALONG: tuple[Value, ...] = (
    Value(_normalised, _layer_norm),
    Value(lambda x, w, b: _plus(_times(_normalised(x), w), b), _layer_norm, learned=2),
    Value(lambda x, w: _times(_normalised(x), w), _scaled_layer_norm, learned=1),
    Value(_by_root_mean_square, _rms_norm),
    Value(lambda x, w: _times(_by_root_mean_square(x), w), _rms_norm, learned=1),
    Value(_norm, _l2),
    Value(lambda x: _over(x, _norm(x)), lambda region: (*_l2(region), Div())),  # type: ignore[misc]
)
#: What is known along axes, of numbers that are small.
OF_POWERS: tuple[Value, ...] = (
    Value(_softmax, _softmax_along),
    Value(lambda x: [*map(math.log, _softmax(x))], _log_softmax_along),
)


class _Sample(NamedTuple):
    """Numbers that regions are tried on, and the values that are known of them."""

    x: Vector
    learned: tuple[Vector, ...]
    known: tuple[tuple[Value, Vector], ...]

    @classmethod
    def of(cls, x: Vector, learned: tuple[Vector, ...], values: Sequence[Value]) -> _Sample:
        known = [(value, value.function(x, *learned[: value.learned])) for value in values]
        return cls(x, learned, tuple(known))


_BY_ELEMENT = _Sample.of(_NUMBERS, _SLOPES, ELEMENTWISE)
_REDUCING = (_Sample.of(_LARGE, _LEARNED, ALONG), _Sample.of(_SMALL, _LEARNED, OF_POWERS))


# --- Finding them -----------------------------------------------------------------------------

#: Calls of a region, at the most.
_MOST_CALLS = 40
#: Tensors that a region may begin at, for one that it ends at.
_MOST_STARTS = 24
_MOST_LEARNED = 2


def values(network: Network) -> Iterator[Change]:
    """Arithmetic that is a layer, the largest first where several end at one tensor."""
    return _Finder(network).changes()


class _Match(NamedTuple):
    """A region that is known."""

    region: Region
    #: What it becomes.
    layers: tuple[Layer, ...]
    #: The calls whose learned tensors these have, in their order.
    holding: tuple[int, ...]


class _Finder:
    def __init__(self, network: Network) -> None:
        self.network = network
        #: For each call, the nearest tensor that all it makes is made of, learned ones left out.
        self.made_of: list[Tensor | None] = []
        for index in range(len(network.calls)):
            self.made_of.append(self._made_of(index))
        self._known: dict[Any, tuple[Value | Layer, tuple[int, ...]] | None] = {}

    def changes(self) -> Iterator[Change]:
        taken: set[int] = set()
        for last in range(len(self.network.calls) - 1, -1, -1):
            if last in taken or self.made_of[last] is None:
                continue
            best: _Match | None = None
            for region in self._regions(last):
                if not taken.isdisjoint(region.calls):
                    break
                match = self._match(region)
                if match is not None and (best is None or self._is_more(match, best)):
                    best = match
            change = None if best is None else self._change(best)
            if change is not None:
                taken |= change.taken
                yield change

    # --- Regions

    def _entering(self, index: int) -> list[Tensor]:
        """What enters a call, without learned tensors that it alone reads."""
        network = self.network
        return [each for each in network.calls[index].inputs if not self._is_learned(each)]

    def _is_learned(self, tensor: Tensor) -> bool:
        call = self.network.maker(tensor)
        return (
            call is not None
            and isinstance(call.placed.layer, Parameter)
            and self.network.reader(tensor.node) is not None
        )

    def _made_of(self, index: int) -> Tensor | None:
        call = self.network.calls[index]
        if not _is_arithmetic(call.placed.layer, call.placed.inputs):
            return None
        entering = self._entering(index)
        if not entering:
            return None
        first, *others = entering
        ways = [[*self._starts(other)] for other in others]
        for start in self._starts(first):
            if all(start in way for way in ways):
                return start
        return None

    def _starts(self, tensor: Tensor) -> Iterator[Tensor]:
        """A tensor, and those that it is made of alone, the nearest first."""
        for _ in range(_MOST_STARTS):
            yield tensor
            found = self.made_of[tensor.node] if tensor.node >= 0 else None
            if found is None:
                return
            tensor = found

    def _regions(self, last: int) -> Iterator[Region]:
        """The regions that end at a call, the smallest first."""
        start = self.made_of[last]
        assert start is not None
        inner = {last}
        waiting = [last]
        for x in self._starts(start):
            # What the region before began at is inside of this one.
            if x is not start:
                waiting.append(start.node)
                inner.add(start.node)
                start = x
            while waiting:
                for tensor in self._entering(waiting.pop()):
                    if tensor != x and tensor.node not in inner:
                        inner.add(tensor.node)
                        waiting.append(tensor.node)
                if len(inner) > _MOST_CALLS:
                    return
            region = self._region(x, sorted(inner))
            if region is not None:
                yield region

    def _region(self, x: Tensor, calls: Sequence[int]) -> Region | None:
        network = self.network
        if not network.are_closed(calls, calls[-1]):
            return None
        # Two layers that a network has on purpose are two, though one would do.
        if all(network.calls[index].placed.type in FUNCTIONS for index in calls):
            return None
        axes: tuple[int, ...] = ()
        learned: list[int] = []
        for index in calls:
            call = network.calls[index]
            if reduction(call.placed.layer):
                found = _reduced_axes(call.placed.layer, call.placed.entering)
                if axes not in ((), found):
                    return None
                axes = found
            learned += [each.node for each in call.inputs if self._is_learned(each)]
            learned += [index] if isinstance(call.placed.layer, Scale) else []
        if len(learned) > _MOST_LEARNED:
            return None
        shapes = tuple([_learned_shape(network.calls[index].placed) for index in learned])
        return Region(x, tuple(calls), tuple(learned), shapes, axes)

    # --- What they compute

    def _match(self, region: Region) -> _Match | None:
        found = self._value(region)
        if found is None:
            return None
        value, order = found
        layers = (value,) if isinstance(value, Layer) else value.become(region)
        if layers is None:
            return None
        if _made_by(layers, region.shape) != self.network.out(region.calls[-1]).shape:
            return None
        return _Match(region, layers, tuple([region.learned[place] for place in order]))

    def _is_more(self, match: _Match, best: _Match) -> bool:
        """Whether what a larger region has before is a part of what it becomes.

        What makes no difference is none, as a factor before a norm; but a softmax begins with the
        largest, which is subtracted.
        """
        if match.layers != best.layers:
            return True
        before = {*match.region.calls} - {*best.region.calls}
        layers = [self.network.calls[index].placed.layer for index in sorted(before)]
        says = [reduction(layer) or layer.type for layer in layers]
        return isinstance(match.layers[0], Softmax) and says == ["max", "sub"]

    def _change(self, match: _Match) -> Change | None:
        region, layers, holding = match
        before = [self.network.calls[index].placed.layer for index in region.calls]
        if [*layers] == before:
            return None

        def make(anew: Anew) -> tuple[Tensor, ...]:
            first = made = anew[region.x]
            owner = next((each for each in reversed(layers) if each.owns_tensors()), None)
            telling = owner or next(each for each in reversed(layers) if not each.moves)
            for layer in layers:
                joined = (first, made) if layer.fewest_inputs() == 2 else (made,)
                held = holding if layer is owner else ()
                name = "" if layer is telling else layer.type
                (made,) = anew.add(layer, *joined, holding=held, name=name)
            return (made,)

        taken = frozenset((*region.calls, *region.learned))
        return Change(region.calls[-1], taken, make, holding)

    def _value(self, region: Region) -> tuple[Value | Layer, tuple[int, ...]] | None:
        """What a region computes, and in which order the learned tensors are that value's."""
        program = self._program(region)
        if program is None:
            return None
        if program not in self._known:
            self._known[program] = _known(program, region)
        return self._known[program]

    def _program(self, region: Region) -> _Program | None:
        """What a region does, whatever its calls are; None for what cannot be tried."""
        places = {region.x: 0}
        own = {index: place for place, index in enumerate(region.learned, 1)}
        places |= {self.network.out(each): place for each, place in own.items()}
        count = 1 + len(own)
        steps: list[tuple[Layer, tuple[int, ...]]] = []
        for index in region.calls:
            call = self.network.calls[index]
            for shape in call.placed.inputs:
                if not _is_along(shape, region):
                    return None
            layer, inputs = call.placed.layer, [places[each] for each in call.inputs]
            if isinstance(layer, Scale):
                layer, inputs = Mul(), [*inputs, own[index]]
            places[self.network.out(index)] = count + len(steps)
            steps.append((layer, tuple(inputs)))
        is_full = tuple([shape == region.shape for shape in region.shapes])
        spread = tuple([_is_spread(shape, region) for shape in region.shapes])
        return tuple(steps), bool(region.axes), is_full, spread


#: Layers with the places of what enters them, whether they reduce, and how learned tensors lie.
_Program = tuple[
    tuple[tuple[Layer, tuple[int, ...]], ...], bool, tuple[bool, ...], tuple[bool, ...]
]


def _made_by(layers: Sequence[Layer], x: Shape) -> Shape | None:
    """The shape that layers make, one after the other; None where they do not fit."""
    made = x
    for layer in layers:
        found = fits(layer, *((x, made) if layer.fewest_inputs() == 2 else (made,)))
        if not found:
            return None
        made = found[0]
    return made


def _is_arithmetic(layer: Layer, inputs: tuple[Shape, ...]) -> bool:
    if isinstance(layer, IndexSelect):
        return inputs[0][layer.axis] == 1  # the same number, repeated
    if not is_computed(layer):
        return False
    return not isinstance(layer, Reduce) or layer.keep


def _reduced_axes(layer: Layer, x: Shape) -> tuple[int, ...]:
    if layer.type in GLOBAL:
        return tuple(range(1, len(x)))
    assert isinstance(layer, Reduce)
    return tuple(sorted([axis % len(x) for axis in layer.axes]))


def _learned_shape(placed: Placed) -> Shape:
    """The shape that the learned tensor of a call has beside what it is joined with."""
    if isinstance(placed.layer, Scale):
        x = placed.entering
        return Shape(x.channels, *[1] * (len(x) - 1))
    return placed.outputs[0]


def _is_along(shape: Shape, region: Region) -> bool:
    """Whether a tensor has the cells of what enters, or one for all that is reduced."""
    if len(shape) != len(region.shape):
        return False
    return all(own in (n, 1) for own, n in zip(shape, region.shape))


def _is_spread(shape: Shape, region: Region) -> bool:
    """Whether a learned tensor differs along what is reduced."""
    return any(shape[axis] != 1 for axis in region.axes)


def _known(program: _Program, region: Region) -> tuple[Value | Layer, tuple[int, ...]] | None:
    steps, reduces, _, spread = program
    for sample in _REDUCING if reduces else (_BY_ELEMENT,):
        for order in permutations(range(len(region.learned))):
            # The learned tensor at place n of the region is the value's own n-th.
            own = [sample.learned[order.index(place)] for place in range(len(order))]
            if reduces:
                own = [each if wide else each[:1] for each, wide in zip(own, spread)]
            values: list[Vector] = [sample.x, *own]
            for layer, inputs in steps:
                values.append(computed(layer, [values[place] for place in inputs]))
            # What comes after the value is there, and makes no difference, is no part of it.
            if any(are_near(each, values[-1]) for each in values[1 + len(own) : -1]):
                continue
            given = [own[place] for place in order]
            for value, expected in sample.known:
                if value.learned != len(order):
                    continue
                if reduces and not all(spread):
                    expected = value.function(sample.x, *given)
                if are_near(values[-1], expected):
                    return value, order
            if not order and not reduces:
                found = _with_a_constant(values[-1])
                if found is not None:
                    return found, ()
    return None
