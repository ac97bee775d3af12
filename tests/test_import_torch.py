"""PyTorch modules read, beside what PyTorch itself says of them."""

# torch is not installed where the project's own checks run.
# mypy: disable-error-code="import-not-found,import-untyped,no-any-return,misc,unused-ignore"

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import convcalc
from convcalc import loads
from convcalc.diagnostics import ConvcalcError
from convcalc.foreign.patterns import recognised
from convcalc.foreign.traced import Traced
from convcalc.foreign.writing import text_of

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from convcalc.importers.aten.reading import read  # noqa: E402
from convcalc.importers.torch import read as read_apart  # noqa: E402
from convcalc.layers.attention import Opaque  # noqa: E402

pytestmark = pytest.mark.filterwarnings("default")  # those of torch are not ours


class Function(nn.Module):
    """A function as a network."""

    def __init__(self, function: Callable[..., Any], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Any) -> Any:
        return self.function(x, *self.parts)


def attention(x: Any, qkv: nn.Module) -> Any:
    q, k, v = qkv(x.flatten(2).transpose(1, 2)).reshape(1, -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
    return F.scaled_dot_product_attention(q, k, v)


def windows(x: Any, proj: nn.Module) -> Any:
    apart = x.permute(0, 2, 3, 1).view(1, 4, 3, 4, 3, 8).transpose(2, 3).reshape(16, 9, 8)
    back = proj(apart).view(1, 4, 4, 3, 3, 8).transpose(2, 3).reshape(1, 12, 12, 8)
    return back.permute(0, 3, 1, 2)


#: What is done to 8×12×12, and the layers that it is.
FUNCTIONS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "depthwise": (lambda: nn.Conv2d(8, 16, 3, groups=8), "depthwise_conv"),
    "same": (lambda: nn.Conv2d(8, 4, 4, padding="same", dilation=(1, 2)), "conv"),
    "transposed": (lambda: nn.ConvTranspose2d(8, 4, 3, 2, 1, output_padding=1), "conv_transpose"),
    "constant_weights": (
        lambda: Function(lambda x: F.conv2d(x, torch.ones(8, 1, 3, 3), groups=8, stride=2)),
        "unfold reshape buffer matmul reshape",
    ),
    "made_weights": (
        lambda: Function(
            lambda x, c: F.conv2d(x, c.weight - c.weight.mean((1, 2, 3), keepdim=True), c.bias),
            nn.Conv2d(8, 4, 3),
        ),
        "conv",
    ),
    "norms": (
        lambda: nn.Sequential(nn.BatchNorm2d(8), nn.GroupNorm(2, 8), nn.InstanceNorm2d(8)),
        "batch_norm group_norm instance_norm",
    ),
    "norm_without_shift": (
        lambda: Function(lambda x, norm: norm(x.permute(0, 2, 3, 1)), nn.LayerNorm(8, bias=False)),
        "layer_norm scale",
    ),
    "norm_of_all": (lambda: nn.LayerNorm([8, 12, 12]), "layer_norm"),
    "rms_norm": (lambda: Function(lambda x, n: n(x.transpose(1, -1)), nn.RMSNorm(8)), "rms_norm"),
    "pools": (
        lambda: nn.Sequential(
            nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(2, 1), nn.AdaptiveAvgPool2d(1)
        ),
        "max_pool avg_pool global_avg_pool",
    ),
    "pool_function": (lambda: Function(lambda x: F.adaptive_avg_pool2d(x, 1)), "adaptive_avg_pool"),
    "means": (lambda: Function(lambda x: x.mean((2, 3))), "global_avg_pool flatten"),
    "squeeze_excite": (
        lambda: Function(
            lambda x, c: x * c(x.mean((2, 3), keepdim=True)).sigmoid(), nn.Conv2d(8, 8, 1)
        ),
        "global_avg_pool conv sigmoid mul",
    ),
    "in_place": (
        lambda: Function(lambda x: (F.relu(x, inplace=True), x.add_(1), x * 2)[2]),
        "relu add mul",
    ),
    "activations": (
        lambda: nn.Sequential(nn.ReLU6(), nn.Hardtanh(), nn.Hardswish(), nn.GELU(), nn.PReLU(8)),
        "relu6 clamp hard_swish gelu prelu",
    ),
    "dropouts": (lambda: nn.Sequential(nn.Dropout(0.2), nn.Identity(), nn.Dropout(0.0)), "dropout"),
    "resized": (
        lambda: Function(
            lambda x: F.interpolate(F.interpolate(x, scale_factor=2), (7, 9), mode="bilinear")
        ),
        "upsample upsample",
    ),
    "padded": (
        lambda: Function(lambda x: F.pad(F.pad(x, (1, 2)), (1, 1, 2, 2), mode="reflect")),
        "pad pad",
    ),
    "split": (
        lambda: Function(lambda x: torch.cat([*x.chunk(2, 1), x[:, ::2], x.roll(1, 2)], 1)),
        "split slice index_select concat",
    ),
    "shuffled": (
        lambda: Function(lambda x: x.view(1, 2, 4, 12, 12).transpose(1, 2).reshape(1, 8, 12, 12)),
        "reshape permute reshape",
    ),
    "attention": (
        lambda: Function(attention, nn.Linear(8, 24)),
        "flatten linear reshape split reshape reshape reshape matmul mul softmax matmul",
    ),
    "windows": (
        lambda: Function(windows, nn.Linear(8, 8)),
        "reshape permute reshape linear reshape permute reshape",
    ),
    "einsum": (
        lambda: Function(lambda x: torch.einsum("bchw,bdhw->bcd", x, x)),
        "flatten flatten matmul",
    ),
    "einsums": (
        lambda: Function(
            lambda x: (
                torch.einsum("bchw,bdhw->bcdhw", x, x),
                torch.einsum("bi,bi->b", x[:, 0, 0], x[:, 0, 1]),
            )[0]
        ),
        "reshape permute reshape mul slice reshape slice flatten slice reshape slice flatten "
        "reshape reshape matmul",
    ),
    "addmm": (
        lambda: Function(
            lambda x, fc: torch.addmm(fc.bias, x[0, 0], fc.weight, beta=2, alpha=3),
            nn.Linear(12, 12),
        ),
        "slice reshape parameter matmul mul parameter mul reshape add",
    ),
    "variance": (
        lambda: Function(lambda x: x.var(1, keepdim=True, unbiased=False)),
        "reduce sub square reduce",
    ),
    "windows_laid_out": (lambda: Function(lambda x: F.unfold(x, 3, stride=3)), "unfold"),
    "masked": (lambda: Function(lambda x: x + torch.ones(12, 12).triu()), "buffer add"),
}
MADE = SimpleNamespace(**{name: make for name, (make, _) in FUNCTIONS.items()})
SIZE = {"": (8, 12, 12)}


