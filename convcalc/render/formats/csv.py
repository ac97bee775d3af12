"""CSV: one row a layer, a group, a network, a figure, under the names that JSON has."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from convcalc.render.formats.base import Format
from convcalc.render.report import Report


def render(report: Report) -> Iterator[str]:
    """A header and a line a row; what there is no number for is empty."""
    records = report.records()
    line = csv.writer(_Echo(), lineterminator="\n").writerow
    yield line(records.header)
    yield from map(line, records.rows)


class _Echo:
    """A file whose writer gets back what it writes."""

    def write(self, text: str) -> str:
        return text


FORMAT = Format("csv", (".csv",), render, "records")
