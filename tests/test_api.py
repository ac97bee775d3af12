"""The Python API."""

from __future__ import annotations

import copy
import json
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pytest

import convcalc
from tests.conftest import Run

ROOT = Path(__file__).parent.parent


def test_load_and_analyze() -> None:
    assert convcalc.load("mobilenet_v1").analyze().totals.macs == 568_740_352


def test_variables_are_arguments() -> None:
    assert convcalc.load("mobilenet_v1", alpha=0.5).analyze().totals.params == 1_331_592


def test_preset_by_name_and_by_argument() -> None:
    by_name = convcalc.load("resnet18").analyze()
    assert convcalc.load("resnet", preset="resnet18").analyze() == by_name


def test_a_preset_has_no_preset() -> None:
    assert convcalc.load("resnet34", "resnet34").preset == "resnet34"
    with pytest.raises(convcalc.ConvcalcError, match="`resnet18` is a preset of `resnet` itself"):
        convcalc.load("resnet18", "resnet34")


@pytest.mark.parametrize("name", ["a\0b", "a\0/b", "\ud800", "\ud800/x.yaml", "x" * 5000, ""])
def test_a_name_that_no_file_can_have_is_a_mistake(name: str) -> None:
    with pytest.raises(convcalc.ConvcalcError, match="there is no file"):
        convcalc.load(name)


def test_convention_and_batch() -> None:
    analysis = convcalc.load("lenet").analyze(convention="paddle", batch=2)
    assert analysis.totals.flops == 2 * 347_560


def test_to_dict_is_what_json_prints(run: Run) -> None:
    analysis = convcalc.load("lenet").analyze()
    assert json.loads(json.dumps(analysis.to_dict())) == run("analyze", "lenet", "--json").json


def test_text_in_the_place_of_a_file() -> None:
    graph = convcalc.loads("name: n\ninput: [4]\nlayers: [linear: {out: 2}]\n")
    assert graph.nodes[0].outputs == (convcalc.Shape(2),)


def test_repr_says_the_totals() -> None:
    assert repr(convcalc.load("lenet").analyze()) == (
        "<convcalc.Analysis LeNet: 10 layers, 61,610 parameters, 341,256 MACs,"
        " 693,544 FLOPs (exact)>"
    )
    network = convcalc.load("lenet")
    assert repr(network) == "Network('LeNet', 10 layers, input 1×28×28)"
    rows = network.analyze().rows
    assert repr(rows[0]) == "Row('conv_1', conv, 6×28×28, 60 params, 42,336 MACs)"
    assert repr(convcalc.layer("conv", 8, k=3).whole).endswith("? params, ? MACs)")
    assert repr(rows) == "<10 rows: conv_1, relu_1, max_pool_1, conv_2, …, linear_3>"


