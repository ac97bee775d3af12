"""The arithmetic that layer rules and the expressions of the spec language are written in.

A rule uses `+ - * //` and the helpers below, and nothing else, so that one rule runs on three kinds
of number: Python integers (exact at any size), numpy integer arrays (many configurations at once)
and symbols (`convcalc.symbolic`, which record the formula that ran). Signatures say `int`; arrays
and symbols behave like one.

The expressions add fractions. They are Python's floats below 2⁵³, as long as those hold every
integer. From there on a float stands for the number that its text says (`1e23` is 10²³), and a
result is an `int` where it is whole, else a `fractions.Fraction`: no rounding makes it whole.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import reduce, wraps
from typing import Any, TypeVar, cast


class Refusal(ValueError):  # noqa: N818 - a rule refuses; nothing went wrong
    """A rule or a field refuses a value: one short sentence, and where to look.

    `code` names the kind of mistake, `field` the layer's field that carries the offending value
    (None: the layer as a whole), `label` the few words that stand beside the caret, `help` what
    would be right.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "bad-value",
        field: str | None = None,
        label: str = "",
        help: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.label, self.help = message, label, help
        self.code, self.field = code, field


def require(
    condition: Any,
    message: str,
    *,
    code: str,
    field: str | None = None,
    label: str = "",
    help: str | Callable[[], str] = "",
    **values: Any,
) -> None:
    """Raise `Refusal` unless `condition` holds.

    A condition on symbols whose values are open cannot fail; one on arrays must hold everywhere,
    and does not say where it fails. The texts are templates filled with `values` (a callable one is
    called), so that a rule that does not fail formats nothing.
    """
    if condition is True or holds(condition):
        return
    if getattr(condition, "ndim", 0):
        raise Refusal("some of these configurations are refused", code=code, field=field)
    known = {name: value() if callable(value) else value for name, value in values.items()}
    advice = help() if callable(help) else help
    message, label, advice = (text.format(**known) for text in (message, label, advice))
    raise Refusal(message, code=code, field=field, label=label, help=advice)


def holds(condition: Any) -> bool:
    """Whether a condition is true, true everywhere (arrays), or not known to be false (symbols)."""
    if isinstance(condition, bool):
        return condition
    if isinstance(condition, Symbolic):
        return condition.truth() is not False
    return bool(condition.all())


def product(numbers: Iterable[int]) -> int:
    """The product of `numbers`; 1 for none."""
    return reduce(operator.mul, numbers, 1)


def _operator(operation: str) -> Callable[..., Any]:
    """A method of symbols that records an operation on the symbol and what else it is given."""

    def method(self: Symbolic, *others: Any) -> Any:
        return self.apply(operation, self, *others)

    return method


def _reflected(operation: str) -> Callable[..., Any]:
    """A method of symbols that records an operation whose second operand the symbol is."""

    def method(self: Symbolic, other: Any) -> Any:
        return self.apply(operation, other, self)

    return method


