"""`convcalc new`: a spec to begin with."""

from __future__ import annotations

import json
import os
import re
import shlex

import click

from convcalc import zoo
from convcalc.cli import candidates, options, output, streams
from convcalc.cli.command import Command
from convcalc.cli.show import text_of
from convcalc.diagnostics import fail
from convcalc.language.limits import DEFAULT
from convcalc.visible import visible

#: A small network that shows how the language is used. It is explained where it stands.
_SPEC = """\
# A network to begin with. Change it line by line, and ask what it costs:
#   convcalc analyze {file}
# `convcalc show resnet` is a longer one to read, and `convcalc layer --help`
# lists the layer types.

name: {name}

# What can be set from outside: convcalc analyze {file} --set width=32
variables: {{width: 16, num_classes: 10}}

# Channels first, without a batch. [1, 16000] would be a second of sound,
# [784] a flat input.
input: [3, 32, 32]

# A block is a stack with a name. What is `required` is said where it is called.
blocks:
  conv_bn:
    args: {{out: required, stride: 1}}
    layers:
      - conv: {{out: out, k: 3, s: stride, p: 1, bias: false}}
      - batch_norm
      - relu

layers:
  - conv_bn: {{out: width}}
  # Where a number is meant it can be computed.
  - conv_bn: {{out: width * 2, stride: 2}}
  # The same again, each time with a shortcut around it.
  - repeat:
      times: 2
      layers:
        - residual:
            layers:
              - conv_bn: {{out: width * 2}}
  - global_avg_pool
  - flatten
  - linear: {{out: num_classes}}
"""


@click.command("new", cls=Command, short_help="A spec to begin with, written to a file.")
@click.argument("file", metavar="FILE", type=click.Path(), required=False)
@click.option(
    "--from",
    "origin",
    type=options.Text(),
    metavar="SPEC",
    shell_complete=candidates.specs,
    help="Begin with this one: a name from `convcalc list`, or a file.",
)
@options.error_format_option
def command(file: str | None, origin: str | None) -> None:
    """Write a spec of one's own to FILE: a small network that explains the language.

    What is there already stays as it is.

    \b
    Examples:
      convcalc new mine.yaml
      convcalc new mine.yaml --from mobilenet_v2
    """
    if not file:
        raise fail("usage", "`convcalc new` needs the name of a file", "`convcalc new mine.yaml`")
    if not file.endswith(zoo.SUFFIXES):
        stem = os.path.basename(file)
        help = f"name it {file}.yaml" if stem.strip("-") else "`convcalc new mine.yaml`"
        raise fail("usage", f"{file} has no suffix of a spec", help)
    if os.path.lexists(file):
        raise fail("unwritable", f"{file} is there already", "name another file, or remove it")
    # As a shell takes it, and not for an option.
    shown = visible(shlex.quote(f"./{file}" if file.startswith("-") else file))
    found = options.read_spec(origin, DEFAULT) if origin is not None else None
    output.write([text_of(found) if found else _SPEC.format(file=shown, name=_name(file))], file)
    asked = f"{shown} --preset {found.preset}" if found and found.preset else shown
    streams.answer([f"{shown} is written. `convcalc analyze {asked}` says what it costs.\n"])


def _name(file: str) -> str:
    """What a network is called after its file, as YAML has it."""
    stem = os.path.splitext(os.path.basename(file))[0]
    plain = re.fullmatch(r"[A-Za-z]\w*", stem) and stem.lower() not in _WORDS
    return stem if plain else json.dumps(stem, ensure_ascii=False)


#: What YAML takes for another value than a text.
_WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
