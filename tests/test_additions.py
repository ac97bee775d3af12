"""What a stranger adds: one class or one value each, at run time, and everything else follows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

import convcalc
from convcalc import conventions, costs, devices, layers, passes, sizes
from convcalc.conventions.base import Convention
from convcalc.costs import Figure
from convcalc.graph import Graph
from convcalc.layers.base import Operations, Unary, Weight, layer
from convcalc.layers.fields import Count
from convcalc.memory import definitions
from convcalc.passes import Pass, Settings, add_pass
from convcalc.render import formats
from convcalc.render.formats.base import Format
from convcalc.render.report import Report
from convcalc.shape import Shape
from docs.generate import PAGES
from tests.conftest import Run

SPEC = b"""
name: N
input: [8, 6, 6]
layers:
  - sine: {omega: 30}
  - squeeze_excite: {squeeze: 2, gate: sine_gate}
"""


@pytest.fixture
def sine() -> Iterator[None]:
    """A layer type in a family of its own, with a weight and a field, and an activation of it."""
    before = dict(layers.TYPES)
    # What was asked for before it was added must not be remembered.
    convcalc.loads("name: n\ninput: [8, 6, 6]\nlayers: [squeeze_excite: {squeeze: 2}]\n")

    @layer("sine")
    class Sine(Unary):
        """sin(ω·x), with a learned ω (Sitzmann et al. 2020, section 3.2).

        omega: what ω begins with

        Example: `- sine: {omega: 30}` on `8x6x6`
        """

        family = "periodic"
        omega: Count

        def weights(self, x: Shape) -> Iterator[Weight]:
            yield Weight("omega", (x.channels,))

        def operations(self, x: Shape, y: Shape) -> Operations:
            return Operations(mul=y.size, exp=y.size)

    @layer("sine_gate")
    class SineGate(Unary):
        """sin(x).

        Example: `- sine_gate` on `8x6x6`
        """

        family = "activation"

        def operations(self, x: Shape, y: Shape) -> Operations:
            return Operations(exp=y.size)

    yield
    for name in layers.TYPES.keys() - before.keys():
        del layers.TYPES[name]
    layers.find.cache_clear()


@pytest.mark.usefixtures("sine")
class TestALayerType:
    def test_it_is_counted_with_its_parameters(self, run: Run) -> None:
        first = run("analyze", "-", "--json", stdin=SPEC).json["layers"][0]
        assert (first["type"], first["params"], first["flops"]) == ("sine", 8, 2 * 8 * 36)

    def test_its_activation_is_one_that_squeeze_excite_takes(self, run: Run) -> None:
        rows = run("analyze", "-", "--json", stdin=SPEC).json["layers"]
        assert [row["type"] for row in rows][-2:] == ["sine_gate", "mul"]

    def test_every_convention_has_an_answer(self, run: Run) -> None:
        counts = run("analyze", "-", "--convention", "all", "--json", stdin=SPEC).json["totals"][
            "counts"
        ]
        assert set(counts) == set(conventions.names())
        assert counts["torch"] == 2 * (2 * 8 + 8 * 2)
        assert counts["flax"] is None

    def test_a_group_of_its_kind(self, run: Run) -> None:
        groups = run("analyze", "-", "--group-by", "kind", "--json", stdin=SPEC).json["groups"]
        assert "periodic" in {group["group"] for group in groups}

    def test_its_command_explains_it(self, run: Run) -> None:
        assert "What ω begins with." in run("layer", "sine", "--help").out
        answer = run("layer", "sine", "--omega", "30", "--in", "8x6x6", "--json").json
        assert answer["formulas"]["params"] == "C_in"

    def test_its_schema(self, run: Run) -> None:
        validator = jsonschema.Draft202012Validator(run("schema").json)
        document = {"name": "N", "input": [8, 6, 6], "layers": [{"sine": {"omega": 30}}]}
        assert validator.is_valid(document)
        assert not validator.is_valid({**document, "layers": [{"sine": {"omega": 0}}]})

    def test_its_page(self) -> None:
        assert "### sine\n" in PAGES["layers.md"]()
        assert "sine" in PAGES["conventions.md"]()

    def test_its_mistakes_have_a_place(self, run: Run) -> None:
        err = run("analyze", "-", stdin=SPEC.replace(b"omega: 30", b"omgea: 30")).err
        assert "did you mean `omega`?" in err
        assert "<stdin>:5:12" in err


def test_a_figure(run: Run) -> None:
    costs.register(
        Figure("tensors", "Tensors", read=lambda p: len(p.weights), times=lambda n, samples: n)
    )
    try:
        answer = run("analyze", "lenet", "--json").json
        assert answer["layers"][0]["tensors"] == 2
        assert answer["totals"]["tensors"] == 10
        table = run("analyze", "lenet", "--columns", "name,tensors", "--sort", "tensors").out
        assert table.splitlines()[2].split() == ["Layer", "Tensors"]
        groups = run("analyze", "lenet", "--group-by", "kind", "--json").json["groups"]
        assert sum(group["tensors"] for group in groups) == 10
        explained = run("layer", "conv", *"--out 4 --k 3 --in 3x8x8 --json".split()).json
        assert (explained["tensors"], explained["formulas"]["tensors"]) == (2, "2")
    finally:
        del costs.FIGURES["tensors"]


def test_a_pass(run: Run) -> None:
    @add_pass
    class Readers(Pass):
        """How many layers read what a layer makes."""

        figures = (Figure("readers", "Readers"),)

        def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int]]:
            read = [tensor.node for node in graph.nodes for tensor in node.inputs]
            for index in range(len(graph.nodes)):
                yield (read.count(index),)

    try:
        answer = run("analyze", "resnet18", "--json").json
        by_name = {row["name"]: row["readers"] for row in answer["layers"]}
        assert by_name["max_pool"] == 2
        assert answer["totals"]["readers"] == sum(by_name.values())
        folded = run("analyze", "resnet18", "--depth", "1", "--json").json
        assert folded["totals"] == answer["totals"]
        assert convcalc.load("resnet18").analyze().rows[0].readers == 1
        csv = run("analyze", "resnet18", "--csv", "--columns", "name,readers").out
        assert csv.splitlines()[0] == "name,readers"
        Readers.dear = True
        assert "readers" not in run("analyze", "resnet18", "--json").json["totals"]
        csv = run("analyze", "resnet18", "--csv", "--columns", "name,readers").out
        assert csv.splitlines()[0] == "name,readers"
        check = run("check", "resnet18", "--max", "readers=1000", "--json").json
        assert check["budgets"][0]["value"] == answer["totals"]["readers"]
        listed = run("list", "resnet18", "--columns", "readers", "--json").json["networks"]
        assert listed[0]["readers"] == answer["totals"]["readers"]
        found = convcalc.load("resnet18").analyze(figures=["readers"]).totals
        assert found.readers == answer["totals"]["readers"]
    finally:
        passes.PASSES.pop()
        del costs.FIGURES["readers"]


def test_a_convention(run: Run) -> None:
    half = Convention(
        name="half",
        tool="a stranger's",
        version="1",
        unit="ops",
        meaning="half of the multiply–accumulates",
        summary="half of the MACs",
        rules={"convolution": "macs // 2", "linear": "macs // 2"},
    )
    conventions.add("half", half)
    try:
        totals = run("analyze", "lenet", "--convention", "half", "--json").json["totals"]
        assert totals["flops"] == sum(
            row["macs"] // 2 for row in run("analyze", "lenet", "--json").json["layers"]
        )
        assert "half of the MACs" in run("conventions").out
        assert "macs // 2" in run("conventions", "half").out
        bridges = run("reconcile", "lenet", "--json").json["conventions"]
        assert {each["name"]: each["total"] for each in bridges}["half"] == totals["flops"]
    finally:
        conventions._REGISTRY._found.pop("half")


def test_a_definition_of_sizes() -> None:
    def measure(graph: Graph, settings: Settings) -> dict[str, tuple[float, str]]:
        layers = len(graph.nodes) * settings.batch
        return {"layers": (layers, f"{layers} layers")}

    counting = sizes.Definition(
        name="counting",
        tool="a stranger's",
        version="1",
        meaning="how many layers there are",
        labels={"layers": "Layers"},
        measure=measure,
    )
    sizes.add("counting", counting)
    try:
        assert "counting" in sizes.names()
        network = convcalc.loads("name: N\ninput: [4]\nlayers: [relu, tanh]")
        found = sizes.find("counting").of(network, batch=3)
        assert repr(found) == "Sizes('counting', Layers: 6 layers)"
    finally:
        sizes._REGISTRY._found.pop("counting")


def test_a_definition_of_memory(run: Run) -> None:
    def course(run: definitions.Run) -> definitions.Course:
        made = [step.makes for step in run.steps.steps]
        return definitions.Course([run.bytes_of(tensors) for tensors in made], lambda: iter(made))

    definitions.register(definitions.Definition("output", "what a layer makes", course))
    try:
        answer = run("memory", "lenet", "--definition", "output", "--dtype", "int8", "--json").json
        assert (answer["peak"], answer["at"]) == (6 * 28 * 28, "conv_1")
        assert answer["steps"][0]["alive"] == ["conv_1"]
        assert convcalc.load("lenet").memory(dtype="int8").peaks["output"] == 6 * 28 * 28
        assert (
            "`output`: what a layer makes." in run("memory", "lenet", "--definition", "output").out
        )
    finally:
        del definitions.DEFINITIONS["output"]


def test_a_format(run: Run, tmp_path: Path) -> None:
    def render(report: Report) -> Iterator[str]:
        for table in report.tables():
            yield "\t".join(table.header) + "\n"

    formats.add("tabs", Format("tabs", (".tsv",), render))
    try:
        for command in (["analyze", "lenet"], ["list"], ["conventions"], ["reconcile", "lenet"]):
            assert "\t" in run(*command, "--format", "tabs").out
        target = tmp_path / "out.tsv"
        run("layer", "relu", "-o", str(target))
        assert target.read_text() == "Figure\tFormula\tWith numbers\tResult\n"
    finally:
        formats._REGISTRY._found.pop("tabs")


def test_a_device(run: Run) -> None:
    text = "{name: abacus, source: a fair, operations_per_second: {int8: 2}, bytes_per_second: 1}"
    devices.add(devices.parse(text, "abacus"))
    try:
        listed = run("roofline", "--list-devices", "--json").json["devices"]
        assert "abacus" in {each["name"] for each in listed}
        asked = ("roofline", "lenet", "--device", "abacus", "--dtype", "int8", "--json")
        (found,) = run(*asked).json["devices"]
        assert found["seconds"] == run(*asked).json["operations"] / 2
    finally:
        devices._REGISTRY._found.pop("abacus")


@pytest.mark.parametrize("key", ["macs", "name", "weights", "count", "items", "update"])
def test_a_figure_that_would_hide_something_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is the name of something else already"):
        costs.register(Figure(key, "Title"))


@pytest.mark.parametrize(
    ("name", "family"), [("relu", "mine"), ("pooling", "mine"), ("mine", "relu")]
)
def test_a_layer_type_that_would_hide_something_is_refused(name: str, family: str) -> None:
    before = dict(layers.TYPES)
    with pytest.raises(ValueError, match="there are two layer types, or a family, called"):
        layer(name)(type("Mine", (Unary,), {"family": family}))
    assert before == layers.TYPES


def test_what_a_convention_does_not_price_can_be_free(run: Run) -> None:
    free = Convention("free", "t", "1", "ops", "m", "s", rules={"linear": "macs"}, default="0")
    conventions.add("free", free)
    try:
        rows = run("analyze", "lenet", "--convention", "free", "--json").json["layers"]
        assert not any("uncounted" in row for row in rows)
        assert "*" not in run("conventions", "free").out
    finally:
        conventions._REGISTRY._found.pop("free")


PACKAGE = {
    "stranger.py": """
