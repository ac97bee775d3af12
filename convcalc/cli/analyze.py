"""`convcalc analyze`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from convcalc.cli import candidates, options, output, progress
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.api import Network
    from convcalc.cli.output import Printer
    from convcalc.render.formats.base import Format


def _columns() -> Mapping[str, Any]:
    """The columns that there are, by key."""
    from convcalc.render.columns import known

    return known()


@click.command("analyze", cls=Command, short_help="Shapes, parameters and operations of networks.")
@options.specs_argument
@options.network_options
@options.batch_option
@options.convention_option(also="all")
@options.depth_option
@click.option(
    "--group-by",
    type=click.Choice(("type", "kind", "block")),
    help="The share of each instead of layers.",
)
@options.sort_option("layers", _columns)
@options.top_option
@click.option(
    "--columns",
    type=options.Text(),
    metavar="A,B,…",
    shell_complete=candidates.columns(_columns),
    help="Which columns a table or CSV has: name,output_shape,params.",
)
@options.dtype_option
@options.fuse_option
@options.si_option
@options.strict_option
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    specs: tuple[str, ...],
    batch: int,
    convention: str,
    dtype: str | None,
    fuse: bool | None,
    depth: int | None,
    group_by: str | None,
    sort: str | None,
    top: int | None,
    columns: str | None,
    si: bool,
    strict: bool,
) -> int:
    """Print what each layer of a network costs, and the totals.

    SPEC is a file, - for standard input, or the name of a spec or preset that comes with convcalc
    (`convcalc list`); or an ONNX file, whose weights are not read.

    \b
    Examples:
      convcalc analyze mobilenet_v1
      convcalc analyze mobilenet_v1 --set alpha=0.5 --input 192
      convcalc analyze resnet50 --depth 1 --si
      convcalc analyze mobilenet_v1 --group-by kind
      convcalc analyze resnet50 --top 10 --columns name,kernel,stride,macs,macs%
      convcalc analyze lenet --convention paddle --columns name,params,flops
      convcalc analyze mobilenet_v2 --convention all --columns ptflops,fvcore
      convcalc analyze mobilenet_v2 --json | jq .totals.macs
      convcalc analyze mobilenet_v2 --dtype int8 --columns name,weight_bytes
      convcalc analyze resnet18 resnet34 -o resnets.csv
      convcalc analyze model.onnx --strict
    """
    if group_by and convention == "all":
        raise click.UsageError("--convention all lists layers; --group-by takes one convention")
    from convcalc.cli import Status
    from convcalc.render import analysis as render
    from convcalc.render.columns import figures_of, require

    require(columns, sort, convention)
    if fuse is not None and printer.format.view == "tables":
        _require_steps(columns)
    figures = figures_of(columns, sort)
    analyses = []
    for spec in progress.each(specs, "analyzing"):
        analysis = load(spec).analyze(convention, batch, dtype or "float32", fuse, figures)
        analyses.append(analysis.folded(depth) if depth else analysis)
    if dtype is not None and printer.format.view != "objects":
        columns = _with_bytes(columns, analyses[0], printer.format, group_by is not None)
    if group_by:
        printer.print(render.shares(analyses, group_by, columns, sort, si, top))
    else:
        printer.print(render.layers(analyses, columns, sort, si, depth, top))
    is_known = not any(analysis.totals["unknown"] for analysis in analyses)
    return Status.DONE if is_known or not strict else Status.CHECK_FAILED


def _require_steps(columns: str | None) -> None:
    """Refuse columns of which none goes by what is fused. Raises ConvcalcError."""
    from convcalc.render.columns import chosen, of_steps

    if of_steps().isdisjoint(column.base for column in chosen(columns, ())):
        message = "`--fuse` is about what is in memory as a network runs, and no column is"
        raise fail("usage", message, "add live_bytes or moved_bytes to --columns")


def _with_bytes(
    columns: str | None, analysis: Analysis, format: Format, is_grouped: bool
) -> str | None:
    """The columns where a type of number is asked for: bytes are among them, or can be.

    Raises ConvcalcError for chosen ones that are none of bytes.
    """
    from convcalc.passes.bytes import Bytes
    from convcalc.render.columns import SUMMED, TABLE, chosen, defaults, of_dtype, with_rare

    added = [figure.key for figure in Bytes.figures if figure.numeric]
    if columns is not None:
        if of_dtype().isdisjoint(column.base for column in chosen(columns, ())):
            message = "`--dtype` is the type that bytes are of, and no column has bytes"
            raise fail("usage", message, f"add {' or '.join(added)} to --columns")
        return columns
    if format.view == "records":
        return None  # which has every figure
    keys = SUMMED if is_grouped else defaults(TABLE, analysis)
    return ",".join([*with_rare(keys, analysis), *added])
