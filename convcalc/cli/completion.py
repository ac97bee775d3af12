"""`convcalc completion`, and what its scripts ask.

The scripts in `shells/` are convcalc's own, for click's leave out what is needed here: names beside
files, words that more follows, lists with commas, and a bash that breaks words at `=`. A script
runs the program with the name of its shell in `VARIABLE` and the words up to the cursor as
arguments, and gets a line for each candidate: its kind, the word, and what it is, with tabs
between.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, output, streams
from convcalc.cli.command import Command
from convcalc.diagnostics import ConvcalcError, fail

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_SHELLS = ("bash", "zsh", "fish")
#: The variable in which a shell's script asks.
VARIABLE = "_CONVCALC_COMPLETE"
#: What no shell reads as anything but itself, wherever it stands in a word.
_PLAIN = re.compile(r"[\w%+,./:=@-]*")
#: Characters that bash ends words at, and that are gone when a line is words.
_QUOTES = " \t\n\"'"


@click.command("completion", cls=Command, short_help="The script for completion in a shell.")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the script that completes in a shell whatever convcalc has a name for.

    It knows commands and options, specs and presets, columns in a list with commas, the variables
    and layers of the spec on the line, conventions, formats, layer types and the words that their
    fields take.

    It is for bash 3.2 or newer (4.0 for no space after `alpha=`), zsh 5 and fish 3.1.

    \b
    Examples:
      convcalc completion bash >> ~/.bashrc
      convcalc completion zsh >> ~/.zshrc
      convcalc completion fish > ~/.config/fish/completions/convcalc.fish
    """
    path = os.path.join(os.path.dirname(__file__), "shells", f"convcalc.{shell}")
    with open(path, encoding="utf-8") as file:
        output.write([file.read()], None)


def complete(shell: str, args: Sequence[str], root: click.Command) -> None:
    """Print what may stand at the end of a line, for the script of a shell.

    `args` are the words of the line up to the cursor without the program's, the last one unfinished
    or empty; bash gives the whole line as one. Where the line is wrong before its end, that is
    nothing. Raises ConvcalcError for what is no shell.
    """
    if shell not in _SHELLS:
        help = "`convcalc completion bash` prints the script that this version answers"
        raise fail("usage", f"{VARIABLE} is for completion scripts, and names no shell", help)
    line = _words_of("".join(args))[1:] if shell == "bash" else args
    *words, incomplete = line or [""]
    begun = _inserted_from(incomplete) if shell == "bash" else 0
    try:
        found = _candidates(root, words, incomplete)
    except (ConvcalcError, click.ClickException):
        return
    streams.answer(
        [
            f"{item.type}\t{item.value[begun:]}\t{' '.join((item.help or '').split())}\n"
            for item in found
            if item.type in candidates.FILES or _PLAIN.fullmatch(item.value)
        ],
        streams.UTF_8,
    )


def _words_of(line: str) -> list[str]:
    """The words of a line; the last one is what the cursor stands behind, and may be empty."""
    from click.shell_completion import split_arg_string

    *words, last = split_arg_string(f"{line}|")  # a mark that keeps an empty word
    return [*words, last[:-1]]


def _inserted_from(word: str) -> int:
    """Where in a word bash begins to insert: behind the last character that breaks words."""
    breaks = os.environ.get("COMP_WORDBREAKS", "")
    return 1 + max((word.rfind(mark) for mark in breaks if mark not in _QUOTES), default=-1)


def _candidates(
    root: click.Command, words: Sequence[str], incomplete: str
) -> Sequence[CompletionItem]:
    """What may stand where a word is begun behind others.

    click would find no value behind `=`, and forgets the arguments before an option whose value is
    asked for. Raises ConvcalcError and ClickException.
    """
    context = click.Context(root, info_name="convcalc", resilient_parsing=True)
    rest = list(words)
    while isinstance(group := context.command, click.Group):
        if not rest or rest[0].startswith("-"):
            return group.shell_complete(context, incomplete)
        name, command, rest = group.resolve_command(context, rest)
        assert command is not None
        context = click.Context(command, context, info_name=name, resilient_parsing=True)
    option = _unfinished(context, rest)
    if option is not None:
        return option.shell_complete(_parsed(context, rest[:-1]), incomplete)
    context = _parsed(context, rest)
    if incomplete.startswith("-") and "--" not in rest:
        name, equals, value = incomplete.partition("=")
        option = _taking_values(context).get(name)
        if not equals or option is None:
            return context.command.shell_complete(context, incomplete)
        found = option.shell_complete(context, value)
        for item in found:
            item.value = f"{name}={item.value}"
        return found
    for argument in context.command.params:
        is_open = argument.nargs == -1 or context.params.get(argument.name or "") is None
        if isinstance(argument, click.Argument) and is_open:
            return argument.shell_complete(context, incomplete)
    return []


def _parsed(context: click.Context, words: Sequence[str]) -> click.Context:
    """The context of a command with the values that are on the line."""
    return context.command.make_context(
        context.info_name, list(words), context.parent, resilient_parsing=True
    )


def _unfinished(context: click.Context, words: Sequence[str]) -> click.Option | None:
    """The option that is the last word, and whose value comes next."""
    options = _taking_values(context)
    waiting = None
    for word in words:
        if word == "--" and waiting is None:
            return None
        waiting = options.get(word) if waiting is None else None
    return waiting


def _taking_values(context: click.Context) -> dict[str, click.Option]:
    """The options of a command that have a value behind them, under each of their names."""
    return {
        name: param
        for param in context.command.get_params(context)
        if isinstance(param, click.Option) and not (param.is_flag or param.count)
        for name in param.opts
    }
