"""Numbers that no spec can say: infinite ones, and those that are none."""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import Any

from convcalc.foreign.traced import Call, Traced

#: What is said beside a network that has such numbers.
_NOTE = (
    "Infinite numbers, which a spec cannot say, are written as the largest that it can, and what"
    " is not a number as 0: neither changes what the network costs."
)


def finite(traced: Traced) -> Traced:
    """A network whose layers have finite numbers only, with a note where it had others."""
    calls = tuple(map(_finite, traced.calls))
    if all(made is call for made, call in zip(calls, traced.calls)):
        return traced
    return traced._replace(calls=calls, notes=(*traced.notes, _NOTE))


def _finite(call: Call) -> Call:
    placed = call.placed
    fields = vars(placed.written)
    changes = {name: said for name, value in fields.items() if (said := _said(value)) is not value}
    if not changes:
        return call
    layer = dataclasses.replace(placed.written, **changes)  # type: ignore[type-var]
    made = layer.placed(placed.inputs).holding(borrowing=placed.borrowing, frozen=placed.frozen)
    return call._replace(placed=made)


def _said(value: Any) -> Any:
    """A value of a field in finite numbers; the same object where it has no others."""
    if isinstance(value, tuple):
        made = tuple(map(_said, value))
        return value if all(a is b for a, b in zip(made, value)) else made
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return 0.0 if math.isnan(value) else math.copysign(sys.float_info.max, value)
