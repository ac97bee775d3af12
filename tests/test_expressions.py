"""Expressions: Python's own evaluation is the oracle, for the part of Python that they are."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcalc.expressions import Bounds, ExpressionError, parse
from tests import strategies

VALUES: dict[str, Any] = {"a": 2, "b": (1, 2), "n": 3, "alpha": 0.5}


def make_divisible(v: float, divisor: int = 8, min_value: int | None = None) -> int:
    """As the authors of MobileNetV2 publish it (TensorFlow's models, slim/nets/mobilenet)."""
    if min_value is None:
        min_value = divisor
    new_v = max(min_value, int(v + divisor / 2) // divisor * divisor)
    # Make sure that round down does not go down by more than 10%.
    if new_v < 0.9 * v:
        new_v += divisor
    return int(new_v)


def of_one_or_more(function: Any) -> Any:
    """`min` or `max`, which here have a value for one number as well."""
    return lambda *values: function(*values) if isinstance(values[0], tuple) else function(values)


_BUILTINS = {each.__name__: each for each in (abs, int, round, len)}
_OTHERS = {
    "min": of_one_or_more(min),
    "max": of_one_or_more(max),
    "floor": math.floor,
    "ceil": math.ceil,
    "make_divisible": make_divisible,
}
PYTHON: dict[str, Any] = {**_BUILTINS, **_OTHERS, "true": True, "false": False, "__builtins__": {}}


def as_tuples(value: Any) -> Any:
    return tuple(map(as_tuples, value)) if isinstance(value, (list, tuple)) else value


def error(text: str, **bounds: int) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        parse(text, Bounds(**bounds)).evaluate(VALUES)
    return caught.value


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(strategies.expressions)
def test_what_has_a_value_has_pythons(text: str) -> None:
    """Truth values are no numbers here and long integers are refused, so some have none."""
    try:
        ours = parse(text).evaluate(VALUES)
    except ExpressionError:
        return
    # It holds numbers, names of VALUES, operators and the functions above, and nothing else.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of `0[1]`, which is not evaluated
        python = eval(text, {**PYTHON, **VALUES})
    assert ours == as_tuples(python)
    assert type(ours) is type(as_tuples(python))


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.one_of(strategies.expressions, strategies.nearly_expressions))
def test_an_error_marks_a_part_of_the_text(text: str) -> None:
    found = None
    try:
        parse(text).evaluate(VALUES)
    except ExpressionError as refused:
        found = refused
    if found is not None:
        assert 0 <= found.start <= found.end <= max(len(text), 1)
        assert found.message


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("100 // 7 // 2", 7),
        ("2 ** 3 ** 2", 512),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("- - 3", 3),
        ("-7 // 2", -4),
        ("-7 % 3", 2),
        ("7 / 2", 3.5),
        ("1 < 2 < 3", True),
        ("3 > 2 > 2", False),
        ("1 == 1.0", True),
        ("'relu' == 'relu6'", False),
        ("not 1 == 2", True),
        ("not not 0", False),
        ("1 if false else 2 if false else 3", 3),
        ("1 if 0 < a else 1 / 0", 1),
        ("a or 1 / 0", 2),
        ("false and 1 / 0", False),
        ("0 or 32", 32),
        ("[1, [2, 3]][1][0]", 2),
        ("[1, 2, 3][-1]", 3),
        ("[1, 2,]", (1, 2)),
        ("len(b)", 2),
        ("max(b)", 2),
        ("min(3, a, n)", 2),
        ("max(3)", 3),
        ("int(-2.7)", -2),
        ("floor(-2.5)", -3),
        ("ceil(2.1)", 3),
        ("round(2.5)", 2),
        ("round(2.345, 1)", 2.3),
        ("010", 10),
        ("1e3", 1000.0),
        ("make_divisible(32 * alpha)", 16),
        ("make_divisible(11)", 16),
        ("make_divisible(3)", 8),
        ("make_divisible(24 * 0.75, 4)", 20),
        ("make_divisible(10, 8, 16)", 16),
    ],
)
def test_value(text: str, meant: Any) -> None:
    value = parse(text).evaluate(VALUES)
    assert value == meant
    assert type(value) is type(meant)


