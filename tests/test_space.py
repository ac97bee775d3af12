"""The space of a search: what `--var` says, checked against counting, decimals and `--set`."""

from __future__ import annotations

import pickle
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcalc
from convcalc.search.space import Axis, Grid, Joined, Space, parse_space, settings, space_of
from convcalc.written import written

DEFAULTS = {
    "alpha": 1.0,
    "resolution": 224,
    "activation": "relu",
    "se": True,
    "w": (16, 24, 32),
    "groups": ((1, 2), (3, 4)),
}


def values(text: str, defaults: Any = DEFAULTS) -> list[Any]:
    ((_, found),) = parse_space([text], defaults).axes
    return list(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resolution=128,160,192", [128, 160, 192]),
        ("resolution = 128 , 160", [128, 160]),
        ("resolution=32:96:32", [32, 64, 96]),
        ("resolution=32:100:32", [32, 64, 96]),
        ("resolution=32,64:192:64", [32, 64, 128, 192]),
        ("resolution=-2:1", [-2, -1, 0, 1]),
        ("resolution=7:7:3", [7]),
        ("alpha=0.1:1:0.1", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("alpha=.5:2.:5e-1", [0.5, 1.0, 1.5, 2.0]),
        ("alpha=-0.5:0.5:0.5", [-0.5, 0.0, 0.5]),
        ("activation=relu,silu", ["relu", "silu"]),
        ("activation='relu','a,b',1:2:3", ["relu", "a,b", "1:2:3"]),
        ("se=true,false", [True, False]),
        ("w=[8, 16, 24],[8, 8, 8]", [(8, 16, 24), (8, 8, 8)]),
        ("w[0]=8:16:8", [8, 16]),
        ("groups[1]=[1,1],[2,2]", [(1, 1), (2, 2)]),
    ],
)
def test_values_of_a_text(text: str, expected: list[Any]) -> None:
    found = values(text)
    assert found == expected
    assert [type(each) for each in found] == [type(each) for each in expected]


@pytest.mark.parametrize("text", ["1", "1.0", "0.75", "1/3", "1e-3", "3 * 0.25", "'a'", "silu"])
def test_a_value_is_what_set_makes_of_it(text: str) -> None:
    name = "activation" if text in ("'a'", "silu") else "alpha"
    (found,) = values(f"{name}={text}")
    as_set = written(text).for_default(DEFAULTS[name])
    assert (found, type(found)) == (as_set, type(as_set))


def test_all_entries_of_a_list_are_axes_of_their_own() -> None:
    space = parse_space(["w[0..2]=8:320:8", "alpha=0.5,1"], DEFAULTS)
    assert [axis.name for axis in space.axes] == ["w[0]", "w[1]", "w[2]", "alpha"]
    assert space.size == 40**3 * 2
    assert settings({"w[1]": 8, "alpha": 0.5}, DEFAULTS) == {"w": (16, 8, 32), "alpha": 0.5}


def test_the_same_from_python() -> None:
    given = {"alpha": [0.25, 0.5], "resolution": range(128, 225, 32), "w[0..1]": "8:320:8"}
    texts = ["alpha=0.25,0.5", "resolution=128:224:32", "w[0..1]=8:320:8"]
    assert space_of(given, DEFAULTS) == parse_space(texts, DEFAULTS)
    assert space_of({"w": [[8, 8, 8]], "se": (True,)}, DEFAULTS).point(0) == {
        "w": (8, 8, 8),
        "se": True,
    }
    assert space_of({"w[0..1]": iter([8, 16])}, DEFAULTS).size == 4


