"""JSON and CSV: what programs read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.analysis import Analysis, Share
from convcalc.render.columns import CSV, Column, chosen, defaults, sorted_rows


def to_json(objects: Sequence[Any]) -> Iterator[str]:
    """One object as it is, several as an array, in pieces.

    A key a line, and an item a line where the value is a list of objects: short to read, quick to
    write, and a network of a hundred thousand layers is never in memory as text.
    """
    if len(objects) == 1 and isinstance(objects[0], dict):
        yield from _object(objects[0], "")
    else:
        items = objects[0] if len(objects) == 1 else objects
        yield from _array((item for item in items), "", nested=len(objects) > 1)
    yield "\n"


def _object(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    yield "{"
    for index, (key, value) in enumerate(data.items()):
        yield f"{',' if index else ''}\n{indent}  {_line(key)}: "
        if isinstance(value, Iterator) or (value and _is_objects(value)):
            yield from _array(iter(value), indent + "  ", nested=False)
        else:
            yield _line(value)
    yield f"\n{indent}}}"


def _array(items: Iterator[Any], indent: str, nested: bool) -> Iterator[str]:
    yield "["
    for index, item in enumerate(items):
        yield f"{',' if index else ''}\n{indent}  "
        yield from _object(item, indent + "  ") if nested else (_line(item),)
    yield f"\n{indent}]"


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and isinstance(value[0], dict)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def analysis_object(analysis: Analysis, sort: str | None) -> dict[str, Any]:
    """An analysis as JSON has it, its layers by a column and made one by one."""
    data = analysis._replace(rows=()).to_dict()
    return {**data, "layers": (row.to_dict() for row in sorted_rows(analysis.rows, sort))}


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
    kept = chosen(columns, defaults(CSV, analyses[0]))
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
