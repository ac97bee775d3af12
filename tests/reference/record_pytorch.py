"""Record what PyTorch makes of random layers and graphs, as the truth of the shape rules.

    python tests/reference/record_pytorch.py        # pytorch.json.gz, half a minute

It needs torch alone (2.13.0 was recorded, a CPU build). Every case is a spec, drawn at random from
a seed, and PyTorch's answer: the shapes that come out, the tensors that each layer owns, its
parameters and running statistics, and the products of its convolutions and linear layers; or that
it refuses.

The spec is run twice, by an interpreter of the spec language that is written here with PyTorch's
modules. On the `meta` device, where `FlopCounterMode` counts; and on small tensors on the CPU with
PyTorch's own kernels (oneDNN off), because the meta kernels check less. What either refuses is
refused, and where both answer they must agree. A result without elements is a refusal too: the
language has no empty tensors. The batch is 2, since a group norm of a single value per group is
refused for a batch of one alone.

Left out is where the language differs on purpose: `same` with a stride (TensorFlow's rule) or for a
pool (PyTorch has none), a slice or a split that PyTorch would cut short, a negative `pad`
(PyTorch crops), broadcasting between tensors of different rank (PyTorch would match channels with
cells), per-axis lists of the wrong length, and `kmax_pool`, `deform_conv`, `scale` and
`global_depthwise_conv`, which PyTorch does not have. A field that no layer takes is refused
wherever it stands, in a layer that is left out too; so graphs have none.
"""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import gzip
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

HERE = Path(__file__).parent
BATCH = 2
SEED = 20170417
LAYERS, GRAPHS = 4000, 600

F = nn.functional
Json = dict[str, Any]
Sizes = list[int]
#: A layer's fields and the sizes of its input to a module; the same by dice to fields.
Build = Callable[[Json, Sizes], nn.Module]
Draw = Callable[[Random, Sizes], Json]


# --- PyTorch's side: a layer's fields to a module -------------------------------------------------


def per_axis(value: Any, axes: int) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list) else (value,) * axes


def of_rank(name: str, axes: int) -> Any:
    """`nn.Conv2d` for two axes. Raises ValueError where PyTorch has none."""
    if not 1 <= axes <= 3:
        raise ValueError(f"PyTorch has no {name} for {axes} axes")
    return getattr(nn, f"{name}{axes}d")


class Then(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Any) -> Any:
        return self.function(*tensors)


class ChannelsLast(nn.Module):
    """A module that works on the last axis, on the channels."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Any) -> Any:
        return self.module(x.movedim(1, -1)).movedim(-1, 1)


def conv(f: Json, x: Sizes) -> nn.Module:
    axes = len(x) - 1
    padding = f.get("padding", 0)
    pairs = isinstance(padding, list) and any(isinstance(item, list) for item in padding)
    module = of_rank("Conv", axes)(
        x[0],
        f["out_channels"],
        f["kernel_size"],
        stride=f.get("stride", 1),
        padding=0 if pairs else padding,
        dilation=f.get("dilation", 1),
        groups=f.get("groups", 1),
        bias=f.get("bias", True),
    )
    return nn.Sequential(constant_pad(padding, axes), module) if pairs else module


def constant_pad(padding: Any, axes: int) -> nn.Module:
    return of_rank("ConstantPad", axes)(flat_pads(padding, axes), 0.0)


def flat_pads(padding: Any, axes: int) -> tuple[int, ...]:
    """Padding as PyTorch's pads have it: the last axis first."""
    pairs = [per_axis(item, 2) for item in per_axis(padding, axes)]
    return tuple(cell for pair in reversed(pairs) for cell in pair)


def depthwise(f: Json, x: Sizes) -> nn.Module:
    fields = {key: value for key, value in f.items() if key != "multiplier"}
    return conv(fields | {"out_channels": x[0] * f.get("multiplier", 1), "groups": x[0]}, x)


def conv_transpose(f: Json, x: Sizes) -> nn.Module:
    return of_rank("ConvTranspose", len(x) - 1)(
        x[0],
        f["out_channels"],
        f["kernel_size"],
        stride=f.get("stride", 1),
        padding=f.get("padding", 0),
        output_padding=f.get("output_padding", 0),
        groups=f.get("groups", 1),
        bias=f.get("bias", True),
        dilation=f.get("dilation", 1),
    )


