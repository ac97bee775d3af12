"""YAML text to plain values that know where they stand.

Built from PyYAML's events with a stack of its own, so that depth, number and size are bounded and
nothing is constructed but text, numbers, truth values, lists and mappings. Scalars are read by YAML
1.2's core rules; only `true` and `false` are truth values.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import yaml

from convcalc.diagnostics import ConvcalcError, Diagnostic, Mark, Source, fail
from convcalc.language.limits import Budget, Limits, exceeded
from convcalc.visible import composed
from convcalc.words import did_you_mean, shortened

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


#: A mark before somebody asks for it: line, column, length, and where the text begins.
_Place = tuple[int, int, int, int]


class Marks:
    """The marks of a list's items, or of a mapping's keys and values in turn.

    They are kept as numbers: a long file has more marks than anything else, and few are read.
    """

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = array("i")

    def append(self, place: _Place) -> None:
        """Add a mark."""
        self._numbers.extend(place)

    def __getitem__(self, index: int) -> Mark:
        return Mark(*self._numbers[4 * index : 4 * index + 4])


class Mapping(dict[str, Any]):
    """A mapping whose keys and values have marks."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        self.marks = Marks()

    def key_mark(self, key: str) -> Mark:
        """The mark of a key."""
        return self.marks[2 * list(self).index(key)]

    def mark_of(self, key: str) -> Mark:
        """The mark of a key's value."""
        return self.marks[2 * list(self).index(key) + 1]


