"""What may stand next on a command line: the names that arguments and options take.

All come from where they are defined: registries, the zoo, the spec that the line names. A candidate
that `more` follows, such as `alpha=`, gets no space behind it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from convcalc.diagnostics import ConvcalcError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from convcalc.language.limits import Limits
    from convcalc.zoo import Found

#: Kinds of candidates: a whole word, one that more follows, and the files of a folder that are
#: specs or stand for one.
WORD, MORE, SPEC_FILE = "plain", "more", "spec"
#: Those that stand for files which the shell finds itself; `file` is what click has for any.
FILES = (SPEC_FILE, "file")

_Completion = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def offered(
    names: Iterable[str] | Mapping[str, str], incomplete: str, kind: str = WORD
) -> list[CompletionItem]:
    """Those of some names that begin as the word does; a mapping says what each is."""
    from click.shell_completion import CompletionItem

    told = names if isinstance(names, Mapping) else {}
    return [
        CompletionItem(name, kind, told.get(name)) for name in names if name.startswith(incomplete)
    ]


def words(names: Iterable[str]) -> _Completion:
    """What completes one of a few words."""
    return lambda ctx, param, incomplete: offered(names, incomplete)


def specs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Specs and presets of the zoo, and files."""
    from click.shell_completion import CompletionItem

    from convcalc import zoo

    names = sorted({*zoo.families(), *zoo.presets()})
    return [CompletionItem(incomplete, SPEC_FILE), *offered(names, incomplete)]


