"""How many settings of a space are within what is asked, and some of them, as a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.render.report import Report, Table, records_of
from convcalc.render.settings import about, in_json, table
from convcalc.search.counting import Count
from convcalc.words import grouped, short

FORMAT = "convcalc.count/1"


def report(found: Count, title: str, seed: int = 0, si: bool = False) -> Report:
    """One row, or one for each setting that was drawn."""

    def objects() -> list[dict[str, Any]]:
        sample = {"seed": seed, "rows": rows()} if found.metrics else {}
        return [{**about(FORMAT, found), "count": found.count, **sample}]

    def rows() -> list[dict[str, Any]]:
        return [in_json(row) for row in found.rows]

    def lines() -> Sequence[Mapping[str, Any]]:
        return rows() if found.metrics else objects()

    def tables() -> list[Table]:
        number = short if si else grouped
        sizes = (found.space, found.invalid, found.count)

        def cells() -> Iterator[tuple[str, ...]]:
            yield tuple(map(number, sizes))

        header = ("Settings", "No network", "Fit")
        made = [Table(title, header, (True, True, True), cells)]
        if found.rows:
            names = (*found.variables, *found.metrics)
            made.append(table("Drawn at random", names, found.metrics, found.rows, si))
        return made

    return Report(objects, lines, lambda: records_of(lines()), tables)
