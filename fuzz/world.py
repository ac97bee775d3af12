"""The world of a command line: a folder of files, streams, and a process that is run in it."""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import resource
import select
import shutil
import signal
import stat
import sys
import sysconfig
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

#: Seconds after which a process hangs.
PATIENCE = 60
#: What a child ends with that met what nothing handles; that was stopped before it began.
UNHANDLED, TOO_EARLY = 70, 71
#: The number of the pipe that a shell's `<(cat spec.yaml)` makes, above what is open here.
PIPE = 63
#: What python ends with when it cannot empty its buffers.
_UNFLUSHED = 120
_NOBODY = 65534
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}

SPEC = """\
name: é×漢
variables: {a: 4}
presets: {wide: {a: 8}}
input: [3, 8, 8]
layers: [conv: {out: a, k: 3}, relu, flatten, linear: {out: 10}]
"""
FILES = {
    "spec.yaml": SPEC,
    "secret.yaml": SPEC,
    "mistaken.yaml": "name: N\ninput: [3, 8, 8]\nlayers: [conv: {out: é, k: 3, naem: 1}, rleu]\n",
    "long.yaml": "name: N\ninput: [3, 8, 8]\n"
    "layers: [repeat: {times: 150, layers: [conv: {out: 4, k: 3, p: 1}, relu]}]\n",
    "empty.yaml": "",
    "noise.yaml": "".join(map(chr, range(256))),
    **dict.fromkeys(("old.json", "old.csv", "old", "locked/old.json"), "old\n"),
}
LINKS = {
    "link.yaml": "spec.yaml",
    "link.json": "old.json",
    "lost.yaml": "nothing.yaml",
    "lost.json": "found.json",
}
_MODES = {"": 0o777, "locked": 0o555, "old.json": 0o640, "secret.yaml": 0}

#: What the three streams may be. `kept` is a file that is looked at afterwards, `leaving` has a
#: reader that goes after the first byte, `hasty` one that is waited for.
INPUTS = ("closed", "null", "spec", "noise", "unreadable", "endless")
OUTPUTS = ("kept", "pipe", "hasty", "leaving", "closed", "full", "gone", "unwritable")
ERRORS = ("kept", "closed", "full", "gone")
#: Those that somebody must read meanwhile.
PIPES = ("pipe", "hasty", "leaving")


class Example(NamedTuple):
    """A command line, and the state of the world that it runs in."""

    arguments: list[str]
    input: str = "null"
    output: str = "kept"
    errors: str = "kept"
    encoding: str = "utf-8"
    #: Bytes that a file can have at the most.
    disk: int | None = None
    #: The signal that comes, and after how many seconds.
    signal: tuple[int, float] | None = None
    #: Whether the user is one who may not do everything.
    is_anyone: bool = False
    #: Whether the process starts from nothing.
    is_whole: bool = False

    @property
    def needs_a_process(self) -> bool:
        """Whether it would leave another process behind than it found."""
        changes = self.disk is not None or self.is_anyone or self.is_whole
        return changes or self.signal is not None or self.output in PIPES


class Outcome(NamedTuple):
    """How it ended: the status, or below 0 a signal; what was sent, and which files are others."""

    status: int
    out: bytes
    err: bytes
    changed: Mapping[str, str]


