"""What many settings of a family cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.analysis import analyze
from convcalc.diagnostics import ConvcalcError
from convcalc.search.family import Family
from convcalc.search.space import settings
from convcalc.steps import Settings


class Evaluated(NamedTuple):
    """The figures of settings, one a position, by metric; what `valid` is false for is no network.

    Integers; None where a figure has no total. Sequences are lists, or arrays of numpy.
    """

    valid: Sequence[bool]
    figures: Mapping[str, Sequence[Any]]


class Evaluator:
    """Evaluates settings of a family."""

    def __init__(
        self,
        family: Family,
        metrics: Sequence[str],
        settings: Settings = Settings(),  # noqa: B008 - immutable
        convention: str = "exact",
    ) -> None:
        self.family, self.metrics = family, tuple(metrics)
        self.settings, self.convention = settings, convention

    def evaluate(self, columns: Mapping[str, Sequence[Any]]) -> Evaluated:
        """The figures of the settings whose values stand at one position of the columns."""
        valid: list[bool] = []
        figures: dict[str, list[Any]] = {metric: [] for metric in self.metrics}
        for values in zip(*columns.values()):
            point = dict(zip(columns, values))
            try:
                totals = self.totals(point)
            except ConvcalcError:
                totals = None
            valid.append(totals is not None)
            for metric, column in figures.items():
                column.append(totals[metric] if totals is not None else 0)
        return Evaluated(valid, figures)

    def totals(self, point: Mapping[str, Any]) -> Mapping[str, Any]:
        """The figures of one setting, as its analysis has them. Raises ConvcalcError."""
        graph = self.family.graph(settings(point, self.family.defaults))
        totals = analyze(graph, self.convention, *self.settings, extra=self.metrics).totals
        return {metric: totals[metric] for metric in self.metrics}
