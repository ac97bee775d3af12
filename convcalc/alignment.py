"""Which layers of two networks stand for each other.

Layers are aligned level by level, as blocks nest, and by what the spec calls them: the number that
a name has because it repeats says no more than a place, and is left out. Of all ways to align the
layers and blocks of a level in their order, the one is taken that pairs the most; of these the one
with the most pairs that are equal, then with the most whose windows are, then with the most that
have the same number. Of what is left, what has the same name is paired wherever it stands, and the
rest by its type, in order, between the same neighbours.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.graph import Node

#: Pairs of parts that are looked at for a best alignment, over a whole comparison. A level of more
#: is cut first where layers are that are there but once.
_MOST_CELLS = 1_000_000
#: How often a level is cut into shorter ones.
_MOST_CUTS = 8

#: The number of a name that repeats, as the graph makes it.
_NUMBER = re.compile(r"_\d+_*$")


class _Part(NamedTuple):
    """A layer or a group of a level, by what it may be paired by."""

    #: What has to be the same: its name without a number, or its type.
    kind: str
    #: What it is, and what its windows are: equal numbers are equal parts.
    structure: int
    windows: int
    name: str
    #: Its nodes, and whether it is a group.
    nodes: range
    is_group: bool


#: Two parts or nodes that stand for each other, by their places.
_Pair = tuple[int, int]


def pairs(first: Sequence[Node], other: Sequence[Node]) -> list[_Pair]:
    """The layers of two networks that stand for each other, by their places, in order.

    It does not matter which of the two is the first.
    """
    # Between alignments that are as good the order decides; so it must not be that of the operands.
    if _comes_before(other, first):
        return sorted((before, after) for after, before in pairs(other, first))
    found = dict(_Aligner(first, other).level(range(len(first)), range(len(other)), 0))
    taken = {*found.values()}
    places = {node.name: index for index, node in enumerate(other) if index not in taken}
    for index, node in enumerate(first):
        if index not in found and node.name in places:
            found[index] = places[node.name]
    return sorted(found.items())


def _comes_before(first: Sequence[Node], other: Sequence[Node]) -> bool:
    """Whether nodes come before others in an order of all lists of nodes: by length, by names, by
    what the layers are.
    """
    if len(first) != len(other):
        return len(first) < len(other)
    for one, two in zip(first, other):
        if one.name != two.name:
            return one.name < two.name
    for one, two in zip(first, other):
        if one.placed is not two.placed and _structure(one) != _structure(two):
            return repr(_structure(one)) < repr(_structure(two))
    return False


#: Fields that say what the windows of a layer are, which may be said in more than one way.
_OF_WINDOWS = ("kernel_size", "stride", "padding", "dilation")


def said(node: Node) -> dict[str, Any]:
    """The fields of a layer by canonical name, but for those that only say what its windows are."""
    config = node.placed.config
    if not node.placed.windows:
        return config
    return {name: value for name, value in config.items() if name not in _OF_WINDOWS}


def _structure(node: Node) -> tuple[Any, ...]:
    """What a layer is, whatever it is called."""
    placed = node.placed
    fields = tuple(said(node).items())
    held = (placed.borrowing, placed.frozen, node.dtype)
    return node.type, fields, placed.windows, placed.inputs, placed.outputs, held


class _Aligner:
    """Aligns the levels of two networks."""

    def __init__(self, first: Sequence[Node], other: Sequence[Node]) -> None:
        self.first = first
        self.other = other
        self.cells = _MOST_CELLS
        #: The numbers of what parts are, and those of layers that were seen.
        self._numbers: dict[Any, int] = {}
        self._known: dict[Any, tuple[int, int]] = {}

    def level(self, first: range, other: range, depth: int) -> Iterator[_Pair]:
        """The pairs of nodes in parts of two levels that are so deep."""
        ours = self._parts(self.first, first, depth)
        theirs = self._parts(self.other, other, depth)
        matched = list(self.aligned(ours, theirs))
        for i, j in matched:
            yield from self._inside(ours[i], theirs[j], depth)
        moved = _of_one_name(ours, theirs, matched)
        for i, j in moved:
            yield from self._inside(ours[i], theirs[j], depth)
        gone, come = {i for i, _ in moved}, {j for _, j in moved}
        for before, after in _gaps(matched, len(ours), len(theirs)):
            rest = [ours[at] for at in before if at not in gone]
            yield from self._by_structure(
                rest, [theirs[at] for at in after if at not in come], depth
            )

    def _inside(self, ours: _Part, theirs: _Part, depth: int) -> Iterator[_Pair]:
        """The pairs of nodes in two parts that stand for each other."""
        if ours.structure == theirs.structure or not (ours.is_group or theirs.is_group):
            yield from zip(ours.nodes, theirs.nodes)
        elif ours.is_group and theirs.is_group:
            yield from self.level(ours.nodes, theirs.nodes, depth + 1)
        else:
            yield from self._by_type([ours], [theirs])

    def _by_structure(
        self, ours: Sequence[_Part], theirs: Sequence[_Part], depth: int
    ) -> list[_Pair]:
        """The pairs of nodes in parts that have no name in common, between the same neighbours.

        Where both have groups these stand for each other in their places, unless more layers are
        equal when no heed is paid to groups: what is nested otherwise may be the same.
        """
        flat = list(self._by_type(ours, theirs))
        if not (any(part.is_group for part in ours) and any(part.is_group for part in theirs)):
            return flat
        placed = list(self._by_place(ours, theirs, depth))
        return max(placed, flat, key=self._equal)

    def _equal(self, matched: Sequence[_Pair]) -> int:
        """How many pairs of nodes are equal."""
        return sum(
            self._of_layer(self.first[i]) == self._of_layer(self.other[j]) for i, j in matched
        )

    def _by_place(
        self, ours: Sequence[_Part], theirs: Sequence[_Part], depth: int
    ) -> Iterator[_Pair]:
        """The pairs of nodes in groups whose outputs have the same sizes, and between these."""
        matched = list(
            self.aligned(
                [self._by_output(self.first, part) for part in ours],
                [self._by_output(self.other, part) for part in theirs],
            )
        )
        matched = [(i, j) for i, j in matched if ours[i].is_group and theirs[j].is_group]
        for i, j in matched:
            yield from self._inside(ours[i], theirs[j], depth)
        for before, after in _gaps(matched, len(ours), len(theirs)):
            rest = theirs[after.start : after.stop]
            yield from self._by_type(ours[before.start : before.stop], rest)

    def _by_type(self, ours: Sequence[_Part], theirs: Sequence[_Part]) -> Iterator[_Pair]:
        """The pairs of nodes of the same type in parts that have no name in common."""
        if ours and theirs:
            first, other = self._leaves(self.first, ours), self._leaves(self.other, theirs)
            for i, j in self.aligned(first, other):
                yield first[i].nodes[0], other[j].nodes[0]

    # Parts

    def _parts(self, nodes: Sequence[Node], span: range, depth: int) -> list[_Part]:
        """The layers and groups of a level."""
        parts = []
        at = span.start
        while at < span.stop:
            groups = nodes[at].groups
            if len(groups) <= depth:
                name = nodes[at].name.rpartition(".")[2]
                parts.append(self._leaf(nodes, at, _NUMBER.sub("", name)))
                at += 1
                continue
            own, start = groups[depth], at
            while at < span.stop and nodes[at].groups[depth : depth + 1] == (own,):
                at += 1
            kind, inner = _NUMBER.sub("", own.name), range(start, at)
            what = [self._of_layer(nodes[each]) for each in inner]
            names = [nodes[each].name.rpartition(".")[2] for each in inner]
            structure = self._number((*(one for one, _ in what), *names))
            windows = self._number(tuple(two for _, two in what))
            parts.append(_Part(kind, structure, windows, own.name, inner, True))
        return parts

    def _by_output(self, nodes: Sequence[Node], part: _Part) -> _Part:
        """A group by what leaves it: its sizes, and then its channels; a layer by its type."""
        last = nodes[part.nodes[-1]]
        if not part.is_group:
            return part._replace(kind=last.type)
        kind = " ".join(str(shape.spatial) for shape in last.outputs)
        return part._replace(kind=kind, structure=self._number(last.outputs))

    def _leaves(self, nodes: Sequence[Node], parts: Iterable[_Part]) -> list[_Part]:
        """The layers of some parts, by their types."""
        return [self._leaf(nodes, at, nodes[at].type) for part in parts for at in part.nodes]

    def _leaf(self, nodes: Sequence[Node], at: int, kind: str) -> _Part:
        node = nodes[at]
        name = node.name.rpartition(".")[2]
        return _Part(kind, *self._of_layer(node), name, range(at, at + 1), False)

    def _of_layer(self, node: Node) -> tuple[int, int]:
        """The numbers of what a layer is, and of its windows."""
        key = id(node.placed), node.dtype
        if key not in self._known:
            windows = tuple((w.kernel, w.stride, w.dilation) for w in node.placed.windows)
            numbers = self._number(_structure(node)), self._number((node.type, windows))
            self._known[key] = numbers
        return self._known[key]

    def _number(self, what: Any) -> int:
        return self._numbers.setdefault(what, len(self._numbers))

    # Alignments

    def aligned(
        self, ours: Sequence[_Part], theirs: Sequence[_Part], cuts: int = 0
    ) -> Iterator[_Pair]:
        """The best alignment of two levels, by the places of the parts."""
        start = _alike(zip(ours, theirs))
        most = min(len(ours), len(theirs)) - start
        # No more than is left between: `zip` is of both ends.
        end = min(_alike(zip(reversed(ours), reversed(theirs))), most)
        yield from ((at, at) for at in range(start))
        inner = ours[start : len(ours) - end], theirs[start : len(theirs) - end]
        for i, j in self._aligned(*inner, cuts) if all(inner) else ():
            yield start + i, start + j
        yield from ((len(ours) - at, len(theirs) - at) for at in range(end, 0, -1))

    def _aligned(
        self, ours: Sequence[_Part], theirs: Sequence[_Part], cuts: int
    ) -> Iterator[_Pair]:
        cells = len(ours) * len(theirs)
        if cells <= self.cells:
            self.cells -= cells
            yield from _best(ours, theirs)
            return
        matched = _of_one_structure(ours, theirs) if cuts < _MOST_CUTS else []
        matched = matched or _in_order(_of_one_name(ours, theirs, ()))
        for i, j in _gaps(matched, len(ours), len(theirs)) if matched else ():
            if i and j:
                inner = ours[i.start : i.stop], theirs[j.start : j.stop]
                for one, two in self.aligned(*inner, cuts + 1):
                    yield i[one], j[two]
            if i.stop < len(ours) and j.stop < len(theirs):
                yield i.stop, j.stop


def _key(part: _Part) -> tuple[Any, ...]:
    return part[:4]


def _alike(parts: Iterable[tuple[_Part, _Part]]) -> int:
    """How many pairs are alike in all that they may be paired by, up to the first that is not."""
    count = 0
    for one, two in parts:
        if _key(one) != _key(two):
            break
        count += 1
    return count


def _best(ours: Sequence[_Part], theirs: Sequence[_Part]) -> Iterator[_Pair]:
    """The alignment in order that pairs most parts, and then those that are most alike."""
    base = min(len(ours), len(theirs)) + 1

    def worth(one: _Part, two: _Part) -> int:
        alike = (one.structure == two.structure, one.windows == two.windows, one.name == two.name)
        same, windows, named = alike
        return base**3 + same * base**2 + windows * base + named

    # From the end, so that the way is then found from the beginning.
    below = [0] * (len(theirs) + 1)
    ways: list[bytearray] = []
    for one in reversed(ours):
        row, way = [0] * (len(theirs) + 1), bytearray(len(theirs))
        for j in range(len(theirs) - 1, -1, -1):
            two = theirs[j]
            most, step = (below[j], _OURS) if below[j] >= row[j + 1] else (row[j + 1], _THEIRS)
            if one.kind == two.kind and (both := below[j + 1] + worth(one, two)) >= most:
                most, step = both, _BOTH
            row[j], way[j] = most, step
        below = row
        ways.append(way)
    ways.reverse()
    i = j = 0
    while i < len(ours) and j < len(theirs):
        step = ways[i][j]
        if step == _BOTH:
            yield i, j
        i += step != _THEIRS
        j += step != _OURS


#: Which of two alignments goes on.
_OURS, _THEIRS, _BOTH = range(3)


def _of_one_name(
    ours: Sequence[_Part], theirs: Sequence[_Part], matched: Iterable[_Pair]
) -> list[_Pair]:
    """The parts that are called the same, of those that are not matched yet."""
    gone, come = {i for i, _ in matched}, {j for _, j in matched}
    places = {part.name: j for j, part in enumerate(theirs) if j not in come}
    return [
        (i, places[part.name])
        for i, part in enumerate(ours)
        if i not in gone and part.name in places
    ]


def _of_one_structure(ours: Sequence[_Part], theirs: Sequence[_Part]) -> list[_Pair]:
    """In order, the parts that are equal and that both levels have but once."""
    first, other = (
        Counter((part.kind, part.structure) for part in each) for each in (ours, theirs)
    )
    once = {key for key, count in first.items() if count == other[key] == 1}
    places = {(part.kind, part.structure): j for j, part in enumerate(theirs)}
    keys = ((i, (part.kind, part.structure)) for i, part in enumerate(ours))
    return _in_order([(i, places[key]) for i, key in keys if key in once])


def _in_order(matched: Sequence[_Pair]) -> list[_Pair]:
    """Most of some pairs in order of their first places such that the second are in order, too.

    The longest increasing subsequence, by patience sorting.
    """
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, j) in enumerate(matched):
        pile = bisect_left(tops, j)
        before.append(last[pile - 1] if pile else -1)
        tops[pile : pile + 1], last[pile : pile + 1] = [j], [index]
    found = []
    at = last[-1] if last else -1
    while at >= 0:
        found.append(matched[at])
        at = before[at]
    return found[::-1]


def _gaps(matched: Sequence[_Pair], ours: int, theirs: int) -> Iterator[tuple[range, range]]:
    """What is between pairs in order, before the first of them and behind the last."""
    i = j = 0
    for one, two in (*matched, (ours, theirs)):
        yield range(i, one), range(j, two)
        i, j = one + 1, two + 1
