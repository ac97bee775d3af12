"""Record what the PyTorch-based FLOP counters print, as the truth the conventions are held to.

    python tests/reference/record_torch_tools.py             # both files, a quarter of an hour
    python tests/reference/record_torch_tools.py layers      # torch_tools_layers.json, a minute
    python tests/reference/record_torch_tools.py networks    # torch_tools_networks.json

The environment needs what requirements.txt beside this file pins: torch 2.13.0, torchvision 0.28.0,
ptflops 0.7.5, fvcore 0.1.5.post20221221, thop 0.1.1.post2209072238, torchinfo 1.8.0, calflops 0.3.2
(which imports transformers and accelerate), deepspeed 0.19.8 (its flops profiler) and timm 1.0.31.
Nothing needs a GPU, and no weights are loaded; the largest network needs 8 GB of memory.

torch_tools_layers.json holds single layers and small graphs, each with its spec, the PyTorch
expression that it stands for, and each tool's count. The expressions are Python; `Function`, `Join`
and the other names that PyTorch does not have are defined below. `cases` can be written in the spec
language. `other_forms` cannot: they show what a tool makes of other ways to write a computation.

torch_tools_networks.json holds torchvision's classifiers, but for larger transformers, and a
MobileNetV1. A name with `@` is the network at the resolution of its published weights.

In both, `flops` is the number as the tool gives it, in the tool's unit, whatever its name for it;
`X-macs` is the MACs figure of a tool that has one beside its FLOPs. A `null` stands for a figure
that the tool does not give, `raises` for a tool that stops with an error.
"""

# The tools and torch are not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import argparse
import contextlib
import copy
import importlib.metadata
import io
import json
import logging
import operator
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("DS_ACCELERATOR", "cpu")

import torch
from packaging.version import Version
from torch import nn
from torchvision_alone import import_torchvision

F = nn.functional
HERE = Path(__file__).parent
PACKAGES = [
    "torch",
    "torchvision",
    "ptflops",
    "fvcore",
    "thop",
    "torchinfo",
    "calflops",
    "deepspeed",
    "timm",
]

Json = dict[str, Any]


torchvision = import_torchvision()

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import calflops
    import fvcore.nn
    import ptflops
    import thop
    import torchinfo
    from deepspeed.profiling.flops_profiler import get_model_profile
    from deepspeed.utils import logger as deepspeed_logger
    from timm.layers import Attention
    from torch.utils.flop_counter import FlopCounterMode


# --- The tools ------------------------------------------------------------------------------------

Count = tuple[float, "float | None"]


def run_ptflops(model: nn.Module, x: Any, backend: str) -> Count:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        flops, params = ptflops.get_model_complexity_info(
            model,
            tuple(x.shape[1:]),
            as_strings=False,
            print_per_layer_stat=False,
            input_constructor=lambda _: x,
            backend=backend,
        )
    if flops is None:  # it prints the exception that it caught
        raise ToolError(printed.getvalue().strip().splitlines()[-1])
    return flops, params


def run_fvcore(model: nn.Module, x: Any) -> Count:
    flops = fvcore.nn.FlopCountAnalysis(model, x).total()
    return flops, fvcore.nn.parameter_count(model)[""]


def run_thop(model: nn.Module, x: Any) -> Count:
    return thop.profile(model, inputs=(x,), verbose=False)


def run_torch(model: nn.Module, x: Any) -> Count:
    counter = FlopCounterMode(display=False)
    with counter:
        model(x)
    return counter.get_total_flops(), None


def run_torchinfo(model: nn.Module, x: Any) -> Count:
    statistics = torchinfo.summary(model, input_data=x, verbose=0)
    return statistics.total_mult_adds, statistics.total_params


def run_calflops(model: nn.Module, x: Any) -> tuple[float, float, float]:
    if next(model.parameters(), None) is None:
        # It finds the device through the first parameter, and stops where there is none.
        model.no_parameter = nn.Parameter(torch.empty(0))
    return calflops.calculate_flops(model, args=[x], print_results=False, output_as_string=False)


def run_deepspeed(model: nn.Module, x: Any) -> tuple[float, float, float]:
    return get_model_profile(model, args=[x], print_profile=False, warm_up=0, as_string=False)


class ToolError(Exception):
    """An error that the tool told by other means than an exception."""


def one_line(error: BaseException) -> str:
    if isinstance(error, ToolError):
        return str(error)
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}".strip(": ")


def whole(number: float | None) -> float | None:
    """The number as an integer where it is one: thop counts in floats."""
    return int(number) if number is not None and number == int(number) else number


@contextlib.contextmanager
def patches_undone() -> Iterator[None]:
    """Put PyTorch's functions back: calflops and deepspeed leave theirs when the model raises."""
    before = [(owner, dict(vars(owner))) for owner in (F, torch)]
    methods = {name: getattr(torch.Tensor, name) for name in PATCHED_METHODS}
    try:
        yield
    finally:
        for owner, names in before:
            for name, value in names.items():
                if getattr(owner, name) is not value:
                    setattr(owner, name, value)
        for name, value in methods.items():
            setattr(torch.Tensor, name, value)


PATCHED_METHODS = ["matmul", "__matmul__", "mm", "bmm", "addmm", "mul", "add"]


def count(model: nn.Module, shape: list[int], meta: bool = False) -> Json:
    """What every tool says of the model on an input of this shape, the batch among it.

    With `meta`, the tools that give the same numbers there run on the meta device, where nothing
    is computed. ptflops and deepspeed count too much on it: they patch functions that PyTorch's own
    meta kernels call, and a fused attention has other operators there. fvcore's trace fails there
    on some operators.
    """
    results: Json = {}

    def record(names: list[str], run: Callable[..., Any], *args: Any, device: str = "cpu") -> None:
        fresh = copy.deepcopy(model).to(device).eval()  # the tools leave hooks behind
        x = torch.ones(shape, device=device)
        try:
            with patches_undone():
                *counts, params = run(fresh, x, *args)
        except Exception as error:
            results.update({name: {"raises": one_line(error)} for name in names})
        else:
            for name, flops in zip(names, counts, strict=True):
                results[name] = {"flops": whole(flops), "params": whole(params)}

    device = "meta" if meta else "cpu"
    record(["ptflops"], run_ptflops, "pytorch")
    record(["ptflops-aten"], run_ptflops, "aten")
    record(["fvcore"], run_fvcore)
    record(["thop"], run_thop, device=device)
    # A fused attention is one operator, which it knows on a GPU and not on a CPU; on the meta
    # device it sees what that is made of, to the same count.
    record(["torch"], run_torch, device="meta")
    record(["torchinfo"], run_torchinfo, device=device)
    record(["calflops", "calflops-macs"], run_calflops, device=device)
    record(["deepspeed", "deepspeed-macs"], run_deepspeed)
    return results


# --- Modules that the expressions of the cases name -----------------------------------------------


