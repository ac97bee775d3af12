"""Numbers of a tape on every combination of the values of the axes that they hang on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from convcalc.arithmetic import CONDITIONS, OPERATIONS, exact
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.search.ranges import Range, ranges
from convcalc.search.terms import Expander, axes_of
from convcalc.trace import INPUT, Tape, Traced

#: The axes that a table is of, by their places in the space, ascending.
Scope = tuple[int, ...]
#: Arrays by the axes that they are of, one dimension each.
Tables = Mapping[Scope, Any]

#: Cells of a table, at the most.
MOST_CELLS = 2**22
#: 64-bit integers hold what is smaller.
_MOST = 2**62
#: They hold sums of a few that are smaller than this.
MOST_SUM = 2**61
#: A figure below this is of 64-bit integers, which hold its differences between structures, too.
_MOST_OF_A_FIGURE = 2**48


def does_not_decompose(what: str) -> ConvcalcError:
    """What is said of a space that is to be walked."""
    return fail(
        "does-not-decompose",
        what,
        "`convcalc sweep` takes one setting after the other, of a smaller space",
    )


def spread(table: Any, own: Scope, scope: Scope) -> Any:
    """A table with a dimension for each axis of a scope that holds its own."""
    sizes = dict(zip(own, table.shape))
    return table.reshape([sizes.get(axis, 1) for axis in scope])


def cells(scope: Scope, sizes: Sequence[int]) -> int:
    """How many cells a table of some axes has."""
    count = 1
    for axis in scope:
        count *= sizes[axis]
    return count


def fits_words(tables: Tables) -> bool:
    """Whether 64-bit integers hold the sums of tables, and what a few of these come to."""
    import numpy

    return sum(int(numpy.max(abs(table))) for table in tables.values()) < MOST_SUM


def require_words(metric: str, tables: Tables) -> None:
    """Refuse a figure that 64-bit integers do not hold. Raises ConvcalcError."""
    if not fits_words(tables):
        raise does_not_decompose(f"{metric} is beyond 64-bit integers")


class Grids:
    """The numbers of one tape as tables; `columns` are the values of the axes, by their names."""

    def __init__(self, tape: Tape, columns: Mapping[str, Sequence[Any]]) -> None:
        import numpy

        self._numpy = numpy
        self._places = {name: place for place, name in enumerate(columns)}
        self._columns = columns
        self.sizes = [len(column) for column in columns.values()]
        self._scopes = [
            tuple(sorted(map(self._places.__getitem__, axes))) for axes in axes_of(tape)
        ]
        inputs = {name: Range(min(column), max(column)) for name, column in columns.items()}
        self._ranges = ranges(tape.numbers, {name: inputs[name] for name in tape.inputs})
        self._expander = Expander(tape)
        self._known: dict[int, Any] = {}

    def scope(self, number: Traced) -> Scope:
        """The axes that a number hangs on."""
        return self._scopes[number.index]

    def table(self, number: Traced) -> Any:
        """A number, or a condition, for every combination of the values of its axes.

        Raises ConvcalcError where these are too many.
        """
        waiting = [number]
        while waiting:
            last = waiting[-1]
            missing = [
                each
                for each in last.operands
                if isinstance(each, Traced) and each.index not in self._known
            ]
            if missing and last.index not in self._known:
                waiting += missing
                continue
            waiting.pop()
            if last.index not in self._known:
                self._known[last.index] = self._worked_out(last)
        return self._known[number.index]

    def _worked_out(self, number: Traced) -> Any:
        numpy, scope = self._numpy, self.scope(number)
        if cells(scope, self.sizes) > MOST_CELLS:
            raise does_not_decompose("a figure has a part in which too many variables meet")
        if number.operation == INPUT:
            column = self._columns[number.operands[0]]
            if self._is_small(number):
                return numpy.array(column, "int64")
            return _objects(numpy, list(column))
        operands = [
            spread(self._known[each.index], self.scope(each), scope)
            if isinstance(each, Traced)
            else each
            for each in number.operands
        ]
        is_plain = all(
            self._is_small(each) if isinstance(each, Traced) else _is_plain(each)
            for each in number.operands
        )
        if is_plain and self._is_small(number) and number.operation in _ON_ARRAYS:
            with numpy.errstate(all="ignore"):
                found = _ON_ARRAYS[number.operation](numpy, *operands)
        else:
            rule = numpy.frompyfunc(_rule(number.operation), len(operands), 1)
            operands = [
                each.astype(object) if isinstance(each, numpy.ndarray) else _boxed(numpy, each)
                for each in operands
            ]
            found = rule(*operands)
            if self._is_small(number):
                found = numpy.asarray(found).astype("int64" if number.numeric else "bool")
        found = numpy.asarray(found, None if self._is_small(number) else object)
        return found.reshape([self.sizes[axis] for axis in scope])

    def _is_small(self, number: Traced) -> bool:
        """Whether 64-bit integers hold a number, or it is a condition."""
        low, high = self._ranges[number.index][:2]
        return not number.numeric or (number.is_whole and low > -_MOST and high < _MOST)

    def terms(self, figure: Any) -> dict[Scope, Any]:
        """A figure as a sum of tables. Raises ConvcalcError where one would have too many cells."""
        numpy = self._numpy
        found: dict[Scope, Any] = {}
        most: dict[Scope, Any] = {}
        parts: dict[Scope, list[Any]] = {}
        for factors, count in self._expander.terms(figure).items():
            numbers = [self._expander.tape.numbers[index] for index in factors]
            scope = tuple(sorted({axis for each in numbers for axis in self.scope(each)}))
            if cells(scope, self.sizes) > MOST_CELLS:
                raise does_not_decompose("a figure has a part in which too many variables meet")
            size: Any = abs(count)
            for each in numbers:
                low, high = self._ranges[each.index][:2]
                size *= max(abs(low), abs(high))
            most[scope] = most.get(scope, 0) + size
            parts.setdefault(scope, []).append((count, numbers))
        kind = "int64" if sum(most.values()) < _MOST_OF_A_FIGURE else object
        for scope, sums in parts.items():
            shape = [self.sizes[axis] for axis in scope]
            total: Any = 0
            for count, numbers in sums:
                product: Any = count
                for each in numbers:
                    own = self.table(each).astype(kind, copy=False)
                    product = product * spread(own, self.scope(each), scope)
                total = total + product
            if kind is object:
                total = numpy.asarray(total, object)
            total = numpy.broadcast_to(total, shape)
            found[scope] = numpy.asarray(total)
        return found


def _is_plain(value: Any) -> bool:
    return isinstance(value, (bool, int)) and -_MOST < value < _MOST


def _objects(numpy: Any, values: Sequence[Any]) -> Any:
    found = numpy.empty(len(values), object)
    found[:] = values
    return found


def _boxed(numpy: Any, value: Any) -> Any:
    found = numpy.empty((), object)
    found[()] = value
    return found


def _rule(operation: str) -> Callable[..., Any]:
    """An operation on Python's numbers; 0 where it has no result, which no guard lets through."""
    condition = CONDITIONS.get(operation)

    def rule(*values: Any) -> Any:
        try:
            if condition is not None:
                return bool(condition(*map(exact, values)))
            return OPERATIONS[operation](*values)
        except (ArithmeticError, ValueError, TypeError):
            return 0

    return rule


