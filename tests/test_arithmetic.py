"""One arithmetic: Python's integers and `fractions.Fraction` are the oracles, and Python's floats
for ordinary numbers.
"""

from __future__ import annotations

import ast
import math
import operator
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from convcalc import arithmetic, expressions, symbolic
from convcalc.arithmetic import make_divisible
from convcalc.expressions import Bounds, ExpressionError, parse
from convcalc.symbolic import Formula, Symbol, polynomial_of
from tests.test_expressions import make_divisible as published
from tests.test_layers import computed

COARSE = 2**53
OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

large = st.one_of(
    st.integers(COARSE, COARSE + 9), st.integers(COARSE, 10**60), st.integers(2**59, 2**61)
)
small = st.integers(0, COARSE - 1)
ordinary = st.one_of(
    st.integers(0, 2**20),
    st.floats(0, 2**20, allow_subnormal=False).filter(lambda x: x == 0 or x > 1e-6),
)
#: Decimals that people write, as texts.
decimals = st.one_of(
    st.sampled_from(("1.0", "0.35", "0.5", "0.9", "1.4", "0.75", "2.5", "1e3", "1e23", "1e20")),
    st.integers(1, 10**6).map(lambda n: f"{n // 1000}.{n % 1000:03d}"),
)


def value(text: str, **names: Any) -> Any:
    return parse(text).evaluate(names)


def is_whole(number: Any) -> bool:
    return Fraction(number).denominator == 1


# Beyond 2⁵³


@settings(max_examples=300, deadline=None)
@given(large, st.one_of(large, small), st.sampled_from(sorted(OPERATORS)), st.booleans())
@example(2**60 + 1, 2, "/", False)
@example(2**60 + 1, 2**60, "/", False)
@example(10**20 + 2, 2, "/", False)
def test_large_integers_are_calculated_with_exactly(
    a: int, b: int, sign: str, turned: bool
) -> None:
    a, b = (b, a) if turned else (a, b)
    assume(b or sign in "+-*")
    true = OPERATORS[sign](Fraction(a), Fraction(b))
    found = value(f"a {sign} b", a=a, b=b)
    assert is_whole(found) == is_whole(true)
    if is_whole(true) or abs(true) >= COARSE:
        assert found == true
    else:
        assert found == pytest.approx(float(true), rel=1e-15)


@settings(max_examples=300, deadline=None)
@given(large, decimals, st.sampled_from(sorted(OPERATORS)), st.booleans())
@example(COARSE + 1, "1.0", "*", False)
@example(10**20, "0.35", "*", True)
def test_a_decimal_beside_a_large_integer_is_what_its_text_says(
    a: int, text: str, sign: str, turned: bool
) -> None:
    left, right = (Fraction(text), a) if turned else (a, Fraction(text))
    assume(right or sign in "+-*")
    true = OPERATORS[sign](Fraction(left), Fraction(right))
    found = value(f"{text} {sign} a" if turned else f"a {sign} {text}", a=a)
    assert is_whole(found) == is_whole(true)
    if is_whole(true) or abs(true) >= COARSE:
        assert found == true
    else:
        assert found == pytest.approx(float(true), rel=1e-15)


@settings(max_examples=300, deadline=None)
@given(large, decimals, st.integers(-2, 2), st.sampled_from(sorted(COMPARISONS)))
@example(10**23, "1e23", 0, "==")
@example(COARSE + 1, "9007199254740992.0", 0, "==")
def test_large_numbers_compare_exactly(a: int, text: str, off: int, sign: str) -> None:
    """Near each other too: `a` is moved next to the decimal for half of the examples."""
    near = int(Fraction(text)) + off
    for number in (a, near):
        assert value(f"a {sign} {text}", a=number) is COMPARISONS[sign](number, Fraction(text))
        half = value("a / 2", a=a)
        assert value(f"a {sign} b", a=number, b=half) is COMPARISONS[sign](number, Fraction(a, 2))


ROUNDINGS: dict[str, Callable[[Any], Any]] = {
    "floor(x)": math.floor,
    "ceil(x)": math.ceil,
    "int(x)": int,
    "round(x)": round,
    "abs(x)": abs,
    "max(x, 1.5)": lambda x: max(x, Fraction(3, 2)),
    "min(1, x)": lambda x: min(x, 1),
}


