"""Record what PyTorch makes of random layers and graphs, as the truth of the shape rules.

    python tests/reference/record_pytorch.py        # pytorch.json.gz, two minutes

It needs torch alone (2.13.0 was recorded, a CPU build). Every case is a spec, drawn at random from
a seed, and PyTorch's answer: the shapes that come out, the tensors that each layer owns, its
parameters, how many of them are frozen, its running statistics, and the products of its
convolutions, linear layers and matrices; or that it refuses.

The spec is run twice, by an interpreter of the spec language that is written with PyTorch's
modules (torch_interpreter.py). On the `meta` device, where `FlopCounterMode` counts; and on small
tensors on the CPU with PyTorch's own kernels (oneDNN off), because the meta kernels check less.
What either refuses is refused, and where both answer they must agree. A result without elements is
a refusal too: the language has no empty tensors. The batch is 2, since a group norm of a single
value per group is refused for a batch of one alone.

Left out is where the language differs on purpose: `same` with a stride (TensorFlow's rule) or for a
pool (PyTorch has none), a slice or a split that PyTorch would cut short, joins and products of
tensors of different rank (PyTorch would match channels with cells), vectors as factors, a reduction
that leaves no axis, per-axis lists of the wrong length, more than eight axes, an unpooling by less
than no padding, a `clamp` whose `min` is above its `max`, a division by the constant 0, weights of
what is built otherwise though its tensors are the same (another stride), and their freezing where
they are used again; the other way, `null` for an adaptive pool's one axis; and `kmax_pool`,
`deform_conv`, `scale` and `global_depthwise_conv`, which PyTorch does not have. A field that no
layer takes is refused wherever it stands, in a layer that is left out too; so graphs have none.
"""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import gzip
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parent))

from torch_interpreter import (
    ACTIVATIONS,
    BATCH,
    ELEMENTWISE,
    FUNCTIONS,
    OF_TWO,
    REDUCTIONS,
    REFUSALS,
    SHORT,
    Json,
    Made,
    Names,
    Network,
    Sizes,
)

HERE = Path(__file__).parent
SEED = 20170417
LAYERS, GRAPHS = 4400, 600

#: Dice, and the sizes of an input, to a layer's fields.
Draw = Callable[[Random, Sizes], Json]
#: Dice to the sizes of the inputs and a layer's fields.
DrawWhole = Callable[[Random], tuple[list[Sizes], Json]]


