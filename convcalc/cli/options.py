"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from convcalc.cli import candidates, streams
from convcalc.cli.command import STANDARD_INPUT, notes
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.words import shortened

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from convcalc.api import Network, Opened
    from convcalc.graph import Cut
    from convcalc.inputs import Input
    from convcalc.language.limits import Limits
    from convcalc.written import Written
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
            raise missing_spec(ctx) from None


def missing_spec(ctx: click.Context) -> ConvcalcError:
    """The mistake of a command that is given no SPEC."""
    message = f"`{ctx.command_path}` needs a spec: a file, or a name from `convcalc list`"
    words = _BEHIND.get(ctx.command.name or "", "mobilenet_v1")
    help = f"`{ctx.command_path} {words}`; `convcalc new mine.yaml` begins one of your own"
    return fail("usage", message, help)


#: What stands behind a command in an example, where that is not a SPEC alone.
_BEHIND = {
    "explain": "mobilenet_v1 stem.conv",
    "roofline": "mobilenet_v1 --device rtx-4090",
}


def spec_argument(function: _F) -> _F:
    """SPEC: the command gets it as `spec`."""
    return click.argument("spec", cls=_Specs, metavar="SPEC", shell_complete=candidates.specs)(
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
        shell_complete=candidates.specs,
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
    """What is asked of a spec: `--set`, `--preset`, `--input`, `--until`, `--drop`, `--limit`.

    The command gets them as `load`, which makes a graph of a SPEC argument.
    """

    @wraps(function)
    def command(
        settings: tuple[str, ...],
        preset: str | None,
        inputs: tuple[str, ...],
        until: tuple[str, ...],
        drop: tuple[str, ...],
        limits: tuple[str, ...],
        **others: Any,
    ) -> Any:
        load = _loader(settings, preset, inputs, cuts_of(until, drop), limits)
        return function(load=load, **others)

    return _spec_options(
        False,
        "Set a variable of the spec; once for each variable.",
        "A preset of the spec.",
        "",
    )(command)


def rows_options(function: _F) -> _F:
    """The same, each as often as it is given: what has several values is a row for each.

    The command gets them as `settings`, `presets`, `inputs`, `until`, `drop` and `limits`.
    """
    return _spec_options(
        True,
        "Set a variable of the specs that have it; a row for each of several values.",
        "A preset of the specs that have it; a row for each of several.",
        " A row for each of several sizes without a NAME.",
    )(function)


def _spec_options(
    has_rows: bool, set_help: str, preset_help: str, input_help: str
) -> Callable[[_F], _F]:
    """What is asked of specs, as it is given; the texts are what is said of each option.

    `has_rows` says whether `--preset` may be given again.
    """
    options = (
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            shell_complete=candidates.variables,
            help=set_help,
        ),
        click.option(
            "--preset",
            *(["presets"] if has_rows else []),
            type=Text(),
            multiple=has_rows,
            metavar="NAME",
            shell_complete=candidates.presets,
            help=preset_help,
        ),
        click.option(
            "--input",
            "inputs",
            multiple=True,
            type=Text(),
            metavar="SIZES",
            help="Another input: 192, 160x224 or 3x160x224; NAME=192 where there are several;"
            f" channels=1.{input_help}",
        ),
        click.option(
            "--until",
            multiple=True,
            type=Text(),
            metavar="NAME",
            shell_complete=layers,
            help="Only what leads to a layer or block, whose output leaves; again for several.",
        ),
        click.option(
            "--drop",
            multiple=True,
            type=Text(),
            metavar="NAME",
            shell_complete=layers,
            help="Leave a layer or block out: what follows reads its input; again for several.",
        ),
        limit_option,
    )

    def with_options(function: _F) -> _F:
        for option in reversed(options):
            function = option(function)
        return function

    return with_options


def limit_option(function: _F) -> _F:
    """`--limit`."""
    return click.option(
        "--limit",
        "limits",
        multiple=True,
        metavar="NAME=N",
        shell_complete=candidates.limits,
        help="Allow more: layers=1000000.",
    )(function)


def cuts_of(until: tuple[str, ...], drop: tuple[str, ...]) -> tuple[Cut, ...]:
    """What `--until` and `--drop` say, in the order in which networks are cut so.

    Raises ConvcalcError for a name that is given twice.
    """
    if not (until or drop):
        return ()
    from convcalc.graph import DROP, UNTIL, Cut

    cuts = (Cut(UNTIL, until), Cut(DROP, drop))
    for cut in cuts:
        _require_once(f"--{cut.way}", cut.names)
    return tuple(cut for cut in cuts if cut.names)


