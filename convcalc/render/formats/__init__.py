"""The formats of what commands print: one file each, for every command.

To add one, add a file with a `FORMAT` in it. Another package adds one by an entry point in the
group `convcalc.formats`.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from functools import cache

from convcalc import plugins
from convcalc.diagnostics import fail
from convcalc.render.formats.base import Format
from convcalc.words import did_you_mean, listed

#: The format unless another is asked for.
DEFAULT = "table"

#: Formats that were added while the program runs, by name.
_ADDED: dict[str, Format] = {}


def add(format: Format) -> None:
    """Add a format. Raises ValueError for a name that is taken."""
    if format.name in names():
        raise ValueError(f"two formats are called {format.name!r}")
    _ADDED[format.name] = format


@cache
def _files() -> tuple[str, ...]:
    files = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted((name for name in files if name != "base"), key=lambda n: n != DEFAULT))


def names() -> tuple[str, ...]:
    """The names of all formats, the default first."""
    return (*_files(), *_ADDED)


def find(name: str) -> Format:
    """The format of a name. Raises ConvcalcError, which lists the known ones."""
    if name in _ADDED:
        return _ADDED[name]
    if name in _files():
        found = importlib.import_module(f"{__name__}.{name}").FORMAT
    else:
        found = plugins.find("convcalc.formats", name)
    if found is None:
        help = f"{did_you_mean(name, names())} the formats are {listed(names())}".strip()
        raise fail("unknown-format", f"unknown format `{name}`", help)
    assert isinstance(found, Format)
    return found


def of_file(name: str) -> Format:
    """The format that a file's suffix means; the default where it means none."""
    suffix = os.path.splitext(name)[1].lower()
    for each in names() if suffix else ():
        if suffix in find(each).suffixes:
            return find(each)
    return find(DEFAULT)
