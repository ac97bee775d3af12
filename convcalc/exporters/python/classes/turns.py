"""The runs of a list of lines."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.exporters.python.replay import Line, Turn
from convcalc.exporters.python.use import Ran
from convcalc.language.scopes import tensor_values

#: The runs of a list: in which run of its class, and what it did.
Turns = list[tuple[int, Turn]]


def turns_of(ran: Ran, index: int) -> Turns:
    """The runs of a list in a line."""
    return [(run, line.turns[index]) for run, line in ran]


def does(line: Line) -> bool:
    """Whether a line is there, and has a turn where it is a loop."""
    return not line.left_out and (bool(line.turns) or line.st.type not in ("repeat", "for_each"))


def left(turn: Turn) -> Line:
    """What leaves a turn, as a line that it enters."""
    return entered(turn)._replace(inputs=turn.outputs)


def keeps(turns: Sequence[Turn]) -> bool:
    """Whether runs hand on as many channels as enter them."""
    return all(
        len(turn.outputs) == 1
        and bool(turn.inputs)
        and turn.inputs[0].shape[0] == turn.outputs[0].shape[0]
        for turn in turns
    )


def entered(turn: Turn) -> Line:
    """A turn, as a line that has its inputs and names."""
    seen = {**turn.values, **(tensor_values(turn.inputs[0].shape) if turn.inputs else {})}
    return Line(None, seen, turn.inputs, turn.outputs, range(0), turns=(turn,))  # type: ignore[arg-type]
