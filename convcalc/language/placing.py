"""From the call of a layer to the graph: its values, its place, its node."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.language.scopes import Known, Scope, Tensors
from convcalc.language.statements import Call, Statement, Value
from convcalc.language.values import Values
from convcalc.layers.base import Layer, Placed, Stated
from convcalc.layers.composite import Composite
from convcalc.layers.fields import Kind
from convcalc.shape import MOST_AXES, Shape
from convcalc.words import describe


class Placing:
    """Adds the layers that lines call, or structures imply, and reports those that refuse."""

    def __init__(self, values: Values, instead: Mapping[int, Call]) -> None:
        self.values = values
        #: Calls that stand for those of some lines, by the lines' identities.
        self.instead = instead
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
        above = inputs
        if not call.from_ and layers.find(st.type).arity == 0:
            inputs = ()  # its values may speak of what is above, which does not enter it
        if self.instead:
            call = self.instead.get(id(st), call)
        key: tuple[Any, ...] = (id(call), *[tensor.shape for tensor in above])
        kinds: list[type] = []
        if call.names:
            read = [*map(scope.values.get, call.names)]
            kinds = [*map(type, read)]
            key = (*key, *read, *kinds)
        # Lists may be long, and those that are equal can differ in the kinds of their items.
        placed = None if tuple in kinds else self.made.get(key)
        if placed is None:
            opened = self.values.opened(st, scope, above, _kinds(st.type))
            cls, fields = layers.find(st.type), {**call.settled, **opened}
            said = [(each, fields.pop(each.field.name, None)) for each in cls.stated]
            layer = cls(**fields)
            for stated, value in said:
                if value is not None:
                    self._compare(st, layer, stated, value, inputs, scope)
            if isinstance(layer, Composite):
                return self._composite(st, layer, call, inputs, scope)
            placed = self._placed(st, layer, inputs, scope, call.open.values())
            self._require_output(st, call, placed.outputs, inputs, scope)
            if tuple not in kinds and len(self.made) < _MOST_MADE:
                self.made[key] = placed
        return self._add(st, placed, inputs, scope, call.name or st.type, call.functional)

    def _compare(
        self, st: Statement, layer: Layer, stated: Stated, value: Any, inputs: Known, scope: Scope
    ) -> None:
        """Refuse what a line says of its input, where that is not so."""
        known = stated.known(layer, inputs[0].shape) if len(inputs) == 1 else value
        # A list of one is what stands in it, as for PyTorch.
        if known is not None and known != value:
            field = stated.field
            key = st.key_of(field.name) or field.name
            there = f"it normalises over {_sizes(known)}"
            if stated.noun:
                one = known == 1
                there = f"{known} {stated.noun}{' arrives' if one else 's arrive'}"
            refusal = Refusal(
                f"`{key}` says {_sizes(value)}, and {there}",
                code="stated",
                field=field.name,
                label=there,
                help=stated.cure(layer, inputs[0].shape, value)
                or f"write `{key}: {describe(field.kind.show(known))}`, or leave it out",
            )
            raise self.mistakes.shapes(refusal, st, (), scope, inputs)

    def _composite(
        self, st: Statement, layer: Composite, call: Call, inputs: Known, scope: Scope
    ) -> Known:
        """The parts of a layer that stands for several."""
        try:
            layer.require_inputs(len(inputs))
            layer.require(inputs[0].shape)
        except Refusal as refusal:
            raise self.mistakes.shapes(refusal, st, call.open.values(), scope, inputs) from None
        try:
            name = call.name or st.type
            with self.builder.group(name, st.type, layer, call.functional, layer.module):
                made = layer.build(self.builder, *inputs)
        except Refusal as refusal:
            # The part that refuses is not in the file.
            refusal.field, refusal.label = None, ""
            raise self.mistakes.shapes(refusal, st, (), scope, inputs) from None
        self._look(st, scope)
        self._bound(st, [tensor.shape for tensor in made])
        self._require_output(st, call, [tensor.shape for tensor in made], inputs, scope)
        return made

    def _require_output(
        self, st: Statement, call: Call, made: Sequence[Shape], inputs: Known, scope: Scope
    ) -> None:
        """Refuse what a line says of its output, where that is not so."""
        if call.output_shape is None:
            return
        said = self.values.shape(
            call.output_shape, scope, inputs, st, "output_shape", most=MOST_AXES
        )
        if said != made[0] or len(made) > 1:
            shown = " and ".join(map(str, made[:2])) + (" and more" if len(made) > 2 else "")
            refusal = Refusal(
                f"`output_shape` says {said}, and {st.type} makes {shown}",
                code="stated",
                field="output_shape",
                label=f"it is {shown}",
            )
            raise self.mistakes.shapes(refusal, st, (), scope, inputs)

    def implied(self, st: Statement, layer: Layer, inputs: Known, scope: Scope) -> Known:
        """A layer that a structure implies."""
        return self._add(st, self._placed(st, layer, inputs, scope), inputs, scope, layer.type)

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
        self,
        st: Statement,
        placed: Placed,
        inputs: Known,
        scope: Scope,
        name: str,
        functional: bool = False,
    ) -> Known:
        """Add a layer; its outputs."""
        made = self.builder.append(placed, inputs, name, functional)
        self._look(st, scope)
        return made

    def _look(self, st: Statement, scope: Scope) -> None:
        """Note which line made the latest nodes, and stop where there are more than allowed."""
        graph, limits, lines = self.builder, self.limits, self.mistakes.lines
        lines += [(st, scope.around)] * (len(graph) - len(lines))
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


def _sizes(value: Any) -> str:
    """A number or several in a message."""
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


#: How many layers a document keeps.
_MOST_MADE = 4096


@cache
def _kinds(type: str) -> Mapping[str, Kind]:
    """The kinds of a layer type's fields, by name."""
    return {field.name: field.kind for field in layers.written_fields(layers.find(type))}
