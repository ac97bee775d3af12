"""What README shows is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Run

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def beside_mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with README's spec in it."""
    (text,) = (body for kind, body in BLOCKS if kind == "yaml" and body.startswith("# mine.yaml"))
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown_outputs() -> list[tuple[str, list[str]]]:
    """The commands that README shows with output, and the lines that are shown whole."""
    found = []
    for _, body in BLOCKS:
        if body.startswith("$ convcalc"):
            command, *lines = body.splitlines()
            found.append((command[2:], [line for line in lines if line.strip() not in ("", "…")]))
    return found


@pytest.mark.parametrize(("command", "lines"), shown_outputs())
def test_shown_output(run: Run, command: str, lines: list[str]) -> None:
    out = run(*command.split()[1:]).out.splitlines()
    assert [line for line in lines if line not in out] == []


def test_own_network_runs(run: Run, beside_mine: Path) -> None:
    commands = re.findall(r"^convcalc (analyze mine\.yaml[^|\n]*)", README, re.MULTILINE)
    assert len(commands) >= 2
    for command in commands:
        outcome = run(*command.split())
        assert outcome.status == 0, outcome.err


def test_own_network_costs_what_a_hand_count_says(run: Run, beside_mine: Path) -> None:
    convolutions = 3 * 32 * 9 + 2 * 32 * 32 * 9
    totals = run("analyze", "mine.yaml", "--json").json["totals"]
    assert totals["params"] == convolutions + 3 * 64 + 32 * 10 + 10


def test_shown_mistake(run: Run, beside_mine: Path) -> None:
    (shown,) = (body for _, body in BLOCKS if body.startswith("error[unknown-name]"))
    spec = beside_mine / "mine.yaml"
    spec.write_text(spec.read_text().replace("out: width, stride", "out: widht, stride"))
    err = run("analyze", "mine.yaml").err
    assert [line for line in shown.splitlines() if line not in err.splitlines()] == []


def test_every_command_in_the_table_runs(run: Run) -> None:
    cells = re.findall(r"^\| [^|]+\| (.+) \|$", README, re.MULTILINE)
    commands = [c for cell in cells for c in re.findall(r"`convcalc ([^`]+)`", cell)]
    assert len(commands) >= 5
    for command in commands:
        assert run(*command.split()).status == 0, command


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if not (Path(__file__).parents[1] / link).exists()]
    assert missing == []
