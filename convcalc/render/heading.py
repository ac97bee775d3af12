"""What a network is called above an answer, with what was asked of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from convcalc.graph import DROP, Graph
from convcalc.words import describe, shortened


def heading(
    graph: Graph, batch: int = 1, says_input: bool = True, unsaid: Collection[str] = ()
) -> str:
    """The network's name, with its preset and what is not as its spec says.

    `MobileNetV1 (alpha=0.5, input 3×192×192, batch 8)`, `ResNet (resnet50, until conv5_x)`; the
    input is left out where the answer says it anyway, and so are variables that are `unsaid`.
    """
    asked = [graph.preset] if graph.preset else []
    asked += [
        f"{name}={as_setting(value)}"
        for name, value in graph.settings.items()
        if name not in unsaid
    ]
    asked += [_as_part(way, names) for way, names in graph.cut_by().items()]
    if says_input and graph.has_other_input:
        asked.append(f"input {shapes(graph)}")
    if batch != 1:
        asked.append(f"batch {batch:,}")
    return graph.name + (f" ({', '.join(asked)})" if asked else "")


#: How many names are said that a network was cut by.
_MOST_NAMES = 3


def _as_part(way: str, names: Sequence[str]) -> str:
    """What is kept of a network, or left out: `until conv5_x`, `without dropout and linear`."""
    shown = [shortened(name) for name in names[:_MOST_NAMES]]
    if len(names) > _MOST_NAMES:
        shown.append(f"{len(names) - _MOST_NAMES} more")
    *first, last = shown
    said = f"{', '.join(first)} and {last}" if first else last
    return f"{'without' if way == DROP else way} {said}"


def shapes(graph: Graph) -> str:
    """The shapes of the inputs; those of several by name: `left 4×8×8, right 4×8×8`."""
    found = graph.inputs.items()
    return ", ".join(f"{shape}" if name == "input" else f"{name} {shape}" for name, shape in found)


def outputs(graph: Graph) -> str:
    """The shapes of what leaves it: `output 2048×7×7`; of several by name, `outputs a 4×8×8, …`."""
    found = graph.output_shapes()
    if len(found) == 1:
        return f"output {next(iter(found.values()))}"
    shown = [f"{shortened(name)} {shape}" for name, shape in found.items()]
    more = [f"{len(shown) - _MOST_NAMES} more"] if len(shown) > _MOST_NAMES else []
    return f"outputs {', '.join([*shown[:_MOST_NAMES], *more])}"


def as_setting(value: object) -> str:
    """A variable's value as `--set` takes it, cut where it is long."""
    return shortened(value if isinstance(value, str) else describe(value).removeprefix("the list "))