@pytest.mark.parametrize(
    ("text", "marked", "code"),
    [
        ("", "", "bad-expression"),
        ("1 +", "+", "bad-expression"),
        ("(1 + 2", "(", "bad-expression"),
        ("[1, 2", "[", "bad-expression"),
        ("1 2", "2", "bad-expression"),
        ("1 if 2", "2", "bad-expression"),
        ("a.b", ".", "bad-expression"),
        ("a = 1", "=", "bad-expression"),
        ("a & 1", "&", "bad-expression"),
        ("'open", "'", "bad-expression"),
        ("if", "if", "bad-expression"),
        ("lambda: 1", ":", "bad-expression"),
        ("__import__('os')", "__import__", "bad-expression"),
        ("eval('1')", "eval", "bad-expression"),
        ("1 + beta * 2", "beta", "unknown-name"),
        ("n + 7 // (a - 2) + 1", "7 // (a - 2)", "division-by-zero"),
        ("1 % 0", "1 % 0", "division-by-zero"),
        ("0 ** -1", "0 ** -1", "division-by-zero"),
        ("make_divisible(8, 0)", "make_divisible(8, 0)", "division-by-zero"),
        ("1 + 'relu'", "1 + 'relu'", "bad-value"),
        ("2 * (b + 1)", "b + 1", "bad-value"),
        ("true + 1", "true + 1", "bad-value"),
        ("-b", "-b", "bad-value"),
        ("1 < 'relu'", "1 < 'relu'", "bad-value"),
        ("(0 - 8) ** 0.5", "(0 - 8) ** 0.5", "bad-value"),
        ("b[2]", "b[2]", "bad-value"),
        ("b[0.5]", "b[0.5]", "bad-value"),
        ("a[0]", "a[0]", "bad-value"),
        ("abs(b)", "abs(b)", "bad-value"),
        ("max([])", "max([])", "bad-value"),
        ("len(3)", "len(3)", "bad-value"),
        ("1 + min()", "min()", "bad-expression"),
        ("1e308 * 10", "1e308 * 10", "bad-value"),
        ("10 ** 299 * 10", "10 ** 299 * 10", "limit-digits"),
        ("1 + 9 ** 9 ** 9", "9 ** 9 ** 9", "limit-digits"),
        ("10.0 ** 308 / 0.1", "10.0 ** 308 / 0.1", "bad-value"),
    ],
)
def test_error(text: str, marked: str, code: str) -> None:
    found = error(text)
    assert text[found.start : found.end] == marked
    assert found.code == code


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("aplha * 2", "did you mean `alpha`?"),
        ("celi(2.5)", "did you mean `ceil`?"),
        ("yes", "truth values are written `true` and `false`"),
        ("True", "write `true`"),
        ("2 ^ 3", "a power is `**`"),
        ("2 × 3", "multiplication is `*`"),
        ("5 − 3", "a minus sign is `-`"),
        ("a && n", "write `and`, `or`, `not`"),
        ("1_000", "digits are written without separators: 1000, not 1_000"),
        ("1,000", "digits are written without separators: 1000, not 1,000; a list has brackets"),
        ("1:30", "a number has no colon in it; YAML 1.1 reads 1:30 as 90"),
    ],
)
def test_advice(text: str, advice: str) -> None:
    found = error(text)
    assert advice in (found.label, found.help)


@pytest.mark.parametrize("opened", ["(", "[", "min(", "a[", "2 ** (", "1 if ("])
def test_nesting_is_bounded(opened: str) -> None:
    assert error(opened * 200).code == "limit-brackets"


def test_long_chains_are_no_nesting() -> None:
    assert parse(" + ".join(["1"] * 500)).evaluate({}) == 500
    assert parse("-" * 1000 + "1").evaluate({}) == 1
    assert parse("not " * 400 + "0").evaluate({}) is False
    assert parse("0 if 0 else " * 150 + "7").evaluate({}) == 7
    assert parse("1 < " * 400 + "2").evaluate({}) is False


def test_length_is_bounded() -> None:
    assert parse("1" + "+1" * 999).evaluate({}) == 1000
    assert error("1" + "+1" * 1000).code == "limit-expression"
    assert parse("1" + "+1" * 1000, Bounds(expression=2001)).evaluate({}) == 1001


def test_digits_are_bounded_exactly() -> None:
    assert parse("10 ** 8 * 9", Bounds(digits=9)).evaluate({}) == 900_000_000
    assert error("10 ** 8 * 10", digits=9).code == "limit-digits"
    assert error("1234567890", digits=9).code == "limit-digits"


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u2028", "\x1c", "\x85"])
@pytest.mark.parametrize("text", ["1{}", "{}1", "1 +{}2", "1{} ", "(1){}+ 2"])
def test_what_only_looks_like_a_space_is_named(space: str, text: str) -> None:
    found = error(text.format(space))
    assert found.message == f"U+{ord(space):04X} has no meaning in an expression"
    assert found.help == "it looks like a space, and is none; write a plain one"
    assert text.format(space)[found.start : found.end] == space
