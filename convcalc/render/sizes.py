"""The sizes of networks as a report, as a tool prints them under its summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from convcalc.graph import Graph
from convcalc.render.heading import heading, shapes
from convcalc.render.memory import FORMAT
from convcalc.render.report import Records, Report, Table
from convcalc.sizes import Sizes


def report(found: Sequence[tuple[Graph, Sizes]], batch: int, dtype: str) -> Report:
    """A table a network, a row a size; for programs each size also as the number that it is."""

    def lines() -> Iterator[Mapping[str, Any]]:
        for graph, sizes in found:
            lead = {"network": graph.preset or graph.name} if len(found) > 1 else {}
            for name, text in sizes.printed.items():
                yield {**lead, "size": name, "megabytes": sizes.sizes[name], "printed": text}

    def records() -> Records:
        lead = ("network",) if len(found) > 1 else ()
        header = (*lead, "size", "megabytes", "printed")
        return Records(header, (list(line.values()) for line in lines()))

    return Report(
        lambda: [_object(graph, sizes, batch, dtype) for graph, sizes in found],
        lines,
        records,
        lambda: [_table(graph, sizes, batch, dtype) for graph, sizes in found],
    )


def _object(graph: Graph, sizes: Sizes, batch: int, dtype: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **graph.to_dict(),
        "batch": batch,
        "dtype": dtype,
        "definition": sizes.definition,
        "tool": sizes.tool,
        "version": sizes.version,
        "sizes": dict(sizes.sizes),
        "printed": dict(sizes.printed),
        "notes": list(sizes.notes),
    }


def _table(graph: Graph, sizes: Sizes, batch: int, dtype: str) -> Table:
    rows = [(sizes.labels[name], text) for name, text in sizes.printed.items()]
    said = f"`{sizes.definition}`, by the rule of {sizes.tool} {sizes.version}: {sizes.meaning}."
    legend = (f"input {shapes(graph)}; batch {batch}; {dtype}.", said)
    notes = (f"{note}: this is what its rule comes to for these layers." for note in sizes.notes)
    return Table(
        heading(graph, batch),
        ("Size", "Printed"),
        (False, True),
        partial(iter, rows),
        (),
        (*legend, *notes),
    )
