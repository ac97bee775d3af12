"""Where additions come in: things of one kind by name, a file each, or from other packages."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from functools import cache
from typing import Any, Generic, TypeVar

from convcalc.diagnostics import fail
from convcalc.words import did_you_mean, listed

_T = TypeVar("_T")


def files(path: Iterable[str], suffix: str = ".py") -> list[str]:
    """The modules in the folders of a package, in alphabetical order; `_helpers.py` is its own.

    Or its files of another suffix.
    """
    # pkgutil does more than this, which is a twentieth of a short run.
    found = {file for folder in path for file in os.listdir(folder) if file.endswith(suffix)}
    return sorted(file[: -len(suffix)] for file in found if not file.startswith("_"))


def from_entry_point(group: str, name: str) -> Any:
    """What another package's entry point of `group` called `name` stands for; None without one.

    This is for names that are not known: looking through the installed packages, which is done
    once, costs as much as a short run takes. Raises what importing it raises.
    """
    found = _entry_points(group).get(name)
    return None if found is None else found.load()


@cache
def _entry_points(group: str) -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {each.name: each for each in entry_points(group=group)}


class Registry(Generic[_T]):
    """Things of one kind: a file each in a package, which is imported when its name is asked for.

    A file is called as its thing, `_` for `-`, and has it in `attribute`; one that is no module
    (`suffix`) is read by a subclass. Others are added while the program runs, or by entry points in
    the group `convcalc.` and the package's last name. `lists` is what a mistake is told that lists
    them; without it, it does so itself.
    """

    def __init__(
        self,
        package: str,
        path: Iterable[str],
        attribute: str,
        noun: str,
        first: tuple[str, ...],
        suffix: str = ".py",
        lists: str = "",
    ) -> None:
        self.package = package
        self.attribute = attribute
        self.noun = noun
        self.lists = lists
        self._group = f"convcalc.{package.rpartition('.')[2]}"
        self._found: dict[str, _T] = {}
        known = [file.replace("_", "-") for file in files(path, suffix) if file != "base"]
        self._files = (*first, *(name for name in known if name not in first))

    def names(self) -> tuple[str, ...]:
        """The names of those in files, and of those that were added."""
        found = tuple(self._found)  # which another thread may add to
        return (*self._files, *(name for name in found if name not in self._files))

    def all_names(self) -> tuple[str, ...]:
        """The same, and those of other packages, which are looked for: it takes as long."""
        others = _entry_points(self._group)
        return (*self.names(), *(name for name in others if name not in self.names()))

    def add(self, name: str, thing: _T) -> None:
        """Add one. Raises ValueError for a name that is taken."""
        if name in self.names():
            raise ValueError(f"two {self.noun}s are called {name!r}")
        self._found[name] = thing

    def find(self, name: str) -> _T:
        """The one of a name. Raises ConvcalcError, which lists the known names."""
        if name not in self._found:
            if name in self._files:
                thing = self.in_file(name.replace("-", "_"))
                assert thing.name == name, f"the file of {name} has the {self.noun} {thing.name}"
            else:
                thing = from_entry_point(self._group, name)
            if thing is None:
                known = self.lists or f"the {self.noun}s are {listed(self.names(), 20)}"
                help = f"{did_you_mean(name, self.names())} {known}".strip()
                raise fail(f"unknown-{self.noun}", f"unknown {self.noun} `{name}`", help)
            self._found[name] = thing
        return self._found[name]

    def in_file(self, file: str) -> Any:
        """What a file has; it is called so, without its suffix."""
        return getattr(importlib.import_module(f"{self.package}.{file}"), self.attribute)