def separable_conv(f: Json, x: Sizes) -> nn.Module:
    first = {key: value for key, value in f.items() if key != "out_channels"}
    maps = x[0] * f.get("multiplier", 1)
    second = {"out_channels": f["out_channels"], "kernel_size": 1, "bias": f.get("bias", True)}
    return nn.Sequential(depthwise(first, x), conv(second, [maps, *x[1:]]))


def spatial_separable_conv(f: Json, x: Sizes) -> nn.Module:
    out, k = f["out_channels"], f["kernel_size"]
    s, p, bias = f.get("stride", 1), f.get("padding", 0), f.get("bias", True)
    return nn.Sequential(
        nn.Conv2d(x[0], out, (k, 1), (s, 1), (p, 0), bias=bias),
        nn.Conv2d(out, out, (1, k), (1, s), (0, p), bias=bias),
    )


class SqueezeExcite(nn.Module):
    def __init__(self, f: Json, x: Sizes) -> None:
        super().__init__()
        axes = len(x) - 1
        self.scale = nn.Sequential(
            of_rank("AdaptiveAvgPool", axes)(1),
            of_rank("Conv", axes)(x[0], f["squeeze"], 1),
            ACTIVATIONS[f.get("activation", "relu")](),
            of_rank("Conv", axes)(f["squeeze"], x[0], 1),
            ACTIVATIONS[f.get("gate", "sigmoid")](),
        )

    def forward(self, x: Any) -> Any:
        return x * self.scale(x)


def pool(name: str) -> Build:
    def build(f: Json, x: Sizes) -> nn.Module:
        dilation = {"dilation": f["dilation"]} if "dilation" in f else {}
        return of_rank(name, len(x) - 1)(
            f["kernel_size"],
            f.get("stride"),
            f.get("padding", 0),
            ceil_mode=f.get("ceil_mode", False),
            **dilation,
        )

    return build


def pad(f: Json, x: Sizes) -> nn.Module:
    axes = len(x) - 1
    mode = f.get("mode", "constant")
    pads = flat_pads(f["padding"], axes)
    if mode == "constant":
        return of_rank("ConstantPad", axes)(pads, f.get("value", 0.0))
    kind = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}
    return of_rank(kind[mode], axes)(pads)


def upsample(f: Json, x: Sizes) -> nn.Module:
    size, scale = (
        tuple(value) if isinstance(value, list) else value
        for value in (f.get("size"), f.get("scale"))
    )
    mode = f.get("mode", "nearest")
    return Then(lambda t: F.interpolate(t, size=size, scale_factor=scale, mode=mode))


def layer_norm(f: Json, x: Sizes) -> nn.Module:
    affine = f.get("affine", True)
    if f.get("over") == "all":
        return nn.LayerNorm(x, elementwise_affine=affine)
    return ChannelsLast(nn.LayerNorm(x[0], elementwise_affine=affine))


def batch_norm(f: Json, x: Sizes) -> nn.Module:
    return of_rank("BatchNorm", max(1, len(x) - 1))(x[0], affine=f.get("affine", True))


def linear(f: Json, x: Sizes) -> nn.Module:
    if len(x) > 1 and not f.get("per_position"):
        raise ValueError("the language asks for a flat input, or for `per_position`")
    return ChannelsLast(nn.Linear(x[0], f["out_features"], f.get("bias", True)))


def split(f: Json, x: Sizes) -> nn.Module:
    sections = f["sections"]
    if isinstance(sections, int) and x[0] % sections:
        raise ValueError("the language has no smaller last part")
    size = sections if isinstance(sections, list) else x[0] // sections
    return Then(lambda t: t.split(size, dim=1))


def cut(f: Json, x: Sizes) -> nn.Module:
    kept = slice(f.get("start", 0), f.get("stop"), f.get("step", 1))
    if (kept.stop or 0) > x[f.get("axis", 0)]:
        raise ValueError("the language does not cut a slice short")
    index = (slice(None),) * (f.get("axis", 0) + 1) + (kept,)
    return Then(lambda t: t[index])


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "hard_swish": nn.Hardswish,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
    "tanh": nn.Tanh,
    "softmax": lambda: nn.Softmax(dim=1),
    "mish": nn.Mish,
    "softplus": nn.Softplus,
}

