"""Peak memory, by the command and in Python, against published figures and brute force."""

from __future__ import annotations

import csv
import json
import pickle
import random
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from math import prod
from typing import Any

import pytest

import convcalc
from convcalc.memory import arena
from convcalc.memory.lifetimes import Lifetimes
from convcalc.render.memory import report
from convcalc.shape import Shape
from convcalc.steps import Held, Step, Steps
from tests.conftest import Run

#: Random networks that are looked at, and those whose best order is compared with all orders.
NETWORKS, ORDERED = 250, 1_000


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


def test_the_network_of_person_detection(run: Run) -> None:
    """241,027 bytes are all the tensors of it, by TensorFlow Lite Micro's own test of its planner
    (`TestPersonDetectionModel`, memory_planner/greedy_memory_planner_test.cc).
    """
    asked = ("--set", "alpha=0.25", "--set", "num_classes=3", "--input", "96")
    peaks = run(
        *("memory", "mobilenet_v1", *asked, "--input", "channels=1", "--dtype", "int8", "--json")
    ).json["peaks"]
    assert peaks["sum"] == 241_027
    assert peaks["live"] == peaks["arena"] == 36_864 + 18_432


@pytest.mark.parametrize(
    ("buffers", "offsets"),
    [
        ([(10, 0, 1), (20, 2, 3)], [0, 0]),
        ([(10, 0, 1), (20, 1, 2), (30, 2, 3), (40, 3, 4), (50, 0, 1)], [50, 70, 40, 0, 0]),
        ([(100, 0, 1), (50, 2, 3), (20, 1, 2)], [0, 0, 100]),
    ],
)
def test_the_planner_is_that_of_tensorflow_lite_micro(
    buffers: list[tuple[int, int, int]], offsets: list[int]
) -> None:
    """Those of its own tests, in units of 16 bytes (memory_planner/greedy_memory_planner_test.cc:
    `TestGreedyBasics`, `TestGreedyMedium`, `TestOverlapCase`).
    """
    held = tuple(Held("", Shape(1), 16 * size, None, False) for size, _, _ in buffers)
    steps = Steps((Step(0, (), (), (), False),) * 5, held)
    lifetimes = Lifetimes(*zip(*[(first, last) for _, first, last in buffers]))
    assert arena.offsets(steps, lifetimes) == [16 * offset for offset in offsets]


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
    assert found.at_peak.alive is not None
    assert sum(found.tensors[name].bytes for name in found.at_peak.alive) == found.peak


def test_the_table_names_the_definition_and_where_the_peak_is(run: Run) -> None:
    out = run("memory", "mobilenet_v2", "--dtype", "int8", "--definition", "in_place").out
    assert "`in_place`: `live`, but the output of an elementwise layer" in out
    assert "int8 fused" in out
    words = " ".join(out.split())
    assert "Bytes KiB" in words
    assert "in_place 1,404,928 1,372.0" in words
    assert "Weights apart: 3,538,984 bytes (3,456.0 KiB), in no peak." in words
    assert "Alive at inverted_residual_2.conv_bn_1.conv" in out


def test_a_timeline_fits_a_terminal_of_80_columns(run: Run) -> None:
    for name in ("densenet121", "swin_t"):
        table = report([convcalc.load(name).memory()]).fitted
        assert table is not None
        *_, steps = table[0](80, 40)
        assert steps.width() <= 80
        rows = [*steps.rows()]
        assert 5 < len(rows) <= 40
        (full,) = (rows[index][2] for index in steps.heavy)
        assert full == "█" * len(full)
        assert max(len(row[2]) for row in rows) == len(full)


def test_memory_in_csv_is_a_row_a_step(run: Run) -> None:
    rows = [*csv.DictReader(run("memory", "lenet", "--csv").out.splitlines())]
    assert rows[1] == {
        "name": "relu_1",
        "bytes": str(4 * 2 * 6 * 28 * 28),
        "alive": "conv_1 relu_1",
        "backward": "false",
        "definition": "live",
        "dtype": "float32",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--definition liv", "did you mean `live`?"),
        ("--dtype int9", "did you mean `int8`"),
        ("--optimizer sgd", "an optimizer is for training, and `live` is of running"),
        ("--definition train --order best", "in the order of the file, and nothing is fused"),
        ("--definition train --fuse", "in the order of the file, and nothing is fused"),
        ("--definition train --keep-input", "which overwrites nothing"),
        ("--definition train --dtype int8", "types that are: `float64`, `float32`"),
        ("--definition train --dtype int9", "did you mean `int8`"),
        ("--definition train --optimizer adm", "did you mean `adam`?"),
        ("--definition arena --limit alive=3", "more than 3 pairs of tensors that are alive"),
        ("--batch 0", "'--batch'"),
    ],
)
def test_refusals(run: Run, options: str, message: str) -> None:
    outcome = run("memory", "lenet", *options.split())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err


