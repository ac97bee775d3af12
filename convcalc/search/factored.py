"""Figures as few operations: their terms, with what they share taken out (Horner's scheme).

What comes out are numbers of the same tape: whatever replays a tape replays them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.search.terms import Expander, Monomial, Terms
from convcalc.trace import Tape, Traced


def factored(tape: Tape, figures: Sequence[Any]) -> list[Any]:
    """Numbers of the tape that are the same as these figures, and take fewer operations."""
    expander = Expander(tape)
    known: list[tuple[Terms, Any]] = []
    found = []
    for figure in figures:
        if not isinstance(figure, Traced) or not figure.is_whole:
            found.append(figure)
            continue
        terms = expander.terms(figure)
        rest, result = _beside(terms, known), 0
        if rest is not None:
            terms_left, times, other = rest
            result = other * times + _horner(tape, terms_left)
        else:
            result = _horner(tape, terms)
        known.append((terms, result))
        found.append(result)
    return found


#: How often a figure may be in another one: FLOPs are about twice the MACs.
_TIMES = (1, 2)


def _beside(terms: Terms, known: Sequence[tuple[Terms, Any]]) -> tuple[Terms, int, Any] | None:
    """What is left of a figure beside a multiple of another, where that is less; else None."""
    best, found = len(terms) - 2, None
    for other, number in known:
        for times in _TIMES:
            rest = dict(terms)
            for factors, count in other.items():
                rest[factors] = rest.get(factors, 0) - times * count
            rest = {factors: count for factors, count in rest.items() if count}
            if len(rest) < best:
                best, found = len(rest), (rest, times, number)
    return found


def _horner(tape: Tape, terms: Terms) -> Any:
    """A sum of products, the factor that most of them have taken out, again and again."""
    counts = Counter(factor for factors in terms for factor in set(factors))
    if not counts:
        return terms.get((), 0)
    most = max(counts.values())
    factor = min(each for each, count in counts.items() if count == most)
    if most == 1:
        return _sum(tape, terms)
    inside: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for factors, count in terms.items():
        if factor in factors:
            at = factors.index(factor)
            inside[factors[:at] + factors[at + 1 :]] = count
        else:
            rest[factors] = count
    result = tape.numbers[factor] * _horner(tape, inside)
    return result + _horner(tape, rest) if rest else result


def _sum(tape: Tape, terms: Mapping[Monomial, int]) -> Any:
    """A sum of products that have nothing in common."""
    result: Any = 0
    for factors, count in sorted(terms.items()):
        product: Any = 1
        for factor in factors:
            product = product * tape.numbers[factor]
        result = result + product * count
    return result
