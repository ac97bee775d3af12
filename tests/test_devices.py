"""The devices: figures with sources, arithmetic that comes to them, and files of one's own."""

from __future__ import annotations

import re
from fractions import Fraction
from math import prod
from pathlib import Path
from typing import Any

import pytest
import yaml

import convcalc
from benchmarks.timm_throughput import main
from convcalc import devices
from tests.conftest import Run

FOLDER = Path(devices.__file__).parent
FILES = sorted(FOLDER.glob("*.yaml"))
UNITS = {"THz": 10**12, "GHz": 10**9, "MHz": 10**6, "Gbit/s": 10**9}
#: Types from the widest on: what is narrower is no slower.
WIDEST_FIRST = (("float64", "float32", "bfloat16", "float16"), ("float16", "int8"))
#: What vendors publish, 10⁹ operations or bytes a second without sparsity, at the clock that their
#: documents name. Here they are at the highest, so that they are no less, and not twice as much.
#: The documents are those that the files name: whitepapers and data sheets of NVIDIA, Apple's news,
#: Intel's ARK (bandwidths) and Espressif's technical reference. The others publish no such figure.
PUBLISHED = {
    "rtx-3090": {"float32": 35_600, "float16": 142_000, "bfloat16": 71_000, "int8": 284_000},
    "rtx-4090": {"float32": 82_600, "float16": 330_300, "bfloat16": 165_200, "int8": 660_600},
    "rtx-5090": {"float32": 104_800, "float16": 419_000, "bfloat16": 209_500, "int8": 838_000},
    "rtx-pro-6000-max-q": {"float32": 219_400, "float16": 438_900, "int8": 877_900},
    "v100": {"float64": 7_800, "float32": 15_667, "float16": 125_000},
    "t4": {"float32": 8_100, "float16": 65_000, "int8": 130_000},
    "a100": {"float64": 19_500, "float32": 156_000, "float16": 312_000, "int8": 624_000},
    "h100": {"float64": 66_900, "float32": 494_700, "float16": 989_400, "int8": 1_978_900},
    "jetson-nano": {"float16": 472},
    "jetson-agx-orin": {"int8": 85_000},
    "apple-m2-gpu": {"float32": 3_600},
}
BANDWIDTHS = {
    "rtx-3090": 936,
    "rtx-4090": 1008,
    "rtx-5090": 1792,
    "rtx-pro-6000-max-q": 1792,
    "v100": 900,
    "t4": 320,
    "a100": 2039,
    "h100": 3352,
    "jetson-nano": 25.6,
    "jetson-agx-orin": 204.8,
    "i9-10940x": 93.8,
    "apple-m2-gpu": 100,
    "i7-12700h": 83.2,
    "raspberry-pi-4": 12.8,
}


def worked_out(comment: str) -> Fraction:
    """`82 SMs × 256 operations × 2.1 GHz`, or a sum of such products."""

    def number(factor: str) -> Fraction:
        found = re.fullmatch(r"([\d.]+)(?: (\S+))?(?: ÷ (\d+))?", factor.strip())
        assert found is not None, factor
        return Fraction(found[1]) * UNITS.get(found[2], 1) / int(found[3] or 1)

    products = [prod(map(number, part.split("×"))) for part in comment.split("+")]
    return Fraction(sum(products))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_device(path: Path) -> None:
    device = devices.read(str(path))
    assert device.name.replace("-", "_") == path.stem
    assert device.product
    assert device.note.endswith(".")
    assert set(device.sources) == {*device.operations_per_second, "bytes_per_second"}
    for types in WIDEST_FIRST:
        peaks = [device.operations_per_second.get(dtype) for dtype in types]
        known = [peak for peak in peaks if peak is not None]
        assert known == sorted(known)
    figures = {**device.operations_per_second, "bytes_per_second": device.bytes_per_second}
    text = path.read_text(encoding="utf-8")
    for figure, comment in re.findall(r"^ *(\w+): [\d.]+e\d+  # (.*×.*)$", text, re.MULTILINE):
        assert figures[figure] == worked_out(comment), figure


def test_no_figure_is_below_what_the_vendor_has() -> None:
    for name, published in PUBLISHED.items():
        device = devices.find(name)
        for dtype, giga in published.items():
            # What is published is rounded.
            assert 0.998 <= device.peak(dtype) / (giga * 10**9) < 1.5, (name, dtype)
    for name, bandwidth in BANDWIDTHS.items():
        assert 1 <= devices.find(name).bytes_per_second / Fraction(bandwidth * 1e9) < 1.03, name


