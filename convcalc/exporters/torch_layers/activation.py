"""Activations."""

from __future__ import annotations

from convcalc.exporters.python.use import Rule, Use
from convcalc.exporters.torch_layers.rules import RULES, called, function, module, unless_default

#: The modules and functions without a field.
PLAIN = {
    "elu": ("nn.ELU", "F.elu"),
    "gelu": ("nn.GELU", "F.gelu"),
    "hard_sigmoid": ("nn.Hardsigmoid", "F.hardsigmoid"),
    "hard_swish": ("nn.Hardswish", "F.hardswish"),
    "leaky_relu": ("nn.LeakyReLU", "F.leaky_relu"),
    "mish": ("nn.Mish", "F.mish"),
    "relu": ("nn.ReLU", "F.relu"),
    "relu6": ("nn.ReLU6", "F.relu6"),
    "sigmoid": ("nn.Sigmoid", "torch.sigmoid"),
    "silu": ("nn.SiLU", "F.silu"),
    "softplus": ("nn.Softplus", "F.softplus"),
    "tanh": ("nn.Tanh", "torch.tanh"),
    "abs": ("", "torch.abs"),
    "exp": ("", "torch.exp"),
    "log": ("", "torch.log"),
    "sqrt": ("", "torch.sqrt"),
    "square": ("", "torch.square"),
}


def _plain(made: str, called_as: str) -> Rule:
    return Rule(
        (lambda use: [f"{made}()"]) if made else None,
        lambda use, operands: called(called_as, *operands),
    )


RULES.update({type: _plain(*names) for type, names in PLAIN.items()})


@module("prelu")
def prelu(use: Use) -> list[str]:
    return [called("nn.PReLU", *filter(None, [unless_default(use, "num_parameters")]))]


@module("softmax")
def softmax(use: Use) -> list[str]:
    return [called("nn.Softmax", dim=_axis(use))]


@function("softmax")
def softmax_function(use: Use, operands: list[str]) -> str:
    return called("torch.softmax", *operands, dim=_axis(use))


def _axis(use: Use) -> int:
    axis: int = use.known("axis")
    if all(each.written.axis == -1 for each in use.placed):  # type: ignore[attr-defined]
        return -1
    return axis + 1


@function("clamp")
def clamp(use: Use, operands: list[str]) -> str:
    return called(
        "torch.clamp", *operands, min=unless_default(use, "min"), max=unless_default(use, "max")
    )
