"""`convcalc solve`: what to choose, so that something comes out."""

from __future__ import annotations

from typing import Any

import click

from convcalc.cli.command import Group


class _Questions(Group):
    """What may be solved for, each a command in a file of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["layer", "network"]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name == "layer":
            from convcalc.cli.solve_layer import command as of_layer

            return of_layer
        if name == "network":
            from convcalc.cli.solve_network import command as of_network

            return of_network
        return None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            return found
        from convcalc.cli.solve_network import command as of_network

        spec = next(each for each in of_network.params if each.name == "spec")
        return [*found, *spec.shell_complete(ctx, incomplete)]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        is_spec = args and args[0] not in self.list_commands(ctx)
        if is_spec and (args[0] == "-" or not args[0].startswith("-")):
            args = ["network", *args]
        return super().resolve_command(ctx, args)


@click.group(
    "solve",
    cls=_Questions,
    subcommand_metavar="(SPEC | layer TYPE) [OPTIONS]",
    short_help="What to choose, so that it fits.",
)
def command() -> None:
    """Find what to choose, so that it fits.

    `solve SPEC` is `solve network SPEC`: it finds the values of variables with which a network is
    the largest within budgets. `solve layer TYPE` finds the kernels, strides, paddings and
    dilations with which a layer takes one size to another, or the inputs from which it makes one.

    \b
    Examples:
      convcalc solve mobilenet_v2 --var alpha --max macs=300M
      convcalc solve resnet18 --var resolution=64:320:32 --max macs=1G
      convcalc solve layer conv --in 128 --out-size 64
      convcalc solve layer conv --k 7 --s 1 --in 224 --out-size 224
      convcalc solve layer conv_transpose --in 7 --out-size 14 --d 1
    """
