"""Sizes as a tool prints them at the foot of its summary, as a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.graph import Graph
from convcalc.render.heading import heading, shapes
from convcalc.render.memory import FORMAT
from convcalc.render.report import Report, Table, records_of
from convcalc.sizes.base import Sizes


class Sized(NamedTuple):
    """A network, on so many samples of a type of number, and its sizes."""

    graph: Graph
    batch: int
    dtype: str
    sizes: Sizes


def report(found: Sequence[Sized]) -> Report:
    """A row a size, for each network, as the tool labels them."""

    def lines() -> Iterator[Mapping[str, Any]]:
        for each in found:
            lead = {"network": each.graph.preset or each.graph.name} if len(found) > 1 else {}
            sizes = each.sizes
            for name, size in sizes.sizes.items():
                yield {**lead, "name": name, "size": size, "printed": sizes.printed[name]}

    return Report(
        lambda: [_object(each) for each in found],
        lines,
        lambda: records_of([*lines()]),
        lambda: [_table(each) for each in found],
    )


def _object(found: Sized) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **found.graph.to_dict(),
        "batch": found.batch,
        "dtype": found.dtype,
        "definition": found.sizes.definition,
        "tool": found.sizes.tool,
        "version": found.sizes.version,
        "sizes": dict(found.sizes.sizes),
        "printed": dict(found.sizes.printed),
        "notes": list(found.sizes.notes),
    }


def _table(found: Sized) -> Table:
    sizes = found.sizes
    rows = [(sizes.labels[name], text) for name, text in sizes.printed.items()]
    meaning = sizes.meaning.rstrip(".")
    legend = (
        f"input {shapes(found.graph)}; batch {found.batch}; {found.dtype}.",
        f"{sizes.tool} {sizes.version}: {meaning}.",
        *(f"{note.rstrip('.')}." for note in sizes.notes),
    )
    return Table(
        heading(found.graph, found.batch),
        (f"As {sizes.tool} prints it", ""),
        (False, True),
        lambda: rows,
        (),
        legend,
    )