from convcalc.conventions.base import Convention
from convcalc.devices import parse
from convcalc.exporters.base import Exporter
from convcalc.foreign.recorder import Recorder
from convcalc.importers.base import Importer
from convcalc.layers import find
from convcalc.layers.base import Unary, layer
from convcalc.render.formats.base import Format
from convcalc.sizes import Definition

@layer("nothing")
class Nothing(Unary):
    "Nothing."

def lines(request):
    "A layer type a line."
    recorder = Recorder()
    x = recorder.input("x", (1, 4, 4, 4))
    for line in open(request.target):
        x = recorder.unary(find(line.strip())(), x)
    return recorder.traced("Lines", request.target, [x])

ONES = Convention("ones", "t", "1", "ops", "a one a layer", "1 a layer", default="1")
NAMES = Format("names", (), lambda report: (t.title for t in report.tables()))
LINES = Importer("lines", "lines", (".lines",), {}, lines)
DEVICE = parse('''{
    name: abacus, source: a fair, operations_per_second: {float32: 2}, bytes_per_second: 1
}''', "abacus")
COUNTED = Definition(
    "counted", "a tool", "1", "layers", {"layers": "Layers"},
    lambda graph, settings: {"layers": (len(graph.nodes), "eleven or so")},
)
TITLES = Exporter("titles", "titles", ".title", lambda model: model.graph.name + "!")
""",
    "stranger-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n",
    "stranger-1.0.dist-info/entry_points.txt": """