def here(name: str, inputs: dict[str, tuple[int, ...]] | None = None, **arguments: Any) -> Traced:
    """What is read of a name in this file."""
    return read(f"{__name__}:{name}", arguments, inputs or SIZE)


def types(traced: Traced) -> str:
    return " ".join(call.placed.type for call in traced.calls)


def parameters(traced: Traced) -> int:
    tensors = [weight for call in traced.calls for weight in call.placed.weights]
    return sum(weight.size for weight in tensors if weight.trainable)


def macs(traced: Traced) -> int:
    return sum(call.placed.operations.macs for call in traced.calls if call.placed.operations)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_layers_that_cost_what_pytorch_counts(name: str) -> None:
    make, expected = FUNCTIONS[name]
    traced = here(f"MADE.{name}")
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        module = make().eval()
        made = module(torch.empty(1, 8, 12, 12))
    assert macs(traced) == counter.get_total_flops() // 2
    assert parameters(traced) == sum(each.numel() for each in module.parameters())
    assert traced.outputs[0].shape.size == made.numel()
    assert traced.notes == ()
    assert types(traced) == expected


class Block(nn.Module):
    """A convolution that is called twice, with functions around it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 1)

    def forward(self, x: Any) -> Any:
        x = F.relu(self.conv(x))
        return x + torch.mul(self.conv(x), x)


class Nested(nn.Module):
    """Blocks in a list, one of them called again; a head that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Block()])
        self.head = nn.Sequential(nn.Linear(8, 3))

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return {"a": self.blocks[0](x), "b": x}