class World:
    """The folder and the streams, which are as they were before every example."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # They are there as long as the process, which closes them.
        self._kept, self._read = ([tempfile.TemporaryFile() for _ in range(2)] for _ in range(2))  # noqa: SIM115
        for file, text in zip(self._read, (SPEC, FILES["noise.yaml"])):
            file.write(text.encode())
        reader, gone = os.pipe()
        os.close(reader)
        self._streams = {
            "closed": None,
            "null": os.open(os.devnull, os.O_RDONLY),
            "unreadable": os.open(os.devnull, os.O_WRONLY),
            "unwritable": os.open(os.devnull, os.O_RDONLY),
            "endless": os.open("/dev/zero", os.O_RDONLY),
            "full": os.open("/dev/full", os.O_WRONLY),
            "gone": gone,
            "spec": self._read[0].fileno(),
            "noise": self._read[1].fileno(),
        }
        self._fill()

    def run(self, example: Example) -> Outcome:
        """What comes of an example."""
        self._tidy()
        os.chdir(self.folder)
        status, sent = self._run(example)
        out, err = map(_content, self._kept)
        after = self._files()
        names = {
            name for name in {*self._before, *after} if self._before.get(name) != after.get(name)
        }
        return Outcome(status, sent or out, err, {name: self._text(name) for name in names})

    def _run(self, example: Example) -> tuple[int, bytes]:
        """The status that it ends with, and what a pipe was sent."""
        spec, end = os.pipe()
        os.write(end, SPEC.encode())
        os.close(end)
        reader, writer = os.pipe()
        os.set_blocking(writer, example.output != "hasty")
        out, err = (file.fileno() for file in self._kept)
        streams = {
            0: self._streams[example.input],
            1: {**self._streams, **dict.fromkeys(PIPES, writer), "kept": out}[example.output],
            2: {**self._streams, "kept": err}[example.errors],
            PIPE: spec,
        }
        if example.needs_a_process:
            status, sent = _there(example, streams, reader, writer)
        else:
            status, sent = _here(example, streams), b""
            os.close(reader)
            os.close(writer)
        os.close(spec)
        return status, sent

    def _fill(self) -> None:
        """Make the folder."""
        self.folder.mkdir()
        for name in ("folder", "locked"):
            (self.folder / name).mkdir()
        for name, text in FILES.items():
            encoding = "latin-1" if name == "noise.yaml" else "utf-8"
            (self.folder / name).write_text(text, encoding)
        with open(self.folder / "sparse.yaml", "wb") as file:
            file.truncate(2**31)
        for name, other in LINKS.items():
            (self.folder / name).symlink_to(other)
        os.link(self.folder / "spec.yaml", self.folder / "hard.yaml")
        for name, mode in _MODES.items():
            (self.folder / name).chmod(mode)
        os.mkfifo(self.folder / "pipe")
        self._pipe = os.open(self.folder / "pipe", os.O_RDWR | os.O_NONBLOCK)
        self._before = self._files()

    def _files(self) -> dict[str, tuple[int, ...]]:
        """Every file, and what shows that it is another."""
        found: dict[str, tuple[int, ...]] = {}
        for folder in ("", "folder", "locked"):
            with os.scandir(self.folder / folder) as entries:
                for entry in entries:
                    now = entry.stat(follow_symlinks=False)
                    text = (now.st_size, now.st_mtime_ns) if stat.S_ISREG(now.st_mode) else ()
                    seen = (now.st_ino, now.st_mode, now.st_uid, now.st_gid)
                    found[os.path.join(folder, entry.name)] = (*seen, *text)
        return found

    def _text(self, name: str) -> str:
        """What is in a file; a word where it is none, or gone."""
        path = self.folder / name
        return path.read_bytes().decode("utf-8", "replace") if path.is_file() else "(no file)"

    def _tidy(self) -> None:
        """Make everything as it was."""
        if self._files() != self._before:
            os.close(self._pipe)
            (self.folder / "locked").chmod(0o777)
            shutil.rmtree(self.folder)
            self._fill()
        for file in self._kept:
            file.seek(0)
            file.truncate()
        for file in self._read:
            file.seek(0)
        with contextlib.suppress(BlockingIOError):
            os.read(self._pipe, 1 << 20)


def _content(file: Any) -> bytes:
    """What has been written to a file, which another process may have done."""
    file.seek(0)
    content: bytes = file.read()
    return content


# --- The process ----------------------------------------------------------------------------------


def _here(example: Example, streams: Mapping[int, int | None]) -> int:
    """The status of an example in this process, which is as it was in the end."""
    numbers = [_above(number, 2 * PIPE) for number in range(3)]
    objects = sys.stdin, sys.stdout, sys.stderr, sys.argv
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        _place(streams)
        return _ended(example)
    finally:
        os.close(PIPE)
        for number, own in enumerate(numbers):
            os.dup2(own, number)
            os.close(own)
        sys.stdin, sys.stdout, sys.stderr, sys.argv = objects
        for number, handler in handlers.items():
            signal.signal(number, handler)
        gc.enable()


def _there(
    example: Example, streams: Mapping[int, int | None], reader: int, writer: int
) -> tuple[int, bytes]:
    """The status of an example in a process of its own, and what its pipe was sent."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    child = os.fork()
    if child == 0:
        _become(example, streams)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    os.close(writer)
    if example.signal is not None:
        _stop(child, *example.signal, [reader] if example.output in PIPES else [])
    most = 1 if example.output == "leaving" else 1 << 16
    sent = piece = os.read(reader, most)
    while piece and example.output != "leaving":
        piece = os.read(reader, most)
        sent += piece
    os.close(reader)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), sent


