"""PyTorch modules, read in a process of their own: `torchvision.models:resnet50`.

Importing runs the user's code. It runs in a child process, which exports the module and takes its
layers down; what it prints stays there.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from convcalc.diagnostics import ConvcalcError, Diagnostic, Source
from convcalc.foreign.traced import Traced
from convcalc.importers.base import Importer, Request
from convcalc.language.limits import DEFAULT, exceeded

#: What the child does: it imports what this process does, and what is in the current directory.
_START = """
import sys
folder, *sys.path[:] = sys.argv[1], "", *sys.argv[2:]
from convcalc.importers.aten.answering import answer
answer(folder)
"""
#: How many of the last lines that the code printed are told where it ended the process.
_TAIL = 5
#: Characters of such a line.
_WIDTH = 200


def read(
    target: str,
    arguments: Mapping[str, Any],
    inputs: Mapping[str, tuple[int, ...]],
    *,
    seconds: float = DEFAULT.code,
) -> Traced:
    """The network of a `module:name`, made with arguments, on inputs of these sizes by name.

    Sizes are without a batch, channels first; the only input may be called "". The code runs in a
    process of its own, which is ended where it takes more than `seconds`, and where this one is
    interrupted. Raises ConvcalcError.
    """
    with tempfile.TemporaryDirectory(prefix="convcalc-") as name:
        folder = Path(name)
        (folder / "request").write_bytes(pickle.dumps((target, dict(arguments), dict(inputs))))
        ended, printed = _run(folder, seconds)
        answer = folder / "answer"
        if not answer.exists():
            raise _ended(target, ended, seconds, printed)
        # What it says is trusted as its code is, which had this user's rights.
        try:
            made = pickle.loads(answer.read_bytes())
        except Exception:  # whatever stands there
            raise _ended(target, ended, seconds, printed) from None
    if isinstance(made, ConvcalcError):
        raise made
    if not isinstance(made, Traced):
        raise _ended(target, ended, seconds, printed)
    return made


def _run(folder: Path, seconds: float) -> tuple[int | None, list[str]]:
    """Run the child to its end; its status, None where its time was over, and its last lines."""
    command = [sys.executable, "-c", _START, str(folder), *sys.path]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines: deque[bytes] = deque(maxlen=_TAIL)
    reader = threading.Thread(target=_keep_last, args=(process.stdout, lines), daemon=True)
    reader.start()
    try:
        status: int | None = process.wait(seconds)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        _end(process)
        reader.join(timeout=1)  # what the code started may still hold the pipe open
    return status, [line.decode("utf-8", "replace").rstrip()[:_WIDTH] for line in lines]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process, with what its code has started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _keep_last(stream: IO[bytes], lines: deque[bytes]) -> None:
    """Read a stream to its end, and keep its last lines that are not empty."""
    for line in iter(lambda: stream.readline(1 << 16), b""):
        if line.strip():
            lines.append(line)
    stream.close()


def _ended(target: str, status: int | None, seconds: float, printed: list[str]) -> ConvcalcError:
    """The error for a process that gave no answer; `status` is None where its time was over."""
    notes = tuple(f"it printed: {line}" for line in printed)
    if status is None:
        message = f"{target} takes more than {seconds:g} seconds to import"
        late = exceeded("code", message, Source(target, ""), None)
        return ConvcalcError([late._replace(notes=notes)])
    if status < 0:
        how = f"was ended by the signal {-status}"
    else:
        how = f"ended its process with the status {status}"
    message = f"{target} {how} before it was imported"
    return ConvcalcError([Diagnostic("code-ended", message, notes=notes)])


def _read(request: Request) -> Traced:
    arguments = request.options.get("arg", {})
    return read(request.target, arguments, request.inputs, seconds=request.seconds)


IMPORTER = Importer(
    "torch",
    "PyTorch",
    suffixes=(),
    options={"arg": "an argument of the function or class that makes the module"},
    read=_read,
)