def test_modules_are_scopes_and_their_calls_are_numbered() -> None:
    traced = here("Nested")
    found = [
        (".".join(f"{each.name}:{each.type}:{each.use}" for each in call.scopes), call.name)
        for call in traced.calls
        if call.placed.type == "conv"
    ]
    assert found == [
        (f"blocks:ModuleList:0.{block}:Block:{use}", "conv")
        for block, use in ((0, 0), (0, 0), (1, 0), (1, 0), (0, 1), (0, 1))
    ]
    assert [call.weights_of for call in traced.calls if call.placed.type == "conv"] == [
        None, 0, None, 5, 0, 0,
    ]  # fmt: skip
    assert len(traced.outputs) == 2


def test_functions_are_told_from_modules_and_operators() -> None:
    calls = here("Nested").calls[:4]
    assert [(call.name, call.functional) for call in calls] == [
        ("conv", False),
        ("relu", True),
        ("conv", False),
        ("mul", True),
    ]
    assert not here("Nested").calls[4].functional


def test_what_is_never_called_is_said_and_not_counted() -> None:
    traced = here("Nested")
    assert parameters(traced) == 2 * (8 * 8 + 8)
    assert traced.notes == ("never used, and not counted: `head`, of 27 parameters",)


class Tied(nn.Module):
    """One tensor under two names; another is frozen, a third has several parts."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(12, 12), nn.Linear(12, 12)
        self.b.weight, self.b.bias = self.a.weight, self.a.bias
        self.a.requires_grad_(False)
        self.attention = nn.MultiheadAttention(12, 2, batch_first=True)
        self.token = nn.Parameter(torch.zeros(1, 2, 12))

    def forward(self, x: Any) -> Any:
        x = self.b(self.a(x[0]))
        query = self.token.expand(x.shape[0], -1, -1)
        return self.attention(query, x, x, need_weights=False)[0]


def test_weights_under_two_names_are_one_and_parts_of_a_weight_make_it_up() -> None:
    traced = here("Tied")
    assert traced.notes == ()
    assert parameters(traced) == sum(each.numel() for each in Tied().parameters())
    first, second = (call for call in traced.calls if call.name in ("a", "b"))
    assert traced.calls[second.weights_of or 0] is first
    assert first.placed.frozen
    assert not traced.calls[-1].placed.frozen


class Same(nn.Module):
    """A function of modules and a learned tensor, of which one uses tensors of another."""

    def __init__(self, function: Callable[..., Any], *parts: nn.Module, tied: str = "") -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)
        self.factor = nn.Parameter(torch.zeros(8)) if not parts else None
        if tied:
            setattr(self.parts[1], tied, getattr(self.parts[0], tied))

    def forward(self, x: Any) -> Any:
        return self.function(x, *self.parts) if self.parts else self.function(x, self.factor)


def in_turn(x: Any, *parts: nn.Module) -> Any:
    for part in parts:
        x = part(x)
    return x


def looked_up(x: Any, table: nn.Module, head: nn.Module) -> Any:
    return head(table(x[0].long()))


def of_both(x: Any, attend: nn.Module) -> Any:
    y = attend(x, x, x, need_weights=False)[0]
    return attend(y, x, y, need_weights=False)[0]


def narrow() -> nn.Module:
    return nn.Conv2d(8, 4, 3, 2, 1)


#: One tensor in layers that are built otherwise: the module, its input, and its first layers.
UNLIKE: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], str]] = {
    "head": (
        lambda: Same(looked_up, nn.Embedding(50, 8), nn.Linear(8, 50), tied="weight"),
        (6,),
        "parameter index_select parameter permute matmul parameter add",
    ),
    "biases": (
        lambda: Same(in_turn, nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1), tied="weight"),
        (8, 6, 6),
        "conv parameter add conv parameter add",
    ),
    "one_bias": (
        lambda: Same(in_turn, nn.Linear(6, 8), nn.Linear(8, 8), tied="bias"),
        (8, 6, 6),
        "permute linear parameter add linear parameter add",
    ),
    "norms": (
        lambda: Same(in_turn, nn.LayerNorm(8), nn.RMSNorm(8), tied="weight"),
        (6, 8),
        "permute layer_norm parameter mul parameter add rms_norm parameter mul",
    ),
    "function": (
        lambda: Same(lambda x, c: F.conv2d(c(x), c.weight), nn.Conv2d(8, 8, 3)),
        (8, 6, 6),
        "conv parameter add conv",
    ),
    "turned": (
        lambda: Same(lambda x, fc: F.linear(fc(x), fc.weight.t()), nn.Linear(8, 4)),
        (8,),
        "reshape parameter matmul parameter add parameter permute matmul",
    ),
    "transposed": (
        lambda: Same(lambda x, c: F.conv_transpose2d(c(x), c.weight, None, 2, 1, 1), narrow()),
        (8, 6, 6),
        "unfold parameter matmul reshape parameter add flatten parameter permute matmul fold",
    ),
    "row": (
        lambda: Same(
            lambda x, c: (
                c(x) + F.linear(x[..., :3].flatten(1), c.weight[0, :, :].reshape(1, 24)).sum()
            ),
            nn.Conv1d(8, 8, 3),
        ),
        (8, 6),
        "reshape unfold parameter matmul parameter add",
    ),
    "attention": (
        lambda: Same(of_both, nn.MultiheadAttention(8, 2, batch_first=True)),
        (6, 8),
        "reshape parameter matmul parameter add",
    ),
    "factor": (
        lambda: Same(lambda x, v: x * v + v * x + v),
        (6, 8),
        "parameter mul parameter mul add parameter add",
    ),
    "slopes": (
        lambda: Same(lambda x, p: p(x) + p.weight, nn.PReLU(8)),
        (8, 8),
        "clamp parameter mul relu add parameter permute add",
    ),
}
SHARED = SimpleNamespace(**{name: make for name, (make, _, _) in UNLIKE.items()})


@pytest.mark.parametrize("name", UNLIKE)
def test_a_tensor_in_layers_that_are_built_otherwise_counts_once(name: str) -> None:
    make, size, expected = UNLIKE[name]
    traced = here(f"SHARED.{name}", {"": size})
    assert parameters(traced) == sum(each.numel() for each in make().parameters())
    assert traced.notes == ()  # of MACs other than PyTorch's, too
    assert types(traced).startswith(expected)
    for flat in (True, False):
        text = text_of(recognised(traced), flat=flat)
        assert convcalc.loads(text).analyze().totals["params"] == parameters(traced)


def unread(x: Any, *parts: nn.Module) -> Any:
    for part in parts[1:]:
        part(x)
    x = parts[0](x)
    return x, x


def test_modules_that_nobody_reads_and_a_tensor_that_leaves_twice_are_told() -> None:
    traced = here("UNREAD")
    assert types(traced) == "conv conv"
    assert traced.notes == (
        "it returns one tensor several times, which leaves once here",
        "nothing reads what `parts.1` makes: left out",
        "nothing reads what `parts.2` makes: counted, as PyTorch runs it",
    )


UNREAD = Same(unread, nn.Conv2d(8, 8, 1), nn.Sigmoid(), nn.Conv2d(8, 4, 1))


def of_nothing(x: Any, fc: nn.Module) -> Any:
    return fc(x[..., :0].flatten(2)) + x.flatten(2)[..., :5]


def nothing_at_all() -> nn.Module:
    return Same(of_nothing, nn.Linear(0, 5))


def test_a_slice_of_nothing_is_a_constant() -> None:
    traced = here("nothing_at_all")
    assert types(traced) == "flatten slice parameter index_select reshape add"
    assert (parameters(traced), macs(traced), traced.notes) == (5, 0, ())


def test_what_no_spec_says_is_not_written() -> None:
    traced = here("Infinite")
    call = traced.calls[-1]
    layer = Opaque(op="nothing", shape=(0,))
    opaque = call._replace(placed=dataclasses.replace(call.placed, layer=layer, written=layer))
    traced = traced._replace(calls=(*traced.calls[:-1], opaque))
    for flat in (True, False):
        with pytest.raises(ConvcalcError, match="has layers that no spec says: `shape` must be"):
            text_of(traced, flat=flat)


class Infinite(nn.Module):
    """A pool of the largest, whose padding is no number."""

    def forward(self, x: Any) -> Any:
        return F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 3, 2).clamp(min=0)


def test_an_infinite_padding_is_the_largest_number_that_a_spec_can_say() -> None:
    traced = here("Infinite")
    assert types(traced) == "pad max_pool clamp"
    text = text_of(recognised(traced))
    assert "# Infinite numbers, which a spec cannot say," in text
    assert loads(text).nodes[0].placed.config["value"] == -sys.float_info.max


class Table(nn.Module):
    """A learned table, of which a constant picks a bias for every pair."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(9, 8))
        self.register_buffer("places", torch.arange(144) % 9)

    def forward(self, x: Any) -> Any:
        return x + self.table[self.places].view(12, 12, 8).permute(2, 0, 1)