def layers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What completes a layer or a group of the networks that the line has so far.

    An argument is one of what `--until` and `--drop` leave. Raises ConvcalcError.
    """
    from convcalc import api

    limits, given = limits_of(ctx.params["limits"] or ()), ctx.params
    preset = next(iter(given.get("presets") or ()), given.get("preset"))
    settings = {name: first for name, (first, *_) in parse_choices(given["settings"] or ()).items()}
    common: dict[str, Any] | None = None
    for spec in candidates.named(ctx):
        found = candidates.found_spec(spec, limits)
        if found is not None:
            network = api.network_of(found, preset, limits=limits, variables=settings)
            if isinstance(param, click.Argument):
                for cut in cuts_of(given["until"] or (), given["drop"] or ()):
                    network = api.part_of(network, cut)
            places = network.places()
            common = dict.fromkeys(each for each in places if common is None or each in common)
    return candidates.parts_of_path(common or (), incomplete)


def _loader(
    settings: tuple[str, ...],
    preset: str | None,
    inputs: tuple[str, ...],
    cuts: Sequence[Cut],
    limits: tuple[str, ...],
) -> Callable[[str], Network]:
    from convcalc import api

    variables, input, bounds = parse_settings(settings), parse_inputs(inputs), limits_of(limits)

    def load(spec: str) -> Network:
        found = read_spec(spec, bounds, input)
        network = api.network_of(found, preset, input=input, limits=bounds, variables=variables)
        for cut in cuts:
            network = api.part_of(network, cut)
        note_doubts(found, network)
        return network

    return load


def note_doubts(found: Found, network: Network) -> None:
    """Take note of what is to be said of a network beside its answer, once of a place."""
    if network.cuts or not found.is_of_zoo:
        notes().warn(network.doubts)


def opener(limits: tuple[str, ...]) -> Callable[[str], tuple[Found, Opened]]:
    """What opens the spec that a SPEC argument stands for, for several networks of it."""
    from convcalc import api

    bounds = limits_of(limits)

    def open_spec(spec: str) -> tuple[Found, Opened]:
        found = read_spec(spec, bounds)
        return found, api.opened(found.data, found.name, found.preset, limits=bounds)

    return open_spec


def read_spec(spec: str, limits: Limits, input: Input | None = None) -> Found:
    """What a SPEC argument stands for: a file, - for standard input, or a name in the zoo.

    A foreign file is read as it is asked for at `input`. It is kept from being overwritten by the
    answer. Raises ConvcalcError.
    """
    from convcalc import importers, zoo

    if spec == "-":
        if STANDARD_INPUT in notes().read:
            raise fail("usage", "standard input can be read once", "give - once")
        notes().read.append(STANDARD_INPUT)
        return zoo.Found(streams.read_input(limits.bytes), spec, "<stdin>")
    found = importers.locate(spec, limits, _sizes(input))
    notes().read.append(found.path)
    notes().warn(found.doubts)
    return found


def _sizes(input: Input | None) -> Mapping[str, tuple[int, ...]]:
    """What is asked of the inputs, by name, as numbers. Raises ConvcalcError."""
    if input is None:
        return {}
    from convcalc.inputs import inputs_of

    return inputs_of(input)


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
    """`--convention`; `also` is another word that the command takes."""
    or_also = f", or `{also}`" if also else ""
    return click.option(
        "--convention",
        type=Text(),
        default="exact",
        metavar="NAME",
        show_default=True,
        shell_complete=candidates.conventions(also),
        help=f"How FLOPs are counted{or_also}; `convcalc conventions` lists the ways.",
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
        shell_complete=candidates.dtypes,
        help="The type of a number, for the bytes of weights and activations: float16, int8, …"
        " [default: float32]",
    )(function)


def fuse_option(function: _F) -> _F:
    """`--fuse`; None where neither it nor `--no-fuse` is given."""
    return click.option(
        "--fuse/--no-fuse",
        default=None,
        help="Whether batch norms and elementwise activations vanish into the convolution or linear"
        " layer that feeds them. [default: for int8 and uint8]",
    )(function)


def sort_option(rows: str, columns: candidates.Known) -> Callable[[_F], _F]:
    """`--sort`, of rows that are such; `columns` makes those that there are."""
    return click.option(
        "--sort",
        type=Text(),
        metavar="COLUMN",
        shell_complete=candidates.sort_keys(columns),
        help=f"Order the {rows} by a column: the largest number or shape first, words from a to z;"
        " -COLUMN is the other way round.",
    )


def depth_option(function: _F) -> _F:
    """`--depth`; None where it is not given."""
    return click.option(
        "--depth", type=Whole(1), metavar="N", help="Fold blocks deeper than N levels."
    )(function)


def top_option(function: _F) -> _F:
    """`--top`; None where it is not given."""
    return click.option(
        "--top",
        type=Whole(1),
        metavar="N",
        help="The first N rows alone; those of the largest MACs without --sort.",
    )(function)


def si_option(function: _F) -> _F:
    """`--si`."""
    return click.option("--si", is_flag=True, help="Short numbers: 568.7M.")(function)


def strict_option(function: _F) -> _F:
    """`--strict`."""
    return click.option(
        "--strict", is_flag=True, help="End with 1 where the cost of a layer is not known."
    )(function)


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


def parse_each_input(inputs: tuple[str, ...]) -> list[dict[str, str] | None]:
    """The same, where a shape without a name may be given again: what is asked of each row."""
    alone = [each for each in inputs if "=" not in each]
    named = tuple(each for each in inputs if "=" in each)
    if len(set(alone)) < len(alone):
        raise fail("usage", "`--input` is given the same sizes twice", "leave one of them out")
    return [parse_inputs((each, *named)) for each in alone] or [parse_inputs(named)]


def parse_value(text: str, words: tuple[str, ...] = ()) -> Any:
    """A value as an option gives it: `3`, `3,1`, `[0, 1],[0, 1]`, `true`, one of `words`."""
    if text in words:
        return text
    if text.isdecimal() and text.isascii() and len(text) < 19:
        return int(text)  # most are
    from convcalc.expressions import ExpressionError
    from convcalc.written import evaluated

    try:
        return evaluated(text)
    except ExpressionError as error:
        raise click.BadParameter(f"{shortened(text)!r} is no value: {error.message}") from None


def parse_settings(settings: tuple[str, ...]) -> dict[str, Written]:
    """`NAME=VALUE` pairs. Raises BadParameter, or ConvcalcError for a name with two values.

    What a value is hangs on its variable; see `Written`.
    """
    _require_once("--set", settings)
    return dict(map(_parse_setting, settings))


def parse_arguments(settings: tuple[str, ...]) -> dict[str, Any]:
    """`NAME=VALUE` pairs as arguments of Python code: literals of Python, other words as texts.

    Raises BadParameter, or ConvcalcError for a name with two values.
    """
    _require_once("--arg", settings)
    return dict(map(_parse_argument, settings))


#: How people write some values who do not write Python.
_OTHERWISE = {"true": True, "false": False, "null": None}
#: Characters of an argument that may be a literal; longer ones are texts.
_LITERAL = 10_000


def _parse_argument(setting: str) -> tuple[str, Any]:
    from ast import literal_eval

    name, equals, text = setting.partition("=")
    if not equals or not name.strip().isidentifier():
        shown = repr(shortened(setting))
        raise click.BadParameter(f"{shown} is no argument; write NAME=VALUE: width=64")
    if text in _OTHERWISE:
        return name.strip(), _OTHERWISE[text]
    try:
        return name.strip(), literal_eval(text[: _LITERAL + 1].strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), text


def parse_choices(settings: tuple[str, ...]) -> dict[str, list[Written]]:
    """`NAME=VALUE` pairs, of which a name may have several. Raises BadParameter.

    Raises ConvcalcError for a value that a name is given twice.
    """
    choices: dict[str, list[Written]] = {}
    for name, value in map(_parse_setting, settings):
        values = choices.setdefault(name, [])
        if value.value in [each.value for each in values]:
            message = f"`--set {shortened(name)}` is given the same value twice"
            raise fail("usage", message, "leave one of them out")
        values.append(value)
    return choices


def _parse_setting(setting: str) -> tuple[str, Written]:
    from convcalc.written import written

    name, equals, text = setting.partition("=")
    if not equals or not name.strip() or not text.strip():
        raise click.BadParameter(
            f"{shortened(setting)!r} sets nothing; write NAME=VALUE: alpha=0.5"
        )
    return name.strip(), written(text.strip())
