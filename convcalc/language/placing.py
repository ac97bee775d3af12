"""From the call of a layer to the graph: its values, its place, its node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.language.scopes import Known, Scope, Tensors
from convcalc.language.statements import Call, Statement, Value
from convcalc.language.values import Values
from convcalc.layers.base import Layer, Placed, require_inputs
from convcalc.layers.composite import Composite
from convcalc.layers.fields import Kind
from convcalc.shape import Shape


class Placing:
    """Adds the layers that lines call, or structures imply, and reports those that refuse."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.mistakes = values.mistakes
        self.limits = self.mistakes.limits
        self.builder = self.mistakes.builder
        #: What a call depends on, and the layer that it makes; at other variables, too.
        self.made = values.document.made.setdefault(values.bounds, {})

    def layer(self, st: Statement, call: Call, inputs: Tensors, scope: Scope) -> Tensors:
        """A layer with its values; the same call on the same values and shapes is placed once."""
        if inputs is None:
            self.values.opened(st, scope, inputs, _kinds(st.type))
            return None
        key: tuple[Any, ...] = (id(call), *[tensor.shape for tensor in inputs])
        kinds: list[type] = []
        if call.names:
            read = [*map(scope.values.get, call.names)]
            kinds = [*map(type, read)]
            key = (*key, *read, *kinds)
        # Lists may be long, and those that are equal can differ in the kinds of their items.
        placed = None if tuple in kinds else self.made.get(key)
        if placed is None:
            opened = self.values.opened(st, scope, inputs, _kinds(st.type))
            layer = layers.find(st.type)(**call.settled, **opened)
            if isinstance(layer, Composite):
                return self._composite(st, layer, call, inputs, scope)
            placed = self._placed(st, layer, inputs, scope, call.open.values())
            if tuple not in kinds and len(self.made) < _MOST_MADE:
                self.made[key] = placed
        return self._add(st, placed, inputs, call.name or st.type, call.functional)

    def _composite(
        self, st: Statement, layer: Composite, call: Call, inputs: Known, scope: Scope
    ) -> Known:
        """The parts of a layer that stands for several."""
        try:
            require_inputs(layer, len(inputs))
            with self.builder.group(call.name or st.type, st.type):
                made = layer.build(self.builder, *inputs)
        except Refusal as refusal:
            # The part that refuses is not in the file.
            refusal.field, refusal.label = None, ""
            raise self.mistakes.shapes(refusal, st, (), scope, inputs) from None
        self._look(st)
        self._bound(st, [tensor.shape for tensor in made])
        return made

    def implied(self, st: Statement, layer: Layer, inputs: Known, scope: Scope) -> Known:
        """A layer that a structure implies."""
        return self._add(st, self._placed(st, layer, inputs, scope), inputs, layer.type)

    def _placed(
        self, st: Statement, layer: Layer, inputs: Known, scope: Scope, raws: Iterable[Value] = ()
    ) -> Placed:
        """A layer on its inputs; `raws` are the expressions in it."""
        try:
            placed = layer.placed(tuple([tensor.shape for tensor in inputs]))
        except Refusal as refusal:
            raise self.mistakes.shapes(refusal, st, raws, scope, inputs) from None
        self._bound(st, placed.outputs)
        return placed

    def _add(
        self, st: Statement, placed: Placed, inputs: Known, name: str, functional: bool = False
    ) -> Known:
        """Add a layer; its outputs."""
        made = self.builder.append(placed, inputs, name, functional)
        self._look(st)
        return made

    def _look(self, st: Statement) -> None:
        """Stop where the graph has grown beyond a limit."""
        graph, limits = self.builder, self.limits
        if len(graph) > limits.layers:
            message = f"the network has more than {limits.layers:,} layers"
            self.mistakes.exceed("layers", message, st.mark)
        if graph.tensors > limits.tensors:
            message = f"more than {limits.tensors:,} tensors enter and leave the network's layers"
            self.mistakes.exceed("tensors", message, st.mark)
        if graph.characters > limits.characters:
            message = f"the layers' names have more than {limits.characters:,} characters together"
            self.mistakes.exceed("characters", message, st.mark)

    def _bound(self, st: Statement, shapes: Iterable[Shape]) -> None:
        """Stop at the limit of digits."""
        sizes = [size for shape in shapes for size in shape if isinstance(size, int)]
        if self.values.bounds.forbid(max(sizes, default=0)):
            message = f"a size of the output has more than {self.limits.digits} digits"
            self.mistakes.exceed("digits", message, st.mark)


#: How many layers a document keeps.
_MOST_MADE = 4096


@cache
def _kinds(type: str) -> Mapping[str, Kind]:
    """The kinds of a layer type's fields, by name."""
    return {field.name: field.kind for field in layers.fields_of(layers.find(type))}
