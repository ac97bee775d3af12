"""Lines of Python, broken as black and ruff break them.

A logical line comes on one line and leaves on as many as it needs: its last bracket that can be
opened is, first with all that is in it on a line of its own, then with an item on each.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from convcalc.visible import visible

#: The longest line.
WIDTH = 100
_OPENING, _CLOSING = "([{", ")]}"
INDENT = "    "


def broken(line: str, width: int = WIDTH) -> list[str]:
    """A logical line, with its indentation, on as many lines as it takes."""
    if len(line) <= width:
        return [line]
    body = line.lstrip(" ")
    indent = line[: len(line) - len(body)]
    for start, end in _brackets(body):
        head, inside, tail = body[: start + 1], body[start + 1 : end], body[end:]
        if not inside.strip() or len(indent) + len(head) > width:
            continue
        deeper = indent + INDENT
        items = list(_items(inside))
        last = [f"{indent}{tail}"]
        if len(indent) + len(tail) > width:
            continue
        whole = _is_call(head) or len(items) == 1
        if whole and len(deeper) + len(inside) <= width and not inside.rstrip().endswith(","):
            return [f"{indent}{head}", f"{deeper}{inside.strip()}", *last]
        if len(items) == 1 and head[-1] != "[":
            return [f"{indent}{head}", *broken(f"{deeper}{items[0]}", width), *last]
        if _is_comprehension(inside):
            return [line]
        lines = [each for item in items for each in broken(f"{deeper}{item},", width)]
        return [f"{indent}{head}", *lines, *last]
    return [line]


def docstring(*paragraphs: str) -> str:
    """Texts from outside as a docstring, a paragraph each: it says them whatever they are.

    White space in them parts words, and no more; empty ones are left out.
    """
    first, *others = [_escaped(" ".join(each.split())) for each in paragraphs if each.strip()]
    lines = _WRAPPED.wrap(f'"""{first}')
    for each in others:
        lines += ["", *_WRAPPED.wrap(each)]
    if len(lines) == 1 and len(lines[0]) + 3 <= WIDTH:
        return f'{lines[0]}"""'
    return "\n".join([*lines, '"""'])


_WRAPPED = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)


def _escaped(text: str) -> str:
    """A text as it is between three quotes: none of its own ends it, and nothing is unseen."""
    return visible(re.sub('"(?="|$)', r"\"", text.replace("\\", r"\\")))


def _is_call(head: str) -> bool:
    """Whether the bracket that a text ends with holds arguments, not the items of a list."""
    before = head[-2:-1]
    return head[-1] == "(" and (before.isalnum() or before in ("_", ")", "]"))


def _is_comprehension(inside: str) -> bool:
    """Whether brackets hold one item with a loop."""
    depth = 0
    for at, char in _signs(inside):
        depth += (char in _OPENING) - (char in _CLOSING)
        if depth == 0 and inside.startswith(" for ", at):
            return True
    return False


def _brackets(text: str) -> Iterator[tuple[int, int]]:
    """Where the outermost brackets of a line open and close, from the last to the first."""
    found, opened = [], []
    for at, char in _signs(text):
        if char in _OPENING:
            opened.append(at)
        elif char in _CLOSING:
            start = opened.pop()
            if not opened:
                found.append((start, at))
    return reversed(found)


def _items(text: str) -> Iterator[str]:
    """What the commas of a list part."""
    depth = start = 0
    for at, char in _signs(text):
        if char in _OPENING:
            depth += 1
        elif char in _CLOSING:
            depth -= 1
        elif char == "," and depth == 0:
            yield text[start:at].strip()
            start = at + 1
    if text[start:].strip():
        yield text[start:].strip()


def _signs(text: str) -> Iterator[tuple[int, str]]:
    """The characters of a line, those inside of texts left out."""
    quote = ""
    skip = False
    for at, char in enumerate(text):
        if skip:
            skip = False
        elif quote:
            skip = char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        else:
            yield at, char
