"""Peak memory, by the command and in Python, against published figures and brute force."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterable
from functools import cache
from math import prod
from typing import Any

import pytest

import convcalc
from tests.conftest import Run

#: Random networks that are looked at.
NETWORKS = 250


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


# Random networks, against sets of tensors that are simulated


def random_spec(seed: int) -> str:
    """A network of up to seven lines, each of which reads what is there: branches, joins, views,
    parts, weights, and tensors that nobody reads.
    """
    draw = random.Random(seed)
    channels = {"x": 8 * draw.randint(1, 4)}
    if draw.random() < 0.3:
        channels["y"] = 8 * draw.randint(1, 4)
    inputs = {name: [size, 1, 1] for name, size in channels.items()}
    layers = []
    for index in range(draw.randint(1, 7)):
        name, known = f"n{index}", list(channels)
        first = draw.choice(known[-4:])
        size = channels[first]
        alike = [each for each in known if channels[each] == size and each != first]
        kind = draw.choice(
            ("conv", "conv", "conv", "depthwise_conv", "relu", "batch_norm", "add", "mul", "concat")
            + ("split", "dropout", "parameter")
        )
        if (kind in ("add", "mul") and not alike) or (kind == "split" and size < 8):
            kind = "concat"
        fields: dict[str, Any] = {"name": name, "from": first}
        if kind == "conv":
            size = 8 * draw.randint(1, 6)
            fields |= {"out": size, "k": 1}
        elif kind == "depthwise_conv":
            fields["k"] = 1
        elif kind in ("add", "mul"):
            fields["from"] = [first, draw.choice(alike)]
        elif kind == "concat":
            other = draw.choice(known)
            fields["from"] = [first, other]
            size += channels[other]
        elif kind == "split":
            fields["sizes"] = [4, size - 4]
        elif kind == "parameter":
            layers.append({"parameter": {"name": f"p{index}", "shape": [size, 1, 1]}})
            kind, fields["from"] = draw.choice(("relu", "conv")), f"p{index}"
            fields |= {"out": size, "k": 1} if kind == "conv" else {}
        layers.append({kind: fields})
        made = {f"{name}.0": 4, f"{name}.1": size - 4} if kind == "split" else {name: size}
        channels |= made
    names = [name for name in channels if name not in inputs]
    outputs = sorted({*draw.sample(names, draw.randint(1, min(len(names), 2))), names[-1]})
    return json.dumps({"name": "N", "input": inputs, "layers": layers, "outputs": outputs})


class Simulated:
    """What `analyze --json` says of a network, run step by step on sets of tensors."""

    def __init__(self, analysis: dict[str, Any]) -> None:
        self.sizes = {name: prod(shape) for name, shape in analysis["input"].items()}
        self.entering = [*self.sizes]
        same: dict[str, str | None] = {name: name for name in self.sizes}
        #: By name: what a step reads and makes, and whether it may overwrite what it reads.
        self.steps: dict[str, tuple[set[str], set[str], bool]] = {}
        for row in analysis["layers"]:
            name, type = row["name"], row["type"]
            reads = {found for each in row["inputs"] if (found := same[each]) is not None}
            if type in ("dropout", "parameter"):
                same[name] = next(iter(reads), None)
                continue
            shapes = row.get("output_shapes") or [row["output_shape"]]
            made = [name] if len(shapes) == 1 else [f"{name}.{i}" for i in range(len(shapes))]
            for each, shape in zip(made, shapes):
                self.sizes[each] = prod(shape)
                same[each] = each
            in_place = type in ("relu", "batch_norm", "add", "mul", "depthwise_conv")
            self.steps[name] = reads, {*made}, in_place
        self.leaving = {same[each["name"]] for each in analysis["outputs"]} - {None}

    def bytes(self, tensors: Iterable[str]) -> int:
        return sum(self.sizes[each] for each in tensors)

    def needed(self, done: Collection[str], now: str) -> set[str]:
        """What is alive while a step runs when others have run."""
        reads, makes, _ = self.steps[now]
        later = self.steps.keys() - {*done, now}
        wanted = self.leaving.union(*(self.steps[each][0] for each in later))
        there = {*self.entering}.union(*(self.steps[each][1] for each in done))
        return there & wanted | reads | makes | self.at_first(done)

    def at_first(self, done: Collection[str]) -> set[str]:
        """What enters is there while the first step runs, whoever reads it."""
        return set() if done else {*self.entering}

    def in_place(self, done: Collection[str], now: str, keep_input: bool) -> int:
        """The bytes while a step runs, without its output where that overwrites an input."""
        reads, makes, in_place = self.steps[now]
        alive = self.needed(done, now)
        after = self.leaving.union(
            *(self.steps[each][0] for each in self.steps.keys() - {*done, now})
        )
        ended = reads - after - ({*self.entering} if keep_input else set())
        size = self.bytes(makes)
        takes = in_place and any(self.sizes[each] >= size for each in ended)
        return self.bytes(alive) - (size if takes else 0)

    def best(self) -> int:
        """The lowest peak of all orders: whatever has run, each step that can is tried next."""

        @cache
        def least(done: frozenset[str]) -> int:
            """The lowest peak of what is left."""
            made = {*self.entering}.union(*(self.steps[each][1] for each in done))
            return min(
                (
                    max(self.bytes(self.needed(done, name)), least(done | {name}))
                    for name, (reads, _, _) in self.steps.items()
                    if name not in done and reads <= made
                ),
                default=0,
            )

        return least(frozenset())


def test_random_networks_are_what_their_simulation_says() -> None:
    for seed in range(NETWORKS):
        network = convcalc.loads(random_spec(seed))
        simulated = Simulated(network.analyze().to_dict())
        names = [*simulated.steps]
        before = {name: names[:at] for at, name in enumerate(names)}
        alive = [simulated.needed(before[name], name) for name in names]
        for keep in (False, True):
            found = network.memory(dtype="int8", fuse=False, keep_input=keep)
            if not names:
                continue
            io = [simulated.bytes(reads | makes) for reads, makes, _ in simulated.steps.values()]
            taken = [simulated.in_place(before[name], name, keep) for name in names]
            assert [{*step.alive} for step in found.steps] == alive, seed
            assert found.peaks["sum"] == simulated.bytes(simulated.sizes), seed
            assert found.peaks["max_io"] == max(io), seed
            assert found.peaks["live"] == max(map(simulated.bytes, alive)), seed
            assert found.peaks["in_place"] == max(taken), seed
            assert found.peaks["arena"] >= found.peaks["live"] >= found.peaks["in_place"], seed
        rows = network.analyze().rows
        live = [row.live_bytes for row in rows if row.live_bytes is not None]
        assert live == [4 * simulated.bytes(each) for each in alive], seed


def test_the_best_order_of_random_networks_is_the_best_of_all_orders() -> None:
    for seed in range(NETWORKS):
        network = convcalc.loads(random_spec(seed))
        found = network.memory(dtype="int8", fuse=False, order="best")
        simulated = Simulated(network.analyze().to_dict())
        if simulated.steps:
            assert (found.peak, found.proved) == (simulated.best(), True), seed
            assert {step.name for step in found.steps} == {*simulated.steps}


def test_memory_grows_with_the_batch() -> None:
    for seed in range(0, NETWORKS, 10):
        network = convcalc.loads(random_spec(seed))
        one, four = (network.memory(batch=batch).peaks for batch in (1, 4))
        aligned = {"arena", "train"}
        assert all(four[name] == 4 * one[name] for name in one.keys() - aligned), seed
        assert 4 * one["arena"] - 64 * 8 <= four["arena"] <= 4 * one["arena"], seed
