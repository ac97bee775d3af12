"""Record what torchsummary and torchinfo print at the foot of a summary: sizes.json.

    python tests/reference/record_sizes.py              # five minutes
    python tests/reference/record_sizes.py maxvit_t …   # of the networks these alone, anew

The environment: torch 2.14.1, torchvision 0.29.1, torchsummary 1.5.1, torchinfo 1.8.0. Nothing
needs a GPU, and no weights are loaded.

`printed` is each size as a tool prints it. `unseen` are the elements that torchsummary counts of
modules which only pass on or turn what enters them, by class: a graph has no layers for these.
`raises` is the error with which a tool stops. `own` are small networks, each with the PyTorch
expression and the spec that it stands for.
"""

# The tools and torch are not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import contextlib
import copy
import importlib.metadata
import io
import json
import math
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import torch
import torchinfo
import torchsummary
import torchvision
from torch import nn

PACKAGES = ("torch", "torchvision", "torchsummary", "torchinfo")
LINES = {
    "input": r"Input size \(MB\): (\S+)",
    "forward_backward": r"Forward/backward pass size \(MB\): (\S+)",
    "params": r"Params size \(MB\): (\S+)",
    "total": r"Estimated Total Size \(MB\): (\S+)",
}
UNSEEN = (
    *("StochasticDepth", "Permute", "Flatten", "Identity"),
    *("SwapAxes", "WindowPartition", "WindowDepartition"),
)

#: Name to the size of its input.
NETWORKS = {
    **dict.fromkeys(
        (
            *("alexnet", "vgg11", "vgg16", "vgg16_bn", "resnet18", "resnet34", "resnet50"),
            *("resnet101", "wide_resnet50_2", "resnext50_32x4d", "densenet121", "densenet161"),
            *("googlenet", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"),
            *("squeezenet1_0", "squeezenet1_1", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0"),
            *("mnasnet0_5", "mnasnet1_0", "regnet_x_400mf", "regnet_y_400mf", "regnet_y_1_6gf"),
            *("efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t", "maxvit_t"),
        ),
        224,
    ),
    "inception_v3": 299,
    "efficientnet_v2_s": 384,
}


class Twice(nn.Module):
    """One convolution that is called twice, in a class inside a class."""

    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: Any) -> Any:
            return x + torch.relu(self.conv(self.conv(x)))

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(self.Inner(), nn.Sequential(nn.Conv2d(4, 8, 1), nn.PReLU(8)))

    def forward(self, x: Any) -> Any:
        return self.body(x)


class TwoInputs(nn.Module):
    """Two inputs of different sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 1), nn.Conv2d(1, 4, 1)

    def forward(self, x: Any, y: Any) -> Any:
        return torch.cat([self.left(x), self.right(y)], 1)


class Learned(nn.Module):
    """Tensors that are learned in a module with children, and in one without."""

    class Scale(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gamma = nn.Parameter(torch.ones(8, 1, 1))

        def forward(self, x: Any) -> Any:
            return x * self.gamma

    def __init__(self) -> None:
        super().__init__()
        self.bias_map = nn.Parameter(torch.zeros(8, 32, 32))
        self.up = nn.ConvTranspose2d(3, 8, 2, stride=2)
        self.norm = nn.GroupNorm(2, 8)
        self.resize = nn.Upsample(scale_factor=2)

    def forward(self, x: Any) -> Any:
        return self.resize(torch.nn.functional.silu(self.norm(self.up(x)) + self.bias_map))


class Deformed(nn.Module):
    """A deformable convolution, with the convolution that makes its offsets."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Conv2d(3, 18, 3, padding=1)
        self.conv = torchvision.ops.DeformConv2d(3, 8, 3, padding=1)

    def forward(self, x: Any) -> Any:
        return self.conv(x, self.offset(x))


OWN: dict[str, tuple[Any, list[tuple[int, ...]], str]] = {
    "one convolution": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, bias=False)),
        [(3, 64, 64)],
        "input: [3, 64, 64]\nlayers: [conv: {out: 4, k: 3, p: 1, bias: false}]",
    ),
    "a module called twice": (
        Twice,
        [(4, 128, 128)],
        "input: [4, 128, 128]\n"
        "blocks:\n"
        "  inner:\n"
        "    layers:\n"
        "      - residual:\n"
        "          layers:\n"
        "            - conv: {name: one, out: 4, k: 3, p: 1}\n"
        "            - conv: {out: 4, k: 3, p: 1, weights: one}\n"
        "            - relu: {functional: true}\n"
        "  outer: {layers: [conv: {out: 8, k: 1}, prelu: {num_parameters: 8}]}\n"
        "layers: [inner, outer]",
    ),
    "two inputs": (
        TwoInputs,
        [(3, 64, 64), (1, 64, 64)],
        "input: {x: [3, 64, 64], y: [1, 64, 64]}\n"
        "layers:\n"
        "  - conv: {name: left, from: x, out: 4, k: 1}\n"
        "  - conv: {name: right, from: y, out: 4, k: 1}\n"
        "  - concat: {from: [left, right]}",
    ),
    "a deformable convolution": (
        Deformed,
        [(3, 64, 64)],
        "input: [3, 64, 64]\nlayers: [deform_conv: {out: 8, k: 3, p: 1, modulated: false}]",
    ),
    "learned tensors": (
        Learned,
        [(3, 16, 16)],
        "input: [3, 16, 16]\n"
        "layers:\n"
        "  - conv_transpose: {out: 8, k: 2, s: 2}\n"
        "  - group_norm: {name: norm, groups: 2}\n"
        "  - parameter: {name: bias_map, shape: [8, 32, 32]}\n"
        "  - add: {from: [norm, bias_map]}\n"
        "  - silu: {functional: true}\n"
        "  - upsample: {scale: 2}",
    ),
}


