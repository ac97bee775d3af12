"""The Python API."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import convcalc
from tests.conftest import Run


def test_load_and_analyze() -> None:
    assert convcalc.load("mobilenet_v1").analyze().totals.macs == 568_740_352


def test_variables_are_arguments() -> None:
    assert convcalc.load("mobilenet_v1", alpha=0.5).analyze().totals.params == 1_331_592


def test_preset_by_name_and_by_argument() -> None:
    by_name = convcalc.load("resnet18").analyze()
    assert convcalc.load("resnet", preset="resnet18").analyze() == by_name


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
    assert repr(convcalc.load("lenet")) == "<convcalc.Graph LeNet: 10 layers, input 1×28×28>"


def test_html_for_a_notebook() -> None:
    html = convcalc.load("lenet").analyze()._repr_html_()
    assert html.count("<tr>") == 12
    assert "48,120" in html


def test_html_escapes_names() -> None:
    graph = convcalc.loads("name: <b>&\ninput: [4]\nlayers: [relu]\n")
    assert "&lt;b&gt;&amp;" in graph.analyze()._repr_html_()


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
