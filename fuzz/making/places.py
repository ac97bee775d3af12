"""The places of values in a document: paths of keys and indices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Path = tuple[str | int, ...]


def paths(data: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value in a document, from the outside in; its own is empty."""
    yield path
    entries = data.items() if isinstance(data, dict) else ()
    for key, value in entries if not isinstance(data, list) else enumerate(data):
        yield from paths(value, (*path, key))


def at(data: Any, path: Path) -> Any:
    """The value at a path."""
    for key in path:
        data = data[key]
    return data


def changed(data: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """A copy in which the value at a path is what `change` makes of it."""
    if not path:
        return change(data)
    key, *rest = path
    copy = data.copy()
    copy[key] = changed(data[key], tuple(rest), change)
    return copy


def without(data: Any, path: Path) -> Any:
    """A copy that lacks the value at a path, and its key."""
    return changed(data, path[:-1], lambda owner: _less(owner, path[-1]))


def _less(owner: Any, key: Any) -> Any:
    copy = owner.copy()
    del copy[key]
    return copy


def element_paths(data: Any) -> Iterator[Path]:
    """The path of every element of a list of layers, those outside before those inside."""
    if not isinstance(data, dict):
        return
    yield from _elements(data.get("layers"), ("layers",))
    for name, block in _entries(data.get("blocks")):
        if isinstance(block, dict):
            yield from _elements(block.get("layers"), ("blocks", name, "layers"))


def _elements(lines: Any, path: Path) -> Iterator[Path]:
    """The paths of the elements of one list, and of those in them."""
    for index, line in enumerate(lines if isinstance(lines, list) else ()):
        here = (*path, index)
        yield here
        for name, fields in _entries(line):
            for key, value in _entries(fields):
                if key in ("layers", "shortcut"):
                    yield from _elements(value, (*here, name, key))
                elif key == "paths" and isinstance(value, list):
                    for number, each in enumerate(value):
                        yield from _elements(each, (*here, name, key, number))


def _entries(data: Any) -> list[tuple[str, Any]]:
    return list(data.items()) if isinstance(data, dict) else []
