"""Paths that part and are joined again, as `residual` and `branches`."""

from __future__ import annotations

from typing import Any

from convcalc.foreign.traced import Traced
from convcalc.foreign.writing.line import DEEPEST, Line
from convcalc.language.statements import MERGES
from convcalc.shape import Tensor


class Users:
    """Which calls take a tensor."""

    def __init__(self, traced: Traced) -> None:
        self.calls = traced.calls
        #: Tensor to the calls that take it, in their order; the network's end is one more.
        self.of: dict[Tensor, list[int]] = {}
        for index, call in enumerate(traced.calls):
            for tensor in call.inputs:
                self.of.setdefault(tensor, []).append(index)
        for tensor in traced.outputs:
            self.of.setdefault(tensor, []).append(len(traced.calls))

    def is_inside(self, tensor: Tensor, end: int) -> bool:
        """Whether no call from `end` on takes a tensor."""
        users = self.of.get(tensor)
        return not users or users[-1] < end

    def leaving(self, first: int, end: int) -> list[Tensor]:
        """The tensors that some calls make and others take."""
        return [
            tensor
            for at in range(first, end)
            for part, shape in enumerate(self.calls[at].placed.outputs)
            if not self.is_inside(tensor := Tensor(at, part, shape), end)
        ]

    def entering(self, first: int, end: int) -> tuple[Tensor, ...]:
        """The tensors that some calls take and others make, in the order of their use."""
        return tuple(
            dict.fromkeys(
                tensor
                for at in range(first, end)
                for tensor in self.calls[at].inputs
                if tensor.node < first
            )
        )


def structured(lines: list[Line], users: Users) -> list[Line]:
    """The same lines, with those that are joined again in structures."""
    found: list[Line] = []
    for line in lines:
        join = None
        if line.kind in MERGES and not line.fields and len(line.takes) > 1 and found:
            join = _Join(found, line, users).structure()
        if join is None:
            found.append(line)
        else:
            start, structure = join
            found[start:] = [structure]
    return found


class _Join:
    """A join, and the lines above it."""

    def __init__(self, above: list[Line], line: Line, users: Users) -> None:
        self.above = above
        self.line = line
        self.users = users
        wanted = set(line.takes)
        #: Where the tensors that it joins are made.
        self.made: dict[Tensor, int] = {}
        for at in range(len(above) - 1, -1, -1):
            makes = above[at].makes
            if len(makes) == 1 and makes[0] in wanted:
                self.made[makes[0]] = at
                if len(self.made) == len(wanted):
                    break

    def structure(self) -> tuple[int, Line] | None:
        """Where the paths begin, and the structure that they make; None where they make none."""
        takes = self.line.takes
        if len(set(takes)) < len(takes):
            return None
        places = [self.made.get(tensor, -1) for tensor in takes]
        if max(places) != len(self.above) - 1:
            return None
        first = min(range(len(takes)), key=places.__getitem__)
        return (
            self._split(takes, places)
            or self._with(takes, places, takes[first], first)
            or self._from_second(takes, places)
        )

    def _with(
        self, takes: tuple[Tensor, ...], places: list[int], fork: Tensor, identity: int
    ) -> tuple[int, Line] | None:
        """The structure one of whose paths is the identity."""
        forks = [(fork,)] * len(takes)
        return self._made(takes, places, forks, {identity}, places[identity])

    def _from_second(self, takes: tuple[Tensor, ...], places: list[int]) -> tuple[int, Line] | None:
        """The structure all of whose paths have layers."""
        ends = sorted(places)
        if ends[0] < 0:
            return None
        fork = self.above[ends[0] + 1].takes
        return self._made(takes, places, [fork] * len(takes), set(), -1)

    def _split(self, takes: tuple[Tensor, ...], places: list[int]) -> tuple[int, Line] | None:
        """The structure whose paths each take a part of a split."""
        for at in range(len(self.above) - 1, -1, -1):
            line = self.above[at]
            if line.kind == "split":
                break
            if len(self.above) - at > _MOST_OF_A_SPLIT:
                return None
        else:
            return None
        if line.fields != {"sections": len(takes)} or line.weights is not None:
            return None
        forks = [(tensor,) for tensor in line.makes]
        identities = {i for i, tensor in enumerate(takes) if (tensor,) == forks[i]}
        found = self._made(takes, places, forks, identities, at, split=line)
        return None if found is None or found[0] != at + 1 else (at, found[1])

    def _made(
        self,
        takes: tuple[Tensor, ...],
        places: list[int],
        forks: list[Any],
        identities: set[int],
        after: int,
        split: Line | None = None,
    ) -> tuple[int, Line] | None:
        if not all(forks):
            return None  # a parameter follows from nothing
        kind, order = self.line.kind, [*range(len(takes))]
        paths = [at for at in order if at not in identities]
        if not paths or any(places[at] <= after for at in paths):
            return None
        ordered = sorted(paths, key=places.__getitem__)
        if ordered != paths:
            # Sums of tensors of one shape are the same in any order.
            if kind == "concat" or split is not None or len({t.shape for t in takes}) > 1:
                return None
            order = [*sorted(identities), *ordered]
        start = self._start(places[ordered[0]], forks[ordered[0]], after)
        if start is None:
            return None
        made: dict[int, list[Line]] = {at: [] for at in identities}
        begin = start
        for at in ordered:
            path = self.above[begin : places[at] + 1]
            if not path or path[0].takes != forks[at] or not self._is_closed(path, takes[at]):
                return None
            made[at] = _unwrapped(path)
            begin = places[at] + 1
        lists = [made[at] for at in order]
        calls = range((split or self.above[start]).first, self.line.end)
        entering = split.takes if split else forks[ordered[0]]
        name, fields, inner = _structure(kind, lists, split, takes)
        line = Line(name, calls, entering, self.line.makes, fields=fields, lists=inner)
        line.parts = split.makes if split else ()
        if line.depth > DEEPEST:
            return None
        return start, line

    def _start(self, last: int, fork: Any, after: int) -> int | None:
        """Where the first path begins, which ends at a line."""
        for at in range(last, after, -1):
            if self.above[at].takes == fork and self._is_closed(
                self.above[at : last + 1], self.above[last].makes[0]
            ):
                return at
        return None

    def _is_closed(self, path: list[Line], result: Tensor) -> bool:
        """Whether others take nothing of a path but its result, and this the join alone."""
        end = path[-1].end
        for line in path:
            for tensor in line.makes:
                if tensor == result:
                    if self.users.of[tensor] != [self.line.first]:
                        return False
                elif not self.users.is_inside(tensor, end):
                    return False
        return True


#: How far above a join the split is looked for whose parts it joins.
_MOST_OF_A_SPLIT = 40


def _unwrapped(path: list[Line]) -> list[Line]:
    """A path; where it is one module without a class, what is in that."""
    (only, *others) = path
    plain = only.is_module and not only.cls and only.weights is None and not others
    return list(only.lists["layers"]) if plain else path


def _structure(
    kind: str, lists: list[list[Line]], split: Line | None, takes: tuple[Tensor, ...]
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The name of a structure, its fields and its lists."""
    if kind == "add" and split is None and len(lists) == 2:
        body, shortcut = lists
        if body:
            return "residual", {}, {"layers": body, "shortcut": shortcut}
        if len({tensor.shape for tensor in takes}) == 1:
            return "residual", {}, {"layers": shortcut, "shortcut": []}
    fields: dict[str, Any] = {"merge": kind}
    if split is not None:
        fields["split"] = True
    return "branches", fields, {"paths": lists}
