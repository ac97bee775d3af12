"""Who uses whose weights, as a legend says it."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.analysis import Analysis
from convcalc.words import counted, listed

#: So many layers are named that use the weights of one, and so many of these.
_MOST_NAMED = 3


def lenders(analysis: Analysis) -> str:
    """Whose weights are used by whom: `right those of left`."""
    users: dict[str, dict[str, None]] = {}
    for user, owner in _pairs(analysis):
        users.setdefault(owner, {})[user] = None
    said = [f"{_few([*names])} those of `{owner}`" for owner, names in users.items()]
    more = said[_MOST_NAMED:]
    return "; ".join([*said[:_MOST_NAMED], *([f"and {len(more)} more"] if more else [])])


def _few(names: list[str]) -> str:
    """The names of several, or of the first."""
    more = len(names) - _MOST_NAMED
    shown = [f"`{name}`" for name in names]
    if more <= 0:
        return listed(names)
    return f"{', '.join(shown[:_MOST_NAMED])} and {counted(more, 'other')}"


def _pairs(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Layers that use weights, and whose; the blocks around both where all in one has the other's.

    Those are the longest blocks whose layers are called the same.
    """
    nodes = [node for row in analysis.rows for node in row.nodes]
    owning = {
        ".".join(group.name for group in node.groups[:depth])
        for node in nodes
        if node.placed.weights
        for depth in range(1, len(node.groups) + 1)
    }
    for node in nodes:
        if node.weights_of is None or not node.placed.borrowing:
            continue
        user, owner = node.name.split("."), node.weights_of.split(".")
        while len(user) > 1 and len(owner) > 1 and user[-1] == owner[-1]:
            if ".".join(user[:-1]) in owning:
                break
            user, owner = user[:-1], owner[:-1]
        yield ".".join(user), ".".join(owner)
