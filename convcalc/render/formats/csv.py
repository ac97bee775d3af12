"""CSV: one row a layer, a group, a network, a figure, under the names that JSON has."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from itertools import chain

from convcalc.render.formats.base import Format
from convcalc.render.report import Report
from convcalc.visible import as_line

#: How a formula begins for a spreadsheet, in a cell of its own or where `;` parts cells (OWASP, CSV
#: injection; tabs and line ends are escapes by then). A quote before the sign makes it a text.
_FORMULA = re.compile(r"(^|;)\s*(?=[=+\-@＝＋－＠])")
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")


def render(report: Report) -> Iterator[str]:
    """A header and a line a row; what there is no number for is empty."""
    records = report.records()
    line = csv.writer(_Echo(), lineterminator="\n").writerow
    for row in chain([records.header], records.rows):
        yield line([_inert(value) if isinstance(value, str) else value for value in row])


class _Echo:
    """A file whose writer gets back what it writes."""

    def write(self, text: str) -> str:
        return text


def _inert(text: str) -> str:
    """A text that nothing takes for a formula or for two rows."""
    if _NUMBER.match(text):
        return text
    text = as_line(text)
    return _FORMULA.sub(r"\g<0>'", text) if ";" in text or _FORMULA.match(text) else text


FORMAT = Format("csv", (".csv",), render, "records")
