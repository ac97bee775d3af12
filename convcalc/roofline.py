"""The roofline: the least time that a network takes on a device, and what sets it.

Williams, Waterman and Patterson 2009, "Roofline: an insightful visual performance model", section
3: what does so many operations and moves so many bytes takes at least the longer of both, each at
the device's peak. It is a bound, not an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

from convcalc import conventions
from convcalc.devices import Device
from convcalc.graph import Graph
from convcalc.passes import Settings
from convcalc.traffic import traffic

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
    """What a layer does for all samples: operations, and the bytes that it moves."""

    name: str
    type: str
    #: The type of its numbers.
    dtype: str
    #: None where they are not known.
    operations: int | None
    bytes: int

    @property
    def intensity(self) -> Fraction | None:
        """Operations a byte; None where they are not known."""
        return None if self.operations is None else Fraction(self.operations, self.bytes)


class Bound(NamedTuple):
    """The least time of a network on a device.

    `seconds` are for all samples, in whatever way it is run: all operations, or the bytes that no
    way can do without. `unfused_seconds` are those of the layers, one after the other.
    """

    device: Device
    seconds: Fraction
    bound: str
    unfused_seconds: Fraction
    #: By layer.
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
    #: The bytes of weights, and of what enters and leaves the network.
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
        return sum(layer.operations is None for layer in self.layers)

    def __repr__(self) -> str:
        return f"<convcalc.Roofline {self.graph.name}: {', '.join(map(repr, self.bounds))}>"


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
    steps, moved, compulsory = traffic(graph, settings)
    counts = [count.flops for count in conventions.find("exact").counts(graph, batch)]
    layers = []
    for step, bytes in zip(steps, moved):
        look()
        node = graph.nodes[step.node]
        operations = counts[step.node]
        layers.append(Work(node.name, node.type, settings.dtype_of(node), operations, bytes))
    bounds = tuple([_bound(device, layers, compulsory, look) for device in devices])
    fused = settings.is_fused
    return Roofline(graph, batch, dtype, fused, tuple(layers), compulsory, bounds)


def _bound(
    device: Device, layers: Sequence[Work], compulsory: int, look: Callable[[], None]
) -> Bound:
    each = []
    for layer in layers:
        look()
        each.append(least(device, layer.operations or 0, layer.bytes, layer.dtype))
    computing = _seconds(device, layers)
    seconds, bound = _longer(computing, compulsory / device.bytes_per_second)
    # Fractions of many denominators are slow to add: those of one peak are added first.
    limited = [layer for layer, (_, bound) in zip(layers, each) if bound == COMPUTE]
    moved = sum(layer.bytes for layer, (_, bound) in zip(layers, each) if bound == MEMORY)
    unfused = _seconds(device, limited) + moved / device.bytes_per_second
    return Bound(device, seconds, bound, unfused, tuple(each))


def _seconds(device: Device, layers: Iterable[Work]) -> Fraction:
    """What the operations of layers take at the peaks of their types."""
    operations: dict[str, int] = {}
    for layer in layers:
        operations[layer.dtype] = operations.get(layer.dtype, 0) + (layer.operations or 0)
    return sum((count / device.peak(dtype) for dtype, count in operations.items()), Fraction(0))
