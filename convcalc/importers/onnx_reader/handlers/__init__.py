"""How each operator of ONNX becomes layers: a file a family, a function an operator."""

from convcalc.importers.onnx_reader.handlers import (
    activations,
    arithmetic,
    convolution,
    fused,
    moving,
    normalization,
    pooling,
    products,
    quantized,
    reductions,
)

__all__ = [
    "activations",
    "arithmetic",
    "convolution",
    "fused",
    "moving",
    "normalization",
    "pooling",
    "products",
    "quantized",
    "reductions",
]