BUILD: dict[str, Build] = {
    "conv": conv,
    "depthwise_conv": depthwise,
    "pointwise_conv": lambda f, x: conv(f | {"kernel_size": 1}, x),
    "conv_transpose": conv_transpose,
    "separable_conv": separable_conv,
    "spatial_separable_conv": spatial_separable_conv,
    "squeeze_excite": SqueezeExcite,
    "max_pool": pool("MaxPool"),
    "avg_pool": pool("AvgPool"),
    "global_avg_pool": lambda f, x: of_rank("AdaptiveAvgPool", len(x) - 1)(1),
    "global_max_pool": lambda f, x: of_rank("AdaptiveMaxPool", len(x) - 1)(1),
    "adaptive_avg_pool": lambda f, x: of_rank("AdaptiveAvgPool", len(x) - 1)(f["output_size"]),
    "adaptive_max_pool": lambda f, x: of_rank("AdaptiveMaxPool", len(x) - 1)(f["output_size"]),
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": lambda f, x: nn.GroupNorm(f["groups"], x[0], affine=f.get("affine", True)),
    "instance_norm": lambda f, x: of_rank("InstanceNorm", len(x) - 1)(
        x[0], affine=f.get("affine", False)
    ),
    "local_response_norm": lambda f, x: nn.LocalResponseNorm(f["size"]),
    "prelu": lambda f, x: nn.PReLU(f.get("num_parameters", 1)),
    "linear": linear,
    "flatten": lambda f, x: nn.Flatten(),
    "reshape": lambda f, x: Then(lambda t: t.reshape((BATCH, *f["shape"]))),
    "dropout": lambda f, x: nn.Dropout(f.get("rate", 0.5)),
    "identity": lambda f, x: nn.Identity(),
    "channel_shuffle": lambda f, x: nn.ChannelShuffle(f["groups"]),
    "pixel_shuffle": lambda f, x: nn.PixelShuffle(f["factor"]),
    "pad": pad,
    "upsample": upsample,
    "split": split,
    "slice": cut,
    **{name: lambda f, x, make=make: make() for name, make in ACTIVATIONS.items()},
}

SHORT = {
    "out": ("out_channels", "out_features"),
    "k": ("kernel_size",),
    "s": ("stride",),
    "p": ("padding",),
    "d": ("dilation",),
    "g": ("groups",),
}


def canonical(type: str, fields: Json) -> Json:
    names = {short: long[0] for short, long in SHORT.items()}
    if type == "linear":
        names["out"] = "out_features"
    return {names.get(key, key): value for key, value in fields.items()}


# --- PyTorch's side: a spec to a network ----------------------------------------------------------


