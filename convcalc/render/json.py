"""JSON: what programs read; see docs/json.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.analysis import Analysis, Share
from convcalc.render.columns import sorted_rows


def render(objects: Sequence[Any]) -> Iterator[str]:
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


def shares_object(analysis: Analysis, shares: Sequence[Share], by: str) -> dict[str, Any]:
    """An analysis with groups in the place of layers."""
    data = analysis.to_dict()
    del data["layers"]
    return data | {
        "group_by": by,
        "groups": [{"group": share.group, **share.totals._asdict()} for share in shares],
    }
