"""The peak memory of a network: how much, at which step, and of which tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from convcalc.costs import weight_bytes
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.expressions import advice
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph
from convcalc.memory.definitions import DEFAULT, DEFINITIONS, TRAIN, Course, Run, find
from convcalc.memory.lifetimes import lifetimes_of
from convcalc.memory.training import Training
from convcalc.steps import Held, Settings, steps_of
from convcalc.visible import visible
from convcalc.words import did_you_mean, grouped, quoted

#: The orders in which steps may run: the file's own, and the one that keeps the fewest bytes alive.
FILE, BEST = "file", "best"
ORDERS = (FILE, BEST)


class MemoryStep(NamedTuple):
    """A step of a network: the layer, and what is kept while it runs."""

    #: The layer's; those that have vanished into it are no steps.
    name: str
    #: Under the definition that was asked for.
    bytes: int
    #: The names of the tensors that are counted, in the order in which they came to be; of a
    #: training step none.
    alive: tuple[str, ...]
    #: Whether it runs backward, in a training step.
    backward: bool = False


class Memory(NamedTuple):
    """What a network keeps in memory while it runs, under a named definition, in bytes."""

    graph: Graph
    #: Samples at a time.
    batch: int
    #: The type of a number, of layers that have none of their own.
    dtype: str
    #: Whether batch norms and elementwise activations vanish into the layer before them.
    fuse: bool
    #: Whether what enters the network may not be overwritten.
    keep_input: bool
    #: What trains it, where it is trained.
    optimizer: str
    #: Which one `peak`, `at` and `steps` are of.
    definition: str
    #: That of the steps: `file` or `best`.
    order: str
    #: Whether no order of the steps has a lower `live` peak; None in the file's order.
    proved: bool | None
    #: The most bytes of a step.
    peak: int
    #: The layer where that is reached first; None where nothing runs.
    at: str | None
    #: The peak of every definition; None where that takes more than the limits allow.
    peaks: Mapping[str, int | None]
    #: Every step in its order; those of `train` are all layers, forward and then backward.
    steps: tuple[MemoryStep, ...]
    #: What a training step needs.
    training: Training
    #: Every tensor by its name.
    tensors: Mapping[str, Held]
    #: Parameters and running statistics, which no peak has.
    weight_bytes: int

    @property
    def at_peak(self) -> MemoryStep | None:
        """The step where the peak is reached first; None where nothing runs."""
        return next((step for step in self.steps if step.bytes == self.peak), None)

    def __repr__(self) -> str:
        order = f", {self.order} order" if self.order != FILE else ""
        at = "" if self.at is None else f" at {quoted(visible(self.at))}"
        return (
            f"<convcalc.Memory {visible(self.graph.name)}: {self.definition} peak"
            f" {grouped(self.peak)} bytes{at}, {self.dtype}{order}>"
        )


class Asked(NamedTuple):
    """What is asked of a network; see `Memory`. `fuse` None is what is usual for the type."""

    definition: str = DEFAULT
    batch: int = 1
    dtype: str = "float32"
    fuse: bool | None = None
    order: str = FILE
    keep_input: bool = False
    optimizer: str = "adam"


class Bounds(NamedTuple):
    """How much may be looked at."""

    #: Tensors alive, summed over all steps.
    alive: int = 2_000_000
    #: Steps that are tried while the best order is looked for.
    tries: int = 2_000_000


def memory_of(graph: Graph, asked: Asked, bounds: Bounds) -> Memory:
    """What a network keeps in memory.

    Raises ConvcalcError for an unknown definition, type or order, and where the tensors that are
    alive are more than the bounds allow.
    """
    chosen, dtype, order = find(asked.definition), asked.dtype, asked.order
    if chosen.name == TRAIN and (asked.fuse or order == BEST):
        message = "a training step is in the order of the file, and nothing is fused in it"
        raise fail("bad-value", message, "leave `fuse` and `order` out")
    if order not in ORDERS:
        help = f"{did_you_mean(order, ORDERS)} an order is `file` or `best`".strip()
        raise fail("bad-value", f"there is no order {quoted(order)}", help)
    settings = Settings(asked.batch, dtype, asked.fuse)
    steps = steps_of(graph, settings)
    proved = None
    if order == BEST:
        from convcalc.memory.order import best_order

        best = best_order(steps, bounds.tries)
        steps, proved = steps.in_order(best.steps), best.proved
    run = Run(
        *(graph, settings, steps, lifetimes_of(steps)),
        *(asked.keep_input, asked.optimizer, bounds.alive),
    )
    courses = {each.name: each.course(run) for each in DEFINITIONS.values()}
    peaks = FrozenDict(
        (name, None if course is None else course.peak(run)) for name, course in courses.items()
    )
    course, peak, trained = courses[chosen.name], peaks[chosen.name], courses[TRAIN]
    assert trained is not None
    assert trained.training is not None
    if course is None or peak is None:
        raise _too_many(graph, bounds)
    found = _steps(run, course, bounds)
    return Memory(
        graph,
        *settings[:2],
        settings.is_fused,
        asked.keep_input,
        asked.optimizer,
        chosen.name,
        order,
        proved,
        peak,
        next((step.name for step in found if step.bytes == peak), None),
        peaks,
        found,
        trained.training,
        FrozenDict((held.name, held) for held in steps.tensors),
        sum(weight_bytes(node, settings) for node in graph.nodes),
    )


def _steps(run: Run, course: Course, bounds: Bounds) -> tuple[MemoryStep, ...]:
    """The steps of a course with the bytes at each, and the tensors that are counted there."""
    if course.training is not None:
        moments = zip(course.training.moments, course.bytes)
        return tuple(
            [MemoryStep(each.name, bytes, (), each.is_backward) for each, bytes in moments]
        )
    nodes, names = run.graph.nodes, [held.name for held in run.steps.tensors]
    found, count = [], 0
    for step, bytes, alive in zip(run.steps.steps, course.bytes, course.counted()):
        count += len(alive)
        if count > bounds.alive:
            raise _too_many(run.graph, bounds)
        found.append(
            MemoryStep(nodes[step.node].name, bytes, tuple([names[each] for each in alive]))
        )
    return tuple(found)


def _too_many(graph: Graph, bounds: Bounds) -> ConvcalcError:
    most = f"{bounds.alive:,} tensors"
    message = f"{graph.name} has more than {most} alive at its steps, all in all"
    return fail("limit-alive", message, advice("alive"))
