"""TF-slim's networks, end point by end point, as google-research/receptive_field publishes them.

`reference/receptive_fields.json` has its table. An end point `vgg_16/conv1/conv1_1` is the layer or
block `conv1.conv1_1`, one without slashes that of its own name; a block stands for its last layer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pytest

import convcalc

from .networks import network

TABLE = json.loads(
    (Path(__file__).parent / "reference" / "receptive_fields.json").read_text(encoding="utf-8")
)["networks"]
#: Networks of the table by whose name the zoo has another one.
TAKEN = {"inception_v3", "inception_v4", "inception_resnet_v2", "mobilenet_v1"}
#: Families that the table's authors built without batch norm, so that convolutions had biases.
WITHOUT_BATCH_NORM = ("inception", "mobilenet")
#: `AddV2` and `FusedBatchNorm` had no statistic in their TensorFlow; both have one today.
UNCOUNTED = {"add", "batch_norm"}


class EndPoint(NamedTuple):
    """A row of the table. The padding is None where it depends on the resolution."""

    network: str
    resolution: int | None
    layer: str
    flops: str
    size: int
    stride: int
    padding: int | None

    @property
    def last(self) -> int:
        """The layer that it is, by its place in the network."""
        name = f"{self.layer}."
        found = [
            index for index, node in enumerate(self.built.nodes) if f"{node.name}.".startswith(name)
        ]
        return found[-1]

    @property
    def built(self) -> convcalc.Network:
        """The network at the resolution; without one, as large as it is itself."""
        name = f"slim_{self.network}" if self.network in TAKEN else self.network
        settings = (
            {"bn": False} if name.removeprefix("slim_").startswith(WITHOUT_BATCH_NORM) else {}
        )
        sides = (3, self.resolution, self.resolution) if self.resolution else None
        return network(name, json.dumps(settings), sides)


def end_points() -> Iterator[EndPoint]:
    """The rows of the table."""
    for name, resolution, rows in TABLE:
        at = None if resolution == "any" else int(resolution)
        for end_point, flops, *field in rows:
            layer = end_point.removeprefix(f"{name}/").replace("/", ".")
            yield EndPoint(name, at, layer, flops, *field)


@cache
def flops_up_to(built: convcalc.Network) -> list[int]:
    """What is counted up to each layer of a network."""
    rows = built.analyze("tensorflow").rows
    return [*accumulate(0 if row.type in UNCOUNTED else row.flops for row in rows)]


def test_the_table_is_whole() -> None:
    assert len([*end_points()]) == 561


def test_flops_are_the_published_ones() -> None:
    known = [each for each in end_points() if each.resolution is not None]
    found = [f"{flops_up_to(each.built)[each.last] / 1e9:.3f}" for each in known]
    assert found == [each.flops for each in known]


# Those of what is trained or kept up to the last map, by TF-slim's tests of itself; its batch norms
# learn no factors there. MACs and weights: the head of mobilenet_v1.py.
@pytest.mark.parametrize(
    ("name", "until", "variables"),
    [
        ("inception_v2", "Mixed_5c", 10_173_112),
        ("slim_inception_v3", "Mixed_7c", 21_802_784),
        ("slim_mobilenet_v1", "Conv2d_13_pointwise", 3_217_920),
    ],
)
def test_parameters_are_the_published_ones(name: str, until: str, variables: int) -> None:
    analysis = network(name).until(until).analyze()
    factors = sum(row.params // 2 for row in analysis.rows if row.type == "batch_norm")
    assert analysis.totals.params + analysis.totals.buffers - factors == variables


def test_mobilenet_is_what_its_authors_print() -> None:
    analysis = network("slim_mobilenet_v1").until("Conv2d_13_pointwise").analyze()
    weights = sum(row.params for row in analysis.rows if row.type != "batch_norm")
    assert (weights, analysis.totals.macs) == (3_185_088, 567_716_352)
