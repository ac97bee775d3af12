"""The spec of a foreign network, as text."""

from __future__ import annotations

import textwrap
from typing import Any

from convcalc.importers.traced import Traced
from convcalc.importers.writing import flat as plain
from convcalc.importers.writing.fields import Names, as_name
from convcalc.importers.writing.yaml import document
from convcalc.visible import visible

__all__ = ["text_of"]

#: Characters of a network's name and of its source, at the most.
_LONGEST_TEXT = 2_000


def text_of(traced: Traced, *, flat: bool = False) -> str:
    """The spec of a network, with blocks and loops for what it repeats; `flat`: a line a layer."""
    return _text(traced, plain.lines(traced, _input_names(traced)))


def _text(traced: Traced, body: dict[str, Any]) -> str:
    """A document: what is said of the network, its inputs, and its body."""
    names, shapes = _input_names(traced), [list(shape) for shape in traced.inputs.values()]
    head: dict[str, Any] = {"name": traced.name.strip()[:_LONGEST_TEXT] or "Network"}
    if traced.source.strip():
        head["source"] = traced.source[:_LONGEST_TEXT]
    head["input"] = shapes[0] if len(shapes) == 1 else dict(zip(names, shapes))
    return _notes(traced) + document(head | body)


def _notes(traced: Traced) -> str:
    """What is to be said beside it, as comments."""
    lines = [
        line
        for note in traced.notes
        for line in textwrap.wrap(visible(note), 98, break_long_words=False)
    ]
    return "".join([f"# {line}\n" for line in lines])


def _input_names(traced: Traced) -> tuple[str, ...]:
    """What the inputs are called: a single one is `input`."""
    if len(traced.inputs) == 1:
        return ("input",)
    names = Names(())
    return tuple([names.new(as_name(name) or "x") for name in traced.inputs])