def sizes_in(text: str) -> dict[str, str]:
    return {name: re.search(line, text)[1] for name, line in LINES.items()}  # type: ignore[index]


def by_torchsummary(model: nn.Module, inputs: list[tuple[int, ...]], batch: int) -> dict[str, Any]:
    printed = io.StringIO()
    try:
        with torch.no_grad(), contextlib.redirect_stdout(printed):
            given = inputs if len(inputs) > 1 else inputs[0]
            torchsummary.summary(model, given, batch_size=batch, device="cpu")
    except Exception as error:
        return {"raises": f"{type(error).__name__}: {error}"}
    rows = re.findall(r"^ *(\w+)-\d+ +\[([-\d, ]+)\]", printed.getvalue(), re.M)
    unseen: Counter[str] = Counter()
    for name, shape in rows:
        if name in UNSEEN:
            unseen[name] += abs(math.prod(map(int, shape.split(","))))
    return {"printed": sizes_in(printed.getvalue()), **({"unseen": unseen} if unseen else {})}


def by_torchinfo(
    model: nn.Module, inputs: list[tuple[int, ...]], batch: int, dtype: torch.dtype
) -> dict[str, Any]:
    with torch.no_grad():
        found = torchinfo.summary(
            model.to(dtype),
            [(batch, *each) for each in inputs],
            dtypes=[dtype] * len(inputs),
            verbose=0,
            device="cpu",
            cache_forward_pass=False,
        )
    return {"printed": sizes_in(str(found)), "total_input": found.total_input}


def recorded(
    model: nn.Module,
    inputs: list[tuple[int, ...]],
    batch: int = 1,
    dtype: torch.dtype = torch.float32,
) -> dict[str, Any]:
    model = model.eval()
    return {
        # -1, the tool's default, comes to one sample.
        # Where it stops, it leaves its hooks behind.
        "torchsummary": by_torchsummary(copy.deepcopy(model), inputs, -1 if batch == 1 else batch),
        "torchinfo": by_torchinfo(model, inputs, batch, dtype),
    }


def network(name: str) -> nn.Module:
    more = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return torchvision.models.get_model(name, weights=None, **more)


def without_aux(model: nn.Module) -> nn.Module:
    """A network without its auxiliary classifiers, as the zoo has it."""
    if hasattr(model, "aux_logits"):
        model.aux_logits = False
        for name in ("aux1", "aux2", "AuxLogits"):
            if hasattr(model, name):
                setattr(model, name, None)
    return model


def main() -> None:
    path = Path(__file__).parent / "sizes.json"
    asked = sys.argv[1:]
    networks = json.loads(path.read_text(encoding="utf-8"))["networks"] if asked else {}
    for name in asked or NETWORKS:
        print(name, flush=True)
        size = NETWORKS[name]
        networks[name] = recorded(without_aux(network(name)), [(3, size, size)])
    batches = {
        name: recorded(network(name), [(3, 224, 224)], batch=3)
        for name in ("resnet18", "squeezenet1_1")
    }
    half = recorded(network("mobilenet_v3_small"), [(3, 224, 224)], dtype=torch.bfloat16)
    own = {
        name: {"spec": f"name: n\n{spec}\n", **recorded(make(), inputs)}
        for name, (make, inputs, spec) in OWN.items()
    }
    document = {
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "networks": networks,
        "of three samples": batches,
        "in bfloat16": {"mobilenet_v3_small": half},
        "own": own,
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
