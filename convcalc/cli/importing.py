"""`convcalc import`."""

from __future__ import annotations

from typing import Any

import click

from convcalc.cli import candidates, options, output, progress, streams
from convcalc.cli.command import Command, notes
from convcalc.diagnostics import fail


@click.command("import", cls=Command, short_help="A spec of an ONNX file or a PyTorch module.")
@click.argument("model", metavar="MODEL", required=False, shell_complete=candidates.models)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    type=options.Text(),
    metavar="SIZES",
    help="The size of its input: 224, 3x224x224; NAME=3x224x224 where there are several.",
)
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="An argument of the function or class that makes the module; once for each.",
)
@click.option("--flat", is_flag=True, help="A plain list of layers, without blocks and loops.")
@click.option(
    "--shared-once",
    is_flag=True,
    help="ONNX: weights that are used again count once; each use its own without it.",
)
@click.option(
    "--unfold-batch-norm",
    is_flag=True,
    help="ONNX: guess at the batch norms that the file's convolutions have swallowed.",
)
@options.strict_option
@options.limit_option
@output.output_option
@options.error_format_option
def command(
    model: str | None,
    inputs: tuple[str, ...],
    arguments: tuple[str, ...],
    flat: bool,
    shared_once: bool,
    unfold_batch_norm: bool,
    strict: bool,
    limits: tuple[str, ...],
    target: str | None,
) -> int:
    """Write a network that exists as a file or as code as a spec.

    MODEL is an ONNX file, whose weights are not read and need not be there, or code, as
    `module:name`: a PyTorch module, or a class or a function that makes one, installed or in the
    current directory. Code is run, in a process of its own, for ten minutes at the most (`--limit
    code=3600` allows an hour), and what it prints is not shown; files are not run.

    Every command that takes a SPEC takes an ONNX file too.

    \b
    Examples:
      convcalc import resnet50.onnx -o resnet50.yaml
      convcalc import model.onnx --input 3x320x320 --flat
      convcalc import torchvision.models:resnet50 --input 3x224x224
      convcalc import timm:create_model --arg model_name=vit_tiny_patch16_224 --input 3x224x224
      convcalc import my.module:Net --arg width=64 --input 1x28x28 | convcalc analyze -
    """
    from convcalc import importers
    from convcalc.cli import Status
    from convcalc.importers.base import Request
    from convcalc.inputs import inputs_of

    if not model:
        help = "`convcalc import resnet50.onnx`, `convcalc import my.module:Net --input 3x224x224`"
        raise fail("usage", "`convcalc import` needs a model: an ONNX file, or code", help)
    given: dict[str, Any] = {
        "arg": options.parse_arguments(arguments),
        "shared-once": shared_once,
        "unfold-batch-norm": unfold_batch_norm,
    }
    bounds = options.limits_of(limits)
    request = Request(
        model,
        inputs_of(options.parse_inputs(inputs) or {}),
        {name: value for name, value in given.items() if value},
        importers.clock(model, bounds),
        bounds.code,
    )
    if not importers.is_code(model):
        notes().read.append(model)
    with progress.waiting(f"reading {model}"):
        found = importers.imported(request, is_flat=flat)
    if target is not None or not streams.is_terminal():  # which shows them in the text
        notes().warn(found.doubts)
    output.write([found.text], target)
    return Status.CHECK_FAILED if strict and found.unknown else Status.DONE
