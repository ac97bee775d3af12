"""A call of a class that is written: its arguments, and what it hands on."""

from __future__ import annotations

import ast
from typing import NamedTuple

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Unsayable
from convcalc.exporters.python.classes.layers import owner_of
from convcalc.exporters.python.classes.signature import Param, Signature, channels_name, kind_of
from convcalc.exporters.python.classes.tensors import attribute_of, target_of, tensors_of
from convcalc.exporters.python.classes.training import as_trained
from convcalc.exporters.python.classes.turns import keeps
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.replay import Turn, evaluate
from convcalc.exporters.python.use import Held, Ran, Use
from convcalc.language.statements import Call, Statement


class Calling(NamedTuple):
    """A call of a class: which, by what line, in which of its runs, on what."""

    signature: Signature
    st: Statement
    ran: Ran
    #: What enters it, the tensors that it takes by their names included.
    inputs: list[Held]
    #: What it did, each time.
    turns: list[Turn]


def apply_block(writer: Writer, st: Statement, ran: Ran, inputs: list[Held]) -> list[Held]:
    """The call of a block."""
    turns = [line.turns[0] for _, line in ran]
    Use.one(map(kind_of, turns))
    signature = writer.file.block(st.type, turns[0])
    return invoke(writer, Calling(signature, st, ran, inputs, turns))


def invoke(writer: Writer, calling: Calling, name: str = "") -> list[Held]:
    """A class, made and called."""
    signature, st, ran, inputs, _ = calling
    inputs = [*inputs, *[each for name in signature.captured for each in tensors_of(writer, name)]]
    calling = calling._replace(inputs=inputs)
    operands = [each.code for each in inputs]
    operands += [
        f"{python}={given_as(writer, st, meant, ran, inputs, forward=True)}"
        for meant, python in signature.given
    ]
    attribute = ""
    if signature.is_function:
        operands += _arguments_of(writer, calling, forward=True)
        code = f"{signature.name}({', '.join(operands)})"
    else:
        attribute = (owner_of(writer, st) or "") if isinstance(st.body, Call) else ""
        if not attribute:
            made = constructed(writer, calling)
            attribute = attribute_of(writer, st, name)
            writer.init.append(f"self.{attribute} = {as_trained(writer, made, st, ran, inputs)}")
            if st.body.name is not None:
                writer.modules[-1][st.body.name] = attribute
        code = f"self.{attribute}({', '.join(operands)})"
    target = target_of(writer, st, inputs)
    writer.body.append(f"{target} = {code}")
    found = outputs_of(writer, calling, f"self.{attribute}")
    if len(found) == 1:
        return [found[0]._replace(code=target)]
    return [each._replace(code=f"{target}[{part}]") for part, each in enumerate(found)]


def constructed(writer: Writer, calling: Calling) -> str:
    """The code that makes an instance of a class."""
    arguments = _arguments_of(writer, calling, forward=False)
    return f"{calling.signature.name}({', '.join(arguments)})"


def _arguments_of(
    writer: Writer,
    calling: Calling,
    *,
    forward: bool,
) -> list[str]:
    """The arguments of a class, the first ones by their places."""
    params = calling.signature.params
    found: list[str] = []
    places = True
    for param in params:
        code = _argument(writer, param, calling, forward=forward)
        if code is None:
            places = False
            continue
        first = param.input is not None or not any(
            each.input is None for each in params[: params.index(param)]
        )
        if places and first and param.default is None and code not in ("True", "False"):
            found.append(code)
        else:
            places = False
            found.append(f"{param.name}={code}")
    return found


def _argument(
    writer: Writer,
    param: Param,
    calling: Calling,
    *,
    forward: bool,
) -> str | None:
    """An argument as code; None where its default holds."""
    signature, st, ran, inputs, turns = calling
    if param.input is not None:
        held = inputs[param.input]
        if held.channels is not None:
            return expressions.text(held.channels)
        values = [
            turn.inputs[param.input].shape[0] if param.input < len(turn.inputs) else None
            for turn in turns
        ]
        if None in values:
            raise Unsayable
        return expressions.text(writer.fallback("channels", None, ran, values, forward=forward))
    if param.values is not None:
        values = [param.values[signature.runs[id(turn)]] for turn in turns]
        return expressions.text(writer.fallback(param.name, None, ran, values, forward=forward))
    call = st.body
    if (
        isinstance(call, Call)
        and param.meant in writer.file.blocks[st.type].args
        and not (param.meant in call.settled or param.meant in call.open)
    ):
        return None
    return given_as(writer, st, param.meant, ran, inputs, forward=forward)


def given_as(
    writer: Writer, st: Statement, meant: str, ran: Ran, inputs: list[Held], *, forward: bool
) -> str:
    """What a call gives for a name of what it calls."""
    if isinstance(st.body, Call):
        block = writer.file.blocks[st.type]
        if meant in block.args:
            raw = st.body.open.get(meant, st.body.settled.get(meant, block.args[meant]))
            whole = meant in writer.file.facts.counts[st.type]
            try:
                return expressions.text(writer.tree(raw, ran, inputs, forward=forward, whole=whole))
            except Unsayable:
                values = [evaluate(raw, line.values) for _, line in ran]
                return expressions.text(writer.fallback(meant, raw, ran, values, forward=forward))
    node = (
        writer.late_name(meant, ran, inputs) if forward else writer.early_name(meant, ran, inputs)
    )
    return expressions.text(node)


def outputs_of(
    writer: Writer,
    calling: Calling,
    attribute: str,
) -> list[Held]:
    """What a class hands on, its channels said by the caller."""
    signature, _, _, inputs, turns = calling
    params = {each.name: each for each in signature.params}
    found = []
    for each in signature.outputs:
        channels = each.channels
        if isinstance(channels, ast.Name) and channels.id.startswith("."):
            channels = ast.Name(f"{attribute}{channels.id}") if attribute else None
        elif channels is not None:

            def named(name: str) -> ast.expr:
                for index, held in enumerate(inputs):
                    if name == channels_name(index) and held.channels is not None:
                        return held.channels
                param = params.get(name)
                if param is None:
                    raise Unsayable
                code = _argument(writer, param, calling, forward=False)
                if code is None:
                    if param.default in (None, "None"):
                        raise Unsayable
                    code = param.default
                return expressions.parsed(code)

            try:
                channels = expressions.gathered(expressions.renamed(channels, named))
            except Unsayable:
                channels = None
        if channels is None and len(signature.outputs) == 1 and keeps(turns):
            channels = inputs[0].channels
        single = each.single or bool(inputs and all(held.single for held in inputs))
        found.append(Held("", channels, single))
    return found
