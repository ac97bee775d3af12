"""Which modules are trained, and which are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Unsayable
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.replay import evaluate
from convcalc.exporters.python.use import Held, Ran, Use
from convcalc.language.statements import Statement


def training_of(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> str:
    """Whether a line is trained, as code; empty where it is."""
    raw = st.body.trainable
    if raw is True:
        return ""
    try:
        return expressions.text(writer.tree(raw, ran, inputs, forward=False))
    except Unsayable:
        return str(Use.one([bool(evaluate(raw, line.values)) for _, line in ran]))


def as_trained(writer: Writer, code: str, st: Statement, ran: Ran, inputs: list[Held]) -> str:
    """A module as the line says that it is trained."""
    for trained in (*writer.trainings, training_of(writer, st, ran, inputs)):
        if trained:
            code = writer.dialect.frozen(code, trained)
    return code


@contextmanager
def within(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> Iterator[None]:
    """Write the lists in a structure: with what it says of training, and names of their own."""
    before = writer.trainings
    trained = training_of(writer, st, ran, inputs)
    writer.trainings = (*before, trained)
    writer.tensors.append({})
    writer.modules.append({})
    try:
        yield
    finally:
        writer.trainings = before
        writer.tensors.pop()
        writer.modules.pop()
