"""`convcalc verify`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output, progress
from convcalc.cli.command import Command

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


@click.command("verify", cls=Command, short_help="Whether PyTorch says the same, layer by layer.")
@options.specs_argument
@options.network_options
@output.output_options
@options.error_format_option
def command(load: Callable[[str], Network], printer: Printer, specs: tuple[str, ...]) -> int:
    """Build a network in PyTorch, run it, and compare every layer's shape, weights and MACs.

    The module is what `convcalc export --to pytorch` writes. It has no numbers in its weights, so
    that large networks take little memory. The exit status is 1 where something differs.

    \b
    Examples:
      convcalc verify mynet.yaml
      convcalc verify resnet50 --until conv5_x
      convcalc verify mobilenet_v2 --set alpha=0.5 --json | jq .passed
    """
    from convcalc.cli import Status
    from convcalc.render.verification import report

    found = [load(spec).verify() for spec in progress.each(specs, "verifying")]
    printer.print(report(found))
    return Status.DONE if all(each.passed for each in found) else Status.CHECK_FAILED