def answer(spec: Json) -> Json:
    """What PyTorch says to a spec."""
    blocks = spec.get("blocks", {})
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = Network("meta", blocks)
            counter = FlopCounterMode(display=False)
            with counter:
                outputs = [list(tensor.shape[1:]) for tensor in network.run(spec)]
            with torch.backends.mkldnn.flags(enabled=False):
                again = [list(tensor.shape[1:]) for tensor in Network("cpu", blocks).run(spec)]
    except REFUSALS as error:
        return {"refuses": str(error).split("\n")[0][:120]}
    assert outputs == again, f"PyTorch's devices differ: {spec}"
    everything = nn.ModuleList(laid.module for laid in network.layers)
    return {
        "outputs": outputs,
        "weights": network.weights(),
        "params": sum(tensor.numel() for tensor in everything.parameters()),
        "frozen": sum(
            tensor.numel() for tensor in everything.parameters() if not tensor.requires_grad
        ),
        "buffers": sum(
            buffer.numel()
            for name, buffer in everything.named_buffers()
            if not name.endswith("num_batches_tracked")
        ),
        # Of an operator that nobody knows, its cost is not known.
        "macs": None
        if network.layers and all(laid.type == "opaque" for laid in network.layers)
        else counter.get_total_flops() // 2 // BATCH,
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
    least = -3 if often(d, 0.3) else 0
    f: Json
    if often(d, 0.3) or not 1 <= axes <= 3:
        ends = [d.randint(least, 4), d.randint(least, 4)]
        f = {"axis": draw_axis(d, x), "padding": d.choice([ends, ends[0]])}
    elif often(d, 0.5):
        f = {"padding": each(d, axes, least, 4)}
    else:
        f = {"padding": [[d.randint(least, 4), d.randint(least, 4)] for _ in range(axes)]}
    mode = ("constant", "reflect", "replicate", "circular")
    return f | some(d, 0.7, mode=lambda: d.choice(mode))


def draw_adaptive(d: Random, x: Sizes) -> Json:
    size = each(d, len(x) - 1, 1, 9)
    if isinstance(size, list) and often(d, 0.4):
        size[d.randrange(len(size))] = None
    return {"output_size": size}


def draw_unpool(d: Random, x: Sizes) -> Json:
    axes = len(x) - 1
    f: Json = {"kernel_size": each(d, axes, 1, 4)}
    f |= some(d, 0.5, stride=lambda: each(d, axes, 1, 4), padding=lambda: each(d, axes, 0, 1))
    if often(d, 0.5):
        k, s, p = [
            value if isinstance(value, list) else [value] * axes
            for value in (f["kernel_size"], f.get("stride", f["kernel_size"]), f.get("padding", 0))
        ]
        least = [(n - 1) * s[i] - 2 * p[i] + k[i] for i, n in enumerate(x[1:])]
        wide = often(d, 0.3)
        f["output_size"] = [
            max(1, n + (d.randint(-s[i], s[i]) if wide else d.randint(1 - s[i], s[i] - 1)))
            for i, n in enumerate(least)
        ]
    return f


def draw_unfold(d: Random, x: Sizes) -> Json:
    return {"kernel_size": each(d, 2, 1, 3)} | some(
        d,
        0.4,
        stride=lambda: each(d, 2, 1, 3),
        padding=lambda: each(d, 2, 0, 2),
        dilation=lambda: each(d, 2, 1, 3),
    )


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
    size = prod(x)
    shape = []
    for _ in range(d.randint(0, 3) if often(d, 0.8) else d.randint(4, 8)):
        factor = d.choice([n for n in range(1, size + 1) if size % n == 0])
        shape.append(factor)
        size //= factor
    at = d.randint(0, len(shape))
    if len(shape) < 8:
        shape.insert(at, -1 if often(d, 0.6) else size)
    if often(d, 0.15):
        shape[d.randrange(len(shape))] = d.choice([-1, 2, 3, 5])
    return {"shape": shape}


def draw_axis(d: Random, x: Sizes) -> int:
    """An axis of a tensor, rarely one that it has not."""
    if often(d, 0.04):
        return d.choice([len(x), -len(x) - 1])
    return d.randrange(-len(x), len(x))


def draw_axes(d: Random, x: Sizes, count: int) -> Sizes:
    """Axes of a tensor in any order, rarely one of them twice, or one that it has not."""
    axes = [axis - d.choice([0, len(x)]) for axis in d.sample(range(len(x)), count)]
    if often(d, 0.06):
        axes[d.randrange(count)] = draw_axis(d, x)
    return axes


def draw_split(d: Random, x: Sizes) -> Json:
    f = some(d, 0.6, axis=lambda: draw_axis(d, x))
    axis = f.get("axis", 0)
    whole = x[axis] if -len(x) <= axis < len(x) else 2
    divisors = [n for n in range(2, whole + 1) if whole % n == 0]
    if divisors and often(d, 0.5):
        return f | {"sections": d.randint(2, 6) if often(d, 0.1) else d.choice(divisors)}
    parts = []
    left = whole
    while left:
        parts.append(d.randint(1, left))
        left -= parts[-1]
    if often(d, 0.15):
        parts.append(d.randint(1, 3))
    return f | {d.choice(["sections", "sizes"]): parts}


def draw_slice(d: Random, x: Sizes) -> Json:
    f = some(d, 0.7, axis=lambda: draw_axis(d, x))
    axis = f.get("axis", 0)
    size = x[axis] if -len(x) <= axis < len(x) else 1
    start = d.randrange(size)
    stop = d.randint(start + (0 if often(d, 0.1) else 1), size)
    f |= some(
        d,
        0.6,
        start=lambda: start - (size if often(d, 0.4) else 0),
        stop=lambda: stop - (size if stop < size and often(d, 0.4) else 0),
        step=lambda: d.randint(1, 4),
    )
    return f


def draw_permute(d: Random, x: Sizes) -> Json:
    order = draw_axes(d, x, len(x))
    return {"order": order[:-1] if len(order) > 1 and often(d, 0.05) else order}


def draw_reduce(d: Random, x: Sizes) -> Json:
    most = len(x) if often(d, 0.2) else max(1, len(x) - 1)
    f: Json = {"op": d.choice(list(REDUCTIONS)), "axes": draw_axes(d, x, d.randint(1, most))}
    return f | some(d, 0.4, keep=lambda: often(d, 0.7))


def draw_clamp(d: Random, x: Sizes) -> Json:
    return some(
        d,
        0.6,
        min=lambda: d.choice([-3, -0.5, 0, 1e-5]),
        max=lambda: d.choice([1, 2.5, 6]),
    )


def draw_attention(d: Random, x: Sizes) -> Json:
    f: Json = {"heads": divisor(d, x[0])}
    return f | some(d, 0.4, head_channels=lambda: d.randint(1, 8), qkv_bias=lambda: often(d, 0.3))


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
    "self_attention": (1, 1, 3, draw_attention),
    "max_pool": (1, 3, 8, draw_max_pool),
    "avg_pool": (1, 3, 8, draw_avg_pool),
    "global_avg_pool": (1, 3, 1, nothing),
    "global_max_pool": (1, 3, 1, nothing),
    "adaptive_avg_pool": (1, 3, 2, draw_adaptive),
    "adaptive_max_pool": (1, 3, 2, draw_adaptive),
    "max_unpool": (1, 3, 4, draw_unpool),
    "batch_norm": (0, 3, 2, lambda d, x: some(d, 0.4, affine=lambda: often(d, 0.5))),
    "layer_norm": (
        0,
        7,
        3,
        lambda d, x: some(
            d,
            0.4,
            affine=lambda: often(d, 0.5),
            over=lambda: d.choice(["channels", "all"]),
        ),
    ),
    "rms_norm": (0, 7, 2, lambda d, x: some(d, 0.4, affine=lambda: often(d, 0.5))),
    "group_norm": (
        0,
        7,
        3,
        lambda d, x: {"groups": divisor(d, x[0])} | some(d, 0.4, affine=lambda: often(d, 0.5)),
    ),
    "instance_norm": (1, 3, 2, lambda d, x: some(d, 0.4, affine=lambda: often(d, 0.5))),
    "local_response_norm": (0, 3, 1, lambda d, x: {"size": d.randint(1, 7)}),
    "prelu": (
        0,
        7,
        2,
        lambda d, x: some(d, 0.7, num_parameters=lambda: d.choice([1, x[0], d.randint(1, 9)])),
    ),
    "linear": (
        0,
        7,
        4,
        lambda d, x: (
            {"out_features": d.randint(1, 30)}
            | some(d, 0.5, bias=lambda: often(d, 0.5), per_position=lambda: often(d, 0.8))
        ),
    ),
    "flatten": (0, 7, 2, lambda d, x: some(d, 0.7, start_axis=lambda: draw_axis(d, x))),
    "reshape": (0, 7, 4, draw_reshape),
    "permute": (0, 7, 4, draw_permute),
    "reduce": (0, 7, 4, draw_reduce),
    "dropout": (0, 7, 1, lambda d, x: some(d, 0.5, rate=lambda: d.choice([0, 0.2, 0.5, 1]))),
    "identity": (0, 7, 1, nothing),
    "channel_shuffle": (0, 3, 2, lambda d, x: {"groups": divisor(d, x[0])}),
    "pixel_shuffle": (2, 2, 2, lambda d, x: {"factor": d.choice([1, 2, 2, 3])}),
    "pixel_unshuffle": (2, 2, 3, lambda d, x: {"factor": divisor(d, *x[1:])}),
    "unfold": (2, 2, 3, draw_unfold),
    "pad": (0, 7, 5, draw_pad),
    "upsample": (1, 3, 6, draw_upsample),
    "split": (0, 7, 3, draw_split),
    "slice": (0, 7, 3, draw_slice),
    "clamp": (0, 7, 1, draw_clamp),
    **dict.fromkeys([*ACTIVATIONS, *FUNCTIONS], (0, 7, 1, nothing)),
    "softmax": (0, 7, 2, lambda d, x: some(d, 0.7, axis=lambda: draw_axis(d, x))),
}

