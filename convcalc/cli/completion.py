"""`convcalc completion`, and what its script asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from convcalc.cli import output, streams
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from click.shell_completion import ShellComplete

_SHELLS = ("bash", "zsh", "fish")
#: The variable in which a shell's script asks.
VARIABLE = "_CONVCALC_COMPLETE"


@click.command("completion", cls=Command, short_help="The script for completion in a shell.")
@click.argument("shell", type=click.Choice(_SHELLS))
def command(shell: str) -> None:
    """Print the script that completes commands, options, specs and presets in a shell.

    \b
    Examples:
      convcalc completion bash >> ~/.bashrc
      convcalc completion zsh >> ~/.zshrc
      convcalc completion fish > ~/.config/fish/completions/convcalc.fish
    """
    root = click.get_current_context().find_root().command
    output.write([_completer(shell, root).source(), "\n"], None)


def complete(asked: str, root: click.Command) -> None:
    """Print what may stand next on the line that a shell's script describes.

    Raises ConvcalcError where it describes none.
    """
    shell, _, what = asked.partition("_")
    if shell not in _SHELLS or what not in ("complete", "source"):
        raise fail("usage", f"{VARIABLE} asks for nothing known", "it is for completion scripts")
    try:
        completer = _completer(shell, root)
        text = completer.source() if what == "source" else completer.complete()
    except (KeyError, ValueError):
        raise fail("usage", f"{VARIABLE} asks, and no line is given") from None
    streams.answer([text, "\n"])


def _completer(shell: str, root: click.Command) -> ShellComplete:
    from click.shell_completion import BashComplete, get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    completer = found(root, {}, "convcalc", VARIABLE)
    if isinstance(completer, BashComplete):
        # click asks the bash on the path for its version before it prints; the script is the same.
        completer._check_version = lambda: None  # type: ignore[method-assign]
    return completer