def test_errors_are_diagnostics(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("name: n\ninput: [3, 8, 8]\nlayers:\n  - conv: {out: 4, k: 9}\n")
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.load(str(path))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "kernel-too-large"
    assert diagnostic.mark is not None
    assert (diagnostic.mark.line, diagnostic.mark.column) == (4, 23)


def test_batch_below_one_is_refused() -> None:
    with pytest.raises(convcalc.ConvcalcError):
        convcalc.load("lenet").analyze(batch=0)


def test_the_zoo_is_found_inside_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convcalc import zoo

    package = tmp_path / "convcalc"
    (package / "specs").mkdir(parents=True)
    (package / "specs" / "tiny.yaml").write_text("name: tiny\ninput: [1]\nlayers: [relu]\n")
    monkeypatch.setattr(zoo, "__file__", str(package / "zoo.py"))
    zoo.folder.cache_clear()
    try:
        assert zoo.folder() == str(package / "specs")
    finally:
        monkeypatch.undo()
        zoo.folder.cache_clear()


def test_every_public_name_is_there() -> None:
    assert all(hasattr(convcalc, name) for name in convcalc.__all__)
    assert set(convcalc.__all__) <= set(dir(convcalc))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        convcalc.nothing  # noqa: B018


#: Names that arguments of `load` have, or had, as names of variables.
TAKEN = ["name", "preset", "input", "limits", "text", "path_or_name", "variables", "self"]


@pytest.mark.parametrize("name", TAKEN)
def test_a_variable_may_have_any_name(run: Run, name: str) -> None:
    spec = f"name: n\nvariables: {{{name}: 2}}\ninput: [4]\nlayers: [linear: {{out: {name}}}]\n"
    assert convcalc.loads(spec, variables={name: 3}).outputs[0].shape == (3,)
    assert convcalc.loads(spec).at({name: 5}).outputs[0].shape == (5,)
    answer = run("analyze", "-", "--set", f"{name}=7", "--json", stdin=spec.encode()).json
    assert answer["layers"][0]["output_shape"] == [7]


@pytest.mark.parametrize("name", TAKEN)
def test_an_unknown_variable_of_any_name_is_a_mistake(run: Run, name: str) -> None:
    outcome = run("analyze", "lenet", "--set", f"{name}=3")
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("error[unknown-variable]: ")


@pytest.mark.parametrize(
    "shape",
    [(-1, 28, 28), (1, 28.5, 28), (1, 0, 28), (), (1, 2, 3, 4, 5), "28x", "", 1.5, (True, 28, 28)],
)
def test_an_input_that_is_no_shape_is_a_mistake(shape: Any) -> None:
    with pytest.raises(convcalc.ConvcalcError):
        convcalc.load("lenet", input=shape)


def test_an_input_is_read_as_the_command_line_reads_it(run: Run) -> None:
    answer = run("analyze", "mobilenet_v1", "--input", "3x192x192", "--json").json
    shapes: list[Any] = ["3x192x192", (3, 192, 192), [3, 192, 192], numpy.array([3, 192, 192])]
    for shape in shapes:
        assert convcalc.load("mobilenet_v1", input=shape).analyze().to_dict() == answer


def test_one_number_is_one_size(run: Run) -> None:
    spec = "name: n\ninput: [4]\nlayers: [linear: {out: 2}]\n"
    answer = run("analyze", "-", "--input", "224", "--json", stdin=spec.encode()).json
    assert convcalc.loads(spec, input=224).analyze().to_dict() == answer


@pytest.mark.parametrize("batch", [0, -1, 2.5, "2", True, None])
def test_a_batch_that_is_no_count_is_a_mistake(batch: Any) -> None:
    with pytest.raises(convcalc.ConvcalcError, match="a batch has one sample or more"):
        convcalc.load("lenet").analyze(batch=batch)


def test_any_kind_of_integer_is_a_count() -> None:
    network = convcalc.load("resnet152")
    analysis = network.analyze(batch=numpy.int64(10**9))
    assert analysis == network.analyze(batch=10**9)
    assert type(analysis.totals.macs) is int
    assert analysis.folded(numpy.int32(1)) == analysis.folded(1)


@pytest.mark.parametrize("depth", [0, -1, 1.5, "1"])
def test_a_depth_that_is_no_count_is_a_mistake(depth: Any) -> None:
    with pytest.raises(convcalc.ConvcalcError, match="a depth has one level or more"):
        convcalc.load("lenet").analyze().folded(depth)


def test_what_rows_cannot_be_summed_by_is_a_mistake() -> None:
    with pytest.raises(convcalc.ConvcalcError, match="rows have no `famly` in common"):
        convcalc.load("lenet").analyze().shares("famly")


def test_an_unknown_type_of_number_is_a_mistake() -> None:
    with pytest.raises(convcalc.ConvcalcError, match="unknown type of number `float23`"):
        convcalc.load("lenet").analyze(dtype="float23")


@pytest.mark.parametrize("name", [None, 3, ["exact"]])
def test_what_is_no_name_is_a_mistake(name: Any) -> None:
    with pytest.raises(convcalc.ConvcalcError, match="must be a text, not"):
        convcalc.load("lenet").analyze(convention=name)
    with pytest.raises(convcalc.ConvcalcError, match="must be a text, not"):
        convcalc.load("lenet").analyze(dtype=name)
    with pytest.raises(convcalc.ConvcalcError, match="must be a text, not"):
        convcalc.load(name)


def test_a_path_is_a_spec() -> None:
    assert convcalc.load(ROOT / "specs" / "lenet.yaml").nodes == convcalc.load("lenet").nodes


def test_bytes_are_sizes_times_the_width_of_a_number() -> None:
    network = convcalc.load("mobilenet_v2")
    for dtype, width in {"float32": 4, "float16": 2, "int8": 1, "float64": 8}.items():
        totals = network.analyze(dtype=dtype, batch=3).totals
        assert totals.weight_bytes == width * (totals.params + totals.buffers)
        assert totals.activation_bytes == width * totals.activations
        assert totals.dtype == dtype


def test_at_is_the_network_with_other_variables() -> None:
    network = convcalc.load("mobilenet_v2")
    for alpha in (0.35, 0.5, 1.4):
        there = network.at(alpha=alpha, resolution=192)
        again = convcalc.load("mobilenet_v2", alpha=alpha, resolution=192)
        assert there == again
        assert there.totals == again.analyze().totals
    assert network.at() == network


def test_at_leaves_what_it_is_not_told() -> None:
    network = convcalc.load("mobilenet_v1", alpha=0.5, input=(3, 96, 96))
    there = network.at(num_classes=10)
    assert there == convcalc.load("mobilenet_v1", alpha=0.5, num_classes=10, input=(3, 96, 96))
    assert there.at(num_classes=1000) == network


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: convcalc.load("lenet", preset=3), "a preset must be a text, not 3"),  # type: ignore[arg-type]
        (lambda: convcalc.load("lenet", variables={3: 4}), "a variable must be a text, not 3"),  # type: ignore[dict-item]
        (lambda: convcalc.load("lenet", limits=3), "limits must be `convcalc.Limits`, not 3"),  # type: ignore[arg-type]
        (lambda: convcalc.loads(3), "the text of a spec must be a text, not 3"),  # type: ignore[arg-type]
    ],
)
def test_an_argument_of_another_type_is_a_mistake(call: Any, message: str) -> None:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        call()
    assert caught.value.diagnostics[0].message == message


