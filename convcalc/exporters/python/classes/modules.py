"""A list of lines that is modules one after the other, which `__init__` makes at one go."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, channels_after
from convcalc.exporters.python.classes.calls import Calling, constructed, outputs_of
from convcalc.exporters.python.classes.conditions import condition_of, early_condition
from convcalc.exporters.python.classes.signature import kind_of
from convcalc.exporters.python.classes.structures import MODULES
from convcalc.exporters.python.classes.tensors import note_channels
from convcalc.exporters.python.classes.training import as_trained, training_of
from convcalc.exporters.python.classes.turns import Turns, does, left, turns_of
from convcalc.exporters.python.classes.ways import Ways
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.items import Code, For, If, Item, rendered
from convcalc.exporters.python.layout import INDENT
from convcalc.exporters.python.names import identifier
from convcalc.exporters.python.references import is_outside, references, speaks_of
from convcalc.exporters.python.use import Held, Ran, Use
from convcalc.language.statements import Call, Stack, Statement


def is_pure(writer: Writer, stack: Stack, ran: Turns) -> bool:
    """Whether a list is modules one after the other, whatever is in them."""
    names = {st.body.name for st in stack if st.body.name is not None}
    if names & {*references(stack)} or (not writer.outer and names & writer.referenced):
        return False
    return all(
        _is_module(writer, st, [(run, turn.lines[index]) for run, turn in ran])
        for index, st in enumerate(stack)
    )


def _is_module(writer: Writer, st: Statement, ran: Ran) -> bool:
    alive = [(run, line) for run, line in ran if not line.left_out]
    if not alive:
        return True
    body = st.body
    if body.from_ or any(len(line.inputs) != 1 or len(line.outputs) != 1 for _, line in alive):
        return False
    if condition_of(writer, st, ran, alive) is not None and speaks_of(body.when, writer.late):
        return False
    if st.type in ("repeat", "for_each"):
        if st.type == "repeat" and body.share_weights:
            return False
        inner = [(run, turn) for run, line in alive for turn in line.turns]
        times = body.times if st.type == "repeat" else body.rows
        if speaks_of(times, writer.late):
            return False
        return _stays_inside(writer, body.layers) and bool(inner)
    if st.type == "sequential":
        return is_pure(writer, body.layers, turns_of(alive, 0))
    if not isinstance(body, Call) or body.weights is not None:
        return False
    if st.type in writer.file.blocks:
        turns = [line.turns[0] for _, line in alive]
        if len(set(map(kind_of, turns))) > 1:
            return False
        signature = writer.file.block(st.type, turns[0])
        return not (signature.is_function or signature.given)
    rule = writer.dialect.rule(st.type)
    if rule.module is None or rule.is_tensor or (body.functional and rule.function is not None):
        return False
    return not any(speaks_of(raw, writer.late) for raw in body.open.values())


def _stays_inside(writer: Writer, stack: Stack) -> bool:
    """Whether what a list refers to is in it."""
    return not is_outside(stack, writer.late)


def chain(
    writer: Writer, stack: Stack, ran: Turns, channels: Tree, *, own: bool = False
) -> tuple[list[Item], Tree]:
    """A list that is modules one after the other: these, and the channels after them."""
    items: list[Item] = []
    ways = Ways(writer, channels, len(ran))
    for index, st in enumerate(stack):
        lines = [(run, turn.lines[index]) for run, turn in ran]
        alive = [(run, line) for run, line in lines if not line.left_out]
        there = [at for at, (_, line) in enumerate(lines) if does(line)]
        if not there:
            continue
        raw = condition_of(writer, st, lines, alive)
        entering = ways.among(there, lines)
        made, after = _links(writer, st, alive, entering, own=own)
        note_channels(writer, after, st)
        if not made:
            continue
        test: Tree = None
        if raw is not None:
            test = early_condition(writer, raw, lines, [Held("x", entering)], True, st)
            assert test is not None
            text = expressions.text(test)
            if items and isinstance(items[-1], If) and items[-1].condition == text:
                items[-1].items.extend(made)
            else:
                items.append(If(text, list(made)))
        else:
            items += made
        if isinstance(after, ast.Name) and after.id in writer.mutable:
            there = [at for at, (_, line) in enumerate(lines) if not line.left_out]
        ways.put(after, there, test)
    ended = [(run, left(turn)) for run, turn in ran]
    return items, ways.among(range(len(ran)), ended)


def _links(
    writer: Writer, st: Statement, ran: Ran, channels: Tree, *, own: bool = False
) -> tuple[list[Item], Tree]:
    """The modules of a line, and the channels after it."""
    entering = [Held("x", channels)]
    if st.type == "sequential":
        trained = training_of(writer, st, ran, entering)
        if not trained:
            return chain(writer, st.body.layers, turns_of(ran, 0), channels)
        code, after = _sequence_of(writer, st.body.layers, turns_of(ran, 0), entering[0])
        return [as_trained(writer, code, st, ran, entering)] if code else [], after
    if st.type in ("repeat", "for_each"):
        items, after = MODULES[st.type](writer, st, ran, channels, own)
        trained = training_of(writer, st, ran, entering)
        return _all_as_trained(writer, items, trained) if trained else items, after
    if st.type in writer.file.blocks:
        turns = [line.turns[0] for _, line in ran]
        signature = writer.file.block(st.type, turns[0])
        calling = Calling(signature, st, ran, entering, turns)
        code = constructed(writer, calling)
        code = as_trained(writer, code, st, ran, entering)
        held = outputs_of(writer, calling, "")
        if signature.outputs[0].channels is not None and held[0].channels is None:
            name = signature.outputs[0].channels
            if isinstance(name, ast.Name) and name.id.startswith("."):
                one = writer.locals.new(identifier(st.body.name or st.type))
                return [Code(f"{one} = {code}"), one], ast.Name(f"{one}{name.id}")
        return [code], held[0].channels
    rule = writer.dialect.rule(st.type)
    assert rule.module is not None
    use = Use(writer, st, ran, entering, forward=False)
    modules = [as_trained(writer, code, st, ran, entering) for code in rule.module(use)]
    (after,) = channels_after(use, [channels])
    return list(modules), after


def _sequence_of(writer: Writer, stack: Stack, turns: Turns, entering: Held) -> tuple[str, Tree]:
    """A list that is modules one after the other, as code; empty for none."""
    items, channels = chain(writer, stack, turns, entering.channels)
    listed = rendered(items, writer.init)
    if not items:
        return "", channels
    if len(items) == 1 and isinstance(items[0], str):
        return items[0], channels
    return f"{writer.dialect.sequential}({listed})", channels


def _all_as_trained(writer: Writer, items: list[Item], trained: str) -> list[Item]:
    """Modules that are trained where `trained` says so."""
    return [
        writer.dialect.frozen(each, trained)
        if isinstance(each, str) and not each.isidentifier()
        else each._replace(items=_all_as_trained(writer, each.items, trained))
        if isinstance(each, (If, For))
        else Code(f"{each.text}.requires_grad_({trained})")
        if isinstance(each, Code) and "(" in each.text and not each.text.startswith("channels")
        else each
        for each in items
    ]


def assign(writer: Writer, attribute: str, items: list[Item], trainings: Iterable[str]) -> None:
    """Make an attribute of modules that come one after the other."""

    def frozen(code: str) -> str:
        for trained in trainings:
            code = writer.dialect.frozen(code, trained) if trained else code
        return code

    (only,) = items if len(items) == 1 else (None,)
    if isinstance(only, str):
        writer.init.append(f"self.{attribute} = {frozen(only)}")
    elif isinstance(only, If) and len(only.items) == 1 and isinstance(only.items[0], str):
        writer.init += [
            f"if {only.condition}:",
            f"{INDENT}self.{attribute} = {frozen(only.items[0])}",
            "else:",
            f"{INDENT}self.{attribute} = {writer.dialect.identity}",
        ]
    else:
        listed = rendered(items, writer.init)
        writer.init.append(f"self.{attribute} = {frozen(f'{writer.dialect.sequential}({listed})')}")