def test_an_order_in_python_is_one_of_two() -> None:
    with pytest.raises(convcalc.ConvcalcError, match="there is no order `bst`"):
        convcalc.load("lenet").memory(order="bst")


def test_no_arena_where_too_many_tensors_are_alive_together(run: Run) -> None:
    layers = ", ".join(f"relu: {{name: r{i}, from: input}}" for i in range(9))
    outputs = ", ".join(f"r{i}" for i in range(9))
    spec = f"name: N\ninput: [8]\nlayers: [{layers}]\noutputs: [{outputs}]\n".encode()
    asked = ("memory", "-", "--limit", "alive=40")
    live = run(*asked, "--definition", "max_io", "--json", stdin=spec).json
    assert (live["peaks"]["arena"], live["peaks"]["live"]) == (None, 10 * 8 * 4)
    assert "`--limit alive=N` allows more" in run(*asked, "--definition", "max_io", stdin=spec).out
    assert "limit-alive" in run(*asked, "--definition", "arena", stdin=spec).err


def test_tensors_that_are_too_many_have_no_names(run: Run) -> None:
    found = run("memory", "lenet", "--json", "--limit", "alive=9").json
    assert found["peak"] == convcalc.load("lenet").memory().peak
    assert {step["alive"] for step in found["steps"]} == {None}
    assert "`--limit alive=N` names more" in run("memory", "lenet", "--limit", "alive=9").out


def test_views_and_weights_are_no_tensors(run: Run) -> None:
    spec = b"name: N\ninput: [8, 4, 4]\nlayers: [flatten, dropout, {reshape: {shape: [4, 32]}}]\n"
    found = run("memory", "-", "--json", stdin=spec).json
    assert (found["steps"], found["at"], found["peak"], found["peaks"]["live"]) == ([], *[None] * 3)
    assert run("analyze", "-", "--json", stdin=spec).json["totals"]["live_bytes"] is None
    out = run("memory", "-", stdin=spec).out
    assert "nothing runs" in out


def test_a_layer_may_have_a_type_of_number_of_its_own() -> None:
    layers = "[conv: {out: 8, k: 1}, conv: {out: 8, k: 1, dtype: int8}]"
    steps = convcalc.loads(f"name: N\ninput: [8, 4, 4]\nlayers: {layers}\n").memory().steps
    assert [step.bytes for step in steps] == [2 * 128 * 4, 128 * 4 + 128]


def test_sum_names_a_tensor_once_however_many_layers_there_are(run: Run) -> None:
    """Names at every step would grow with the square of the layers."""
    asked = ("memory", "resnet1202_cifar", "--definition", "sum", "--json")
    found = run(*asked, "--limit", "alive=5000").json
    named = [name for step in found["steps"] for name in step["alive"]]
    assert sorted(named) == sorted(each["name"] for each in found["tensors"])
    assert sum(each["bytes"] for each in found["tensors"]) == found["peak"]


def test_what_is_alive_at_the_peak_can_be_added_up_in_json(run: Run) -> None:
    found = run("memory", "densenet121", "--json", "--dtype", "int8").json
    sizes = {each["name"]: each["bytes"] for each in found["tensors"]}
    (step,) = [each for each in found["steps"] if each["name"] == found["at"]]
    assert sum(sizes[name] for name in step["alive"]) == found["peak"]


def test_training_says_what_it_holds_and_where(run: Run) -> None:
    found = run("memory", "lenet", "--definition", "train", "--json").json
    assert (found["fuse"], found["at"], found["backward"]) == (False, "relu_1", True)
    assert sum(found["held"].values()) == found["peak"]
    assert found["training"]["with_weights"] == found["peak"] + found["weight_bytes"]
    assert "relu_1` (backward)" in repr(convcalc.load("lenet").memory("train"))
    out = " ".join(run("memory", "lenet", "--definition", "train").out.split())
    assert "`train` is with adam; 1,020.6 KiB with the weights." in out