class Function(nn.Module):
    """A model whose code calls a function."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Any) -> Any:
        return self.function(x)


class Join(nn.Module):
    """Several paths from one input, their outputs joined by an operator or a function."""

    def __init__(self, join: Callable[..., Any], *paths: nn.Module) -> None:
        super().__init__()
        self.join = join
        self.paths = nn.ModuleList(paths)

    def forward(self, x: Any) -> Any:
        return self.join(*[path(x) for path in self.paths])


class Parts(nn.Module):
    """Two equal shares of the channels, each on its path, concatenated (ShuffleNetV2's way)."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.second = second

    def forward(self, x: Any) -> Any:
        first, second = x.chunk(2, dim=1)
        return torch.cat((self.first(first), self.second(second)), dim=1)


class LayerScale(nn.Module):
    """One learned factor a channel, in a parameter of ConvNeXt's name for it."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.layer_scale = nn.Parameter(torch.ones(shape))

    def forward(self, x: Any) -> Any:
        return self.layer_scale * x


class WeightScale(nn.Module):
    """The same, in a parameter named `weight`."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))

    def forward(self, x: Any) -> Any:
        return self.weight * x


class FunctionOf(nn.Module):
    """A function that is handed the parameters of a module, which is never called itself."""

    def __init__(self, function: Callable[[Any, Any], Any], owner: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.owner = owner

    def forward(self, x: Any) -> Any:
        return self.function(x, self.owner)


def tied(*modules: nn.Module) -> nn.Module:
    """Modules one after another that own one weight together, each with a bias of its own."""
    for module in modules[1:]:
        module.weight = modules[0].weight
    return nn.Sequential(*modules)


class OwnConv2d(nn.Conv2d):
    """A subclass, for the tools that look a module up by its exact type."""


class DeformConv(nn.Module):
    """torchvision's deformable convolution with the convolution that makes its offsets."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, modulated: bool, **kwargs: Any
    ) -> None:
        super().__init__()
        cells = kernel_size * kernel_size
        geometry = {key: kwargs[key] for key in ("stride", "padding", "dilation") if key in kwargs}
        self.offset = nn.Conv2d(in_channels, 2 * cells, kernel_size, **geometry)
        self.mask = nn.Conv2d(in_channels, cells, kernel_size, **geometry) if modulated else None
        self.conv = torchvision.ops.DeformConv2d(in_channels, out_channels, kernel_size, **kwargs)

    def forward(self, x: Any) -> Any:
        if self.mask is None:
            return self.conv(x, self.offset(x))
        return self.conv(x, self.offset(x), torch.sigmoid(self.mask(x)))


class Learned(nn.Module):
    """A network with a tensor of its own, which is handed to a function beside the input."""

    def __init__(self, function: Callable[[Any, Any], Any], *shape: int) -> None:
        super().__init__()
        self.function = function
        self.table = nn.Parameter(torch.ones(1, *shape))
        self.rest = nn.Identity()

    def forward(self, x: Any) -> Any:
        return self.rest(self.function(x, self.table.expand(len(x), *self.table.shape[1:])))


class ChannelsFirst(nn.Module):
    """A module that works on tokens as PyTorch has them, [batch, tokens, channels], on [C, T]."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Any) -> Any:
        return self.module(x.transpose(1, 2).contiguous()).transpose(1, 2)


class SelfAttention(nn.Module):
    """PyTorch's attention of tokens to themselves, as torchvision's Vision Transformer calls it."""

    def __init__(self, channels: int, heads: int, need_weights: bool = False) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.need_weights = need_weights

    def forward(self, x: Any) -> Any:
        return self.attention(x, x, x, need_weights=self.need_weights)[0]


class OwnAttention(Attention):
    """A subclass of timm's attention, for the tools that look a module up by its exact type."""


def unfused(attention: Attention) -> Attention:
    """The attention that multiplies matrices itself."""
    attention.fused_attn = False
    return attention


class AttentionByHand(nn.Module):
    """An attention of four heads on tokens whose softmax is a module."""

    def __init__(self, channels: int, product: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.qkv = nn.Linear(channels, 3 * channels)
        self.softmax = nn.Softmax(dim=-1)
        self.proj = nn.Linear(channels, channels)
        self.product = product

    def forward(self, x: Any) -> Any:
        batch, tokens, channels = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, 4, channels // 4)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        weights = self.softmax(self.product(q * 0.5, k.transpose(2, 3)))
        return self.proj(self.product(weights, v).transpose(1, 2).reshape(x.shape))


class Unpooled(nn.Module):
    """A max pool, and its cells back where they were."""

    def __init__(self, size: int, *output_size: int) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(size, return_indices=True)
        self.unpool = nn.MaxUnpool2d(size)
        self.output_size = output_size or None

    def forward(self, x: Any) -> Any:
        return self.unpool(*self.pool(x), output_size=self.output_size)


class TokenBlock(nn.Module):
    """A block of a Vision Transformer before its norms are moved: x + f(norm(x)), twice."""

    def __init__(self, channels: int, attention: nn.Module) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attention = attention
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Tokens(nn.Module):
    """A Vision Transformer of one block: patches, a class token, a table of positions, a head."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.class_token = nn.Parameter(torch.zeros(1, 1, 16))
        self.positions = nn.Parameter(torch.zeros(1, 13, 16))
        self.block = TokenBlock(16, attention)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Any) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat((self.class_token.expand(len(x), -1, -1), x), 1) + self.positions
        return self.head(self.norm(self.block(x))[:, 0])


class FewToFew(nn.Module):
    """YOLOv8's block C2f: halves, of which the second is worked on and all are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16), nn.SiLU())
        self.work = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.SiLU()
        )
        self.leave = nn.Conv2d(24, 16, 1)

    def forward(self, x: Any) -> Any:
        kept = list(self.enter(x).chunk(2, 1))
        kept.append(kept[-1] + self.work(kept[-1]))
        return self.leave(torch.cat(kept, 1))


class Distribution(nn.Module):
    """YOLOv8's distribution of a box's four distances over 16 bins, to their means."""

    def __init__(self) -> None:
        super().__init__()
        self.softmax = nn.Softmax(dim=1)
        self.conv = nn.Conv2d(16, 1, 1, bias=False)

    def forward(self, x: Any) -> Any:
        batch, _, boxes = x.shape
        bins = x.view(batch, 4, 16, boxes).transpose(2, 1)
        return self.conv(self.softmax(bins)).view(batch, 4, boxes)


def mobilenet_v1(num_classes: int = 1000) -> nn.Module:
    """MobileNet (Howard et al. 2017, table 1), every layer a module."""

    def conv_bn(c_in: int, c_out: int, kernel: int, stride: int, groups: int = 1) -> list[Any]:
        conv = nn.Conv2d(
            c_in, c_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False
        )
        return [conv, nn.BatchNorm2d(c_out), nn.ReLU()]

    layers = conv_bn(3, 32, 3, 2)
    channels = 32
    rows = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    rows += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    for out, stride in rows:
        layers += conv_bn(channels, channels, 3, stride, groups=channels)
        layers += conv_bn(channels, out, 1, 1)
        channels = out
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, num_classes)
    )


NAMES = {
    "F": F,
    "nn": nn,
    "torch": torch,
    "operator": operator,
    "Attention": Attention,
    "AttentionByHand": AttentionByHand,
    "ChannelsFirst": ChannelsFirst,
    "DeformConv": DeformConv,
    "Distribution": Distribution,
    "FewToFew": FewToFew,
    "Function": Function,
    "FunctionOf": FunctionOf,
    "Join": Join,
    "LayerNorm2d": torchvision.models.convnext.LayerNorm2d,
    "LayerScale": LayerScale,
    "Learned": Learned,
    "OwnAttention": OwnAttention,
    "OwnConv2d": OwnConv2d,
    "Parts": Parts,
    "Permute": torchvision.ops.Permute,
    "SelfAttention": SelfAttention,
    "SqueezeExcitation": torchvision.ops.SqueezeExcitation,
    "Tokens": Tokens,
    "Unpooled": Unpooled,
    "WeightScale": WeightScale,
    "tied": tied,
    "unfused": unfused,
}


# --- The cases: single layers and small graphs ----------------------------------------------------

SIZES = {1: [50], 2: [15, 13], 3: [9, 8, 7]}  # odd and uneven: a mixed-up axis shows
CHANNELS = 16


class Cases:
    """A list of cases, each written once and measured for one image and for four."""

    def __init__(self) -> None:
        self.rows: list[Json] = []

    def add(
        self, name: str, shape: list[int], layers: list[Any], expression: str, *batches: int
    ) -> None:
        for batch in batches or (1, 4):
            self.rows.append(
                {
                    "id": name if batch == 1 else f"{name}-batch{batch}",
                    "input": shape,
                    "batch": batch,
                    "layers": layers,
                    "torch": expression,
                }
            )

    def layer(
        self, name: str, shape: list[int], kind: str, fields: Json, expression: str, *batches: int
    ) -> None:
        """One layer; its spec is its name alone where it has no fields."""
        self.add(name, shape, [{kind: fields} if fields else kind], expression, *batches)


