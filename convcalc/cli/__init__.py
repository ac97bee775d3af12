"""The command line: one file a command, imported when it is asked for."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from convcalc import __version__
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail, render
from convcalc.words import did_you_mean

#: Command to the file it is in, in the order of the help.
_COMMANDS = {
    "analyze": "analyze",
    "layer": "layer",
    "explain": "explain",
    "list": "listing",  # a module `list` would hide the builtin in this package
    "reconcile": "reconcile",
    "conventions": "conventions",
    "validate": "validate",
    "schema": "schema",
    "completion": "completion",
}


class Status:
    """What the program ends with."""

    DONE = 0
    CHECK_FAILED = 1
    WRONG_REQUEST = 2
    INTERRUPTED = 130


class _Lazy(click.Group):
    """A group that imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f"convcalc.cli.{_COMMANDS[name]}")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            name = args[0]
            help = did_you_mean(name, _COMMANDS)
            if not help and (os.path.exists(name) or name.endswith((".yaml", ".yml"))):
                help = f"did you mean `convcalc analyze {name}`?"
            help = help or "`convcalc --help` lists the commands"
            raise fail("usage", f"there is no command `{name}`", help)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="convcalc")
def cli() -> None:
    """What a convolutional network costs, and why: shapes, parameters, operations.

    \b
    Examples:
      convcalc analyze mobilenet_v1
      convcalc analyze mynet.yaml --set alpha=0.5 --json
      convcalc layer conv --k 3 --s 2 --p 1 --in 128
      convcalc list
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
        if encoding != "utf8" and hasattr(stream, "reconfigure"):
            # A terminal that has no × shows a question mark, and not a traceback.
            stream.reconfigure(errors="replace")
    # A run makes many small values, none of them in a cycle, and ends: looking for cycles is a
    # fifth of the time that a long network takes.
    gc.disable()
    try:
        status = _run(sys.argv[1:] if args is None else args)
    finally:
        gc.enable()
    sys.exit(status)


def _run(args: Sequence[str]) -> int:
    style = _error_style(list(args))
    try:
        result = cli.main(list(args), prog_name="convcalc", standalone_mode=False)
        sys.stdout.flush()
    except ConvcalcError as error:
        report(error, style)
        return Status.WRONG_REQUEST
    except (click.exceptions.Abort, KeyboardInterrupt):
        return Status.INTERRUPTED
    except getattr(click.exceptions, "NoArgsIsHelpError", ()) as error:
        error.show()
        return Status.WRONG_REQUEST
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        help = f"`{context.command_path} --help` shows how it is used" if context else ""
        # click puts the choices of an argument on lines of their own.
        message = " ".join(error.format_message().split())
        report(ConvcalcError([Diagnostic("usage", message, help=help)]), style)
        return Status.WRONG_REQUEST
    except BrokenPipeError:
        from convcalc.cli.output import hush

        hush()
        return Status.DONE
    return result if isinstance(result, int) else Status.DONE


def report(error: ConvcalcError, style: str) -> None:
    """Print the diagnostics of an error on standard error."""
    for text in render(error.diagnostics, style):
        click.echo(text, err=True)
    if error.more and style == "full":
        click.echo(f"… and {error.more} more", err=True)


def _error_style(args: list[str]) -> str:
    """The value of `--error-format`, which also holds for mistakes before it is parsed."""
    # All that `validate` prints are mistakes, so its `--format` is theirs.
    options = ("--error-format", "--format") if args[:1] == ["validate"] else ("--error-format",)
    for index, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if name in options and equals:
            return _known_style(value)
        if name in options and index + 1 < len(args):
            return _known_style(args[index + 1])
    return "full"


def _known_style(style: str) -> str:
    return style if style in ("full", "concise", "github", "json") else "full"
