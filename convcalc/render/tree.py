"""A network as a tree, for a screen: blocks with what is in them, and what is alike once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from convcalc.analysis import Row, as_one


class Branch(NamedTuple):
    """A layer, or a block with what is in it.

    `row` is what it costs, `times` how many alike follow one another, of which it is the first.
    """

    name: str
    row: Row
    inside: tuple[Branch, ...]
    times: int = 1

    @property
    def label(self) -> str:
        """Its name, with its type where the name does not say it, and its times."""
        times = f" ×{self.times}" if self.times > 1 else ""
        return f"{labelled(self.name, self.row.type)}{times}"


def labelled(name: str, type: str) -> str:
    """A name, with the type where the last part of it does not say that."""
    own = name.rpartition(".")[2]
    return name if own == type or own.startswith(f"{type}_") else f"{name} ({type})"


class Line(NamedTuple):
    """A line of a drawn tree: how deep it stands, and whether its block is open below it."""

    depth: int
    branch: Branch
    is_open: bool
    #: How many alike it stands for, those of the blocks around it included.
    times: int


def branches(rows: Sequence[Row], depth: int = 0) -> tuple[Branch, ...]:
    """Rows, in the order of the network, as the branches below `depth` groups."""
    found: list[Branch] = []
    kinds: list[Any] = []

    def group(row: Row) -> Any:
        # A layer of this level is a run of its own.
        return row.groups[: depth + 1] if _names(row) > depth + 1 else id(row)

    for _, run in groupby(rows, group):
        inside = list(run)
        if _names(inside[0]) > depth + 1:
            below = branches(inside, depth + 1)
            whole = as_one(inside, depth + 1)
            branch = Branch(whole.groups[-1].name, whole, below)
        else:
            branch = Branch(inside[0].name.rpartition(".")[2], inside[0], ())
        kind = _kind(branch)
        if kinds and kinds[-1] == kind:
            found[-1] = found[-1]._replace(times=found[-1].times + 1)
        else:
            found.append(branch)
            kinds.append(kind)
    return tuple(found)


def lines_of(tree: Sequence[Branch], most: int, deepest: int | None = None) -> list[Line]:
    """The lines of a tree, whose blocks are open down to `deepest`.

    Unless that is given, it is as deep as `most` lines allow.
    """
    depth = _height(tree) if deepest is None else deepest
    found = list(_lines(tree, depth))
    while deepest is None and depth and len(found) > most:
        depth -= 1
        found = list(_lines(tree, depth))
    return found


def _lines(tree: Sequence[Branch], deepest: int) -> Iterator[Line]:

    def below(inside: Sequence[Branch], depth: int, times: int) -> Iterator[Line]:
        for branch in inside:
            is_open = bool(branch.inside) and depth < deepest
            yield Line(depth, branch, is_open, times * branch.times)
            if is_open:
                yield from below(branch.inside, depth + 1, times * branch.times)

    return below(tree, 0, 1)


def _height(tree: Sequence[Branch]) -> int:
    """How many levels of blocks a tree has."""
    return max((1 + _height(branch.inside) for branch in tree if branch.inside), default=0)


def _names(row: Row) -> int:
    """The number of names that a row's name is made of."""
    return len(row.groups) + (1 if row.depth is None else 0)


def _kind(branch: Branch) -> Any:
    """What two branches have in common that cost and do the same; names are left out."""
    if branch.inside:
        inside = tuple((each.times, _kind(each)) for each in branch.inside)
        return branch.row.groups[-1].type, inside
    nodes = branch.row.nodes
    return branch.row.type, tuple((node.placed, node.functional) for node in nodes)
