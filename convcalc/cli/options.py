"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from convcalc.cli import output
from convcalc.words import sizes_of

if TYPE_CHECKING:
    from convcalc.api import Network

_F = TypeVar("_F", bound=Callable[..., Any])


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
        shape: str | None,
        limits: tuple[str, ...],
        **others: Any,
    ) -> Any:
        return function(load=_loader(settings, preset, shape, limits), **others)

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
            metavar="NAME",
            shell_complete=complete_preset,
            help="A preset of the spec.",
        ),
        click.option("--input", "shape", metavar="CxHxW", help="Another input: 3x192x192."),
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
    settings: tuple[str, ...], preset: str | None, shape: str | None, limits: tuple[str, ...]
) -> Callable[[str], Network]:
    from convcalc import api
    from convcalc.language.limits import parse_limits

    values = parse_settings(settings)
    bounds = parse_limits(limits)
    wanted: Any = {"input": parse_sizes(shape) if shape else None, "variables": values}

    def load(spec: str) -> Network:
        if spec != "-":
            output.keep(spec)
            return api.load(spec, preset, limits=bounds, **wanted)
        text = sys.stdin.buffer.read(bounds.bytes + 1)
        return api.loads(text, "<stdin>", preset, limits=bounds, **wanted)

    return load


def convention_option(also: str = "") -> Callable[[_F], _F]:
    """`--convention`; `also` is what else the command takes."""
    return click.option(
        "--convention",
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
        type=click.IntRange(min=1),
        default=1,
        metavar="N",
        help="Samples at a time. [default: 1]",
    )(function)


def dtype_option(function: _F) -> _F:
    """`--dtype`."""
    return click.option(
        "--dtype",
        default="float32",
        metavar="TYPE",
        show_default=True,
        help="The type of a number in weights and activations: float16, int8, …",
    )(function)


def si_option(function: _F) -> _F:
    """`--si`."""
    return click.option("--si", is_flag=True, help="Short numbers: 568.7M.")(function)


def parse_sizes(text: str) -> tuple[int, ...]:
    """`3x224x224` as sizes. Raises BadParameter."""
    sizes = sizes_of(text)
    if sizes is None:
        raise click.BadParameter(
            f"{text!r} is no shape; write sizes with an x between them: 3x224x224"
        )
    if 0 in sizes:
        raise click.BadParameter(f"{text!r} has a size of 0")
    return sizes


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
        raise click.BadParameter(f"{text!r} is no value: {error.message}") from None


def parse_settings(settings: tuple[str, ...]) -> dict[str, Any]:
    """`NAME=VALUE` pairs. Raises BadParameter."""
    values = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip() or not text.strip():
            raise click.BadParameter(f"{setting!r} sets nothing; write NAME=VALUE: alpha=0.5")
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

    return [name for name in conventions.names() if name.startswith(incomplete)]


def complete_preset(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Presets of the specs that are named already; of the whole zoo before that."""
    from convcalc import zoo

    specs = ctx.params.get("specs") or ()
    found = [preset for preset, family in zoo.presets().items() if not specs or family in specs]
    return [preset for preset in found if preset.startswith(incomplete)]
