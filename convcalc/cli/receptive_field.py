"""`convcalc receptive-field`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output, progress
from convcalc.cli.command import Command
from convcalc.diagnostics import fail
from convcalc.words import quoted

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


@click.command(
    "receptive-field", cls=Command, short_help="How much of the input a cell of each layer sees."
)
@options.specs_argument
@click.option(
    "--layer",
    type=options.Text(),
    metavar="LAYER",
    shell_complete=options.layers,
    help="How that of one layer or block comes about, step by step, and exactly which cells it is.",
)
@click.option(
    "--from",
    "since",
    type=options.Text(),
    metavar="LAYER",
    shell_complete=options.layers,
    help="What is seen of a layer's output, or of one input, instead of the input.",
)
@options.depth_option
@options.network_options
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    specs: tuple[str, ...],
    layer: str | None,
    since: str | None,
    depth: int | None,
) -> None:
    """Print how much of the input a cell of each layer sees, on each axis.

    Below the table stands what its words mean. With --depth a block's row is that of its last
    layer.

    \b
    Examples:
      convcalc receptive-field resnet50
      convcalc receptive-field resnet50 --depth 1
      convcalc receptive-field resnet50 --layer conv3_x
      convcalc receptive-field vgg16 --from stage_3 --until stage_5
      convcalc receptive-field mobilenet_v2 --input 192 --json
    """
    from convcalc.receptive_field import ReceptiveFields
    from convcalc.render.receptive_field import Found, explained, folded, report

    if layer is not None and depth is not None:
        message = "`--depth` folds the rows of a list, and `--layer` explains a single layer"
        raise fail("usage", message, "leave one of them out")
    if layer is not None:
        if len(specs) > 1:
            message = "`--layer` explains a layer of one network, and there are several"
            raise fail("usage", message, "name one SPEC")
        network = load(specs[0])
        way = network.receptive_field_of(layer, since)
        found = Found(network, ReceptiveFields((way.field,)), since)
        printer.print(explained(way, found))
        return
    every = []
    for spec in progress.each(specs, "looking back"):
        network = load(spec)
        found = Found(network, network.receptive_field(since), since)
        if not found.fields and since is not None:
            message = f"no layer sees anything of {quoted(since)}"
            raise fail("sees-nothing", message, "name a layer that others read")
        every.append(found if depth is None else folded(found, depth))
    printer.print(report(every))
