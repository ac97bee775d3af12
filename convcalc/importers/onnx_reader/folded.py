"""Batch norms that an exporter has folded into the convolutions before them."""

from __future__ import annotations

from convcalc.importers.onnx_reader.wire import SCOPES, Node
from convcalc.words import counted


def has_folded_norm(node: Node) -> bool:
    """Whether a batch norm was folded into a convolution, by how its bias is called.

    PyTorch's older exporter numbers weights that it works out; its newer one calls such a bias as
    the weight, and says which function the node was; tf2onnx calls it as the batch norm.
    """
    if "batch_norm" in node.metadata.get(SCOPES, "").rpartition(",")[2]:
        return True
    if len(node.inputs) < 3:
        return False
    _, weight, bias, *_ = node.inputs
    are_numbered = all(each.startswith("onnx::Conv") for each in (weight, bias))
    return are_numbered or bias == f"{weight}_bias" or "/batchnorm/" in bias


def remark(count: int, *, are_unfolded: bool) -> str:
    """What is said of so many of them."""
    norms = counted(count, "batch norm")
    if are_unfolded:
        return (
            f"{norms} folded into convolutions stand behind them again: that each of these had no"
            " bias of its own is a guess"
        )
    return (
        f"the export folded {norms} into convolutions: their parameters are not in the file;"
        " `convcalc import --unfold-batch-norm` guesses at them"
    )
