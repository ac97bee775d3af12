"""Numbers that record the formula they came from.

A layer's rules run on `Formula` values just as on integers; what comes out knows how it was made,
and is printed as mathematics: with names (`k²·C_in·C_out + C_out`), with the numbers in it, or
reduced to a closed form in what is still open (`9·C_in·C_out + C_out`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, Union

from convcalc import arithmetic
from convcalc.arithmetic import Refusal, Symbolic, exact, exactly, value_of

Number = Union[int, "Formula"]


class Formula(Symbolic):
    """An expression over symbols. Immutable; compared and hashed by how it is written."""

    __slots__ = ("_key",)
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

    def apply(self, operation: str, *operands: Any) -> Any:
        return _apply(operation, *operands)


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

    @property
    def whole(self) -> bool:  # type: ignore[override]
        return self.number is None or _is_whole(self.number)

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


class _Operation(NamedTuple):
    """How an operation is computed, and printed from its printed operands."""

    compute: Callable[..., Any]
    template: str
    #: Whether operands that are sums or products are bracketed.
    tight: bool = False
    #: Binding strength of what is printed.
    strength: int = 3
    #: Whether it makes an integer: always, never for certain, or (None) of integers.
    whole: bool | None = True


_OPERATIONS: Mapping[str, _Operation] = {
    "ceil_div": _Operation(arithmetic.ceil_div, "⌈{0}/{1}⌉", tight=True),
    "exact_div": _Operation(arithmetic.exact_div, "{0}/{1}", tight=True, strength=2),
    "floordiv": _Operation(partial(exactly, operator.floordiv), "⌊{0}/{1}⌋", tight=True),
    "gcd": _Operation(arithmetic.gcd, "gcd({0}, {1})"),
    "scaled": _Operation(arithmetic.scaled, "⌊{1}·{0}⌋", tight=True),
    "floor": _Operation(arithmetic.floor, "⌊{0}⌋"),
    "ceil": _Operation(arithmetic.ceil, "⌈{0}⌉"),
    "round": _Operation(
        arithmetic.nearest, "(⌈{0} − 0.5⌉ if ⌊{0}⌋ % 2 = 0 else ⌊{0} + 0.5⌋)", tight=True
    ),
    "make_divisible": _Operation(
        arithmetic.make_divisible,
        "M + ({1} if M < 0.9·{0} else 0)".replace("M", "max({2}, ⌊({0} + {1}/2)/{1}⌋·{1})"),
        tight=True,
        strength=1,
    ),
    "maximum": _Operation(arithmetic.maximum, "max({0}, {1})", whole=None),
    "minimum": _Operation(arithmetic.minimum, "min({0}, {1})", whole=None),
    "where": _Operation(arithmetic.where, "({1} if {0} else {2})", whole=None),
    # Of fractions; of integers the first three are sums and products.
    "add": _Operation(partial(exactly, operator.add), "{0} + {1}", False, 1, False),
    "sub": _Operation(partial(exactly, operator.sub), "{0} − {1}", True, 1, False),
    "mul": _Operation(partial(exactly, operator.mul), "{0}·{1}", True, 2, False),
    "mod": _Operation(partial(exactly, operator.mod), "{0} − {1}·⌊{0}/{1}⌋", True, 1, False),
    "truediv": _Operation(arithmetic.divide, "{0}/{1}", True, 2, False),
}
_DIVISIONS = ("floordiv", "ceil_div", "exact_div", "truediv")


class Call(Formula):
    """An operation that multiplying out stops at: a division, a maximum, a choice."""

    __slots__ = ("known", "operands", "operation")

    def __init__(self, operation: str, operands: tuple[Any, ...]) -> None:
        self.operation = operation
        self.operands = operands
        self._key = (operation, operands)
        values = [value_of(operand) for operand in operands]
        known = None if None in values else _OPERATIONS[operation].compute(*values)
        self.known = int(exact(known)) if _is_whole(known) else known

    @property
    def strength(self) -> int:  # type: ignore[override]
        return _OPERATIONS[self.operation].strength

    @property
    def whole(self) -> bool:  # type: ignore[override]
        if self.known is not None:
            return _is_whole(self.known)
        whole = _OPERATIONS[self.operation].whole
        numbers = (operand for operand in self.operands if not isinstance(operand, Condition))
        return all(map(_is_whole, numbers)) if whole is None else whole

    @property
    def value(self) -> int | None:
        return self.known

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
        operation = _OPERATIONS[self.operation]
        if operation.tight:
            texts = [t if _is_atom_text(t) else f"({t})" for t in texts]
        return operation.template.format(*texts)


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
        return self.call._print(_closed)


class Condition(Symbolic):
    """A condition whose outcome is open, because a symbol in it is.

    Two operands of a relation, two conditions of `and` or `or`, or one of `not`.
    """

    __slots__ = ("operands", "relation")
    numeric = False

    def __init__(self, relation: str, *operands: Any) -> None:
        self.relation = relation
        self.operands = operands

    @property
    def value(self) -> None:
        """A condition stands where nothing is known."""
        return None

    def truth(self) -> Condition:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self.text() == other.text()

    def __hash__(self) -> int:
        return hash(self.text())

    def __str__(self) -> str:
        return self.text()

    def text(self, numbers: bool = False) -> str:
        return self._print(lambda operand: _text(operand, numbers))

    def reduced(self) -> str:
        return self._print(_closed)

    def _print(self, show: Callable[[Any], str]) -> str:
        texts = [
            f"({show(operand)})"
            if isinstance(operand, Condition) and operand.relation in ("and", "or")
            else show(operand)
            for operand in self.operands
        ]
        return f"not {texts[0]}" if self.relation == "not" else f" {self.relation} ".join(texts)

    def apply(self, operation: str, *operands: Any) -> Any:
        return _apply(operation, *operands)


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
        if not isinstance(divisor, int) or not divisor:
            return None
        if any(count % divisor for count in self.terms.values()):
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
    """A number or a formula, multiplied out."""
    return number.polynomial() if isinstance(number, Formula) else Polynomial({(): number})


def _closed(operand: Any) -> str:
    return operand.reduced() if isinstance(operand, Condition) else str(polynomial_of(operand))


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
            constant += factor * int(exact(term))
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
            coefficient *= int(exact(factor))
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


def _is_whole(number: Any) -> bool:
    """Whether a number or a formula is sure to be an integer."""
    if isinstance(number, Formula):
        return number.whole
    return isinstance(number, int) or (isinstance(number, float) and number.is_integer())


def _apply(operation: str, *operands: Any) -> Any:
    """The result of an operation; see `Symbolic.apply`."""
    if operation in _RELATIONS:
        return _compare(operation, *operands)
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


def _divides(divisor: Number, number: Number) -> Any:
    a, b = value_of(divisor), value_of(number)
    return Condition("divides", divisor, number) if a is None or b is None else b % a == 0


def _scaled(number: Number, factor: float) -> Any:
    return number * int(factor) if factor == int(factor) else _call("scaled", number, factor)


def _quotient(a: Number, b: Number) -> Number:
    """a / b of integers: an exact division where b is sure to divide a."""
    divisor, number = value_of(b), value_of(a)
    if divisor and number is not None:
        divided = number % divisor == 0
    else:
        divided = polynomial_of(a).divided(divisor) is not None
    return _call("exact_div" if divided else "truediv", a, b)


def _power(base: Number, exponent: Number) -> Number:
    """A power of integers; the exponent must be known."""
    power = value_of(exponent)
    if not (_is_whole(base) and isinstance(power, int) and power >= 0):
        raise Refusal("in a formula, powers are whole, of whole numbers", code="bad-value")
    return _product([base] * power)


def _round(number: Any, digits: int | None = None) -> Any:
    if digits is not None:
        raise Refusal("in a formula, `round` takes no digits", code="bad-value")
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
    "divides": _divides,
    "denied": lambda condition: Condition("not", condition),
    "both": lambda a, b: Condition("and", a, b),
    "either": lambda a, b: Condition("or", a, b),
}
_ALWAYS = ("pow", "round", "scaled", "divides", "denied", "both", "either")
_RELATIONS: Mapping[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "lt": ("<", operator.lt),
    "le": ("≤", operator.le),
    "gt": (">", operator.gt),
    "ge": ("≥", operator.ge),
    "equal": ("=", operator.eq),
}


def _compare(relation: str, left: Number, right: Number) -> Any:
    a, b = value_of(left), value_of(right)
    sign, compare = _RELATIONS[relation]
    if a is None or b is None:
        return Condition(sign, left, right)
    return compare(exact(a), exact(b))
