"""What the command line prints, read back: the cells of tables."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

#: The cells of a table, line by line, from the header to the totals.
Cells = list[list[str]]


def aligned(text: str) -> Cells:
    """The cells of a table in columns."""
    lines = text.split("\n")
    rule = next(index for index, line in enumerate(lines) if line and set(line) <= {"─", " "})
    spans = [found.span() for found in re.finditer("─+", lines[rule])]
    table = [lines[rule - 1], *lines[rule + 1 :]]
    cells = []
    for line in table[: table.index("") if "" in table else None]:
        if set(line) - {"─", " "}:
            cells.append([line[start:end].strip() for start, end in spans])
    return cells


def markdown(text: str) -> Cells:
    """The cells of a Markdown table."""
    lines = [line for line in text.split("\n") if line.startswith("| ")]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in (lines[0], *lines[2:])]
    bold = [cell.strip().removeprefix("**").removesuffix("**") for cell in cells[-1]]
    shown = [[cell.strip() for cell in line] for line in cells[:-1]] + [bold]
    return [[re.sub(r"\\(.)", r"\1", cell) for cell in line] for line in shown]


class _Cells(HTMLParser):
    """Collects the cells of the rows of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Cells = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self.inside = tag in ("td", "th")

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def html(text: str) -> Cells:
    """The cells of an HTML table."""
    parser = _Cells()
    parser.feed(text)
    return [[cell.strip() for cell in row] for row in parser.rows]
