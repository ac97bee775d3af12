"""What PyTorch says of networks as a report: where it says another thing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.render.heading import heading
from convcalc.render.report import Records, Report, Table
from convcalc.verification import Verification
from convcalc.words import grouped, sizes

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
        return [_summary(found), *(_table(each) for each in found if not each.passed)]

    return Report(objects, lines, records, tables)


def _summary(found: Sequence[Verification]) -> Table:
    """A row a network: how many layers were compared, and in how many figures they differ."""
    rows = [
        (heading(each.graph), grouped(len(each.graph.nodes)), grouped(len(each.differences)))
        for each in found
    ]
    versions = " and ".join(dict.fromkeys(each.torch for each in found))
    legend = (
        f"Built and run by PyTorch {versions}: the shape, the weights and the MACs of each layer."
    )
    header = ("Network", "Layers", "Differences")
    return Table("", header, (False, True, True), lambda: rows, (), (legend,))


def _table(found: Verification) -> Table:
    """A row a difference."""
    rows = [(d.name, d.what, _shown(d.ours), _shown(d.theirs)) for d in found.differences]
    return Table(heading(found.graph), _HEADER, (False,) * len(_HEADER), lambda: rows)


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
