"""Files that are read, whatever they are, and files that are written: whole, or as they were."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from convcalc import zoo
from tests.conftest import Run
from tests.test_cli import shell

SPEC = "name: n\ninput: [4]\nlayers: [relu]\n"
ROWS = ["relu"]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(SPEC)
    return path


def names(out: str) -> list[str]:
    """The layers of a CSV."""
    return [line.partition(",")[0] for line in out.splitlines()[1:]]


# Read


@pytest.mark.parametrize(
    "line",
    [
        "convcalc analyze <(cat {}) --csv",
        "cat {} | convcalc analyze /dev/stdin --csv",
        "convcalc analyze /dev/fd/5 --csv 5<{}",
        "mkfifo pipe; cat {} > pipe & convcalc analyze pipe --csv",
        "ln -s {} link; convcalc analyze link --csv",
    ],
)
def test_a_pipe_is_read_as_a_file_is(spec: Path, line: str) -> None:
    result = shell(f"cd {spec.parent}; {line.format(spec)}")
    assert (result.returncode, result.stderr) == (0, "")
    assert names(result.stdout) == ROWS


@pytest.mark.parametrize("command", ["analyze", "validate", "reconcile"])
def test_no_more_is_read_than_is_allowed(tmp_path: Path, command: str) -> None:
    """In a process that has no room for all of it."""
    with open(tmp_path / "sparse.yaml", "wb") as file:
        file.truncate(2**31)
    for name in ("sparse.yaml", "/dev/zero", "- </dev/zero"):
        result = shell(f"cd {tmp_path}; ulimit -v 1000000; convcalc {command} {name}")
        assert result.returncode == 2
        assert result.stderr.startswith("error[limit-bytes]: ")


def test_the_limit_on_bytes_is_what_is_read(spec: Path, run: Run) -> None:
    size = len(SPEC)
    assert run("analyze", str(spec), "--limit", f"bytes={size}").status == 0
    refused = run("analyze", str(spec), "--limit", f"bytes={size - 1}")
    assert refused.err.startswith("error[limit-bytes]: ")


# Never written: what is read


@pytest.mark.parametrize(
    "line",
    [
        "convcalc analyze {} -o {}",
        "ln {} hard.json; convcalc analyze {} -o hard.json",
        "ln -s {} soft.json; convcalc reconcile {} -o soft.json",
        "ln -s {} soft.yaml; convcalc analyze soft.yaml -o {}",
        "convcalc analyze - -o {} < {}",
        "convcalc analyze lenet {} -o {}",
        "convcalc analyze {} >> {}",
        "convcalc analyze {} -o /dev/stdout >> {}",
    ],
)
def test_what_is_read_is_not_written(spec: Path, line: str) -> None:
    result = shell(f"cd {spec.parent}; {line.replace('{}', spec.name)}")
    assert result.returncode == 2
    assert "is what is read, and would be lost" in result.stderr
    assert spec.read_text() == SPEC


def test_the_zoo_is_not_written(run: Run) -> None:
    path = Path(zoo.folder()) / "lenet.yaml"
    before = path.read_bytes()
    outcome = run("analyze", "lenet", "--json", "-o", str(path))
    assert "is what is read, and would be lost" in outcome.err
    assert path.read_bytes() == before


# Written


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    """A disk of its own where one may be had; else a file may not grow."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)]
    is_disk = os.getuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        (disk / "old.json").write_text("old")
        bound = "" if is_disk else "ulimit -f 4; PYTHONDONTWRITEBYTECODE=1"
        result = shell(f"{bound} convcalc analyze resnet50 -o {disk}/old.json")
        reason = "no space left on device" if is_disk else "file too large"
        assert result.returncode == 2
        assert f"old.json cannot be written: {reason}" in result.stderr
        assert [path.name for path in disk.iterdir()] == ["old.json"]
        assert (disk / "old.json").read_text() == "old"
    finally:
        if is_disk:
            subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("folder", "folder cannot be written: it is a folder\n = help: name a file in it"),
        ("folder/", "it is a folder"),
        ("new/", "it is a folder"),
        (".", "it is a folder"),
        ("no/new.json", "no such file or directory\n = help: there is no folder "),
        ("loop.json", "too many levels of symbolic links"),
        ("n" * 300, "file name too long"),
        ("/dev/full", "no space left on device"),
        ("/dev/fd/77", "bad file descriptor"),
        ("", "it is empty; leave the option out instead"),
    ],
)
def test_what_cannot_be_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, reason: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.json").symlink_to("loop.json")
    before = sorted(tmp_path.rglob("*"))
    outcome = run("analyze", "lenet", "-o", target)
    assert (outcome.status, outcome.out) == (2, "")
    assert reason in outcome.err
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "loop.json").is_symlink()


