"""Specs of which each may give several networks: a row for each value of an option."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.cli import options
from convcalc.diagnostics import ConvcalcError, fail

if TYPE_CHECKING:
    from convcalc.api import Network, Opened
    from convcalc.graph import Cut
    from convcalc.written import Written
    from convcalc.zoo import Found


class Asked(NamedTuple):
    """What is asked of specs: presets, variables and inputs, of which each has a row; and cuts."""

    presets: Sequence[str]
    choices: Mapping[str, Sequence[Any]]
    inputs: Sequence[Mapping[str, str] | None]
    cuts: Sequence[Cut]

    @property
    def is_any(self) -> bool:
        """Whether there is anything that is asked of them."""
        return bool(self.presets or self.choices or self.cuts or any(self.inputs))


def asked(
    settings: tuple[str, ...],
    presets: tuple[str, ...],
    inputs: tuple[str, ...],
    until: tuple[str, ...],
    drop: tuple[str, ...],
) -> Asked:
    """What `options.rows_options` say. Raises ConvcalcError for what is given twice."""
    if len(set(presets)) < len(presets):
        raise fail("usage", "`--preset` is given the same name twice", "leave one of them out")
    return Asked(
        presets,
        options.parse_choices(settings),
        options.parse_each_input(inputs),
        options.cuts_of(until, drop),
    )


def require_had(asked: Asked, opened: Sequence[tuple[Found, Opened]]) -> None:
    """Refuse a preset or a variable that none of the specs has. Raises ConvcalcError."""
    found, first = opened[0]
    for preset in asked.presets:
        if not any(_presets(*each, [preset]) for each in opened):
            first.at({}, found.preset_or(preset))  # which says so, with the nearest that there are
    for name, values in asked.choices.items():
        if not any(_has(spec, name) for _, spec in opened):
            first.at({name: values[0]})


def networks_of(found: Found, spec: Opened, asked: Asked, cutting: Cutting) -> Iterator[Network]:
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


class Cutting:
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
