"""`convcalc reconcile`."""

from __future__ import annotations

import sys

import click

from convcalc.cli import options


@click.command("reconcile", short_help="Every tool's number, and why they differ.")
@click.argument("spec", metavar="SPEC", shell_complete=options.complete_spec)
@click.option(
    "--reported",
    metavar="FIGURE",
    help="Which conventions give this figure: 314.2M, 0.6G, 4.1e9, 568,740,352.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable of the spec; again and again.",
)
@click.option(
    "--preset", metavar="NAME", shell_complete=options.complete_preset, help="A preset of the spec."
)
@click.option("--input", "shape", metavar="CxHxW", help="Another input: 3x192x192.")
@options.output_options("table", "json")
@options.error_format_option
def command(
    spec: str,
    reported: str | None,
    settings: tuple[str, ...],
    preset: str | None,
    shape: str | None,
    format: str,
    target: str | None,
) -> int:
    """Print a network's total under every convention, and the bridge from its MACs to each.

    With --reported, name the conventions that give a figure, within its printed precision, as it
    is, doubled or halved. Ends with status 1 where there is none.

    \b
    Examples:
      convcalc reconcile mobilenet_v2
      convcalc reconcile mobilenet_v2 --reported 314.2M
      convcalc reconcile resnet50 --reported 4.1e9
      convcalc reconcile mynet.yaml --json
    """
    from convcalc import api
    from convcalc.cli import Status
    from convcalc.reconcile import answer, parse_reported, reconcile
    from convcalc.render import reconciliation as render

    figure = parse_reported(reported) if reported is not None else None
    input = options.parse_sizes(shape) if shape else None
    values = options.parse_settings(settings)
    if spec == "-":
        graph = api.loads(sys.stdin.buffer.read(), "<stdin>", preset, input=input, **values)
    else:
        graph = api.load(spec, preset, input=input, **values)
    found = reconcile(graph)
    reply = answer(found, figure) if figure else None
    if format == "json":
        from convcalc.render import data

        options.write(data.to_json([render.to_object(found, reply)]), target)
    else:
        options.write(render.text(found, reply), target)
    return Status.DONE if reply is None or reply.matches else Status.CHECK_FAILED
