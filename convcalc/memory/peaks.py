"""The peak memory of a network: how much, at which step, and of which tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from convcalc.costs import weight_bytes
from convcalc.diagnostics import fail
from convcalc.dtypes import SIZES, is_float, size_of
from convcalc.expressions import advice
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph
from convcalc.memory.definitions import (
    DEFAULT,
    DEFINITIONS,
    Course,
    Definition,
    Run,
    find,
)
from convcalc.memory.lifetimes import lifetimes_of, live_bytes
from convcalc.memory.training import DEFAULT as USUAL_OPTIMIZER
from convcalc.memory.training import Training
from convcalc.steps import Held, Settings, steps_of
from convcalc.visible import visible
from convcalc.words import did_you_mean, grouped, listed, quoted

#: The orders in which steps may run: the file's own, and the one that keeps the fewest bytes alive.
FILE, BEST = "file", "best"
ORDERS = (FILE, BEST)


class MemoryStep(NamedTuple):
    """A step of a network: the layer, and what is kept while it runs."""

    #: The layer's; those that have vanished into it are no steps.
    name: str
    #: Under the definition that was asked for.
    bytes: int
    #: The names of the tensors that are counted, in the order in which they came to be; of `sum`
    #: those that the step adds, and of a training step none; None where all steps together have
    #: more than the limits allow.
    alive: tuple[str, ...] | None
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
    #: The `live` peak in the file's order, where the steps are in another; else None.
    file_order: int | None
    #: The most bytes of a step; None where nothing runs.
    peak: int | None
    #: The layer where that is reached first; None where nothing runs.
    at: str | None
    #: Whether that is where the layer runs backward.
    backward: bool
    #: The peak of every definition; None where that takes more than the limits allow, where nothing
    #: runs, and of `train` where numbers are integers.
    peaks: Mapping[str, int | None]
    #: Every step in its order; those of `train` are all layers, forward and then backward.
    steps: tuple[MemoryStep, ...]
    #: What a training step needs; None where numbers are integers.
    training: Training | None
    #: Every tensor by its name.
    tensors: Mapping[str, Held]
    #: Parameters and running statistics, which no peak has.
    weight_bytes: int

    @property
    def at_peak(self) -> MemoryStep | None:
        """The step where the peak is reached first; None where nothing runs."""
        return next((step for step in self.steps if step.bytes == self.peak), None)

    @property
    def held(self) -> Mapping[str, int] | None:
        """What a training step holds at its peak, by its kind; None of other definitions."""
        is_training = DEFINITIONS[self.definition].is_training
        return self.training.held if is_training and self.training is not None else None

    def __repr__(self) -> str:
        if self.peak is None or self.at is None:
            found = f"no {self.definition} peak, as nothing runs"
        else:
            backward = BACKWARD if self.backward else ""
            at = f"{quoted(visible(self.at))}{backward}"
            found = f"{self.definition} peak {grouped(self.peak)} bytes at {at}"
        order = f", {self.order} order" if self.order != FILE else ""
        return f"<convcalc.Memory {visible(self.graph.name)}: {found}, {self.dtype}{order}>"


#: Behind the name of a layer that runs backward.
BACKWARD = " (backward)"


def memory_of(
    graph: Graph,
    settings: Settings,
    definition: str = DEFAULT,
    *,
    order: str = FILE,
    keep_input: bool = False,
    optimizer: str | None = None,
    alive: int,
    tries: int,
    look: Callable[[], None] = lambda: None,
) -> Memory:
    """What a network keeps in memory; see `Memory`.

    At most `alive` tensors are named at its steps, and as many pairs of tensors are looked at; to
    find the best order, `tries` steps are tried. `look` is called now and then. Raises
    ConvcalcError for an unknown definition, type, order or optimizer, for what is asked of training
    that is not of it, and where what is asked for takes more than the bounds allow.
    """
    chosen = find(definition)
    if order not in ORDERS:
        help = f"{did_you_mean(order, ORDERS)} an order is `file` or `best`".strip()
        raise fail("bad-value", f"there is no order {quoted(order)}", help)
    _require_training(chosen, settings, order, optimizer, keep_input)
    steps = steps_of(graph, settings)
    proved = file_order = None
    if order == BEST:
        from convcalc.memory.order import best_order

        file_order = max(live_bytes(steps, lifetimes_of(steps)), default=None)
        best = best_order(steps, tries, look)
        steps, proved = steps.in_order(best.steps), best.proved
    run = Run(
        graph,
        settings,
        steps,
        lifetimes_of(steps),
        keep_input=keep_input,
        optimizer=optimizer,
        most=alive,
        look=look,
    )
    courses: dict[str, Course | None] = {}
    for each in DEFINITIONS.values():
        look()
        courses[each.name] = each.course(run)
    course = courses[chosen.name]
    if course is None:
        message = f"{graph.name} has more than {alive:,} pairs of tensors that are alive together"
        raise fail("limit-alive", message, advice("alive"))
    found, peak = tuple(_steps(run, course, look)), course.peak
    at = next((step for step in found if step.bytes == peak), None)
    trained = [each.training for each in courses.values() if each is not None and each.training]
    return Memory(
        graph=graph,
        batch=settings.batch,
        dtype=settings.dtype,
        fuse=settings.is_fused,
        keep_input=keep_input,
        optimizer=optimizer or USUAL_OPTIMIZER,
        definition=chosen.name,
        order=order,
        proved=proved,
        file_order=file_order,
        peak=peak,
        at=None if at is None else at.name,
        backward=at is not None and at.backward,
        peaks=FrozenDict(
            (name, None if each is None else each.peak) for name, each in courses.items()
        ),
        steps=found,
        training=trained[0] if trained else None,
        tensors=FrozenDict((held.name, held) for held in steps.tensors),
        weight_bytes=sum(weight_bytes(node, settings) for node in graph.nodes),
    )


def _require_training(
    chosen: Definition, settings: Settings, order: str, optimizer: str | None, keep_input: bool
) -> None:
    """Refuse what is of training alone, or not of it. Raises ConvcalcError."""
    name, dtype = f"`{chosen.name}`", settings.dtype
    if not chosen.is_training:
        if optimizer is not None:
            message = f"an optimizer is for training, and {name} is of running a network"
            raise fail("bad-value", message, "ask for the definition `train`")
        return
    size_of(dtype)  # whose message is better for an unknown type
    if not is_float(dtype):
        floats = listed([each for each in SIZES if is_float(each)])
        message = f"networks of {dtype} are not trained, and {name} is a step of training"
        raise fail("bad-value", message, f"types that are: {floats}")
    if settings.is_fused or order != FILE:
        message = f"{name} is a step of training: in the order of the file, and nothing is fused"
        raise fail("bad-value", message, "leave `fuse` and `order` out")
    if keep_input:
        message = f"{name} is a step of training, which overwrites nothing"
        raise fail("bad-value", message, "leave `keep-input` out")


def _steps(run: Run, course: Course, look: Callable[[], None]) -> Iterator[MemoryStep]:
    """The steps of a course with the bytes at each, and the tensors that are counted there."""
    if course.training is not None:
        for moment, bytes in zip(course.training.moments, course.bytes):
            look()
            yield MemoryStep(moment.name, bytes, (), moment.is_backward)
        return
    nodes, names = run.graph.nodes, [held.name for held in run.steps.tensors]
    counted: list[tuple[str, ...] | None] = []
    count = 0
    for alive in course.counted():
        look()
        count += len(alive)
        if run.most is not None and count > run.most:
            counted = [None] * len(course.bytes)
            break
        counted.append(tuple([names[each] for each in alive]))
    for step, bytes, named in zip(run.steps.steps, course.bytes, counted):
        yield MemoryStep(nodes[step.node].name, bytes, named)
