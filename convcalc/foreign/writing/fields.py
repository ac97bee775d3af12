"""A layer as the mapping that a spec has for it, and names as a spec can have them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from convcalc import layers
from convcalc.foreign.traced import Call
from convcalc.layers.base import Field, Layer
from convcalc.layers.fields import SHORT_NAMES
from convcalc.visible import composed, is_identifier

#: Characters of a name, at the most.
_LONGEST = 60


@lru_cache(maxsize=4096)
def _written(layer: Layer) -> tuple[tuple[str, Any], ...]:
    """The fields that are not as they are when left out, by the names that specs have for them."""
    return tuple(
        [
            (field.short or field.name, field.kind.show(value))
            for field in _ordered(layer.type)
            if (value := _narrowed(field, getattr(layer, field.name))) != _default(field)
        ]
    )


@lru_cache(maxsize=256)
def _ordered(type: str) -> tuple[Field, ...]:
    """The fields of a type, those first that have short names, in the order of these."""
    shorts = [*SHORT_NAMES]
    return tuple(
        sorted(
            layers.fields_of(layers.find(type)),
            key=lambda field: shorts.index(field.short) if field.short else len(shorts),
        )
    )


@lru_cache(maxsize=1024)
def shown_default(type: str, key: str) -> Any:
    """What a field of a layer type is when it is left out, as specs have it; None: nothing."""
    if key == "functional":
        return False
    for field in layers.fields_of(layers.find(type)):
        if key in (field.short, field.name) and not field.required and field.default is not None:
            return field.kind.show(field.default)
    return None


def _default(field: Field) -> Any:
    return field if field.required else field.default


def _narrowed(field: Field, value: Any) -> Any:
    """One value that stands for every axis, where it does."""
    is_list = field.kind.per_axis and isinstance(value, tuple)
    return value[:1] if is_list and len(set(value)) == 1 and value != (None,) else value


def fields_of(call: Call, layer: Layer | None = None) -> dict[str, Any]:
    """What a spec says of a layer beside its name, and where it stands.

    `layer` is another that stands for this and others.
    """
    fields = dict(_written(layer or call.placed.written))
    if call.functional:
        fields["functional"] = True
    if call.placed.frozen and not call.placed.borrowing:
        fields["trainable"] = False
    return fields


def as_name(text: str) -> str:
    """A foreign name as a spec can have it; empty where nothing of it is left."""
    name = composed(text)
    if not is_identifier(name.replace("-", "_")) or name.startswith("-"):
        name = re.sub(r"[^\w-]+", "_", name).strip("_-")
        if name and not is_identifier(name[0]):
            name = f"_{name}"
        if not is_identifier(name.replace("-", "_")):
            return ""
    return name[-_LONGEST:].lstrip("-0123456789") if len(name) > _LONGEST else name


def snake_case(cls: str) -> str:
    """The name of a class as specs name blocks: `inverted_residual` for `InvertedResidual`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls)
    return as_name(words.lower().strip("_"))


class Names:
    """Gives out names, each once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {"input", *taken}

    def new(self, wanted: str) -> str:
        """A name that is not taken: the wanted one, or that with a number."""
        name, count = wanted, 1
        while name in self.taken:
            count += 1
            name = f"{wanted[: _LONGEST - 8]}_{count}"
        self.taken.add(name)
        return name


def says_something(name: str, type: str) -> bool:
    """Whether a foreign name says more than its layer's type and a number do."""
    plain = re.sub(r"[\W\d_]+", "", name).lower()
    numbered = re.search(r"[_.-]\d+$", name) is not None
    return bool(plain) and not (plain == type.replace("_", "") and (numbered or plain == name))


def owns_maps(call: Call) -> bool:
    """Whether a layer is one that people name: it has weights, and is no normalization."""
    return call.placed.layer.owns_tensors() and call.placed.layer.family != "normalization"
