"""What one trace says of many settings is what the analysis of each says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc import budgets, conventions
from convcalc.arithmetic import CONDITIONS, OPERATIONS, exact, is_number
from convcalc.diagnostics import ConvcalcError
from convcalc.expressions import ExpressionError, parse
from convcalc.search.evaluation import Evaluator
from convcalc.search.groups import Asked, Group, fixed, trace
from convcalc.steps import Settings
from convcalc.trace import INPUT, Guard, Tape, Traced
from fuzz.making.document import document
from fuzz.making.text import on_one_line
from tests.strategies import NAMES, expressions

Point = Mapping[str, Any]


class Replay:
    """The numbers of a tape at another point: each operation done again, by plain Python."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self.found: dict[int, Any] = {}

    def answers(self, guards: Iterator[Guard]) -> bool:
        """Whether the point answers all guards, in their order, as the trace did."""
        return all(bool(self.value(condition)) == held for condition, held in guards)

    def value(self, number: Any) -> Any:
        if not isinstance(number, Traced):
            return number
        waiting = [number]
        while waiting:
            last = waiting.pop()
            if last.index in self.found:
                continue
            operands = [each for each in last.operands if isinstance(each, Traced)]
            missing = [each for each in operands if each.index not in self.found]
            if missing:
                waiting += [last, *missing]
            else:
                self.found[last.index] = self._done(last)
        return self.found[number.index]

    def _done(self, number: Traced) -> Any:
        if number.operation == INPUT:
            return self.point[number.operands[0]]
        values = [self.value(each) for each in number.operands]
        if number.operation in CONDITIONS:
            return bool(CONDITIONS[number.operation](*map(exact, values)))
        return OPERATIONS[number.operation](*values)


def figures_of(asked: Asked, point: Point) -> Any:
    """The figures of a point by its own analysis; None where it is refused."""
    try:
        return Evaluator(asked).totals(point)
    except ConvcalcError:
        return None


def compared(asked: Asked, points: list[dict[str, Any]]) -> int:
    """How many other points a trace at the first one speaks of; they are as their analyses are."""
    group = trace(asked, points[0])
    count = 0
    for point in points:
        if fixed(point) == group.fixed:
            replay = Replay(point)
            if replay.answers(iter(group.guards)):
                assert said(group, replay) == figures_of(asked, point), (points[0], point)
                count += point != points[0]
    return count


def said(group: Group, replay: Replay) -> Any:
    if group.figures is None:
        return None
    return {metric: replay.value(figure) for metric, figure in group.figures.items()}


def axes_of(variables: Point) -> dict[str, Any]:
    """A point of all variables, the numbers of lists by themselves."""
    point: dict[str, Any] = {}
    for name, value in variables.items():
        if isinstance(value, tuple):
            numbers = ((at, each) for at, each in enumerate(value) if is_number(each))
            point |= {f"{name}[{at}]": each for at, each in numbers}
        else:
            point[name] = value
    return point


def near(rng: Random, point: Point, most: int = 3) -> dict[str, Any]:
    """A point that differs from another in some variables."""
    changed = dict(point)
    for name in rng.sample(list(point), min(len(point), rng.randint(1, most))):
        value = point[name]
        if isinstance(value, bool):
            changed[name] = rng.random() < 0.5
        elif isinstance(value, int):
            other = (value + 1, value - 1, value * 2, value + 8 * rng.randint(-4, 4))
            changed[name] = rng.choice((*other, rng.randint(-1, 12)))
        elif isinstance(value, float):
            changed[name] = rng.choice((value + 0.01, value * 1.05, round(rng.uniform(0, 3), 2)))
    return changed


RUNS = [
    Settings(1, "float32", False),
    Settings(8, "int8", True),
    Settings(3, "float16", True),
]


@pytest.mark.parametrize(
    "name", ["mobilenet_v2", "swin", "vit", "slim_resnet_v2", "condensenet", "unet", "m5"]
)
def test_a_trace_of_a_family_says_what_analyses_say(name: str) -> None:
    rng = Random(name)
    network = convcalc.load(name)
    start = axes_of(network.variables)
    points = [start, *(near(rng, start, 1) for _ in range(2 * len(start) + 1))]
    # What these ask about a network leaves few others that are alike.
    narrow = ("arena_bytes", "receptive_field")
    wide = tuple(metric for metric in budgets.metrics() if metric not in narrow)
    count = 0
    for metrics in (wide, *((metric,) for metric in narrow)):
        count += compared(Asked(network.family(), metrics, rng.choice(RUNS)), points)
    assert count > 0