TYPES = list(DRAW)
#: The largest side of an input, by its spatial axes: the CPU has to run it, too.
LONGEST = (48, 60, 14, 7, 4, 3, 2, 2)


def draw_sizes(d: Random, axes: int) -> Sizes:
    channels = d.choice([1, 2, 3, 4, 6, 8, 9, 12, d.randint(1, 20)])
    longest = 2 if often(d, 0.15) else LONGEST[axes]
    return [channels, *(d.randint(1, longest) for _ in range(axes))]


def draw_rank(d: Random, fewest: int, most: int) -> int:
    """How many spatial axes: more than three are rare."""
    return d.randint(fewest, most if often(d, 0.2) else min(most, 3))


def draw_fields(d: Random, type: str, x: Sizes) -> Json:
    """The fields of a layer, some by their short names."""
    fields = DRAW[type][3](d, x)
    shorts = {long: short for short, names in SHORT.items() for long in names}
    return {
        shorts[name] if name in shorts and often(d, 0.5) else name: value
        for name, value in fields.items()
    }


# --- Layers of no input, or of several ------------------------------------------------------------

VALUES = (0.5, 2, -1, 3.25, 1000)


def draw_elementwise(type: str) -> DrawWhole:
    def draw(d: Random) -> tuple[list[Sizes], Json]:
        x = draw_sizes(d, draw_rank(d, 0, 7))
        if often(d, 0.3):
            return [x], {"value": d.choice(VALUES)}
        # Rarely too many, or too few.
        count = d.randint(1, 3) if often(d, 0.1) else d.randint(2, 2 if type in OF_TWO else 3)
        inputs = [[1 if often(d, 0.25) else n for n in x] for _ in range(count)]
        if often(d, 0.08):
            inputs[-1][d.randrange(len(x))] += 1
        if often(d, 0.04):
            inputs[-1].append(1)
        return inputs, {"value": 2} if often(d, 0.03) else {}

    return draw


