"""Numbers that record the formula they came from.

A layer's rules run on `Formula` values just as on integers; what comes out knows how it was made,
and is printed as mathematics: with names (`k²·C_in·C_out + C_out`), with the numbers in it, or
reduced to a closed form in what is still open (`9·C_in·C_out + C_out`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Union

from convcalc.arithmetic import Symbolic, scaled, value_of

Number = Union[int, "Formula"]


class Formula(Symbolic):
    """An integer expression over symbols. Immutable; compared and hashed by how it is written."""

    __slots__ = ("_key",)
    _key: tuple[Any, ...]

    #: Binding strength when printed: 3 an atom, 2 a product, 1 a sum.
    strength = 3

    def text(self, numbers: bool = False) -> str:
        """The formula with its names, or with the known values in their place."""
        raise NotImplementedError

    def polynomial(self) -> Polynomial:
        """The formula multiplied out, with the known values in it."""
        raise NotImplementedError

    def closed(self) -> str:
        """The closed form in the open symbols: `9·C_in·C_out + C_out`."""
        return str(self.polynomial())

    def __str__(self) -> str:
        return self.text()

    def __format__(self, spec: str) -> str:
        # A message speaks of the number, where there is one.
        return format(str(self) if self.value is None else str(self.value), spec)

    def __repr__(self) -> str:
        return f"<{self.text()}>"

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and self._key == other._key

    def __add__(self, other: Number) -> Number:
        return _sum([(1, self), (1, other)])

    def __radd__(self, other: Number) -> Number:
        return _sum([(1, other), (1, self)])

    def __sub__(self, other: Number) -> Number:
        return _sum([(1, self), (-1, other)])

    def __rsub__(self, other: Number) -> Number:
        return _sum([(1, other), (-1, self)])

    def __neg__(self) -> Number:
        return _sum([(-1, self)])

    def __mul__(self, other: Number) -> Number:
        return _product([self, other])

    def __rmul__(self, other: Number) -> Number:
        return _product([other, self])

    def __floordiv__(self, other: Number) -> Number:
        return _call("floor_div", self, other)

    def __rfloordiv__(self, other: Number) -> Number:
        return _call("floor_div", other, self)

    def __lt__(self, other: Number) -> Any:
        return _compare("<", self, other)

    def __le__(self, other: Number) -> Any:
        return _compare("≤", self, other)

    def __gt__(self, other: Number) -> Any:
        return _compare(">", self, other)

    def __ge__(self, other: Number) -> Any:
        return _compare("≥", self, other)

    def apply(self, operation: str, *operands: Any) -> Any:
        if operation == "where":
            return _call("where", *operands)
        if operation == "divides":
            divisor, number = (value_of(operand) for operand in operands)
            if divisor is None or number is None:
                return Condition("divides", operands[0], operands[1])
            return number % divisor == 0
        if operation == "equal":
            return _compare("=", *operands)
        if operation == "scaled" and operands[1] == int(operands[1]):
            return operands[0] * int(operands[1])
        return _call(operation, *operands)


class Symbol(Formula):
    """A name, with the number it stands for (None: open) or the formula that defines it."""

    __slots__ = ("definition", "name", "number")

    def __init__(
        self, name: str, number: int | None = None, definition: Formula | None = None
    ) -> None:
        self.name = name
        self.number = number
        self.definition = definition
        self._key = ("symbol", name, number)

    @property
    def value(self) -> int | None:
        return self.number

    def text(self, numbers: bool = False) -> str:
        return str(self.number) if numbers and self.number is not None else self.name

    def polynomial(self) -> Polynomial:
        if self.number is not None:
            return Polynomial({(): self.number})
        if self.definition is not None:
            # A product such as `multiplier·C_in` is clearer written out, a sum by its name.
            defined = self.definition.polynomial()
            if len(defined.terms) == 1 and all(
                isinstance(atom, Symbol) for factors in defined.terms for atom, _ in factors
            ):
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

    @property
    def value(self) -> int | None:
        total = self.constant
        for factor, term in self.terms:
            value = term.value
            if value is None:
                return None
            total += factor * value
        return total

    def text(self, numbers: bool = False) -> str:
        pieces = []
        for factor, term in self.terms:
            body = _bracketed(term, 2, numbers)
            size = abs(factor)
            pieces.append((factor < 0, body if size == 1 else f"{size}·{body}"))
        if self.constant:
            constant = (self.constant < 0, str(abs(self.constant)))
            pieces.insert(0 if self.constant_first else len(pieces), constant)
        text = "".join(f" {'−' if negative else '+'} {piece}" for negative, piece in pieces)
        return text[3:] if text.startswith(" + ") else f"−{text[3:]}"

    def polynomial(self) -> Polynomial:
        result = Polynomial({(): self.constant})
        for factor, term in self.terms:
            result = result.plus(term.polynomial(), factor)
        return result


class Product(Formula):
    """An integer and powers of factors."""

    __slots__ = ("coefficient", "factors")
    strength = 2

    def __init__(self, coefficient: int, factors: tuple[tuple[Formula, int], ...]) -> None:
        self.coefficient = coefficient
        self.factors = factors
        self._key = ("product", coefficient, factors)

    @property
    def value(self) -> int | None:
        result = self.coefficient
        for factor, power in self.factors:
            value = factor.value
            if value is None:
                return None
            result *= value**power
        return result

    def text(self, numbers: bool = False) -> str:
        pieces = [] if self.coefficient == 1 else [str(self.coefficient).replace("-", "−")]
        for factor, power in self.factors:
            body = _bracketed(factor, 3, numbers)
            pieces.append(body + _superscript(power))
        return "·".join(pieces)

    def polynomial(self) -> Polynomial:
        result = Polynomial({(): self.coefficient})
        for factor, power in self.factors:
            base = factor.polynomial()
            for _ in range(power):
                result = result.times(base)
        return result


def _floor_div(a: int, b: int) -> int:
    return a // b


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


#: How each operation is computed, and printed from its printed operands.
_OPERATIONS: Mapping[str, tuple[Callable[..., int], Callable[..., str]]] = {
    "floor_div": (_floor_div, "⌊{0}/{1}⌋".format),
    "ceil_div": (_ceil_div, "⌈{0}/{1}⌉".format),
    "exact_div": (_floor_div, "{0}/{1}".format),
    "maximum": (max, "max({0}, {1})".format),
    "minimum": (min, "min({0}, {1})".format),
    "gcd": (math.gcd, "gcd({0}, {1})".format),
    "scaled": (scaled, "⌊{1}·{0}⌋".format),
    "where": (lambda condition, a, b: a if condition else b, "({1} if {0} else {2})".format),
}
_DIVISIONS = ("floor_div", "ceil_div", "exact_div")
#: Operations whose operands are bracketed where they are sums or products.
_TIGHT = (*_DIVISIONS, "scaled")


class Call(Formula):
    """An operation that multiplying out stops at: a division, a maximum, a choice."""

    __slots__ = ("operands", "operation")

    def __init__(self, operation: str, operands: tuple[Any, ...]) -> None:
        self.operation = operation
        self.operands = operands
        self._key = (operation, operands)

    @property
    def strength(self) -> int:  # type: ignore[override]
        return 2 if self.operation == "exact_div" else 3

    @property
    def value(self) -> int | None:
        values = [value_of(operand) for operand in self.operands]
        if any(value is None for value in values):
            return None
        return _OPERATIONS[self.operation][0](*values)

    def text(self, numbers: bool = False) -> str:
        return self._print(lambda operand: _text(operand, numbers))

    def polynomial(self) -> Polynomial:
        value = self.value
        if value is not None:
            return Polynomial({(): value})
        if self.operation in _DIVISIONS:
            quotient = polynomial_of(self.operands[0]).divided(value_of(self.operands[1]))
            if quotient is not None:
                return quotient
        return Polynomial({((Reduced(self), 1),): 1})

    def _print(self, show: Callable[[Any], str]) -> str:
        texts = [show(operand) for operand in self.operands]
        if self.operation in _TIGHT:
            texts = [t if _is_atom_text(t) else f"({t})" for t in texts]
        return _OPERATIONS[self.operation][1](*texts)


class Reduced(Formula):
    """A call whose operands are printed as closed forms: an atom of a polynomial."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call = call
        self._key = ("reduced", self.text())

    @property
    def strength(self) -> int:  # type: ignore[override]
        return self.call.strength

    @property
    def value(self) -> int | None:
        return self.call.value

    def text(self, numbers: bool = False) -> str:
        return self.call._print(
            lambda operand: (
                operand.reduced() if isinstance(operand, Condition) else _closed(operand)
            )
        )


