"""The code of a group, replayed by numpy: chunks that stay in the processor's cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from convcalc.search.machine import FLOAT, INTEGER, TRUTH, Code, Instruction, Slot
from convcalc.trace import INPUT

#: Settings at a time: their arrays stay in the cache, and numpy has enough to do at each call.
CHUNK = 8192


class Replayed:
    """Runs one code. It has buffers of its own, so that each thread needs one."""

    def __init__(self, code: Code) -> None:
        self._code = code
        self._buffers: dict[str, list[Any]] = {INTEGER: [], FLOAT: [], TRUTH: []}
        self._places = _allocated(code, self._buffers)
        self._steps = self._bound(CHUNK)

    def run(self, columns: Mapping[str, Any], taken: Any, figures: Sequence[Any]) -> None:
        """Say which settings are of the group, and write their figures, or 0.

        `columns` are arrays by the names of the inputs, `taken` and `figures` as long.
        """
        with np.errstate(all="ignore"):  # other groups' settings give nonsense, which is not used
            for at in range(0, len(taken), CHUNK):
                part = slice(at, at + CHUNK)
                self._chunk(
                    {name: column[part] for name, column in columns.items()},
                    taken[part],
                    [figure[part] for figure in figures],
                )

    def _chunk(self, columns: Mapping[str, Any], taken: Any, figures: Sequence[Any]) -> None:
        size = len(taken)
        inputs, deciding, steps, guards, results = (
            self._steps if size == CHUNK else self._bound(size)
        )
        for name, buffer in inputs:
            buffer[:] = columns[name]
        for function, operands in deciding:
            function(*operands)
        taken[:] = True
        for condition, held in guards:
            (np.logical_and if held else np.greater)(taken, condition, out=taken)
        count = np.count_nonzero(taken)
        if not count or not figures:
            for figure in figures:
                figure[:] = 0
            return
        for function, operands in steps:
            function(*operands)
        for figure, result in zip(figures, results):
            if count == size:
                figure[:] = result
            else:
                np.multiply(result, taken, out=figure)

    def _bound(self, size: int) -> Any:
        """The steps on the first numbers of the buffers."""

        def at(operand: Any) -> Any:
            if isinstance(operand, Slot):
                kind, place = self._places[operand.place]
                return self._buffers[kind][place][:size]
            return operand

        code = self._code
        inputs: list[tuple[str, Any]] = []
        steps: list[Any] = []
        for place, each in enumerate(code.instructions):
            if each.name == INPUT:
                inputs.append((each.operands[0], at(Slot(place))))
                steps.append(None)
                continue
            operands = [at(operand) for operand in each.operands]
            steps.append(_step(each, operands, at(Slot(place))))
        deciding = [step for step in steps[: code.deciding] if step]
        after = [step for step in steps[code.deciding :] if step]
        guards = [(at(slot), held) for slot, held in code.guards]
        return inputs, deciding, after, guards, [at(each) for each in code.figures]


def _step(each: Instruction, operands: Sequence[Any], out: Any) -> tuple[Any, tuple[Any, ...]]:
    if each.name in ("int", "float"):
        return _convert, (out, *operands)
    if each.name == "where":
        return _choose, (out, *operands)
    return partial(getattr(np, each.name), out=out), tuple(operands)


def _convert(out: Any, a: Any) -> None:
    np.copyto(out, a, casting="unsafe")


def _choose(out: Any, condition: Any, a: Any, b: Any) -> None:
    np.copyto(out, b)
    np.copyto(out, a, where=condition)


def _allocated(code: Code, buffers: dict[str, list[Any]]) -> dict[int, tuple[str, int]]:
    """The buffer of each slot: free again when its last reader has run."""
    last: dict[int, int] = {}
    for place, each in enumerate(code.instructions):
        for operand in each.operands:
            if isinstance(operand, Slot):
                last[operand.place] = place
    end = len(code.instructions)
    for operand in code.figures:
        if isinstance(operand, Slot):
            last[operand.place] = end
    for slot, _ in code.guards:
        last[slot.place] = end
    free: dict[str, list[int]] = {kind: [] for kind in buffers}
    places: dict[int, tuple[str, int]] = {}

    def take(place: int, kind: str) -> None:
        if not free[kind]:
            free[kind].append(len(buffers[kind]))
            buffers[kind].append(np.empty(CHUNK, kind))
        places[place] = kind, free[kind].pop()

    for place in code.inputs:  # they are written before all others
        take(place, code.instructions[place].kind)
    for place, each in enumerate(code.instructions):
        if place in code.inputs:
            continue
        # A result never takes the place of an operand: a choice is written in two steps.
        take(place, each.kind)
        for operand in {each for each in each.operands if isinstance(each, Slot)}:
            if last[operand.place] == place and operand.place not in code.inputs:
                kind, own = places[operand.place]
                free[kind].append(own)
    return places
