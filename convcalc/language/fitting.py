"""Which inputs a network takes where it refuses the one that it has: tried, never guessed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple, Protocol

from convcalc.language.joins import Paths, paths_of, scale_of
from convcalc.language.refusals import Mistakes
from convcalc.language.statements import Statement
from convcalc.shape import Shape
from convcalc.words import counted

#: Channels that an image or a signal has, at the most, where they can be told from its sizes.
_FEW = 4
#: How many sizes in a row are tried before all like them are said to fit.
_IN_A_ROW = 6
#: Sizes further away than this are not looked for, nor multiples of more.
_FAR, _LARGEST = 40, 512


class Trials(Protocol):
    """Tries a document otherwise; what takes too long is found wrong."""

    def mistakes(self, input: Shape) -> Mistakes | None:
        """What is wrong with another input; None where that takes too long."""

    def takes_with(self, st: Statement, **fields: Any) -> bool:
        """Whether all is right with other fields in a line."""


def advise(mistakes: Mistakes, shape: Shape, trials: Trials) -> None:
    """Say where a layer refuses its inputs what would be right; `shape` is the network's input."""
    if not mistakes.refused:
        return
    first = mistakes.refused[0]
    meant = _meant(shape, first.code, len(mistakes.builder), trials)
    if meant:
        ways = [f"`input: {list(each.shape)}` is {each.what}" for each in meant]
        mistakes.advise(first, ", ".join(ways), instead=True)
        return
    for refused in mistakes.refused:
        paths = refused.code == "shape-mismatch" and paths_of(mistakes.builder, refused.inputs)
        if paths:
            mistakes.advise(refused, _padding(mistakes, paths, trials))
            scale = scale_of(mistakes.builder)
            mistakes.advise(refused, even_sizes(shape, scale, partial(_is_right, trials)))
            return


def _is_right(trials: Trials, input: Shape) -> bool:
    found = trials.mistakes(input)
    return found is not None and not found.found


def _padding(mistakes: Mistakes, paths: Paths, trials: Trials) -> str:
    """The `output_padding` of a transposed convolution that fits, with its line."""
    found = paths.padded()
    if found is None:
        return ""
    st, around = mistakes.lines[found.node]
    padding: Any = found.output_padding
    padding = padding[0] if len(set(padding)) == 1 else list(padding)
    line = f"`{st.written(output_padding=padding)}`"
    does = f"makes `{mistakes.builder.name(found.node)}` {found.output}"
    if not around:
        return f"{line} {does}"
    if trials.takes_with(st, output_padding=found.output_padding):
        return f"{line} at line {st.mark.line} {does}"
    return ""


# An input that was misread


class _Reading(NamedTuple):
    """Another way to write an input that somebody meant."""

    shape: Shape
    what: str


#: The mistakes that an input with an axis too many or too few makes.
_OF_AXES = ("axes", "input-axes", "stated", "not-flat")


def _readings(shape: Shape, code: str) -> Iterator[_Reading]:
    """What an input may have been meant as, where a layer has refused what came of it."""
    first, last = shape[0], shape[-1]
    if len(shape) == 1:
        yield from _with_axes(first)
    elif len(shape) == 2 and code in _OF_AXES:
        yield _Reading(Shape(1, *shape), "an image of one channel")
    if len(shape) > 1 and last <= _FEW < min(shape[:-1]):
        yield _Reading(
            Shape(last, *shape[:-1]), "the same with the channels first, as a spec has them"
        )
    if len(shape) == 4 or (len(shape) == 3 and first == 1 and code in _OF_AXES):
        rest = shape[1:]
        yield _Reading(Shape(*rest), "the same without a batch, which a spec leaves out")
        if rest[-1] <= _FEW < min(rest[:-1]):
            yield _Reading(
                Shape(rest[-1], *rest[:-1]), "the same with the channels first, and without a batch"
            )


def _meant(shape: Shape, code: str, made: int, trials: Trials) -> list[_Reading]:
    """The readings of an input with which all is right; else the first that comes further.

    `made` is how many layers take what reaches them as it is: further is where more of them do.
    """
    tried = [(each, trials.mistakes(each.shape)) for each in _readings(shape, code)]
    right = [each for each, found in tried if found and not found.found]
    further = [each for each, found in tried if found and len(found.builder) > made]
    return right or further[:1]


def _with_axes(size: int) -> Iterator[_Reading]:
    """A flat input with a channel axis, or as an image."""
    yield _Reading(Shape(1, size), f"one channel of {counted(size, 'cell')}")
    yield _Reading(Shape(size, 1), f"{counted(size, 'channel')} of one cell")
    for channels in (1, 3):
        side = math.isqrt(size // channels)
        if size == channels * side * side and side > 1:
            what = f"an image of {counted(channels, 'channel')}"
            yield _Reading(Shape(channels, side, side), what)


# Sizes that come out even


class _Steps(NamedTuple):
    """Sizes on every axis that are `rest` more than multiples of `step`."""

    step: int
    rest: int

    def __str__(self) -> str:
        if self.step == 2:
            return "odd" if self.rest else "even"
        multiple = f"a multiple of {self.step}"
        return f"{self.rest} more than {multiple}" if self.rest else multiple


def even_sizes(shape: Shape, scale: int, takes: Callable[[Shape], bool]) -> str:
    """Which sizes fit, and those of them next to the input's, in words; empty where none is found.

    `scale` is the largest product of strides in the network: the sizes that fit come again with it.
    """
    takes = cache(takes)
    most = 4 * scale
    steps = [step for step in range(2, min(most, _LARGEST) + 1) if most % step == 0]
    for step in steps:
        above = _sized(shape, [-(-size // step) * step for size in shape.spatial])
        if _all_fit(above, step, takes):
            below = _sized(shape, [size // step * step for size in shape.spatial])
            return _said(_Steps(step, 0), [below, above], takes)
    reach = min(scale, _FAR)
    near = [_first_that_fits(shape, range(n, n * reach + n, n), takes) for n in (-1, 1)]
    if last := near[-1]:
        for step in steps:
            rests = {size % step for size in last.spatial}
            if len(rests) == 1 and _all_fit(last, step, takes):
                return _said(_Steps(step, rests.pop()), filter(None, near), takes)
    return ""


def _sized(shape: Shape, sizes: Iterable[int]) -> Shape:
    return Shape(shape.channels, *sizes)


def _all_fit(first: Shape, step: int, takes: Callable[[Shape], bool]) -> bool:
    """Whether inputs fit, the first and those that are larger by steps; not only square ones."""
    more = [_sized(first, [size + step * n for size in first.spatial]) for n in range(_IN_A_ROW)]
    return all(map(takes, [*more, _sized(first, (first[1] + step, *first[2:]))]))


def _first_that_fits(
    shape: Shape, more: Iterable[int], takes: Callable[[Shape], bool]
) -> Shape | None:
    """The first input that fits, each of its sizes so many more than now."""
    tried = (_sized(shape, [size + each for size in shape.spatial]) for each in more)
    return next((each for each in tried if min(each) > 0 and takes(each)), None)


def _said(steps: _Steps, near: Iterable[Shape], takes: Callable[[Shape], bool]) -> str:
    """Sizes in a sentence; `near` are the nearest to those of the input."""
    fitting = [each for each in near if min(each) > 0 and takes(each)]
    what = "whose length is" if len(fitting[0]) == 2 else "each side of which is"
    examples = " or ".join("×".join(map(str, each.spatial)) for each in fitting)
    return f"an input {what} {steps} fits: {examples}"
