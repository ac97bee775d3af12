"""The vocabulary: one class a layer type, one file a family.

To add a layer type, write its class in its family's file. Nothing else needs to know.
"""

from convcalc.layers import (
    activation,
    composite,
    convolution,
    dense,
    joining,
    normalization,
    pooling,
    resampling,
)
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
)
from convcalc.layers.fields import SHORT_NAMES

__all__ = [
    "SHORT_NAMES",
    "TYPES",
    "Field",
    "Layer",
    "Operations",
    "Weight",
    "activation",
    "canonical_names",
    "composite",
    "convolution",
    "dense",
    "details",
    "example",
    "fields_of",
    "find",
    "joining",
    "names",
    "normalization",
    "pooling",
    "resampling",
    "short_name",
    "summary",
]