def python(value: Any) -> str:
    return repr(tuple(value) if isinstance(value, list) else value)


def call(name: str, *args: Any, **kwargs: Any) -> str:
    """The call as Python text; lists become tuples, as PyTorch has them."""
    parts = [python(arg) for arg in args]
    parts += [f"{key}={python(value)}" for key, value in kwargs.items()]
    return f"{name}({', '.join(parts)})"


def image(dims: int, channels: int = CHANNELS) -> list[int]:
    return [channels, *SIZES[dims]]


def convolutions(cases: Cases) -> None:
    common: dict[str, Json] = {
        "k3": {},
        "k3-s2-p1-nobias": {"stride": 2, "padding": 1, "bias": False},
        "k3-p1-g4": {"padding": 1, "groups": 4},
        "k3-p2-d2": {"padding": 2, "dilation": 2},
        "k3-same": {"padding": "same"},
    }
    plane: dict[str, Json] = {
        "k3-p1-g4-nobias": {"padding": 1, "groups": 4, "bias": False},
        "k3-same-d2-nobias": {"padding": "same", "dilation": 2, "bias": False},
        "k3-valid": {"padding": "valid"},
        "k4-same": {"kernel_size": 4, "padding": "same"},
        "k3x1-s2x1": {"kernel_size": [3, 1], "stride": [2, 1], "padding": [1, 0]},
    }
    for dims in SIZES:
        for name, options in {**common, **(plane if dims == 2 else {})}.items():
            fields = {"out_channels": 8, "kernel_size": 3, **options}
            torch_fields = dict(fields)
            args = [CHANNELS, torch_fields.pop("out_channels"), torch_fields.pop("kernel_size")]
            cases.layer(
                f"conv{dims}d-{name}",
                image(dims),
                "conv",
                fields,
                call(f"nn.Conv{dims}d", *args, **torch_fields),
            )
        cases.layer(
            f"depthwise_conv{dims}d-k3-p1",
            image(dims),
            "depthwise_conv",
            {"kernel_size": 3, "padding": 1},
            f"nn.Conv{dims}d(16, 16, 3, padding=1, groups=16)",
            1,
        )
    shape = image(2)
    cases.layer(
        "conv2d-k3-uneven-padding",
        shape,
        "conv",
        {"out_channels": 8, "kernel_size": 3, "stride": 2, "padding": [[0, 1], [0, 1]]},
        "nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(16, 8, 3, stride=2))",
    )
    cases.layer(
        "depthwise_conv2d-k3-multiplier2-nobias",
        shape,
        "depthwise_conv",
        {"kernel_size": 3, "multiplier": 2, "bias": False},
        "nn.Conv2d(16, 32, 3, groups=16, bias=False)",
    )
    cases.layer(
        "pointwise_conv2d", shape, "pointwise_conv", {"out_channels": 8}, "nn.Conv2d(16, 8, 1)"
    )
    cases.layer(
        "pointwise_conv2d-nobias",
        shape,
        "pointwise_conv",
        {"out_channels": 8, "bias": False},
        "nn.Conv2d(16, 8, 1, bias=False)",
        1,
    )
    cases.layer(
        "separable_conv2d-k3-p1-nobias",
        shape,
        "separable_conv",
        {"out_channels": 8, "kernel_size": 3, "padding": 1, "bias": False},
        "nn.Sequential(nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), "
        "nn.Conv2d(16, 8, 1, bias=False))",
        1,
    )
    cases.layer(
        "global_depthwise_conv2d",
        shape,
        "global_depthwise_conv",
        {},
        "nn.Conv2d(16, 16, (15, 13), groups=16)",
    )


