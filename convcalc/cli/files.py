"""Files that are written: whole, or not at all."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from contextlib import suppress

from convcalc.cli.streams import UTF_8, encoded, reason, unwritable, whole, write
from convcalc.diagnostics import ConvcalcError

#: Names of streams that the process has open already.
_STREAMS = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
_STREAM = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})")
#: Files that are being written, beside those that they will replace.
_unfinished: set[str] = set()


def stream_of(target: str) -> int | None:
    """The number of the open stream that a name such as /dev/stdout stands for; None for others.

    Opening it anew would begin at its start, and lose what a shell's `>>` keeps.
    """
    found = _STREAM.fullmatch(target)
    return int(found[1]) if found else _STREAMS.get(target)


def write_file(text: Iterable[str | bytes] | bytes, target: str) -> None:
    """Write a file whose old content is there until the new one is whole.

    A device or a pipe is written to as it is. Raises ConvcalcError.
    """
    pieces = encoded(text, UTF_8)
    try:
        if (stream := stream_of(target)) is not None:
            with open(os.dup(stream), "wb", buffering=0) as file:
                write(file, whole(pieces))
        elif os.path.isdir(target) or target.endswith(os.sep):
            example = os.path.join(target, "answer.json")
            raise unwritable(target, "it is a folder", f"name a file in it, such as {example}")
        elif _is_special(target):
            with open(target, "wb", buffering=0) as file:
                write(file, whole(pieces))
        else:
            _replace(os.path.realpath(target), pieces)
    except BrokenPipeError:
        return  # its reader has what it wanted
    except OSError as error:
        raise _failed(target, error) from None


def _is_special(target: str) -> bool:
    """Whether it is there, and no file: a pipe, a device."""
    return os.path.exists(target) and not os.path.isfile(target)


def abandon() -> None:
    """Remove what is not whole yet, for a program that ends at once."""
    for path in list(_unfinished):
        _remove(path)


def _replace(path: str, pieces: Iterable[bytes]) -> None:
    """Write a file under another name, and give it its own when it is whole. Raises OSError."""
    if os.path.islink(path):  # one that leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    beside = os.path.join(os.path.dirname(path), f".convcalc-{os.urandom(4).hex()}.part")
    old = os.stat(path) if os.path.exists(path) else None
    if old is not None and not os.access(path, os.W_OK):  # its folder alone would allow it
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    mode = 0o666 if old is None else 0o600  # nobody reads it who could not read the old one
    _unfinished.add(beside)
    try:
        opener = lambda name, flags: os.open(name, flags, mode)  # noqa: E731
        with open(beside, "xb", buffering=0, opener=opener) as file:
            if old is not None:
                _keep(old, beside)
            write(file, pieces)
        os.replace(beside, path)
    finally:
        _remove(beside)
        _unfinished.discard(beside)


def _keep(old: os.stat_result, path: str) -> None:
    """Give a file the owner, the group and the mode of another, as far as one may."""
    if hasattr(os, "chown"):
        for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
            with suppress(OSError):
                os.chown(path, owner, group)
    os.chmod(path, old.st_mode & 0o777)


def _remove(path: str) -> None:
    with suppress(OSError):  # it has its name by now
        os.remove(path)


def _failed(target: str, error: OSError) -> ConvcalcError:
    """What is said of a file that cannot be written, with what may be done."""
    folder = os.path.dirname(os.path.realpath(target))
    if not os.path.isdir(folder):
        help = f"there is no folder {folder}"
    elif isinstance(error, PermissionError) and error.filename != os.path.realpath(target):
        help = f"a new file takes its place, which {folder} does not allow"
    else:
        help = ""
    return unwritable(target, reason(error), help)
