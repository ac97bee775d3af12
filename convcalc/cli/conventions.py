"""`convcalc conventions`."""

from __future__ import annotations

import click

from convcalc.cli import options


@click.command("conventions", short_help="The ways to count operations.")
@click.argument("name", required=False, shell_complete=options.complete_convention)
@options.output_options("table", "json")
@options.error_format_option
def command(name: str | None, format: str, target: str | None) -> None:
    """List the ways to count operations, or print the rules of one.

    \b
    Examples:
      convcalc conventions
      convcalc conventions thop
      convcalc conventions ptflops --json
    """
    from convcalc import conventions
    from convcalc.render import conventions as render
    from convcalc.render import json

    if name is not None:
        convention = conventions.find(name)
        if format == "json":
            options.write(json.render([render.rules_object(convention)]), target)
        else:
            options.write(render.rules_text(convention), target)
        return
    found = [conventions.find(each) for each in conventions.names()]
    if format == "json":
        options.write(json.render([[render.summary_object(each) for each in found]]), target)
    else:
        options.write(render.list_text(found), target)
