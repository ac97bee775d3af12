"""Random layers and specs, written as ONNX: onnx's and onnxruntime's shapes are convcalc's.

A finding is another shape, a file that one of them refuses, or anything that the exporter raises
but a diagnostic. Half of the examples are one layer on one or several tensors.
"""

from __future__ import annotations

import json
import sys
from random import Random
from typing import Any

import convcalc
from convcalc.diagnostics import ConvcalcError
from convcalc.shape import Shape
from fuzz.making.document import document
from fuzz.making.layer import layer_on
from tests.onnx_files import inferred, made_by_onnxruntime, model_of, shapes

_SHAPES = ((8, 12, 12), (8, 9, 7), (3, 16, 16), (6, 24), (4, 6, 5, 6), (24,), (4, 3, 5, 2, 3))
#: Larger networks are not run.
_MOST_ELEMENTS = 2_000_000
#: Findings that are shown.
_SHOWN = 10


def run(examples: int, seed: int) -> int:
    """Try so many networks, print what is wrong; status 1 where something is."""
    findings, refused = [], 0
    for number in range(seed * 10**6, seed * 10**6 + examples):
        text = json.dumps(_made(Random(number)))
        try:
            wrong = wrong_with(text)
        except ConvcalcError:
            refused += 1
        else:
            findings += [f"seed {number}: {wrong}\n{text}"] if wrong else []
    print(f"{examples:,} networks, {refused:,} of them refused")
    for finding in findings[:_SHOWN]:
        print(f"\n{finding}")
    if findings:
        sys.exit(1)
    return examples


def _made(rng: Random) -> dict[str, Any]:
    """A spec, of one layer or of many."""
    if rng.random() < 0.5:
        return document(rng).data
    shape = Shape(*rng.choice(_SHAPES))
    names = ("a", "b", "c")[: rng.choice((1, 1, 1, 2, 3))]
    layer = layer_on(rng, (shape,) * len(names), 20_000)
    entering = names[0] if len(names) == 1 else list(names)
    line = {layer.type: {**layer.values, "from": entering}}
    return {"name": "N", "input": {name: list(shape) for name in names}, "layers": [line]}


def wrong_with(text: str) -> str:
    """What is wrong with a spec's file; nothing, or that its network is too large to be run.

    Raises ConvcalcError where the spec, or the exporter, refuses it.
    """
    network = convcalc.loads(text)
    totals = network.analyze().totals
    if totals.params + totals.activations > _MOST_ELEMENTS:
        return ""
    wanted = shapes(network)
    try:
        model = model_of(network)
        found = {"onnx": inferred(model), "onnxruntime": made_by_onnxruntime(network, model)}
    except ConvcalcError:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    for whose, theirs in found.items():
        for name, shape in wanted.items():
            if 0 not in theirs.get(name, [0]) and theirs[name] != shape:
                return f"`{name}` is {shape}, and {whose}'s {theirs[name]}"
    return ""
