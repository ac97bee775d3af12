"""Formulas and sentences on lines that are no wider than the screen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from convcalc.visible import visible, width

#: Below this a line holds no formula, and is left to the terminal.
_NARROWEST = 30
_OPENING, _CLOSING = "([⌊⌈", ")]⌋⌉"
#: What has a space on both sides, and begins a line.
_OPERATORS = "+−=<>≤≥"


def screen_width() -> int:
    """The columns of the terminal, 80 where there is none."""
    return max(shutil.get_terminal_size().columns, _NARROWEST)


def wrapped(text: str, columns: int, hang: int, prose: bool = False) -> Iterator[str]:
    """A text in lines of at most `columns`, those after the first indented by `hang`.

    A formula is broken before an operator, the outermost first, and a list behind a comma; `prose`
    between words. What has none of these is cut. The first `hang` columns stay together.
    """
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
