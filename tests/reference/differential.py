"""Hold convcalc against the PyTorch-based FLOP counters on random specs of one to three layers.

    python tests/reference/differential.py --specs 2000 --seed 1
    python tests/reference/differential.py --specs 90 --seed 2 --record    # differential.json

The environment is that of record_torch_tools.py, with convcalc itself. The dice of
record_pytorch.py draw the layers: every type, mode and spelling that PyTorch has, a third of them
written as the functions that code calls. Each spec is built with the modules of
torch_interpreter.py, counted by seven tools, which have ten figures, on one image or three, and
analyzed by convcalc.

A difference is printed with its spec, and makes the status 1; it is none where `REASONS` has why.
"""

# The tools and torch are not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,misc,no-any-return,no-untyped-call"

from __future__ import annotations

import argparse
import collections
import json
import logging
import operator
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import record_pytorch as dice
import record_torch_tools as tools
import torch
import torch_interpreter as interpreter
from torch import nn

import convcalc

F = nn.functional
Json = dict[str, Any]
Sizes = list[int]
HERE = Path(__file__).parent


def as_many_samples_as_axes(case: Json) -> bool:
    """Whether an upsampling has a scale for each axis, and the batch as many samples as axes."""
    scales = [
        fields["scale"]
        for layer in case["spec"]["layers"]
        for type, fields in layer.items()
        if type == "upsample" and isinstance(fields.get("scale"), list)
    ]
    return case["batch"] in map(len, scales)


def attends_as_a_function(case: Json) -> bool:
    """Whether there is an `nn.MultiheadAttention` that runs on several samples."""
    found = [fields for layer in case["spec"]["layers"] for fields in layer.items()]
    attends = any(type == "self_attention" and f.get("functional") for type, f in found)
    return attends and case["batch"] > 1


#: Why a tool and convcalc may differ: the conventions, whether a case is one of those, the reason,
#: which the convention's file has too.
REASONS: list[tuple[tuple[str, ...], Callable[[Json], bool], str]] = [
    (
        ("calflops", "calflops-macs"),
        as_many_samples_as_axes,
        "a scale for each axis is no error on as many samples as axes",
    ),
    (
        ("ptflops-aten",),
        attends_as_a_function,
        "a linear layer on a tensor that is not contiguous loses its bias",
    ),
]


# --- Layers that record_pytorch.py does not draw, or builds in another way ------------------------


def as_tuple(value: Any) -> Any:
    """A value as PyTorch has it; a list of one is one number, as in the language."""
    if not isinstance(value, list):
        return value
    return value[0] if len(value) == 1 else tuple(value)


def upsample(f: Json, x: Sizes) -> nn.Module:
    return nn.Upsample(as_tuple(f.get("size")), as_tuple(f.get("scale")), f.get("mode", "nearest"))


