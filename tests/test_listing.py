"""Networks side by side: own files, the zoo's, and variables in rows; the table of a paper."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc import conventions, zoo
from convcalc.render import formats
from convcalc.render import networks as render
from tests.conftest import Run, run_convcalc

MINE = """
name: Mine
variables: {width: 32, name: 10}
presets: {wide: {width: 64}, slim: {width: 8}}
input: [3, 32, 32]
layers:
  - conv: {out: width, k: 3, p: 1}
  - relu
  - global_avg_pool
  - flatten
  - linear: {out: name}
"""
TWO = """
name: Two
input: {left: [4, 8, 8], right: [4, 8, 8]}
layers:
  - add: {from: [left, right], name: sum}
  - split: {from: left, name: parts, sections: 2}
outputs: [sum, parts.1]
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "two.yaml").write_text(TWO)
    return "mine.yaml"


def rows_of(*args: str) -> list[dict[str, str]]:
    outcome = run_convcalc("list", *args, "--csv")
    assert outcome.status == 0, outcome.err
    return list(csv.DictReader(outcome.out.splitlines()))


def networks_of(run: Run, *args: str) -> list[dict[str, Any]]:
    answer = run("list", *args, "--json").json
    assert answer["format"] == "convcalc.networks/1"
    found: list[dict[str, Any]] = answer["networks"]
    return found


def test_the_table_of_a_paper(run: Run, mine: str) -> None:
    keys = "params,macs,activations"
    out = run("list", mine, "resnet50", "mobilenet_v2", "--columns", keys, "--format", "latex").out
    cells = [
        line.removesuffix(r" \\").replace(r"\_", "_").split(" & ")
        for line in out.splitlines()
        if line.endswith(r"\\")
    ]
    assert cells[0] == ["Name", "Params", "MACs", "Activations"]
    assert [name for name, *_ in cells[1:]] == ["Mine", "resnet50", "mobilenet_v2"]
    for name, (_, *numbers) in zip([mine, "resnet50", "mobilenet_v2"], cells[1:]):
        totals = convcalc.load(name).analyze().totals
        assert [int(number.replace(",", "")) for number in numbers] == [
            totals[key] for key in keys.split(",")
        ]


@pytest.mark.parametrize("format", formats.names())
def test_every_format_has_a_row_a_network(run: Run, mine: str, format: str) -> None:
    out = run("list", mine, "lenet", "--columns", "layers,output", "--format", format).out
    own_name = "Mine" if formats.find(format).view == "tables" else mine
    assert out.index(own_name) < out.index("lenet")
    assert "10" in out


def test_every_figure_is_that_of_an_analysis(run: Run, mine: str) -> None:
    keys = [key for key in render.known() if key not in render.INDEXED]
    options = ["--batch", "3", "--dtype", "int8", "--convention", "thop"]
    for row in networks_of(run, mine, "resnet18", "--columns", ",".join(keys), *options):
        totals = convcalc.load(row["name"]).analyze("thop", 3, "int8").totals.columns()
        assert {key: row[key] for key in totals} == totals


def test_names_of_the_zoo_alone_are_read_from_its_index(run: Run) -> None:
    found = {each["name"]: each for each in zoo.index()}
    assert networks_of(run) == list(zoo.index())
    assert networks_of(run, "vgg16", "resnet18") == [found["vgg16"], found["resnet18"]]


def test_a_family_is_all_of_its_networks_whatever_is_asked(run: Run) -> None:
    names = [each["name"] for each in networks_of(run, "mobilenet_v2", "lenet")]
    assert len(names) == 6
    for options in ("--columns layers", "--convention torch", "--batch 2"):
        rows = rows_of("mobilenet_v2", "lenet", *options.split())
        assert [row["name"] for row in rows] == names


def test_a_family_beside_another_spec_is_one_network(run: Run, mine: str) -> None:
    for other in (mine, "resnet50"):
        assert [each["name"] for each in networks_of(run, "mobilenet_v2", other)] == [
            "mobilenet_v2",
            other,
        ]


def test_what_is_analyzed_equals_the_index(run: Run) -> None:
    names = ["lenet", "mobilenet_v1_x0_5", "vgg11", "c3d"]
    asked = networks_of(run, *names, "--columns", "layers")
    for row in asked:
        assert row.pop("layers") > 0
    assert asked == networks_of(run, *names)


def test_a_file_stands_before_the_zoo(run: Run, mine: str, tmp_path: Path) -> None:
    (tmp_path / "lenet").write_text(MINE)
    assert [each["network"] for each in networks_of(run, "lenet")] == ["Mine"]


