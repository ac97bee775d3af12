"""Completion: what may stand next on a line, and what the shells make of it.

Shells that are there are run on a terminal of their own; their lines are typed, keys and all.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from convcalc import conventions, layers, zoo
from convcalc.dtypes import SIZES
from convcalc.language.limits import Limits
from convcalc.render import columns, formats
from tests.conftest import Run, run_convcalc

MINE = """\
name: Mine
variables: {width: 8, wide: false, depth: 2}
presets:
  narrow: {width: 4}
  nano: {width: 2}
input: [3, 16, 16]
layers:
  - sequential:
      name: stem
      layers:
        - conv: {out: width, k: 3}
        - relu
  - repeat:
      times: depth
      layers:
        - conv: {out: width, k: 3}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a spec and what is none."""
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fill(folder: Path) -> None:
    (folder / "mine.yaml").write_text(MINE, encoding="utf-8")
    (folder / "notes.txt").write_text("no spec", encoding="utf-8")
    (folder / "old.onnx").write_bytes(b"no model")
    (folder / "nets").mkdir()
    (folder / "nets" / "my other.yaml").write_text(MINE, encoding="utf-8")


# What may stand next


@pytest.fixture
def offered(run: Run, monkeypatch: pytest.MonkeyPatch) -> Offered:
    monkeypatch.setenv("_CONVCALC_COMPLETE", "zsh")
    return Offered(run)


class Offered(NamedTuple):
    """What is offered at the end of a line, by the words."""

    run: Run

    def __call__(self, line: str) -> dict[str, str]:
        outcome = self.run(*line.split(" "))
        assert (outcome.status, outcome.err) == (0, "")
        kinds = [each.split("\t") for each in outcome.out.splitlines()]
        return {word: kind for kind, word, _ in kinds}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", {"analyze", "layer", "completion"}),
        ("ana", {"analyze"}),
        ("analyze lenet --conv", {"--convention"}),
        ("analyze lenet --json --for", set()),  # they exclude each other
        ("analyze lenet --group-by ", {"type", "kind", "block"}),
        ("completion ", {"bash", "zsh", "fish"}),
        ("analyze lenet --convention pad", {"paddle"}),
        ("analyze lenet --convention al", {"all"}),
        ("explain lenet --convention al", set()),
        ("conventions ptf", {"ptflops", "ptflops-aten"}),
        ("layer depthwise", {"depthwise_conv"}),
        ("layer conv --p same", {"same", "same_lower"}),
        ("solve lay", {"layer"}),
        ("solve mobi", {"mobilenet_v2"}),
        ("solve layer depthwise", {"depthwise_conv"}),
        ("solve mobilenet_v2 --var alp", {"alpha="}),
        ("solve mobilenet_v2 --max params", {"params="}),
        ("solve layer conv --p same", {"same", "same_lower"}),
        ("layer upsample --mode bic", {"bicubic"}),
        ("layer conv --k ", set()),
        ("analyze lenet --dtype float", {"float64", "float32", "float16"}),
        ("analyze lenet --batch ", set()),
        ("analyze lenet --error-format g", {"github"}),
        ("analyze --convention=pad", {"--convention=paddle"}),
        ("validate mine.yaml --limit dep", {"depth="}),
        ("validate mine.yaml --limit layers=9 --limit lay", set()),
        ("nonsense ", set()),
        ("layer nonsense ", set()),
    ],
)
def test_offered(offered: Offered, line: str, words: set[str]) -> None:
    found = set(offered(line))
    assert found >= words
    assert words or not found


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("list ", {*zoo.families(), *zoo.presets()}),
        ("layer ", set(layers.names())),
        ("conventions ", {each.name for each in conventions.every()}),
        ("analyze lenet --format ", set(formats.names())),
        ("analyze lenet --dtype ", set(SIZES)),
        ("analyze lenet --limit ", {f"{name}=" for name in Limits._fields}),
        ("analyze lenet --columns ", set(columns.known())),
        ("analyze lenet --sort ", set(columns.known())),
        ("analyze lenet --sort -", {f"-{key}" for key in columns.known()}),
        (
            "analyze lenet --convention all --columns ",
            {*columns.known(), *conventions.names()},
        ),
    ],
)
def test_everything_that_is_registered_is_offered(
    offered: Offered, line: str, names: set[str]
) -> None:
    assert set(offered(line)) - {""} == names


@pytest.mark.parametrize("command", ["analyze", "explain", "reconcile", "validate", "list"])
def test_a_spec_is_a_name_or_a_file(offered: Offered, command: str) -> None:
    found = offered(f"{command} resnet1")
    assert found["resnet1"] == "spec"
    assert found["resnet18"] == "plain"


def test_an_output_is_a_file(offered: Offered) -> None:
    assert offered("analyze lenet -o ou") == {"ou": "file"}
    assert offered("analyze lenet --output=ou") == {"--output=ou": "file"}
    assert offered("check lenet --against be") == {"be": "file"}


def test_columns_are_offered_once_each(offered: Offered) -> None:
    found = offered("analyze lenet --columns name,parameters,")
    assert found["name,parameters,macs"] == "more"
    assert "name,parameters,name" not in found
    assert "name,parameters,params" not in found


def test_columns_of_shares_are_figures(offered: Offered) -> None:
    found = offered("analyze lenet --group-by kind --columns ")
    assert {"params", "macs"} <= set(found)
    assert "output_shape" not in found


@pytest.mark.parametrize("spec", ["mine.yaml", "nets/../mine.yaml"])
def test_variables_of_the_spec_on_the_line(offered: Offered, folder: Path, spec: str) -> None:
    assert offered(f"analyze {spec} --set w") == {"width=": "more", "wide=": "more"}
    assert set(offered(f"analyze {spec} --set width=3 --set ")) == {"wide=", "depth="}


def test_variables_of_the_zoo(offered: Offered) -> None:
    assert offered("analyze mobilenet_v1 --set al") == {"alpha=": "more"}
    assert offered("analyze mobilenet_v1_x0_25 --set al") == {"alpha=": "more"}


def test_of_several_specs_what_all_have(offered: Offered, folder: Path) -> None:
    (folder / "other.yaml").write_text(MINE.replace("wide: false, ", "").replace("nano", "tiny"))
    assert set(offered("analyze mine.yaml other.yaml --set ")) == {"width=", "depth="}
    assert set(offered("analyze mine.yaml other.yaml --preset ")) == {"narrow"}


def test_presets_of_the_spec_on_the_line(offered: Offered, folder: Path) -> None:
    assert set(offered("analyze mine.yaml --preset ")) == {"narrow", "nano"}
    assert "resnet34" in offered("analyze resnet --preset resnet3")
    assert "mobilenet_v1_x0_25" not in offered("analyze resnet --preset ")
    assert "mobilenet_v1_x0_25" in offered("analyze --preset ")


def test_layers_level_by_level(offered: Offered, folder: Path) -> None:
    assert offered("explain mine.yaml ") == {"stem": "more", "conv_1": "plain", "conv_2": "plain"}
    inner = {"stem.conv": "plain", "stem.relu": "plain"}
    assert offered("explain mine.yaml stem") == {"stem": "more", **inner}
    assert offered("explain mine.yaml stem.") == inner
    assert "conv_3" in offered("explain mine.yaml --set depth=3 c")


def test_layers_to_cut_at(offered: Offered, folder: Path) -> None:
    assert offered("analyze mine.yaml --until ") == offered("explain mine.yaml ")
    assert offered("list mine.yaml --drop stem.c") == {"stem.conv": "plain"}
    assert offered("explain mine.yaml --until stem ") == {"stem": "more"}


@pytest.mark.parametrize(
    "text",
    [
        "variables: {a: 1",  # as it is while someone writes it
        "variables: [a, b]\npresets: 3",
        "- a\n- b",
        "",
        "\x00\x01",
        "variables: {? [a] : 1}",
    ],
)
@pytest.mark.parametrize("asked", ["analyze {} --set ", "analyze {} --preset ", "explain {} "])
def test_a_broken_spec_offers_nothing(
    offered: Offered, folder: Path, text: str, asked: str
) -> None:
    (folder / "broken.yaml").write_text(text)
    assert offered(asked.format("broken.yaml")) == {}


@pytest.mark.parametrize("spec", ["-", "/dev/stdin", "pipe", "nets", "nowhere.yaml"])
@pytest.mark.parametrize("asked", ["analyze {} --set ", "explain {} "])
def test_what_is_no_file_is_not_read(offered: Offered, folder: Path, spec: str, asked: str) -> None:
    os.mkfifo(folder / "pipe")
    assert offered(asked.format(spec)) == {}


def test_what_a_shell_would_read_otherwise_is_not_offered(offered: Offered, folder: Path) -> None:
    text = 'variables: {"$(touch it)": 1, "a b": 2, "`x`": 3, "宽度": 4, "l\\nm": 5}'
    (folder / "odd.yaml").write_text(text, encoding="utf-8")
    assert set(offered("analyze odd.yaml --set ")) == {"宽度="}


def test_a_line_that_is_not_given_is_empty(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SHELLS:
        monkeypatch.setenv("_CONVCALC_COMPLETE", name)
        assert "plain\tanalyze\t" in run().out


def test_a_script_of_another_version_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_CONVCALC_COMPLETE", "bash_complete")
    outcome = run()
    assert outcome.status == 2
    assert "`convcalc completion bash`" in outcome.err


# What the shells make of it

#: How each shell is started, and what it is told first: to say its words between marks.
SHELLS = {
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        "show() { printf '@%s' @; printf '%s|' \"$@\"; printf '@%s\\n' @; }; source ./script; show",
    ),
    "zsh": (
        ["zsh", "-f", "-i"],
        "show() { printf '@%s' @; printf '%s|' \"$@\"; printf '@%s\\n' @; }; unsetopt promptsp; "
        "autoload -Uz compinit; compinit -u -D; source ./script; show",
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function show; printf '@%s' @; printf '%s|' $argv; printf '@%s\\n' @; end; "
        "source ./script; show",
    ),
}
#: Seconds until a shell that says nothing is given up.
PATIENCE = 60


class Typed(NamedTuple):
    """What became of a line in a shell: its words, and all that the terminal showed."""

    words: list[str]
    shown: str


class Terminal:
    """A shell on a terminal of its own, which completes as `convcalc completion` says."""

    def __init__(self, name: str, folder: Path) -> None:
        command, setup = SHELLS[name]
        self.ours, self.theirs = pty.openpty()
        self.process = subprocess.Popen(
            # The first terminal that the leader of a session opens is the one it reads keys from.
            ["/bin/sh", "-c", 'exec "$@" < "$0" > "$0" 2>&1', os.ttyname(self.theirs), *command],
            start_new_session=True,
            cwd=folder,
            env={
                "PATH": f"{folder.parent / 'bin'}:{os.environ['PATH']}",
                "HOME": str(folder.parent),
                "TERM": "vt100",
                "LC_ALL": "C.UTF-8",
            },
        )
        self._enter(setup)

    def type(self, line: str) -> Typed:
        """Type a line, `⇥` for a tab, and read which words the shell has then."""
        self._send(line.replace("⇥", "\t"))
        return self._enter("\x01show ")

    def _enter(self, text: str) -> Typed:
        self._send(f"{text}\r")
        shown = ""
        while not (found := re.search(r"@@(.*)\|@@\r\n", shown)):
            assert select.select([self.ours], [], [], PATIENCE)[0], shown
            shown += os.read(self.ours, 1 << 16).decode("utf-8", "replace")
        return Typed(found[1].split("|"), shown)

    def _send(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture(scope="module", params=sorted(SHELLS))
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    name = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    home = tmp_path_factory.mktemp(name)
    (home / "bin").mkdir()
    program = home / "bin" / "convcalc"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m convcalc "$@"\n')
    program.chmod(0o755)
    (home / "work").mkdir()
    fill(home / "work")
    (home / "work" / "script").write_text(run_convcalc("completion", name).out)
    terminal = Terminal(name, home / "work")
    yield terminal
    terminal.close()


# The X behind a tab shows whether there is a space.
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("analyze mobilenet_v1_x0_2⇥X", ["analyze", "mobilenet_v1_x0_25", "X"]),
        ("analyze min⇥X", ["analyze", "mine.yaml", "X"]),
        ("analyze ol⇥X", ["analyze", "old.onnx", "X"]),
        ("import ol⇥X", ["import", "old.onnx", "X"]),
        ("analyze nets/⇥X", ["analyze", "nets/my other.yaml", "X"]),
        ("analyze mine.yaml --set wide⇥X", ["analyze", "mine.yaml", "--set", "wide=X"]),
        ("analyze --columns=name,out⇥", ["analyze", "--columns=name,output_shape"]),
        ("analyze --convention=pad⇥X", ["analyze", "--convention=paddle", "X"]),
        ("analyze --sort -ke⇥X", ["analyze", "--sort", "-kernel", "X"]),
        ("analyze --batch ⇥X", ["analyze", "--batch", "X"]),
        ("analyze -o no⇥X", ["analyze", "-o", "notes.txt", "X"]),
        ("analyze --output=no⇥X", ["analyze", "--output=notes.txt", "X"]),
        ("explain mine.yaml stem.c⇥X", ["explain", "mine.yaml", "stem.conv", "X"]),
        ("layer conv --p same_⇥X", ["layer", "conv", "--p", "same_lower", "X"]),
    ],
)
def test_shell(shell: Terminal, line: str, words: list[str]) -> None:
    assert shell.type(f"convcalc {line}").words == ["convcalc", *words]


def test_a_shell_lists_names_beside_files(shell: Terminal) -> None:
    shown = shell.type("convcalc analyze n⇥⇥").shown
    assert {"nin", "nin_cifar10", "nets"} <= set(re.findall(r"\w+", shown))
