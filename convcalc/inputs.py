"""The sizes of an input as people give them, read in one way at every door.

Channels come first, without a batch. Those of a spec hold, and how many axes it has: what is given
are the sizes of its spatial axes, with the same channels before them or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.diagnostics import fail
from convcalc.shape import MOST_AXES, Shape
from convcalc.words import (
    counted,
    describe,
    did_you_mean,
    listed,
    quoted,
    shortened,
    sizes,
)

#: Sizes of an input: numbers, or as text: `3x192x192`, `192`.
Sizes = Sequence[int] | str | int
#: What is asked of a network's input: its sizes; of several, or of its channels, by name.
Input = Sizes | Mapping[str, Sizes]

#: What stands for the only input; and for the number of its channels.
_ONLY, _CHANNELS = "", "channels"
#: Channels that an image or a signal has, at the most, where they can be told from its sizes; and
#: the least length of a signal.
_FEW, _LONG = 4, 64
#: What is read of a layer's input: its axes, and a batch too many.
_MOST = MOST_AXES + 1


def inputs_of(input: Input) -> dict[str, tuple[int, ...]]:
    """What is asked of the inputs of a network, by name, as numbers.

    Raises ConvcalcError for what are no sizes.
    """
    by_name = input if isinstance(input, Mapping) else {_ONLY: input}
    for name in by_name:
        if not isinstance(name, str):
            raise fail("bad-value", f"the name of an input must be a text, not {describe(name)}")
    return {name: sizes_in(value) for name, value in by_name.items()}


def sizes_in(value: Sizes) -> tuple[int, ...]:
    """Sizes as numbers, one to nine of them. Raises ConvcalcError for what are none."""
    is_text = isinstance(value, (str, int)) and not isinstance(value, bool)
    found = _written(str(value)) if is_text else _whole(value)
    shown = repr(shortened(value)) if isinstance(value, str) else describe(value)
    if found is None:
        help = "write sizes with an x between them: 192, or 3x192x192"
        raise fail("bad-value", f"{shown} is no shape of an input", help)
    if min(found) < 1:
        raise fail("bad-value", f"{shown} has a size below 1", "each size is 1 or more")
    return found


def _written(text: str) -> tuple[int, ...] | None:
    """The sizes of a shape as people write it, `3x224x224`; else None."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) > _MOST or not all(
        part.isascii() and part.isdigit() and len(part) < 19 for part in parts
    ):
        return None
    return tuple(map(int, parts))


def _whole(value: Any) -> tuple[int, ...] | None:
    """Whole numbers, of any kind of integer; else None."""
    try:
        numbers = tuple(size.__index__() for size in value if not isinstance(size, bool))
    except (TypeError, AttributeError):
        return None
    return numbers if 1 <= len(numbers) == len(value) <= _MOST else None


# Of a network


def resized(
    network: str, own: Mapping[str, Shape], wanted: Mapping[str, tuple[int, ...]]
) -> dict[str, Shape]:
    """The inputs of a network, `own` in its spec, with the sizes that are asked for.

    Raises ConvcalcError for a name that none has, and for sizes that its channels and its axes do
    not allow: what looks like another order, or carries a batch, is answered with the right one.
    """
    found = dict(own)
    targets = {_target(network, own, key): key for key in wanted}
    if len(targets) < len(wanted):
        raise fail("bad-value", f"an input of {network} is given twice", "leave one of them out")
    # Channels first: sizes are held against them.
    for target in sorted(targets, key=lambda target: not target.are_channels):
        given, shape = wanted[targets[target]], found[target.name]
        if not target.are_channels:
            lead = "" if len(own) == 1 else f"{target.name}="
            found[target.name] = _read(given, shape, lead)
        elif len(given) == 1:
            found[target.name] = Shape(*given, *shape.spatial)
        else:
            message = f"channels are one number, not {sizes(given)}"
            raise fail("bad-value", message, f"write --input {targets[target]}={given[0]}")
    return found


class _Target(NamedTuple):
    """What a name asks for: an input's sizes, or its channels."""

    name: str
    are_channels: bool


def _target(network: str, own: Mapping[str, Shape], key: str) -> _Target:
    """What a name asks for. Raises ConvcalcError where that is nothing, or of several inputs."""
    name, dot, last = key.rpartition(".")
    if key in own:
        return _Target(key, False)
    if dot and last == _CHANNELS and name in own:
        return _Target(name, True)
    if key in (_ONLY, _CHANNELS) and len(own) == 1:
        (only,) = own
        return _Target(only, key == _CHANNELS)
    if key in (_ONLY, _CHANNELS):
        ends = f".{key}" if key else ""
        given = "one number of channels" if key else "one shape"
        message = f"{network} has {len(own)} inputs, {listed(own)}, and {given} is given"
        ways = " ".join(f"--input {name}{ends}=…" for name in list(own)[:4])
        raise fail("bad-value", message, f"say of which: {ways}")
    help = did_you_mean(key, [*own, _CHANNELS]) or f"it has {listed(own)}"
    raise fail("bad-value", f"{network} has no input {quoted(key)}", help)


