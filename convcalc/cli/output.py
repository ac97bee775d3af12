"""Where an answer goes, and in which format: `--format` with its short forms, and `-o`."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from convcalc.cli import streams
from convcalc.cli.command import notes
from convcalc.diagnostics import Diagnostic, fail

if TYPE_CHECKING:
    from convcalc.render.formats.base import Format
    from convcalc.render.report import Report

    _Type = click.ParamType[str]
else:
    _Type = click.ParamType  # which takes no argument in older versions

#: Options that shape some views of an answer alone: which, and what is so of the others.
_SHAPES = {
    "si": (("tables",), "tables", "has exact numbers"),
    "columns": (("tables", "records"), "tables and CSV", "has every key"),
}

_F = TypeVar("_F", bound=Callable[..., Any])


class Printer(NamedTuple):
    """Where an answer goes, and in which format; without a target to standard output.

    `doubt` is what is said when the format had to be guessed.
    """

    format: Format
    target: str | None
    doubt: Diagnostic | None = None

    @property
    def folder(self) -> str | None:
        """The folder that the answer goes to, in files of data; None where it is one file."""
        return self.target if self.format.name == _PARQUET and _is_folder(self.target) else None

    def print(self, report: Report) -> None:
        """Print a report, or write it to the file."""
        from convcalc.render import formats

        plain = self.format.name == formats.DEFAULT
        if plain and self.target is None and report.text is None and streams.is_terminal():
            from convcalc.render import terminal

            text: Iterable[str] = terminal.drawn(report, wants_color())
        else:
            text = self.format.render(report)
        # A terminal may have another encoding than UTF-8, and what programs read may not.
        write(text, self.target, None if plain else streams.UTF_8, report.flows)
        if self.doubt is not None:
            notes().warnings.append(self.doubt)


#: The format of data alone, and what its files end in.
_PARQUET, _SUFFIX = "parquet", ".parquet"


class FormatName(_Type):
    """The name of a format; of data also Parquet."""

    name = "format"

    def __init__(self, is_data: bool = False) -> None:
        self.is_data = is_data

    def _names(self) -> tuple[str, ...]:
        from convcalc.render import formats

        return (*formats.names(), *([_PARQUET] if self.is_data else []))

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "|".join(self._names())

    def convert(self, value: str, param: Any, ctx: Any) -> str:
        from convcalc.render import formats

        return value if self.is_data and value == _PARQUET else formats.find(value).name

    def shell_complete(self, ctx: Any, param: Any, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in self._names() if name.startswith(incomplete)]


def output_options(function: Callable[..., Any], is_data: bool = False) -> Callable[..., Any]:
    """`--format` with its short forms, and `-o`: how an answer is printed, and where.

    The command gets it as `printer`. Options of the command that the format would leave out are
    refused. With `is_data` there is Parquet, too.
    """

    @wraps(function)
    def command(format: str | None, target: str | None, **others: Any) -> Any:
        from convcalc.render import formats

        by_name = target is not None and (target.lower().endswith(_SUFFIX) or _is_folder(target))
        if is_data and (format == _PARQUET or (format is None and by_name)):
            chosen = _parquet(target)
        elif format is not None:
            chosen = formats.find(format)
        else:
            chosen = formats.find(formats.DEFAULT) if target is None else formats.of_file(target)
        for option, (views, shaped, otherwise) in _SHAPES.items():
            if others.get(option) and chosen.view not in views:
                message = f"`--{option}` is for {shaped}, and {chosen.name} {otherwise}"
                raise fail("usage", message, f"leave `--{option}` out, or the format")
        doubt = _doubt(chosen, target) if format is None and target is not None else None
        return function(printer=Printer(chosen, target, doubt), **others)

    options = (
        click.option(
            "--format",
            type=FormatName(is_data),
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


def _is_folder(target: str | None) -> bool:
    """Whether a folder is named after -o: one that is there, or that is to be."""
    return target is not None and (target.endswith(("/", os.sep)) or os.path.isdir(target))


def data_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same of a command whose rows are data."""
    return output_options(function, is_data=True)


def _parquet(target: str | None) -> Format:
    """The format of data. Raises ConvcalcError for a terminal, and where pyarrow is not there."""
    from convcalc.extras import require
    from convcalc.render.parquet import FORMAT

    if target is None and streams.is_terminal():
        raise fail("usage", "parquet is binary, nothing for a terminal", "name a file after -o")
    require("pyarrow", _PARQUET, "writing Parquet")
    return FORMAT


def _doubt(format: Format, target: str) -> Diagnostic | None:
    """What is said of a file whose suffix is no format's."""
    suffix = os.path.splitext(target)[1]
    if not suffix or suffix.lower() in format.suffixes:
        return None
    message = f"`{suffix}` is no format's suffix, so {target} is a {format.name}"
    help = "--format says which format a file has"
    return Diagnostic("unknown-suffix", message, help=help, severity="warning")


def output_option(function: _F) -> _F:
    """`-o`; a name of standard output is None."""
    return click.option(
        "-o",
        "--output",
        "target",
        type=click.Path(allow_dash=True),
        metavar="FILE",
        callback=_target,
        help="Write to FILE; - is standard output.",
    )(function)


def _target(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is None or value == "-":
        return None
    if not value:
        raise click.BadParameter("it is empty; leave the option out instead", ctx, param)
    from convcalc.cli.files import stream_of

    return None if stream_of(value) == 1 else value


def write(
    text: Iterable[str | bytes] | bytes,
    target: str | None,
    encoding: str | None = streams.UTF_8,
    flows: bool = False,
) -> None:
    """Write the pieces of a result, or bytes, to a file, or to standard output.

    The encoding is that of standard output; None is the stream's own. What `flows` goes there as it
    comes. Raises ConvcalcError.
    """
    _refuse_what_is_read(target)
    if target is None:
        streams.answer(text, encoding, flows)
    else:
        from convcalc.cli.files import write_file

        write_file(text, target)


def require_other(target: str, *others: str | None) -> None:
    """Refuse a file beside the answer that cannot be written, before anything is worked out: one in
    no folder, one that is read, or one of the `others`. Raises ConvcalcError.
    """
    _refuse_what_is_read(target)
    if not os.path.isdir(os.path.dirname(target) or "."):
        raise streams.unwritable(target, "there is no such folder")
    if os.path.realpath(target) in [os.path.realpath(each) for each in others if each]:
        raise streams.unwritable(target, "it is to have the answer, too", "name two files")


def _refuse_what_is_read(target: str | None) -> None:
    """Refuse to write to a file that is read, under whatever name. Raises ConvcalcError."""
    names = notes().read
    written = _file(1 if target is None else target) if names else None
    for read in names:
        if written is not None and (found := _file(read)) and os.path.samestat(found, written):
            name = "standard output" if target is None else target
            help = "name another file after -o"
            raise fail("unwritable", f"{name} is what is read, and would be lost", help)


def _file(name: str | int) -> os.stat_result | None:
    """Which file a name or the number of a stream stands for; None for what is no regular one."""
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def wants_color() -> bool:
    """Whether colours are welcome (no-color.org)."""
    return not os.environ.get("NO_COLOR")
