"""`convcalc layer`: one layer, explained. A command for each layer type, made from its fields."""

from __future__ import annotations

from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any

import click

from convcalc import layers
from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command, Group
from convcalc.diagnostics import fail
from convcalc.layers.fields import Truth
from convcalc.words import did_you_mean

if TYPE_CHECKING:
    from convcalc.cli.output import Printer


class _Types(Group):
    """The layer types as commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return layers.names()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return _command(name) if layers.is_known(name) else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and not layers.is_known(args[0]):
            raise _unknown(*args)
        return super().resolve_command(ctx, args)


def _unknown(type: str, *others: str) -> Exception:
    """What is said of a layer type that there is not: the one that is meant, with the options."""
    import shlex

    from convcalc.language.elsewhere import layer_meant

    message = f"there is no layer type `{type}`"
    if meant := layer_meant(type, layers.TYPES):
        command = shlex.join(["convcalc", "layer", meant, *others])
        return fail("usage", message, f"it is `{meant}` here: {command}")
    help = did_you_mean(type, layers.TYPES) or "`convcalc layer --help` lists them"
    return fail("usage", message, help)


@click.group("layer", cls=_Types, short_help="One layer, with the formula of each figure.")
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
    params: list[click.Parameter] = [_option(field) for field in layers.fields_of(cls)]
    params += [
        click.Option(
            ["--in", "inputs"],
            multiple=True,
            metavar="SHAPE",
            help="The input: 128 (a square), 128x96, 3x128x96 (channels first)"
            + ("; once for each input." if cls.arity is None else "."),
        ),
        click.Option(
            ["--dims"],
            type=options.Whole(0, 3),
            metavar="N",
            help="Spatial axes, where SHAPE leaves it open.",
        ),
    ]

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
    return _Type(name, params=params, callback=run, short_help=layers.summary(cls))


class _Type(Command):
    """The command of a layer type, whose help is written when it is asked for."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        cls = layers.find(self.name or "")
        self.help = f"{layers.summary(cls)}\n\n{layers.details(cls)}\n\n{_example(cls)}"
        super().format_help_text(ctx, formatter)


def _example(cls: type[layers.Layer]) -> str:
    found = layers.example(cls)
    return f"\b\nIn a spec:\n  - {found[0]}" if found else ""


def _option(field: layers.Field) -> click.Option:
    """The option of a field, under its canonical and its short name."""
    dashed = field.name.replace("_", "-")
    help = _sentence(field.description)
    if isinstance(field.kind, Truth):
        return click.Option([f"--{dashed}/--no-{dashed}", field.name], default=None, help=help)
    names = [f"--{field.short}"] if field.short else []
    if len(field.short or "") == 1:
        names.append(f"-{field.short}")
    return click.Option(
        [*names, f"--{dashed}", field.name],
        metavar=field.kind.metavar,
        shell_complete=candidates.words(field.kind.words),
        help=f"{help} {_default(field)}".strip(),
    )


def _sentence(text: str) -> str:
    text = text.replace("`", "")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _default(field: layers.Field) -> str:
    if field.required or field.default is None:
        return ""
    return f"[default: {field.kind.show(field.default)}]"


def _run(
    name: str,
    inputs: tuple[str, ...],
    dims: int | None,
    convention: str,
    batch: int,
    si: bool,
    printer: Printer,
    **fields: Any,
) -> None:
    from convcalc.explain import explain
    from convcalc.inputs import sizes_in
    from convcalc.render.explanation import report

    kinds = {field.name: field.kind for field in layers.fields_of(layers.find(name))}
    given = {
        key: value if isinstance(value, bool) else options.parse_value(value, kinds[key].words)
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
