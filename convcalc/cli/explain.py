"""`convcalc explain`: one layer of a network, explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


@click.command(
    "explain", cls=Command, short_help="One layer of a network, with the formula of each figure."
)
@options.spec_argument
@click.argument("layer", metavar="LAYER", required=False, shell_complete=options.layers)
@options.network_options
@options.batch_option
@options.convention_option()
@options.si_option
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    spec: str,
    layer: str | None,
    batch: int,
    convention: str,
    si: bool,
) -> None:
    """Print why a layer of a network costs what it costs: the formula of each figure.

    SPEC is as in `convcalc analyze`, and LAYER what that calls the layer, or the end of its name
    where no other ends so. A block is explained as its layers with their sum.

    \b
    Examples:
      convcalc explain mobilenet_v2 inverted_residual_2.conv_bn_1.conv
      convcalc explain mobilenet_v2 inverted_residual_2 --batch 8
      convcalc explain lenet conv_2 --convention thop --json
    """
    from convcalc.render.explanation import report

    if layer is None:
        message = "`convcalc explain` needs a layer of the network"
        raise fail("usage", message, f"`convcalc analyze {spec}` names them")
    printer.print(report(load(spec).explain(layer, convention, batch), si))