def draw_concat(d: Random) -> tuple[list[Sizes], Json]:
    x = draw_sizes(d, draw_rank(d, 0, 7))
    f = some(d, 0.7, axis=lambda: draw_axis(d, x))
    inputs = [list(x) for _ in range(d.randint(2, 4))]
    for shape in inputs:
        shape[f.get("axis", 0) % len(x)] = d.randint(1, 9)
    if often(d, 0.1):
        inputs[-1][d.randrange(len(x))] += 1
    return inputs, f


def draw_matmul(d: Random) -> tuple[list[Sizes], Json]:
    m, k, n = (d.randint(1, 12) for _ in range(3))
    batch = draw_sizes(d, draw_rank(d, 0, 5)) if often(d, 0.6) else []
    a, b = ([1 if often(d, 0.25) else size for size in batch] for _ in range(2))
    f = some(d, 0.4, transpose_a=lambda: often(d, 0.8), transpose_b=lambda: often(d, 0.8))
    a += [k, m] if f.get("transpose_a") else [m, k]
    b += [n, k] if f.get("transpose_b") else [k, n]
    if often(d, 0.1):
        b[d.randrange(len(b))] += 1
    if often(d, 0.05):
        b = b[1:]
    return [a, b], f


def draw_fold(d: Random) -> tuple[list[Sizes], Json]:
    f = draw_unfold(d, [])
    size = each(d, 2, 1, 12)
    pairs = [
        value if isinstance(value, list) else [value] * 2
        for value in (size, f["kernel_size"], f.get("stride", 1), f.get("padding", 0))
    ]
    dilation = f.get("dilation", 1)
    dilations = dilation if isinstance(dilation, list) else [dilation] * 2
    windows = [(n + 2 * p - e * (k - 1) - 1) // s + 1 for n, k, s, p, e in zip(*pairs, dilations)]
    wrong = 1 if often(d, 0.1) else 0
    channels = d.randint(1, 6) * prod(pairs[1]) + (1 if often(d, 0.1) else 0)
    return [[channels, max(1, prod(windows) + wrong)]], f | {"output_size": size}


def draw_parameter(d: Random) -> tuple[list[Sizes], Json]:
    return [], {"shape": draw_sizes(d, draw_rank(d, 0, 7))}


def draw_opaque(d: Random) -> tuple[list[Sizes], Json]:
    inputs = [draw_sizes(d, draw_rank(d, 0, 7)) for _ in range(d.randint(1, 2))]
    f: Json = {"op": "NonMaxSuppression", "shape": draw_sizes(d, draw_rank(d, 0, 7))}
    tensors = [draw_sizes(d, d.randint(0, 3)) for _ in range(d.randint(1, 3))]
    return inputs, f | some(d, 0.6, tensors=lambda: tensors)


#: How often the type is drawn, and what of it.
DRAW_WHOLE: dict[str, tuple[int, DrawWhole]] = {
    **{type: (2, draw_elementwise(type)) for type in ELEMENTWISE},
    "concat": (4, draw_concat),
    "matmul": (6, draw_matmul),
    "fold": (3, draw_fold),
    "parameter": (1, draw_parameter),
    "opaque": (1, draw_opaque),
}


# --- A spec of one layer --------------------------------------------------------------------------

#: What no layer takes.
BROKEN = {"kernel_size": 0, "stride": 0, "dilation": 0, "groups": 0, "factor": 0, "size": 0}
BROKEN |= {"padding": -1, "output_padding": -1}
#: Types that PyTorch pads by less than nothing.
BELOW_ZERO = ("pad", "max_unpool")


def draw_layer(d: Random, type: str) -> Json:
    """A spec of one layer; rarely, one with a field that no layer takes."""
    if type in DRAW_WHOLE:
        inputs, fields = DRAW_WHOLE[type][1](d)
        return spec_of(type, fields, inputs)
    fewest, most, _, _ = DRAW[type]
    x = draw_sizes(d, draw_rank(d, fewest, most))
    fields = draw_fields(d, type, x)
    present = [name for name in fields if name in BROKEN and type not in BELOW_ZERO]
    if present and often(d, 0.02):
        name = d.choice(present)
        fields[name] = BROKEN[name]
    return spec_of(type, fields, [x])


#: What enters a network has no more axes.
MOST_INPUT_AXES = 4


def spec_of(type: str, fields: Json, inputs: list[Sizes]) -> Json:
    """A spec of one layer; where an input has many axes, `reshape` makes them."""
    layers: list[Json] = []
    given: dict[str, Sizes] = {}
    for i, sizes in enumerate(inputs):
        given[f"x{i}"] = sizes
        if len(sizes) > MOST_INPUT_AXES:
            given[f"x{i}"] = [prod(sizes)]
            layers.append({"reshape": {"name": f"r{i}", "from": f"x{i}", "shape": sizes}})
    made = [f"r{i}" if len(x) > MOST_INPUT_AXES else f"x{i}" for i, x in enumerate(inputs)]
    source = {"from": made if len(made) > 1 else made[0]} if layers or len(made) > 1 else {}
    return {"name": type, "input": given or [1], "layers": [*layers, {type: source | fields}]}


# --- Graphs ---------------------------------------------------------------------------------------

#: How many elements a tensor of a graph has at most, and how many axes.
MOST_ELEMENTS, MOST_AXES = 20_000, 8
#: What every layer takes, and `again` says anew.
COMMON = ("name", "from", "when", "weights", "trainable", "output_shape")
JOINS = [*ELEMENTWISE, "add", "mul", "concat", "concat", "concat"]


def sizes_of(tensor: Any) -> Sizes:
    return list(tensor.shape[1:])


class Draughtsman:
    """Draws a graph. What PyTorch makes of each element says what the next one may be."""

    def __init__(self, d: Random) -> None:
        self.d = d
        self.blocks: Json = {}
        #: Every element that has a name.
        self.named: dict[str, Json] = {}
        self.names = 0

    def graph(self) -> Json:
        d = self.d
        x = draw_sizes(d, d.choice([0, 1, 1, 2, 2, 2, 3]))
        pair = often(d, 0.15)
        given = {"left": x, "right": x} if pair else {"input": x}
        known = {name: Made([torch.zeros(BATCH, *x, device="meta")], []) for name in given}
        xs = [tensor for made in known.values() for tensor in made.tensors]
        if pair or often(d, 0.2):
            entering = Made(xs[:1], [])
            body, _ = self.stack(xs[:1], {"input": entering}, d.randint(1, 4), depth=1)
            self.blocks["tower"] = {"layers": body}
        layers: list[Json] = []
        if pair:
            layers, xs = self.place(self.siamese(), layers, xs, known)
        more, _ = self.stack(xs, known, d.randint(2, 7), depth=0)
        spec: Json = {"name": "graph", "input": given if pair else x}
        spec |= {"blocks": self.blocks} if self.blocks else {}
        spec["layers"] = layers + more
        mine = [name for name in known if name not in given]
        if mine and often(d, 0.3):
            spec["outputs"] = d.sample(mine, d.randint(1, min(3, len(mine))))
        return spec

    def stack(
        self, xs: list[Any], known: Names, length: int, depth: int
    ) -> tuple[list[Json], list[Any]]:
        """Some elements on these tensors, and the tensors that come out."""
        layers: list[Json] = []
        for _ in range(length):
            layers, xs = self.place(self.elements(xs, known, depth), layers, xs, known)
        return layers, xs

    def place(
        self, elements: list[Json], layers: list[Json], xs: list[Any], known: Names
    ) -> tuple[list[Json], list[Any]]:
        """The layers with these after them, as far as PyTorch takes them; few of those it refuses.

        `known` has their names afterwards.
        """
        d = self.d
        for element in elements:
            ((type, fields),) = element.items()
            if "from" not in fields and len(xs) != 1 and type != "parameter":
                fields["from"] = d.choice(self.single(known))
            if "name" not in fields and often(d, 0.25):
                fields["name"] = self.name()
            fields |= some(d, 0.06, trainable=lambda: False) | some(d, 0.03, when=lambda: True)
            made = self.made(element, xs, known)
            if made is None:
                # What is shared is refused less often.
                kept = often(d, 0.3 if {"weights", "share_weights"} & fields.keys() else 0.05)
                return layers + ([element] if kept else []), xs
            if type in (*DRAW, *DRAW_WHOLE) and len(made) == 1 and often(d, 0.04):
                fields["output_shape"] = sizes_of(made[0])
            layers = [*layers, element]
            if "name" in fields:
                self.named[fields["name"]] = element
                xs = made
            elif often(d, 0.05):
                fields["when"] = False
            else:
                xs = made
        return layers, xs

    def made(self, element: Json, xs: list[Any], known: Names) -> list[Any] | None:
        """What PyTorch makes of an element; None where it refuses, or the tensors are too large."""
        names = dict(known)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = Network("meta", self.blocks).element(element, xs, names)
        except REFUSALS:
            return None
        if not all(x.ndim - 1 <= MOST_AXES and x.numel() < BATCH * MOST_ELEMENTS for x in made):
            return None
        known.update(names)
        return made

    def name(self) -> str:
        self.names += 1
        return f"t{self.names}"

    def single(self, known: Names) -> list[str]:
        """What `from` can name as one tensor."""
        return [
            name if len(made.tensors) == 1 else f"{name}.{part}"
            for name, made in known.items()
            for part in range(len(made.tensors))
        ]

    def sizes(self, known: Names) -> dict[str, Sizes]:
        """The tensors that `from` can name, and their sizes."""
        tensors = [tensor for made in known.values() for tensor in made.tensors]
        return dict(zip(self.single(known), map(sizes_of, tensors)))

    def elements(self, xs: list[Any], known: Names, depth: int) -> list[Json]:
        """One element, drawn at random, or some that belong together."""
        d = self.d
        kind = d.random()
        if kind < 0.15:
            return [self.join(known)]
        if kind < 0.25 and (again := self.again(known)):
            return again
        x = sizes_of(xs[0])
        if kind < 0.32 and len(xs) == 1:
            return d.choice([self.attention, self.windows, self.gate])(x)
        if kind < 0.55 and depth < 2 and len(xs) == 1:
            return [self.structure(xs, known, depth)]
        types = [
            type
            for type in TYPES
            if DRAW[type][0] <= len(x) - 1 <= DRAW[type][1] and (type != "split" or x[0] > 1)
        ]
        (type,) = d.choices(types, [DRAW[type][2] for type in types])
        return [{type: draw_fields(d, type, x)}]

    def join(self, known: Names) -> Json:
        """Mostly of tensors of one rank."""
        d = self.d
        sizes = self.sizes(known)
        type = d.choice([*JOINS, "matmul", "matmul", "parameter", "opaque"])
        first = d.choice(list(sizes))
        if type == "opaque":
            inputs, fields = draw_opaque(d)
            return {type: {"from": [d.choice(list(sizes)) for _ in inputs]} | fields}
        if type == "parameter":
            return {type: {"shape": [1 if often(d, 0.3) else n for n in sizes[first]]}}
        if type == "matmul":
            return self.product(sizes)
        if type != "concat" and often(d, 0.3):
            return {type: {"from": first, "value": d.choice(VALUES)}}
        alike = [name for name in sizes if len(sizes[name]) == len(sizes[first])]
        others = d.choice([list(sizes), alike, alike])
        count = 1 if type in OF_TWO else d.randint(1, 2)
        fields = {"from": [first, *(d.choice(others) for _ in range(count))]}
        if type == "concat":
            fields |= some(d, 0.5, axis=lambda: draw_axis(d, sizes[first]))
        return {type: fields}

    def product(self, sizes: dict[str, Sizes]) -> Json:
        """A product of two tensors whose inner sizes meet."""
        d = self.d
        a = d.choice(list(sizes))
        pairs = [
            {"from": [a, b], "transpose_a": i == -2, "transpose_b": j == -1}
            for b in sizes
            for i in (-1, -2)
            for j in (-1, -2)
            if 1 < len(sizes[a]) == len(sizes[b]) > 1 and sizes[a][i] == sizes[b][j]
        ]
        fields: Json = d.choice(pairs) if pairs else {"from": [a, a]}
        return {"matmul": {key: value for key, value in fields.items() if value}}

    def again(self, known: Names) -> list[Json]:
        """A layer or a block once more, mostly with the weights of one that has a name."""
        d = self.d
        found: list[Json] = [{"tower": {}}] if self.blocks else []
        for name in known:
            for type, fields in self.named.get(name, {}).items():
                if type in (*DRAW, "parameter", *self.blocks):
                    kept = without(fields, *COMMON)
                    found.append({type: kept | {"weights": name}})
        if not found:
            return []
        ((type, fields),) = d.choice(found).items()
        if type != "parameter" and often(d, 0.5):
            fields = fields | {"from": d.choice(self.single(known))}
        return [{type: fields}]

    def siamese(self) -> list[Json]:
        a, b = self.name(), self.name()
        return [
            {"tower": {"name": a, "from": "left"}},
            {"tower": {"name": b, "from": "right", "weights": a}},
            {self.d.choice(["sub", "maximum", "concat"]): {"from": [a, b]}},
        ]

    def attention(self, x: Sizes) -> list[Json]:
        """Attention written out, on the positions as tokens; rarely with a class token."""
        d = self.d
        tokens, q, k, v, weights = (self.name() for _ in range(5))
        out = d.randint(1, 8)
        elements: list[Json] = [{"reshape": {"name": tokens, "shape": [x[0], -1]}}]
        if often(d, 0.3):
            extra, all_tokens = self.name(), self.name()
            elements += [
                {"parameter": {"name": extra, "shape": [x[0], 1]}},
                {"concat": {"name": all_tokens, "from": [extra, tokens], "axis": -1}},
            ]
            tokens = all_tokens
        for name in (q, k, v):
            dense = {"out": out, "per_position": True, "bias": often(d, 0.5)}
            elements.append({"linear": {"name": name, "from": tokens} | dense})
        return [
            *elements,
            {"matmul": {"from": [q, k], "transpose_a": True}},
            {d.choice(["mul", "div"]): {"value": 0.125}},
            {"softmax": {"name": weights, "axis": d.choice([1, -1])}},
            {"matmul": {"from": [v, weights], "transpose_b": True}},
        ]

    def windows(self, x: Sizes) -> list[Json]:
        """Every axis but the channels cut into windows, and the windows side by side."""
        d = self.d
        sides = [d.choice([side for side in range(1, n + 1) if n % side == 0]) for n in x[1:]]
        cut = [size for n, side in zip(x[1:], sides) for size in (n // side, side)]
        outer, inner = range(1, 2 * len(sides), 2), range(2, 2 * len(sides) + 1, 2)
        return [
            {"reshape": {"shape": [x[0], *cut]}},
            {"permute": {"order": [0, *outer, *inner]}},
            {"reshape": {"shape": [x[0], -1, prod(sides)]}},
        ]

    def gate(self, x: Sizes) -> list[Json]:
        """Every channel times what its mean says."""
        d = self.d
        whole, factor = self.name(), self.name()
        over = list(range(1, len(x)))
        return [
            {"identity": {"name": whole}},
            {"reduce": {"op": d.choice(list(REDUCTIONS)), "axes": over or [0], "keep": True}},
            {d.choice(["sigmoid", "exp", "abs"]): {"name": factor}},
            {d.choice(["mul", "div"]): {"from": [whole, factor]}},
        ]

    def structure(self, xs: list[Any], known: Names, depth: int) -> Json:
        d = self.d
        type = d.choice(["sequential", "repeat", "residual", "residual", "branches", "branches"])
        inner = dict(known)
        if type == "residual":
            body, ys = self.stack(xs, inner, d.randint(1, 3), depth + 1)
            fields: Json = {"layers": body}
            x, y = sizes_of(xs[0]), sizes_of(ys[0])
            if 1 < len(x) == len(y) <= 4 and len(ys) == 1 and x != y:
                # A projection, as residual networks have it.
                size = y[1:] if len(y) > 2 else y[1]
                resize = {"adaptive_avg_pool": {"output_size": size}}
                fields["shortcut"] = [resize, {"pointwise_conv": {"out": y[0]}}]
            return {type: fields | some(d, 0.2, connect=lambda: often(d, 0.5))}
        if type == "branches":
            count = d.randint(1, 3)
            fields = {"merge": d.choice(["concat", "add", "mul"])}
            if often(d, 0.3) and xs[0].shape[1] % count == 0:
                fields["split"] = True
                xs = [xs[0][:, : xs[0].shape[1] // count]]
            paths = [
                self.stack(xs, dict(inner), d.randint(0, 2), depth + 1)[0] for _ in range(count)
            ]
            return {type: fields | {"paths": paths}}
        layers, _ = self.stack(xs, inner, d.randint(1, 3), depth + 1)
        if type == "sequential":
            return {type: {"layers": layers}}
        turns = some(d, 0.5, share_weights=lambda: often(d, 0.9))
        return {type: {"times": d.randint(0, 3), "layers": layers} | turns}


def cases(seed: int, layers: int, graphs: int) -> Iterator[tuple[Json, Json]]:
    """Specs with PyTorch's answers."""
    d = Random(seed)
    shares = {**{type: DRAW[type][2] for type in DRAW}, **{t: DRAW_WHOLE[t][0] for t in DRAW_WHOLE}}
    for type in d.choices(list(shares), list(shares.values()), k=layers):
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
