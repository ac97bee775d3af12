"""Passes: what is worked out of a whole graph, one file each.

A pass adds figures to every analysis. To add one, write its class in a file of this folder; its
figures are columns, keys of JSON and sums of totals and groups from then on.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection
from functools import cache

from convcalc.passes.base import PASSES, Pass, add_pass
from convcalc.registry import files
from convcalc.steps import Settings

__all__ = ["PASSES", "Pass", "Settings", "add_pass", "known", "saying"]


@cache
def _load() -> None:
    for file in files(__path__):
        importlib.import_module(f"{__name__}.{file}")


def saying(keys: Collection[str] = ()) -> tuple[Pass, ...]:
    """Those that say figures in every analysis, and those that are dear and say some of `keys`."""
    return tuple(
        each
        for each in known()
        if not each.dear or any(figure.key in keys for figure in each.figures)
    )


def known() -> tuple[Pass, ...]:
    """Every pass, in the order in which they were added."""
    _load()
    return tuple(PASSES)
