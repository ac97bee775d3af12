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

    def mark_of(self, *path: Any) -> Mark | None:
        """The place of a value outside of `layers`, by its keys; None where one is left out.

        The place of an item is that of the whole where there is no list.
        """
        value: Any = self.origin
        mark = None
        for key in path:
            if isinstance(key, str) and (not isinstance(value, dict) or key not in value):
                return None
            if isinstance(key, int) and not isinstance(value, list):
                return mark
            value, mark = value[key], value.mark_of(key)
        return mark
