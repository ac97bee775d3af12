"""torchvision without its compiled operators."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return"

from __future__ import annotations

import importlib.machinery
from pathlib import Path
from typing import Any

import torch


def import_torchvision() -> Any:
    """Import torchvision, also where its compiled extension does not load.

    The usual wheel is linked against a CUDA build of PyTorch, so beside a CPU build its
    operators are missing, and its import stops at the first of them. A definition without a kernel
    is enough to import it; deformable convolution gets a kernel that makes a tensor of the right
    shape, for the counters look at shapes alone.
    """
    spec = importlib.machinery.PathFinder.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise SystemExit("torchvision is not installed")
    try:
        torch.ops.load_library(Path(spec.origin).with_name("_C.so"))
        compiled = True
    except OSError:
        compiled = False
        define_torchvision_operators()
    import torchvision

    if not compiled:
        torchvision.extension._has_ops = lambda: True
    return torchvision


def define_torchvision_operators() -> None:
    define = torch.library.define
    define("torchvision::nms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    define("torchvision::qnms", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    define(
        "torchvision::deform_conv2d",
        "(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, "
        "SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, "
        "SymInt groups, SymInt offset_groups, bool use_mask) -> Tensor",
    )

    def deform_conv2d(x: Any, weight: Any, offset: Any, *rest: Any) -> Any:
        return x.new_empty((x.shape[0], weight.shape[0], *offset.shape[2:]))

    torch.library.impl("torchvision::deform_conv2d", ("CPU", "Meta"), deform_conv2d)
