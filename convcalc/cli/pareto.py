"""`convcalc pareto`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output, searching
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


@click.command("pareto", cls=Command, short_help="The settings than which none is better.")
@options.spec_argument
@searching.var_option
@click.option(
    "--pareto",
    "goals",
    type=options.Text(),
    metavar="GOALS",
    help="What is to be small or large: min:macs,max:params; metrics or variables.",
)
@searching.max_option
@searching.where_option
@click.option(
    "--top", type=options.Whole(1), metavar="N", help="The first N of them, best first, alone."
)
@options.network_options
@options.batch_option
@options.convention_option()
@options.dtype_option
@options.fuse_option
@options.si_option
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    spec: str,
    texts: tuple[str, ...],
    goals: str | None,
    budgets: tuple[str, ...],
    where: str | None,
    top: int | None,
    batch: int,
    convention: str,
    dtype: str | None,
    fuse: bool | None,
    si: bool,
) -> int:
    """Find the settings of a network's variables than which no other is better in every goal.

    The space is not walked, and the front is exact, however large it is: a part of a sum that is
    dominated is in no front. Each row has one setting; of those that are equal in all goals, one.
    The best in the first goal comes first. The exit status is 1 where nothing fits.

    \b
    Examples:
      convcalc pareto mobilenet_v2 --var alpha=0.25:1.4:0.05 --var resolution=96:288:32
        --pareto min:macs,max:params,max:resolution --top 10
      convcalc pareto mynet.yaml --var 'w[0..8]=8:320:8' --pareto min:macs,max:params
        --max macs=300M
    """
    from convcalc.cli import Status
    from convcalc.render.heading import heading
    from convcalc.render.pareto import report
    from convcalc.search.front import parse_goals
    from convcalc.search.pareto import pareto

    searching.require_values(texts, "pareto")
    if goals is None:
        help = "--pareto min:macs,max:params"
        raise fail("usage", "`convcalc pareto` needs goals", help)
    found_goals = parse_goals(goals)
    network = load(spec)
    within = searching.within(network, texts, budgets, where, batch, convention, dtype, fuse)
    found = pareto(within, found_goals, top)
    searching.require_heard(fuse, found.metrics)
    printer.print(report(found, heading(network, batch), si))
    return Status.DONE if found.rows else Status.CHECK_FAILED
