"""Layers that change the resolution without learning, and windows as columns."""

from __future__ import annotations

import ast

from convcalc.exporters.python import expressions
from convcalc.exporters.python.channels import Unsayable
from convcalc.exporters.python.use import Use
from convcalc.exporters.torch_layers.convolution import padded
from convcalc.exporters.torch_layers.rules import (
    called,
    function,
    module,
    reversed_pads,
    unless_default,
)


@function("pad")
def pad(use: Use, operands: list[str]) -> str:
    pairs = _pairs(use)
    mode = use.known("mode")
    named: dict[str, str | None] = {}
    if mode != "constant":
        named["mode"] = f'"{mode}"'
    elif use.is_set("value"):
        named["value"] = use.arg("value")
    return called("F.pad", *operands, f"({', '.join(pairs)})", **named)


def _pairs(use: Use) -> list[str]:
    """What `F.pad` takes: the cells before and behind each axis, the last first."""
    rank = use.one([len(each.inputs[0]) for each in use.placed])
    written = {each.written.axis for each in use.placed}  # type: ignore[attr-defined]
    axis = use.known("axis") if len(written) == 1 else None
    try:
        tree = use.tree("padding")
    except Unsayable:
        tree = expressions.tree(use.known("padding"))
    items: list[ast.expr]
    if axis is not None:
        if isinstance(tree, ast.Tuple):
            first = tree.elts[0]
            pair = first.elts if isinstance(first, ast.Tuple) else tree.elts
            if len(pair) == 1:
                pair = [pair[0], pair[0]]
        else:
            pair = [tree, tree]
        # A pair for one axis is read as two axes' margins, equal on both ends.
        pads = [*map(expressions.text, pair)]
        zeros = ["0", "0"] * (rank - 1 - axis % rank)
        # Other modes than `constant` take all spatial axes.
        rest = ["0", "0"] * (axis % rank - 1) if use.known("mode") != "constant" else []
        return [*zeros, *pads, *rest]
    items = tree.elts if isinstance(tree, ast.Tuple) else [tree] * (rank - 1)
    if len(items) == 1:
        items = items * (rank - 1)
    found: list[str] = []
    for item in reversed(items):
        pair = item.elts if isinstance(item, ast.Tuple) else [item, item]
        found += map(expressions.text, pair)
    return found


@module("pixel_shuffle")
def pixel_shuffle(use: Use) -> list[str]:
    return [called("nn.PixelShuffle", use.arg("factor"))]


@function("pixel_shuffle")
def pixel_shuffle_function(use: Use, operands: list[str]) -> str:
    return called("F.pixel_shuffle", *operands, use.arg("factor"))


@module("pixel_unshuffle")
def pixel_unshuffle(use: Use) -> list[str]:
    return [called("nn.PixelUnshuffle", use.arg("factor"))]


@function("pixel_unshuffle")
def pixel_unshuffle_function(use: Use, operands: list[str]) -> str:
    return called("F.pixel_unshuffle", *operands, use.arg("factor"))


@module("upsample")
def upsample(use: Use) -> list[str]:
    mode = use.known("mode")
    if mode == "area":
        return [called(use.helper("Resize"), *_sizes(use), mode='"area"')]
    named = {"mode": None if mode == "nearest" else f'"{mode}"'}
    return [called("nn.Upsample", **_named_sizes(use), **named)]


@function("upsample")
def upsample_function(use: Use, operands: list[str]) -> str:
    mode = use.known("mode")
    named = {"mode": None if mode == "nearest" else f'"{mode}"'}
    return called("F.interpolate", *operands, **_named_sizes(use), **named)


def _named_sizes(use: Use) -> dict[str, str | None]:
    layers = [each.layer for each in use.placed]
    if all(each.size is not None for each in layers):  # type: ignore[attr-defined]
        return {"size": use.arg("size")}
    if any(each.size is not None for each in layers):  # type: ignore[attr-defined]
        raise Unsayable
    return {"scale_factor": use.arg("scale")}


def _sizes(use: Use) -> list[str]:
    sizes = use.always(lambda each: each.outputs[0].spatial)
    return [expressions.text(expressions.tree(sizes))]


@module("unfold")
def unfold(use: Use) -> list[str]:
    return _columns(use, "nn.Unfold")


@function("unfold")
def unfold_function(use: Use, operands: list[str]) -> str:
    before, padding, kind = padded(use)
    if before or kind or padding == '"same"':
        windows = use.always(lambda each: each.windows)
        pads = reversed_pads(tuple([(w.before, w.after) for w in windows]))
        operands = [f"F.pad({operands[0]}, {pads})"]
        padding = None
    return called("F.unfold", *operands, use.arg("kernel_size"), **_steps(use), padding=padding)


def _steps(use: Use) -> dict[str, str | None]:
    return {name: unless_default(use, name) for name in ("dilation", "stride")}


def _columns(use: Use, name: str) -> list[str]:
    before, padding, kind = padded(use)
    if kind or padding == '"same"':
        windows = use.always(lambda each: each.windows)
        pads = tuple([(w.before, w.after) for w in windows])
        before, padding = [f"nn.ZeroPad2d({reversed_pads(pads)})"], None
    return [*before, called(name, use.arg("kernel_size"), **_steps(use), padding=padding)]


@module("fold")
def fold(use: Use) -> list[str]:
    pads = use.known("padding")
    after = []
    padding: str | None = unless_default(use, "padding")
    size = use.arg("output_size")
    if any(before != end for before, end in pads):
        cells = use.known("output_size")
        size = str(tuple([n + a + b for n, (a, b) in zip(cells, pads)]))
        after = [f"nn.ZeroPad2d({reversed_pads(tuple([(-a, -b) for a, b in pads]))})"]
        padding = None
    elif padding == '"valid"':
        padding = None
    made = called("nn.Fold", size, use.arg("kernel_size"), **_steps(use), padding=padding)
    return [made, *after]
