"""What `forward` calls its tensors, which ones enter a line, and what attributes are called."""

from __future__ import annotations

import ast

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, Unsayable
from convcalc.exporters.python.classes.signature import channels_name
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.names import identifier
from convcalc.exporters.python.use import Held, Ran
from convcalc.language.statements import Statement


def note_channels(writer: Writer, channels: Tree, st: Statement) -> None:
    """Remember channels that take working out."""
    if channels is not None and "(" in (text := expressions.text(channels)):
        name = identifier(f"{st.body.name or st.type}_channels")
        writer.worked_out.setdefault(text, name)


def resolved(writer: Writer, st: Statement, current: list[Held], ran: Ran) -> list[Held]:
    """What enters a line."""
    if st.body.from_:
        return [each for name in st.body.from_ for each in tensors_of(writer, name)]
    return current


def tensors_of(writer: Writer, name: str) -> list[Held]:
    """The tensors of a name."""
    whole, dot, part = name.partition(".")
    for known in reversed(writer.tensors):
        if whole in known:
            return known[whole][int(part) :][:1] if dot else known[whole]
    if writer.outer is None:
        raise Unsayable
    found = writer.captured.get(name)
    if found is None:
        held = tensors_of(writer.outer, name)
        found = []
        taken = sum(map(len, writer.captured.values())) + len(writer.inputs)
        for index, each in enumerate(held):
            python = writer.locals.new(
                identifier(name.replace(".", "_")) + (f"_{index}" if index else "")
            )
            channels = ast.Name(channels_name(taken + index))
            found.append(Held(python, channels, each.single))
            writer.pinned.add(python)
        writer.captured[name] = found
    return found


def fresh(writer: Writer) -> str:
    """A name for a tensor that has none."""
    first = "x" if writer.has_named_inputs else writer.inputs[0]
    for each in (first, "y", "z"):
        if each not in writer.pinned:
            writer.locals.taken.add(each)
            return each
    return writer.locals.new("y")


def target_of(writer: Writer, st: Statement, inputs: list[Held]) -> str:
    """What the tensor that a line makes is called."""
    name = st.body.name
    if name is not None and name in writer.referenced:
        return writer.locals.new(identifier(name))
    for each in inputs[:1]:
        if each.code.isidentifier() and each.code not in writer.pinned:
            return each.code
    return fresh(writer)


def attribute_of(writer: Writer, st: Statement, name: str = "") -> str:
    """A new attribute for a line."""
    return writer.attributes.new(identifier(name or st.body.name or st.type))
