"""The bytes that are kept while each layer runs: peak memory, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator

from convcalc.arithmetic import maximum
from convcalc.costs import Figure, largest
from convcalc.dtypes import is_float
from convcalc.graph import Graph
from convcalc.memory.definitions import Run, find
from convcalc.memory.lifetimes import lifetimes_of
from convcalc.passes.base import Pass, add_pass
from convcalc.steps import Settings, steps_of

#: The definitions that have a figure. Where an arena keeps each tensor takes too long for all.
_DEFINITIONS = ("max_io", "live", "in_place")
#: Pairs of tensors alive together that are looked at where an arena is planned.
_MOST = 2_000_000
_NOTHING = (None,) * len(_DEFINITIONS)


@add_pass
class Memory(Pass):
    """What is kept at each step of the network, under some of the definitions of peak memory.

    The total is the most. A layer that is no step has none: a view of its input, or what has
    vanished into the layer before it.
    """

    figures = (
        Figure(
            "max_io_bytes",
            "Max I/O bytes",
            unit="B",
            of_steps=True,
            total=largest,
            meaning="Max I/O bytes: what a layer reads and makes, as {dtype}; the total is the"
            " most of a layer.",
        ),
        Figure(
            "live_bytes",
            "Live bytes",
            unit="B",
            of_steps=True,
            total=largest,
            meaning="Live bytes: every tensor that is needed while a layer runs, as {dtype}; the"
            " total is the peak.",
        ),
        Figure(
            "in_place_bytes",
            "In-place bytes",
            unit="B",
            of_steps=True,
            total=largest,
            meaning="In-place bytes: live bytes where elementwise and depthwise layers overwrite"
            " their inputs, as {dtype}; the total is the peak.",
        ),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int | None, ...]]:
        steps = steps_of(graph, settings)
        run = Run(graph, settings, steps, lifetimes_of(steps))
        found: list[tuple[int | None, ...]] = [_NOTHING] * len(graph.nodes)
        courses = [find(name).course(run) for name in _DEFINITIONS]
        bytes = [course.bytes for course in courses if course is not None]
        for step, kept in zip(steps.steps, zip(*bytes)):
            found[step.node] = kept
        return iter(found)


@add_pass
class Arena(Pass):
    """How far one block of memory is filled at each step, in which a planner places every tensor.

    None where more pairs of tensors are alive together than can be looked at.
    """

    dear = True
    figures = (
        Figure(
            "arena_bytes",
            "Arena bytes",
            unit="B",
            of_steps=True,
            total=largest,
            meaning="Arena bytes: one block of memory that a greedy planner fills, up to the last"
            " byte in use, as {dtype}; the total is its size.",
        ),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int | None]]:
        steps = steps_of(graph, settings)
        course = find("arena").course(Run(graph, settings, steps, lifetimes_of(steps), most=_MOST))
        found: list[tuple[int | None]] = [(None,)] * len(graph.nodes)
        for step, bytes in zip(steps.steps, course.bytes if course else ()):
            found[step.node] = (bytes,)
        return iter(found)


@add_pass
class Train(Pass):
    """What a step of training with Adam holds while each layer runs, the more of its two passes.

    None where numbers are integers, which are not trained.
    """

    dear = True
    figures = (
        Figure(
            "train_bytes",
            "Train bytes",
            unit="B",
            total=largest,
            meaning="Train bytes: what a training step holds while a layer runs forward or"
            " backward, gradients and what Adam keeps among it, weights apart, as {dtype}; the"
            " total is the peak.",
        ),
    )

    def run(self, graph: Graph, settings: Settings) -> Iterator[tuple[int | None]]:
        from convcalc.memory.training import training  # few ask for it

        if not is_float(settings.dtype):
            return iter([(None,)] * len(graph.nodes))
        found = training(graph, settings)
        most: dict[str, int] = {}
        for moment in found.moments:
            most[moment.name] = maximum(moment.bytes, most.get(moment.name, 0))
        return iter([(found.optimizer + most[node.name],) for node in graph.nodes])
