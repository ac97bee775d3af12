"""The columns of a layer, their shares and their order; tables that fit; the table of a paper."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from fractions import Fraction
from math import prod

import pytest

import convcalc
from convcalc import conventions
from convcalc.render import formats
from convcalc.render.analysis import layers, shares
from convcalc.render.conventions import report_list, report_rules
from tests.conftest import Run, run_convcalc

#: Every way to say a window, and layers without one.
WINDOWS = b"""
name: W
input: [4, 12, 12]
layers:
  - conv: {out: 8, k: [3, 5], s: [1, 2], p: same, d: [2, 1]}
  - depthwise_conv: {k: 3, p: 1}
  - conv: {out: 4, k: 2, p: [[0, 1], [1, 0]], g: 2}
  - max_pool: {k: 2}
  - pad: {p: [[0, 1], [0, 1]]}
  - conv_transpose: {out: 4, k: 3, s: 2, p: 1}
  - group_norm: {groups: 2}
  - relu
  - global_depthwise_conv
  - flatten
  - linear: {out: 10}
"""
COLUMNS = "type,kernel,stride,padding,dilation,groups"


def rows_of(*args: str, stdin: bytes = b"") -> list[dict[str, str]]:
    outcome = run_convcalc(*args, "--csv", stdin=stdin)
    assert outcome.status == 0, outcome.err
    return list(csv.DictReader(outcome.out.splitlines()))


def test_windows_and_groups_of_layers() -> None:
    found = [
        tuple(row.values()) for row in rows_of("analyze", "-", "--columns", COLUMNS, stdin=WINDOWS)
    ]
    assert found == [
        ("conv", "3x5", "1x2", "2x1+2", "2x1", "1"),  # 12 + 4 − 5 + 1 = 12, and 5·2 + 5 − 12 = 3
        ("depthwise_conv", "3x3", "1x1", "1x1", "1x1", "8"),
        ("conv", "2x2", "1x1", "0+1x1+0", "1x1", "2"),
        ("max_pool", "2x2", "2x2", "0x0", "1x1", ""),
        ("pad", "", "", "0+1x0+1", "", ""),
        ("conv_transpose", "3x3", "2x2", "1x1", "1x1", "1"),
        ("group_norm", "", "", "", "", "2"),
        ("relu", "", "", "", "", ""),
        ("global_depthwise_conv", "13x7", "1x1", "0x0", "1x1", "4"),
        ("flatten", "", "", "", "", ""),
        ("linear", "", "", "", "", ""),
    ]


@pytest.mark.parametrize("format", [name for name in formats.names() if "json" not in name])
def test_columns_stand_in_every_format(run: Run, format: str) -> None:
    keys = "name,input,kernel,padding,groups,params%,macs%"
    out = run("analyze", "lenet", "--columns", keys, "--format", format).out
    for title in keys.split(",") if format == "csv" else ("Kernel", "Padding", "Groups"):
        assert title.replace("input", "input_shapes") in out
    size = {"csv": "5x5", "latex": r"5$\times$5"}.get(format, "5×5")
    assert size in out


def test_a_tree_has_the_columns() -> None:
    (fitted,) = layers([convcalc.load("lenet").analyze()], "kernel,macs%").fitted or ()
    (table,) = fitted(80, 24)
    assert table.header == ("Layer", "Kernel", "MACs %")
    assert ("conv_2", "5×5", "70.3") in [tuple(row) for row in table.rows()]


def test_a_folded_row_has_shares_and_no_window() -> None:
    row, *_ = rows_of(
        "analyze", "resnet18", "--depth", "1", "--columns", "name,kernel,groups,macs%"
    )
    assert row == {"name": "conv1", "kernel": "", "groups": "", "macs%": "6.5"}


@pytest.mark.parametrize("figure", ["params", "macs", "flops", "activations", "weight_bytes"])
@pytest.mark.parametrize("options", [(), ("--depth", "1"), ("--group-by", "kind")])
def test_shares_are_of_the_total_to_one_decimal(figure: str, options: tuple[str, ...]) -> None:
    rows = rows_of("analyze", "mobilenet_v1", *options, "--columns", f"{figure},{figure}%")
    total = sum(int(row[figure]) for row in rows)
    for row in rows:
        exact = Fraction(100 * int(row[figure]), total)
        assert abs(Fraction(row[f"{figure}%"]) - exact) <= Fraction(1, 20)
        assert re.fullmatch(r"\d+\.\d", row[f"{figure}%"])


def test_the_share_of_nothing_is_empty() -> None:
    rows = rows_of(
        "analyze", "-", "--columns", "macs,macs%", stdin=b"{name: N, input: [1, 2], layers: [relu]}"
    )
    assert rows == [{"macs": "0", "macs%": ""}]


def test_a_convention_has_shares() -> None:
    rows = rows_of("analyze", "lenet", "--convention", "all", "--columns", "thop,thop%")
    assert sum(Fraction(row["thop%"]) for row in rows) == 100


@pytest.mark.parametrize(
    "column", ["macs", "kernel", "padding", "groups", "output", "macs%", "dilation"]
)
def test_minus_is_the_other_way_round(column: str) -> None:
    largest, smallest = (
        [
            row["name"]
            for row in rows_of("analyze", "-", "--sort", sort, "--columns", "name", stdin=WINDOWS)
        ]
        for sort in (column, f"-{column}")
    )
    values = {
        row["name"]: row
        for row in rows_of("analyze", "-", "--columns", f"name,{column}", stdin=WINDOWS)
    }
    key = next(key for key in next(iter(values.values())) if key != "name")
    has = [name for name in largest if values[name][key] != ""]
    assert sorted(has) == sorted(name for name in values if values[name][key] != "")
    # What has none comes last either way.
    assert largest[len(has) :] == smallest[len(has) :]
    sizes = {name: prod(map(float, re.findall(r"[\d.]+", values[name][key]))) for name in has}
    assert sizes[largest[0]] == sizes[smallest[len(has) - 1]]
    assert sizes[smallest[0]] == sizes[largest[len(has) - 1]]


def test_words_are_sorted_either_way() -> None:
    names = [row["name"] for row in rows_of("analyze", "lenet", "--columns", "name")]
    for sort, reverse in (("name", False), ("-name", True)):
        found = rows_of("analyze", "lenet", "--columns", "name", "--sort", sort)
        assert [row["name"] for row in found] == sorted(names, reverse=reverse)


def test_an_order_without_a_column(run: Run) -> None:
    assert "unknown column `-`" in run("analyze", "lenet", "--sort", "-").err
    assert "unknown column `mcas`" in run("analyze", "lenet", "--sort", "-mcas").err
    assert "did you mean `macs" in run("analyze", "lenet", "--sort", "-mcas").err


# The first rows


def test_the_first_rows_are_those_of_the_largest_macs(run: Run) -> None:
    every = run("analyze", "resnet18", "--json").json
    first = run("analyze", "resnet18", "--top", "5", "--json").json
    macs = sorted((row["macs"] for row in every["layers"]), reverse=True)
    assert [row["macs"] for row in first["layers"]] == macs[:5]
    assert first["totals"] == every["totals"]
    assert first["rows"] == len(every["layers"])


@pytest.mark.parametrize("format", formats.names())
@pytest.mark.parametrize("options", [(), ("--group-by", "type"), ("--sort", "name")])
def test_every_format_has_the_first_rows(run: Run, format: str, options: tuple[str, ...]) -> None:
    every = run("analyze", "lenet", *options, "--format", format).out
    first = run("analyze", "lenet", *options, "--top", "2", "--format", format).out
    assert len(first.splitlines()) < len(every.splitlines())
    if format not in ("csv", "json", "jsonl"):
        assert re.search(r"The first 2 of \d+ rows, sorted by", first)
    if format in ("csv", "jsonl"):
        assert len(first.splitlines()) == 2 + (format == "csv")


def test_more_than_there_are_is_all_of_them(run: Run) -> None:
    assert "The first" not in run("analyze", "lenet", "--top", "99").out


def test_groups_have_first_rows_too(run: Run) -> None:
    answer = run("analyze", "mobilenet_v1", "--group-by", "block", "--top", "3", "--json").json
    assert len(answer["groups"]) == 3
    assert answer["rows"] > 3
    macs = [group["macs"] for group in answer["groups"]]
    assert macs == sorted(macs, reverse=True)


# Titles


@pytest.mark.parametrize("convention", [*conventions.names(), "all"])
@pytest.mark.parametrize("dtype", [(), ("--dtype", "int8")])
def test_titles_differ(run: Run, convention: str, dtype: tuple[str, ...]) -> None:
    for by in ((), ("--group-by", "kind")) if convention != "all" else ((),):
        out = run("analyze", "lenet", "--convention", convention, *by, *dtype, "--si").out
        titles = re.split("  +", out.splitlines()[2])
        assert len({title.lower() for title in titles}) == len(titles)


def test_every_column_has_a_title_of_its_own() -> None:
    from convcalc.render.columns import known

    titles = [column.title for column in known().values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("options", "title"),
    [
        ("", "MobileNetV1"),
        ("--set alpha=0.5", "MobileNetV1 (alpha=0.5)"),
        ("--set alpha=1.0", "MobileNetV1"),
        ("--input 3x192x192", "MobileNetV1 (input 3×192×192)"),
        ("--batch 8", "MobileNetV1 (batch 8)"),
        ("--preset mobilenet_v1_x0_5 --set alpha=0.5", "MobileNetV1 (mobilenet_v1_x0_5)"),
        (
            "--set alpha=0.5 --set num_classes=10 --input 3x64x64 --batch 2 --group-by kind",
            "MobileNetV1 (alpha=0.5, num_classes=10, input 3×64×64, batch 2)",
        ),
    ],
)
def test_a_title_says_what_was_asked(run: Run, options: str, title: str) -> None:
    words = ["analyze", "mobilenet_v1", *options.split()]
    assert run(*words).out.splitlines()[0] == title
    assert f"<title>{title}</title>" in run(*words, "--format", "html").out


def test_a_title_travels_with_its_network() -> None:
    import pickle

    network = pickle.loads(pickle.dumps(convcalc.load("mobilenet_v1", alpha=0.5)))
    (table,) = layers([network.at(num_classes=10).analyze()]).tables()
    assert table.title == "MobileNetV1 (alpha=0.5, num_classes=10)"


def test_a_reconciliation_says_what_was_set(run: Run) -> None:
    out = run("reconcile", "mobilenet_v1", "--set", "alpha=0.5").out
    assert out.startswith("MobileNetV1 (alpha=0.5), input 3×224×224: ")


# Screens


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet152", "unet", "shufflenet_v1"])
@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_sorted_layers_and_shares_are_as_wide_as_the_screen(name: str, columns: int) -> None:
    analysis = convcalc.load(name).analyze()
    keys = "name,input,kernel,stride,padding,groups,params,params%,macs,macs%,flops"
    reports = [
        layers([analysis], sort="macs"),
        layers([analysis], keys, top=10),
        layers([analysis], keys),
        shares([analysis], "block", sort="-params"),
        shares([analysis], "kind", top=2),
    ]
    for report in reports:
        (fitted,) = report.fitted or ()
        assert all(table.width() <= columns for table in fitted(columns, 24))


def test_short_names_are_told_apart() -> None:
    analysis = convcalc.load("resnet50").analyze()
    (fitted,) = layers([analysis], "macs,output,kernel,stride", top=10).fitted or ()
    (table,) = fitted(70, 24)
    labels = [row[0] for row in table.rows()]
    assert any("…" in label for label in labels)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_conventions_are_as_wide_as_the_screen(columns: int) -> None:
    found = [conventions.find(name) for name in conventions.names()]
    for report in (report_list(found), *map(report_rules, found)):
        (plain,) = report.tables()
        (fitted,) = report.fitted or ()
        (table,) = fitted(columns, 24)
        assert table.width() <= columns
        words, shown = (
            {word for row in each.rows() for word in row[0].split()} for each in (plain, table)
        )
        assert shown == words  # none is broken, and none is lost


# LaTeX


def test_a_long_table_breaks_over_pages(run: Run) -> None:
    short, long = (run("analyze", name, "--format", "latex").out for name in ("lenet", "resnet18"))
    assert short.startswith("% Needs \\usepackage{booktabs} in the preamble.\n")
    assert "longtable" not in short
    assert long.startswith("% Needs \\usepackage{booktabs,longtable} in the preamble.\n")
    assert "\\begin{longtable}{lllrrr}\n" in long
    assert long.endswith("\\end{longtable}\n")
    assert long.count("Layer & Type & Output") == 1
    for mark in ("endhead", "endfoot", "endlastfoot"):
        assert long.index(f"\\{mark}\n") < long.index("conv1.conv")


@pytest.mark.parametrize(("name", "is_said"), [("卷积", True), ("café", False), ("a", False)])
def test_latex_says_where_letters_need_another_engine(run: Run, name: str, is_said: bool) -> None:
    spec = f"{{name: N, input: [1, 2], layers: [{{relu: {{name: {name}}}}}]}}".encode()
    out = run("analyze", "-", "--format", "latex", stdin=spec).out
    assert f"\n{name} & relu" in out
    assert ("% Needs XeLaTeX or LuaLaTeX" in out) is is_said


def test_json_without_an_option_is_as_it_was(run: Run) -> None:
    assert "rows" not in run("analyze", "lenet", "--json").json


# Legends


def legend_of(run: Run, *options: str) -> str:
    return run("analyze", "lenet", *options).out.rpartition("\n\n")[2]


@pytest.mark.parametrize("grouped", [[], ["--group-by", "type"]])
@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("flops", "FLOPs as `exact` counts them"),
        ("macs%", "1 MAC is one multiplication and one addition"),
        ("activations", "Activations: the elements that every layer makes, summed"),
        ("weight_bytes", "Weight bytes: parameters and running statistics, as float32."),
        ("activation_bytes", "as float32; not what is alive at once."),
        ("params", ""),
    ],
)
def test_a_legend_says_what_the_columns_are_and_no_others(
    run: Run, grouped: list[str], column: str, said: str
) -> None:
    lines = legend_of(run, *grouped, "--columns", column).splitlines()
    assert lines[0].startswith("input 1×28×28; batch 1")
    assert said in "\n".join(lines)
    assert len(lines) == (1 if column in ("flops", "params") else 2)


def test_a_legend_of_bytes_names_their_type(run: Run) -> None:
    out = legend_of(run, "--dtype", "int8")
    assert out.count("as int8") == 2


@pytest.mark.parametrize("format", ["markdown", "latex", "html"])
def test_a_legend_is_the_same_in_documents(run: Run, format: str) -> None:
    out = legend_of(run, "--columns", "name,activations", "--format", format)
    assert "every layer makes" in out
    assert "MAC" not in out
    assert "exact" not in out


def test_what_no_tool_counts_is_said_where_operations_are_shown(run: Run) -> None:
    said = "* thop.profile does not know these layers"
    options = ("analyze", "resnet18", "--convention", "thop", "--columns")
    assert said in run(*options, "name,flops").out
    assert said not in run(*options, "name,params").out


def test_blocks_say_that_they_are_sums(run: Run) -> None:
    said = "A block's figures are the sums of its layers"
    assert said in run("analyze", "resnet18", "--depth", "1").out
    assert said not in run("analyze", "lenet").out


def test_uneven_padding_is_explained_where_it_is(run: Run) -> None:
    said = "A padding of 0+1"
    spec = b"name: n\ninput: [1, 8, 8]\nlayers: [conv: {out: 1, k: 2, p: %s}]\n"
    for padding, is_told in ((b"0", False), (b"same", True)):
        out = run("analyze", "-", "--columns", "padding", stdin=spec % padding).out
        assert (said in out) == is_told


def test_the_order_of_columns_does_not_depend_on_what_ran_before() -> None:
    script = """
import convcalc
network = convcalc.load("lenet")
{before}
print([*network.analyze().totals])
"""
    befores = ("", "network.roofline('t4'); network.memory(); network.receptive_field()")
    found = {
        subprocess.run(
            [sys.executable, "-c", script.format(before=before)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for before in befores
    }
    assert len(found) == 1
