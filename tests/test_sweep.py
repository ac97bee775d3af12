"""Sweeps: each row is an analysis, and what is kept is what plain Python would keep."""

from __future__ import annotations

import csv
import io
import json
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc.search.columns import as_uniform
from convcalc.search.front import Front
from convcalc.search.reservoir import Reservoir
from tests.conftest import Run
from tests.test_errors import FOLDER, expected

#: A network whose figures are quick to find, and which is none where `width` is no multiple of 4.
SPEC = """\
name: Tiny
variables: {width: 8, size: 8, act: "'relu'"}
input: [3, size, size]
layers:
  - conv: {out: width, k: 3, p: 1, bias: false}
  - conv: {out: 3 * width, k: 1, g: 4, bias: false}
  - flatten
  - linear: {out: 10}
"""
SVG = "{http://www.w3.org/2000/svg}"
WIDTHS, SIZES = "4:24:4", "1,2,5,8"
POINTS = [*product(range(4, 25, 4), (1, 2, 5, 8))]
GRID = ("--var", f"width={WIDTHS}", "--var", f"size={SIZES}")


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    file = tmp_path / "tiny.yaml"
    file.write_text(SPEC)
    return str(file)


def figures(width: int, size: int) -> dict[str, int]:
    """What a setting costs, as one works it out on paper."""
    weights = 27 * width + 3 * width * width // 4
    linear = 10 * 3 * width * size * size
    return {"params": weights + linear + 10, "macs": weights * size * size + linear}


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_row_is_an_analysis(run: Run) -> None:
    metrics = "params,macs,flops,activations,weight_bytes,live_bytes,train_bytes"
    options = ("--dtype", "int8", "--batch", "2", "--convention", "thop", "--input", "channels=1")
    swept = run(
        *("sweep", "mobilenet_v2", "--var", "alpha=0.35:1:0.65", "--var", "resolution=96,160"),
        *("--metrics", metrics, "--json", *options),
    ).json
    assert swept["format"] == "convcalc.sweep/1"
    assert (swept["points"], swept["invalid"], swept["kept"]) == (4, 0, 4)
    assert swept["variables"] == ["alpha", "resolution"]
    assert [(row["alpha"], row["resolution"]) for row in swept["rows"]] == [
        *product((0.35, 1.0), (96, 160))
    ]
    network = convcalc.load("mobilenet_v2", input={"channels": 1})
    for row in swept["rows"]:
        at = network.at(alpha=row["alpha"], resolution=row["resolution"])
        totals = at.analyze("thop", 2, "int8", figures=["train_bytes"]).totals
        assert [row[key] for key in metrics.split(",")] == [
            totals[key] for key in metrics.split(",")
        ]
        setting = f"alpha={row['alpha']}", f"resolution={row['resolution']}"
        sets = [word for each in setting for word in ("--set", each)]
        said = run("analyze", "mobilenet_v2", *sets, "--json", *options).json["totals"]
        assert {key: said[key] for key in ("params", "macs", "flops")} == {
            key: row[key] for key in ("params", "macs", "flops")
        }


def test_csv_and_json_lines_are_the_rows(run: Run, tiny: str) -> None:
    lines = run("sweep", tiny, *GRID, "--metrics", "params,macs", "--csv").out
    wanted = [{"width": w, "size": s, **figures(w, s)} for w, s in POINTS]
    assert [{key: int(value) for key, value in row.items()} for row in rows_of(lines)] == wanted
    lines = run("sweep", tiny, *GRID, "--metrics", "params,macs", "--format", "jsonl").out
    assert [json.loads(line) for line in lines.splitlines()] == wanted