def test_long_ranges_cost_nothing() -> None:
    texts = ["resolution=1:1000000000:1", "alpha=0.000000001:1:0.000000001,2:3:1e-15"]
    space = parse_space(texts, DEFAULTS)
    ((_, whole), (_, decimals)) = space.axes
    assert (len(whole), len(decimals)) == (10**9, 10**9 + 10**15 + 1)
    assert (decimals[299_999_999], decimals[-1]) == (0.3, 3.0)
    assert isinstance(decimals[5 : 10**9], Joined)
    assert len(pickle.dumps(space)) < 1000
    assert pickle.loads(pickle.dumps(space)) == space == parse_space(texts, DEFAULTS)
    assert len({space, parse_space(texts, DEFAULTS)}) == 1
    assert space.point(space.size - 1) == {"resolution": 10**9, "alpha": 3.0}


_decimals = st.decimals(-100, 100, allow_nan=False, places=3)


@given(_decimals, st.integers(1, 2000), st.integers(0, 30), st.integers(0, 999))
def test_ranges_are_decimal_arithmetic(
    first: Decimal, thousandths: int, steps: int, rest: int
) -> None:
    step = Decimal(thousandths) / 1000
    last = first + steps * step + step * rest / 1000
    expected = [float(first + i * step) for i in range(steps + 1)]
    assert values(f"alpha={first:f}:{last:f}:{step:f}") == expected


_axis = st.one_of(
    st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True).map(tuple),
    st.builds(Grid, st.integers(-9, 9), st.integers(1, 9), st.just(10), st.integers(1, 4)),
    st.integers(1, 4).map(lambda n: Joined((range(n), (10,), Grid(1, 2, 10, n)))),
)
spaces = st.lists(_axis, min_size=1, max_size=4).map(
    lambda found: Space(tuple(Axis(f"v{i}", each) for i, each in enumerate(found)))
)


@given(spaces, st.data())
def test_a_space_is_the_product_of_its_axes(space: Space, data: st.DataObject) -> None:
    names = [axis.name for axis in space.axes]
    points = [dict(zip(names, each)) for each in product(*(axis.values for axis in space.axes))]
    assert [space.point(i) for i in range(space.size)] == points
    start = data.draw(st.integers(0, space.size))
    stop = data.draw(st.integers(start, space.size))
    columns = space.columns(start, stop)
    assert columns == {name: [each[name] for each in points[start:stop]] for name in names}


@given(_axis, st.slices(8))
def test_values_are_a_sequence(found: Any, part: slice) -> None:
    whole = list(found)
    assert [found[i] for i in range(len(found))] == whole
    assert list(found[part]) == whole[part]
    assert list(reversed(found)) == whole[::-1]


_range = st.builds(
    lambda first, length, step: range(first, first + length, step),
    *[st.integers(1, 40) for _ in range(3)],
)


@given(_range, _range)
def test_a_value_that_two_ranges_have_is_refused(a: range, b: range) -> None:
    text = ",".join(f"{r[0] / 10}:{r[-1] / 10}:{r.step / 10}" for r in (a, b))
    if {*a}.isdisjoint(b):
        assert values(f"alpha={text}") == [each / 10 for each in (*a, *b)]
    else:
        with pytest.raises(convcalc.ConvcalcError, match="twice"):
            values(f"alpha={text}")


