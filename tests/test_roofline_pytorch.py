"""What the bytes of an input count at the least, against PyTorch's gradients: what is really read.

Needs torch, which the suite's own environment does not have.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

import convcalc
from convcalc.devices import Device
from convcalc.frozen import FrozenDict

torch = pytest.importorskip("torch")
functional = torch.nn.functional
CHANNELS = 2
ONE = Device("one", FrozenDict(), FrozenDict({"float32": Fraction(1)}), Fraction(1))


def layers(size: int, k: int, s: int, p: int) -> dict[str, Any]:
    """Layers on an input with `size` rows and columns, and what each does in PyTorch."""
    return {
        f"slice: {{start: {k}, step: {s}, axis: 1}}\n  - square": lambda x: x[:, :, k::s],
        f"pad: {{p: [[0, -{k}], [{p}, {1 - s}]]}}\n  - square": lambda x: functional.pad(
            x, (p, 1 - s, 0, -k)
        ),
        f"upsample: {{size: {size + 1 - k}}}\n  - square": lambda x: functional.interpolate(
            x, (size + 1 - k, size + 1 - k)
        ),
        "split: {sections: [1, 1], name: parts}\n  - square: {from: parts.1}": lambda x: x[:, 1:],
        f"slice: {{start: 1}}\n  - slice: {{stop: {s + 1}, axis: 2}}\n  - square": (
            lambda x: x[:, 1:, :, : s + 1]
        ),
    }


def test_an_input_counts_no_more_than_is_read() -> None:
    for size in (6, 9):
        for k, s, p in ((1, 1, 0), (1, 2, 0), (2, 3, 1), (3, 2, 1), (3, 4, 1)):
            for text, run in layers(size, k, s, p).items():
                spec = f"name: N\ninput: [{CHANNELS}, {size}, {size}]\nlayers:\n  - {text}\n"
                network = convcalc.loads(spec)
                x = torch.ones(1, CHANNELS, size, size, requires_grad=True)
                run(x).sum().backward()
                leaving = sum(shape.size for shape in network.output_shapes().values())
                needed = network.roofline(ONE).compulsory_bytes // 4
                read = needed - leaving - network.totals.params
                seen = int((x.grad != 0).sum())
                assert read == seen, (text, size)
