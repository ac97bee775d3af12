"""CSV: one row a layer, a group or a network."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from convcalc.analysis import Analysis, Share
from convcalc.render.columns import CSV, Column, chosen, defaults, sorted_rows


def render(analyses: Sequence[Analysis], columns: str | None, sort: str | None) -> str:
    """One row a layer; a `network` column first where there are several networks."""
    kept = chosen(columns, defaults(CSV, analyses[0]))
    lead = ["network"] if len(analyses) > 1 else []
    rows: list[list[Any]] = [[*lead, *(column.key for column in kept)]]
    for analysis in analyses:
        name = [analysis.preset or analysis.name] if lead else []
        for row in sorted_rows(analysis.rows, sort):
            rows.append([*name, *(_cell(column, row) for column in kept)])
    return _csv(rows)


def render_shares(analyses: Sequence[tuple[Analysis, Sequence[Share]]], by: str) -> str:
    """One row a group."""
    lead = ["network"] if len(analyses) > 1 else []
    figures = ["layers", "params", "buffers", "macs", "flops", "activations"]
    rows: list[list[Any]] = [[*lead, by, *figures]]
    for analysis, shares in analyses:
        name = [analysis.preset or analysis.name] if lead else []
        rows += [
            [*name, share.group, *("" if n is None else n for n in share.totals)]
            for share in shares
        ]
    return _csv(rows)


def render_objects(objects: Sequence[dict[str, Any]]) -> str:
    """One row an object, the keys of the first as header."""
    rows = [list(objects[0]), *([_flat(value) for value in each.values()] for each in objects)]
    return _csv(rows)


def _flat(value: Any) -> Any:
    return "x".join(map(str, value)) if isinstance(value, list) else value


def _cell(column: Column, row: Any) -> Any:
    value = column.read(row)
    return "" if value is None else value


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
