"""A list of lines as statements of `forward`, one after the other."""

from __future__ import annotations

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, Unsayable
from convcalc.exporters.python.classes.calls import apply_block
from convcalc.exporters.python.classes.conditions import (
    condition_of,
    early_condition,
    late_condition,
)
from convcalc.exporters.python.classes.layers import apply_layer
from convcalc.exporters.python.classes.structures import STATEMENTS
from convcalc.exporters.python.classes.tensors import fresh, note_channels, resolved
from convcalc.exporters.python.classes.turns import Turns, does, left
from convcalc.exporters.python.classes.ways import Ways
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.layout import INDENT
from convcalc.exporters.python.use import Held, Ran
from convcalc.language.statements import Call, Stack, Statement


def statements_of(writer: Writer, stack: Stack, ran: Turns, current: list[Held]) -> list[Held]:
    """A list of lines, one after the other, as statements of `forward`."""
    ways = Ways(writer, current[0].channels if current else None, len(ran))
    for index, st in enumerate(stack):
        lines = [(run, turn.lines[index]) for run, turn in ran]
        there = [at for at, (_, line) in enumerate(lines) if does(line)]
        if len(current) == 1 and there:
            current = [current[0]._replace(channels=ways.among(there, lines))]
        made = _statement(writer, st, lines, current)
        if len(made) == 1:
            if len(there) < len(lines) and len(current) == 1 and there:
                ways.put(made[0].channels, there, _test(writer, st, lines, current))
            elif there:
                ways.put(made[0].channels, range(len(lines)))
        current = made
    if len(current) == 1:
        ended = [(run, left(turn)) for run, turn in ran]
        current = [current[0]._replace(channels=ways.among(range(len(ran)), ended))]
    return current


def _test(writer: Writer, st: Statement, ran: Ran, current: list[Held]) -> Tree:
    """The condition of a line, as `__init__` has it; None where it has none."""
    if st.body.when is True:
        return None
    try:
        return writer.tree(st.body.when, ran, resolved(writer, st, current, ran), forward=False)
    except Unsayable:
        return None


def _statement(writer: Writer, st: Statement, ran: Ran, current: list[Held]) -> list[Held]:
    """One line, under its condition."""
    alive = [(run, line) for run, line in ran if not line.left_out]
    if not alive:
        return current
    raw = condition_of(writer, st, ran, alive)
    if raw is None:
        return _unconditional(writer, st, alive, current)
    if len(current) != 1:
        raise Unsayable
    (before,) = current
    init, body = len(writer.init), len(writer.body)
    made = _unconditional(writer, st, alive, current)
    if len(made) != 1:
        raise Unsayable
    (after,) = made
    inits, bodies = writer.init[init:], writer.body[body:]
    del writer.init[init:], writer.body[body:]
    if not inits and not bodies and after.code == before.code:
        return made  # there or not, it does nothing
    inputs = resolved(writer, st, current, alive)
    is_module = (
        len(inits) == 1
        and inits[0].startswith("self.")
        and bodies == [f"{after.code} = {inits[0].partition(' = ')[0]}({before.code})"]
    )
    early = early_condition(writer, raw, ran, inputs, bool(inits), st)
    if is_module and early is not None:
        attribute = inits[0].partition(" = ")[0]
        writer.init += [
            f"if {expressions.text(early)}:",
            INDENT + inits[0],
            "else:",
            f"{INDENT}{attribute} = {writer.dialect.identity}",
        ]
        writer.body += bodies
        return [Held(after.code, after.channels, before.single and after.single)]
    code = before.code
    if code in writer.pinned or not code.isidentifier():
        is_named = st.body.name is not None and st.body.name in writer.referenced
        code = fresh(writer) if is_named or after.code in writer.pinned else after.code
        writer.body.append(f"{code} = {before.code}")
    if after.code != code:
        bodies.append(f"{code} = {after.code}")
    condition = late_condition(writer, raw, ran, inputs, early, inits, st)
    if inits:
        assert early is not None
        writer.init += [f"if {expressions.text(early)}:", *[INDENT + each for each in inits]]
    writer.body += [f"if {condition}:", *[INDENT + each for each in bodies]]
    return [Held(code, after.channels, before.single and after.single)]


def _unconditional(writer: Writer, st: Statement, ran: Ran, current: list[Held]) -> list[Held]:
    """A line that is there; what it hands on."""
    inputs = resolved(writer, st, current, ran)
    if isinstance(st.body, Call):
        made = (
            apply_block(writer, st, ran, inputs)
            if st.type in writer.file.blocks
            else apply_layer(writer, st, ran, inputs)
        )
    else:
        made = STATEMENTS[st.type](writer, st, ran, inputs)
    for each in made[:1]:
        note_channels(writer, each.channels, st)
    name = st.body.name
    if name is not None:
        writer.tensors[-1][name] = made
        if name in writer.referenced:
            writer.pinned.update([each.code for each in made])
    return made
