"""`convcalc list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from convcalc.cli import candidates, options, output, rows
from convcalc.cli.command import Command
from convcalc.diagnostics import fail

if TYPE_CHECKING:
    from convcalc.cli.output import Printer
    from convcalc.render.networks import Conditions, Row


def _columns() -> Mapping[str, Any]:
    """The columns that there are, by key."""
    from convcalc.render.networks import known

    return known()


@click.command("list", cls=Command, short_help="Networks side by side: a row each.")
@click.argument("specs", metavar="[SPEC]...", nargs=-1, shell_complete=candidates.specs)
@options.rows_options
@options.batch_option
@options.convention_option(also="all")
@options.sort_option("networks", _columns)
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
    presets: tuple[str, ...],
    inputs: tuple[str, ...],
    until: tuple[str, ...],
    drop: tuple[str, ...],
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
    is listed with its presets, unless --set or --preset says which network is meant. A file is one
    network; tables call it by its own name.

    \b
    Examples:
      convcalc list
      convcalc list resnet mobilenet_v2 --si
      convcalc list mine.yaml resnet50 --columns params,macs --format latex
      convcalc list mine.yaml mobilenet_v1 --set alpha=0.5 --set alpha=0.25
      convcalc list mine.yaml --preset small --preset large --columns macs
      convcalc list resnet50 mobilenet_v2 --drop linear
      convcalc list --sort -macs --top 10
      convcalc list --json | jq '.networks[] | select(.macs < 1e9) | .name'
    """
    from convcalc.render import column as base
    from convcalc.render import networks as render

    if (settings or presets or inputs or until or drop) and not specs:
        given = "`--set`, `--preset`, `--input`, `--until` and `--drop`"
        message = f"{given} are for specs, and none is named"
        raise fail("usage", message, "name them: convcalc list mobilenet_v1 --set alpha=0.5")
    asked = rows.asked(settings, presets, inputs, until, drop)
    by_family = not (asked.choices or presets) and all(map(_is_family, specs))
    names = _all_of(specs) if by_family else specs
    sort = sort or (None if top is None else "macs")
    conditions = None
    is_asked = settings or presets or inputs or asked.cuts or limits or dtype
    if is_asked or (batch, convention) != (1, "exact"):
        conditions = _conditions(convention, batch, dtype, asked)
    columns = render.columns_of(keys, conditions, by_family)
    order = None if sort is None else base.order(sort, lambda name: render.find(name, conditions))
    wanted = [*columns.table, *([order.column] if order else [])]
    index = {} if conditions else _index()
    found: list[Row]
    if all(name in index for name in names) and all(c.key in render.INDEXED for c in wanted):
        found = [index[name] for name in names]
    else:
        conditions = conditions or _conditions(convention, batch, dtype, asked)
        opened = dict(zip(names, map(options.opener(limits), names)))
        rows.require_had(asked, [*opened.values()])
        cutting = rows.Cutting(asked.cuts)
        figures = [column.base for column in wanted]
        found = [
            render.row(
                name,
                _family_of(name),
                network.analyze(convention, batch, dtype or "float32", figures=figures),
            )
            for name in names
            for network in rows.networks_of(*opened[name], asked, cutting)
        ]
        cutting.require_had()
        if not presets:
            files = [(file, spec) for file, spec in opened.values() if not file.is_of_zoo]
            own = {file.name: spec.presets for file, spec in files if spec.presets}
            conditions = conditions._replace(presets=own)
    printer.print(render.report(found, columns, order, top, si, conditions))


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
    asked: rows.Asked,
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
        bool(asked.presets),
        len(asked.inputs) > 1,
        {composed(name): [each.value for each in values] for name, values in asked.choices.items()},
        [cut.way for cut in asked.cuts],
    )
