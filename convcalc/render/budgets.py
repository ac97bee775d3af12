"""Budgets as a report: what networks take of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.analysis import Analysis
from convcalc.budgets import Verdict
from convcalc.costs import FIGURES
from convcalc.render.heading import heading
from convcalc.render.report import Report, Table, records_of
from convcalc.words import grouped, percent, short

FORMAT = "convcalc.check/1"


def report(found: Sequence[tuple[Analysis, Sequence[Verdict]]], si: bool = False) -> Report:
    """A row a budget, for each network."""
    number = short if si else grouped

    def objects() -> list[dict[str, Any]]:
        return [
            {
                "format": FORMAT,
                "name": analysis.name,
                "preset": analysis.preset,
                "convention": analysis.convention.name,
                "passed": all(each.passed for each in verdicts),
                "budgets": [each.to_dict() for each in verdicts],
            }
            for analysis, verdicts in found
        ]

    def lines() -> list[Mapping[str, Any]]:
        return [
            {"name": analysis.name, "preset": analysis.preset, **each.to_dict()}
            for analysis, verdicts in found
            for each in verdicts
        ]

    def table(analysis: Analysis, verdicts: Sequence[Verdict]) -> Table:
        def rows() -> Iterator[tuple[str, ...]]:
            for each in verdicts:
                yield (
                    named(each.budget.metric),
                    number(each.value),
                    number(each.budget.most),
                    percent(each.value, each.budget.most),
                    _said(each, number),
                )

        def named(metric: str) -> str:
            figure = FIGURES[metric]
            return f"{figure.title} ({analysis.totals.dtype})" if figure.unit else figure.title

        header = ("Budget", "Is", "At most", "%", "")
        counted = f"{analysis.convention.unit} as `{analysis.convention.name}` counts them."
        has_flops = any(each.budget.metric == "flops" for each in verdicts)
        legend = (counted,) if has_flops else ()
        numeric = (False, True, True, True, False)
        return Table(heading(analysis.graph, analysis.batch), header, numeric, rows, (), legend)

    return Report(
        objects,
        lines,
        lambda: records_of(lines()),
        lambda: [table(*each) for each in found],
    )


def _said(verdict: Verdict, number: Any) -> str:
    """Whether a budget holds, and by how much."""
    if verdict.value is None:
        return "no total"
    left = verdict.budget.most - verdict.value
    return f"ok, {number(left)} left" if verdict.passed else f"over by {number(-left)}"