def test_fuse_is_true_false_or_none() -> None:
    network = convcalc.load("lenet")
    for call in (network.analyze, network.memory, partial(network.roofline, "t4")):
        with pytest.raises(convcalc.ConvcalcError, match="must be True, False or None, not 0"):
            call(fuse=0)  # type: ignore[arg-type]


def test_results_can_be_pickled_and_copied() -> None:
    network = convcalc.load("mobilenet_v2")
    analysis = network.analyze()
    values: tuple[Any, ...] = (
        *(network, network.inputs, network.variables, network.nodes[3]),
        *(analysis, analysis.totals, analysis.rows, analysis.rows[3], network.analyze("all")),
        *(convcalc.networks(), convcalc.networks()[3], network.explain("stem")),
        convcalc.layer("self_attention", heads=2),
    )
    for value in values:
        assert pickle.loads(pickle.dumps(value)) == value
        assert copy.deepcopy(value) == value
        assert type(copy.copy(value)) is type(value)
        assert hash(copy.deepcopy(value)) == hash(value)
    again = pickle.loads(pickle.dumps(network)).at(alpha=0.5)
    assert again == network.at(alpha=0.5)


def test_a_network_that_was_changed_by_hand_is_analyzed() -> None:
    network = convcalc.load("lenet")
    changed = network._replace(name="a\u202eb")
    assert changed.analyze().totals == network.analyze().totals
    assert repr(changed) == r"Network('a\u202eb', 10 layers, input 1×28×28)"
    assert repr(changed.analyze()).startswith(r"<convcalc.Analysis a\u202eb: ")
    with pytest.raises(convcalc.ConvcalcError) as caught:
        changed.at()
    assert caught.value.diagnostics[0].help == "change the one that was loaded"


