"""The types of a number: the bytes that one takes, and what is usual for it."""

from __future__ import annotations

from collections.abc import Mapping

from convcalc.diagnostics import fail
from convcalc.words import did_you_mean, listed

#: Bytes of a number by the name of its type (PyTorch's, and NumPy's).
SIZES: Mapping[str, int] = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
}
#: The types of quantized networks, whose batch norms and activations are always fused: what runs
#: them has no layers of that kind.
_FUSED = ("int8", "uint8")


def size_of(dtype: str) -> int:
    """The bytes of one number. Raises ConvcalcError, which lists the known types."""
    if dtype not in SIZES:
        help = f"{did_you_mean(dtype, SIZES)} the types are {listed(SIZES)}".strip()
        raise fail("unknown-dtype", f"unknown type of number `{dtype}`", help)
    return SIZES[dtype]


def is_fused(dtype: str) -> bool:
    """Whether networks of this type run with batch norms and activations fused, unless said."""
    return dtype in _FUSED
