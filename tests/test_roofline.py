"""The roofline against arithmetic written here, from the rows of an analysis; and its laws."""

from __future__ import annotations

import copy
import csv
import pickle
from fractions import Fraction
from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcalc
from convcalc.devices import Device
from convcalc.frozen import FrozenDict
from convcalc.render.roofline import report
from convcalc.render.terminal import drawn
from convcalc.roofline import Roofline
from tests.conftest import Run

#: A device of one operation and one byte a second.
ONE = Device(
    "one",
    FrozenDict({"float32": "here", "int8": "here", "bytes_per_second": "here"}),
    FrozenDict({"float32": Fraction(1), "int8": Fraction(1)}),
    Fraction(1),
)


def bound_of(text: str, **asked: Any) -> Roofline:
    """The roofline of layers on an input of 4×8×8, on the device of one operation a second."""
    layers = "".join(f"  - {line}\n" for line in text.strip().split("\n"))
    return convcalc.loads(f"name: N\ninput: [4, 8, 8]\nlayers:\n{layers}").roofline(ONE, **asked)


#: Networks on an input of 4×8×8 = 256, and the numbers that their operations need, by hand.
NEEDED = {
    # All of the input, the weights, and what leaves.
    "conv: {out: 2, k: 1, bias: false}": 256 + 8 + 128,
    # All of the input, whatever windows pass over.
    "conv: {out: 2, k: 1, s: 2, bias: false}": 256 + 8 + 32,
    # One channel of the input, of two that are cut out of it.
    "slice: {start: 0, stop: 2}\nslice: {start: 1}\nrelu": 64 + 64,
    # The input whole, though it is moved first.
    "permute: {order: [1, 2, 0]}\nrelu": 256 + 256,
    # A batch norm has a scale, a shift, a mean and a variance of each of two channels.
    "conv: {out: 2, k: 1, bias: false}\nbatch_norm\nrelu": 256 + 8 + 8 + 128,
    # Of a learned tensor of 9 numbers one row is needed: the other two may be never asked for.
    "parameter: {name: table, shape: [3, 3]}\nindex_select: {axis: 0, size: 5}\nrelu": 3 + 15,
    # Nobody knows what it reads, and which of its tensors.
    "opaque: {op: top, shape: [3], tensors: [[100]]}": 3,
    # What is cut off is not read.
    "pad: {p: [[-2, 0], [0, 1]]}\nrelu": 4 * 6 * 8 + 4 * 6 * 9,
    # The part that nobody asks for is not read.
    "split: {name: parts, sections: [1, 3]}\nrelu: {from: parts.0}": 64 + 64,
}


@pytest.mark.parametrize("layers", NEEDED)
def test_a_network_needs_what_its_operations_need(layers: str) -> None:
    found = bound_of(layers)
    assert found.compulsory_bytes == 4 * NEEDED[layers]
    assert found.bounds[0].seconds >= found.compulsory_bytes


def test_bytes_are_the_numbers_of_analyze(run: Run) -> None:
    """LeNet by what `analyze` says of each layer: a chain, where each reads what is before it."""
    analysis = run("analyze", "lenet", "--json").json
    asked = ("roofline", "lenet", "--device", "a100", "--json")
    found = {row["name"]: row["bytes"] for row in run(*asked).json["devices"][0]["layers"]}
    before = prod(analysis["input"])
    expected = {}
    for row in analysis["layers"]:
        made = prod(row["output_shape"])
        if row["type"] != "flatten":
            expected[row["name"]] = 4 * (row["params"] + before + made)
        before = made
    assert found == expected
    assert analysis["totals"]["moved_bytes"] == sum(expected.values())


