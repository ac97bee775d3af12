"""The space of a search: its variables, and the values that each may have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Axis(NamedTuple):
    """A variable, or one entry of a variable that is a list (`w[0]`), and its values."""

    name: str
    values: Sequence[Any]


class Space(NamedTuple):
    """Every combination of the values of its axes; the last axis is the fastest."""

    axes: tuple[Axis, ...]

    @property
    def size(self) -> int:
        """How many settings there are."""
        size = 1
        for axis in self.axes:
            size *= len(axis.values)
        return size

    def point(self, index: int) -> dict[str, Any]:
        """The setting at an index."""
        found: dict[str, Any] = {}
        for axis in reversed(self.axes):
            index, place = divmod(index, len(axis.values))
            found[axis.name] = axis.values[place]
        return {axis.name: found[axis.name] for axis in self.axes}


def settings(point: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """What a point sets of the variables: entries of a list (`w[0]`) are put into the list."""
    found: dict[str, Any] = {}
    for key, value in point.items():
        name, bracket, place = key.partition("[")
        if not bracket:
            found[name] = value
            continue
        whole = list(found.get(name, defaults[name]))
        whole[int(place.rstrip("]"))] = value
        found[name] = tuple(whole)
    return found
