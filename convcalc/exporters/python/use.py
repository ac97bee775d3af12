"""A layer's line as the rules of a framework see it, and what these rules are."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from convcalc import layers
from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Tree, Unsayable
from convcalc.exporters.python.replay import Line
from convcalc.expressions import Expression
from convcalc.language.statements import Items, Statement, Value
from convcalc.layers.base import Field, Layer, Placed, fields_of
from convcalc.layers.fields import EachAxis, Numbers, Optional, Pads, TensorShape, Whole
from convcalc.layers.fields import _PerAxis as PerAxisKind

#: A line that ran: in which run of its class, and the line.
Ran = list[tuple[int, Line]]


class Spelling(Protocol):
    """The class that a line is written in, which knows what values are called there."""

    dialect: Dialect

    def placed(self, line: Line) -> Placed:
        """The layer of a line on its inputs."""

    def helper(self, name: str) -> str:
        """The name of a class or function beside; it is added."""

    def tree(
        self,
        raw: Value | ast.expr,
        ran: Ran,
        entering: Sequence[Held],
        *,
        forward: bool,
        whole: bool = False,
    ) -> ast.expr:
        """A value of the document as code of a phase. Raises Unsayable."""

    def fallback(
        self, field: str, raw: Value, ran: Ran, values: list[Any], *, forward: bool
    ) -> ast.expr:
        """A value that cannot be said otherwise. Raises Unsayable."""

    def channels(self, held: Held, index: int, ran: Ran) -> ast.expr:
        """The channels of what enters a line. Raises Unsayable."""


class Rule(NamedTuple):
    """How a framework has a layer type."""

    #: Makes the modules that it is, one after the other, as code; None where it is a function.
    module: Callable[[Use], list[str]] | None = None
    #: Makes the code that calls it on operands; None where it is a module in any case.
    function: Callable[[Use, list[str]], str] | None = None
    #: Whether the function works on a module of its own, whose name is the first operand.
    holds: bool = False
    #: Whether the module is a tensor, which nothing enters.
    is_tensor: bool = False


class Dialect(Protocol):
    """What a framework calls things."""

    #: The base of classes, and of those that are their layers one after the other.
    module: str
    #: The names that its modules have themselves.
    taken: frozenset[str]
    sequential: str
    module_list: str
    identity: str
    forward: str

    def rule(self, type: str) -> Rule:
        """How it has a layer type. Raises ConvcalcError for one that it does not have."""

    def size(self, operand: str, axis: int) -> str:
        """The size of a tensor along one of our axes."""

    def frozen(self, code: str, trained: str) -> str:
        """A module that is trained where `trained` says so."""

    def constant(self, code: str) -> str:
        """A tensor that nothing enters, as one sample."""

    def whole(self, operand: str, batched: str, axes: int) -> str:
        """A tensor of one sample, repeated for each of the batch that another has."""

    def chunks(self, operand: str, count: int) -> str:
        """Equal shares of a tensor's channels."""

    def merged(self, merge: str, codes: list[str]) -> str:
        """Tensors, joined as `branches` joins them."""


class Held(NamedTuple):
    """A tensor, in the code."""

    #: What `forward` has for it.
    code: str
    #: Its channels, as `__init__` has them; None where they are not known there.
    channels: Tree
    #: Whether it has one sample, whatever the batch is.
    single: bool = False


