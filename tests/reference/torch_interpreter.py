"""The spec language, run by PyTorch: an interpreter that was written apart from convcalc.

A layer becomes a module of `torch.nn`, or one that calls the functions that PyTorch has for it; a
spec is run as it is read, on tensors. What PyTorch refuses is an error here, and so is what the
language refuses on purpose although PyTorch takes it. record_pytorch.py asks it.
"""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn

BATCH = 2

F = nn.functional
Json = dict[str, Any]
Sizes = list[int]
#: A layer's fields and the sizes of its input to a module.
Build = Callable[[Json, Sizes], nn.Module]
#: What a module that cannot be made, or run, raises.
REFUSALS = (RuntimeError, ValueError, IndexError, ZeroDivisionError, NotImplementedError)


# --- A layer's fields to a module -----------------------------------------------------------------


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


def dimension(axis: int, x: Sizes) -> int:
    """PyTorch's number for an axis, whose tensors have a batch before the channels."""
    if not -len(x) <= axis < len(x):
        raise IndexError(f"{x} has no axis {axis}")
    return axis % len(x) + 1


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


class SelfAttention(nn.Module):
    """Attention between tokens `[C, T]`, as timm writes it: one projection to all that is asked."""

    def __init__(self, f: Json, x: Sizes) -> None:
        super().__init__()
        if len(x) != 2:
            raise ValueError("tokens have channels and one axis of positions")
        self.heads = f["heads"]
        if "head_channels" not in f and x[0] % self.heads:
            raise ValueError("the channels do not divide among the heads")
        self.channels = f.get("head_channels", x[0] // self.heads)
        inner = self.heads * self.channels
        self.qkv = nn.Linear(x[0], 3 * inner, f.get("qkv_bias", True))
        self.proj = nn.Linear(inner, x[0])

    def forward(self, x: Any) -> Any:
        parts = self.qkv(x.movedim(1, -1)).unflatten(-1, (3, self.heads, self.channels))
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        weights = (q * self.channels**-0.5 @ k.transpose(-2, -1)).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).flatten(2)).movedim(-1, 1)


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


def adaptive_pool(name: str) -> Build:
    def build(f: Json, x: Sizes) -> nn.Module:
        axes = len(x) - 1
        # PyTorch's pools for one axis do not take the `None` of the others.
        sizes = [n if o is None else o for n, o in zip(x[1:], per_axis(f["output_size"], axes))]
        return of_rank(name, axes)(sizes)

    return build


class MaxUnpool(nn.Module):
    def __init__(self, f: Json, x: Sizes) -> None:
        super().__init__()
        axes = len(x) - 1
        k, s, p = f["kernel_size"], f.get("stride"), f.get("padding", 0)
        self.unpool = of_rank("MaxUnpool", axes)(k, s, p)
        size = f.get("output_size")
        self.size = None if size is None else list(per_axis(size, axes))

    def forward(self, x: Any) -> Any:
        return self.unpool(x, torch.zeros_like(x, dtype=torch.int64), self.size)


def unfold(f: Json, x: Sizes) -> nn.Module:
    if len(x) != 3:
        raise ValueError("PyTorch unfolds two axes")
    return nn.Unfold(*sliding(f))


def fold(f: Json, x: Sizes) -> nn.Module:
    if len(x) != 2:
        raise ValueError("PyTorch folds what was unfolded")
    return nn.Fold(f["output_size"], *sliding(f))


def sliding(f: Json) -> tuple[Any, ...]:
    """The windows of `nn.Unfold` and `nn.Fold`, in their order."""
    return f["kernel_size"], f.get("dilation", 1), f.get("padding", 0), f.get("stride", 1)


def pad(f: Json, x: Sizes) -> nn.Module:
    axes = len(x) - 1
    mode, value = f.get("mode", "constant"), f.get("value", 0.0)
    pads = flat_pads(f["padding"], axes) if "axis" not in f else one_axis(f, x)
    if mode == "constant":
        return Then(lambda t: F.pad(t, pads, mode, value))
    if len(pads) > 2 * axes:
        raise ValueError("PyTorch pads channels with constants alone")
    kind = {"reflect": "ReflectionPad", "replicate": "ReplicationPad", "circular": "CircularPad"}
    return of_rank(kind[mode], axes)(pads)


