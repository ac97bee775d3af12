"""`convcalc reconcile`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output
from convcalc.cli.command import Command

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


@click.command("reconcile", cls=Command, short_help="Every tool's number, and why they differ.")
@options.spec_argument
@click.option(
    "--reported",
    metavar="FIGURE",
    help="What this figure is: 314.2M, 0.6 GFLOPs, 3.8 × 10^9, 568,740,352, 3.5M params.",
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

    With --reported, say what a published figure may be, the likeliest first: MACs or FLOPs, which
    tool's, of which network, at which input, or its parameters. Figures are read as they are
    printed, rounded or cut. Ends with status 1 where none gives it.

    \b
    Examples:
      convcalc reconcile mobilenet_v2
      convcalc reconcile mobilenet_v2 --reported 314.2M
      convcalc reconcile resnet50 --reported "3.8 × 10^9"
      convcalc reconcile mynet.yaml --json
    """
    from convcalc.cli import Status
    from convcalc.render import reconciliation as render
    from convcalc.reported import parse_reported

    if reported is not None:
        parse_reported(reported)  # a mistake is told before the network is counted
    network = load(spec)
    reply = network.reported(reported) if reported is not None else None
    found = reply.found if reply else network.reconcile()
    printer.print(render.report(found, reply))
    return Status.DONE if reply is None or reply.matches else Status.CHECK_FAILED
