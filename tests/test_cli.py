"""The command line as scripts and people meet it: formats, pipes, files, options, help."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import pty
import re
import shlex
import subprocess
import sys
import xml.dom.minidom
from pathlib import Path

import pytest

import convcalc
from convcalc.render import formats
from tests.conftest import Run

COMMAND = [sys.executable, "-m", "convcalc"]
ENVIRONMENT = {**os.environ, "PYTHONUTF8": "1", "TERM": "xterm-256color"}


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A pipeline, with `convcalc` for this interpreter's."""
    line = script.replace("convcalc", f"{sys.executable} -m convcalc")
    env = {**ENVIRONMENT, **environment}
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=env)


def terminal(*args: str, columns: int = 120, **environment: str) -> str:
    """What a terminal of some width is sent."""
    ours, theirs = pty.openpty()
    env = {**ENVIRONMENT, "COLUMNS": str(columns), **environment}
    process = subprocess.Popen([*COMMAND, *args], stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    sent = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        sent += piece
    process.wait()
    os.close(ours)
    return sent.decode()


# Formats


def test_json_is_documented_by_its_keys(run: Run) -> None:
    answer = run("analyze", "mobilenet_v1", "--json").json
    assert answer["format"] == "convcalc.analysis/1"
    assert list(answer) == [
        *("format", "name", "source", "preset", "variables", "input", "outputs", "batch"),
        "fuse",
        *("convention", "totals", "layers"),
    ]
    first = answer["layers"][0]
    assert first["inputs"] == ["input"]
    assert first["config"]["kernel_size"] == [3, 3]
    assert first["weights"] == {"weight": [32, 3, 3, 3]}
    assert first["params"] == 864
    assert first["macs"] == 10_838_016
    assert first["activations"] == 401_408


def test_several_specs_are_an_array(run: Run) -> None:
    names = [each["name"] for each in run("analyze", "lenet", "resnet18", "--json").json]
    assert names == ["LeNet", "ResNet"]


def test_csv_has_a_row_a_layer(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("analyze", "lenet", "--csv").out)))
    assert [row["name"] for row in rows][:2] == ["conv_1", "relu_1"]
    assert rows[0]["output_shape"] == "6x28x28"
    assert sum(int(row["params"]) for row in rows) == 61_610


def test_csv_of_several_has_a_network_column(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(run("analyze", "lenet", "lenet5", "--csv").out)))
    assert next(iter(rows[0])) == "network"
    assert len({row["network"] for row in rows}) == 2


def test_csv_columns(run: Run) -> None:
    out = run("analyze", "lenet", "--csv", "--columns", "name,macs").out
    assert out.splitlines()[0] == "name,macs"


def test_table_columns_sum_to_its_totals(run: Run) -> None:
    lines = run("analyze", "mobilenet_v1").out.splitlines()
    rules = [i for i, line in enumerate(lines) if line.startswith("──")]
    cells = [line.split() for line in lines[rules[0] + 1 : rules[1]]]
    total = lines[rules[1] + 1].split()[-3:]
    for column in (-3, -2, -1):
        figures = [int(row[column].replace(",", "")) for row in cells]
        assert f"{sum(figures):,}" == total[column]


def test_legend_says_what_the_numbers_are_for(run: Run) -> None:
    out = run("analyze", "lenet", "--batch", "4", "--convention", "torch").out
    assert "input 1×28×28; batch 4; FLOPs as `torch` counts them" in out
    assert "1 MAC is one multiplication and one addition" in out


def test_markdown_table(run: Run) -> None:
    lines = run("analyze", "lenet", "--format", "markdown").out.splitlines()
    assert lines[2] == "| Layer | Type | Output | Params | MACs | FLOPs |"
    assert lines[3] == "| --- | --- | --- | ---: | ---: | ---: |"
    assert all(line.count("|") == 7 for line in lines[2:15])


def test_latex_table_escapes_names(run: Run) -> None:
    out = run("analyze", "lenet", "--format", "latex").out
    assert r"conv\_1 & conv & 6$\times$28$\times$28 & 60 & 42,336 & 84,672 \\" in out
    assert out.count(r"\begin{tabular}") == out.count(r"\end{tabular}") == 1


def test_short_numbers(run: Run) -> None:
    last = run("analyze", "mobilenet_v1", "--si").out.split("Total")[1]
    assert last.split()[2:5] == ["4.232M", "568.7M", "1.148G"]


