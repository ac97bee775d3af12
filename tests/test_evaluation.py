"""What many settings cost is what an analysis of each says, whatever replays the traces."""

from __future__ import annotations

import importlib.util
import operator as op
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from random import Random
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from benchmarks.sweep_equals_analyze import METRICS, differences, families, points
from convcalc.arithmetic import (
    Symbolic,
    ceil_div,
    gcd,
    make_divisible,
    maximum,
    minimum,
    scaled,
    where,
)
from convcalc.search.evaluation import Evaluator
from convcalc.search.factored import factored
from convcalc.search.groups import Asked
from convcalc.search.kept import span
from convcalc.search.machine import Wide, lowered
from convcalc.search.product import Product
from convcalc.search.ranges import Range, of, ranges
from convcalc.search.replay import Straight, function
from convcalc.search.space import Axis, Space
from convcalc.search.vectors import Replayed
from convcalc.trace import Tape, Traced, needed

ENGINES = [
    "numpy",
    pytest.param(
        "numba",
        marks=pytest.mark.skipif(not importlib.util.find_spec("numba"), reason="needs numba"),
    ),
]


def evaluator(name: str, engine: str = "auto", jobs: int = 1) -> Evaluator:
    return Evaluator(Asked(convcalc.load(name).family(), METRICS), engine, jobs)


def listed(columns: Any) -> list[Any]:
    """Validity and figures as lists of Python's values."""
    valid, figures = columns
    every = [valid, *figures.values()]
    return [each.tolist() if hasattr(each, "tolist") else list(each) for each in every]


def analysed(own: Evaluator, columns: Any, at: int) -> list[Any]:
    """The same of one setting, by an analysis of its own."""
    try:
        totals = own.totals({name: column[at] for name, column in columns.items()})
    except convcalc.ConvcalcError:
        return [False, 0, 0, 0, 0]
    return [True, *totals.values()]


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_settings_of_the_zoo(step: int) -> None:
    wrong = []
    for family in list(families())[::step]:
        columns = points(family, 2, Random(family.name))
        wrong += differences(family, columns, Evaluator(Asked(family, METRICS)))
    assert wrong == []


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["mobilenet_v2", "shufflenet_v2", "unet"])
def test_engines_agree(name: str, engine: str) -> None:
    family = convcalc.load(name).family()
    columns = points(family, 200, Random(3))
    expected = Evaluator(Asked(family, METRICS), "python").evaluate(columns)
    assert listed(evaluator(name, engine).evaluate(columns)) == listed(expected)


@pytest.mark.parametrize("engine", ["python", *ENGINES])
def test_numbers_beyond_machine_words(engine: str) -> None:
    widths = [0.5, 1, 10**12, 1e14, 10**30, 2.0**53, 1e-320, 1e300, 7.0] * 8
    columns: Any = {"alpha": widths, "resolution": [224] * 36 + [10**10] * 36}
    own = evaluator("mobilenet_v1", engine)
    found = listed(own.evaluate(columns))
    for at in (0, 2, 3, 4, 5, 6, 7, 36, 39, 40, 44):
        assert [each[at] for each in found] == analysed(own, columns, at), at


#: A network of as many layers as its variable says.
DEEP = """
name: Deep
variables: {depth: 3, width: 8}
input: [3, 8, 8]
layers:
  - repeat: {times: depth, layers: [conv: {out: width, k: 3, p: 1}]}
"""


def test_settings_of_a_structure_each() -> None:
    """They are not traced one by one for ever."""
    family = convcalc.loads(DEEP).family()
    own = Evaluator(Asked(family, METRICS))
    columns: Any = {"depth": [*range(1, 91)], "width": [8] * 90}
    found = listed(own.evaluate(columns))
    assert own.traces < 40
    for at in (0, 30, 89):
        assert [each[at] for each in found] == analysed(own, columns, at)


def test_what_divides_by_zero_is_of_no_group() -> None:
    """Neither is a refusal one of settings that divide by another number, nor the other way."""
    spec = DEEP.replace("out: width", "out: 8 // width + 2")
    columns: Any = {"depth": [1] * 60, "width": [8, 0, 3, 4, 0, 1] * 10}
    for order in (1, -1):
        own = Evaluator(Asked(convcalc.loads(spec).family(), METRICS))
        part = {name: column[::order] for name, column in columns.items()}
        found = listed(own.evaluate(part))
        for at in range(6):
            assert [each[at] for each in found] == analysed(own, part, at), at


