"""The front of a space that nobody can walk: `convcalc pareto`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc import budgets as known_budgets
from convcalc.arithmetic import is_number
from convcalc.diagnostics import fail, require_whole
from convcalc.search.cases import Case
from convcalc.search.counting import Within, row
from convcalc.search.decomposition import Decomposed
from convcalc.search.elimination import NO_LIMIT
from convcalc.search.front import Front, Goal
from convcalc.search.fronts import Cost, Fronts
from convcalc.search.grids import Tables, require_words
from convcalc.search.points import label
from convcalc.words import did_you_mean, listed, quoted


class Pareto(NamedTuple):
    """The settings than which no other is better in every goal; of equal ones, one.

    `space` is how many settings there are, `invalid` how many of these are no network. Rows have
    the values of `variables` and `metrics`, the best in the first goal first.
    """

    name: str
    variables: tuple[str, ...]
    space: int
    invalid: int
    goals: tuple[Goal, ...]
    metrics: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]

    def __repr__(self) -> str:
        return f"Pareto({self.name!r}, {len(self.rows):,} of {self.space:,})"


def pareto(
    asked: Within,
    goals: Sequence[Goal],
    top: int | None = None,
    look: Callable[[], None] = lambda: None,
) -> Pareto:
    """The front of a space, or the first `top` of it.

    `look` is called before each trace. Raises ConvcalcError where a figure does not decompose.
    """
    if top is not None:
        require_whole("`top`", top, "row")
    names = tuple(axis.name for axis in asked.space.axes)
    for goal in goals:
        _require_number(goal.name, names, asked)
    known = known_budgets.metrics()
    figures = [goal.name for goal in goals if goal.name in known]
    metrics = tuple(dict.fromkeys([*figures, *asked.budgets]))
    parts = asked.parts(figures, look)
    found: Front[tuple[Decomposed, list[int]]] = Front()
    for part, cases in parts:
        for case in cases:
            own = part.within(case.masks)
            for places in _Costs(own, goals, case).settings():
                point = own.point(places)
                costs = [
                    goal.cost(
                        own.figure(goal.name, places)
                        if goal.name in known
                        else point[_axis(goal.name)]
                    )
                    for goal in goals
                ]
                found.add(tuple(costs), (own, places))
    rows = tuple([row(own, places, metrics) for own, places in found][:top])
    invalid = asked.space.size - sum(part.networks() for part in parts)
    names = tuple(map(label, names))
    return Pareto(asked.family.name, names, asked.space.size, invalid, tuple(goals), metrics, rows)


def _axis(name: str) -> str:
    """The variable that a goal names, where its name is also a figure's."""
    return name.removeprefix("variables.")


class _Costs:
    """The goals of a part, and the figures that have bounds, as costs."""

    def __init__(self, part: Decomposed, goals: Sequence[Goal], case: Case) -> None:
        self._part = part
        most, least = dict(case.most), dict(case.least)
        for metric in {*most, *least, *(goal.name for goal in goals)} & {*part.figures}:
            require_words(metric, part.figures[metric])
        self._costs = []
        for goal in goals:
            if goal.name not in part.figures:
                self._costs.append(Cost(self._ranks(_axis(goal.name), goal), NO_LIMIT))
            elif goal.is_largest:
                self._costs.append(self._negative(goal.name, least.pop(goal.name, None)))
            else:
                limit = most.pop(goal.name, NO_LIMIT)
                self._costs.append(Cost(part.figures[goal.name], limit))
        self._costs += [Cost(part.figures[metric], limit) for metric, limit in most.items()]
        self._costs += [self._negative(metric, limit) for metric, limit in least.items()]

    def _negative(self, metric: str, least: int | None) -> Cost:
        tables = {scope: -table for scope, table in self._part.figures[metric].items()}
        return Cost(tables, NO_LIMIT if least is None else -least)

    def _ranks(self, name: str, goal: Goal) -> Tables:
        """The values of an axis by their order."""
        import numpy

        values = self._part.columns[name]
        ranks = {value: rank for rank, value in enumerate(sorted(set(values)))}
        own = numpy.array([goal.cost(ranks[value]) for value in values], "int64")
        return {([*self._part.columns].index(name),): own}

    def settings(self) -> list[list[int]]:
        """Settings of the front, by their positions; of those that are bounded, more than that."""
        return [places for _, places in Fronts(self._part, self._costs).points()]


def _require_number(name: str, variables: Sequence[str], asked: Within) -> None:
    """Refuse a goal that is neither a figure nor a variable of numbers. Raises ConvcalcError."""
    known = known_budgets.metrics()
    if name in known:
        return
    if _axis(name) not in variables:
        names = [*variables, *known]
        help = f"{did_you_mean(name, names)} there are {listed(names, 20)}".strip()
        message = f"a goal is a variable of the space, or a metric, and {quoted(name)} is neither"
        raise fail("unknown-name", message, help)
    axis = asked.space.axes[variables.index(_axis(name))]
    if not all(map(is_number, axis.values)):
        message = f"a goal is a number, and the variable {quoted(name)} is none"
        raise fail("bad-value", message, "metrics are numbers, and so are many variables")
