"""Receptive fields: published figures, the case, and what is said of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import convcalc
from convcalc.receptive_field import ReceptiveField, ReceptiveFields
from tests.conftest import Run


def last_bounded(fields: ReceptiveFields) -> ReceptiveField:
    return [field for field in fields if not field.is_global][-1]


# Araujo, Norris and Sim 2019 (Distill), and Keras' and torchvision's networks by hand.
@pytest.mark.parametrize(
    ("name", "size", "stride"),
    [
        ("resnet50", 427, 32),
        ("resnet18", 435, 32),
        ("mobilenet_v2", 491, 32),
        ("densenet121", 2071, 32),
        ("xception", 1083, 32),
    ],
)
def test_published_receptive_fields(name: str, size: int, stride: int) -> None:
    network = convcalc.load(name)
    field = last_bounded(network.receptive_field())
    assert (field.size, field.stride) == ((size, size), (stride, stride))
    assert network.totals.receptive_field == size


def test_paths_of_xception_are_not_aligned_from_its_second_shortcut_on() -> None:
    fields = convcalc.load("xception").receptive_field()
    assert next(field.name for field in fields if not field.aligned) == "down_2.add"
    after = fields.names.index("down_2.add")
    assert not any(field.aligned for field in fields[after:])


def stack(*layers: str, input: str = "[1, 64]") -> str:
    return f"name: Stack\ninput: {input}\nlayers:\n" + "".join(f"  - {each}\n" for each in layers)


def test_dilated_stack_sees_15_cells() -> None:
    text = stack(*(f"conv: {{out: 1, k: 3, d: {d}}}" for d in (1, 2, 4)))
    assert [field.size for field in convcalc.loads(text).receptive_field()] == [(3,), (7,), (15,)]


def test_seven_layers(run: Run) -> None:
    spec = Path(__file__).parent / "cases" / "rf_seven.yaml"
    found = run("receptive-field", str(spec), "--json").json
    assert found["format"] == "convcalc.receptive_field/1"
    sizes = [3, 4, 8, 10, 18, 26, 30]  # CSDN 98473571
    assert [layer["size"] for layer in found["layers"]] == [[size, size] for size in sizes]


def test_a_transposed_convolution_divides_the_stride() -> None:
    text = stack("conv: {out: 1, k: 3, s: 2}", "conv_transpose: {out: 1, k: 4, s: 4, p: 1}")
    first, second = convcalc.loads(text).receptive_field()
    assert (first.size, first.stride) == ((3,), (2,))
    assert second.stride == (Fraction(1, 2),)
    assert second.padding == (Fraction(1),)
    assert second.size == (Fraction(9, 2),)
