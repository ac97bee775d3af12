"""ONNX files as foreign networks."""

from __future__ import annotations

from convcalc.foreign.traced import Traced
from convcalc.importers.base import Importer, Request


def _read(request: Request) -> Traced:
    from convcalc.importers.onnx_reader.reading import read

    return read(
        request.target,
        request.target,
        inputs=request.inputs,
        shared_once=bool(request.options.get("shared-once")),
        unfold_batch_norm=bool(request.options.get("unfold-batch-norm")),
        look=request.look,
    )


IMPORTER = Importer(
    "onnx",
    "ONNX",
    (".onnx",),
    {
        "shared-once": "weights that are used again count once",
        "unfold-batch-norm": "guesses at the batch norms that convolutions have swallowed",
    },
    _read,
)
