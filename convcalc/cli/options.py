"""Options that several commands share, and how their values are read and written."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from convcalc.diagnostics import ConvcalcError, fail

if TYPE_CHECKING:
    from convcalc.graph import Graph

_F = TypeVar("_F", bound=Callable[..., Any])

FORMATS = ("table", "json", "csv", "markdown", "latex")


def _format_shortcut(name: str) -> Callable[[_F], _F]:
    return click.option(
        f"--{name}", "format", flag_value=name, type=str, help=f"Short for --format {name}."
    )


def output_options(*formats: str) -> Callable[[_F], _F]:
    """`--format` with its short forms, and `-o`."""

    def add(function: _F) -> _F:
        function = click.option(
            "-o", "--output", "target", type=click.Path(dir_okay=False), metavar="FILE",
            help="Write to FILE instead of standard output.",
        )(function)  # fmt: skip
        for name in ("csv", "json"):
            if name in formats:
                function = _format_shortcut(name)(function)
        return click.option(
            "--format",
            "format",
            type=click.Choice(formats),
            default=formats[0],
            help="How to print it.",
            show_default=True,
        )(function)

    return add


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
) -> Callable[[str], Graph]:
    from convcalc import api
    from convcalc.language.limits import parse_limits

    values = parse_settings(settings)
    wanted: Any = {"input": parse_sizes(shape) if shape else None, "limits": parse_limits(limits)}

    def load(spec: str) -> Graph:
        if spec != "-":
            return api.load(spec, preset, **wanted, **values)
        text = sys.stdin.buffer.read(wanted["limits"].bytes + 1)
        return api.loads(text, "<stdin>", preset, **wanted, **values)

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


def si_option(function: _F) -> _F:
    """`--si`."""
    return click.option("--si", is_flag=True, help="Short numbers: 568.7M.")(function)


def parse_sizes(text: str) -> tuple[int, ...]:
    """`3x224x224` as sizes. Raises BadParameter."""
    parts = text.lower().replace("×", "x").split("x")
    if not 1 <= len(parts) <= 4 or not all(
        part.isascii() and part.isdigit() and len(part) < 19 for part in parts
    ):
        raise click.BadParameter(
            f"{text!r} is no shape; write sizes with an x between them: 3x224x224"
        )
    sizes = tuple(map(int, parts))
    if 0 in sizes:
        raise click.BadParameter(f"{text!r} has a size of 0")
    return sizes


def parse_value(text: str, words: tuple[str, ...] = ()) -> Any:
    """A value as an option gives it: `3`, `3,1`, `[[0, 1], [0, 1]]`, `true`, one of `words`."""
    if text in words:
        return text
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


def write(text: Iterable[str], target: str | None) -> None:
    """Write the result, whole or in pieces, to a file, or to standard output."""
    if target is None:
        try:
            sys.stdout.writelines(text)
            sys.stdout.flush()
        except BrokenPipeError:
            hush()
            raise click.exceptions.Exit(0) from None
        except OSError as error:
            hush()
            raise _unwritable("standard output", error) from None
        return
    try:
        with open(target, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(text)
    except OSError as error:
        raise _unwritable(target, error) from None


def _unwritable(name: str, error: OSError) -> ConvcalcError:
    reason = (error.strerror or "unknown reason").lower()
    return fail("unwritable", f"{name} cannot be written: {reason}")


def hush() -> None:
    """Send what is left for standard output nowhere: its reader has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_terminal() -> bool:
    """Whether standard output is a terminal that can move a cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def wants_color() -> bool:
    """Whether colours are welcome (no-color.org)."""
    return not os.environ.get("NO_COLOR")


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
