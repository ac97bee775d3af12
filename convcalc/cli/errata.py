"""`convcalc errata`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command

if TYPE_CHECKING:
    from convcalc.cli.output import Printer


@click.command("errata", cls=Command, short_help="Published figures that are wrong.")
@click.argument("name", required=False, shell_complete=candidates.specs)
@output.output_options
@options.error_format_option
def command(printer: Printer, name: str | None) -> None:
    """List published figures that are wrong: what is right, why, and what shows it.

    With NAME, those of one network, or of a family of them.

    \b
    Examples:
      convcalc errata
      convcalc errata mobilenet_v1
      convcalc errata --json | jq '.errata[].command'
    """
    from convcalc import errata
    from convcalc.render.errata import report

    printer.print(report(errata.known() if name is None else errata.of(name), name))
