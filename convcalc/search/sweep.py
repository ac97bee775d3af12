"""A sweep: what every setting costs, and which of them are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from operator import ge, gt, itemgetter, lt
from typing import Any, NamedTuple, TypeVar

from convcalc import budgets as known_budgets
from convcalc.arithmetic import is_number
from convcalc.budgets import Budget
from convcalc.diagnostics import ConvcalcError, fail, require_text, require_texts, require_whole
from convcalc.expressions import advice
from convcalc.frozen import FrozenDict
from convcalc.search.columns import (
    by_value,
    holding,
    least,
    most,
    plain,
    positions,
    taken,
    value_at,
)
from convcalc.search.conditions import Condition, parse_condition
from convcalc.search.evaluation import Evaluated, Evaluator
from convcalc.search.family import Family
from convcalc.search.front import Front, Goal, parse_goals
from convcalc.search.groups import Asked
from convcalc.search.points import (
    Columns,
    Points,
    Table,
    Whole,
    default_of,
    label,
    listed_points,
    require_known,
)
from convcalc.search.product import Product
from convcalc.search.space import Space, space_of
from convcalc.steps import Settings
from convcalc.words import counted, describe, did_you_mean, listed, quoted

#: The figures of a setting unless others are asked for.
METRICS = ("params", "macs", "flops", "activations")
#: Settings that are evaluated at once: the first time, and at the most.
_FEW, _MANY = 64, 1 << 16
#: Settings of a grid from which on its networks are looked for first.
_WORTH_TABLES = 1 << 12
#: Seconds that so many are to take, so that one sees how far it is.
_SHORT = 0.25


#: Points that a front of three goals or more is shown at once.
_AT_ONCE = 2048
_T = TypeVar("_T")
#: What rows are sorted by stands last in them.
_LAST = itemgetter(-1)


class Order(NamedTuple):
    """What rows are sorted by: the largest number first, words from a to z, or the other way."""

    name: str
    is_reversed: bool = False
    is_number: bool = True

    def sorted(self, rows: Iterable[Any], read: Callable[[Any], Any]) -> list[Any]:
        """Rows in this order, equal ones as they were; those without a value come last."""
        known: list[Any] = []
        unknown: list[Any] = []
        for row in rows:
            (unknown if read(row) is None else known).append(row)
        key = read if self.is_number else lambda row: str(read(row))
        known.sort(key=key, reverse=self.is_number is not self.is_reversed)
        return known + unknown


class Query(NamedTuple):
    """What is asked of the settings of a sweep, one after the other.

    Those are kept for which `condition` and `budgets` hold; with `distinct` one for each network;
    with `goals` those alone that are on the front. They are sorted by `order`, and `top` says how
    many there are; or there is a row for each value of the variable `group`.
    """

    #: The figures that rows have.
    metrics: tuple[str, ...] = METRICS
    condition: Condition | None = None
    budgets: tuple[Budget, ...] = ()
    distinct: bool = False
    goals: tuple[Goal, ...] = ()
    order: Order | None = None
    top: int | None = None
    group: str | None = None

    def figures(self) -> tuple[str, ...]:
        """All figures that it takes to answer, those that rows have first."""
        known = known_budgets.metrics()
        own = [budget.metric for budget in self.budgets]
        if self.condition is not None:
            own += [name for name in self.condition.names if name in known]
        if self.distinct:
            own += METRICS
        return tuple(dict.fromkeys((*self.metrics, *own)))

    @property
    def carried(self) -> tuple[str, ...]:
        """The figures of a setting that decide on it beside others, those that rows have first."""
        return tuple(dict.fromkeys((*self.metrics, *(METRICS if self.distinct else ()))))


class Sweep(NamedTuple):
    """What came of a sweep: a row for each setting that was kept.

    `points` are the settings that were tried, `invalid` of which are no network; for `within` of
    them what was asked holds. Rows are mappings, of variables and figures to values.
    """

    name: str
    variables: tuple[str, ...]
    metrics: tuple[str, ...]
    points: int
    invalid: int
    within: int
    rows: tuple[Mapping[str, Any], ...]

    @property
    def columns(self) -> Mapping[str, tuple[Any, ...]]:
        """The values of the rows by column: a tuple each, of one length."""
        header = self.rows[0] if self.rows else (*self.variables, *self.metrics)
        return FrozenDict((name, tuple([row[name] for row in self.rows])) for name in header)

    def __repr__(self) -> str:
        kept = counted(len(self.rows), "row")
        return f"Sweep({self.name!r}, {counted(self.points, 'point')}, {kept})"


class Refused(NamedTuple):
    """A setting that is no network, and why."""

    point: Mapping[str, Any]
    reason: str


class Partial(NamedTuple):
    """What came of some of a sweep's settings: as much of it as the whole is put together of.

    `rows` are those that may be kept: the values of the variables, then the figures of `carried`;
    `groups` are a row each for `group`.
    """

    tried: int = 0
    invalid: int = 0
    within: int = 0
    rows: Sequence[tuple[Any, ...]] = ()
    groups: Sequence[tuple[Any, ...]] = ()
    first_refused: Refused | None = None
    #: All that are no network, if they are to be listed.
    refused: Sequence[Refused] = ()
    least: Mapping[str, int] = FrozenDict()


class _Pace:
    """How many settings are evaluated at once: more and more, as long as they take no time."""

    def __init__(self) -> None:
        self.count = _FEW

    def note(self, count: int, seconds: float) -> None:
        """See how long so many took."""
        if count == self.count and seconds < _SHORT:
            self.count = min(4 * count, _MANY)


#: Settings, what they cost, and the places of those that are kept.
_Chunk = tuple[Columns, Evaluated, Any]


class Sweeping:
    """A sweep that runs while its rows are asked for, once.

    What it holds does not grow with the settings, unless rows are sorted without a `top`, or are
    `distinct`. Its counts are of the settings so far.
    """

    def __init__(
        self,
        family: Family,
        points: Points,
        query: Query = Query(),  # noqa: B008 - immutable
        settings: Settings = Settings(),  # noqa: B008 - immutable
        convention: str = "exact",
        jobs: int = 1,
        most_rows: int | None = None,
    ) -> None:
        self.family, self.points, self.query = family, points, query
        asked = Asked(family, query.figures(), settings, convention)
        self.evaluator = Evaluator(asked, jobs=jobs)
        self._jobs, self._most_rows = jobs, most_rows
        self._pace = _Pace()
        self._product: Product | None = None
        #: The settings so far, those that are no network, and those of which what is asked holds.
        self.tried = self.invalid = self.within = 0
        #: The rows so far.
        self.kept = 0
        #: The first setting that is no network.
        self.first_refused: Refused | None = None
        #: The least of each figure that has a budget, of those that are networks.
        self.least: dict[str, int] = {}
        #: Is called with the number of settings that were tried.
        self.on_step: Callable[[int], None] = lambda count: None
        #: Is called with every setting that is no network, if given, which takes its time.
        self.on_refused: Callable[[Refused], None] | None = None
        #: How many settings are on the front, where one was asked for.
        self.front: int | None = None
        #: Is called with every row of the front.
        self.on_front: Callable[[tuple[Any, ...]], None] = lambda row: None
        #: Is called with what has the columns of settings of which what is asked holds, by name.
        self.on_within: Callable[[Callable[[str], list[Any]]], None] | None = None

    @property
    def settings(self) -> Settings:
        """How the networks run."""
        return self.evaluator.asked.settings

    @property
    def convention(self) -> str:
        """How FLOPs are counted."""
        return self.evaluator.asked.convention

    @property
    def variables(self) -> tuple[str, ...]:
        """What rows call the variables: `variables.NAME` where NAME is a figure's."""
        return tuple(map(label, self._shown()))

    @property
    def metrics(self) -> tuple[str, ...]:
        """What rows have behind the variables: figures, or the least and the most of each."""
        if self.query.group is None:
            return self.query.metrics
        ends = (f"{metric}_{end}" for metric in self.query.metrics for end in ("min", "max"))
        return ("count", *ends)

    def is_number(self, variable: str) -> bool:
        """Whether the values of a variable are numbers."""
        return _is_number(variable, self.family)

    def _shown(self) -> tuple[str, ...]:
        return self.points.names if self.query.group is None else (self.query.group,)

    def kinds(self) -> dict[str, type]:
        """The types of columns, as far as they are known before their values are."""
        found: dict[str, type] = dict.fromkeys(self.metrics, int)
        if isinstance(self.points, Whole):
            for axis in self.points.space.axes:
                if self.is_number(axis.name) and axis.name in self._shown():
                    is_whole = isinstance(axis.values, range) or all(
                        isinstance(value, int) for value in islice(axis.values, _MANY)
                    )
                    found[label(axis.name)] = int if is_whole else float
        elif isinstance(self.points, Table):
            found |= {label(name): kind for name, kind in self.points.kinds.items()}
        return found

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows that are kept: the values of `variables`, then those of `metrics`.

        Raises ConvcalcError where a condition has no answer, or points cannot be read.
        """
        for row in self._kept():
            self.kept += 1
            yield row

    def _kept(self) -> Iterator[tuple[Any, ...]]:
        query = self.query
        if query.group is not None:
            yield from self._groups(query.group)
        elif query.goals:
            front = list(self._front())
            self.front = len(front)
            for row in front:
                self.on_front(row)
            if query.order is not None:
                front = query.order.sorted(front, _LAST)
            for row in front[: query.top]:
                yield row[: self._width]
        elif query.order is not None:
            for row in self._first(query.order):
                yield row[: self._width]
        else:
            yield from self._as_they_come()

    def finished(self) -> Sweep:
        """All of it at once. Raises ConvcalcError."""
        names = (*self.variables, *self.metrics)
        rows = tuple([FrozenDict(zip(names, row)) for row in self.held(self.rows())])
        counts = self.tried, self.invalid, self.within
        return Sweep(self.family.name, self.variables, self.metrics, *counts, rows)

    def held(self, rows: Iterable[_T]) -> Iterator[_T]:
        """Rows that whoever asks keeps. Raises ConvcalcError where these are more than allowed."""
        for count, row in enumerate(rows, start=1):
            self._require_few(count)
            yield row

    def _require_few(self, count: int) -> None:
        """Refuse to hold more rows than are allowed. Raises ConvcalcError."""
        if self._most_rows is not None and count > self._most_rows:
            raise fail(
                "limit-rows",
                f"more than {self._most_rows:,} rows would be held at a time",
                "`--top N` keeps the first, `--where` fewer; CSV and JSON lines in the order of"
                f" the settings hold none; {advice('rows')}",
            )

    @property
    def _width(self) -> int:
        return len(self.points.names) + len(self.query.metrics)

    # From settings to those that are kept

    def _chunks(self) -> Iterator[_Chunk]:
        """The settings, what they cost, and the places of those that are kept."""
        seen: set[Any] = set()
        for columns, found, places in self._found():
            if self.query.distinct:
                keys = zip(*(plain(taken(found.figures[key], places)) for key in self._key))
                fresh = []
                for place, key in zip(plain(places), keys):
                    if key not in seen:
                        seen.add(key)
                        fresh.append(place)
                self._require_few(len(seen))
                self.within -= len(places) - len(fresh)
                places = fresh
            if self.on_within is not None:
                self.on_within(partial(self._plain, columns, found, places))
            yield columns, found, places

    @property
    def _key(self) -> tuple[str, ...]:
        """The figures in which equal networks agree."""
        return tuple(dict.fromkeys((*METRICS, *self.query.metrics)))

    def _found(self) -> Iterator[_Chunk]:
        """The same, equal networks among them."""
        chunks = self._evaluated(lambda: self._pace.count)
        while True:
            start = time.monotonic()
            chunk = next(chunks, None)
            if chunk is None:
                return
            columns, found = chunk
            places = self._within(columns, found)
            self.within += len(places)
            self.tried += len(found.valid)
            yield columns, found, places
            self.on_step(len(found.valid))
            self._pace.note(len(found.valid), time.monotonic() - start)

    def _evaluated(self, count: Callable[[], int]) -> Iterator[tuple[Columns, Evaluated]]:
        """The settings, `count()` at a time, and what they cost."""
        product = self._tables()
        if product is None or not isinstance(self.points, Whole):
            for columns in self.points.chunks(count):
                yield columns, self.evaluator.evaluate(columns)
            return
        start = self.points.start
        while start < self.points.stop:
            stop = min(start + count(), self.points.stop)
            found = product.evaluate(start, stop)
            yield self.points.columns(start, stop), found
            start = stop

    def _tables(self) -> Product | None:
        """Of a large grid what evaluates each network once, however many settings are the same."""
        points = self.points
        if self._product is None and isinstance(points, Whole) and points.size >= _WORTH_TABLES:
            self._product = Product(self.evaluator, points.space)
        return self._product

    def _within(self, columns: Columns, found: Evaluated) -> Any:
        """The places of the settings for which what is asked holds."""
        places = positions(found.valid)
        bad = len(found.valid) - len(places)
        if bad:
            self.invalid += bad
            self._refused(columns, found)
        for metric, limit, *_ in self.query.budgets:
            column = taken(found.figures[metric], places)
            self._note_least(metric, column)
            places = taken(places, holding(column, partial(ge, limit)))
        condition = self.query.condition
        if condition is not None and len(places):
            names = condition.names
            own = {name: self._named(name, columns, found, places) for name in names}
            kept = condition.kept(own) if own else [condition.holds({})] * len(places)
            places = taken(places, positions(kept))
        return places

    def _named(self, name: str, columns: Columns, found: Evaluated, places: Any) -> Any:
        """The column of a figure or a variable that a condition speaks of, at some places."""
        if name in found.figures:
            return taken(found.figures[name], places)
        if name in columns:
            return taken(columns[name], places)
        value = self.family.defaults[name]
        entries = {
            int(key.partition("[")[2].rstrip("]")): plain(taken(column, places))
            for key, column in columns.items()
            if key.partition("[")[0] == name
        }
        if not entries:
            return [value] * len(places)
        return [
            tuple([entries[at][place] if at in entries else each for at, each in enumerate(value)])
            for place in range(len(places))
        ]

    def _note_least(self, metric: str, column: Any) -> None:
        found = least(column)
        if found is not None:
            self.least[metric] = min(found, self.least.get(metric, found))

    def _refused(self, columns: Columns, found: Evaluated) -> None:
        """Note the settings of a chunk that are no network."""
        if self.on_refused is None and self.first_refused is not None:
            return
        for place, valid in enumerate(plain(found.valid)):
            if not valid:
                refused = self._reason(
                    {name: value_at(column, place) for name, column in columns.items()}
                )
                self.first_refused = self.first_refused or refused
                if self.on_refused is None:
                    return
                self.on_refused(refused)

    def _reason(self, point: Mapping[str, Any]) -> Refused:
        """Why a setting is no network."""
        try:
            self.evaluator.totals(point)
        except ConvcalcError as error:
            return Refused(FrozenDict(point), error.diagnostics[0].message)
        return Refused(FrozenDict(point), "")

    # From those that are kept to rows

    def _column(self, name: str, columns: Columns, found: Evaluated) -> Any:
        """The column of a name that goals, orders and groups have."""
        if name in found.figures:
            return found.figures[name]
        return columns[name.removeprefix("variables.") if name not in columns else name]

    def _plain(self, columns: Columns, found: Evaluated, places: Any, name: str) -> list[Any]:
        return plain(taken(self._column(name, columns, found), places))

    def _rows(
        self, columns: Columns, found: Evaluated, places: Any, more: Sequence[str] = ()
    ) -> Iterator[tuple[Any, ...]]:
        """The rows at some places of a chunk, with the values of some names behind them."""
        own = [*columns.values(), *(found.figures[metric] for metric in self.query.metrics)]
        own += [self._column(name, columns, found) for name in more]
        return zip(*(plain(taken(column, places)) for column in own))

    def _rows_at(
        self, columns: Columns, found: Evaluated, more: Sequence[str], places: Any, which: Any
    ) -> Iterator[tuple[Any, ...]]:
        """The rows at some of the places of a chunk."""
        return self._rows(columns, found, taken(places, which), more)

    def _as_they_come(self) -> Iterator[tuple[Any, ...]]:
        left = self.query.top
        for columns, found, places in self._chunks():
            shown = places if left is None else places[:left]
            yield from self._rows(columns, found, shown)
            if left is not None:
                left -= len(shown)

    def _front(self) -> Iterable[tuple[Any, ...]]:
        """The rows of the front, the best in the first goal first."""
        front: Front[tuple[Any, ...]] = Front()
        goals, order = self.query.goals, self.query.order
        more = [] if order is None else [order.name]
        for columns, found, places in self._chunks():
            named = [self._column(goal.name, columns, found) for goal in goals]
            costs = [_costs(goal, taken(column, places)) for goal, column in zip(goals, named)]
            most = _AT_ONCE if len(goals) > 2 else len(places)
            # With nothing to be held against all would be shown to it: the first are a few.
            start, step = 0, most if len(front) else _FEW
            while start < len(places):
                part = [column[start : start + step] for column in costs]
                where = places[start : start + step]
                front.show(part, partial(self._rows_at, columns, found, more, where))
                start, step = start + step, min(4 * step, most)
            self._require_few(len(front))
        return front

    def _first(self, order: Order) -> list[tuple[Any, ...]]:
        """The first rows in an order, or all."""
        top = self.query.top
        held: list[tuple[Any, ...]] = []
        for columns, found, places in self._chunks():
            if top is not None and len(held) >= top and order.is_number:
                last = held[top - 1][-1]
                column = taken(self._column(order.name, columns, found), places)
                if last is not None:  # what is no better than the last one comes behind it
                    better = _better(order, last)
                    places = taken(places, holding(column, better))
            held += self._rows(columns, found, places, [order.name])
            if top is not None:
                held = order.sorted(held, _LAST)[:top]
            self._require_few(len(held))
        return held if top is not None else order.sorted(held, _LAST)

    def _groups(self, group: str) -> Iterator[tuple[Any, ...]]:
        """A row a value: how many settings, and the least and the most of each figure."""
        held: dict[Any, Ends] = {}
        for columns, found, places in self._chunks():
            figures = [taken(found.figures[metric], places) for metric in self.query.metrics]
            values = taken(self._column(group, columns, found), places)
            for value, where in by_value(values).items():
                own = [taken(figure, where) for figure in figures]
                held.setdefault(value, Ends(len(figures))).add(len(where), own)
        for value, ends in held.items():
            yield value, ends.count, *ends.numbers()

    # From the whole to parts of it, and back

    def of(self, points: Points) -> Sweeping:
        """The same of other settings of the same variables, with what is known of the networks."""
        asked = (self.query, self.settings, self.convention, self._jobs, self._most_rows)
        other = Sweeping(self.family, points, *asked)
        other.evaluator, other._pace = self.evaluator, self._pace
        other._product = self._tables()
        return other

    def partial(self, lists_refused: bool = False) -> Partial:
        """What came of its settings, for the whole that they are a part of. Raises ConvcalcError.

        Where rows are chosen, it has those alone that the whole may choose. Which of them are the
        first of equal networks, the whole knows alone.
        """
        query, refused = self.query, list[Refused]()
        if lists_refused:
            self.on_refused = refused.append
        rows: Iterable[tuple[Any, ...]] = ()
        groups: Iterable[tuple[Any, ...]] = ()
        if query.distinct:
            more = query.carried[len(query.metrics) :]
            rows = (row for chunk in self._chunks() for row in self._rows(*chunk, more))
        elif query.group is not None:
            groups = self._groups(query.group)
        elif query.goals:
            rows = (row[: self._width] for row in self._front())
        elif query.order is not None:
            rows = (row[: self._width] for row in self._first(query.order))
        else:
            rows = self._as_they_come()
        chosen, grouped = tuple(rows), tuple(groups)  # which is what counts
        counts = self.tried, self.invalid, self.within
        return Partial(*counts, chosen, grouped, self.first_refused, refused, dict(self.least))

    def __reduce__(self) -> Any:
        asked = self.family, self.points, self.query, self.settings, self.convention
        return Sweeping, (*asked, self._jobs, self._most_rows)


class Ends:
    """How many settings there are, and the least and the most of each figure."""

    def __init__(self, figures: int) -> None:
        self.count = 0
        self._low: list[Any] = [None] * figures
        self._high: list[Any] = [None] * figures

    def add(self, count: int, figures: Sequence[Any]) -> None:
        """So many more settings, and columns of their figures."""
        self.count += count
        for at, column in enumerate(figures):
            low, high = least(column), most(column)
            self._low[at] = least([self._low[at], low])
            self._high[at] = most([self._high[at], high])

    def numbers(self) -> list[Any]:
        """Of each figure the least and the most; None where there is no number."""
        return [number for both in zip(self._low, self._high) for number in both]


def _costs(goal: Goal, column: Any) -> Any:
    """A column of a goal's numbers as costs; None stays."""
    if not goal.is_largest:
        return column
    if hasattr(column, "dtype") and column.dtype.kind in "if":
        return -column
    return [None if value is None else -value for value in plain(column)]


