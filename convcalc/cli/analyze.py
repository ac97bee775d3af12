"""`convcalc analyze`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from convcalc.cli import options

if TYPE_CHECKING:
    from convcalc.analysis import Analysis
    from convcalc.graph import Graph


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
@options.si_option
@options.output_options(*options.FORMATS)
@options.error_format_option
def command(
    load: Callable[[str], Graph],
    specs: tuple[str, ...],
    batch: int,
    convention: str,
    depth: int | None,
    group_by: str | None,
    sort: str | None,
    columns: str | None,
    si: bool,
    format: str,
    target: str | None,
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
      convcalc analyze resnet18 resnet34 --csv -o resnets.csv
    """
    if group_by and convention == "all":
        raise click.UsageError("--convention all lists layers; --group-by takes one convention")
    analyses = []
    for spec in specs:
        analysis = load(spec).analyze(convention, batch)
        analyses.append(analysis.folded(depth) if depth else analysis)
    _check_columns(columns, sort, convention)
    if format == "json":
        _write_json(analyses, group_by, sort, target)
    elif format == "csv":
        _write_csv(analyses, group_by, columns, sort, target)
    else:
        _write_tables(analyses, group_by, columns, sort, si, format, target)


def _check_columns(columns: str | None, sort: str | None, convention: str) -> None:
    if columns or sort:
        from convcalc.diagnostics import fail
        from convcalc.render import columns as known

        asked = [*known.chosen(columns, ()), *([known.find(sort)] if sort else [])]
        for column in asked:
            if column.key not in known.COLUMNS and convention != "all":
                raise fail(
                    "unknown-column",
                    f"`{column.key}` is a column of `--convention all` alone",
                    f"`--convention {column.key}` counts FLOPs so",
                )


def _write_json(
    analyses: list[Analysis], by: str | None, sort: str | None, target: str | None
) -> None:
    from convcalc.render import json

    objects: list[dict[str, Any]] = [
        json.shares_object(each, each.shares(by), by) if by else json.analysis_object(each, sort)
        for each in analyses
    ]
    options.write(json.render(objects), target)


def _write_csv(
    analyses: list[Analysis],
    by: str | None,
    columns: str | None,
    sort: str | None,
    target: str | None,
) -> None:
    from convcalc.render import csv

    if by:
        options.write(csv.render_shares([(each, each.shares(by)) for each in analyses], by), target)
    else:
        options.write(csv.render(analyses, columns, sort), target)


def _write_tables(
    analyses: list[Analysis],
    by: str | None,
    columns: str | None,
    sort: str | None,
    si: bool,
    format: str,
    target: str | None,
) -> None:
    from convcalc.render import table
    from convcalc.render.columns import TABLE, chosen, defaults, legend

    tables = [
        table.of_shares(each, each.shares(by), by, si, legend(each))
        if by
        else table.of_analysis(each, chosen(columns, defaults(TABLE, each)), sort, si, legend(each))
        for each in analyses
    ]
    if format == "table" and target is None and options.is_terminal():
        from convcalc.render import terminal

        for each in tables:
            terminal.print_table(each, options.wants_color())
        return
    if format == "markdown":
        from convcalc.render.markdown import render
    elif format == "latex":
        from convcalc.render.latex import render
    else:
        from convcalc.render.plain import render
    options.write("\n".join(map(render, tables)), target)
