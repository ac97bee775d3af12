"""The values of a spec, evaluated: variables, inputs' sizes, and what its lines say."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from convcalc.arithmetic import Refusal, is_fraction
from convcalc.diagnostics import Mark, fail
from convcalc.expressions import Expression, ExpressionError, fits
from convcalc.language.document import Document
from convcalc.language.limits import Clock
from convcalc.language.refusals import Mistakes
from convcalc.language.scopes import TENSOR_NAMES, Scope, Tensors
from convcalc.language.statements import Items, Statement, Value
from convcalc.layers.fields import Whole
from convcalc.shape import Shape
from convcalc.words import describe, did_you_mean, listed

_SIZE = Whole(1)


class Marked(Protocol):
    """What knows where its values stand."""

    def mark_of(self, *path: Any) -> Mark | None:
        """The place of the value at a path."""


class Values:
    """Evaluates what a document says. What a mistake leaves unknown is None, and reported."""

    def __init__(self, document: Document, mistakes: Mistakes, clock: Clock) -> None:
        self.document = document
        self.mistakes = mistakes
        self.bounds = mistakes.limits.bounds
        self.clock = clock

    def evaluate(
        self, value: Value, scope: Scope, inputs: Tensors, marked: Marked, *path: Any
    ) -> Any:
        """The value of what `marked` has at a path, for a line that takes `inputs`."""
        if type(value) is Expression:
            names = scope.values
            if not TENSOR_NAMES.isdisjoint(value.names):
                if inputs is None:
                    return None
                names = scope.names(inputs)
            try:
                return value.root.evaluate(names)
            except ExpressionError as error:
                self.mistakes.expression(error, value, marked.mark_of(*path), scope, inputs)
                return None
        if isinstance(value, Items):
            return self._items(value, scope, inputs, marked, *path)
        return value

    def _items(
        self, value: Items, scope: Scope, inputs: Tensors, marked: Marked, *path: Any
    ) -> tuple[Any, ...] | None:
        if self.clock.is_over(len(value.items)):
            mark = marked.mark_of(*path) or value.marks[0]
            self.mistakes.exceed("seconds", self.clock.message(), mark)
        items = []
        for index, item in enumerate(value.items):
            items.append(self.evaluate(item, scope, inputs, value, index))
            if items[-1] is None:
                return None
        if not fits(tuple(items), self.bounds):
            message = f"this list has more than {self.bounds.items:,} items"
            self.mistakes.exceed("items", message, marked.mark_of(*path) or value.marks[0])
        return tuple(items)

    def truth(
        self, st: Statement, field: str, value: Value, scope: Scope, inputs: Tensors
    ) -> bool | None:
        """The value of a line's condition."""
        if isinstance(value, bool):
            return value
        result = self.evaluate(value, scope, inputs, st, field)
        if isinstance(result, (bool, int, float)) or is_fraction(result):
            return bool(result)
        if result is not None:
            message = f"`{field}` must be true or false, not {describe(result)}"
            self.mistakes.report("bad-value", message, st.mark_of(field), scope)
        return None

    def variables(self, preset: str | None, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The variables with their values: defaults, then the preset's, then the given ones.

        Raises ConvcalcError for a preset or a variable that the document lacks, and for a setting
        that is of another kind than the default.
        """
        document, spec = self.document, self.document.spec
        name_of_spec = self.mistakes.source.name
        if preset is not None and preset not in spec.presets:
            known = f"its presets are {listed(spec.presets)}" if spec.presets else "it has none"
            help = did_you_mean(preset, spec.presets) or known
            raise fail("unknown-preset", f"{name_of_spec} has no preset `{preset}`", help)
        raw = spec.variables
        for name in settings:
            if name not in raw:
                known = f"its variables are {listed(raw)}" if raw else "it has no variables"
                help = did_you_mean(name, raw) or known
                raise fail("unknown-variable", f"{name_of_spec} has no variable `{name}`", help)
        chosen = spec.presets[preset] if preset is not None else {}
        values: dict[str, Any] = {}
        scope = Scope(values)
        for name, default in raw.items():
            value = self.evaluate(default, scope, (), document, "variables", name)
            if value is not None and name in chosen:
                value = self.evaluate(chosen[name], scope, (), document, "presets", preset, name)
            if value is not None and name in settings:
                value = _setting(name, settings[name], value)
            # What follows an unknown one is checked with a stand-in, and never used.
            values[name] = 1 if value is None else value
        return values

    def inputs(self, values: Mapping[str, Any], given: tuple[int, ...] | None) -> dict[str, Shape]:
        """The shapes of the inputs by name; `given` stands for that of a single one.

        Raises ConvcalcError where there are several, and one is given.
        """
        raw = self.document.spec.input
        if given is not None:
            if len(raw) == 1:
                return dict.fromkeys(raw, Shape(*given))
            message = (
                f"{self.mistakes.source.name} has {len(raw)} inputs, {listed(raw)}, and one shape"
                " is given"
            )
            raise fail("bad-value", message, "change the file's `input`")
        scope = Scope(values)
        mapped = isinstance(self.document.origin["input"], dict)
        paths = {name: ("input", name) if mapped else ("input",) for name in raw}
        shapes = {name: self._shape(value, paths[name], scope) for name, value in raw.items()}
        return {name: shape for name, shape in shapes.items() if shape is not None}

    def _shape(self, value: Value, path: tuple[str, ...], scope: Scope) -> Shape | None:
        sizes = self.evaluate(value, scope, (), self.document, *path)
        if sizes is None:
            return None
        if not isinstance(sizes, tuple) or not 1 <= len(sizes) <= 4:
            message = f"`{path[-1]}` must be a list of one to four sizes, not {describe(sizes)}"
            self.mistakes.report("bad-value", message, self.document.mark_of(*path))
            return None
        parsed = []
        for index, size in enumerate(sizes):
            try:
                parsed.append(_SIZE.parse(size))
            except Refusal as refusal:
                message = f"a size of the input {refusal.message}"
                at = self.document.mark_of(*path, index)
                self.mistakes.report(refusal.code, message, at, help=refusal.help)
        return Shape(*parsed) if len(parsed) == len(sizes) else None


def _setting(name: str, value: Any, default: Any) -> Any:
    """A variable's value as a user gives it, of the kind that its default has.

    Raises ConvcalcError for another kind.
    """
    if isinstance(value, list):
        value = tuple(value)
    elif not isinstance(value, (bool, int)) and hasattr(value, "__index__"):
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
        (isinstance(value, int) and not isinstance(value, bool))
        or (isinstance(value, float) and math.isfinite(value))
        or is_fraction(value)
    ),
    "a text": lambda value: isinstance(value, str),
    "a list": lambda value: isinstance(value, tuple),
}
