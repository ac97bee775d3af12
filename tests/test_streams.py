"""Streams that are closed, full or left by their readers, signals, threads: no traceback."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from convcalc.cli import main
from tests.conftest import Run, run_convcalc
from tests.test_cli import shell

ROOT = Path(__file__).parent.parent
#: A program that does something, and then is convcalc.
PROGRAM = "import os, signal, sys\n{first}\nfrom convcalc.__main__ import run\nrun()\n"
PRINTING = [
    "analyze lenet --json",
    "reconcile lenet",
    "list",
    "conventions thop",
    "layer conv --k 3 --in 8",
    "schema",
    "completion bash",
    "--help",
    "--version",
    "analyze --help",
    "layer conv -h",
]


def program(first: str, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run convcalc as a program of its own, after some Python."""
    command = [sys.executable, "-c", PROGRAM.format(first=first), *args]
    env = {**os.environ, "PYTHONUTF8": "1", **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)


def test_harness_finds_nothing() -> None:
    command = [sys.executable, "-m", "fuzz", "streams", "--examples", "20", "--seed", "1"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert "0 problems" in result.stdout


# Standard output


@pytest.mark.parametrize("command", PRINTING)
def test_an_answer_that_cannot_be_written_is_a_failure(command: str) -> None:
    states = {
        ">&-": "it is closed",
        ">/dev/full": "no space left on device",
        "1</dev/null": "bad file descriptor",
    }
    for state, reason in states.items():
        result = shell(f"convcalc {command} {state}")
        message = f"error[unwritable]: standard output cannot be written: {reason}\n\n"
        assert (result.returncode, result.stdout, result.stderr) == (2, "", message)


@pytest.mark.parametrize("streams", [">/dev/full 2>/dev/full", "<&- >&- 2>&-", ">/dev/full 2>&-"])
def test_a_failure_that_nobody_can_hear_of_is_a_status(streams: str) -> None:
    result = shell(f"convcalc list {streams}; echo $?; convcalc analyze nothing {streams}; echo $?")
    assert (result.stdout, result.stderr) == ("2\n2\n", "")


@pytest.mark.parametrize("command", ["--help", "analyze --help", "--version", "schema", "list"])
def test_a_reader_that_has_gone_has_what_it_wanted(command: str) -> None:
    result = shell(f"convcalc {command} | true; echo ${{PIPESTATUS[0]}}")
    assert (result.stdout, result.stderr) == ("0\n", "")


def test_a_check_fails_whoever_reads_what_it_says() -> None:
    check = "convcalc reconcile lenet --reported 123M"
    result = shell(f"{check} | true; echo ${{PIPESTATUS[0]}}")
    assert (result.stdout, result.stderr) == ("1\n", "")


def test_silence_needs_no_stream() -> None:
    result = shell("convcalc validate lenet <&- >&- 2>&-; echo $?")
    assert (result.stdout, result.stderr) == ("0\n", "")


def test_a_file_needs_no_stream(tmp_path: Path) -> None:
    target = tmp_path / "lenet.json"
    result = shell(f"convcalc analyze lenet -o {target} <&- >&- 2>&-; echo $?")
    assert (result.stdout, result.stderr) == ("0\n", "")
    assert json.loads(target.read_text())["name"] == "LeNet"


def test_a_stream_that_does_not_wait_gets_all_of_it() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    command = [sys.executable, "-m", "convcalc", "analyze", "resnet50", "--json"]
    with subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        with open(reader, "rb") as file:
            assert json.load(file)["name"] == "ResNet"
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


BROKEN = """
from convcalc.diagnostics import fail
from convcalc.render import formats
from convcalc.render.formats.base import Format
def render(report):
    yield "the first of it" * 100_000
    raise fail("unwritable", "and then no more")
formats.add("broken", Format("broken", (), render))
"""


def test_nothing_is_printed_of_what_cannot_be_printed_whole() -> None:
    result = program(BROKEN, "analyze", "lenet", "--format", "broken")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error[unwritable]: and then no more")


LITTLE_MEMORY = "import convcalc.cli.streams as s\ns._IN_MEMORY = 1000"


def test_a_long_answer_waits_in_a_file(tmp_path: Path) -> None:
    args = ("analyze", "resnet18", "--json")
    result = program(LITTLE_MEMORY, *args, TMPDIR=str(tmp_path))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == run_convcalc(*args).out
    assert list(tmp_path.iterdir()) == []


def test_a_long_answer_that_has_no_room_is_a_failure() -> None:
    # What is compiled would be cut as well, and found so by every run after it.
    full = (
        "import resource, sys\nsys.dont_write_bytecode = True\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))"
    )
    result = program(f"{LITTLE_MEMORY}\n{full}", "analyze", "resnet18", "--json")
    assert (result.returncode, result.stdout) == (2, "")
    assert "a long answer waits in a temporary file, which fails: file too large" in result.stderr


# Standard input


@pytest.mark.parametrize("command", ["analyze", "validate", "reconcile"])
def test_standard_input_that_is_closed(command: str) -> None:
    result = shell(f"convcalc {command} - <&-")
    assert result.returncode == 2
    assert "error[unreadable]: standard input cannot be read: it is closed" in result.stderr


@pytest.mark.parametrize("command", ["analyze - -", "validate - lenet -"])
def test_standard_input_is_read_once(run: Run, command: str) -> None:
    outcome = run(*command.split(), stdin=b"name: n\ninput: [4]\nlayers: [relu]\n")
    assert (outcome.status, outcome.out) == (2, "")
    assert "standard input can be read once" in outcome.err


def test_a_slow_writer_is_waited_for() -> None:
    script = PROGRAM.format(first="os.set_blocking(0, False)")
    command = [sys.executable, "-c", script, "analyze", "-", "--csv"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:  # type: ignore[call-overload]
        process.stdin.write(b"name: n\ninput: [4]\n")
        process.stdin.flush()
        time.sleep(0.5)
        out, err = process.communicate(b"layers: [relu]\n")
    assert (process.returncode, err) == (0, b"")
    assert out.splitlines()[1].startswith(b"relu,")


# Encodings

LOCALES = [
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0"},
    {"PYTHONIOENCODING": "latin-1"},
    {"PYTHONIOENCODING": "ascii:strict"},
]


@pytest.fixture
def named(tmp_path: Path) -> Path:
    path = tmp_path / "named.yaml"
    path.write_text("name: é漢\ninput: [3, 4]\nlayers: [relu]\n", encoding="utf-8")
    return path


def in_locale(locale: dict[str, str], *args: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, **locale}
    return subprocess.run([sys.executable, "-m", "convcalc", *args], capture_output=True, env=env)


def is_utf_8(named: Path, locale: dict[str, str], format: str) -> bool:
    # Each row says which network it is of, where there are two.
    result = in_locale(locale, "analyze", str(named), str(named), "--format", format)
    assert (result.returncode, result.stderr) == (0, b"")
    return "é漢" in result.stdout.decode("utf-8") and b"?" not in result.stdout


@pytest.mark.parametrize("locale", LOCALES)
def test_json_is_utf_8_whatever_the_locale(named: Path, locale: dict[str, str]) -> None:
    assert is_utf_8(named, locale, "json")


@pytest.mark.parametrize("format", ["jsonl", "csv", "html", "markdown", "latex"])
def test_what_programs_read_is_utf_8(named: Path, format: str) -> None:
    assert is_utf_8(named, {"PYTHONIOENCODING": "ascii"}, format)


@pytest.mark.parametrize("locale", LOCALES)
def test_files_are_utf_8(named: Path, locale: dict[str, str]) -> None:
    target = named.parent / "table"
    assert in_locale(locale, "analyze", str(named), "-o", str(target)).returncode == 0
    assert "é漢" in target.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("encoding", "title"), [("latin-1", "é?"), ("ascii", "??"), ("utf-8", "é漢"), ("utf-16", "é漢")]
)
def test_a_table_is_in_the_encoding_of_its_stream(named: Path, encoding: str, title: str) -> None:
    result = in_locale({"PYTHONIOENCODING": encoding}, "analyze", str(named))
    assert result.stdout.decode(encoding).startswith(f"{title}\n")


def test_mistakes_for_programs_are_utf_8(named: Path) -> None:
    named.write_text("name: é漢\ninput: [3]\nlayers: [é漢]\n", encoding="utf-8")
    for style in ("json", "github"):
        locale = {"PYTHONIOENCODING": "ascii"}
        result = in_locale(locale, "analyze", str(named), "--error-format", style)
        assert "é漢" in result.stderr.decode("utf-8")


# Signals

#: Sends a signal when a module is imported, or when a file is given its name.
WHEN_IMPORTED = """
import importlib.abc
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.{signal})
sys.meta_path.insert(0, Finder())
"""
WHEN_WRITTEN = """
replace = os.replace
def stopped(*args):
    os.kill(os.getpid(), signal.{signal})
    replace(*args)
os.replace = stopped
"""
ENDS = [("SIGINT", 130), ("SIGTERM", -signal.SIGTERM), ("SIGHUP", -signal.SIGHUP)]


@pytest.mark.parametrize(
    "name", ["convcalc.cli", "click", "convcalc.api", "convcalc.render.analysis"]
)
@pytest.mark.parametrize(("sent", "status"), ENDS)
def test_a_signal_during_imports(name: str, sent: str, status: int) -> None:
    result = program(WHEN_IMPORTED.format(name=name, signal=sent), "analyze", "lenet")
    assert (result.returncode, result.stdout, result.stderr) == (status, "", "")


@pytest.mark.parametrize(("sent", "status"), ENDS)
def test_a_signal_while_a_file_is_written(tmp_path: Path, sent: str, status: int) -> None:
    target = tmp_path / "lenet.json"
    target.write_text("old")
    args = ("analyze", "lenet", "-o", str(target))
    result = program(WHEN_WRITTEN.format(signal=sent), *args)
    assert (result.returncode, result.stdout, result.stderr) == (status, "", "")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    ignored = "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    sent = WHEN_IMPORTED.format(name="convcalc.api", signal="SIGINT")
    result = program(ignored + sent, "analyze", "lenet", "--json")
    assert json.loads(result.stdout)["name"] == "LeNet"


def test_an_interrupt_while_a_pipe_is_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "convcalc", "analyze", str(pipe)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process, open(pipe, "wb"):  # which waits until it is read
        while process.poll() is None:  # Python misses one that comes just before it waits
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert process.communicate() == (b"", b"")
    assert process.returncode == 130


def test_an_interrupt_of_a_call_is_a_status(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:

    def interrupted(*args: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("convcalc.api.network_of", interrupted)
    assert run("analyze", "lenet") == (130, "", "")


# In another program


def test_calls_leave_the_process_as_it_was(tmp_path: Path) -> None:
    def state() -> tuple[object, ...]:
        streams = (sys.stdin, sys.stdout, sys.stderr)
        settings = [(each.encoding, each.errors) for each in streams if each is not None]
        handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        return (*streams, settings, handlers, gc.isenabled(), os.getcwd(), sys.argv)

    before = state()
    for collects in (True, False):
        gc.enable() if collects else gc.disable()
        for command in ("analyze lenet", "analyze nothing", "--help", "list --json --csv"):
            with pytest.raises(SystemExit):
                main(
                    [
                        *command.split(),
                        *(["-o", str(tmp_path / "out")] if "list" in command else []),
                    ]
                )
            assert gc.isenabled() is collects
    gc.enable()
    assert state() == before


@pytest.mark.parametrize("line", ["analyze lenet", "--help", "list --json"])
def test_a_stream_that_a_program_has_closed(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    for stream in (closed, None):
        monkeypatch.setattr(sys, "stdout", stream)
        said = io.StringIO()
        monkeypatch.setattr(sys, "stderr", said)
        with pytest.raises(SystemExit) as end:
            main(line.split())
        assert end.value.code == 2
        assert "standard output cannot be written: it is closed" in said.getvalue()


def test_calls_from_threads(tmp_path: Path) -> None:
    """Each writes to a file of its own, and to one that all write to."""
    ends: list[object] = []

    def work(number: int) -> None:
        for target in (f"{number}.json", "all.json"):
            try:
                main(["analyze", "resnet18", "-o", str(tmp_path / target)])
            except SystemExit as end:
                ends.append(end.code)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == [0] * 8
    answers = {path.read_text() for path in tmp_path.iterdir()}
    assert answers == {run_convcalc("analyze", "resnet18", "--json").out}
    assert len(list(tmp_path.iterdir())) == 5