def _better(order: Order, last: Any) -> Callable[[Any], Any]:
    """Whether a number comes before the last one in an order."""
    return partial(gt, last) if order.is_reversed else partial(lt, last)


# What is asked, as people write it


def sweep(family: Family, space: Any, **asked: Any) -> Sweep:
    """What every setting of a space costs, and which are kept; `asked` is as in `sweeping`."""
    return sweeping(family, space, **asked).finished()


def sweeping(
    family: Family,
    space: Any,
    *,
    metrics: str | Sequence[str] | None = None,
    where: str | None = None,
    max: Mapping[str, int | str] | None = None,
    pareto: str | Sequence[str] | None = None,
    top: int | None = None,
    sort: str | None = None,
    group: str | None = None,
    distinct: bool = False,
    settings: Settings = Settings(),  # noqa: B008 - immutable
    convention: str = "exact",
    most: int | None = None,
    most_rows: int | None = None,
    jobs: int = 1,
) -> Sweeping:
    """A sweep that is yet to run.

    `space` is a `Space`, a mapping of variables to values, a list of settings, or `Points`.
    `metrics` are the figures that rows have; `where` is a condition, `max` the most of figures,
    `pareto` are goals: `min:macs,max:resolution`. A grid of more than `most` settings is refused,
    and so is holding more than `most_rows`.
    `jobs` threads evaluate them. Raises ConvcalcError.
    """
    points = points_of(space, family, most)
    if top is not None:
        require_whole("`top`", top, "row")
    for what, text in (("`sort`", sort), ("`group`", group)):
        if text is not None:
            require_text(what, text)
    if not isinstance(distinct, bool):
        raise fail("bad-value", f"`distinct` must be True or False, not {describe(distinct)}")
    names = points.names
    known = known_budgets.metrics()
    asked = metrics_of(metrics)
    condition = None
    if where is not None:
        condition = parse_condition(where, tuple(dict.fromkeys((*known, *family.defaults))))
    found_goals: tuple[Goal, ...] = ()
    if pareto is not None:
        found_goals = parse_goals(pareto)
    for goal in found_goals:
        _require_number("a goal", goal.name, names, family)
    order = _order(sort, top, bool(found_goals or group), asked, names, family)
    if group is not None:
        _require_name("a group", group, names, ())
        others = {"pareto": pareto, "top": top, "sort": sort}
        for option, value in others.items():
            if value is not None:
                message = f"a group is of all rows, and `{option}` chooses among them"
                raise fail("bad-value", message, "leave one of them out")
    shown = [each.name for each in found_goals] + ([sort.lstrip("-")] if sort else [])
    more = [name for name in shown if name in known and name not in asked]
    query = Query(
        (*asked, *dict.fromkeys(more)),
        condition,
        known_budgets.budgets_of({} if max is None else max),
        distinct,
        found_goals,
        order,
        top,
        group,
    )
    return Sweeping(family, points, query, settings, convention, jobs, most_rows)


