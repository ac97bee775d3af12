"""`convcalc solve SPEC`: the largest network within budgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output, searching
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


@click.command("network", cls=Command, short_help="The largest network within budgets.")
@options.spec_argument
@click.option(
    "--var",
    "texts",
    multiple=True,
    metavar="NAME[=VALUES]",
    shell_complete=candidates.variables,
    help="A variable to choose, among values as `sweep` has them; without any, one that makes the"
    " network wider or narrower.",
)
@searching.max_option
@searching.where_option
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
    batch: int,
    convention: str,
    dtype: str | None,
    fuse: bool | None,
    si: bool,
) -> int:
    """Find the largest network within budgets: the most of the first --max, then of the next.

    Printed are a setting, all values that give the same network, and the smallest larger network.
    A variable without values may be any positive number, or any whole one where it must be; it is
    the only one then, and what has a budget only grows with it, or only shrinks. With values, these
    alone count, however many settings they make.

    The exit status is 1 where nothing fits, and the smallest network is printed.

    \b
    Examples:
      convcalc solve mobilenet_v2 --var alpha --max macs=300M
      convcalc solve mobilenet_v2 --var alpha=0.5:1.4:0.05 --var resolution=128:256:32
        --max macs=300M --max params=4M
      convcalc solve resnet18 --var resolution --max macs=1G
    """
    from convcalc.cli import Status
    from convcalc.render.heading import heading
    from convcalc.render.solution import report

    if not texts:
        help = "--var alpha finds any value, --var alpha=0.5,0.75,1 one of these"
        raise fail("usage", "`convcalc solve` needs a variable to choose", help)
    if not budgets:
        message = "`convcalc solve` needs a budget: what is largest has no end"
        raise fail("usage", message, "--max macs=300M")
    network = load(spec)
    searching.require_heard(fuse, [*searching.budgets_of(budgets)])
    found = searching.solved(network, texts, budgets, where, batch, convention, dtype, fuse)
    printer.print(report(found, heading(network, batch), si))
    return Status.DONE if found.best else Status.CHECK_FAILED
