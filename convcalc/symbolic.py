"""Numbers that record the formula they came from.

A layer's rules run on `Formula` values just as on integers; what comes out knows how it was made,
and is printed as mathematics: with names (`k²·C_in·C_out + C_out`), with the numbers in it, or
reduced to a closed form in what is still open (`9·C_in·C_out + C_out`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import takewhile
from math import gcd
from typing import Any, NamedTuple, Union

from convcalc.arithmetic import (
    CONDITIONS,
    OPERATIONS,
    Refusal,
    Symbolic,
    exact,
    product,
    value_of,
)

Number = Union[int, "Formula"]


class Formula(Symbolic):
    """An expression over symbols. Immutable; compared and hashed by how it is written, and by what
    its symbols stand for and are.
    """

    __slots__ = ("_key", "value")
    _key: tuple[Any, ...]

    #: Binding strength when printed: 3 an atom, 2 a product, 1 a sum.
    strength = 3
    #: Whether it is sure to be an integer.
    whole = True

    def text(self, numbers: bool = False) -> str:
        """The formula with its names, or with the known values in their place."""
        raise NotImplementedError

    def polynomial(self) -> Polynomial:
        """The formula multiplied out, with the known values in it."""
        raise NotImplementedError

    def reduced(self) -> Number:
        """The formula as it was made, with the known values in it."""
        return self.polynomial().formula()

    def closed(self) -> str:
        """The closed form in the open symbols, `9·C_in·C_out + C_out`: multiplied out, unless it
        is shorter as it was made.
        """
        return min(str(self.polynomial()), _text(self.reduced(), False), key=len)

    def symbols(self) -> Iterator[Symbol]:
        """The symbols that it is written in, one again and again where it is so written."""
        return iter(())

    def __str__(self) -> str:
        return self.text()

    def __format__(self, spec: str) -> str:
        # A message speaks of the number, where there is one.
        return format(str(self if self.value is None else self.value), spec)

    def __repr__(self) -> str:
        return f"<{self.text()}>"

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self._key == other._key

    def apply(self, operation: str, *operands: Any) -> Any:
        return _apply(operation, *operands)


class Symbol(Formula):
    """A name, with the number it stands for (None: open) or the formula that defines it.

    `meaning` is what it is, in a few words.
    """

    __slots__ = ("definition", "meaning", "name", "whole")

    def __init__(
        self,
        name: str,
        value: int | None = None,
        definition: Formula | None = None,
        meaning: str = "",
    ) -> None:
        self.name = name
        self.value = value
        self.definition = definition
        self.meaning = meaning
        self.whole = value is None or _is_whole(value)
        self._key = ("symbol", name, value, definition, meaning)

    def text(self, numbers: bool = False) -> str:
        if not numbers or self.value is None:
            return self.name
        return str(self.value) if self.value >= 0 else f"(−{-self.value})"

    def symbols(self) -> Iterator[Symbol]:
        yield self

    def polynomial(self) -> Polynomial:
        if self.value is not None:
            return Polynomial({(): self.value})
        if self.definition is not None:
            # A product such as `multiplier·C_in` is clearer written out, a sum by its name.
            defined = self.definition.polynomial()
            atoms = [atom for factors in defined.terms for atom, _ in factors]
            if len(defined.terms) == 1 and all(isinstance(atom, Symbol) for atom in atoms):
                return defined
        return Polynomial({((self, 1),): 1})


class Sum(Formula):
    """Terms with integer factors; equal terms are collected, in the order of first appearance."""

    __slots__ = ("constant", "constant_first", "terms")
    strength = 1

    def __init__(
        self, terms: tuple[tuple[int, Formula], ...], constant: int, constant_first: bool
    ) -> None:
        self.terms = terms
        self.constant = constant
        self.constant_first = constant_first
        self._key = ("sum", terms, constant)
        known = [factor * term.value for factor, term in terms if term.value is not None]
        self.value = constant + sum(known) if len(known) == len(terms) else None

    def text(self, numbers: bool = False) -> str:
        pieces = []
        for factor, term in self.terms:
            body = _bracketed(term, 2, numbers)
            pieces.append((factor, body if abs(factor) == 1 else f"{abs(factor)}·{body}"))
        if self.constant:
            place = 0 if self.constant_first else len(pieces)
            pieces.insert(place, (self.constant, str(abs(self.constant))))
        return _signed(pieces)

    def symbols(self) -> Iterator[Symbol]:
        for _, term in self.terms:
            yield from term.symbols()

    def reduced(self) -> Number:
        return _sum(
            [*((factor, term.reduced()) for factor, term in self.terms), (1, self.constant)]
        )

    def polynomial(self) -> Polynomial:
        result = Polynomial({(): self.constant})
        for factor, term in self.terms:
            result = result.plus(term.polynomial(), factor)
        return result


class Product(Formula):
    """An integer and powers of factors."""

    __slots__ = ("coefficient", "factors")
    strength = 2

    def __init__(self, coefficient: int, factors: tuple[_Power, ...]) -> None:
        self.coefficient = coefficient
        self.factors = factors
        self._key = ("product", coefficient, factors)
        known = [factor.value**power for factor, power in factors if factor.value is not None]
        self.value = product([coefficient, *known]) if len(known) == len(factors) else None

    def text(self, numbers: bool = False) -> str:
        pieces = [] if self.coefficient == 1 else [str(self.coefficient).replace("-", "−")]
        pieces += [_raised(factor, power, numbers) for factor, power in self.factors]
        return "·".join(pieces)

    def symbols(self) -> Iterator[Symbol]:
        for factor, _ in self.factors:
            yield from factor.symbols()

    def reduced(self) -> Number:
        powers = ([factor.reduced()] * power for factor, power in _undivided(self.factors))
        return _product([self.coefficient, *(each for factors in powers for each in factors)])

    def polynomial(self) -> Polynomial:
        result = Polynomial({(): self.coefficient})
        for factor, power in _undivided(self.factors):
            base = factor.polynomial()
            for _ in range(power):
                result = result.times(base)
        return result


def _undivided(factors: Iterable[_Power]) -> list[_Power]:
    """Powers of factors in which (a/b)·b is a, also where a symbol stands for a/b."""
    powers = dict(factors)
    for factor, power in [*powers.items()]:
        made = factor.definition if isinstance(factor, Symbol) else factor
        if isinstance(made, Call) and made.operation == "exact_div":
            a, b = made.operands
            times = min(power, powers.get(b, 0))
            if times and isinstance(a, Formula):
                powers[factor] -= times
                powers[b] -= times
                powers[a] = powers.get(a, 0) + times
    return [(factor, power) for factor, power in powers.items() if power]


class _Operation(NamedTuple):
    """How an operation is printed from its printed operands."""

    template: str
    #: Whether operands that are sums or products are bracketed.
    tight: bool = False
    #: Binding strength of what is printed.
    strength: int = 3
    #: Whether it makes an integer: always, never for certain, or (None) of integers.
    whole: bool | None = True


_OPERATIONS: Mapping[str, _Operation] = {
    "ceil_div": _Operation("⌈{0}/{1}⌉", tight=True),
    "exact_div": _Operation("{0}/{1}", tight=True, strength=2),
    "floordiv": _Operation("⌊{0}/{1}⌋", tight=True),
    "gcd": _Operation("gcd({0}, {1})"),
    "scaled": _Operation("⌊{1}·{0}⌋", tight=True),
    "floor": _Operation("⌊{0}⌋"),
    "ceil": _Operation("⌈{0}⌉"),
    "round": _Operation("(⌈{0} − 0.5⌉ if ⌊{0}⌋ % 2 = 0 else ⌊{0} + 0.5⌋)", tight=True),
    "nearest_multiple": _Operation(
        "M + ({1} if M < 0.9·{0} else 0)".replace("M", "max({2}, ⌊({0} + {1}/2)/{1}⌋·{1})"),
        tight=True,
        strength=1,
    ),
    "maximum": _Operation("max({0}, {1})", whole=None),
    "minimum": _Operation("min({0}, {1})", whole=None),
    "where": _Operation("({1} if {0} else {2})", whole=None),
    # Of fractions; of integers the first three are sums and products.
    "add": _Operation("{0} + {1}", False, 1, False),
    "sub": _Operation("{0} − {1}", True, 1, False),
    "mul": _Operation("{0}·{1}", True, 2, False),
    "mod": _Operation("{0} − {1}·⌊{0}/{1}⌋", True, 1, False),
    "truediv": _Operation("{0}/{1}", True, 2, False),
}
_DIVISIONS = ("floordiv", "ceil_div", "exact_div", "truediv")


class Call(Formula):
    """An operation that multiplying out stops at: a division, a maximum, a choice."""

    __slots__ = ("operands", "operation", "strength", "whole")

    def __init__(self, operation: str, operands: tuple[Any, ...]) -> None:
        self.operation = operation
        self.operands = operands
        self._key = (operation, operands)
        values = [value_of(operand) for operand in operands]
        rule = _OPERATIONS[operation]
        known = None if None in values else OPERATIONS[operation](*values)
        self.strength = rule.strength
        whole = rule.whole if known is None else _is_whole(known)
        if whole is None:
            whole = all(_is_whole(each) for each in operands if not isinstance(each, Condition))
        self.whole = whole
        self.value = int(exact(known)) if whole and known is not None else known

    def text(self, numbers: bool = False) -> str:
        return self._print(lambda operand: _text(operand, numbers))

    def symbols(self) -> Iterator[Symbol]:
        return _symbols_of(self.operands)

    def polynomial(self) -> Polynomial:
        if self.value is not None:
            return Polynomial({(): self.value})
        if self.operation in _DIVISIONS:
            quotient = polynomial_of(self.operands[0]).divided(value_of(self.operands[1]))
            if quotient is not None:
                return quotient
        known = list(takewhile(lambda each: each is not None, map(settled, self.operands)))
        if len(known) == len(self.operands):
            # What is open has cancelled in each: `max(H_in + 2 − H_in, 0)`.
            return polynomial_of(_apply(self.operation, *known))
        return Polynomial({((Reduced(self._print(_closed), self.strength), 1),): 1})

    def _print(self, show: Callable[[Any], str]) -> str:
        texts = [show(operand) for operand in self.operands]
        operation = _OPERATIONS[self.operation]
        if operation.tight:
            texts = [t if _is_atom_text(t) else f"({t})" for t in texts]
        return operation.template.format(*texts)


class Reduced(Formula):
    """An open call whose operands are printed as closed forms: an atom of a polynomial."""

    __slots__ = ("strength",)

    def __init__(self, text: str, strength: int) -> None:
        self.value = None
        self.strength = strength
        self._key = ("reduced", text)

    def text(self, numbers: bool = False) -> str:
        return str(self._key[1])


class Condition(Symbolic):
    """A condition whose outcome is open, because a symbol in it is.

    `operation` is one of `_CONDITIONS`.
    """

    __slots__ = ("_key", "operands", "operation")
    numeric = False
    value = None

    def __init__(self, operation: str, *operands: Any) -> None:
        self.operation = operation
        self.operands = operands
        self._key = (operation, operands)

    def truth(self) -> Condition:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __str__(self) -> str:
        return self.text()

    def text(self, numbers: bool = False) -> str:
        return self._print(lambda operand: _text(operand, numbers))

    def closed(self) -> str:
        return self._print(_closed)

    def symbols(self) -> Iterator[Symbol]:
        """As `Formula.symbols`."""
        return _symbols_of(self.operands)

    def _print(self, show: Callable[[Any], str]) -> str:
        texts = []
        for operand in self.operands:
            joined = isinstance(operand, Condition) and operand.operation in ("both", "either")
            texts.append(f"({show(operand)})" if joined else show(operand))
        return _CONDITIONS[self.operation].format(*texts)

    def apply(self, operation: str, *operands: Any) -> Any:
        return _apply(operation, *operands)


#: A factor to its power; a product of these is a monomial.
_Power = tuple[Formula, int]


class Polynomial:
    """A sum of monomials: {((atom, power), …): coefficient}, atoms in the order of printing."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[tuple[_Power, ...], int]) -> None:
        self.terms = {factors: count for factors, count in terms.items() if count}

    def plus(self, other: Polynomial, factor: int = 1) -> Polynomial:
        terms = dict(self.terms)
        for factors, count in other.terms.items():
            terms[factors] = terms.get(factors, 0) + factor * count
        return Polynomial(terms)

    def times(self, other: Polynomial) -> Polynomial:
        terms: dict[tuple[_Power, ...], int] = {}
        for left, left_count in self.terms.items():
            for right, right_count in other.terms.items():
                powers = dict(left)
                for atom, power in right:
                    powers[atom] = powers.get(atom, 0) + power
                factors = tuple(sorted(powers.items(), key=_print_order))
                terms[factors] = terms.get(factors, 0) + left_count * right_count
        return Polynomial(terms)

    def divided(self, divisor: int | None) -> Polynomial | None:
        """The exact quotient by a number that divides every coefficient; else None."""
        if not isinstance(divisor, int) or not divisor:
            return None
        if any(count % divisor for count in self.terms.values()):
            return None
        return Polynomial({factors: count // divisor for factors, count in self.terms.items()})

    def formula(self) -> Number:
        """The formula that it is, or the number."""
        terms = self.ordered()
        return _sum((count, _times(1, factors) if factors else 1) for factors, count in terms)

    def ordered(self) -> list[tuple[tuple[_Power, ...], int]]:
        """The terms, those of the most factors first."""
        return sorted(self.terms.items(), key=lambda term: -sum(power for _, power in term[0]))

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        pieces = []
        for factors, count in self.ordered():
            names = [_raised(atom, power, numbers=False) for atom, power in factors]
            size = [str(abs(count))] if abs(count) != 1 or not names else []
            pieces.append((count, "·".join(size + names)))
        return _signed(pieces)


class Quotient(NamedTuple):
    """A formula over another as a sum of fractions, without what two sides have in common."""

    fractions: tuple[tuple[Number, Number], ...]

    @property
    def value(self) -> Any:
        """The number, an integer or a `fractions.Fraction`; None where it is open."""
        values = [_fraction(*map(value_of, sides)) for sides in self.fractions]
        if None in values:
            return None
        total = sum(values)
        return total.numerator if total.denominator == 1 else total

    def text(self) -> str:
        """The quotient in names: `1/C_out + 1/k²`."""
        return " + ".join(_over(_text(a, False), _text(b, False)) for a, b in self.fractions)

    def closed(self) -> str:
        """The same with the known values in it, each fraction for itself: `1/C_out + 1/9`."""
        return " + ".join(map(_closed_fraction, self.fractions))


def quotient(
    dividend: Number, divisor: Number, ones: Collection[Formula] = frozenset()
) -> Quotient:
    """One formula over another. `ones` are 1, and left out."""
    if isinstance(divisor, Sum):
        return Quotient(((dividend, divisor),))
    terms: Iterable[Number] = [dividend]
    if isinstance(dividend, Sum):
        constant = [dividend.constant] if dividend.constant else []
        terms = [*(_product(each) for each in dividend.terms), *constant]
    return Quotient(tuple(_cancelled(term, divisor, ones) for term in terms))


def _cancelled(a: Number, b: Number, ones: Collection[Formula]) -> tuple[Number, Number]:
    """Two sides of a fraction without the factors that both have."""
    (above, upper), (below, lower) = map(_factors, (a, b))
    common = gcd(above, below) or 1
    powers = {atom: power for atom, power in upper.items() if atom not in ones}
    for atom, power in lower.items():
        if atom not in ones:
            powers[atom] = powers.get(atom, 0) - power
    sides = []
    for coefficient, sign in ((above // common, 1), (below // common, -1)):
        factors = [[atom] * (sign * power) for atom, power in powers.items()]
        sides.append(_product([coefficient, *(atom for each in factors for atom in each)]))
    return sides[0], sides[1]


def _factors(number: Number) -> tuple[int, dict[Formula, int]]:
    """A number or a formula as an integer and powers."""
    if isinstance(number, Product):
        return number.coefficient, dict(number.factors)
    return (1, {number: 1}) if isinstance(number, Formula) else (number, {})


def _fraction(a: int | None, b: int | None) -> Any:
    """a / b exactly; None where one is open."""
    from fractions import Fraction  # which only ratios need

    return None if a is None or b is None else Fraction(a, b)


def _closed_fraction(sides: tuple[Number, Number]) -> str:
    known = _fraction(*map(value_of, sides))
    return _over(*map(_closed, sides)) if known is None else str(known)


def _over(a: str, b: str) -> str:
    """A fraction of two printed sides."""
    if b == "1":
        return a
    # A product may stand above the bar as it is, not below it.
    above = f"({a})" if " " in a else a
    return f"{above}/{b}" if _is_atom_text(b) else f"{above}/({b})"


def polynomial_of(number: Number) -> Polynomial:
    """A number or a formula, multiplied out."""
    return number.polynomial() if isinstance(number, Formula) else Polynomial({(): number})


def settled(number: Any) -> int | None:
    """The integer that a number or a formula comes to, whatever is open in it; None: none."""
    if isinstance(number, Condition):
        return None
    terms = polynomial_of(number).terms
    if any(factors for factors in terms):
        return None
    constant = terms.get((), 0)
    return constant if isinstance(constant, int) else None


def _closed(operand: Any) -> str:
    return operand.closed() if isinstance(operand, (Formula, Condition)) else str(operand)


def _symbols_of(operands: Iterable[Any]) -> Iterator[Symbol]:
    for operand in operands:
        if isinstance(operand, (Formula, Condition)):
            yield from operand.symbols()


def _text(operand: Any, numbers: bool) -> str:
    return operand.text(numbers) if isinstance(operand, (Formula, Condition)) else str(operand)


def _bracketed(formula: Formula, strength: int, numbers: bool) -> str:
    text = formula.text(numbers)
    return text if formula.strength >= strength else f"({text})"


def _is_atom_text(text: str) -> bool:
    """Whether a printed operand needs no brackets under a fraction bar."""
    return not any(sign in text for sign in "+−/·") or (text[0] == "⌊" and text.count("⌊") == 1)


_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _raised(factor: Formula, power: int, numbers: bool) -> str:
    """A factor with its power: `k²`."""
    text = _bracketed(factor, 3, numbers)
    return text if power == 1 else text + str(power).translate(_SUPERSCRIPTS)


def _signed(pieces: Iterable[tuple[int, str]]) -> str:
    """Terms with the sign of a number before each: `n − 1`."""
    text = "".join(f" {'−' if number < 0 else '+'} {piece}" for number, piece in pieces)
    return text[3:] if text.startswith(" + ") else f"−{text[3:]}"


def _print_order(factor: _Power) -> tuple[bool, str]:
    """Lower-case symbols first (k, s), then the others; each in alphabetical order."""
    text = factor[0].text().lstrip("(⌊⌈")
    return (not text[0].islower(), text)


def _sum(terms: Iterable[tuple[int, Any]]) -> Number:
    counts: dict[Formula, int] = {}
    constant = 0
    constant_first = False
    for factor, term in terms:
        number, first, parts = _parts(term)
        constant += factor * number
        constant_first = constant_first or (first and not counts)
        for count, part in parts:
            counts[part] = counts.get(part, 0) + factor * count
    kept = tuple((count, term) for term, count in counts.items() if count)
    if not kept:
        return constant
    if len(kept) == 1 and not constant:
        count, term = kept[0]
        return term if count == 1 else _product([count, term])
    return Sum(kept, constant, constant_first)


def _parts(term: Any) -> tuple[int, bool, tuple[tuple[int, Formula], ...]]:
    """What a term adds to a sum: an integer, whether it is printed first, and terms."""
    if not isinstance(term, Formula):
        return int(exact(term)), bool(term), ()
    if isinstance(term, Sum):
        return term.constant, term.constant_first, term.terms
    if isinstance(term, Product) and term.coefficient != 1:
        return 0, False, ((term.coefficient, _times(1, term.factors)),)
    return 0, False, ((1, term),)


def _product(factors: Iterable[Any]) -> Number:
    coefficient = 1
    powers: dict[Formula, int] = {}
    for factor in factors:
        if not isinstance(factor, Formula):
            coefficient *= int(exact(factor))
        elif isinstance(factor, Product):
            coefficient *= factor.coefficient
            for part, power in factor.factors:
                powers[part] = powers.get(part, 0) + power
        else:
            powers[factor] = powers.get(factor, 0) + 1
    if not powers or coefficient == 0:
        return coefficient
    return _times(coefficient, tuple(sorted(powers.items(), key=_print_order)))


def _times(coefficient: int, factors: tuple[_Power, ...]) -> Formula:
    """An integer times powers, which are in the order of printing."""
    if coefficient == 1 and len(factors) == 1 and factors[0][1] == 1:
        return factors[0][0]
    return Product(coefficient, factors)


def _is_whole(number: Any) -> bool:
    """Whether a number or a formula is sure to be an integer."""
    if isinstance(number, Formula):
        return number.whole
    return isinstance(number, int) or (isinstance(number, float) and number.is_integer())


def _apply(operation: str, *operands: Any) -> Any:
    """The result of an operation; see `Symbolic.apply`."""
    if operation in _CONDITIONS:
        return _condition(operation, *operands)
    if operation in _SPECIAL and (operation in _ALWAYS or all(map(_is_whole, operands))):
        return _SPECIAL[operation](*operands)
    if operation == "mul" and not isinstance(operands[1], Formula):
        operands = operands[::-1]  # `0.35·C_in`
    return _call(operation, *operands)


def _call(operation: str, *operands: Any) -> Number:
    if operation in ("floordiv", "truediv", "mod") and value_of(operands[1]) == 0:
        raise ZeroDivisionError
    if operation in _DIVISIONS and not isinstance(operands[1], Formula) and operands[1] == 1:
        number: Number = operands[0]
        if operation == "truediv" or _is_whole(number):
            return number
    if operation == "where" and operands[1] == operands[2]:
        return operands[1]  # type: ignore[no-any-return]
    return Call(operation, operands)


def _scaled(number: Number, factor: float) -> Any:
    return number * int(factor) if factor == int(factor) else _call("scaled", number, factor)


def _quotient(a: Number, b: Number) -> Number:
    """a / b of integers: an exact division where b is sure to divide a."""
    quotient = polynomial_of(a).divided(value_of(b))
    return _call("truediv" if quotient is None else "exact_div", a, b)


def _power(base: Number, exponent: Number) -> Number:
    """A power of integers; the exponent must be known."""
    power = value_of(exponent)
    if not (_is_whole(base) and isinstance(power, int) and power >= 0):
        raise Refusal("in a formula, powers are whole, of whole numbers")
    return _product([base] * power)


def _round(number: Any, digits: int | None = None) -> Any:
    if digits is not None:
        raise Refusal("in a formula, `round` takes no digits")
    return number if _is_whole(number) else _call("round", number)


#: Operations that are more than a `Call`; of integers those that are not in `_ALWAYS`.
_SPECIAL: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: _sum([(1, a), (1, b)]),
    "sub": lambda a, b: _sum([(1, a), (-1, b)]),
    "mul": lambda a, b: _product([a, b]),
    "mod": lambda a, b: a - b * _call("floordiv", a, b),
    "truediv": _quotient,
    "pow": _power,
    "floor": lambda number: number,
    "ceil": lambda number: number,
    "round": _round,
    "scaled": _scaled,
}
_ALWAYS = ("pow", "round", "scaled")


#: How each condition is printed.
_CONDITIONS: Mapping[str, str] = {
    "lt": "{0} < {1}",
    "le": "{0} ≤ {1}",
    "gt": "{0} > {1}",
    "ge": "{0} ≥ {1}",
    "equal": "{0} = {1}",
    "divides": "{0} divides {1}",
    "denied": "not {0}",
    "both": "{0} and {1}",
    "either": "{0} or {1}",
}


def _condition(operation: str, *operands: Any) -> Any:
    """Whether a condition holds; the condition itself where that is open."""
    values = tuple(map(value_of, operands))
    if None in values:
        return Condition(operation, *operands)
    return CONDITIONS[operation](*map(exact, values))