class Sequence(list[Any]):
    """A list whose items have marks."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        self.marks = Marks()

    def mark_of(self, index: int) -> Mark:
        """The mark of an item."""
        return self.marks[index]


_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
#: Characters that only an escape can bring into a text, white space apart.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: What UTF-8 has no bytes for: half of a character of UTF-16.
_SURROGATE = re.compile("[\ud800-\udfff]")
#: The same written as an escape, as JSON writes a character beyond U+FFFF; and any escape.
_HALF = r"(?:u|U0000)[dD][89a-fA-F][0-9a-fA-F]{2}"
_ESCAPED_HALF, _ESCAPE = re.compile(rf"\\{_HALF}"), re.compile(rf"\\(?:({_HALF})|.)", re.DOTALL)
#: A half without the other.
_LONE = re.compile("[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def read(source: Source, budget: Budget) -> Any:
    """The value of a YAML document.

    Raises ConvcalcError for text that is no YAML, or YAML that the spec language leaves out (tags,
    merge keys, duplicate keys, several documents), or more of it than the budget has.
    """
    return _Reader(source, budget).read()


def source_of(data: bytes | str, name: str, limits: Limits) -> Source:
    """The text of a spec. Raises ConvcalcError for bytes that are none, or too many."""
    if len(data) > limits.bytes:
        message = f"the file has more than {limits.bytes:,} bytes"
        raise ConvcalcError([exceeded("bytes", message, Source(name, ""), None)])
    if isinstance(data, str):
        if found := _SURROGATE.search(data):
            message = f"the text has half a character in it, U+{ord(found[0]):04X}"
            raise fail("encoding", message, "decode it from UTF-8", Source(name, ""))
        return Source(name, data.removeprefix("\ufeff"))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        message = "the file is UTF-16 or UTF-32, or no text at all"
        raise fail("encoding", message, "save it as UTF-8", Source(name, ""))
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        byte = data[error.start]
        message = f"byte {column} of line {line}, 0x{byte:02x}, is not UTF-8 text"
        raise fail("encoding", message, "save the file as UTF-8", Source(name, "")) from None


class _Anchored(NamedTuple):
    """What an alias stands for: the value, how many values that is, and how deep they nest."""

    value: Any
    nodes: int
    height: int


class _Open:
    """A list or mapping that is being read."""

    __slots__ = ("before", "container", "event", "height", "key", "place")

    def __init__(self, event: Any, place: _Place, before: int) -> None:
        self.event = event
        self.container: Any = Mapping() if type(event) is yaml.MappingStartEvent else Sequence()
        self.place = place
        #: The values read before it.
        self.before = before
        self.height = 0
        #: The key that waits for its value.
        self.key: str | None = None

    def wants_key(self) -> bool:
        return self.key is None and type(self.container) is Mapping

    def take(self, value: Any, place: _Place, height: int) -> None:
        """Add a value that is complete."""
        if height > self.height:
            self.height = height
        container = self.container
        container.marks.append(place)
        if self.key is None:
            container.append(value)
        else:
            container[self.key] = value
            self.key = None


class _Reader:
    """Builds the value from events, with a stack of open lists and mappings for recursion."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self.source = source
        self.budget = budget
        self.limits = budget.limits
        self.anchors: dict[str, _Anchored] = {}
        #: Unquoted text to what it is.
        self.plains: dict[str, Any] = {}
        #: What is open; the first is a list whose one item is the value of the document.
        self.stack = [_Open(None, (1, 1, 1, -1), 0)]

    def mistake(
        self, code: str, message: str, place: _Place | None, help: str = "", label: str = ""
    ) -> ConvcalcError:
        mark = place and Mark(*place)
        return ConvcalcError([Diagnostic(code, message, self.source, mark, label, help=help)])

    def exceeded(self, name: str, message: str, place: _Place) -> ConvcalcError:
        return ConvcalcError([exceeded(name, message, self.source, Mark(*place))])

    def read(self) -> Any:
        loader, text = None, self.source.text
        try:
            # libyaml takes no halves of characters; what takes them is several times as slow.
            loader = (yaml.SafeLoader if _ESCAPED_HALF.search(text) else _Loader)(text)
            return self.document(iter(loader.get_event, None))
        except yaml.reader.ReaderError:
            raise self.unreadable() from None
        except yaml.MarkedYAMLError as error:
            raise self.syntax(error) from None
        except yaml.YAMLError as error:
            raise self.mistake("bad-yaml", f"this is not YAML: {error}", None) from None
        finally:
            if loader is not None:
                loader.dispose()

    def unreadable(self) -> ConvcalcError:
        """The error for a character that YAML leaves out, such as U+0000."""
        text = self.source.text
        # libyaml counts bytes and PyYAML characters, so its own position is not asked for.
        found = yaml.reader.Reader.NON_PRINTABLE.search(text)
        at = found.start() if found else 0
        mark = Mark(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        message = f"the character U+{ord(text[at]):04X} is not allowed in a YAML file"
        return self.mistake("bad-yaml", message, mark, "is this a text file?")

    def syntax(self, error: yaml.MarkedYAMLError) -> ConvcalcError:
        """What the parser complains of, in words for people."""
        problem = error.problem or "the text ends too early"
        # A quote that is not closed is found at the end of the file, and meant where it begins.
        unclosed = "unexpected end of stream" in problem
        at = (unclosed and error.context_mark) or error.problem_mark or error.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at else None
        if mark and "maximum nesting depth" in problem:
            # Some versions of libyaml have a bound too, and look ahead of what is read here.
            return self.too_deep(mark)
        line = self.source.line(mark.line) if mark else ""
        message, help = next(
            (said for known, *said in _PROBLEMS if known in problem), (problem, "")
        )
        if "\t" in line[: len(line) - len(line.lstrip())]:
            help = "YAML is indented with spaces, and this line has a tab"
        message = f"this is not YAML: {message}"
        notes: tuple[str, ...] = ()
        if error.context_mark and error.context_mark.line + 1 != (mark and mark.line):
            notes = (f"{_context(error.context)} begins at line {error.context_mark.line + 1}",)
        return ConvcalcError([Diagnostic("bad-yaml", message, self.source, mark, "", notes, help)])

    def document(self, events: Iterator[Any]) -> Any:
        next(events)  # the stream's start
        if isinstance(next(events), yaml.StreamEndEvent):
            message = "there is no spec in here: nothing but white space and comments"
            help = "a spec has a `name`, an `input` and `layers`; the README shows one"
            raise self.mistake("empty-file", message, None, help)
        take = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.open,
            yaml.SequenceStartEvent: self.open,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceEndEvent: self.close,
        }
        ended = yaml.DocumentEndEvent
        for event in events:
            kind = type(event)
            if kind is ended:
                break
            take[kind](event)
        end = next(events)
        if not isinstance(end, yaml.StreamEndEvent):
            place = end.start_mark.line + 1, end.start_mark.column + 1, 3, -1
            message = "a spec is one YAML document, and a second one begins here"
            help = "put each network into a file of its own"
            raise self.mistake("several-documents", message, place, help)
        return self.stack[0].container[0]

    def scalar(self, event: Any) -> None:
        start, end, text, style = event.start_mark, event.end_mark, event.value, event.style
        line, column, length, text_at = start.line + 1, start.column + 1, 1, -1
        if end.line + 1 == line:
            # An anchor, an escape or a doubled quote makes the text differ from what is written.
            width = end.column + 1 - column
            quotes = 1 if style else 0
            text_at = quotes if width == len(text) + 2 * quotes else -1
            length = width or 1
        place = line, column, length, text_at
        if event.tag is not None:
            raise self.tag(event.tag, place)
        self.count(1, place)
        if style == '"' and _SURROGATE.search(text):
            text = self.joined(text, event)
        if style == '"' and (control := _CONTROL.search(text)):
            # Printed in a table, it would be a command to the reader's terminal.
            message = f"the text has a control character in it, U+{ord(control[0]):04X}"
            help = "write the text without the escape"
            raise self.mistake("bad-yaml", message, place, help)
        if not text.isascii() and (whole := composed(text)) != text:
            # Names are one where they look the same.
            text, place = whole, (line, column, length, -1)
        value = self.plain(text, place) if event.implicit[0] else text
        level = self.stack[-1]
        if level.wants_key():
            level.key = self.key(value, event, level.container, place)
            level.container.marks.append(place)
        else:
            level.take(value, place, 0)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(value, 1, 0)

    def joined(self, text: str, event: Any) -> str:
        """A text with the halves of its characters joined, as JSON writes them."""
        if lone := _LONE.search(text):
            count = len(_SURROGATE.findall(text[: lone.start()]))
            start, whole = event.start_mark.index, self.source.text
            escapes = _ESCAPE.finditer(whole, start, event.end_mark.index)
            escape = next(islice((each for each in escapes if each[1]), count, None))
            at = escape.start()
            line, column = whole.count("\n", 0, at) + 1, at - whole.rfind("\n", 0, at)
            message = f"the text has half a character in it, U+{ord(lone[0]):04X}"
            help = "write both halves, as in `\\ud83d\\ude00`, or the character itself"
            place = line, column, len(escape[0]), -1
            raise self.mistake("bad-yaml", message, place, help)
        return text.encode("utf-16", "surrogatepass").decode("utf-16")

    def alias(self, event: Any) -> None:
        name = event.anchor
        place = _place(event)
        if name not in self.anchors:
            help = "an anchor stands before its aliases, and is closed by then"
            message = f"the alias *{name} has no anchor &{name} before it"
            raise self.mistake("bad-yaml", message, place, did_you_mean(name, self.anchors) or help)
        if self.stack[-1].wants_key():
            raise self.mistake("bad-key", "an alias cannot be a key", place, "write the key out")
        value, nodes, height = self.anchors[name]
        self.count(nodes, place)
        self.deepen(height, place)
        self.stack[-1].take(value, place, height)

    def open(self, event: Any) -> None:
        place = _place(event)
        if event.tag is not None:
            raise self.tag(event.tag, place)
        if self.stack[-1].wants_key():
            message = "a list or a mapping cannot be a key"
            help = "keys are names; a text that begins with a bracket or a brace needs quotes"
            raise self.mistake("bad-key", message, place, help)
        self.count(1, place)
        self.stack.append(_Open(event, place, self.budget.nodes))
        self.deepen(0, place)

    def close(self, event: Any) -> None:
        level = self.stack.pop()
        line, column, length, text_at = level.place
        if level.event.flow_style and (end := event.end_mark).line + 1 == line:
            length = end.column + 1 - column
        height = level.height + 1
        if level.event.anchor is not None:
            nodes = self.budget.nodes - level.before + 1
            self.anchors[level.event.anchor] = _Anchored(level.container, nodes, height)
        self.stack[-1].take(level.container, (line, column, length, text_at), height)

    def count(self, nodes: int, place: _Place) -> None:
        """Note so many more values."""
        if not self.budget.holds(nodes):
            raise ConvcalcError([self.budget.full(self.source, Mark(*place))])
        if self.budget.is_over():
            raise ConvcalcError([self.budget.late(self.source, Mark(*place))])

    def deepen(self, height: int, place: _Place) -> None:
        """Note that what is open has a value of this height in it."""
        if len(self.stack) - 1 + height > self.limits.depth:
            raise self.too_deep(place)

    def too_deep(self, place: _Place) -> ConvcalcError:
        message = f"lists and mappings are nested more than {self.limits.depth} deep"
        return self.exceeded("depth", message, place)

    def key(self, value: Any, event: Any, container: Any, place: _Place) -> str:
        """A value as the key that it is meant as."""
        if value == "<<" and event.implicit[0]:
            message = "merge keys (`<<`) are not part of the spec language"
            help = "write the fields out, or make a block with arguments"
            raise self.mistake("merge-key", message, place, help)
        if not isinstance(value, str):
            message = f"a key is a name, and this one is {_plain_kind(value)}"
            help = "put it in quotes if it is meant as a name"
            raise self.mistake("bad-key", message, place, help)
        if value in container:
            first = container.key_mark(value)
            message = f"the key `{shortened(value, 60)}` is here twice"
            label = f"the first is at line {first.line}, column {first.column}"
            raise self.mistake("duplicate-key", message, place, "keep one of them", label)
        return value

    def tag(self, tag: str, place: _Place) -> ConvcalcError:
        shown = shortened(tag.replace("tag:yaml.org,2002:", "!!"), 60)
        message = f"the tag {shown} is not part of the spec language"
        return self.mistake("tag", message, place, "write the value without it")

    def plain(self, text: str, place: _Place) -> Any:
        """An unquoted scalar; equal ones are one object, as far as there are not too many."""
        value = self.plains.get(text, self)
        if value is self:
            value = self.resolved(text, place)
            if len(self.plains) < 10_000:
                self.plains[text] = value
        return value

    def resolved(self, text: str, place: _Place) -> Any:
        """What an unquoted scalar is, by YAML 1.2's core rules."""
        if not text or text[0] not in "0123456789+-.":
            return _WORDS.get(text, text)
        if _INTEGER.match(text):
            digits = len(text.lstrip("+-"))
            if digits > self.limits.digits:
                most = f"more than the limit of {self.limits.digits}"
                message = f"this integer has {digits:,} digits, {most}"
                raise self.exceeded("digits", message, place)
            return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
        if _FLOAT.match(text):
            if len(text) > self.limits.expression:
                most = f"more than the limit of {self.limits.expression:,}"
                message = f"this number has {len(text):,} characters, {most}"
                raise self.exceeded("expression", message, place)
            return float(text)
        if special := _SPECIAL.match(text):
            return float("nan") if special[3] else float(f"{special[1]}inf")
        return text


