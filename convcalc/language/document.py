"""The document: a spec that is right by the language, before any shape is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Mark, Source
from convcalc.expressions import Bounds
from convcalc.language import reader
from convcalc.layers.base import Placed

if TYPE_CHECKING:
    from convcalc.budgets import Budget
    from convcalc.language.forms import Spec


class Document(NamedTuple):
    """A spec that is right, and what was read, with its marks."""

    spec: Spec
    origin: reader.Mapping
    #: The layers that its lines made before, by the bounds that they kept; see `placing.Placing`.
    made: dict[Bounds, dict[Any, Placed]]

    def budgets(self, source: Source) -> tuple[Budget, ...]:
        """Its budgets, with their places in the text that it came from."""
        from convcalc.budgets import SPEC, Budget  # most specs have none, and most runs ask none

        return tuple(
            Budget(metric, most, SPEC, source, self.mark_of("budgets", metric))
            for metric, most in self.spec.budgets.items()
        )

    def mark_of(self, *path: Any) -> Mark | None:
        """The place of a value outside of `layers`, by its keys and indices.

        What is not there has the place of what is around it: the items of a list that an
        expression makes, the single input by its name. None where nothing of it is there.
        """
        value: Any = self.origin
        mark = None
        for key in path:
            is_item = isinstance(value, list) and isinstance(key, int)
            if is_item or (isinstance(value, dict) and key in value):
                value, mark = value[key], value.mark_of(key)
        return mark
