"""`convcalc check`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


@click.command("check", cls=Command, short_help="Whether networks are within budgets.")
@options.specs_argument
@click.option(
    "--max",
    "budgets",
    multiple=True,
    metavar="METRIC=AMOUNT",
    shell_complete=candidates.metrics,
    help="The most that a figure may come to: macs=300M, weight_bytes=256KiB; again and again.",
)
@options.network_options
@options.batch_option
@options.convention_option()
@options.dtype_option
@options.si_option
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    specs: tuple[str, ...],
    budgets: tuple[str, ...],
    batch: int,
    convention: str,
    dtype: str | None,
    si: bool,
) -> int:
    """Check that networks take no more than they may; the exit status is 1 where one does.

    A budget is met by what is just as much. k, M, G are powers of ten, KiB, MiB, GiB of two. The
    metrics are the figures of the totals: params, macs, flops, activations, weight_bytes,
    activation_bytes and others.

    \b
    Examples:
      convcalc check mobilenet_v2 --max macs=301M --max params=4M
      convcalc check mynet.yaml --max weight_bytes=256KiB --dtype int8
      convcalc check nets/*.yaml --max macs=1G --format markdown
    """
    from convcalc.analysis import ALL
    from convcalc.budgets import parse_budget, verdicts
    from convcalc.cli import Status
    from convcalc.render.budgets import report

    if not budgets:
        raise fail("usage", "`convcalc check` needs a budget", "--max macs=300M is one")
    if convention == ALL:
        message = "a budget is for one convention, and `all` are many"
        raise fail("usage", message, "`convcalc conventions` lists them")
    asked = tuple(parse_budget(text) for text in budgets)
    for index, each in enumerate(asked):
        if each.metric in [before.metric for before in asked[:index]]:
            raise fail("usage", f"`--max {each.metric}` is given twice", "leave one of them out")
    found = []
    for spec in specs:
        analysis = load(spec).analyze(convention, batch, dtype or "float32")
        found.append((analysis, verdicts(analysis, asked)))
    printer.print(report(found, si))
    passed = all(each.passed for _, found_of in found for each in found_of)
    return Status.DONE if passed else Status.CHECK_FAILED
