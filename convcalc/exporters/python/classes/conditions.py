"""When a line is there, as `__init__` asks and as `forward` does."""

from __future__ import annotations

import ast

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, Unsayable
from convcalc.exporters.python.classes.writer import Writer
from convcalc.exporters.python.names import identifier
from convcalc.exporters.python.use import Held, Ran
from convcalc.expressions import Expression
from convcalc.language.scopes import TENSOR_NAMES
from convcalc.language.statements import Statement, Value


def condition_of(writer: Writer, st: Statement, ran: Ran, alive: Ran) -> Value:
    """What the document says of when a line is there; None where that need not be asked."""
    raw = st.body.when
    if raw is True or not isinstance(raw, Expression):
        return None
    if len(alive) == len(ran):
        own = {*writer.args, *writer.let} if writer.block else set()
        asks = (
            TENSOR_NAMES
            | own
            | {name for each in ran[:1] for name in each[1].values}
            - set(writer.file.graph.variables)
        )
        if asks.isdisjoint(raw.names):
            return None
    return raw


def early_condition(
    writer: Writer, raw: Value, ran: Ran, inputs: list[Held], needed: bool, st: Statement
) -> Tree:
    """A condition as `__init__` asks it; None where it cannot and need not be asked there."""
    try:
        return writer.tree(raw, ran, inputs, forward=False)
    except Unsayable:
        if not needed or writer.is_function:
            return None
    values = [not line.left_out for _, line in ran]
    return writer.fallback(
        f"use_{identifier(st.body.name or st.type)}", None, ran, values, forward=False
    )


def late_condition(
    writer: Writer,
    raw: Value,
    ran: Ran,
    inputs: list[Held],
    early: Tree,
    inits: list[str],
    st: Statement,
) -> str:
    """A condition as `forward` asks it: an attribute where `__init__` works it out."""
    if early is None or writer.is_function:
        return expressions.text(writer.tree(raw, ran, inputs, forward=True))
    if isinstance(early, ast.Name):
        return expressions.text(writer.kept(early.id))
    node: ast.expr = early
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Name):
        return f"not {expressions.text(writer.kept(node.operand.id))}"
    if (
        isinstance(node, ast.Compare)
        and isinstance(node.left, ast.Name)
        and isinstance(node.comparators[0], ast.Constant)
        and len(node.ops) == 1
    ):
        kept = writer.kept(node.left.id)
        return expressions.text(ast.Compare(kept, node.ops, node.comparators))
    name = writer.attributes.new(f"has_{identifier(st.body.name or st.type)}")
    writer.init.append(f"self.{name} = {expressions.text(early)}")
    return f"self.{name}"


def asks(writer: Writer, raw: Expression, ran: Ran) -> bool:
    """Whether an expression speaks of what differs from run to run of a class."""
    own = TENSOR_NAMES | set(writer.args) | set(writer.let)
    return bool(writer.block or writer.outer) and not own.isdisjoint(raw.names)


def flag_of(writer: Writer, raw: Value, ran: Ran, inputs: list[Held], values: list[bool]) -> str:
    """Whether a shortcut is there, as `forward` asks."""
    if writer.is_function:
        return expressions.text(writer.tree(raw, ran, inputs, forward=True))
    try:
        early = writer.tree(raw, ran, inputs, forward=False)
    except Unsayable:
        early = writer.fallback("use_shortcut", None, ran, values, forward=False)
    name = writer.attributes.new("use_shortcut")
    writer.init.append(f"self.{name} = {expressions.text(early)}")
    return f"self.{name}"
