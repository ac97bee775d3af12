"""From the call of a layer to the graph: its values, its place, its node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NoReturn

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.language.scopes import Known, Scope, Tensors
from convcalc.language.statements import Call, Statement, Value
from convcalc.language.values import Values
from convcalc.layers.base import Layer, Placed
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
            self._opened(st, call, inputs, scope)
            return None
        read = [*map(scope.values.get, call.names)]
        kinds = [*map(type, read)]
        key = (id(call), *read, *kinds, *[tensor.shape for tensor in inputs])
        # Lists may be long, and those that are equal can differ in the kinds of their items.
        placed = None if tuple in kinds else self.made.get(key)
        if placed is None:
            opened = self._opened(st, call, inputs, scope)
            if len(opened) < len(call.open):
                return None
            layer = layers.find(st.type)(**call.settled, **opened)
            if isinstance(layer, Composite):
                return self._composite(st, layer, call, inputs, scope)
            placed = self._placed(st, layer, inputs, scope, call.open.values())
            if placed is None:
                return None
            if tuple not in kinds and len(self.made) < _MOST_MADE:
                self.made[key] = placed
        return self._add(st, placed, inputs, call.name or st.type, call.functional)

    def _opened(self, st: Statement, call: Call, inputs: Tensors, scope: Scope) -> dict[str, Any]:
        """The values that a layer's expressions have, as its fields take them; of those that do."""
        opened: dict[str, Any] = {}
        kinds = _kinds(st.type)
        for name, raw in call.open.items():
            value = self.values.evaluate(raw, scope, inputs, st, name)
            if value is not None:
                try:
                    opened[name] = kinds[name].parse(value)
                except Refusal as refusal:
                    self.mistakes.value(refusal, st, name, [raw], scope, inputs)
        return opened

    def _composite(
        self, st: Statement, layer: Composite, call: Call, inputs: Known, scope: Scope
    ) -> Tensors:
        """The parts of a layer that stands for several."""
        try:
            with self.builder.group(call.name or st.type, st.type):
                made = layer.build(self.builder, *inputs)
        except Refusal as refusal:
            # The part that refuses is not in the file.
            refusal.field, refusal.label = None, ""
            self.mistakes.shapes(refusal, st, (), scope, inputs)
            return None
        if len(self.builder) > self.limits.layers:
            self._exceed_layers(st)
        self._bound(st, [tensor.shape for tensor in made])
        return made

    def implied(
        self,
        st: Statement,
        layer: Layer,
        inputs: Known,
        scope: Scope,
        help: Callable[..., str] | None = None,
    ) -> Tensors:
        """A layer that a structure implies; `help` says more of shapes that it refuses."""
        placed = self._placed(st, layer, inputs, scope, (), help)
        return None if placed is None else self._add(st, placed, inputs, layer.type)

    def _placed(
        self,
        st: Statement,
        layer: Layer,
        inputs: Known,
        scope: Scope,
        raws: Iterable[Value],
        help: Callable[..., str] | None = None,
    ) -> Placed | None:
        """A layer on its inputs; `raws` are the expressions in it."""
        shapes = tuple([tensor.shape for tensor in inputs])
        try:
            placed = layer.placed(shapes)
        except Refusal as refusal:
            if help is not None:
                refusal.help = help(*shapes) or refusal.help
            self.mistakes.shapes(refusal, st, raws, scope, inputs)
            return None
        self._bound(st, placed.outputs)
        return placed

    def _add(
        self,
        st: Statement,
        placed: Placed,
        inputs: Known,
        name: str,
        functional: bool = False,
    ) -> Known:
        """Add a layer; its outputs."""
        made = self.builder.append(placed, inputs, name, functional)
        if made[0].node >= self.limits.layers:
            self._exceed_layers(st)
        return made

    def _exceed_layers(self, st: Statement) -> NoReturn:
        """Stop at the limit of layers."""
        message = f"the network has more than {self.limits.layers:,} layers"
        self.mistakes.exceed("layers", message, st.mark)

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
