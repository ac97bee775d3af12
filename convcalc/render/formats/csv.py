"""CSV: one row a layer, a group, a network, a figure, under the names that JSON has."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from convcalc.render.formats.base import Format
from convcalc.render.report import Report


def render(report: Report) -> Iterator[str]:
    """A header and a line a row; what there is no number for is empty."""
    records = report.records()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(records.header)
    writer.writerows(records.rows)
    yield text.getvalue()


FORMAT = Format("csv", (".csv",), render)