def test_the_bytes_of_branches() -> None:
    """By hand: an input that two layers read, a sum that reads one tensor twice, and a split."""
    found = bound_of(
        """conv: {name: a, out: 2, k: 1, bias: false}
conv: {name: b, out: 2, k: 1, bias: false, from: input}
add: {from: [a, b, a]}
split: {name: halves, sections: 2}
parameter: {name: token, shape: [1, 8, 8]}
dropout: {name: seen, from: token}
concat: {name: c, from: [halves.1, seen]}
relu""",
        batch=3,
    )
    moved = {work.name: Fraction(work.bytes, 4) for work in found.layers}
    a = b = 3 * 128
    assert moved == {
        "a": 8 + 3 * 256 + a,
        "b": 8 + 3 * 256 + b,
        "add": a + b + 3 * 128,
        "halves": 3 * (128 + 128),
        "c": 3 * 64 + 64 + 3 * 128,
        "relu": 2 * 3 * 128,
    }
    assert found.compulsory_bytes == 4 * (8 + 8 + 3 * 256 + 64 + 3 * 128)


def test_shared_weights_are_of_their_owners_type() -> None:
    """The last that reads them does not say what they are."""
    text = """
name: N
input: [2, 4, 4]
layers:
  - conv: {name: a, out: 2, k: 1, bias: false, dtype: float16}
  - conv: {name: b, out: 2, k: 1, bias: false, weights: a, dtype: float64}
"""
    network = convcalc.loads(text)
    many = dict.fromkeys(("float16", "float32", "float64"), Fraction(1))
    found = network.roofline(ONE._replace(operations_per_second=FrozenDict(many)))
    assert found.compulsory_bytes == 4 * 32 + 4 * 2 + 32 * 8
    assert [work.bytes for work in found.layers] == [8 + 128 + 64, 8 + 64 + 256]


def test_two_types_may_be_computed_at_once() -> None:
    found = bound_of(
        "conv: {out: 2, k: 1, bias: false, dtype: int8}\nconv: {out: 2, k: 1, bias: false}"
    )
    (bound,) = found.bounds
    first, second = 128 * 7, 128 * 3
    assert found.operations_by_type == {"int8": first, "float32": second}
    fast = ONE._replace(bytes_per_second=Fraction(10**9))
    (bound,) = (
        convcalc.loads(
            b"name: N\ninput: [4, 8, 8]\nlayers:\n"
            b"  - conv: {out: 2, k: 1, bias: false, dtype: int8}\n"
            b"  - conv: {out: 2, k: 1, bias: false}\n"
        )
        .roofline(fast)
        .bounds
    )
    assert bound.seconds == first
    assert bound.unfused_seconds == first + second


def test_what_vanishes_leaves_weights_inputs_and_outputs(run: Run) -> None:
    """The first layers of MobileNetV2 in int8: stem, and the depthwise convolution behind it."""
    answer = run("roofline", "mobilenet_v2", "--device", "a100", "--dtype", "int8", "--json").json
    first, second = answer["devices"][0]["layers"][:2]
    side = 112 * 112
    assert (first["name"], first["bytes"]) == ("stem.conv", 27 * 32 + 3 * 224**2 + 32 * side)
    assert first["operations"] == 32 * side * (2 * 27 - 1)
    assert second["bytes"] == 9 * 32 + 2 * 32 * side
    weights = 3_504_872 - 2 * 17_056  # without the scale and shift of batch norms
    assert answer["compulsory_bytes"] == weights + 3 * 224**2 + 1000
    assert answer["fuse"] is True


SPEC = b"""
name: N
input: [2, 4, 4]
layers:
  - conv: {out: 3, k: 1, bias: false}
  - relu
"""


def test_seconds_are_the_longer_of_two() -> None:
    network = convcalc.loads(SPEC)
    found = network.roofline(ONE)
    (bound,) = found.bounds
    # 48 sums of 2 products, and 48 comparisons; 6 weights, 32 and 48 numbers of 4 bytes.
    assert [(w.operations, w.bytes) for w in found.layers] == [(144, 344), (48, 384)]
    assert [w.intensity for w in found.layers] == [Fraction(144, 344), Fraction(1, 8)]
    assert list(map(tuple, bound.layers)) == [(344, "memory"), (384, "memory")]
    # As a whole: 6 weights, 32 numbers that enter, and 48 that leave; or 192 operations.
    assert tuple(bound[1:4]) == (344, "memory", 728)
    slow = ONE._replace(operations_per_second=FrozenDict({"float32": Fraction(144, 344)}))
    (bound,) = network.roofline(slow).bounds
    assert list(map(tuple, bound.layers)) == [(344, "compute"), (384, "memory")]
    assert tuple(bound[1:4]) == (Fraction(192 * 344, 144), "compute", 728)


