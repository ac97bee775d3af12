"""A spec's values as YAML, laid out as the zoo's files are."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from convcalc.visible import in_json, visible

#: Characters of a line, at the most where there is a choice.
_WIDTH: Final = 100
#: A text that YAML takes for nothing else, also between braces: a name or an expression.
_PLAIN = re.compile(r"[\w(](?:[\w .()*+/%<=>!-]*[\w)])?")
#: What it would take for a number, or for another value.
_OTHER = re.compile(
    r"[-+]?(?:\.?[0-9][0-9_.]*(?:[eE][-+]?[0-9]+)?|0[ox][0-9a-fA-F]+)|true|false|null|yes|no|on|off",
    re.IGNORECASE,
)


class Stack(list[Any]):
    """A list that has a line for each item, as `layers` has."""


class Rows(list[Any]):
    """A table: a list that has a line for each row unless it is short."""


def document(entries: Mapping[str, Any]) -> str:
    """A mapping as a document; those of its values that have lines of their own stand apart."""
    lines: list[str] = []
    for key, value in entries.items():
        if isinstance(value, (Stack, dict)) and lines and _has_lines(value):
            lines.append("")
        if key == "blocks":
            lines.append("blocks:")
            for at, (name, block) in enumerate(value.items()):
                lines += [""] if at else []
                lines += _entry(name, block, 2)
        else:
            lines += _entry(key, value, 0)
    return "\n".join([*lines, ""])


def scalar(value: Any) -> str:
    """A text, a number, a truth value or nothing."""
    if isinstance(value, str):
        # What is unseen is written as an escape, which only a text in quotes has.
        is_plain = _PLAIN.fullmatch(value) and not _OTHER.fullmatch(value)
        if is_plain and "  " not in value and visible(value) == value:
            return value
        return in_json(json.dumps(value, ensure_ascii=False))
    return json.dumps(value)


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join([f'{key}: {_flow(each)}' for key, each in value.items()])}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_flow, value))}]"
    return scalar(value)


def _has_lines(value: Any) -> bool:
    """Whether something in a value has lines of its own."""
    if isinstance(value, dict):
        return any(map(_has_lines, value.values()))
    if isinstance(value, Rows):
        return len(value) > 2 and any(isinstance(row, list) for row in value)
    return isinstance(value, Stack) and bool(value)


def _entry(key: str, value: Any, indent: int) -> Iterator[str]:
    """An entry of a mapping, as lines."""
    head = f"{' ' * indent}{key}:"
    is_short = not _has_lines(value) and len(head) + 1 + len(text := _flow(value)) <= _WIDTH
    if is_short or not isinstance(value, (dict, list)) or not value:
        yield f"{head} {_flow(value)}"
    elif isinstance(value, dict):
        yield head
        for name, each in value.items():
            yield from _entry(name, each, indent + 2)
    elif isinstance(value, (Stack, Rows)):
        yield head
        for each in value:
            yield from _item(each, indent + 2)
    else:
        # The items of a long list stand below each other as many as a line takes.
        yield from textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"{head} ",
            subsequent_indent=" " * (len(head) + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )


def _item(value: Any, indent: int) -> Iterator[str]:
    """An item of a list, as lines."""
    lead = f"{' ' * indent}- "
    if isinstance(value, Stack) and value:
        inner: Iterator[str] = (line for each in value for line in _item(each, indent + 2))
    elif isinstance(value, dict) and len(value) == 1:
        ((name, fields),) = value.items()
        inner = _entry(name, fields, indent + 2)
    else:
        yield lead + _flow(value)
        return
    yield lead + next(inner)[indent + 2 :]
    yield from inner
