"""Settings of one structure: what one trace says of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc import passes
from convcalc.analysis import analyze
from convcalc.arithmetic import is_number
from convcalc.diagnostics import ConvcalcError
from convcalc.search.family import Family
from convcalc.search.space import settings
from convcalc.steps import Settings
from convcalc.trace import Guard, Tape


class Asked(NamedTuple):
    """What is asked of every setting of a family."""

    family: Family
    #: The figures, by their keys.
    metrics: tuple[str, ...]
    settings: Settings = Settings()
    convention: str = "exact"


class Group(NamedTuple):
    """The settings that answer every guard alike: networks of one structure, or refused alike.

    `figures` are numbers of the tape, whose inputs are called as the axes; None where there is no
    network. `fixed` are the values that are no numbers, and the types of those that are: they are
    those of the trace in every setting of the group.
    """

    fixed: Mapping[str, Any]
    tape: Tape
    figures: Mapping[str, Any] | None
    #: Why there is no network, of the setting that was traced.
    error: ConvcalcError | None = None

    @property
    def guards(self) -> tuple[Guard, ...]:
        """What decides whether a setting is of the group, in the order of asking."""
        return tuple(self.tape.guards.values())


def fixed(point: Mapping[str, Any]) -> dict[str, Any]:
    """What two settings of a group have in common: values that are no numbers, types of numbers."""
    return {name: type(each) if is_number(each) else each for name, each in point.items()}


def trace(asked: Asked, point: Mapping[str, Any]) -> Group:
    """The group of a setting, whose values are by the name of the axis."""
    tape = Tape({name: value for name, value in point.items() if is_number(value)})
    values = settings({**point, **tape.variables()}, asked.family.defaults)
    try:
        graph = asked.family.graph(values, curt=True)
        run = saying(asked.metrics)
        totals = analyze(
            graph, asked.convention, *asked.settings, run=run, only=asked.metrics
        ).totals
    except ConvcalcError as error:
        return Group(fixed(point), tape, None, error)
    return Group(fixed(point), tape, {metric: totals[metric] for metric in asked.metrics})


def saying(metrics: Sequence[str]) -> list[passes.Pass]:
    """The passes that say some of these figures, and no others."""
    return [
        each for each in passes.known() if any(figure.key in metrics for figure in each.figures)
    ]