def test_sort_puts_the_largest_first(run: Run) -> None:
    rows = run("analyze", "mobilenet_v1", "--sort", "params", "--json").json["layers"]
    params = [row["params"] for row in rows]
    assert params == sorted(params, reverse=True)


@pytest.mark.parametrize("column", ["output_shape", "input_shapes"])
def test_the_largest_shape_is_first(run: Run, column: str) -> None:
    rows = run("analyze", "mobilenet_v1", "--sort", column, "--columns", column, "--csv").out
    sizes = [math.prod(map(int, row.split("x"))) for row in rows.splitlines()[1:]]
    assert sizes == sorted(sizes, reverse=True)


def test_output_file(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    outcome = run("analyze", "lenet", "--json", "-o", str(target))
    assert outcome.out == ""
    assert json.loads(target.read_text())["name"] == "LeNet"


def test_output_file_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    outcome = run("analyze", "lenet", "-o", str(tmp_path / "no" / "such" / "file"))
    assert outcome.status == 2
    assert "cannot be written: no such file or directory" in outcome.err


def test_same_answer_twice(run: Run) -> None:
    assert run("analyze", "mobilenet_v2", "--json") == run("analyze", "mobilenet_v2", "--json")


# Where specs come from


def test_standard_input(run: Run) -> None:
    spec = b"name: n\ninput: [3, 8, 8]\nlayers: [conv: {out: 4, k: 3}]\n"
    assert run("analyze", "-", "--json", stdin=spec).json["totals"]["params"] == 112


def test_file(run: Run, tmp_path: Path) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text("name: n\ninput: [3, 8, 8]\nlayers: [relu]\n")
    assert run("analyze", str(spec), "--json").json["totals"]["flops"] == 192


def test_unknown_file(run: Run) -> None:
    outcome = run("analyze", "no_such_file.yaml")
    assert (outcome.status, outcome.out) == (2, "")
    assert "there is no file no_such_file.yaml" in outcome.err


def test_unknown_name_suggests_the_nearest(run: Run) -> None:
    outcome = run("analyze", "mobilnet_v2")
    assert outcome.status == 2
    assert "did you mean `mobilenet_v2`" in outcome.err


def test_unknown_variable_suggests_the_nearest(run: Run) -> None:
    outcome = run("analyze", "mobilenet_v1", "--set", "aplha=0.5")
    assert outcome.status == 2
    assert "did you mean `alpha`?" in outcome.err


def test_unknown_convention_lists_the_known_ones(run: Run) -> None:
    outcome = run("analyze", "lenet", "--convention", "pytroch")
    assert outcome.status == 2
    assert "`exact`" in outcome.err
    assert "`torch`" in outcome.err


@pytest.mark.parametrize("column", ["flopz", "nothing"])
def test_unknown_column(run: Run, column: str) -> None:
    for option in ("--columns", "--sort"):
        outcome = run("analyze", "lenet", option, column)
        assert (outcome.status, outcome.out) == (2, "")
        assert f"unknown column `{column}`" in outcome.err


@pytest.mark.parametrize("shape", ["3x0x8", "3xx8", "three", "1x2x3x4x5"])
def test_input_that_is_no_shape(run: Run, shape: str) -> None:
    outcome = run("analyze", "lenet", "--input", shape)
    assert (outcome.status, outcome.out) == (2, "")


def test_unknown_command_suggests(run: Run) -> None:
    assert "did you mean `analyze`?" in run("analyse", "lenet").err


# Pipes and terminals


def test_jq_reads_the_totals() -> None:
    assert shell("convcalc analyze mobilenet_v2 --json | jq .totals.macs").stdout == "300774272\n"


def test_cut_reads_the_names() -> None:
    lines = shell("convcalc analyze lenet --csv | cut -d, -f1").stdout.split()
    assert lines[:3] == ["name", "conv_1", "relu_1"]


@pytest.mark.parametrize("format", ["table", "json", "csv"])
def test_closed_pipe_is_quiet(format: str) -> None:
    result = shell(
        f"convcalc analyze resnet152 --format {format} | head -1; echo ${{PIPESTATUS[0]}}"
    )
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == "0"


def test_no_colour_and_no_wrapping_in_a_pipe() -> None:
    out = shell("convcalc analyze mobilenet_v2 | cat", COLUMNS="40").stdout
    assert "\x1b" not in out
    assert len([line for line in out.splitlines() if "Total" in line]) == 1


def test_a_terminal_gets_a_drawn_table() -> None:
    out = terminal("analyze", "lenet")
    assert "\x1b[" in out
    assert "61,610" in out


def test_a_name_is_not_read_as_markup(tmp_path: Path) -> None:
    spec = tmp_path / "markup.yaml"
    spec.write_text('name: "[/b] net"\ninput: [1, 8]\nlayers: [relu]\n')
    assert "[/b] net" in terminal("analyze", str(spec))


def test_no_color_is_honoured() -> None:
    colours = re.findall(r"\x1b\[[0-9;]*3[0-7]m", terminal("analyze", "lenet", NO_COLOR="1"))
    assert colours == []


def test_dumb_terminal_gets_plain_text() -> None:
    assert "\x1b" not in terminal("analyze", "lenet", TERM="dumb")


def test_narrow_terminal_cuts_no_number() -> None:
    out = terminal("analyze", "lenet", columns=40)
    assert all(figure in out for figure in ("48.12k", "341.3k", "693.5k"))
    assert "…" not in out


def test_ascii_output_has_no_traceback() -> None:
    result = shell("convcalc analyze lenet", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == 0
    assert "6?28?28" in result.stdout


# The rest of the surface


def test_version(run: Run) -> None:
    assert run("--version").out == f"convcalc, version {convcalc.__version__}\n"


def test_python_m() -> None:
    result = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True)
    assert result.stdout == f"convcalc, version {convcalc.__version__}\n"


def commands(run: Run) -> list[str]:
    return re.findall(r"^  (\w+)  ", run("--help").out.split("Commands:")[1], re.MULTILINE)


#: What an example names that is not there: a file of the reader's own, code.
IS_ELSEWHERE = re.compile(r"\.(?:ya?ml|onnx)$|\w:\w")


def test_every_help_has_examples_that_run(run: Run) -> None:
    for name in commands(run):
        help = run(name, "--help").out
        examples = re.findall(r"^ +(convcalc [^|>\n]+?)(?: \||>+.*)?$", help, re.MULTILINE)
        assert examples, f"{name} has no example"
        for example in examples:
            words = shlex.split(example)[1:]
            if {"-o", "verify"} & {*words} or any(map(IS_ELSEWHERE.search, words)):
                continue
            outcome = run(*words)
            assert outcome.status == 0, f"{example}: {outcome.err}"


def test_list_names_networks_with_parameters_and_macs(run: Run) -> None:
    networks = run("list", "resnet", "lenet", "--json").json["networks"]
    found = {each["name"]: each for each in networks}
    assert found["lenet"]["params"] == 61_610
    assert found["resnet18"]["macs"] == 1_814_073_344
    assert "resnet" not in found


def test_list_as_csv_and_table(run: Run) -> None:
    assert run("list", "lenet", "--csv").out.splitlines()[1].startswith("lenet,lenet,LeNet,")
    assert "341,256" in run("list", "lenet").out


def test_list_of_an_unknown_family(run: Run) -> None:
    assert "did you mean `resnet`" in run("list", "resnett").err


# Every format of every command

PRINTING = [
    "analyze lenet",
    "analyze lenet resnet18 --group-by kind",
    "analyze resnet18 --depth 1 --convention all",
    "layer conv --k 3 --in 8",
    "layer squeeze_excite --squeeze 4 --in 16x8x8",
    "solve layer conv --in 8 --out-size 4",
    "solve lenet --var num_classes=2:12 --max params=61k",
    "count lenet --var num_classes=2:12 --sample 2",
    "pareto lenet --var num_classes=2:12 --pareto min:macs,max:num_classes",
    "list lenet vgg",
    "compare lenet vgg11 resnet18",
    "compare lenet --set num_classes=7 --layers",
    "conventions",
    "conventions thop",
    "errata mobilenet_v1",
    "reconcile lenet --reported 0.7M",
    "memory lenet resnet18 --dtype int8",
    "receptive-field lenet",
    "roofline lenet --device a100 --device t4",
    "roofline --list-devices",
]


@pytest.mark.parametrize("command", PRINTING)
def test_every_command_prints_every_format(run: Run, command: str) -> None:
    printed = {name: run(*command.split(), "--format", name) for name in formats.names()}
    assert {outcome.status for outcome in printed.values()} == {0}
    json.loads(printed["json"].out)
    lines = [json.loads(line) for line in printed["jsonl"].out.splitlines()]
    rows = list(csv.reader(printed["csv"].out.splitlines()))
    assert len(rows) == len(lines) + 1
    assert {len(row) for row in rows} == {len(rows[0])}
    assert r"\begin{tabular}" in printed["latex"].out
    assert "| --- |" in printed["markdown"].out.replace("---:", "---")
    document = xml.dom.minidom.parseString(
        printed["html"].out.replace("<!DOCTYPE html>", "").replace('<meta charset="utf-8">', "")
    )
    assert document.getElementsByTagName("table")


@pytest.mark.parametrize("name", ["table", "json", "jsonl", "csv", "markdown", "latex", "html"])
@pytest.mark.parametrize(
    "options", ["", "--group-by kind", "--depth 1", "--convention all", "--sort macs"]
)
def test_a_network_without_a_layer_costs_nothing(run: Run, options: str, name: str) -> None:
    spec = b"name: N\ninput: [3, 8, 8]\nlayers:\n  - relu: {when: false}\n"
    outcome = run("analyze", "-", *options.split(), "--format", name, stdin=spec)
    assert (outcome.status, outcome.err) == (0, "")
    totals = run("analyze", "-", *options.split(), "--json", stdin=spec).json["totals"]
    assert {totals[key] for key in ("layers", "params", "macs", "flops", "weight_bytes")} == {0}


@pytest.mark.parametrize("command", PRINTING[:1] + PRINTING[3:4] + PRINTING[5:7])
@pytest.mark.parametrize("name", ["json", "jsonl", "csv", "markdown", "latex", "html", "table"])
def test_the_suffix_of_a_file_chooses_the_format(
    run: Run, tmp_path: Path, command: str, name: str
) -> None:
    suffix = formats.find(name).suffixes[0]
    target = tmp_path / f"out{suffix}"
    assert run(*command.split(), "-o", str(target)) == (0, "", "")
    assert target.read_text(encoding="utf-8") == run(*command.split(), "--format", name).out


def test_a_format_that_is_asked_for_stands_before_the_suffix(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    run("analyze", "lenet", "--json", "-o", str(target))
    assert json.loads(target.read_text())["name"] == "LeNet"


@pytest.mark.parametrize("name", ["table", "json", "csv", "jsonl"])
def test_output_is_written_in_large_pieces(name: str) -> None:
    """Where nothing buffers, each piece is a call of the system."""
    script = (
        "import io, sys\n"
        "sizes = []\n"
        "class Out(io.StringIO):\n"
        "    def write(self, text):\n"
        "        sizes.append(len(text))\n"
        "out, sys.stdout = sys.stdout, Out()\n"
        "from convcalc.cli import main\n"
        "try:\n"
        f"    main(['analyze', 'densenet201', '--format', '{name}'])\n"
        "except SystemExit:\n"
        "    print(len(sizes), sum(sizes), file=out)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    writes, characters = map(int, result.stdout.split())
    assert writes <= characters // 50_000 + 1


@pytest.mark.parametrize("by", ["kind", "type", "block"])
def test_groups_have_the_columns_that_are_asked_for(run: Run, by: str) -> None:
    options = ["--group-by", by, "--columns", "weight_bytes,activation_bytes"]
    rows = list(csv.DictReader(run("analyze", "lenet", "--csv", *options).out.splitlines()))
    totals = run("analyze", "lenet", "--json").json["totals"]
    for key in ("weight_bytes", "activation_bytes"):
        assert sum(int(row[key]) for row in rows) == totals[key]
    table = run("analyze", "lenet", *options, "--sort", "weight_bytes").out.splitlines()
    bytes_of = ("Weight bytes", "Activation bytes")
    titles = [by.capitalize(), "Layers", *(each for b in bytes_of for each in (b, f"{b} %"))]
    assert re.split("  +", table[2]) == titles


@pytest.mark.parametrize("options", ["--columns name,{}", "--sort {}", "--group-by kind --sort {}"])
def test_a_pass_is_known_before_it_runs(options: str) -> None:
    outcome = shell(f"convcalc analyze lenet {options.format('weight_bytes')}")
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_what_is_no_figure_cannot_be_summed(run: Run) -> None:
    outcome = run("analyze", "lenet", "--group-by", "kind", "--columns", "output_shape")
    assert outcome.status == 2
    assert "`output_shape` is no figure that `--group-by kind` can sum up" in outcome.err


@pytest.mark.parametrize("column", ["dtype", "layers", "macs", "weight_bytes"])
def test_groups_are_sorted_by_any_figure(run: Run, column: str) -> None:
    options = ["--group-by", "kind", "--sort", column]
    groups = run("analyze", "lenet", *options, "--json").json["groups"]
    found = [group[column] for group in groups]
    assert found == sorted(found, reverse=column != "dtype")


@pytest.mark.parametrize("convention", ["thop", "ptflops", "macs", "exact"])
@pytest.mark.parametrize("options", ["", "--group-by kind"])
def test_no_two_columns_have_one_title(run: Run, convention: str, options: str) -> None:
    out = run("analyze", "lenet", "--convention", convention, *options.split()).out
    titles = re.split("  +", out.splitlines()[2])
    assert len(set(titles)) == len(titles)


def test_short_bytes_have_their_unit(run: Run) -> None:
    out = run("analyze", "lenet", "--columns", "name,weight_bytes,params", "--si").out
    assert out.splitlines()[-4].split() == ["Total", "(10", "layers)", "246.4kB", "61.61k"]


@pytest.mark.parametrize("depth", ["1", "2"])
def test_bytes_are_folded_as_every_figure(run: Run, depth: str) -> None:
    answer = run("analyze", "resnet18", "--depth", depth, "--dtype", "int8", "--json").json
    for key in ("weight_bytes", "activation_bytes"):
        assert sum(row[key] for row in answer["layers"]) == answer["totals"][key]
    assert {row["dtype"] for row in answer["layers"]} == {"int8"}


def test_an_unknown_type_of_number(run: Run) -> None:
    err = run("analyze", "lenet", "--dtype", "flaot16").err
    assert err.startswith("error[unknown-dtype]: unknown type of number `flaot16`")
    assert "did you mean `float16`" in err


# Files


def test_a_file_that_cannot_be_written_whole_keeps_its_content(tmp_path: Path) -> None:
    target = tmp_path / "old.json"
    target.write_text("old")
    # What is compiled would be cut as well, and found so by every run after it.
    limited = "ulimit -f 4; PYTHONDONTWRITEBYTECODE=1 convcalc"
    outcome = shell(f"{limited} analyze resnet50 --json -o {target}")
    assert outcome.returncode == 2
    assert "old.json cannot be written: file too large" in outcome.stderr
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_dash_is_standard_output(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("analyze", "lenet", "--json", "-o", "-") == run("analyze", "lenet", "--json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["analyze", "reconcile"])
def test_a_spec_is_not_overwritten(run: Run, tmp_path: Path, command: str) -> None:
    spec = tmp_path / "mine.yaml"
    spec.write_text("name: n\ninput: [4]\nlayers: [relu]\n")
    link = tmp_path / "link.yaml"
    link.symlink_to(spec)
    for target in (spec, link):
        outcome = run(command, str(spec), "-o", str(target))
        assert (outcome.status, outcome.out) == (2, "")
        assert "is what is read, and would be lost" in outcome.err
    assert spec.read_text() == "name: n\ninput: [4]\nlayers: [relu]\n"


def test_a_file_keeps_its_mode_and_a_link_its_target(run: Run, tmp_path: Path) -> None:
    target, link = tmp_path / "real.json", tmp_path / "link.json"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    run("analyze", "lenet", "-o", str(link))
    assert link.is_symlink()
    assert json.loads(target.read_text())["name"] == "LeNet"
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("command", ["analyze", "analyze --convention all --json"])
def test_a_batch_without_end_is_refused(run: Run, command: str) -> None:
    outcome = run(*command.split(), "lenet", "--batch", "9" * 4299)
    assert (outcome.status, outcome.out) == (2, "")
    assert "a batch has 10¹⁸ samples at the most" in outcome.err


@pytest.mark.parametrize("end", ["\\n", "\\u2028"])  # control characters are refused
def test_a_line_break_in_a_name_does_not_leave_a_comment(run: Run, end: str) -> None:
    spec = f'name: "a{end}\\\\input{{secret}}"\ninput: [4]\nlayers: [relu]\n'
    outcome = run("analyze", "-", "--format", "latex", stdin=spec.encode())
    lines = [line for line in outcome.out.splitlines() if r"\input" in line]
    assert lines
    assert all(line.startswith("% ") for line in lines)