def test_a_layer_of_its_own_type_has_its_peak_and_its_bytes() -> None:
    spec = SPEC.replace(b"bias: false", b"bias: false, dtype: int8")
    fast = ONE._replace(operations_per_second=FrozenDict(float32=Fraction(1), int8=Fraction(9)))
    found = convcalc.loads(spec).roofline(fast, fuse=False)
    assert [(w.dtype, w.bytes) for w in found.layers] == [("int8", 182), ("float32", 240)]
    # A float32 input, weights of one byte, and what leaves as float32.
    assert found.compulsory_bytes == 6 + 4 * 32 + 4 * 48
    assert found.bounds[0].seconds == 326


def test_peaks_are_asked_of_the_types_that_there_are(run: Run) -> None:
    """A device without a figure for float64 takes a network of which all is int8."""
    asked = ("roofline", "-", "--device", "jetson-agx-orin", "--json")
    mixed = SPEC.replace(b"bias: false", b"bias: false, dtype: int8")
    whole = mixed.replace(b"relu", b"relu: {dtype: int8}")
    (device,) = run(*asked, stdin=whole).json["devices"]
    assert device["operations_per_second"] == 85_196_800_000_000
    mixed += b"  - conv: {out: 3, k: 1}\n"
    (device,) = run(*asked, "--dtype", "float16", stdin=mixed).json["devices"]
    assert (device["operations_per_second"], device["ridge"]) == (None, None)
    assert [layer["dtype"] for layer in device["layers"]] == ["int8", "float16", "float16"]
    assert "has no figure for float64" in run(*asked, "--dtype", "float64", stdin=mixed).err


def test_a_layer_of_unknown_cost_is_in_the_bound_with_its_bytes(run: Run) -> None:
    spec = SPEC + b"  - opaque: {op: fft, shape: [3, 4, 4]}\n"
    asked = ("roofline", "-", "--device", "a100")
    answer = run(*asked, "--json", stdin=spec).json
    row = answer["devices"][0]["layers"][-1]
    assert (row["operations"], row["intensity"], row["bound"]) == (None, None, "memory")
    assert (answer["unknown"], answer["operations"], row["bytes"]) == (1, 192, 384)
    text = run(*asked, stdin=spec).out
    assert "Totals lack 1 layer of unknown cost (?): `opaque`." in text
    assert "their bytes alone are in the bounds" in text


def test_a_network_without_a_layer_takes_no_time(run: Run) -> None:
    spec = b"name: N\ninput: [3, 8, 8]\nlayers:\n  - dropout\n"
    answer = run("roofline", "-", "--device", "a100", "--json", stdin=spec).json
    (device,) = answer["devices"]
    assert (device["seconds"], device["samples_per_second"], device["layers"]) == (0, None, [])
    assert answer["compulsory_bytes"] == 0
    assert "0.000 ns" in run("roofline", "-", "--device", "a100", stdin=spec).out


def test_several_devices_side_by_side(run: Run) -> None:
    devices = ("--device", "RTX 4090", "--device", "raspberry_pi_5")
    answer = run("roofline", "lenet", *devices, "--json").json
    assert [each["device"] for each in answer["devices"]] == ["rtx-4090", "raspberry-pi-5"]
    rows = list(csv.DictReader(run("roofline", "lenet", *devices, "--csv").out.splitlines()))
    whole = [(each["device"], each["seconds"], each["bound"]) for each in answer["devices"]]
    found = [(row["device"], float(row["network_seconds"]), row["network_bound"]) for row in rows]
    assert [*dict.fromkeys(found)] == whole
    told = [(row["device"], row["name"], float(row["seconds"]), row["bound"]) for row in rows]
    assert told == [
        (each["device"], layer["name"], layer["seconds"], layer["bound"])
        for each in answer["devices"]
        for layer in each["layers"]
    ]
    text = run("roofline", "lenet", *devices).out
    assert "At least" in text
    assert "takes longer" in text
    assert "rtx-4090" in text.splitlines()[4]


