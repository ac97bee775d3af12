"""From a document that shows something to the smallest one that still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fuzz.making.places import at, changed, paths, without

#: How many documents are tried.
_MOST = 3000


def reduced(data: Any, shows: Callable[[Any], bool]) -> Any:
    """A part of the document for which `shows` is true, as it is for the whole."""
    left = _MOST
    smaller = True
    while smaller and left > 0:
        smaller = False
        for candidate in _smaller(data):
            left -= 1
            if left <= 0:
                break
            if shows(candidate):
                data, smaller = candidate, True
                break
    return data


def _smaller(data: Any) -> Iterator[Any]:
    """Documents that lack one thing, those that lack the most first."""
    for path in paths(data):
        if path:
            yield without(data, path)
    for path in paths(data):
        value = at(data, path)
        simple = 1 if type(value) in (int, float) else "a" if isinstance(value, str) else value
        if simple != value:
            yield changed(data, path, lambda _, simple=simple: simple)  # type: ignore[misc]
        elif isinstance(value, dict) and len(value) == 1:
            # A structure around lines, in whose place the first of them may stand.
            for inner in (each for fields in value.values() for each in _lines(fields)):
                yield changed(data, path, lambda _, inner=inner: inner)  # type: ignore[misc]


def _lines(fields: Any) -> list[Any]:
    lines = fields.get("layers") if isinstance(fields, dict) else None
    return lines[:1] if isinstance(lines, list) else []
