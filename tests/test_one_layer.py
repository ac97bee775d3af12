"""`convcalc.layer`: the Python twin of `convcalc layer`."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy
import pytest

import convcalc
from convcalc import conventions, layers
from tests.conftest import Run
from tests.test_layers import example_of

EXAMPLES = [name for name in layers.names() if layers.example(layers.find(name)) is not None]

#: What is asked of both doors.
TWINS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("conv", ("conv",), {}),
    ("conv --k 3 --s 2 --p 1 --in 128", ("conv", 128), {"k": 3, "s": 2, "p": 1}),
    (
        "conv --out 64 --k 3,5 --p same --in 3x128x96 --no-bias",
        ("conv", (3, 128, 96)),
        {"out_channels": 64, "kernel_size": (3, 5), "padding": "same", "bias": False},
    ),
    ("conv --k 3 --p [[0,1],[2,3]] --in 8", ("conv", "8"), {"k": 3, "p": [[0, 1], (2, 3)]}),
    ("relu --dims 1 --in 44100", ("relu", [44100]), {"dims": 1}),
    (
        "linear --out 10 --in 84 --batch 8 --convention thop",
        ("linear", 84),
        {"out": 10, "batch": 8, "convention": "thop"},
    ),
    ("add --in 64x56x56 --in 64x56x56", ("add",), {"input": [(64, 56, 56), "64x56x56"]}),
    ("concat --in 8x4x4 --in 16x4x4 --in 4x4x4", ("concat", ["8x4x4", "16x4x4", "4x4x4"]), {}),
    (
        "separable_conv --out 4 --k 3 --in 3x64x64",
        ("separable_conv", "3x64x64"),
        {"out": 4, "k": 3},
    ),
]


@pytest.mark.parametrize(("command", "arguments", "named"), TWINS, ids=[each[0] for each in TWINS])
def test_it_answers_as_the_command(
    run: Run, command: str, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    explanation = convcalc.layer(*arguments, **named)
    answer = run("layer", *command.split(), "--json").json
    assert json.loads(json.dumps(explanation.to_dict())) == answer
    assert f"{explanation}\n" == run("layer", *command.split()).out


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_type_is_a_value(name: str) -> None:
    fields, inputs = example_of(name)
    explanation = convcalc.layer(name, input=inputs or None, **fields)
    again = convcalc.layer(name, input=[tuple(each) for each in inputs] or None, **fields)
    assert again == explanation
    for other in (pickle.loads(pickle.dumps(explanation)), copy.deepcopy(explanation)):
        assert other == explanation
        assert type(other) is type(explanation)
        assert other.to_dict() == explanation.to_dict()
    row = explanation.to_dict()
    assert [explanation.params, explanation.macs] == [row["params"], row["macs"]]
    shapes = row.get("output_shapes", [row["output_shape"]])
    assert [list(shape) for shape in explanation.output_shapes] == shapes
    assert explanation.config == row.get("config", explanation.config)
    assert {*fields} <= {*layers.canonical_names(layers.find(name))}


@pytest.mark.parametrize("convention", conventions.names())
def test_every_convention_is_a_value(convention: str) -> None:
    explanation = convcalc.layer("batch_norm", "8x4x4", convention=convention)
    assert pickle.loads(pickle.dumps(explanation)) == explanation


def test_no_field_has_the_name_of_an_argument() -> None:
    fields = {key for name in layers.names() for key in layers.canonical_names(layers.find(name))}
    assert fields & {"input", "dims", "convention", "batch"} == set()


def test_figures_are_attributes() -> None:
    conv = convcalc.layer("conv", (3, 224, 224), out=64, k=7, s=2, p=3, bias=False)
    assert (conv.params, conv.macs, conv.activations) == (9408, 118_013_952, 64 * 112 * 112)
    assert conv.output_shape == (64, 112, 112)
    assert conv.input_shapes == ((3, 224, 224),)
    assert conv.formulas["params"] == "k²·(C_in/g)·C_out"
    assert conv.symbols["k"] == "the size of a kernel"
    with pytest.raises(AttributeError, match="no figure 'parms'"):
        conv.parms  # noqa: B018


def test_what_is_not_given_is_none() -> None:
    conv = convcalc.layer("conv", 128, k=3)
    assert (conv.params, conv.output_shape) == (None, (None, 126, 126))
    assert conv.config["out_channels"] is None
    assert conv.formulas["params"] == "9·C_in·C_out + C_out"


def test_a_layer_of_a_network_is_explained_alike() -> None:
    network = convcalc.load("mobilenet_v2")
    found = network.explain("stem.conv")
    assert isinstance(found, convcalc.Explanation)
    assert found.macs == network.analyze().rows["stem.conv"].macs
    assert repr(found) == (
        "Explanation('stem.conv', 3×224×224 → 32×112×112, 864 params, 10,838,016 MACs)"
    )
    assert str(found).startswith("MobileNetV2 stem.conv\nconv: out_channels 32")
    block = network.explain("inverted_residual_2")
    assert pickle.loads(pickle.dumps(block)) == block
    assert block.params == sum(part.row.params.value for part in block.parts if part.row.params)


def test_numbers_of_other_libraries_are_numbers() -> None:
    shape: Any = numpy.array([3, 32, 32])
    conv = convcalc.layer(
        "conv", shape, out=numpy.int64(8), k=numpy.array([3, 5]), batch=numpy.int8(2)
    )
    assert conv == convcalc.layer("conv", (3, 32, 32), out=8, k=(3, 5), batch=2)
    assert type(conv.params) is int
    assert convcalc.layer("dropout", "8", rate=numpy.float32(0.5)).config == {"rate": 0.5}
    assert convcalc.layer("add", [shape, shape]) == convcalc.layer("add", "3x32x32")


WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("a type that is none", ("cnov",), {}, "did you mean `conv`?"),
    ("another tool's type", ("Dense",), {}, "did you mean `linear`?"),
    ("a type that is no text", (3,), {}, "a layer type must be a text, not 3"),
    ("a field that is none", ("conv",), {"kernal_size": 3}, "did you mean `kernel_size`?"),
    ("another tool's field", ("conv",), {"filters": 3}, "did you mean `out`?"),
    ("a field of none", ("relu",), {"slope": 3}, "it takes none"),
    ("what reaches it", ("conv",), {"in_channels": 3}, "`input=(3, 224, 224)`"),
    ("a field twice", ("conv",), {"k": 3, "kernel_size": 3}, "leave one of them out"),
    ("a field's value", ("conv",), {"k": "3"}, 'must be a whole number, 1 or more, or a list'),
    ("a value below", ("conv",), {"k": 0}, "must be a whole number, 1 or more, not 0"),
    ("a half", ("conv",), {"out": 2.5}, "round it: floor gives 2"),
    ("nothing", ("conv",), {"k": None}, "not nothing"),
    ("an object", ("conv",), {"k": object()}, "not a `object`"),
    ("a long number", ("conv",), {"k": 10**5000}, "more than 300 digits"),
    ("a shape of text", ("conv", "3x"), {}, "'3x' is no shape of an input"),
    ("a shape of floats", ("conv", (3, 2.5, 2)), {}, "is no shape of an input"),
    ("a shape of nothing", ("conv", ()), {}, "is no shape of an input"),
    ("a shape of truth", ("conv", True), {}, "true is no shape of an input"),
    ("an object for a shape", ("conv", object()), {}, "a `object` is no shape of an input"),
    ("many inputs", ("conv", ["8x8", "8x8"]), {}, "conv takes one input, and 2 are given"),
    ("axes", ("conv",), {"dims": 8}, "`dims` is a number of spatial axes, 0 to 7, not 8"),
    ("axes of text", ("conv",), {"dims": "2"}, '0 to 7, not the text "2"'),
    ("a batch", ("conv",), {"batch": 0}, "a batch has one sample or more, not 0"),
    ("a convention", ("conv",), {"convention": 3}, "a convention must be a text, not 3"),
    ("a convention that is none", ("conv",), {"convention": "tohp"}, "did you mean `thop`"),
    ("all conventions", ("conv",), {"convention": "all"}, "under one convention"),
    ("what does not fit", ("conv", "8x2x2"), {"k": 3}, "kernel"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "named", "message"), [each[1:] for each in WRONG],
                         ids=[each[0] for each in WRONG])  # fmt: skip
def test_what_is_wrong_is_answered(
    arguments: tuple[Any, ...], named: dict[str, Any], message: str
) -> None:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.layer(*arguments, **named)
    assert message in str(caught.value)