def points_of(space: Any, family: Family, most: int | None = None) -> Points:
    """The settings of a space, of a mapping to values, or of a list. Raises ConvcalcError."""
    if isinstance(space, Mapping):
        space = space_of(space, family.defaults)
    if isinstance(space, (list, tuple)) and not isinstance(space, Space):
        return listed_points(space, family.defaults)
    if not isinstance(space, (Space, Points)):
        message = f"settings are values by variable, or a list of settings, not {describe(space)}"
        raise fail("bad-value", message, 'for example {"alpha": "0.25:1.4:0.05"}')
    if not isinstance(space, Space):
        return space
    if not space.axes:
        message = "a sweep needs the values that variables may have"
        raise fail("bad-value", message, 'for example {"alpha": "0.25:1.4:0.05"}')
    require_known(tuple(axis.name for axis in space.axes), family.defaults)
    for axis in space.axes:
        if not len(axis.values):
            message = f"there are no values for {quoted(axis.name)}"
            raise fail("bad-value", message, "give one or more")
    if most is not None and space.size > most:
        raise fail(
            "limit-settings",
            f"this grid has {space.size:,} settings, and a sweep walks {most:,} at the most",
            "`convcalc count` and `convcalc pareto` answer without walking it;"
            " `--limit settings=N` allows N",
        )
    return Whole(space)


