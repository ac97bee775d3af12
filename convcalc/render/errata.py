"""Errata as a report: a table a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from convcalc.errata import Erratum
from convcalc.render.report import Records, Report, Table
from convcalc.render.wrapping import wrapped_table

_HEADER = ("Network", "Published", "Right", "Why", "Shown by")


def report(errata: Sequence[Erratum], name: str | None = None) -> Report:
    """Errata, of the network that is called `name` or of all."""

    def objects() -> list[dict[str, Any]]:
        return [each._asdict() for each in errata]

    def by_source() -> Iterator[tuple[str, str, list[Erratum]]]:
        for (source, page), found in groupby(errata, lambda each: (each.source, each.page)):
            yield source, page, list(found)

    def tables() -> list[Table]:
        return [_table(f"{source}: {page}", found) for source, page, found in by_source()]

    def fitted(columns: int, lines: int) -> list[Table]:
        return [_narrow(*each, columns=columns) for each in by_source()]

    return Report(
        lambda: [{"format": "convcalc.errata/1", "errata": objects()}],
        objects,
        lambda: Records(Erratum._fields, errata),
        tables,
        None if errata else lambda: [f"No erratum of `{name}` is known."],
        [fitted],
    )


def _table(title: str, errata: Sequence[Erratum]) -> Table:
    rows = [(e.network, e.published, e.right, e.reason, e.command) for e in errata]
    return Table(title, _HEADER, (False,) * len(_HEADER), lambda: rows)


def _narrow(source: str, page: str, errata: Sequence[Erratum], columns: int) -> Table:
    """One for a screen: the command stands below the reason."""
    rows = [(e.network, e.published, e.right, f"{e.reason}\n{e.command}") for e in errata]
    header = (*_HEADER[:3], "Why, and what shows it")
    prose = (True,) * len(header)
    table = Table(source, header, (False,) * len(header), lambda: rows, (), (page,))
    return wrapped_table(table, columns, prose)