def test_figures_are_added_and_multiplied() -> None:
    network = convcalc.load("mobilenet_v2")
    first, *rest = network.analyze().rows
    total = first.figures
    for row in rest:
        total = total + row.figures
    assert total == network.analyze().totals
    rows = zip(network.analyze().rows, network.analyze(batch=7).rows)
    assert all(one.figures.macs * 7 == seven.macs for one, seven in rows)
    assert total.params == (total * 7).params
    assert (total * 7).weight_bytes == total.weight_bytes
    assert (total * 7).dtype == total.dtype
    assert (total * 7).operations == {kind: 7 * n for kind, n in total.operations.items()}


# --- Rows by name ---------------------------------------------------------------------------------


def test_a_row_is_found_by_its_name() -> None:
    rows: Any = convcalc.load("mobilenet_v2").analyze().rows
    for index, row in enumerate(rows):
        assert rows[row.name] is row is rows[index]
    assert rows["stem.conv"].macs == 10_838_016
    assert rows.names == tuple(row.name for row in rows)
    assert "stem.conv" in rows
    assert rows[3] in rows
    assert "stem.cnov" not in rows


def test_the_end_of_a_name_is_enough_where_no_other_ends_so() -> None:
    rows = convcalc.load("mobilenet_v2").analyze().rows
    text = "name: N\ninput: [4]\nlayers: [sequential: {name: a, layers: [relu, tanh]}, relu]\n"
    found = convcalc.loads(text).analyze().rows
    assert found["tanh"].name == "a.tanh"
    assert found["relu"].name == "relu"
    with pytest.raises(convcalc.ConvcalcError, match=r"that `conv_bn_1\.conv` may mean"):
        rows["conv_bn_1.conv"]


def test_an_unknown_row_is_a_key_error_with_a_cure() -> None:
    rows = convcalc.load("mobilenet_v2").analyze().rows
    with pytest.raises(KeyError) as caught:
        rows["stem.cnov"]
    assert isinstance(caught.value, convcalc.ConvcalcError)
    assert str(caught.value) == (
        "the analysis has no layer `stem.cnov`\n  = did you mean `stem.conv` or `stem.batch_norm`?"
        " `rows.names` lists the names of its rows"
    )
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    with pytest.raises(KeyError, match=r"it is a block: `analysis.folded\(1\).rows` has the sum"):
        rows["stem"]
    with pytest.raises(IndexError):
        rows[1000]


def test_rows_are_a_tuple() -> None:
    analysis = convcalc.load("mobilenet_v2").analyze()
    rows = analysis.rows
    plain = tuple(rows)
    assert rows == plain
    assert hash(rows) == hash(plain)
    assert len(rows) == 153
    assert rows[-1] is plain[-1]
    assert rows[2:5] == plain[2:5]
    assert rows[2:5][rows[3].name] is rows[3]
    assert [*reversed(rows)] == [*reversed(plain)]
    assert rows.index(rows[7]) == 7
    assert analysis.folded(1).rows["stem"].params == 928


# --- The zoo --------------------------------------------------------------------------------------


def test_the_zoo_is_what_the_command_lists(run: Run) -> None:
    found = convcalc.networks()
    assert [each.to_dict() for each in found] == run("list", "--json").json["networks"]
    assert found["resnet50"].params == 25_557_032
    assert found["resnet50"].input == (3, 224, 224)
    assert found is convcalc.networks()
    assert len({*found}) == len(found)
    with pytest.raises(KeyError, match="did you mean `resnet50`"):
        found["resnet5O"]