def test_what_is_no_network_is_counted_and_listed(run: Run, tiny: str, tmp_path: Path) -> None:
    options = ("sweep", tiny, "--var", "width=2:8:2", "--var", "size=2,3")
    answer = run(*options, "--json").json
    assert (answer["points"], answer["invalid"], answer["kept"]) == (8, 4, 4)
    assert [row["width"] for row in answer["rows"]] == [4, 4, 8, 8]
    out = run(*options).out
    assert "8 settings, 4 are no network (--invalid FILE lists them)." in out
    outcome = run(*options, "--csv")
    assert "4 of 8 settings are no network" in outcome.err
    assert "6 input channels cannot be split into 4 groups" in outcome.err or (
        "2 input channels cannot be split into 4 groups" in outcome.err
    )
    for suffix in ("csv", "jsonl"):
        file = tmp_path / f"invalid.{suffix}"
        assert run(*options, "--csv", "--invalid", str(file)).err == ""
        text = file.read_text()
        listed = rows_of(text) if suffix == "csv" else [*map(json.loads, text.splitlines())]
        assert [int(each["width"]) for each in listed] == [2, 2, 6, 6]
        for each in listed:
            said = run("analyze", tiny, "--set", f"width={each['width']}").err
            assert f"error[indivisible-groups]: {each['reason']}\n" in said


CONDITIONS: dict[str, Callable[[dict[str, int]], bool]] = {
    "macs <= 30k and params <= 2k": lambda r: r["macs"] <= 30_000 and r["params"] <= 2_000,
    "size > 2 or width == 8": lambda r: r["size"] > 2 or r["width"] == 8,
    "not macs < 0.5 * params": lambda r: not r["macs"] < 0.5 * r["params"],
    "act == 'relu' and width": lambda r: True,
    "macs / params > 2 and 1KiB <= params": lambda r: (
        r["macs"] / r["params"] > 2 and r["params"] >= 1024
    ),
}


@pytest.mark.parametrize("where", CONDITIONS)
def test_conditions_are_those_of_python(run: Run, tiny: str, where: str) -> None:
    out = run("sweep", tiny, *GRID, "--where", where, "--metrics", "activations", "--csv").out
    found = [(int(row["width"]), int(row["size"])) for row in rows_of(out)]
    rows = [{"width": w, "size": s, **figures(w, s)} for w, s in POINTS]
    assert found == [(r["width"], r["size"]) for r in rows if CONDITIONS[where](r)]


def test_budgets_are_inclusive(run: Run, tiny: str) -> None:
    most = sorted(figures(w, s)["macs"] for w, s in POINTS)[9]
    answer = run("sweep", tiny, *GRID, "--max", f"macs={most}", "--max", "params=1G", "--json").json
    assert (answer["kept"], answer["points"]) == (10, 24)
    assert max(row["macs"] for row in answer["rows"]) == most


def test_nothing_fits(run: Run, tiny: str) -> None:
    outcome = run("sweep", tiny, *GRID, "--max", "macs=100", "--json")
    least = min(figures(w, s)["macs"] for w, s in POINTS)
    assert outcome.status == 1
    assert json.loads(outcome.out)["rows"] == []
    assert "none of 24 settings fits" in outcome.err
    assert f"macs is {least:,} at the least" in outcome.err
    outcome = run("sweep", tiny, "--var", "width=1:3", "--csv")
    assert (outcome.status, len(outcome.out.splitlines())) == (1, 1)
    assert "none of 3 settings is a network" in outcome.err


# Fronts


