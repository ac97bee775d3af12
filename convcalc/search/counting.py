"""How many settings of a space are within budgets, without walking it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from random import Random
from typing import Any, NamedTuple

from convcalc import budgets as known_budgets
from convcalc.diagnostics import fail
from convcalc.extras import require
from convcalc.frozen import FrozenDict
from convcalc.search.cases import ALL, Case, cases
from convcalc.search.conditions import Condition, parse_condition
from convcalc.search.decomposition import Decomposed, decompose
from convcalc.search.elimination import NO_LIMIT, Budgets, Eliminated
from convcalc.search.family import Family
from convcalc.search.groups import Asked
from convcalc.search.points import label
from convcalc.search.ranking import Ranked
from convcalc.search.space import Space, space_of
from convcalc.steps import Settings


class Count(NamedTuple):
    """How many settings of a space are networks within what was asked.

    `space` is how many there are, `invalid` how many of these are no network. `rows` are those that
    were drawn of the `count`, with the values of `variables` and `metrics`.
    """

    name: str
    variables: tuple[str, ...]
    space: int
    invalid: int
    count: int  # type: ignore[assignment] # what a tuple has of this name nobody needs
    metrics: tuple[str, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()

    def __repr__(self) -> str:
        return f"Count({self.name!r}, {self.count:,} of {self.space:,})"


class Within(NamedTuple):
    """What is asked of the settings of a space."""

    family: Family
    space: Space
    budgets: Mapping[str, int]
    condition: Condition | None
    settings: Settings
    convention: str

    def parts(
        self, more: Sequence[str] = (), look: Callable[[], None] = lambda: None
    ) -> list[Part]:
        """The parts of the space and what is asked in each, with `more` figures than that takes.

        Raises ConvcalcError where a figure does not decompose.
        """
        known = known_budgets.metrics()
        own = () if self.condition is None else self.condition.names
        metrics = dict.fromkeys([*more, *self.budgets, *(name for name in own if name in known)])
        asked = Asked(self.family, tuple(metrics), self.settings, self.convention)
        found = []
        for part in decompose(asked, self.space, look):
            if self.condition is None:
                ways = [ALL]
            else:
                ways = cases(self.condition, metrics, part.columns, self.family.defaults)
            found.append(Part(part, tuple(each.within(self.budgets) for each in ways)))
        return found


class Part(NamedTuple):
    """A part of a space, and the cases of which one is to hold of a setting."""

    part: Decomposed
    cases: tuple[Case, ...]

    def networks(self) -> int:
        """How many settings of it are networks."""
        if not self.part.masks:
            return _size(self.part.sizes)
        return Eliminated(self.part, Budgets((), ())).count()

    def fitting(self) -> int:
        """How many of these are within what is asked."""
        if self.cases == (ALL,):
            return self.networks()
        return sum(sign * each.count() for sign, each in self.eliminated())

    def eliminated(self) -> Iterator[tuple[int, Eliminated]]:
        """What is to be counted, and whether it is added or taken away.

        Figures that have a least, too: those that are below it are taken away.
        """
        for case in self.cases:
            part = self.part.within(case.masks)
            for below in product((False, True), repeat=len(case.least)):
                most = dict(case.most)
                for (metric, least), is_below in zip(case.least.items(), below):
                    if is_below:
                        most[metric] = min(least - 1, most.get(metric, least))
                sign = -1 if sum(below) % 2 else 1
                yield sign, Eliminated(part, Budgets(tuple(most), tuple(most.values())))

    def within_most(self) -> Iterator[tuple[Case, Eliminated]]:
        """What is within the most of figures, for each case, whatever their least."""
        for case in self.cases:
            metrics = tuple(dict.fromkeys((*case.most, *case.least)))
            most = tuple(case.most.get(metric, NO_LIMIT) for metric in metrics)
            yield case, Eliminated(self.part.within(case.masks), Budgets(metrics, most))


def _size(sizes: Sequence[int]) -> int:
    count = 1
    for size in sizes:
        count *= size
    return count


def within(
    family: Family,
    space: Any,
    *,
    max: Mapping[str, int | str] | None = None,
    where: str | None = None,
    settings: Settings = Settings(),  # noqa: B008 - immutable
    convention: str = "exact",
) -> Within:
    """What is asked of a space, as people write it; `space` is one, or a mapping to values.

    `max` is the most of figures, `where` a condition on figures and variables. Raises
    ConvcalcError, also where numpy is not installed.
    """
    require("numpy", "sweep", "counting a space")
    if not isinstance(space, Space):
        space = space_of(space, family.defaults)
    if not space.axes:
        raise fail("bad-value", "a space has a variable or more", "give the values of one")
    budgets = known_budgets.budgets_of(max or {})
    condition = None
    if where is not None:
        names = dict.fromkeys((*known_budgets.metrics(), *family.defaults))
        condition = parse_condition(where, tuple(names))
    most = {metric: amount for metric, amount, *_ in budgets}
    return Within(family, space, most, condition, settings, convention)


#: The figures of settings that are drawn, where nothing is asked of others.
_METRICS = ("params", "macs")


def count(
    asked: Within,
    sample: int = 0,
    seed: int = 0,
    look: Callable[[], None] = lambda: None,
) -> Count:
    """How many settings there are; `sample` of them are drawn, each time of all.

    `look` is called before each trace. Raises ConvcalcError where a figure does not decompose.
    """
    metrics = (tuple(asked.budgets) or _METRICS) if sample else ()
    parts = asked.parts(metrics, look)
    valid = sum(part.networks() for part in parts)
    is_all = not asked.budgets and asked.condition is None
    space = asked.space
    names = tuple(axis.name for axis in space.axes)
    rows = drawn(parts, sample, seed, metrics) if sample else ()
    found = valid if is_all else sum(part.fitting() for part in parts)
    return Count(
        asked.family.name,
        tuple(map(label, names)),
        space.size,
        space.size - valid,
        found,
        metrics,
        tuple(rows),
    )


def drawn(
    parts: Sequence[Part], size: int, seed: int, metrics: Sequence[str]
) -> Iterator[Mapping[str, Any]]:
    """Settings at random, each as likely as any other; none where there is none to draw."""
    random = Random(seed)
    found = [
        (part.part, Ranked(eliminated, case.least))
        for part in parts
        for case, eliminated in part.within_most()
    ]
    upto = list(accumulate(ranked.count for _, ranked in found))
    if not upto or not upto[-1]:
        return
    for _ in range(size):
        index = random.randrange(upto[-1])
        at = bisect_right(upto, index)
        part, ranked = found[at]
        yield row(part, ranked[index - (upto[at - 1] if at else 0)], metrics)


def row(part: Decomposed, places: Sequence[int], metrics: Sequence[str]) -> Mapping[str, Any]:
    """A setting by its positions, with its figures."""
    figures = {metric: part.figure(metric, places) for metric in metrics}
    own = {label(name): value for name, value in part.point(places).items()}
    return FrozenDict({**own, **figures})
