"""`convcalc solve layer`: the windows that take one size to another."""

from __future__ import annotations

import re
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any

import click

from convcalc import layers
from convcalc.cli import options, output
from convcalc.cli.layer import TypeCommand, Types, dashed, input_options, option_of, parsed
from convcalc.diagnostics import ConvcalcError, fail

if TYPE_CHECKING:
    from convcalc.cli.output import Printer
    from convcalc.search.windows import LayerSolutions

#: The rows that a table has without `--top`.
_ROWS = 20


class _Types(Types):
    """The layer types that slide a window, as commands."""

    what = "Layer types; `convcalc solve layer TYPE --help` has the options of one"

    def list_commands(self, ctx: click.Context) -> list[str]:
        from convcalc.search.windows import has_window

        return [name for name in super().list_commands(ctx) if has_window(layers.find(name))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _command(name) if layers.is_known(name) else None


@click.group(
    "layer",
    cls=_Types,
    subcommand_metavar="TYPE [OPTIONS]",
    short_help="The windows that take one size to another.",
)
def command() -> None:
    """Find the windows with which a layer takes an input to an output.

    The fields of the window take values, ranges with both ends, or both: --k 3, --k 1,3,5:11:2.
    What is not given is searched: k from 1 to 7; s from 1 to 4, and k; p from 0 to d(k - 1), as
    far as a kernel reaches over an end; d from 1 to 3; the output padding below s or d; and inputs
    from 1 to 1,000,000.

    Usual windows come first: of pools, those that tile the input; no dilation; small strides; no
    output padding; a padding near d(k - 1)/2, or near 0 for windows side by side; kernels of 3,
    then other odd ones, then even ones.

    The exit status is 1 where nothing fits, and the nearest sizes are printed.

    \b
    Examples:
      convcalc solve layer conv --in 128 --out-size 64
      convcalc solve layer conv --k 7 --s 1 --d 1 --in 224 --out-size 224
      convcalc solve layer conv --k 3 --s 2 --p 1 --d 1 --out-size 56
      convcalc solve layer max_pool --k 1:7 --s 1,2 --in 64x28x28 --out-size 13
      convcalc solve layer conv_transpose --k 4 --in 7 --out-size 14 --json
    """


def _command(name: str) -> click.Command:
    """The command of a layer type."""
    from convcalc.search.windows import INPUTS, searched, window_fields

    cls = layers.find(name)
    window = [field.name for field in window_fields(cls)]
    params: list[click.Parameter] = []
    for field in layers.fields_of(cls):
        option = option_of(field)
        if field.name in window:
            option.metavar = "VALUES"
            text = (option.help or "").partition(" [default: ")[0]
            option.help = f"{text} [searched: {searched(cls, field.name)}]"
        params.append(option)
    given, dims = input_options(cls)
    given.multiple = False
    given.help = f"{given.help} [searched: {INPUTS[0]}:{INPUTS[-1]}]"
    size = click.Option(
        ["--out-size"],
        type=options.Text(),
        metavar="SIZES",
        help="The size that is wanted: 64 (each axis), 64x48, or several: 7:14.",
    )
    top = click.Option(
        ["--top"],
        type=options.Whole(1),
        metavar="N",
        help=f"The first N solutions alone; a table has {_ROWS} without it.",
    )
    run: Any = partial(_run, name)
    update_wrapper(run, _run)
    for add in (options.error_format_option, output.output_options):
        run = add(run)
    params += [given, dims, size, top, *reversed(run.__click_params__)]
    return TypeCommand(
        name,
        params=params,
        callback=run,
        short_help=layers.summary(cls),
        context_settings={"token_normalize_func": dashed},
    )


def _run(
    name: str,
    printer: Printer,
    inputs: str | None,
    dims: int | None,
    out_size: str | None,
    top: int | None,
    **fields: Any,
) -> int:
    from convcalc.render.windows import report
    from convcalc.search.windows import require_window, solve_layer, window_fields

    cls = layers.find(name)
    require_window(cls)
    if out_size is None:
        help = "add --out-size 64; what comes of an input is `convcalc layer`"
        raise fail("usage", "`--out-size` says which size is wanted, and is not given", help)
    window = [field.name for field in window_fields(cls)]
    kinds = {field.name: field.kind for field in layers.fields_of(cls)}
    given = {
        key: value if isinstance(value, bool) or key in window else parsed(value, kinds[key])
        for key, value in fields.items()
        if value is not None
    }
    solved = solve_layer(cls.type, given, out_size, inputs, dims)
    printer.print(report(solved, top, _ROWS, partial(_module, solved)))
    return 0 if solved.solutions else 1


#: Numbers of channels that nobody has, and what they stand for.
_CHANNELS = {"C_in": 104_729, "C_out": 1_299_709}


def _module(solved: LayerSolutions, line: str) -> str:
    """The module that PyTorch has for a line of a spec, as the export writes it; empty for none."""
    from convcalc import api

    size = solved.solutions[0].input
    spatial = size if len(size) > 1 else size * solved.axes
    shape = [solved.channels or _CHANNELS["C_in"], *spatial]
    for name, number in _CHANNELS.items():
        line = line.replace(name, str(number))
    try:
        code = api.loads(f"name: x\ninput: {shape}\nlayers:\n  - {line}\n").export("pytorch")
    except ConvcalcError:
        return ""
    module = re.search(rf"self\.{solved.type} = (nn\..*)", str(code))
    found = module[1] if module else ""
    for name, number in _CHANNELS.items():
        found = found.replace(str(number), name)
    return found