def test_the_list(run: Run) -> None:
    answer = run("roofline", "--list-devices", "--json").json
    assert answer["format"] == "convcalc.devices/1"
    assert [each["name"].replace("-", "_") for each in answer["devices"]] == [
        path.stem for path in FILES
    ]
    for each, path in zip(answer["devices"], FILES):
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
        peaks = {key: float(value) for key, value in written["operations_per_second"].items()}
        assert each["operations_per_second"] == peaks
        assert each["bytes_per_second"] == float(written["bytes_per_second"])
        assert each["source"]
    text = run("roofline", "--list-devices").out
    assert all(each["name"] in text for each in answer["devices"])


def test_one_device_has_its_product_and_its_sources(run: Run) -> None:
    text = run("roofline", "--list-devices", "--device", "RTX 4090").out
    assert text.startswith("rtx-4090: NVIDIA GeForce RTX 4090\n")
    assert "TF32" in text
    assert "bytes_per_second: NVIDIA Ada GPU Architecture whitepaper" in text
    asked = ("roofline", "--list-devices", "--device", "t4", "--device", "v100", "--json")
    told = run(*asked).json["devices"]
    assert [each["name"] for each in told] == ["t4", "v100"]
    assert told[0]["note"] == devices.find("t4").note


DEVICE = """\
name: mine
source: {float32: manual 3, bytes_per_second: manual 4}
operations_per_second: {float32: 2e9}
bytes_per_second: 1000000000
"""


def test_a_file_of_ones_own(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(DEVICE)
    (found,) = run("roofline", "lenet", "--device", str(path), "--json").json["devices"]
    assert (found["device"], found["ridge"]) == ("mine", 2)
    assert run("roofline", "lenet", "--device", str(path), "-o", str(path)).status == 2


def test_figures_are_written_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(DEVICE.replace("2e9", "1.8T").replace("1000000000", "4GiB"))
    found = devices.read(str(path))
    assert found.peak("float32") == 18 * 10**11
    assert found.bytes_per_second == 4 * 2**30


def test_a_file_beside_is_suggested(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "myboard.yaml").write_text(DEVICE)
    (tmp_path / "t4").write_text("nothing")  # the device stands before a file of its name
    monkeypatch.chdir(tmp_path)
    assert (
        "there is a file of it: myboard.yaml" in run("roofline", "lenet", "--device", "myboard").err
    )
    assert run("roofline", "lenet", "--device", "t4").status == 0


def by_hand(**others: Any) -> devices.Device:
    """A device that is made in Python."""
    one = devices.Device("one", {}, {"float32": Fraction(1)}, Fraction(1))
    return one._replace(**others)


@pytest.mark.parametrize(
    ("device", "said"),
    [
        (by_hand(bytes_per_second=0), "`bytes_per_second` of `one` is a number above 0, not 0"),
        (by_hand(operations_per_second={"float32": -1}), "`float32` of `one` is a number above 0"),
        (by_hand(operations_per_second={"float32": float("nan")}), "not not-a-number"),
        (by_hand(operations_per_second={"float31": 1}), "unknown type of number `float31`"),
        (by_hand(operations_per_second={}), "is a figure for each type of number"),
        (by_hand(operations_per_second={"int8": 1}), "has no figure for float32"),
        (by_hand(name=" "), "a device's name is a text"),
        (3, "a device is a name, a file or a `Device`, not 3"),
    ],
)
def test_a_device_that_is_made_by_hand_is_checked(device: Any, said: str) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=said):
        convcalc.load("lenet").roofline(device)