def test_rows_say_which_network_they_are_of(run: Run) -> None:
    asked = ("roofline", "resnet18", "resnet34", "--device", "a100", "--depth", "1", "--csv")
    rows = list(csv.DictReader(run(*asked).out.splitlines()))
    assert {row["network"] for row in rows} == {"resnet18", "resnet34"}


def test_blocks_are_their_layers_one_after_the_other(run: Run) -> None:
    asked = ("roofline", "resnet18", "--device", "t4", "--json")
    (layers,) = [device["layers"] for device in run(*asked).json["devices"]]
    answer = run(*asked, "--depth", "1").json
    (device,) = answer["devices"]
    names = [row["name"] for row in device["layers"]]
    assert names[-6:] == ["conv2_x", "conv3_x", "conv4_x", "conv5_x", "adaptive_avg_pool", "linear"]
    for row in device["layers"]:
        inside = [each for each in layers if f"{each['name']}.".startswith(f"{row['name']}.")]
        for key in ("operations", "bytes"):
            assert row[key] == sum(each[key] for each in inside)
        assert row["seconds"] == pytest.approx(sum(each["seconds"] for each in inside))
    assert device["unfused_seconds"] == pytest.approx(sum(each["seconds"] for each in layers))


def test_the_longest_rows_alone(run: Run) -> None:
    asked = ("roofline", "resnet18", "--device", "t4")
    whole, first = (run(*asked, *more, "--json").json for more in ((), ("--top", "3")))
    layers = whole["devices"][0].pop("layers")
    longest = sorted(layers, key=lambda row: -row["seconds"])[:3]
    assert first["devices"][0].pop("layers") == longest
    assert first.pop("rows") == len(layers)
    assert first == whole
    text = run(*asked, "--top", "3").out
    assert f"The first 3 of {len(layers)} rows, by their time on t4" in text


def test_what_folds_batch_norms_has_a_bound_of_its_own(run: Run) -> None:
    asked = ("roofline", "mobilenet_v2", "--device", "raspberry-pi-5", "--json")
    (fused,), (apart,) = (run(*asked, way).json["devices"] for way in ("--fuse", "--no-fuse"))
    assert fused["seconds"] < apart["seconds"] <= apart["unfused_seconds"]
    assert fused["seconds"] <= fused["unfused_seconds"]
    assert fused["unfused_seconds"] < apart["unfused_seconds"]


def test_figures_that_are_small_or_large(run: Run, tmp_path: Any) -> None:
    path = tmp_path / "d.yaml"
    text = (
        "name: d\nsource: here\noperations_per_second: {float32: 0.125}\nbytes_per_second: 1e200\n"
    )
    path.write_text(text)
    out = run("roofline", "-", "--device", str(path), stdin=SPEC).out
    assert "d       0.125  1.000e+200 " in out
    assert max(map(len, out.split())) < 40


def test_two_devices_fit_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    found = convcalc.load("mobilenet_v2").roofline("jetson-nano", "raspberry-pi-5")
    lines = [line.rstrip() for line in "".join(drawn(report([found]), color=False)).split("\n")]
    assert max(map(len, lines)) <= 80
    title = lines.index("Layer by layer")
    assert lines[title - 1] == ""
    assert lines[title + 2].split() == [
        *("Layer", "Ops", "Bytes", "Ops/byte", "jetson-nano", "raspberry-pi-5")
    ]
    assert sum(line.endswith("*") for line in lines) > 20


def test_a_number_is_the_nearest_float_of_an_exact_one(run: Run) -> None:
    answer = run("roofline", "lenet", "--device", "a100", "--json").json
    (device,) = answer["devices"]
    assert device["seconds"] == float(Fraction(answer["compulsory_bytes"], 2039 * 10**9))
    layer = device["layers"][0]
    assert layer["intensity"] == layer["operations"] / layer["bytes"]


