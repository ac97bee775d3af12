"""Conditions on networks: the spec language's, with amounts, of one network and of many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcalc.diagnostics import ConvcalcError
from convcalc.search.conditions import parse_condition

NAMES = ("macs", "params", "alpha", "act")


@pytest.mark.parametrize(
    ("text", "values", "holds"),
    [
        ("macs <= 300M", {"macs": 300_000_000}, True),
        ("macs <= 300M", {"macs": 300_000_001}, False),
        ("macs <= 0.3G and params > 1.5k", {"macs": 3 * 10**8, "params": 1501}, True),
        ("macs == 1.1M", {"macs": 1_100_000}, True),
        ("macs < 256KiB or macs == 1MiB", {"macs": 2**20}, True),
        ("macs <= 9007199.254740993G", {"macs": 2**53 + 1}, True),
        ("not macs < 9007199.254740993G", {"macs": 2**53}, False),
        ("params < 0.9 * macs", {"macs": 10, "params": 9}, False),
        ("act == 'relu' and params", {"act": "relu", "params": 2}, True),
        ("macs <= 3M", {"macs": None}, False),
        ("macs and params // macs > 3", {"macs": 0, "params": 3}, False),
    ],
)
def test_of_one_network(text: str, values: Mapping[str, Any], holds: bool) -> None:
    condition = parse_condition(text, NAMES)
    assert condition.holds(values) is holds
    assert (
        list(condition.kept({name: [value] * 2 for name, value in values.items()})) == [holds] * 2
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mac <= 3", "--where:1:1: unknown name `mac`\n  = did you mean `macs`, `act` or `max`?"),
        ("macs <= 300m", "--where:1:9: '300m' is no amount\n  = write 300M"),
        ("macs <= 3kb", "say which: 3KiB is a power of two, 3k of ten"),
        ("macs <= 3 M", "--where:1:11: `M` cannot stand here"),
        ("macs <= 1e3M", "`1e3` has an exponent, and takes no unit"),
        ("macs <=\n params x", "--where:1:17: `x` cannot stand here"),
        ("", "there is no expression here"),
        ("macs / 0 > 1", "--where:1:1: cannot divide 3 by 0"),
        ("act < 3", "cannot compare"),
    ],
)
def test_refusals(text: str, message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        parse_condition(text, NAMES).holds({"macs": 3, "params": 3, "act": "relu"})
    assert message in str(caught.value)


def test_a_spec_takes_no_units() -> None:
    import convcalc

    spec = "name: n\nvariables: {most: 2 * 300M}\ninput: [3]\nlayers: [relu]\n"
    with pytest.raises(ConvcalcError, match="`M` cannot stand here"):
        convcalc.loads(spec)


_NUMBERS = st.sampled_from(("0.9", "2", "3k", "0.1", "1MiB", "7", "0", "1e-300", "3000000.5G"))
_SUMS = st.recursive(
    st.sampled_from(("a", "b", "x")) | _NUMBERS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+ - * / // %".split()), inner)
        | st.builds("max({}, {})".format, inner, inner)
        | st.builds("-{}".format, inner)
    ),
    max_leaves=4,
)
_COMPARISONS = st.builds(
    "{} {} {}".format, _SUMS, st.sampled_from("< <= > >= == !=".split()), _SUMS
)
_CONDITIONS = st.recursive(
    _COMPARISONS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(("and", "or")), inner)
        | st.builds("not ({})".format, inner)
    ),
    max_leaves=3,
)
_INTEGERS = st.lists(
    st.sampled_from((0, 1, 3, -7, 2**31, 2**53 - 1, 2**53 + 1, 2**62)) | st.integers(0, 3000),
    min_size=4,
    max_size=4,
)
_FLOATS = st.lists(st.sampled_from((0.25, 0.3, 1e-200, -1.5, 3.0, 2.0**60)), min_size=4, max_size=4)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(_CONDITIONS, _INTEGERS, _INTEGERS, _FLOATS)
def test_arrays_say_what_the_language_says(
    text: str, a: list[int], b: list[int], x: list[float]
) -> None:
    numpy = pytest.importorskip("numpy")
    condition = parse_condition(text, ("a", "b", "x"))
    rows = [dict(zip("abx", row)) for row in zip(a, b, x)]
    columns = {"a": numpy.array(a), "b": b, "x": numpy.array(x)}

    def answer(rows: Callable[[], Iterable[Any]]) -> list[bool] | str:
        try:
            return [bool(each) for each in rows()]
        except ConvcalcError as refused:
            return str(refused)

    assert answer(lambda: condition.kept(columns)) == answer(lambda: map(condition.holds, rows))


def test_arrays_stay_arrays() -> None:
    numpy = pytest.importorskip("numpy")
    columns = {"macs": numpy.arange(9) * 10**8, "params": numpy.arange(9), "alpha": numpy.ones(9)}
    condition = parse_condition("macs <= 300M and not params * 0.9 < 1 or alpha > 1", NAMES)
    kept = condition.kept(columns)
    assert isinstance(kept, numpy.ndarray)
    assert kept.tolist() == [False, False, True, True] + [False] * 5