def test_a_float_of_a_device_is_the_number_of_its_text() -> None:
    found = convcalc.load("lenet").roofline(by_hand(bytes_per_second=0.1))
    assert found.bounds[0].device.bytes_per_second == Fraction(1, 10)
    with pytest.raises(convcalc.ConvcalcError, match="`one` is asked for twice"):
        convcalc.load("lenet").roofline(by_hand(), by_hand(bytes_per_second=2))


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("bytes_per_second: 1000000000\n", "", "1:1", "the device has no `bytes_per_second`"),
        ("{float32: 2e9}", "{}", "3:24", "not an empty mapping"),
        ("2e9", "fast", "3:34", '`float32` is a number above 0, not the text "fast"'),
        ("2e9", "-2e9", "3:34", "not -2000000000.0"),
        ("2e9", "true", "3:34", "not true"),
        ("1000000000", ".inf", "4:19", "not infinity"),
        ("{float32: 2e9}", "{float32: 2e9, float31: 1}", "3:39", "has no `float31`"),
        ("{float32: 2e9}", "{float32: 2e9, int8: 1}", "2:1", "the figure `int8` has no source"),
        ("name: mine", "name: 3", "1:7", "`name` is a text, not 3"),
        ("name: mine", "name: mine\nnmae: x", "2:1", "did you mean `name`?"),
        ("name: mine", "name: ' '", "1:7", "`name` needs a text with something in it"),
        ("name: mine", f"name: {'m' * 61}", "1:7", "has 60 characters at the most"),
        ("name: mine", "name: mine\n<<: {a: 1}", "2:1", "are not part of a device's file"),
        ("name: mine", "name: mine\nname: x", "2:1", "the key `name` is here twice"),
        ("name: mine", "name: [mine", "2:7", "this is not YAML"),
        (DEVICE, "- 3\n", "1:1", "a device is a mapping, and this is the list [3]"),
        (DEVICE, "# later\n", "", "there is no device in here"),
        (DEVICE, "\x00", "", "no text at all"),
    ],
)
def test_a_mistake_is_answered_where_it_was_made(
    run: Run, tmp_path: Path, old: str, new: str, place: str, said: str
) -> None:
    path = tmp_path / "d.yaml"
    text = DEVICE
    path.write_text(text.replace(old, new) if old in text else new)
    outcome = run("roofline", "lenet", "--device", str(path))
    assert (outcome.status, outcome.out) == (2, "")
    assert said in outcome.err
    assert f"d.yaml:{place}" in outcome.err if place else "d.yaml" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("lenet", "`convcalc roofline` needs a device"),
        ("--device a100", "`convcalc roofline` needs a spec"),
        ("lenet --device rtx4090", "did you mean `rtx-4090`"),
        ("lenet --device rtx4090", "`convcalc roofline --list-devices` lists the devices"),
        ("lenet --device none.yaml", "there is no device file none.yaml"),
        ("lenet --device v100 --dtype int8", "figures for `float64`, `float32` and `float16`"),
        ("lenet --device v100 --dtype int9", "unknown type of number `int9`"),
        ("lenet --device v100 --device V100", "the device `v100` is asked for twice"),
        ("lenet --list-devices", "`--list-devices` lists devices, and asks nothing"),
        ("--list-devices --batch 3 --fuse", "`--list-devices` lists devices, and asks nothing"),
        ("--list-devices --device nonsuch", "unknown device `nonsuch`"),
        ("lenet --device .", ". is a folder, and a device is a YAML file"),
        ("lenet --device board.json", "there is no device file board.json"),
        ("lenet --device /nowhere/board.yaml", "there is no device file /nowhere/board.yaml"),
    ],
)
def test_what_cannot_be_asked(run: Run, arguments: str, said: str) -> None:
    outcome = run("roofline", *arguments.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert said in outcome.err


@pytest.mark.parametrize("name", ["rtx-4090", "rtx_4090", "RTX 4090", " Rtx_4090 "])
def test_a_name_as_it_is_typed(name: str) -> None:
    assert devices.find(name).product == "NVIDIA GeForce RTX 4090"


TIMM = "model,infer_img_size,infer_samples_per_sec,infer_batch_size,param_count,infer_gmacs\n"


@pytest.mark.parametrize(("throughput", "status"), [(9_000, 0), (30_000, 1)])
def test_what_is_measured_is_held_against_the_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], throughput: int, status: int
) -> None:
    """4.14 · 10⁹ MACs a sample: at 203.5 · 10¹² operations a second, 24,575 samples at the most."""
    path = tmp_path / "benchmark-infer-amp-nchw-pt291-cu128-4090-dynamo.csv"
    path.write_text(f"{TIMM}resnet50,224,{throughput},256,25.56,4.135\n")
    assert main([str(path)]) == status
    told = capsys.readouterr().out
    assert ("1.2207 × the bound (compute): resnet50 at 224" in told) is bool(status)