class Use:
    """A layer's line, for all times that it ran: what rules ask, of which they make code."""

    def __init__(
        self, writer: Spelling, st: Statement, ran: Ran, entering: list[Held], *, forward: bool
    ) -> None:
        self.writer, self.st, self.ran = writer, st, ran
        self.entering, self.forward = entering, forward
        self.type: type[Layer] = layers.find(st.type)
        self.placed: list[Placed] = [writer.placed(line) for _, line in ran]

    @property
    def axes(self) -> int:
        """The spatial axes of its input."""
        return int(self.one({len(each.entering) - 1 for each in self.placed}))

    @property
    def rank(self) -> int:
        """The axes of its output, channels and all."""
        return int(self.one({len(each.outputs[0]) for each in self.placed}))

    @staticmethod
    def one(values: Iterable[Any]) -> Any:
        """The one value that there is. Raises Unsayable."""
        found = [*dict.fromkeys(values)]
        if len(found) != 1:
            raise Unsayable("1")
        return found[0]

    def known(self, field: str) -> Any:
        """A field's value, for all axes, which is always the same. Raises Unsayable."""
        return self.one([getattr(each.layer, field) for each in self.placed])

    def always(self, of: Callable[[Placed], Any]) -> Any:
        """What is the same of it each time. Raises Unsayable."""
        return self.one(map(of, self.placed))

    def default(self, field: str) -> str:
        """A field's default as code."""
        (each,) = [each for each in self.fields if each.name == field]
        kind = each.kind.kind if isinstance(each.kind, Optional) else each.kind
        return expressions.text(expressions.tree(_shown(kind, each.default)))

    def is_set(self, field: str) -> bool:
        """Whether a field has another value than its default."""
        default = next(each.default for each in self.fields if each.name == field)
        return any(getattr(each.written, field) != default for each in self.placed)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the type."""
        return fields_of(self.type)

    def tree(self, field: str) -> ast.expr:
        """A field's value as Python has it. Raises Unsayable."""
        (kind,) = [each.kind for each in self.fields if each.name == field]
        kind = kind.kind if isinstance(kind, Optional) else kind
        raw = self.st.body.open.get(field)
        shown = [_shown(kind, getattr(each.layer, field)) for each in self.placed]
        if raw is None:
            return expressions.tree(self.one(shown))
        counts = counts_something(kind)
        if not (any(_has_pairs(each) for each in shown) and not isinstance(raw, Items)):
            written = [_shown(kind, getattr(each.written, field)) for each in self.placed]
            if not any(isinstance(each, str) for each in written) or not counts:
                try:
                    made = self.writer.tree(
                        raw, self.ran, self.entering, forward=self.forward, whole=counts
                    )
                    is_one = isinstance(kind, PerAxisKind) and isinstance(made, ast.Tuple)
                    return made.elts[0] if is_one and len(made.elts) == 1 else made  # type: ignore[attr-defined]
                except Unsayable:
                    pass
        return self.writer.fallback(field, raw, self.ran, shown, forward=self.forward)

    def item(self, field: str, index: int) -> ast.expr:
        """One item of a field's list. Raises Unsayable."""
        raw = self.st.body.open.get(field)
        if isinstance(raw, Expression):
            node = expressions.tree(raw)
            if isinstance(node, ast.Tuple):
                return self.writer.tree(
                    node.elts[index], self.ran, self.entering, forward=self.forward
                )
        elif isinstance(raw, Items):
            return self.writer.tree(
                raw.items[index], self.ran, self.entering, forward=self.forward, whole=True
            )
        tree = self.tree(field)
        if not isinstance(tree, ast.Tuple):
            raise Unsayable
        return tree.elts[index]

    def arg(self, field: str) -> str:
        """A field's value as code. Raises Unsayable."""
        return expressions.text(self.tree(field))

    def channels(self, index: int = 0) -> str:
        """The channels of an input as code. Raises Unsayable."""
        return expressions.text(self.channels_tree(index))

    def channels_tree(self, index: int = 0) -> ast.expr:
        """The channels of an input. Raises Unsayable."""
        return self.writer.channels(self.entering[index], index, self.ran)

    def helper(self, name: str) -> str:
        """The name of a class or function that the file has beside; it is added to it."""
        return self.writer.helper(name)

    def size(self, operand: str, axis: int) -> str:
        """The size of a tensor along one of our axes."""
        return self.writer.dialect.size(operand, axis)


def counts_something(kind: Any) -> bool:
    """Whether the values of a kind are whole numbers."""
    kind = kind.kind if isinstance(kind, Optional) else kind
    return isinstance(kind, (Whole, EachAxis, Pads, Numbers, TensorShape))


def _has_pairs(shown: Any) -> bool:
    return isinstance(shown, tuple) and any(isinstance(each, tuple) for each in shown)


def _shown(kind: Any, value: Any) -> Any:
    """A field's value as people write it: one for all axes where they are equal."""
    if isinstance(value, float) and value.is_integer():
        return int(value)  # equal values share a layer, of which either may have been the first
    if not isinstance(value, tuple) or not isinstance(kind, PerAxisKind):
        return value
    items = [each[0] if isinstance(each, tuple) and each[0] == each[1] else each for each in value]
    if any(isinstance(each, tuple) or each is None for each in items):
        return value
    return items[0] if len({*items}) == 1 else tuple(items)