def test_integers_are_not_trained(run: Run) -> None:
    found = run("memory", "lenet", "--dtype", "int8", "--json").json
    assert (found["peaks"]["train"], found["training"]) == (None, None)
    assert "train" not in run("memory", "lenet", "--dtype", "int8").out


def test_the_best_order_says_what_it_is_good_for(run: Run) -> None:
    asked = ("--order", "best", "--dtype", "int8")
    out = " ".join(run("memory", "ghostnet", *asked).out.split())
    assert "`live` is 1,225.0 KiB; in the file's order 1,372.0 KiB." in out
    assert run("memory", "ghostnet", *asked, "--json").json["file_order"] == {"live": 1372 * 1024}
    assert "No order needs less than the file's." in run("memory", "lenet", *asked).out


def test_the_largest_steps_alone(run: Run) -> None:
    rows = [*csv.DictReader(run("memory", "resnet18", "--top", "3", "--csv").out.splitlines())]
    every = [step.bytes for step in convcalc.load("resnet18").memory().steps]
    assert [int(row["bytes"]) for row in rows] == sorted(every, reverse=True)[:3]


def test_a_view_has_the_type_of_its_input() -> None:
    for view in ("flatten", "dropout"):
        text = f"{{name: N, input: [4], layers: [{view}: {{dtype: int8}}, linear: {{out: 4}}]}}"
        network = convcalc.loads(text)
        assert network.memory().steps[0].bytes == 4 * 4 + 4 * 4
        assert (
            network.memory("train").training
            == convcalc.loads(text.replace(": {dtype: int8}", ": {}")).memory("train").training
        )
        assert network.analyze().rows[0].dtype == "float32"


def test_a_global_depthwise_convolution_is_in_place() -> None:
    network = convcalc.loads("{name: N, input: [8, 4, 4], layers: [global_depthwise_conv]}")
    peaks = network.memory(dtype="int8").peaks
    assert (peaks["live"], peaks["in_place"]) == (8 * 16 + 8, 8 * 16)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"fuse": "no"}, "`fuse` must be True, False or None"),
        ({"keep_input": "no"}, "`keep_input` must be True or False"),
        ({"optimizer": "sgd"}, "an optimizer is for training"),
        ({"definition": "torchsummary"}, r"`network.sizes\('torchsummary'\)` has them"),
    ],
)
def test_what_python_refuses(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=message):
        convcalc.load("lenet").memory(**asked)


def test_sizes_are_not_peaks() -> None:
    with pytest.raises(convcalc.ConvcalcError, match=r"`network.memory\('live'\)` has them"):
        convcalc.load("lenet").sizes("live")


def test_what_memory_says_is_a_value() -> None:
    found = convcalc.load("lenet").memory()
    assert pickle.loads(pickle.dumps(found)) == found
    assert repr(found) == ("<convcalc.Memory LeNet: live peak 37,632 bytes at `relu_1`, float32>")


# Random networks, against sets of tensors that are simulated


#: Kernels that leave a map as large as it is.
KERNELS = ({"k": 1}, {"k": 3, "p": 1}, {"k": [1, 5], "p": [0, 2]})


