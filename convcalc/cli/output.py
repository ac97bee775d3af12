"""Where an answer goes: the options `--format` and `-o`, the terminal, files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from convcalc.diagnostics import ConvcalcError, fail

if TYPE_CHECKING:
    from convcalc.render.report import Report

    _Type = click.ParamType[str]
else:
    _Type = click.ParamType  # which takes no argument in older versions

#: Characters that are written at once.
_CHUNK = 1 << 16
#: Under which a click context has the names of files that are read.
_KEPT = "convcalc.kept"

_F = TypeVar("_F", bound=Callable[..., Any])


class FormatName(_Type):
    """The name of a format."""

    name = "format"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        from convcalc.render import formats

        return "|".join(formats.names())

    def convert(self, value: str, param: Any, ctx: Any) -> str:
        from convcalc.render import formats

        return formats.find(value).name

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        from convcalc.render import formats

        return [CompletionItem(name) for name in formats.names() if name.startswith(incomplete)]


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--format` with its short forms, and `-o`: how an answer is printed, and where.

    The command gets them as `show`, which prints a report.
    """

    @wraps(function)
    def command(format: str | None, target: str | None, **others: Any) -> Any:
        return function(show=partial(show, format, target), **others)

    options = (
        click.option(
            "--format",
            type=FormatName(),
            help="How to print it. [default: by FILE's suffix, else table]",
        ),
        *(
            click.option(
                f"--{name}", "format", flag_value=name, type=str, help=f"Short for --format {name}."
            )
            for name in ("json", "csv")
        ),
        output_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def output_option(function: _F) -> _F:
    """`-o`."""
    return click.option(
        "-o",
        "--output",
        "target",
        type=click.Path(dir_okay=False, allow_dash=True),
        metavar="FILE",
        help="Write to FILE; - is standard output.",
    )(function)


def keep(name: str) -> None:
    """Note a file that is read, which the answer must not replace."""
    click.get_current_context().meta.setdefault(_KEPT, []).append(name)


def show(format: str | None, target: str | None, report: Report) -> None:
    """Print a report in a format, or write it to a file."""
    from convcalc.render import formats

    target = None if target == "-" else target
    if format is not None:
        chosen = formats.find(format)
    else:
        chosen = formats.find(formats.DEFAULT) if target is None else formats.of_file(target)
    if chosen.name == formats.DEFAULT and target is None and report.text is None and is_terminal():
        from convcalc.render import terminal

        for table in report.tables():
            terminal.print_table(table, wants_color())
    else:
        write(chosen.render(report), target)


def write(text: Iterable[str], target: str | None) -> None:
    """Write the pieces of a result to a file, or to standard output."""
    if target is None or target == "-":
        try:
            for chunk in _chunks(text):
                sys.stdout.write(chunk)
            sys.stdout.flush()
        except BrokenPipeError:
            hush()
            raise click.exceptions.Exit(0) from None
        except OSError as error:
            hush()
            raise _unwritable("standard output", error) from None
        return
    for read in click.get_current_context().meta.get(_KEPT, ()):
        if os.path.exists(target) and os.path.exists(read) and os.path.samefile(target, read):
            help = "name another file after -o"
            raise fail("unwritable", f"{target} is what is read, and would be lost", help)
    try:
        _write_file(_chunks(text), os.path.realpath(target))
    except OSError as error:
        raise _unwritable(target, error) from None


def _write_file(chunks: Iterable[str], path: str) -> None:
    """Write a file whose old content is there until the new one is whole."""
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8", newline="\n") as device:
            device.writelines(chunks)
        return
    beside = f"{path}.{os.getpid()}.part"
    try:
        with open(beside, "x", encoding="utf-8", newline="\n") as file:
            if os.path.exists(path):
                os.chmod(beside, os.stat(path).st_mode)
            file.writelines(chunks)
        os.replace(beside, path)
    except BaseException:
        if os.path.exists(beside):
            os.remove(beside)
        raise


def _chunks(pieces: Iterable[str]) -> Iterator[str]:
    """Pieces put together to some that are worth a write each, where nothing else buffers them."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _CHUNK:
            yield "".join(waiting)
            waiting, size = [], 0
    yield "".join(waiting)


def _unwritable(name: str, error: OSError) -> ConvcalcError:
    reason = (error.strerror or "unknown reason").lower()
    return fail("unwritable", f"{name} cannot be written: {reason}")


def hush() -> None:
    """Send what is left for standard output nowhere: its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_terminal() -> bool:
    """Whether standard output is a terminal that can move a cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def wants_color() -> bool:
    """Whether colours are welcome (no-color.org)."""
    return not os.environ.get("NO_COLOR")
