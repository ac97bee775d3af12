"""`convcalc schema`."""

from __future__ import annotations

import click

from convcalc.cli import options, output
from convcalc.cli.command import Command


@click.command(
    "schema", cls=Command, short_help="The JSON Schema of the spec language, for editors."
)
@output.output_option
@options.error_format_option
def command(target: str | None) -> None:
    """Print the JSON Schema (2020-12) of the spec language.

    An editor completes layer types and fields with it and shows what they mean. For VS Code's YAML
    extension write it to a file and begin a spec with
    `# yaml-language-server: $schema=convcalc.schema.json`.

    \b
    Examples:
      convcalc schema -o convcalc.schema.json
      convcalc schema | jq '."$defs".layer_conv'
    """
    import json

    from convcalc.language.schema import schema

    output.write([json.dumps(schema(), ensure_ascii=False, indent=2), "\n"], target)
