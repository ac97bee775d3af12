"""The streams of the process: any of them may be closed, full, left by its reader, or speak another
encoding. Nothing here changes a stream for whoever else uses it.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

from convcalc.diagnostics import ConvcalcError, Source, fail

#: What programs read, whatever the locale.
UTF_8 = "utf-8"
#: Characters or bytes that are moved at once.
CHUNK = 1 << 16
#: Bytes of an answer that wait in memory until the last of them is there; more wait in a file.
_IN_MEMORY = 1 << 24


def read_input(most: int) -> bytes | str:
    """What is on standard input, up to one more than `most`. Raises ConvcalcError."""
    if _is_closed(sys.stdin):
        raise _unreadable("it is closed")
    try:
        if not hasattr(sys.stdin, "buffer"):  # it gives text, as io.StringIO does
            return sys.stdin.read(most + 1)
        return b"".join(_pieces(sys.stdin.buffer, most + 1))
    except OSError as error:
        raise _unreadable(reason(error)) from None


def input_lines() -> Iterator[str]:
    """The lines on standard input, one after the other. Raises ConvcalcError."""
    if _is_closed(sys.stdin):
        raise _unreadable("it is closed")
    yield from _lines(getattr(sys.stdin, "buffer", sys.stdin), "<stdin>")


def file_lines(name: str) -> Iterator[str]:
    """The lines of a file of text, one after the other. Raises ConvcalcError."""
    try:
        with open(name, "rb") as file:
            yield from _lines(file, name)
    except OSError as error:
        raise _unread(name, reason(error)) from None


def _lines(file: Iterable[Any], name: str) -> Iterator[str]:
    number = 0
    try:
        for line in file:
            number += 1
            yield line if isinstance(line, str) else line.decode(UTF_8)
    except UnicodeDecodeError:
        raise _unread(name, f"line {number} is no UTF-8") from None
    except OSError as error:
        raise _unread(name, reason(error)) from None


def _unread(name: str, why: str) -> ConvcalcError:
    return fail("unreadable", f"{name} cannot be read: {why}", source=Source(name, ""))


def answer(
    text: Iterable[str | bytes] | bytes, encoding: str | None = None, flows: bool = False
) -> None:
    """Print a result on standard output, once it is there to its end; bytes as they are.

    What `flows` is printed as it comes. The stream's own encoding is used unless another is given;
    what that has no character for is a question mark. A reader that has gone has what it wanted.
    Raises ConvcalcError where the result cannot be written.
    """
    if _is_closed(sys.stdout):
        raise unwritable("standard output", "it is closed")
    try:
        _send(sys.stdout, text, encoding, flows)
    except BrokenPipeError:
        return
    except OSError as error:
        raise unwritable("standard output", reason(error)) from None


def say(text: str, encoding: str | None = None) -> None:
    """Print a line on standard error, if anyone can hear it."""
    if _is_closed(sys.stderr):
        return
    try:
        _send(sys.stderr, [text, "\n"], encoding)
    except OSError:
        return


def is_heard_on_a_screen() -> bool:
    """Whether standard error is a terminal."""
    return not _is_closed(sys.stderr) and sys.stderr.isatty()


def is_terminal() -> bool:
    """Whether standard output is a terminal that can move a cursor."""
    return not _is_closed(sys.stdout) and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def reason(error: OSError) -> str:
    """What the system says of a file or a stream."""
    return (error.strerror or "unknown reason").lower()


def unwritable(name: str, why: str, help: str = "") -> ConvcalcError:
    """The error for what cannot be written."""
    return fail("unwritable", f"{name} cannot be written: {why}", help)


def _unreadable(why: str) -> ConvcalcError:
    message = f"standard input cannot be read: {why}"
    return fail("unreadable", message, source=Source("<stdin>", ""))


def _is_closed(stream: Any) -> bool:
    """Whether a stream is closed; Python has None for one that was when the program began."""
    return stream is None or getattr(stream, "closed", False)


def _pieces(file: Any, most: int) -> Iterator[bytes]:
    """What is in a file, up to `most` bytes. Raises OSError."""
    while most > 0:
        piece = file.read(min(CHUNK, most))
        if piece is None:
            _wait(file, to_write=False)
        elif piece:
            most -= len(piece)
            yield piece
        else:
            return


def _send(
    stream: Any, text: Iterable[str | bytes] | bytes, encoding: str | None, flows: bool = False
) -> None:
    """Write to a stream, and leave nothing in its buffers. Raises OSError."""
    if not hasattr(stream, "buffer"):  # it takes text, as io.StringIO does
        pieces = [text] if isinstance(text, bytes) else list(text)
        if any(isinstance(piece, bytes) for piece in pieces):
            raise OSError(errno.EINVAL, "it takes text alone")
        stream.write("".join(map(str, pieces)))
        stream.flush()
        return
    written: Iterable[bytes] = encoded(text, encoding or stream.encoding or UTF_8)
    if not flows:
        written = whole(written)
    stream.flush()
    # What is left in a buffer is tried again when the program ends, and complained of then.
    write(getattr(stream.buffer, "raw", stream.buffer), written)


def write(file: Any, pieces: Iterable[bytes]) -> None:
    """Write pieces to a file that has no buffer, to the last byte. Raises OSError."""
    for piece in pieces:
        rest = memoryview(piece)
        while rest:
            written = file.write(rest)
            if written is None:
                _wait(file, to_write=True)
            else:
                rest = rest[written:]


def _wait(file: Any, to_write: bool) -> None:
    """Wait for the other end of a stream that somebody has made one that does not wait itself."""
    import select

    select.select([] if to_write else [file], [file] if to_write else [], [])


def encoded(pieces: Iterable[str | bytes] | bytes, encoding: str) -> Iterator[bytes]:
    """Pieces of text as bytes, put together to some that are worth a write each.

    Bytes stay as they are, and so do pieces of them.
    """
    import codecs

    if isinstance(pieces, bytes):
        yield pieces
        return
    encode = codecs.getincrementalencoder(encoding)("replace").encode
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        waiting.append(piece)
        size += len(piece)
        if size >= CHUNK:
            yield encode("".join(waiting))
            waiting, size = [], 0
    yield encode("".join(waiting), True)


def whole(pieces: Iterable[bytes]) -> Iterable[bytes]:
    """The same pieces, none before the last is there: what fails on the way has said nothing."""
    rest = iter(pieces)
    waiting: list[bytes] = []
    size = 0
    for piece in rest:
        waiting.append(piece)
        size += len(piece)
        if size > _IN_MEMORY:
            return _in_a_file(chain(waiting, rest))
    return waiting


def _in_a_file(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces, out of a file that has no name. Raises ConvcalcError."""
    import tempfile

    try:
        with tempfile.TemporaryFile() as file:
            file.writelines(pieces)
            file.seek(0)
            yield from iter(partial(file.read, CHUNK), b"")
    except OSError as error:
        message = f"a long answer waits in a temporary file, which fails: {reason(error)}"
        raise fail("unwritable", message, "set TMPDIR to a folder with room, or use -o") from None
