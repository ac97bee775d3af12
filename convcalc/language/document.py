"""The document: a spec that is right by the language, before any shape is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Mark
from convcalc.expressions import Bounds
from convcalc.language import reader
from convcalc.layers.base import Placed

if TYPE_CHECKING:
    from convcalc.language.forms import Spec


class Document(NamedTuple):
    """A spec that is right, and what was read, with its marks."""

    spec: Spec
    origin: reader.Mapping
    #: The layers that its lines made before, by the bounds that they kept; see `placing.Placing`.
    made: dict[Bounds, dict[Any, Placed]]

    def mark_of(self, *path: str) -> Mark | None:
        """The place of a value outside of `layers`, by its keys; None where it is left out."""
        value: Any = self.origin
        mark = None
        for key in path:
            if not isinstance(value, reader.Mapping) or key not in value:
                return None
            value, mark = value[key], value.value_marks[key]
        return mark

    def item_marks(self, *path: str) -> reader.Marks | None:
        """The places of the items of a list outside of `layers`; None where there is no list."""
        value: Any = self.origin
        for key in path:
            value = value.get(key) if isinstance(value, reader.Mapping) else None
        return value.marks if isinstance(value, reader.Sequence) else None
