"""Specs as YAML, written in every way that means the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

#: Texts that need no quotes, inside brackets neither.
_PLAIN = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_.+*/<>=() -]*[A-Za-z0-9_.+*/<>=()-])?")
_NO_TEXT = frozenset(("true", "false", "null"))
#: What only an escape brings into a text.
_ESCAPED = re.compile(
    "[^\x20-\x7e\xa1-\u167f\u1681-\u1fff\u2030-\ud7ff\uf900-\ufdff\U00010000-\U0001ffff]"
)
_COMMENTS = (" # a comment", " # - conv: {out: 8}", "  # сеть × 'a' \"b\"", " #", "\t# a tab")
_HEADS = ("", "", "", "", "---\n", "# a comment\n---\n", "\ufeff", "%YAML 1.2\n---\n", "\n\n")
_TAILS = ("", "", "", "\n...\n", "\n\n# the end")


def write(rng: Random, data: Any) -> str:
    """A YAML document of plain values, in a style of its own."""
    lines = "\n".join(_Writer(rng, data).lines(data))
    text = f"{rng.choice(_HEADS)}{lines}\n{rng.choice(_TAILS)}"
    return text.replace("\n", "\r\n") if rng.random() < 0.1 else text


def on_one_line(data: Any) -> str:
    """A YAML document of plain values, on one line."""
    return json.dumps(data, ensure_ascii=False)


class _Writer:
    """Writes one document. What is chosen once says how often each style comes."""

    def __init__(self, rng: Random, data: Any) -> None:
        self.rng = rng
        self.flow = rng.choice((0.0, 0.2, 0.5, 0.9))
        self.comments = rng.choice((0, 0, 0.05, 0.3))
        self.quotes = rng.choice((0, 0.2, 0.8))
        self.step = rng.choice((1, 2, 2, 4))
        #: The values that come more than once, by their text, with their anchor once that is there.
        self.anchors: dict[str, str] = {}
        if rng.random() < 0.3:
            counts = Counter(_texts(data))
            self.anchors = {text: "" for text, count in counts.items() if count > 1}

    def odds(self, chance: float) -> bool:
        return self.rng.random() < chance

    # A value on lines of its own, whose indentation is left to what is around it

    def lines(self, data: Any) -> list[str]:
        if not isinstance(data, (dict, list)) or not data:
            return [self.inline(data)]
        lines: list[str] = []
        if isinstance(data, dict):
            for key, value in data.items():
                lines += self.under(f"{self.text(key)}:", value)
        else:
            for value in data:
                lines += self.under("-", value)
        return lines

    def under(self, lead: str, value: Any) -> list[str]:
        """A key or a dash, with its value."""
        if isinstance(value, (dict, list)) and value and not self.odds(self.flow):
            return self.nested(lead, value)
        comment = self.rng.choice(_COMMENTS) if self.odds(self.comments) else ""
        if isinstance(value, str) and self.odds(0.15) and (folded := _folded(value)):
            mark, *lines = folded
            return [f"{lead} {mark}{comment}", *(f"{' ' * self.step}{line}" for line in lines)]
        if value is None and self.odds(0.5):
            return [f"{lead}{comment}"]
        return [f"{lead} {self.inline(value)}{comment}"]

    def nested(self, lead: str, value: Any) -> list[str]:
        """A key or a dash, with a value on the lines below."""
        text = repr(value)
        if anchor := self.anchors.get(text):
            return [f"{lead} *{anchor}"]
        lines = self.lines(value)
        anchor = self.anchor(text)
        if lead == "-" and not anchor and self.odds(0.7):
            gap = " " * self.rng.randint(1, 3)
            return [f"-{gap}{lines[0]}", *(f" {gap}{line}" for line in lines[1:])]
        # A list may stand as far to the left as its key.
        aside = lead != "-" and isinstance(value, list) and self.odds(0.3)
        pad = "" if aside else " " * self.step
        comment = [f"{pad}# {lead}"] if self.odds(self.comments) else []
        return [f"{lead} {anchor}".rstrip(), *comment, *(f"{pad}{line}" for line in lines)]

    # A value on one line

    def inline(self, value: Any) -> str:
        text = repr(value)
        if text not in self.anchors or self.odds(0.3):
            return self.flow_style(value)
        if anchor := self.anchors[text]:
            return f"*{anchor} "  # what stands right after it would be a part of its name
        written = self.flow_style(value)
        return f"{self.anchor(text)}{written}"

    def flow_style(self, value: Any) -> str:
        if isinstance(value, dict):
            entries = [f"{self.text(key)}: {self.inline(each)}" for key, each in value.items()]
            return f"{{{self.spread(entries)}}}"
        if isinstance(value, list):
            return f"[{self.spread([self.inline(each) for each in value])}]"
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return self.text(value)
        return self.rng.choice(("null", "~")) if value is None else self.number(value)

    def spread(self, entries: list[str]) -> str:
        comma = self.rng.choice((", ", ", ", " ,  ", ","))
        last = "," if entries and self.odds(0.1) else ""
        return f"{comma.join(entries)}{last}"

    def text(self, text: str) -> str:
        """A text, in quotes or without."""
        is_plain = _PLAIN.fullmatch(text) and text not in _NO_TEXT
        if is_plain and not self.odds(self.quotes):
            return text
        if self.odds(0.5) and not _ESCAPED.search(text):
            return "'" + text.replace("'", "''") + "'"
        escaped = json.dumps(text, ensure_ascii=False)
        return _ESCAPED.sub(lambda found: f"\\U{ord(found[0]):08X}", escaped)

    def number(self, value: float) -> str:
        if self.odds(0.9) or value < 0:
            return repr(value)
        if isinstance(value, int):
            return self.rng.choice((f"+{value}", f"0x{value:X}", f"0o{value:o}", f"00{value}"))
        return self.rng.choice((f"+{value!r}", repr(value).removeprefix("0") or "0."))

    # Anchors

    def anchor(self, text: str) -> str:
        """What stands before a value that comes again; nothing before others."""
        if text not in self.anchors:
            return ""
        count = sum(map(bool, self.anchors.values()))
        self.anchors[text] = f"{self.rng.choice(('a', 'A-', '_'))}{count}"
        return f"&{self.anchors[text]} "


def _texts(data: Any) -> Iterator[str]:
    """Every value in a document, as text."""
    yield repr(data)
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _texts(each)


def _folded(text: str) -> list[str]:
    """A text as the lines of a block, the first of which says how; empty where it cannot be one."""
    if text[:1] in ("", " ", "\n") or text.endswith((" ", "\n\n")):
        return []
    if _ESCAPED.search(text.replace("\n", "")):
        return []
    if "\n" in text:
        return ["|" if text.endswith("\n") else "|-", *text.removesuffix("\n").split("\n")]
    return [] if "  " in text else [">-", *text.split(" ")]
