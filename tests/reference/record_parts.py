"""Records what torchvision's networks are without some of their modules, in parts.json.

Needs Python 3.11 and, from PyPI, torch 2.13.0 (a CPU build) and torchvision 0.28.0 (its compiled
operators are not used):

    pip install torch==2.13.0
    pip install --no-deps torchvision==0.28.0 pillow
    python tests/reference/record_parts.py

A module that is left out becomes an `nn.Identity`, as people do with the head of a backbone; a part
is what `create_feature_extractor` makes, or the modules before its end. Each is recorded under the
line that cuts the zoo's network so: the parameters, what `FlopCounterMode` counts, and the shapes
that leave.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

for operator in ("nms", "qnms"):  # declared for a torchvision that was built for another torch
    with contextlib.suppress(RuntimeError):
        schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        torch.library.define(f"torchvision::{operator}", schema)

from torchvision import models  # noqa: E402
from torchvision.models.feature_extraction import create_feature_extractor  # noqa: E402


def without(model: nn.Module, *names: str) -> nn.Module:
    """The model with the identity in the place of some modules."""
    for name in names:
        model.set_submodule(name, nn.Identity())
    return model


def parts() -> Iterator[tuple[str, nn.Module]]:
    """The zoo's networks as the command line cuts them, each with torchvision's."""
    resnet = models.resnet50()
    yield "resnet50 --drop linear", without(models.resnet50(), "fc")
    yield "resnet50 --until conv5_x", nn.Sequential(*list(resnet.children())[:-2])
    stages = create_feature_extractor(resnet, ["layer2", "layer4"])
    yield "resnet50 --until conv3_x --until conv5_x", stages
    inner = without(models.resnet50(), "layer3.2")
    yield "resnet50 --drop conv4_x.bottleneck_block_3", inner
    yield "resnet18 --drop max_pool", without(models.resnet18(), "maxpool")
    yield "vgg16 --until stage_5", models.vgg16().features
    fewer = without(models.vgg16(), "classifier.3", "classifier.4")
    yield "vgg16 --drop linear_2 --drop relu_2", fewer
    headless = without(models.mobilenet_v2(), "classifier")
    yield "mobilenet_v2 --drop dropout --drop linear", headless
    unexcited = without(models.mobilenet_v3_large(), "features.4.block.2")
    yield "mobilenet_v3_large --drop bneck_4.squeeze_excite", unexcited
    yield "efficientnet_b0 --until silu_2", models.efficientnet_b0().features


def figures(model: nn.Module) -> dict[str, Any]:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        made = model.eval()(torch.empty(1, 3, 224, 224, device="meta"))
    outputs = made.values() if isinstance(made, dict) else [made]
    return {
        "params": sum(each.numel() for each in model.parameters()),
        "flops": counter.get_total_flops(),
        "outputs": [list(each.shape[1:]) for each in outputs],
    }


if __name__ == "__main__":
    with torch.device("meta"):
        found = {line: figures(model) for line, model in parts()}
    text = json.dumps({"torch": torch.__version__, "parts": found}, indent=1)
    Path(__file__).with_name("parts.json").write_text(text + "\n", encoding="utf-8")
