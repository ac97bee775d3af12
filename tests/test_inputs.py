"""An input is read in one way, whatever asks for it: the spec's channels and axes hold."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcalc
from tests.conftest import Run

#: Specs by the number of their spatial axes.
SPECS = {
    0: "name: n\ninput: [4]\nlayers: [linear: {out: 2}]\n",
    1: "name: n\ninput: [2, 400]\nlayers: [conv: {out: 2, k: 3}]\n",
    2: "name: n\ninput: [3, 64, 64]\nlayers: [conv: {out: 2, k: 3}]\n",
    3: "name: n\ninput: [3, 8, 16, 16]\nlayers: [conv: {out: 2, k: 3}]\n",
}
CUBE = SPECS[3].replace("8, 16, 16", "9, 9, 9")
TWO = "name: n\ninput: {a: [1, 8, 8], b: [1, 8, 8]}\nlayers: [add: {from: [a, b]}]\n"
#: An input whose name is what asks for channels elsewhere.
NAMED = "name: n\ninput: {channels: [3, 8, 8]}\nlayers: [relu]\n"


def answer(run: Run, spec: str, *arguments: str) -> Any:
    """The input of an analysis."""
    return run("analyze", "-", "--json", *arguments, stdin=spec.encode()).json["input"]


@pytest.mark.parametrize(
    ("spec", "options", "shape"),
    [
        (SPECS[0], "7", [7]),
        (SPECS[0], "channels=7", [7]),
        (SPECS[1], "500", [2, 500]),
        (SPECS[1], "2x500", [2, 500]),
        (SPECS[2], "96", [3, 96, 96]),
        (SPECS[2], "96x80", [3, 96, 80]),
        (SPECS[2], "96×80", [3, 96, 80]),
        (SPECS[2], "3x96x80", [3, 96, 80]),
        (SPECS[2], "3x3x80", [3, 3, 80]),
        (SPECS[2], "input=96", [3, 96, 96]),
        (SPECS[2], "channels=1", [1, 64, 64]),
        (SPECS[2], "channels=1 96", [1, 96, 96]),
        (SPECS[2], "1x96x80 input.channels=1", [1, 96, 80]),
        (SPECS[3], "9x10x11", [3, 9, 10, 11]),
        (SPECS[3], "3x32x32", [3, 3, 32, 32]),
        (SPECS[3], "3x9x10x11", [3, 9, 10, 11]),
        (CUBE, "11", [3, 11, 11, 11]),
        (NAMED, "channels=9", {"channels": [3, 9, 9]}),
    ],
)
def test_readings(run: Run, spec: str, options: str, shape: Any) -> None:
    given = [word for each in options.split() for word in ("--input", each)]
    assert answer(run, spec, *given) == shape


def test_several_inputs_are_named(run: Run) -> None:
    found = answer(run, TWO, "--input", "a=9", "--input", "b=1x9x9")
    assert found == {"a": [1, 9, 9], "b": [1, 9, 9]}
    options = ("--input", "a.channels=2", "--input", "b.channels=2", "--input", "b=2x8x8")
    assert answer(run, TWO, *options) == {"a": [2, 8, 8], "b": [2, 8, 8]}


@pytest.mark.parametrize(
    ("spec", "option", "message", "cure"),
    [
        (SPECS[2], "96x80x3", "has its channels last", "--input 3x96x80"),
        (SPECS[2], "1x3x96x80", "carries a batch", "--input 3x96x80 and --batch 1"),
        (SPECS[2], "8x96x80x3", "carries a batch", "--input 3x96x80 and --batch 8"),
        (SPECS[2], "1x96x96", "has 1 channel, and the network's input 3×64×64", "channels=1"),
        (SPECS[2], "16x16x16", "has 16 channels", "--input 16x16 changes the sizes alone"),
        (SPECS[2], "3x224", "may be channels and a size", "--input 224; for a map 3 high, 3x3x224"),
        (SPECS[2], "1x2x3x4x5", "does not fit", "write it as --input 64x64, or 3x64x64"),
        (SPECS[0], "1x4", "carries a batch", "--input 4 and --batch 1"),
        (SPECS[0], "1x2x2", "does not fit", "write it as --input 4"),
        (SPECS[1], "400x2", "has its channels last", "--input 2x400"),
        (SPECS[1], "8x2x400", "carries a batch", "--input 2x400 and --batch 8"),
        (SPECS[1], "8x400x2", "its channels are last", "--input 2x400 and --batch 8"),
        (SPECS[3], "16", "does not fit", "--input 8x16x16, or 3x8x16x16"),
        (SPECS[3], "2x3x8x16x16", "carries a batch", "--input 3x8x16x16 and --batch 2"),
        (SPECS[2], "imput=9", "has no input `imput`", "did you mean `input`?"),
        (SPECS[2], "channels=1x2", "channels are one number", "--input channels=1"),
        (TWO, "9", "2 inputs, `a` and `b`, and one shape", "--input a=… --input b=…"),
        (TWO, "channels=9", "one number of channels", "--input a.channels=… --input b.channels=…"),
        (TWO, "c=9", "has no input `c`", "`a` and `b`"),
        (TWO, "a=8x8x1", "", ""),
    ],
)
def test_what_is_misread_is_answered(
    run: Run, spec: str, option: str, message: str, cure: str
) -> None:
    outcome = run("analyze", "-", "--input", option, stdin=spec.encode())
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("error[bad-value]: ")
    assert message in outcome.err
    assert cure in outcome.err


@pytest.mark.parametrize(
    "options",
    ["9 10", "a=9 a=10", "channels=1 channels=2", "input=9 9", "channels=1 input.channels=2"],
)
def test_an_input_is_given_once(run: Run, options: str) -> None:
    given = [word for each in options.split() for word in ("--input", each)]
    outcome = run("analyze", "-", *given, stdin=SPECS[2].encode())
    assert (outcome.status, outcome.out) == (2, "")
    assert "given twice" in outcome.err


sizes = st.integers(4, 300)


@given(st.sampled_from(sorted(SPECS)), st.data())
def test_a_cure_is_right(axes: int, data: st.DataObject) -> None:
    """What a refusal says to write gives the input that was meant."""
    network = convcalc.loads(SPECS[axes])
    (own,) = network.inputs.values()
    spatial = data.draw(st.tuples(*[sizes] * axes))
    meant = (own.channels, *spatial)
    batch = data.draw(st.integers(1, 64))
    written = data.draw(st.sampled_from([(batch, *meant), (*spatial, own.channels)]))
    try:
        found = network.at(input=written)
    except convcalc.ConvcalcError as error:
        cure = re.search(r"--input (\S+?)(?: and --batch (\d+))?$", error.diagnostics[0].help)
        assert cure is not None
        assert tuple(network.at(input=cure[1]).inputs["input"]) == meant
        assert cure[2] in (None, str(batch))
    else:
        # It reads so as it stands.
        assert found.inputs["input"].channels == own.channels


@given(st.sampled_from([2, 3]), st.data())
def test_python_and_the_command_line_read_alike(axes: int, data: st.DataObject) -> None:
    network = convcalc.loads(SPECS[axes])
    spatial = data.draw(st.tuples(*[sizes] * axes))
    ways: list[Any] = [spatial, list(spatial), (3, *spatial), "x".join(map(str, spatial))]
    ways += [{"input": spatial}, {"channels": 3, "input": spatial}, {"input": (3, *spatial)}]
    for way in ways:
        assert tuple(network.at(input=way).inputs["input"]) == (3, *spatial)


def test_what_is_asked_for_is_not_changed_later() -> None:
    asked = {"channels": 1}
    network = convcalc.loads(SPECS[2], input=asked)
    asked["channels"] = 5
    assert network.at().inputs == network.inputs


@pytest.mark.parametrize(
    "input", [{1: 2}, {"channels": "x"}, {"channels": None}, {"channels": 0}, object()]
)
def test_what_is_no_input(input: Any) -> None:
    with pytest.raises(convcalc.ConvcalcError):
        convcalc.load("lenet", input=input)


# A layer by itself


@pytest.mark.parametrize(
    ("arguments", "message", "cure"),
    [
        (
            "conv --k 3 --p 1 --in 2x44100",
            "a signal of 2 channels",
            "conv --k 3 --p 1 --in 2x44100 --dims 1",
        ),
        ("max_pool --k 2 --in 224x224x3", "channels were last", "max_pool --k 2 --in 3x224x224"),
        ("conv --k 3 --in 1x3x224x224", "carried a batch", "conv --k 3 --in 3x224x224 --batch 1"),
        ("conv --k 3 --in 8x224x224x3", "carried a batch", "conv --k 3 --in 3x224x224 --batch 8"),
        ("conv --k 3 --in 8x3x32x32", "carried a batch", "conv --k 3 --in 3x32x32 --batch 8"),
        ("conv --k 3,3 --in 8x3x32x32", "2 spatial axes", "conv --k 3,3 --in 3x32x32 --batch 8"),
    ],
)
def test_a_layers_input_that_is_misread(run: Run, arguments: str, message: str, cure: str) -> None:
    outcome = run("layer", *arguments.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err
    for word in re.findall(r"--(?:batch|dims) \d", cure):
        assert word in outcome.err
    assert run("layer", *shlex.split(cure)).status == 0


@pytest.mark.parametrize(
    ("arguments", "shape"),
    [
        ("--k 3 --p 1 --in 2x44100 --dims 2", [None, 2, 44100]),
        ("--k 3,3 --p 1 --in 2x44100", [None, 2, 44100]),
        ("--k 3 --in 2x44100 --dims 1", [2, 44100]),
        ("--k [3] --in 2x44100", [2, 44100]),
        ("--k 3 --in 224x224x3 --dims 2", [224, 224, 3]),
        ("--k 3 --in 1x16x56x56 --dims 3", [1, 16, 56, 56]),
        ("--k 3,3,3 --in 1x16x56x56", [1, 16, 56, 56]),
        ("--k 3 --in 3x16x112x112", [3, 16, 112, 112]),
        ("--k 3 --in 40x4000", [None, 40, 4000]),
        ("--k 3 --in 128", [None, 128, 128]),
        ("--k 3,3,3 --in 16", [None, 16, 16, 16]),
    ],
)
def test_a_layers_input_that_is_right(run: Run, arguments: str, shape: list[int | None]) -> None:
    found = run("layer", "conv", "--out", "4", *arguments.split(), "--json").json
    assert found["input_shapes"] == [shape]


def test_python_says_what_looks_misread() -> None:
    found = convcalc.loads(SPECS[2].replace("[3, 64, 64]", "[96, 96, 3]")).doubts
    assert [each.severity for each in found] == ["warning"]
    assert "input: [3, 96, 96]" in found[0].help
    assert convcalc.loads(SPECS[2]).doubts == ()