def transposed_convolutions(cases: Cases) -> None:
    variants: dict[str, Json] = {
        "k2-s2": {"kernel_size": 2, "stride": 2},
        "k3-s2-p1-op1": {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
        "k3-g4-nobias": {"kernel_size": 3, "groups": 4, "bias": False},
        "k3-g2-d2-s3": {"kernel_size": 3, "groups": 2, "dilation": 2, "stride": 3},
    }
    plane: dict[str, Json] = {
        "k3-g4": {"kernel_size": 3, "groups": 4},
        "k4x2-s2x1": {"kernel_size": [4, 2], "stride": [2, 1], "padding": [1, 0]},
    }
    for dims in SIZES:
        for name, options in {**variants, **(plane if dims == 2 else {})}.items():
            torch_fields = dict(options)
            args = [CHANNELS, 8, torch_fields.pop("kernel_size")]
            cases.layer(
                f"conv_transpose{dims}d-{name}",
                image(dims),
                "conv_transpose",
                {"out_channels": 8, **options},
                call(f"nn.ConvTranspose{dims}d", *args, **torch_fields),
            )
    cases.layer(
        "conv_transpose2d-depthwise",
        image(2),
        "conv_transpose",
        {"out_channels": 16, "kernel_size": 2, "stride": 2, "groups": 16},
        "nn.ConvTranspose2d(16, 16, 2, stride=2, groups=16)",
    )


def deformable_convolutions(cases: Cases) -> None:
    variants: dict[str, Json] = {
        "k3-p1": {"padding": 1},
        "k3-s2-g2-nobias": {"stride": 2, "groups": 2, "bias": False},
        "k3-p1-modulated": {"padding": 1, "modulated": True},
    }
    for name, options in variants.items():
        torch_fields = {"modulated": False, **options}
        cases.layer(
            f"deform_conv2d-{name}",
            image(2),
            "deform_conv",
            {"out_channels": 8, "kernel_size": 3, **options},
            call("DeformConv", CHANNELS, 8, 3, **torch_fields),
        )


def pools(cases: Cases) -> None:
    outputs = {1: [7], 2: [5, 4], 3: [4, 3, 2]}
    for dims in SIZES:
        shape = image(dims)
        pool = {"kernel_size": 3, "stride": 2, "padding": 1}
        plain = {"kernel_size": 2}
        adaptive = {"output_size": outputs[dims]}
        size = python(outputs[dims])
        modules: list[tuple[str, Json, str]] = [
            ("max_pool", pool, call(f"nn.MaxPool{dims}d", **pool)),
            ("avg_pool", plain, call(f"nn.AvgPool{dims}d", **plain)),
            ("adaptive_avg_pool", adaptive, f"nn.AdaptiveAvgPool{dims}d({size})"),
            ("adaptive_max_pool", adaptive, f"nn.AdaptiveMaxPool{dims}d({size})"),
            ("global_avg_pool", {}, f"nn.AdaptiveAvgPool{dims}d(1)"),
            ("global_max_pool", {}, f"nn.AdaptiveMaxPool{dims}d(1)"),
        ]
        functions: list[tuple[str, Json, str]] = [
            ("max_pool", pool, f"max_pool{dims}d(x, 3, stride=2, padding=1)"),
            ("avg_pool", plain, f"avg_pool{dims}d(x, 2)"),
            ("adaptive_avg_pool", adaptive, f"adaptive_avg_pool{dims}d(x, {size})"),
            ("adaptive_max_pool", adaptive, f"adaptive_max_pool{dims}d(x, {size})"),
            ("global_max_pool", {}, f"adaptive_max_pool{dims}d(x, 1)"),
        ]
        batches = (1, 4) if dims == 2 else (1,)
        for kind, fields, expression in modules:
            cases.layer(f"{kind}{dims}d", shape, kind, fields, expression, *batches)
        for kind, fields, function in functions:
            cases.layer(
                f"{kind}{dims}d-functional",
                shape,
                kind,
                {**fields, "functional": True},
                f"Function(lambda x: F.{function})",
                *batches,
            )
        cases.layer(
            f"adaptive_avg_pool{dims}d-functional-to-1",
            shape,
            "adaptive_avg_pool",
            {"output_size": 1, "functional": True},
            f"Function(lambda x: F.adaptive_avg_pool{dims}d(x, 1))",
            *batches,
        )
    cases.add(
        "global_avg_pool2d-functional",
        image(2),
        [{"global_avg_pool": {"functional": True}}, "flatten"],
        "Function(lambda x: x.mean([2, 3]))",
    )
    cases.layer(
        "max_pool2d-ceil",
        image(2),
        "max_pool",
        {"kernel_size": 2, "stride": 2, "ceil_mode": True},
        "nn.MaxPool2d(2, stride=2, ceil_mode=True)",
        1,
    )
    cases.layer(
        "avg_pool2d-k2x2", image(2), "avg_pool", {"kernel_size": [2, 2]}, "nn.AvgPool2d((2, 2))", 1
    )
    cases.layer(
        "avg_pool2d-k3-p1-ceil",
        image(2),
        "avg_pool",
        {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
        "nn.AvgPool2d(3, stride=2, padding=1, ceil_mode=True)",
        1,
    )
    cases.layer(
        "adaptive_avg_pool2d-larger",
        [16, 3, 3],
        "adaptive_avg_pool",
        {"output_size": [7, 7]},
        "nn.AdaptiveAvgPool2d((7, 7))",
    )


def normalisations(cases: Cases) -> None:
    for dims in SIZES:
        shape = image(dims)
        cases.layer(f"batch_norm{dims}d", shape, "batch_norm", {}, f"nn.BatchNorm{dims}d(16)")
        cases.layer(
            f"batch_norm{dims}d-plain",
            shape,
            "batch_norm",
            {"affine": False},
            f"nn.BatchNorm{dims}d(16, affine=False)",
            1,
        )
        cases.layer(
            f"instance_norm{dims}d",
            shape,
            "instance_norm",
            {"affine": True},
            f"nn.InstanceNorm{dims}d(16, affine=True)",
            *((1, 4) if dims == 2 else (1,)),
        )
        cases.layer(
            f"instance_norm{dims}d-plain",
            shape,
            "instance_norm",
            {},
            f"nn.InstanceNorm{dims}d(16)",
            1,
        )
        cases.layer(
            f"group_norm{dims}d",
            shape,
            "group_norm",
            {"groups": 4},
            "nn.GroupNorm(4, 16)",
            *((1, 4) if dims == 2 else (1,)),
        )
    shape = image(2)
    cases.layer("batch_norm-flat", [64], "batch_norm", {}, "nn.BatchNorm1d(64)")
    cases.layer(
        "group_norm2d-plain",
        shape,
        "group_norm",
        {"groups": 4, "affine": False},
        "nn.GroupNorm(4, 16, affine=False)",
        1,
    )
    last = "Permute([0, 2, 3, 1]), {}, Permute([0, 3, 1, 2])"
    cases.layer("layer_norm-flat", [64], "layer_norm", {}, "nn.LayerNorm(64)")
    cases.layer(
        "layer_norm-flat-plain",
        [64],
        "layer_norm",
        {"affine": False},
        "nn.LayerNorm(64, elementwise_affine=False)",
        1,
    )
    cases.layer(
        "layer_norm2d",
        shape,
        "layer_norm",
        {},
        f"nn.Sequential({last.format('nn.LayerNorm(16)')})",
    )
    cases.layer(
        "layer_norm2d-functional", shape, "layer_norm", {"functional": True}, "LayerNorm2d(16)"
    )
    for dims in SIZES:
        cases.layer(
            f"local_response_norm{dims}d",
            image(dims),
            "local_response_norm",
            {"size": 5},
            "nn.LocalResponseNorm(5)",
            *((1, 4) if dims == 2 else (1,)),
        )


def activations(cases: Cases) -> None:
    modules = {
        "relu": "ReLU()",
        "relu6": "ReLU6()",
        "leaky_relu": "LeakyReLU()",
        "prelu": "PReLU(16)",
        "elu": "ELU()",
        "gelu": "GELU()",
        "silu": "SiLU()",
        "hard_swish": "Hardswish()",
        "sigmoid": "Sigmoid()",
        "hard_sigmoid": "Hardsigmoid()",
        "tanh": "Tanh()",
        "softmax": "Softmax(dim=1)",
        "mish": "Mish()",
        "softplus": "Softplus()",
    }
    functions = {
        "relu": "F.relu(x)",
        "relu6": "F.relu6(x)",
        "leaky_relu": "F.leaky_relu(x)",
        "elu": "F.elu(x)",
        "gelu": "F.gelu(x)",
        "silu": "F.silu(x)",
        "hard_swish": "F.hardswish(x)",
        "sigmoid": "torch.sigmoid(x)",
        "hard_sigmoid": "F.hardsigmoid(x)",
        "tanh": "torch.tanh(x)",
        "softmax": "F.softmax(x, dim=1)",
        "mish": "F.mish(x)",
        "softplus": "F.softplus(x)",
    }
    batched = {"relu", "relu6", "prelu", "gelu", "silu", "softmax"}
    for kind, module in modules.items():
        batches = (1, 4) if kind in batched else (1,)
        fields = {"num_parameters": 16} if kind == "prelu" else {}
        cases.layer(kind, image(2), kind, fields, f"nn.{module}", *batches)
    for kind, function in functions.items():
        batches = (1, 4) if kind in batched else (1,)
        cases.layer(
            f"{kind}-functional",
            image(2),
            kind,
            {"functional": True},
            f"Function(lambda x: {function})",
            *batches,
        )
    cases.layer("softmax-flat", [10], "softmax", {}, "nn.Softmax(dim=1)")
    cases.layer("relu-flat", [64], "relu", {}, "nn.ReLU()", 1)


def dense(cases: Cases) -> None:
    cases.layer("linear", [64], "linear", {"out_features": 10}, "nn.Linear(64, 10)")
    cases.layer(
        "linear-nobias",
        [64],
        "linear",
        {"out_features": 10, "bias": False},
        "nn.Linear(64, 10, bias=False)",
    )
    moves = {1: ("0, 2, 1", "[0, 2, 1]"), 2: ("0, 2, 3, 1", "[0, 3, 1, 2]")}
    for dims, (there, back) in moves.items():
        for name, bias in (("", {}), ("-nobias", {"bias": False})):
            linear = call("nn.Linear", CHANNELS, 10, **bias)
            cases.layer(
                f"linear-per_position{dims}d{name}",
                image(dims),
                "linear",
                {"out_features": 10, **bias, "per_position": True},
                f"nn.Sequential(Function(lambda x: x.permute({there}).contiguous()), {linear}, "
                f"Permute({back}))",
            )
    shape = image(2)
    cases.add(
        "flatten-linear",
        shape,
        ["flatten", {"linear": {"out_features": 10}}],
        "nn.Sequential(nn.Flatten(), nn.Linear(3120, 10))",
    )
    cases.layer("flatten", shape, "flatten", {}, "nn.Flatten()", 1)
    cases.layer("dropout", shape, "dropout", {"rate": 0.2}, "nn.Dropout(0.2)", 1)
    cases.layer("identity", shape, "identity", {}, "nn.Identity()", 1)


def resampling(cases: Cases) -> None:
    modes = {1: ["nearest", "linear"], 2: ["nearest", "bilinear", "bicubic"]}
    modes[3] = ["nearest", "trilinear"]
    for dims, names in modes.items():
        shape = [4, *SIZES[dims]]
        batches = (1, 4) if dims == 2 else (1,)
        for mode in names:
            cases.layer(
                f"upsample{dims}d-{mode}",
                shape,
                "upsample",
                {"scale": 2, "mode": mode},
                f"nn.Upsample(scale_factor=2, mode={mode!r})",
                *batches,
            )
            cases.layer(
                f"upsample{dims}d-{mode}-functional",
                shape,
                "upsample",
                {"scale": 2, "mode": mode, "functional": True},
                f"Function(lambda x: F.interpolate(x, scale_factor=2, mode={mode!r}))",
                1,
            )
    shape = [4, *SIZES[2]]
    for name, functional in (("", {}), ("-functional", {"functional": True})):
        module = "nn.Upsample(size=(40, 30), mode='bilinear')"
        function = "Function(lambda x: F.interpolate(x, size=(40, 30), mode='bilinear'))"
        cases.layer(
            f"upsample2d-bilinear-size{name}",
            shape,
            "upsample",
            {"size": [40, 30], "mode": "bilinear", **functional},
            function if functional else module,
        )
    cases.layer(
        "upsample2d-nearest-uneven",
        shape,
        "upsample",
        {"scale": [2, 3], "mode": "nearest"},
        "nn.Upsample(scale_factor=(2, 3), mode='nearest')",
    )
    # One number for all axes is another argument than a number for each.
    spellings: list[tuple[str, int, Json, tuple[int, ...]]] = [
        ("size-number", 2, {"size": 8}, (1, 4)),
        ("nearest-exact", 2, {"scale": 2, "mode": "nearest-exact"}, (1,)),
        ("scale1.3", 2, {"scale": 1.3}, (1, 4)),
        ("scale0.7x2", 2, {"scale": [0.7, 2]}, (1, 2)),
        ("scale2x2", 2, {"scale": [2, 2]}, (1, 2)),
        ("area", 1, {"size": 3, "mode": "area"}, (1,)),
        ("area", 2, {"size": 3, "mode": "area"}, (1, 4)),
        ("area-sizes", 2, {"size": [3, 4], "mode": "area"}, (1,)),
        ("area-scale", 2, {"scale": 2, "mode": "area"}, (1,)),
        ("area", 3, {"size": 3, "mode": "area"}, (1,)),
    ]
    for name, dims, fields, tried in spellings:
        renamed = {"scale_factor" if key == "scale" else key: fields[key] for key in fields}
        arguments = call("", **renamed)[1:-1]
        cases.layer(
            f"upsample{dims}d-{name}",
            [4, *SIZES[dims]],
            "upsample",
            fields,
            f"nn.Upsample({arguments})",
            *tried,
        )
        cases.layer(
            f"upsample{dims}d-{name}-functional",
            [4, *SIZES[dims]],
            "upsample",
            {**fields, "functional": True},
            f"Function(lambda x: F.interpolate(x, {arguments}))",
            *tried,
        )
    cases.layer("pixel_shuffle", image(2), "pixel_shuffle", {"factor": 2}, "nn.PixelShuffle(2)", 1)
    cases.layer(
        "channel_shuffle", image(2), "channel_shuffle", {"groups": 4}, "nn.ChannelShuffle(4)", 1
    )
    cases.layer(
        "pad",
        image(2),
        "pad",
        {"padding": [[1, 2], [3, 0]]},
        "nn.ZeroPad2d((3, 0, 1, 2))",
        1,
    )


def graphs(cases: Cases) -> None:
    shape = image(2)
    conv = {"conv": {"out_channels": 16, "kernel_size": 3, "padding": 1}}
    same = "nn.Conv2d(16, 16, 3, padding=1)"
    cases.add(
        "residual",
        shape,
        [{"residual": {"layers": [conv]}}],
        f"Join(operator.add, {same}, nn.Identity())",
    )
    cases.add(
        "residual-shortcut",
        shape,
        [
            {
                "residual": {
                    "layers": [conv, "batch_norm"],
                    "shortcut": [{"pointwise_conv": {"out_channels": 16}}],
                }
            },
            "relu",
        ],
        f"nn.Sequential(Join(operator.add, nn.Sequential({same}, nn.BatchNorm2d(16)), "
        "nn.Conv2d(16, 16, 1)), nn.ReLU())",
    )
    for merge, join in (
        ("add", "operator.add"),
        ("mul", "operator.mul"),
        ("concat", "lambda a, b: torch.cat((a, b), 1)"),
    ):
        cases.add(
            f"branches-{merge}",
            shape,
            [{"branches": {"merge": merge, "paths": [[conv], []]}}],
            f"Join({join}, {same}, nn.Identity())",
        )
    cases.add(
        "branches-split-concat",
        shape,
        [
            {
                "branches": {
                    "merge": "concat",
                    "split": True,
                    "paths": [[{"conv": {"out_channels": 8, "kernel_size": 1}}], []],
                }
            }
        ],
        "Parts(nn.Conv2d(8, 8, 1), nn.Identity())",
        1,
    )
    named = [
        {"conv": {"out_channels": 8, "kernel_size": 1, "name": "a"}},
        {"conv": {"out_channels": 8, "kernel_size": 1, "from": "input", "name": "b"}},
    ]
    pair = "nn.Conv2d(16, 8, 1), nn.Conv2d(16, 8, 1)"
    for merge, join in (
        ("add", "operator.add"),
        ("mul", "operator.mul"),
        ("concat", "lambda a, b: torch.cat((a, b), 1)"),
    ):
        cases.add(
            f"named-{merge}",
            shape,
            [*named, {merge: {"from": ["a", "b"]}}],
            f"Join({join}, {pair})",
            1,
        )
    for merge in ("add", "mul"):
        cases.add(
            f"named-{merge}-functional",
            shape,
            [*named, {merge: {"from": ["a", "b"], "functional": True}}],
            f"Join(lambda a, b: torch.{merge}(a, b), {pair})",
        )
    cases.add(
        "named-mul-broadcast",
        shape,
        [{"global_avg_pool": {"name": "gate"}}, {"mul": {"from": ["input", "gate"]}}],
        "Join(operator.mul, nn.Identity(), nn.AdaptiveAvgPool2d(1))",
    )
    cases.layer(
        "squeeze_excite",
        shape,
        "squeeze_excite",
        {"squeeze": 4},
        "SqueezeExcitation(16, 4)",
    )
    cases.layer(
        "squeeze_excite-silu-hard_sigmoid",
        shape,
        "squeeze_excite",
        {"squeeze": 4, "activation": "silu", "gate": "hard_sigmoid"},
        "SqueezeExcitation(16, 4, activation=nn.SiLU, scale_activation=nn.Hardsigmoid)",
        1,
    )
    cases.layer("scale", shape, "scale", {}, "LayerScale(16, 1, 1)")
    cases.add(
        "conv-bn-relu",
        shape,
        [
            {"conv": {"out_channels": 8, "kernel_size": 3, "stride": 2, "bias": False}},
            "batch_norm",
            "relu",
        ],
        "nn.Sequential(nn.Conv2d(16, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU())",
    )


def arithmetic(cases: Cases) -> None:
    shape = image(2)
    pair = "nn.Conv2d(16, 8, 1), nn.Conv2d(16, 8, 1)"
    named = [
        {"conv": {"out_channels": 8, "kernel_size": 1, "name": "a"}},
        {"conv": {"out_channels": 8, "kernel_size": 1, "from": "input", "name": "b"}},
    ]
    operators = {
        "sub": "operator.sub",
        "div": "operator.truediv",
        "maximum": "lambda a, b: torch.maximum(a, b)",
        "minimum": "lambda a, b: torch.minimum(a, b)",
    }
    for kind, join in operators.items():
        cases.add(
            f"named-{kind}",
            shape,
            [*named, {kind: {"from": ["a", "b"]}}],
            f"Join({join}, {pair})",
            *((1, 4) if kind == "sub" else (1,)),
        )
    for kind in ("sub", "div"):
        cases.add(
            f"named-{kind}-functional",
            shape,
            [*named, {kind: {"from": ["a", "b"], "functional": True}}],
            f"Join(lambda a, b: torch.{kind}(a, b), {pair})",
            1,
        )
    for kind, body in {
        "add": "x + 2.0",
        "sub": "x - 2.0",
        "mul": "x * 2.0",
        "div": "x / 2.0",
        "maximum": "torch.maximum(x, torch.tensor(2.0, device=x.device))",
        "minimum": "torch.minimum(x, torch.tensor(2.0, device=x.device))",
    }.items():
        fields = {"value": 2.0}
        cases.layer(f"{kind}-value", shape, kind, fields, f"Function(lambda x: {body})", 1)
        if "torch" not in body:
            cases.layer(
                f"{kind}-value-functional",
                shape,
                kind,
                {**fields, "functional": True},
                f"Function(lambda x: torch.{kind}(x, 2.0))",
                *((1, 4) if kind in ("add", "mul") else (1,)),
            )
    functions: list[tuple[str, Json, str]] = [
        ("clamp", {"min": 0, "max": 1}, "x.clamp(0, 1)"),
        ("clamp", {"min": 0}, "x.clamp(min=0)"),
        ("abs", {}, "x.abs()"),
        ("sqrt", {}, "x.sqrt()"),
        ("square", {}, "x.square()"),
        ("exp", {}, "x.exp()"),
        ("log", {}, "x.log()"),
    ]
    for kind, options, body in functions:
        name = f"{kind}-min" if len(options) == 1 else kind
        cases.layer(name, shape, kind, options, f"Function(lambda x: {body})", 1)
    for axis, dim in ((1, 2), (-1, -1)):
        for name, functional, expression in (
            ("", {}, f"nn.Softmax(dim={dim})"),
            ("-functional", {"functional": True}, f"Function(lambda x: F.softmax(x, dim={dim}))"),
        ):
            cases.layer(
                f"softmax-axis{axis}{name}",
                shape,
                "softmax",
                {"axis": axis, **functional},
                expression,
                *((1, 4) if axis == 1 else (1,)),
            )


def products(cases: Cases) -> None:
    turned = "x.transpose(-1, -2)"
    shapes = {"2d": [16, 50], "3d": [4, 15, 13], "4d": [2, 3, 5, 4]}
    for rank, shape in shapes.items():
        for fields, a, b in (
            ({"transpose_b": True}, "x", turned),
            ({"transpose_a": True}, turned, "x"),
        ):
            for name, functional, body in (
                ("", {}, f"{a} @ {b}"),
                ("-functional", {"functional": True}, f"torch.matmul({a}, {b})"),
            ):
                (which,) = fields
                cases.add(
                    f"matmul{rank}-{which}{name}",
                    shape,
                    [{"matmul": {"from": ["input", "input"], **fields, **functional}}],
                    f"Function(lambda x: {body})",
                    *((1, 4) if which == "transpose_b" else (1,)),
                )
    mean = {"reduce": {"op": "mean", "axes": [0], "keep": True, "name": "mean"}}
    for name, order, body in (
        ("first", ["mean", "input"], f"x.mean(1, keepdim=True) @ {turned}"),
        ("second", ["input", "mean"], "x @ x.mean(1, keepdim=True).transpose(-1, -2)"),
    ):
        for form, functional in (("", {}), ("-functional", {"functional": True})):
            said = body if not form else f"torch.matmul({body.replace(' @ ', ', ')})"
            cases.add(
                f"matmul3d-broadcast-{name}{form}",
                shapes["3d"],
                [mean, {"matmul": {"from": order, "transpose_b": True, **functional}}],
                f"Function(lambda x: {said})",
                1,
            )
    cases.add(
        "matmul2d-parameter",
        shapes["2d"],
        [
            {"parameter": {"shape": [50, 8], "name": "table"}},
            {"matmul": {"from": ["input", "table"]}},
        ],
        "Learned(operator.matmul, 50, 8)",
    )
    cases.add(
        "matmul2d-parameter-first",
        shapes["2d"],
        [
            {"parameter": {"shape": [8, 16], "name": "table"}},
            {"matmul": {"from": ["table", "input"]}},
        ],
        "Learned(lambda x, table: table @ x, 8, 16)",
    )
    cases.add(
        "parameter-add",
        shapes["2d"],
        [
            {"parameter": {"shape": [16, 50], "name": "table"}},
            {"add": {"from": ["input", "table"]}},
        ],
        "Learned(operator.add, 16, 50)",
    )
    cases.add(
        "parameter-concat",
        shapes["2d"],
        [
            {"parameter": {"shape": [16, 1], "name": "token"}},
            {"concat": {"from": ["token", "input"], "axis": 1}},
        ],
        "Learned(lambda x, token: torch.cat((token, x), 2), 16, 1)",
    )


def attention(cases: Cases) -> None:
    tokens = [16, 10]
    for name, fields, expression in (
        ("", {}, "Attention(16, 4, qkv_bias=True)"),
        ("-nobias", {"qkv_bias": False}, "Attention(16, 4)"),
        (
            "-head_channels",
            {"head_channels": 6},
            "Attention(16, 4, attn_head_dim=6, qkv_bias=True)",
        ),
        ("-functional", {"functional": True}, "SelfAttention(16, 4)"),
    ):
        cases.layer(
            f"self_attention{name}",
            tokens,
            "self_attention",
            {"heads": 4, **fields},
            f"ChannelsFirst({expression})",
        )
    linear = {"per_position": True}
    for name, functional, product in (
        ("", {}, "operator.matmul"),
        ("-functional", {"functional": True}, "lambda a, b: torch.matmul(a, b)"),
    ):
        cases.add(
            f"attention-by-hand{name}",
            tokens,
            [
                {"linear": {"out_features": 48, **linear}},
                {"reshape": {"shape": [3, 4, 4, 10]}},
                {"split": {"sections": 3, "name": "qkv"}},
                {"mul": {"value": 0.5, "from": "qkv.0", "name": "q"}},
                {
                    "matmul": {
                        "from": ["q", "qkv.1"],
                        "transpose_a": True,
                        "name": "scores",
                        **functional,
                    }
                },
                {"softmax": {"axis": -1, "name": "weights"}},
                {"matmul": {"from": ["qkv.2", "weights"], "transpose_b": True, **functional}},
                {"reshape": {"shape": [16, 10]}},
                {"linear": {"out_features": 16, **linear}},
            ],
            f"ChannelsFirst(AttentionByHand(16, {product}))",
        )
    for fields, form in (
        ({}, "Attention(16, 4, qkv_bias=True)"),
        ({"functional": True}, "SelfAttention(16, 4)"),
    ):
        block = [
            {"residual": {"layers": ["layer_norm", {"self_attention": {"heads": 4, **fields}}]}},
            {
                "residual": {
                    "layers": [
                        "layer_norm",
                        {"linear": {"out_features": 64, **linear}},
                        "gelu",
                        {"linear": {"out_features": 16, **linear}},
                    ]
                }
            },
        ]
        cases.add(
            "tokens" + ("-functional" if fields else ""),
            [3, 16, 12],
            [
                {"conv": {"out_channels": 16, "kernel_size": 4, "stride": 4}},
                {"flatten": {"start_axis": 1, "name": "patches"}},
                {"parameter": {"shape": [16, 1], "name": "token"}},
                {"concat": {"from": ["token", "patches"], "axis": 1, "name": "all"}},
                {"parameter": {"shape": [16, 13], "name": "positions"}},
                {"add": {"from": ["all", "positions"]}},
                *block,
                "layer_norm",
                {"slice": {"axis": 1, "stop": 1}},
                "flatten",
                {"linear": {"out_features": 10}},
            ],
            f"Tokens({form})",
        )
    cases.layer("rms_norm-flat", [64], "rms_norm", {}, "nn.RMSNorm(64)")
    cases.layer("rms_norm1d", [16, 10], "rms_norm", {}, "ChannelsFirst(nn.RMSNorm(16))")
    cases.layer(
        "rms_norm1d-plain",
        [16, 10],
        "rms_norm",
        {"affine": False},
        "ChannelsFirst(nn.RMSNorm(16, elementwise_affine=False))",
        1,
    )
    cases.layer(
        "rms_norm-functional",
        [64],
        "rms_norm",
        {"affine": False, "functional": True},
        "Function(lambda x: F.rms_norm(x, [64]))",
        1,
    )
    for kind, fields, module in (
        ("linear", {"out_features": 10, **linear}, "nn.Linear(4, 10)"),
        ("layer_norm", {}, "nn.LayerNorm(4)"),
        ("rms_norm", {}, "nn.RMSNorm(4)"),
        ("group_norm", {"groups": 2}, "nn.GroupNorm(2, 4)"),
        ("relu", {}, "nn.ReLU()"),
        ("softmax", {}, "nn.Softmax(dim=1)"),
    ):
        if kind in ("linear", "layer_norm", "rms_norm"):
            last = "Function(lambda x: x.movedim({}).contiguous())"
            module = f"{last.format('1, -1')}, {module}, {last.format('-1, 1')}"
        cases.add(
            f"{kind}4d",
            [4, 36],
            [{"reshape": {"shape": [4, 3, 2, 3, 2]}}, {kind: fields} if fields else kind],
            f"nn.Sequential(nn.Unflatten(2, (3, 2, 3, 2)), {module})",
            *((1, 4) if kind == "linear" else (1,)),
        )


def moves(cases: Cases) -> None:
    shape = image(2)
    even = [4, 14, 12]
    last = {"keep": True}
    modules: list[tuple[str, list[int], str, Json, str]] = [
        ("permute", shape, "permute", {"order": [1, 2, 0]}, "Permute([0, 2, 3, 1])"),
        ("slice-negative", shape, "slice", {"axis": -1, "start": -5, "step": 2}, "x[..., -5::2]"),
        ("pad-axis", shape, "pad", {"axis": 0, "p": [2, -1]}, "F.pad(x, (0, 0, 0, 0, 2, -1))"),
        ("flatten-start_axis", shape, "flatten", {"start_axis": 1}, "nn.Flatten(2)"),
        ("pixel_unshuffle", even, "pixel_unshuffle", {"factor": 2}, "nn.PixelUnshuffle(2)"),
        (
            "unfold",
            shape,
            "unfold",
            {"kernel_size": 3, "stride": 2, "padding": 1},
            "nn.Unfold(3, stride=2, padding=1)",
        ),
        (
            "fold",
            [36, 56],
            "fold",
            {"output_size": [15, 13], "kernel_size": 3, "stride": 2, "padding": 1},
            "nn.Fold((15, 13), 3, stride=2, padding=1)",
        ),
        (
            "reduce-mean",
            shape,
            "reduce",
            {"op": "mean", "axes": [1, 2], **last},
            "x.mean((2, 3), True)",
        ),
        ("reduce-mean-dropped", shape, "reduce", {"op": "mean", "axes": [-1]}, "x.mean(-1)"),
        ("reduce-sum", shape, "reduce", {"op": "sum", "axes": [1]}, "x.sum(2)"),
        ("reduce-max", shape, "reduce", {"op": "max", "axes": [0], **last}, "x.amax(1, True)"),
        ("reduce-min", shape, "reduce", {"op": "min", "axes": [0]}, "x.amin(1)"),
        (
            "reduce-l2",
            shape,
            "reduce",
            {"op": "l2", "axes": [0], **last},
            "x.norm(dim=1, keepdim=True)",
        ),
    ]
    for name, sizes, kind, fields, body in modules:
        expression = body if body[0] in "nP" else f"Function(lambda x: {body})"
        cases.layer(name, sizes, kind, fields, expression, 1)
    pool = {"max_pool": {"kernel_size": 2}}
    unpool = {"kernel_size": 2}
    cases.add("max_unpool2d", even, [pool, {"max_unpool": unpool}], "Unpooled(2)", 1)
    cases.add(
        "max_unpool2d-output_size",
        shape,
        [pool, {"max_unpool": {**unpool, "output_size": [15, 13]}}],
        "Unpooled(2, 15, 13)",
        1,
    )
    for kind, module in (("avg", "nn.AdaptiveAvgPool2d"), ("max", "nn.AdaptiveMaxPool2d")):
        fields = {"output_size": [None, 7]}
        cases.layer(
            f"adaptive_{kind}_pool2d-open",
            shape,
            f"adaptive_{kind}_pool",
            fields,
            f"{module}((None, 7))",
        )
        cases.layer(
            f"adaptive_{kind}_pool2d-open-functional",
            shape,
            f"adaptive_{kind}_pool",
            {**fields, "functional": True},
            f"Function(lambda x: F.adaptive_{kind}_pool2d(x, (None, 7)))",
            1,
        )
    cases.add(
        "concat-axis",
        shape,
        [{"concat": {"from": ["input", "input"], "axis": -1}}],
        "Function(lambda x: torch.cat((x, x), -1))",
        1,
    )
    cases.add(
        "split-axis",
        shape,
        [{"split": {"sizes": [5, 10], "axis": 1, "name": "part"}}, {"relu": {"from": "part.0"}}],
        "nn.Sequential(Function(lambda x: x.split([5, 10], 2)[0]), nn.ReLU())",
        1,
    )
    half = [{"conv": {"out_channels": 8, "kernel_size": 3, "padding": 1, "bias": False}}]
    cases.add(
        "c2f",
        shape,
        [
            {"conv": {"out_channels": 16, "kernel_size": 1, "bias": False}},
            "batch_norm",
            "silu",
            {"split": {"sections": 2, "name": "kept"}},
            {
                "sequential": {
                    "from": "kept.1",
                    "name": "work",
                    "layers": [*half, "batch_norm", "silu"],
                }
            },
            {"add": {"from": ["kept.1", "work"], "name": "sum"}},
            {"concat": {"from": ["kept.0", "kept.1", "sum"]}},
            {"conv": {"out_channels": 16, "kernel_size": 1}},
        ],
        "FewToFew()",
    )
    cases.add(
        "distribution",
        [64, 20],
        [
            {"reshape": {"shape": [4, 16, 20]}},
            {"permute": {"order": [1, 0, 2]}},
            {"softmax": {"axis": 0}},
            {"conv": {"out_channels": 1, "kernel_size": 1, "bias": False}},
            {"reshape": {"shape": [4, 20]}},
        ],
        "Distribution()",
    )


def other_forms(cases: Cases) -> None:
    """Other ways to write what the spec language has one word for."""
    shape = image(2)
    for name, body in {
        "torch-relu": "torch.relu(x)",
        "tensor-relu": "x.relu()",
        "hardtanh": "F.hardtanh(x, 0.0, 6.0)",
        "dropout": "F.dropout(x, 0.5, training=False)",
        "pad": "F.pad(x, (1, 1, 1, 1))",
        "pixel_shuffle": "F.pixel_shuffle(x, 2)",
        "flatten-tensor": "x.flatten(1)",
        "add-operator": "x + x",
        "add-inplace-operator": "operator.iadd(x.clone(), x)",
        "add-torch": "torch.add(x, x)",
        "add-tensor": "x.add(x)",
        "add-tensor-inplace": "x.clone().add_(x)",
        "mul-operator": "x * x",
        "mul-torch": "torch.mul(x, x)",
        "mul-tensor": "x.mul(x)",
        "mul-torch-broadcast": "torch.mul(x, torch.ones(16, 1, 1, device=x.device))",
        "div-operator": "x / 2",
        "matmul": "torch.matmul(x, x.transpose(2, 3))",
        "matmul-operator": "x @ x.transpose(2, 3)",
        "attention": "F.scaled_dot_product_attention(x, x, x)",
        "upsample-scale1.5": "F.interpolate(x, scale_factor=1.5, mode='bilinear')",
        "softmax-tensor": "x.softmax(1)",
    }.items():
        cases.add(name, shape, [], f"Function(lambda x: {body})")
    for name, body in {
        "conv2d-functional": (
            "lambda x, m: F.conv2d(x, m.weight, m.bias, padding=1), nn.Conv2d(16, 8, 3)"
        ),
        "conv2d-forward": "lambda x, m: m.forward(x), nn.Conv2d(16, 8, 3)",
        "batch_norm-functional": (
            "lambda x, m: F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias), "
            "nn.BatchNorm2d(16)"
        ),
        "prelu-functional": "lambda x, m: F.prelu(x, m.weight), nn.PReLU(16)",
        "linear-functional": (
            "lambda x, m: F.linear(x.flatten(1), m.weight, m.bias), nn.Linear(3120, 10)"
        ),
    }.items():
        cases.add(name, shape, [], f"FunctionOf({body})")
    for name, expression in {
        "conv2d-subclass": "OwnConv2d(16, 8, 3)",
        "conv2d-circular": "nn.Conv2d(16, 8, 3, padding=1, padding_mode='circular')",
        "layer_norm-whole-image": "nn.LayerNorm([16, 15, 13])",
        "scale-named-weight": "WeightScale(16, 1, 1)",
        "upsample-scale1.5-module": "nn.Upsample(scale_factor=1.5, mode='bilinear')",
        "upsample-size-number": "nn.Upsample(size=30)",
        "relu-shared": (
            "(lambda r: nn.Sequential(r, nn.Sequential(r), nn.Sequential(r)))(nn.ReLU())"
        ),
        "conv2d-shared": (
            "(lambda c: nn.Sequential(nn.Sequential(c), nn.Sequential(c), c))(nn.Conv2d(16, 16, 3))"
        ),
        "conv2d-called-twice": "(lambda c: Join(operator.add, c, c))(nn.Conv2d(16, 16, 3))",
        "conv2d-in-two-places": (
            "(lambda c: nn.Sequential(c, nn.ReLU(), c))(nn.Conv2d(16, 16, 3, padding=1))"
        ),
        "conv2d-of-one-weight": (
            "tied(nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1))"
        ),
        "frozen-beside-trained": (
            "nn.Sequential(nn.Conv2d(16, 8, 3).requires_grad_(False), nn.BatchNorm2d(8), "
            "nn.Conv2d(8, 4, 1))"
        ),
        "unused-module": (
            "FunctionOf(lambda x, m: m[0](x), nn.ModuleList([nn.ReLU(), nn.Linear(9, 9)]))"
        ),
        "frozen-parameters": "nn.Conv2d(16, 8, 3).requires_grad_(False)",
        "linear-contiguous": "nn.Linear(13, 5)",
        "linear-not-contiguous": "nn.Sequential(Permute([0, 2, 3, 1]), nn.Linear(16, 10))",
        "linear-after-layer_norm": (
            "nn.Sequential(Permute([0, 2, 3, 1]), nn.LayerNorm(16), nn.Linear(16, 10))"
        ),
        "softmax-no-dim": "nn.Softmax()",
        "softmax2d": "nn.Softmax2d()",
        "hardtanh-module": "nn.Hardtanh()",
    }.items():
        cases.add(name, shape, [], expression)
    for name, expression in {
        "self_attention-unfused": "unfused(Attention(16, 4, qkv_bias=True))",
        "self_attention-subclass": "OwnAttention(16, 4, qkv_bias=True)",
        "self_attention-subclass-unfused": "unfused(OwnAttention(16, 4, qkv_bias=True))",
        "self_attention-weights": "SelfAttention(16, 4, need_weights=True)",
    }.items():
        cases.add(name, [16, 10], [], f"ChannelsFirst({expression})")
    for row in cases.rows:
        del row["layers"]
        row["id"] = f"other-{row['id']}"


def measured(row: Json) -> Json:
    model = nn.Sequential(eval(row["torch"], dict(NAMES))).eval()
    shape = [row["batch"], *row["input"]]
    with torch.no_grad():
        output = model(torch.ones(shape))
    return {**row, "output_shape": list(output.shape[1:]), "tools": count(model, shape)}


def record_layers() -> Json:
    cases = Cases()
    for make in (
        convolutions,
        transposed_convolutions,
        deformable_convolutions,
        pools,
        normalisations,
        activations,
        dense,
        resampling,
        graphs,
        arithmetic,
        products,
        attention,
        moves,
    ):
        make(cases)
    others = Cases()
    other_forms(others)
    ids = [row["id"] for row in cases.rows + others.rows]
    assert len(ids) == len(set(ids))
    return {
        "versions": versions(),
        "cases": [measured(row) for row in cases.rows],
        "other_forms": [measured(row) for row in others.rows],
    }


# --- The networks ---------------------------------------------------------------------------------

#: Transformers that take long on a CPU, or that the zoo does not have.
LEFT_OUT = ("vit_l", "vit_h", "swin_s", "swin_b", "swin_v2")
OPTIONS: dict[str, Json] = {
    "googlenet": {"aux_logits": False, "transform_input": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "transform_input": False, "init_weights": False},
}


def published(name: str) -> list[Json]:
    """What torchvision publishes of the network: the first weights of each resolution."""
    rows: dict[int, Json] = {}
    for weights in torchvision.models.get_model_weights(name):
        [crop] = weights.transforms().crop_size
        row = {
            "weights": weights.name,
            "crop": crop,
            "num_params": weights.meta["num_params"],
            "_ops": weights.meta["_ops"],
        }
        rows.setdefault(crop, row)
    return list(rows.values())


def network(model: nn.Module, size: int) -> Json:
    """The counts at one resolution, and what the network keeps: counters and indices apart."""
    buffers = [buffer.numel() for buffer in model.buffers() if buffer.is_floating_point()]
    return {
        "input": [3, size, size],
        "params": sum(parameter.numel() for parameter in model.parameters()),
        "buffers": sum(buffers),
        "tools": count(model, [1, 3, size, size], meta=True),
    }


def record_networks() -> Json:
    networks: Json = {"mobilenet_v1": {**network(mobilenet_v1(), 224), "published": []}}
    models = torchvision.models
    for name in models.list_models(models):
        if name.startswith(LEFT_OUT):
            continue
        print(name, file=sys.stderr)
        model = models.get_model(name, weights=None, **OPTIONS.get(name, {}))
        rows = published(name)
        usual = 299 if name == "inception_v3" else 224
        sizes = [usual]
        if name.startswith("efficientnet") and rows[0]["crop"] != usual:
            sizes.append(rows[0]["crop"])
        for size in sizes:
            key = name if size == usual else f"{name}@{size}"
            networks[key] = {**network(model, size), "published": rows}
    return {"versions": versions(), "networks": dict(sorted(networks.items()))}


# --- Writing --------------------------------------------------------------------------------------


def versions() -> dict[str, str]:
    """The packages' versions, without the label of the build."""
    return {name: Version(importlib.metadata.version(name)).public for name in PACKAGES}


def text(value: Any, depth: int = 0) -> str:
    """JSON with a line for a case's small parts, so that a change shows as a line."""
    flat = json.dumps(value)
    if not value or not isinstance(value, dict | list) or (depth > 1 and len(flat) <= 90):
        return flat
    pad = " " * (depth + 1)
    if isinstance(value, list):
        if depth > 2:
            return flat
        lines = [pad + text(item, depth + 1) for item in value]
        return "[\n" + ",\n".join(lines) + "\n" + " " * depth + "]"
    lines = [f"{pad}{json.dumps(key)}: {text(item, depth + 1)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n" + " " * depth + "}"


def write(name: str, value: Json) -> None:
    (HERE / name).write_text(text(value) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", choices=["layers", "networks", []])
    arguments = parser.parse_args()
    what = arguments.what or ["layers", "networks"]
    torch.set_num_threads(2)
    warnings.simplefilter("ignore")
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    deepspeed_logger.setLevel(logging.ERROR)
    if "layers" in what:
        write("torch_tools_layers.json", record_layers())
    if "networks" in what:
        write("torch_tools_networks.json", record_networks())


if __name__ == "__main__":
    main()
