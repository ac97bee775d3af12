"""The page of errata, made from what `convcalc errata` lists."""

from __future__ import annotations

from itertools import groupby

from convcalc import errata
from docs.tables import markdown

_INTRODUCTION = """\
# Errata

Published figures that are wrong, what is right, why, and the command that shows it. The page is
made from `convcalc/errata.yaml` (`python -m docs.generate`), whose entries `convcalc errata` lists;
the tests run each command and find the right figure in what it prints.

A figure that another tool counts otherwise is none of these: `convcalc reconcile NAME --reported
FIGURE` says whose it is.
"""
_HEADER = ("network", "published", "right", "why", "shown by")


def page() -> str:
    """docs/errata.md."""
    parts = [_INTRODUCTION]
    for (source, address), found in groupby(errata.known(), lambda each: (each.source, each.page)):
        rows = [(f"`{e.network}`", e.published, e.right, e.reason, f"`{e.command}`") for e in found]
        parts += [f"## {source}\n", f"<{address}>\n", markdown(_HEADER, rows)]
    return "\n".join(parts)
