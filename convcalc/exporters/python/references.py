"""What the lines of a document refer to: names of tensors, of values, and sizes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from convcalc.exporters.python.names import plural
from convcalc.expressions import Expression
from convcalc.language.scopes import TENSOR_NAMES
from convcalc.language.statements import Call, Items, Stack, Statement, Value

#: Names that are known only where tensors are.
SPATIAL = TENSOR_NAMES - {"in_channels", "in_features"}


def lists_in(st: Statement) -> Iterator[Stack]:
    """The lists that are in a line."""
    body = st.body
    if isinstance(body, Call):
        return
    if st.type == "branches":
        yield from body.paths
    else:
        yield body.layers
        if st.type == "residual":
            yield body.shortcut


def references(stack: Stack) -> Iterator[str]:
    """The names that lines refer to, in lists inside of them too."""
    for st in stack:
        for name in st.body.from_:
            yield name.partition(".")[0]
        if isinstance(st.body, Call) and st.body.weights is not None:
            yield st.body.weights
        for inner in lists_in(st):
            yield from references(inner)


def is_outside(stack: Stack, late: set[str]) -> bool:
    """Whether a list refers to a name that is not in it, or speaks of sizes."""
    own = {st.body.name for st in stack}
    if not own.issuperset(references(stack)):
        return True
    for st in stack:
        raws: list[Value] = [st.body.when]
        if isinstance(st.body, Call):
            raws += st.body.open.values()
        if any(speaks_of(raw, late) and late & names_of(raw) for raw in raws):
            return True
        if any(is_outside(inner, late) for inner in lists_in(st)):
            return True
    return False


def names_of(raw: Value) -> set[str]:
    """The names in a value."""
    return {name for each in expressions_of(raw) for name in each.names}


def expressions_of(raw: Value) -> Iterator[Expression]:
    """The expressions in a value."""
    if isinstance(raw, Expression):
        yield raw
    elif isinstance(raw, Items):
        for item in raw.items:
            yield from expressions_of(item)


def speaks_of(raw: Value, names: set[str]) -> bool:
    """Whether a value speaks of names, or of sizes of tensors."""
    return any(not (names | SPATIAL).isdisjoint(each.names) for each in expressions_of(raw))


def loop_name(st: Statement, blocks: Mapping[str, Any], *, one: bool = False) -> str:
    """What the modules of a loop are called."""
    stack = st.body.layers
    while len(stack) == 1 and stack[0].type in ("repeat", "for_each"):
        stack = stack[0].body.layers
    if len(stack) == 1 and stack[0].type in blocks:
        name: str = stack[0].body.name or stack[0].type
        return name if one else plural(name)
    return "turn" if one else "layers"
