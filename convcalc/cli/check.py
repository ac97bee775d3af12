"""`convcalc check`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output, progress
from convcalc.cli.command import Command, notes
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
    help="The most that a figure may come to: macs=300M, weight_bytes=256KiB; once for each"
    " figure, and in place of the spec's own budget of it.",
)
@click.option(
    "--against",
    type=options.Text(),
    metavar="FILE",
    shell_complete=candidates.files,
    help="No more params, macs, flops and activations than in FILE, an earlier --json of analyze,"
    " check or list.",
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
    specs: tuple[str, ...],
    budgets: tuple[str, ...],
    against: str | None,
    batch: int,
    convention: str,
    dtype: str | None,
    fuse: bool | None,
    si: bool,
) -> int:
    """Check that networks take no more than they may; the exit status is 1 where one does.

    Each is held against the `budgets` of its spec, those of --max, and what it took in --against,
    where networks are known by their name and preset. A budget is met by what is just as much. k,
    M, G are powers of ten, KiB, MiB, GiB of two. The
    metrics are the figures of the totals: params, macs, flops, activations, weight_bytes,
    live_bytes and others.

    activations are the elements that every layer makes, summed, normalisations and activations
    included, views left out, and activation_bytes their bytes; live_bytes is the peak of what is
    alive at once (`convcalc memory` shows where); weight_bytes are those of parameters and running
    statistics.

    With --error-format github, json or concise, a budget that is exceeded is a mistake of that
    style on standard error, too, at the line of the spec that has it.

    \b
    Examples:
      convcalc check mobilenet_v2 --max macs=301M --max params=4M
      convcalc check mynet.yaml --max weight_bytes=256KiB --max live_bytes=64KiB --dtype int8
      convcalc check nets/*.yaml
      convcalc analyze mynet.yaml --json -o before.json
      convcalc check mynet.yaml --against before.json
      convcalc check nets/*.yaml --max macs=1G --format markdown
      convcalc check nets/*.yaml --max params=4M --error-format github
    """
    from convcalc import baseline
    from convcalc.analysis import ALL
    from convcalc.cli import Status
    from convcalc.cli.searching import budgets_of
    from convcalc.render.budgets import report

    if convention == ALL:
        message = "a budget is for one convention, and `all` are many"
        raise fail("usage", message, "`convcalc conventions` lists them")
    asked = budgets_of(budgets)
    earlier = None
    if against is not None:
        limits = options.limits_of(click.get_current_context().params["limits"])
        earlier = baseline.load(against, limits)
        notes().read.append(against)
    found = []
    for spec in progress.each(specs, "checking"):
        checked = load(spec).check(
            asked,
            earlier,
            convention=convention,
            batch=batch,
            dtype=dtype or "float32",
            fuse=fuse,
        )
        found.append(checked._replace(spec=spec))
    if fuse is not None and not any(each.is_of_steps for each in found):
        message = "`--fuse` is about what is in memory as a network runs, and no budget is"
        raise fail("usage", message, "live_bytes and moved_bytes are such metrics")
    printer.print(report(found, si))
    over = [diagnostic for each in found for diagnostic in each.over()]
    notes().findings.extend(over)
    return Status.CHECK_FAILED if over else Status.DONE
