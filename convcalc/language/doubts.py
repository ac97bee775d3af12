"""What is said beside an answer: a spec is right, and may mean something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from convcalc.diagnostics import Diagnostic, Source
from convcalc.graph import Builder
from convcalc.inputs import misread
from convcalc.language.document import Document
from convcalc.language.limits import DEFAULT, Budget
from convcalc.language.refusals import Mistakes
from convcalc.language.values import Values
from convcalc.words import sizes


def doubts(
    document: Document,
    source: Source,
    preset: str | None = None,
    variables: Mapping[str, Any] | None = None,
) -> Iterator[Diagnostic]:
    """A warning for each input of a spec that looks misread, at a preset and some variables.

    The shapes are the spec's own, whatever else is asked for.
    """
    values = Values(document, Mistakes(source, Budget(DEFAULT), Builder()))
    for name, shape in values.inputs(values.variables(preset, variables or {})).items():
        found = misread(shape)
        if found is None:
            continue
        message = f"the input {sizes(shape)} {found.looks}"
        help = f"write `{name}: {list(found.sizes)}`"
        if found.batch is not None and found.batch > 1:
            help = f"{help}; --batch {found.batch} is for the samples"
        mark = document.mark_of("input", name)
        yield Diagnostic("misread-input", message, source, mark, help=help, severity="warning")
