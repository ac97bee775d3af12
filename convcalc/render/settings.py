"""Settings that a search found in a space, as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.arithmetic import is_fraction
from convcalc.render.columns import find
from convcalc.render.heading import as_setting
from convcalc.render.numbers import as_number
from convcalc.render.report import Table
from convcalc.words import grouped, short


def about(format: str, found: Any) -> dict[str, Any]:
    """What a search is of, as JSON has it."""
    return {
        "format": format,
        "name": found.name,
        "variables": list(found.variables),
        "space": found.space,
        "invalid": found.invalid,
    }


def in_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON has it."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(map(_plain, value))
    return as_number(value) if is_fraction(value) else value


def table(
    title: str,
    names: Sequence[str],
    metrics: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    si: bool = False,
) -> Table:
    """A row a setting: its variables, then its figures."""
    number = short if si else grouped

    def cells() -> Iterator[tuple[str, ...]]:
        for row in rows:
            yield tuple(
                number(row[name]) if name in metrics else as_setting(row[name]) for name in names
            )

    header = tuple(find(name).title if name in metrics else name for name in names)
    return Table(title, header, (True,) * len(names), cells)
