"""Lists beside each other, whose ends are joined: residuals and branches."""

from __future__ import annotations

import ast

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, Unsayable
from convcalc.exporters.python.classes.conditions import asks, flag_of
from convcalc.exporters.python.classes.lines import statements_of
from convcalc.exporters.python.classes.modules import assign, chain, is_pure
from convcalc.exporters.python.classes.structures import as_statements
from convcalc.exporters.python.classes.tensors import fresh, target_of
from convcalc.exporters.python.classes.training import within
from convcalc.exporters.python.classes.turns import Turns, turns_of
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.layout import INDENT
from convcalc.exporters.python.names import identifier
from convcalc.exporters.python.use import Held, Ran
from convcalc.expressions import Expression
from convcalc.language.statements import Call, Stack, Statement


@as_statements("residual")
def _residual(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    body = st.body
    if len(inputs) != 1:
        raise Unsayable
    (entering,) = inputs
    connected = [(run, line) for run, line in ran if line.join is not None]
    with within(writer, st, ran, inputs):
        if not connected:
            code, made = _path(writer, body.layers, turns_of(ran, 0), entering, "body", st)
            if len(made) != 1 or code.isidentifier():
                return made
            target = target_of(writer, st, [entering])
            writer.body.append(f"{target} = {code}")
            return [made[0]._replace(code=target)]
        raw = body.connect
        flag = ""
        if len(connected) < len(ran) or (isinstance(raw, Expression) and asks(writer, raw, ran)):
            flag = flag_of(writer, raw, ran, inputs, [line.join is not None for _, line in ran])
        pinned = set(writer.pinned)
        writer.pinned.add(entering.code)
        code, made = _path(writer, body.layers, turns_of(ran, 0), entering, "body", st)
        if len(made) != 1:
            raise Unsayable
        if flag and not (code.isidentifier() and code not in pinned):
            kept = fresh(writer)
            writer.body.append(f"{kept} = {code}")
            code = kept
        writer.pinned.add(code)
        init, at = len(writer.init), len(writer.body)
        shortcut: tuple[str, list[Held]] = (entering.code, [entering])
        if body.shortcut and any(len(line.turns) > 1 for _, line in connected):
            turns = turns_of(connected, 1)
            shortcut = _path(writer, body.shortcut, turns, entering, "shortcut", st)
        if len(shortcut[1]) != 1:
            raise Unsayable
        writer.pinned = pinned
        if flag:
            inits, bodies = writer.init[init:], writer.body[at:]
            del writer.init[init:], writer.body[at:]
            if inits:
                writer.init += [f"if {flag}:", *[INDENT + each for each in inits]]
            if bodies:
                bodies.append(f"{code} = {code} + {shortcut[0]}")
                writer.body += [f"if {flag}:", *[INDENT + each for each in bodies]]
                return [made[0]._replace(code=code)]
            target = target_of(writer, st, [entering])
            writer.body.append(f"{target} = {code} + {shortcut[0]} if {flag} else {code}")
            return [made[0]._replace(code=target)]
        (code,) = _before(writer, at, [code], "body")
        channels = min(
            [
                each
                for each in (made[0].channels, shortcut[1][0].channels)
                if each is not None and _holds_out(writer, each, connected)
            ],
            key=lambda each: len(ast.dump(each)),
            default=made[0].channels,
        )
        target = target_of(writer, st, [entering])
        single = entering.single and made[0].single
        writer.body.append(f"{target} = {code} + {shortcut[0]}")
        return [Held(target, channels, single)]


def _holds_out(writer: Writer, node: ast.expr, ran: Ran) -> bool:
    """Whether a tree is the channels that leave a line, wherever that is known to be so."""
    moved = [(run, line._replace(inputs=line.outputs)) for run, line in ran]
    return writer.holds(node, moved, 0) or bool(writer.mutable & expressions.names_in(node))


def _path(
    writer: Writer, stack: Stack, turns: Turns, entering: Held, name: str, st: Statement
) -> tuple[str, list[Held]]:
    """A list beside others: the code of what it makes, and that. What enters is kept."""
    live = any(not line.left_out for _, turn in turns for line in turn.lines)
    if not live:
        return entering.code, [entering]
    if not writer.is_function and is_pure(writer, stack, turns):
        items, channels = chain(writer, stack, turns, entering.channels)
        there = [
            inner
            for index, inner in enumerate(stack)
            if any(not turn.lines[index].left_out for _, turn in turns)
        ]
        if len(there) == 1 and isinstance(there[0].body, Call) and name == "body":
            name = there[0].body.name or there[0].type
        attribute = writer.attributes.new(identifier(name))
        assign(writer, attribute, items, writer.trainings)
        made = f"self.{attribute}({entering.code})"
        return made, [Held(made, channels, entering.single)]
    writer.tensors.append({})
    writer.modules.append({})
    held = statements_of(writer, stack, turns, [entering])
    writer.tensors.pop()
    writer.modules.pop()
    writer.pinned.update([each.code for each in held])
    return ", ".join([each.code for each in held]), held


def _before(writer: Writer, at: int, codes: list[str], name: str) -> list[str]:
    """What paths make, said before the lines of another one that begin at an index."""
    if len(writer.body) == at:
        return codes
    lines, found = [], []
    for code in codes:
        if not code.isidentifier() and "(" in code:
            called = writer.locals.new(name)
            lines.append(f"{called} = {code}")
            code = called
        found.append(code)
    writer.body[at:at] = lines
    return found


@as_statements("branches")
def _branches(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    body = st.body
    paths = body.paths
    (entering,) = inputs if len(inputs) == 1 else (None,)
    if entering is None:
        raise Unsayable
    taken = [entering] * len(paths)
    with within(writer, st, ran, inputs):
        if body.split and len(paths) > 1:
            parts = writer.locals.new("parts")
            writer.body.append(f"{parts} = {writer.dialect.chunks(entering.code, len(paths))}")
            channels = entering.channels and expressions.quotient(
                entering.channels, expressions.number(len(paths))
            )
            taken = [
                Held(f"{parts}[{index}]", channels, entering.single) for index in range(len(paths))
            ]
        pinned = set(writer.pinned)
        writer.pinned.add(entering.code)
        codes: list[str] = []
        held: list[Held] = []
        for index, path in enumerate(paths):
            name = f"path_{index + 1}" if len([each for each in paths if each]) > 1 else "path"
            at = len(writer.body)
            code, made = _path(writer, path, turns_of(ran, index), taken[index], name, st)
            codes = _before(writer, at, codes, "path")
            codes += [code] if len(made) == 1 else [each.code for each in made]
            held += made
        writer.pinned = pinned
        if len(held) == 1:
            if codes[0].isidentifier():
                return held
            target = target_of(writer, st, [entering])
            writer.body.append(f"{target} = {codes[0]}")
            return [held[0]._replace(code=target)]
        codes = [
            writer.dialect.whole(code, entering.code, len(ran[0][1].outputs[0].shape))
            if each.single and not all(one.single for one in held) and body.merge == "concat"
            else code
            for code, each in zip(codes, held)
        ]
        known = [each.channels for each in held if each.channels is not None]
        merged: Tree = None
        if body.merge == "concat":
            merged = expressions.total(known) if len(known) == len(held) else None
        else:
            merged = next((each for each in known if _holds_out(writer, each, ran)), None)
        target = target_of(writer, st, [entering])
        writer.body.append(f"{target} = {writer.dialect.merged(body.merge, codes)}")
        return [Held(target, merged, all(each.single for each in held))]
