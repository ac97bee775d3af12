"""A `sequential` inside of a list."""

from __future__ import annotations

from convcalc.exporters.python.classes.calls import Calling, invoke
from convcalc.exporters.python.classes.lines import statements_of
from convcalc.exporters.python.classes.modules import assign, chain, is_pure
from convcalc.exporters.python.classes.structures import as_statements
from convcalc.exporters.python.classes.tensors import target_of
from convcalc.exporters.python.classes.training import training_of, within
from convcalc.exporters.python.classes.turns import Turns, turns_of
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.names import class_name, identifier
from convcalc.exporters.python.use import Held, Ran
from convcalc.language.statements import Stack, Statement


@as_statements("sequential")
def _sequential(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    turns = turns_of(ran, 0)
    if not writer.is_function and len(inputs) == 1 and is_pure(writer, st.body.layers, turns):
        return _sequence(writer, st, ran, turns, st.body.layers, inputs, st.body.name or "layers")
    if st.body.name is not None and not writer.is_function:
        signature = writer.file.lifted(writer, st.body.layers, turns, class_name(st.body.name))
        return invoke(writer, Calling(signature, st, ran, inputs, [turn for _, turn in turns]))
    with within(writer, st, ran, inputs):
        return statements_of(writer, st.body.layers, turns, inputs)


def _sequence(
    writer: Writer,
    st: Statement,
    ran: Ran,
    turns: Turns,
    stack: Stack,
    inputs: list[Held],
    name: str,
) -> list[Held]:
    """A list that is modules one after the other, as one of them."""
    items, channels = chain(writer, stack, turns, inputs[0].channels)
    if not items:
        return inputs
    attribute = writer.attributes.new(identifier(name))
    assign(writer, attribute, items, (*writer.trainings, training_of(writer, st, ran, inputs)))
    target = target_of(writer, st, inputs)
    writer.body.append(f"{target} = self.{attribute}({inputs[0].code})")
    return [Held(target, channels, inputs[0].single)]
