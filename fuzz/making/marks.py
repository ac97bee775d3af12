"""The places of a text, in the document that it is; and a document without the lines refused."""

from __future__ import annotations

from typing import Any

import convcalc
from convcalc.diagnostics import Mark, Source
from convcalc.language.limits import Budget
from convcalc.language.reader import read
from fuzz.making.places import Path, at, element_paths, paths, without
from fuzz.making.text import on_one_line

#: How many lines are left out before a document is given up.
_MOST = 12


def element_at(data: Any, mark: Mark) -> Path | None:
    """The innermost element of a layers' list that a place of the text on one line is in."""
    raw = read(Source("", on_one_line(data)), Budget())
    found = None
    for path in element_paths(data):
        line = at(raw, path[:-1]).mark_of(path[-1])
        if line.column <= mark.column < line.column + line.length:
            found = path
    return found


def value_at(data: Any, mark: Mark) -> Path | None:
    """The value whose place in the text on one line this is."""
    raw = read(Source("", on_one_line(data)), Budget())
    found = [path for path in paths(data) if path and at(raw, path[:-1]).mark_of(path[-1]) == mark]
    return found[0] if found else None


def repaired(data: Any) -> Any:
    """The document without the lines that are refused; None where that does not mend it."""
    for _ in range(_MOST):
        try:
            convcalc.loads(on_one_line(data))
            return data
        except convcalc.ConvcalcError as error:
            mark = error.diagnostics[0].mark
        path = mark and element_at(data, mark)
        if not path:
            return None
        data = without(data, path)
        if not data["layers"]:
            data = {**data, "layers": ["identity"]}
    return None
