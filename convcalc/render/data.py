"""JSON and CSV: what programs read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from convcalc.analysis import Analysis, Share
from convcalc.render.columns import CSV, Column, chosen, sorted_rows


def to_json(objects: Sequence[Any]) -> str:
    """One object as it is, several as an array."""
    value: Any = objects[0] if len(objects) == 1 else list(objects)
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def analysis_object(analysis: Analysis, sort: str | None) -> dict[str, Any]:
    """An analysis as JSON has it, its layers by a column."""
    return analysis._replace(rows=tuple(sorted_rows(analysis.rows, sort))).to_dict()


def analysis_input(analysis: Analysis) -> Any:
    """The input's shape; of several inputs, by name."""
    shapes = {name: list(shape) for name, shape in analysis.inputs.items()}
    return shapes["input"] if list(shapes) == ["input"] else shapes


def objects_to_csv(objects: Sequence[dict[str, Any]]) -> str:
    """One row an object, the keys of the first as header."""
    rows = [list(objects[0]), *([_flat(value) for value in each.values()] for each in objects)]
    return _csv(rows)


def _flat(value: Any) -> Any:
    return "x".join(map(str, value)) if isinstance(value, list) else value


def shares_object(analysis: Analysis, shares: Sequence[Share], by: str) -> dict[str, Any]:
    """An analysis with groups in the place of layers."""
    data = analysis.to_dict()
    del data["layers"]
    return data | {
        "group_by": by,
        "groups": [{"group": share.group, **share.totals._asdict()} for share in shares],
    }


def to_csv(analyses: Sequence[Analysis], columns: str | None, sort: str | None) -> str:
    """One row a layer; a `network` column first where there are several networks."""
    kept = chosen(columns, CSV)
    lead = ["network"] if len(analyses) > 1 else []
    rows: list[list[Any]] = [[*lead, *(column.key for column in kept)]]
    for analysis in analyses:
        name = [analysis.preset or analysis.name] if lead else []
        for row in sorted_rows(analysis.rows, sort):
            rows.append([*name, *(_cell(column, row) for column in kept)])
    return _csv(rows)


def shares_to_csv(analyses: Sequence[tuple[Analysis, Sequence[Share]]], by: str) -> str:
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


def _cell(column: Column, row: Any) -> Any:
    value = column.read(row)
    return "" if value is None else value


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
