"""`convcalc reconcile`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


@click.command("reconcile", cls=Command, short_help="Every tool's number, and why they differ.")
@click.argument("spec", metavar="SPEC", shell_complete=candidates.specs)
@click.option(
    "--reported",
    metavar="FIGURE",
    help="Which conventions give this figure: 314.2M, 0.6G, 4.1e9, 568,740,352.",
)
@options.network_options
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    spec: str,
    reported: str | None,
) -> int:
    """Print a network's total under every convention, and the bridge from its MACs to each.

    With --reported, name the conventions that give a figure, within its printed precision, as it
    is, doubled or halved. Ends with status 1 where there is none.

    \b
    Examples:
      convcalc reconcile mobilenet_v2
      convcalc reconcile mobilenet_v2 --reported 314.2M
      convcalc reconcile resnet50 --reported 4.1e9
      convcalc reconcile mynet.yaml --json
    """
    from convcalc.cli import Status
    from convcalc.reconcile import answer, parse_reported
    from convcalc.render import reconciliation as render

    figure = parse_reported(reported) if reported is not None else None
    found = load(spec).reconcile()
    reply = answer(found, figure) if figure else None
    printer.print(render.report(found, reply))
    return Status.DONE if reply is None or reply.matches else Status.CHECK_FAILED
