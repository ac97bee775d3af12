"""What an exporter is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from convcalc.graph import Graph
from convcalc.language.document import Document


class Model(NamedTuple):
    """What is exported: a spec, checked, and the network that it describes as it was asked for."""

    document: Document
    #: Its preset and variables are those that the document was expanded with.
    graph: Graph


class Exporter(NamedTuple):
    """A way out: what a foreign file is called, and what makes it."""

    name: str
    #: What it is called in a sentence: "PyTorch".
    title: str
    #: What its files end in: `.py`.
    suffix: str
    #: The file's content: text, or bytes. Raises ConvcalcError for what the format cannot say.
    content: Callable[[Model], str | bytes]
    #: Whether it follows the document alone, and so does not write networks that were cut.
    of_document: bool = False
