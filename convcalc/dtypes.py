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
#: What others call a type.
_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("double", "fp64", "f64"), "float64"),
    **dict.fromkeys(("float", "single", "fp32", "f32", "tf32"), "float32"),
    **dict.fromkeys(("half", "fp16", "f16"), "float16"),
    **dict.fromkeys(("bf16", "bfloat"), "bfloat16"),
    **dict.fromkeys(("long", "i64"), "int64"),
    **dict.fromkeys(("int", "i32"), "int32"),
    **dict.fromkeys(("short", "i16"), "int16"),
    **dict.fromkeys(("char", "i8", "qint8", "int4"), "int8"),
    **dict.fromkeys(("byte", "u8", "quint8", "uint4"), "uint8"),
}
#: The types of quantized networks, whose batch norms and activations are always fused: what runs
#: them has no layers of that kind.
_FUSED = ("int8", "uint8")


def size_of(dtype: str) -> int:
    """The bytes of one number. Raises ConvcalcError, which lists the known types."""
    if dtype not in SIZES:
        help = f"{meant(dtype)} the types are {listed(SIZES)}".strip()
        raise fail("unknown-dtype", f"unknown type of number `{dtype}`", help)
    return SIZES[dtype]


def meant(dtype: str) -> str:
    """A question for the type that is meant by what is none; empty without one."""
    name = _ELSEWHERE.get(dtype.lower())
    return did_you_mean(dtype, SIZES) if name is None else f"did you mean `{name}`?"


def is_float(dtype: str) -> bool:
    """Whether numbers of this type have fractions; those that have none cannot be trained."""
    return "float" in dtype


def is_fused(dtype: str) -> bool:
    """Whether networks of this type run with batch norms and activations fused, unless said."""
    return dtype in _FUSED
