"""The code of a group for numbers of one machine word: what numpy and numba replay.

Ranges say which numbers are integers that 64 bits hold, and which are floats that are Python's own;
where they cannot, there is no such code, and Python's integers do it (`convcalc.search.replay`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcalc.search.ranges import FALSE, FINE, OPEN, Range, ranges
from convcalc.search.replay import Straight
from convcalc.trace import INPUT, Traced, needed

#: What one slot has: a 64-bit integer, a double, or a truth value.
Kind = str
INTEGER, FLOAT, TRUTH = "int64", "float64", "bool"


#: Steps of a small number stay below 2³¹: a multiple is no further than twice from what is near it.
_SMALL = 2**29


class Slot(NamedTuple):
    """The result of an instruction, by its place."""

    place: int


class Instruction(NamedTuple):
    """What is done to slots and constants: the names of numpy's functions, and a few of ours."""

    name: str
    operands: tuple[Any, ...]
    kind: Kind
    #: Whether 32 bits hold the integer that it makes, as they do most.
    is_small: bool = False


class Wide(Exception):  # noqa: N818 - no mistake: another way is taken
    """Some number is no machine word for all of the settings."""


class Code(NamedTuple):
    """Instructions in order; the first `deciding` of them are what the guards take."""

    instructions: tuple[Instruction, ...]
    #: The names of the inputs, by the places of their slots.
    inputs: Mapping[int, str]
    deciding: int
    #: The conditions that are open, and whether they are to hold.
    guards: tuple[tuple[Slot, bool], ...]
    figures: tuple[Any, ...]


def lowered(code: Straight, box: Mapping[str, Range], *, has_floats: bool = False) -> Code | None:
    """The code for settings in a box; None where no setting there is of the group.

    Figures are integers; with `has_floats` they may be floats and truth values too. Raises Wide
    where 64 bits do not do.
    """
    conditions = [guard.condition for guard in code.guards]
    known = ranges(needed(conditions), box)
    if any(known[each.index] == (FALSE if held else (1, 1, 1.0)) for each, held in code.guards):
        return None
    left = [guard for guard in code.guards if known[guard.condition.index] == OPEN]
    # What pins a number is cheap, and tells most settings of other groups.
    left.sort(key=lambda guard: (not guard.held, guard.condition.operation != "equal"))
    numbers = list(needed([*[each.condition for each in left], *code.figures]))
    machine = _Machine(ranges(numbers, box))
    guards = [(machine.slot(guard.condition), guard.held) for guard in left]
    deciding = len(machine.instructions)
    figures = tuple(machine.figure(each, has_floats) for each in code.figures)
    return Code(tuple(machine.instructions), machine.inputs, deciding, tuple(guards), figures)


class _Machine:
    """Writes instructions, each once."""

    def __init__(self, known: Mapping[int, Range]) -> None:
        self.instructions: list[Instruction] = []
        self.inputs: dict[int, str] = {}
        self._ranges = known
        self._slots: dict[int, Any] = {}
        self._written: dict[Instruction, Slot] = {}
        #: Whether the number that is being written is small, and all that its steps make.
        self._is_small = False

    def figure(self, number: Any, may_be_float: bool) -> Any:
        """Where a figure is, which is an integer unless it may be something else."""
        if isinstance(number, Traced):
            if not (number.is_whole or may_be_float):
                raise Wide  # Python says which kind of number it is
            return self.slot(number)
        if not isinstance(number, int) or abs(number) >= 2**63:
            raise Wide
        return number

    def slot(self, wanted: Traced) -> Any:
        """Where a number is, after all that it takes."""
        for number in needed([wanted]):
            if number.index not in self._slots:
                self._slots[number.index] = self._lowered(number)
        return self._slots[wanted.index]

    def write(self, name: str, kind: Kind, *operands: Any) -> Slot:
        instruction = Instruction(name, operands, kind, kind == INTEGER and self._is_small)
        # 1 and 1.0 are equal as keys, and are of two kinds of code.
        key = instruction._replace(operands=tuple((type(each), each) for each in operands))
        slot = self._written.get(key)
        if slot is None:
            slot = self._written[key] = Slot(len(self.instructions))
            self.instructions.append(instruction)
        return slot

    def _kind(self, operand: Any) -> Kind:
        if not isinstance(operand, Traced):
            if isinstance(operand, int) and abs(operand) < 2**63:
                return INTEGER
            if isinstance(operand, float) and abs(operand) < FINE:
                return FLOAT
            raise Wide
        if not operand.numeric:
            return TRUTH
        low, high, _ = self._ranges[operand.index]
        if operand.is_whole and low > -(2**63) and high < 2**63:
            return INTEGER
        if not operand.is_whole and low > -FINE and high < FINE:
            return FLOAT
        raise Wide

    def _is_below(self, operand: Any) -> bool:
        """Whether an operand is a small number."""
        if not isinstance(operand, Traced):
            return bool(abs(operand) < _SMALL)
        low, high, _ = self._ranges[operand.index]
        return bool(low > -_SMALL and high < _SMALL)

    def _at(self, operand: Any) -> Any:
        """An operand as it is."""
        self._kind(operand)
        return self._slots[operand.index] if isinstance(operand, Traced) else operand

    def _float(self, operand: Any) -> Any:
        """An operand as a double, which is the same number."""
        kind = self._kind(operand)
        if not isinstance(operand, Traced):
            if abs(operand) >= FINE:
                raise Wide
            return float(operand)
        if kind == FLOAT:
            return self._at(operand)
        low, high, _ = self._ranges[operand.index]
        if not (low > -FINE and high < FINE):
            raise Wide
        return self.write("float", FLOAT, self._at(operand))

    def _alike(self, *operands: Any) -> list[Any]:
        """Operands of one kind."""
        if all(self._kind(each) == INTEGER for each in operands):
            return [self._at(each) for each in operands]
        return [self._float(each) for each in operands]

    def _lowered(self, number: Traced) -> Any:
        kind = self._kind(number)
        operation, operands = number.operation, number.operands
        numbers = [number, *(operands if operation in _LOWERED else ())]
        self._is_small = all(map(self._is_below, numbers))
        if operation == INPUT:
            slot = self.write(INPUT, kind, operands[0])
            self.inputs[slot.place] = operands[0]
            return slot
        if operation in _LOWERED:
            return _LOWERED[operation](self, *operands)
        if operation in _CONDITIONS:
            return self.write(_CONDITIONS[operation], TRUTH, *map(self._at, operands))
        if operation == "where":
            condition, *others = operands
            if self._kind(condition) != TRUTH:
                raise Wide
            both = self._alike(*others) if kind == INTEGER else map(self._float, others)
            return self.write("where", kind, self._at(condition), *both)
        if kind == TRUTH:
            return self.write(_COMPARED[operation], TRUTH, *self._alike(*operands))
        if operation not in _ARITHMETIC:
            raise Wide
        both = self._alike(*operands) if kind == INTEGER else [*map(self._float, operands)]
        return self.write(_ARITHMETIC[operation], kind, *both)

    def whole(self, *operands: Any) -> list[Any]:
        """Operands that must be integers."""
        if any(self._kind(each) != INTEGER for each in operands):
            raise Wide
        return [self._at(each) for each in operands]

    def quotient(self, a: Any, b: Any) -> Slot:
        """⌊a / b⌋ of integers."""
        if isinstance(b, int) and b > 0 and b & (b - 1) == 0:
            return self.write("right_shift", INTEGER, a, b.bit_length() - 1)
        return self.write("floor_divide", INTEGER, a, b)


