"""`convcalc export`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from convcalc.cli import candidates, options, output, progress, streams
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.api import Network


def _exporters() -> tuple[str, ...]:
    from convcalc import exporters

    return exporters.names()


@click.command("export", cls=Command, short_help="A network as PyTorch or Keras code, or as ONNX.")
@options.spec_argument
@click.option(
    "--to",
    "name",
    type=options.Text(),
    metavar="FORMAT",
    shell_complete=lambda ctx, param, incomplete: candidates.offered(_exporters(), incomplete),
    help="pytorch, keras or onnx. [default: by FILE's suffix, where that says it]",
)
@options.network_options
@output.output_option
@options.error_format_option
def command(
    load: Callable[[str], Network], spec: str, name: str | None, target: str | None
) -> None:
    """Write a network for another program.

    PyTorch and Keras get code that a person would keep: the spec's blocks as classes or functions,
    its variables as arguments, its loops as loops. ONNX gets the graph, without weights. What is
    left after --until and --drop is one class, a line a layer, in PyTorch; Keras does not take it.

    \b
    Examples:
      convcalc export mobilenet_v2 --to pytorch -o mobilenet_v2.py
      convcalc export mynet.yaml --to keras --set width=32
      convcalc export resnet50 -o resnet50.onnx --input 192
    """
    name = name or _by_suffix(target)
    _require_suffix(name, target)
    network = load(spec)
    with progress.waiting(f"writing {network.name}"):
        content = network.export(name)
    if isinstance(content, bytes) and target is None and streams.is_terminal():
        raise fail("usage", f"{name} is binary, nothing for a terminal", "name a file after -o")
    output.write(content if isinstance(content, bytes) else [content], target)


def _require_suffix(name: str, target: str | None) -> None:
    """Refuse a file whose suffix is another exporter's. Raises ConvcalcError."""
    from convcalc import exporters

    chosen = exporters.find(name)
    suffix = os.path.splitext(target or "")[1].lower()
    if suffix in ("", chosen.suffix):
        return  # the others need not be looked at
    for other in map(exporters.find, exporters.names()):
        if suffix == other.suffix:
            message = f"{target} would be {chosen.title}, and is called as {other.title} is"
            raise fail("usage", message, f"name it with `{chosen.suffix}` at the end")


def _by_suffix(target: str | None) -> str:
    """The exporter that the suffix of a file means. Raises ConvcalcError where that is open."""
    from convcalc import exporters
    from convcalc.words import listed

    known = [exporters.find(name) for name in exporters.all_names()]
    suffix = os.path.splitext(target or "")[1].lower()
    fitting = [each for each in known if suffix and each.suffix == suffix]
    if len(fitting) == 1:
        return fitting[0].name
    help = f"it is one of {listed(f'--to {each.name}' for each in fitting or known)}"
    if fitting:
        message = f"{target} may be code for {' or '.join(each.title for each in fitting)}"
        raise fail("usage", message, help)
    message = "`convcalc export` needs the format that it writes"
    if suffix:
        message += f", which `{suffix}` does not say"
    raise fail("usage", message, help)