def _stop(child: int, number: int, seconds: float, readers: list[int]) -> None:
    """Send a signal after some time, and again while nothing comes of it, as people do.

    Python misses one that comes just before it waits for something.
    """
    time.sleep(seconds)
    end = os.pidfd_open(child)
    os.kill(child, number)
    while not select.select([end, *readers], [], [], 1)[0]:
        os.kill(child, number)
    os.close(end)


def _become(example: Example, streams: Mapping[int, int | None]) -> NoReturn:
    """Be the process of an example to its end."""
    status = UNHANDLED
    try:
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        _place(streams)
        os.closerange(3, PIPE)
        os.closerange(PIPE + 1, 4 * PIPE)
        if example.disk is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as python has it
            sys.dont_write_bytecode = True  # it would be cut, too, and stay so
            resource.setrlimit(resource.RLIMIT_FSIZE, (example.disk, example.disk))
        if example.is_anyone and os.getuid() == 0:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        if example.is_whole:
            _start(example)
        status = _ended(example)
    finally:
        os._exit(status)


def _place(streams: Mapping[int, int | None]) -> None:
    """Put streams where a program expects them."""
    for number, own in streams.items():
        if own is None:
            os.close(number)
        else:
            os.dup2(own, number)


def _above(number: int, least: int) -> int:
    return fcntl.fcntl(number, fcntl.F_DUPFD, least)


def _start(example: Example) -> NoReturn:
    """Start python anew, as the script or as the module."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    script = os.path.join(sysconfig.get_path("scripts"), "convcalc")
    start = ["-m", "convcalc"] if len(example.arguments) % 2 else [script]
    environment = {**os.environ, "PYTHONIOENCODING": example.encoding, "PYTHONUTF8": "0"}
    if example.disk is not None:
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    os.execve(sys.executable, [sys.executable, *start, *example.arguments], environment)


def _ended(example: Example) -> int:
    """The status of the program, which python starts and ends as this does."""
    from convcalc.__main__ import run

    sys.argv = ["convcalc", *example.arguments]
    sys.stdin, sys.stdout, sys.stderr = (
        _stream(number, "w" if number else "r", example.encoding) for number in range(3)
    )
    status: Any = 0
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        run()
    except SystemExit as end:
        status = end.code
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(2, "".join(traceback.format_exception(error)).encode())
        return TOO_EARLY if _is_early(error) else UNHANDLED
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                return _UNFLUSHED
    return int(status or 0)


def _stream(number: int, mode: str, encoding: str) -> Any:
    """One of python's own three streams; None for one that is closed."""
    try:
        os.fstat(number)
    except OSError:
        return None
    errors = "backslashreplace" if number == 2 else "strict"
    return open(number, mode, encoding=encoding, errors=errors, closefd=False)


def _is_early(error: BaseException) -> bool:
    """Whether it is an interrupt that came before the program's first words."""
    places = [place.filename for place in traceback.extract_tb(error.__traceback__)]
    inside = any("/convcalc/" in name and "__main__" not in name for name in places)
    return isinstance(error, KeyboardInterrupt) and not inside
