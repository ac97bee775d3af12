"""Groups that are kept: each answers for all of its settings, one by one or in arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from convcalc.search.engines import Engine, Running
from convcalc.search.groups import Group
from convcalc.search.machine import Code, Wide, lowered
from convcalc.search.ranges import Range
from convcalc.search.replay import WRONG, Answer, function, straight

#: Settings below this number are sooner answered by Python one by one.
FEW = 48


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
        if len(taken) < FEW or any(columns[name].dtype == object for name in self.names):
            for at, values in enumerate(zip(*[columns[name].tolist() for name in self.names])):
                found = self.answer(values)
                taken[at] = found is not None
                if found:
                    others(at, found)
            return
        try:
            code = self.code({name: box[name] for name in self.names})
        except Wide:
            half = len(taken) // 2
            for part in (slice(half), slice(half, None)):
                own = {name: columns[name][part] for name in self.names}
                self.run(
                    own,
                    {name: span(column) for name, column in own.items()},
                    taken[part],
                    [figure[part] for figure in figures],
                    lambda at, found, start=part.start or 0: others(start + at, found),
                )
            return
        if code is None:
            taken[:] = False
        else:
            self._replayed += len(taken)
            if self._runner is None or not self._runner.does(code, self._replayed):
                self._runner = Running(self._engine, code, self._replayed)
            self._runner.run(columns, taken, figures)


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