def random_spec(seed: int, most: int = 7, is_fusing: bool = False) -> str:
    """A network of up to so many lines, each of which reads what is there: branches, joins, views,
    parts, weights, and tensors that nobody reads.

    With `is_fusing` there is more to fuse, and some lines have a type of their own.
    """
    draw = random.Random(seed)
    channels = {"x": 8 * draw.randint(1, 4)}
    if draw.random() < 0.3:
        channels["y"] = 8 * draw.randint(1, 4)
    inputs = {name: [size, 1, 1] for name, size in channels.items()}
    layers = []
    for index in range(draw.randint(1, most)):
        name, known = f"n{index}", list(channels)
        first = known[-1] if is_fusing and draw.random() < 0.8 else draw.choice(known[-4:])
        size = channels[first]
        alike = [each for each in known if channels[each] == size and each != first]
        kind = draw.choice(
            [
                *("conv", "conv", "conv", "depthwise_conv", "relu", "batch_norm", "add", "mul"),
                *("concat", "split", "dropout", "parameter"),
                *("conv", "relu", "batch_norm", "relu", "batch_norm", "dropout") * is_fusing,
            ]
        )
        if (kind in ("add", "mul") and not alike) or (kind == "split" and size < 8):
            kind = "concat"
        fields: dict[str, Any] = {"name": name, "from": first}
        if kind == "conv":
            size = 8 * draw.randint(1, 6)
            fields |= {"out": size, **draw.choice(KERNELS)}
        elif kind == "depthwise_conv":
            fields |= draw.choice(KERNELS)
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
        if is_fusing and draw.random() < 0.3:
            fields["dtype"] = draw.choice(("int16", "float32"))
        layers.append({kind: fields})
        made = {f"{name}.0": 4, f"{name}.1": size - 4} if kind == "split" else {name: size}
        channels |= made
    names = [name for name in channels if name not in inputs]
    outputs = sorted({*draw.sample(names, draw.randint(1, min(len(names), 2))), names[-1]})
    return json.dumps({"name": "N", "input": inputs, "layers": layers, "outputs": outputs})


#: Bytes of a number.
WIDTHS = {"int8": 1, "int16": 2, "float32": 4}


class Simulated:
    """What `analyze --json` says of a network of bytes, run step by step on sets of tensors.

    Where it is fused, what alone reads a convolution, or what has gone into one, goes into it.
    """

    def __init__(self, analysis: dict[str, Any], is_fused: bool = False) -> None:
        rows = analysis["layers"]
        readers = Counter(
            [*(each for row in rows for each in row["inputs"])]
            + [each["name"] for each in analysis["outputs"]]
        )
        #: The tensor of a convolution that a name still stands for alone.
        open_: dict[str, str] = {}
        self.sizes = {name: prod(shape) for name, shape in analysis["input"].items()}
        self.entering = [*self.sizes]
        same: dict[str, str | None] = {name: name for name in self.sizes}
        #: By name: what a step reads and makes, and whether it may overwrite what it reads.
        self.steps: dict[str, tuple[set[str], set[str], bool]] = {}
        for row in analysis["layers"]:
            name, type = row["name"], row["type"]
            reads = {found for each in row["inputs"] if (found := same[each]) is not None}
            alone = open_.get(row["inputs"][0]) if len(row["inputs"]) == 1 else None
            if alone is not None and readers[row["inputs"][0]] != 1:
                alone = None
            if type in ("dropout", "parameter"):
                same[name] = next(iter(reads), None)
                if alone is not None:
                    open_[name] = alone
                continue
            if alone is not None and type in ("relu", "batch_norm"):
                same[name] = open_[name] = alone
                self.sizes[alone] = prod(row["output_shape"]) * WIDTHS[row["dtype"]]
                continue
            if is_fused and type in ("conv", "depthwise_conv"):
                open_[name] = name
            shapes = row.get("output_shapes") or [row["output_shape"]]
            made = [name] if len(shapes) == 1 else [f"{name}.{i}" for i in range(len(shapes))]
            for each, shape in zip(made, shapes):
                self.sizes[each] = prod(shape) * WIDTHS[row["dtype"]]
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
        simulated = Simulated(network.analyze(dtype="int8").to_dict())
        names = [*simulated.steps]
        before = {name: names[:at] for at, name in enumerate(names)}
        alive = [simulated.needed(before[name], name) for name in names]
        for keep in (False, True):
            found = network.memory(dtype="int8", fuse=False, keep_input=keep)
            if not names:
                continue
            io = [simulated.bytes(reads | makes) for reads, makes, _ in simulated.steps.values()]
            taken = [simulated.in_place(before[name], name, keep) for name in names]
            assert [{*(step.alive or ())} for step in found.steps] == alive, seed
            assert found.peaks["sum"] == simulated.bytes(simulated.sizes), seed
            assert found.peaks["max_io"] == max(io), seed
            assert found.peaks["live"] == max(map(simulated.bytes, alive)), seed
            assert found.peaks["in_place"] == max(taken), seed
            arena = found.peaks["arena"]
            assert arena is not None
            assert arena >= max(map(simulated.bytes, alive)) >= max(taken), seed
        rows = network.analyze(dtype="int8", fuse=False).rows
        live = [row.live_bytes for row in rows if row.live_bytes is not None]
        assert live == [simulated.bytes(each) for each in alive], seed


