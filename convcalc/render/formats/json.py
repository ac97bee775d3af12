"""JSON: what programs read; see docs/json.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from convcalc.render.formats.base import Format
from convcalc.render.report import Report
from convcalc.visible import in_json

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def line(value: Any) -> str:
    """The text of a value on one line; a fraction is a text, `3/2`."""
    return in_json(_encode(value))


def render(report: Report) -> Iterator[str]:
    """One object as it is, several as an array, in pieces.

    A key a line, and an item a line where the value is a list of objects: short to read, quick to
    write, and a network of a hundred thousand layers is never in memory as text.
    """
    objects = report.objects()
    if len(objects) == 1:
        yield from _object(objects[0], "")
    else:
        yield from _array(iter(objects), "", nested=True)
    yield "\n"


def _object(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    yield "{"
    for index, (key, value) in enumerate(data.items()):
        yield f"{',' if index else ''}\n{indent}  {line(key)}: "
        if isinstance(value, Iterator) or (value and _is_objects(value)):
            yield from _array(iter(value), indent + "  ", nested=False)
        else:
            yield line(value)
    yield f"\n{indent}}}"


def _array(items: Iterator[Any], indent: str, nested: bool) -> Iterator[str]:
    yield "["
    for index, item in enumerate(items):
        yield f"{',' if index else ''}\n{indent}  "
        yield from _object(item, indent + "  ") if nested else (line(item),)
    yield f"\n{indent}]"


def _is_objects(value: Any) -> bool:
    return isinstance(value, list) and isinstance(value[0], dict)


FORMAT = Format("json", (".json",), render, "objects")
