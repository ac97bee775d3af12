"""What is said beside an answer: a spec is right, and may mean something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from convcalc.diagnostics import Diagnostic, Source
from convcalc.inputs import misread
from convcalc.language.document import Document
from convcalc.shape import Shape
from convcalc.words import sizes


def doubts(document: Document, source: Source, inputs: Mapping[str, Shape]) -> Iterator[Diagnostic]:
    """A warning for each input of a spec's network that looks misread."""
    for name, shape in inputs.items():
        found = misread(shape)
        if found is None:
            continue
        message = f"the input {sizes(shape)} {found.looks}"
        help = f"write `{name}: {list(found.sizes)}`"
        if found.batch is not None and found.batch > 1:
            help = f"{help}; --batch {found.batch} is for the samples"
        mark = document.mark_of("input", name)
        yield Diagnostic("misread-input", message, source, mark, help=help, severity="warning")
