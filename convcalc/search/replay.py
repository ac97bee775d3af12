"""The numbers of a group again, for other settings: as a Python function, exact at any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convcalc.arithmetic import CONDITIONS, OPERATIONS, Refusal, exact
from convcalc.search.factored import factored
from convcalc.search.groups import Group
from convcalc.trace import INPUT, Guard, Tape, Traced, needed


class Straight(NamedTuple):
    """What is left of a group when nothing is to be decided any more: guards, then figures."""

    tape: Tape
    guards: tuple[Guard, ...]
    #: Numbers of the tape, or integers; none of a group that is refused.
    figures: tuple[Any, ...]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the variables, which are those of the axes."""
        return tuple(self.tape.inputs)

    def numbers(self) -> list[Traced]:
        """All numbers that it takes, operands first."""
        conditions = [guard.condition for guard in self.guards]
        return list(needed([*conditions, *self.figures]))


def straight(group: Group) -> Straight:
    """The code of a group, its figures in few operations."""
    figures = list(group.figures.values()) if group.figures is not None else []
    return Straight(group.tape, group.guards, tuple(factored(group.tape, figures)))


#: Answers for the values of the inputs, in order: the figures, or None where a guard is not kept.
Answer = Callable[..., "tuple[Any, ...] | None"]

#: Operations that Python's own operators do, of integers.
_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%", "exact_div": "//"}
_COMPARED = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "equal": "=="}
#: What goes wrong in settings of other groups, which a guard that comes later would have excluded.
WRONG = (ArithmeticError, ValueError, TypeError, Refusal)


def function(code: Straight) -> Answer:
    """A Python function of the inputs, in their order."""
    lines: list[str] = []
    done: set[int] = set()

    def add(wanted: Sequence[Any]) -> None:
        """Write what some numbers take, each number once."""
        for number in needed(wanted):
            if number.index not in done and number.operation != INPUT:
                lines.append(f"v{number.index} = {_expression(number)}")
            done.add(number.index)

    for guard in code.guards:
        add([guard.condition])
        lines.append(f"if {'not ' if guard.held else ''}v{guard.condition.index}: return None")
    add(code.figures)
    lines.append(f"return ({''.join(_name(each) + ', ' for each in code.figures)})")
    inputs = ", ".join(_name(number) for number in code.tape.inputs.values())
    text = f"def answer({inputs}):\n" + "".join(f"    {line}\n" for line in lines)
    made: dict[str, Any] = {f"do_{name}": operation for name, operation in OPERATIONS.items()}
    made |= {f"is_{name}": condition for name, condition in CONDITIONS.items()}
    made |= {_name(each): each for number in code.numbers() for each in number.operands}
    # What is written there are names made here, and integers.
    made["exact"] = exact
    exec(text, made)
    answer: Answer = made["answer"]
    return answer


def _name(operand: Any) -> str:
    """An operand in the code; a constant by its type and all its signs."""
    if isinstance(operand, Traced):
        return f"v{operand.index}"
    if type(operand) is int:
        return f"({operand})"
    text = f"{type(operand).__name__} {operand!r}"
    return "c" + "".join(sign if sign.isalnum() else f"_{ord(sign)}_" for sign in text)


def _expression(number: Traced) -> str:
    operation = number.operation
    operands = [_name(each) for each in number.operands]
    whole = all(_is_whole(each) for each in number.operands)
    if whole and operation in _OPERATORS:
        return f"{operands[0]} {_OPERATORS[operation]} {operands[1]}"
    if operation in _COMPARED:
        a, b = (
            text if _is_whole(each) else f"exact({text})"
            for text, each in zip(operands, number.operands)
        )
        return f"{a} {_COMPARED[operation]} {b}"
    if operation in CONDITIONS:
        return f"is_{operation}({', '.join(operands)})"
    return f"do_{operation}({', '.join(operands)})"


def _is_whole(operand: Any) -> bool:
    return operand.is_whole if isinstance(operand, Traced) else type(operand) is int
