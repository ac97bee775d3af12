"""Which cells of a tensor a cell of a later one sees, along one axis.

Everything that a layer reads is one rule (`Reach`): a convolution, a pool, a transposed
convolution, an upsampling, a shift. Rules follow one another (`Span.through`), so that what is seen
of a tensor many layers back is found by going forward once.

The bound is an interval, in exact fractions. It is that of Araujo, Norris and Sim, "Computing
receptive fields of convolutional neural networks" (Distill, 2019), carried over to fractions: a
transposed convolution or an upsampling divides the step of a cell. The exact sets are kept beside
it, a set for each cell of a period, as the bits of an integer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from math import ceil, floor, gcd, lcm
from typing import NamedTuple

from convcalc.shape import MOST_AXES
from convcalc.window import Window

#: A whole number, or a fraction where it is none.
Number = int | Fraction


class Reach(NamedTuple):
    """How a cell of an output sees an axis of its input.

    Cell y sees each cell x for which up·x = stride·y − before + dilation·j, with a j from 0 up to
    but not including `kernel`. A convolution has `up` 1; a transposed one has its stride there,
    since it is its output that the kernels slide along.
    """

    kernel: int = 1
    stride: int = 1
    before: int = 0
    dilation: int = 1
    up: int = 1

    def cells(self, y: int) -> Iterator[int]:
        """The cells that cell y sees."""
        start = self.stride * y - self.before
        if self.up == 1:
            yield from range(start, start + self.dilation * self.kernel, self.dilation)
            return
        for j in range(self.kernel):
            x, rest = divmod(start + self.dilation * j, self.up)
            if not rest:
                yield x


def reach_of(window: Window) -> Reach:
    """What a cell sees through a window that slides along the input."""
    return Reach(window.kernel, window.stride, window.before, window.dilation)


def reach_back(window: Window) -> Reach:
    """What a cell sees where the window slides along the output, as a transposed convolution's.

    Cell y gets a share of the input cell x where y = stride·x − before + dilation·j.
    """
    before = window.dilation * (window.kernel - 1) - window.before
    return Reach(window.kernel, 1, before, window.dilation, window.stride)


def between(stride: int, up: int, low: Fraction, high: Fraction) -> Reach:
    """What a cell sees whose cells x lie strictly between: low < up·x − stride·y < high."""
    first, last = floor(low) + 1, ceil(high) - 1
    return Reach(last - first + 1, stride, -first, 1, up)


def nearest(ratio: Fraction, *, is_exact: bool = False) -> Reach:
    """What a cell sees that is a copy of one of `ratio` times fewer: ⌊y/ratio⌋.

    With `is_exact` ⌊(y + ½)/ratio⌋ (PyTorch, `nearest-exact`).
    """
    up, stride = ratio.numerator, ratio.denominator
    high = Fraction(stride, 2) if is_exact else Fraction(0)
    # The last number that is not above `high`, and so many below it as one of them is divisible.
    return Reach(up, stride, up - 1 - floor(high), 1, up)


def interpolated(ratio: Fraction, support: int) -> Reach:
    """What a cell sees that is mixed of those less than `support` from it, at `ratio` times fewer.

    It lies at (y + ½)/ratio − ½ of the input (PyTorch, aten/src/ATen/native/UpSample.h,
    `area_pixel_compute_source_index` without `align_corners`); bilinear has a support of 1, bicubic
    of 2. What lies just so far has no weight.
    """
    up, stride = ratio.numerator, ratio.denominator
    middle = Fraction(stride - up, 2)
    return between(stride, up, middle - support * up, middle + support * up)


def adaptive(size: int, output: int) -> Reach:
    """What a cell sees of an adaptive pool: window a spans ⌊a·n/o⌋ … ⌈(a + 1)·n/o⌉."""
    ratio = Fraction(size, output)
    stride, up = ratio.numerator, ratio.denominator
    return between(stride, up, Fraction(-up), Fraction(stride))


def shifted(cells: int) -> Reach:
    """What a cell sees of an input that begins so many cells further on."""
    return Reach(before=cells)


class Along(NamedTuple):
    """How a cell sees one axis of an input: along which axis of the output, and by which rules.

    Axes are counted from 1, the first behind the channels. The rules follow one another from the
    input to the output; without one, a cell sees the one in its place.
    """

    axis: int
    rules: tuple[Reach, ...] = ()


#: How a cell sees each spatial axis of an input; None: all of it, wherever the cell is.
Sight = tuple[Along | None, ...]


def sight_of(rules: Sequence[Reach | None]) -> Sight:
    """A sight whose axes stay where they are: a rule for each, None for all of it."""
    if all(rule == _SAME for rule in rules):
        return kept(len(rules))
    return tuple(
        None if rule is None else Along(axis, () if rule == _SAME else (rule,))
        for axis, rule in enumerate(rules, start=1)
    )


_SAME = Reach()


#: Each cell sees the one in its place, by the number of spatial axes: whatever says so says it with
#: these very objects.
KEPT: tuple[Sight, ...] = tuple(
    tuple(map(Along, range(1, axes))) for axes in range(1, MOST_AXES + 1)
)


def kept(axes: int) -> Sight:
    """Each cell sees the one in its place."""
    return KEPT[axes]


def whole(axes: int) -> Sight:
    """Each cell sees all."""
    return (None,) * axes


def only_whole(axes: int, those: Collection[int]) -> Sight:
    """Each cell sees the one in its place, and all of some axes, counted from 1."""
    if not any(axis in those for axis in range(1, axes + 1)):
        return kept(axes)
    return sight_of([None if axis in those else _SAME for axis in range(1, axes + 1)])


def in_place(sizes: Sequence[int], others: Sequence[int]) -> Sight:
    """Each cell of axes of size `others` sees the one in its place of axes of `sizes`.

    And all of an axis whose size is another: of one cell, where it is broadcast.
    """
    if sizes == others:
        return kept(len(sizes))
    return sight_of([_SAME if a == b else None for a, b in zip(sizes, others)])


def same_sizes(sizes: Sequence[int], others: Sequence[int]) -> Sight:
    """The axes of a tensor that is read in its order as one of other sizes, channels first.

    An axis stays where as many cells are before it and behind it as before; else all of it is seen.
    """
    if sizes == others:
        return kept(len(sizes) - 1)
    starts = {}
    before = 1
    for axis, size in enumerate(others):
        if axis and size > 1:
            starts[before, size] = axis
        before *= size
    found: list[Along | None] = []
    before = sizes[0]
    for size in sizes[1:]:
        axis_now = starts.get((before, size))
        found.append(None if axis_now is None else Along(axis_now))
        before *= size
    return tuple(found)


#: How many cells, over all the cells of a period, exact sets have at the most.
MOST_CELLS = 65_536


class Cells(NamedTuple):
    """Exactly which cells are seen: a set for each of the cells 0, 1, … of a period.

    A set is its least possible cell, and a bit for each from there on. What cell y sees, cell
    y + `period` sees `step` further on, the period being the number of sets.
    """

    step: int
    sets: tuple[tuple[int, int], ...]

    def through(self, reach: Reach) -> Cells | None:
        """What is seen of it by what sees these cells so; None where that are too many."""
        period = len(self.sets)
        turns = reach.up * period
        count = turns // gcd(reach.stride, turns)
        if count * reach.kernel > MOST_CELLS:
            return None
        found = []
        for y in range(count):
            seen = []
            for x in reach.cells(y):
                turn, phase = divmod(x, period)
                low, bits = self.sets[phase]
                seen.append((low + turn * self.step, bits))
            found.append(_union(seen))
        return _bounded(reach.stride * count // turns * self.step, found)

    def joined(self, other: Cells) -> Cells | None:
        """What either sees, both moving on alike; None where that are too many cells."""
        count = lcm(len(self.sets), len(other.sets))
        if count > MOST_CELLS:
            return None
        step = self.step * (count // len(self.sets))
        return _bounded(step, [_union([self.at(y), other.at(y)]) for y in range(count)])

    def at(self, y: int) -> tuple[int, int]:
        """The set of a cell: the least that may be in it, and a bit for each from there on."""
        turn, phase = divmod(y, len(self.sets))
        low, bits = self.sets[phase]
        return low + turn * self.step, bits

    def listed(self) -> tuple[tuple[int, ...], ...]:
        """The sets as the numbers of their cells."""
        return tuple(
            tuple(low + place for place in range(bits.bit_length()) if bits >> place & 1)
            for low, bits in self.sets
        )


def _union(sets: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """All cells of several sets; None where they lie further apart than there may be cells."""
    known = [(low, bits) for low, bits in sets if bits]
    if not known:
        return 0, 0
    lows = [low for low, _ in known]
    least = min(lows)
    if max(lows) - least > MOST_CELLS:
        return None
    return least, reduce(lambda found, each: found | each[1] << each[0] - least, known, 0)


def _bounded(step: int, sets: Sequence[tuple[int, int] | None]) -> Cells | None:
    """Sets as one; None where one is None, and where they have more cells than there may be."""
    known = [each for each in sets if each is not None]
    if len(known) < len(sets) or sum(bits.bit_length() for _, bits in known) > MOST_CELLS:
        return None
    return Cells(step, tuple(known))


#: What a cell of a tensor sees of that tensor itself.
ITSELF = Cells(1, ((0, 1),))


#: Bounds of more digits are given up: a fraction of them takes long to work with.
_LARGEST = 10**300


class Span(NamedTuple):
    """What a cell sees of one axis of an earlier tensor: cell y, stride·y + low … stride·y + high.

    `axis` is the one of its own tensor that y counts along, from 1. Without a stride there is no
    such bound: it sees along paths that move on at different rates, or the numbers of it would have
    more than 300 digits. `cells` are exactly those that
    it sees; None where they are not worked out.
    """

    axis: int
    stride: Number | None = 1
    low: Number = 0
    high: Number = 0
    cells: Cells | None = None

    def through(self, along: Along) -> Span:
        """What is seen by a cell that sees this one's tensor so."""
        axis, rules = along
        _, stride, low, high, cells = self
        if stride is not None:
            for rule in rules:
                kernel, step, before, dilation, up = rule
                if up != 1:
                    stride = Fraction(stride) / up
                low = low - stride * before
                high = high + stride * (dilation * (kernel - 1) - before)
                stride = stride * step
                cells = None if cells is None else cells.through(rule)
            if not type(stride) is type(low) is type(high) is int:
                stride, low, high = as_whole(stride), as_whole(low), as_whole(high)
                if max(each.denominator for each in (stride, low, high)) > _LARGEST:
                    return Span(axis, None)
            if stride > _LARGEST or low < -_LARGEST or high > _LARGEST:
                return Span(axis, None)
        return Span(axis, stride, low, high, cells)

    def is_centred_as(self, other: Span) -> bool:
        """Whether it moves on as the other does, around the same middle."""
        return self._moves_as(other) and self.low + self.high == other.low + other.high

    def _moves_as(self, other: Span) -> bool:
        """Whether it moves on as the other does."""
        return self.axis == other.axis and self.stride == other.stride and self.stride is not None

    def joined(self, other: Span) -> Span:
        """What either sees of the same axis."""
        if not self._moves_as(other):
            return Span(self.axis, None)
        cells = None
        if self.cells is not None and other.cells is not None:
            cells = self.cells if self.cells == other.cells else self.cells.joined(other.cells)
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Span(self.axis, self.stride, low, high, cells)

    @property
    def size(self) -> Number | None:
        """How many cells the interval has from its first to its last; None without a bound."""
        return None if self.stride is None else as_whole(self.high - self.low + 1)

    @property
    def padding(self) -> Number | None:
        """How far before cell 0 that begins which cell 0 sees; None without a bound."""
        return None if self.stride is None else -self.low

    @property
    def centre(self) -> Number | None:
        """The middle of what cell 0 sees; None without a bound."""
        return None if self.stride is None else as_whole(Fraction(self.low + self.high) / 2)

    @property
    def most(self) -> int | None:
        """How many cells there are in it at the most; None without a bound."""
        return None if self.stride is None else floor(self.high - self.low) + 1

    def phases(self) -> tuple[tuple[int, ...], ...] | None:
        """The exact sets of the cells of a period; None where they are all that the interval has.

        And where they are not worked out.
        """
        if self.stride is None or self.cells is None:
            return None
        for y, (start, bits) in enumerate(self.cells.sets):
            first, last = ceil(self.stride * y + self.low), floor(self.stride * y + self.high)
            count = max(last - first + 1, 0)
            if bits.bit_count() != count or (count and start + _lowest(bits) != first):
                return self.cells.listed()
        return None


def _lowest(bits: int) -> int:
    """The place of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1


def as_whole(number: Number) -> Number:
    """A fraction that is a whole number as that."""
    return number.numerator if number.denominator == 1 else number
