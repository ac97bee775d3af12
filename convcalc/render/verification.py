"""What PyTorch says of networks as a report: where it says another thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.render.heading import heading
from convcalc.render.report import Records, Report, Table
from convcalc.verification import Verification
from convcalc.words import counted, grouped, sizes

FORMAT = "convcalc.verification/1"
_HEADER = ("Layer", "What", "convcalc", "PyTorch")


def report(found: Sequence[Verification]) -> Report:
    """A row a difference, for each network."""

    def objects() -> list[dict[str, Any]]:
        return [
            {
                "format": FORMAT,
                **each.graph.to_dict(),
                "torch": each.torch,
                "passed": each.passed,
                "layers": each.layers,
                "differences": [difference._asdict() for difference in each.differences],
            }
            for each in found
        ]

    def lines() -> Iterator[Mapping[str, Any]]:
        for each in found:
            for difference in each.differences:
                yield {"network": each.graph.name, **difference._asdict()}

    def records() -> Records:
        rows = [
            (
                line["network"],
                line["name"],
                line["what"],
                _shown(line["ours"]),
                _shown(line["theirs"]),
            )
            for line in lines()
        ]
        return Records(("network", "name", "what", "ours", "theirs"), rows)

    def tables() -> list[Table]:
        return [_table(each) for each in found]

    return Report(objects, lines, records, tables)


def _table(found: Verification) -> Table:
    rows = [(d.name, d.what, _shown(d.ours), _shown(d.theirs)) for d in found.differences]
    compared = f"{counted(found.layers, 'layer')}, built and run by PyTorch {found.torch}: "
    said = (
        "shapes, weights and MACs are the same."
        if found.passed
        else f"{counted(len(rows), 'difference')}."
    )
    header = _HEADER if rows else ()
    return Table(
        heading(found.graph), header, (False,) * len(header), lambda: rows, (), (compared + said,)
    )


def _shown(value: Any) -> str:
    """A figure, a shape, or the shapes of several tensors."""
    if value is None:
        return ""
    if isinstance(value, int):
        return grouped(value)
    if isinstance(value, (list, tuple)):
        flat = all(isinstance(each, int) for each in value)
        return sizes(value) if flat else ", ".join(map(_shown, value))
    return str(value)
