"""Loops: modules in a list that `__init__` makes."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, Unsayable
from convcalc.exporters.python.classes.calls import Calling, constructed, given_as, outputs_of
from convcalc.exporters.python.classes.modules import assign, chain, is_pure
from convcalc.exporters.python.classes.signature import Signature, channels_name
from convcalc.exporters.python.classes.structures import as_modules, as_statements
from convcalc.exporters.python.classes.tensors import target_of, tensors_of
from convcalc.exporters.python.classes.training import as_trained, training_of
from convcalc.exporters.python.classes.turns import Turns, entered, keeps
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.items import Code, For, Item, count_of, rendered, replaced, step_of
from convcalc.exporters.python.layout import INDENT
from convcalc.exporters.python.names import class_name, identifier
from convcalc.exporters.python.references import loop_name
from convcalc.exporters.python.replay import evaluate
from convcalc.exporters.python.use import Held, Ran
from convcalc.language.statements import Statement


@as_statements("repeat")
def _repeat(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    if not st.body.share_weights:
        return _loop(writer, st, ran, inputs)
    return _shared(writer, st, ran, inputs)


def _shared(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    """The same modules in all turns."""
    body, stack = st.body, st.body.layers
    turns = [(run, turn) for run, line in ran for turn in line.turns]
    if not turns:
        return inputs
    if body.index or len(inputs) != 1 or writer.is_function:
        raise Unsayable
    (entering,) = inputs
    name = writer.attributes.new(
        identifier(body.name or loop_name(st, writer.file.blocks, one=True))
    )
    trainings = (*writer.trainings, training_of(writer, st, ran, inputs))
    if is_pure(writer, stack, turns):
        items, _ = chain(writer, stack, turns, entering.channels)
        assign(writer, name, items, trainings)
    else:
        signature = writer.file.lifted(writer, stack, turns, _lifted_name(writer, st))
        if signature.captured or signature.given or signature.is_function:
            raise Unsayable
        lines = [(run, entered(turn)) for run, turn in turns]
        calling = Calling(signature, st, lines, inputs, [turn for _, turn in turns])
        code = constructed(writer, calling)
        assign(writer, name, [code], trainings)
    times = expressions.text(writer.tree(body.times, ran, inputs, forward=True, whole=True))
    target = target_of(writer, st, inputs)
    if target != entering.code:
        writer.body.append(f"{target} = {entering.code}")
    writer.body += [f"for _ in range({times}):", f"{INDENT}{target} = self.{name}({target})"]
    channels = entering.channels if keeps([turn for _, turn in turns]) else None
    return [Held(target, channels, entering.single)]


@as_statements("for_each")
def _for_each(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    return _loop(writer, st, ran, inputs)


def _loop(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    if not any(line.turns for _, line in ran):
        return inputs
    if len(inputs) != 1 or writer.is_function:
        raise Unsayable
    name = st.body.name or loop_name(st, writer.file.blocks)
    items, channels, captured, given = _modules_of(writer, st, ran, inputs[0].channels)
    if not items:
        return inputs
    code = f"{writer.dialect.sequential}({rendered(items, writer.init)})"
    (entering,) = inputs
    attribute = writer.attributes.new(identifier(name))
    target = target_of(writer, st, inputs)
    if captured or given:
        listed = code[len(writer.dialect.sequential) + 1 : -1]
        listed = (
            listed[1:]
            if listed.startswith("*") and "," not in listed.partition("[")[0] and len(items) == 1
            else f"[{listed}]"
        )
        code = f"{writer.dialect.module_list}({listed})"
        writer.init.append(f"self.{attribute} = {as_trained(writer, code, st, ran, inputs)}")
        one = writer.locals.new("layer")
        if target != entering.code:
            writer.body.append(f"{target} = {entering.code}")
        operands = ", ".join([target, *[each.code for each in captured], *given])
        writer.body += [
            f"for {one} in self.{attribute}:",
            f"{INDENT}{target} = {one}({operands})",
        ]
    else:
        writer.init.append(f"self.{attribute} = {as_trained(writer, code, st, ran, inputs)}")
        writer.body.append(f"{target} = self.{attribute}({entering.code})")
    return [Held(target, channels, entering.single)]


class _Loop(NamedTuple):
    """A loop as modules."""

    items: list[Item]
    #: The channels after them.
    channels: Tree
    #: The tensors that each module takes, beside what the one before it makes.
    captured: tuple[Held, ...] = ()
    #: And the names of sizes, as the call gives them.
    given: tuple[str, ...] = ()


def _modules_of(
    writer: Writer, st: Statement, ran: Ran, channels: Tree, *, own: bool = False
) -> _Loop:
    """The modules of all turns of a loop."""
    body, stack = st.body, st.body.layers
    turns = [(run, turn) for run, line in ran for turn in line.turns]
    entering = [Held("x", channels)]
    if st.type == "repeat" and body.share_weights:
        raise Unsayable
    bound = [body.index] if st.type == "repeat" and body.index else []
    bound = list(body.bind) if st.type == "for_each" else bound
    writer.bound.update(bound)
    writer.own.update(bound)
    header = _header(writer, st, ran, entering)
    signature: Signature | None = None
    if not is_pure(writer, stack, turns):
        signature = writer.file.lifted(writer, stack, turns, _lifted_name(writer, st), bound=bound)

    def turn(entering: Tree) -> tuple[list[Item], Tree]:
        if signature is None:
            return chain(writer, stack, turns, entering)
        return _lifted(writer, signature, st, turns, entering)

    tried = _kept_state(writer)
    items, after = turn(channels)
    if not items:
        return _Loop([], channels)
    started: list[Item] = []
    inner = {writer.python.get(each) for each in bound}
    if expressions.same(after, channels) or all(len(line.turns) < 2 for _, line in ran):
        names = expressions.names_in(after) if after is not None else set()
        if names & inner or any("." in each for each in names):
            raise Unsayable
    else:
        _restore(writer, tried)
        started, variable, is_inner = _carried(writer, channels, own=own)
        items, after = turn(ast.Name(variable))
        if after is None:
            raise Unsayable
        items = _carrying(writer, items, variable, after)
        names = expressions.names_in(after)
        is_own = any(
            isinstance(item, Code) and item.text.partition(" = ")[0] in names for item in items
        )
        is_same = not (is_own or names & {*inner, *writer.mutable})
        if (
            is_same
            and isinstance(items[0], Code)
            and items[0].text.endswith(expressions.text(after))
        ):
            # What is the same in all turns is said before them.
            started.append(items.pop(0))
        is_inside = bool(names & {*inner, variable}) or any("." in each for each in names)
        # A loop that has no turns at times hands on what came.
        if is_own or is_inner or is_inside or any(not line.turns for _, line in ran):
            after = ast.Name(variable)
    items = [*started, For(header, items)]
    if signature is None:
        return _Loop(items, after)
    if not set(bound).isdisjoint(meant for meant, _ in signature.given):
        raise Unsayable
    captured = [each for name in signature.captured for each in tensors_of(writer, name)]
    given = [
        f"{python}={given_as(writer, st, meant, ran, entering, forward=True)}"
        for meant, python in signature.given
    ]
    return _Loop(items, after, tuple(captured), tuple(given))


def _lifted(
    writer: Writer, signature: Signature, st: Statement, turns: Turns, channels: Tree
) -> tuple[list[Item], Tree]:
    """A turn that is a class of its own, and the channels after it."""
    inputs = [
        Held("x", channels),
        *[each for name in signature.captured for each in tensors_of(writer, name)],
    ]
    lines = [(run, entered(turn)) for run, turn in turns]
    calling = Calling(signature, st, lines, inputs, [turn for _, turn in turns])
    code = constructed(writer, calling)
    held, *_ = outputs_of(writer, calling, "")
    name = signature.outputs[0].channels
    if held.channels is None and isinstance(name, ast.Name) and name.id.startswith("."):
        one = writer.locals.new("layer")
        return [Code(f"{one} = {code}"), one], ast.Name(f"{one}{name.id}")
    return [code], held.channels


def _carried(writer: Writer, channels: Tree, *, own: bool) -> tuple[list[Item], str, bool]:
    """What begins a loop that changes the channels, the variable that holds them, and whether a
    loop around has it already.
    """
    if channels is None:
        raise Unsayable
    if isinstance(channels, ast.Name):
        if channels.id in writer.mutable:
            return [], channels.id, True
        if own and channels.id == channels_name(0):
            writer.mutable.add(channels.id)
            return [], channels.id, False
    variable = writer.locals.new("channels")
    writer.mutable.add(variable)
    return [Code(f"{variable} = {expressions.text(channels)}")], variable, False


def _carrying(writer: Writer, items: list[Item], variable: str, after: ast.expr) -> list[Item]:
    """The modules of a turn, and the statement that says the channels after it."""
    text = expressions.text(after)
    repeated = "" if isinstance(after, (ast.Name, ast.Constant)) else text
    step = step_of(after, variable)
    if step is not None:
        return [*items, Code(f"{variable} += {expressions.text(step)}")]
    if (
        repeated
        and sum(count_of(item, repeated) for item in items) == 1
        and variable not in expressions.names_in(after)
    ):
        name = writer.locals.new("out_channels")
        items = [replaced(item, repeated, name) for item in items]
        return [Code(f"{name} = {repeated}"), *items, Code(f"{variable} = {name}")]
    return items if text == variable else [*items, Code(f"{variable} = {text}")]


def _kept_state(writer: Writer) -> Any:
    """What writing changes, to write once more from here."""
    names = (set(writer.locals.taken), set(writer.attributes.taken), set(writer.mutable))
    return names, list(writer.init), list(writer.extras)


def _restore(writer: Writer, state: Any) -> None:
    (writer.locals.taken, writer.attributes.taken, writer.mutable), writer.init, writer.extras = (
        state
    )


def _header(writer: Writer, st: Statement, ran: Ran, entering: list[Held]) -> str:
    body = st.body
    if st.type == "repeat":
        index = writer.py(body.index) if body.index else "_"
        try:
            times = writer.tree(body.times, ran, entering, forward=False, whole=True)
        except Unsayable:
            values = [len(line.turns) for _, line in ran]
            times = writer.fallback("times", body.times, ran, values, forward=False)
        return f"for {index} in range({expressions.text(times)})"
    try:
        rows = writer.tree(body.rows, ran, entering, forward=False)
    except Unsayable:
        rows = writer.fallback(
            "rows",
            body.rows,
            ran,
            [evaluate(body.rows, line.values) for _, line in ran],
            forward=False,
        )
    names = ", ".join([writer.py(each) for each in body.bind])
    if len(body.bind) == 1:
        cells = [row for _, line in ran for row in evaluate(body.rows, line.values)]
        if isinstance(rows, ast.Tuple):
            rows.elts = [
                row.elts[0] if isinstance(row, ast.Tuple) and isinstance(cell, tuple) else row
                for row, cell in zip(rows.elts, cells)
            ]
        elif cells and all(isinstance(cell, tuple) for cell in cells):
            names += ","
        elif any(isinstance(cell, tuple) for cell in cells):
            raise Unsayable
    text = expressions.text(rows)
    if isinstance(rows, ast.Tuple):
        text = f"[{', '.join(map(expressions.text, rows.elts))}]"
    return f"for {names} in {text}"


def _lifted_name(writer: Writer, st: Statement) -> str:
    stack = st.body.layers
    named = [each.body.name for each in stack if each.body.name is not None]
    if len(stack) == 1 and named:
        return class_name(named[0])
    if st.body.name is not None:
        return class_name(st.body.name)
    return f"{writer.name}Layer"


@as_modules("repeat", "for_each")
def _as_modules(
    writer: Writer, st: Statement, ran: Ran, channels: Tree, own: bool
) -> tuple[list[Item], Tree]:
    """A loop among modules."""
    loop = _modules_of(writer, st, ran, channels, own=own)
    return loop.items, loop.channels
