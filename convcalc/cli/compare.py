"""`convcalc compare`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from convcalc.cli import candidates, options, output, progress, rows
from convcalc.cli.command import Command
from convcalc.diagnostics import ConvcalcError, fail

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.cli.output import Printer


def _columns() -> Mapping[str, Any]:
    """The columns that there are, by key."""
    from convcalc.render.comparison import known

    return known()


@click.command("compare", cls=Command, short_help="Networks beside each other, layer by layer.")
@options.specs_argument
@options.rows_options
@click.option(
    "--layers",
    "has_layers",
    is_flag=True,
    help="Which layers were added, removed or changed beside the first network, and by how much.",
)
@options.batch_option
@options.convention_option()
@click.option(
    "--columns",
    type=options.Text(),
    metavar="A,B,…",
    shell_complete=candidates.columns(_columns),
    help="Which figures are compared: params,macs,live_bytes.",
)
@options.dtype_option
@options.fuse_option
@options.si_option
@output.output_options
@options.error_format_option
def command(
    printer: Printer,
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    presets: tuple[str, ...],
    inputs: tuple[str, ...],
    until: tuple[str, ...],
    drop: tuple[str, ...],
    limits: tuple[str, ...],
    has_layers: bool,
    batch: int,
    convention: str,
    columns: str | None,
    dtype: str | None,
    fuse: bool | None,
    si: bool,
) -> None:
    """Print what networks cost beside the first of them, and what they differ in.

    SPEC is a file, - for standard input, or the name of a spec or preset that comes with convcalc;
    or an ONNX file. --set, --preset and --input are for every SPEC that has such a thing. Each of
    several values of one makes a network: --set alpha=0.75 --set alpha=0.5 are two. Those of
    several variables are combined. Where all of this makes one network alone, it is compared with
    the spec as it is: mobilenet_v2 --set alpha=0.5 is that at 1, and at 0.5.

    With --layers, layers are aligned by name, and what is left by structure: by type and place,
    block by block. In a block that repeats, the numbers of names say no more than the place. A
    layer that costs what it did, and is as it was, is not listed; CSV has a row a layer then.

    \b
    Examples:
      convcalc compare mobilenet_v1 conv_mobilenet
      convcalc compare resnet50 mynet.yaml --layers
      convcalc compare mobilenet_v2 --set alpha=0.5
      convcalc compare resnet18 --input 160 --layers
      convcalc compare resnet50 --drop linear
      convcalc compare mobilenet_v2 --set alpha=1.4 --set alpha=0.5 --columns params,live_bytes
      convcalc compare resnet18 resnet34 --json | jq '.ratios[1].macs'
    """
    from convcalc.analysis import ALL
    from convcalc.comparison import Comparison
    from convcalc.render import comparison as render

    if convention == ALL:
        message = "networks are compared under one convention, and `all` are many"
        raise fail("usage", message, "`convcalc list SPEC… --convention all` has a column for each")
    asked = rows.asked(settings, presets, inputs, until, drop)
    chosen = render.chosen(columns, convention, dtype, fuse)
    found = _networks(specs, asked, limits)
    names = [spec for spec, _ in found]
    analyses = [
        network.analyze(convention, batch, dtype or "float32", fuse, [each.key for each in chosen])
        for _, network in progress.each(found, "comparing")
    ]
    printer.print(render.report(Comparison(tuple(analyses)), names, chosen, has_layers, si))


def _networks(
    specs: tuple[str, ...], asked: rows.Asked, limits: tuple[str, ...]
) -> list[tuple[str, Network]]:
    """The networks that are compared, each with the SPEC that it is of.

    Raises ConvcalcError where there is but one.
    """
    names = [*dict.fromkeys(specs)]
    opened = dict(zip(names, map(options.opener(limits), names)))
    rows.require_had(asked, [*opened.values()])
    cutting = rows.Cutting(asked.cuts)
    found = [
        (spec, network)
        for spec in specs
        for network in rows.networks_of(*opened[spec], asked, cutting)
    ]
    cutting.require_had()
    if len(found) > 1:
        return found
    ((spec, only),) = found
    if not asked.is_any:
        raise _alone(spec, only)
    return [(spec, opened[spec][1].at({})), *found]


def _alone(spec: str, network: Network) -> ConvcalcError:
    """The mistake of comparing one network with nothing."""
    name = next(iter(network.variables), None)
    changed = "--input SIZES" if name is None else f"--set {name}=VALUE"
    help = f"name another, or what is changed: convcalc compare {spec} {changed}"
    return fail("usage", f"{network.name} is compared with nothing", help)
