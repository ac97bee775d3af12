"""`convcalc list`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from convcalc.cli import candidates, options, output
from convcalc.cli.command import Command
from convcalc.diagnostics import ConvcalcError, fail

if TYPE_CHECKING:
    from convcalc.api import Network, Opened
    from convcalc.cli.output import Printer
    from convcalc.graph import Cut
    from convcalc.render.networks import Conditions, Row
    from convcalc.written import Written
    from convcalc.zoo import Found


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
    if len(set(presets)) < len(presets):
        raise fail("usage", "`--preset` is given the same name twice", "leave one of them out")
    asked = _Asked(
        presets,
        options.parse_choices(settings),
        options.parse_each_input(inputs),
        options.cuts_of(until, drop),
    )
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
    rows: list[Row]
    if all(name in index for name in names) and all(c.key in render.INDEXED for c in wanted):
        rows = [index[name] for name in names]
    else:
        conditions = conditions or _conditions(convention, batch, dtype, asked)
        opened = dict(zip(names, map(options.opener(limits), names)))
        _require_had(asked, [*opened.values()])
        cutting = _Cutting(asked.cuts)
        figures = [column.base for column in wanted]
        rows = [
            render.row(
                name,
                _family_of(name),
                network.analyze(convention, batch, dtype or "float32", figures=figures),
            )
            for name in names
            for network in _networks(*opened[name], asked, cutting)
        ]
        cutting.require_had()
        if not presets:
            files = [(found, spec) for found, spec in opened.values() if not found.is_of_zoo]
            own = {found.name: spec.presets for found, spec in files if spec.presets}
            conditions = conditions._replace(presets=own)
    printer.print(render.report(rows, columns, order, top, si, conditions))


class _Asked(NamedTuple):
    """What is asked of specs: presets, variables and inputs, of which each has a row; and cuts."""

    presets: Sequence[str]
    choices: Mapping[str, Sequence[Any]]
    inputs: Sequence[Mapping[str, str] | None]
    cuts: Sequence[Cut]


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
    asked: _Asked,
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


def _require_had(asked: _Asked, opened: Sequence[tuple[Found, Opened]]) -> None:
    """Refuse a preset or a variable that none of the specs has. Raises ConvcalcError."""
    found, first = opened[0]
    for preset in asked.presets:
        if not any(_presets(*each, [preset]) for each in opened):
            first.at({}, found.preset_or(preset))  # which says so, with the nearest that there are
    for name, values in asked.choices.items():
        if not any(_has(spec, name) for _, spec in opened):
            first.at({name: values[0]})


def _networks(found: Found, spec: Opened, asked: _Asked, cutting: _Cutting) -> Iterator[Network]:
    """A spec at every combination of its presets, its variables' values and the inputs, cut."""
    own = [name for name in asked.choices if _has(spec, name)]
    presets: Sequence[str | None] = _presets(found, spec, asked.presets) or (None,)
    values = (asked.choices[name] for name in own)
    for preset, input, *settings in product(presets, asked.inputs, *values):
        try:
            network = spec.at(dict(zip(own, settings)), preset, input)
        except ConvcalcError as error:
            raise _explained(error, dict(zip(own, settings))) from None
        network = cutting.part_of(network)
        options.note_doubts(found, network)
        yield network


class _Cutting:
    """Cuts networks, each by those names that it has."""

    def __init__(self, cuts: Sequence[Cut]) -> None:
        self.cuts = cuts
        self.had: set[str] = set()
        #: The names that some network lacked, with what is said of the first that did.
        self.lacked: dict[str, ConvcalcError] = {}

    def part_of(self, network: Network) -> Network:
        """A network that is cut. Raises ConvcalcError for names that several of its layers have."""
        from convcalc import api

        for cut in self.cuts:
            lacked: dict[str, ConvcalcError] = {}
            network = api.part_of(network, cut, lacked)
            self.had.update(name for name in cut.names if name not in lacked)
            self.lacked = lacked | self.lacked
        return network

    def require_had(self) -> None:
        """Refuse a name that none of the networks had. Raises ConvcalcError."""
        for name, error in self.lacked.items():
            if name not in self.had:
                raise error


def _presets(found: Found, spec: Opened, asked: Sequence[str]) -> list[str]:
    """Those of some presets that a spec has; one that is a preset itself has no other."""
    from convcalc.visible import composed

    return [
        each
        for each in asked
        if composed(each) in spec.presets and found.preset in (None, composed(each))
    ]


def _explained(error: ConvcalcError, settings: Mapping[str, Written]) -> ConvcalcError:
    """An error that says how a row is had for each value, where one value is a list of some."""
    notes = []
    for name, written in settings.items():
        value = written.value
        if isinstance(value, (list, tuple)):
            parts = [str(each) for each in value[:2]]
            ways = " ".join(f"--set {name}={each}" for each in parts)
            notes.append(f"`{name}={','.join(parts)}` is one list; {ways} is a row for each")
    first, *others = error.diagnostics
    return ConvcalcError([first._replace(notes=(*first.notes, *notes)), *others], error.more)


def _has(spec: Opened, variable: str) -> bool:
    from convcalc.visible import composed

    return composed(variable) in spec.variables
