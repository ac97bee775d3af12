"""The text of a class, from what its lists said: its head, `__init__` and `forward`."""

from __future__ import annotations

import ast
import re

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Unsayable
from convcalc.exporters.python.classes.lines import statements_of
from convcalc.exporters.python.classes.modules import chain, is_pure
from convcalc.exporters.python.classes.signature import Param, Signature, channels_name
from convcalc.exporters.python.classes.tensors import tensors_of
from convcalc.exporters.python.classes.turns import Turns, entered
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.code import end_with, mentions, merged, names_read, without_unused
from convcalc.exporters.python.items import rendered
from convcalc.exporters.python.layout import INDENT, broken
from convcalc.exporters.python.references import references
from convcalc.exporters.python.use import Held
from convcalc.expressions import Expression
from convcalc.language.statements import REQUIRED, Items, Stack


def write(writer: Writer, stack: Stack, outputs: tuple[str, ...] = ()) -> Signature:
    """Write the class; what callers see of it."""
    writer.referenced = set(references(stack)) | {each.partition(".")[0] for each in outputs}
    for name in (
        "input",
        *(writer.file.graph.inputs if not writer.block and not writer.outer else ()),
    ):
        if name in writer.referenced or writer.has_named_inputs:
            writer.pinned.update(writer.inputs)
    lets = _lets(writer)
    ran = [(index, turn) for index, turn in enumerate(writer.runs)]
    is_chain = (
        (writer.block != "" or writer.outer is not None)
        and len(writer.inputs) == 1
        and not writer.is_function
        and is_pure(writer, stack, ran)
    )
    if is_chain:
        items, channels = chain(writer, stack, ran, writer.entering[0].channels, own=True)
        held = [Held("", channels)]
        listed = rendered(items, writer.init)
        writer.init.append(f"super().__init__({listed})")
        base = writer.dialect.sequential
        if channels is None or not _is_open(writer, channels):
            held = _announced(writer, held, ran)
    else:
        held = statements_of(writer, stack, ran, list(writer.entering))
        if outputs:
            held = [each for name in outputs for each in tensors_of(writer, name)]
        returned = ", ".join([each.code for each in held])
        end_with(writer.body, returned)
        base = writer.dialect.module
        if not writer.is_function and writer.block + str(writer.outer or ""):
            held = _announced(writer, held, ran)
    return _finished(writer, base, lets, held, is_chain)


def _is_open(writer: Writer, channels: ast.expr) -> bool:
    """Whether callers can say such channels: by arguments alone."""
    names = expressions.names_in(channels)
    given = {python for name, python in writer.python.items() if name not in writer.let}
    lets = {writer.python[name] for name in writer.let if name in writer.python} - given
    known = {writer.python[name] for name in writer.python} - lets
    known |= {channels_name(index) for index in range(len(writer.inputs))}
    known |= {each.name for each in writer.extras}
    return names <= known - writer.mutable and not any("." in each for each in names)


def _announced(writer: Writer, held: list[Held], ran: Turns) -> list[Held]:
    """The outputs, with channels that callers can say, or an attribute that says them."""
    found = []
    for index, each in enumerate(held):
        channels = each.channels
        if channels is not None:
            channels = _inlined(writer, channels)
        if channels is not None and not _is_open(writer, channels):
            name = "out_channels" if index == 0 else f"out_channels_{index}"
            writer.init.append(f"self.{name} = {expressions.text(each.channels)}")  # type: ignore[arg-type]
            channels = ast.Name(f".{name}")
        found.append(each._replace(channels=channels))
    return found


def _inlined(writer: Writer, channels: ast.expr) -> ast.expr:
    """Channels with `let` written out."""
    lets = {
        writer.python[n]: raw
        for n, raw in writer.let.items()
        if n in writer.python and n not in writer.late
    }
    for _ in lets:
        if not expressions.names_in(channels) & set(lets):
            break

        def named(name: str) -> ast.expr:
            if name not in lets or name in writer.mutable:
                return ast.Name(name)
            return writer.tree(lets[name], [], writer.entering, forward=False)

        try:
            channels = expressions.renamed(channels, named)
        except Unsayable:
            return channels
    return expressions.gathered(channels)


def _lets(writer: Writer) -> list[tuple[str, str]]:
    """The `let` of `__init__`: names and code. Those of `forward` stand at its beginning."""
    found = []
    ran = [(index, entered(turn)) for index, turn in enumerate(writer.runs)]
    for name, raw in writer.let.items():
        is_late = name in writer.late or writer.is_function
        try:
            whole = name in writer.file.facts.counts[writer.block]
            node = writer.tree(raw, ran, writer.entering, forward=is_late, whole=whole)
        except Unsayable:
            values = [turn.values.get(name) for turn in writer.runs]
            node = writer.fallback(name, None, ran, values, forward=is_late)
        if _is_alias(writer, node) and not is_late:
            writer.python[name] = node.id  # type: ignore[attr-defined]
            continue
        code = f"{writer.py(name)} = {expressions.text(node)}"
        if is_late:
            writer.body.append(code)
            writer.pinned.update(writer.inputs[:0])
        else:
            found.append((writer.py(name), code))
    return found


def _is_alias(writer: Writer, node: ast.expr) -> bool:
    """Whether a `let` is the channels that enter, which stay what they are."""
    stack = writer.file.blocks[writer.block].layers if writer.block else ()
    loops = any(st.type in ("repeat", "for_each") for st in stack)
    return isinstance(node, ast.Name) and "." not in node.id and not loops


