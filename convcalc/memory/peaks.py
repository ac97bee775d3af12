"""The peak memory of a network: how much, at which step, and of which tensors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc.costs import buffers, params
from convcalc.diagnostics import ConvcalcError, fail
from convcalc.dtypes import size_of
from convcalc.expressions import advice
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph
from convcalc.memory.definitions import DEFAULT, DEFINITIONS, Run, find
from convcalc.memory.lifetimes import lifetimes_of
from convcalc.steps import Held, Settings, steps_of
from convcalc.visible import visible
from convcalc.words import did_you_mean, grouped, quoted

#: The orders in which steps may run: the file's own, and the one that keeps the fewest bytes alive.
FILE, BEST = "file", "best"
ORDERS = (FILE, BEST)


class At(NamedTuple):
    """A step of a network: the layer, and what is kept while it runs."""

    name: str
    #: Under the definition that was asked for.
    bytes: int
    #: The names of the tensors that are counted, in the order in which they came to be.
    alive: tuple[str, ...]


class Memory(NamedTuple):
    """What a network keeps in memory while it runs, under a named definition, in bytes."""

    graph: Graph
    #: Samples at a time, the type of a number, and whether batch norms and activations vanish.
    batch: int
    dtype: str
    fuse: bool
    #: Whether what enters the network may not be overwritten.
    keep_input: bool
    definition: str
    order: str
    #: Whether no order of the steps has a lower `live` peak; None in the file's order.
    proved: bool | None
    #: The peak of `definition`, and the layer where it is reached first; None where nothing runs.
    peak: int
    at: str | None
    #: The peak of every definition; None where that takes more than the limits allow.
    peaks: Mapping[str, int | None]
    steps: tuple[At, ...]
    #: Every tensor by its name.
    tensors: Mapping[str, Held]
    #: Parameters and running statistics, which no peak has.
    weight_bytes: int

    @property
    def at_peak(self) -> At | None:
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


class Bounds(NamedTuple):
    """How much may be looked at."""

    #: Tensors alive, summed over all steps.
    alive: int = 2_000_000
    #: Steps that are tried while the best order is looked for.
    tries: int = 1_000_000


def memory_of(graph: Graph, asked: Asked, bounds: Bounds) -> Memory:
    """What a network keeps in memory.

    Raises ConvcalcError for an unknown definition, type or order, and where the tensors that are
    alive are more than the bounds allow.
    """
    chosen, dtype, order = find(asked.definition), asked.dtype, asked.order
    if order not in ORDERS:
        help = f"{did_you_mean(order, ORDERS)} an order is `file` or `best`".strip()
        raise fail("bad-value", f"there is no order {quoted(order)}", help)
    settings = Settings(asked.batch, dtype, asked.fuse)
    steps = steps_of(graph, settings)
    proved = None
    if order == BEST:
        from convcalc.memory.order import best_order

        found = best_order(steps, bounds.tries)
        steps, proved = steps.in_order(found.steps), found.proved
    run = Run(steps, lifetimes_of(steps), asked.keep_input, bounds.alive)
    bytes = {each.name: each.bytes(run) for each in DEFINITIONS.values()}
    peaks = FrozenDict(
        (name, None if found is None else DEFINITIONS[name].peak(run, found))
        for name, found in bytes.items()
    )
    peak = peaks[chosen.name]
    if peak is None:
        raise _too_many(graph, bounds)
    found_steps = _steps(graph, run, chosen.counted(run), bytes[chosen.name] or (), bounds)
    at = next((step.name for step in found_steps if step.bytes == peak), None)
    return Memory(
        graph,
        asked.batch,
        dtype,
        settings.is_fused,
        asked.keep_input,
        chosen.name,
        order,
        proved,
        peak,
        at,
        peaks,
        found_steps,
        FrozenDict((held.name, held) for held in steps.tensors),
        _weight_bytes(graph, dtype),
    )


def _steps(
    graph: Graph,
    run: Run,
    counted: Iterator[tuple[int, ...]],
    bytes: Sequence[int],
    bounds: Bounds,
) -> tuple[At, ...]:
    """The steps of a run with the bytes at each, and the tensors that are counted there."""
    names = [held.name for held in run.steps.tensors]
    found, count = [], 0
    for step, size, alive in zip(run.steps.steps, bytes, counted):
        count += len(alive)
        if count > bounds.alive:
            raise _too_many(graph, bounds)
        found.append(At(graph.nodes[step.node].name, size, tuple([names[t] for t in alive])))
    return tuple(found)


def _too_many(graph: Graph, bounds: Bounds) -> ConvcalcError:
    most = f"{bounds.alive:,} tensors"
    message = f"{graph.name} has more than {most} alive at its steps, all in all"
    return fail("limit-alive", message, advice("alive"))


def _weight_bytes(graph: Graph, dtype: str) -> int:
    """The bytes of parameters and running statistics."""
    return sum(
        (params(node.placed) + buffers(node.placed)) * size_of(node.dtype or dtype)
        for node in graph.nodes
    )
