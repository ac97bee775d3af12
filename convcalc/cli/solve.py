"""`convcalc solve`: what to choose, so that something comes out."""

from __future__ import annotations

from typing import Any

import click

from convcalc.cli.command import Group
from convcalc.diagnostics import fail


class _Questions(Group):
    """What may be solved for, each a command in a file of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["layer"]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name != "layer":
            return None
        from convcalc.cli.solve_layer import command

        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] != "layer" and not args[0].startswith("-"):
            message = f"`{ctx.command_path} {args[0]}` is not known"
            help = "`convcalc solve layer TYPE` finds the windows of a layer"
            raise fail("usage", message, help)
        return super().resolve_command(ctx, args)


@click.group(
    "solve",
    cls=_Questions,
    subcommand_metavar="layer TYPE [OPTIONS]",
    short_help="What to choose, so that a size comes out.",
)
def command() -> None:
    """Find what to choose, so that a size comes out.

    `solve layer TYPE` finds the kernels, strides, paddings and dilations with which a layer takes
    one size to another, or the inputs from which it makes one.

    \b
    Examples:
      convcalc solve layer conv --in 128 --out-size 64
      convcalc solve layer conv --k 7 --s 1 --in 224 --out-size 224
      convcalc solve layer conv_transpose --in 7 --out-size 14 --d 1
    """
