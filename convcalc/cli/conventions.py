"""`convcalc conventions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command

if TYPE_CHECKING:
    from convcalc.cli.output import Printer


@click.command("conventions", cls=Command, short_help="The ways to count operations.")
@click.argument("name", required=False, shell_complete=candidates.conventions())
@output.output_options
@options.error_format_option
def command(printer: Printer, name: str | None) -> None:
    """List the ways to count operations, or print the rules of one.

    \b
    Examples:
      convcalc conventions
      convcalc conventions thop
      convcalc conventions thop@0.0.31
      convcalc conventions ptflops --json
    """
    from convcalc import conventions
    from convcalc.render import conventions as render

    if name is not None:
        printer.print(render.report_rules(conventions.find(name)))
    else:
        printer.print(render.report_list(conventions.every()))
