"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from convcalc.render.report import Report


class Format(NamedTuple):
    """A way to print an answer: its name, what files of it end in, and the text in pieces."""

    name: str
    suffixes: tuple[str, ...]
    render: Callable[[Report], Iterable[str]]