def test_cells_that_are_picked_of_a_learned_table_are_layers() -> None:
    traced = here("Table")
    assert types(traced) == "parameter index_select reshape permute add"
    assert [tuple(call.placed.outputs[0]) for call in traced.calls[:2]] == [(9, 8), (144, 8)]
    assert parameters(traced) == 72


class Several(nn.Module):
    """Two inputs, and an operator that no layer says."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, image: Any, mask: Any = None) -> Any:
        return torch.cumsum(self.conv(image), 1) * mask


def test_inputs_go_by_name_and_an_unknown_operator_is_opaque() -> None:
    traced = here("Several", {"image": (3, 8, 8), "mask": (1, 6, 6)})
    assert {name: tuple(shape) for name, shape in traced.inputs.items()} == {
        "image": (3, 8, 8),
        "mask": (1, 6, 6),
    }
    assert types(traced) == "conv opaque mul"
    assert traced.notes == ("what cumsum costs is not known",)


class AsksWhileMade(nn.Module):
    """A constructor that asks for values, and a forward that asks for those of its own tensors."""

    def __init__(self, width: int, name: str = "") -> None:
        super().__init__()
        if name == "bad":
            raise ValueError("no such name\nas that")
        self.widths = [int(each.item()) for each in torch.linspace(width, width, 1)]
        self.conv = nn.Conv2d(3, self.widths[0], 1)

    def forward(self, x: Any) -> Any:
        return self.conv(x) * torch.tensor([2.0]).item()


def test_a_module_that_asks_for_values_is_made_on_the_processor() -> None:
    traced = here("AsksWhileMade", {"": (3, 4, 4)}, width=5)
    assert types(traced) == "conv mul"
    assert traced.notes == ()


class Branches(nn.Module):
    """What it does depends on what enters."""

    def forward(self, x: Any) -> Any:
        return x if x.sum() > 0 else -x


class Leaves(nn.Module):
    """A constructor that ends the program."""

    def __init__(self) -> None:
        sys.exit("gone")


class Words(nn.Module):
    """Numbers, and places in a table."""

    def __init__(self) -> None:
        super().__init__()
        self.of = nn.ModuleDict({"image": nn.Linear(8, 4), "words": nn.Embedding(9, 4)})

    def forward(self, image: Any, words: Any) -> Any:
        return self.of["image"](image) + self.of["words"](words)


class Two(nn.Module):
    """Two inputs that it needs, and one that it may have."""

    def __init__(self) -> None:
        super().__init__()
        self.stems = nn.ModuleList([nn.Conv2d(3, 4, 1), nn.Conv2d(1, 4, 1)])

    def forward(self, rgb: Any, depth: Any, mask: Any = None) -> Any:
        return self.stems[0](rgb) + self.stems[1](depth)


class MuteError(Exception):
    """An exception that cannot say what it is."""

    def __str__(self) -> str:
        raise KeyError


class Raises(nn.Module):
    """A constructor or a forward that raises, or one after which there is no current directory."""

    def __init__(self, made: str = "", run: str = "") -> None:
        super().__init__()
        self.run = run
        raised(made)

    def forward(self, x: Any) -> Any:
        raised(self.run)
        return x


def raised(name: str) -> None:
    if name == "moved":
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
        raise ValueError(name)
    if name:
        raise {"mute": MuteError, "stop": KeyboardInterrupt, "exit": GeneratorExit}[name]


NOTHING = 3
SMALL = {"": (3, 4, 4)}
#: What is asked for, and the code and the words of what is said of it.
MISTAKES: list[tuple[str, dict[str, Any], Mapping[str, tuple[int, ...]], str, str]] = [
    ("AsksWhileMade", {"width": 5, "name": "bad"}, SMALL, "code-raised",
     "AsksWhileMade failed: ValueError: no such name"),
    ("AsksWhileMade", {"widht": 5}, SMALL, "bad-argument", "did you mean `width`?"),
    ("AsksWhileMade", {}, SMALL, "bad-argument", "--arg width=…"),
    ("AsksWhileMade", {"width": 5}, {"": (4, 4, 4)}, "code-raised", "expected input"),
    ("AsksWhileMade", {"width": 5}, {"y": (3, 4, 4)}, "unknown-input-name", "it has `x`"),
    ("AsksWhileMade", {"width": 5}, {}, "missing-input", "--input 3x224x224"),
    ("AsksWhileMad", {}, SMALL, "unknown-attribute", "did you mean `AsksWhileMade`?"),
    ("Two", {}, {}, "missing-input", "`--input rgb=3x224x224 --input depth=…`"),
    ("Two", {}, SMALL, "missing-input", "takes 2 inputs, `rgb` and `depth`, and one is given"),
    ("Two", {}, {"rgb": (3, 4, 4)}, "missing-input", "and `depth` is missing"),
    ("Two", {}, {"dept": (1, 4, 4)}, "unknown-input-name", "`rgb`, `depth` and `mask`"),
    ("Two", {}, {"rgb": (3, 4, 4), "depth": (2, 4, 4)}, "code-raised", "in `stems.1` (Conv2d)"),
    ("Nested", {}, {"": (1, 8, 12, 12)}, "bad-value", "write `--input 8x12x12`"),
    ("Several", {}, {"image": (8, 8, 3), "mask": (1, 6, 6)}, "bad-value", "`--input image=3x8x8`"),
    ("Several", {}, {"image": (8,), "mask": (1, 6, 6)}, "bad-value", "`--input image=3x8x8`"),
    ("Branches", {}, SMALL, "code-raised", "depends on the input"),
    ("Leaves", {}, SMALL, "code-raised", "it ends the program (SystemExit: gone)"),
    ("Raises", {"made": "mute"}, SMALL, "code-raised", "Raises failed: MuteError"),
    ("Raises", {"run": "mute"}, SMALL, "code-raised", "Raises failed: KeyError"),
    ("Raises", {"made": "stop"}, SMALL, "code-raised", "Raises failed: KeyboardInterrupt"),
    ("Raises", {"run": "exit"}, SMALL, "code-raised", "Raises failed: GeneratorExit"),
    ("Raises", {"made": "moved"}, SMALL, "code-raised", "Raises failed: ValueError: moved"),
    ("NOTHING", {}, SMALL, "not-a-module", "of the type int"),
    ("here", {"name": "MADE.same"}, SMALL, "not-a-module", "of the type Traced"),
]  # fmt: skip


def test_mistakes_say_what_is_wrong_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, arguments, inputs, code, said in MISTAKES:
        monkeypatch.chdir(Path(__file__).parent)  # which one of them removes
        with pytest.raises(ConvcalcError) as error:
            read(f"{__name__}:{name}", arguments, inputs)
        (diagnostic,) = error.value.diagnostics
        assert (diagnostic.code, name) == (code, name)
        assert said in "\n".join([str(error.value), *diagnostic.notes])
        assert code != "code-raised" or f"{Path(__file__).name}:" in diagnostic.notes[-1]


def test_an_unknown_name_is_answered_with_what_makes_modules_there(folder: Path) -> None:
    with pytest.raises(ConvcalcError) as error:
        read_apart("paper:Nope", {}, {"": (3,)})
    assert error.value.diagnostics[0].help == "it has `Net`, `made` and `make`"


def test_what_it_was_made_by_is_its_source() -> None:
    traced = read(f"{__name__}:AsksWhileMade", {"width": 5, "name": "good"}, SMALL)
    assert traced.source == f"{__name__}:AsksWhileMade(width=5, name='good')"
    assert traced.name == "good"
    assert here("Nested").source == f"{__name__}:Nested"


def test_integers_enter_what_refuses_floats() -> None:
    """An embedding is a learned table, of which cells are taken."""
    traced = here("Words", {"image": (3, 8), "words": (3,)})
    assert types(traced) == "permute linear parameter index_select permute add"
    assert (parameters(traced), macs(traced)) == (8 * 4 + 4 + 9 * 4, 3 * 8 * 4)
    assert [call.name for call in traced.calls[1:3]] == ["image", "words"]
    assert traced.notes == ()


def test_an_unknown_module_is_answered_with_those_beside_it() -> None:
    with pytest.raises(ConvcalcError, match=r"(?s)has no module `torch.nn.module`.*did you mean"):
        read("torch.nn.module:Linear", {}, SMALL)


#: Code as a user has it, which prints and misbehaves.
CODE = """
import os, sys, torch
print("made of paper"); print("to the other side", file=sys.stderr)
class Net(torch.nn.Module):
    def __init__(self, how="well"):
        super().__init__()
        if how == "dies": print("last words", flush=True); os._exit(7)
        while how == "waits": pass
        self.fc = torch.nn.Linear(3, 2)
    def forward(self, x):
        return self.fc(x)
