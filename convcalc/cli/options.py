"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from convcalc.cli import streams
from convcalc.cli.command import STANDARD_INPUT, notes
from convcalc.diagnostics import fail
from convcalc.words import shortened

if TYPE_CHECKING:
    from convcalc.api import Network
    from convcalc.language.limits import Limits
    from convcalc.zoo import Found

    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType  # which takes no argument in older versions

_F = TypeVar("_F", bound=Callable[..., Any])


class Text(_Type):
    """A text with something in it."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not value.strip():
            self.fail("it is empty; leave the option out instead", param, ctx)
        return value


#: Digits of a number that are read: with as many it is too large for whatever takes one.
_DIGITS = 100


class Whole(click.IntRange):
    """A whole number in decimal digits, however many."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, str):  # the default is none
            if not (value.isascii() and value.isdigit()):
                self.fail(f"{shortened(value)!r} is no whole number; write digits: 8", param, ctx)
            value = value[:_DIGITS]
        return super().convert(value, param, ctx)


class _Specs(click.Argument):
    """SPEC, which is asked for by what may stand there."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter:
            message = f"`{ctx.command_path}` needs a spec: a file, or a name from `convcalc list`"
            words = "mobilenet_v1 stem.conv" if ctx.command.name == "explain" else "mobilenet_v1"
            help = f"`{ctx.command_path} {words}`; `convcalc new mine.yaml` begins one of your own"
            raise fail("usage", message, help) from None


def spec_argument(function: _F) -> _F:
    """SPEC: the command gets it as `spec`."""
    return click.argument("spec", cls=_Specs, metavar="SPEC", shell_complete=complete_spec)(
        function
    )


def specs_argument(function: _F) -> _F:
    """SPEC…: the command gets them as `specs`."""
    return click.argument(
        "specs",
        cls=_Specs,
        metavar="SPEC...",
        nargs=-1,
        required=True,
        shell_complete=complete_spec,
    )(function)


def error_format_option(function: _F, spelling: str | None = None) -> _F:
    """`--error-format`; `convcalc.cli.main` reads it, so that it holds for every mistake."""
    return click.option(
        "--error-format",
        *([spelling] if spelling else []),
        type=click.Choice(("full", "concise", "github", "json")),
        default="full",
        expose_value=False,
        help="How mistakes are printed.",
    )(function)


def network_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is asked of a spec: `--set`, `--preset`, `--input`, `--limit`.

    The command gets them as `load`, which makes a graph of a SPEC argument.
    """

    @wraps(function)
    def command(
        settings: tuple[str, ...],
        preset: str | None,
        inputs: tuple[str, ...],
        limits: tuple[str, ...],
        **others: Any,
    ) -> Any:
        return function(load=_loader(settings, preset, inputs, limits), **others)

    options = (
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            help="Set a variable of the spec; again and again.",
        ),
        click.option(
            "--preset",
            type=Text(),
            metavar="NAME",
            shell_complete=complete_preset,
            help="A preset of the spec.",
        ),
        click.option(
            "--input",
            "inputs",
            multiple=True,
            type=Text(),
            metavar="SIZES",
            help="Another input: 192, 160x224 or 3x160x224; NAME=192 where there are several;"
            " channels=1.",
        ),
        limit_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


def limit_option(function: _F) -> _F:
    """`--limit`."""
    return click.option(
        "--limit", "limits", multiple=True, metavar="NAME=N", help="Allow more: layers=1000000."
    )(function)


def _loader(
    settings: tuple[str, ...], preset: str | None, inputs: tuple[str, ...], limits: tuple[str, ...]
) -> Callable[[str], Network]:
    from convcalc import api

    values = parse_settings(settings)
    bounds = limits_of(limits)
    input = parse_inputs(inputs)

    def load(spec: str) -> Network:
        found = read_spec(spec, bounds)
        chosen = found.preset_or(preset)
        return api.loads(
            found.data, found.name, chosen, input=input, limits=bounds, variables=values
        )

    return load


def read_spec(spec: str, limits: Limits) -> Found:
    """What a SPEC argument stands for: a file, - for standard input, or a name in the zoo.

    It is kept from being overwritten by the answer. Raises ConvcalcError.
    """
    from convcalc import zoo

    if spec == "-":
        if STANDARD_INPUT in notes().read:
            raise fail("usage", "standard input can be read once", "give - once")
        notes().read.append(STANDARD_INPUT)
        return zoo.Found(streams.read_input(limits.bytes), spec, "<stdin>")
    found = zoo.locate(spec, limits.bytes)
    notes().read.append(found.path)
    return found