class Network:
    """A spec, run as it is read. `modules` are those that were made, in order."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.modules: list[nn.Module] = []

    def run(self, spec: Json) -> list[Any]:
        """The tensors that leave the network."""
        x = torch.zeros(BATCH, *spec["input"], device=self.device)
        names = {"input": [x]}
        last = self.stack(spec["layers"], [x], names)
        found = [names[name] for name in spec["outputs"]] if "outputs" in spec else [last]
        return [tensor for tensors in found for tensor in tensors]

    def stack(self, layers: list[Any], xs: list[Any], names: dict[str, list[Any]]) -> list[Any]:
        for element in layers:
            ((type, fields),) = element.items() if isinstance(element, dict) else [(element, {})]
            xs = self.element(type, dict(fields), xs, names)
        return xs

    def element(
        self, type: str, fields: Json, xs: list[Any], names: dict[str, list[Any]]
    ) -> list[Any]:
        if not fields.pop("when", True):
            return xs
        name = fields.pop("name", None)
        source = fields.pop("from", None)
        if source is not None:
            listed = source if isinstance(source, list) else [source]
            xs = [tensor for one in listed for tensor in self.named(one, names)]
        xs = self.result(type, fields, xs, names)
        if name is not None:
            names[name] = xs
        return xs

    def named(self, name: str, names: dict[str, list[Any]]) -> list[Any]:
        if name in names:
            return names[name]
        whole, _, part = name.rpartition(".")
        return [names[whole][int(part)]]

    def result(
        self, type: str, fields: Json, xs: list[Any], names: dict[str, list[Any]]
    ) -> list[Any]:
        if type == "sequential":
            return self.stack(fields["layers"], xs, dict(names))
        if type == "repeat":
            for _ in range(fields["times"]):
                xs = self.stack(fields["layers"], xs, dict(names))
            return xs
        if type == "residual":
            body = self.stack(fields["layers"], xs, dict(names))
            if not fields.get("connect", True):
                return body
            shortcut = self.stack(fields.get("shortcut", []), xs, dict(names))
            return self.join("add", [*body, *shortcut])
        if type == "branches":
            paths = fields["paths"]
            entering = [xs] * len(paths)
            if fields.get("split"):
                (x,) = xs
                if x.shape[1] % len(paths):
                    raise ValueError("the language has no smaller last part")
                entering = [[part] for part in x.split(x.shape[1] // len(paths), dim=1)]
            made = [self.stack(path, t, dict(names)) for path, t in zip(paths, entering)]
            return self.join(fields["merge"], [tensor for tensors in made for tensor in tensors])
        if type in ("add", "mul", "concat"):
            return self.join(type, xs)
        (x,) = xs
        with torch.device(self.device):
            module = BUILD[type](canonical(type, fields), list(x.shape[1:])).eval()
        self.modules.append(module)
        result = module(x)
        results = list(result) if isinstance(result, tuple) else [result]
        if any(tensor.numel() == 0 for tensor in results):
            raise ValueError("the language has no empty tensors")
        return results

    def join(self, type: str, xs: list[Any]) -> list[Any]:
        if type == "concat":
            return [torch.cat(xs, dim=1)]
        if len({x.ndim for x in xs}) > 1:
            raise ValueError("the language does not join tensors of different rank")
        result = xs[0]
        for x in xs[1:]:
            result = result + x if type == "add" else result * x
        return [result]

    def weights(self) -> list[dict[str, Sizes]]:
        """The tensors of each module that has some, the step counters of batch norms left out."""
        found = []
        for root in self.modules:
            for module in root.modules():
                own = {
                    name: list(tensor.shape)
                    for named in (module.named_parameters, module.named_buffers)
                    for name, tensor in named(recurse=False)
                    if name != "num_batches_tracked"
                }
                if own:
                    found.append(own)
        return found


REFUSALS = (RuntimeError, ValueError, IndexError, ZeroDivisionError, NotImplementedError)


def answer(spec: Json) -> Json:
    """What PyTorch says to a spec."""
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = Network("meta")
            counter = FlopCounterMode(display=False)
            with counter:
                outputs = [list(tensor.shape[1:]) for tensor in network.run(spec)]
            with torch.backends.mkldnn.flags(enabled=False):
                again = [list(tensor.shape[1:]) for tensor in Network("cpu").run(spec)]
    except REFUSALS as error:
        return {"refuses": str(error).split("\n")[0][:120]}
    assert outputs == again, f"PyTorch's devices differ: {spec}"
    everything = nn.ModuleList(network.modules)
    return {
        "outputs": outputs,
        "weights": network.weights(),
        "params": sum(parameter.numel() for parameter in everything.parameters()),
        "buffers": sum(
            buffer.numel()
            for name, buffer in everything.named_buffers()
            if not name.endswith("num_batches_tracked")
        ),
        "macs": counter.get_total_flops() // 2 // BATCH,
    }


# --- The dice: random specs -----------------------------------------------------------------------


def often(d: Random, chance: float) -> bool:
    return d.random() < chance


def each(d: Random, axes: int, low: int, high: int) -> Any:
    """A number for all axes, or one for each."""
    if often(d, 0.5):
        return d.randint(low, high)
    return [d.randint(low, high) for _ in range(axes)]


def divisor(d: Random, *numbers: int) -> int:
    """Mostly a number that divides the others, sometimes just any."""
    if often(d, 0.12):
        return d.randint(1, 6)
    return d.choice([n for n in range(1, min(numbers) + 1) if all(m % n == 0 for m in numbers)])


def some(d: Random, chance: float, **fields: Callable[[], Any]) -> Json:
    """Each of the fields with a chance."""
    return {name: make() for name, make in fields.items() if often(d, chance)}


def draw_conv(d: Random, x: Sizes) -> Json:
    axes = len(x) - 1
    grouped = often(d, 0.35)
    out = d.choice([x[0], 2 * x[0], d.randint(1, 12)]) if grouped else d.randint(1, 12)
    f: Json = {"out_channels": out, "kernel_size": each(d, axes, 1, 5)}
    f |= some(d, 0.4, stride=lambda: each(d, axes, 1, 4), dilation=lambda: each(d, axes, 1, 3))
    f |= some(d, 0.3, bias=lambda: often(d, 0.5))
    f |= {"groups": divisor(d, x[0], out)} if grouped else {}
    f |= draw_padding(d, axes, "stride" not in f)
    return f


def draw_padding(d: Random, axes: int, same: bool) -> Json:
    kind = d.random()
    if kind < 0.3:
        return {}
    if kind < 0.4:
        return {"padding": "valid"}
    if kind < 0.5 and same:
        return {"padding": "same"}
    if kind < 0.65:
        return {"padding": [[d.randint(0, 3), d.randint(0, 3)] for _ in range(axes)]}
    return {"padding": each(d, axes, 0, 4)}


def without(fields: Json, *names: str) -> Json:
    return {name: value for name, value in fields.items() if name not in names}


def draw_depthwise(d: Random, x: Sizes) -> Json:
    f = without(draw_conv(d, x), "out_channels", "groups")
    return f | some(d, 0.3, multiplier=lambda: d.randint(1, 3))


def draw_separable(d: Random, x: Sizes) -> Json:
    return draw_depthwise(d, x) | {"out_channels": d.randint(1, 12)}


def draw_spatial_separable(d: Random, x: Sizes) -> Json:
    f: Json = {"out_channels": d.randint(1, 8), "kernel_size": d.randint(1, 7)}
    return f | some(
        d,
        0.5,
        stride=lambda: d.randint(1, 3),
        padding=lambda: d.randint(0, 3),
        bias=lambda: often(d, 0.5),
    )


def draw_transpose(d: Random, x: Sizes) -> Json:
    axes = len(x) - 1
    out = d.choice([x[0], 2 * x[0], d.randint(1, 8)])
    f: Json = {"out_channels": out, "kernel_size": each(d, axes, 1, 4)}
    f |= some(d, 0.6, stride=lambda: each(d, axes, 1, 4), padding=lambda: each(d, axes, 0, 3))
    f |= some(d, 0.3, dilation=lambda: each(d, axes, 1, 3), bias=lambda: often(d, 0.5))
    f |= some(d, 0.4, output_padding=lambda: each(d, axes, 0, 2))
    f |= some(d, 0.4, groups=lambda: divisor(d, x[0], out))
    return f


def draw_avg_pool(d: Random, x: Sizes) -> Json:
    axes = len(x) - 1
    f: Json = {"kernel_size": each(d, axes, 1, 5)}
    f |= some(d, 0.6, stride=lambda: each(d, axes, 1, 5), padding=lambda: each(d, axes, 0, 2))
    f |= some(d, 0.5, ceil_mode=lambda: often(d, 0.8))
    return f


def draw_max_pool(d: Random, x: Sizes) -> Json:
    axes = len(x) - 1
    return draw_avg_pool(d, x) | some(d, 0.3, dilation=lambda: each(d, axes, 1, 3))


def draw_pad(d: Random, x: Sizes) -> Json:
    axes = len(x) - 1
    padding = (
        each(d, axes, 0, 4)
        if often(d, 0.5)
        else [[d.randint(0, 4), d.randint(0, 4)] for _ in range(axes)]
    )
    mode = ("constant", "reflect", "replicate", "circular")
    return {"padding": padding} | some(d, 0.7, mode=lambda: d.choice(mode))


SCALES = (1, 2, 3, 0.5, 1.5, 2.5, 0.7, 0.1, 0.3, 1.1, 2.3, 1 / 3, 2 / 3, 1 / 7, 1 / 49, 0.01)


def draw_upsample(d: Random, x: Sizes) -> Json:
    axes = len(x) - 1
    f: Json
    if often(d, 0.4):
        f = {"size": each(d, axes, 1, 20)}
    else:
        listed = [d.choice(SCALES) for _ in range(axes)]
        f = {"scale": d.choice([listed[0], listed])}
    modes = ["nearest", "nearest-exact", "area"]
    modes += {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}[axes]
    wrong = ["linear", "bilinear", "bicubic", "trilinear"]
    return f | some(d, 0.6, mode=lambda: d.choice(wrong if often(d, 0.1) else modes))


def draw_reshape(d: Random, x: Sizes) -> Json:
    size = 1
    for n in x:
        size *= n
    shape = []
    for _ in range(d.randint(0, 3)):
        factor = d.choice([n for n in range(1, size + 1) if size % n == 0])
        shape.append(factor)
        size //= factor
    shape.insert(d.randint(0, len(shape)), -1 if often(d, 0.6) else size)
    if often(d, 0.15):
        shape[d.randrange(len(shape))] = d.choice([-1, 2, 3, 5])
    return {"shape": shape}


def draw_split(d: Random, x: Sizes) -> Json:
    if often(d, 0.5):
        return {"sections": d.choice([n for n in range(2, x[0] + 1) if x[0] % n == 0] or [[x[0]]])}
    parts = []
    left = x[0]
    while left:
        parts.append(d.randint(1, left))
        left -= parts[-1]
    if often(d, 0.15):
        parts.append(d.randint(1, 3))
    return {"sections": parts}


def draw_slice(d: Random, x: Sizes) -> Json:
    axis = d.randrange(len(x) + (1 if often(d, 0.05) else 0))
    size = x[axis] if axis < len(x) else 1
    start = d.randrange(size)
    stop = d.randint(start + 1, size)
    f: Json = {"axis": axis, "start": start}
    return f | some(d, 0.6, stop=lambda: stop, step=lambda: d.randint(1, 4))


def draw_squeeze_excite(d: Random, x: Sizes) -> Json:
    f: Json = {"squeeze": d.randint(1, 8)}
    word = list(ACTIVATIONS)
    return f | some(d, 0.4, activation=lambda: d.choice(word), gate=lambda: d.choice(word))


def nothing(d: Random, x: Sizes) -> Json:
    return {}


#: Spatial axes, at least and at most; how often the type is drawn; how its fields are.
DRAW: dict[str, tuple[int, int, int, Draw]] = {
    "conv": (1, 3, 10, draw_conv),
    "depthwise_conv": (1, 3, 4, draw_depthwise),
    "pointwise_conv": (1, 3, 3, lambda d, x: without(draw_conv(d, x), "kernel_size")),
    "conv_transpose": (1, 3, 8, draw_transpose),
    "separable_conv": (1, 3, 3, draw_separable),
    "spatial_separable_conv": (2, 2, 2, draw_spatial_separable),
    "squeeze_excite": (1, 3, 2, draw_squeeze_excite),
    "max_pool": (1, 3, 8, draw_max_pool),
    "avg_pool": (1, 3, 8, draw_avg_pool),
    "global_avg_pool": (1, 3, 1, nothing),
    "global_max_pool": (1, 3, 1, nothing),
    "adaptive_avg_pool": (1, 3, 2, lambda d, x: {"output_size": each(d, len(x) - 1, 1, 9)}),
    "adaptive_max_pool": (1, 3, 2, lambda d, x: {"output_size": each(d, len(x) - 1, 1, 9)}),
    "batch_norm": (0, 3, 2, lambda d, x: some(d, 0.4, affine=lambda: often(d, 0.5))),
    "layer_norm": (
        0,
        3,
        3,
        lambda d, x: some(
            d,
            0.4,
            affine=lambda: often(d, 0.5),
            over=lambda: d.choice(["channels", "all"]),
        ),
    ),
    "group_norm": (
        0,
        3,
        3,
        lambda d, x: {"groups": divisor(d, x[0])} | some(d, 0.4, affine=lambda: often(d, 0.5)),
    ),
    "instance_norm": (1, 3, 2, lambda d, x: some(d, 0.4, affine=lambda: often(d, 0.5))),
    "local_response_norm": (0, 3, 1, lambda d, x: {"size": d.randint(1, 7)}),
    "prelu": (
        0,
        3,
        2,
        lambda d, x: some(d, 0.7, num_parameters=lambda: d.choice([1, x[0], d.randint(1, 9)])),
    ),
    "linear": (
        0,
        3,
        4,
        lambda d, x: (
            {"out_features": d.randint(1, 30)}
            | some(d, 0.5, bias=lambda: often(d, 0.5), per_position=lambda: often(d, 0.8))
        ),
    ),
    "flatten": (0, 3, 1, nothing),
    "reshape": (0, 3, 4, draw_reshape),
    "dropout": (0, 3, 1, lambda d, x: some(d, 0.5, rate=lambda: d.choice([0, 0.2, 0.5, 1]))),
    "identity": (0, 3, 1, nothing),
    "channel_shuffle": (0, 3, 2, lambda d, x: {"groups": divisor(d, x[0])}),
    "pixel_shuffle": (2, 2, 2, lambda d, x: {"factor": d.choice([1, 2, 2, 3])}),
    "pad": (1, 3, 4, draw_pad),
    "upsample": (1, 3, 6, draw_upsample),
    "split": (0, 3, 2, draw_split),
    "slice": (0, 3, 2, draw_slice),
    **dict.fromkeys(ACTIVATIONS, (0, 3, 1, nothing)),
}

TYPES = list(DRAW)
SHARES = [DRAW[type][2] for type in TYPES]
#: The largest side of an input, by its spatial axes: the CPU has to run it, too.
LONGEST = (48, 60, 14, 7)


def draw_sizes(d: Random, axes: int) -> Sizes:
    channels = d.choice([1, 2, 3, 4, 6, 8, 9, 12, d.randint(1, 20)])
    longest = 2 if often(d, 0.15) else LONGEST[axes]
    return [channels, *(d.randint(1, longest) for _ in range(axes))]


def draw_fields(d: Random, type: str, x: Sizes) -> Json:
    """The fields of a layer, some by their short names."""
    fields = DRAW[type][3](d, x)
    shorts = {long: short for short, names in SHORT.items() for long in names}
    return {
        shorts[name] if name in shorts and often(d, 0.5) else name: value
        for name, value in fields.items()
    }


#: What no layer takes.
BROKEN = {"kernel_size": 0, "stride": 0, "dilation": 0, "groups": 0, "factor": 0, "size": 0}
BROKEN |= {"padding": -1, "output_padding": -1}


def draw_layer(d: Random, type: str) -> Json:
    """A spec of one layer; rarely, one with a field that no layer takes."""
    fewest, most, _, _ = DRAW[type]
    x = draw_sizes(d, d.randint(fewest, most))
    fields = draw_fields(d, type, x)
    present = [name for name in fields if name in BROKEN and type != "pad"]
    if present and often(d, 0.02):
        name = d.choice(present)
        fields[name] = BROKEN[name]
    return {"name": type, "input": x, "layers": [{type: fields}]}


class Draughtsman:
    """Draws graphs. What PyTorch makes of each layer says what the next one may be."""

    def __init__(self, d: Random) -> None:
        self.d = d
        self.names = 0

    def graph(self) -> Json:
        x = draw_sizes(self.d, self.d.choice([0, 1, 2, 2, 2, 3]))
        known: dict[str, list[Sizes]] = {"input": [x]}
        layers, _ = self.stack([x], known, self.d.randint(2, 7), depth=0)
        spec = {"name": "graph", "input": x, "layers": layers}
        mine = [name for name in known if name != "input"]
        if mine and often(self.d, 0.3):
            spec["outputs"] = self.d.sample(mine, self.d.randint(1, min(3, len(mine))))
        return spec

    def stack(
        self, xs: list[Sizes], known: dict[str, list[Sizes]], length: int, depth: int
    ) -> tuple[list[Json], list[Sizes]]:
        """Some layers on tensors of these sizes, and the sizes that come out."""
        layers: list[Json] = []
        for _ in range(length):
            element = self.element(xs, known, depth)
            (fields,) = element.values()
            if "from" not in fields and len(xs) != 1:
                fields["from"] = self.d.choice(self.single(known))
            if often(self.d, 0.25):
                self.names += 1
                fields["name"] = f"t{self.names}"
            made = self.try_out(element, xs, known)
            if made is None and often(self.d, 0.95):
                continue
            layers.append(element)
            if made is None:
                break
            if often(self.d, 0.05):
                fields["when"] = False
                fields.pop("name", None)
                continue
            xs = made
            if "name" in fields:
                known[fields["name"]] = xs
        return layers, xs

    def single(self, known: dict[str, list[Sizes]]) -> list[str]:
        """What `from` can name as one tensor."""
        return [
            name if len(shapes) == 1 else f"{name}.{part}"
            for name, shapes in known.items()
            for part in range(len(shapes))
        ]

    def try_out(
        self, element: Json, xs: list[Sizes], known: dict[str, list[Sizes]]
    ) -> list[Sizes] | None:
        """The sizes that PyTorch makes; None where it refuses."""

        def tensors(shapes: list[Sizes]) -> list[Any]:
            return [torch.zeros(BATCH, *shape, device="meta") for shape in shapes]

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                names = {name: tensors(shapes) for name, shapes in known.items()}
                made = Network("meta").stack([element], tensors(xs), names)
        except REFUSALS:
            return None
        shapes = [list(tensor.shape[1:]) for tensor in made]
        fits = all(1 <= len(s) <= 4 and torch.Size(s).numel() < 20000 for s in shapes)
        return shapes if fits else None

    def element(self, xs: list[Sizes], known: dict[str, list[Sizes]], depth: int) -> Json:
        d = self.d
        kind = d.random()
        if kind < 0.15:
            return {d.choice(["add", "mul", "concat"]): {"from": self.partners(known)}}
        if kind < 0.5 and depth < 2 and len(xs) == 1:
            return self.structure(xs, known, depth)
        x = xs[0]
        types = [
            type
            for type in TYPES
            if DRAW[type][0] <= len(x) - 1 <= DRAW[type][1] and (type != "split" or x[0] > 1)
        ]
        (type,) = d.choices(types, [DRAW[type][2] for type in types])
        return {type: draw_fields(d, type, x) | some(d, 0.05, when=lambda: True)}

    def partners(self, known: dict[str, list[Sizes]]) -> list[str]:
        """Tensors to join: mostly of one rank."""
        names = self.single(known)
        first = self.d.choice(names)
        return [first, *(self.d.choice(names) for _ in range(self.d.randint(1, 2)))]

    def structure(self, xs: list[Sizes], known: dict[str, list[Sizes]], depth: int) -> Json:
        d = self.d
        type = d.choice(["sequential", "repeat", "residual", "residual", "branches", "branches"])
        inner = dict(known)
        if type == "residual":
            body, ys = self.stack(xs, inner, d.randint(1, 3), depth + 1)
            fields: Json = {"layers": body}
            if len(xs[0]) > 1 and len(ys) == 1 and ys != xs and len(ys[0]) == len(xs[0]):
                # A projection, as residual networks have it.
                size = ys[0][1:] if len(ys[0]) > 2 else ys[0][1]
                resize = {"adaptive_avg_pool": {"output_size": size}}
                fields["shortcut"] = [resize, {"pointwise_conv": {"out": ys[0][0]}}]
            return {type: fields | some(d, 0.2, connect=lambda: often(d, 0.5))}
        if type == "branches":
            count = d.randint(1, 3)
            fields = {"merge": d.choice(["concat", "add", "mul"])}
            if often(d, 0.3) and xs[0][0] % count == 0:
                fields["split"] = True
                xs = [[xs[0][0] // count, *xs[0][1:]]]
            paths = [
                self.stack(xs, dict(inner), d.randint(0, 2), depth + 1)[0] for _ in range(count)
            ]
            return {type: fields | {"paths": paths}}
        layers, _ = self.stack(xs, inner, d.randint(1, 3), depth + 1)
        return {type: {"layers": layers} | ({"times": d.randint(0, 3)} if type == "repeat" else {})}


def cases(seed: int, layers: int, graphs: int) -> Iterator[tuple[Json, Json]]:
    """Specs with PyTorch's answers."""
    d = Random(seed)
    for type in d.choices(TYPES, SHARES, k=layers):
        spec = draw_layer(d, type)
        yield spec, answer(spec)
    drawn = 0
    while drawn < graphs:
        spec = Draughtsman(d).graph()
        if len(spec["layers"]) > 1:
            drawn += 1
            yield spec, answer(spec)


def main() -> None:
    found = list(cases(SEED, LAYERS, GRAPHS))
    record = {
        "versions": {"torch": str(torch.__version__)},
        "seed": SEED,
        "cases": [{"spec": spec, "answer": given} for spec, given in found],
    }
    text = json.dumps(record, separators=(",", ":"))
    # No time stamp: the same answers are the same file.
    with gzip.GzipFile(HERE / "pytorch.json.gz", "wb", mtime=0) as file:
        file.write(text.encode())
    refused = sum("refuses" in given for _, given in found)
    print(f"{len(found)} cases, of which PyTorch refuses {refused}")


if __name__ == "__main__":
    main()
