"""How many channels leave a line, said by what enters it and by its fields, as a person would.

A rule is registered with the layer type that it is for; a type without one hands on the channels
that enter it, where it does.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from convcalc.arithmetic import product as of_all
from convcalc.exporters.python.expressions import number, product, quotient, total
from convcalc.layers.base import Placed

Tree = ast.expr | None


class Said(Protocol):
    """A layer's line, for all times that it ran."""

    @property
    def placed(self) -> Sequence[Placed]:
        """The layer as it was placed, each time."""

    def tree(self, field: str) -> ast.expr:
        """A field's value as Python has it. Raises Unsayable."""

    def item(self, field: str, index: int) -> ast.expr:
        """One item of a field's list. Raises Unsayable."""

    def known(self, field: str) -> Any:
        """A field's value, for all axes, which is always the same. Raises Unsayable."""


class Unsayable(Exception):  # noqa: N818 - nothing went wrong
    """What cannot be said in the form that is tried."""


Rule = Callable[[Said, Sequence[Tree]], Sequence[Tree]]
_RULES: dict[str, Rule] = {}


def _rule(*types: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _RULES.update(dict.fromkeys(types, rule))
        return rule

    return register


def channels_after(said: Said, entering: Sequence[Tree]) -> list[Tree]:
    """The channels of each output, `entering` being those of the inputs; None where not known."""
    placed = said.placed
    rule = _RULES.get(placed[0].type, _kept)
    try:
        made = list(rule(said, entering))
    except Unsayable:
        made = [None] * len(placed[0].outputs)
    return list(_kept(said, entering)) if made == [None] else made


def _kept(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    """One of the inputs has as many channels as the output, each time."""
    found = [
        tree
        for index, tree in enumerate(entering)
        if tree is not None
        and all(
            len(each.inputs) > index and each.inputs[index][0] == each.outputs[0][0]
            for each in said.placed
        )
    ]
    outputs = len(said.placed[0].outputs)
    best = min(found, key=lambda tree: len(ast.dump(tree)), default=None)
    return [best if outputs == 1 else None] * outputs


@_rule("conv", "pointwise_conv", "conv_transpose", "deform_conv", "separable_conv")
@_rule("spatial_separable_conv")
def _out(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    return [said.tree("out_channels")]


@_rule("linear")
def _features(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    return [said.tree("out_features")]


@_rule("depthwise_conv")
def _multiplied(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    return [None if entering[0] is None else product(entering[0], said.tree("multiplier"))]


@_rule("concat")
def _joined(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    if said.known("axis") != 0:
        return _kept(said, entering)
    known = [tree for tree in entering if tree is not None]
    return [total(known) if len(known) == len(entering) else None]


@_rule("split")
def _parts(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    count = len(said.placed[0].outputs)
    if said.known("axis") != 0:
        return [entering[0]] * count
    layer = said.placed[0].written
    field = "sections" if layer.sections is not None else "sizes"  # type: ignore[attr-defined]
    tree = said.tree(field)
    if isinstance(tree, ast.Tuple):
        return tree.elts
    if field == "sections" and not isinstance(layer.sections, tuple) and entering[0] is not None:  # type: ignore[attr-defined]
        return [quotient(entering[0], number(count))] * count
    return [None] * count


@_rule("flatten")
def _flattened(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    if said.known("start_axis") != 0 or entering[0] is None:
        return [entering[0]]
    (spatial, *others) = {each.inputs[0].spatial for each in said.placed}
    if others:
        return [entering[0]] if all(of_all(each) == 1 for each in (spatial, *others)) else [None]
    tree = entering[0]
    for size in spatial:
        if size != 1:
            tree = ast.BinOp(tree, ast.Mult(), number(size))
    return [tree]


@_rule("reshape", "parameter", "buffer", "opaque")
def _shaped(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    if any(each.written.shape[0] < 0 for each in said.placed):  # type: ignore[attr-defined]
        return [None]
    return [said.item("shape", 0)]


@_rule("permute")
def _permuted(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    return [entering[0] if said.known("order")[0] == 0 else None]


@_rule("reduce")
def _reduced(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    if 0 in said.known("axes"):
        return [number(1) if said.known("keep") else None]
    return [entering[0]]


@_rule("slice")
def _cut(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    ends = {(each.written.start, each.written.stop, each.written.step) for each in said.placed}  # type: ignore[attr-defined]
    if said.known("axis") != 0 or any(step != 1 for _, _, step in ends):
        return _kept(said, entering)
    stop = None if all(stop is None for _, stop, _ in ends) else said.tree("stop")
    if any(start < 0 or (end or 0) < 0 for start, end, _ in ends):
        return [None]
    if all(start == 0 for start, _, _ in ends):
        return [stop or entering[0]]
    stop = stop or entering[0]
    start = said.tree("start")
    return [None if stop is None else total([ast.BinOp(stop, ast.Sub(), start)])]


@_rule("index_select", "pad", "matmul", "kmax_pool")
def _perhaps(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    return _kept(said, entering[:1])


@_rule("pixel_shuffle")
def _shuffled(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    factor = said.tree("factor")
    square = product(factor, factor) if isinstance(factor, ast.Constant) else _square(factor)
    return [None if entering[0] is None else quotient(entering[0], square)]


@_rule("pixel_unshuffle")
def _unshuffled(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    factor = said.tree("factor")
    square = product(factor, factor) if isinstance(factor, ast.Constant) else _square(factor)
    return [None if entering[0] is None else product(entering[0], square)]


def _square(tree: ast.expr) -> ast.expr:
    return ast.BinOp(tree, ast.Pow(), number(2))


@_rule("unfold")
def _unfolded(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    cells = number(of_all(said.known("kernel_size")))
    return [None if entering[0] is None else product(entering[0], cells)]


@_rule("fold")
def _folded(said: Said, entering: Sequence[Tree]) -> Sequence[Tree]:
    cells = number(of_all(said.known("kernel_size")))
    return [None if entering[0] is None else quotient(entering[0], cells)]