def test_standard_input_is_a_network(run: Run) -> None:
    outcome = run("list", "-", "lenet", "--json", stdin=MINE.encode())
    assert [each["network"] for each in outcome.json["networks"]] == ["Mine", "LeNet"]


# Variables


def test_a_variable_that_is_set_again_is_a_row_each(run: Run, mine: str) -> None:
    rows = rows_of(mine, "--set", "width=16", "--set", "width=8", "--columns", "params")
    assert rows == [
        {"name": mine, "width": "16", "params": str(16 * 28 + 10 * 17)},
        {"name": mine, "width": "8", "params": str(8 * 28 + 10 * 9)},
    ]


def test_two_variables_are_every_combination(run: Run, mine: str) -> None:
    settings = [f"--set={each}" for each in ("name=5", "width=8", "name=6", "width=9")]
    found = [each["variables"] for each in networks_of(run, mine, *settings)]
    assert found == [{"width": w, "name": n} for n in (5, 6) for w in (8, 9)]


def test_a_variable_is_set_where_there_is_one(run: Run, mine: str) -> None:
    rows = rows_of(mine, "lenet", "mobilenet_v1", "--set", "width=8", "--set", "alpha=0.5")
    assert [(row["name"], row["width"], row["alpha"]) for row in rows] == [
        (mine, "8", ""),
        ("lenet", "", ""),
        ("mobilenet_v1", "", "0.5"),
    ]
    assert int(rows[2]["params"]) == convcalc.load("mobilenet_v1", alpha=0.5).totals.params
    assert int(rows[1]["params"]) == convcalc.load("lenet").totals.params


def test_a_variable_may_be_called_as_a_column(run: Run, mine: str) -> None:
    (row,) = rows_of(mine, "--set", "name=7", "--columns", "params")
    assert row == {"name": mine, "variables.name": "7", "params": str(32 * 28 + 7 * 33)}


@pytest.mark.parametrize("sort", ["width", "-width"])
def test_variables_are_sorted_as_numbers(run: Run, mine: str, sort: str) -> None:
    settings = [f"--set=width={width}" for width in (9, 100, 20)]
    rows = rows_of(mine, "lenet", *settings, "--sort", sort, "--columns", "width")
    widths = [row["width"] for row in rows]
    assert widths == (["100", "20", "9", ""] if sort == "width" else ["9", "20", "100", ""])