def test_without_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    columns: Any = {"alpha": [0.25 + at / 100 for at in range(99)], "resolution": [96, 224, 5] * 33}
    expected = listed(evaluator("mobilenet_v2").evaluate(columns))
    monkeypatch.setitem(sys.modules, "numpy", None)
    found = evaluator("mobilenet_v2").evaluate(columns)
    assert isinstance(found.valid, list)
    assert listed(found) == expected
    with pytest.raises(convcalc.ConvcalcError, match="numpy"):
        evaluator("mobilenet_v2", "numpy")


def test_kinds_of_columns_and_of_values() -> None:
    own = evaluator("mobilenet_v2")
    many: dict[str, Any] = {
        "alpha": [1, 1.0, 0.75, 2, Fraction(1, 2)] * 20,
        "resolution": [224, 3, 64, 1, 0] * 20,
    }
    found = listed(own.evaluate(many))
    few = [listed(own.evaluate({name: column[:5] for name, column in many.items()}))]
    assert [each[:5] for each in found] == few[0]
    arrays: Any = {
        "alpha": numpy.array([0.5, 1.5] * 50, "float32"),
        "resolution": numpy.array([96, 200] * 50, "uint8"),
    }
    lists = {name: column.tolist() for name, column in arrays.items()}
    assert listed(own.evaluate(arrays)) == listed(own.evaluate(lists))


@pytest.mark.parametrize("jobs", [2, 3])
def test_any_number_of_threads(jobs: int) -> None:
    count = 1 << 17
    columns: Any = {
        "alpha": numpy.linspace(0.1, 2, count),
        "resolution": numpy.arange(count) % 300,
    }
    expected = evaluator("mobilenet_v2", "numpy").evaluate(columns)
    found = evaluator("mobilenet_v2", "numpy", jobs).evaluate(columns)
    assert not expected.valid[0]
    assert found.valid.tobytes() == expected.valid.tobytes()  # type: ignore[attr-defined]
    for metric in METRICS:
        assert numpy.array_equal(found.figures[metric], expected.figures[metric])


def test_every_setting_of_a_space() -> None:
    """Each network of it once: the same as all settings one by one."""
    alphas = [*[at / 400 for at in range(40, 400)], 1, 2]
    space = Space((Axis("alpha", alphas), Axis("resolution", range(1, 120, 7))))
    own = evaluator("mobilenet_v2")
    product = Product(own, space)
    known = product.networks
    assert known is not None
    assert len(known.counts) < space.size / 5
    assert known.counts.sum() == space.size
    everything = listed(product.evaluate(0, space.size))
    assert everything == listed(own.evaluate(product.columns(0, space.size)))
    assert [each[100:171] for each in everything] == listed(product.evaluate(100, 171))
    assert [each[40:43] for each in everything] == listed(product.evaluate(40, 43))
    first = space.point(4321)
    assert [each[4321] for each in everything[1:]] == list(own.totals(first).values())


def test_a_space_of_too_many_structures() -> None:
    space = Space((Axis("depth", range(1, 70)), Axis("width", (8, 16))))
    own = Evaluator(Asked(convcalc.loads(DEEP).family(), METRICS))
    product = Product(own, space)
    assert product.networks is None
    found = listed(product.evaluate(3, 5))
    assert [each[1] for each in found[1:]] == list(own.totals(space.point(4)).values())


# Laws of what replays a trace: of any numbers that rules can make

INTEGERS = st.integers(-40, 40) | st.integers(-(10**12), 10**12)
FLOATS = st.floats(-50, 50) | st.floats(-1e9, 1e9)
BINARY: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a // b,
    lambda a, b: a % b,
    lambda a, b: a / b,
    maximum,
    minimum,
    lambda a, b: where(a < b, a, b + 1) if isinstance(a < b, Symbolic) else a,
    lambda a, b: scaled(round(a), b),
    lambda a, b: make_divisible(a, 8) + round(b),
]