def brute(points: list[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    """The points that no other is as good as in every cost, by comparing all with all."""
    return {
        p for p in points if not any(q != p and all(a <= b for a, b in zip(q, p)) for q in points)
    }


def in_array(column: Sequence[Any]) -> Any:
    """A column as numpy has it, where that holds its numbers."""
    array = as_uniform(column)
    return column if array is None else array


def shifted(start: int, places: Sequence[int]) -> list[int]:
    """Places in a chunk as those in the whole."""
    return [start + int(place) for place in places]


@pytest.mark.parametrize("goals", [2, 3, 4])
@settings(max_examples=60)
@given(data=st.data())
def test_a_front_is_what_comparing_all_says(goals: int, data: st.DataObject) -> None:
    # Floats do not hold the largest, and stand beside integers.
    numbers = st.one_of(st.integers(-6, 6), st.sampled_from((2**53, 2**53 + 1, 0.5)))
    points = data.draw(st.lists(st.tuples(*[numbers] * goals), max_size=60))
    pytest.importorskip("numpy")
    for as_column in (list, in_array):
        front: Front[int] = Front()
        for start in range(0, len(points), 20):  # in chunks, as a sweep does
            chunk = points[start : start + 20]
            columns = [as_column(column) for column in zip(*chunk)]
            front.show(columns, partial(shifted, start))
        found = [points[place] for place in front]
        assert found == sorted(brute(points))
        assert [*front] == [points.index(point) for point in found]  # the first of equal ones


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(st.sampled_from(range(4, 33, 4)), st.integers(1, 5)), min_size=1, max_size=15
    )
)
def test_the_front_of_a_sweep(points: list[tuple[int, int]]) -> None:
    network = convcalc.loads(SPEC)
    swept = network.sweep(
        [{"width": w, "size": s} for w, s in points], pareto="min:macs,max:size", metrics="params"
    )
    costs = [(figures(w, s)["macs"], -s) for w, s in points]
    assert [(row["macs"], -row["size"]) for row in swept.rows] == sorted(brute(costs))


def test_a_front_may_be_sorted_and_cut(run: Run, tiny: str) -> None:
    options = ("sweep", tiny, *GRID, "--pareto", "max:size,min:params", "--csv")
    rows = rows_of(run(*options).out)
    assert [row["size"] for row in rows] == ["8", "5", "2", "1"]  # the best in the first goal first
    assert {row["width"] for row in rows} == {"4"}
    rows = rows_of(run(*options, "--sort", "-size", "--top", "3").out)
    assert [row["size"] for row in rows] == ["1", "2", "5"]


# Tops, groups, equal networks


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ((), lambda p: -figures(*p)["macs"]),
        (("--sort", "-params"), lambda p: figures(*p)["params"]),
        (("--sort", "size"), lambda p: -p[1]),
        (("--sort", "-width"), lambda p: p[0]),
    ],
)
def test_the_first_are_those_of_all_sorted(
    run: Run, tiny: str, options: tuple[str, ...], key: Any
) -> None:
    rows = rows_of(run("sweep", tiny, *GRID, "--top", "7", *options, "--csv").out)
    assert [(int(row["width"]), int(row["size"])) for row in rows] == sorted(POINTS, key=key)[:7]


def test_a_top_of_many_chunks_is_that_of_all(tiny: str) -> None:
    network = convcalc.load(tiny)
    points = [{"width": 4 * (1 + 7 * at % 31), "size": 1 + at % 3} for at in range(400)]
    swept = network.sweep(points, sort="-macs", top=9, metrics="macs")
    wanted = sorted(points, key=lambda p: figures(p["width"], p["size"])["macs"])[:9]
    assert [(row["width"], row["size"]) for row in swept.rows] == [
        (each["width"], each["size"]) for each in wanted
    ]
    assert swept.points == swept.within == 400


def test_groups_have_the_least_and_the_most(run: Run, tiny: str) -> None:
    options = ("--group", "size", "--where", "width > 4", "--metrics", "macs", "--json")
    answer = run("sweep", tiny, *GRID, *options).json
    widths = range(8, 25, 4)
    assert answer["rows"] == [
        {
            "size": size,
            "count": len(widths),
            "macs_min": min(figures(width, size)["macs"] for width in widths),
            "macs_max": max(figures(width, size)["macs"] for width in widths),
        }
        for size in (1, 2, 5, 8)
    ]
    assert (answer["points"], answer["within"], answer["kept"]) == (24, 20, 4)


