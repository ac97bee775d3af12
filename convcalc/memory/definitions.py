"""What peak memory can mean: each definition with its name, what it says, and its arithmetic.

To add one, register it; it is a row of the table, a key of JSON and a value of `--definition` from
then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, repeat
from typing import TYPE_CHECKING, NamedTuple

from convcalc.arithmetic import greatest, where
from convcalc.diagnostics import fail
from convcalc.dtypes import is_float
from convcalc.graph import Graph
from convcalc.memory import arena, lifetimes
from convcalc.memory.lifetimes import Lifetimes
from convcalc.steps import Settings, Steps
from convcalc.words import did_you_mean, listed, quoted

if TYPE_CHECKING:
    from convcalc.memory.training import Training


class Run(NamedTuple):
    """A network that runs: its steps in their order, and how long each tensor is needed."""

    graph: Graph
    settings: Settings
    steps: Steps
    lifetimes: Lifetimes
    #: Whether what enters the network may not be overwritten.
    keep_input: bool = False
    #: What trains it, where it is trained; None: the usual one.
    optimizer: str | None = None
    #: Pairs of tensors alive together that are looked at; None: all.
    most: int | None = None
    #: Called now and then; what takes too long is ended by it.
    look: Callable[[], None] = lambda: None

    def bytes_of(self, tensors: Iterable[int]) -> int:
        """What some tensors come to."""
        held = self.steps.tensors
        return sum([held[tensor].bytes for tensor in tensors])

    @property
    def entering(self) -> tuple[int, ...]:
        """What enters the network."""
        return tuple(t for t, held in enumerate(self.steps.tensors) if held.maker is None)


class Course(NamedTuple):
    """What a definition counts, step by step."""

    bytes: Sequence[int]
    #: Makes the tensors that these are of; where a definition adds up, those that a step adds.
    counted: Callable[[], Iterator[tuple[int, ...]]]
    #: Where steps are layers that run forward and then backward: these, and what they hold.
    training: Training | None = None

    @property
    def peak(self) -> int | None:
        """The most bytes of a step; None where nothing runs."""
        return greatest(self.bytes) if self.bytes else None


class Definition(NamedTuple):
    """What is counted at each step of a run; the peak is the most of it.

    `course` makes None where that takes more than the run allows, or the run has no such thing.
    """

    name: str
    #: Goes on after its name: `live`: every tensor …
    meaning: str
    course: Callable[[Run], Course | None]
    #: Whether all that was counted at the steps before is counted at a step, too.
    adds_up: bool = False
    #: Whether it is of a step of training: all layers in the order of the file, nothing fused.
    is_training: bool = False


#: Every definition by its name, in the order in which they are printed.
DEFINITIONS: dict[str, Definition] = {}
#: The one that is meant where none is named.
DEFAULT = "live"


def register(definition: Definition) -> None:
    """Add a definition. Raises ValueError for a name that is taken."""
    if definition.name in DEFINITIONS:
        raise ValueError(f"two definitions are called {definition.name!r}")
    DEFINITIONS[definition.name] = definition


def find(name: str, others: Sequence[str] = ()) -> Definition:
    """The definition of a name. Raises ConvcalcError, which lists the known ones and `others`."""
    if name not in DEFINITIONS:
        known = (*DEFINITIONS, *others)
        help = f"{did_you_mean(name, known)} the definitions are {listed(known, 20)}".strip()
        raise fail("unknown-definition", f"unknown definition of memory {quoted(name)}", help)
    return DEFINITIONS[name]


def _sum(run: Run) -> Course:
    makes = [run.bytes_of(step.makes) for step in run.steps.steps]
    made = [*accumulate(makes, initial=run.bytes_of(run.entering))]

    def counted() -> Iterator[tuple[int, ...]]:
        entering = run.entering
        for step in run.steps.steps:
            yield entering + step.makes
            entering = ()

    return Course(made[1:], counted)


def _max_io(run: Run) -> Course:
    sizes = [held.bytes for held in run.steps.tensors]
    bytes = [
        sizes[reads[0]] + sizes[makes[0]]  # as most steps are
        if len(reads) == len(makes) == 1
        else sum([sizes[tensor] for tensor in reads + makes])
        for _, _, reads, makes, _ in run.steps.steps
    ]
    return Course(bytes, lambda: (step.reads + step.makes for step in run.steps.steps))


def _live(run: Run) -> Course:
    bytes = lifetimes.live_bytes(run.steps, run.lifetimes)
    return Course(bytes, lambda: lifetimes.alive(run.steps, run.lifetimes))


def _in_place(run: Run) -> Course:
    bytes, alive, _ = _live(run)
    found = [*bytes]
    steps, tensors = run.steps
    taken = lifetimes.taken(run.steps, run.lifetimes, run.keep_input)
    for at, is_taken in taken.items():
        found[at] -= where(is_taken, tensors[steps[at].makes[0]].bytes, 0)

    def counted() -> Iterator[tuple[int, ...]]:
        for at, tensors in enumerate(alive()):
            # What a step makes is the last that came to be.
            yield tensors[:-1] if taken.get(at) else tensors

    return Course(found, counted)


def _arena(run: Run) -> Course | None:
    """The byte behind the last one that is in use at each step."""
    starts = arena.offsets(run.steps, run.lifetimes, run.most, run.look)
    if starts is None:
        return None
    ends = arena.ends(run.steps, starts)
    _, alive, _ = _live(run)
    filled = [greatest([ends[each] for each in tensors]) if tensors else 0 for tensors in alive()]
    return Course(filled, alive)


def _train(run: Run) -> Course | None:
    """None where numbers are integers."""
    from convcalc.memory.training import training  # no analysis has it

    if not is_float(run.settings.dtype):
        return None
    found = training(run.graph, run.settings, run.optimizer)
    bytes = [moment.bytes + found.optimizer for moment in found.moments]
    return Course(bytes, lambda: repeat((), len(bytes)), found)


for _definition in (
    Definition(
        "sum",
        "every tensor, the network's input among them, as if nothing was ever freed",
        _sum,
        adds_up=True,
    ),
    Definition("max_io", "the inputs and outputs of one layer, the largest such sum", _max_io),
    Definition(
        "live",
        "every tensor that exists and is still needed, a layer's own output included",
        _live,
    ),
    Definition(
        "in_place",
        "`live`, but the output of an elementwise layer (an activation, a batch norm, `scale`,"
        " `add`, `mul` and their like) or of a depthwise convolution takes the place of an input"
        " that ends there and is at least as large",
        _in_place,
    ),
    Definition(
        "arena",
        "one block of memory in which a greedy planner places every tensor, the largest first, at"
        " multiples of 16 bytes",
        _arena,
    ),
    Definition(
        "train",
        "a training step, with what the backward pass needs of the forward pass, the gradients, and"
        " what the optimizer keeps",
        _train,
        is_training=True,
    ),
):
    register(_definition)