@st.composite
def programs(draw: st.DrawFn) -> tuple[Tape, list[Any], dict[str, tuple[Any, Any]]]:
    """A tape of what was done to an integer and a float, and two values of each."""
    ends = {"n": draw(st.tuples(INTEGERS, INTEGERS)), "x": draw(st.tuples(FLOATS, FLOATS))}
    tape = Tape({name: pair[0] for name, pair in ends.items()})
    numbers: list[Any] = [*tape.inputs.values(), draw(st.integers(-9, 9))]
    for _ in range(draw(st.integers(1, 9))):
        operation = draw(st.sampled_from(BINARY))
        a, b = draw(st.sampled_from(numbers)), draw(st.sampled_from(numbers))
        try:
            numbers.append(operation(a, b))
        except (ArithmeticError, ValueError):
            continue  # what is refused is no number
    return tape, [each for each in numbers if isinstance(each, Traced)], ends


@given(st.tuples(INTEGERS, INTEGERS), st.tuples(INTEGERS, INTEGERS), st.data())
@settings(max_examples=200, deadline=None)
def test_a_tape_does_what_was_done(first: Any, second: Any, data: st.DataObject) -> None:
    """What it puts together, leaves out and turns around included."""
    tape = Tape(dict(zip("ab", first)))
    traced: list[Any] = [*tape.inputs.values(), 1, 2, -3]
    plain: list[Any] = [*second, 1, 2, -3]
    are_alike = True
    for _ in range(data.draw(st.integers(1, 8))):
        operation = data.draw(st.sampled_from([*BINARY[:5], maximum, minimum, gcd, ceil_div]))
        places = [data.draw(st.integers(0, len(traced) - 1)) for _ in range(2)]
        try:
            done = operation(*[traced[each] for each in places])
            plain.append(operation(*[plain[each] for each in places]))
        except ArithmeticError:
            return
        traced.append(done)
        a, b = (data.draw(st.integers(0, len(traced) - 1)) for _ in range(2))
        asked = data.draw(st.sampled_from([op.lt, op.le, op.eq, op.ge]))
        are_alike &= bool(asked(traced[a], traced[b])) == asked(plain[a], plain[b])
    code = Straight(tape, tuple(tape.guards.values()), tuple(traced))
    if are_alike:
        assert function(code)(*second) == tuple(plain)
    else:
        with suppress(ArithmeticError):
            assert function(code)(*second) is None


@given(programs())
@settings(max_examples=150, deadline=None)
def test_ranges_have_all_values(program: Any) -> None:
    _, numbers, ends = program
    box = {name: of(a).joined(of(b)) for name, (a, b) in ends.items()}
    known = ranges(needed(numbers), box)
    for number in numbers:
        low, high, _ = known[number.index]
        assert low <= number.worth <= high


@given(programs())
@settings(max_examples=150, deadline=None)
def test_factored_numbers_are_the_same(program: Any) -> None:
    tape, numbers, ends = program
    whole = [each for each in numbers if each.is_whole]
    other = [pair[1] for pair in ends.values()]
    before = Straight(tape, (), tuple(whole))
    after = Straight(tape, (), tuple(factored(tape, whole)))
    try:
        expected = function(before)(*other)
    except (ArithmeticError, ValueError):
        return
    assert function(after)(*other) == expected


@given(programs())
@settings(max_examples=150, deadline=None)
def test_machine_words_are_the_same(program: Any) -> None:
    tape, numbers, ends = program
    for number in (each for each in numbers if each.is_whole):
        code = Straight(tape, (), (number,))
        columns = {name: numpy.array(pair) for name, pair in ends.items()}
        try:
            words = lowered(code, {name: span(column) for name, column in columns.items()})
        except Wide:
            continue
        assert words is not None
        figures = [numpy.zeros(2, "int64")]
        Replayed(words).run(columns, numpy.empty(2, bool), figures)
        for at in range(2):
            values = [pair[at] for pair in ends.values()]
            try:
                expected = function(code)(*values)
            except (ArithmeticError, ValueError):
                continue
            assert (figures[0][at].item(),) == expected


def test_a_range_of_a_large_integer_is_exact() -> None:
    tape = Tape({"n": 10**15})
    square = tape.inputs["n"] * tape.inputs["n"] + 1
    found = ranges(needed([square]), {"n": Range(10**15, 10**15 + 1)})[square.index]
    assert found[:2] == (10**30 + 1, (10**15 + 1) ** 2 + 1)
