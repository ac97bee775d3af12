"""Layers that join tensors, and those that take them apart."""

from __future__ import annotations

from convcalc.exporters.onnx_nodes.base import Nodes, writes

#: The operators of two tensors, and those of any number.
_OF_TWO = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "maximum": "Max",
    "minimum": "Min",
}
_OF_ANY = {"add": "Sum", "maximum": "Max", "minimum": "Min"}


@writes(*_OF_TWO)
def _elementwise(nodes: Nodes) -> None:
    layer, inputs = nodes.layer, nodes.inputs
    if layer.value is not None:
        nodes.op(_OF_TWO[layer.type], nodes.x, nodes.number("value", layer.value))
    elif len(inputs) > 2 and layer.type in _OF_ANY:
        nodes.op(_OF_ANY[layer.type], *inputs)
    else:
        result, *others = inputs
        for index, other in enumerate(others, start=1):
            part = "" if index == len(others) else f"first_{index + 1}"
            result = nodes.op(_OF_TWO[layer.type], result, other, part=part)


@writes("concat")
def _concat(nodes: Nodes) -> None:
    nodes.op("Concat", *nodes.inputs, axis=_axis(nodes))


@writes("channel_shuffle")
def _channel_shuffle(nodes: Nodes) -> None:
    (channels, *sizes), groups = nodes.entering, nodes.layer.groups
    split = nodes.reshaped(nodes.x, [groups, channels // groups, *sizes], part="groups")
    order = [1, 0, *range(2, len(sizes) + 2)]
    nodes.reshaped(nodes.transposed(split, order, part="shuffled"), nodes.leaving)


@writes("split")
def _split(nodes: Nodes) -> None:
    sizes = nodes.integers("split", [part[nodes.layer.axis] for part in nodes.node.outputs])
    nodes.op("Split", nodes.x, sizes, axis=_axis(nodes))


@writes("index_select")
def _index_select(nodes: Nodes) -> None:
    indices = nodes.empty("indices", [nodes.leaving[nodes.layer.axis]])
    nodes.op("Gather", nodes.x, indices, axis=_axis(nodes))


@writes("slice")
def _slice(nodes: Nodes) -> None:
    layer = nodes.layer
    size = nodes.entering[layer.axis]
    start = layer.start % size
    stop = size if layer.stop is None else layer.stop + (size if layer.stop < 0 else 0)
    ends = {"starts": start, "ends": stop, "axes": _axis(nodes), "steps": layer.step}
    nodes.op("Slice", nodes.x, *[nodes.integers(part, [end]) for part, end in ends.items()])


def _axis(nodes: Nodes) -> int:
    """The axis that it works along, behind the batch."""
    axis: int = nodes.layer.axis % len(nodes.entering) + 1
    return axis
