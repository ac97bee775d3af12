"""The code of a group, compiled by numba: one loop over the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.search.machine import FLOAT, INTEGER, Code, Instruction, Slot
from convcalc.trace import INPUT

#: How each instruction is written, with its operands.
_WRITTEN: Mapping[str, str] = {
    "add": "{} + {}",
    "subtract": "{} - {}",
    "multiply": "{} * {}",
    "true_divide": "{} / {}",
    "floor_divide": "{} // {}",
    "remainder": "{} % {}",
    "right_shift": "{} >> {}",
    "gcd": "gcd({}, {})",
    "maximum": "max({}, {})",
    "minimum": "min({}, {})",
    "less": "{} < {}",
    "less_equal": "{} <= {}",
    "greater": "{} > {}",
    "greater_equal": "{} >= {}",
    "equal": "{} == {}",
    "logical_not": "not {}",
    "logical_and": "{} & {}",
    "logical_or": "{} | {}",
    "where": "{1} if {0} else {2}",
    "floor": "floor({})",
    "ceil": "ceil({})",
    "rint": "rint({})",
    "int": "int64({})",
    "float": "float64({})",
}


class Compiled:
    """Runs one code, as `vectors.Replayed` does. Threads may share it."""

    def __init__(self, code: Code) -> None:
        self._names = list(code.inputs.values())
        self._run = _compiled(code)

    def run(self, columns: Mapping[str, Any], taken: Any, figures: Sequence[Any]) -> None:
        """Say which settings are of the group, and write their figures."""
        self._run(*[columns[name] for name in self._names], taken, *figures)


def text_of(code: Code) -> str:
    """The loop as Python code: names made here, and numbers."""
    inputs = [f"in{at}" for at in range(len(code.inputs))]
    outputs = [f"out{at}" for at in range(len(code.figures))]
    lines = [f"def run({', '.join([*inputs, 'taken', *outputs])}):"]
    lines.append("    for i in range(len(taken)):")
    number = iter(inputs)
    for place, each in enumerate(code.instructions):
        text = f"{next(number)}[i]" if each.name == INPUT else _expression(each)
        lines.append(f"        v{place} = {_narrowed(each, text)}")
    held = [f"v{slot.place}" if held else f"(not v{slot.place})" for slot, held in code.guards]
    lines.append(f"        ok = {' & '.join(held) or 'True'}")
    lines.append("        taken[i] = ok")
    for name, figure in zip(outputs, code.figures):
        value = _operand(figure)
        lines.append(f"        {name}[i] = {f'{value} if ok else 0' if held else value}")
    return "\n".join(lines) + "\n"


def _narrowed(each: Instruction, text: str) -> str:
    """An integer in 32 bits where they do: processors do twice as many of them, and more."""
    if each.kind == INTEGER:
        return f"int32({text})" if each.is_small else f"int64({text})"
    return text


def _expression(each: Instruction) -> str:
    if each.name == "int" and each.is_small:
        return _operand(each.operands[0])
    return _WRITTEN[each.name].format(*map(_operand, each.operands))


def _operand(operand: Any) -> str:
    return f"v{operand.place}" if isinstance(operand, Slot) else f"({operand!r})"


def _compiled(code: Code) -> Any:
    import numba
    import numpy

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def gcd(a: Any, b: Any) -> Any:
        while b:
            a, b = b, a % b
        return abs(a)

    names: dict[str, Any] = {
        name: getattr(numpy, name)
        for name in ("int32", "int64", "float64", "floor", "ceil", "rint")
    }
    names["gcd"] = gcd
    exec(text_of(code), names)
    types = [
        numba.float64 if code.instructions[at].kind == FLOAT else numba.int64 for at in code.inputs
    ]
    outputs = [numba.boolean, *[numba.int64] * len(code.figures)]
    arrays = [numba.types.Array(each, 1, "C") for each in (*types, *outputs)]
    compiler = numba.njit(numba.void(*arrays), error_model="numpy", nogil=True)
    return compiler(names["run"])