@settings(max_examples=100, deadline=None)
@given(st.one_of(large, large.map(operator.neg)), st.integers(1, 1000))
@pytest.mark.parametrize("text", sorted(ROUNDINGS))
def test_fractions_are_rounded_and_chosen_exactly(text: str, a: int, b: int) -> None:
    a = a * b + b // 2
    assert value(text, x=value("a / b", a=a, b=b)) == ROUNDINGS[text](Fraction(a, b))


@settings(max_examples=100, deadline=None)
@given(large, st.integers(1, 9), st.integers(-300, 200))
def test_round_to_digits_is_exact(a: int, b: int, digits: int) -> None:
    true = round(Fraction(a, b), digits)
    found = value("round(a / b, d)", a=a, b=b, d=digits)
    assert found == true if abs(true) >= COARSE else found == pytest.approx(float(true))


@settings(max_examples=200, deadline=None)
@given(st.integers(-50, 50), st.integers(0, 40), st.integers(0, 4))
@example(3, 40, 0)
def test_whole_powers_are_exact(a: int, n: int, b: int) -> None:
    assert value("a ** n", a=a, n=n) == a**n
    found, true = value("(a / 2 ** b) ** n", a=a, n=n, b=b), Fraction(a, 2**b) ** n
    assert found == true if abs(true) >= COARSE else found == pytest.approx(float(true))


# Ordinary numbers


@settings(max_examples=300, deadline=None)
@given(ordinary, ordinary, st.sampled_from(sorted({**OPERATORS, **COMPARISONS})))
@example(32, 0.7, "*")
@example(100, 0.35, "*")
@example(100, 0.29, "*")
def test_ordinary_numbers_are_pythons(a: float, b: float, sign: str) -> None:
    assume(b or sign not in ("/", "//", "%"))
    python = {**OPERATORS, **COMPARISONS}[sign](a, b)
    found = value(f"a {sign} b", a=a, b=b)
    assert (type(found), found) == (type(python), python)


def _widths() -> Any:
    return st.one_of(
        st.integers(-100, 4096),
        st.integers(0, COARSE - 1),
        st.floats(-100, 1e6),
        st.floats(0, float(COARSE - 1)),
        st.builds(operator.mul, st.integers(1, 2048), st.sampled_from((0.35, 0.7, 1.4, 0.29))),
    )


@settings(max_examples=500, deadline=None)
@given(
    _widths(),
    st.one_of(st.integers(1, 64), st.integers(1, 10**9), st.floats(0.5, 64)),
    st.one_of(st.none(), st.integers(0, 64), st.integers(0, 10**9), st.floats(0, 64)),
)
def test_make_divisible_is_the_published_code(v: float, divisor: Any, least: Any) -> None:
    assert make_divisible(v, divisor, least) == published(v, divisor, least)
    assert type(make_divisible(v, divisor, least)) is int


@settings(max_examples=200, deadline=None)
@given(st.integers(COARSE, 10**60), st.integers(1, 9), st.integers(1, 10**20))
@example(2**60 + 8, 1, 8)
def test_make_divisible_of_large_numbers_is_the_nearest_multiple(a: int, b: int, d: int) -> None:
    v = Fraction(a, b)
    assume(v >= COARSE)
    found = value("make_divisible(a / b, d)", a=a, b=b, d=d)
    assert found % d == 0
    assert 10 * found >= 9 * v
    assert abs(found - v) <= Fraction(d, 2) or 10 * (found - d) < 9 * v
    assert found >= d


# Bounded


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("10 ** 300 / 3", "limit-digits"),
        ("10 ** 299 + 0.1", "limit-digits"),
        ("1e308 * 10", "bad-value"),
        ("1e-200 * 1e-200", "limit-digits"),
        ("5e-324 * 5e-324 * 5e-324", "limit-digits"),
        ("1.0000001 ** 10 ** 9", "limit-digits"),
        ("0.5 ** 10 ** 9", "limit-digits"),
        ("10 ** -400", "limit-digits"),
        ("((2 ** 60 + 1) / 2) ** 10 ** 9", "limit-digits"),
        ("(10 ** 40 + 1) ** 0.5", "bad-value"),
        ("int(1e308)", "limit-digits"),
        ("1e999", "bad-value"),
        ("n ** 10 ** 9", "limit-digits"),
        ("w ** 10 ** 9", "limit-digits"),
    ],
)
def test_no_result_is_longer_than_allowed_or_takes_long(text: str, code: str) -> None:
    began = time.thread_time()
    with pytest.raises(ExpressionError) as caught:
        value(text, n=Symbol("n", 3), w=Symbol("w"))
    assert caught.value.code == code
    assert time.thread_time() - began < 0.1