def test_equal_networks_are_one(run: Run) -> None:
    options = ("--var", "alpha=0.5:0.52:0.001", "--metrics", "macs", "--distinct", "--json")
    answer = run("sweep", "mobilenet_v2", *options).json
    network = convcalc.load("mobilenet_v2")
    graphs = [network.at(alpha=round(0.5 + at / 1000, 3)).nodes for at in range(21)]
    different = [at for at, nodes in enumerate(graphs) if nodes not in graphs[:at]]
    assert [row["alpha"] for row in answer["rows"]] == [0.5 + at / 1000 for at in different]
    assert answer["points"] == 21


# Points from files


def test_points_are_read_from_files(run: Run, tiny: str, tmp_path: Path) -> None:
    options = ("--metrics", "params", "--csv")
    wanted = run("sweep", tiny, *GRID, *options).out
    text = "size,params,width\n" + "".join(f"{s},0, {w}\n" for w, s in POINTS)
    lines = "".join(f'{{"width": {w}, "size": {s}}}\n' for w, s in POINTS)
    (tmp_path / "points.csv").write_text(text)
    (tmp_path / "points.jsonl").write_text(f"\n{lines}")
    swapped = [{"size": row["size"], **row} for row in rows_of(wanted)]
    for file in ("points.csv", "points.jsonl"):
        out = run("sweep", tiny, "--points", str(tmp_path / file), *options).out
        assert rows_of(out) == (swapped if "csv" in file else rows_of(wanted))
    for given_ in (text, lines):
        outcome = run("sweep", tiny, "--points", "-", *options, stdin=given_.encode())
        assert sorted(outcome.out.splitlines()[1:])[0].endswith(
            sorted(wanted.splitlines()[1:])[0].rpartition(",")[2]
        )
        assert len(outcome.out.splitlines()) == 25