class Symbolic:
    """A number, or a condition on numbers, that records what was done to it.

    `convcalc.symbolic` has formulas. A kind of its own says in `apply` what each operation makes of
    it: the operators by their names in `operator`, the others by those of the helpers below.
    """

    __slots__ = ()

    #: Whether it is a number; a condition is none.
    numeric = True
    #: The number, where every symbol in it has one; else None.
    value: int | None

    def apply(self, operation: str, *operands: Any) -> Any:
        """The result of an operation on `operands`, of which this is one."""
        raise NotImplementedError

    def truth(self) -> Any:
        """Whether it counts as true: True, False, or a condition that is open."""
        return denied(equal(self, 0))

    def known(self) -> Any:
        """The number, where what follows is no arithmetic; itself where it has none."""
        return self

    def raised(self, base: Any, exponent: Any, bits: int) -> Any:
        """`power` of two numbers of which this is one."""
        number, times = value_of(base), value_of(exponent)
        if isinstance(times, int):
            _check_power(2 if number is None else number, times, bits)
        return base**exponent

    def large(self) -> Any:
        """The number, where it may be longer than an expression allows; else None."""
        return self.value

    def as_whole(self) -> Any:
        """The same as a whole number; None where it is none."""
        return self

    def __index__(self) -> int:
        """The number, where only one will do: a place in a list, the turns of a loop.

        Raises TypeError where it is open.
        """
        return operator.index(self.value)  # type: ignore[arg-type]

    __add__, __radd__ = _operator("add"), _reflected("add")
    __sub__, __rsub__ = _operator("sub"), _reflected("sub")
    __mul__, __rmul__ = _operator("mul"), _reflected("mul")
    __truediv__, __rtruediv__ = _operator("truediv"), _reflected("truediv")
    __floordiv__, __rfloordiv__ = _operator("floordiv"), _reflected("floordiv")
    __mod__, __rmod__ = _operator("mod"), _reflected("mod")
    __pow__, __rpow__ = _operator("pow"), _reflected("pow")
    __lt__, __le__ = _operator("lt"), _operator("le")
    __gt__, __ge__ = _operator("gt"), _operator("ge")
    __and__, __or__ = _operator("both"), _operator("either")
    __floor__, __ceil__ = _operator("floor"), _operator("ceil")

    def __neg__(self) -> Any:
        return 0 - self

    def __abs__(self) -> Any:
        return where(self >= 0, self, -self)

    def __trunc__(self) -> Any:
        return where(self >= 0, math.floor(self), math.ceil(self))

    def __round__(self, digits: Any = None) -> Any:
        return self.apply("round", self, digits)


_Helper = TypeVar("_Helper", bound=Callable[..., Any])


def _recorded(function: _Helper) -> _Helper:
    """A helper that symbols record: the function itself is of numbers alone."""
    operation = function.__name__

    @wraps(function)
    def helper(*operands: Any) -> Any:
        for operand in operands:
            if isinstance(operand, Symbolic):
                return operand.apply(operation, *operands)
        return function(*operands)

    return cast(_Helper, helper)


def value_of(number: Any) -> Any:
    """The number behind a symbol, None where it is open; any other number as it is.

    For a text, or where it decides nothing: else see `decided`.
    """
    return number.value if isinstance(number, Symbolic) else number


def known(value: Any) -> Any:
    """A value as it is used where no rule calculates with it, those in a list too."""
    if isinstance(value, tuple):
        return tuple(map(known, value))
    return value.known() if isinstance(value, Symbolic) else value


def decided(number: Any) -> Any:
    """The number behind a symbol, where what follows hangs on it; None where it is open."""
    return value_of(known(number))