@pytest.mark.parametrize(
    ("text", "meant"),
    [("round(7, -300)", 0), ("round(x, -300)", 0), ("10 ** 299 / 10 ** 299", 1), ("1e300 % 7", 1)],
)
def test_long_numbers_within_the_bounds_have_values(text: str, meant: int) -> None:
    assert value(text, x=(2**60 + 1)) == meant


def test_a_raised_bound_holds_for_decimals_too() -> None:
    assert parse("a * 0.5", Bounds(digits=500)).evaluate({"a": 10**400}) == 5 * 10**399


def test_what_is_not_whole_is_refused_as_a_place_in_a_list() -> None:
    with pytest.raises(ExpressionError, match="an index is a whole number"):
        value("[1, 2, 3][(2 ** 60 + 1) / 2 - 2 ** 59 + 1]")


# Formulas

_leaves = st.one_of(st.sampled_from(("a", "b", "c")), st.integers(0, 70).map(str))
_fractions = st.sampled_from(("0.5", "0.35", "1.25"))


def _terms(children: Any) -> Any:
    return st.one_of(
        st.tuples(children, st.sampled_from(sorted(OPERATORS)), children).map(
            "({0[0]} {0[1]} {0[2]})".format
        ),
        st.tuples(children, children).map("max({0[0]}, {0[1]})".format),
        st.tuples(children, children, children).map("min({0[0]}, {0[1]}, {0[2]})".format),
        st.tuples(st.sampled_from(("floor", "ceil", "int", "abs", "round")), children).map(
            "{0[0]}({0[1]})".format
        ),
        st.tuples(children, _fractions).map("({0[0]} * {0[1]})".format),
        st.tuples(children, st.integers(0, 3)).map("int({0[0]}) ** {0[1]}".format),
        st.tuples(children, st.integers(1, 16)).map("make_divisible({0[0]}, {0[1]})".format),
        st.tuples(children, children, st.sampled_from(sorted(COMPARISONS)), children, children).map(
            "({0[0]} if {0[1]} {0[2]} {0[3]} else {0[4]})".format
        ),
        st.tuples(children, children, children).map(
            "({0[0]} if {0[1]} > 5 and not {0[2]} < 9 or a == 4 else b)".format
        ),
    )


formulas = st.recursive(_leaves, _terms, max_leaves=6)


def outcome(text: str, names: dict[str, Any]) -> Any:
    """The value, or the kind of mistake."""
    try:
        return value(text, **names)
    except ExpressionError as error:
        return error.code


@settings(max_examples=500, deadline=None)
@given(formulas, st.integers(1, 200), st.integers(1, 40), st.integers(1, 5))
def test_a_formula_comes_to_the_number(text: str, a: int, b: int, c: int) -> None:
    numbers = {"a": a, "b": b, "c": c}
    number = outcome(text, numbers)
    found = outcome(text, {name: Symbol(name, size) for name, size in numbers.items()})
    assert (found.value if isinstance(found, Formula) else found) == number


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 2**70), st.integers(1, 64), decimals)
@pytest.mark.parametrize(
    "text", ["make_divisible(a, {d})", "a / {d}", "int(a * {x})", "a % {d}", "a * {x}", "a // {x}"]
)
def test_large_formulas_come_to_the_number(text: str, a: int, d: int, x: str) -> None:
    expression = text.format(d=d, x=x)
    found = value(expression, a=Symbol("a", a))
    assert (found.value if isinstance(found, Formula) else found) == value(expression, a=a)


def written(number: Any, names: dict[str, int]) -> Any:
    """What a reader makes of a formula and of its closed form: both must be one number."""
    assert isinstance(number, Formula)
    text = number.text(numbers=False)
    assert computed(text, names) == computed(str(polynomial_of(number)), names)
    return computed(text, names)


