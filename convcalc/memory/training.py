"""The peak memory of one training step, as PyTorch's autograd needs it.

A step is the forward pass, in which every layer keeps what its backward pass will ask for, the
backward pass, and the optimizer's. Weights are apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from convcalc.diagnostics import fail
from convcalc.dtypes import size_of
from convcalc.frozen import FrozenDict
from convcalc.graph import Graph, Node
from convcalc.layers.base import Placed, Storage
from convcalc.layers.keeping import Kept
from convcalc.steps import Settings, dtypes_of
from convcalc.words import did_you_mean, listed

#: How many numbers an optimizer keeps of its own for each that is trained, in the type of that
#: (PyTorch's `torch.optim.SGD`, with a momentum too, and `Adam` and `AdamW`).
OPTIMIZERS: Mapping[str, int] = {"sgd": 0, "momentum": 1, "adam": 2}
#: The one that is meant where none is named.
DEFAULT = "adam"


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
    #: Every layer, forward and then backward, those without a backward pass left out there. When
    #: the optimizer runs, less is held than when the last of them does.
    moments: tuple[Moment, ...]

    @property
    def at(self) -> Moment | None:
        """When the most is held first; None where nothing runs."""
        return max(self.moments, key=lambda moment: moment.bytes, default=None)

    @property
    def peak(self) -> int:
        """The most that is held at once: at that moment, and by the optimizer."""
        at = self.at
        return self.optimizer + (0 if at is None else at.bytes)

    @property
    def held(self) -> Mapping[str, int]:
        """What is held when the most is, by its kind; it comes to the peak."""
        kinds = ("activations", "activation_gradients", "gradients")
        at = self.at
        parts = (0, 0, 0) if at is None else at[2:]
        return FrozenDict({**dict(zip(kinds, parts)), "optimizer": self.optimizer})


def training(graph: Graph, settings: Settings, optimizer: str | None = None) -> Training:
    """What a training step needs whose samples and type of number are those of `settings`.

    What each layer keeps is `Layer.kept`; a tensor that several keep is there once, and a view is
    its input's memory. A tensor's gradient is there from the backward pass of its last reader to
    that of its maker; a parameter's from its layer's backward pass on, as after
    `zero_grad(set_to_none=True)`. What leaves the network is held to the end. Nothing is ever
    fused. Raises ConvcalcError for an unknown type or optimizer.
    """
    optimizer = DEFAULT if optimizer is None else optimizer
    if optimizer not in OPTIMIZERS:
        help = f"{did_you_mean(optimizer, OPTIMIZERS)} they are {listed(OPTIMIZERS)}".strip()
        raise fail("unknown-optimizer", f"unknown optimizer `{optimizer}`", help)
    recorded = _Recorder(graph, settings).recorded()
    moments = tuple(_moments(recorded))
    gradients = recorded.gradients
    return Training(
        sum([tensor.bytes for tensor in recorded.tensors if tensor.is_kept]),
        gradients,
        OPTIMIZERS[optimizer] * gradients,
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
        return sum({each.owner: each.trains for each in self.layers if each.trains}.values())


class _Rules(NamedTuple):
    """What a layer says of its training, for all nodes that are alike."""

    is_recorded: bool
    is_view: bool
    is_weight: bool
    kept: Kept
    hands_on: tuple[int, ...]
    elements: tuple[int, ...]
    trained: int


def _rules(placed: Placed, wanted: tuple[bool, ...]) -> _Rules:
    """The rules of a layer, where gradients of these inputs are wanted."""
    is_trained, layer = placed.is_trained, placed.layer
    return _Rules(
        is_trained or any(wanted),
        layer.is_trained_view(placed.entering),
        placed.storage is Storage.WEIGHT,
        placed.kept(wanted),
        layer.hands_on(placed.inputs, placed.outputs),
        tuple([y.size for y in placed.outputs]),
        sum([each.size for each in placed.tensors if each.trainable]) if is_trained else 0,
    )


class _Recorder:
    """Records the forward pass of a graph, layer by layer."""

    def __init__(self, graph: Graph, settings: Settings) -> None:
        self._widths = [size_of(dtype) for dtype in dtypes_of(graph, settings)]
        self._end = 2 * len(graph.nodes) - 1
        self._tensors: list[_Tensor] = []
        self._seen: dict[tuple[int, int], _Seen] = {}
        self._known: dict[tuple[int, tuple[bool, ...]], _Rules] = {}
        for index, shape in enumerate(graph.inputs.values()):
            size = shape.size * settings.batch * settings.width
            entering = _Seen(self._made(size, 0), False, settings.batch, size)
            self._seen[-1 - index, 0] = entering
        self._layers = [self._layer(time, node) for time, node in enumerate(graph.nodes)]
        self._leaving = [self._seen[node, part] for node, part, _ in graph.outputs]
        for each in self._leaving:
            self._hold(each.tensor, self._end)

    def recorded(self) -> _Recorded:
        """What has been recorded."""
        leaving = [each.tensor for each in self._leaving if each.is_wanted]
        numbers = dict.fromkeys(tensor for tensor in leaving if tensor is not None)
        return _Recorded(tuple(self._layers), tuple(self._tensors), tuple(numbers))

    def _layer(self, time: int, node: Node) -> _Layer:
        read = [self._seen[maker, part] for maker, part, _ in node.inputs]
        rules = self._rules_of(node.placed, tuple([each.is_wanted for each in read]))
        width = self._widths[time]
        samples = max([each.samples for each in read], default=1)
        sizes = [elements * samples * width for elements in rules.elements]
        makes: tuple[int, ...] = ()
        outputs: Sequence[int | None] = (None,)
        if rules.is_view:
            outputs = [read[0].tensor] * len(sizes)
        elif not rules.is_weight:
            outputs = makes = tuple([self._made(size, time) for size in sizes])
        for part, (tensor, size) in enumerate(zip(outputs, sizes)):
            self._seen[time, part] = _Seen(tensor, rules.is_recorded, samples, size)
        for each in read:
            self._hold(each.tensor, time)
        for tensor in self._kept(rules.kept, read, outputs, time, samples, width):
            self._keep(tensor, self._end - time)
        return _Layer(
            node.name,
            makes,
            rules.is_recorded,
            tuple(_flows(read, rules.hands_on)) if makes else (),
            node.weights_of or node.name,
            rules.trained * width,
        )

    def _rules_of(self, placed: Placed, wanted: tuple[bool, ...]) -> _Rules:
        rules = self._known.get((id(placed), wanted))
        if rules is None:
            rules = self._known[id(placed), wanted] = _rules(placed, wanted)
        return rules

    def _kept(
        self,
        kept: Kept,
        read: Sequence[_Seen],
        outputs: Sequence[int | None],
        time: int,
        samples: int,
        width: int,
    ) -> Iterator[int | None]:
        """The tensors that a layer keeps."""
        for index in kept.inputs:
            whole = read[index].tensor
            is_part = whole is not None and read[index].bytes < self._tensors[whole].bytes
            copied = kept.copies_parts and is_part
            yield self._made(read[index].bytes, time) if copied else whole
        for part in kept.outputs:
            yield outputs[part]
        for own in kept.own:
            count = own.elements * (samples if own.each else 1)
            yield self._made(count * (size_of(own.dtype) if own.dtype else width), time)

    def _made(self, bytes: int, time: int) -> int:
        self._tensors.append(_Tensor(bytes, time))
        return len(self._tensors) - 1

    def _hold(self, tensor: int | None, until: int) -> None:
        """Need a tensor until a time; a weight is there anyway."""
        if tensor is not None:
            held = self._tensors[tensor]
            held.last = max(held.last, until)

    def _keep(self, tensor: int | None, until: int) -> None:
        """Need a tensor in the backward pass."""
        if tensor is not None:
            self._tensors[tensor].is_kept = True
            self._hold(tensor, until)


def _flows(read: Sequence[_Seen], hands_on: tuple[int, ...]) -> Iterator[_Flow]:
    """The gradients of activations that the backward pass of a layer works out."""
    for index, each in enumerate(read):
        if each.is_wanted and each.tensor is not None:
            yield _Flow(each.tensor, each.bytes, index in hands_on)


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
        if layer.trains and layer.owner not in trained:
            trained.add(layer.owner)
            gradients += layer.trains
        yield Moment(layer.name, True, activations, most, gradients)


def _held(recorded: _Recorded) -> list[int]:
    """The bytes of the tensors that there are at every time."""
    changes = [0] * (2 * len(recorded.layers) + 2)
    for tensor in recorded.tensors:
        changes[tensor.first] += tensor.bytes
        changes[tensor.last + 1] -= tensor.bytes
    return [*accumulate(changes[:-2])]


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