def models(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Foreign files; code is not looked for, since that would run it."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, SPEC_FILE)]


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files of any kind."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, "file")]


def presets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Presets that the specs on the line have; those of the whole zoo before one is named."""
    from convcalc import zoo

    if not named(ctx):
        return offered(zoo.presets(), incomplete)
    told = {name: _told(values) for name, values in _common(ctx, "presets").items()}
    return offered(told, incomplete)


def variables(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`NAME=` for the variables that the specs on the line have and that are not set yet."""
    return _settings(ctx, param, _common(ctx, "variables"), incomplete)


def limits(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`NAME=` for the limits that are not set yet."""
    from convcalc.language.limits import DEFAULT

    return _settings(ctx, param, DEFAULT._asdict(), incomplete)


def conventions(also: str = "") -> _Completion:
    """What completes the name of a convention, or the word `also`."""

    def completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        from convcalc import conventions

        names = [each.name for each in conventions.every()]
        return offered([*names, *([also] if also else [])], incomplete)

    return completed


#: Makes the columns that a table may have, by key.
Known = Callable[[], Mapping[str, Any]]


def columns(known: Known) -> _Completion:
    """What completes one more column of a list with commas, which has each once."""

    def completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        before, comma, _ = incomplete.rpartition(",")
        taken = {_key(name) for name in before.split(",")}
        titles = _titles(known, ctx).items()
        keys = {f"{before}{comma}{key}": title for key, title in titles if key not in taken}
        return offered(keys, incomplete, MORE)

    return completed


def sort_keys(known: Known) -> _Completion:
    """What completes a column, with `-` before it where the word begins so."""

    def completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        sign = "-" if incomplete.startswith("-") else ""
        keys = {f"{sign}{key}": title for key, title in _titles(known, ctx).items()}
        return offered(keys, incomplete)

    return completed


def metrics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`METRIC=` for the figures that have budgets and are not given one yet."""
    from convcalc.budgets import metrics as known
    from convcalc.costs import FIGURES

    return _settings(ctx, param, {key: FIGURES[key].title for key in known()}, incomplete)


def dtypes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Types of numbers."""
    from convcalc.dtypes import SIZES

    return offered({name: f"{size} B" for name, size in SIZES.items()}, incomplete)


def definitions(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Definitions of peak memory, each with what it says."""
    from convcalc import sizes
    from convcalc.memory.definitions import DEFINITIONS

    known = {each.name: each.meaning for each in DEFINITIONS.values()}
    known |= {name: f"the sizes that {sizes.find(name).tool} prints" for name in sizes.names()}
    return offered(known, incomplete)


def optimizers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Optimizers of a training step."""
    from convcalc.memory.training import OPTIMIZERS

    return offered(OPTIMIZERS, incomplete)


def devices(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Devices that are not named yet, and files."""
    from click.shell_completion import CompletionItem

    from convcalc import devices as known

    given = ctx.params.get(param.name or "") or ()
    names = [name for name in known.names() if name not in given]
    return [CompletionItem(incomplete, "file"), *offered(names, incomplete)]


def parts_of_path(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Dotted names, level by level: `stem` before `stem.conv`, which is there once `stem` is."""
    found = dict.fromkeys(names)
    inner = {name.rpartition(".")[0] for name in found}
    level = [
        name
        for name in found
        if name.startswith(incomplete) and "." not in name[len(incomplete) :].removeprefix(".")
    ]
    return [
        item
        for name in level
        for item in offered([name], incomplete, MORE if name in inner else WORD)
    ]


def found_spec(spec: str, limits: Limits) -> Found | None:
    """The spec of a SPEC argument; None for what is no file and not in the zoo.

    A pipe or a device is left alone: what is read from it is gone.
    """
    from convcalc import importers

    if spec == "-" or (os.path.exists(spec) and not os.path.isfile(spec)):
        return None
    try:
        return importers.locate(spec, limits)
    except ConvcalcError:
        return None


def named(ctx: click.Context) -> tuple[str, ...]:
    """The specs on the line: commands that take any have them first."""
    first = next(param for param in ctx.command.params if isinstance(param, click.Argument))
    value = ctx.params.get(first.name or "") or ()
    return (value,) if isinstance(value, str) else tuple(value)


def _common(ctx: click.Context, key: str) -> dict[str, Any]:
    """What every spec on the line that can be read has in its mapping `key`."""
    common: dict[str, Any] | None = None
    for document in _documents(named(ctx)):
        found = document.get(key)
        values = found if isinstance(found, dict) else {}
        kept = values if common is None else common
        common = {name: value for name, value in kept.items() if name in values}
    return common or {}


def _documents(specs: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The specs as they are written, without those that are no YAML."""
    from convcalc.language.limits import DEFAULT, Budget
    from convcalc.language.reader import read, source_of

    for spec in specs:
        found = found_spec(spec, DEFAULT)
        if found is None:
            continue
        try:
            source = source_of(found.data, found.name, DEFAULT)
            document = read(source, Budget(DEFAULT))
        except ConvcalcError:
            continue
        if isinstance(document, dict):
            yield document


def _settings(
    ctx: click.Context, param: click.Parameter, values: Mapping[str, Any], incomplete: str
) -> list[CompletionItem]:
    """`NAME=` for each that the option has not set, with the value that it has so far."""
    given = {setting.partition("=")[0] for setting in ctx.params.get(param.name or "") or ()}
    names = {f"{name}=": f"{value}" for name, value in values.items() if name not in given}
    return offered(names, incomplete, MORE)


def _told(values: Any) -> str:
    """What a preset sets, in words."""
    return " ".join(f"{name}={value}" for name, value in dict(values or {}).items())


def _titles(known: Known, ctx: click.Context) -> dict[str, str]:
    """The columns that the line may ask for, each with its title."""
    from convcalc import conventions
    from convcalc.analysis import ALL
    from convcalc.costs import FIGURES

    found = {key: column.title for key, column in known().items()}
    if ctx.params.get("group_by"):
        return {key: title for key, title in found.items() if key in FIGURES}
    if ctx.params.get("convention") == ALL:
        found |= {name: name for name in conventions.names()}
    return found


def _key(name: str) -> str:
    """The key of a column that may be called otherwise."""
    from convcalc.render.columns import find

    try:
        return find(name.strip()).key
    except ConvcalcError:
        return name
