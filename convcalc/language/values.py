"""The values of a spec, evaluated: variables, inputs' sizes, and what its lines say."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, Protocol

from convcalc.arithmetic import Refusal, Symbolic, is_number
from convcalc.diagnostics import ConvcalcError, Mark, fail
from convcalc.expressions import Expression, ExpressionError, fits
from convcalc.language.document import Document
from convcalc.language.limits import SHORT_WHILE
from convcalc.language.refusals import Mistakes, Unknown
from convcalc.language.scopes import TENSOR_NAMES, Scope, Tensors
from convcalc.language.statements import SIZE, Items, Statement, Value
from convcalc.layers.fields import Kind
from convcalc.shape import MOST_INPUT_AXES, Shape
from convcalc.visible import composed
from convcalc.words import NUMBERS, describe, did_you_mean, listed


class Marked(Protocol):
    """What knows where its values stand."""

    def mark_of(self, *path: Any) -> Mark | None:
        """The place of the value at a path."""


class Values:
    """Evaluates what a document says. Raises Unknown where it has no value, which is noted."""

    def __init__(self, document: Document, mistakes: Mistakes) -> None:
        self.document = document
        self.mistakes = mistakes
        self.bounds = mistakes.limits.bounds
        self.budget = mistakes.budget

    def evaluate(
        self, value: Value, scope: Scope, inputs: Tensors, marked: Marked, *path: Any
    ) -> Any:
        """The value of what `marked` has at a path, for a line that takes `inputs`."""
        if type(value) is Expression:
            names = scope.values
            if not TENSOR_NAMES.isdisjoint(value.names):
                if inputs is None:
                    raise Unknown
                names = scope.names(inputs)
            # A short one costs no more than its line.
            if value.parts > 3 and self.budget.is_over(_steps(value, names)):
                self.mistakes.late(marked.mark_of(*path))
            try:
                return value.root.evaluate(names)
            except ExpressionError as error:
                mark = marked.mark_of(*path)
                raise self.mistakes.expression(error, value, mark, scope, inputs) from None
        if isinstance(value, Items):
            return self._items(value, scope, inputs, marked, *path)
        return value

    def _items(
        self, value: Items, scope: Scope, inputs: Tensors, marked: Marked, *path: Any
    ) -> tuple[Any, ...]:
        self.mistakes.spend(len(value.items), value.marks[0])
        each = enumerate(value.items)
        items = tuple([self.evaluate(item, scope, inputs, value, index) for index, item in each])
        if not fits(items, self.bounds):
            message = f"this list has more than {self.bounds.items:,} items"
            self.mistakes.exceed("items", message, marked.mark_of(*path) or value.marks[0])
        return items

    def opened(
        self, st: Statement, scope: Scope, inputs: Tensors, kinds: Mapping[str, Kind] | None = None
    ) -> dict[str, Any]:
        """The values that a call's expressions have, as their kinds take them."""
        opened: dict[str, Any] = {}
        for name, raw in st.body.open.items():
            try:
                value = self.evaluate(raw, scope, inputs, st, name)
                opened[name] = kinds[name].parse(value) if kinds else value
            except Unknown:
                pass
            except Refusal as refusal:
                self.mistakes.value(refusal, st, name, [raw], scope, inputs)
        if len(opened) < len(st.body.open):
            raise Unknown
        return opened

    def truth(
        self, value: Value, scope: Scope, inputs: Tensors, marked: Marked, *path: Any
    ) -> bool:
        """The value of a condition, which `marked` has at a path."""
        result = self.evaluate(value, scope, inputs, marked, *path)
        if isinstance(result, bool) or is_number(result) or isinstance(result, Symbolic):
            return bool(result)
        message = f"`{path[-1]}` must be true or false, not {describe(result)}"
        raise self.mistakes.report("bad-value", message, marked.mark_of(*path), scope)

    def variables(self, preset: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The variables with their values: defaults, then the preset's, then the given ones.

        Raises ConvcalcError for a preset or a variable that the document lacks, and for a setting
        that is of another kind than the default.
        """
        document, spec = self.document, self.document.spec
        preset = preset and composed(preset)
        settings = {composed(name): value for name, value in settings.items()}
        if preset is not None and preset not in spec.presets:
            raise self._lacking("preset", preset, spec.presets, "it has none")
        for name in settings:
            if name not in spec.variables:
                raise self._lacking("variable", name, spec.variables, "it has no variables")
        chosen = spec.presets[preset] if preset is not None else {}
        values: dict[str, Any] = {}
        scope = Scope(values)
        for name, default in spec.variables.items():
            try:
                value = self.evaluate(default, scope, (), document, "variables", name)
                values[name] = value  # which the preset may speak of
                if name in chosen:
                    path = ("presets", preset, name)
                    value = self.evaluate(chosen[name], scope, (), document, *path)
                if name in settings:
                    value = setting(name, settings[name], value)
            except Unknown:
                value = 1  # what follows is checked with it, and never used
            values[name] = value
        return values

    def _lacking(self, kind: str, name: str, known: Collection[str], none: str) -> ConvcalcError:
        """The error for a preset or a variable that the document does not have."""
        help = did_you_mean(name, known) or (f"its {kind}s are {listed(known)}" if known else none)
        message = f"{self.mistakes.source.name} has no {kind} `{name}`"
        return fail(f"unknown-{kind}", message, help)

    def inputs(self, values: Mapping[str, Any]) -> dict[str, Shape]:
        """The shapes of the inputs by name, as the spec has them."""
        scope = Scope(values)
        shapes = {}
        for name, value in self.document.spec.input.items():
            with suppress(Unknown):
                shapes[name] = self.shape(value, scope, (), self.document, "input", name)
        return shapes

    def shape(
        self,
        value: Value,
        scope: Scope,
        inputs: Tensors,
        marked: Marked,
        *path: Any,
        most: int = MOST_INPUT_AXES,
    ) -> Shape:
        """The shape of `most` axes that `marked` has at a path, by whose end messages call it."""
        sizes = self.evaluate(value, scope, inputs, marked, *path)
        name = path[-1]
        if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= most:
            wanted = f"a list of one to {NUMBERS[most]} sizes"
            message = f"`{name}` must be {wanted}, not {describe(sizes)}"
            raise self.mistakes.report("bad-value", message, marked.mark_of(*path))
        parsed = []
        for index, size in enumerate(sizes):
            try:
                parsed.append(SIZE.parse(size))
            except Refusal as refusal:
                message = f"a size of `{name}` {refusal.message}"
                at = marked.mark_of(*path, index) or marked.mark_of(*path)
                self.mistakes.report(refusal.code, message, at, help=refusal.help)
        if len(parsed) < len(sizes):
            raise Unknown
        return Shape(*parsed)


def _steps(expression: Expression, names: Mapping[str, Any]) -> int:
    """The small steps of an evaluation, at the most: what has a list may go through it."""
    for name in expression.names:
        if type(names.get(name)) is tuple:
            return SHORT_WHILE
    return expression.parts


def setting(name: str, value: Any, default: Any) -> Any:
    """A variable's value as a user gives it, of the kind that its default has.

    Raises ConvcalcError for another kind.
    """
    from convcalc.written import Written  # which few settings are

    if isinstance(value, Written):
        value = value.for_default(default)
    if isinstance(value, list):
        value = tuple(value)
    elif not isinstance(value, (bool, int, Symbolic)) and hasattr(value, "__index__"):
        value = operator.index(value)  # numpy's integers
    kind = next((kind for kind, is_one in _KINDS.items() if is_one(default)), "")
    if not kind or _KINDS[kind](value):
        return value
    message = f"the variable `{name}` is {kind}, and {describe(value)} is not"
    raise fail("bad-value", message, f"its value in the spec is {describe(default)}")


#: The kinds of value that a variable has.
_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "true or false": lambda value: isinstance(value, bool),
    "a number": lambda value: (
        is_number(value) and not (isinstance(value, float) and not math.isfinite(value))
    ),
    "a text": lambda value: isinstance(value, str),
    "a list": lambda value: isinstance(value, tuple),
}
