"""The space of a search: its variables, and the values that each may have."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, chain, islice, repeat
from typing import Any, NamedTuple, overload

from convcalc.arithmetic import ceil_div, is_number
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.frozen import frozen
from convcalc.visible import composed
from convcalc.words import counted, describe, did_you_mean, listed, quoted, shortened
from convcalc.written import parts, written


@dataclass(frozen=True)
class Grid(Sequence[float]):
    """`size` decimals, a step apart: the i-th is the float nearest to (first + i·step) / scale.

    `first` and `step` are integers, `scale` a power of ten: 0.3 of 0.1:1:0.1 is 0.3 as written,
    and not what adding floats makes of it.
    """

    first: int
    step: int
    scale: int
    size: int

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Grid: ...
    def __getitem__(self, index: int | slice) -> float | Grid:
        places = range(self.size)[index]
        if isinstance(places, int):
            return (self.first + places * self.step) / self.scale  # which rounds once
        first = self.first + places.start * self.step
        return Grid(first, self.step * places.step, self.scale, len(places))

    def __iter__(self) -> Iterator[float]:
        numbers = range(self.first, self.first + self.size * self.step, self.step)
        return (number / self.scale for number in numbers)


@dataclass(frozen=True)
class Joined(Sequence[Any]):
    """Sequences, one after the other."""

    pieces: tuple[Sequence[Any], ...]

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        places = range(len(self))[index]
        if isinstance(places, int):
            ends = list(accumulate(map(len, self.pieces)))
            at = bisect_right(ends, places)
            return self.pieces[at][places - ends[at]]  # counted from its end
        if places.step != 1:
            return tuple([self[place] for place in places])
        found, start = [], 0
        for piece in self.pieces:
            first, last = (
                min(max(at - start, 0), len(piece)) for at in (places.start, places.stop)
            )
            if first < last:
                found.append(piece[first:last])
            start += len(piece)
        return Joined(tuple(found))

    def __iter__(self) -> Iterator[Any]:
        for piece in self.pieces:
            yield from piece


class Axis(NamedTuple):
    """A variable, or one entry of a variable that is a list (`w[0]`), and its values."""

    name: str
    values: Sequence[Any]


class Space(NamedTuple):
    """Every combination of the values of its axes; the last axis is the fastest."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> int:
        """How many settings there are."""
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def strides(self) -> tuple[int, ...]:
        """By axis, how many settings in a row have the same value of it."""
        sizes = [len(axis.values) for axis in self.axes]
        return tuple(math.prod(sizes[place + 1 :]) for place in range(len(sizes)))

    def point(self, index: int) -> dict[str, Any]:
        """The setting at an index. Raises IndexError where there is none."""
        if not 0 <= index < self.size:
            raise IndexError(f"a space of {self.size:,} settings has none at {index:,}")
        return {
            axis.name: axis.values[index // stride % len(axis.values)]
            for axis, stride in zip(self.axes, self.strides)
        }

    def columns(self, start: int, stop: int) -> dict[str, Sequence[Any]]:
        """The settings from an index up to another, as columns: by axis, a value for each."""
        start, stop, _ = slice(start, stop).indices(self.size)
        return {
            axis.name: _column(axis.values, stride, start, max(start, stop))
            for axis, stride in zip(self.axes, self.strides)
        }


def _column(values: Sequence[Any], stride: int, start: int, stop: int) -> list[Any]:
    """Values, each `stride` times and all of them over and over, from one place up to another."""
    first, last = start // stride, ceil_div(stop, stride)
    offset, count = start % stride, stop - start
    picked = _cycled(values, first % len(values), last - first)
    if stride > count:  # two different ones at the most
        return (picked[:1] * (stride - offset))[:count] + picked[1:] * max(
            0, offset + count - stride
        )
    every = chain.from_iterable(map(repeat, picked, repeat(stride)))
    return list(islice(every, offset, offset + count))


def _cycled(values: Sequence[Any], first: int, count: int) -> list[Any]:
    """So many values from a place on, and again from the first after the last."""
    found = [*values[first : first + count]]
    if len(found) < count:
        found += [*values[:count]] * (count // len(values) + 1)
    return found[:count]


def settings(point: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What a point sets of the variables: entries of a list (`w[0]`) are put into the list."""
    found: dict[str, Any] = {}
    for key, value in point.items():
        name, bracket, place = key.partition("[")
        if not bracket:
            found[name] = value
            continue
        whole = list(found.get(name, defaults[name]))
        whole[int(place.rstrip("]"))] = value
        found[name] = tuple(whole)
    return found


def parse_space(texts: Iterable[str], defaults: Mapping[str, Any]) -> Space:
    """`NAME=VALUES` texts, as `--var` has them, as a space; see `space_of`.

    Raises ConvcalcError.
    """
    return _space(map(_pair, texts), defaults)


def space_of(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> Space:
    """The space of some variables, whose `defaults` say what there is and of which kind.

    By name, or that of an entry (`w[0]`) or of several (`w[0..8]`, an axis each), the values: a
    sequence of them, or a text of values as `--set` reads them and of ranges `first:last:step`,
    which hold both ends: `128,160,192`, `0.25:1.4:0.05`, `32,64:256:64`. Ranges are exact decimals,
    and cost the same however long they are. Raises ConvcalcError.
    """
    if not isinstance(values, Mapping):
        message = f"a space is values by variable, not {describe(values)}"
        raise fail("bad-value", message, 'for example {"alpha": "0.25:1.4:0.05"}')
    return _space(values.items(), defaults)


def _space(pairs: Iterable[tuple[Any, Any]], defaults: Mapping[str, Any]) -> Space:
    axes: dict[str, Axis] = {}
    for key, given in pairs:
        found = _axes(key, given, defaults)
        for axis in found:
            whole = axis.name.partition("[")[0]
            is_entry = whole != axis.name
            if axis.name in axes:
                message = f"the values of {quoted(axis.name)} are given twice"
                raise fail("usage", message, "leave one of them out")
            if whole in axes if is_entry else any(each.startswith(f"{whole}[") for each in axes):
                message = f"{quoted(whole)} is given as a whole, and entries of it too"
                raise fail("usage", message, "leave one of them out")
        axes.update((axis.name, axis) for axis in found)
    return Space(tuple(axes.values()))


def _pair(text: str) -> tuple[str, str]:
    name, equals, values = text.partition("=")
    if not (equals and name.strip() and values.strip()):
        message = f"{shortened(text)!r} gives no values to a variable"
        help = "write NAME=VALUES: alpha=0.5,0.75,1, or NAME=first:last:step: alpha=0.25:1.4:0.05"
        raise fail("bad-value", message, help)
    return name, values


#: One entry of a list, or all from one to another.
_ENTRIES = re.compile(r"(.*?)\s*\[\s*(\d{1,9})\s*(?:\.\.\s*(\d{1,9})\s*)?\]", re.ASCII | re.DOTALL)


def _axes(key: Any, given: Any, defaults: Mapping[str, Any]) -> list[Axis]:
    """The axes that one name stands for."""
    if not isinstance(key, str):
        raise fail("bad-value", f"the name of a variable must be a text, not {describe(key)}")
    if isinstance(given, Iterator):
        given = tuple(given)  # which several entries may have
    key = composed(key.strip())
    entries = _ENTRIES.fullmatch(key)
    name = entries[1] if entries else key.partition("[")[0].strip()
    if name not in defaults:
        help = did_you_mean(name, defaults)
        if not help:
            help = f"the variables are {listed(defaults)}" if defaults else "it has no variables"
        raise fail("unknown-variable", f"there is no variable {quoted(name)}", help)
    default = defaults[name]
    if name == key:
        return [Axis(name, _values(name, given, default))]
    if not isinstance(default, tuple):
        message = f"the variable {quoted(name)} is no list, and has no entries"
        help = f"write {shortened(name)}=…; its value in the spec is {describe(default)}"
        raise fail("bad-value", message, help)
    if not default:
        raise fail("bad-value", f"the variable {quoted(name)} is a list without entries")
    all_of = f"{shortened(name)}[0..{len(default) - 1}]"
    if not entries:
        help = f"write `{shortened(name)}[0]`, or `{all_of}` for all"
        raise fail("bad-value", f"{quoted(key)} is no entry of `{shortened(name)}`", help)
    first = int(entries[2])
    last = int(entries[3] or first)
    if max(first, last) >= len(default):
        message = f"`{shortened(name)}` has no entry {max(first, last)}"
        help = f"it has {counted(len(default), 'entry').replace('entrys', 'entries')}: {all_of}"
        raise fail("bad-value", message, help)
    if first > last:
        help = f"the lower comes first: {shortened(name)}[{last}..{first}]"
        raise fail("bad-value", f"{quoted(key)} holds no entry", help)
    found: list[Axis] = []
    for place in range(first, last + 1):
        axis = f"{name}[{place}]"
        # Entries of one kind have the same values, which are read once.
        is_known = found and type(default[place]) is type(default[place - 1])
        values = found[-1].values if is_known else _values(axis, given, default[place])
        found.append(Axis(axis, values))
    return found


#: Values of one axis, at the most.
_MOST = 10**18


def _values(name: str, given: Any, default: Any) -> Sequence[Any]:
    """The values of an axis, whose value in the spec is `default`."""
    pieces: list[Sequence[Any]]
    if isinstance(given, str):
        pieces = _pieces(name, given, default)
    elif isinstance(given, (range, Grid, Joined)):
        for first in given:
            _value(name, first, default)  # the others are of its kind
            break
        pieces = list(given.pieces) if isinstance(given, Joined) else [given]
    else:
        pieces = [_listed(name, given, default)]
    try:
        count = sum(map(len, pieces))
    except OverflowError:  # what has no length in Python has more
        count = _MOST + 1
    if not count:
        raise fail("bad-value", f"{quoted(name)} is given no values", _example(name))
    if count > _MOST:
        message = f"{quoted(name)} is given more than 10¹⁸ values"
        raise fail("bad-value", message, "take larger steps")
    _require_different(name, pieces)
    return pieces[0] if len(pieces) == 1 else Joined(tuple(pieces))


def _example(name: str) -> str:
    """What values look like."""
    return f"write values, or a range with both ends and a step: {shortened(name)}=32,64:256:64"


def _listed(name: str, given: Any, default: Any) -> tuple[Any, ...]:
    """The values of a sequence from Python, or the one that is no sequence."""
    if hasattr(given, "tolist"):  # numpy's and pandas'
        given = given.tolist()
    if is_number(given) or isinstance(given, bool):
        given = (given,)
    if not isinstance(given, Iterable) or isinstance(given, (bytes, Mapping)):
        message = (
            f"the values of {quoted(name)} must be a sequence or a text, not {describe(given)}"
        )
        raise fail("bad-value", message, "give a list: [0.5, 0.75, 1]")
    return tuple([_value(name, frozen(each), default) for each in given])


def _value(name: str, given: Any, default: Any) -> Any:
    """One value, as `--set` takes it."""
    from convcalc.language.values import setting  # which reads specs: a layer's search needs none

    try:
        return setting(shortened(name), given, default)
    except ConvcalcError:
        if isinstance(default, tuple) and default:
            message = f"the variable {quoted(name)} is a list: its entries have values"
            help = f"{shortened(name)}[0..{len(default) - 1}]=… are those of each, or write lists"
            raise fail("bad-value", message, f"{help} in brackets: [8, 16],[16, 32]") from None
        raise


def _pieces(name: str, text: str, default: Any) -> list[Sequence[Any]]:
    """The values that a text gives, runs of single ones and ranges, in its order."""
    found: list[Sequence[Any]] = []
    for part in map(str.strip, parts(text)):
        if not part:
            message = f"in {shortened(text)!r}, a value of {quoted(name)} is missing"
            raise fail("bad-value", message, "write one between two commas, and none at an end")
        if not isinstance(default, str) and len(parts(part, ":")) > 1:
            _value(name, 1, default)  # it is numbers that a range has
            found.append(range_of(name, part))
            continue
        value = _value(name, written(part), default)
        if found and isinstance(found[-1], tuple):
            found[-1] = (*found[-1], value)
        else:
            found.append((value,))
    return found


#: A number of a range: its sign, digits, those behind the point, and the power of ten.
_DECIMAL = re.compile(
    r"([+-]?)(?=\.?\d)(\d{0,30})(?:\.(\d{0,30}))?(?:[eE]([+-]?\d{1,3}))?", re.ASCII
)


def range_of(name: str, text: str) -> Sequence[Any]:
    """`first:last:step`; the step of integers may be left out, and is 1."""
    numbers = [each.strip() for each in text.split(":")]
    found = [_DECIMAL.fullmatch(each) for each in numbers]
    shown = repr(shortened(text))
    if not 2 <= len(numbers) <= 3 or None in found:
        message = f"{shown} is no range of {quoted(name)}"
        raise fail("bad-value", message, "write first:last:step in decimals: 0.25:1.4:0.05")
    decimals = [
        (int(f"{m[1]}{m[2]}{m[3] or ''}"), int(m[4] or 0) - len(m[3] or "")) for m in found if m
    ]
    is_whole = all(re.fullmatch(r"[+-]?\d+", each) for each in numbers)
    if len(numbers) == 2:
        if not is_whole:
            help = f"write it behind a second colon: {shortened(text)}:0.1"
            raise fail("bad-value", f"the range {shown} of {quoted(name)} has no step", help)
        decimals.append((1, 0))
    places = max(0, *(-power for _, power in decimals))
    scale = 10**places
    first, last, step = (digits * 10 ** (power + places) for digits, power in decimals)
    if step <= 0:
        kind = "a step of 0" if step == 0 else "a negative step"
        help = "the step is above 0, and the first value is the smallest"
        raise fail("bad-value", f"the range {shown} of {quoted(name)} has {kind}", help)
    if first > last:
        help = (
            f"the first value is the smallest: {':'.join([numbers[1], numbers[0], *numbers[2:]])}"
        )
        message = f"the range {shown} of {quoted(name)} is empty: it ends below its first value"
        raise fail("bad-value", message, help)
    count = (last - first) // step + 1
    if is_whole:
        return range(first, last + 1, step)
    grid = Grid(first, step, scale, count)
    try:
        is_distinct = count == 1 or (grid[0] != grid[1] and grid[-1] != grid[-2])
    except OverflowError:
        message = f"the range {shown} of {quoted(name)} has a number that is too large"
        raise fail("bad-value", message, "the largest is near 1.8e308") from None
    if not is_distinct:
        message = f"the step of the range {shown} of {quoted(name)} is lost in its numbers"
        raise fail("bad-value", message, "a number has 15 digits or 16")
    return grid


def _require_different(name: str, pieces: Sequence[Sequence[Any]]) -> None:
    """Refuse a value that is there twice: settings are counted. Raises ConvcalcError."""
    known: set[Any] = set()
    grids: list[Grid] = []
    for piece in pieces:
        grid = _as_grid(piece)
        if grid is None:
            for value in piece:
                if value in known or any(_holds(each, value) for each in grids):
                    raise _twice(name, value)
                known.add(value)
            continue
        for other in grids:
            if (common := _common(grid, other)) is not None:
                raise _twice(name, common)
        for value in known:
            if _holds(grid, value):
                raise _twice(name, value)
        grids.append(grid)


def _twice(name: str, value: Any) -> ConvcalcError:
    message = f"{quoted(name)} is given the value {describe(value)} twice"
    return fail("usage", message, "leave one of them out: each setting is counted once")


def _as_grid(values: Sequence[Any]) -> Grid | None:
    """A range as a grid; None for what is no range."""
    if not isinstance(values, (range, Grid)):
        return None
    values = values if values.step > 0 else values[::-1]
    return Grid(values.start, values.step, 1, len(values)) if isinstance(values, range) else values


def _holds(grid: Grid, value: Any) -> bool:
    """Whether a value is one of a grid's."""
    if not (is_number(value) and math.isfinite(value)):
        return False
    place = round((Fraction(value) * grid.scale - grid.first) / grid.step)
    return any(
        0 <= each < grid.size and grid[each] == value for each in (place - 1, place, place + 1)
    )


def _common(a: Grid, b: Grid) -> float | None:
    """A number that two grids have in common; None where there is none."""
    scale = math.lcm(a.scale, b.scale)
    starts = [each.first * (scale // each.scale) for each in (a, b)]
    steps = [each.step * (scale // each.scale) for each in (a, b)]
    ends = [start + step * (each.size - 1) for start, step, each in zip(starts, steps, (a, b))]
    common = math.gcd(*steps)
    apart = starts[1] - starts[0]
    if apart % common:
        return None
    # starts[0] + i·steps[0] is on the other grid too: i by the inverse of the one step.
    modulus = steps[1] // common
    turns = apart // common * pow(steps[0] // common, -1, modulus) % modulus
    first, every = starts[0] + turns * steps[0], steps[0] * modulus
    first += max(0, ceil_div(max(starts) - first, every)) * every
    return first / scale if first <= min(ends) else None
