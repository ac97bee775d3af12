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
from tests.conftest import Run

#: Types that make no tensor of their own.
VIEWS = {"flatten", "reshape", "dropout", "drop_path", "identity"}
LEARNED = {"parameter", "buffer"}
#: A device of one operation and one byte a second.
ONE = Device(
    "one",
    FrozenDict({"float32": "here", "int8": "here", "bytes_per_second": "here"}),
    FrozenDict({"float32": Fraction(1), "int8": Fraction(1)}),
    Fraction(1),
)


def moved(rows: list[dict[str, Any]], inputs: dict[str, list[int]], batch: int) -> dict[str, int]:
    """The bytes that each layer moves, by name, of float32 numbers."""
    #: The tensor that each name stands for, and its elements for all samples.
    tensors = {name: (name, prod(shape) * batch) for name, shape in inputs.items()}
    weights = {row["name"]: sum(map(prod, row["weights"].values())) for row in rows}
    found = {}
    for row in rows:
        name, own = row["name"], weights[row.get("weights_of", row["name"])]
        if row["type"] in VIEWS:
            tensors[name] = tensors[row["inputs"][0]]
            continue
        shapes = row.get("output_shapes") or [row["output_shape"]]
        samples = 1 if row["type"] in LEARNED else batch
        names = [name] if len(shapes) == 1 else [f"{name}.{i}" for i in range(len(shapes))]
        made = {each: (each, prod(shape) * samples) for each, shape in zip(names, shapes)}
        tensors |= made
        if row["type"] not in LEARNED:
            read = dict(tensors[each] for each in row["inputs"])
            passed = sum(read.values()) + sum(size for _, size in made.values())
            found[name] = 4 * (own + passed)
    return found


@pytest.mark.parametrize("network", ["mobilenet_v2", "googlenet", "vit_b_16", "retinanet"])
def test_bytes_are_those_of_the_rows(run: Run, network: str) -> None:
    analysis = run("analyze", network, "--batch", "3", "--json").json
    inputs = analysis["input"]
    inputs = inputs if isinstance(inputs, dict) else {"input": inputs}
    expected = moved(analysis["layers"], inputs, 3)
    asked = ("roofline", network, "--device", "a100", "--batch", "3", "--json")
    found = {row["name"]: row["bytes"] for row in run(*asked).json["devices"][0]["layers"]}
    assert found == expected
    assert analysis["totals"]["moved_bytes"] == sum(expected.values())


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
    assert tuple(bound[1:4]) == (344, "memory", 728)
    slow = ONE._replace(operations_per_second=FrozenDict({"float32": Fraction(144, 344)}))
    (bound,) = network.roofline(slow).bounds
    assert list(map(tuple, bound.layers)) == [(344, "compute"), (384, "memory")]
    assert (bound.seconds, bound.bound) == (Fraction(192 * 344, 144), "compute")
    assert bound.unfused_seconds == 728


def test_a_layer_of_its_own_type_has_its_peak_and_its_bytes() -> None:
    spec = SPEC.replace(b"bias: false", b"bias: false, dtype: int8")
    fast = ONE._replace(operations_per_second=FrozenDict(float32=Fraction(1), int8=Fraction(9)))
    found = convcalc.loads(spec).roofline(fast, fuse=False)
    assert [(w.dtype, w.bytes) for w in found.layers] == [("int8", 182), ("float32", 240)]
    # A float32 input, weights of one byte, and what leaves as float32.
    assert found.compulsory_bytes == 6 + 4 * 32 + 4 * 48
    assert found.bounds[0].seconds == 326


def test_peaks_are_asked_of_the_types_that_there_are(run: Run) -> None:
    """A device without a figure for float32 takes a network of which all is int8."""
    asked = ("roofline", "-", "--device", "jetson-agx-orin", "--json")
    mixed = SPEC.replace(b"bias: false", b"bias: false, dtype: int8")
    whole = mixed.replace(b"relu", b"relu: {dtype: int8}")
    (device,) = run(*asked, stdin=whole).json["devices"]
    assert device["operations_per_second"] == 85_196_800_000_000
    (device,) = run(*asked, "--dtype", "float16", stdin=mixed).json["devices"]
    assert (device["operations_per_second"], device["ridge"]) == (None, None)
    assert "has no figure for float32" in run(*asked, stdin=mixed).err


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
