"""Values that cannot be changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class FrozenDict(Mapping[_K, _V]):
    """A mapping that cannot be changed, in the order in which it was made.

    It equals a dict of the same, `dict(it)` is one to change, and where its values can be hashed it
    can be, too.
    """

    __slots__ = ("_values",)
    _values: dict[_K, _V]

    def __init__(self, values: Mapping[_K, _V] | Iterable[tuple[_K, _V]] = ()) -> None:
        object.__setattr__(self, "_values", dict(values))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __getitem__(self, key: _K) -> _V:
        return self._values[key]

    def __iter__(self) -> Iterator[_K]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __reduce__(self) -> Any:
        return type(self), (self._values,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values})"


def frozen(value: Any) -> Any:
    """A value whose lists and dicts, and those in them, cannot be changed."""
    if isinstance(value, Mapping):
        return FrozenDict((key, frozen(each)) for key, each in value.items())
    return tuple(map(frozen, value)) if isinstance(value, list) else value