def make(): return Net()
def made(how: str) -> Net: return Net(how)
def counted(net) -> int: return 3
from math import sqrt
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "paper.py").write_text(CODE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_code_in_the_current_directory_is_run_elsewhere_and_what_it_prints_is_not_shown(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    traced = read_apart("paper:Net", {"how": "well"}, {"": (3,)})
    assert types(traced) == "linear"
    assert "paper" not in sys.modules
    assert capfd.readouterr() == ("", "")


def test_a_process_that_ends_itself_is_told_with_its_last_words(folder: Path) -> None:
    with pytest.raises(ConvcalcError) as error:
        read_apart("paper:Net", {"how": "dies"}, {"": (3,)})
    (diagnostic,) = error.value.diagnostics
    assert "ended its process with the status 7" in diagnostic.message
    assert diagnostic.notes[-1] == "it printed: last words"


def test_code_that_does_not_end_is_ended_where_there_is_a_limit(folder: Path) -> None:
    with pytest.raises(ConvcalcError, match=r"takes more than 0\.5 seconds.*(?s:.*)code=N"):
        read_apart("paper:Net", {"how": "waits"}, {"": (3,)}, seconds=0.5)


def test_an_interrupt_ends_the_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if not started:
                started.append(self)
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_apart("paper:Net", {"how": "waits"}, {"": (3,)})
    assert started[0].poll() is not None


def test_without_torch_the_extra_is_named(folder: Path) -> None:
    absent = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"
    (folder / "torch.py").write_text(absent, encoding="utf-8")
    with pytest.raises(ConvcalcError) as error:
        read_apart("paper:Net", {}, {"": (3,)})
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "missing-extra"
    assert diagnostic.help == "`pip install 'convcalc[torch]'`"
