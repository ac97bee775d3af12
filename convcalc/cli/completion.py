"""`convcalc completion`."""

from __future__ import annotations

import click

from convcalc.cli import output


@click.command("completion", short_help="The script for completion in a shell.")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> None:
    """Print the script that completes commands, options, specs and presets in a shell.

    \b
    Examples:
      convcalc completion bash >> ~/.bashrc
      convcalc completion zsh >> ~/.zshrc
      convcalc completion fish > ~/.config/fish/completions/convcalc.fish
    """
    from click.shell_completion import BashComplete, get_completion_class

    from convcalc.cli import cli

    found = get_completion_class(shell)
    assert found is not None
    # click asks the bash on the path for its version before it prints; the script is the same.
    maker = found(cli, {}, "convcalc", "_CONVCALC_COMPLETE")
    if isinstance(maker, BashComplete):
        maker._check_version = lambda: None  # type: ignore[method-assign]
    output.write([maker.source(), "\n"], None)
