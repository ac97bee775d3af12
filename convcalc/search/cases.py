"""A condition as cases, each a few bounds of figures and a few conditions on variables.

A condition is asked with numbers that record it; every way through it that comes out true is a
case, and no setting is of two. So `and`, `or`, `not` and `if` are what the language makes of them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.arithmetic import exact, is_number
from convcalc.diagnostics import ConvcalcError
from convcalc.expressions import ExpressionError
from convcalc.search.conditions import Condition
from convcalc.search.grids import Grids, Scope, does_not_decompose
from convcalc.search.space import settings
from convcalc.trace import INPUT, Guard, Tape, Traced

#: Ways through a condition, at the most.
_MOST = 256


class Case(NamedTuple):
    """Bounds of figures, both inclusive, and masks of variables, all of which hold."""

    least: Mapping[str, int]
    most: Mapping[str, int]
    masks: tuple[tuple[Scope, Any], ...] = ()

    def within(self, budgets: Mapping[str, int]) -> Case:
        """The same, within budgets too."""
        most = dict(self.most)
        for metric, each in budgets.items():
            most[metric] = min(each, most.get(metric, each))
        return self._replace(most=most)


ALL = Case({}, {})


class _Script(Tape):
    """A tape whose questions are answered as is written down, those behind with yes."""

    __slots__ = ("_answers", "_first")

    def __init__(self, inputs: Mapping[str, Any], answers: Sequence[bool]) -> None:
        self._answers: Sequence[bool] | None = None
        super().__init__(inputs)
        #: What was asked of the numbers themselves is answered as they are.
        self._first = len(self.guards)
        self._answers = answers

    def ask(self, condition: Traced) -> bool:
        if self._answers is None or condition.operation == "denied":
            return super().ask(condition)
        guard = self.guards.get(condition)
        if guard is None:
            at = len(self.guards) - self._first
            held = self._answers[at] if at < len(self._answers) else True
            guard = self.guards[condition] = Guard(condition, held)
        return guard.held

    @property
    def asked(self) -> tuple[Guard, ...]:
        """What was asked, and how it was answered."""
        return tuple(self.guards.values())[self._first :]


def cases(
    condition: Condition,
    metrics: Collection[str],
    columns: Mapping[str, Sequence[Any]],
    defaults: Mapping[str, Any],
) -> list[Case]:
    """The cases of a condition in a part of a space, whose `columns` are by axis.

    Raises ConvcalcError where it compares figures with anything but numbers.
    """
    figures = [name for name in condition.names if name in metrics]
    found: list[Case] = []
    waiting: list[tuple[bool, ...]] = [()]
    count = 0
    while waiting:
        answers = waiting.pop()
        count += 1
        if count > _MOST:
            raise does_not_decompose(f"{condition.option} has more than {_MOST} ways through it")
        point = {name: column[0] for name, column in columns.items()}
        numbers = {name: value for name, value in point.items() if is_number(value)}
        tape = _Script({**numbers, **dict.fromkeys(figures, 1)}, answers)
        values = settings({**point, **{name: tape.inputs[name] for name in numbers}}, defaults)
        names = {**defaults, **values, **{name: tape.inputs[name] for name in figures}}
        try:
            result = condition.holds({name: names[name] for name in condition.names})
        except (ConvcalcError, ExpressionError, ArithmeticError):
            raise _unclear(condition) from None
        guards = tape.asked
        waiting += [
            (*(guard.held for guard in guards[:at]), False)
            for at in range(len(answers), len(guards))
        ]
        if result:
            grids = Grids(tape, {**columns, **dict.fromkeys(figures, (1,))})
            found += _bounded(condition, guards, figures, grids)
    return found


def _unclear(condition: Condition) -> ConvcalcError:
    what = f"`{condition.option}` compares figures with what is no number: `{condition.text}`"
    return does_not_decompose(what)


def _bounded(
    condition: Condition, guards: Sequence[Guard], figures: Collection[str], grids: Grids
) -> Iterator[Case]:
    """One way through a condition: what it answers to each question holds."""
    made = [Case({}, {})]
    axes = len(grids.sizes) - len(figures)
    for asked, held in guards:
        scope = grids.scope(asked)
        if all(axis < axes for axis in scope):
            table = grids.table(asked)
            mask = (scope, table if held else ~table)
            made = [each._replace(masks=(*each.masks, mask)) for each in made]
            continue
        metric, ends = _ends(condition, asked, held)
        made = [
            Case(
                {**each.least, metric: max(low, each.least.get(metric, low))}
                if low is not None
                else each.least,
                {**each.most, metric: min(high, each.most.get(metric, high))}
                if high is not None
                else each.most,
                each.masks,
            )
            for each in made
            for low, high in ends
        ]
    for each in made:
        if all(each.least[name] <= each.most.get(name, math.inf) for name in each.least):
            yield each


#: A comparison where its operands change places, and where it does not hold.
_TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "equal": "equal"}
_DENIED = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "equal": "unequal"}


def _ends(
    condition: Condition, asked: Traced, held: bool
) -> tuple[str, list[tuple[int | None, int | None]]]:
    """The figure of a comparison, and between which integers it is: one range or two."""
    while asked.operation == "denied":
        asked, held = asked.operands[0], not held
    relation = asked.operation
    if relation not in _TURNED:
        raise _unclear(condition)
    figure, number = asked.operands
    if isinstance(number, Traced):
        figure, number, relation = number, figure, _TURNED[relation]
    if isinstance(number, Traced) or figure.operation != INPUT or not is_number(number):
        raise _unclear(condition)
    if not held:
        relation = _DENIED[relation]
    name, number = figure.operands[0], exact(number)
    if number in (math.inf, -math.inf):
        holds = (number > 0) == (relation in ("lt", "le"))
        return name, [(None, None)] if holds or relation == "unequal" else []
    down, up = math.floor(number), math.ceil(number)
    if relation in ("lt", "le"):
        return name, [(None, up - 1 if relation == "lt" else down)]
    if relation in ("gt", "ge"):
        return name, [(down + 1 if relation == "gt" else up, None)]
    if relation == "unequal":
        return name, [(None, up - 1), (down + 1, None)]
    return name, [(up, down)]
