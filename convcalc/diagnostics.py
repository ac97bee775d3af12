"""What is said about a mistake, as data: a code, one sentence, the place, what would be right."""

from __future__ import annotations

import operator
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

from convcalc.visible import as_line, in_json, visible, width
from convcalc.words import describe

#: What ends a line in YAML; `\r\n` is one end.
_LINE_ENDS = "\n\r\x85\u2028\u2029"
_LINE_END = re.compile(f"\r\n|[{_LINE_ENDS}]")
#: Characters of a text whose lines are counted at once.
_BLOCK = 1 << 14


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


class _Text(NamedTuple):
    name: str
    text: str


class Source(_Text):
    """A text and the name it goes by in messages."""

    def line(self, number: int) -> str:
        """A line by its number, without its end; empty where there is none."""
        start = self._start(number)
        if start is None:
            return ""
        ends = [self.text.find(end, start) for end in _LINE_ENDS]
        return self.text[start : min((end for end in ends if end >= 0), default=None)]

    def _start(self, number: int) -> int | None:
        """Where a line begins; None where there are not so many."""
        if number == 1:
            return 0
        block = bisect_left(self._ends, number - 1) - 1
        ends = _LINE_END.finditer(self.text, block * _BLOCK)
        last = next(islice(ends, number - 2 - self._ends[block], None), None)
        return last and last.end()

    @cached_property
    def _ends(self) -> list[int]:
        """How many lines end before each block of the text.

        Where each line begins would take as much memory as the text, and more.
        """
        text, found = self.text, [0]
        for start in range(0, len(text), _BLOCK):
            stop = start + _BLOCK
            ends = sum(text.count(end, start, stop) for end in _LINE_ENDS)
            # A pair is one end, and counts where its second half is.
            found.append(found[-1] + ends - text.count("\r\n", start, stop + 1))
        return found

    def __reduce__(self) -> Any:
        return Source, tuple(self)


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
    """What the public functions raise for input that is wrong.

    `diagnostics` are the mistakes, one or several; `more` is how many others were found and left
    out. Its text has each with what would be right.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], more: int = 0) -> None:
        self.diagnostics = tuple(diagnostics)
        #: How many further mistakes were found and left out.
        self.more = more
        super().__init__("\n".join(map(_told, self.diagnostics)))

    def __reduce__(self) -> Any:
        return type(self), (self.diagnostics, self.more), self.__dict__

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


def require_text(what: str, text: Any) -> str:
    """Refuse what is no text. Raises ConvcalcError."""
    if not isinstance(text, str):
        raise fail("bad-value", f"{what} must be a text, not {describe(text)}")
    return text


def require_texts(what: str, given: Any) -> list[str]:
    """The pieces of a text with commas between them, or of several. Raises ConvcalcError."""
    if isinstance(given, str):
        return given.split(",")
    if not isinstance(given, Iterable) or isinstance(given, (bytes, Mapping)):
        message = f"{what} must be a text, or a list of texts, not {describe(given)}"
        raise fail("bad-value", message)
    return [require_text(f"one of {what}", each) for each in given]


def render(diagnostics: Iterable[Diagnostic], style: str) -> Iterator[str]:
    """Diagnostics as text: `full`, `concise`, `github` or `json`."""
    found = list(diagnostics)
    if style == "json":
        import json

        data = [_as_data(each) for each in found]
        yield in_json(json.dumps(data, ensure_ascii=False, indent=2))
    for each in found if style != "json" else ():
        yield {"full": _full, "concise": _concise, "github": _github}[style](each)


def _said(d: Diagnostic, kind: str = "") -> str:
    """A diagnostic on one line: its place, `kind`, the message."""
    return as_line(": ".join(part for part in (d.place, kind, d.message) if part))


def _told(d: Diagnostic) -> str:
    """A diagnostic as Python shows an exception: the message, and below it what would be right."""
    cures = [as_line(text) for text in (d.label, d.help) if text]
    return "\n".join([_said(d), *(f"  = {cure}" for cure in cures)])


def _concise(d: Diagnostic) -> str:
    return _said(d, f"{d.severity}[{d.code}]")


def _github(d: Diagnostic) -> str:
    """An annotation of a GitHub workflow."""

    def escaped(text: str, extra: str = "") -> str:
        text = visible(text)
        for char in "%" + extra:
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
#: What is shown for a tab, so that a caret is under it wherever the line begins.
_TAB = "    "


def _full(d: Diagnostic) -> str:
    lines = [f"{d.severity}[{d.code}]: {d.message}"]
    gutter = ""
    if d.source is not None:
        if d.mark is None:
            lines.append(f"  --> {d.source.name}")
        else:
            gutter = " " * len(str(d.mark.line))
            before, marked, after = _excerpt(d.source.line(d.mark.line), d.mark)
            carets = "^" * max(1, width(marked))
            lines += [
                f"{gutter} --> {d.place}",
                f"{gutter} |",
                f"{d.mark.line} | {before}{marked}{after}".rstrip(),
                f"{gutter} | {' ' * width(before)}{carets} {d.label}".rstrip(),
            ]
    remarks = [*d.notes, *([f"help: {d.help}"] if d.help else [])]
    if remarks and d.mark is not None:
        lines.append(f"{gutter} |")
    lines += [f"{gutter} = {remark}" for remark in remarks]
    return "\n".join([*map(as_line, lines), ""])


def _excerpt(text: str, mark: Mark) -> tuple[str, str, str]:
    """What is shown of a source line: what stands before the marked part, that part, and the rest.

    A long line is cut to what is around the mark.
    """
    first = min(mark.column - 1, len(text))
    start = max(0, min(first - _WIDEST // 2, len(text) - _WIDEST))
    end = start + _WIDEST
    last = min(first + mark.length, end)
    before, marked, after = text[start:first], text[first:last], text[last:end]
    if start:
        before = "…" + before
    if end < len(text) and last < end:
        after += "…"
    elif end < len(text):
        marked += "…"
    before, marked, after = (as_line(part.replace("\t", _TAB)) for part in (before, marked, after))
    return before, marked, after