@pytest.mark.parametrize("name", ["lenet", "vgg11", "mobilenet_v2_x0_35"])
def test_a_network_of_the_zoo_is_loaded_by_its_name(name: str) -> None:
    found = convcalc.networks()[name]
    network = convcalc.load(found.name)
    assert (network.name, network.source) == (found.title, found.source)
    assert network.inputs["input"] == found.input
    assert (network.totals.params, network.totals.macs) == (found.params, found.macs)


def test_several_inputs_of_a_network_of_the_zoo_have_their_names() -> None:
    found = convcalc.networks()["siamese_88"]
    assert found.input == convcalc.load("siamese_88").inputs
    assert found.to_dict()["input"] == {"left": [1, 88, 88], "right": [1, 88, 88]}
    assert repr(found) == "ZooNetwork('siamese_88', 2 inputs, 2,251,585 params, 1,054,294,528 MACs)"


# --- What cannot be changed -----------------------------------------------------------------------


def test_mappings_equal_dicts_and_cannot_be_changed() -> None:
    network = convcalc.load("mobilenet_v2")
    variables: Any = network.variables
    assert variables == {"alpha": 1.0, "resolution": 224, "num_classes": 1000}
    assert network.inputs == {"input": (3, 224, 224)}
    assert {**variables, "alpha": 2}["alpha"] == 2
    assert hash(variables) == hash(convcalc.load("mobilenet_v2").variables)
    assert hash(network) == hash(convcalc.load("mobilenet_v2"))
    assert network.at(**variables) == network
    analysis = network.analyze("all")
    explanation = network.explain("stem.conv")
    mappings: tuple[Any, ...] = (
        *(variables, network.inputs, analysis.counts, analysis.rows[0].counts),
        *(analysis.totals, analysis.totals.operations, analysis.rows[0].operations),
        *(explanation.figures, explanation.fields, explanation.symbols, explanation.formulas),
        *(network.nodes[0].placed.config, network.nodes[0].placed.primitives),
    )
    for mapping in mappings:
        before = dict(mapping)
        for change in (
            lambda m: m.__setitem__("alpha", 3),
            lambda m: m.__delitem__(next(iter(m), "")),
            lambda m: m.__ior__({"alpha": 3}),
            lambda m: m.update(alpha=3),
            lambda m: m.setdefault("beta", 3),
            lambda m: (m.pop("alpha"), m.popitem(), m.clear()),
        ):
            with pytest.raises(TypeError, match=r"cannot be changed; `dict\(it\)` can"):
                change(mapping)
        with pytest.raises(AttributeError):
            mapping.alpha = 3
        assert mapping == before
        assert copy.deepcopy(mapping) == mapping == pickle.loads(pickle.dumps(mapping))
    assert json.loads(json.dumps(variables)) == variables
    stride = network.nodes[0].placed.config["stride"]
    assert isinstance(stride, tuple), "a list in it could be changed"


def test_what_is_given_away_is_a_copy() -> None:
    analysis = convcalc.load("mobilenet_v2").analyze()
    before = json.dumps(analysis.to_dict())
    row = analysis.rows[0]
    row.config["kernel_size"].append(7)
    row.weights.clear()
    row.to_dict()["config"]["kernel_size"].append(7)
    row.to_dict()["operations"].clear()
    data = analysis.to_dict()
    data["variables"].clear()
    data["totals"].clear()
    assert json.dumps(analysis.to_dict()) == before
    explanation = convcalc.layer("conv", 8, k=3)
    said = json.dumps(explanation.to_dict())
    explanation.config.clear()
    explanation.to_dict()["symbols"].clear()
    assert json.dumps(explanation.to_dict()) == said


def test_an_exception_says_the_cure() -> None:
    with pytest.raises(convcalc.ConvcalcError) as caught:
        convcalc.load("resnet5O")
    assert "\n  = did you mean `resnet50`" in str(caught.value)
