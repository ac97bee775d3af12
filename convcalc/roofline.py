"""The roofline: the least time that a network takes on a device, and what sets it.

Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model", section
3: what does so many operations and moves so many bytes takes at least the longer of both, each at
the device's peak. It is a bound, not an estimate: of the operations as they are counted, and with
each tensor through memory once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from convcalc import conventions
from convcalc.devices import Device
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph, Group
from convcalc.passes import Settings
from convcalc.traffic import compulsory, traffic

#: What sets the time: arithmetic, or memory.
COMPUTE, MEMORY = "compute", "memory"


class Least(NamedTuple):
    """The least time of something on a device, and what sets it: `compute` or `memory`."""

    seconds: Fraction
    bound: str


def least(device: Device, operations: Fraction | int, bytes: int, dtype: str) -> Least:
    """The least time of so many operations on numbers of a type, and of so many bytes moved.

    Raises ConvcalcError where the device has no figure for the type.
    """
    return _longer(Fraction(operations) / device.peak(dtype), bytes / device.bytes_per_second)


def _longer(computing: Fraction, moving: Fraction) -> Least:
    return Least(computing, COMPUTE) if computing >= moving else Least(moving, MEMORY)


class Work(NamedTuple):
    """What a layer, or a block, does for all samples: operations, and the bytes that it moves."""

    name: str
    type: str
    #: The type of its numbers; None of a block whose layers have several.
    dtype: str | None
    #: None where they are not known; of a block those of all layers of which they are known.
    operations: int | None
    bytes: int
    #: How many of its layers have operations that are not known.
    unknown: int = 0

    @property
    def intensity(self) -> Fraction | None:
        """Operations a byte; None where they are not known."""
        return None if self.operations is None else Fraction(self.operations, self.bytes)


class Bound(NamedTuple):
    """The least time of a network on a device.

    `seconds` are for all samples, of all operations or of the bytes that these need;
    `unfused_seconds` are those of the layers, one after the other, each through memory.
    """

    device: Device
    seconds: Fraction
    bound: str
    unfused_seconds: Fraction
    #: By layer, or by block.
    layers: tuple[Least, ...]

    def __repr__(self) -> str:
        return f"<{self.device.name}: at least {float(self.seconds):.4g} s, {self.bound}>"


class Roofline(NamedTuple):
    """What a network does, and the least time that this takes on some devices."""

    graph: Graph
    #: Samples at a time.
    batch: int
    #: The type of a number, where a layer does not say its own.
    dtype: str
    #: Whether batch norms and elementwise activations vanish into what feeds them.
    fuse: bool
    #: The layers that run: no views, and none that have vanished.
    layers: tuple[Work, ...]
    #: By type of number, the operations of all layers that run.
    operations_by_type: Mapping[str, int]
    #: What these need, each number once: weights, and what enters and leaves the network.
    compulsory_bytes: int
    bounds: tuple[Bound, ...]

    @property
    def operations(self) -> int:
        """Those of all layers of which they are known."""
        return sum(layer.operations or 0 for layer in self.layers)

    @property
    def bytes(self) -> int:
        """What all layers move."""
        return sum(layer.bytes for layer in self.layers)

    @property
    def unknown(self) -> int:
        """Layers whose operations are not known, which the bounds lack."""
        return sum(layer.unknown for layer in self.layers)

    @property
    def common_dtype(self) -> str | None:
        """The type that all its operations are on; None where they are on several."""
        dtypes = {*self.operations_by_type} or {self.dtype}
        return dtypes.pop() if len(dtypes) == 1 else None

    def folded(self, depth: int) -> Roofline:
        """The same with blocks deeper than `depth` as one each, their layers one after the other.

        What sets the time of a block is what sets most of it.
        """
        groups = {node.name: node.groups[:depth] for node in self.graph.nodes}
        runs = [*_runs([groups[work.name] for work in self.layers], depth)]
        layers = [_block(self.layers[run], groups[self.layers[run][0].name]) for run in runs]
        bounds = [
            bound._replace(layers=tuple([_one_by_one(bound.layers[run]) for run in runs]))
            for bound in self.bounds
        ]
        return self._replace(layers=tuple(layers), bounds=tuple(bounds))

    def __repr__(self) -> str:
        return f"<convcalc.Roofline {self.graph.name}: {', '.join(map(repr, self.bounds))}>"


def _runs(groups: Sequence[tuple[Group, ...]], depth: int) -> Iterator[slice]:
    """Where layers follow one another that are in the same `depth` groups; others by themselves."""
    start = 0
    for at in range(1, len(groups) + 1):
        if at == len(groups) or len(groups[at]) < depth or groups[at] != groups[start]:
            yield slice(start, at)
            start = at


def _block(layers: Sequence[Work], groups: tuple[Group, ...]) -> Work:
    """Layers that follow one another as one; a single one is itself."""
    if len(layers) == 1:
        return layers[0]
    dtypes = {layer.dtype for layer in layers}
    return Work(
        ".".join(group.name for group in groups),
        groups[-1].type,
        dtypes.pop() if len(dtypes) == 1 else None,
        sum(layer.operations or 0 for layer in layers),
        sum(layer.bytes for layer in layers),
        sum(layer.unknown for layer in layers),
    )


def _one_by_one(layers: Sequence[Least]) -> Least:
    computing = sum((each.seconds for each in layers if each.bound == COMPUTE), Fraction(0))
    moving = sum((each.seconds for each in layers if each.bound == MEMORY), Fraction(0))
    return Least(computing + moving, _longer(computing, moving).bound)


def roofline(
    graph: Graph,
    devices: Sequence[Device],
    settings: Settings,
    look: Callable[[], None] = lambda: None,
) -> Roofline:
    """The least time of a graph, and of each of its layers, on some devices.

    Operations are counted as `exact` does; what has vanished into a layer does none. `look` is
    called before every layer. Raises ConvcalcError for an unknown type of number, or one that a
    device has no figure for.
    """
    batch, dtype, _ = settings
    found, moved = traffic(graph, settings)
    counts = [count.flops for count in conventions.find("exact").counts(graph, batch)]
    layers = []
    for step, bytes in zip(found.steps, moved):
        look()
        node = graph.nodes[step.node]
        count = counts[step.node]
        own = node.dtype or dtype
        layers.append(Work(node.name, node.type, own, count, bytes, int(count is None)))
    operations = _by_type((str(layer.dtype), layer.operations or 0) for layer in layers)
    bytes = compulsory(graph, settings, found)
    bounds = [_bound(device, layers, operations, bytes, look) for device in devices]
    return Roofline(
        graph,
        batch,
        dtype,
        settings.is_fused,
        tuple(layers),
        FrozenDict(operations),
        bytes,
        tuple(bounds),
    )


def _bound(
    device: Device,
    layers: Sequence[Work],
    operations: Mapping[str, int],
    compulsory: int,
    look: Callable[[], None],
) -> Bound:
    each = []
    for layer in layers:
        look()
        each.append(least(device, layer.operations or 0, layer.bytes, str(layer.dtype)))
    # A chip may do those of several types at once.
    computing = max(_seconds(device, operations), default=Fraction(0))
    seconds, bound = _longer(computing, compulsory / device.bytes_per_second)
    # Fractions of many denominators are slow to add: those of one peak are added first.
    limited = _by_type(
        (str(layer.dtype), layer.operations or 0)
        for layer, (_, bound) in zip(layers, each)
        if bound == COMPUTE
    )
    moved = sum(layer.bytes for layer, (_, bound) in zip(layers, each) if bound == MEMORY)
    unfused = sum(_seconds(device, limited), moved / device.bytes_per_second)
    return Bound(device, seconds, bound, unfused, tuple(each))


def _by_type(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Operations on numbers of a type, summed."""
    found: dict[str, int] = {}
    for dtype, count in counts:
        found[dtype] = found.get(dtype, 0) + count
    return found


def _seconds(device: Device, operations: Mapping[str, int]) -> Iterator[Fraction]:
    """What the operations of each type take at its peak."""
    return (count / device.peak(dtype) for dtype, count in operations.items())
