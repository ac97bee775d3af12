"""Passes: what is worked out of a whole graph, one file each.

A pass adds figures to every analysis. To add one, write its class in a file of this folder; its
figures are columns, keys of JSON and sums of totals and groups from then on.
"""

from __future__ import annotations

import importlib
from functools import cache

from convcalc.passes.base import PASSES, Pass, add_pass
from convcalc.registry import files
from convcalc.steps import Settings

__all__ = ["PASSES", "Pass", "Settings", "add_pass", "known"]


@cache
def _load() -> None:
    for file in files(__path__):
        importlib.import_module(f"{__name__}.{file}")


def known() -> tuple[Pass, ...]:
    """Every pass, in the order in which they were added."""
    _load()
    return tuple(PASSES)