class Contiguous(nn.Module):
    """A module on the last axis, in a memory of its own (what ptflops' aten backend hangs on)."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Any) -> Any:
        return self.module(x.movedim(1, -1).contiguous()).movedim(-1, 1)


def linear(f: Json, x: Sizes) -> nn.Module:
    interpreter.linear(f, x)  # which refuses what the language does
    layer = nn.Linear(x[0], f["out_features"], f.get("bias", True))
    return layer if len(x) == 1 else Contiguous(layer)


def deform_conv(f: Json, x: Sizes) -> nn.Module:
    fields = {key: as_tuple(value) for key, value in f.items()}
    return tools.DeformConv(x[0], fields.pop("out_channels"), fields.pop("kernel_size"), **fields)


def self_attention(f: Json, x: Sizes) -> nn.Module:
    interpreter.SelfAttention(f, x)  # which refuses what the language does
    fields = {"num_heads": f["heads"], "attn_head_dim": f.get("head_channels")}
    attention = tools.Attention(x[0], **fields, qkv_bias=f.get("qkv_bias", True))
    return tools.ChannelsFirst(attention)


def multihead_attention(f: Json, x: Sizes) -> nn.Module:
    if {"head_channels", "qkv_bias"} & {*f} or x[0] % f["heads"]:
        raise ValueError("PyTorch's module has all biases or none, and equal shares")
    return tools.ChannelsFirst(tools.SelfAttention(x[0], f["heads"]))


def global_depthwise(f: Json, x: Sizes) -> nn.Module:
    conv = interpreter.of_rank("Conv", len(x) - 1)
    return conv(x[0], x[0], tuple(x[1:]), groups=x[0], bias=f.get("bias", True))


BUILD = {
    "upsample": upsample,
    "linear": linear,
    "deform_conv": deform_conv,
    "self_attention": self_attention,
    "global_depthwise_conv": global_depthwise,
    "scale": lambda f, x: tools.LayerScale(x[0], *[1] * (len(x) - 1)),
}
DRAW: dict[str, tuple[int, int, int, dice.Draw]] = {
    "deform_conv": (
        2,
        2,
        3,
        lambda d, x: (
            {"out_channels": d.randint(1, 8), "kernel_size": d.randint(1, 3)}
            | dice.some(d, 0.5, stride=lambda: d.randint(1, 2), padding=lambda: d.randint(0, 2))
            | dice.some(d, 0.4, modulated=lambda: True, bias=lambda: False)
        ),
    ),
    "global_depthwise_conv": (1, 3, 2, lambda d, x: dice.some(d, 0.5, bias=lambda: False)),
    "scale": (0, 3, 1, dice.nothing),
    "elementwise": (0, 7, 6, lambda d, x: {"value": d.choice(dice.VALUES)}),
}


# --- Layers as functions --------------------------------------------------------------------------
# Each looks its function up when it is called: the tools put their own in its place.


def pooled(name: str) -> Callable[[Json, Sizes], Callable[[Any], Any]]:
    def build(f: Json, x: Sizes) -> Callable[[Any], Any]:
        own = f"{name}{len(x) - 1}d"
        more = {key: as_tuple(f[key]) for key in ("padding", "ceil_mode", "dilation") if key in f}
        window = as_tuple(f["kernel_size"]), as_tuple(f.get("stride"))
        return lambda t: getattr(F, own)(t, *window, **more)

    return build


def adapted(name: str, size: Any = None) -> Callable[[Json, Sizes], Callable[[Any], Any]]:
    def build(f: Json, x: Sizes) -> Callable[[Any], Any]:
        own = f"{name}{len(x) - 1}d"
        return lambda t: getattr(F, own)(t, as_tuple(f.get("output_size", size)))

    return build


def interpolated(f: Json, x: Sizes) -> Callable[[Any], Any]:
    renamed = {"scale_factor" if key == "scale" else key: as_tuple(f[key]) for key in f}
    return lambda t: F.interpolate(t, **renamed)


FUNCTIONS: dict[str, Callable[[Json, Sizes], Callable[[Any], Any]]] = {
    "relu": lambda f, x: lambda t: F.relu(t),
    "relu6": lambda f, x: lambda t: F.relu6(t),
    "leaky_relu": lambda f, x: lambda t: F.leaky_relu(t),
    "elu": lambda f, x: lambda t: F.elu(t),
    "gelu": lambda f, x: lambda t: F.gelu(t),
    "silu": lambda f, x: lambda t: F.silu(t),
    "hard_swish": lambda f, x: lambda t: F.hardswish(t),
    "hard_sigmoid": lambda f, x: lambda t: F.hardsigmoid(t),
    "sigmoid": lambda f, x: lambda t: torch.sigmoid(t),
    "tanh": lambda f, x: lambda t: torch.tanh(t),
    "softmax": lambda f, x: lambda t: F.softmax(t, interpreter.dimension(f.get("axis", 0), x)),
    "mish": lambda f, x: lambda t: F.mish(t),
    "softplus": lambda f, x: lambda t: F.softplus(t),
    "local_response_norm": lambda f, x: lambda t: F.local_response_norm(t, f["size"]),
    "max_pool": pooled("max_pool"),
    "avg_pool": pooled("avg_pool"),
    "adaptive_avg_pool": adapted("adaptive_avg_pool"),
    "adaptive_max_pool": adapted("adaptive_max_pool"),
    "global_max_pool": adapted("adaptive_max_pool", 1),
    "global_avg_pool": lambda f, x: lambda t: t.mean(list(range(2, len(x) + 1)), keepdim=True),
    "upsample": interpolated,
}


def convolved(m: Any, x: Any) -> Any:
    function = getattr(F, f"conv{m.weight.ndim - 2}d")
    return function(x, m.weight, m.bias, m.stride, m.padding, m.dilation, m.groups)


def spread(m: Any, x: Any) -> Any:
    function = getattr(F, f"conv_transpose{m.weight.ndim - 2}d")
    more = (m.stride, m.padding, m.output_padding, m.groups, m.dilation)
    return function(x, m.weight, m.bias, *more)


#: Functions that are handed the parameters of a module, which is never called itself.
OWNED: dict[str, Callable[[Any, Any], Any]] = {
    "conv": convolved,
    "depthwise_conv": convolved,
    "pointwise_conv": convolved,
    "global_depthwise_conv": convolved,
    "conv_transpose": spread,
    "linear": lambda m, x: F.linear(x, m.weight, m.bias),
    "prelu": lambda m, x: F.prelu(x, m.weight),
    "batch_norm": lambda m, x: F.batch_norm(x, m.running_mean, m.running_var, m.weight, m.bias),
    "group_norm": lambda m, x: F.group_norm(x, m.num_groups, m.weight, m.bias),
    "instance_norm": lambda m, x: F.instance_norm(x, weight=m.weight, bias=m.bias),
}
#: Of two tensors, or of a tensor and a constant.
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "maximum": lambda a, b: torch.maximum(a, torch.as_tensor(b, device=a.device)),
    "minimum": lambda a, b: torch.minimum(a, torch.as_tensor(b, device=a.device)),
}
#: The same called by name.
NAMED: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: torch.add(a, b),
    "sub": lambda a, b: torch.sub(a, b),
    "mul": lambda a, b: torch.mul(a, b),
    "div": lambda a, b: torch.div(a, b),
}


def product(f: Json) -> Callable[[Any, Any], Any]:
    def multiplied(a: Any, b: Any) -> Any:
        a = a.transpose(-2, -1) if f.get("transpose_a") else a
        b = b.transpose(-2, -1) if f.get("transpose_b") else b
        return torch.matmul(a, b) if f.get("functional") else a @ b

    return multiplied


def joined(type: str, f: Json) -> Callable[[Any, Any], Any]:
    """The function that joins two tensors."""
    if type == "matmul":
        return product(f)
    if type == "concat":
        return lambda a, b: torch.cat((a, b), f.get("axis", 0) + 1)
    return (NAMED if f.get("functional") else OPERATORS)[type]


def draw_join(d: Random, x: Sizes, y: Sizes) -> tuple[str, Json] | None:
    """A layer that joins tensors of these sizes; None where none does."""
    found: list[tuple[str, Json]] = []
    if len(x) == len(y):
        apart = [axis for axis, sizes in enumerate(zip(x, y)) if len({*sizes}) > 1]
        if len(apart) < 2:
            found.append(("concat", {"axis": apart[0] if apart else d.randrange(len(x))}))
        if all(1 in (x[axis], y[axis]) for axis in apart):
            found += [(d.choice(list(OPERATORS)), {})] * 2
        if len(x) > 1 and all(1 in (x[axis], y[axis]) for axis in apart if axis < len(x) - 2):
            for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
                if x[-2 if a else -1] == y[-1 if b else -2]:
                    said = {"transpose_a": bool(a), "transpose_b": bool(b)}
                    found.append(("matmul", {key: True for key, value in said.items() if value}))
    if not found:
        return None
    type, fields = d.choice(found)
    if type in {**NAMED, "matmul": None} and d.random() < 0.4:
        fields = {**fields, "functional": True}
    return type, fields


# --- Specs, and their modules ---------------------------------------------------------------------


class Chain(nn.Module):
    """Modules one after another; a join takes two of the tensors so far, counted from the input."""

    def __init__(
        self, modules: list[nn.Module], joins: list[tuple[Callable[..., Any], int, int] | None]
    ) -> None:
        super().__init__()
        self.modules_in_order = nn.ModuleList(modules)
        self.joins = joins

    def forward(self, x: Any) -> Any:
        made = [x]
        for module, join in zip(self.modules_in_order, self.joins):
            if join is None:
                made.append(module(made[-1]))
            else:
                function, a, b = join
                made.append(function(made[a], made[b]))
        return made[-1]


class Table(nn.Module):
    """A learned tensor in a module with others, the same for every sample."""

    def __init__(self, shape: Sizes) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.ones(shape))
        self.rest = nn.Identity()

    def forward(self, x: Any) -> Any:
        return self.rest(self.table.expand(len(x), *self.table.shape))


def built(type: str, fields: Json, x: Sizes) -> nn.Module:
    """The module of a layer on an input of these sizes."""
    fields = interpreter.canonical(type, fields)
    functional = fields.pop("functional", False)
    if type in OPERATORS:
        function = (NAMED if functional else OPERATORS)[type]
        return tools.Function(lambda t: function(t, fields["value"]))
    if type == "self_attention" and functional:
        return multihead_attention(fields, x)
    if functional and type in FUNCTIONS:
        return tools.Function(FUNCTIONS[type](fields, x))
    module = {**interpreter.BUILD, **BUILD}[type](fields, x)
    if not functional:
        return module
    if isinstance(module, (nn.Sequential, Contiguous)):
        raise ValueError("not one function")
    return tools.FunctionOf(lambda t, owner: OWNED[type](owner, t), module)


class Drawing:
    """A spec while it is drawn, and its modules.

    All that is made is used: fvcore's trace leaves out what is not.
    """

    def __init__(self, d: Random) -> None:
        self.d = d
        self.layers: list[Any] = []
        self.modules: list[nn.Module] = []
        self.joins: list[tuple[Callable[..., Any], int, int] | None] = []
        #: The sizes of the input and of what each layer makes.
        self.made = [dice.draw_sizes(d, d.choice([0, 1, 1, 2, 2, 2, 3]))]

    def result(self) -> tuple[Json, nn.Module]:
        """The spec, and its module."""
        spec = {"name": "drawn", "input": self.made[0], "layers": self.layers}
        return spec, Chain(self.modules, self.joins)

    def more(self) -> None:
        """One layer more, mostly; a parameter comes with what joins it."""
        last, kind = len(self.layers), self.d.random()
        if kind < 0.06:
            self.learned(last)
        elif kind < 0.35:
            self.join(*self.d.choice([(0, last), (last, 0), (last, last)]))
        else:
            self.layer()

    def learned(self, last: int) -> None:
        """A parameter, and what joins it with the tensor before."""
        sizes = [1 if self.d.random() < 0.3 else n for n in self.made[-1]]
        self.add("parameter", {"shape": sizes}, Table(sizes), sizes)
        if not self.join(*self.d.choice([(last, last + 1), (last + 1, last)])):
            for kept in (self.layers, self.modules, self.joins, self.made):
                kept.pop()

    def join(self, a: int, b: int) -> bool:
        """A layer that joins two tensors, by their numbers; whether there is one."""
        drawn = draw_join(self.d, self.made[a], self.made[b])
        if drawn is None:
            return False
        type, fields = drawn
        function = joined(type, fields)
        y = function(*(torch.zeros(1, *self.made[n], device="meta") for n in (a, b)))
        if not small(y):
            return False
        fields = {"from": [self.name(n) for n in (a, b)], **fields}
        self.add(type, fields, nn.Identity(), list(y.shape[1:]), (function, a, b))
        return True

    def layer(self) -> None:
        """A layer of one input."""
        d, sizes = self.d, self.made[-1]
        types = [t for t in KNOWN if KNOWN[t][0] <= len(sizes) - 1 <= KNOWN[t][1]]
        (type,) = d.choices(types, [KNOWN[t][2] for t in types])
        fields = draw_fields(d, KNOWN[type][3], sizes)
        if type == "elementwise":
            type = d.choice(list(OPERATORS))
        if type in {*FUNCTIONS, *OWNED, *NAMED, "self_attention"} and d.random() < 0.35:
            fields["functional"] = True
        try:
            module = built(type, fields, sizes).eval()
            with torch.no_grad():
                y = module(torch.zeros(interpreter.BATCH, *sizes))
        except (*interpreter.REFUSALS, TypeError):
            return
        if small(y):
            self.add(type, fields, module, list(y.shape[1:]))

    def add(
        self, type: str, fields: Json, module: nn.Module, made: Sizes, join: Any = None
    ) -> None:
        self.layers.append({type: fields})
        self.modules.append(module)
        self.joins.append(join)
        self.made.append(made)

    def name(self, number: int) -> str:
        """The name of a layer, which it is given, or of the input."""
        if number == 0:
            return "input"
        ((_, fields),) = self.layers[number - 1].items()
        name: str = fields.setdefault("name", f"l{number}")
        return name


#: The layers of one input; not `split`, whose parts a chain does not join.
KNOWN = {type: drawn for type, drawn in {**dice.DRAW, **DRAW}.items() if type != "split"}


def small(y: Any) -> bool:
    """Whether a tensor has a size that the language takes, and the tools soon count."""
    return 1 <= y.ndim - 1 <= 8 and 0 < y.numel() < 40000


def drawn(d: Random) -> tuple[Json, nn.Module]:
    """A spec of one to five layers that PyTorch runs, and its module."""
    while True:
        drawing, wanted = Drawing(d), d.randint(1, 4)
        for _ in range(20):
            drawing.more()
            if len(drawing.layers) >= wanted:
                return drawing.result()


def draw_fields(d: Random, draw: dice.Draw, sizes: Sizes) -> Json:
    """The fields of a layer, some by their short names."""
    shorts = {long: short for short, names in interpreter.SHORT.items() for long in names}
    return {
        shorts[name] if name in shorts and d.random() < 0.5 else name: value
        for name, value in draw(d, sizes).items()
    }


# --- The comparison -------------------------------------------------------------------------------


def of_convcalc(spec: Json, names: list[str], batch: int) -> Json:
    """What convcalc says, in the form of the tools' answers; nothing where it refuses the spec."""
    try:
        network = convcalc.loads(json.dumps(spec))
    except convcalc.ConvcalcError as error:
        return {"refused": str(error)}
    found = {}
    for name in names:
        params: list[Any] = list(convcalc.conventions.find(name).params(network))
        found[name] = [
            network.analyze(name, batch).totals.flops,
            None if None in params else sum(params),
        ]
    return found


