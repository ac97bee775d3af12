"""Groups that are kept: each answers for all of its settings, one by one or in arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from convcalc.search.engines import Engine, Running
from convcalc.search.groups import Group
from convcalc.search.machine import Code, Wide, lowered
from convcalc.search.ranges import Range, ranges
from convcalc.search.replay import WRONG, Answer, Straight, function, straight
from convcalc.search.terms import axes_of
from convcalc.trace import Traced, needed

#: Settings below this number are sooner answered by Python one by one.
FEW = 48
#: Settings that are tried together, where some of all have numbers that are too large.
_A_PART = 1 << 12


class Kept:
    """A group that was traced, and its code."""

    def __init__(self, group: Group, engine: Engine) -> None:
        self.group = group
        self._code = straight(group)
        self.names = self._code.inputs
        #: By its place: whether a figure has a total.
        self.is_known = [each is not None for each in self._code.figures]
        self._code = self._code._replace(
            figures=tuple(each for each in self._code.figures if each is not None)
        )
        self._lowered: tuple[Mapping[str, Range], Code | None] | None = None
        self._engine = engine
        self._runner: Running | None = None
        #: The settings that it was asked of in arrays.
        self._replayed = 0

    @cached_property
    def _function(self) -> Answer:
        return function(self._code)

    def answer(self, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The figures for the values of the inputs; None where the setting is of another group."""
        try:
            return self._function(*values)
        except WRONG:
            return None

    def code(self, box: Mapping[str, Range]) -> Code | None:
        """Its code for settings in a box, and for those that it was asked of before.

        None where no setting is of the group. Raises Wide.
        """
        if self._lowered is not None:
            known, code = self._lowered
            if all(known[name].holds(each) for name, each in box.items()):
                return code
            # Ranges that grow from one time to the next are to be done with soon.
            with suppress(Wide):
                return self._keep({name: known[name].grown(each) for name, each in box.items()})
        return self._keep(box)

    def _keep(self, box: Mapping[str, Range]) -> Code | None:
        code = lowered(self._code, box)
        self._lowered = box, code
        return code

    def run(
        self,
        columns: Mapping[str, Any],
        box: Mapping[str, Range],
        taken: Any,
        figures: Sequence[Any],
        others: Any,
    ) -> None:
        """Say in `taken` which settings are of the group, and write their figures, or 0.

        `columns` are arrays of numpy by the names of the inputs, and in the ranges of `box`. Where
        a figure is no 64-bit integer, `others(position, figures)` is told it.
        """
        own = {name: columns[name] for name in self.names}
        try:
            if len(taken) < FEW or any(each.dtype == object for each in own.values()):
                raise Wide
            code = self.code({name: box[name] for name in self.names})
        except Wide:
            self._without_words(own, taken, figures, others)
            return
        if code is None:
            taken[:] = False
        else:
            self._replayed += len(taken)
            if self._runner is None or not self._runner.does(code, self._replayed):
                self._runner = Running(self._engine, code, self._replayed)
            self._runner.run(columns, taken, figures)

    def _without_words(
        self, columns: Mapping[str, Any], taken: Any, figures: Sequence[Any], others: Any
    ) -> None:
        """The same, where ranges are too wide: a part at a time, and what still is by Python."""
        if len(taken) > _A_PART:
            for start in range(0, len(taken), _A_PART):
                part = slice(start, start + _A_PART)
                own = {name: column[part] for name, column in columns.items()}
                box = {name: span(each) for name, each in own.items() if each.dtype != object}

                def told(at: int, found: Any, start: int = start) -> None:
                    others(start + at, found)

                self.run(own, box, taken[part], [figure[part] for figure in figures], told)
            return
        for at, values in enumerate(zip(*[column.tolist() for column in columns.values()])):
            found = self.answer(values)
            taken[at] = found is not None
            if found:
                others(at, found)

    def alike(self, name: str, values: Sequence[Any]) -> Any:
        """A number for each value of an input, the same for values that are the same to the group.

        Guards and figures hang on an input by numbers of it alone, on which others are built: where
        these are equal, all is. An array; the values are numbers of one type.
        """
        import numpy

        code = self._code._replace(guards=(), figures=tuple(self._frontier(name)))
        column = numpy.array(list(values))
        try:
            if column.dtype.kind not in "if":
                raise Wide
            return _numbered_rows(numpy, code, name, column)
        except Wide:
            return numpy.array(numbered(self._results(code, name, values)))

    def _frontier(self, name: str) -> list[Traced]:
        """The numbers that hang on one input alone, and that others hang on, or that are asked."""
        axes, own = axes_of(self._code.tape), frozenset((name,))
        asked = [*[guard.condition for guard in self._code.guards], *self._code.figures]
        found = {each for each in asked if isinstance(each, Traced) and axes[each.index] == own}
        for number in self._code.numbers():
            if axes[number.index] != own:
                operands = [each for each in number.operands if isinstance(each, Traced)]
                found.update(each for each in operands if axes[each.index] == own)
        return sorted(found, key=lambda number: number.index)

    def _results(self, code: Straight, name: str, values: Sequence[Any]) -> Iterator[Any]:
        """What numbers of an input are for each of its values, by Python."""
        answer = function(code)
        others = [0] * len(self.names)
        for at, value in enumerate(values):
            others[self.names.index(name)] = value
            try:
                yield answer(*others)
            except WRONG:
                yield at


