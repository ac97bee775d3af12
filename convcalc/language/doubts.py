"""What is said beside an answer: a spec is right, and may mean something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from convcalc.diagnostics import Diagnostic, Source
from convcalc.graph import DROP, Graph
from convcalc.inputs import misread
from convcalc.language.document import Document
from convcalc.layers.base import Placed
from convcalc.shape import Shape
from convcalc.words import counted, listed, shortened, sizes


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


#: How many layers are named that have other weights than before.
_MOST = 5
#: Characters of a name, whose end tells it from others.
_WIDEST = 100


def reshaped(whole: Graph, part: Graph, source: Source) -> Iterator[Diagnostic]:
    """A warning where what was left out of a network changes the weights of what follows."""
    before = {node.name: node.placed for node in whole.nodes}
    found = [
        (node.name, _params(node.placed), _params(before[node.name]))
        for node in part.nodes
        if node.weights_of is None and node.placed.tensors != before[node.name].tensors
    ]
    if not found:
        return
    first, *others = [
        f"`{shortened(name, _WIDEST)}` has {counted(now, 'parameter')}, {then:,} before"
        for name, now, then in found
    ]
    notes = [f"so {each}" for each in others[:_MOST]]
    if len(others) > _MOST:
        notes.append(f"so have {counted(len(others) - _MOST, 'more layer')} other weights")
    dropped = listed(part.cut_by()[DROP], 6)
    help = "it reads another shape now, which weights that are trained already do not fit"
    yield Diagnostic(
        "other-shape",
        f"without {dropped}, {first}",
        source,
        notes=tuple(notes),
        help=help,
        severity="warning",
    )


def _params(placed: Placed) -> int:
    """The parameters that a layer works with."""
    return sum(weight.size for weight in placed.tensors if weight.trainable)
