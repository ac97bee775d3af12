"""`convcalc explain`: one layer of a network, explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.render.report import Report


@click.command("explain", short_help="One layer of a network, with the formula of each figure.")
@click.argument("spec", metavar="SPEC", shell_complete=options.complete_spec)
@click.argument("layer", metavar="LAYER")
@options.network_options
@options.batch_option
@options.convention_option()
@options.si_option
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    show: Callable[[Report], None],
    spec: str,
    layer: str,
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

    show(report(load(spec).explain(layer, convention, batch), si))
