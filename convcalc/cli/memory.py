"""`convcalc memory`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output, progress
from convcalc.cli.command import Command
from convcalc.diagnostics import fail
from convcalc.words import did_you_mean, listed

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer
    from convcalc.render.report import Report


@click.command("memory", cls=Command, short_help="Peak memory, where it is, and what is alive.")
@options.specs_argument
@click.option(
    "--definition",
    type=options.Text(),
    default="live",
    metavar="NAME",
    show_default=True,
    shell_complete=candidates.definitions,
    help="What is counted: sum, max_io, live, in_place, arena; or a tool's sizes: torchsummary,"
    " torchinfo, keras.",
)
@options.network_options
@options.batch_option
@options.dtype_option
@options.fuse_option
@click.option(
    "--order",
    type=click.Choice(("file", "best")),
    default="file",
    show_default=True,
    help="The order of the steps: as in the file, or the one with the lowest live peak.",
)
@click.option("--keep-input", is_flag=True, help="The network's input is never overwritten.")
@click.option(
    "--depth", type=options.Whole(1), metavar="N", help="Fold blocks deeper than N levels."
)
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    specs: tuple[str, ...],
    definition: str,
    batch: int,
    dtype: str | None,
    fuse: bool | None,
    order: str,
    keep_input: bool,
    depth: int | None,
) -> None:
    """Print the peak memory of networks: what is alive at once while they run, step by step.

    Weights are apart. Views (flatten, dropout) are no steps; with --fuse, batch norms and
    elementwise activations behind a convolution or a linear layer are none either.

    \b
    sum       every tensor, as if nothing was ever freed
    max_io    the inputs and outputs of one layer
    live      every tensor that is still needed, a layer's output included
    in_place  live, where elementwise and depthwise layers overwrite an input that ends there
    arena     one block of memory, as TensorFlow Lite Micro's greedy planner fills it

    With torchsummary, torchinfo or keras it prints what that tool prints under
    its summary instead, in the tool's own MB.

    \b
    Examples:
      convcalc memory mobilenet_v2 --dtype int8
      convcalc memory mobilenet_v2 --dtype int8 --definition in_place --csv
      convcalc memory unet --order best
      convcalc memory resnet50 --batch 8 --json | jq .peaks.live
    """
    if _is_of_sizes(definition):
        given = {
            "--fuse": fuse is not None,
            "--order": order != "file",
            "--keep-input": keep_input,
            "--depth": depth is not None,
        }
        for option, is_given in given.items():
            if is_given:
                raise click.UsageError(f"{option} is for peaks; `{definition}` has none")
        printer.print(_sizes(load, specs, definition, batch, dtype or "float32"))
        return
    from convcalc.render.memory import report

    found = [
        load(spec).memory(
            definition,
            batch=batch,
            dtype=dtype or "float32",
            fuse=fuse,
            order=order,
            keep_input=keep_input,
        )
        for spec in progress.each(specs, "measuring")
    ]
    printer.print(report(found, depth))


def _is_of_sizes(definition: str) -> bool:
    """Whether a definition is of a tool's sizes.

    Raises ConvcalcError for one that is of no peak either.
    """
    from convcalc.memory.definitions import DEFINITIONS

    if definition in DEFINITIONS:
        return False
    from convcalc import sizes

    known = sizes.all_names()
    if definition in known:
        return True
    every = (*DEFINITIONS, *known)
    help = f"{did_you_mean(definition, every)} the definitions are {listed(every, 20)}".strip()
    raise fail("unknown-definition", f"unknown definition of memory `{definition}`", help)


def _sizes(
    load: Callable[[str], Network], specs: tuple[str, ...], definition: str, batch: int, dtype: str
) -> Report:
    """What a tool prints under its summary of each network."""
    from convcalc.render.sizes import report

    networks = [load(spec) for spec in progress.each(specs, "measuring")]
    found = [(each, each.sizes(definition, batch=batch, dtype=dtype)) for each in networks]
    return report(found, batch, dtype)
