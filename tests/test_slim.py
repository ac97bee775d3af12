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
from typing import Any, NamedTuple

import pytest

from convcalc.receptive_field import ReceptiveField

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
    """A row of the table.

    Without a resolution it holds at any; the padding is None where it depends on that.
    """

    network: str
    resolution: int | None
    layer: str
    flops: str
    size: int
    stride: int
    padding: int | None


def end_points() -> Iterator[EndPoint]:
    """The rows of the table."""
    for name, resolution, rows in TABLE:
        at = None if resolution == "any" else int(resolution)
        for end_point, flops, *field in rows:
            layer = end_point.removeprefix(f"{name}/").replace("/", ".")
            yield EndPoint(name, at, layer, flops, *field)


class Built(NamedTuple):
    """What is said of a network at a resolution."""

    #: The layers and blocks, to the place of their last layer.
    places: dict[str, int]
    fields: tuple[ReceptiveField, ...]
    #: What the profiler counts up to each layer.
    flops: list[int]


@cache
def built(cnn: str, side: int) -> Built:
    name = f"slim_{cnn}" if cnn in TAKEN else cnn
    settings = {"bn": False} if cnn.startswith(WITHOUT_BATCH_NORM) else {}
    made = network(name, json.dumps(settings), (3, side, side))
    places: dict[str, int] = {}
    for index, node in enumerate(made.nodes):
        path = node.name.split(".")
        places |= {".".join(path[:depth]): index for depth in range(1, len(path) + 1)}
    rows = made.analyze("tensorflow").rows
    flops = accumulate(0 if row.type in UNCOUNTED else row.flops for row in rows)
    return Built(places, made.receptive_field(), [*flops])


def fields_of(end_point: EndPoint) -> list[ReceptiveField]:
    """Its receptive field; without a resolution, those at an even one and at an odd one."""
    sides = [end_point.resolution] if end_point.resolution else [224, 321]
    networks = [built(end_point.network, side) for side in sides]
    return [each.fields[each.places[end_point.layer]] for each in networks]


def the_one(values: set[Any]) -> Any:
    """The value that there is; None where there are several."""
    return values.pop() if len(values) == 1 else None


def test_receptive_fields_are_the_published_ones() -> None:
    rows = [*end_points()]
    found = [
        each._replace(
            size=the_one({size for field in fields_of(each) for size in field.size}),
            stride=the_one({stride for field in fields_of(each) for stride in field.stride}),
            padding=the_one({padding for field in fields_of(each) for padding in field.padding}),
        )
        for each in rows
    ]
    assert len(found) == 561
    assert found == rows


def test_all_paths_to_an_end_point_are_aligned() -> None:
    assert [each for each in end_points() if not all(f.aligned for f in fields_of(each))] == []


def test_flops_are_the_published_ones() -> None:
    rows = [each for each in end_points() if each.resolution is not None]
    found = []
    for each in rows:
        of = built(each.network, each.resolution)
        found.append(each._replace(flops=f"{of.flops[of.places[each.layer]] / 1e9:.3f}"))
    assert len(found) == 374
    assert found == rows


# Variables, running statistics among them, of what leads to the last map, by TF-slim's own tests;
# its batch norms learn no factors there.
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
    # The head of research/slim/nets/mobilenet_v1.py.
    analysis = network("slim_mobilenet_v1").until("Conv2d_13_pointwise").analyze()
    weights = sum(row.params for row in analysis.rows if row.type != "batch_norm")
    assert (weights, analysis.totals.macs) == (3_185_088, 567_716_352)
