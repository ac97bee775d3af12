"""YAML text to plain values that know where they stand.

Built from PyYAML's events with a stack of its own, so that depth, number and size are bounded and
nothing is constructed but text, numbers, truth values, lists and mappings. Scalars are read by YAML
1.2's core rules; only `true` and `false` are truth values.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from convcalc.diagnostics import ConvcalcError, Diagnostic, Mark, Source, did_you_mean
from convcalc.spec.limits import DEFAULT, Limits

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Mapping(dict[str, Any]):
    """A mapping whose keys and values have marks."""

    __slots__ = ("key_marks", "mark", "value_marks")

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.key_marks: dict[str, Mark] = {}
        self.value_marks: dict[str, Mark] = {}


class Sequence(list[Any]):
    """A list whose items have marks."""

    __slots__ = ("mark", "marks")

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.marks: list[Mark] = []


_INTEGER = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def read(data: bytes | str, name: str, limits: Limits = DEFAULT) -> tuple[Any, Source]:
    """The value of a YAML document, and its source for messages.

    Raises ConvcalcError for text that is no YAML, or YAML that the spec language leaves out (tags,
    merge keys, duplicate keys, several documents), or more of it than `limits` allow.
    """
    source = Source(name, _decoded(data, name, limits))
    return _Reader(source, limits).read(), source


def _decoded(data: bytes | str, name: str, limits: Limits) -> str:
    def fail(code: str, message: str, help: str = "") -> ConvcalcError:
        return ConvcalcError([Diagnostic(code, message, Source(name, ""), help=help)])

    if len(data) > limits.bytes:
        raise fail(
            "limit-bytes",
            f"the file has {len(data):,} bytes, more than the limit of {limits.bytes:,}",
            "`--limit bytes=N` allows N",
        )
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data[:4]:
        raise fail("encoding", "the file is UTF-16 or UTF-32, or no text", "save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = (
            f"byte 0x{data[error.start]:02x} at line {line}, column {column} is not UTF-8 text"
        )
        raise fail("encoding", message, "a spec is a text file in UTF-8") from None


class _Reader:
    def __init__(self, source: Source, limits: Limits) -> None:
        self.source = source
        self.limits = limits
        self.nodes = 0
        #: Anchor to its value, the nodes in it, and its depth.
        self.anchors: dict[str, tuple[Any, int, int]] = {}

    def fail(
        self,
        code: str,
        message: str,
        mark: Mark | None,
        help: str = "",
        label: str = "",
        note: str = "",
    ) -> ConvcalcError:
        notes = (note,) if note else ()
        return ConvcalcError([Diagnostic(code, message, self.source, mark, label, notes, help)])

    def read(self) -> Any:
        text = self.source.text
        try:
            events = _events(text)
            value = self._document(events)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            column = error.position - text.rfind("\n", 0, error.position)
            shown = (
                f"U+{error.character:04X}" if isinstance(error.character, int) else "a character"
            )
            mark = Mark(line, column)
            raise self.fail(
                "bad-yaml", f"{shown} is not allowed in a YAML file", mark, "is this a text file?"
            ) from None
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from None
        except yaml.YAMLError as error:
            raise self.fail("bad-yaml", f"this is not YAML: {error}", None) from None
        return value

    def _syntax(self, error: yaml.MarkedYAMLError) -> ConvcalcError:
        at = error.problem_mark or error.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at else None
        problem = error.problem or "the text ends too early"
        line = self.source.line(mark.line) if mark else ""
        help = ""
        if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in problem:
            help = "YAML is indented with spaces; this line has a tab"
        elif "mapping values are not allowed" in problem:
            help = (
                "a colon and a space make a mapping; put the text in quotes, or fix the indentation"
            )
        elif "expected ',' or" in problem:
            help = "a bracket or brace is not closed, or a comma is missing"
        elif "block end" in problem or "block mapping" in (error.context or ""):
            help = "check the indentation of this line against the one above it"
        context = error.context or ""
        note = ""
        if context and error.context_mark:
            note = f"{context}, from line {error.context_mark.line + 1}"
        return self.fail("bad-yaml", f"this is not YAML: {problem}", mark, help, note=note)

    def _document(self, events: Any) -> Any:
        next(events)  # the stream's start
        if isinstance(next(events), yaml.StreamEndEvent):
            raise self.fail(
                "empty-file",
                "there is no spec in here: nothing but white space and comments",
                None,
                "a spec has a name, an input and layers; `convcalc analyze lenet` shows one at work",
            )
        value = self._value(events)
        next(events)  # the document's end
        end = next(events)
        if not isinstance(end, yaml.StreamEndEvent):
            mark = Mark(end.start_mark.line + 1, end.start_mark.column + 1, 3)
            raise self.fail(
                "several-documents",
                "a spec is one YAML document, and a second one begins here",
                mark,
                "put each network into a file of its own",
            )
        return value

    def _value(self, events: Any) -> Any:
        """One value, with whatever is inside it. A stack of open containers stands for recursion."""
        stack: list[tuple[Mapping | Sequence, str | None, int]] = []
        #: The key that waits for its value, in the innermost mapping.
        key: tuple[str, Mark] | None = None
        container: Mapping | Sequence | None = None
        limits, anchors = self.limits, self.anchors
        heights: list[int] = []
        for event in events:
            kind = type(event)
            start = event.start_mark
            if kind is yaml.ScalarEvent:
                self.nodes += 1
                mark = _scalar_mark(event)
                if isinstance(container, Mapping) and key is None:
                    key = self._key(event, mark, container)
                    continue
                value = event.value
                if event.tag is not None:
                    raise self._tag(event.tag, mark)
                if event.implicit[0]:
                    value = self._plain(value, mark)
                if event.anchor is not None:
                    anchors[event.anchor] = (value, 1, 0)
                height = 0
            elif kind is yaml.AliasEvent:
                mark = Mark(start.line + 1, start.column + 1, event.end_mark.column - start.column)
                if event.anchor not in anchors:
                    raise self.fail(
                        "bad-yaml",
                        f"the alias *{event.anchor} has no anchor &{event.anchor} before it",
                        mark,
                        _anchor_help(event.anchor, anchors),
                    )
                if isinstance(container, Mapping) and key is None:
                    raise self.fail(
                        "bad-key", "an alias cannot be a key", mark, "write the key out"
                    )
                value, size, height = anchors[event.anchor]
                self.nodes += size
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                self.nodes += 1
                end = event.end_mark
                mark = Mark(start.line + 1, start.column + 1, max(1, end.column - start.column))
                if isinstance(container, Mapping) and key is None:
                    raise self.fail(
                        "bad-key", "a list or a mapping cannot be a key", mark, "keys are names"
                    )
                if event.tag is not None:
                    raise self._tag(event.tag, mark)
                if len(stack) >= limits.depth:
                    raise self.fail(
                        "limit-depth",
                        f"lists and mappings are nested more than {limits.depth} deep",
                        mark,
                        "`--limit depth=N` allows N",
                    )
                inner: Mapping | Sequence = (
                    Mapping(mark) if kind is yaml.MappingStartEvent else Sequence(mark)
                )
                stack.append((inner, event.anchor, self.nodes))
                heights.append(0)
                if container is not None:
                    _attach(container, key, inner, mark)
                container, key = inner, None
                continue
            else:  # the end of a list or a mapping
                value, anchor, before = stack.pop()
                height = heights.pop() + 1
                if anchor is not None:
                    anchors[anchor] = (value, self.nodes - before + 1, height)
                if not stack:
                    return value
                heights[-1] = max(heights[-1], height)
                container, key = stack[-1][0], None
                continue
            if self.nodes > limits.nodes:
                raise self.fail(
                    "limit-nodes",
                    f"the file has more than {limits.nodes:,} values, aliases counted as what they stand for",
                    mark,
                    "`--limit nodes=N` allows N",
                )
            if container is None:
                return value
            if len(stack) + height > limits.depth:
                raise self.fail(
                    "limit-depth",
                    f"lists and mappings are nested more than {limits.depth} deep",
                    mark,
                    "`--limit depth=N` allows N",
                )
            heights[-1] = max(heights[-1], height)
            _attach(container, key, value, mark)
            key = None
        raise AssertionError("the events end with a document's end")

    def _key(self, event: Any, mark: Mark, container: Mapping) -> tuple[str, Mark]:
        key = event.value
        if event.tag is not None:
            raise self._tag(event.tag, mark)
        if event.implicit[0]:
            if key == "<<":
                raise self.fail(
                    "merge-key",
                    "merge keys (`<<`) are not part of the spec language",
                    mark,
                    "write the fields out, or make a block with arguments",
                )
            plain = self._plain(key, mark)
            if not isinstance(plain, str):
                raise self.fail(
                    "bad-key",
                    f"the key {key or 'null'} is not a text; keys are names",
                    mark,
                    "put it in quotes if it is meant as a name",
                )
        if key in container:
            first = container.key_marks[key]
            raise self.fail(
                "duplicate-key",
                f"the key `{key}` is here twice",
                mark,
                label=f"the first is at line {first.line}, column {first.column}",
                help="keep one of them",
            )
        if event.anchor is not None:
            self.anchors[event.anchor] = (key, 1, 0)
        return key, mark

    def _tag(self, tag: str, mark: Mark) -> ConvcalcError:
        shown = tag.replace("tag:yaml.org,2002:", "!!")
        return self.fail(
            "tag",
            f"the tag {shown} is not part of the spec language",
            mark,
            "write the value without it",
        )

    def _plain(self, text: str, mark: Mark) -> Any:
        """An unquoted scalar by YAML 1.2's core rules."""
        if not text or text[0] not in "0123456789+-.":
            return _WORDS.get(text, text)
        if _INTEGER.match(text):
            digits = len(text.lstrip("+-"))
            if digits > self.limits.digits:
                raise self.fail(
                    "limit-digits",
                    f"this integer has {digits:,} digits, more than the limit of {self.limits.digits}",
                    mark._replace(length=min(mark.length, 20)),
                    "`--limit digits=N` allows N",
                )
            return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
        if _FLOAT.match(text):
            return float(text)
        if special := _SPECIAL.match(text):
            return float("nan") if special[3] else float(f"{special[1]}inf")
        return text


def _anchor_help(name: str, anchors: dict[str, Any]) -> str:
    """Advice for an alias without an anchor."""
    return (
        did_you_mean(name, anchors) or "an anchor stands before its aliases, and is closed by then"
    )


def _events(text: str) -> Any:
    loader = _Loader(text)
    try:
        while True:
            event = loader.get_event()
            if event is None:
                return
            yield event
    finally:
        loader.dispose()


def _scalar_mark(event: Any) -> Mark:
    start, end = event.start_mark, event.end_mark
    line, column = start.line, start.column
    if end.line != line:
        return Mark(line + 1, column + 1)
    length = end.column - column
    if event.style is None:
        at = 0 if length == len(event.value) else -1
    else:
        at = 1 if length == len(event.value) + 2 else -1
    return Mark(line + 1, column + 1, length or 1, at)


def _attach(container: Any, key: tuple[str, Mark] | None, value: Any, mark: Mark) -> None:
    if key is None:
        container.append(value)
        container.marks.append(mark)
    else:
        name, key_mark = key
        container[name] = value
        container.key_marks[name] = key_mark
        container.value_marks[name] = mark
