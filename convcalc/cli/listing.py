"""`convcalc list`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import click

from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.api import Network, Opened
    from convcalc.cli.output import Printer
    from convcalc.render.networks import Conditions, Row


def _columns() -> Mapping[str, Any]:
    """The columns that there are, by key."""
    from convcalc.render.networks import known

    return known()


@click.command("list", cls=Command, short_help="Networks side by side: a row each.")
@click.argument("specs", metavar="[SPEC]...", nargs=-1, shell_complete=candidates.specs)
@options.spec_options("Set a variable of the specs that have it; a row for each of several values.")
@options.batch_option
@options.convention_option(also="all")
@click.option(
    "--sort",
    type=options.Text(),
    metavar="COLUMN",
    shell_complete=candidates.sort_keys(_columns),
    help="Order the networks by a column: the largest number or shape first, words from a to z;"
    " -COLUMN is the other way round.",
)
@options.top_option
@click.option(
    "--columns",
    "keys",  # which JSON has beside its own
    type=options.Text(),
    metavar="A,B,…",
    shell_complete=candidates.columns(_columns),
    help="Which columns there are: params,macs,activations.",
)
@options.dtype_option
@options.si_option
@output.output_options
@options.error_format_option
def command(
    printer: Printer,
    specs: tuple[str, ...],
    settings: tuple[str, ...],
    preset: str | None,
    inputs: tuple[str, ...],
    limits: tuple[str, ...],
    batch: int,
    convention: str,
    sort: str | None,
    top: int | None,
    keys: str | None,
    dtype: str | None,
    si: bool,
) -> None:
    """Print a row a network: its parameters, MACs and whatever else is asked for.

    SPEC is a file, - for standard input, or the name of a spec or preset that comes with convcalc;
    without one, all of these are listed. Where every SPEC is a spec that comes with convcalc, each
    is listed with its presets, unless --set or --preset says which network is meant.

    \b
    Examples:
      convcalc list
      convcalc list resnet mobilenet_v2 --si
      convcalc list mine.yaml resnet50 vgg16 --columns params,macs,activations --format latex
      convcalc list mine.yaml mobilenet_v1 --set alpha=0.5 --set alpha=0.25
      convcalc list --sort -macs --top 10
      convcalc list --json | jq '.networks[] | select(.macs < 1000000000) | .name'
    """
    from convcalc.render import column as base
    from convcalc.render import networks as render

    if (settings or preset) and not specs:
        message = "`--set` and `--preset` are for specs, and none is named"
        raise fail("usage", message, "name them: convcalc list mobilenet_v1 --set alpha=0.5")
    choices = options.parse_choices(settings)
    by_family = not (choices or preset) and all(map(_is_family, specs))
    names = _all_of(specs) if by_family else specs
    sort = sort or (None if top is None else "macs")
    conditions = None
    if choices or preset or inputs or limits or dtype or (batch, convention) != (1, "exact"):
        conditions = _conditions(convention, batch, dtype, preset, choices)
    columns = render.columns_of(keys, conditions, by_family)
    order = None if sort is None else base.order(sort, lambda name: render.find(name, conditions))
    wanted = [*columns.table, *([order.column] if order else [])]
    index = {} if conditions else _index()
    rows: list[Row]
    if all(name in index for name in names) and all(c.key in render.INDEXED for c in wanted):
        rows = [index[name] for name in names]
    else:
        conditions = conditions or _conditions(convention, batch, dtype, preset, choices)
        specs_of = dict(zip(names, map(options.opener(preset, inputs, limits), names)))
        _require_variables(choices, [*specs_of.values()])
        rows = [
            render.row(
                name, _family_of(name), network.analyze(convention, batch, dtype or "float32")
            )
            for name in names
            for network in _networks(specs_of[name], choices)
        ]
    printer.print(render.report(rows, columns, order, top, si, conditions))


def _is_family(spec: str) -> bool:
    """Whether a SPEC is the name of a spec of the zoo."""
    from convcalc import zoo

    return spec in zoo.families() and not zoo.is_file(spec)


def _all_of(families: Sequence[str]) -> list[str]:
    """The names of all networks of some specs of the zoo, or of all of them."""
    from convcalc import zoo

    found: dict[str, list[str]] = {family: [] for family in families or zoo.families()}
    for each in zoo.index():
        if each["family"] in found:
            found[each["family"]].append(each["name"])
    return [name for names in found.values() for name in names]


def _index() -> dict[str, Row]:
    """What the zoo's index has of the networks that a SPEC may name."""
    from convcalc import zoo

    return {each["name"]: each for each in zoo.index() if not zoo.is_file(each["name"])}


def _family_of(spec: str) -> str | None:
    """The spec of the zoo that a SPEC stands for; None for a file."""
    if _is_family(spec):
        return spec
    found = _index().get(spec)
    return None if found is None else str(found["family"])


def _conditions(
    convention: str,
    batch: int,
    dtype: str | None,
    preset: str | None,
    choices: Mapping[str, Sequence[Any]],
) -> Conditions:
    """What networks are analyzed under. Raises ConvcalcError for an unknown convention."""
    from convcalc import conventions
    from convcalc.analysis import ALL
    from convcalc.render.networks import Conditions
    from convcalc.visible import composed

    is_all = convention == ALL
    return Conditions(
        conventions.find("exact" if is_all else convention),
        conventions.names() if is_all else (),
        batch,
        dtype,
        preset is not None,
        {composed(name): values for name, values in choices.items()},
    )


def _require_variables(choices: Mapping[str, Sequence[Any]], specs: Sequence[Opened]) -> None:
    """Refuse a variable that none of the specs has. Raises ConvcalcError."""
    for name, values in choices.items():
        if not any(_has(spec, name) for spec in specs):
            specs[0].at({name: values[0]})  # which says so, with the nearest that there are


def _networks(spec: Opened, choices: Mapping[str, Sequence[Any]]) -> Iterator[Network]:
    """A spec at every combination of the values of the variables that it has."""
    own = [name for name in choices if _has(spec, name)]
    for values in product(*(choices[name] for name in own)):
        yield spec.at(dict(zip(own, values)))


def _has(spec: Opened, variable: str) -> bool:
    from convcalc.visible import composed

    return composed(variable) in spec.variables