def reason(name: str, case: Json) -> str | None:
    """Why a figure may differ."""
    for names, holds, why in REASONS:
        if name in names and holds(case):
            return why
    return None


def answers(count: int, seed: int) -> Iterator[Json]:
    """Specs, what the tools say of each, and what convcalc says."""
    d = Random(seed)
    for _ in range(count):
        batch = 3 if d.random() < 0.25 else 1
        interpreter.BATCH = batch
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            spec, module = drawn(d)
            said = tools.count(nn.Sequential(module).eval(), [batch, *spec["input"]])
        wanted = {
            name: [None, None] if "raises" in answer else [answer["flops"], answer["params"]]
            for name, answer in said.items()
        }
        found = of_convcalc(spec, list(wanted), batch)
        yield {"spec": spec, "batch": batch, "tools": wanted, "convcalc": found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--specs", type=int, default=200, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--record", action="store_true", help="write those that agree for the suite"
    )
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    differences, explained = 0, collections.Counter[str]()
    kept = []
    for case in answers(arguments.specs, arguments.seed):
        found = case.pop("convcalc")
        agreed = True
        if "refused" in found:
            differences += 1
            print(json.dumps(case["spec"]), case["batch"], "REFUSED", found["refused"], flush=True)
            continue
        for name, wanted in case["tools"].items():
            if found[name] == wanted:
                continue
            agreed = False
            why = reason(name, case)
            if why is not None:
                explained[f"{name}: {why}"] += 1
                continue
            differences += 1
            print(json.dumps(case["spec"]), case["batch"], name, found[name], wanted, flush=True)
        if agreed:
            kept.append(case)
    for why, times in explained.most_common():
        print(f"{times} × {why}")
    print(f"{arguments.specs} specs, {differences} differences")
    if arguments.record:
        cases = {"versions": tools.versions(), "seed": arguments.seed, "cases": kept}
        (HERE / "differential.json").write_text(tools.text(cases) + "\n", encoding="utf-8")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