def test_times_are_rounded_down(run: Run, tmp_path: Any) -> None:
    """A least time that is rounded up would be none."""
    path = tmp_path / "d.yaml"
    path.write_text(
        "name: d\nsource: here\noperations_per_second: {float32: 1e18}\nbytes_per_second: 344.035\n"
    )
    out = run("roofline", "-", "--device", str(path), stdin=SPEC.replace(b"  - relu\n", b"")).out
    assert " 999.8 ms" in out


def test_intensity_is_a_column(run: Run) -> None:
    asked = ("analyze", "lenet", "--columns", "name,intensity", "--sort", "intensity")
    rows = list(csv.DictReader(run(*asked, "--csv").out.splitlines()))
    network = convcalc.load("lenet")
    layers = network.roofline("a100").layers
    exact = {each.name: str(float(each.intensity or 0)) for each in layers}
    told = {row["name"]: row["intensity"] for row in rows}
    assert told == {row.name: exact.get(row.name, "") for row in network.analyze().rows}
    assert rows[0]["name"] == "conv_2"
    assert rows[-1] == {"name": "flatten", "intensity": ""}


def test_bytes_are_a_metric_of_check(run: Run) -> None:
    assert run("check", "lenet", "--max", "moved_bytes=364720").status == 0
    assert run("check", "lenet", "--max", "moved_bytes=364719").status == 1


def test_what_it_returns_is_a_value() -> None:
    found = convcalc.load("lenet").roofline("a100", "t4")
    for other in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert other == found
    assert repr(found).startswith("<convcalc.Roofline LeNet: <a100: at least 1.2")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"devices": ()}, "a roofline is for a device"),
        ({"devices": (7,)}, "a device is"),
        ({"devices": ("a100",), "batch": 0}, "a batch has one sample or more"),
        ({"devices": ("a100",), "dtype": "int4"}, "unknown type of number `int4`"),
        ({"devices": ("v100",), "dtype": "int8"}, "the device `v100` has no figure for int8"),
    ],
)
def test_arguments_are_checked(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=said):
        convcalc.load("lenet").roofline(*asked.pop("devices"), **asked)


#: Random chains, with layers that vanish and layers that join.
LAYERS = st.sampled_from(
    [
        "conv: {out: 8, k: 3, p: 1}",
        "conv: {out: 4, k: 1, bias: false}",
        "batch_norm",
        "relu",
        "max_pool: {k: 3, s: 2, p: 1}",
        "residual: {layers: [depthwise_conv: {k: 3, p: 1}, batch_norm]}",
        "dropout",
        "opaque: {op: fft, shape: [3, 4, 4]}",
    ]
)


@given(
    layers=st.lists(LAYERS, max_size=8),
    peak=st.integers(1, 10**6),
    bandwidth=st.integers(1, 10**6),
    batch=st.integers(2, 9),
    fuse=st.booleans(),
)
def test_its_laws(layers: list[str], peak: int, bandwidth: int, batch: int, fuse: bool) -> None:
    text = "name: N\ninput: [3, 8, 8]\nlayers:\n" + "".join(f"  - {each}\n" for each in layers)
    device = ONE._replace(
        operations_per_second=FrozenDict(float32=Fraction(peak)),
        bytes_per_second=Fraction(bandwidth),
    )
    network = convcalc.loads(text + "  - relu\n")
    one, many = (network.roofline(device, batch=n, fuse=fuse) for n in (1, batch))
    for found in (one, many):
        (bound,) = found.bounds
        assert bound.unfused_seconds == sum(least.seconds for least in bound.layers)
        assert bound.unfused_seconds >= bound.seconds
        assert found.compulsory_bytes <= found.bytes
    assert many.operations == batch * one.operations
    assert many.bounds[0].seconds <= batch * one.bounds[0].seconds
    # What vanishes only makes it faster.
    whole = network.roofline(device, fuse=False)
    assert whole.bytes >= one.bytes
    assert whole.bounds[0].unfused_seconds >= one.bounds[0].unfused_seconds
    assert network.analyze().totals.moved_bytes == whole.bytes
