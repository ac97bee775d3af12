"""Budgets as a report: what networks take of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.baseline import COMPARED
from convcalc.budgets import EARLIER, Checked, Verdict
from convcalc.costs import FIGURES
from convcalc.render.column import Column
from convcalc.render.columns import find, legend, title_of
from convcalc.render.heading import heading
from convcalc.render.report import Report, Table, records_of
from convcalc.words import PARTIAL, grouped, percent, short

FORMAT = "convcalc.check/1"


def report(found: Sequence[Checked], si: bool = False) -> Report:
    """A row a budget, for each network."""

    def objects() -> list[dict[str, Any]]:
        return [
            {
                "format": FORMAT,
                "spec": each.spec,
                **each.analysis.graph.to_dict(),
                "batch": each.analysis.batch,
                "dtype": each.dtype,
                "fuse": each.analysis.fuse,
                "convention": each.analysis.convention.name,
                "totals": {key: each.analysis.totals[key] for key in (*COMPARED, "unknown")},
                "passed": each.passed,
                "budgets": [verdict.to_dict() for verdict in each.verdicts],
            }
            for each in found
        ]

    def lines() -> list[Mapping[str, Any]]:
        return [
            {
                "spec": each.spec,
                "name": each.analysis.name,
                "preset": each.analysis.preset,
                **verdict.to_dict(),
            }
            for each in found
            for verdict in each.verdicts
        ]

    titles = [heading(each.analysis.graph, each.analysis.batch) for each in found]

    def tables() -> list[Table]:
        return [
            _table(each, title if titles.count(title) == 1 else f"{each.spec}: {title}", si)
            for each, title in zip(found, titles)
        ]

    return Report(objects, lines, lambda: records_of(lines()), tables)


def _table(checked: Checked, title: str, si: bool) -> Table:
    """What one network takes of its budgets."""
    analysis, number = checked.analysis, short if si else grouped
    metrics = [find(each.budget.metric) for each in checked.verdicts]
    titles = [
        f"{title_of(metric, analysis.convention)}{_of_bytes(metric, analysis.totals.dtype)}"
        f"{', before' * (verdict.budget.origin == EARLIER)}"
        for metric, verdict in zip(metrics, checked.verdicts)
    ]

    def rows() -> Iterator[tuple[str, ...]]:
        for name, verdict in zip(titles, checked.verdicts):
            budget, value, unknown = verdict
            yield (
                name,
                number(value) + (PARTIAL if unknown and value is not None else ""),
                number(budget.most),
                percent(value, budget.most),
                _said(verdict, number),
            )

    header = ("Budget", "Is", "At most", "%", "")
    return Table(
        title, header, (False, True, True, True, False), rows, (), legend(analysis, metrics)
    )


def _of_bytes(metric: Column, dtype: str | None) -> str:
    """The type of a number behind the title of a figure in bytes; None: layers have several."""
    return f" ({dtype or 'mixed types'})" if FIGURES[metric.key].unit else ""


def _said(verdict: Verdict, number: Any) -> str:
    """Whether a budget holds, and by how much."""
    if verdict.value is None:
        return "unknown" if verdict.unknown else "no total"
    left = verdict.budget.most - verdict.value
    if left >= 0 and verdict.unknown:
        return "unknown"
    if verdict.budget.origin == EARLIER:
        return f"{number(abs(left))} {'more' if left < 0 else 'less'}" if left else "as before"
    return f"ok, {number(left)} left" if left >= 0 else f"over by {number(-left)}"
