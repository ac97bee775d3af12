"""The peak memory of one training step, as PyTorch's autograd needs it.

A step is the forward pass, in which every layer keeps what its backward pass will ask for, the
backward pass, and the optimizer's. Weights are apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from convcalc.diagnostics import fail
from convcalc.dtypes import size_of
from convcalc.graph import Graph, Node
from convcalc.layers.base import Storage
from convcalc.layers.keeping import Own
from convcalc.steps import Settings
from convcalc.words import did_you_mean, listed

#: How many numbers an optimizer keeps of its own for each that is trained, in the type of that
#: (PyTorch's `torch.optim.SGD`, with a momentum too, and `Adam` and `AdamW`).
OPTIMIZERS: Mapping[str, int] = {"sgd": 0, "momentum": 1, "adam": 2}


class Moment(NamedTuple):
    """What a training step holds while a layer runs, in bytes, the optimizer's numbers apart."""

    #: The layer, and whether it runs backward.
    name: str
    is_backward: bool
    #: What is kept for the backward pass, and what later layers of the forward pass still read.
    activations: int
    #: The gradients of activations, and those of parameters that there are by now.
    activation_gradients: int
    gradients: int

    @property
    def bytes(self) -> int:
        """All of them."""
        return self.activations + self.activation_gradients + self.gradients


class Training(NamedTuple):
    """What a training step needs, in bytes, weights apart."""

    #: What is kept from the forward pass for the backward pass, where one turns into the other.
    saved: int
    #: The gradients of all parameters that are trained.
    gradients: int
    #: What the optimizer keeps from step to step.
    optimizer: int
    #: When the most is held.
    at: Moment
    #: Every layer, forward and then backward.
    moments: tuple[Moment, ...]

    @property
    def peak(self) -> int:
        """The most that is held at once: at that moment, and by the optimizer."""
        return self.at.bytes + self.optimizer


def training(graph: Graph, settings: Settings, optimizer: str = "adam") -> Training:
    """What a training step needs whose samples and type of number are those of `settings`.

    What each layer keeps is `Layer.kept`; a tensor that several keep is there once, and a view is
    its input's memory. A tensor's gradient is there from the backward pass of its last reader to
    that of its maker; a parameter's from its layer's backward pass on, as after
    `zero_grad(set_to_none=True)`. What leaves the network is held to the end. Nothing is ever
    fused. Raises ConvcalcError for an unknown type or optimizer.
    """
    if optimizer not in OPTIMIZERS:
        help = f"{did_you_mean(optimizer, OPTIMIZERS)} they are {listed(OPTIMIZERS)}".strip()
        raise fail("unknown-optimizer", f"unknown optimizer `{optimizer}`", help)
    recorded = _recorded(graph, settings)
    moments = tuple(_moments(recorded))
    gradients = recorded.gradients
    # When the optimizer runs, there are all gradients and nothing else.
    optimizing = Moment("", True, 0, 0, gradients)
    return Training(
        sum([tensor.bytes for tensor in recorded.tensors if tensor.is_kept]),
        gradients,
        OPTIMIZERS[optimizer] * gradients,
        max((*moments, optimizing), key=lambda moment: moment.bytes),
        moments,
    )


class _Tensor:
    """Memory that a layer makes, or that enters: when it is first there, and when last needed.

    Times count the layers, forward and then backward.
    """

    __slots__ = ("bytes", "first", "is_kept", "last")

    def __init__(self, bytes: int, first: int) -> None:
        self.bytes = bytes
        self.first = self.last = first
        self.is_kept = False

    def hold(self, until: int) -> None:
        """Need it until a time."""
        self.last = max(self.last, until)


class _Seen(NamedTuple):
    """What a layer puts out: the number of the tensor that it is, or is a part of."""

    #: None: it is a weight.
    tensor: int | None
    #: Whether it has a gradient.
    is_wanted: bool
    #: How often it is there: once a sample, or once where it is made of weights alone.
    samples: int
    #: Its own bytes.
    bytes: int


class _Flow(NamedTuple):
    """A gradient that the backward pass of a layer works out: that of a tensor."""

    tensor: int
    bytes: int
    #: Whether it is the gradient of what the layer makes, or a part of that.
    is_handed_on: bool


class _Layer(NamedTuple):
    """A layer as autograd records it."""

    name: str
    #: The numbers of the tensors that it makes; none for a view.
    makes: tuple[int, ...]
    #: Whether it has a backward pass, and the gradients of activations that this works out.
    is_recorded: bool
    flows: tuple[_Flow, ...]
    #: Who owns the tensors that it trains, and the bytes of their gradients.
    owner: str
    trains: int


class _Recorded(NamedTuple):
    """A forward pass as autograd records it."""

    layers: tuple[_Layer, ...]
    tensors: tuple[_Tensor, ...]
    #: The numbers of the tensors that leave and have a gradient.
    leaving: tuple[int, ...]

    @property
    def gradients(self) -> int:
        """The bytes of the gradients of all parameters, each once."""
        return sum({each.owner: each.trains for each in self.layers}.values())


