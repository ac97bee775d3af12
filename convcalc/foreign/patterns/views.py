"""Reshapes and permutes one after the other, as the fewest layers that do the same.

Each is a new order of the same elements. A tensor's axes are split until every layer moves whole
ones; then the order of these says what all layers do together: a channel shuffle, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from convcalc.arithmetic import product
from convcalc.foreign.patterns.network import Anew, Change, Network, fits
from convcalc.layers.attention import Permute
from convcalc.layers.base import Layer
from convcalc.layers.dense import Flatten, Reshape
from convcalc.layers.joining import ChannelShuffle
from convcalc.layers.resampling import PixelShuffle, PixelUnshuffle
from convcalc.shape import MOST_AXES, Shape, Tensor

#: The types that only show the same elements in another order or shape.
VIEWS = ("reshape", "flatten", "permute", "channel_shuffle", "pixel_shuffle", "pixel_unshuffle")


class Order(NamedTuple):
    """What a view does: the sizes that the elements are split into, and their order after."""

    sizes: tuple[int, ...]
    #: For each place after, which it was before; those that stay side by side are one.
    order: tuple[int, ...]


class View:
    """A tensor whose axes are made of parts of another's, which is split as needed."""

    def __init__(self, shape: Shape) -> None:
        # A part is a list with its size and what it is split into.
        self._source: list[_Part] = [_Part(n) for n in shape]
        self._axes: list[list[_Part]] = [[part] for part in self._source]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return tuple([product([part.size for part in axis]) for axis in self._axes])

    def permute(self, order: Sequence[int]) -> None:
        """Change the order of the axes."""
        self._axes = [self._axes[axis] for axis in order]

    def reshape(self, shape: Sequence[int]) -> bool:
        """Give it other sizes; false where they split no part evenly."""
        waiting = [part for axis in self._axes for part in axis if part.size != 1][::-1]
        axes: list[list[_Part]] = []
        for size in shape:
            axis: list[_Part] = []
            left = size
            while left != 1:
                part = waiting.pop()
                if part.size > left:
                    if part.size % left:
                        return False
                    first, rest = self._split(part, left)
                    waiting.append(rest)
                    part = first
                if left % part.size:
                    return False
                left //= part.size
                axis.append(part)
            axes.append(axis)
        self._axes = axes
        return True

    def _split(self, part: _Part, first: int) -> tuple[_Part, _Part]:
        """Split a part in two; only those in hand are seen anew."""
        a, b = _Part(first), _Part(part.size // first)
        place = next(n for n, each in enumerate(self._source) if each is part)
        self._source[place : place + 1] = [a, b]
        return a, b

    def add(self, layer: Layer, y: Shape) -> bool:
        """What a view of `VIEWS` does, which makes the shape `y`; false where that is not known."""
        shape = self.shape
        if isinstance(layer, Permute):
            self.permute([axis % len(shape) for axis in layer.order])
            return True
        if isinstance(layer, ChannelShuffle):
            groups = layer.groups
            inner = (groups, shape[0] // groups, *shape[1:])
            if not self.reshape(inner):
                return False
            self.permute((1, 0, *range(2, len(inner))))
        elif isinstance(layer, PixelShuffle):
            r = layer.factor
            if not self.reshape((shape[0] // r**2, r, r, *shape[1:])):
                return False
            self.permute((0, 3, 1, 4, 2))
        elif isinstance(layer, PixelUnshuffle):
            r = layer.factor
            if not self.reshape((shape[0], shape[1] // r, r, shape[2] // r, r)):
                return False
            self.permute((0, 2, 4, 1, 3))
        return self.reshape(y)

    def order(self) -> Order:
        """What all that was done to it does together."""
        source = [part for part in self._source if part.size != 1]
        places = {id(part): place for place, part in enumerate(source)}
        order = [places[id(part)] for axis in self._axes for part in axis if part.size != 1]
        runs: list[list[int]] = []
        for place in order:
            if runs and place == runs[-1][-1] + 1:
                runs[-1].append(place)
            else:
                runs.append([place])
        before = sorted(runs)
        sizes = tuple([product([source[place].size for place in run]) for run in before])
        return Order(sizes, tuple([before.index(run) for run in runs]))


class _Part:
    """A part of an axis of what enters; parts are told apart by being themselves."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size


@lru_cache(maxsize=1024)
def order_of(x: Shape, layers: tuple[tuple[Layer, Shape], ...]) -> Order | None:
    """What views do to a tensor, each with what it makes; None where that is not known."""
    view = View(x)
    if not all(view.add(layer, y) for layer, y in layers):
        return None
    return view.order()


def keep_order(network: Network, chain: Sequence[int]) -> bool:
    """Whether views leave the elements in the order that they are in."""
    placed = [network.calls[index].placed for index in chain]
    shown = tuple([(each.layer, each.outputs[0]) for each in placed])
    order = order_of(placed[0].entering, shown)
    return order is not None and len(order.order) <= 1


@lru_cache(maxsize=1024)
def layers_for(x: Shape, y: Shape, order: Order) -> tuple[Layer, ...] | None:
    """The fewest layers that make `y` of `x` by putting its elements into an order.

    None where all have a tensor of too many axes in between.
    """
    if order.order == tuple(range(len(order.order))):
        return () if x == y else (_reshape(x, y),)
    for layer in _named(x, y, order):
        if fits(layer, x) == (y,) and order_of(x, ((layer, y),)) == order:
            return (layer,)
    return min(_ways(x, y, order), key=len, default=None)


def _named(x: Shape, y: Shape, order: Order) -> Iterator[Layer]:
    """Layers that may be what makes `y` of `x`."""
    if x == y and order.order[:2] == (1, 0):
        yield ChannelShuffle(groups=order.sizes[0])
    if len(x) == len(y) == 3:
        factor = y[1] // x[1]
        if factor > 1:
            yield PixelShuffle(factor=factor)
        factor = x[1] // y[1]
        if factor > 1:
            yield PixelUnshuffle(factor=factor)


def _ways(x: Shape, y: Shape, order: Order) -> Iterator[tuple[Layer, ...]]:
    """Ways to put elements into an order by reshapes around one permute."""
    for inner in (x, _split_as(y, order), _split_at(x, order), Shape(*order.sizes)):
        moved = _moves(inner, order)
        if moved is None:
            continue
        permute = Permute(order=moved)
        (made,) = fits(permute, inner)
        yield (
            *(() if x == inner else (_reshape(x, inner),)),
            permute,
            *(() if made == y else (_reshape(made, y),)),
        )


def _moves(inner: Shape, order: Order) -> tuple[int, ...] | None:
    """The permute that puts axes of `inner` into an order; None where they do not fit its parts.

    Axes of one cell go with the one before.
    """
    if len(inner) > MOST_AXES:
        return None
    groups: list[list[int]] = [[] for _ in order.sizes]
    at, left = 0, order.sizes[0]
    for axis, size in enumerate(inner):
        if left == 1 and size != 1:
            at += 1
            left = order.sizes[at]
        if left % size:
            return None
        left //= size
        groups[at].append(axis)
    return tuple([axis for place in order.order for axis in groups[place]])


def _split_as(y: Shape, order: Order) -> Shape:
    """What becomes `y` by a permute alone; `y` itself where nothing does."""
    after = Order(
        tuple([order.sizes[place] for place in order.order]),
        tuple([order.order.index(place) for place in range(len(order.order))]),
    )
    back = _moves(y, after)
    return y if back is None else Shape(*[y[axis] for axis in back])


def _split_at(x: Shape, order: Order) -> Shape:
    """The sizes of an order with the axes of `x` kept apart, as people write it."""
    ends = {product(sizes[: n + 1]) for sizes in (x, order.sizes) for n in range(len(sizes))}
    found, before = [], 1
    for end in sorted(ends - {1}):
        found.append(end // before)
        before = end
    return Shape(*found)


def _reshape(x: Shape, y: Shape) -> Layer:
    for start in range(len(x)):
        if y == (*x[:start], product(x[start:])):
            return Flatten(start_axis=start)
    return Reshape(shape=tuple(y))


def twins(network: Network) -> Iterator[Change]:
    """Views that are made of a tensor before, as the first of them."""
    first: dict[tuple[Tensor, Layer], int] = {}
    for index, call in enumerate(network.calls):
        if call.placed.type in VIEWS:
            twin = first.setdefault((call.inputs[0], call.placed.layer), index)
            if twin != index and not network.leaves[index]:
                yield Change(index, frozenset([index]), _instead(network.out(twin)))


def _instead(tensor: Tensor) -> Callable[[Anew], tuple[Tensor, ...]]:
    return lambda anew: (anew[tensor],)


def views(network: Network) -> Iterator[Change]:
    """Views one after the other, as fewer."""
    taken: set[int] = set()
    for last in range(len(network.calls) - 1, -1, -1):
        if last not in taken and network.calls[last].placed.type in VIEWS:
            chain = chain_to(network, last)
            taken.update(chain)
            change = _change(network, chain)
            if change is not None:
                yield change


def chain_to(network: Network, last: int) -> list[int]:
    """The views that end with a call and are read by one another alone, in order."""
    chain = [last]
    while True:
        (tensor,) = network.calls[chain[-1]].inputs
        if network.type_of(tensor) not in VIEWS or network.reader(tensor.node) is None:
            return chain[::-1]
        chain.append(tensor.node)


def _change(network: Network, chain: Sequence[int]) -> Change | None:
    (x,) = network.calls[chain[0]].inputs
    placed = [network.calls[index].placed for index in chain]
    order = order_of(x.shape, tuple([(each.layer, each.outputs[0]) for each in placed]))
    if order is None:
        return None
    layers = layers_for(x.shape, placed[-1].outputs[0], order)
    if layers is None or len(layers) >= len(chain):
        return None
    if not layers and network.leaves[chain[-1]] and network.leaves_already(x):
        return None

    def make(anew: Anew) -> tuple[Tensor, ...]:
        made = anew[x]
        for layer in layers:
            (made,) = anew.add(layer, made, name=layer.type)
        return (made,)

    return Change(chain[-1], frozenset(chain), make)
