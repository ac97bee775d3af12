"""The space of a network's variables, as Python asks it for numbers, fronts and samples."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from convcalc.budgets import budgets_of
from convcalc.diagnostics import fail
from convcalc.frozen import FrozenDict, frozen
from convcalc.search.columns import is_array, plain
from convcalc.search.evaluation import Evaluator
from convcalc.search.groups import Asked
from convcalc.search.kinds import listed
from convcalc.search.points import variables_of
from convcalc.search.space import Axis, space_of
from convcalc.search.space import Space as Values
from convcalc.search.sweep import METRICS, metrics_of
from convcalc.steps import Settings
from convcalc.words import counted, describe, quoted

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

    `variables` and `figures` are columns by name: arrays of numpy where that is installed, which
    cannot be written to, else tuples. `valid` says of each setting whether it is a network; where
    it is none its figures are 0, and its row is None.

    >>> space = convcalc.Space(convcalc.load("mobilenet_v2"))
    >>> found = space.evaluate({"resolution": [224, 256, -1]}, "macs,live_bytes")
    >>> found
    Evaluation(3 settings, 1 invalid)
    >>> [row and row["macs"] for row in found.rows]
    [300774272, 392456192, None]
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
        columns = FrozenDict((name, _kept(column)) for name, column in variables.items())
        object.__setattr__(self, "variables", columns)
        object.__setattr__(self, "valid", _kept(valid))
        own = FrozenDict((name, _kept(column)) for name, column in figures.items())
        object.__setattr__(self, "figures", own)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("an evaluation cannot be changed")

    __delattr__ = __setattr__  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.valid)

    @property
    def columns(self) -> Mapping[str, Sequence[Any]]:
        """The variables and figures by name: `variables.NAME` where a figure has the name, too."""
        names = ((f"variables.{name}" if name in self.figures else name) for name in self.variables)
        return FrozenDict({**dict(zip(names, self.variables.values())), **self.figures})

    def __getitem__(self, name: str) -> Sequence[Any]:
        return self.columns[name]

    @property
    def rows(self) -> tuple[Mapping[str, Any] | None, ...]:
        """The variables and figures of each setting; None for one that is no network."""
        columns = self.columns
        values = zip(*map(plain, columns.values()))
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

        rows = [tuple(row.values()) for row in self.rows if row is not None]
        return dataframe(Records([*self.columns], rows), library)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Evaluation) and self._lists() == other._lists()

    def __hash__(self) -> int:
        return hash((*self.variables, len(self), *self.figures))

    def __reduce__(self) -> Any:
        return Evaluation, (dict(self.variables), self.valid, dict(self.figures))

    def _lists(self) -> list[Any]:
        """What makes it the same as another, with Python's own numbers."""
        parts = [self.variables, {"": self.valid}, self.figures]
        return [{name: plain(column) for name, column in part.items()} for part in parts]

    def __repr__(self) -> str:
        bad = len(self) - sum(plain(self.valid))
        return f"Evaluation({counted(len(self), 'setting')}, {bad:,} invalid)"


def _kept(column: Sequence[Any]) -> Sequence[Any]:
    """A column, which nobody can change from now on."""
    if not is_array(column):
        return tuple(column)
    column.flags.writeable = False  # type: ignore[attr-defined]
    return column


def _as_array(column: Sequence[Any]) -> Any:
    """A column as an array of numpy: of words where these hold all of it, else of objects."""
    import numpy

    if is_array(column):
        return column
    kinds = set(map(type, column))
    if kinds <= {bool} or kinds <= {int} or kinds <= {float}:
        with suppress(OverflowError):
            return numpy.array(column, _WORDS[kinds.pop() if kinds else int])
    array = numpy.empty(len(column), object)
    array[:] = column
    return array


#: What arrays hold Python's own values in.
_WORDS = {bool: "bool", int: "int64", float: "float64"}


