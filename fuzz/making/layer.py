"""A layer of any type on given shapes: the values of its fields, and what it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple

from convcalc import layers
from convcalc.arithmetic import Refusal
from convcalc.graph import Builder, input_tensors
from convcalc.layers.base import NO_INPUT
from convcalc.layers.composite import Composite
from convcalc.shape import Shape

#: The shapes of what a line takes or makes.
Shapes = tuple[Shape, ...]
#: No more parts are made of a tensor.
_MOST_PARTS = 6
#: How often a layer is tried, and from when on with nothing but what it needs.
_TRIES, _SOBER = 8, 5


class Chosen(NamedTuple):
    """A layer type, the values of its fields by canonical name, and what it makes."""

    type: str
    values: dict[str, Any]
    outputs: Shapes


def layer_on(rng: Random, taken: Shapes, most: int) -> Chosen:
    """A layer that takes these shapes and makes tensors of no more elements than `most`.

    Several shapes are those of tensors that can be joined; without any it takes none.
    """
    for attempt in range(_TRIES):
        x = taken[0] if taken else NO_INPUT
        type = rng.choice(_fitting(len(taken), len(x.spatial)))
        suited = _SUITED[type](rng, x) if type in _SUITED else {}
        values = suited | {
            field.name: literal(rng, schema, x)
            for field, schema in fields(type)
            if field.name not in suited
            and (field.required or (attempt < _SOBER and rng.random() < 0.3))
        }
        outputs = outputs_of(type, values, taken)
        if outputs is not None and _is_small(outputs, most):
            return Chosen(type, values, outputs)
    type, plainest = _PLAINEST[min(len(taken), 2)]
    outputs = outputs_of(type, plainest, taken)
    assert outputs is not None
    return Chosen(type, dict(plainest), outputs)


def _windows_side_by_side(rng: Random, x: Shape) -> dict[str, Any]:
    """The windows of a `fold` of these columns, of as many cells as the channels allow."""
    kernel = rng.choice([k for k in (1, 2, 3) if x.channels % k**2 == 0])
    rows = rng.choice([n for n in (1, 2, 3, 4) if x.spatial[0] % n == 0])
    size = [rows * kernel, x.spatial[0] // rows * kernel]
    values = {"output_size": size, "kernel_size": kernel, "stride": kernel}
    return values | rng.choice(({}, {"padding": 0}, {"dilation": 1}, {"dilation": [1, 1]}))


#: The values of fields that chance would hardly find, by type.
_SUITED = {"fold": _windows_side_by_side}


#: What takes anything, by how many tensors it takes, with its fields.
_PLAINEST: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("parameter", {"shape": [1]}),
    ("identity", {}),
    ("concat", {}),
)


def _is_small(outputs: Shapes, most: int) -> bool:
    return len(outputs) <= _MOST_PARTS and all(shape.size <= most for shape in outputs)


@cache
def _fitting(count: int, axes: int) -> list[str]:
    """The layer types that take so many tensors, of so many spatial axes."""
    return [
        name
        for name, cls in layers.TYPES.items()
        if cls.spatial_axes[0] <= axes <= cls.spatial_axes[1]
        and (count >= 2 if cls.arity is None else count == cls.arity)
    ]


@cache
def fields(type: str) -> list[tuple[layers.Field, Mapping[str, Any]]]:
    """The fields of a layer type, each with its JSON Schema."""
    return [(field, field.kind.schema()) for field in layers.fields_of(layers.find(type))]


def outputs_of(type: str, values: Mapping[str, Any], taken: Shapes) -> Shapes | None:
    """The shapes that a layer makes; None where it does not take these."""
    kinds = {field.name: field.kind for field, _ in fields(type)}
    try:
        layer = layers.find(type)(**{key: kinds[key].parse(each) for key, each in values.items()})
        if isinstance(layer, Composite):
            inputs = input_tensors({str(index): shape for index, shape in enumerate(taken)})
            layer.require(taken[0])
            return tuple(tensor.shape for tensor in layer.build(Builder(), *inputs))
        return layer.placed(taken).outputs
    except Refusal:
        return None


def literal(rng: Random, schema: Mapping[str, Any], x: Shape) -> Any:
    """A value that a field's JSON Schema allows, and that may suit the shape."""
    if "anyOf" in schema:
        return literal(rng, rng.choice(schema["anyOf"]), x)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema["type"]
    if kind == "array":
        return _list(rng, schema, x)
    if kind == "integer":
        least = schema.get("minimum", -1)
        if rng.random() < 0.6:
            return least + rng.randint(0, 3)
        divisors = [n for n in (1, 2, 3, 4, 6, 8, 12) if x.channels % n == 0]
        return max(least, rng.choice((*divisors, x.channels, 2 * x.channels, 5, 16)))
    if kind == "string":
        return rng.choice(("NonMaxSuppression", "a b", "relu", "in_channels", "é: {}"))
    if kind == "number":
        least = 0.25 if "exclusiveMinimum" in schema else schema.get("minimum", -2)
        most = schema.get("maximum", 8)
        return rng.choice([n for n in (0.25, 0.5, 1, 2, 0.0, 1.5) if least <= n <= most])
    return rng.random() < 0.5 if kind == "boolean" else None


def _list(rng: Random, schema: Mapping[str, Any], x: Shape) -> list[Any]:
    """One item for every axis, or sizes that make up the shape."""
    items = schema["items"]
    if items.get("type") == "integer" and rng.random() < 0.4:
        is_shape = items.get("minimum", 0) < 0
        return _factors(rng, x.size) if is_shape else _shares(rng, x.channels)
    fewest = schema.get("minItems", 0)
    count = fewest if schema.get("maxItems") == fewest else max(fewest, len(x.spatial))
    return [literal(rng, items, x) for _ in range(count)]


def _factors(rng: Random, size: int) -> list[int]:
    """The sizes of a shape of so many elements, one of them perhaps left open."""
    sizes: list[int] = []
    for _ in range(rng.randint(0, 3)):
        sizes.append(rng.choice([n for n in (1, 2, 3, 4, 8) if size % n == 0]))
        size //= sizes[-1]
    sizes.append(size)
    rng.shuffle(sizes)
    if rng.random() < 0.3:
        sizes[rng.randrange(len(sizes))] = -1
    return sizes


def _shares(rng: Random, channels: int) -> list[int]:
    """Sizes that sum to the channels."""
    sizes: list[int] = []
    while channels > 1 and len(sizes) < 3 and rng.random() < 0.7:
        sizes.append(rng.randint(1, channels - 1))
        channels -= sizes[-1]
    return [*sizes, channels]
