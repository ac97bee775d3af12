"""What is said about a mistake, as data: a code, one sentence, the place, what would be right."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from convcalc.words import describe

#: What ends a line in YAML.
_LINE_END = "\r\n|[\n\r\x85\u2028\u2029]"


class Mark(NamedTuple):
    """A place in a text: line and column from 1, and the number of characters.

    `text_at` is how far into the place the value's own text begins (1 inside quotes); -1 where the
    text is not written as it reads (escapes, folded lines), so that no column inside it is known.
    """

    line: int
    column: int
    length: int = 1
    text_at: int = -1

    def within(self, offset: int, length: int) -> Mark:
        """The place of a part of the value's text."""
        if self.text_at < 0:
            return self
        return Mark(self.line, self.column + self.text_at + offset, max(length, 1))


class Source(NamedTuple):
    """A text and the name it goes by in messages."""

    name: str
    text: str

    def line(self, number: int) -> str:
        """A line by its number, without its end; empty where there is none."""
        lines = re.split(_LINE_END, self.text, maxsplit=number)
        return lines[number - 1] if number <= len(lines) else ""


class Diagnostic(NamedTuple):
    """One mistake.

    `message` stands alone. `label` is for the caret. `notes` tell how the place was reached, `help`
    what would be right. `severity` is `error` or `warning`.
    """

    code: str
    message: str
    source: Source | None = None
    mark: Mark | None = None
    label: str = ""
    notes: tuple[str, ...] = ()
    help: str = ""
    severity: str = "error"

    @property
    def place(self) -> str:
        """`file:line:column`, as far as it is known."""
        if self.source is None:
            return ""
        if self.mark is None:
            return self.source.name
        return f"{self.source.name}:{self.mark.line}:{self.mark.column}"


#: How many diagnostics one run reports.
MOST = 20
#: How many it looks for.
ENOUGH = 100


class ConvcalcError(Exception):
    """What the public functions raise for input that is wrong: one diagnostic or several."""

    def __init__(self, diagnostics: Iterable[Diagnostic], more: int = 0) -> None:
        self.diagnostics = tuple(diagnostics)
        #: How many further mistakes were found and left out.
        self.more = more
        super().__init__(
            "\n".join(f"{d.place}: {d.message}".lstrip(": ") for d in self.diagnostics)
        )

    @classmethod
    def of(cls, found: Iterable[Diagnostic], more: int = 0) -> ConvcalcError:
        """The error for what was found in a file, in its order, and `more` that was left out."""
        ordered = sorted(found, key=lambda d: d.mark or Mark(0, 0))
        return cls(ordered[:MOST], more + max(0, len(ordered) - MOST))


def fail(code: str, message: str, help: str = "", source: Source | None = None) -> ConvcalcError:
    """An error of one diagnostic, about no place in particular."""
    return ConvcalcError([Diagnostic(code, message, source, help=help)])


def require_whole(what: str, number: Any, unit: str) -> int:
    """A whole number from 1 to 10¹⁸, of any kind of integer. Raises ConvcalcError."""
    whole = hasattr(number, "__index__") and not isinstance(number, bool)
    if not whole or number < 1:
        raise fail("bad-value", f"{what} has one {unit} or more, not {describe(number)}")
    if number > 10**18:
        raise fail("bad-value", f"{what} has 10¹⁸ {unit}s at the most")
    return operator.index(number)


def render(diagnostics: Iterable[Diagnostic], style: str) -> Iterator[str]:
    """Diagnostics as text: `full`, `concise`, `github` or `json`."""
    found = list(diagnostics)
    if style == "json":
        import json

        yield json.dumps([_as_data(each) for each in found], ensure_ascii=False, indent=2)
    for each in found if style != "json" else ():
        yield {"full": _full, "concise": _concise, "github": _github}[style](each)


def _concise(d: Diagnostic) -> str:
    place = f"{d.place}: " if d.place else ""
    return f"{place}{d.severity}[{d.code}]: {d.message}"


def _github(d: Diagnostic) -> str:
    """An annotation of a GitHub workflow."""

    def escaped(text: str, extra: str = "") -> str:
        for char in "%\r\n" + extra:
            text = text.replace(char, f"%{ord(char):02X}")
        return text

    at = {"file": d.source.name if d.source else ""}
    if d.mark:
        at |= {"line": str(d.mark.line), "col": str(d.mark.column)}
    at["title"] = d.code
    where = ",".join(f"{key}={escaped(value, ':,')}" for key, value in at.items() if value)
    text = "; ".join(part for part in (d.message, d.label, *d.notes, d.help) if part)
    return f"::{d.severity} {where}::{escaped(text)}"


def _as_data(d: Diagnostic) -> dict[str, object]:
    return {
        "severity": d.severity,
        "code": d.code,
        "message": d.message,
        "file": d.source.name if d.source else None,
        "line": d.mark.line if d.mark else None,
        "column": d.mark.column if d.mark else None,
        "length": d.mark.length if d.mark else None,
        "label": d.label or None,
        "notes": list(d.notes),
        "help": d.help or None,
    }


#: Longer source lines are shown around the caret only.
_WIDEST = 100


def _full(d: Diagnostic) -> str:
    lines = [f"{d.severity}[{d.code}]: {d.message}"]
    gutter = ""
    if d.source is not None:
        if d.mark is None:
            lines.append(f"  --> {d.source.name}")
        else:
            gutter = " " * len(str(d.mark.line))
            text, column, length = _around(d.source.line(d.mark.line), d.mark)
            below = "".join("\t" if char == "\t" else " " for char in text[: column - 1])
            caret = f"{below}{'^' * length} {d.label}".rstrip()
            lines += [
                f"{gutter} --> {d.place}",
                f"{gutter} |",
                f"{d.mark.line} | {text}".rstrip(),
                f"{gutter} | {caret}",
            ]
    remarks = [*d.notes, *([f"help: {d.help}"] if d.help else [])]
    if remarks and d.mark is not None:
        lines.append(f"{gutter} |")
    return "\n".join([*lines, *(f"{gutter} = {remark}" for remark in remarks), ""])


def _around(text: str, mark: Mark) -> tuple[str, int, int]:
    """A source line, cut to what fits, with the column and length of the marked part in it."""
    text = "".join(
        char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )
    column, length = min(mark.column, len(text) + 1), mark.length
    if len(text) > _WIDEST:
        start = max(0, min(column - 1 - _WIDEST // 2, len(text) - _WIDEST))
        cut = text[start : start + _WIDEST]
        text = ("…" if start else "") + cut + ("…" if start + _WIDEST < len(text) else "")
        column += (1 if start else 0) - start
    return text, column, max(1, min(length, len(text) - column + 1))