def _column(name: str, column: Any) -> Sequence[Any]:
    """The values of a variable, a setting each, as they are now.

    Raises ConvcalcError for what is no column.
    """
    is_column = hasattr(column, "__len__") and hasattr(column, "__getitem__")
    if not is_column or isinstance(column, (str, bytes, Mapping)):
        message = f"the column {quoted(name)} must be a list of values, not {describe(column)}"
        raise fail("bad-value", message, 'for example {"alpha": [0.5, 1.0]}')
    if is_array(column):
        if column.ndim != 1:
            message = f"the column {quoted(name)} is an array of {column.ndim} axes"
            raise fail("bad-value", message, "a column has one axis, a value a setting")
        if column.dtype.kind in "biuf":
            return column.copy()  # type: ignore[no-any-return]
    values: tuple[Any, ...] = tuple(listed(column))
    if {list, dict} & {*map(type, values)}:
        return tuple(map(frozen, values))
    return values


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
        from convcalc.api import Network, search_settings

        if not isinstance(network, Network):
            message = f"a space is of a network, not {describe(network)}"
            raise fail("bad-value", message, 'convcalc.load("mobilenet_v2") is one')

        self._settings: Settings = search_settings(convention, batch, dtype, fuse)
        self._convention = convention
        self._network = network
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
    def network(self) -> Network:
        """The network whose variables they are."""
        return self._network

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Each variable, or entry of one, with its values; none where it was given none."""
        return self._values.axes

    @property
    def size(self) -> int:
        """How many settings there are; 1 where it was given no values."""
        return self._values.size

    def __repr__(self) -> str:
        return f"Space({self.network.name!r}, {counted(self.size, 'setting')})"

    def evaluate(
        self, columns: Mapping[str, Sequence[Any]], metrics: str | Sequence[str] = METRICS
    ) -> Evaluation:
        """What each setting costs whose values stand at one position of the columns.

        `metrics` are the figures: `params`, `macs`, `flops` and `activations` unless said. What is
        found out of the networks is kept for the next time. Columns that are figures are left out.
        Raises ConvcalcError.

        >>> space = convcalc.Space(convcalc.load("mobilenet_v2"))
        >>> found = space.evaluate({"alpha": [0.5, 1.0], "resolution": [192, 224]}, "macs")
        >>> dict(found.rows[1])
        {'alpha': 1.0, 'resolution': 224, 'macs': 300774272}
        """
        asked = metrics_of(metrics)
        if not isinstance(columns, Mapping) or not columns:
            message = f"settings are columns by variable, not {describe(columns)}"
            raise fail("bad-value", message, 'for example {"alpha": [0.5, 1.0]}')
        names = variables_of(tuple(columns), self._family.defaults)
        columns = {name: _column(name, columns[name]) for name in names}
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
        if not evaluator.has_arrays:
            lists = {name: plain(column) for name, column in columns.items()}
            return Evaluation(lists, found.valid, found.figures)
        arrays = [
            {name: _as_array(column) for name, column in part.items()}
            for part in (columns, found.figures)
        ]
        return Evaluation(arrays[0], _as_array(found.valid), arrays[1])

    def sweep(
        self,
        values: Choices | Values | None = None,
        *,
        metrics: str | Sequence[str] | None = None,
        where: str | None = None,
        max: Mapping[str, int | str] | None = None,
        pareto: str | Sequence[str] | None = None,
        top: int | None = None,
        sort: str | None = None,
        group: str | None = None,
        distinct: bool = False,
        scheduler: str | None = None,
        jobs: int | None = None,
        resume: str | None = None,
    ) -> Sweep:
        """What every setting costs: a row each, or those that are kept.

        What is kept, and in which order, is asked as of `Network.sweep`. Raises ConvcalcError.

        >>> space = convcalc.Space(convcalc.load("mobilenet_v2"), {"alpha": "0.25:1.4:0.05"})
        >>> space.sweep(pareto="min:macs,max:params", where="macs <= 300M").rows[-1]["alpha"]
        0.95
        """
        batch, dtype, fuse = self._settings
        return self.network.sweep(
            self._choices(values),
            metrics=metrics,
            where=where,
            max=max,
            pareto=pareto,
            top=top,
            sort=sort,
            group=group,
            distinct=distinct,
            convention=self._convention,
            batch=batch,
            dtype=dtype,
            fuse=fuse,
            scheduler=scheduler,
            jobs=jobs,
            resume=resume,
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

        >>> space = convcalc.Space(convcalc.load("mobilenet_v2"), {"alpha": "0.25:1.4:0.05"})
        >>> [row["macs"] <= 300_000_000 for row in space.sample(3, max={"macs": "300M"})]
        [True, True, True]
        """
        from convcalc.search import counting

        for name, value in (("size", size), ("seed", seed)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                given = describe(value)
                raise fail(
                    "bad-value", f"`{name}` must be a whole number of 0 or more, not {given}"
                )
        return counting.count(self._within(values, max, where), size, seed).rows

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