def _floordiv(machine: _Machine, a: Any, b: Any) -> Slot:
    return machine.quotient(*machine.whole(a, b))


def _ceil_div(machine: _Machine, a: Any, b: Any) -> Slot:
    a, b = machine.whole(a, b)
    negated = machine.write("subtract", INTEGER, 0, a)
    return machine.write("subtract", INTEGER, 0, machine.quotient(negated, b))


def _mod(machine: _Machine, a: Any, b: Any) -> Slot:
    return machine.write("remainder", INTEGER, *machine.whole(a, b))


def _gcd(machine: _Machine, a: Any, b: Any) -> Slot:
    return machine.write("gcd", INTEGER, *machine.whole(a, b))


def _divides(machine: _Machine, a: Any, b: Any) -> Slot:
    return machine.write("equal", TRUTH, _mod(machine, b, a), 0)


def _truediv(machine: _Machine, a: Any, b: Any) -> Slot:
    return machine.write("true_divide", FLOAT, machine._float(a), machine._float(b))


def _scaled(machine: _Machine, n: Any, factor: Any) -> Slot:
    if machine._kind(factor) == INTEGER:
        return machine.write("multiply", INTEGER, *machine.whole(n, factor))
    product = machine.write("multiply", FLOAT, machine._float(n), machine._float(factor))
    return machine.write("int", INTEGER, machine.write("floor", FLOAT, product))


def _rounded(name: str) -> Any:
    def lower(machine: _Machine, x: Any) -> Slot:
        return machine.write("int", INTEGER, machine.write(name, FLOAT, machine._float(x)))

    return lower


def _nearest_multiple(machine: _Machine, v: Any, divisor: Any, least: Any) -> Slot:
    """`arithmetic.nearest_multiple`, step by step."""
    by, bottom = machine.whole(divisor, least)
    value = machine._float(v)
    half = (
        by / 2
        if isinstance(by, int)
        else machine.write("true_divide", FLOAT, machine._float(divisor), 2.0)
    )
    whole = machine.write("int", INTEGER, machine.write("add", FLOAT, value, half))
    down = machine.write("multiply", INTEGER, machine.quotient(whole, by), by)
    result = machine.write("maximum", INTEGER, down, bottom)
    share = machine.write("multiply", FLOAT, value, 0.9)
    is_low = machine.write("less", TRUTH, machine.write("float", FLOAT, result), share)
    return machine.write(
        "where", INTEGER, is_low, machine.write("add", INTEGER, result, by), result
    )


_LOWERED: Mapping[str, Any] = {
    "floordiv": _floordiv,
    "exact_div": _floordiv,
    "ceil_div": _ceil_div,
    "mod": _mod,
    "gcd": _gcd,
    "divides": _divides,
    "truediv": _truediv,
    "scaled": _scaled,
    "floor": _rounded("floor"),
    "ceil": _rounded("ceil"),
    "round": _rounded("rint"),
    "nearest_multiple": _nearest_multiple,
}
_ARITHMETIC = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "maximum": "maximum",
    "minimum": "minimum",
}
_COMPARED = {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "equal": "equal",
}
_CONDITIONS = {"denied": "logical_not", "both": "logical_and", "either": "logical_or"}