def one_axis(f: Json, x: Sizes) -> tuple[int, ...]:
    """The padding of one axis as PyTorch's pads have it, with none of the other spatial ones."""
    dim = dimension(f["axis"], x)
    after, before = len(x) - dim, max(0, dim - 2)
    return (0, 0) * after + per_axis(f["padding"], 2) + (0, 0) * before


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


def rms_norm(f: Json, x: Sizes) -> nn.Module:
    return ChannelsLast(nn.RMSNorm(x[0], elementwise_affine=f.get("affine", True)))


def batch_norm(f: Json, x: Sizes) -> nn.Module:
    return of_rank("BatchNorm", max(1, len(x) - 1))(x[0], affine=f.get("affine", True))


def linear(f: Json, x: Sizes) -> nn.Module:
    if len(x) > 1 and not f.get("per_position"):
        raise ValueError("the language asks for a flat input, or for `per_position`")
    return ChannelsLast(nn.Linear(x[0], f["out_features"], f.get("bias", True)))


def split(f: Json, x: Sizes) -> nn.Module:
    (parts,) = [f[key] for key in ("sections", "sizes") if key in f]
    dim = dimension(f.get("axis", 0), x)
    whole = x[dim - 1]
    if isinstance(parts, int) and whole % parts:
        raise ValueError("the language has no smaller last part")
    size = parts if isinstance(parts, list) else whole // parts
    return Then(lambda t: t.split(size, dim))


def cut(f: Json, x: Sizes) -> nn.Module:
    kept = slice(f.get("start", 0), f.get("stop"), f.get("step", 1))
    dim = dimension(f.get("axis", 0), x)
    if any(not -x[dim - 1] <= end <= x[dim - 1] for end in (kept.start, kept.stop) if end):
        raise ValueError("the language does not cut a slice short")
    index = (slice(None),) * dim + (kept,)
    return Then(lambda t: t[index])


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "mean": torch.mean,
    "sum": torch.sum,
    "max": torch.amax,
    "min": torch.amin,
    "l2": torch.linalg.vector_norm,
}


def reduce(f: Json, x: Sizes) -> nn.Module:
    dims = [dimension(axis, x) for axis in f["axes"]]
    keep = f.get("keep", False)
    if len(dims) == len(x) and not keep:
        raise ValueError("the language has no tensors without axes")
    return Then(lambda t: REDUCTIONS[f["op"]](t, dim=dims, keepdim=keep))


def permute(f: Json, x: Sizes) -> nn.Module:
    order = [dimension(axis, x) for axis in f["order"]]
    return Then(lambda t: t.permute(0, *order))


def clamp(f: Json, x: Sizes) -> nn.Module:
    return Then(lambda t: t.clamp(f.get("min"), f.get("max")))


def of_pixels(module: Callable[[int], nn.Module], f: Json, x: Sizes) -> nn.Module:
    if len(x) != 3:
        raise ValueError("more axes are samples to PyTorch, and the channels are one of the last")
    return module(f["factor"])


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
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": torch.abs,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "exp": torch.exp,
    "log": torch.log,
}

