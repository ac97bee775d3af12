"""`convcalc conventions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output

if TYPE_CHECKING:
    from convcalc.render.report import Report


@click.command("conventions", short_help="The ways to count operations.")
@click.argument("name", required=False, shell_complete=options.complete_convention)
@output.output_options
@options.error_format_option
def command(show: Callable[[Report], None], name: str | None) -> None:
    """List the ways to count operations, or print the rules of one.

    \b
    Examples:
      convcalc conventions
      convcalc conventions thop
      convcalc conventions ptflops --json
    """
    from convcalc import conventions
    from convcalc.render import conventions as render

    if name is not None:
        show(render.report_rules(conventions.find(name)))
    else:
        show(render.report_list([conventions.find(each) for each in conventions.names()]))
