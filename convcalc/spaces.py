"""The space of a network's variables, as Python asks it for numbers, fronts and samples."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from convcalc.budgets import budgets_of
from convcalc.diagnostics import fail
from convcalc.frozen import FrozenDict
from convcalc.search.columns import plain
from convcalc.search.evaluation import Evaluator
from convcalc.search.groups import Asked
from convcalc.search.points import require_known
from convcalc.search.space import Axis, space_of
from convcalc.search.space import Space as Values
from convcalc.search.sweep import METRICS, metrics_of
from convcalc.steps import Settings
from convcalc.words import counted, describe

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.search.counting import Count, Within
    from convcalc.search.pareto import Pareto
    from convcalc.search.solving import Solution
    from convcalc.swept import Sweep

#: By variable, or by entry of one that is a list (`w[0]`, `w[0..8]`), the values that it may have.
Choices = Mapping[str, "str | Iterable[Any]"]


class Evaluation:
    """What settings cost: a row for each position of the columns that were asked for.

    `valid` says of each whether it is a network; where it is none its figures are 0. `figures` are
    columns by metric: arrays of numpy where that is installed, which cannot be written to, else
    tuples.
    """

    __slots__ = ("figures", "valid", "variables")

    variables: Mapping[str, Sequence[Any]]
    valid: Sequence[bool]
    figures: Mapping[str, Sequence[Any]]

    def __init__(
        self,
        variables: Mapping[str, Sequence[Any]],
        valid: Sequence[bool],
        figures: Mapping[str, Sequence[Any]],
    ) -> None:
        columns = {name: tuple(column) for name, column in variables.items()}
        own = {name: _kept(column) for name, column in figures.items()}
        for name, value in zip(self.__slots__, (own, _kept(valid), columns)):
            kept = FrozenDict(value) if isinstance(value, dict) else value
            object.__setattr__(self, name, kept)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("an evaluation cannot be changed")

    def __len__(self) -> int:
        return len(self.valid)

    @property
    def columns(self) -> Mapping[str, Sequence[Any]]:
        """The variables and figures by name."""
        return FrozenDict({**self.variables, **self.figures})

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self.columns[name]

    @property
    def rows(self) -> tuple[Mapping[str, Any] | None, ...]:
        """The variables and figures of each setting; None for one that is no network."""
        columns = self.columns
        values = zip(*(plain(column) for column in columns.values()))
        return tuple(
            FrozenDict(zip(columns, row)) if valid else None
            for valid, row in zip(plain(self.valid), values)
        )

    def to_dataframe(self, library: str | None = None) -> Any:
        """The settings that are networks, as a data frame with a column a variable and a figure.

        `library` is `pandas` or `polars`; unless it is given, the one that is imported already,
        else the one that is installed. Raises ConvcalcError where the library is not installed.
        """
        from convcalc.render.dataframe import dataframe
        from convcalc.render.report import Records

        rows = [row for row in self.rows if row is not None]
        return dataframe(Records([*self.columns], [tuple(row.values()) for row in rows]), library)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evaluation) and self._lists() == other._lists()

    def __hash__(self) -> int:
        return hash(tuple(self.variables.items()))

    def __reduce__(self) -> Any:
        return Evaluation, (dict(self.variables), self.valid, dict(self.figures))

    def _lists(self) -> list[Any]:
        return [plain(each) for each in (*self.variables.values(), self.valid)] + [
            (name, plain(column)) for name, column in self.figures.items()
        ]

    def __repr__(self) -> str:
        bad = len(self) - sum(map(bool, plain(self.valid)))
        return f"Evaluation({counted(len(self), 'setting')}, {bad:,} invalid)"


def in_array(column: Any) -> Any:
    """A column as an array of numpy: of 64 bits where these hold all of it, else of objects."""
    import numpy

    array = numpy.asarray(column)
    return array if array.dtype.kind in "bi" else numpy.asarray(column, dtype=object)


def _kept(column: Sequence[Any]) -> Sequence[Any]:
    """A column that nobody can change."""
    if isinstance(column, (list, tuple)):
        return tuple(column)
    if column.flags.writeable:  # type: ignore[attr-defined]
        column.flags.writeable = False  # type: ignore[attr-defined]
    return column


class Space:
    """The networks that are made of one by its variables: evaluated, swept, counted, drawn.

    `values` has by variable, or by entry of one that is a list (`w[0]`, `w[0..8]`), the values that
    it may have: a list, or a text of values and ranges `first:last:step`. A method that is given
    values of its own takes these. The networks run under `convention`, `batch`, `dtype` and `fuse`,
    as `Network.analyze` has them. Raises ConvcalcError.

    >>> space = convcalc.Space(convcalc.load("mobilenet_v2"), {"alpha": "0.25:1.4:0.05"})
    >>> space.size
    24
    """

    def __init__(
        self,
        network: Network,
        values: Choices | Values | None = None,
        *,
        convention: str = "exact",
        batch: int = 1,
        dtype: str = "float32",
        fuse: bool | None = None,
    ) -> None:
        from convcalc.api import Network, checked_settings

        if not isinstance(network, Network):
            message = f"a space is of a network, not {describe(network)}"
            raise fail("bad-value", message, 'convcalc.load("mobilenet_v2") is one')

        self._settings: Settings = checked_settings(convention, batch, dtype, fuse)
        self._convention = convention
        self.network = network
        self._family = network.family()
        self._values = Values(()) if values is None else self._choices(values)
        #: What is known of the networks, by the figures that are asked for.
        self._evaluators: dict[tuple[str, ...], Evaluator] = {}
        self._one_at_a_time = threading.Lock()

    def __reduce__(self) -> Any:
        # What is known of the networks is found again.
        convention, (batch, dtype, fuse) = self._convention, self._settings
        return _space, (self.network, self._values, convention, batch, dtype, fuse)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash((self.network.name, self._values.size, self._settings, self._convention))

    def _choices(self, values: Choices | Values | None) -> Values:
        """The values that are meant. Raises ConvcalcError where there are none."""
        if values is None:
            if not self._values.axes:
                message = "a space needs the values that its variables may have"
                raise fail("bad-value", message, 'for example {"alpha": "0.25:1.4:0.05"}')
            return self._values
        return values if isinstance(values, Values) else space_of(values, self._family.defaults)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Each variable, or entry of one, with its values; none where it was given none."""
        return self._values.axes

    @property
    def size(self) -> int:
        """How many settings there are; 1 where it was given no values."""
        return self._values.size

    def __repr__(self) -> str:
        return f"Space({self.network.name!r}, {self.size:,} settings)"

    def evaluate(
        self, columns: Mapping[str, Sequence[Any]], metrics: str | Sequence[str] = METRICS
    ) -> Evaluation:
        """What each setting costs whose values stand at one position of the columns.

        `metrics` are the figures: `params`, `macs`, `flops` and `activations` unless said. What is
        found out of the networks is kept for the next time. Raises ConvcalcError.

        >>> space = convcalc.Space(convcalc.load("mobilenet_v2"))
        >>> found = space.evaluate({"alpha": [0.5, 1.0], "resolution": [192, 224]}, "macs")
        >>> dict(found.rows[1])
        {'alpha': 1.0, 'resolution': 224, 'macs': 300774272}
        """
        asked = metrics_of(metrics)
        if not isinstance(columns, Mapping) or not columns:
            message = f"settings are columns by variable, not {describe(columns)}"
            raise fail("bad-value", message, 'for example {"alpha": [0.5, 1.0]}')
        require_known(tuple(columns), self._family.defaults)
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            (name, count), *others = lengths.items()
            other, size = next(each for each in others if each[1] != count)
            message = f"`{name}` has {counted(count, 'value')}, and `{other}` has {size:,}"
            raise fail("bad-value", message, "a setting is one position of all columns")
        with self._one_at_a_time:
            evaluator = self._evaluators.get(asked)
            if evaluator is None:
                wanted = Asked(self._family, asked, self._settings, self._convention)
                evaluator = self._evaluators[asked] = Evaluator(wanted)
            found = evaluator.evaluate(columns)
        figures, valid = found.figures, found.valid
        if evaluator.has_arrays:
            figures = {name: in_array(column) for name, column in figures.items()}
            valid = in_array(valid)
        return Evaluation(columns, valid, figures)

    def sweep(self, values: Choices | Values | None = None, **asked: Any) -> Sweep:
        """What every setting costs: a row each, or those that are kept; see `Network.sweep`.

        >>> space = convcalc.Space(convcalc.load("mobilenet_v2"), {"alpha": "0.25:1.4:0.05"})
        >>> space.sweep(pareto="min:macs,max:params", where="macs <= 300M").rows[-1]["alpha"]
        0.95
        """
        batch, dtype, fuse = self._settings
        return self.network.sweep(
            self._choices(values),
            convention=self._convention,
            batch=batch,
            dtype=dtype,
            fuse=fuse,
            **asked,
        )

    def count(
        self,
        values: Choices | Values | None = None,
        *,
        max: Mapping[str, int | str] | None = None,
        where: str | None = None,
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

        return counting.count(self._within(values, max, where))

    def sample(
        self,
        size: int = 1,
        seed: int = 0,
        values: Choices | Values | None = None,
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
        rows = counting.count(self._within(values, max, where), size, seed).rows
        return tuple([FrozenDict(row) for row in rows])

    def pareto(
        self,
        goals: str | Sequence[str],
        values: Choices | Values | None = None,
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
        return pareto(self._within(values, max, where), parse_goals(goals), top)

    def solve(
        self,
        values: str | Choices | Values | None = None,
        *,
        max: Mapping[str, int | str],
        where: str | None = None,
    ) -> Solution:
        """The largest network within budgets, what gives the same, and the next one up.

        `values` is the name of one variable that only narrows or widens, for which they are found;
        or the values of several, as elsewhere. Raises ConvcalcError.

        >>> space = convcalc.Space(convcalc.load("mobilenet_v2"))
        >>> found = space.solve("alpha", max={"macs": "300M"})
        >>> found.best.totals["macs"], *map(str, found.same["alpha"])
        (299896192, '39/40', '79/80')
        """
        from convcalc.search import solving

        if not isinstance(values, str):
            return solving.solve(self._within(values, max, where))
        if where is not None:
            message = "`where` is of settings, and a variable without values has none"
            raise fail("bad-value", message, "give it values")
        most = {metric: amount for metric, amount, *_ in budgets_of(max)}
        return solving.solve_free(self._family, values, most, self._settings, self._convention)

    def _within(
        self,
        values: Choices | Values | None,
        max: Mapping[str, int | str] | None,
        where: str | None,
    ) -> Within:
        """What is asked. Raises ConvcalcError."""
        from convcalc.search.counting import within

        return within(
            self._family,
            self._choices(values),
            max=max,
            where=where,
            settings=self._settings,
            convention=self._convention,
        )


def _space(
    network: Network, values: Values, convention: str, batch: int, dtype: str, fuse: bool | None
) -> Space:
    """What copies and pickles are made by."""
    own = values if values.axes else None
    return Space(network, own, convention=convention, batch=batch, dtype=dtype, fuse=fuse)
