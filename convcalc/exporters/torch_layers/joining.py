"""Layers that join tensors, those that take them apart, and products of matrices."""

from __future__ import annotations

import ast
import re

from convcalc.exporters.python import expressions
from convcalc.exporters.python.use import Rule, Use
from convcalc.exporters.torch_layers.rules import RULES, called, function, module, unless_default

#: The signs of arithmetic.
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def _arithmetic(sign: str) -> Rule:
    def call(use: Use, operands: list[str]) -> str:
        if len(operands) == 1:
            value = use.tree("value")
            code = expressions.text(value)
            is_negative = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub)
            if is_negative and sign in "+-":
                return f"{operands[0]} {'-' if sign == '+' else '+'} {code[1:]}"
            if not isinstance(
                value, (ast.Constant, ast.Name, ast.UnaryOp, ast.Call, ast.Attribute)
            ):
                plain = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Pow)
                code = code if plain else f"({code})"
            return f"{operands[0]} {sign} {code}"
        return f" {sign} ".join(operands)

    return Rule(None, call)


RULES.update({type: _arithmetic(sign) for type, sign in _SIGNS.items()})


@function("maximum", "minimum")
def extreme(use: Use, operands: list[str]) -> str:
    if len(operands) == 1:
        name = "min" if use.type.type == "maximum" else "max"
        return called("torch.clamp", *operands, **{name: use.arg("value")})
    code = operands[0]
    for other in operands[1:]:
        code = f"torch.{use.type.type}({code}, {other})"
    return code


@function("concat")
def concat(use: Use, operands: list[str]) -> str:
    return f"torch.cat([{', '.join(operands)}], dim={_dim(use)})"


def _dim(use: Use) -> str:
    if all(each.written.axis == -1 for each in use.placed):  # type: ignore[attr-defined]
        return "-1"
    if not use.is_set("axis") and "axis" not in use.st.body.open:
        return "1"
    tree = use.tree("axis")
    if isinstance(tree, ast.Constant):
        axis: int = use.known("axis")
        return str(axis + 1)
    return expressions.text(ast.BinOp(tree, ast.Add(), ast.Constant(1)))


@module("channel_shuffle")
def channel_shuffle(use: Use) -> list[str]:
    return [called(use.helper("ChannelShuffle"), use.arg("groups"))]


@function("split")
def split(use: Use, operands: list[str]) -> str:
    layer = use.placed[0].written
    field = "sections" if layer.sections is not None else "sizes"  # type: ignore[attr-defined]
    if isinstance(getattr(layer, field), tuple):
        tree = use.tree(field)
        items = (
            f"[{', '.join(map(expressions.text, tree.elts))}]"
            if isinstance(tree, ast.Tuple)
            else expressions.text(tree)
        )
        made = called("torch.split", *operands, items, dim=_dim(use))
        return f"{made}[0]" if len(use.placed[0].outputs) == 1 else made
    return called("torch.chunk", *operands, str(len(use.placed[0].outputs)), dim=_dim(use))


@module("index_select")
def index_select(use: Use) -> list[str]:
    axis = use.known("axis")
    sizes = [each.outputs[0][axis] for each in use.placed]
    size = use.arg("size") if use.is_set("size") else str(use.one(sizes))
    return [called(use.helper("IndexSelect"), str(axis + 1), size)]


@function("slice")
def cut(use: Use, operands: list[str]) -> str:
    if not isinstance(use.tree("axis"), ast.Constant):
        given = {name: unless_default(use, name) for name in ("start", "stop", "step")}
        return called(use.helper("cut"), *operands, _dim(use), **given)
    axis = use.known("axis")
    start = use.arg("start") if use.is_set("start") or "start" in use.st.body.open else ""
    stop = unless_default(use, "stop") or ""
    step = unless_default(use, "step")
    ends = [start, stop, *([step] if step else [])]
    # As black has it: spaces around what is worked out.
    plain = all(re.fullmatch(r"-?\d*|[^\W\d]\w*", each) for each in ends)
    written = (":" if plain else " : ").join(ends).strip()
    return f"{operands[0]}[{', '.join([':'] * (axis + 1) + [written])}]"


@function("matmul")
def matmul(use: Use, operands: list[str]) -> str:
    a, b = [
        f"{code}.transpose(-2, -1)" if use.known(name) else code
        for code, name in zip(operands, ("transpose_a", "transpose_b"))
    ]
    return f"{a} @ {b}"


@function("permute")
def permute(use: Use, operands: list[str]) -> str:
    order = [0, *[axis + 1 for axis in use.known("order")]]
    return f"{operands[0]}.permute({', '.join(map(str, order))})"


_REDUCED = {"mean": "mean", "sum": "sum", "max": "amax", "min": "amin"}


@function("reduce")
def reduce(use: Use, operands: list[str]) -> str:
    axes = [axis + 1 for axis in use.known("axes")]
    dim = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
    keep = "True" if use.known("keep") else None
    op = use.known("op")
    if op == "l2":
        return called("torch.linalg.vector_norm", *operands, dim=dim, keepdim=keep)
    return called(f"{operands[0]}.{_REDUCED[op]}", dim=dim, keepdim=keep)


def _shape(use: Use) -> str:
    tree = use.tree("shape")
    if isinstance(tree, ast.Tuple):
        return ", ".join(map(expressions.text, tree.elts))
    return f"*{expressions.text(tree)}"


@module("parameter", is_tensor=True)
def parameter(use: Use) -> list[str]:
    return [f"nn.Parameter(torch.zeros({_shape(use)}))"]


@module("buffer", is_tensor=True)
def buffer(use: Use) -> list[str]:
    return [f"nn.Buffer(torch.zeros({_shape(use)}))"]


@module("opaque")
def opaque(use: Use) -> list[str]:
    tensors = [list(each) for each in use.known("tensors")]
    op, shape = expressions.quoted(use.known("op")), _shape(use)
    return [
        called(
            use.helper("Opaque"),
            op,
            f"({shape},)" if use.rank == 1 or shape.startswith("*") else f"({shape})",
            *([str(tensors)] if tensors else []),
        )
    ]