def limits_of(settings: tuple[str, ...]) -> Limits:
    """`NAME=N` pairs as limits. Raises ConvcalcError."""
    from convcalc.language.limits import parse_limits

    _require_once("--limit", settings)
    return parse_limits(settings)


def _require_once(option: str, settings: tuple[str, ...]) -> None:
    """Refuse `NAME=VALUE` pairs that give a name two values. Raises ConvcalcError."""
    given = set()
    for setting in settings:
        name = setting.partition("=")[0].strip()
        if name in given:
            message = f"`{option} {shortened(name)}` is given twice"
            raise fail("usage", message, "leave one of them out")
        given.add(name)


def convention_option(also: str = "") -> Callable[[_F], _F]:
    """`--convention`; `also` is what else the command takes."""
    return click.option(
        "--convention",
        type=Text(),
        default="exact",
        metavar="NAME",
        show_default=True,
        shell_complete=complete_convention,
        help=f"How FLOPs are counted{also}; `convcalc conventions` lists the ways.",
    )


def batch_option(function: _F) -> _F:
    """`--batch`."""
    return click.option(
        "--batch",
        type=Whole(1),
        default=1,
        metavar="N",
        help="Samples at a time. [default: 1]",
    )(function)


def dtype_option(function: _F) -> _F:
    """`--dtype`; None where it is not given."""
    return click.option(
        "--dtype",
        type=Text(),
        metavar="TYPE",
        help="The type of a number, for the bytes of weights and activations: float16, int8, …"
        " [default: float32]",
    )(function)


def si_option(function: _F) -> _F:
    """`--si`."""
    return click.option("--si", is_flag=True, help="Short numbers: 568.7M.")(function)


def parse_inputs(inputs: tuple[str, ...]) -> dict[str, str] | None:
    """What each `--input` says, by the name before its `=`, empty where there is none.

    Raises ConvcalcError for a name that is given twice.
    """
    _require_once("--input", tuple(each for each in inputs if "=" in each))
    if sum("=" not in each for each in inputs) > 1:
        help = "for several inputs, say which: --input NAME=SIZES"
        raise fail("usage", "`--input` is given twice", help)
    pairs = [each.rpartition("=") for each in inputs]
    return {name.strip(): text.strip() for name, _, text in pairs} or None


def parse_value(text: str, words: tuple[str, ...] = ()) -> Any:
    """A value as an option gives it: `3`, `3,1`, `[[0, 1], [0, 1]]`, `true`, one of `words`."""
    if text in words:
        return text
    if text.isdecimal() and text.isascii() and len(text) < 19:
        return int(text)  # most are
    from convcalc.expressions import ExpressionError, parse

    try:
        return parse(
            f"[{text}]" if "," in text and not text.lstrip().startswith("[") else text
        ).evaluate({})
    except ExpressionError as error:
        if error.code == "unknown-name" and text.isidentifier():
            return text
        raise click.BadParameter(f"{shortened(text)!r} is no value: {error.message}") from None


def parse_settings(settings: tuple[str, ...]) -> dict[str, Any]:
    """`NAME=VALUE` pairs. Raises BadParameter, or ConvcalcError for a name with two values."""
    _require_once("--set", settings)
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip() or not text.strip():
            raise click.BadParameter(
                f"{shortened(setting)!r} sets nothing; write NAME=VALUE: alpha=0.5"
            )
        values[name.strip()] = parse_value(text.strip())
    return values


def complete_spec(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Specs and presets of the zoo, and files."""
    from click.shell_completion import CompletionItem

    from convcalc import zoo

    names = [name for name in (*zoo.families(), *zoo.presets()) if name.startswith(incomplete)]
    return [*map(CompletionItem, sorted(set(names))), CompletionItem(incomplete, type="file")]


def complete_convention(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Conventions."""
    from convcalc import conventions

    names = [each.name for each in conventions.every()]
    return [name for name in names if name.startswith(incomplete)]


def complete_preset(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Presets of the specs that are named already; of the whole zoo before that."""
    from convcalc import zoo

    specs = ctx.params.get("specs") or ()
    found = [preset for preset, family in zoo.presets().items() if not specs or family in specs]
    return [preset for preset in found if preset.startswith(incomplete)]
