"""A line of a spec while it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from convcalc.shape import Tensor

#: How deep lines are inside each other, at the most: the language has a limit, and readers too.
DEEPEST = 24


class Line:
    """An element of a `layers` list: a layer, a structure or the call of a block."""

    __slots__ = (
        "cls",
        "depth",
        "end",
        "fields",
        "first",
        "from_",
        "is_named",
        "kind",
        "label",
        "lists",
        "makes",
        "name",
        "parts",
        "reads_input",
        "takes",
        "weights",
    )

    def __init__(
        self,
        kind: str,
        calls: range,
        takes: tuple[Tensor, ...] = (),
        makes: tuple[Tensor, ...] = (),
        *,
        name: str = "",
        fields: dict[str, Any] | None = None,
        lists: dict[str, list[Any]] | None = None,
        cls: str = "",
    ) -> None:
        self.kind = kind
        #: The calls that it stands for.
        self.first, self.end = calls.start, calls.stop
        #: The tensors that enter it, and those that it hands on.
        self.takes, self.makes = takes, makes
        #: What the foreign network calls it, and its class.
        self.name, self.cls = name, cls
        self.fields = fields or {}
        #: The lists inside it by their keys; `paths` is a list of them.
        self.lists = lists or {}
        #: How many lines are inside each other in it.
        self.depth: int = 1 + max((line.depth for each in self.inner() for line in each), default=0)
        #: The tensors that enter its paths, one each, where it splits what enters it.
        self.parts: tuple[Tensor, ...] = ()
        #: Whether that is worth a reader's while.
        self.is_named = False
        #: What others call it in `from` and `weights`; empty where none does.
        self.label = ""
        #: What it takes by name; empty where it takes the line above.
        self.from_: tuple[str, ...] = ()
        #: The line whose weights it uses.
        self.weights: Line | int | None = None
        #: Whether something in it takes by name what enters it.
        self.reads_input = False

    @property
    def is_module(self) -> bool:
        """Whether it is a module that holds others."""
        return self.kind == "sequential"

    @property
    def channels(self) -> int:
        """The channels of what enters it; 0 where nothing does."""
        return self.takes[0].shape.channels if self.takes else 0

    def inner(self) -> Iterator[list[Line]]:
        """The lists inside it."""
        for key, value in self.lists.items():
            if key == "paths":
                yield from value
            else:
                yield value


def every(lines: Sequence[Line]) -> Iterator[Line]:
    """All lines of a list, and those in the lists inside them."""
    for line in lines:
        yield line
        for inner in line.inner():
            yield from every(inner)


def says_more(line: Line) -> bool:
    """Whether the name of a line says more than what it is, and which of these."""
    return not re.fullmatch(rf"{re.escape(line.kind)}(_\d+)?", line.name)
