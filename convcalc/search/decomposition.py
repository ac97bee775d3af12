"""Figures of all settings of a space as sums of tables, each of few axes.

One trace says what the figures of one structure are. Where a guard can be answered otherwise in the
space, the other structures are traced too, until every setting is of one that was: what is found
holds for all of them, not for those that were tried (King 1976, on paths; here all are taken). The
two sides of a guard are put together again: a figure is that of the one side, and where the guard
is answered otherwise also the difference, which is a table of few axes in most networks, and none
in many: whether an input is added to an output changes neither weights nor products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

from convcalc.arithmetic import is_number
from convcalc.search.grids import (
    MOST_CELLS,
    Grids,
    Scope,
    Tables,
    cells,
    does_not_decompose,
    fits_words,
    spread,
)
from convcalc.search.groups import Asked, trace
from convcalc.search.space import Space

#: Structures that are traced, at the most.
_MOST_TRACES = 256
#: Sub-spaces whose values are of one type each, at the most.
_MOST_PARTS = 64


class Decomposed(NamedTuple):
    """A part of a space in which all variables are numbers, those of one variable of one type.

    A setting is a position for each axis. It is a network if every one of `masks` is true of it,
    and each of its figures is the sum of its tables.
    """

    #: By axis, its values: one alone where they are no numbers.
    columns: Mapping[str, Sequence[Any]]
    figures: Mapping[str, Tables]
    masks: Tables

    @property
    def sizes(self) -> list[int]:
        """How many values each axis has."""
        return [len(column) for column in self.columns.values()]

    def point(self, places: Sequence[int]) -> dict[str, Any]:
        """The setting whose values have these positions."""
        return {name: column[at] for (name, column), at in zip(self.columns.items(), places)}

    def within(self, masks: Sequence[tuple[Scope, Any]]) -> Decomposed:
        """The settings alone of which some masks are true, too."""
        found = dict(self.masks)
        for scope, mask in masks:
            found[scope] = found[scope] & mask if scope in found else mask
        return self._replace(masks=found)

    def holds(self, places: Sequence[int]) -> bool:
        """Whether the setting whose values have these positions is a network."""
        return all(
            mask[tuple(places[axis] for axis in scope)] for scope, mask in self.masks.items()
        )

    def figure(self, metric: str, places: Sequence[int]) -> int:
        """A figure of the setting whose values have these positions."""
        tables = self.figures[metric].items()
        return sum(int(table[tuple(places[axis] for axis in scope)]) for scope, table in tables)


def decompose(
    asked: Asked, space: Space, look: Callable[[], None] = lambda: None
) -> list[Decomposed]:
    """The parts of a space, each with its figures as tables; no part has settings of another.

    Parts without any network are left out. `look` is called before each trace. Raises ConvcalcError
    where a figure is no sum of tables that are small enough, or has no total, or where there are
    too many structures.
    """
    found = []
    for columns in _columns(space):
        result = _Explored(asked, columns, look).side(())
        if result is not None:
            figures = {metric: _in_words(tables) for metric, tables in result[0].items()}
            found.append(Decomposed(columns, figures, result[1]))
    return found


def _in_words(tables: Tables) -> Tables:
    """Tables as 64-bit integers where these hold their sums."""
    import numpy

    if not fits_words(tables):
        return tables
    return {scope: numpy.asarray(table, "int64") for scope, table in tables.items()}


def _columns(space: Space) -> Iterator[dict[str, Sequence[Any]]]:
    """Sub-spaces in which the values of an axis are numbers of one type, or one value."""
    choices: list[list[Sequence[Any]]] = []
    count = 1
    for axis in space.axes:
        if len(axis.values) > MOST_CELLS:
            raise does_not_decompose(f"`{axis.name}` has {len(axis.values):,} values")
        kinds: dict[Any, list[Any]] = {}
        for place, value in enumerate(axis.values):
            key = type(value) if is_number(value) else place
            kinds.setdefault(key, []).append(value)
        choices.append([*kinds.values()])
        count *= len(kinds)
    if count > _MOST_PARTS:
        raise does_not_decompose(f"{count:,} combinations of values that are no numbers")
    for columns in product(*choices):
        yield {axis.name: column for axis, column in zip(space.axes, columns)}


#: The figures and masks of some settings; None where these are no networks.
_Side = tuple[dict[str, dict[Scope, Any]], dict[Scope, Any]] | None
_Masks = tuple[tuple[Scope, Any], ...]


class _Explored:
    """The structures of a space, traced one after the other."""

    def __init__(
        self, asked: Asked, columns: Mapping[str, Sequence[Any]], look: Callable[[], None]
    ) -> None:
        import numpy

        self._numpy = numpy
        self._asked, self._columns, self._look = asked, columns, look
        self._sizes = [len(column) for column in columns.values()]
        self._traces = 0

    def side(self, prefix: _Masks) -> _Side:
        """What is known of the settings of which `prefix` is true, of which there is one."""
        self._look()
        self._traces += 1
        if self._traces > _MOST_TRACES:
            raise does_not_decompose(f"more than {_MOST_TRACES} structures in the space")
        places = satisfying(self._sizes, prefix)
        assert places is not None
        point = {name: column[at] for (name, column), at in zip(self._columns.items(), places)}
        group = trace(self._asked, point)
        grids = Grids(group.tape, self._columns)
        result: _Side = None
        if group.figures is not None:
            _require_totals(group.figures)
            result = ({key: grids.terms(each) for key, each in group.figures.items()}, {})
        held = []
        for guard in group.guards:
            table = grids.table(guard.condition)
            held.append((grids.scope(guard.condition), table if guard.held else ~table))
        for at in reversed(range(len(held))):
            scope, mask = held[at]
            if mask.all() or any(scope == own and (mask | ~is_so).all() for own, is_so in prefix):
                continue  # it is so of all these settings
            other = (*prefix, *_open(held[:at]), (scope, ~mask))
            if satisfying(self._sizes, other) is not None:
                result = self._merged(scope, mask, result, self.side(other))
        return result

    def _merged(self, scope: Scope, mask: Any, one: _Side, other: _Side) -> _Side:
        """What is known of both sides of a guard; `mask` is true of the one."""
        if one is None and other is None:
            return None
        if one is None or other is None:
            figures, own_masks = one or other  # type: ignore[misc]
            is_of = mask if other is None else ~mask
            both = own_masks[scope] & is_of if scope in own_masks else is_of
            return figures, {**own_masks, scope: both}
        masks: dict[Scope, Any] = {}
        for own, is_of in ((one[1], mask), (other[1], ~mask)):
            for key, table in own.items():
                if _is_same(one[1].get(key), other[1].get(key)):
                    masks[key] = masks[key] & table if key in masks else table
                    continue
                wide = self._joined(key, scope)
                joined = spread(table, key, wide) | ~spread(is_of, scope, wide)
                if not joined.all():
                    masks[wide] = masks[wide] & joined if wide in masks else joined
        figures = {
            metric: self._sum(tables, other[0][metric], scope, mask)
            for metric, tables in one[0].items()
        }
        return figures, masks

    def _sum(self, one: Tables, other: Tables, scope: Scope, mask: Any) -> dict[Scope, Any]:
        """The tables of the one side, and the difference where it is the other."""
        if self._cells(other) < self._cells(one):
            one, other, mask = other, one, ~mask
        result = dict(one)
        for key, difference in self._apart(one, other, scope, ~mask).items():
            both = self._joined(key, scope)
            # The guard's axes first, as its cells are one dimension of the difference.
            order = [*scope, *[axis for axis in both if axis not in scope]]
            whole = self._numpy.zeros([self._sizes[axis] for axis in both], difference.dtype)
            whole.transpose([both.index(axis) for axis in order])[(~mask).nonzero()] = difference
            whole, both = _narrowed(whole, both)
            result[both] = result[both] + whole if both in result else whole
        return result

    def _cells(self, tables: Tables) -> int:
        return sum(cells(scope, self._sizes) for scope in tables)

    def _apart(self, one: Tables, other: Tables, scope: Scope, mask: Any) -> dict[Scope, Any]:
        """By the axes beside a guard's, how much more the other side is where the mask is true.

        The first dimension are the guard's cells there.
        """
        where = dict(zip(scope, mask.nonzero()))
        found: dict[Scope, Any] = {}
        for tables, sign in ((one, -1), (other, 1)):
            for key, table in tables.items():
                if key in one and key in other and one[key] is other[key]:
                    continue
                rest = tuple(axis for axis in key if axis not in scope)
                own = [axis for axis in key if axis in scope]
                table = table.transpose([key.index(axis) for axis in (*own, *rest)])
                if own:
                    table = table[tuple(where[axis] for axis in own)]
                else:
                    table = table[None]
                found[rest] = found[rest] + sign * table if rest in found else sign * table
        found = {rest: table for rest, table in found.items() if (table != 0).any()}
        every: Scope = tuple(sorted({axis for rest in found for axis in rest}))
        count = len(where[scope[0]])
        if len(found) > 1 and count * cells(every, self._sizes) <= MOST_CELLS:
            # Together nothing may be left of what they are by themselves.
            whole: Any = 0
            for rest, table in found.items():
                sizes = dict(zip(rest, table.shape[1:]))
                shape = [sizes.get(axis, 1) for axis in every]
                whole = whole + table.reshape([table.shape[0], *shape])
            found = {every: whole} if (whole != 0).any() else {}
        return found

    def _joined(self, one: Scope, other: Scope) -> Scope:
        both = tuple(sorted({*one, *other}))
        if cells(both, self._sizes) > MOST_CELLS:
            raise does_not_decompose("structures differ in a part in which too many variables meet")
        return both


def _require_totals(figures: Mapping[str, Any]) -> None:
    """Refuse figures without a total. Raises ConvcalcError."""
    for metric, figure in figures.items():
        if figure is None:
            raise does_not_decompose(f"{metric} has no total in some of the networks")


def _open(masks: Sequence[tuple[Scope, Any]]) -> Iterator[tuple[Scope, Any]]:
    """Those that are not true of everything."""
    return (each for each in masks if not each[1].all())


def _is_same(one: Any, other: Any) -> bool:
    return one is not None and other is not None and bool((one == other).all())


def _narrowed(table: Any, scope: Scope) -> tuple[Any, Scope]:
    """A table without the axes along which it is the same."""
    for axis in scope:
        at = scope.index(axis)
        first = table.take([0], at)
        if (table == first).all():
            table, scope = first.squeeze(at), (*scope[:at], *scope[at + 1 :])
    return table, scope


def satisfying(sizes: Sequence[int], masks: Sequence[tuple[Scope, Any]]) -> list[int] | None:
    """Positions of which all masks are true; None where there are none.

    One axis after the other is eliminated (Dechter 1999, "Bucket elimination"). Raises
    ConvcalcError where too many of them meet.
    """
    waiting = list(masks)
    steps: list[tuple[int, Scope, Any]] = []
    while axes := {axis for scope, _ in waiting for axis in scope}:
        met = {
            axis: tuple(sorted({each for scope, _ in waiting if axis in scope for each in scope}))
            for axis in axes
        }
        axis = min(axes, key=lambda each: (cells(met[each], sizes), each))
        scope = met[axis]
        if cells(scope, sizes) > MOST_CELLS:
            raise does_not_decompose("conditions in which too many variables meet")
        table: Any = True
        for own, mask in waiting:
            if axis in own:
                table = table & spread(mask, own, scope)
        steps.append((axis, scope, table))
        waiting = [each for each in waiting if axis not in each[0]]
        left = tuple(each for each in scope if each != axis)
        waiting.append((left, table.any(scope.index(axis))))
    if not all(bool(mask) for _, mask in waiting):
        return None
    found: dict[int, int] = {}
    for axis, scope, table in reversed(steps):
        places = tuple(slice(None) if each == axis else found[each] for each in scope)
        found[axis] = int(table[places].argmax())
    return [found.get(axis, 0) for axis in range(len(sizes))]
