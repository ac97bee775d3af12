"""The spec of a foreign network, as text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from convcalc.foreign.traced import Traced
from convcalc.foreign.writing import flat as plain
from convcalc.foreign.writing.blocks import with_blocks
from convcalc.foreign.writing.elements import stack
from convcalc.foreign.writing.fields import Names, as_name
from convcalc.foreign.writing.finite import finite
from convcalc.foreign.writing.modules import lines_of
from convcalc.foreign.writing.proof import is_of, require_readable
from convcalc.foreign.writing.yaml import Stack, document
from convcalc.visible import visible

__all__ = ["text_of"]

#: Characters of a network's name and of its source, at the most.
_LONGEST_TEXT = 2_000


def text_of(traced: Traced, *, flat: bool = False, tick: Callable[[], None] = lambda: None) -> str:
    """The spec of a network, as a person would write it; `flat`: a line for each layer.

    Modules become blocks and groups, what repeats is written once, joined paths are structures. The
    text is read again and compared with the network; where it does not come out the same, a plainer
    one is taken: without blocks and loops, and in the end the plain list. Raises ConvcalcError
    where that is no spec either. `tick` is called now and then, and raises it where the time is
    over.
    """
    if not traced.calls:
        # A network has at least one line.
        return _text(traced, {"layers": Stack([{"sequential": {"layers": []}}])})
    traced = finite(traced)
    if not flat:
        for written in _WAYS:
            for _ in traced.calls:
                tick()
            text = _text(traced, written(traced, _input_names(traced)))
            if is_of(text, traced):
                return text
    text = _text(traced, plain.lines(traced, _input_names(traced)))
    require_readable(text, traced)
    return text


def _with_blocks(traced: Traced, inputs: tuple[str, ...]) -> dict[str, Any]:
    """`blocks`, `layers` and `outputs`: blocks and loops for what repeats."""
    lines, outputs = lines_of(traced, inputs)
    lines, blocks = with_blocks(lines)
    return _body(blocks, stack(lines), outputs)


def _with_groups(traced: Traced, inputs: tuple[str, ...]) -> dict[str, Any]:
    """`layers` and `outputs`: every module a group, and nothing written once for several."""
    lines, outputs = lines_of(traced, inputs)
    lines, blocks = with_blocks(lines, plain=True)
    return _body(blocks, stack(lines), outputs)


#: How a network is written, the best way first.
_WAYS: tuple[Callable[[Traced, tuple[str, ...]], dict[str, Any]], ...] = (
    _with_blocks,
    _with_groups,
)


def _body(blocks: dict[str, Any], layers: Any, outputs: tuple[str, ...]) -> dict[str, Any]:
    body: dict[str, Any] = {"blocks": blocks} if blocks else {}
    body["layers"] = layers
    if outputs:
        body["outputs"] = outputs[0] if len(outputs) == 1 else list(outputs)
    return body


def _text(traced: Traced, body: dict[str, Any]) -> str:
    """A document: what is said of the network, its inputs, and its body."""
    names, shapes = _input_names(traced), [list(shape) for shape in traced.inputs.values()]
    # What is unseen is no part of a spec's texts, not even as an escape.
    name, source = (visible(each).strip()[:_LONGEST_TEXT] for each in (traced.name, traced.source))
    head: dict[str, Any] = {"name": name or "Network"}
    if source:
        head["source"] = source
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