#: Operations on arrays of 64-bit integers, or of truth values, that hold what comes out.
_ON_ARRAYS: Mapping[str, Callable[..., Any]] = {
    "add": lambda np, a, b: np.add(a, b),
    "sub": lambda np, a, b: np.subtract(a, b),
    "mul": lambda np, a, b: np.multiply(a, b),
    "floordiv": lambda np, a, b: np.floor_divide(a, b),
    "exact_div": lambda np, a, b: np.floor_divide(a, b),
    "ceil_div": lambda np, a, b: -np.floor_divide(-a, b),
    "mod": lambda np, a, b: np.mod(a, b),
    "gcd": lambda np, a, b: np.gcd(a, b),
    "maximum": lambda np, a, b: np.maximum(a, b),
    "minimum": lambda np, a, b: np.minimum(a, b),
    "where": lambda np, c, a, b: np.where(c, a, b),
    "lt": lambda np, a, b: np.less(a, b),
    "le": lambda np, a, b: np.less_equal(a, b),
    "gt": lambda np, a, b: np.greater(a, b),
    "ge": lambda np, a, b: np.greater_equal(a, b),
    "equal": lambda np, a, b: np.equal(a, b),
    "divides": lambda np, a, b: np.equal(np.mod(b, a), 0),
    "denied": lambda np, a: np.logical_not(a),
    "both": lambda np, a, b: np.logical_and(a, b),
    "either": lambda np, a, b: np.logical_or(a, b),
}
