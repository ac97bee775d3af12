"""`convcalc count`."""

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


@click.command("count", cls=Command, short_help="How many settings are within budgets.")
@options.spec_argument
@searching.var_option
@searching.max_option
@searching.where_option
@click.option(
    "--sample",
    type=options.Whole(1),
    metavar="N",
    help="Draw N of them at random, each as likely as any other.",
)
@click.option(
    "--seed",
    type=options.Whole(0),
    metavar="N",
    help="What the random numbers begin with: the same seed draws the same settings. [default: 0]",
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
    budgets: tuple[str, ...],
    where: str | None,
    sample: int | None,
    seed: int | None,
    batch: int,
    convention: str,
    dtype: str | None,
    fuse: bool | None,
    si: bool,
) -> int:
    """Count the settings of a network's variables that are within budgets, without walking them.

    The number is exact, however many there are: a figure is a sum of tables of few variables, and
    one variable after the other is eliminated. Settings are counted, not distinct networks; those
    that are no network are counted apart.

    --where compares figures with numbers, and variables with anything: 'macs <= 300M and params >=
    1M'. Where a figure is no sum of small tables, that is said, and `convcalc sweep` walks a
    smaller space. The exit status is 1 where nothing fits.

    \b
    Examples:
      convcalc count mobilenet_v2 --var alpha=0.25:1.4:0.01 --var resolution=96:288:32
        --max macs=300M --max params=3M
      convcalc count mynet.yaml --var 'w[0..8]=8:320:8' --max macs=300M
      convcalc count mynet.yaml --var 'w[0..8]=8:320:8' --max macs=300M --sample 100 --seed 1
    """
    from convcalc.cli import Status
    from convcalc.render.counting import report
    from convcalc.render.heading import heading
    from convcalc.search import counting

    searching.require_values(texts, "count")
    if seed is not None and sample is None:
        raise fail("usage", "`--seed` is about a sample, and none is drawn", "--sample 100")
    network = load(spec)
    within = searching.within(network, texts, budgets, where, batch, convention, dtype, fuse)
    found = counting.count(within, sample or 0, seed or 0)
    searching.require_heard(fuse, [*within.budgets, *found.metrics])
    printer.print(report(found, heading(network, batch), seed or 0, si))
    return Status.DONE if found.count else Status.CHECK_FAILED
