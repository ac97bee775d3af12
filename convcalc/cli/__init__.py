"""The command line: one file a command, imported when it is asked for."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import click

from convcalc import __version__
from convcalc.cli import streams
from convcalc.cli.command import Group, notes
from convcalc.diagnostics import ConvcalcError, Diagnostic, fail, render
from convcalc.words import did_you_mean

#: Command to the file it is in, in the order of the help.
_COMMANDS = {
    "analyze": "analyze",
    "layer": "layer",
    "explain": "explain",
    "show": "show",
    "new": "new",
    "memory": "memory",
    "roofline": "roofline",
    "check": "check",
    "compare": "compare",
    "sweep": "sweep",
    "count": "count",
    "pareto": "pareto",
    "solve": "solve",
    "list": "listing",  # a module `list` would hide the builtin in this package
    "reconcile": "reconcile",
    "receptive-field": "receptive_field",
    "conventions": "conventions",
    "errata": "errata",
    "import": "importing",
    "export": "exporting",
    "verify": "verifying",
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


class _Lazy(Group):
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
        if args and args[0] not in _COMMANDS and (args[0] == "-" or args[0][:1] != "-"):
            self._require_spec(*args)
            args = ["analyze", *args]
        return super().resolve_command(ctx, args)

    def _require_spec(self, name: str, *others: str) -> None:
        """Refuse what is neither a command nor a spec, which is analyzed. Raises ConvcalcError.

        `others` is what stands behind it.
        """
        from convcalc import zoo

        is_file = os.path.exists(name) or os.sep in name or name.endswith(zoo.SUFFIXES)
        if name != "-" and not is_file and not zoo.has(name):
            from convcalc.cli.layer import layer_line

            known = [*_COMMANDS, *zoo.families(), *zoo.presets()]
            layer = layer_line(name, *others)
            help = f"did you mean `{layer.line}`?" if layer else ""
            help = help or did_you_mean(name, known) or "`convcalc --help` lists the commands"
            raise fail("usage", f"there is no command and no spec `{name}`", help)


def _print_version(ctx: click.Context, param: click.Parameter, is_asked: bool) -> None:
    if is_asked and not ctx.resilient_parsing:
        streams.answer([f"convcalc, version {__version__}\n"])
        ctx.exit()


@click.group(
    cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """What a convolutional network costs, and why: shapes, parameters, operations.

    \b
    Examples:
      convcalc mobilenet_v1
      convcalc new mynet.yaml
      convcalc analyze mynet.yaml --set alpha=0.5 --json
      convcalc layer conv --k 3 --s 2 --p 1 --in 128
      convcalc list
    """


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with its status.

    Nothing that belongs to the process is changed but what is printed, so that another program may
    call it, from any of its threads.
    """
    sys.exit(_run(sys.argv[1:] if args is None else list(args)))


def _run(args: list[str]) -> int:
    style = _error_style(args)
    try:
        if asked := os.environ.get("_CONVCALC_COMPLETE"):
            from convcalc.cli.completion import complete

            complete(asked, args, cli)
            return Status.DONE
        # Not `cli.main`: it has its own ways with streams that fail.
        with cli.make_context("convcalc", args) as context:
            result = cli.invoke(context)
            said = notes()
            report([*said.warnings, *(said.findings if style != "full" else ())], style)
    except click.exceptions.Exit as end:
        return end.exit_code
    except ConvcalcError as error:
        report(error.diagnostics, style, error.more)
        return Status.WRONG_REQUEST
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except click.ClickException as error:
        where = getattr(error, "ctx", None)
        help = f"`{where.command_path} --help` shows how it is used" if where else ""
        # click puts the choices of an argument on lines of their own.
        message = " ".join(error.format_message().split())
        report([Diagnostic("usage", message, help=help)], style)
        return Status.WRONG_REQUEST
    return result if isinstance(result, int) else Status.DONE


def report(found: Sequence[Diagnostic], style: str, more: int = 0) -> None:
    """Print diagnostics on standard error, if there are any, and how many `more` were found."""
    for_programs = style in ("json", "github")
    for text in render(found, style) if found else ():
        if style == "full" and streams.is_heard_on_a_screen():
            text = "\n".join(_on_screen(text))
        streams.say(text, streams.UTF_8 if for_programs else None)
    if more and style == "full":
        streams.say(f"… and {more} more")


#: The sentences of a diagnostic: its message, notes and help; other lines are the file's.
_SENTENCE = re.compile(r"(?:error|warning)\[[\w-]+\]: |\s*= (?:help: )?")


def _on_screen(text: str) -> Iterator[str]:
    """The lines of a diagnostic, sentences broken between words at the width of the screen."""
    from convcalc.render.wrapping import screen_width, wrapped

    columns = screen_width()
    for line in text.split("\n"):
        found = _SENTENCE.match(line)
        if found is None:
            yield line
        else:
            hang = 2 if line[:1].isalpha() else found.end()
            yield from wrapped(line, columns, hang, prose=True)


def _error_style(args: list[str]) -> str:
    """The value of `--error-format`, which also holds for mistakes before it is parsed."""
    # All that `validate` prints are mistakes, so its `--format` is theirs.
    options = ("--error-format", "--format") if args[:1] == ["validate"] else ("--error-format",)
    for index, arg in enumerate(args):
        if arg == "--":
            break
        name, equals, value = arg.partition("=")
        if name in options and equals:
            return _known_style(value)
        if name in options and index + 1 < len(args):
            return _known_style(args[index + 1])
    return "full"


def _known_style(style: str) -> str:
    return style if style in ("full", "concise", "github", "json") else "full"
