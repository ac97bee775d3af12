"""Things that have a name each, and are found by it: the whole of it, or the end of one alone."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex, TypeVar, overload

from convcalc.diagnostics import ConvcalcError, Diagnostic, fail
from convcalc.words import counted, did_you_mean, listed, quoted

if TYPE_CHECKING:
    from typing_extensions import Self


class UnknownName(ConvcalcError, KeyError):  # noqa: N818 - as it is read where it is caught
    """A name that nothing has. It is a KeyError too, which `[…]` raises in Python."""

    __str__ = Exception.__str__  # a KeyError shows its message in quotes


def whole_name(asked: str, known: Collection[str], owner: str, noun: str, lists: str) -> str:
    """The name that is asked for, or the one that ends in it: `stem.conv` of `net.stem.conv`.

    `owner` has the `known` names, each of a `noun`; `lists` is the sentence that says where they
    are listed. Raises UnknownName where no name is so, and ConvcalcError where several end so.
    """
    found = name_ending(asked, known, owner, noun)
    if found is None:
        raise unknown_name(asked, owner, noun, f"{near_name(asked, known)} {lists}".strip())
    return found


def name_ending(asked: str, known: Collection[str], owner: str, noun: str) -> str | None:
    """The name that is asked for, or the one that ends in it; None where no name is so.

    `owner` has the `known` names, each of a `noun`. Raises ConvcalcError where several end so.
    """
    if asked in known:
        return asked
    ends = [name for name in known if name.endswith(f".{asked}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        message = f"{owner} has {counted(len(ends), noun)} that {quoted(asked)} may mean"
        raise fail(f"ambiguous-{noun}", message, f"name one: {listed(ends, most=6, joiner='or')}")
    return None


def near_name(asked: str, known: Collection[str]) -> str:
    """Which of the names may be meant by one that nothing has, as advice; or nothing."""
    within = asked
    while "." in within:  # what stands beside it is likelier than what is far away
        within = within.rpartition(".")[0]
        if within in known:
            break
    near = [name for name in known if name.startswith(f"{within}.")]
    return did_you_mean(asked, near) or did_you_mean(asked, known)


def unknown_name(asked: str, owner: str, noun: str, help: str) -> UnknownName:
    """The error for a name that nothing has."""
    message = f"{owner} has no {noun} {quoted(asked)}"
    return UnknownName([Diagnostic(f"unknown-{noun}-name", message, help=help)])


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


_T = TypeVar("_T", bound=_HasName)


class Named(tuple[_T, ...]):
    """A tuple whose items are found by their names as well: `rows["stem.conv"]`.

    The end of a name does where no other ends so. An unknown name raises an error that is both a
    ConvcalcError, with the nearest names, and a KeyError.
    """

    @overload
    def __getitem__(self, key: SupportsIndex | str, /) -> _T: ...

    @overload
    def __getitem__(self, key: slice, /) -> Self: ...

    def __getitem__(self, key: SupportsIndex | str | slice, /) -> Any:
        if isinstance(key, str):
            return self[self._places[self._whole_name(key)]]
        if isinstance(key, slice):
            return type(self)(super().__getitem__(key))
        return super().__getitem__(key)

    def __contains__(self, item: object, /) -> bool:
        """Whether it is one of the items, or the whole name of one."""
        return item in self._places if isinstance(item, str) else super().__contains__(item)

    def __setattr__(self, name: str, value: object, /) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def __reduce__(self) -> Any:
        return type(self), (tuple(self),)

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(item.name for item in self)

    def _whole_name(self, asked: str) -> str:
        """The name of an item that `asked` is, or is the end of. Raises ConvcalcError."""
        raise NotImplementedError

    @cached_property
    def _places(self) -> dict[str, int]:
        return {item.name: index for index, item in enumerate(self)}
