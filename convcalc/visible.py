"""Text from outside, made safe to print: characters that command or hide are written as escapes.

Whatever prints uses these where text leaves, each medium with what is its own beside them. Before
that, and in Python's values, a text is what it is.
"""

from __future__ import annotations

import re

#: The categories of what a terminal obeys or does not show: control characters, marks of direction
#: and what else has no picture, line ends, halves of a surrogate pair.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
#: What passes for a letter or a mark and has no picture either. The selectors U+FE00 to U+FE0F are
#: not among it: they choose how the character before them looks.
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2065\u3164\uffa0"
    "\ufffe\uffff\ufff0\ufff1\ufff2\ufff3\ufff4\ufff5\ufff6\ufff7\ufff8"
) | frozenset(map(chr, range(0xE0100, 0xE01F0)))
#: What a CI service obeys in its log: GitHub `::` at the beginning of a line and `##[` anywhere,
#: others `##vso[` and `##teamcity[`. A match is what a backslash parts from the rest.
_OBEYED = r"^\s*(?=::)|#(?=#\w{0,20}\[)"


def visible(text: str) -> str:
    r"""A text on one line, nothing of which is unseen: `\n` stands for a line break."""
    if text.isprintable() and (text.isascii() or _BLANK.isdisjoint(text)):
        return text
    return text.translate({ord(char): _escape(char) for char in _unseen(text)})


def composed(text: str) -> str:
    """A text in the form in which equal ones have equal characters: Unicode's NFC."""
    if text.isascii():
        return text
    from unicodedata import normalize

    return normalize("NFC", text)


def is_identifier(text: str) -> bool:
    """Whether a text is a name in any script, by UAX #31, nothing of which is unseen."""
    if text.isascii():
        return text.isidentifier()
    # A selector chooses how a character looks, and most characters look the same with one.
    return text.isidentifier() and visible(text) == text and not re.search("[\ufe00-\ufe0f]", text)


def as_line(text: str) -> str:
    """A text as a line for a terminal or a log, where nothing obeys it.

    It may be made of parts that are lines already.
    """
    text = visible(text)
    if "::" in text or "##" in text:
        text = re.sub(_OBEYED, r"\g<0>\\", text)
    return text


def in_json(text: str) -> str:
    """A text of JSON as UTF-8 can have it and a terminal may show it; its values are the same.

    What is unseen in it, and what a log obeys, is written as JSON's own escapes.
    """
    if not text.isascii() or "\x7f" in text:
        # What is below is the white space between values; in texts JSON writes escapes anyway.
        unseen = [char for char in _unseen(text) if char > "~"]
        text = text.translate({ord(char): _units(char) for char in unseen})
    return text.replace("##", r"#\u0023")


def width(text: str) -> int:
    """The columns that a visible text takes on a terminal."""
    if text.isascii() or max(text) < "\u0300":  # where combining marks begin
        return len(text)
    from unicodedata import category, east_asian_width

    wide = sum(east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(category(char) in ("Mn", "Me") for char in text)


def cut(text: str, most: int) -> str:
    """A visible text in so many columns of a terminal: a long one ends in `…`."""
    if width(text) <= most:
        return text
    while width(text) >= most:
        text = text[:-1]
    return f"{text}…"


def cut_inside(text: str, most: int) -> str:
    """A visible text in so many columns of a terminal: a long one has `…` behind its first third.

    Of a path that keeps where it begins and where it leads.
    """
    if width(text) <= most:
        return text
    head = cut(text, most // 3)
    tail = text[len(head) - 1 :]
    while width(head) + width(tail) > most:
        tail = tail[1:]
    return head + tail


def _unseen(text: str) -> list[str]:
    """The characters of a text that a terminal obeys or does not show."""
    from unicodedata import category

    # Not all of the tags' plane is assigned, and none of it is shown.
    return [
        char
        for char in set(text)
        if category(char) in _UNSEEN or char in _BLANK or 0xE0000 <= ord(char) <= 0xE0FFF
    ]


def _escape(char: str) -> str:
    r"""As YAML and Python write it: `\n`, `\x1b`, `\u202e`."""
    return char.encode("unicode_escape").decode()


def _units(char: str) -> str:
    r"""As JSON writes it, by the units of UTF-16: `\udb40\udc01`."""
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
