"""The largest network within budgets, the settings that give the same, and the next one up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from convcalc.arithmetic import is_number
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.extras import require
from convcalc.frozen import FrozenDict
from convcalc.search.cases import Case
from convcalc.search.counting import Within, within
from convcalc.search.decomposition import Decomposed
from convcalc.search.elimination import NO_LIMIT, Budgets, Eliminated
from convcalc.search.family import Family
from convcalc.search.groups import Asked, trace
from convcalc.search.pieces import LEAST, MOST, Piece, Pieces, ends, usual
from convcalc.search.points import default_of, require_known
from convcalc.search.ranking import Ranked
from convcalc.search.space import Axis, Space
from convcalc.steps import Settings
from convcalc.words import describe, listed, quoted

#: The figures of a solution, beside those that have budgets.
METRICS = ("params", "macs", "flops", "activations")


class Found(NamedTuple):
    """A setting, and its figures."""

    variables: Mapping[str, Any]
    totals: Mapping[str, int]


class Solution(NamedTuple):
    """The largest network within budgets; None where nothing fits.

    `same` has by variable the lowest and the highest value with which it is the same network, the
    others as they are; `open` whether it is another one at each of these, where they are the ends
    of an interval. `next` is the smallest network that is larger, or the smallest of all where
    nothing fits; None where there is none.
    """

    name: str
    budgets: Mapping[str, int]
    best: Found | None
    same: Mapping[str, tuple[Any, Any]]
    open: Mapping[str, tuple[bool, bool]]
    next: Found | None

    def __repr__(self) -> str:
        most = ", ".join(f"{metric} ≤ {most:,}" for metric, most in self.budgets.items())
        found = "nothing fits"
        if self.best is not None:
            found = ", ".join(f"{name}={value}" for name, value in self.best.variables.items())
        return f"Solution({self.name!r}, {most}: {found})"


def _require_budget(budgets: Mapping[str, int]) -> None:
    """Refuse to look for the largest of all. Raises ConvcalcError."""
    if not budgets:
        message = "what is largest has no end without a budget"
        raise fail("bad-value", message, 'for example max={"macs": "300M"}')


def solve(asked: Within, look: Callable[[], None] = lambda: None) -> Solution:
    """The largest total of the first budget's metric over a space, then of the next budget's.

    `look` is called before each trace. Raises ConvcalcError where a figure does not decompose.
    """
    _require_budget(asked.budgets)
    metrics = tuple(dict.fromkeys([*asked.budgets, *METRICS]))
    parts = [
        (part.within(case.masks), case)
        for part, cases in asked.parts(metrics, look)
        for case in cases
    ]
    first = next(iter(asked.budgets))
    best = _largest(parts, tuple(asked.budgets))
    if best is None:
        smallest = _above(parts, first, None)
        name, budgets = asked.family.name, FrozenDict(asked.budgets)
        least = _found(smallest, metrics)
        return Solution(name, budgets, None, FrozenDict(), FrozenDict(), least)
    part, places = best
    above = _above(parts, first, part.figure(first, places))
    return Solution(
        asked.family.name,
        FrozenDict(asked.budgets),
        _found(best, metrics),
        FrozenDict(_same(part, places, metrics)),
        FrozenDict(),
        _found(above, metrics),
    )


_Place = tuple[Decomposed, list[int]]


def _found(place: _Place | None, metrics: Sequence[str]) -> Found | None:
    if place is None:
        return None
    part, places = place
    figures = {metric: part.figure(metric, places) for metric in metrics}
    return Found(FrozenDict(part.point(places)), FrozenDict(figures))


def _largest(parts: Sequence[tuple[Decomposed, Case]], order: Sequence[str]) -> _Place | None:
    """The setting within what is asked of the largest total of a metric, then of the next."""
    for metric in order:
        totals = [_largest_total(part, case, metric) for part, case in parts]
        known = [total for total in totals if total is not None]
        if not known:
            return None
        most = max(known)
        parts = [
            (
                part,
                case._replace(least={**case.least, metric: most}, most={**case.most, metric: most}),
            )
            for (part, case), total in zip(parts, totals)
            if total == most
        ]
    part, case = parts[0]
    return part, Ranked(_eliminated(part, case), case.least)[0]


def _eliminated(part: Decomposed, case: Case) -> Eliminated:
    metrics = tuple(dict.fromkeys((*case.most, *case.least)))
    most = tuple(case.most.get(metric, NO_LIMIT) for metric in metrics)
    return Eliminated(part, Budgets(metrics, most))


def _largest_total(part: Decomposed, case: Case, metric: str) -> int | None:
    """The largest total of a metric within a case; None where nothing is."""
    eliminated = _eliminated(part, case)
    if list(case.most) == [metric] and not case.least:
        return eliminated.largest()
    high = case.most[metric]
    count = Ranked(eliminated, case.least).count
    if not count:
        return None
    low = -NO_LIMIT // 2
    low = case.least.get(metric, low)
    # The least that leaves none of them out.
    tables = part.figures[metric].values()
    low = max(low, sum(int(table.min()) for table in tables))
    high = min(high, sum(int(table.max()) for table in tables))
    while low < high:
        middle = (low + high) // 2
        least = {**case.least, metric: middle + 1}
        if Ranked(eliminated, least).count:
            low = middle + 1
        else:
            high = middle
    return low


def _above(
    parts: Sequence[tuple[Decomposed, Case]], metric: str, total: int | None
) -> _Place | None:
    """The setting of the least total of a metric that is larger than another, or the least of all.

    What is asked of variables holds of it, and no budget.
    """
    best: tuple[int, Decomposed] | None = None
    for part, _ in parts:
        found = Eliminated(part, Budgets((metric,), (NO_LIMIT,))).least(total)
        if found is not None and (best is None or found < best[0]):
            best = (found, part)
    if best is None:
        return None
    most, part = best
    ranked = Ranked(Eliminated(part, Budgets((metric,), (most,))), {metric: most})
    return part, ranked[0]


def _same(
    part: Decomposed, places: Sequence[int], metrics: Sequence[str]
) -> dict[str, tuple[Any, Any]]:
    """By variable, the values around its own with which all figures are the same."""
    own = [part.figure(metric, places) for metric in metrics]
    found = {}
    for axis, (name, column) in enumerate(part.columns.items()):
        order = sorted(range(len(column)), key=lambda each: column[each])
        ends = []
        for step in (-1, 1):
            at = order.index(places[axis])
            while 0 <= at + step < len(order):
                other = [*places[:axis], order[at + step], *places[axis + 1 :]]
                if not part.holds(other) or [part.figure(m, other) for m in metrics] != own:
                    break
                at += step
            ends.append(column[order[at]])
        found[name] = (ends[0], ends[1])
    return found


# A variable without a range

#: How often a whole number is doubled to find where a budget is passed.
_MOST_STEPS = 20
#: Values of which it is asked whether figures only grow.
_LADDER = 24


def solve_free(
    family: Family,
    name: str,
    budgets: Mapping[str, int],
    settings: Settings = Settings(),  # noqa: B008 - immutable
    convention: str = "exact",
) -> Solution:
    """The largest network within budgets that a variable makes which only widens or narrows.

    Raises ConvcalcError where figures do not only grow, or only shrink, with the variable, or
    nothing is beyond the budgets.
    """
    _require_budget(budgets)
    require("numpy", "sweep", "solving for a variable")
    require_known((name,), family.defaults)
    default = default_of(name, family.defaults)
    asked = Asked(family, tuple(dict.fromkeys([*budgets, *METRICS])), settings, convention)
    if not is_number(default) or default <= 0:
        message = f"the variable {quoted(name)} is {describe(default)}, and no positive number"
        raise fail("bad-value", message, f"give it values: --var {name}=…")
    if not _is_real(asked, name, default):
        return _solve_whole(asked, name, default, budgets)
    return _Search(asked, name, float(default), budgets).solution()


def _is_real(asked: Asked, name: str, default: Any) -> bool:
    """Whether a variable need not be whole."""
    if type(default) is not int:
        return True
    return trace(asked, {name: default + 0.03125}).error is None


class _Search:
    """The search of a variable that may be any positive number."""

    def __init__(self, asked: Asked, name: str, default: float, budgets: Mapping[str, int]) -> None:
        self._asked, self._name, self._default, self._budgets = asked, name, default, budgets
        self._pieces = Pieces(asked, name)
        self._first = next(iter(budgets))

    def _fits(self, piece: Piece) -> bool:
        totals = piece.totals
        return totals is not None and all(
            totals[metric] is not None and totals[metric] <= most
            for metric, most in self._budgets.items()
        )

    def solution(self) -> Solution:
        """The answer."""
        start = self._pieces.at(self._default)
        self._sign = self._growing(start)
        if self._fits(start):
            inner, outer = start, self._beyond(start, self._sign, False)
            if outer is None:
                if any(piece.totals is None for piece in self._pieces.known):
                    raise _interrupted(self._name)
                raise self._endless()
        else:
            found = self._beyond(start, -self._sign, True)
            if found is None:
                self._require_growing()
                return self._nothing()
            inner, outer = found, start
        inner, outer = self._meeting(inner, outer)
        self._require_growing()
        best = self._pieces.whole(inner)
        other = self._pieces.beside(best, self._sign)
        while other is not None and other.totals is None:
            other = self._pieces.beside(other, self._sign)
        (low, low_open), (high, high_open) = ends(best)
        return Solution(
            self._asked.family.name,
            FrozenDict(self._budgets),
            self._found(best),
            FrozenDict({self._name: (low, high)}),
            FrozenDict({self._name: (low_open, high_open)}),
            None if other is None else self._found(self._pieces.whole(other)),
        )

    def _growing(self, start: Piece) -> int:
        """Whether the first figure grows with the variable (1) or against it (-1)."""
        if start.totals is not None:
            for value in (self._default * 2, self._default / 2):
                other = self._pieces.at(value).totals
                own = start.totals[self._first]
                its = None if other is None else other[self._first]
                if its is not None and its != own:
                    return 1 if (its > own) == (value > self._default) else -1
        return 1

    def _beyond(self, piece: Piece, sign: int, is_fitting: bool) -> Piece | None:
        """The first piece that fits, or does not, on the way out by doubling or halving."""
        value = self._default
        while LEAST < (value := value * 2.0**sign) < MOST:
            piece = self._pieces.at(value)
            if self._fits(piece) is is_fitting and (piece.totals is not None or is_fitting):
                return piece
            if piece.totals is None:
                return self._before(piece, sign) if is_fitting else None
        return None

    def _before(self, invalid: Piece, sign: int) -> Piece | None:
        """The last network before there is none, if it fits."""
        inner = self._pieces.at(self._default)
        while (between := self._between(inner, invalid)) is not None:
            if between.totals is None:
                invalid = between
            else:
                inner = between
        return inner if self._fits(inner) else None

    def _between(self, one: Piece, other: Piece) -> Piece | None:
        """A piece between two others; None where they are side by side."""
        low, high = sorted((one, other), key=lambda piece: piece.low)
        first, last = math.nextafter(low.high, math.inf), math.nextafter(high.low, 0)
        if first > last:
            return None
        return self._pieces.at(min(max((first + last) / 2, first), last))

    def _meeting(self, inner: Piece, outer: Piece) -> tuple[Piece, Piece]:
        """The last piece that fits, and the one beside it, which does not."""
        while (between := self._between(inner, outer)) is not None:
            if self._fits(between):
                inner = between
            else:
                outer = between
        return inner, outer

    def _require_growing(self) -> None:
        """Refuse figures that do not only grow. Raises ConvcalcError."""
        lows = [piece.low for piece in self._pieces.known if piece.totals is not None]
        low, high = max(min(lows), 2.0**-20), max(lows)
        for step in range(1, _LADDER):
            self._pieces.at(low * (high / low) ** (step / _LADDER))
        known = sorted(
            (piece for piece in self._pieces.known if piece.totals is not None),
            key=lambda piece: piece.low,
        )
        for metric in self._budgets:
            for one, other in pairwise(known):
                own = [piece.totals[metric] for piece in (one, other)]  # type: ignore[index]
                if own[:: self._sign] != sorted(own):
                    at = [usual(piece, self._default) for piece in (one, other)]
                    raise fail(
                        "no-interval",
                        f"{metric} does not only grow with `{self._name}`: it is {own[0]:,} at"
                        f" {at[0]} and {own[1]:,} at {at[1]}",
                        f"give it values: --var {self._name}=first:last:step",
                    )

    def _nothing(self) -> Solution:
        """Nothing fits: the smallest network."""
        known = [piece for piece in self._pieces.known if piece.totals is not None]
        smallest = min(known, key=lambda piece: piece.totals[self._first])  # type: ignore[index]
        whole = self._found(self._pieces.whole(smallest))
        name, budgets = self._asked.family.name, FrozenDict(self._budgets)
        return Solution(name, budgets, None, FrozenDict(), FrozenDict(), whole)

    def _endless(self) -> ConvcalcError:
        return _endless(self._name, self._budgets)

    def _found(self, piece: Piece) -> Found:
        assert piece.totals is not None
        value = usual(piece, self._default)
        return Found(FrozenDict({self._name: value}), FrozenDict(piece.totals))


def _interrupted(name: str) -> ConvcalcError:
    return fail(
        "no-interval",
        f"some values of `{name}` give no network, and those that were tried beside them are within"
        " what is asked",
        f"give it values: --var {name}=first:last:step",
    )


def _endless(name: str, budgets: Mapping[str, int]) -> ConvcalcError:
    said = listed([f"{metric}={most:,}" for metric, most in budgets.items()])
    return fail(
        "no-upper-end",
        f"every network that was tried is within {said}, whatever `{name}` is",
        f"give it values: --var {name}=first:last:step",
    )


def _solve_whole(asked: Asked, name: str, default: int, budgets: Mapping[str, int]) -> Solution:
    """The same of a variable of whole numbers: of all up to twice what is too large."""
    value = default
    for _ in range(_MOST_STEPS):
        figures = trace(asked, {name: value}).figures or {}
        totals = {key: getattr(each, "worth", each) for key, each in figures.items()}
        if any(totals.get(key) is not None and totals[key] > most for key, most in budgets.items()):
            break
        value *= 2
    else:
        raise _endless(name, budgets)
    space = Space((Axis(name, range(1, 2 * value + 1)),))
    settings, convention = asked.settings, asked.convention
    return solve(within(asked.family, space, max=budgets, settings=settings, convention=convention))
