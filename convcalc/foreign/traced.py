"""What a reader of foreign networks makes: their layers, in the vocabulary, as they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from convcalc.layers.base import Placed
from convcalc.shape import Shape, Tensor


class Scope(NamedTuple):
    """A module of the foreign code that a layer is called in."""

    #: What the module around it calls it: `layer1`, `0`.
    name: str
    #: Its class, `Bottleneck`; empty where that is not known.
    type: str = ""
    #: Which call of that module it is, in the one around it: 0 for the first.
    use: int = 0


class Call(NamedTuple):
    """One layer, as it is called."""

    #: What its own module or function is called there: `conv1`, `add`.
    name: str
    #: The layer on its inputs; `placed.written` is the layer before its fields were spread.
    placed: Placed
    #: What enters it: the index of a call, negative for an input, which of its outputs, the shape.
    inputs: tuple[Tensor, ...]
    #: The modules that it is in, outermost first, without the network itself.
    scopes: tuple[Scope, ...] = ()
    #: Whether the code calls a function, which some tools do not see.
    functional: bool = False
    #: The index of the call whose tensors it uses; None: they are its own.
    weights_of: int | None = None


class Traced(NamedTuple):
    """A foreign network: its calls, in an order in which every input comes before its use."""

    name: str
    #: Where it came from, for the `source` of a spec.
    source: str
    #: The shapes of the inputs by name, channels first, without the batch.
    inputs: Mapping[str, Shape]
    calls: tuple[Call, ...]
    #: What leaves it.
    outputs: tuple[Tensor, ...]
    #: What is to be said beside it: what was folded away, modules that are never called.
    notes: tuple[str, ...] = ()