#: Values of an axis at a time.
_VALUES = 1 << 16


def _numbered_rows(numpy: Any, code: Straight, name: str, column: Any) -> Any:
    """Values for which all numbers of a code are equal, as one number. Raises Wide."""
    from convcalc.search.vectors import Replayed

    box = {name: span(column)}
    spans = ranges(needed(code.figures), box)
    # What is one number for all values tells none from another.
    telling = [each for each in code.figures if spans[each.index].low != spans[each.index].high]
    words = lowered(code._replace(figures=tuple(telling)), box, has_floats=True)
    if words is None or not words.figures:
        return numpy.zeros(len(column), "int64")
    runner = Replayed(words)
    kinds = [words.instructions[each.place].kind for each in words.figures]
    known: dict[bytes, int] = {}
    found = numpy.empty(len(column), "int64")
    for start in range(0, len(column), _VALUES):
        part = column[start : start + _VALUES]
        parts = [numpy.zeros(len(part), kind) for kind in kinds]
        runner.run({name: part}, numpy.empty(len(part), bool), parts)
        whole = [each.view("int64") if each.dtype.kind == "f" else each for each in parts]
        rows = numpy.stack(whole, axis=1).astype("int64", copy=False)
        # Neighbours are mostly alike: only where one row differs from that before it is it sought.
        is_new = numpy.ones(len(part), bool)
        is_new[1:] = (rows[1:] != rows[:-1]).any(axis=1)
        codes = [known.setdefault(row.tobytes(), len(known)) for row in rows[is_new]]
        found[start : start + len(part)] = numpy.array(codes)[numpy.cumsum(is_new) - 1]
    return found


def numbered(values: Iterable[Any]) -> list[int]:
    """Equal values as one number."""
    known: dict[Any, int] = {}
    return [known.setdefault(value, len(known)) for value in values]


def span(column: Any) -> Range:
    """The range of an array of numbers, which has some."""
    low, high = column.min().item(), column.max().item()
    if column.dtype.kind != "f":
        return Range(low, high)
    least = max(low, -high)  # what is on one side of 0 comes no nearer than its end
    if least <= 0:
        sizes = abs(column[column != 0])
        least = sizes.min().item() if len(sizes) else 1.0
    return Range(low, high, _TINY if least >= _TINY else least)


#: Most floats are no smaller, and one range is enough for them.
_TINY = 2.0**-64
