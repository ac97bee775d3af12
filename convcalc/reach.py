"""Which cells of a tensor a cell of a later one sees, along one axis.

Its numbers are plain: of a trace, what is seen is that of its own settings.

Everything that a layer reads is one rule (`Reach`): a convolution, a pool, a transposed
convolution, an upsampling, a shift. Rules follow one another (`Span.through`), so that what is seen
of a tensor many layers back is found by going forward once.

The bound is an interval, in exact fractions. It is that of Araujo, Norris and Sim, "Computing
receptive fields of convolutional neural networks" (Distill, 2019), carried over to fractions: a
transposed convolution or an upsampling divides the step of a cell. Where it does, the first and the
last cell that each sees are kept beside it (`Ends`), and where they are asked for, the exact sets
(`Cells`), the bits of an integer for each cell of a period.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from functools import reduce
from math import floor, gcd, lcm
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from convcalc.arithmetic import known
from convcalc.shape import MOST_AXES
from convcalc.window import Window

if TYPE_CHECKING:
    from fractions import Fraction

#: A whole number, or a fraction where it is none: few networks have some.
Number: TypeAlias = "int | Fraction"


class Doubt(Enum):
    """Why what is said of a cell is not exactly what it sees."""

    #: At the borders copies of other cells are seen; everywhere else it is exact.
    MIRRORED = "mirrored"
    #: A scale that is no number of float32, by which some cells are another one's copies.
    ROUNDED = "rounded"
    #: Parts lie beside one another on the axis, and a cell sees but one of them.
    BESIDE = "beside"
    #: The exact sets have too many cells.
    MANY = "many"
    #: No bound: paths have met that move on at different rates.
    RATES = "rates"
    #: No bound: the same axis is seen along different ones.
    AXES = "axes"
    #: No bound: its numbers have too many digits.
    DIGITS = "digits"


#: Those by which there is no bound, and so nothing else to doubt.
NO_BOUND = frozenset((Doubt.RATES, Doubt.AXES, Doubt.DIGITS))


class Reach(NamedTuple):
    """How a cell of an output sees an axis of its input.

    Cell y sees each cell x for which up·x = stride·y − before + dilation·j, with a j from 0 up to
    but not including `kernel`. A convolution has `up` 1; a transposed one has its stride there,
    since it is its output that the kernels slide along. With a `doubt` it may see less; only a
    `MIRRORED` one sees other cells, at a border.
    """

    kernel: int = 1
    stride: int = 1
    before: int = 0
    dilation: int = 1
    up: int = 1
    doubt: Doubt | None = None

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
    kernel, stride, before, _, dilation = map(known, window)
    return Reach(kernel, stride, before, dilation)


def reach_back(window: Window) -> Reach:
    """What a cell sees where the window slides along the output, as a transposed convolution's.

    Cell y gets a share of the input cell x where y = stride·x − before + dilation·j.
    """
    kernel, stride, before, _, dilation = map(known, window)
    return Reach(kernel, 1, dilation * (kernel - 1) - before, dilation, stride)


def between(stride: int, up: int, low: int, high: int) -> Reach:
    """What a cell sees whose cells x lie strictly between: low < 2·(up·x − stride·y) < high."""
    first, last = low // 2 + 1, -(-high // 2) - 1
    return Reach(last - first + 1, stride, -first, 1, up)


def nearest(ratio: Number, *, is_exact: bool = False) -> Reach:
    """What a cell sees that is a copy of one of `ratio` times fewer: ⌊y/ratio⌋.

    With `is_exact` ⌊(y + ½)/ratio⌋ (PyTorch, `nearest-exact`).
    """
    ratio = known(ratio)
    up, stride = ratio.numerator, ratio.denominator
    high = stride // 2 if is_exact else 0
    # The last number that is not above `high`, and so many below it as one of them is divisible.
    return Reach(up, stride, up - 1 - high, 1, up)


def interpolated(ratio: Number, support: int) -> Reach:
    """What a cell sees that is mixed of those less than `support` from it, at `ratio` times fewer.

    It lies at (y + ½)/ratio − ½ of the input (PyTorch, aten/src/ATen/native/UpSample.h,
    `area_pixel_compute_source_index` without `align_corners`); bilinear has a support of 1, bicubic
    of 2. What lies just so far has no weight.
    """
    up, stride = ratio.numerator, ratio.denominator
    middle, wide = stride - up, 2 * support * up
    return between(stride, up, middle - wide, middle + wide)


def adaptive(size: int, output: int) -> Reach:
    """What a cell sees of an adaptive pool: window a spans ⌊a·n/o⌋ … ⌈(a + 1)·n/o⌉."""
    size, output = known(size), known(output)
    common = gcd(size, output)
    stride, up = size // common, output // common
    return between(stride, up, -2 * up, 2 * stride)


def shifted(cells: int, doubt: Doubt | None = None) -> Reach:
    """What a cell sees of an input that begins so many cells further on."""
    return Reach(before=known(cells), doubt=doubt)


def widened(reach: Reach, cells: int, doubt: Doubt) -> Reach:
    """What a cell sees that sees up to so many cells more on either side."""
    more = cells * reach.up
    return reach._replace(kernel=reach.kernel + 2 * more, before=reach.before + more, doubt=doubt)


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
    starts = []
    before = 1
    for axis, size in enumerate(others):
        if axis and size > 1:
            starts.append((before, size, axis))
        before *= size
    found: list[Along | None] = []
    before = sizes[0]
    for size in sizes[1:]:
        same = (axis for start, other, axis in starts if start == before and other == size)
        axis_now = next(same, None)
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


class Ends(NamedTuple):
    """The first and the last cell that each of the cells 0, 1, … of a period sees.

    What cell y sees, cell y + `period` sees `step` further on, the period being the number of
    pairs. None stands for a cell that sees nothing.
    """

    step: int
    pairs: tuple[tuple[int, int] | None, ...]

    def through(self, reach: Reach) -> Ends:
        """Those of what sees these cells so; unknown where the period is too long."""
        period = len(self.pairs)
        if not period:
            return self
        turns = reach.up * period
        count = turns // gcd(reach.stride, turns)
        if count * reach.kernel > MOST_CELLS:
            return UNKNOWN_ENDS
        pairs = tuple([_hull([self.at(x) for x in reach.cells(y)]) for y in range(count)])
        return Ends(reach.stride * count // turns * self.step, pairs)

    def joined(self, other: Ends) -> Ends:
        """Those of what either sees, both moving on alike; unknown where the period is too long."""
        if self == other or not self.pairs:
            return self
        count = lcm(len(self.pairs), len(other.pairs))
        if not 0 < count <= MOST_CELLS:
            return UNKNOWN_ENDS
        step = self.step * (count // len(self.pairs))
        return Ends(step, tuple([_hull([self.at(y), other.at(y)]) for y in range(count)]))

    def at(self, y: int) -> tuple[int, int] | None:
        """Those of a cell."""
        turn, phase = divmod(y, len(self.pairs))
        pair = self.pairs[phase]
        return pair and (pair[0] + turn * self.step, pair[1] + turn * self.step)

    @property
    def most(self) -> int:
        """How many cells there are from the first to the last where these are most."""
        return max([pair[1] - pair[0] + 1 for pair in self.pairs if pair], default=0)


#: Where they are not worked out.
UNKNOWN_ENDS = Ends(1, ())


def _hull(pairs: Sequence[tuple[int, int] | None]) -> tuple[int, int] | None:
    """The first and the last of all."""
    known = [pair for pair in pairs if pair]
    return (min(known)[0], max([high for _, high in known])) if known else None


#: Bounds of more digits are given up: a fraction of them takes long to work with.
_LARGEST = 10**300
_NO_DOUBTS: frozenset[Doubt] = frozenset()


class Span(NamedTuple):
    """What a cell sees of one axis of an earlier tensor: cell y, stride·y + low … stride·y + high.

    `axis` is the one of its own tensor that y counts along, from 1. Without a stride there is no
    such bound. `ends` are the first and the last cell that each really sees; None where they are
    those of the interval. `cells` are exactly those that each sees; None where they are not worked
    out. `doubts` say why these, or a bound, are lacking.
    """

    axis: int
    stride: Number | None = 1
    low: Number = 0
    high: Number = 0
    cells: Cells | None = None
    ends: Ends | None = None
    doubts: frozenset[Doubt] = _NO_DOUBTS

    def through(self, along: Along) -> Span:
        """What is seen by a cell that sees this one's tensor so."""
        axis, rules = along
        _, stride, low, high, cells, ends, doubts = self
        if stride is not None:
            for rule in rules:
                kernel, step, before, dilation, up, doubt = rule
                if up != 1 and ends is None:
                    ends = self._of_interval(stride, low, high)
                if ends is not None:
                    ends = ends.through(rule)
                if up != 1:
                    stride = _ratio(stride, up)
                low = low - stride * before
                high = high + stride * (dilation * (kernel - 1) - before)
                stride = stride * step
                if doubt is not None:
                    doubts, cells = doubts | {doubt}, None
                    ends = ends if doubt is Doubt.MIRRORED else UNKNOWN_ENDS
                elif cells is not None:
                    cells = cells.through(rule)
                    doubts = doubts | {Doubt.MANY} if cells is None else doubts
            if not type(stride) is type(low) is type(high) is int:
                stride, low, high = as_whole(stride), as_whole(low), as_whole(high)
                if max(each.denominator for each in (stride, low, high)) > _LARGEST:
                    return Span(axis, None, doubts=frozenset((Doubt.DIGITS,)))
            if stride > _LARGEST or low < -_LARGEST or high > _LARGEST:
                return Span(axis, None, doubts=frozenset((Doubt.DIGITS,)))
        return Span(axis, stride, low, high, cells, ends, doubts)

    @staticmethod
    def _of_interval(stride: Number, low: Number, high: Number) -> Ends:
        """The ends of an interval of whole numbers, which every cell sees both of."""
        return Ends(int(stride), ((int(low), int(high)),))

    def is_aligned_with(self, other: Span) -> bool:
        """Whether it moves on as the other does, around the same middle.

        Where they are along different axes of a tensor there is nothing to compare.
        """
        if self.axis != other.axis or Doubt.AXES in self.doubts | other.doubts:
            return True
        return self._moves_as(other) and self.low + self.high == other.low + other.high

    def _moves_as(self, other: Span) -> bool:
        """Whether it moves on as the other does."""
        return self.axis == other.axis and self.stride == other.stride and self.stride is not None

    def joined(self, other: Span) -> Span:
        """What either sees of the same axis."""
        doubts = self.doubts | other.doubts
        if not self._moves_as(other):
            doubts = doubts & NO_BOUND
            if self.axis != other.axis:
                doubts |= {Doubt.AXES}
            elif self.stride is not None and other.stride is not None:
                doubts |= {Doubt.RATES}
            return Span(self.axis, None, doubts=doubts)
        assert self.stride is not None
        assert other.stride is not None
        cells, ends = None, None
        if self.cells is not None and other.cells is not None:
            cells = self.cells if self.cells == other.cells else self.cells.joined(other.cells)
            doubts = doubts | {Doubt.MANY} if cells is None else doubts
        if self.ends is not None or other.ends is not None:
            one, more = (
                each.ends or self._of_interval(self.stride, each.low, each.high)
                for each in (self, other)
            )
            ends = one.joined(more)
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Span(self.axis, self.stride, low, high, cells, ends, doubts)

    def __repr__(self) -> str:
        if self.stride is None:
            return f"Span(axis {self.axis}, no bound)"
        return f"Span(axis {self.axis}, {self.stride}·y + ({self.low} … {self.high}))"

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
        return None if self.stride is None else as_whole(_ratio(self.low + self.high, 2))

    @property
    def most(self) -> int | None:
        """How many cells there are from the first to the last that a cell sees, at the most.

        None without a bound.
        """
        if self.stride is None:
            return None
        if self.ends is None or not self.is_least:
            return floor(self.high - self.low) + 1
        return self.ends.most

    @property
    def is_least(self) -> bool:
        """Whether some cell sees as many as `most`, and not only at the most so many."""
        return self.ends != UNKNOWN_ENDS

    @property
    def is_exact(self) -> bool:
        """Whether it has a bound and the exact sets were worked out."""
        return self.stride is not None and self.cells is not None

    def phases(self) -> tuple[tuple[int, ...], ...] | None:
        """The exact sets of the cells of a period.

        None where they are all that an interval of whole numbers has, and where they are not
        worked out.
        """
        return self.cells.listed() if self.cells is not None and self._differs() else None

    def phases_count(self) -> int:
        """How many cells there are in `phases`."""
        if self.cells is None or not self._differs():
            return 0
        return sum(bits.bit_count() for _, bits in self.cells.sets)

    def without_cells(self) -> Span:
        """The same without the exact sets, as there are too many of them."""
        return self._replace(cells=None, doubts=self.doubts | {Doubt.MANY})

    def _differs(self) -> bool:
        """Whether the sets are not all that an interval of whole numbers has."""
        if self.stride is None or self.cells is None:
            return False
        if not type(self.stride) is type(self.low) is type(self.high) is int:
            return True
        count = self.high - self.low + 1
        return any(
            bits.bit_count() != count or start + _lowest(bits) != self.stride * y + self.low
            for y, (start, bits) in enumerate(self.cells.sets)
        )


def _lowest(bits: int) -> int:
    """The place of the lowest bit that is set."""
    return (bits & -bits).bit_length() - 1


def _ratio(number: Number, by: int) -> Fraction:
    from fractions import Fraction

    return Fraction(number) / by


def as_whole(number: Number) -> Number:
    """A fraction that is a whole number as that."""
    return number.numerator if number.denominator == 1 else number
