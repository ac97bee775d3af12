"""`convcalc layer`: one layer, explained. A command for each layer type, made from its fields."""

from __future__ import annotations

import re
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from convcalc import layers
from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command, Group
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.layers.fields import Kind, Optional, Truth
from convcalc.shape import MOST_AXES
from convcalc.words import did_you_mean

if TYPE_CHECKING:
    from convcalc.cli.output import Printer


class Types(Group):
    """The layer types as commands."""

    #: What stands above them.
    what = "Layer types; `convcalc layer TYPE --help` explains one"

    def list_commands(self, ctx: click.Context) -> list[str]:
        return layers.names()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _command(name) if layers.is_known(name) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        families: dict[str, list[str]] = {}
        known = self.list_commands(ctx)
        for name in sorted(known, key=lambda name: layers.reading_order(layers.TYPES[name])):
            families.setdefault(layers.TYPES[name].__module__.rpartition(".")[2], []).append(name)
        with formatter.section(self.what):
            formatter.write_dl([(each, ", ".join(names)) for each, names in families.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and not layers.is_known(args[0]):
            raise _unknown(ctx.command_path, *args)
        return super().resolve_command(ctx, args)


def _unknown(command: str, type: str, *others: str) -> ConvcalcError:
    """What is said of a layer type that there is not: the one that is meant, with the options.

    `command` is what stands before it.
    """
    from convcalc.language.elsewhere import in_steps, layer_meant
    from convcalc.language.samples import STRUCTURES, structure_help

    message = f"there is no layer type `{type}`"
    if meant := layer_line(type, *others, command=command):
        return fail("usage", message, f"it is `{meant.type}` here: {meant.line}")
    if structure := layer_meant(type, STRUCTURES):
        return fail("usage", message, structure_help(structure))
    near = in_steps(type) or did_you_mean(type, layers.TYPES)
    return fail("usage", message, near or f"`{command} --help` lists them")


class LayerLine(NamedTuple):
    """A layer type, and the command line that explains one."""

    type: str
    line: str


def layer_line(name: str, *others: str, command: str = "convcalc layer") -> LayerLine | None:
    """The layer type of a name, or the one that is meant by it, with `others` behind it."""
    import shlex

    from convcalc.language.elsewhere import layer_meant

    type = name if layers.is_known(name) else layer_meant(name, layers.TYPES)
    if type is None:
        return None
    return LayerLine(type, f"{command} {shlex.join([type, *others])}")


@click.group(
    "layer",
    cls=Types,
    subcommand_metavar="TYPE [OPTIONS]",
    short_help="One layer, with the formula of each figure.",
)
def command() -> None:
    """Print what one layer costs, and the formula of each figure.

    What is not given stays a symbol.

    \b
    Examples:
      convcalc layer conv --k 3 --s 2 --p 1 --in 128
      convcalc layer conv --out 64 --k 3 --in 3x128x96 --no-bias
      convcalc layer linear --out 10 --in 84
      convcalc layer max_pool --k 3 --s 2 --ceil-mode --in 64x112x112 --json
    """


def _command(name: str) -> click.Command:
    """The command of a layer type."""
    cls = layers.find(name)
    params: list[click.Parameter] = [option_of(field) for field in layers.fields_of(cls)]
    if cls.arity != 0:
        params += input_options(cls)

    run: Any = partial(_run, name)
    update_wrapper(run, _run)
    for add in (
        options.error_format_option,
        output.output_options,
        options.si_option,
        options.batch_option,
        options.convention_option(),
    ):
        run = add(run)
    params += reversed(run.__click_params__)
    return TypeCommand(
        name,
        params=params,
        callback=run,
        short_help=layers.summary(cls),
        context_settings={"token_normalize_func": dashed},
    )


def input_options(cls: type[layers.Layer]) -> list[click.Parameter]:
    """The options that say what enters a layer."""
    each = "." if cls.arity == 1 else "; once for each input."
    return [
        click.Option(
            ["--in", "inputs"],
            multiple=True,
            metavar="SHAPE",
            help=f"The input: {_shapes(cls)}{each}",
        ),
        click.Option(
            ["--dims"],
            type=options.Whole(0, MOST_AXES - 1),
            metavar="N",
            help="Spatial axes, where SHAPE leaves it open.",
        ),
    ]


def dashed(option: str) -> str:
    """An option as it is written here: PyTorch's `kernel_size` is `--kernel-size`."""
    return option.replace("_", "-")


def _shapes(cls: type[layers.Layer]) -> str:
    """What `--in` takes for a layer type."""
    first = ("400 (features)", "128 (a length)", "128 (a square)")[cls.natural_axes]
    return f"{first}, 128x96, 3x128x96 (channels first)"


class TypeCommand(Command):
    """The command of a layer type, whose help is written when it is asked for."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if cure := _cure(layers.find(self.name or ""), error.option_name):
                message = f"`{ctx.command_path}` has no option `{error.option_name}`"
                raise fail("usage", message, cure) from None
            raise

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        cls = layers.find(self.name or "")
        self.help = f"{layers.summary(cls)}\n\n{layers.details(cls)}\n\n{_example(cls)}"
        super().format_help_text(ctx, formatter)


def _cure(cls: type[layers.Layer], option: str) -> str:
    """What an option of another name is here; empty where that is not known."""
    from convcalc.language import elsewhere

    name = option.lstrip("-").replace("-", "_")
    fields = {field.short or field.name: field.name for field in layers.fields_of(cls)}
    if elsewhere.is_constant(cls.type, name):
        return "its factors are learned; a constant is `convcalc layer mul --value 0.5`"
    if cls.arity == 0 and name in ("in", "dims", *elsewhere.INPUTS):
        return f"nothing enters a {cls.type}: leave it out"
    if name in elsewhere.INPUTS or name in layers.canonical_names(cls):
        return f"`--in` is what enters the layer: {_shapes(cls)}"
    meant = elsewhere.FIELDS.get(name) or layers.short_name(name)
    return f"it is `--{meant.replace('_', '-')}` here" if meant in fields else ""


def _example(cls: type[layers.Layer]) -> str:
    found = layers.example(cls)
    return f"\b\nIn a spec:\n  - {found[0]}" if found else ""


def option_of(field: layers.Field) -> click.Option:
    """The option of a field, under its canonical and its short name."""
    dashed = field.name.replace("_", "-")
    help = _sentence(field.description)
    kind = field.kind.kind if isinstance(field.kind, Optional) else field.kind
    if isinstance(kind, Truth):
        is_open = field.required or field.default is None
        unless_given = "" if is_open else f"[default: {'' if field.default else 'no-'}{dashed}]"
        return click.Option(
            [f"--{dashed}/--no-{dashed}", field.name],
            default=None,
            help=f"{help} {unless_given}".strip(),
        )
    names = [f"--{field.short}"] if field.short else []
    if len(field.short or "") == 1:
        names.append(f"-{field.short}")
    return click.Option(
        [*names, f"--{dashed}", field.name],
        metavar=field.kind.metavar,
        shell_complete=candidates.words(field.kind.offered),
        help=f"{help} {_default(field)}".strip(),
    )


def _sentence(text: str) -> str:
    text = text.replace("`", "")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _default(field: layers.Field) -> str:
    if field.required or field.default is None:
        return ""
    return f"[default: {field.kind.show(field.default)}]"


def parsed(text: str, kind: Kind) -> Any:
    """A field's value; `3x5` is one for each axis, as it is printed.

    One alone is a list of one where the field takes nothing but lists.
    """
    if kind.takes_text:
        return text
    by_axis = re.fullmatch(r"\d+(?:[x×]\d+)+", text, re.ASCII)
    value = options.parse_value(re.sub("[x×]", ",", text) if by_axis else text, kind.words)
    return [value] if not kind.takes(value) and kind.takes([value]) else value


def _run(
    name: str,
    convention: str,
    batch: int,
    si: bool,
    printer: Printer,
    inputs: tuple[str, ...] = (),
    dims: int | None = None,
    **fields: Any,
) -> None:
    from convcalc.explain import explain
    from convcalc.inputs import sizes_in
    from convcalc.render.explanation import report

    kinds = {field.name: field.kind for field in layers.fields_of(layers.find(name))}
    given = {
        key: value if isinstance(value, bool) else parsed(value, kinds[key])
        for key, value in fields.items()
        if value is not None
    }
    explanation = explain(
        layers.find(name).type,
        given,
        [sizes_in(shape) for shape in inputs],
        dims=dims,
        convention=convention,
        batch=batch,
    )
    printer.print(report(explanation, si))
