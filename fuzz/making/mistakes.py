"""One mistake in a spec that is right: what people do when they mistype, forget or mix up.

In what a document says (`mistake`), or in its text (`slip`), which may be no YAML then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NamedTuple

from fuzz.making.places import Path, at, changed, paths, without

_NAME = re.compile("[A-Za-z_][A-Za-z0-9_-]*")
#: What stands where something of another type is meant.
_VALUES: tuple[Any, ...] = (None, True, 3, "some", "3x3", [1], {})
#: What a slip of the keyboard leaves in a text.
_PIECES = (*"[]{}:,-#'\"|>!&*%@`?\t\n 0é\u2028", "- ", "&a ", "*a ", "<<: ", "null", "9" * 30)
#: What has free text in it.
_FREE = frozenset(("name", "source", "description", "notes"))


class Kind(NamedTuple):
    """A kind of mistake: which places it can be made at, and the document with it there."""

    fits: Callable[[Path, Any], bool]
    make: Callable[[Random, Any, Path], Any]


def mistake(rng: Random, data: Any, kind: str) -> Any:
    """The document with one mistake of a kind of KINDS; None where there is no place for it."""
    fits, make = KINDS[kind]
    places = [path for path in paths(data) if path and fits(path, at(data, path))]
    return make(rng, data, rng.choice(places)) if places else None


def _is_key(path: Path, value: Any) -> bool:
    return isinstance(path[-1], str)


def _is_number(path: Path, value: Any) -> bool:
    return type(value) in (int, float)


def _has_name(path: Path, value: Any) -> bool:
    return isinstance(value, str) and path[0] not in _FREE and _NAME.search(value) is not None


def _rename(rng: Random, data: Any, path: Path) -> Any:
    """A key is mistyped."""
    typed = mistyped(rng, str(path[-1]))

    def change(owner: dict[str, Any]) -> dict[str, Any]:
        return {typed if key == path[-1] else key: value for key, value in owner.items()}

    return changed(data, path[:-1], change)


def _retype(rng: Random, data: Any, path: Path) -> Any:
    """A value of another type stands in the place of one."""
    before = type(at(data, path))
    value = rng.choice([each for each in _VALUES if type(each) is not before])
    return changed(data, path, lambda _: value)


def _range(rng: Random, data: Any, path: Path) -> Any:
    """A number is zero, negative, no whole number, or far too large."""
    number = at(data, path)
    others = (0, -1, -number, number + 0.5, number * 1000)
    value = rng.choice([each for each in others if each != number])
    return changed(data, path, lambda _: value)


def _name(rng: Random, data: Any, path: Path) -> Any:
    """A name in a text is mistyped: a layer's, a tensor's, one in an expression, a word."""
    text = at(data, path)
    name = rng.choice(list(_NAME.finditer(text)))
    value = text[: name.start()] + mistyped(rng, name[0]) + text[name.end() :]
    return changed(data, path, lambda _: value)


def mistyped(rng: Random, word: str) -> str:
    """A word that lacks a letter, has one twice, or has two in each other's place."""
    places = range(len(word) - 1)
    lacking = [word[:at] + word[at + 1 :] for at in places]
    twice = [word[:at] + word[at - 1] + word[at:] for at in range(1, len(word) + 1)]
    swapped = [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in places]
    swapped = [each for each in swapped if each != word]
    return rng.choice(rng.choice([each for each in (lacking, twice, swapped) if each] or [["x"]]))


#: The kinds of mistake by name.
KINDS: Mapping[str, Kind] = {
    "a key left out": Kind(_is_key, lambda rng, data, path: without(data, path)),
    "a key mistyped": Kind(_is_key, _rename),
    "another type": Kind(lambda path, value: True, _retype),
    "out of range": Kind(_is_number, _range),
    "a name mistyped": Kind(_has_name, _name),
}


def slip(rng: Random, text: str) -> str:
    """A text with one slip in it: a character, or a line, too many, too few or in another place."""
    way = rng.choice(("less", "more", "line", "indent"))
    index = rng.randrange(len(text))
    if way == "less":
        text = text[:index] + text[index + 1 :]
    elif way == "more":
        text = text[:index] + rng.choice(_PIECES) + text[index:]
    else:
        lines = text.split("\n")
        index = rng.randrange(len(lines))
        if way == "line":
            lines.insert(rng.randrange(len(lines)), lines[index])
        else:
            lines[index] = lines[index][1:] if rng.random() < 0.5 else f" {lines[index]}"
        text = "\n".join(lines)
    return text if text.endswith("\n") else f"{text}\n"
