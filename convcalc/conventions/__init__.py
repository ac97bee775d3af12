"""How tools and traditions count: one file each.

To add a convention, add a file with a `CONVENTION` in it; its name is the file's, `-` for `_`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from convcalc.conventions.base import Convention
from convcalc.diagnostics import fail
from convcalc.words import did_you_mean, listed


@cache
def names() -> tuple[str, ...]:
    """The names of all conventions: `exact` and `macs`, then the tools by name."""
    files = [module.name for module in pkgutil.iter_modules(__path__) if module.name != "base"]
    found = [name.replace("_", "-") for name in files]
    return tuple(sorted(found, key=lambda name: (name not in ("exact", "macs"), name)))


@cache
def find(name: str) -> Convention:
    """The convention of a name. Raises ConvcalcError, which lists the known ones."""
    if name not in names():
        help = did_you_mean(name, names())
        known = f"the conventions are {listed(names(), 20)}"
        raise fail("unknown-convention", f"unknown convention `{name}`", f"{help} {known}".strip())
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    convention = module.CONVENTION
    assert isinstance(convention, Convention)
    assert convention.name == name
    return convention
