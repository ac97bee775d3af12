"""Data frames of analyses and of the zoo."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any

import pandas
import polars
import pytest

import convcalc
from tests.conftest import Run

LIBRARIES = ("pandas", "polars")


def values(frame: Any) -> dict[str, list[Any]]:
    """The columns of a frame of either library; None where a value is missing."""
    columns = {str(name): frame[name].to_list() for name in frame.columns}
    return {
        name: [None if value is pandas.NA else value for value in column]
        for name, column in columns.items()
    }


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_analysis_has_the_columns_of_csv(run: Run, library: str) -> None:
    found = values(convcalc.load("mobilenet_v2").analyze().to_dataframe(library))
    rows = list(csv.DictReader(io.StringIO(run("analyze", "mobilenet_v2", "--csv").out)))
    assert list(found) == list(rows[0])
    for name, column in found.items():
        shown = ["" if value is None else str(value) for value in column]
        assert shown == [row[name] for row in rows], name


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_zoo_has_the_columns_of_csv(run: Run, library: str) -> None:
    found = values(convcalc.networks().to_dataframe(library))
    rows = list(csv.DictReader(io.StringIO(run("list", "--csv").out)))
    assert list(found) == list(rows[0])
    assert found["name"] == [row["name"] for row in rows]
    assert sum(found["macs"]) == sum(int(row["macs"]) for row in rows)


def test_a_comparison_has_the_columns_of_csv(run: Run) -> None:
    comparison = convcalc.compare("resnet18", "resnet34")
    for layers, option in ((False, []), (True, ["--layers"])):
        found = values(comparison.to_dataframe("pandas", layers=layers))
        keys = "params,macs"
        args = ("compare", "resnet18", "resnet34", "--columns", keys, "--csv", *option)
        for row, shown in enumerate(csv.DictReader(io.StringIO(run(*args).out))):
            for name, text in shown.items():
                value = found[name][row]
                if name.endswith("_ratio"):
                    assert value == float(text), name
                else:
                    assert ("" if value is None else str(value)) == text, name


def test_folded_rows_and_conventions_are_frames() -> None:
    analysis = convcalc.load("mobilenet_v2").analyze("all").folded(1)
    frame = analysis.to_dataframe("pandas")
    assert frame["thop"].sum() == analysis.counts["thop"]
    assert len(frame) == len(analysis.rows)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("width", [2**40, 2**55, 2**63, 10**30])
def test_integers_are_exact_however_long(library: str, width: int) -> None:
    text = f"name: N\ninput: [{width}]\nlayers: [linear: {{out: 3, bias: false}}, relu]\n"
    analysis = convcalc.loads(text).analyze()
    found = values(analysis.to_dataframe(library))
    assert found["params"] == [3 * width, 0]
    assert set(map(type, found["params"])) == {int}


@pytest.mark.parametrize("library", LIBRARIES)
def test_what_has_no_number_is_missing_and_the_others_stay_whole(library: str) -> None:
    text = f"name: N\ninput: [{2**54 + 1}]\nlayers: [linear: {{out: 1}}, mish]\n"
    analysis = convcalc.loads(text).analyze("onnx-tool")
    expected = [row.flops for row in analysis.rows]
    assert None in expected
    assert values(analysis.to_dataframe(library))["flops"] == expected


def test_integers_are_added_as_such() -> None:
    analysis = convcalc.load("mobilenet_v2").analyze()
    frame = analysis.to_dataframe("pandas")
    assert str(frame["macs"].dtype) == "int64"
    assert frame["macs"].sum() == analysis.totals.macs
    assert analysis.to_dataframe("polars")["macs"].dtype == polars.Int64


@pytest.mark.parametrize(
    ("there", "made"),
    [(("pandas",), pandas), (("polars",), polars), (("pandas", "polars"), pandas)],
    ids=["pandas", "polars", "both"],
)
def test_the_library_that_is_imported_already_is_taken(
    monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], made: Any
) -> None:
    monkeypatch.setattr(
        sys, "modules", {k: v for k, v in sys.modules.items() if k in there or k not in LIBRARIES}
    )
    assert isinstance(convcalc.load("lenet").analyze().to_dataframe(), made.DataFrame)


def test_without_a_library_the_cure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LIBRARIES:
        monkeypatch.setitem(sys.modules, name, None)
    analysis = convcalc.load("lenet").analyze()
    with pytest.raises(
        convcalc.ConvcalcError, match="`pip install pandas` or `pip install polars`"
    ):
        analysis.to_dataframe()
    with pytest.raises(
        convcalc.ConvcalcError, match=r"polars is not installed\n.*`pip install polars`"
    ):
        analysis.to_dataframe("polars")


@pytest.mark.parametrize("library", ["panda", 3, ""])
def test_another_library_is_a_mistake(library: Any) -> None:
    with pytest.raises(convcalc.ConvcalcError, match="`library` is 'pandas' or 'polars'"):
        convcalc.networks().to_dataframe(library)
