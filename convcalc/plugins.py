"""Additions from other packages, found by their entry points.

Looking through the installed packages costs as much as a short run takes, so it is done for a name
that is not known, and for nothing else.
"""

from __future__ import annotations

from typing import Any


def find(group: str, name: str) -> Any:
    """What an entry point of `group` called `name` stands for; None where there is none.

    The groups are `convcalc.layers` (a layer class), `convcalc.conventions` (a `Convention`) and
    `convcalc.formats` (a `Format`). Raises what importing it raises.
    """
    from importlib.metadata import entry_points

    for each in entry_points(group=group, name=name):
        return each.load()
    return None
