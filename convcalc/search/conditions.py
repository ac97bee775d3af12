"""Conditions on the figures and variables of networks: `macs <= 300M and params <= 4M`.

They are the spec language's expressions, in which a number may have a unit. What holds of one
network is what the language says. Of many at once it is worked out on numpy's arrays, as far as
those are sure to say the same; where they are not, one network after the other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.arithmetic import Symbolic, is_number, truth
from convcalc.diagnostics import ConvcalcError, Diagnostic, Mark, Source, require_text
from convcalc.expressions import Expression, ExpressionError, parse, unknown_name
from convcalc.search.columns import numpy_in_use
from convcalc.words import shortened

#: Line ends, which are white space in a condition: a place in it is a column of one line.
_LINE_ENDS = dict.fromkeys(map(ord, "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), " ")


class Condition(NamedTuple):
    """What is asked of networks. `option` is how messages call it."""

    expression: Expression
    option: str = "--where"

    @property
    def text(self) -> str:
        """How it is written."""
        return self.expression.text

    @property
    def names(self) -> tuple[str, ...]:
        """The figures and variables that it speaks of."""
        return tuple(self.expression.names)

    def __reduce__(self) -> Any:
        # What was parsed has functions in it; the text is as good.
        return _again, (self.text, self.option)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds of one network; not where a figure that it speaks of has no total.

        `values` has a number for each of its names. Raises ConvcalcError where it has no answer:
        for a division by 0, or a comparison of what cannot be compared.
        """
        if any(values[name] is None for name in self.names):
            return False
        try:
            return bool(truth(self._asked(self.expression.evaluate(values))))
        except ExpressionError as error:
            raise _error(error, self.text, self.option) from None

    def _asked(self, value: Any) -> Any:
        """What an expression comes to. Raises ExpressionError where it is but the name of a number,
        as what is left of `macs > 300M` where the shell took the rest.
        """
        if not is_number(value) or self.text.strip() not in self.names:
            return value
        message = f"`{shortened(self.text)}` is a number, and no condition"
        help = "compare it with another, between quotes: 'macs <= 300M'; a shell takes > for itself"
        raise ExpressionError(message, 0, len(self.text), code="bad-value", help=help)

    def kept(self, columns: Mapping[str, Sequence[Any]]) -> Sequence[bool]:
        """For each network whether it holds, of columns with a value for each network.

        The answer is a list, or an array of numpy's where that is in use. Raises ConvcalcError as
        `holds` does.
        """
        own = {name: columns[name] for name in self.names}
        if not own:
            one = self.holds({})
            return [one] * len(next(iter(columns.values()), ()))
        try:
            columns_ = {name: _column(column) for name, column in own.items()}
            found = truth(self._asked(self.expression.evaluate(columns_)))
        except (_NotSure, ExpressionError):
            # An array has no lazy `and`: what is refused may be asked of no network.
            rows = zip(*(_plain(column) for column in own.values()))
            return [self.holds(dict(zip(own, row))) for row in rows]
        if isinstance(found, _Column):
            return found.array  # type: ignore[no-any-return]
        return [found] * len(next(iter(own.values())))


def parse_condition(text: str, names: Collection[str], option: str = "--where") -> Condition:
    """A condition on what `names` name, the nearest first.

    k, M, G and T behind a number are powers of ten, KiB, MiB, GiB and TiB of two, and exact. Raises
    ConvcalcError, with the place in the text of the option, for what is no expression, and for an
    unknown name.
    """
    text = require_text("a condition", text).translate(_LINE_ENDS)
    try:
        expression = parse(text, units=True)
        for name, start in expression.names.items():
            if name not in names:
                raise unknown_name(name, start, names)
    except ExpressionError as error:
        raise _error(error, text, option) from None
    return Condition(expression, option)


def _again(text: str, option: str) -> Condition:
    """A condition that was parsed before."""
    return Condition(parse(text, units=True), option)


def _error(error: ExpressionError, text: str, option: str) -> ConvcalcError:
    """What an expression's error says, beside the text of the option."""
    mark = Mark(1, error.start + 1, max(error.end - error.start, 1), 0)
    source = Source(option, text)
    found = Diagnostic(error.code, error.message, source, mark, error.label, help=error.help)
    return ConvcalcError([found])


# Many networks at once


class _NotSure(Exception):  # noqa: N818 - no error: the answer is found otherwise
    """Arrays are not sure to say what the language does."""


