"""JSON lines: the rows of an answer alone, an object a line."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.render.formats.base import Format
from convcalc.render.formats.json import line
from convcalc.render.report import Report


def render(report: Report) -> Iterator[str]:
    """A line a row."""
    for each in report.lines():
        yield line(each) + "\n"


FORMAT = Format("jsonl", (".jsonl", ".ndjson"), render, "objects")
