"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from convcalc.render.report import Report


class Format(NamedTuple):
    """A way to print an answer: its name, what files of it end in, and the text in pieces.

    `view` is what it prints of a report: `tables` for people, `records` or `objects` for programs.
    The pieces are small and made one by one. Text from outside is escaped in them for the format's
    own medium; `convcalc.visible` has what every medium needs. Of what is no text they are bytes.
    """

    name: str
    suffixes: tuple[str, ...]
    render: Callable[[Report], Iterable[Any]]
    view: str = "tables"