#: An array of integers holds those below this, and a float all integers below that.
_MOST_INTEGER, _MOST_FLOAT = 2**63, 2**53
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "equal": operator.eq,
}
_JUNCTIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "both": operator.and_,
    "either": operator.or_,
}


class _Column(Symbolic):
    """An array of numbers or truth values, on which operations are exact, or `_NotSure`.

    `most` is no less than the largest magnitude in it.
    """

    __slots__ = ("array", "is_whole", "most", "numeric")
    value = None

    def __init__(self, array: Any, most: Any = 0, numeric: bool = True) -> None:
        self.array, self.most, self.numeric = array, most, numeric
        #: Whether it has integers; else it has floats.
        self.is_whole = array.dtype.kind == "i"
        if numeric and most >= (_MOST_INTEGER if self.is_whole else _MOST_FLOAT):
            raise _NotSure

    def __str__(self) -> str:
        return "a figure"

    def truth(self) -> Any:
        return super().truth() if self.numeric else self

    def apply(self, operation: str, *operands: Any) -> Any:
        if operation == "denied":
            return _Column(~self.array, numeric=False)
        if len(operands) != 2:
            raise _NotSure
        a, b = map(_operand, operands)
        if operation in _JUNCTIONS:
            if a.numeric or b.numeric:
                raise _NotSure
            return _Column(_JUNCTIONS[operation](a.array, b.array), numeric=False)
        are_whole = a.is_whole and b.is_whole
        if not are_whole and max(a.most, b.most) >= _MOST_FLOAT:
            raise _NotSure
        if operation in _COMPARISONS:
            return _Column(_COMPARISONS[operation](a.array, b.array), numeric=False)
        most = _MOST[operation](a, b) if operation in _MOST else None
        if most is None or most >= (_MOST_INTEGER if are_whole else _MOST_FLOAT):
            raise _NotSure
        result = getattr(operator, operation)(a.array, b.array)
        may_vanish = operation in ("mul", "truediv") and result.dtype.kind == "f"
        if may_vanish and ((result == 0) & (a.array != 0) & (b.array != 0)).any():
            raise _NotSure
        return _Column(result, most)


def _sum(a: _Column, b: _Column) -> Any:
    return a.most + b.most


def _product(a: _Column, b: _Column) -> Any:
    return a.most * b.most


def _quotient(a: _Column, b: _Column) -> Any:
    """Of numbers that floats hold: the float next to the quotient is then what `/` is."""
    small = max(a.most, b.most) < _MOST_FLOAT
    return a.most / abs(b.array).min().item() if small and b.array.all() else None


def _whole_quotient(a: _Column, b: _Column) -> Any:
    return a.most if a.is_whole and b.is_whole and b.array.all() else None


def _remainder(a: _Column, b: _Column) -> Any:
    return b.most if a.is_whole and b.is_whole and b.array.all() else None


#: The largest magnitude that an operation may come to; None where arrays have no exact one.
_MOST: Mapping[str, Callable[[_Column, _Column], Any]] = {
    "add": _sum,
    "sub": _sum,
    "mul": _product,
    "truediv": _quotient,
    "floordiv": _whole_quotient,
    "mod": _remainder,
}


def _column(values: Any) -> _Column:
    """The column of integers or floats; of others `_NotSure` is raised."""
    numpy = numpy_in_use()  # who has no arrays needs none
    if numpy is None:
        raise _NotSure
    if not isinstance(values, numpy.ndarray):
        if not set(map(type, values)) <= {int, float}:
            raise _NotSure
        values = numpy.array(values)
    if values.dtype.kind not in "iuf":
        raise _NotSure
    whole = values.dtype.kind != "f"
    most = max(abs(values.max().item()), abs(values.min().item())) if values.size else 0
    if not most < (_MOST_INTEGER if whole else _MOST_FLOAT):  # nor where it is no number
        raise _NotSure
    return _Column(values.astype("int64" if whole else "float64", copy=False), most)


def _operand(value: Any) -> _Column:
    """A column, or a number as one."""
    if isinstance(value, _Column):
        return value
    import numpy

    if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) >= 2**63:
        raise _NotSure
    return _Column(numpy.asarray(value), abs(value))


def _plain(column: Any) -> Any:
    """A column with Python's own numbers in it."""
    return column.tolist() if hasattr(column, "tolist") else column