[convcalc.layers]
nothing = stranger:Nothing
[convcalc.conventions]
ones = stranger:ONES
[convcalc.formats]
names = stranger:NAMES
[convcalc.importers]
lines = stranger:LINES
[convcalc.exporters]
titles = stranger:TITLES
[convcalc.sizes]
counted = stranger:COUNTED
[convcalc.devices]
abacus = stranger:DEVICE
""",
}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("analyze - --json", '"type": "nothing"'),
        ("analyze - --convention ones --json", '"flops": 1'),
        ("analyze - --format names", "Stranger's"),
        ("layer nothing --in 4", "C_in×4×4"),
        ("import some.lines", "relu"),
        ("analyze some.lines --json", '"type": "relu"'),
        ("export - --to titles", "Stranger's!"),
        ("roofline lenet --device abacus", "abacus"),
        ("memory lenet --definition counted", "eleven or so"),
    ],
)
def test_another_package_adds_by_entry_points(
    tmp_path: Path, arguments: str, expected: str
) -> None:
    for name, text in PACKAGE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "some.lines").write_text("relu")
    spec = json.dumps({"name": "Stranger's", "input": [4], "layers": ["nothing"]})
    outcome = subprocess.run(
        [sys.executable, "-c", "from convcalc.cli import main; main()", *arguments.split()],
        input=spec,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{Path(__file__).parent.parent}"},
    )
    assert outcome.stderr == ""
    assert expected in outcome.stdout
