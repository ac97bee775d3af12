"""Keras' totals (`model.summary()`): the weights of all layers, and the bytes of these.

keras/src/utils/summary_utils.py (`print_summary`, `readable_memory_size`), version 3.15.1. Running
statistics of batch norms are weights that are not trained. A megabyte is 1024² bytes; the unit is
the largest that leaves 1 or more. Nothing depends on the input's size or on the batch.
"""

from __future__ import annotations

from convcalc.costs import buffers, frozen, params
from convcalc.graph import Graph
from convcalc.sizes.base import Definition
from convcalc.steps import Settings

_MEGABYTE = 1024**2
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def _readable(bytes: float) -> str:
    """Bytes in the largest unit of which there is one or more."""
    for unit in _UNITS:
        if bytes / 1024 < 1:
            return f"{bytes:.2f} {unit}"
        bytes /= 1024
    return f"{bytes:.2f} {_UNITS[-1]}"


def _measured(graph: Graph, settings: Settings) -> dict[str, tuple[float, str]]:
    trained = fixed = trained_bytes = fixed_bytes = 0
    for node in graph.nodes:
        own = settings.width_of(node)
        still = frozen(node.placed)
        moving = params(node.placed) - still
        still += buffers(node.placed)
        trained += moving
        fixed += still
        trained_bytes += moving * own
        fixed_bytes += still * own
    found = {
        "params": (trained + fixed, trained_bytes + fixed_bytes),
        "trainable": (trained, trained_bytes),
        "non_trainable": (fixed, fixed_bytes),
    }
    return {
        name: (bytes / _MEGABYTE, f"{count:,} ({_readable(bytes)})")
        for name, (count, bytes) in found.items()
    }


DEFINITION = Definition(
    name="keras",
    tool="keras.Model.summary",
    version="3.15.1",
    meaning="the weights of all layers, those of batch norms that are not trained among them;"
    " 1 KB is 1024 bytes, 1 MB 1024²",
    labels={
        "params": "Total params",
        "trainable": "Trainable params",
        "non_trainable": "Non-trainable params",
    },
    measure=_measured,
)
