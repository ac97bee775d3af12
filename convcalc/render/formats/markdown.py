"""Tables for GitHub and its kin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from convcalc.render.formats.base import Format
from convcalc.render.report import Report, Table, tables_as
from convcalc.visible import as_line, visible

#: What Markdown, and mathematics in it, reads as more than a character. `_` is left out: inside a
#: word, where most are, it is none of its marks.
_MARK = re.compile(r"[\\`*~|<\[\]#&$]")
#: What makes a link without any mark.
_LINK = re.compile(r":(?=//)|(?<=www)\.")


def render(report: Report) -> Iterator[str]:
    """A GitHub table each, with its title above and its legend below."""
    return tables_as(report, _table)


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield f"### {_escaped(table.title).strip()}"
        yield ""
    yield _row(table.header)
    yield _joined("---:" if numeric else "---" for numeric in table.numeric)
    yield from map(_row, table.rows())
    if table.totals:
        cells = [_escaped(cell).strip() for cell in table.totals]
        yield _joined(f"**{cell}**" if cell else "" for cell in cells)
    if table.legend:
        yield ""
        yield from map(_prose, table.legend)


def _row(cells: Iterable[str]) -> str:
    return _joined(_escaped(cell).strip() for cell in cells)


def _joined(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """A text that is shown as what it is."""
    text = _MARK.sub(r"\\\g<0>", visible(text))
    if "_" in text:
        text = re.sub("_+", _underscores, text)
    return _LINK.sub(r"\\\g<0>", text) if "//" in text or "www." in text else text


def _underscores(found: re.Match[str]) -> str:
    """Underscores, which are marks where they do not stand between letters or digits."""
    text, (start, end) = found.string, found.span()
    inside = text[start - 1 : start].isalnum() and text[end : end + 1].isalnum()
    return found[0] if inside else found[0].replace("_", r"\_")


def _prose(line: str) -> str:
    """A line of a legend, in which `backticks` quote, as they do in Markdown."""
    parts = re.split("(`[^`]+`)", line)
    return "".join(
        as_line(part) if index % 2 else _escaped(part) for index, part in enumerate(parts)
    )


FORMAT = Format("markdown", (".md", ".markdown"), render)