@pytest.mark.parametrize("convention", conventions.names())
def test_a_trace_counts_as_a_convention_does(convention: str) -> None:
    rng = Random(convention)
    for name in ("slim_mobilenet_v1", "deformable_deeplab", "shufflenet_v1", "dcgan_generator"):
        network = convcalc.load(name)
        start = axes_of(network.variables)
        points = [start, *(near(rng, start, 1) for _ in range(2))]
        asked = Asked(network.family(), ("flops",), rng.choice(RUNS), convention)
        compared(asked, points)


def test_a_trace_of_a_random_document_says_what_analyses_say() -> None:
    count = 0
    for seed in range(60):
        rng = Random(seed)
        network = convcalc.loads(on_one_line(document(rng).data))
        start = axes_of(network.variables)
        convention = rng.choice(conventions.names())
        asked = Asked(network.family(), budgets.metrics(), rng.choice(RUNS), convention)
        points = [near(rng, start) for _ in range(3)]
        count += compared(asked, [start, *points])
        count += compared(asked, [*points, start])
    assert count > 0


LISTED = """
name: Listed
variables: {w: [8, 16], act: "'relu'", wide: false, n: 2}
presets: {wide: {w: [12, 24], wide: true}}
input: [3, 32, 32]
layers:
  - conv: {out: "w[0]", k: 3, p: same}
  - relu: {when: act == 'relu'}
  - repeat: {times: n, layers: [{conv: {out: "w[1] * (2 if wide else 1)", k: 3, p: 1}}]}
"""


@pytest.mark.parametrize(
    ("network", "points"),
    [
        # Entries of a list, words and truth values; turns of a loop.
        (
            convcalc.loads(LISTED),
            [{"w[1]": 16}, {"w[1]": 24}, {"w[1]": 1}, {"w[1]": 0}],
        ),
        (convcalc.loads(LISTED), [{"act": "relu", "n": 2}, {"act": "tanh", "n": 2}]),
        (convcalc.loads(LISTED), [{"wide": True, "w[0]": 8}, {"wide": True, "w[0]": 9}]),
        (convcalc.loads(LISTED), [{"n": 2}, {"n": 3}, {"n": 2.0}, {"n": 2.5}]),
        # What is opened otherwise than by its own variables.
        (convcalc.loads(LISTED, preset="wide"), [{"w[0]": 8}, {"w[0]": 9}]),
        (convcalc.loads(LISTED, input=48), [{"w[0]": 8}, {"w[0]": 9}]),
        (
            convcalc.load("resnet50").until("conv3_x"),
            [{"resolution": 224}, {"resolution": 256}, {"resolution": 7}],
        ),
        (
            convcalc.load("mobilenet_v2", input=160),
            [{"alpha": 1.0}, {"alpha": 1.01}, {"alpha": 0.7}],
        ),
    ],
)
def test_a_trace_keeps_to_what_a_network_was_opened_with(
    network: convcalc.Network, points: list[dict[str, Any]]
) -> None:
    asked = Asked(network.family(), ("params", "macs", "live_bytes"))
    assert figures_of(asked, points[0]) is not None
    for start in points:
        compared(asked, [start, *points])


#: Those of an expression: integers and floats, one beyond what floats hold, and one of next to 0.
VALUES = st.one_of(
    st.integers(-4, 40),
    st.floats(0.1, 8).map(lambda x: round(x, 2)),
    st.sampled_from((0, 0.0, -0.5, 2**53 + 1, 10**200, 1e16, 1e-300)),
)
POINTS = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))


@given(expressions, POINTS, st.lists(POINTS, max_size=3))
@settings(max_examples=150)
def test_a_traced_expression_is_what_it_is_of_numbers(
    text: str, point: dict[str, Any], others: list[dict[str, Any]]
) -> None:
    tape = Tape(point)
    found = value_of(text, tape.variables())
    for each in (point, *({**point, name: other[name]} for other in others for name in NAMES)):
        replay = Replay(each)
        if fixed(each) == fixed(point) and replay.answers(iter(tape.guards.values())):
            own = value_of(text, each)
            kind = type(own) if isinstance(own, str) else None
            assert kind == (type(found) if isinstance(found, str) else None), each
            if kind is None:
                assert plain(replay, found) == plain(replay, own), each


def value_of(text: str, names: Point) -> Any:
    """What an expression comes to, or the kind of mistake that it is."""
    try:
        return parse(text).evaluate(names)
    except ExpressionError as error:
        return error.code


def plain(replay: Replay, value: Any) -> Any:
    """A value without numbers of a tape; as the number that it stands for."""
    if isinstance(value, tuple):
        return tuple([plain(replay, each) for each in value])
    return exact(replay.value(value))


def test_a_trace_is_of_one_setting_where_an_input_is_beyond_floats() -> None:
    tape = Tape({"n": 10**200, "x": 0.5})
    assert tape.variables() == {"n": 10**200, "x": 0.5}
    assert not Replay({"n": 10**200, "x": 0.6}).answers(iter(tape.guards.values()))