@contextlib.contextmanager
def without_rights() -> Iterator[None]:
    """As a user that files are closed to, which root is not."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.mark.parametrize(
    ("folder_mode", "mode", "help"),
    [(0o555, 0o666, "= help: a new file takes its place, which "), (0o777, 0o444, "")],
)
def test_what_one_may_not_write(
    run: Run, tmp_path: Path, folder_mode: int, mode: int, help: str
) -> None:
    target = tmp_path / "old.json"
    target.write_text("old")
    target.chmod(mode)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)  # it can be gone through
    text = b"name: N\ninput: [8]\nlayers: [relu]\n"
    # Another may read neither the zoo nor what this imports.
    assert run("analyze", "-", "-o", str(tmp_path / "first.json"), stdin=text).status == 0
    tmp_path.chmod(folder_mode)
    with without_rights():
        outcome = run("analyze", "-", "-o", str(target), stdin=text)
    tmp_path.chmod(0o755)
    assert outcome.status == 2
    assert (
        f"old.json cannot be written: permission denied\n{' ' if help else ''}{help}" in outcome.err
    )
    assert target.read_text() == "old"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_is_kept(run: Run, tmp_path: Path, mode: int) -> None:
    target = tmp_path / "old.json"
    target.write_text("old")
    target.chmod(mode)
    assert run("analyze", "lenet", "-o", str(target)) == (0, "", "")
    assert target.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.getuid() != 0, reason="root alone can give a file away")
def test_the_owner_is_kept(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "old.json"
    target.write_text("old")
    os.chown(target, 65534, 65533)
    assert run("analyze", "lenet", "-o", str(target)) == (0, "", "")
    assert (target.stat().st_uid, target.stat().st_gid) == (65534, 65533)


def test_a_new_file_has_the_mode_of_new_files(tmp_path: Path) -> None:
    shell(f"umask 027; convcalc analyze lenet -o {tmp_path}/new.json")
    assert (tmp_path / "new.json").stat().st_mode & 0o777 == 0o640


def test_a_link_to_nothing_makes_what_it_leads_to(run: Run, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to("found.json")
    assert run("analyze", "lenet", "-o", str(link)) == (0, "", "")
    assert link.is_symlink()
    assert json.loads((tmp_path / "found.json").read_text())["name"] == "LeNet"


def test_a_file_that_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """Whatever the number of the process."""
    kill = "os.replace = lambda *args: os.kill(os.getpid(), 9)"
    script = f"import os\n{kill}\nfrom convcalc.__main__ import run\nrun()"
    target = str(tmp_path / "new.json")
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script, "analyze", "lenet", "-o", target])
    left = list(tmp_path.iterdir())
    assert len(left) == 2
    assert {path.name.startswith(".convcalc-") for path in left} == {True}


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "-"])
def test_names_of_standard_output(tmp_path: Path, name: str) -> None:
    """Which is written to where it stands: a shell's `>>` keeps what was there."""
    log = tmp_path / "log"
    log.write_text("before\n")
    assert shell(f"convcalc analyze lenet --csv -o {name} >> {log}").stderr == ""
    before, header, *rows = log.read_text().splitlines()
    assert (before, header.split(",")[0], len(rows)) == ("before", "name", 10)


def test_names_of_other_streams(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    shell(f"convcalc analyze lenet --csv -o /dev/fd/3 3>> {log}")
    assert log.read_text().startswith("before\nname,")
    assert shell("convcalc analyze lenet --csv -o /dev/stderr").stderr.startswith("name,")


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    read = f"cd {tmp_path}; mkfifo pipe; timeout 60 cat pipe"
    result = shell(f"{read} & convcalc analyze lenet --csv -o pipe")
    assert result.stdout.startswith("name,")
    assert shell("convcalc analyze lenet --csv -o >(head -c 4) | cat").stdout == "name"


@pytest.mark.parametrize("command", ["analyze lenet", "list", "conventions", "layer relu --in 8"])
def test_an_unknown_suffix_is_said(run: Run, tmp_path: Path, command: str) -> None:
    target = tmp_path / "out.dat"
    outcome = run(*command.split(), "-o", str(target))
    assert (outcome.status, outcome.out) == (0, "")
    assert "warning[unknown-suffix]: `.dat` is no format's suffix" in outcome.err
    assert target.read_text() == run(*command.split()).out


@pytest.mark.parametrize("options", ["out", "out.TXT", "out.JSON", "out.dat --format table"])
def test_a_format_that_is_clear_needs_no_word(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("analyze", "lenet", "-o", *options.split()) == (0, "", "")


def test_a_warning_is_one_for_programs(run: Run, tmp_path: Path) -> None:
    target = str(tmp_path / "out.dat")
    outcome = run("analyze", "lenet", "-o", target, "--error-format", "json")
    (warning,) = json.loads(outcome.err)
    assert (warning["severity"], warning["code"]) == ("warning", "unknown-suffix")
