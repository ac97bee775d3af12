"""What ONNX Runtime's optimiser makes one operator of."""

from __future__ import annotations

from typing import Any

from convcalc.importers.onnx_reader.constants import FLOAT, Constant
from convcalc.importers.onnx_reader.operation import MICROSOFT, Operation, operator


@operator("FusedConv", "FusedGemm", domain=MICROSOFT)
def activated(op: Operation) -> Any:
    """A convolution or a product, a tensor added to it, and an activation."""
    made = op.done(op.name.removeprefix("Fused"), *op.inputs[:3])
    if op.has(3):
        made = op.done("Add", made, op[3])
    activation = op.attribute("activation", "")
    if not activation:
        return made
    params = op.attribute("activation_params", ()) if activation == "Clip" else ()
    return op.done(activation, made, *[Constant((), FLOAT, (end,)) for end in params])


@operator("SkipLayerNormalization", domain=MICROSOFT)
def skip_layer_norm(op: Operation) -> tuple[Any, ...]:
    """A sum and its layer norm; the sum is the fourth that leaves it."""
    total = op.done("Add", op[0], op[1])
    if op.has(4):
        total = op.done("Add", total, op[4])
    return op.done("LayerNormalization", total, *op.inputs[2:4]), None, None, total


@operator("SkipSimplifiedLayerNormalization", domain=MICROSOFT)
def skip_rms_norm(op: Operation) -> tuple[Any, ...]:
    """A sum and its RMS norm; the sum is the fourth that leaves it."""
    total = op.done("Add", op[0], op[1])
    if op.has(3):
        total = op.done("Add", total, op[3])
    return op.done("RMSNormalization", total, op[2]), None, None, total
