"""What peak memory can mean: each definition with its name, what it says, and its arithmetic.

To add one, register it; it is a row of the table, a key of JSON and a value of `--definition` from
then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from convcalc.diagnostics import fail
from convcalc.memory import arena, lifetimes
from convcalc.memory.lifetimes import Lifetimes
from convcalc.steps import Steps
from convcalc.words import did_you_mean, listed


class Run(NamedTuple):
    """Steps in the order in which they run, and how long each tensor is needed."""

    steps: Steps
    lifetimes: Lifetimes
    #: Whether what enters the network may not be overwritten.
    keep_input: bool = False
    #: Pairs of tensors alive together that are looked at; None: all.
    most: int | None = None

    def bytes_of(self, tensors: Iterable[int]) -> int:
        """What some tensors come to."""
        held = self.steps.tensors
        return sum([held[tensor].bytes for tensor in tensors])

    @property
    def entering(self) -> tuple[int, ...]:
        """What enters the network."""
        return tuple(t for t, held in enumerate(self.steps.tensors) if held.maker is None)


class Definition(NamedTuple):
    """What is counted at each step; the peak is the most of it.

    `bytes` are those of each step, None where that takes more than a run allows; `counted` the
    tensors that these are of.
    """

    name: str
    meaning: str
    bytes: Callable[[Run], Sequence[int] | None]
    counted: Callable[[Run], Iterator[tuple[int, ...]]]

    def peak(self, run: Run, bytes: Sequence[int]) -> int:
        """The most of the bytes of a run's steps; without a step, what enters is all there is."""
        return max(bytes) if bytes else run.bytes_of(run.entering)


#: Every definition by its name, in the order in which they are printed.
DEFINITIONS: dict[str, Definition] = {}
#: The one that is meant where none is named.
DEFAULT = "live"


def register(definition: Definition) -> None:
    """Add a definition. Raises ValueError for a name that is taken."""
    if definition.name in DEFINITIONS:
        raise ValueError(f"two definitions are called {definition.name!r}")
    DEFINITIONS[definition.name] = definition


def find(name: str) -> Definition:
    """The definition of a name. Raises ConvcalcError, which lists the known ones."""
    if name not in DEFINITIONS:
        known = f"the definitions are {listed(DEFINITIONS, 20)}"
        help = f"{did_you_mean(name, DEFINITIONS)} {known}".strip()
        raise fail("unknown-definition", f"unknown definition of memory `{name}`", help)
    return DEFINITIONS[name]


def _made(run: Run) -> Iterator[tuple[int, ...]]:
    """What has been made up to each step, and what entered."""
    found = run.entering
    for step in run.steps.steps:
        found += step.makes
        yield found


def _sums(run: Run) -> list[int]:
    makes = [run.bytes_of(step.makes) for step in run.steps.steps]
    return list(accumulate(makes, initial=run.bytes_of(run.entering)))[1:]


def _touched(run: Run) -> Iterator[tuple[int, ...]]:
    """What each step reads and makes."""
    return (step.reads + step.makes for step in run.steps.steps)


def _of_steps(run: Run) -> list[int]:
    sizes = [held.bytes for held in run.steps.tensors]
    return [
        sizes[reads[0]] + sizes[makes[0]]  # as most steps are
        if len(reads) == len(makes) == 1
        else sum([sizes[tensor] for tensor in reads + makes])
        for _, _, reads, makes, _ in run.steps.steps
    ]


def _in_place(run: Run) -> list[int]:
    """What is alive at each step, its output left out where that takes an input's place."""
    bytes = lifetimes.live_bytes(run.steps, run.lifetimes)
    steps, tensors = run.steps
    for at in lifetimes.taken(run.steps, run.lifetimes, run.keep_input):
        bytes[at] -= tensors[steps[at].makes[0]].bytes
    return bytes


def _without_taken(run: Run) -> Iterator[tuple[int, ...]]:
    taken = lifetimes.taken(run.steps, run.lifetimes, run.keep_input)
    for at, alive in enumerate(_alive(run)):
        # What a step makes is the last that came to be.
        yield alive[:-1] if at in taken else alive


def _alive(run: Run) -> Iterator[tuple[int, ...]]:
    return lifetimes.alive(run.steps, run.lifetimes)


def _arena(run: Run) -> list[int] | None:
    """The byte behind the last one in use at each step."""
    starts = arena.offsets(run.steps, run.lifetimes, run.most)
    if starts is None:
        return None
    ends = arena.ends(run.steps, starts)
    return [max([ends[tensor] for tensor in alive], default=0) for alive in _alive(run)]


for _definition in (
    Definition(
        "sum",
        "every tensor, the network's input among them, as if nothing was ever freed",
        _sums,
        _made,
    ),
    Definition(
        "max_io",
        "the inputs and outputs of one step, the largest such sum",
        _of_steps,
        _touched,
    ),
    Definition(
        "live",
        "every tensor that exists and is still needed, a step's own output included",
        lambda run: lifetimes.live_bytes(run.steps, run.lifetimes),
        _alive,
    ),
    Definition(
        "in_place",
        "`live`, but the output of an elementwise layer, an `add`, a `mul` or a depthwise"
        " convolution takes the place of an input that ends there and is as large",
        _in_place,
        _without_taken,
    ),
    Definition(
        "arena",
        "one block of memory in which a greedy planner places every tensor, the largest first, at"
        " multiples of 16 bytes",
        _arena,
        _alive,
    ),
):
    register(_definition)
