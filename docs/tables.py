"""Tables for the pages that are made from the code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown; what its marks would be in a cell is a character."""
    lines: list[Sequence[str]] = [header, ["---"] * len(header), *rows]
    cells = ([cell.replace("*", r"\*").replace("|", r"\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)