def _finished(
    writer: Writer, base: str, lets: list[tuple[str, str]], held: list[Held], is_chain: bool
) -> Signature:
    _numbered(writer)
    _named_once(writer)
    writer.init, writer.body = merged(writer.init), merged(writer.body)
    body = without_unused(
        writer.body, [writer.py(n) for n in writer.let if n in writer.late or writer.is_function]
    )
    writer.body = body
    kept = [
        name
        for name, attribute in writer.stored.items()
        if mentions([*body, *writer.init], f"self.{attribute}")
    ]
    stores = [f"self.{writer.stored[name]} = {name}" for name in kept]
    used = names_read([*writer.init, *stores])
    used |= (
        names_read([code for code in body if writer.is_function]) if writer.is_function else set()
    )
    needed: list[str] = []
    for name, code in reversed(lets):
        if name in used:
            needed.insert(0, code)
            used |= names_read([code])
    params = _params(writer, used)
    for param in params:
        default = writer.args.get(param.meant)
        if param.default == "None" and default is not None:
            node = writer.tree(default, [], writer.entering, forward=writer.is_function)
            needed.insert(0, f"    {param.name} = {expressions.text(node)}")
            needed.insert(0, f"if {param.name} is None:")
            used |= names_read([expressions.text(node)])
    params = _params(writer, used)
    given = tuple(
        [
            (name, python)
            for name, python in writer.given.items()
            if mentions(body, python) and not writer.is_function
        ]
    )
    lines = _lines(writer, base, params, [*needed], stores, given, is_chain)
    writer.file.classes.append([each for line in lines for each in broken(line)])
    runs = {id(turn): index for index, turn in enumerate(writer.runs)}
    return Signature(
        writer.name,
        writer.is_function,
        tuple(params),
        given,
        tuple(writer.captured),
        tuple(held),
        runs,
    )


def _named_once(writer: Writer) -> None:
    """Give channels that are worked out, and needed several times, a name."""
    for text, name in writer.worked_out.items():
        names = names_read([text])
        if names & writer.mutable or names & {writer.python.get(each) for each in writer.bound}:
            continue
        pattern = re.compile(rf"(?<![\w.]){re.escape(text)}")
        found = [at for at, line in enumerate(writer.init) if pattern.search(line)]
        if sum(len(pattern.findall(line)) for line in writer.init) < 2 or "self." in text:
            continue
        assigned = next((v for v in sorted(writer.mutable) if f"{v} = {text}" in writer.init), None)
        if assigned is not None:
            writer.init.remove(f"{assigned} = {text}")
        called = assigned or writer.locals.new(name)
        writer.init = [pattern.sub(called, line) for line in writer.init]
        at = found[0]
        while writer.init[at].startswith(INDENT):
            at -= 1
        writer.init.insert(at, f"{called} = {text}")


def _numbered(writer: Writer) -> None:
    """Number what comes several times from 1, as tables do."""
    for name in {
        each for each in writer.attributes.taken if f"{each}_2" in writer.attributes.taken
    }:
        if name not in writer.stored and f"{name}_1" not in writer.attributes.taken:
            pattern = re.compile(rf"\bself\.{name}\b")
            writer.init = [pattern.sub(f"self.{name}_1", line) for line in writer.init]
            writer.body = [pattern.sub(f"self.{name}_1", line) for line in writer.body]


def _params(writer: Writer, used: set[str]) -> list[Param]:
    """The arguments that are used: those that must be given come first."""
    params = [
        Param(channels_name(index), "", input=index)
        for index in range(len(writer.inputs) + sum(map(len, writer.captured.values())))
        if channels_name(index) in used and (writer.block or writer.outer)
    ]
    for name, python in [*writer.python.items()]:
        if (
            python not in used
            or python in {each.name for each in params}
            or name in writer.bound
            or name in writer.let
            or (name in writer.late and not writer.is_function)
        ):
            continue
        default = writer.args.get(name)
        if name not in writer.args or default == REQUIRED:
            params.append(Param(python, name))
        elif isinstance(default, (Expression, Items)):
            node = writer.tree(default, [], writer.entering, forward=writer.is_function)
            plain = isinstance(node, ast.Constant)
            params.append(Param(python, name, expressions.text(node) if plain else "None"))
        else:
            params.append(Param(python, name, expressions.text(expressions.tree(default))))
    params += [each for each in writer.extras if each.name in used]
    order = [*writer.args]
    return sorted(
        params,
        key=lambda each: (
            each.default is not None,
            each.input is None,
            each.values is not None,
            order.index(each.meant) if each.meant in order else len(order),
        ),
    )


def _lines(
    writer: Writer,
    base: str,
    params: list[Param],
    first: list[str],
    stores: list[str],
    given: tuple[tuple[str, str], ...],
    is_chain: bool,
) -> list[str]:
    arguments = [
        each.name if each.default is None else f"{each.name}={each.default}" for each in params
    ]
    inputs = [*writer.inputs, *[each.code for held in writer.captured.values() for each in held]]
    if writer.is_function:
        head = f"def {writer.name}({', '.join([*inputs, *arguments])}):"
        return [head, *[INDENT + line for line in (*first, *writer.body)]]
    lines = [f"class {writer.name}({base}):"]
    start = [] if is_chain else ["super().__init__()"]
    init = [*start, *first, *stores, *writer.init]
    if init != ["super().__init__()"]:
        lines.append(f"{INDENT}def __init__({', '.join(['self', *arguments])}):")
        lines += [INDENT * 2 + line for line in init]
    elif is_chain:
        lines.append(f"{INDENT}pass")
    if not is_chain:
        if init != ["super().__init__()"]:
            lines.append("")
        names = [python for _, python in given]
        lines.append(
            f"{INDENT}def {writer.dialect.forward}({', '.join(['self', *inputs, *names])}):"
        )
        lines += [INDENT * 2 + line for line in writer.body]
    return lines
