"""`convcalc show`: the text of a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from convcalc.cli import options, output, streams
from convcalc.cli.command import Command

if TYPE_CHECKING:
    from convcalc.zoo import Found


@click.command("show", cls=Command, short_help="The text of a spec, to read or to begin with.")
@options.spec_argument
@output.output_option
@options.error_format_option
def command(spec: str, target: str | None) -> None:
    """Print the text of a spec that comes with convcalc, or of any other.

    That of a preset is the spec that has it, with a first line that says so.

    \b
    Examples:
      convcalc show mobilenet_v1
      convcalc show resnet50 -o mine.yaml
      convcalc show unet | grep -n conv_transpose
    """
    from convcalc.language.limits import DEFAULT
    from convcalc.visible import visible

    text = text_of(options.read_spec(spec, DEFAULT))
    if target is None and streams.is_terminal():
        # What commands a terminal is shown, and not obeyed.
        text = "".join(visible(line) + "\n" for line in text.splitlines())
    output.write([text], target)


def text_of(found: Found) -> str:
    """The text of a spec, which says of which preset it was asked for. Raises ConvcalcError."""
    from convcalc.language.limits import DEFAULT
    from convcalc.language.reader import source_of

    text = source_of(found.data, found.name, DEFAULT).text
    if found.preset is None:
        return text
    return f"# {found.preset} is a preset of this spec: --preset {found.preset}\n{text}"
