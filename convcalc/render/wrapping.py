"""Formulas and sentences, and tables of them, that are no wider than the screen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from convcalc.render.report import Table
from convcalc.visible import visible, width

#: Below this a line holds no formula, and is left to the terminal.
_NARROWEST = 30
_OPENING, _CLOSING = "([⌊⌈", ")]⌋⌉"
#: What has a space on both sides, and begins a line.
_OPERATORS = "+−=<>≤≥"
#: What parts two words, or the parts of a dotted name.
_WORD = re.compile(r"\s+|(?<=\.)(?=[^\d\s])")


def screen_width() -> int:
    """The columns of the terminal, 80 where there is none."""
    return max(shutil.get_terminal_size().columns, _NARROWEST)


def wrapped(text: str, columns: int, hang: int, prose: bool = False) -> Iterator[str]:
    """A text in lines of at most `columns`, those after the first indented by `hang`.

    A formula is broken before an operator, the outermost first, and a list behind a comma; `prose`
    between words. What has none of these is cut. The first `hang` columns stay together, as far as
    they leave half of a line.
    """
    hang = min(hang, columns // 2)
    rest = visible(text)
    while width(rest) > columns:
        at = _break(rest, columns, hang, prose)
        yield rest[:at].rstrip()
        rest = " " * hang + rest[at:].lstrip()
    yield rest


def _break(text: str, columns: int, start: int, prose: bool) -> int:
    """Where a line ends that may be broken behind `start`."""
    best: tuple[int, int] | None = None
    depth = used = 0
    early = start + (columns - start) // 3
    for at, char in enumerate(text):
        kind = _kind(text, at, prose) if at > start else None
        if kind is not None:
            # A break near the beginning wastes the line.
            rank = kind if prose else kind + 2 * depth + 2 * (used < early)
            if best is None or rank <= best[0]:
                best = rank, at
        depth += (char in _OPENING) - (char in _CLOSING)
        used += width(char)
        if used > columns:
            break
    return at if best is None else best[1]


def _kind(text: str, at: int, prose: bool) -> int | None:
    """How well a line may end before a character: 0 is best, None not at all."""
    char, before, after = text[at], text[at - 1], text[at + 1 : at + 2]
    if char == " ":
        if before in _OPERATORS or (prose and after in _OPERATORS):
            return None
        return 0 if prose or before in ",:" or after in _OPERATORS else 1
    if before == "." and not char.isdigit():
        return 1
    if prose:
        return None
    return 1 if char == "·" or (char == "/" and after == "(") else None


def wrapped_table(table: Table, columns: int, prose: Sequence[bool]) -> Table:
    """A table of texts on a screen of `columns`: a long cell goes on in the rows below.

    `prose` says in which columns sentences stand, and not formulas. Of several lines in a cell each
    begins anew.
    """
    room = columns - 2 * len(table.header)
    widths = _shared_out(room, list(zip(table.header, *table.rows())), prose)
    rows: list[tuple[str, ...]] = []
    was_long = False
    for row in table.rows():
        parts = [
            [part for line in cell.split("\n") for part in wrapped(line, most, 0, is_prose)]
            for cell, most, is_prose in zip(row, widths, prose)
        ]
        is_long = max(map(len, parts)) > 1
        if rows and (is_long or was_long):
            rows.append(("",) * len(row))
        rows += zip_longest(*parts, fillvalue="")
        was_long = is_long
    return table._replace(rows=lambda: rows, heavy=frozenset())


def _shared_out(room: int, cells: Sequence[Sequence[str]], prose: Sequence[bool]) -> list[int]:
    """The widths of columns with these cells: as wide as they need, the long ones alike.

    Words are whole where there is room for them; a formula has an equal part of the rest.
    """
    longest = [max(width(line) for cell in each for line in cell.split("\n")) for each in cells]
    words = [max(width(word) for cell in each for word in _WORD.split(cell)) for each in cells]
    rest = room - sum(word for word, is_prose in zip(words, prose) if is_prose)
    part = max(rest, 0) // max(len(cells) - sum(prose), 1)
    widths = [word if is_prose else min(word, part) for word, is_prose in zip(words, prose)]
    for _ in range(sum(widths) - room):
        widths[max(range(len(widths)), key=widths.__getitem__)] -= 1
    for _ in range(room - sum(widths)):
        narrow = [index for index, most in enumerate(longest) if widths[index] < most]
        if narrow:
            widths[min(narrow, key=widths.__getitem__)] += 1
    return widths
