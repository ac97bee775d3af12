"""What sums lack: the layers whose cost is not known, as a legend names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convcalc.analysis import Row
from convcalc.words import counted, listed


def lacking(rows: Iterable[Row]) -> Iterator[str]:
    """What a legend says where sums lack layers of unknown cost: how many, and which."""
    nodes = (node for row in rows if row.unknown for node in row.nodes)
    yield from lacking_of(node.name for node in nodes if node.placed.operations is None)


def lacking_of(names: Iterable[str]) -> Iterator[str]:
    """What a legend says of layers of unknown cost; nothing where there are none."""
    found = list(names)
    if found:
        which = listed(found, _MOST_NAMED)
        yield f"Totals lack {counted(len(found), 'layer')} of unknown cost (?): {which}."


#: Layers of unknown cost that a legend names.
_MOST_NAMED = 6