BUILD: dict[str, Build] = {
    "conv": conv,
    "depthwise_conv": depthwise,
    "pointwise_conv": lambda f, x: conv(f | {"kernel_size": 1}, x),
    "conv_transpose": conv_transpose,
    "separable_conv": separable_conv,
    "spatial_separable_conv": spatial_separable_conv,
    "squeeze_excite": SqueezeExcite,
    "self_attention": SelfAttention,
    "max_pool": pool("MaxPool"),
    "avg_pool": pool("AvgPool"),
    "global_avg_pool": lambda f, x: of_rank("AdaptiveAvgPool", len(x) - 1)(1),
    "global_max_pool": lambda f, x: of_rank("AdaptiveMaxPool", len(x) - 1)(1),
    "adaptive_avg_pool": adaptive_pool("AdaptiveAvgPool"),
    "adaptive_max_pool": adaptive_pool("AdaptiveMaxPool"),
    "max_unpool": MaxUnpool,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": lambda f, x: nn.GroupNorm(f["groups"], x[0], affine=f.get("affine", True)),
    "instance_norm": lambda f, x: of_rank("InstanceNorm", len(x) - 1)(
        x[0], affine=f.get("affine", False)
    ),
    "local_response_norm": lambda f, x: nn.LocalResponseNorm(f["size"]),
    "prelu": lambda f, x: nn.PReLU(f.get("num_parameters", 1)),
    "linear": linear,
    "flatten": lambda f, x: nn.Flatten(dimension(f.get("start_axis", 0), x)),
    "reshape": lambda f, x: Then(lambda t: t.reshape(len(t), *f["shape"])),
    "permute": permute,
    "reduce": reduce,
    "dropout": lambda f, x: nn.Dropout(f.get("rate", 0.5)),
    "identity": lambda f, x: nn.Identity(),
    "channel_shuffle": lambda f, x: nn.ChannelShuffle(f["groups"]),
    "pixel_shuffle": lambda f, x: of_pixels(nn.PixelShuffle, f, x),
    "pixel_unshuffle": lambda f, x: of_pixels(nn.PixelUnshuffle, f, x),
    "unfold": unfold,
    "fold": fold,
    "pad": pad,
    "upsample": upsample,
    "split": split,
    "slice": cut,
    "clamp": clamp,
    **{name: lambda f, x, make=make: make() for name, make in ACTIVATIONS.items()},
    **{name: lambda f, x, make=make: Then(make) for name, make in FUNCTIONS.items()},
    "softmax": lambda f, x: nn.Softmax(dimension(f.get("axis", 0), x)),
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


# --- Layers of no input, or of several ------------------------------------------------------------


class Parameter(nn.Module):
    """A learned tensor, the same for every sample."""

    def __init__(self, shape: Sizes) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self) -> Any:
        return self.weight.detach().expand(BATCH, *self.weight.shape)


class Opaque(nn.Module):
    """An operator that nothing is known of but what it learns and what comes out."""

    def __init__(self, shape: Sizes, tensors: list[Sizes]) -> None:
        super().__init__()
        self.shape = shape
        for index, sizes in enumerate(tensors):
            self.register_parameter(f"tensor_{index}", nn.Parameter(torch.zeros(sizes)))

    def forward(self, *xs: Any) -> Any:
        return xs[0].new_zeros(len(xs[0]), *self.shape)


#: Elementwise, of tensors or of a tensor and a constant; those of two tensors alone.
ELEMENTWISE: dict[str, Callable[[Any, Any], Any]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "maximum": torch.maximum,
    "minimum": torch.minimum,
}
OF_TWO = ("sub", "div", "matmul")


def one_rank(xs: tuple[Any, ...]) -> None:
    """Raises ValueError where tensors have different numbers of axes."""
    if len({x.ndim for x in xs}) > 1:
        raise ValueError("the language does not join tensors of different rank")


def elementwise(type: str, f: Json) -> nn.Module:
    function = ELEMENTWISE[type]

    def joined(*xs: Any) -> Any:
        one_rank(xs)
        if "value" in f:
            (x,) = xs
            return function(x, x.new_tensor(f["value"]))
        if len(xs) < 2 or (type in OF_TWO and len(xs) > 2):
            raise ValueError(f"{type} is not for {len(xs)} tensors")
        return functools.reduce(function, xs)

    return Then(joined)


def matmul(f: Json) -> nn.Module:
    def product(*xs: Any) -> Any:
        one_rank(xs)
        a, b = xs
        if a.ndim < 3:
            raise ValueError("a matrix has two axes")
        a, b = [
            x.transpose(-2, -1) if f.get(key) else x
            for x, key in ((a, "transpose_a"), (b, "transpose_b"))
        ]
        return a @ b

    return Then(product)


def concat(f: Json) -> nn.Module:
    def joined(*xs: Any) -> Any:
        return torch.cat(xs, dimension(f.get("axis", 0), list(xs[0].shape[1:])))

    return Then(joined)


