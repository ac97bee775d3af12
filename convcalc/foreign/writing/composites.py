"""Layers that other types stand for: a structure written as the one layer that makes the same."""

from __future__ import annotations

from typing import Any

from convcalc.foreign.writing.line import Line
from convcalc.layers.composite import ActivationName, SqueezeExcite


def as_squeeze_excite(line: Line) -> Line | None:
    """A structure as a `squeeze_excite`; None where it is none."""
    if line.kind != "branches" or line.fields != {"merge": "mul"}:
        return None
    paths = line.lists["paths"]
    if len(paths) != 2 or paths[0] or len(paths[1]) != len(_PATH):
        return None
    path: list[Line] = paths[1]
    for each, wanted in zip(path, _PATH):
        if wanted not in ("", each.kind) or each.lists or each.weights is not None:
            return None
    pool, squeeze, activation, excite, gate = path
    maps = {"out": squeeze.fields.get("out"), "k": 1}
    if pool.fields or squeeze.fields != maps or activation.fields or gate.fields:
        return None
    if excite.fields != {"out": line.channels, "k": 1}:
        return None
    words = ActivationName().words
    if activation.kind not in words or gate.kind not in words:
        return None
    fields: dict[str, Any] = {"squeeze": maps["out"]}
    if activation.kind != SqueezeExcite.activation:
        fields["activation"] = activation.kind
    if gate.kind != SqueezeExcite.gate:
        fields["gate"] = gate.kind
    calls = range(line.first, line.end)
    return Line("squeeze_excite", calls, line.takes, line.makes, fields=fields)


#: The types of the layers that weigh; empty for an activation.
_PATH = ("global_avg_pool", "conv", "", "conv", "")
