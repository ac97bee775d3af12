"""What many settings of a family cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.analysis import analyze
from convcalc.diagnostics import ConvcalcError
from convcalc.search.engines import Engine
from convcalc.search.groups import Asked, fixed, trace
from convcalc.search.kept import FEW, Kept, span
from convcalc.search.kinds import is_far, listed, parts, plain
from convcalc.search.ranges import Range
from convcalc.search.space import settings


class Evaluated(NamedTuple):
    """The figures of settings, one a position, by metric; what `valid` is false for is no network.

    Integers; None where a figure has no total. Sequences are lists, or arrays of numpy (of objects
    where 64 bits do not hold one).
    """

    valid: Sequence[bool]
    figures: Mapping[str, Sequence[Any]]


class Used:
    """The groups that some settings are of; some settings may be of none that is kept."""

    def __init__(self) -> None:
        self.groups: dict[Kept, None] = {}
        self.are_all = True


#: Groups that are kept at a time; what was not used for longest goes.
MOST_GROUPS = 64
#: Traces that need not pay: as many again as a share of the settings that a kept group answers.
FREE_TRACES, A_TRACE_PAYS = 16, 4


class Evaluator:
    """Evaluates settings of a family, as an analysis of each of them would.

    A setting that no group has which is known is traced; the trace answers for its whole group.
    `engine` is one of `ENGINES`; `jobs` threads run it. Raises ConvcalcError where it is not there.
    """

    def __init__(self, asked: Asked, engine: str = "auto", jobs: int = 1) -> None:
        self.asked = asked
        self._engine = Engine(engine, jobs)
        #: The last used first.
        self._groups: dict[Any, list[Kept]] = {}
        #: How many settings were traced.
        self.traces = 0
        self._answered = 0
        self._used = Used()

    @property
    def has_arrays(self) -> bool:
        """Whether numpy is there, and to be used."""
        return self._engine.has_arrays

    def evaluate_by(self, columns: Mapping[str, Sequence[Any]]) -> tuple[Evaluated, Used]:
        """The same as `evaluate`, and what groups the settings are of."""
        self._used = used = Used()
        return self.evaluate(columns), used

    def evaluate(self, columns: Mapping[str, Sequence[Any]]) -> Evaluated:
        """The figures of the settings whose values stand at one position of the columns."""
        count = len(next(iter(columns.values())))
        if self._engine.has_arrays and count >= FEW:
            return self._arrays(columns, count)
        lists = {name: listed(column) for name, column in columns.items()}
        valid: list[bool] = []
        figures: list[list[Any]] = [[] for _ in self.asked.metrics]
        none = (0,) * len(figures)
        for values in zip(*lists.values()):
            found = self._setting(dict(zip(lists, values)))
            valid.append(found is not None)
            for column, figure in zip(figures, none if found is None else found):
                column.append(figure)
        return Evaluated(valid, dict(zip(self.asked.metrics, figures)))

    def totals(self, point: Mapping[str, Any], curt: bool = False) -> Mapping[str, Any]:
        """The figures of one setting, as its analysis has them. Raises ConvcalcError."""
        asked = self.asked
        graph = asked.family.graph(settings(point, asked.family.defaults), curt=curt)
        totals = analyze(graph, asked.convention, *asked.settings, extra=asked.metrics).totals
        return {metric: totals[metric] for metric in asked.metrics}

    def _setting(self, point: Mapping[str, Any]) -> Sequence[Any] | None:
        """The figures of one setting; None where it is no network."""
        if any(map(is_far, point.values())):
            return self._alone(point)
        groups = self._of(point)
        for at, kept in enumerate(groups):
            found = kept.answer([point[name] for name in kept.names])
            if found is not None:
                self._answered += 1
                self._used.groups[kept] = None
                if at:
                    groups.insert(0, groups.pop(at))
                return _whole(kept, found)
        if not self._may_trace():
            return self._alone(point)
        kept, own = self._traced(point, groups)
        return own

    def _of(self, point: Mapping[str, Any]) -> list[Kept]:
        """The groups that may have a setting: those of its types, and of its other values."""
        # Equal values may be of other types, those in lists too: 1 is 1.0 is True.
        common = [
            (name, each if isinstance(each, type) else repr(each))
            for name, each in fixed(point).items()
        ]
        return self._groups.setdefault(tuple(common), [])

    def _may_trace(self) -> bool:
        return self.traces < FREE_TRACES + self._answered // A_TRACE_PAYS

    def _traced(
        self, point: Mapping[str, Any], groups: list[Kept]
    ) -> tuple[Kept, Sequence[Any] | None]:
        """The group of a setting, which is kept from now on, and the setting's own figures."""
        self.traces += 1
        kept = Kept(trace(self.asked, point), self._engine)
        groups.insert(0, kept)
        self._used.groups[kept] = None
        if sum(map(len, self._groups.values())) > MOST_GROUPS:
            max(self._groups.values(), key=len).pop()
        figures = kept.group.figures
        if figures is None:
            return kept, None
        return kept, [getattr(each, "worth", each) for each in figures.values()]

    def _alone(self, point: Mapping[str, Any]) -> Sequence[Any] | None:
        """The figures of a setting by an analysis of its own; None where it is no network."""
        self._used.are_all = False
        try:
            return list(self.totals(point, curt=True).values())
        except ConvcalcError:
            return None

    def _arrays(self, columns: Mapping[str, Sequence[Any]], count: int) -> Evaluated:
        import numpy

        found = _Found(numpy, self.asked.metrics, count)
        for point, numbers, rows in parts(numpy, columns, count):
            self._part(found, point, numbers, rows)
        return Evaluated(found.valid, dict(zip(self.asked.metrics, found.figures)))

    def _part(
        self, found: _Found, point: Mapping[str, Any], numbers: Mapping[str, Any], rows: Any
    ) -> None:
        """Settings that have values that are no numbers, and types of numbers, in common.

        `numbers` are arrays, `rows` the places of their settings in what is found.
        """
        if any(map(is_far, point.values())):
            for at, row in enumerate(rows):
                own = {name: each[at] for name, each in numbers.items()}
                found.tell(row, self._alone(plain({**point, **own})))
            return
        groups = self._of(point)
        box = {name: span(each) for name, each in numbers.items() if each.dtype != object}
        waiting = list(groups)
        while len(rows):
            if waiting:
                kept = waiting.pop(0)
            else:
                first = plain({**point, **{name: each[0] for name, each in numbers.items()}})
                is_traced = self._may_trace()
                if is_traced:
                    kept, figures = self._traced(first, groups)
                else:
                    figures = self._alone(first)
                found.tell(rows[0], figures)
                rows, numbers = rows[1:], {name: each[1:] for name, each in numbers.items()}
                if not is_traced:
                    continue
            taken = found.take(kept, numbers, box, rows)
            count = int(taken.sum())
            self._answered += count
            if count:
                self._used.groups[kept] = None
            if count and kept in groups[1:]:
                groups.insert(0, groups.pop(groups.index(kept)))
            if count == len(rows):
                return
            if count:
                left = ~taken
                rows, numbers = rows[left], {name: each[left] for name, each in numbers.items()}