#: Fields to a module that takes as many tensors as come.
BUILD_JOIN: dict[str, Callable[[Json], nn.Module]] = {
    **{type: lambda f, type=type: elementwise(type, f) for type in ELEMENTWISE},
    "matmul": matmul,
    "concat": concat,
    "parameter": lambda f: Parameter(f["shape"]),
    "opaque": lambda f: Opaque(f["shape"], f.get("tensors", [])),
}


# --- A spec to a network --------------------------------------------------------------------------


class Laid(NamedTuple):
    """A layer of a network: its type, its fields with a value for every axis, and its module."""

    type: str
    fields: Json
    module: nn.Module


class Made(NamedTuple):
    """What a name stands for: its tensors, and the layers that made them, in order."""

    tensors: list[Any]
    layers: list[Laid]


Names = dict[str, Made]


class Network:
    """A spec, run as it is read. `layers` are those that were run, in order."""

    def __init__(self, device: str, blocks: Json) -> None:
        self.device = device
        self.blocks = blocks
        self.layers: list[Laid] = []
        #: Those that the next one has its tensors from, if any: the innermost is the last.
        self.owners: list[Iterator[Laid]] = []
        self.frozen = False

    def run(self, spec: Json) -> list[Any]:
        """The tensors that leave the network."""
        given = spec["input"]
        sizes = given if isinstance(given, dict) else {"input": given}
        inputs = {name: self.tensor(shape) for name, shape in sizes.items()}
        names = {name: Made([tensor], []) for name, tensor in inputs.items()}
        names["input"] = Made(list(inputs.values()), [])
        last = self.stack(spec["layers"], list(inputs.values()), names)
        found = [names[name].tensors for name in spec["outputs"]] if "outputs" in spec else [last]
        return [tensor for tensors in found for tensor in tensors]

    def tensor(self, sizes: Sizes) -> Any:
        """A tensor that enters the network."""
        return torch.zeros(BATCH, *sizes, device=self.device)

    def stack(self, layers: list[Any], xs: list[Any], names: Names) -> list[Any]:
        for element in layers:
            xs = self.element(element, xs, names)
        return xs

    def element(self, element: Any, xs: list[Any], names: Names) -> list[Any]:
        """What one element of a list makes; where it has a name, `names` has it afterwards."""
        ((type, given),) = element.items() if isinstance(element, dict) else [(element, {})]
        fields = dict(given)
        if not fields.pop("when", True):
            return xs
        name = fields.pop("name", None)
        source = fields.pop("from", None)
        if source is not None:
            listed = source if isinstance(source, list) else [source]
            xs = [tensor for one in listed for tensor in self.named(one, names)]
        wanted = fields.pop("output_shape", None)
        first = len(self.layers)
        with self.freezing(not fields.pop("trainable", True)):
            owner = fields.pop("weights", None)
            with self.sharing(None if owner is None else names[owner].layers):
                xs = self.result(type, fields, xs, names)
        if wanted is not None and [list(x.shape[1:]) for x in xs] != [wanted]:
            raise ValueError("the output has another shape than is stated")
        if name is not None:
            names[name] = Made(xs, self.layers[first:])
        return xs

    def named(self, name: str, names: Names) -> list[Any]:
        if name in names:
            return names[name].tensors
        whole, _, part = name.rpartition(".")
        return [names[whole].tensors[int(part)]]

    def result(self, type: str, fields: Json, xs: list[Any], names: Names) -> list[Any]:
        if type in self.blocks:
            return self.stack(self.blocks[type]["layers"], xs, {"input": Made(xs, [])})
        if type == "sequential":
            return self.stack(fields["layers"], xs, dict(names))
        if type == "repeat":
            return self.repeat(fields, xs, names)
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
        return self.layer(type, fields, xs)

    def repeat(self, fields: Json, xs: list[Any], names: Names) -> list[Any]:
        turns: list[list[Laid]] = []
        for _ in range(fields["times"]):
            first = len(self.layers)
            with self.sharing(turns[0] if turns and fields.get("share_weights") else None):
                xs = self.stack(fields["layers"], xs, dict(names))
            turns.append(self.layers[first:])
        return xs

    def join(self, type: str, xs: list[Any]) -> list[Any]:
        """The join of a structure: nothing where there is one tensor."""
        return xs if len(xs) == 1 else self.layer(type, {}, xs)

    def layer(self, type: str, fields: Json, xs: list[Any]) -> list[Any]:
        axes = xs[0].ndim - 2 if xs else 0
        fields = spread(type, canonical(type, fields), axes)
        with torch.device(self.device):
            if type in BUILD_JOIN:
                module = BUILD_JOIN[type](fields)
            else:
                (x,) = xs
                module = BUILD[type](fields, list(x.shape[1:]))
        module.eval()
        if self.frozen:
            module.requires_grad_(False)
        laid = Laid(type, {key: for_all_axes(key, f, axes) for key, f in fields.items()}, module)
        for owners in self.owners:
            tie(laid, next(owners, None))
        self.layers.append(laid)
        # How a tensor lies in memory is nothing to the language.
        result = module(*[] if type == "parameter" else [x.contiguous() for x in xs])
        results = list(result) if isinstance(result, tuple) else [result]
        if any(tensor.numel() == 0 for tensor in results):
            raise ValueError("the language has no empty tensors")
        return results

    @contextmanager
    def sharing(self, layers: list[Laid] | None) -> Iterator[None]:
        """What is laid meanwhile has its tensors from these, one after the other."""
        if layers is None:
            yield
            return
        self.owners.append(owners := iter(layers))
        yield
        self.owners.pop()
        if next(owners, None) is not None:
            raise ValueError("what is shared has more layers")

    @contextmanager
    def freezing(self, frozen: bool) -> Iterator[None]:
        """What is laid meanwhile does not train."""
        before, self.frozen = self.frozen, self.frozen or frozen
        yield
        self.frozen = before

    def weights(self) -> list[dict[str, Sizes]]:
        """The tensors of each module, those of others and step counters of batch norms left out."""
        found = []
        known: set[int] = set()
        for laid in self.layers:
            for module in laid.module.modules():
                own = {
                    name: tensor
                    for named in (module.named_parameters, module.named_buffers)
                    for name, tensor in named(recurse=False)
                    if name != "num_batches_tracked" and id(tensor) not in known
                }
                known.update(map(id, own.values()))
                if own:
                    found.append({name: list(tensor.shape) for name, tensor in own.items()})
        return found