def metrics_of(metrics: str | Sequence[str] | None) -> tuple[str, ...]:
    """The figures that are asked for. Raises ConvcalcError for what is none."""
    if metrics is None:
        return METRICS
    known = known_budgets.metrics()
    found: dict[str, None] = {}
    for name in [each.strip() for each in require_texts("metrics", metrics)]:
        if name not in known:
            help = f"{did_you_mean(name, known)} the metrics are {listed(known, 20)}".strip()
            raise fail("unknown-metric", f"there is no metric {quoted(name)}", help)
        if name in found:
            message = f"the metric `{name}` is asked for twice"
            raise fail("bad-value", message, "leave one of them out")
        found[name] = None
    if not found:
        raise fail("bad-value", "no metric is asked for", "name some: params, macs")
    return tuple(found)


def _require_name(what: str, name: str, variables: Sequence[str], metrics: Collection[str]) -> None:
    """Refuse what names neither a variable that is swept nor a metric. Raises ConvcalcError."""
    if name in metrics or name.removeprefix("variables.") in variables:
        return
    known = [*variables, *metrics]
    message = f"{what} is a variable that is swept, which {quoted(name)} is not"
    if metrics:
        message = f"{what} is a metric or a variable that is swept, which {quoted(name)} is not"
    help = f"{did_you_mean(name, known)} known here: {listed(known, 20)}".strip()
    raise fail("unknown-name", message, help)


def _require_number(what: str, name: str, variables: Sequence[str], family: Family) -> None:
    """The same, for what is to be a number. Raises ConvcalcError."""
    metrics = known_budgets.metrics()
    _require_name(what, name, variables, metrics)
    if name not in metrics and not _is_number(name, family):
        message = f"{what} is a number, and the variable {quoted(name)} is none"
        raise fail("bad-value", message, "metrics are numbers, and so are many variables")


def _is_number(name: str, family: Family) -> bool:
    return is_number(default_of(name.removeprefix("variables."), family.defaults))


def _order(
    sort: str | None,
    top: int | None,
    has_other: bool,
    metrics: Sequence[str],
    variables: Sequence[str],
    family: Family,
) -> Order | None:
    """What rows are sorted by; those of a top by the largest MACs unless said, as elsewhere."""
    if sort is None:
        if top is None or has_other:
            return None
        return Order("macs" if "macs" in metrics else metrics[0])
    is_reversed = len(sort) > 1 and sort.startswith("-")
    name = sort[is_reversed:]
    known = known_budgets.metrics()
    _require_name("what rows are sorted by", name, variables, known)
    return Order(name, is_reversed, name in known or _is_number(name, family))