#: What libyaml says, with what it means and what to do about it.
_PROBLEMS = (
    (
        "mapping values are not allowed",
        "a `: ` cannot stand here",
        "put a text with a colon in quotes, or fix the indentation of this line",
    ),
    ("expected ',' or ']'", "a `,` or a `]` is missing before this", "a list is closed by `]`"),
    ("expected ',' or '}'", "a `,` or a `}` is missing before this", "a mapping is closed by `}`"),
    (
        "could not find expected ':'",
        "a key stands here without a `:`",
        "write `key: value`; a text that runs over several lines needs quotes",
    ),
    (
        "cannot start any token",
        "no value begins with this character",
        "put the text in quotes; a tab is no white space in YAML",
    ),
    (
        "did not find expected key",
        "this line is indented like none of the lists and mappings above it",
        "indent it as far as the lines that it belongs to",
    ),
    (
        "expected '-' indicator",
        "this line is indented like a list, and has no `- `",
        "begin it with `- `, or indent it as far as what it belongs to",
    ),
    ("unexpected end of stream", "a quoted text is not closed", "add the quote at its end"),
    ("unexpected ':'", "a colon without a value", "write `key: value`, with a space between them"),
    (
        "expected <document start>",
        "something follows the end of the spec",
        "indent it, or fix the bracket or indentation above it",
    ),
    (
        "block sequence entries are not allowed",
        "a `- ` cannot stand here",
        "begin the list on a line of its own",
    ),
    ("unknown escape", "no such escape in a quoted text", "write `\\\\` for a backslash"),
)
_CONTEXTS = {
    "flow sequence": "the list in brackets",
    "flow mapping": "the mapping in braces",
    "quoted scalar": "the quoted text",
    "block collection": "the list",
    "block mapping": "the mapping",
    "simple key": "the key",
}


def _context(context: str | None) -> str:
    """What the parser was reading."""
    return next((said for known, said in _CONTEXTS.items() if known in (context or "")), "it")


def _place(event: Any) -> _Place:
    """The place of what opens a value: a bracket, an alias, an anchor."""
    start, end = event.start_mark, event.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return start.line + 1, start.column + 1, max(1, length), -1


def _plain_kind(value: Any) -> str:
    """What an unquoted key that is no text is instead."""
    if value is None:
        return "empty"
    return f"the truth value {str(value).lower()}" if isinstance(value, bool) else "a number"