class Condition(Symbolic):
    """A comparison whose outcome is open, because a symbol in it is."""

    __slots__ = ("left", "relation", "right")

    def __init__(self, relation: str, left: Number, right: Number) -> None:
        self.relation = relation
        self.left = left
        self.right = right

    @property
    def value(self) -> None:
        """A condition stands where nothing is known."""
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.text() == other.text()

    def __hash__(self) -> int:
        return hash(self.text())

    def __invert__(self) -> Condition:
        return Condition("not " + self.relation, self.left, self.right)

    def text(self, numbers: bool = False) -> str:
        return f"{_text(self.left, numbers)} {self.relation} {_text(self.right, numbers)}"

    def reduced(self) -> str:
        return f"{_closed(self.left)} {self.relation} {_closed(self.right)}"

    def apply(self, operation: str, *operands: Any) -> Any:
        return _call(operation, *operands)


class Polynomial:
    """A sum of monomials: {((atom, power), …): coefficient}, atoms in the order of printing."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[tuple[tuple[Formula, int], ...], int]) -> None:
        self.terms = {factors: count for factors, count in terms.items() if count}

    def plus(self, other: Polynomial, factor: int = 1) -> Polynomial:
        terms = dict(self.terms)
        for factors, count in other.terms.items():
            terms[factors] = terms.get(factors, 0) + factor * count
        return Polynomial(terms)

    def times(self, other: Polynomial) -> Polynomial:
        terms: dict[tuple[tuple[Formula, int], ...], int] = {}
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
        if not divisor or any(count % divisor for count in self.terms.values()):
            return None
        return Polynomial({factors: count // divisor for factors, count in self.terms.items()})

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        pieces = []
        ordered = sorted(self.terms.items(), key=lambda term: -sum(power for _, power in term[0]))
        for factors, count in ordered:
            names = [_bracketed(atom, 3, False) + _superscript(power) for atom, power in factors]
            size = [str(abs(count))] if abs(count) != 1 or not names else []
            pieces.append((" − " if count < 0 else " + ") + "·".join(size + names))
        text = "".join(pieces)
        return text[3:] if text.startswith(" + ") else f"−{text[3:]}"


def polynomial_of(number: Number) -> Polynomial:
    """An integer or a formula, multiplied out."""
    return number.polynomial() if isinstance(number, Formula) else Polynomial({(): number})


def _closed(number: Number) -> str:
    return str(polynomial_of(number))


def _text(operand: Any, numbers: bool) -> str:
    if isinstance(operand, (Formula, Condition)):
        return operand.text(numbers)
    return str(operand)


def _bracketed(formula: Formula, strength: int, numbers: bool) -> str:
    text = formula.text(numbers)
    return text if formula.strength >= strength else f"({text})"


def _is_atom_text(text: str) -> bool:
    """Whether a printed operand needs no brackets under a fraction bar."""
    return not any(sign in text for sign in "+−/·") or (text[0] == "⌊" and text.count("⌊") == 1)


def _superscript(power: int) -> str:
    return "" if power == 1 else str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _print_order(factor: tuple[Formula, int]) -> tuple[bool, str]:
    """Lower-case symbols first (k, s), then the others; each in alphabetical order."""
    text = factor[0].text().lstrip("(⌊⌈")
    return (not text[0].islower(), text)


def _sum(terms: Iterable[tuple[int, Any]]) -> Number:
    counts: dict[Formula, int] = {}
    constant = 0
    constant_first = False
    for factor, term in terms:
        if not isinstance(term, Formula):
            constant_first = constant_first or (not counts and bool(term))
            constant += factor * int(term)
            continue
        if isinstance(term, Sum):
            constant_first = constant_first or (not counts and term.constant_first)
            constant += factor * term.constant
            parts = [(factor * count, part) for count, part in term.terms]
        elif isinstance(term, Product) and term.coefficient != 1:
            parts = [(factor * term.coefficient, _bare(term))]
        else:
            parts = [(factor, term)]
        for count, part in parts:
            counts[part] = counts.get(part, 0) + count
    kept = tuple((count, term) for term, count in counts.items() if count)
    if not kept:
        return constant
    if len(kept) == 1 and not constant:
        count, term = kept[0]
        return term if count == 1 else _product([count, term])
    return Sum(kept, constant, constant_first)


def _bare(term: Product) -> Formula:
    """A product without its integer."""
    if len(term.factors) == 1 and term.factors[0][1] == 1:
        return term.factors[0][0]
    return Product(1, term.factors)


def _product(factors: Iterable[Any]) -> Number:
    coefficient = 1
    powers: dict[Formula, int] = {}
    for factor in factors:
        if not isinstance(factor, Formula):
            coefficient *= int(factor)
        elif isinstance(factor, Product):
            coefficient *= factor.coefficient
            for part, power in factor.factors:
                powers[part] = powers.get(part, 0) + power
        else:
            powers[factor] = powers.get(factor, 0) + 1
    if not powers or coefficient == 0:
        return coefficient
    if coefficient == 1 and list(powers.values()) == [1]:
        return next(iter(powers))
    return Product(coefficient, tuple(sorted(powers.items(), key=_print_order)))


def _call(operation: str, *operands: Any) -> Number:
    if operation in _DIVISIONS and not isinstance(operands[1], Formula) and operands[1] == 1:
        number: Number = operands[0]
        return number
    if operation == "where" and operands[1] == operands[2]:
        return operands[1]  # type: ignore[no-any-return]
    return Call(operation, operands)


def _compare(relation: str, left: Number, right: Number) -> Any:
    a, b = value_of(left), value_of(right)
    if a is None or b is None:
        return Condition(relation, left, right)
    return {"<": a < b, "≤": a <= b, ">": a > b, "≥": a >= b, "=": a == b}[relation]
