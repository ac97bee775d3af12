"""A spec's values as YAML, laid out as the zoo's files are."""

from __future__ import annotations

import json
import re
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
        if isinstance(value, (Stack, dict)) and lines and _has_stack(value):
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


def _has_stack(value: Any) -> bool:
    """Whether something in a value has lines of its own."""
    if isinstance(value, dict):
        return any(map(_has_stack, value.values()))
    return isinstance(value, Stack) and bool(value)


def _is_short(value: Any, room: int) -> bool:
    """Whether a value stands on one line that has so many characters left."""
    if _has_stack(value):
        return False
    if isinstance(value, Rows) and len(value) > 2 and any(isinstance(row, list) for row in value):
        return False
    return len(_flow(value)) <= room


def _entry(key: str, value: Any, indent: int) -> Iterator[str]:
    """An entry of a mapping, as lines."""
    head = f"{' ' * indent}{key}:"
    if not isinstance(value, (dict, list)) or not value or (_is_short(value, _WIDTH - len(head) - 1) and not _is_open(value)):
        yield f"{head} {_flow(value)}"
    elif isinstance(value, dict):
        yield head
        for name, each in value.items():
            yield from _entry(name, each, indent + 2)
    else:
        yield head
        for each in value:
            yield from _item(each, indent + 2)


def _is_open(value: Any) -> bool:
    """Whether a mapping has a table in it, which does not stand on its line."""
    return isinstance(value, dict) and any(
        isinstance(each, Rows) and not _is_short(each, _WIDTH) for each in value.values()
    )


def _item(value: Any, indent: int) -> Iterator[str]:
    """An item of a list, as lines."""
    lead = f"{' ' * indent}- "
    if isinstance(value, Stack) and value:
        inner = (line for each in value for line in _item(each, indent + 2))
    elif isinstance(value, dict) and len(value) == 1:
        ((name, fields),) = value.items()
        # The fields of an element stand deeper than its name by two of its steps.
        inner = _element(name, fields, indent + 2)
    else:
        yield lead + _flow(value)
        return
    yield lead + next(inner)[indent + 2 :]
    yield from inner


def _element(name: str, fields: Any, indent: int) -> Iterator[str]:
    """A layer, a structure or the call of a block, as lines."""
    yield from _entry(name, fields, indent)