def test_what_a_sweep_has_written_can_be_read(run: Run, tiny: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for suffix in ("parquet", "csv", "jsonl"):
        file = tmp_path / f"rows.{suffix}"
        run("sweep", tiny, *GRID, "-o", str(file))
        again = run("sweep", tiny, "--points", str(file), "--csv").out
        assert again == run("sweep", tiny, *GRID, "--csv").out


def test_parquet_has_types(run: Run, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "rows.parquet"
    options = ("--var", "alpha=1,0.25", "--var", "resolution=96", "--metrics", "macs")
    assert run("sweep", "mobilenet_v2", *options, "-o", str(file)).out == ""
    table = parquet.read_table(file)
    assert [str(each) for each in table.schema.types] == ["double", "int64", "int64"]
    assert table.column("alpha").to_pylist() == [1.0, 0.25]


# Long sweeps


def test_rows_come_before_all_are_there(tiny: str) -> None:
    network = convcalc.load(tiny)
    sweeping = network.sweeping({"width": range(4, 4_000_000_001, 4)}, metrics="macs")
    rows = list(islice(sweeping.rows(), 3))
    assert [row[0] for row in rows] == [4, 8, 12]
    assert sweeping.tried <= 1000


def test_a_grid_that_nobody_walks_is_refused(run: Run, tiny: str) -> None:
    options = ("sweep", tiny, "--var", "width=4:400:4", "--var", "size=1:3", "--limit")
    assert run(*options, "settings=299").status == 2
    outcome = run(*options[:3], "width=1:1000000", "--var", "size=1:1000000000")
    assert outcome.status == 2
    assert "1,000,000,000,000,000 settings" in outcome.err
    assert "`convcalc count` and `convcalc pareto`" in outcome.err


def test_a_table_has_the_first_rows(run: Run, tiny: str) -> None:
    out = run("sweep", tiny, "--var", "width=4", "--var", "size=1:1200", "--metrics", "macs").out
    assert "The first 1,000 of 1,200 rows" in out
    assert sum(line.startswith("    4") for line in out.splitlines()) == 1000


def test_a_sample_is_of_all() -> None:
    def sampled(pieces: Iterator[list[int]]) -> list[int]:
        reservoir: Reservoir[int] = Reservoir(50)
        for piece in pieces:
            reservoir.add(piece)
        assert reservoir.count == 10_000
        return reservoir.held

    one = sampled(iter([[*range(10_000)]]))
    many = sampled([*range(start, start + 10)] for start in range(0, 10_000, 10))
    assert one == many
    assert len({*one}) == 50
    # Of a fair sample the mean is near 5,000: 6 standard deviations are 2,450.
    assert 2_550 < sum(one) / 50 < 7_450


# Pictures


def test_a_picture_has_every_setting_and_the_front(run: Run, tiny: str, tmp_path: Path) -> None:
    options = ("sweep", tiny, *GRID, "--pareto", "min:macs,max:size", "--csv")
    for suffix in ("svg", "html"):
        file = tmp_path / f"front.{suffix}"
        front = len(rows_of(run(*options, "--plot", str(file)).out))
        text = file.read_text()
        assert text.count('class="front"') == front == 4
        assert text.count('class="point"') == 24
        assert "prefers-color-scheme: dark" in text
        assert "<script" not in text
        if suffix == "svg":
            labels = {each.text for each in ElementTree.fromstring(text).iter(f"{SVG}text")}
            assert {"1", "2", "5", "8", "size", "macs (logarithmic)", "Tiny"} <= labels


# Python


def test_results_are_values(tiny: str) -> None:
    network = convcalc.load(tiny)
    swept = network.sweep({"width": [4, 8], "size": "1:2"}, metrics=["macs"], max={"macs": "1M"})
    assert repr(swept) == "Sweep('Tiny', 4 points, 4 rows)"
    assert swept.columns["width"] == (4, 4, 8, 8)
    assert swept.columns["macs"] == tuple(figures(w, s)["macs"] for w in (4, 8) for s in (1, 2))
    assert pickle.loads(pickle.dumps(swept)) == swept
    assert hash(swept.rows)
    with pytest.raises(TypeError):
        swept.rows[0]["macs"] = 1  # type: ignore[index]
    pytest.importorskip("pandas")
    assert swept.to_dataframe("pandas").macs.tolist() == list(swept.columns["macs"])


def test_a_list_variable_is_swept_by_entry() -> None:
    network = convcalc.loads(
        "name: n\nvariables: {w: [8, 16], macs: 1}\ninput: [3, 4, 4]\nlayers:\n"
        "  - repeat: {times: 2, index: i, layers: [conv: {out: 'w[i]', k: 1, bias: false}]}\n"
    )
    swept = network.sweep({"w[1]": [2, 4], "macs": [1]}, metrics="params", where="w[1] < 4")
    assert [dict(row) for row in swept.rows] == [
        {"w[1]": 2, "variables.macs": 1, "params": 3 * 8 + 8 * 2}
    ]


# What is wrong

WRONG: Mapping[str, tuple[str, ...]] = {
    "no settings": (),
    "two kinds of settings": ("--var", "alpha=1", "--points", "x.csv"),
    "an empty range": ("--var", "alpha=1:0.5:0.1"),
    "a step of zero": ("--var", "alpha=0.5:1:0"),
    "an unknown variable": ("--var", "alhpa=0.5:1:0.1"),
    "an unknown metric": ("--var", "alpha=1", "--metrics", "parms"),
    "a metric twice": ("--var", "alpha=1", "--metrics", "macs,macs"),
    "a budget that is none": ("--var", "alpha=1", "--max", "macs=300Q"),
    "a budget twice": ("--var", "alpha=1", "--max", "macs=1", "--max", "macs=2"),
    "an unknown name in a condition": ("--var", "alpha=1", "--where", "mac <= 300M"),
    "a condition that ends early": ("--var", "alpha=1", "--where", "macs <="),
    "one goal": ("--var", "alpha=1", "--pareto", "min:macs"),
    "no goal": ("--var", "alpha=1", "--pareto", "macs,params"),
    "an unknown goal": ("--var", "alpha=1", "--pareto", "min:macs,max:resolution"),
    "an unknown order": ("--var", "alpha=1", "--sort", "mac"),
    "a group that is not swept": ("--var", "alpha=1", "--group", "resolution"),
    "a group and a top": ("--var", "alpha=1", "--group", "alpha", "--top", "3"),
    "every convention": ("--var", "alpha=1", "--convention", "all"),
    "nothing in memory": ("--var", "alpha=1", "--fuse"),
    "a grid that is too large": ("--var", "alpha=0:1:1e-9", "--var", "resolution=1:1000000"),
    "a list in a table": ("--var", "alpha=1,3", "--invalid", "bad.txt"),
    "no picture": ("--var", "alpha=1", "--plot", "plot.gif"),
    "no points file": ("--points", "points.txt"),
    "points that are not there": ("--points", "nowhere.csv"),
}
POINT_FILES = {
    "a points file that is empty": "",
    "a points file of an unknown variable": "alpha,resolutoin\n1,224\n",
    "a points file without a header": "0.5,224\n",
    "a points file without variables": "params,macs\n1,2\n",
    "a points file with a missing cell": "alpha,resolution\n1,224\n1\n",
    "a points file with an empty cell": "alpha,resolution\n1,224\n1,\n",
    "a points file with a word": 'alpha,resolution\n1,224\n"0.5",wide\n',
    "a points file with a column twice": "alpha,alpha\n1,2\n",
    "JSON lines with a missing key": '{"alpha": 1, "resolution": 224}\n{"alpha": 1}\n',
    "JSON lines with one key more": '{"alpha": 1}\n{"alpha": 1, "resolution": 224}\n',
    "JSON lines with a text": '{"alpha": "wide"}\n',
    "JSON lines that are none": '{"alpha": 1}\n[1]\n',
}


def test_mistakes_are_answered(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(FOLDER)
    said = []
    for name, options in WRONG.items():
        outcome = run("sweep", "mobilenet_v2", *options)
        assert (outcome.status, outcome.out) == (2, ""), name
        said.append(f"# {name}\n{outcome.err}")
    for name, text in POINT_FILES.items():
        outcome = run("sweep", "mobilenet_v2", "--points", "-", "--json", stdin=text.encode())
        assert (outcome.status, outcome.out) == (2, ""), name
        said.append(f"# {name}\n{outcome.err}")
    text = "\n".join(said)
    assert text == expected("commands/sweep", text)


@pytest.mark.parametrize("damage", ['"file"', '"sha256:'])
def test_what_is_damaged_in_a_folder_is_tried_again(
    run: Run, tiny: str, tmp_path: Path, damage: str
) -> None:
    kept = ("sweep", tiny, *GRID, "--csv", "--sort", "params", "--resume", str(tmp_path / "kept"))
    out = run(*kept).out
    manifest = tmp_path / "kept" / "_manifest.json"
    text = manifest.read_text(encoding="utf-8")
    assert damage in text
    manifest.write_text(
        text.replace(damage, damage[:-1] + 'x"' if damage[-1] == '"' else damage + "0")
    )
    again = run(*kept)
    assert (again.out == out) if again.status == 0 else "is no manifest of a sweep" in again.err


def test_a_limit_of_rows_holds_of_shards_too(run: Run, tiny: str, tmp_path: Path) -> None:
    held = ("--sort", "params", "--limit", "rows=3")
    for more in ((), ("--resume", str(tmp_path / "kept"))):
        outcome = run("sweep", tiny, *GRID, *held, *more)
        assert (outcome.status, outcome.out) == (2, "")
        assert "more than 3 rows" in outcome.err