class _Found:
    """The figures of settings, in arrays that are written by and by."""

    def __init__(self, numpy: Any, metrics: Sequence[str], count: int) -> None:
        self._numpy = numpy
        self.valid = numpy.zeros(count, bool)
        self.figures = [numpy.zeros(count, "int64") for _ in metrics]

    def tell(self, row: int, figures: Sequence[Any] | None) -> None:
        """Write the figures of one setting."""
        self.valid[row] = figures is not None
        for place, figure in enumerate(figures or ()):
            is_word = isinstance(figure, int) and -(2**63) <= figure < 2**63
            if not is_word and self.figures[place].dtype != object:
                self.figures[place] = self.figures[place].astype(object)
            self.figures[place][row] = figure

    def take(
        self, kept: Kept, numbers: Mapping[str, Any], box: Mapping[str, Range], rows: Any
    ) -> Any:
        """Write the figures of what settings a group has, and say which those are."""
        numpy, count = self._numpy, len(rows)
        taken = numpy.zeros(count, bool)
        known = [place for place, is_known in enumerate(kept.is_known) if is_known]
        # Where these are all settings that there are, they are written where they belong.
        is_all = count == len(self.valid) and all(each.dtype != object for each in self.figures)
        columns = [self.figures[at] if is_all else numpy.zeros(count, "int64") for at in known]
        wide: list[tuple[int, Any]] = []
        kept.run(numbers, box, taken, columns, lambda at, figures: wide.append((at, figures)))
        if kept.group.figures is None:
            return taken
        if is_all:
            self.valid[:] = taken
        else:
            where = rows[taken]
            self.valid[where] = True
            for place, part in zip(known, columns):
                self.figures[place][where] = part[taken]
        for at, figures in wide:
            self.tell(rows[at], _whole(kept, figures))
        for place, is_known in enumerate(kept.is_known):
            if not is_known and taken.any():
                self.figures[place] = self.figures[place].astype(object)
                self.figures[place][rows[taken]] = None
        return taken


def _whole(kept: Kept, known: Sequence[Any]) -> Sequence[Any] | None:
    """All figures of a setting, from those that have a total; None where it is no network."""
    if kept.group.figures is None:
        return None
    if len(known) == len(kept.is_known):
        return known
    left = iter(known)
    return [next(left) if is_known else None for is_known in kept.is_known]
