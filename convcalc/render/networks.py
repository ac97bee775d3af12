"""Networks side by side: a row each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convcalc.render.report import Report, Table, records_of
from convcalc.words import grouped, short, sizes

FORMAT = "convcalc.networks/1"

_LEGEND = (
    "`convcalc analyze NAME` takes each of these names. MACs are for one input, biases left out.",
)


def report(networks: Sequence[Mapping[str, Any]], si: bool = False) -> Report:
    """Networks of the zoo, as its index has them."""

    number = short if si else grouped

    def rows() -> Iterator[tuple[str, ...]]:
        for each, before in zip(networks, [None, *(each["family"] for each in networks)]):
            yield (
                each["family"] if each["family"] != before else "",
                each["name"],
                sizes(each["input"]).replace("x", "×"),
                number(each["params"]),
                number(each["macs"]),
            )

    def table() -> Table:
        header = ("Family", "Name", "Input", "Params", "MACs")
        return Table("", header, (False, False, False, True, True), rows, (), _LEGEND)

    return Report(
        lambda: [{"format": FORMAT, "networks": list(networks)}],
        lambda: networks,
        lambda: records_of(networks),
        lambda: [table()],
    )
