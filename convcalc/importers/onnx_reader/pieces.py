"""Constants that a file cuts into pieces, each of which counts its own numbers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Learned
from convcalc.importers.onnx_reader.constants import Constant, Folded, axis_of, sliced
from convcalc.importers.onnx_reader.wire import Node

_CUTS = frozenset(("Slice", "Split", "Gather"))


class Piece(NamedTuple):
    """What tells a piece from others."""

    tensor: Hashable
    cells: Hashable


def cut(op: Folded, made: Sequence[Constant], readers: Sequence[Node]) -> list[Constant]:
    """What an operator makes of a constant, as tensors of their own where they are its pieces.

    `readers` are the nodes that read that constant. One that is cut once counts whole, as a table
    of places does of which the front is used.
    """
    whole = op.constants[0] if op.name in _CUTS and op.constants else None
    if whole is None or len(whole.made_of) != 1:
        return list(made)
    (learned,) = whole.made_of
    are_many = op.name == "Split" or len(readers) > 1
    if not are_many or product(learned.shape) != whole.size:
        return list(made)
    if any(node.op not in _CUTS for node in readers):
        return list(made)
    return [
        piece._replace(made_of=(Learned(Piece(learned.key, cells), piece.shape),))
        for piece, cells in zip(made, _cells(op, whole, made))
    ]


def _cells(op: Folded, whole: Constant, made: Sequence[Constant]) -> Iterator[Hashable]:
    """What tells each piece from others of the same tensor: the axes, and their cells."""
    if op.name == "Slice":
        yield tuple(sorted(sliced(op, whole.shape).items(), key=lambda item: item[0]))
        return
    axis = axis_of(op.attribute("axis", 0), len(whole.shape))
    if op.name == "Gather":
        index = op.constants[1]
        yield axis, None if index is None else index.values
        return
    start = 0
    for piece in made:
        yield axis, range(start, start + piece.shape[axis])
        start += piece.shape[axis]