def _recorded(graph: Graph, settings: Settings) -> _Recorded:
    """A forward pass of a graph."""
    end = 2 * len(graph.nodes) - 1
    tensors: list[_Tensor] = []
    layers: list[_Layer] = []
    seen: dict[tuple[int, int], _Seen] = {}

    def made(bytes: int, time: int) -> int:
        tensors.append(_Tensor(bytes, time))
        return len(tensors) - 1

    for index, shape in enumerate(graph.inputs.values()):
        size = shape.size * settings.batch * size_of(settings.dtype)
        seen[-1 - index, 0] = _Seen(made(size, 0), False, settings.batch, size)
    for time, node in enumerate(graph.nodes):
        placed = node.placed
        read = [seen[node_, part] for node_, part, _ in node.inputs]
        wanted = tuple([each.is_wanted for each in read])
        is_recorded = placed.is_trained or any(wanted)
        width = size_of(node.dtype or settings.dtype)
        samples = max([each.samples for each in read], default=1)
        sizes = [y.size * samples * width for y in placed.outputs]
        makes: list[int] = []
        outputs: list[int | None] = [None]
        if placed.layer.is_trained_view(placed.entering):
            outputs = [read[0].tensor for _ in sizes]
        elif placed.storage is not Storage.WEIGHT:
            outputs = [*(makes := [made(size, time) for size in sizes])]
        for part, (tensor, size) in enumerate(zip(outputs, sizes)):
            seen[time, part] = _Seen(tensor, is_recorded, samples, size)
        kept = placed.kept(wanted)
        holding = [outputs[part] for part in kept.outputs]
        holding += [made(_bytes_of(each, samples, width), time) for each in kept.own]
        for each in [read[index] for index in kept.inputs]:
            whole = each.tensor
            if whole is not None and kept.copies_parts and each.bytes < tensors[whole].bytes:
                holding.append(made(each.bytes, time))
            else:
                holding.append(whole)
        for tensor in holding:
            if tensor is not None:
                tensors[tensor].is_kept = True
                tensors[tensor].hold(end - time)
        for each in read:
            if each.tensor is not None:
                tensors[each.tensor].hold(time)
        layers.append(
            _Layer(
                node.name,
                tuple(makes),
                is_recorded,
                tuple(_flows(node, read)) if makes else (),
                node.weights_of or node.name,
                width * sum([each.size for each in placed.tensors if each.trainable])
                if placed.is_trained
                else 0,
            )
        )
    leaving = [seen[node_, part] for node_, part, _ in graph.outputs]
    for each in leaving:
        if each.tensor is not None:
            tensors[each.tensor].hold(end)
    wanted_ = [each.tensor for each in leaving if each.is_wanted and each.tensor is not None]
    return _Recorded(tuple(layers), tuple(tensors), tuple(dict.fromkeys(wanted_)))


def _bytes_of(own: Own, samples: int, width: int) -> int:
    """The bytes of a layer's own elements."""
    return (
        own.elements * (samples if own.each else 1) * (size_of(own.dtype) if own.dtype else width)
    )


def _flows(node: Node, read: list[_Seen]) -> Iterator[_Flow]:
    """The gradients of activations that the backward pass of a layer works out."""
    handed = node.layer.hands_on(node.placed.inputs, node.placed.outputs)
    for index, each in enumerate(read):
        if each.is_wanted and each.tensor is not None:
            yield _Flow(each.tensor, each.bytes, index in handed)


def _moments(recorded: _Recorded) -> Iterator[Moment]:
    """What there is while each layer runs, forward and then backward."""
    layers = recorded.layers
    held = _held(recorded)
    for layer, activations in zip(layers, held):
        yield Moment(layer.name, False, activations, 0, 0)
    flowing = _Gradients(recorded)
    trained: set[str] = set()
    gradients = 0
    for layer, activations in zip(reversed(layers), held[len(layers) :]):
        if not layer.is_recorded:
            continue
        most = flowing.through(layer)
        if layer.owner not in trained:
            trained.add(layer.owner)
            gradients += layer.trains
        yield Moment(layer.name, True, activations, most, gradients)


def _held(recorded: _Recorded) -> list[int]:
    """The bytes of the tensors that there are at every time."""
    changes = [0] * (2 * len(recorded.layers) + 1)
    for tensor in recorded.tensors:
        changes[tensor.first] += tensor.bytes
        changes[tensor.last + 1] -= tensor.bytes
    return [*accumulate(changes[:-1])]


class _Gradients:
    """The gradients of activations that there are, while the backward pass goes on.

    One that is handed on is the same memory for several tensors.
    """

    def __init__(self, recorded: _Recorded) -> None:
        self._tensors = recorded.tensors
        #: The memory that the gradient of a tensor is in, by number; its bytes and its users.
        self._memory: dict[int, int] = {}
        self._bytes: list[int] = []
        self._users: list[int] = []
        self._all = 0
        for tensor in recorded.leaving:
            self._put(tensor, self._new(recorded.tensors[tensor].bytes))

    def through(self, layer: _Layer) -> int:
        """Take a layer's backward pass; the bytes that there are during it."""
        passing = 0
        for flow in layer.flows:
            before = self._memory.get(flow.tensor)
            own = self._memory.get(layer.makes[0]) if flow.is_handed_on else None
            if before is None:
                new = self._new(self._tensors[flow.tensor].bytes) if own is None else own
                self._put(flow.tensor, new)
            elif self._users[before] == 1:
                # What comes is added to what is there.
                passing += flow.bytes if own is None else 0
            else:
                self._put(flow.tensor, self._new(self._tensors[flow.tensor].bytes))
        most = self._all + passing
        for tensor in layer.makes:
            self._drop(tensor)
        return most

    def _new(self, bytes: int) -> int:
        self._bytes.append(bytes)
        self._users.append(0)
        self._all += bytes
        return len(self._bytes) - 1

    def _put(self, tensor: int, memory: int) -> None:
        self._users[memory] += 1
        self._drop(tensor)
        self._memory[tensor] = memory

    def _drop(self, tensor: int) -> None:
        memory = self._memory.pop(tensor, None)
        if memory is not None:
            self._users[memory] -= 1
            if not self._users[memory]:
                self._all -= self._bytes[memory]