def test_no_two_columns_have_one_title_here(run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "odd.yaml"
    spec.write_text("""
name: Odd
variables: {Params: 1, thop: 2, macs: 3, Name: 4}
input: [3, 8, 8]
layers: [{conv: {out: Params + thop + macs + Name, k: 1}}]
""")
    settings = [f"--set={name}=5" for name in ("Params", "thop", "macs", "Name")]
    header = run("list", str(spec), *settings, "--convention", "all").out.splitlines()[0]
    titles = [title.lower() for title in re.split("  +", header)]
    assert len(set(titles)) == len(titles)


def test_variables_without_an_option_are_left_out(run: Run, mine: str) -> None:
    assert all("variables" not in each for each in networks_of(run, mine, "lenet"))


def test_a_preset_is_a_column(run: Run, mine: str) -> None:
    (row,) = networks_of(run, mine, "--preset", "wide")
    assert (row["preset"], row["params"]) == ("wide", 64 * 28 + 10 * 65)
    assert rows_of(mine, "--preset", "wide")[0]["preset"] == "wide"


def test_presets_are_for_the_specs_that_have_them(run: Run, mine: str) -> None:
    line = [mine, "lenet", "resnet18", "--preset", "wide", "--preset", "slim", "--input", "32"]
    rows = rows_of(*line, "--columns", "params")
    assert [(row["name"], row["preset"], row["params"]) for row in rows[:2]] == [
        (mine, "wide", str(64 * 28 + 10 * 65)),
        (mine, "slim", str(8 * 28 + 10 * 9)),
    ]
    assert [(row["name"], row["preset"]) for row in rows[2:]] == [
        ("lenet", ""),
        ("resnet18", "resnet18"),
    ]


def test_a_file_with_presets_says_how_they_are_listed(run: Run, mine: str) -> None:
    hint = "mine.yaml has the presets `wide` and `slim`: --preset wide --preset slim gives each a"
    assert hint in run("list", mine, "lenet").out
    assert hint not in run("list", mine, "--preset", "wide").out


def test_an_input_that_is_given_again_is_a_row_each(run: Run, mine: str) -> None:
    rows = rows_of(mine, "--input", "8", "--input", "16", "--columns", "macs")
    macs = [str(32 * 3 * 9 * size**2 + 320) for size in (8, 16)]
    assert rows == [
        {"name": mine, "input": "3x8x8", "macs": macs[0]},
        {"name": mine, "input": "3x16x16", "macs": macs[1]},
    ]


def test_values_in_one_list_are_answered_with_a_row_each(run: Run, mine: str) -> None:
    outcome = run("list", mine, "--set", "width=16,8")
    assert outcome.status == 2
    assert "--set width=16 --set width=8 is a row for each" in outcome.err


# Names


def names_of(run: Run, *args: str) -> list[str]:
    lines = run("list", *args, "--format", "markdown").out.splitlines()
    rows = [line for line in lines if line.startswith("|")][2:]
    return [row.split("|")[1].strip() for row in rows]


def test_tables_call_a_file_by_its_own_name(run: Run, mine: str, tmp_path: Path) -> None:
    (tmp_path / "copy.yaml").write_text(MINE)
    (tmp_path / "like.yaml").write_text(MINE.replace("Mine", "lenet"))
    assert names_of(run, mine, "lenet") == ["Mine", "lenet"]
    assert names_of(run, mine, "copy.yaml") == [mine, "copy.yaml"]
    assert names_of(run, "like.yaml", "lenet") == ["like.yaml", "lenet"]
    assert [row["name"] for row in rows_of(mine, "lenet")] == [mine, "lenet"]


def test_a_title_says_which_network_it_is(run: Run, mine: str, tmp_path: Path) -> None:
    (tmp_path / "copy.yaml").write_text(MINE)
    columns = ("--columns", "network,params")
    found = names_of(run, mine, "resnet18", "lenet", *columns)
    assert found == ["Mine", "ResNet (resnet18)", "LeNet"]
    assert names_of(run, mine, "copy.yaml", *columns) == ["Mine (mine.yaml)", "Mine (copy.yaml)"]
    assert names_of(run, mine, "--preset", "wide", *columns) == ["Mine (wide)"]
    assert rows_of("resnet18", *columns)[0]["network"] == "ResNet"


def test_a_variable_stands_where_it_is_asked_for(run: Run, mine: str) -> None:
    def header(keys: str) -> list[str]:
        return [*rows_of(mine, "--set", "width=8", "--columns", keys)[0]]

    assert header("name,params") == ["name", "width", "params"]
    assert header("name,params,width") == ["name", "params", "width"]


# Legends


def test_a_legend_is_of_the_columns_that_are_shown(run: Run, mine: str) -> None:
    def legend(*options: str) -> str:
        return run("list", mine, "lenet", *options).out.rpartition("\n\n")[2]

    assert "MACs are for one input" in legend()
    assert "MACs" not in legend("--columns", "params")
    assert "the elements that every layer makes" in legend("--columns", "activations")
    said = legend("--dtype", "int8", "--columns", "weight_bytes")
    assert "Weight bytes: parameters and running statistics, as int8." in said
    assert "Activation" not in said


# Options


def test_several_inputs_and_outputs_have_their_names(run: Run, mine: str) -> None:
    (row,) = networks_of(run, "two.yaml", "--columns", "output")
    assert row["input"] == {"left": [4, 8, 8], "right": [4, 8, 8]}
    assert row["output"] == {"sum": [4, 8, 8], "parts.1": [2, 8, 8]}
    (cells,) = rows_of("two.yaml", "--columns", "input,output")
    assert cells["input"] == "left=4x8x8 right=4x8x8"
    assert "sum 4×8×8, parts.1 2×8×8" in run("list", "two.yaml", "--columns", "output").out
    assert " 4×8×8 ×2\n" in run("list", "two.yaml", "--columns", "input").out


def test_an_input_and_a_batch_are_for_all(run: Run, mine: str) -> None:
    rows = networks_of(run, mine, "mobilenet_v1", "--input", "3x64x64", "--batch", "2")
    assert [row["input"] for row in rows] == [[3, 64, 64]] * 2
    macs = convcalc.load("mobilenet_v1", input="3x64x64").analyze(batch=2).totals.macs
    assert rows[1]["macs"] == macs
    assert "for a batch of 2" in run("list", mine, "--batch", "2").out


def test_every_convention_is_a_column(run: Run) -> None:
    rows = networks_of(run, "lenet", "vgg11", "--convention", "all")
    for row in rows:
        for name in conventions.names():
            total = convcalc.load(row["name"]).analyze(name).totals.flops
            assert row[name] == total
    keys = ["--columns", "thop,fvcore", "--sort", "-thop"]
    found = rows_of("vgg11", "lenet", "--convention", "all", *keys)
    assert [row["name"] for row in found] == ["lenet", "vgg11"]


def test_a_convention_shows_and_says_what_it_counts(run: Run) -> None:
    out = run("list", "lenet", "vgg11", "--convention", "thop").out
    assert "MACs (thop)" in out.splitlines()[0]
    assert "MACs as `thop` counts them" in out
    assert "? the tool has no number" in run("list", "alexnet", "--convention", "flax").out


def test_a_type_of_number_shows_its_bytes(run: Run) -> None:
    (row,) = networks_of(run, "lenet", "--dtype", "int8")
    assert (row["weight_bytes"], row["params"]) == (61_610, 61_610)


def test_the_first_networks(run: Run) -> None:
    rows = rows_of("--top", "3")
    macs = sorted((each["macs"] for each in zoo.index()), reverse=True)
    assert [int(row["macs"]) for row in rows] == macs[:3]
    out = run("list", "vgg", "--sort", "-params", "--top", "2").out
    assert "The first 2 of 8 networks, sorted by `-params`." in out
    assert [line.split()[1] for line in out.splitlines()[2:4]] == ["vgg11", "vgg11_bn"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("resnett", "did you mean `resnet`"),
        ("lenet --columns parms", "did you mean `params`?"),
        ("lenet --columns macs,params,macs", "the column `macs` is asked for twice"),
        ("lenet --columns num_classes", "a variable is one where `--set` gives it a value"),
        ("lenet --sort widht", "unknown column `widht`"),
        ("lenet --columns thop", "`thop` is a column of `--convention all` alone"),
        ("lenet vgg11 --set widht=3", "has no variable `widht`"),
        ("mobilenet_v1 --set alhpa=3", "did you mean `alpha`?"),
        ("lenet --set num_classes=3 --set num_classes=3", "is given the same value twice"),
        ("resnet --preset resnet18 --preset resnet18", "is given the same name twice"),
        ("lenet --input 32 --input 32", "is given the same sizes twice"),
        ("lenet --set num_classes", "sets nothing; write NAME=VALUE"),
        ("--set alpha=0.5", "`--until` and `--drop` are for specs, and none is named"),
        ("lenet --preset tiny", "has no preset `tiny`"),
        ("resnet18 --preset resnet34", "`resnet18` is a preset of `resnet` itself"),
        ("lenet --dtype int8 --columns params", "no column of --columns shows what `--dtype`"),
        ("lenet --convention thop --columns params", "shows what `--convention` is for"),
        ("lenet --convention thpo", "unknown convention `thpo`"),
        ("lenet --si --json", "`--si` is for tables"),
        ("- -", "standard input can be read once"),
    ],
)
def test_what_is_wrong_is_said(run: Run, line: str, message: str) -> None:
    outcome = run("list", *line.split(), stdin=MINE.encode())
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err