@pytest.mark.parametrize(
    ("texts", "message", "help"),
    [
        ("alpha", "'alpha' gives no values to a variable", "NAME=first:last:step"),
        ("alpha=", "'alpha=' gives no values to a variable", "alpha=0.5,0.75,1"),
        ("alpa=1", "there is no variable `alpa`", "did you mean `alpha`?"),
        ("zzz=1", "there is no variable `zzz`", "the variables are `alpha`, `resolution`"),
        ("alpha=1:0.5:0.1", "is empty: it ends below its first value", "0.5:1:0.1"),
        ("alpha=0:1:0", "has a step of 0", "the step is above 0"),
        ("alpha=1:0:-0.1", "has a negative step", "the first value is the smallest"),
        ("alpha=0.1:1", "'0.1:1' of `alpha` has no step", "0.1:1:0.1"),
        ("alpha=1:2:3:4", "'1:2:3:4' is no range of `alpha`", "first:last:step"),
        ("alpha=a:2:3", "'a:2:3' is no range of `alpha`", "first:last:step"),
        ("alpha=1::3", "'1::3' is no range of `alpha`", "first:last:step"),
        ("alpha=" + "9" * 60 + ":2:3", "is no range of `alpha`", "first:last:step"),
        ("alpha=1:1e400:1e399", "has a number that is too large", "1.8e308"),
        ("alpha=1e400", "'1e400' is no value", "in the spec is 1.0"),
        ("alpha=1:1.1:1e-17", "is lost in its numbers", "15 digits or 16"),
        (
            "resolution=1:100000000000000000000:1",
            "`resolution` is given more than 10¹⁸ values",
            "larger step",
        ),
        ("alpha=0.5,,1", "a value of `alpha` is missing", "between two commas"),
        ("alpha=0.5,0.50", "`alpha` is given the value 0.5 twice", "counted once"),
        ("resolution=32,0:64:32", "`resolution` is given the value 32 twice", "counted once"),
        ("alpha=1:4:1,2.5:3:0.5", "`alpha` is given the value 3.0 twice", "counted once"),
        ("alpha=1,2 alpha=3", "the values of `alpha` are given twice", "leave one of them out"),
        ("w[0]=1 w[0..1]=2", "the values of `w[0]` are given twice", "leave one of them out"),
        ("w=[1,2,3] w[0]=2", "`w` is given as a whole, and entries of it too", "leave one"),
        ("w[0]=2 w=[1,2,3]", "`w` is given as a whole, and entries of it too", "leave one"),
        ("w=8:64:8", "the variable `w` is a list", "w[0..2]=…"),
        ("w=8,16", "the variable `w` is a list", "in brackets: [8, 16],[16, 32]"),
        ("w[3]=8", "`w` has no entry 3", "it has 3 entries: w[0..2]"),
        ("w[1..3]=8", "`w` has no entry 3", "it has 3 entries: w[0..2]"),
        ("w[2..1]=8", "`w[2..1]` holds no entry", "w[1..2]"),
        ("w[-1]=8", "`w[-1]` is no entry of `w`", "`w[0..2]` for all"),
        ("w[=8", "`w[` is no entry of `w`", "`w[0..2]` for all"),
        ("alpha[0]=8", "the variable `alpha` is no list", "write alpha=…"),
        ("alpha=relu", "the variable `alpha` is a number", "in the spec is 1.0"),
        ("se=0:1:1", "the variable `se` is true or false", "in the spec is true"),
        ("alpha=1\x00", "is no value", ""),
    ],
)
def test_mistakes(texts: str, message: str, help: str) -> None:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        parse_space(texts.split(" "), DEFAULTS)
    (found,) = caught.value.diagnostics
    assert message in found.message
    assert help in found.help


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alpha": []}, "`alpha` is given no values"),
        ({"resolution": range(10**30)}, "`resolution` is given more than 10¹⁸ values"),
        ({"resolution": range(0)}, "`resolution` is given no values"),
        ({"alpha": None}, "must be a sequence or a text, not nothing"),
        ({"alpha": ["0.5"]}, "the variable `alpha` is a number"),
        ({"alpha": [float("nan")]}, "the variable `alpha` is a number"),
        ({"activation": range(3)}, "the variable `activation` is a text"),
        ({3: [1]}, "the name of a variable must be a text, not 3"),
        ({"alpha": [0.5, 1, 0.5]}, "`alpha` is given the value 0.5 twice"),
    ],
)
def test_mistakes_from_python(given: Any, message: str) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=message):
        space_of(given, DEFAULTS)


def test_a_network_without_variables_has_none() -> None:
    with pytest.raises(convcalc.ConvcalcError, match="it has no variables"):
        parse_space(["alpha=1"], {})


def test_no_setting_is_outside_of_a_space() -> None:
    space = parse_space(["alpha=1,2"], DEFAULTS)
    with pytest.raises(IndexError, match="a space of 2 settings has none at 2"):
        space.point(2)
