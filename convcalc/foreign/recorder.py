"""Takes down the layers of a foreign network, whose tensors have their axes in other orders.

A foreign tensor has a batch, and its channels may be first or last or anywhere: transposes only
change which foreign axis is which of ours, and are no layers. A reader goes through its network
once, with one method of `Recorder` an operation; a layer that needs another order than its tensor
lies in gets a `permute` or a `reshape` in front.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from convcalc.arithmetic import Refusal, product
from convcalc.foreign.traced import Call, Scope, Traced
from convcalc.layers.attention import Buffer, Matmul, Opaque, Parameter, Permute, Reduce
from convcalc.layers.base import Layer, Placed, fields_of
from convcalc.layers.dense import Flatten, Linear, Reshape
from convcalc.layers.joining import Concat, IndexSelect, Slice, Split
from convcalc.layers.pooling import GlobalAvgPool, GlobalMaxPool
from convcalc.shape import MOST_AXES, Shape, Tensor


class NoLayerError(Exception):
    """An operation that no layers say; its message is a reason in a few words.

    `code` is a refusing layer's, as diagnostics have it.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Foreign(NamedTuple):
    """A tensor of the foreign network that hangs on its inputs, and how it lies in ours.

    Each of our axes is one of the foreign ones; what is left there are axes of one cell.
    """

    tensor: Tensor
    #: For each foreign axis, which of ours it is; None: one cell that ours has no axis for.
    axes: tuple[int | None, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes that it has there, batch and all."""
        return tuple(1 if axis is None else self.tensor.shape[axis] for axis in self.axes)

    @property
    def lies(self) -> tuple[int, ...]:
        """For each of our axes, which foreign one it is."""
        return tuple(sorted((f for f, a in enumerate(self.axes) if a is not None), key=self._our))

    def _our(self, axis: int) -> int:
        found = self.axes[axis]
        assert found is not None
        return found


class Learned(NamedTuple):
    """A learned tensor of the foreign network: what tells it from others, and its sizes."""

    key: Hashable
    shape: tuple[int, ...]
    is_trained: bool = True
    #: Whether layers that cannot share it work with it: it is a layer of its own, which they read.
    is_apart: bool = False

    @property
    def name(self) -> str:
        """What a person has called it: the last part of its key; empty where that is a number's."""
        name = str(self.key).rpartition(".")[2]
        return name if name.isidentifier() and not name[-1].isdigit() else ""


class Owned(NamedTuple):
    """A learned tensor as one of a layer's own, whole or a part of it."""

    key: Hashable
    #: Which part; None: all of it.
    part: Hashable
    #: How many elements these are.
    size: int


class Held(NamedTuple):
    """A tensor of the foreign network that no input reaches: learned, or a constant.

    Arithmetic on such tensors alone is no layer: its result is one more of them, which is made of
    the same learned ones.
    """

    shape: tuple[int, ...]
    #: The learned tensors that it is made of; none: a constant.
    made_of: tuple[Learned, ...] = ()
    #: Which part of its one learned tensor it is; None: it is no part.
    part: Hashable = None

    @classmethod
    def of(cls, shape: Iterable[int], *parts: Held) -> Held:
        """What is worked out of others, with these sizes."""
        learned = (each for part in parts for each in part.made_of)
        found = {each.key: each for each in learned if product(each.shape)}
        return cls(tuple(shape), tuple(found.values()))


Value = Foreign | Held

#: What is said of tensors that are used again, but not as their first layer does.
USED_BY_UNLIKE = (
    "learned tensors that unlike layers use, such as a matrix and its transpose, count for each"
)

#: What stands for no change on an axis, of the fields that have a value for each.
_NEUTRAL: Mapping[str, float | tuple[int, int]] = {
    "kernel_size": 1,
    "stride": 1,
    "padding": (0, 0),
    "dilation": 1,
    "output_padding": 0,
    "scale": 1,
}


class Recorder:
    """Makes the calls of a foreign network, one after the other.

    Where `shares`, a learned tensor that is used again is used with the weights of its first use;
    otherwise each use has its own. Every method that makes a layer takes `key`, which is the same
    for layers of the same tensors. Raises NoLayerError for what no layer says.
    """

    def __init__(self, shares: bool = True) -> None:
        self.shares = shares
        self.calls: list[Call] = []
        self.inputs: dict[str, Shape] = {}
        self.notes: list[str] = []
        #: The calls that own tensors, by these and by how they are built with them.
        self._owners: dict[tuple[Hashable, Hashable], int] = {}
        #: Where what is recorded now stands in the foreign code; see `Call`.
        self.scopes: tuple[Scope, ...] = ()
        self.name = ""
        self.functional = False
        self.is_frozen = False

    @contextmanager
    def at(self, scopes: Sequence[Scope], name: str, functional: bool = False) -> Iterator[None]:
        """What is recorded while this is entered stands there."""
        before = self.scopes, self.name, self.functional
        self.scopes, self.name, self.functional = tuple(scopes), name, functional
        try:
            yield
        finally:
            self.scopes, self.name, self.functional = before

    def note(self, text: str) -> None:
        """Say something beside the network, once."""
        if text not in self.notes:
            self.notes.append(text)

    def input(self, name: str, shape: Sequence[int], order: Sequence[int] = ()) -> Foreign:
        """An input of these sizes, its batch of 1 in front.

        `order` is which foreign axes ours are: (3, 1, 2) where channels are last; as they come, but
        the batch, when left out.
        """
        order = tuple(order) or tuple(range(1, len(shape)))
        ours = Shape(*[shape[axis] for axis in order])
        self.inputs[name] = ours
        return Foreign(Tensor(-len(self.inputs), 0, ours), _axes(len(shape), order))

    def traced(self, name: str, source: str, outputs: Iterable[Foreign]) -> Traced:
        """What was recorded."""
        leaving = tuple(dict.fromkeys(each.tensor for each in outputs))
        return Traced(name, source, self.inputs, tuple(self.calls), leaving, tuple(self.notes))

    # --- Layers on our tensors --------------------------------------------------------------------

    def add(self, layer: Layer, *inputs: Tensor, key: Hashable = None) -> tuple[Tensor, ...]:
        """A layer on our tensors; its outputs."""
        try:
            placed = layer.placed(tuple(tensor.shape for tensor in inputs))
        except Refusal as refusal:
            raise NoLayerError(str(refusal), refusal.code) from None
        index = len(self.calls)
        owner = self._owner(key, index, placed)
        placed = placed.holding(borrowing=owner is not None, frozen=self.is_frozen)
        name = self.name or layer.type
        self.calls.append(Call(name, placed, inputs, self.scopes, self.functional, owner))
        return tuple(Tensor(index, part, shape) for part, shape in enumerate(placed.outputs))

    def owned(self) -> Mapping[int, Hashable]:
        """For each call that owns tensors which have a key, this."""
        return {call: key for (key, _), call in self._owners.items()}

    def forget(self, start: int) -> None:
        """Take back the calls from `start` on."""
        del self.calls[start:]
        self._owners = {key: owner for key, owner in self._owners.items() if owner < start}

    def _owner(self, key: Hashable, index: int, placed: Placed) -> int | None:
        """The call whose tensors are used once more; None where the layer has its own."""
        if key is None or not self.shares or not placed.tensors:
            return None
        # A layer that is built otherwise cannot use the same tensors.
        owner = self._owners.setdefault((key, _structure(placed)), index)
        return None if owner == index else owner

    def settled(self, value: Value, order: Sequence[int]) -> Tensor:
        """Our tensor that has exactly these foreign axes, in this order.

        The other foreign axes have one cell. What no input reaches becomes a layer here.
        """
        if isinstance(value, Held):
            return self._hold(value, [value.shape[axis] for axis in order])
        lies, shape, tensor = value.lies, value.shape, value.tensor
        wanted = tuple(order)
        if lies == wanted:
            return tensor
        kept = [axis for axis in lies if axis in wanted or shape[axis] != 1]
        if set(kept) - set(wanted):
            raise NoLayerError(
                f"axes {sorted(set(kept) - set(wanted))} of {list(shape)} are in the way"
            )
        moved = [axis for axis in wanted if axis in lies]
        if [a for a in moved if shape[a] != 1] != [a for a in kept if shape[a] != 1]:
            rest = [axis for axis in lies if axis not in wanted]
            places = tuple(lies.index(axis) for axis in (*moved, *rest))
            (tensor,) = self.add(Permute(order=places), tensor)
        return self._as(tensor, tuple(shape[axis] for axis in wanted))

    def _as(self, tensor: Tensor, sizes: Sequence[int]) -> Tensor:
        """The same elements in another shape."""
        sizes = tuple(sizes)
        if tuple(tensor.shape) == sizes:
            return tensor
        if not 1 <= len(sizes) <= MOST_AXES:
            raise NoLayerError(f"a tensor of {len(sizes)} axes")
        for start in range(len(tensor.shape)):
            if sizes == (*tensor.shape[:start], product(tensor.shape[start:])):
                return self.add(Flatten(start_axis=start), tensor)[0]
        return self.add(Reshape(shape=sizes), tensor)[0]

    def _hold(self, held: Held, sizes: Sequence[int]) -> Tensor:
        """A tensor that no input reaches, as a layer."""
        sizes = tuple(sizes) or (1,)
        if not held.made_of:
            return self.add(Buffer(shape=sizes))[0]
        parts: list[Tensor] = []
        for each in held.made_of:
            are_rows = len(held.made_of) == 1 and each.shape[1:] == sizes[1:]
            is_whole = len(held.made_of) == 1 and product(each.shape) == product(sizes)
            frozen, self.is_frozen = self.is_frozen, self.is_frozen or not each.is_trained
            own = each.shape if are_rows else (product(each.shape),)
            layer = self._parameter(each, sizes if is_whole else own)
            with self.at(self.scopes, each.name, self.functional):
                found = self.add(layer, key=_key_of(each))
            self.is_frozen = frozen
            if is_whole and found[0].shape == sizes[::-1] and len(sizes) == 2 and each.is_apart:
                return self.add(Permute(order=(1, 0)), *found)[0]
            if is_whole:
                return self._as(found[0], sizes)
            if are_rows and found[0].shape[1:] == sizes[1:]:
                return self.add(IndexSelect(axis=0, size=sizes[0]), *found)[0]
            parts.append(self._as(found[0], (product(each.shape),)))
        (tensor,) = self.add(Concat(axis=0), *parts) if len(parts) > 1 else (parts[0],)
        size = product(sizes)
        if tensor.shape.size != size:
            (tensor,) = self.add(IndexSelect(axis=0, size=size), tensor)
        return self._as(tensor, sizes)

    def _parameter(self, learned: Learned, sizes: tuple[int, ...]) -> Parameter:
        """A learned tensor as a layer, in the shape in which it was one first."""
        for (key, _), call in self._owners.items():
            layer = self.calls[call].placed.layer
            if key == _key_of(learned) and isinstance(layer, Parameter):
                return layer
        return Parameter(shape=sizes)

    # --- Operations on foreign tensors ------------------------------------------------------------

    def unary(self, layer: Layer, value: Foreign, key: Hashable = None) -> Foreign:
        """A layer that is done on every element."""
        (tensor,) = self.add(layer, value.tensor, key=key)
        return Foreign(tensor, value.axes)

    def on_channels(
        self, layer: Layer, value: Value, axis: int = 1, key: Hashable = None
    ) -> Foreign:
        """A layer that takes its channels apart from the rest, and makes a tensor of equal axes.

        `axis` is the foreign axis of the channels.
        """
        order = self._channels_first(value, axis)
        tensors = self.add(layer, self.settled(value, order), key=key)
        return Foreign(tensors[0], _axes(len(value.shape), order))

    def windowed(self, layer: Layer, value: Value, key: Hashable = None) -> Foreign:
        """A layer that slides windows over the foreign axes from 2 on; channels are axis 1.

        Where the batch holds more than one, as where windows of a map are in it, it is one more
        axis, along which the windows have one cell.
        """
        rank = len(value.shape)
        order = (1, *range(2, rank))
        if value.shape[0] != 1:
            order = (1, 0, *range(2, rank))
            layer = _with_an_axis(layer, rank - 2, value.shape[0])
        tensors = self.add(layer, self.settled(value, order), key=key)
        return Foreign(tensors[0], _axes(rank, order))

    def linear(self, layer: Linear, value: Value, key: Hashable = None) -> Foreign:
        """A linear layer over the last foreign axis, at every position of the others."""
        last = len(value.shape) - 1
        order = self._channels_first(value, last)
        tensor = self.settled(value, order)
        layer = dataclasses.replace(layer, per_position=len(order) > 1)
        return Foreign(self.add(layer, tensor, key=key)[0], _axes(last + 1, order))

    def softmax(self, layer: type[Layer], value: Foreign, axis: int) -> Foreign:
        """A softmax along a foreign axis; `layer` is its type."""
        value = self.with_axis(value, axis)
        return self.unary(layer(axis=value.axes[axis]), value)

    def join(self, layer: Layer, *values: Value) -> Foreign:
        """An elementwise layer on tensors that broadcast as PyTorch's and ONNX's do."""
        rank = max(len(value.shape) for value in values)
        same = [_with_rank(value, rank) for value in values]
        order = self._common(same)
        (tensor,) = self.add(layer, *[self.settled(value, order) for value in same])
        return Foreign(tensor, _axes(rank, order))

    def concat(self, values: Sequence[Value], axis: int) -> Foreign:
        """Tensors one after the other along a foreign axis."""
        rank = len(values[0].shape)
        axis %= rank
        order = self._common(values, axis)
        tensors = [self.settled(value, order) for value in values]
        if len(tensors) == 1:
            return Foreign(tensors[0], _axes(rank, order))
        (tensor,) = self.add(Concat(axis=order.index(axis)), *tensors)
        return Foreign(tensor, _axes(rank, order))

    def split(self, value: Foreign, axis: int, sizes: Sequence[int]) -> tuple[Foreign, ...]:
        """Parts of these sizes along a foreign axis."""
        if len(sizes) == 1:
            return (value,)
        ours = value.axes[axis]
        assert ours is not None
        layer = (
            Split(sections=len(sizes), axis=ours)
            if len(set(sizes)) == 1
            else Split(sizes=tuple(sizes), axis=ours)
        )
        return tuple(Foreign(each, value.axes) for each in self.add(layer, value.tensor))

    def slice(self, value: Foreign, axis: int, start: int, stop: int, step: int = 1) -> Foreign:
        """The cells of a foreign axis from `start` up to `stop`, both from 0."""
        size = value.shape[axis]
        if (start, stop, step) == (0, size, 1):
            return value
        ours = value.axes[axis]
        assert ours is not None
        layer = Slice(axis=ours, start=start, stop=None if stop == size else stop, step=step)
        return self.unary(layer, value)

    def select(self, value: Foreign, axis: int, index: int) -> Foreign:
        """One cell of a foreign axis, without that axis."""
        return self.squeezed(self.slice(value, axis, index, index + 1), [axis])

    def index(self, value: Value, axis: int, size: int) -> Foreign:
        """`size` cells of a foreign axis, by indices that are not kept."""
        if isinstance(value, Held):
            tensor = self.settled(value, range(len(value.shape)))
            value = Foreign(tensor, tuple(range(len(value.shape))))
        value = self.with_axis(value, axis)
        ours = value.axes[axis]
        assert ours is not None
        same = size == value.shape[axis]
        return self.unary(IndexSelect(axis=ours, size=None if same else size), value)

    def expanded(self, value: Foreign, shape: Sequence[int]) -> Foreign:
        """The same cells repeated along foreign axes of one cell; -1 keeps a size."""
        missing = len(shape) - len(value.shape)
        found = value._replace(axes=(None,) * missing + value.axes)
        for axis, (old, new) in enumerate(zip(found.shape, shape)):
            if new not in (-1, old):
                found = self.index(found, axis, new)
        return found

    def permuted(self, value: Value, order: Sequence[int]) -> Value:
        """The foreign axes in another order, which is no layer."""
        if isinstance(value, Held):
            return value._replace(shape=tuple(value.shape[axis] for axis in order))
        return value._replace(axes=tuple(value.axes[axis] for axis in order))

    def unsqueezed(self, value: Value, axes: Iterable[int]) -> Value:
        """With axes of one cell more, where the result has them."""
        for axis in sorted(axes):
            if isinstance(value, Held):
                value = value._replace(shape=(*value.shape[:axis], 1, *value.shape[axis:]))
            else:
                value = value._replace(axes=(*value.axes[:axis], None, *value.axes[axis:]))
        return value

    def squeezed(self, value: Foreign, axes: Iterable[int]) -> Foreign:
        """Without foreign axes of one cell."""
        gone = set(axes)
        order = [axis for axis in value.lies if axis not in gone]
        if not order:  # a number is a tensor of one cell
            order = list(value.lies[:1])
        tensor = self.settled(value, order)
        axes_now = _axes(len(value.shape), order)
        return Foreign(tensor, tuple(a for f, a in enumerate(axes_now) if f not in gone))

    def reshaped(self, value: Value, shape: Sequence[int]) -> Value:
        """The same elements, in the foreign order, with other foreign sizes."""
        shape = tuple(shape)
        if isinstance(value, Held):
            return value._replace(shape=shape)
        groups = _groups(value.shape, shape)
        # What stays as it is keeps its place in ours where that is the first.
        whole = value.lies
        first = [f for f in whole[:1] if _is_kept(groups, f, value.shape, shape)]
        adjacent = _fit_together(value, groups)
        order = whole if adjacent else (*first, *[f for f in sorted(whole) if f not in first])
        tensor = self.settled(value, order)
        sizes: list[int] = []
        axes: list[int | None] = [None] * len(shape)
        done = set()
        for axis in order:
            old, new = next(group for group in groups if axis in group[0])
            if new in done:
                continue
            done.add(new)
            for each in new:
                if shape[each] != 1 or _stays_open(old, new, value):
                    axes[each] = len(sizes)
                    sizes.append(shape[each])
        if not sizes:
            sizes.append(1)
            axes[-1] = 0
        return Foreign(self._as(tensor, sizes), tuple(axes))

    def reduced(self, op: str, value: Foreign, axes: Iterable[int], keeps: bool) -> Foreign:
        """One number along foreign axes; `op` is as `reduce` has it."""
        gone = sorted({axis % len(value.shape) for axis in axes})
        ours = sorted(a for f in gone if (a := value.axes[f]) is not None)
        rank = len(value.tensor.shape)
        is_global = ours == list(range(1, rank)) and 2 <= rank <= 4
        if not ours:
            made = value
        elif is_global and op in _GLOBAL:
            made = self.unary(_GLOBAL[op](), value)
        elif keeps or len(ours) == rank:
            made = self.unary(Reduce(op=op, axes=tuple(ours), keep=True), value)
        else:
            (tensor,) = self.add(Reduce(op=op, axes=tuple(ours)), value.tensor)
            order = [axis for axis in value.lies if axis not in gone]
            left = _axes(len(value.shape), order)
            return Foreign(tensor, tuple(a for f, a in enumerate(left) if f not in gone))
        return made if keeps else self.squeezed(made, gone)

    def matmul(self, a: Value, b: Value) -> Foreign:
        """The product of the matrices in the last two foreign axes; those before broadcast."""
        rank = max(len(a.shape), len(b.shape))
        if min(len(a.shape), len(b.shape)) < 2:
            raise NoLayerError("a product with a vector")
        a, b = _with_rank(a, rank), _with_rank(b, rank)
        before = [f for f in range(rank - 2) if max(a.shape[f], b.shape[f]) != 1]
        first, second = self._matrix(a, before), self._matrix(b, before)
        layer = Matmul(transpose_a=first[1], transpose_b=second[1])
        (tensor,) = self.add(layer, first[0], second[0])
        return Foreign(tensor, _axes(rank, (*before, rank - 2, rank - 1)))

    def opaque(
        self,
        op: str,
        values: Iterable[Value],
        shape: Sequence[int],
        learned: Iterable[Learned] = (),
    ) -> Foreign:
        """An operation whose cost is not known, by its foreign output's shape."""
        entering = [value.tensor for value in values if isinstance(value, Foreign)]
        sizes = list(shape[1:]) if shape and shape[0] == 1 else list(shape)
        order = range(len(shape) - len(sizes), len(shape))
        if not 1 <= len(sizes) <= MOST_AXES:
            order, sizes = range(len(shape) - 1, len(shape)), [product(shape)]
        owned = tuple(each.shape for each in learned)
        layer = Opaque(op=op, shape=tuple(sizes), tensors=owned)
        (tensor,) = self.add(layer, *entering)
        return Foreign(tensor, _axes(max(len(shape), 1), order))

    # --- Orders -----------------------------------------------------------------------------------

    def _channels_first(self, value: Value, axis: int) -> tuple[int, ...]:
        """The order in which a foreign axis is our first, and the others stay as they lie."""
        if isinstance(value, Held):
            return (axis, *[f for f, n in enumerate(value.shape) if f != axis and n != 1])
        return (axis, *[f for f in value.lies if f != axis])

    def with_axis(self, value: Foreign, axis: int) -> Foreign:
        """The same with an axis of ours for a foreign one."""
        if value.axes[axis] is not None:
            return value
        order = [*value.lies, axis]
        return Foreign(self.settled(value, order), _axes(len(value.axes), order))

    def _common(self, values: Sequence[Value], *also: int) -> tuple[int, ...]:
        """The order of the foreign axes that tensors of equal rank have together."""
        placed = [value for value in values if isinstance(value, Foreign)]
        largest = max(placed, key=lambda value: product(value.shape), default=None)
        order = [] if largest is None else [*largest.lies]
        for value in values:
            for axis, size in enumerate(value.shape):
                is_there = isinstance(value, Foreign) and value.axes[axis] is not None
                if axis not in order and (is_there or size != 1 or axis in also):
                    order.append(axis)
        return tuple(order)

    def _matrix(self, value: Value, before: Sequence[int]) -> tuple[Tensor, bool]:
        """Our tensor with the matrix in its last two axes, and whether it lies transposed."""
        row, column = len(value.shape) - 2, len(value.shape) - 1
        straight, turned = (*before, row, column), (*before, column, row)
        if isinstance(value, Foreign):
            lies = [axis for axis in value.lies if axis in turned]
            if lies.index(column) < lies.index(row) if {row, column} <= set(lies) else False:
                return self.settled(value, turned), True
        return self.settled(value, straight), False


_GLOBAL: Mapping[str, type[Layer]] = {"mean": GlobalAvgPool, "max": GlobalMaxPool}


def _axes(rank: int, order: Iterable[int]) -> tuple[int | None, ...]:
    """For each foreign axis, which of ours it is, where ours are in this order."""
    ours = {foreign: our for our, foreign in enumerate(order)}
    return tuple(ours.get(axis) for axis in range(rank))


def _with_rank(value: Value, rank: int) -> Value:
    """The same with foreign axes of one cell in front, up to so many."""
    missing = rank - len(value.shape)
    if isinstance(value, Held):
        return value._replace(shape=(1,) * missing + value.shape)
    return value._replace(axes=(None,) * missing + value.axes)


def _with_an_axis(layer: Layer, spatial: int, size: int) -> Layer:
    """A layer whose windows have one cell along one more axis, of `size`, before the others."""
    changes = {}
    for field in fields_of(type(layer)):
        value = getattr(layer, field.name)
        if not field.kind.per_axis or value is None or isinstance(value, str):
            continue
        if field.name not in _NEUTRAL and field.name not in ("output_size", "size"):
            raise NoLayerError(f"a batch of {size} in {layer.type}")
        values = value if isinstance(value, tuple) else (value,)
        values = values * spatial if len(values) == 1 else values
        changes[field.name] = (_NEUTRAL.get(field.name, size), *values)
    return dataclasses.replace(layer, **changes)  # type: ignore[type-var]


def _key_of(learned: Learned) -> Hashable:
    """The key of a layer that is a learned tensor."""
    return (Owned(learned.key, None, product(learned.shape)),)


def _structure(placed: Placed) -> Hashable:
    """What is the same for layers that can use the same tensors."""
    return placed.layer, placed.tensors


def _groups(
    old: tuple[int, ...], new: tuple[int, ...]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Which axes of one shape become which of another, in the smallest groups of equal sizes."""
    if product(old) != product(new):
        raise NoLayerError(f"{list(old)} as {list(new)}")
    groups = []
    i = j = 0
    while i < len(old) or j < len(new):
        first, other = i, j
        left = right = 1
        if i < len(old):
            left, i = old[i], i + 1
        if j < len(new) and not (left == 1 and new[j] != 1):
            right, j = new[j], j + 1
        while left != right:
            if left < right:
                left, i = left * old[i], i + 1
            else:
                right, j = right * new[j], j + 1
        groups.append((tuple(range(first, i)), tuple(range(other, j))))
    return groups


def _is_kept(
    groups: Sequence[tuple[tuple[int, ...], tuple[int, ...]]],
    axis: int,
    old: tuple[int, ...],
    new: tuple[int, ...],
) -> bool:
    """Whether a foreign axis is one of its own before and after."""
    before, after = next(group for group in groups if axis in group[0])
    return [n for n in map(old.__getitem__, before) if n != 1] == [
        n for n in map(new.__getitem__, after) if n != 1
    ]


def _fit_together(
    value: Foreign, groups: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]
) -> bool:
    """Whether the axes of each group lie side by side in ours, in the foreign order."""
    for before, _ in groups:
        ours = [a for f in before if (a := value.axes[f]) is not None]
        if ours and ours != list(range(ours[0], ours[0] + len(ours))):
            return False
    return True


def _stays_open(old: Sequence[int], new: Sequence[int], value: Foreign) -> bool:
    """Whether an axis of one cell is one of ours, and stays so."""
    return len(new) == 1 and any(value.axes[axis] is not None for axis in old)
