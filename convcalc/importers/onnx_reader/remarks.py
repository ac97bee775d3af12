"""What is said beside a network read from a file: what the export has folded away, and guesses."""

from __future__ import annotations

from convcalc.foreign.traced import Traced
from convcalc.importers.onnx_reader.wire import Model


def completed(traced: Traced, model: Model, quantized: int, unfold_batch_norm: bool) -> Traced:
    """The network with the remarks that belong to it."""
    return traced
