"""`convcalc list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command

if TYPE_CHECKING:
    from convcalc.cli.output import Printer


@click.command("list", cls=Command, short_help="The networks that come with convcalc.")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=candidates.specs)
@options.si_option
@output.output_options
@options.error_format_option
def command(printer: Printer, names: tuple[str, ...], si: bool) -> None:
    """Name the specs and presets that come with convcalc, with their parameters and MACs.

    With NAMEs, those families alone.

    \b
    Examples:
      convcalc list
      convcalc list resnet mobilenet_v2 --si
      convcalc list --json | jq '.networks[] | select(.macs < 1000000000) | .name'
    """
    from convcalc import zoo
    from convcalc.diagnostics import fail
    from convcalc.render.networks import report
    from convcalc.words import did_you_mean

    for name in names:
        if name not in zoo.families():
            help = did_you_mean(name, zoo.families())
            raise fail("no-such-spec", f"the zoo has no family `{name}`", help)
    wanted = names or zoo.families()
    found = [each for family in wanted for each in zoo.index() if each["family"] == family]
    printer.print(report(found, si))
