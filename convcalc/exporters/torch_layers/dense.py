"""Dense layers, and those that only pass or re-arrange what comes."""

from __future__ import annotations

import ast

from convcalc.exporters.python import expressions
from convcalc.exporters.python.use import Use
from convcalc.exporters.torch_layers.rules import called, function, module, unless_default


def _is_flat(use: Use) -> bool:
    return use.one([len(each.inputs[0]) == 1 for each in use.placed])  # type: ignore[no-any-return]


@module("linear")
def linear(use: Use) -> list[str]:
    name = "nn.Linear" if _is_flat(use) else use.helper("ChannelLinear")
    return [called(name, use.channels(), use.arg("out_features"), bias=unless_default(use, "bias"))]


@function("linear", holds=True)
def linear_function(use: Use, operands: list[str]) -> str:
    layer, x = operands
    given = f"{layer}.weight, {layer}.bias"
    if _is_flat(use):
        return f"F.linear({x}, {given})"
    return f"F.linear({x}.movedim(1, -1), {given}).movedim(-1, 1)"


@module("scale")
def scale(use: Use) -> list[str]:
    return [called(use.helper("LayerScale"), use.channels())]


@module("flatten")
def flatten(use: Use) -> list[str]:
    return [called("nn.Flatten", *_start(use))]


@function("flatten")
def flatten_function(use: Use, operands: list[str]) -> str:
    return called("torch.flatten", *operands, *(_start(use) or ["1"]))


def _start(use: Use) -> list[str]:
    start = use.known("start_axis") + 1
    return [str(start)] if start != 1 else []


@function("reshape")
def reshape(use: Use, operands: list[str]) -> str:
    (x,) = operands
    tree = use.tree("shape")
    if not isinstance(tree, ast.Tuple):
        return f"{x}.reshape({use.size(x, -1)}, *{expressions.text(tree)})"
    return called(f"{x}.reshape", use.size(x, -1), *map(expressions.text, tree.elts))


@module("dropout")
def dropout(use: Use) -> list[str]:
    rate = _rate(use)
    return [called("nn.Dropout", *([] if rate == "0.5" else [rate]))]


@function("dropout")
def dropout_function(use: Use, operands: list[str]) -> str:
    return called("F.dropout", *operands, _rate(use), "self.training")


def _rate(use: Use) -> str:
    rate = use.arg("rate")
    return f"{rate}.0" if rate.isdigit() else rate


@module("identity")
def identity(use: Use) -> list[str]:
    return ["nn.Identity()"]
