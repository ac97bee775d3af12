"""The vocabulary: one class a layer type, one file a family.

To add a layer type, write its class in its family's file, or in a new one. Nothing else needs to
know. Another package adds one by an entry point in the group `convcalc.layers`.
"""

import importlib

from convcalc.layers.base import (
    TYPES,
    Field,
    Layer,
    Operations,
    Weight,
    canonical_names,
    details,
    example,
    fields_of,
    find,
    names,
    short_name,
    summary,
    written_fields,
)
from convcalc.layers.fields import SHORT_NAMES
from convcalc.registry import files, from_entry_point

__all__ = [
    "SHORT_NAMES",
    "TYPES",
    "Field",
    "Layer",
    "Operations",
    "Weight",
    "canonical_names",
    "details",
    "example",
    "fields_of",
    "find",
    "is_known",
    "names",
    "reading_order",
    "short_name",
    "summary",
    "written_fields",
]

for _file in files(__path__):
    importlib.import_module(f"{__name__}.{_file}")


def is_known(name: str) -> bool:
    """Whether there is a layer type of a name, if only in another package."""
    return name in TYPES or (from_entry_point(__name__, name) is not None and name in TYPES)


#: The files in the order in which a reader meets their types; others follow.
_READING = (
    *("convolution", "dense", "normalization", "activation", "pooling"),
    *("resampling", "folding", "joining", "attention", "composite"),
)


def reading_order(cls: type[Layer]) -> int:
    """Where a layer type stands in a list of all, by the file of its family."""
    file = cls.__module__.rpartition(".")[2]
    return _READING.index(file) if file in _READING else len(_READING)
