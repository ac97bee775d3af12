"""Numbers that record what was done to them, so that it can be done again to other numbers.

`expand` and `analyze` run once on the variables of one network, each a `Traced` number. It has the
variable's value, so that every question has an answer; what was asked becomes a guard. The same
operations hold for all variables that answer the guards alike: these networks have one structure,
and their figures come from the operations alone (King 1976, "Symbolic execution and program
testing", of one path at a time).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.arithmetic import (
    CONDITIONS,
    OPERATIONS,
    Symbolic,
    exact,
    is_number,
    known,
    nearest,
    power,
)


class Guard(NamedTuple):
    """A condition that was asked, and whether it held."""

    condition: Traced
    held: bool


class Tape:
    """What was done to some numbers, each operation once, in an order in which it can be done."""

    __slots__ = ("_known", "guards", "inputs", "numbers")

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self._known: dict[Any, Traced] = {}
        #: Every number, its operands before it.
        self.numbers: list[Traced] = []
        #: What was asked, in the order of asking; each question once.
        self.guards: dict[Traced, Guard] = {}
        self.inputs = {
            name: self._number(INPUT, (name, type(value)), value, type(value) is int)
            for name, value in inputs.items()
        }

    def variables(self) -> dict[str, Any]:
        """What rules run on: the inputs.

        Where one is so large, or so near to 0, that results ask for long fractions, their values;
        the tape is of these alone.
        """
        if all(number.is_usual() for number in self.inputs.values()):
            return dict(self.inputs)
        return {name: number.known() for name, number in self.inputs.items()}

    def _number(self, operation: str, operands: tuple[Any, ...], value: Any, whole: bool) -> Traced:
        number = Traced(self, len(self.numbers), operation, operands, value, whole)
        self.numbers.append(number)
        return number

    def record(self, operation: str, operands: tuple[Any, ...]) -> Any:
        """The result of an operation: a number that is known already, or a new one."""
        operation, operands = _shifted(operation, operands)
        if not any(isinstance(each, Traced) for each in operands):
            return _worth(operation, operands)
        simple = _simplified(operation, operands)
        if simple is not None:
            return simple
        if operation in _COMMUTATIVE and _order(operands[0]) > _order(operands[1]):
            operands = operands[::-1]
        key = (operation, *[_key(each) for each in operands])
        number = self._known.get(key)
        if number is None:
            values = [each.worth if isinstance(each, Traced) else each for each in operands]
            if operation in _DIVISORS and isinstance(by := operands[_DIVISORS[operation]], Traced):
                _holds_zero(by)
            try:
                worth = _worth(operation, values)
            except (OverflowError, ValueError):
                for each in self.inputs.values():
                    each.known()  # of others it is not known whether it goes wrong
                raise
            whole = _is_whole(operation, operands)
            number = self._known[key] = self._number(operation, operands, worth, whole)
        return number

    def ask(self, condition: Traced) -> bool:
        """Whether a condition holds; from now on the tape is of numbers for which that is so."""
        if condition.operation == "denied":
            return not self.ask(condition.operands[0])
        held = bool(condition.worth)
        if condition not in self.guards:
            self.guards[condition] = Guard(condition, held)
        return held


#: The operation of a number that stands for a variable; its operands are the name and the type.
INPUT = "input"

#: Where operations have what they divide by: none that is 0, which is asked before.
_DIVISORS: Mapping[str, int] = {
    "divides": 0,
    "floordiv": 1,
    "mod": 1,
    "truediv": 1,
    "ceil_div": 1,
    "exact_div": 1,
    "nearest_multiple": 1,
}
_COMMUTATIVE = frozenset(("add", "mul", "maximum", "minimum", "equal", "gcd", "both", "either"))
#: Operations that make integers, whatever they are done to.
_TO_WHOLE = frozenset(
    ("floor", "ceil", "round", "ceil_div", "exact_div", "gcd", "scaled", "nearest_multiple")
)
#: Operations that make integers of integers.
_OF_WHOLE = frozenset(
    ("add", "sub", "mul", "floordiv", "mod", "maximum", "minimum", "where", "pow")
)


#: Powers of more factors are worked out for one base alone, and no longer ones than of so many
#: bits.
_MOST_FACTORS, _MOST_BITS = 16, 2**16
#: Floats hold all integers below, and expressions all numbers of so few bits.
_FINE, _FEW_BITS = 2**53, 900


class Traced(Symbolic):
    """A number, or a condition, on a tape. `worth` is its value for the variables of the trace."""

    __slots__ = ("bits", "index", "is_whole", "operands", "operation", "tape", "worth")

    def __init__(
        self,
        tape: Tape,
        index: int,
        operation: str,
        operands: tuple[Any, ...],
        worth: Any,
        is_whole: bool,
    ) -> None:
        self.tape, self.index = tape, index
        self.operation, self.operands = operation, operands
        self.worth = worth
        #: Whether it is an integer for all variables.
        self.is_whole = is_whole
        #: Its size is below 2 to the power of this, whatever the variables; None: not known.
        self.bits = _bits(operation, operands)

    @property
    def numeric(self) -> bool:  # type: ignore[override]
        return not isinstance(self.worth, bool)

    @property
    def value(self) -> Any:  # type: ignore[override]
        """The value, for a text: what it decides is no guard."""
        return self.worth

    def known(self) -> Any:
        """The value, on which what follows may hang: the tape is of this one alone."""
        if not self.numeric:
            return self.truth()
        self.tape.ask(self.tape.record("equal", (self, self.worth)))
        return self.worth

    def truth(self) -> bool:
        if self.numeric:
            return not _holds(self.tape.record("equal", (self, 0)))
        return self.tape.ask(self)

    def as_whole(self) -> Any:
        if self.is_whole:
            return self
        down = self.tape.record("floor", (self,))
        return down if _holds(self.tape.record("equal", (self, down))) else None

    def apply(self, operation: str, *operands: Any) -> Any:
        if operation == "round" and operands[1] is None:
            operands = operands[:1]
        if operation == "round" and len(operands) > 1:
            return nearest(self.known(), operands[1])
        if operation == "pow":
            return self.raised(*operands)
        return self.tape.record(operation, operands)

    def raised(self, base: Any, exponent: Any, bits: int = _MOST_BITS) -> Any:
        """A power, whose exponent is known: a product where it is one of integers."""
        times = known(exponent)
        if _is_integer(base) and _is_integer(times) and 0 <= times <= _MOST_FACTORS:
            result: Any = 1
            for _ in range(times):
                result = result * base
            return result
        return power(known(base), times, bits)

    def large(self) -> Any:
        """The value, where it may be too long for an expression, which is asked; else None."""
        is_short = self.bits is not None and self.bits <= _FEW_BITS
        return None if is_short or self._is_between(-_FINE, _FINE) else self.known()

    def is_usual(self) -> bool:
        """Whether what is made of it is short, which is asked: of floats, those above 0."""
        return self._is_between(-_FINE if self.is_whole else 1 / _FINE, _FINE)

    def _is_between(self, low: float, high: float) -> bool:
        """Whether it lies between numbers of floats, which is asked."""
        is_one = _holds(self > low) and _holds(self < high)
        if is_one:
            self.bits = _FINE.bit_length()
        return is_one

    def __bool__(self) -> bool:
        return self.truth()

    def __index__(self) -> int:
        number = self.known()
        if not isinstance(number, int):
            raise TypeError("a number that is no integer has no place")
        return number

    def __int__(self) -> int:
        return int(exact(self.known()))

    def __float__(self) -> float:
        return float(self.known())

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not is_number(other):
            return NotImplemented
        return _holds(self.tape.record("equal", (self, other)))

    def __hash__(self) -> int:
        return hash((_HASH, id(self.tape), self.index))

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)

    def __str__(self) -> str:
        return str(self.value)

    def __repr__(self) -> str:
        return f"<{self.worth} by {self.operation}>"


#: Keeps the hash of a number apart from those of integers.
_HASH = "traced"


def _worth(operation: str, values: Sequence[Any]) -> Any:
    """The result of an operation on values."""
    if operation in CONDITIONS:
        return bool(CONDITIONS[operation](*map(exact, values)))
    return OPERATIONS[operation](*values)


def _holds(condition: Any) -> bool:
    return condition.tape.ask(condition) if isinstance(condition, Traced) else bool(condition)


def _key(operand: Any) -> Any:
    """What tells one operand from another: a number by its place, 1 from 1.0 from True."""
    return (None, operand.index) if isinstance(operand, Traced) else (type(operand), operand)


def _order(operand: Any) -> int:
    return operand.index if isinstance(operand, Traced) else -1


def _is_integer(operand: Any) -> bool:
    if isinstance(operand, Traced):
        return operand.is_whole
    return isinstance(operand, int) and not isinstance(operand, bool)


def _is_whole(operation: str, operands: tuple[Any, ...]) -> bool:
    """Whether an operation makes an integer of all that its operands may be."""
    if operation in _TO_WHOLE:
        return True
    numbers = operands[1:] if operation == "where" else operands
    return operation in _OF_WHOLE and all(map(_is_integer, numbers))


def _bits(operation: str, operands: tuple[Any, ...]) -> int | None:
    """How many bits the whole part of a result has at the most; None where that is not known."""
    if operation == INPUT or operation in CONDITIONS:
        return None
    sizes = [_bits_of(each) for each in (operands[1:] if operation == "where" else operands)]
    if operation in _QUOTIENTS and not _is_integer(operands[1]):
        # Divided by less than 1 it grows.
        sizes[1] = None if isinstance(operands[1], Traced) else _bits_of(1 / operands[1])
        operation = "mul"
    known_sizes = [each for each in sizes if each is not None]
    if len(known_sizes) < len(sizes):
        return None
    return (sum if operation in ("mul", "scaled") else max)(known_sizes) + 2


def _bits_of(operand: Any) -> int | None:
    return operand.bits if isinstance(operand, Traced) else int(abs(operand)).bit_length()


_QUOTIENTS = frozenset(("truediv", "floordiv"))


def _simplified(operation: str, operands: tuple[Any, ...]) -> Any:
    """The result of an operation that changes nothing, or has one result for all; else None.

    Integers only: of floats `x − x` is 0.0.
    """
    if len(operands) == 1:
        (a,) = operands
        is_done = operation in ("floor", "ceil", "round") and _is_integer(a)
        return a if is_done else None
    if len(operands) == 3:
        if operation == "where" and operands[1] is operands[2]:
            return operands[1]
        return None
    a, b = operands
    if operation in ("both", "either"):
        return _settled(operation, a, b)
    if not (_is_integer(a) and _is_integer(b)):
        return None
    if type(a) is int and operation in ("add", "mul"):
        a, b = b, a
    if type(b) is int:
        if b == 0 and operation in ("add", "sub"):
            return a
        if b == 1 and operation in ("mul", "floordiv", "ceil_div", "exact_div"):
            return a
        if b == 0 and operation == "mul":
            return 0
    if type(a) is int and a == 1 and operation == "divides":
        return True
    if operation == "gcd" and (_same(a, 1) or _same(b, 1)):
        return 1
    if a is b and operation in ("maximum", "minimum"):
        return a
    if a is b and operation in _OF_EQUALS:
        return _OF_EQUALS[operation]
    if operation in ("floordiv", "exact_div", "ceil_div", "divides"):
        return _undone(operation, a, b)
    return None


def _shifted(operation: str, operands: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """An operation on integers, what is added to a number put together: x + 1 − 1 is x.

    Sizes lose and gain again what padding adds, and are the same number in the end.
    """
    if operation not in _OF_DIFFERENCES or not all(map(_is_integer, operands)):
        return operation, operands
    (a, more), (b, less) = map(_apart, operands)
    if operation == "add" and (a is None or b is None):
        return "add", (more + less, a if b is None else b)
    if operation == "sub" and b is None:
        return "add", (more - less, a)
    if a is b:
        return operation, (more, less) if operation != "add" else operands
    if operation not in ("add", "sub"):
        if b is None:
            return operation, (a, less - more)
        if a is None:
            return operation, (more - less, b)
    return operation, operands


#: Operations that hang on what is added to their operands in a way that can be said before.
_OF_DIFFERENCES = frozenset(("add", "sub", "lt", "le", "gt", "ge", "equal"))


def _apart(number: Any) -> tuple[Traced | None, int]:
    """An integer as a number and what is added to it; None for no number."""
    if not isinstance(number, Traced):
        return None, number
    if number.operation == "add" and type(number.operands[0]) is int:
        return number.operands[1], number.operands[0]
    return number, 0


#: What operations make of a number and itself.
_OF_EQUALS: Mapping[str, Any] = {"sub": 0, "equal": True, "le": True, "ge": True} | {
    "lt": False,
    "gt": False,
}


def _settled(operation: str, a: Any, b: Any) -> Any:
    """Both or either of two conditions, where one settles it or says nothing."""
    for one, other in ((a, b), (b, a)):
        if isinstance(one, bool):
            return other if one is (operation == "both") else one
    return a if a is b else None


def _undone(operation: str, a: Any, b: Any) -> Any:
    """What is left of a product that is divided by one of its factors, which is not 0."""
    whole, by = (b, a) if operation == "divides" else (a, b)
    left = None
    if whole is by:
        left = 1
    elif isinstance(whole, Traced) and whole.operation == "mul":
        first, second = whole.operands
        left = second if _same(first, by) else first if _same(second, by) else None
    if left is None or _holds_zero(by):
        return None
    return True if operation == "divides" else left


def _same(a: Any, b: Any) -> bool:
    return a is b or (type(a) is int and type(b) is int and a == b)


def _holds_zero(number: Any) -> bool:
    """Whether a divisor is 0, which is asked of one that a variable is in."""
    if not isinstance(number, Traced):
        return bool(number == 0)
    at_least_1 = number.tape.guards.get(number >= 1)
    is_positive = at_least_1 is not None and at_least_1.held
    return not is_positive and _holds(number.tape.record("equal", (number, 0)))


def needed(wanted: Iterable[Any]) -> Iterator[Traced]:
    """The numbers that some numbers are made of, themselves among them, operands first."""
    waiting = [each for each in wanted if isinstance(each, Traced)]
    found: dict[int, Traced] = {}
    while waiting:
        number = waiting.pop()
        if number.index not in found:
            found[number.index] = number
            waiting += [each for each in number.operands if isinstance(each, Traced)]
    for index in sorted(found):
        yield found[index]