def _read(given: tuple[int, ...], own: Shape, lead: str) -> Shape:
    """The shape that sizes stand for where a spec has `own`. Raises ConvcalcError.

    `lead` is what stands before them in an option.
    """
    axes = len(own.spatial)
    if len(given) == 1 and not axes:
        return Shape(*given)  # a flat input's only size
    if len(given) == 1 and (axes < 3 or len(set(own.spatial)) == 1):
        return Shape(own.channels, *given * axes)
    if len(given) == axes + 1 and given[0] == own.channels:
        return Shape(*given)
    for meant in _readings(given, own):
        batch = f" and --batch {given[0]}" if meant.has_batch else ""
        help = f"write --input {lead}{sizes(meant.sizes)}{batch}{meant.otherwise}"
        message = f"{sizes(given)} {meant.what}, and the input of this network is {own}"
        raise fail("bad-value", message, help)
    if len(given) == axes:
        return Shape(own.channels, *given)
    if len(given) == axes + 1 and axes:
        number, *rest = given
        message = f"{sizes(given)} has {counted(number, 'channel')}, and the network's input {own}"
        alone = f"--input {lead}{sizes(rest)} changes the sizes alone"
        both = f"--input {lead.replace('=', '.')}{_CHANNELS}={number} the channels"
        raise fail("bad-value", message, f"{alone}, {both}")
    message = f"{sizes(given)} does not fit the network's input, {own}"
    ways = sizes(own.spatial or own) + (f", or {sizes(own)} with the channels" if axes else "")
    raise fail("bad-value", message, f"write it as --input {lead}{ways}")


class _Reading(NamedTuple):
    """Sizes that others were meant as, and what those look like."""

    sizes: tuple[int, ...]
    what: str
    has_batch: bool = False
    otherwise: str = ""


def _readings(given: tuple[int, ...], own: Shape) -> Iterator[_Reading]:
    """What sizes may have been meant as that have another order, or a batch."""
    axes, channels = len(own.spatial), own.channels
    if not axes:
        if len(given) == 2:
            yield _Reading(given[1:], "carries a batch", True)
    elif len(given) == axes + 2 and given[1] == channels:
        yield _Reading(given[1:], "carries a batch", True)
    elif len(given) == axes + 2 and given[-1] == channels:
        meant = (channels, *given[1:-1])
        yield _Reading(meant, "carries a batch, and its channels are last", True)
    elif len(given) == axes + 1 and given[-1] == channels:
        yield _Reading((channels, *given[:-1]), "has its channels last")
    elif len(given) == axes == 2 and given[0] == channels <= _FEW and given[1] >= _LONG:
        otherwise = f"; for a map {given[0]} high, {sizes((channels, *given))}"
        yield _Reading(given[1:], "may be channels and a size", otherwise=otherwise)


# Of a layer by itself, and of a spec


class Misread(NamedTuple):
    """What a shape looks like that may have been meant as another: the sizes without a batch."""

    looks: str
    sizes: tuple[int, ...]
    #: The batch that it seems to carry.
    batch: int | None = None


def require_plain(given: tuple[int, ...], axes: int) -> None:
    """Refuse a layer's input that looks misread, where nothing says how many axes it has.

    `axes` are those that it would be read with. Raises ConvcalcError, with what may be meant.
    """
    shown = sizes(given)
    if len(given) == axes == 2 and given[0] <= _FEW and given[1] >= _LONG:
        message = f"{shown} may be a map {given[0]} high, or a signal of {given[0]} channels"
        raise fail("bad-value", message, "--dims 1 makes it a signal, --dims 2 a map")
    if len(given) == axes + 1 and (found := _misread(given)):
        batch = "" if found.batch is None else f", and --batch {found.batch}"
        help = f"write --in {sizes(found.sizes)}{batch}; or, with --dims {axes}, as it stands"
        raise fail("bad-value", f"{shown} {found.looks}", help)


def misread(own: Shape) -> Misread | None:
    """What a spec's input looks like that is right, and may be an image in another order.

    A volume of one channel is none: it has as many axes as it says.
    """
    found = _misread(own)
    return found if found is not None and found.sizes[0] <= _FEW else None


def _misread(given: tuple[int, ...]) -> Misread | None:
    """What channels and sizes look like that may have another order, or carry a batch."""
    if len(given) == 3 and _are_last(given):
        looks = "looks as if its channels were last, and they come first"
        return Misread(looks, (given[-1], *given[:-1]))
    if len(given) == 4:
        rest = given[1:]
        if _are_last(rest):
            rest = (rest[-1], *rest[:-1])
        elif given[0] > 1 and not rest[0] <= _FEW < min(rest[1:]):
            return None
        return Misread("looks as if it carried a batch, which is left out", rest, given[0])
    return None


def _are_last(given: tuple[int, ...]) -> bool:
    """Whether the last of three sizes looks like channels."""
    return given[-1] <= _FEW < min(given[:-1])
