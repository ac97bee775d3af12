"""`convcalc analyze`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.render.report import Report


@click.command("analyze", short_help="Shapes, parameters and operations of networks.")
@click.argument(
    "specs", metavar="SPEC...", nargs=-1, required=True, shell_complete=options.complete_spec
)
@options.network_options
@options.batch_option
@options.convention_option(also=", or `all`")
@click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="Fold blocks deeper than N levels."
)
@click.option(
    "--group-by",
    type=click.Choice(("type", "kind", "block")),
    help="The share of each instead of layers.",
)
@click.option("--sort", metavar="COLUMN", help="Order the layers by a column, the largest first.")
@click.option(
    "--columns", metavar="A,B,…", help="Which columns a table or CSV has: name,output_shape,params."
)
@options.dtype_option
@options.si_option
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    show: Callable[[Report], None],
    specs: tuple[str, ...],
    batch: int,
    convention: str,
    dtype: str,
    depth: int | None,
    group_by: str | None,
    sort: str | None,
    columns: str | None,
    si: bool,
) -> None:
    """Print what each layer of a network costs, and the totals.

    SPEC is a file, - for standard input, or the name of a spec or preset that comes with convcalc
    (`convcalc list`).

    \b
    Examples:
      convcalc analyze mobilenet_v1
      convcalc analyze mobilenet_v1 --set alpha=0.5 --input 3x192x192
      convcalc analyze resnet50 --depth 1 --si
      convcalc analyze mobilenet_v1 --group-by kind
      convcalc analyze lenet --convention paddle --columns name,output_shape,params,flops
      convcalc analyze mobilenet_v2 --convention all --columns name,ptflops,fvcore,thop
      convcalc analyze mobilenet_v2 --json | jq .totals.macs
      convcalc analyze mobilenet_v2 --dtype int8 --columns name,weight_bytes,activation_bytes
      convcalc analyze resnet18 resnet34 -o resnets.csv
    """
    if group_by and convention == "all":
        raise click.UsageError("--convention all lists layers; --group-by takes one convention")
    from convcalc.render import analysis as render
    from convcalc.render.columns import require

    require(columns, sort, convention)
    analyses = []
    for spec in specs:
        analysis = load(spec).analyze(convention, batch, dtype)
        analyses.append(analysis.folded(depth) if depth else analysis)
    if group_by:
        show(render.shares(analyses, group_by, columns, sort, si))
    else:
        show(render.layers(analyses, columns, sort, si))
