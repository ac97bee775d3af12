"""The operators of ATen, PyTorch's tensor library, that layers say, each with what records it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, Held, NoLayerError, Owned, Recorder, Value
from convcalc.layers.base import Layer


class Operation(NamedTuple):
    """One call of an operator, as its handler sees it, beside the operator's arguments."""

    recorder: Recorder
    #: The sizes of each tensor that it makes.
    shapes: tuple[tuple[int, ...], ...]
    #: What an operator does on other layers is called for.
    inner: Callable[[str], Any]
    #: Whether an argument is used here alone.
    is_only_here: Callable[[Value], bool]

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the (first) tensor that it makes."""
        return self.shapes[0]

    @contextmanager
    def owning(self, *tensors: Held | None) -> Iterator[Hashable]:
        """The key of a layer that works with these learned tensors; it is frozen where they are."""
        learned = [each for held in tensors if held is not None for each in held.made_of]
        before = self.recorder.is_frozen
        self.recorder.is_frozen = bool(learned) and not any(each.is_trained for each in learned)
        key = [
            Owned(each.key, held.part, product((each if held.part is None else held).shape))
            for held in tensors
            if held is not None
            for each in held.made_of
        ]
        try:
            yield tuple(key) or None
        finally:
            self.recorder.is_frozen = before


Handler = Callable[..., Any]
_H = TypeVar("_H", bound=Handler)

#: By the operator's name: `conv2d` for `aten::conv2d`, also where it is done in place.
OPERATORS: dict[str, Handler] = {}
#: Those that FlopCounterMode counts, which are layers also where no input reaches them.
PRODUCTS: set[str] = set()
#: Those that pick cells, which are layers also of a learned tensor alone.
PICKS: set[str] = set()


def operator(*names: str, is_product: bool = False, picks: bool = False) -> Callable[[_H], _H]:
    """Have a function record the calls of operators.

    It takes an `Operation` and the operator's arguments, named as in ATen's schema, with tensors as
    values of the recorder, and returns what the operator makes: a value, or a list of them.
    """

    def register(function: _H) -> _H:
        for name in names:
            assert name not in OPERATORS, f"two handlers for {name}"
            OPERATORS[name] = function
        if is_product:
            PRODUCTS.update(names)
        if picks:
            PICKS.update(names)
        return function

    return register


def is_learned(held: Value | None) -> bool:
    """Whether a tensor is made of learned ones that layers can have as their own."""
    is_made = isinstance(held, Held) and bool(held.made_of)
    return is_made and not any(each.is_apart for each in held.made_of)  # type: ignore[union-attr]


def is_own(held: Value | None) -> bool:
    """Whether a tensor can be a layer's own: a learned one, learned ones side by side, or a part.

    Its elements may have been worked over, as standardised weights are.
    """
    if not is_learned(held):
        return False
    assert isinstance(held, Held)
    size = product(held.shape)
    return held.part is not None or size == sum(product(each.shape) for each in held.made_of)


def foreign(op: Operation, value: Value) -> Foreign:
    """A value as a tensor that layers made."""
    return foreign_of(op.recorder, value)


def foreign_of(recorder: Recorder, value: Value) -> Foreign:
    """A value as a tensor that layers made."""
    if isinstance(value, Foreign):
        return value
    order = tuple(range(len(value.shape)))
    return Foreign(recorder.settled(value, order), order)


def axis_of(dim: int, rank: int) -> int:
    """An axis from the front."""
    return dim % rank if rank else 0


def axes_of(dims: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Axes from the front; all of them where none is said."""
    if dims is None or (not isinstance(dims, int) and not dims):
        return tuple(range(rank))
    each = [dims] if isinstance(dims, int) else dims
    return tuple(sorted({axis_of(dim, rank) for dim in each}))


def spread(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """A value for each of `count` axes, of one for all or of all."""
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * count if len(values) == 1 else values


def together(values: Iterable[Any]) -> tuple[Any, ...]:
    """One value for all axes where they are equal."""
    found = tuple(values)
    return found[:1] if len(set(found)) == 1 else found


def added(op: Operation, value: Foreign, held: Value, axis: int) -> Foreign:
    """The sum with a tensor of one axis, along a foreign axis."""
    from convcalc.layers.joining import Add

    behind = (1,) * (len(value.shape) - 1 - axis)
    shape = (*held.shape, *behind)
    return op.recorder.join(Add(), value, op.recorder.reshaped(held, shape))


def multiplied(op: Operation, value: Foreign, held: Value, axis: int) -> Foreign:
    """The product with a tensor of one axis, along a foreign axis."""
    from convcalc.layers.joining import Mul

    behind = (1,) * (len(value.shape) - 1 - axis)
    return op.recorder.join(Mul(), value, op.recorder.reshaped(held, (*held.shape, *behind)))


def refuse_unless(holds: bool, reason: str) -> None:
    """Raises NoLayerError where something does not hold."""
    if not holds:
        raise NoLayerError(reason)


def unary(op: Operation, layer: Layer, value: Foreign) -> Foreign:
    """A layer on every element."""
    return op.recorder.unary(layer, value)
