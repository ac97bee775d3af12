"""`convcalc roofline`."""

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
    from convcalc.devices import Device


#: What `options.network_options` ask of a spec.
_OF_SPECS = ("settings", "preset", "inputs", "until", "drop", "limits")


@click.command("roofline", cls=Command, short_help="The least time on a device, and what sets it.")
@click.argument("specs", metavar="SPEC...", nargs=-1, shell_complete=candidates.specs)
@click.option(
    "--device",
    "devices",
    multiple=True,
    type=options.Text(),
    metavar="NAME|FILE",
    shell_complete=candidates.devices,
    help="A device, or a YAML file of one; several stand side by side.",
)
@click.option(
    "--list-devices",
    "is_list",
    is_flag=True,
    help="List the devices, or all that is known of those of --device.",
)
@options.network_options
@options.batch_option
@options.dtype_option
@options.fuse_option
@options.depth_option
@click.option(
    "--top", type=options.Whole(1), metavar="N", help="The N rows alone that take longest."
)
@options.si_option
@output.output_options
@options.error_format_option
def command(
    load: Callable[[str], Network],
    printer: Printer,
    specs: tuple[str, ...],
    devices: tuple[str, ...],
    is_list: bool,
    batch: int,
    dtype: str | None,
    fuse: bool | None,
    depth: int | None,
    top: int | None,
    si: bool,
) -> None:
    """Print the least time that a network and each of its layers take on a device.

    That is the longer of two: all operations at the device's peak, and all bytes at its memory's
    bandwidth. It is a bound, and mostly far below the time: of the operations as counted, with each
    tensor through memory once. A layer's bytes are its weights, inputs and outputs, and so are a
    network's. What folds batch norms does fewer operations: --fuse is the bound of that.

    A device is a name from --list-devices or a YAML file with its `name`, `source`,
    `operations_per_second` of each type of number, and `bytes_per_second`.

    \b
    Examples:
      convcalc roofline mobilenet_v2 --device raspberry-pi-5
      convcalc roofline resnet50 --device rtx-4090 --device a100 --dtype float16 --batch 64
      convcalc roofline mobilenet_v2 --device stm32h743 --dtype int8 --input 96
      convcalc roofline resnet50 --device a100 --device t4 --depth 1 --top 10
      convcalc roofline mynet.yaml --device myboard.yaml --csv
      convcalc roofline --list-devices
      convcalc roofline --list-devices --device rtx-4090
    """
    if is_list:
        of_spec = map(click.get_current_context().params.get, _OF_SPECS)
        asked = (specs, *of_spec, batch != 1, dtype, fuse is not None, depth, top, si)
        if any(asked):
            message = "`--list-devices` lists devices, and asks nothing of a network"
            raise fail("usage", message, "leave it out, or all but --device")
        from convcalc import devices as known
        from convcalc.render.devices import report as listed

        chosen = _devices(devices) if devices else known.every()
        printer.print(listed(chosen, in_full=bool(devices)))
        return
    if not specs:
        raise options.missing_spec(click.get_current_context())
    if not devices:
        help = "--device rtx-4090 is one; `convcalc roofline --list-devices` lists them"
        raise fail("usage", "`convcalc roofline` needs a device", help)
    from convcalc.render.roofline import report

    found = _devices(devices)
    bounded = []
    for spec in progress.each(specs, "bounding"):
        each = load(spec).roofline(*found, batch=batch, dtype=dtype or "float32", fuse=fuse)
        bounded.append(each.folded(depth) if depth else each)
    printer.print(report(bounded, si, top))


def _devices(names: tuple[str, ...]) -> list[Device]:
    """The devices that are asked for. Raises ConvcalcError, also for one that comes twice."""
    from convcalc import devices

    found = devices.found(names)
    notes().read.extend(name for name in names if devices.is_path(name))
    return found