@_recorded
def ceil_div(a: int, b: int) -> int:
    """⌈a / b⌉, for b > 0."""
    return -(-a // b)


@_recorded
def exact_div(a: int, b: int) -> int:
    """a / b, where a rule has already required that b divides a."""
    return a // b


@_recorded
def scaled(n: int, factor: float) -> int:
    """⌊n·factor⌋, the product rounded as PyTorch's is (a double); exact for a whole factor."""
    if factor == int(factor):
        return n * int(factor)
    if isinstance(n, int):
        # A double holds no larger integer exactly, and no network has such a size.
        if n.bit_length() <= 53:
            return math.floor(n * factor)
        numerator, denominator = factor.as_integer_ratio()
        return n * numerator // denominator
    import numpy

    return numpy.floor(n * factor).astype(n.dtype)


@_recorded
def divides(a: int, b: int) -> Any:
    """Whether a divides b: a truth value, an array of them, or an open condition."""
    return b % a == 0


@_recorded
def equal(a: Any, b: Any) -> Any:
    """Whether a and b are the same number: a truth value, an array, or an open condition."""
    return exact(a) == exact(b)


def truth(value: Any) -> Any:
    """Whether a value counts as true: True, False, or a condition that is open."""
    return value.truth() if isinstance(value, Symbolic) else bool(value)


def denied(condition: Any) -> Any:
    """Whether a condition does not hold: a truth value, or an open condition."""
    return (
        condition.apply("denied", condition) if isinstance(condition, Symbolic) else not condition
    )


def both(a: Any, b: Any) -> Any:
    """Whether two conditions hold: a truth value, or an open condition."""
    if a is False or b is False:
        return False
    if a is True or b is True:
        return b if a is True else a
    return a & b


def either(*conditions: Any) -> Any:
    """Whether a condition holds: a truth value, an array of them, or an open condition."""
    if any(condition is True for condition in conditions):
        return True
    unsettled = [condition for condition in conditions if condition is not False]
    return reduce(operator.or_, unsettled) if unsettled else False


def where(condition: Any, a: Any, b: Any) -> int:
    """a where the condition holds, else b."""
    if isinstance(condition, bool):
        return a if condition else b  # type: ignore[no-any-return]
    if isinstance(condition, Symbolic):
        return condition.apply("where", condition, a, b)  # type: ignore[no-any-return]
    result: int = condition * a + (1 - condition) * b
    return result


@_recorded
def maximum(a: int, b: int) -> int:
    """The larger of two numbers, fractions included."""
    return where(exact(a) >= exact(b), a, b)


@_recorded
def minimum(a: int, b: int) -> int:
    """The smaller of two numbers, fractions included."""
    return where(exact(a) <= exact(b), a, b)


def greatest(numbers: Collection[Any]) -> Any:
    """The largest of numbers, of which there are some."""
    if any(issubclass(kind, Symbolic) for kind in set(map(type, numbers))):
        return reduce(maximum, dict.fromkeys(numbers))
    return max(numbers)


@_recorded
def gcd(a: int, b: int) -> int:
    """The greatest common divisor of two positive numbers."""
    if isinstance(a, int) and isinstance(b, int):
        return math.gcd(a, b)
    import numpy

    return numpy.gcd(a, b)


# Of integers, floats and fractions (and of symbols, which record it)

#: Floats hold every integer below this, and not all of those above.
_COARSE = 2.0**53


def exact(number: Any) -> Any:
    """A float of 2⁵³ or more as the integer that its text says; anything else as it is."""
    if isinstance(number, float) and _COARSE <= abs(number) < math.inf:
        return int(_fraction(number))
    return number


def written(text: str) -> Any:
    """The number that digits with a point or an exponent say: a float, or exact from 2⁵³ on."""
    value = float(text)
    if not _COARSE <= value < math.inf:
        return value
    from fractions import Fraction

    return _kept(Fraction(text))


def exactly(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """One of `operator`'s operations on two numbers: Python's, and exact where floats are not.

    Where an operand or the result is 2⁵³ or more, or the result vanishes, it is worked out in
    fractions. A result beyond all floats, of floats, is infinite, as it is in Python.
    """

    def operate(a: Any, b: Any) -> Any:
        if isinstance(a, (int, float)) and isinstance(b, (int, float)):
            try:
                result = operation(a, b)
            except OverflowError:  # an integer is beyond all floats
                result = 0.0
            if isinstance(result, int):
                return result
            fine = -_COARSE < a < _COARSE and -_COARSE < b < _COARSE
            if result and fine and -_COARSE < result < _COARSE:
                return result
            if math.isinf(result):
                return result
        elif isinstance(a, Symbolic) or isinstance(b, Symbolic):
            return operation(a, b)
        return _kept(operation(_fraction(a), _fraction(b)))

    return operate


_exact_quotient = exactly(operator.truediv)


def divide(a: Any, b: Any) -> Any:
    """a / b: exact where b divides a, and no whole number where it does not."""
    if not (isinstance(a, int) and isinstance(b, int)):
        return _exact_quotient(a, b)
    try:
        result = a / b
    except OverflowError:
        result = math.inf
    if abs(result) < _COARSE and (not result.is_integer() or a % b == 0):
        return result
    return _kept(_fraction(a) / b)


def power(a: Any, b: Any, bits: int) -> Any:
    """a to the power of b. Raises OverflowError where an exact result has many more than `bits`.

    Raises Refusal for a root of a number that floats do not hold.
    """
    for each in (a, b):
        if isinstance(each, Symbolic):
            return each.raised(a, b, bits)
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        _check_power(a, b, bits)
        return a**b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        try:
            result = a**b
        except OverflowError:
            result = math.inf
        if isinstance(result, complex):
            return result
        if max(abs(a), abs(b), abs(result)) < _COARSE and (result or not a):
            return result
    exponent = _fraction(b)
    if exponent.denominator > 1:
        raise Refusal("of numbers beyond 2⁵³ there are whole powers only")
    base = _fraction(a)
    _check_power(max(abs(base.numerator), base.denominator), abs(exponent.numerator), bits)
    return _kept(base**exponent.numerator)


def _check_power(base: Any, exponent: int, bits: int) -> None:
    """Raise OverflowError for a power of more than `bits` bits, before it is worked out."""
    if (int(abs(base)).bit_length() - 1) * exponent > bits:
        raise OverflowError


def floor(x: Any) -> Any:
    """⌊x⌋, an integer."""
    return math.floor(exact(x))


def ceil(x: Any) -> Any:
    """⌈x⌉, an integer."""
    return math.ceil(exact(x))


def truncate(x: Any) -> Any:
    """The integer next to x on the side of 0, as Python's `int`."""
    return math.trunc(exact(x))


def nearest(x: Any, digits: int | None = None) -> Any:
    """x to a number of decimal digits, a half to the even neighbour, as Python's `round`."""
    result = round(exact(x), digits)
    return result if isinstance(result, (int, float, Symbolic)) else _kept(result)


def make_divisible(v: Any, divisor: Any = 8, min_value: Any = None) -> Any:
    """The nearest multiple of `divisor`, not below `min_value`, nor below 90 % of `v`: an integer.

    Sandler et al. 2018's released code, `_make_divisible`: to the last digit in Python's floats
    below 2⁵³, exact above.
    """
    return nearest_multiple(v, divisor, divisor if min_value is None else min_value)


@_recorded
def nearest_multiple(v: Any, divisor: Any, least: Any) -> Any:
    """`make_divisible`, with a value for each of what it may be told."""
    share: Any = 0.9
    if not (_is_fine(v) and _is_fine(divisor) and _is_fine(least)):
        v, divisor, least, share = map(_fraction, (v, divisor, least, share))
    result = max(least, int(v + divisor / 2) // divisor * divisor)
    if result < share * v:
        result += divisor
    return int(result)


def is_fraction(value: Any) -> bool:
    """Whether a value is a `fractions.Fraction`, without the import that most runs never need."""
    # A thread may be importing it: before it has the class there are none.
    kind = getattr(sys.modules.get("fractions"), "Fraction", None)
    return kind is not None and isinstance(value, kind)


def is_number(value: Any) -> bool:
    """Whether a value is a number, or a symbol for one; truth values and conditions are none."""
    kind = type(value)
    if kind is int or kind is float:
        return True
    if isinstance(value, Symbolic):
        return value.numeric
    return is_fraction(value) or (isinstance(value, (int, float)) and kind is not bool)


def _is_fine(number: Any) -> bool:
    """Whether Python's floats are exact enough for a number."""
    return isinstance(number, (int, float)) and -_COARSE < number < _COARSE


def _fraction(number: Any) -> Any:
    """The fraction that a number is; of a float, that its text says."""
    from fractions import Fraction

    return Fraction(float.__repr__(number) if isinstance(number, float) else number)


def _kept(number: Any) -> Any:
    """An exact result as expressions keep it: a float, where no rounding makes that whole."""
    whole = number.denominator == 1
    if abs(number) < _COARSE and float(number).is_integer() == whole:
        return float(number)
    return int(number) if whole else number


#: What computes each operation that symbols record, on numbers.
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": exactly(operator.add),
    "sub": exactly(operator.sub),
    "mul": exactly(operator.mul),
    "floordiv": exactly(operator.floordiv),
    "mod": exactly(operator.mod),
    "truediv": divide,
    "ceil_div": ceil_div,
    "exact_div": exact_div,
    "gcd": gcd,
    "scaled": scaled,
    "floor": floor,
    "ceil": ceil,
    "round": nearest,
    "nearest_multiple": nearest_multiple,
    "maximum": maximum,
    "minimum": minimum,
    "where": where,
}

#: What decides each condition that symbols record, on numbers.
CONDITIONS: Mapping[str, Callable[..., bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "equal": operator.eq,
    "divides": divides,
    "denied": denied,
    "both": both,
    "either": either,
}