@pytest.mark.parametrize(
    "text",
    [
        "max(1, a // 4)", "min(a, b, 7)", "a % b", "floor(a / b)", "ceil(a / b)", "round(a / b)",
        "int(a / b)", "int(a - 50.5)", "abs(a - 2 * b)", "a ** 2 + b", "(a * 8) / 4", "-a + 60",
        "make_divisible(a, 8)", "make_divisible(a / b, 4)", "make_divisible(a * 0.35, 8, 16)",
        "int(a * 0.35)", "ceil(a * 0.5 + b * 0.25)", "floor(a * 0.5 - b * 0.25)",
        "floor((a * 0.5) % b)", "floor(a * 0.5 / 3)", "round((a + 0.5) / 2)", "floor(a / 0.5 / b)",
        "a if a > 20 else b", "a if a != b else 3", "a if a == b else 3", "a or 32", "a and 32",
        "a if 1 < a < b else b * 2", "a if not (a > 9 or b < 3) else b", "a if b >= 3 and a else 0",
        "a if b > 9 else b if a > 9 else 4",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("a", "b"), [(48, 5), (5, 48), (7, 7), (96, 3), (10, 2)])
def test_an_open_formula_is_printed_so_that_it_comes_to_the_number(
    text: str, a: int, b: int
) -> None:
    found = value(text, a=Symbol("a"), b=Symbol("b"))
    assert written(found, {"a": a, "b": b}) == value(text, a=a, b=b)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("n // 2", "⌊n/2⌋"),
        ("n / 2", "n/2"),
        ("floor(n / 2)", "⌊n/2⌋"),
        ("n * 0.35", "0.35·n"),
        ("n * 1.0 + 2.0", "n + 2"),
        ("n % 8", "n − 8·⌊n/8⌋"),
        ("n ** 2", "n²"),
        ("max(1, n // 4)", "max(1, ⌊n/4⌋)"),
        ("n if n > 8 else 8", "(n if n > 8 else 8)"),
        ("floor(n)", "n"),
    ],
)
def test_a_formula_is_printed_as_mathematics(text: str, printed: str) -> None:
    assert value(text, n=Symbol("n")).text() == printed


def test_a_known_comparison_is_decided_and_takes_one_branch() -> None:
    assert value("n if n > 20 else 1 / 0", n=Symbol("n", 48)).text() == "n"
    assert value("n > 20 and n != 3", n=Symbol("n", 48)) is True
    assert value("[1, 2, 3][n - 46]", n=Symbol("n", 48)) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2][n]", "an index is a whole number, not `n`"),
        ("'a' if n > 2 else 1", 'cannot choose between the text "a" and 1: `n > 2` is open'),
        ("n ** -1", "in a formula, powers are whole, of whole numbers"),
        ("round(n / 2, 1)", "in a formula, `round` takes no digits"),
        ("n / 0", "cannot divide `n` by 0"),
        ("(n > 2) + 1", "cannot add 1 to `n > 2`"),
        ("n < 'relu'", 'cannot compare `n` and the text "relu"'),
        ("len(n)", "`len` takes a list, not `n`"),
    ],
)  # fmt: skip
def test_what_a_formula_cannot_say_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(text, n=Symbol("n"))
    assert caught.value.message == message


def test_a_choice_between_conditions_is_a_condition() -> None:
    found = value("n > 4 if n > 2 else n < 1", n=Symbol("n"))
    assert str(found) == "(n > 2 and n > 4) or (not n > 2 and n < 1)"


# Arrays


def test_the_helpers_of_rules_take_arrays() -> None:
    numpy = pytest.importorskip("numpy")
    a: Any = numpy.array([12, 7, 9])
    b: Any = numpy.array([4, 7, 10])
    for name in ("maximum", "minimum", "ceil_div", "gcd", "equal", "divides"):
        function = getattr(arithmetic, name)
        each = [function(int(x), int(y)) for x, y in zip(a, b)]
        assert function(a, b).tolist() == each, name
    chosen: Any = arithmetic.where(arithmetic.either(arithmetic.equal(a, b), a > 10), a, b)
    assert chosen.tolist() == [12, 7, 10]
    assert arithmetic.holds(a > 6)
    assert not arithmetic.holds(a > 7)
    doubled: Any = arithmetic.scaled(a, 2.0)
    assert doubled.tolist() == [24, 14, 18]
    lessened: Any = arithmetic.scaled(a, 0.3)
    assert lessened.tolist() == [3, 2, 2]


def test_a_rule_on_arrays_does_not_say_where_it_fails() -> None:
    numpy = pytest.importorskip("numpy")
    a: Any = numpy.array([12, 7, 9])
    arithmetic.require(a > 6, "{a} is too small", code="small", a=a)
    with pytest.raises(arithmetic.Refusal, match="some of these configurations are refused"):
        arithmetic.require(a > 7, "{a} is too small", code="small", a=a)


def test_the_room_stands_alone() -> None:
    """Numbers know nothing of the language or of layers."""
    for module in (arithmetic, symbolic, expressions):
        with open(module.__file__ or "", encoding="utf-8") as file:
            tree = ast.parse(file.read())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.module.startswith(("convcalc.layers", "convcalc.language"))
