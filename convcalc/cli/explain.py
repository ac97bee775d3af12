"""`convcalc explain`: one layer of a network, explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


def _layers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """The layers and groups of the network that the line has so far. Raises ConvcalcError."""
    from convcalc import api

    limits = options.limits_of(ctx.params["limits"] or ())
    found = candidates.found_spec(ctx.params["spec"], limits.bytes)
    if found is None:
        return []
    network = api.loads(
        found.data,
        found.name,
        found.preset_or(ctx.params["preset"]),
        limits=limits,
        variables=options.parse_settings(ctx.params["settings"] or ()),
    )
    paths = ([*(group.name for group in node.groups)] for node in network.nodes)
    groups = (".".join(path[: depth + 1]) for path in paths for depth in range(len(path)))
    names = (*groups, *(node.name for node in network.nodes))
    return candidates.parts_of_path(names, incomplete)


@click.command(
    "explain", cls=Command, short_help="One layer of a network, with the formula of each figure."
)
@options.spec_argument
@click.argument("layer", metavar="LAYER", required=False, shell_complete=_layers)
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
