"""The space of a network's variables, as Python asks it for numbers, fronts and samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from convcalc.diagnostics import fail
from convcalc.frozen import FrozenDict
from convcalc.search.space import Axis, space_of
from convcalc.search.space import Space as Values
from convcalc.steps import Settings
from convcalc.words import describe

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.search.counting import Count, Within
    from convcalc.search.pareto import Pareto


class Space:
    """Every combination of values of a network's variables, which nobody has to walk.

    `values` has by variable, or by entry of one that is a list (`w[0]`, `w[0..8]`), the values that
    it may have: a list, or a text of values and ranges `first:last:step`. The networks run under
    `convention`, `batch`, `dtype` and `fuse`, as `Network.analyze` has them. Raises ConvcalcError.

    >>> space = convcalc.Space(convcalc.load("mobilenet_v2"), {"alpha": "0.25:1.4:0.05"})
    >>> space.size
    24
    """

    def __init__(
        self,
        network: Network,
        values: Mapping[str, Iterable[Any]] | Values,
        *,
        convention: str = "exact",
        batch: int = 1,
        dtype: str = "float32",
        fuse: bool | None = None,
    ) -> None:
        from convcalc.api import checked_settings

        self._settings: Settings = checked_settings(convention, batch, dtype, fuse)
        self._convention = convention
        self.network = network
        self._family = network.family()
        found = values if isinstance(values, Values) else space_of(values, self._family.defaults)
        self._values = found

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Each variable, or entry of one, with its values."""
        return self._values.axes

    @property
    def size(self) -> int:
        """How many settings there are."""
        return self._values.size

    def __repr__(self) -> str:
        return f"Space({self.network.name!r}, {self.size:,} settings)"

    def count(
        self, *, max: Mapping[str, int | str] | None = None, where: str | None = None
    ) -> Count:
        """How many settings are within budgets, exactly, without walking them.

        `max` is the most of figures: `max={"macs": "300M"}`; `where` a condition that compares
        figures with numbers. Raises ConvcalcError, also where a figure is no sum of small tables,
        and where numpy is not installed.

        >>> network = convcalc.load("mobilenet_v2")
        >>> convcalc.Space(network, {"alpha": "0.25:1.4:0.05"}).count(max={"macs": "300M"})
        Count('MobileNetV2', 15 of 24)
        """
        from convcalc.search import counting

        return counting.count(self._within(max, where))

    def sample(
        self,
        size: int = 1,
        seed: int = 0,
        *,
        max: Mapping[str, int | str] | None = None,
        where: str | None = None,
    ) -> tuple[Mapping[str, Any], ...]:
        """Settings at random, each as likely as any other that is within budgets.

        They have their figures beside their variables; none where nothing fits. The same `seed`
        draws the same. Raises ConvcalcError.
        """
        from convcalc.search import counting

        for name, value in (("size", size), ("seed", seed)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                given = describe(value)
                raise fail(
                    "bad-value", f"`{name}` must be a whole number of 0 or more, not {given}"
                )
        rows = counting.count(self._within(max, where), size, seed).rows
        return tuple([FrozenDict(row) for row in rows])

    def pareto(
        self,
        goals: str | Sequence[str],
        *,
        max: Mapping[str, int | str] | None = None,
        where: str | None = None,
        top: int | None = None,
    ) -> Pareto:
        """The settings than which no other within budgets is better in every goal, exactly.

        `goals` are two or more, of figures and variables: `"min:macs,max:params"`; `top` is how
        many rows there are at the most, the best in the first goal first. Raises ConvcalcError.

        >>> network = convcalc.load("mobilenet_v2")
        >>> space = convcalc.Space(network, {"alpha": "0.5:1.4:0.1", "resolution": [160, 192, 224]})
        >>> found = space.pareto("min:macs,max:params", max={"macs": "200M"})
        >>> [(row["alpha"], row["resolution"]) for row in found.rows][-1]
        (1.1, 160)
        """
        from convcalc.search.front import parse_goals
        from convcalc.search.pareto import pareto

        if not isinstance(goals, str):
            goals = ",".join(goals)
        return pareto(self._within(max, where), parse_goals(goals), top)

    def _within(self, max: Mapping[str, int | str] | None, where: str | None) -> Within:
        """What is asked. Raises ConvcalcError."""
        from convcalc.search.counting import within

        return within(
            self._family,
            self._values,
            max=max,
            where=where,
            settings=self._settings,
            convention=self._convention,
        )