def test_random_networks_that_are_fused_are_what_their_simulation_says() -> None:
    vanished = 0
    for seed in range(NETWORKS):
        network = convcalc.loads(random_spec(seed, is_fusing=True))
        analysis = network.analyze(dtype="int8").to_dict()
        for is_fused in (False, True):
            simulated = Simulated(analysis, is_fused)
            found = network.memory(dtype="int8", fuse=is_fused)
            names = [*simulated.steps]
            alive = [simulated.needed(names[:at], name) for at, name in enumerate(names)]
            taken = [simulated.in_place(names[:at], each, False) for at, each in enumerate(names)]
            assert [step.name for step in found.steps] == names, seed
            assert [{*(step.alive or ())} for step in found.steps] == alive, seed
            assert [step.bytes for step in found.steps] == [*map(simulated.bytes, alive)], seed
            assert found.peaks["in_place"] == max(taken, default=None), seed
            vanished += -len(names) if is_fused else len(names)
    assert vanished > 50


def test_the_best_order_of_random_networks_is_the_best_of_all_orders() -> None:
    for seed in range(ORDERED):
        network = convcalc.loads(random_spec(seed, 7 if seed < NETWORKS else 4))
        found = network.memory(dtype="int8", fuse=False, order="best")
        simulated = Simulated(network.analyze(dtype="int8").to_dict())
        if simulated.steps:
            assert (found.peak, found.proved) == (simulated.best(), True), seed
            assert {step.name for step in found.steps} == {*simulated.steps}


def test_memory_grows_with_the_batch() -> None:
    for seed in range(0, NETWORKS, 10):
        network = convcalc.loads(random_spec(seed))
        one, four = (network.memory(batch=batch).peaks for batch in (1, 4))
        for name in ("sum", "max_io", "live", "in_place"):
            assert four[name] == 4 * (one[name] or 0), seed
        # Tensors of 4 channels in 4 bytes need no more to be at multiples of 16.
        assert four["arena"] == 4 * (one["arena"] or 0), seed


def test_an_order_of_a_network_too_wide_is_the_best_that_is_found(run: Run) -> None:
    draw = random.Random(1)
    sizes = {"input": 8}
    lines = []
    for index in range(60):
        first, second = draw.choice([*sizes][-15:]), draw.choice([*sizes][-15:])
        sizes[f"n{index}"] = size = draw.randint(1, 100)
        lines.append(f"  - concat: {{name: c{index}, from: [{first}, {second}]}}")
        lines.append(f"  - conv: {{name: n{index}, from: c{index}, out: {size}, k: 1}}")
    spec = "\n".join(["name: Wide", "input: [8, 1, 1]", "layers:", *lines]).encode()
    asked = ("memory", "-", "--order", "best", "--limit", "tries=20000")
    given = run("memory", "-", "--json", stdin=spec).json
    found = run(*asked, "--json", stdin=spec).json
    assert found["proved"] is False
    assert found["peak"] < given["peak"]
    out = run(*asked, stdin=spec).out
    assert "(best found, not proved; `--limit tries=N` looks further)" in out
    assert found == run(*asked, "--json", stdin=spec).json


def test_an_arena_and_a_training_step_are_metrics_and_columns_where_they_are_asked_for(
    run: Run,
) -> None:
    peaks = run("memory", "mobilenet_v2", "--json").json["peaks"]
    budgets = ("--max", "arena_bytes=1G", "--max", "train_bytes=1G")
    checked = run("check", "mobilenet_v2", *budgets, "--json").json["budgets"]
    assert [each["value"] for each in checked] == [peaks["arena"], peaks["train"]]
    table = run("analyze", "mobilenet_v2", "--csv", "--columns", "name,arena_bytes,train_bytes").out
    rows = [line.split(",") for line in table.splitlines()[1:]]
    assert max(int(arena) for _, arena, _ in rows if arena) == peaks["arena"]
    assert max(int(train) for *_, train in rows) == peaks["train"]
    assert "arena_bytes" not in run("analyze", "mobilenet_v2", "--json").json["totals"]
    assert run("check", "mobilenet_v2", "--max", "train_bytes=1G", "--dtype", "int8").status == 1
