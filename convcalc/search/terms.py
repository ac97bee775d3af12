"""Traced figures multiplied out: sums of products of what no multiplying reaches.

A figure of a network is a sum over its layers, each a product of a few sizes. Multiplied out, the
hundreds of operations of a trace come to a few terms over few atoms (a rounded width, a halved
height), which is what makes many settings cheap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from convcalc.trace import INPUT, Tape, Traced

#: A product of atoms, by their places on the tape in ascending order, one as often as it is there.
Monomial = tuple[int, ...]
#: A sum of products, each times an integer that is not 0; the empty product is 1.
Terms = Mapping[Monomial, int]


class Expander:
    """Multiplies out the numbers of a tape; what they have in common is worked out once.

    `most` is the number of terms beyond which a number is left as an atom.
    """

    def __init__(self, tape: Tape, most: int = 2_000) -> None:
        self.tape = tape
        self._most = most
        self._known: dict[int, Terms] = {}
        self._anchors = _anchors(tape)

    def terms(self, number: Any) -> Terms:
        """A number of the tape, or an integer, as a sum of products."""
        if not isinstance(number, Traced):
            return _constant(number)
        # Operands come first on a tape, so that no number is too deep for a recursion.
        waiting = [number]
        while waiting:
            last = waiting[-1]
            operands = _multiplied(last)
            missing = [
                each
                for each in operands
                if isinstance(each, Traced) and each.index not in self._known
            ]
            if missing and last.index not in self._known:
                waiting += missing
                continue
            waiting.pop()
            if last.index not in self._known:
                self._known[last.index] = self._expanded(last, operands)
        return self._known[number.index]

    def _expanded(self, number: Traced, operands: tuple[Any, ...]) -> Terms:
        if not operands:
            anchor = self._anchors.get(number.index)
            if anchor is None:
                return {(number.index,): 1}
            return {(anchor.index,): 1, (): -anchor.operands[0]}
        a, b = (
            self._known[each.index] if isinstance(each, Traced) else _constant(each)
            for each in operands
        )
        if number.operation == "mul":
            if len(a) * len(b) > self._most:
                return {(number.index,): 1}
            return _product(a, b)
        result = dict(a)
        sign = -1 if number.operation == "sub" else 1
        for factors, count in b.items():
            result[factors] = result.get(factors, 0) + sign * count
        return {factors: count for factors, count in result.items() if count}


def _anchors(tape: Tape) -> dict[int, Traced]:
    """What stands for an atom in terms where it is mostly multiplied with something added to it.

    A size is a quotient and 1: in its own powers there is one term, in those of the quotient three.
    """
    uses: dict[int, Counter[Traced | None]] = {}
    for number in tape.numbers:
        if number.operation != "mul" or not number.is_whole:
            continue
        for each in number.operands:
            if not isinstance(each, Traced):
                continue
            own, of = each, None
            if each.operation == "add" and type(each.operands[0]) is int:
                own, of = each.operands[1], each
            if not _multiplied(own):
                uses.setdefault(own.index, Counter())[of] += 1
    found = ((index, counts.most_common(1)[0][0]) for index, counts in uses.items())
    return {index: anchor for index, anchor in found if anchor is not None}


def _constant(number: int) -> Terms:
    return {(): number} if number else {}


def _multiplied(number: Traced) -> tuple[Any, ...]:
    """The operands of a sum, a difference or a product of integers; none of anything else."""
    if number.is_whole and number.operation in ("add", "sub", "mul"):
        return number.operands
    return ()


def _product(a: Terms, b: Terms) -> Terms:
    result: dict[Monomial, int] = {}
    for left, left_count in a.items():
        for right, right_count in b.items():
            factors = tuple(sorted(left + right))
            result[factors] = result.get(factors, 0) + left_count * right_count
    return {factors: count for factors, count in result.items() if count}


def axes_of(tape: Tape) -> list[frozenset[str]]:
    """By the place of each number on the tape, the names of the inputs that it hangs on."""
    found: list[frozenset[str]] = []
    for number in tape.numbers:
        if number.operation == INPUT:
            found.append(frozenset((number.operands[0],)))
            continue
        own: frozenset[str] = frozenset()
        for each in number.operands:
            if isinstance(each, Traced):
                own |= found[each.index]
        found.append(own)
    return found
