"""`convcalc memory`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output, progress
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

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
    help="What is counted: sum, max_io, live, in_place, arena, train; or whose sizes are printed:"
    " torchsummary, torchinfo, keras.",
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
    "--optimizer",
    type=options.Text(),
    metavar="NAME",
    shell_complete=candidates.optimizers,
    help="What trains it, with --definition train: sgd, momentum, adam. [default: adam]",
)
@options.depth_option
@click.option(
    "--top", type=options.Whole(1), metavar="N", help="The N steps with the most bytes alone."
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
    optimizer: str | None,
    depth: int | None,
    top: int | None,
) -> None:
    """Print the peak memory of networks: what is alive at once while they run, step by step.

    Weights are apart: no peak has them. Views (flatten, dropout) are no steps; with --fuse, batch
    norms and elementwise activations behind a convolution or a linear layer are none either.

    \b
    sum       every tensor, as if nothing was ever freed
    max_io    the inputs and outputs of one layer
    live      every tensor that is still needed, a layer's output included
    in_place  live, but elementwise and depthwise layers overwrite an input that
              ends there and is at least as large
    arena     one block of memory, as TensorFlow Lite Micro's greedy planner fills it
    train     a training step: what the backward pass needs, gradients, and what
              the optimizer keeps

    torchsummary, torchinfo and keras are the sizes that these tools print below their summaries.

    \b
    Examples:
      convcalc memory mobilenet_v2 --dtype int8
      convcalc memory mobilenet_v2 --dtype int8 --definition in_place --csv
      convcalc memory unet --order best --top 10
      convcalc memory resnet50 --batch 32 --definition train --optimizer sgd
      convcalc memory resnet18 --definition torchsummary
      convcalc memory resnet50 --batch 8 --json | jq .peaks.live
    """
    from convcalc import sizes
    from convcalc.memory import definitions
    from convcalc.render.memory import report

    if definition not in definitions.DEFINITIONS and definition in sizes.all_names():
        given = {
            "--order": order != "file",
            "--keep-input": keep_input,
            "--fuse": fuse is not None,
            "--optimizer": optimizer,
            "--depth": depth,
            "--top": top,
        }
        for option in [name for name, is_given in given.items() if is_given]:
            message = f"{option} is for peaks; `{definition}` has none"
            raise fail("usage", message, f"leave {option} out")
        printer.print(_sizes(load, specs, definition, batch, dtype or "float32"))
        return
    definitions.find(definition, sizes.names())
    found = [
        load(spec).memory(
            definition,
            batch=batch,
            dtype=dtype or "float32",
            fuse=fuse,
            order=order,
            keep_input=keep_input,
            optimizer=optimizer,
        )
        for spec in progress.each(specs, "measuring")
    ]
    printer.print(report(found, depth, top))


def _sizes(
    load: Callable[[str], Network],
    specs: tuple[str, ...],
    definition: str,
    batch: int,
    dtype: str,
) -> Report:
    """The sizes that a tool prints, of each spec."""
    from convcalc.render.sizes import report

    networks = [load(spec) for spec in progress.each(specs, "measuring")]
    found = [(each, each.sizes(definition, batch=batch, dtype=dtype)) for each in networks]
    return report(found, batch, dtype)
