"""Peak memory, by the command and in Python, against published figures and brute force."""

from __future__ import annotations

import pytest

import convcalc
from tests.conftest import Run


def kib(amount: int) -> str:
    return f"{amount / 1024:,.1f}"


@pytest.mark.parametrize(
    ("options", "sum", "live", "in_place"),
    [
        ("", "6,882.1", "1,470.0", "1,372.0"),
        ("--no-fuse", "19,366.4", "2,352.0", "1,372.0"),
        ("--set alpha=0.35 --input 144", "1,269.6", "303.8", "283.5"),
    ],
)
def test_mobilenet_v2(run: Run, options: str, sum: str, live: str, in_place: str) -> None:
    peaks = run(
        *("memory", "mobilenet_v2", "--dtype", "int8", "--json", *options.split()),
    ).json["peaks"]
    assert [kib(peaks[name]) for name in ("sum", "live", "in_place")] == [sum, live, in_place]


@pytest.mark.parametrize(
    ("name", "file", "best"),
    [("ghostnet", "1,372.0", "1,225.0"), ("unet", "43,684.0", "40,470.2")],
)
def test_a_better_order(run: Run, name: str, file: str, best: str) -> None:
    asked = ("memory", name, "--dtype", "int8", "--json")
    given, found = run(*asked).json, run(*asked, "--order", "best").json
    assert (kib(given["peak"]), given["proved"]) == (file, None)
    assert (kib(found["peak"]), found["proved"]) == (best, True)


def test_what_is_alive_comes_to_the_peak() -> None:
    found = convcalc.load("resnet18").memory()
    assert found.at_peak is not None
    assert sum(found.tensors[name].bytes for name in found.at_peak.alive) == found.peak
