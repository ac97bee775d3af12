"""The front of a space as a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.render.report import Report, Table, records_of
from convcalc.render.settings import about, in_json, table
from convcalc.search.pareto import Pareto

FORMAT = "convcalc.pareto/1"


def report(found: Pareto, title: str, si: bool = False) -> Report:
    """A row a setting, the best in the first goal first."""

    def objects() -> list[dict[str, Any]]:
        goals = [str(goal) for goal in found.goals]
        return [{**about(FORMAT, found), "goals": goals, "rows": lines()}]

    def lines() -> Sequence[Mapping[str, Any]]:
        return [in_json(row) for row in found.rows]

    def tables() -> list[Table]:
        names = (*found.variables, *found.metrics)
        made = table(title, names, found.metrics, found.rows, si)
        goals = ", ".join(map(str, found.goals))
        legend = f"Of {found.space:,} settings, those than which none is better: {goals}."
        return [made._replace(legend=(legend,))]

    return Report(objects, lines, lambda: records_of(lines()), tables)