#: Fields that have a value for every axis, and those that name axes.
PER_AXIS = frozenset(
    (
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "output_padding",
        "output_size",
        "scale",
        "size",
    )
)
OF_AXES = ("axis", "start_axis", "axes", "order")


def spread(type: str, fields: Json, axes: int) -> Json:
    """The fields of a layer, each list of one made one for every axis. Raises ValueError."""
    axes = 2 if type == "fold" else axes
    result = dict(fields)
    for key in PER_AXIS & fields.keys():
        listed = fields[key]
        if isinstance(listed, list) and not (type == "pad" and "axis" in fields):
            result[key] = listed * axes if len(listed) == 1 else listed
            if len(result[key]) != axes:
                raise ValueError("the language asks for one value, or for one an axis")
    return result


def for_all_axes(key: str, value: Any, axes: int) -> Any:
    """A field as it is on an input with so many spatial axes."""
    if key in OF_AXES:
        listed = value if isinstance(value, list) else [value]
        return [axis % (axes + 1) for axis in listed]
    return per_axis(value, axes) if key in PER_AXIS else value


def tie(laid: Laid, owner: Laid | None) -> None:
    """Give a layer the tensors of another. Raises ValueError where they are not alike."""
    if owner is None or laid[:2] != owner[:2]:
        raise ValueError("what is shared is built otherwise")
    pairs = list(zip(laid.module.modules(), owner.module.modules()))
    for mine, theirs in pairs:
        for held in ("_parameters", "_buffers"):
            here, there = getattr(mine, held), getattr(theirs, held)
            if shapes(here) != shapes(there):
                raise ValueError("what is shared has other tensors")
            if any(
                t is not None and t.requires_grad > here[n].requires_grad for n, t in there.items()
            ):
                raise ValueError("the language freezes weights where they are first")
            here.update(there)


def shapes(tensors: dict[str, Any]) -> dict[str, Sizes | None]:
    """The sizes of a module's tensors; None for those that it does without."""
    return {name: None if t is None else list(t.shape) for name, t in tensors.items()}
