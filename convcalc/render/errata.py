"""Errata as a report: a table a source."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from convcalc.errata import Erratum
from convcalc.render.report import Records, Report, Table

_HEADER = ("Network", "Published", "Right", "Why", "Shown by")


def report(errata: Sequence[Erratum], name: str | None = None) -> Report:
    """Errata, of the network that is called `name` or of all."""

    def objects() -> list[dict[str, Any]]:
        return [each._asdict() for each in errata]

    def tables() -> list[Table]:
        if not errata:
            return [_table("", (), (f"No erratum of `{name}` is known.",))]
        return [
            _table(f"{source}: {page}", tuple(found))
            for (source, page), found in groupby(errata, lambda each: (each.source, each.page))
        ]

    return Report(
        lambda: [{"format": "convcalc.errata/1", "errata": objects()}],
        objects,
        lambda: Records(Erratum._fields, errata),
        tables,
    )


def _table(title: str, errata: Sequence[Erratum], legend: tuple[str, ...] = ()) -> Table:
    rows = [(e.network, e.published, e.right, e.reason, e.command) for e in errata]
    return Table(title, _HEADER, (False,) * len(_HEADER), lambda: rows, (), legend)