# Screens


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_networks_are_as_wide_as_the_screen(width: int) -> None:
    some = [each for each in zoo.index() if "v2" in each["name"] or "deform" in each["name"]]
    for rows, keys in ((list(zoo.index()), None), (some, None), (some, "source,input,macs")):
        columns = render.columns_of(keys, None, by_family=True)
        (fitted,) = render.report(rows, columns).fitted or ()
        tables = fitted(width, 24)
        assert all(table.width() <= width for table in tables)
        if keys is None:
            (table,) = tables
            names = [row[table.header.index("Name")] for row in table.rows()]
            # The longest has 30, of which the narrowest screen has room for 27.
            whole = 26 if width == 60 else None
            assert [name[:whole] for name in names] == [each["name"][:whole] for each in rows]


def test_a_family_is_named_where_it_begins(run: Run) -> None:
    asked = run("list", "vgg", "--columns", "name,family").out.splitlines()[2:-2]
    assert all(line.endswith("vgg") for line in asked)
    first = re.split("  +", run("list", "vgg", "lenet").out.splitlines()[2])
    assert first[:2] == ["vgg", "vgg11"]
    sorted_by = run("list", "vgg", "lenet", "--sort", "name").out.splitlines()[2:-2]
    assert all(line.startswith(("vgg", "lenet")) for line in sorted_by)


def test_a_name_is_said_to_be_taken_where_it_is(run: Run) -> None:
    said = "takes each of these names"
    assert said in run("list", "lenet").out
    for asked in ("--set alpha=0.3", "--preset mobilenet_v1_x0_5"):
        assert said not in run("list", "mobilenet_v1", *asked.split()).out
