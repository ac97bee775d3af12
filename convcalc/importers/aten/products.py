"""Linear layers, products of matrices, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, Held, Value
from convcalc.importers.aten.operators import (
    Operation,
    added,
    foreign,
    is_own,
    operator,
    refuse_unless,
)
from convcalc.layers.activation import Softmax
from convcalc.layers.dense import Linear
from convcalc.layers.joining import Add, Mul


@operator("linear", is_product=True)
def linear(op: Operation, input: Value, weight: Value, bias: Value | None = None) -> Value:
    """A linear layer over the last axis, at every position of the others."""
    if not is_own(weight):
        turned = op.recorder.permuted(weight, (1, 0))
        made = foreign(op, matmul(op, input, turned))
        return made if bias is None else added(op, made, bias, len(made.shape) - 1)
    assert isinstance(weight, Held)
    return _linear(op, input, weight, weight.shape[0], bias)


def _linear(op: Operation, x: Value, weight: Held, features: int, bias: Value | None) -> Foreign:
    own_bias = is_own(bias) and product(bias.shape if bias else ()) == features
    layer = Linear(out_features=features, bias=own_bias)
    with op.owning(weight, bias if own_bias and isinstance(bias, Held) else None) as key:
        made = op.recorder.linear(layer, x, key=key)
    return made if bias is None or own_bias else added(op, made, bias, len(made.shape) - 1)


@operator("addmm", is_product=True)
def addmm(
    op: Operation, input: Value, mat1: Value, mat2: Value, *, beta: float = 1, alpha: float = 1
) -> Value:
    """A product of matrices and a sum; a linear layer where the second matrix is learned."""
    if is_own(mat2) and beta == alpha == 1:
        assert isinstance(mat2, Held)
        return _linear(op, mat1, mat2, mat2.shape[1], input)
    return baddbmm(op, input, mat1, mat2, beta=beta, alpha=alpha)


@operator("baddbmm", is_product=True)
def baddbmm(
    op: Operation, input: Value, batch1: Value, batch2: Value, *, beta: float = 1, alpha: float = 1
) -> Value:
    """Products of matrices and a sum, each with a factor."""
    y = op.recorder.matmul(batch1, batch2)
    if alpha != 1:
        y = op.recorder.unary(Mul(value=float(alpha)), y)
    if beta == 0:
        return y
    if beta != 1:
        input = op.recorder.unary(Mul(value=float(beta)), foreign(op, input))
    return op.recorder.join(Add(), y, input)


@operator("mv", "dot", "vdot")
@operator("matmul", "mm", "bmm", is_product=True)
def matmul(op: Operation, a: Value, b: Value) -> Value:
    """A product of matrices, of which a vector is one with a single row or column."""
    recorder = op.recorder
    first, second = len(a.shape) == 1, len(b.shape) == 1
    if first:
        a = recorder.unsqueezed(a, [0])
    if second:
        b = recorder.unsqueezed(b, [1])
    made = recorder.matmul(a, b)
    rank = len(made.shape)
    gone = [axis for axis, is_gone in ((rank - 2, first), (rank - 1, second)) if is_gone]
    return recorder.squeezed(made, gone) if gone else made


@operator("scaled_dot_product_attention", is_product=True)
def attention(
    op: Operation,
    query: Value,
    key: Value,
    value: Value,
    attn_mask: Value | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Value:
    """An attention in its parts: products, their scale and mask, weights, products again."""
    recorder = op.recorder
    if enable_gqa and key.shape[-3] != query.shape[-3]:
        heads = len(query.shape) - 3
        key = recorder.index(key, heads, query.shape[heads])
        value = recorder.index(value, heads, query.shape[heads])
    rank = len(key.shape)
    order = (*range(rank - 2), rank - 1, rank - 2)
    with op.inner("scores"):
        scores = recorder.matmul(query, recorder.permuted(key, order))
    with op.inner("scaled"):
        factor = float(query.shape[-1] ** -0.5 if scale is None else scale)
        scores = recorder.unary(Mul(value=factor), scores)
    if attn_mask is not None:
        with op.inner("masked"):
            scores = recorder.join(Add(), scores, attn_mask)
    with op.inner("softmax"):
        weights = recorder.softmax(Softmax, scores, len(scores.shape) - 1)
    with op.inner("mixed"):
        return recorder.matmul(weights, value)


@operator("einsum", is_product=True)
def einsum(op: Operation, equation: str, tensors: Sequence[Value], **_: Any) -> Value:
    """Sums of products over named axes, two tensors at a time, each a product of matrices."""
    left, _arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if "..." in equation:
        terms, right = _spelled_out(terms, right, tensors)
    if not _arrow:
        letters = "".join(terms)
        right = "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    refuse_unless(all(len(set(term)) == len(term) for term in terms), "an einsum with a diagonal")
    values, names = [*tensors], [*terms]
    while len(values) > 1:
        others = set(right).union(*names[2:])
        made, name = _contracted(op, (values[0], names[0]), (values[1], names[1]), others)
        values, names = [made, *values[2:]], [name, *names[2:]]
    value, name = values[0], names[0]
    dropped = [axis for axis, letter in enumerate(name) if letter not in right]
    if dropped:
        value = op.recorder.reduced("sum", foreign(op, value), dropped, keeps=False)
        name = "".join(letter for letter in name if letter in right)
    return op.recorder.permuted(value, [name.index(letter) for letter in right])


def _spelled_out(terms: list[str], right: str, tensors: Sequence[Value]) -> tuple[list[str], str]:
    """Terms with letters for what `...` stands for."""
    free = [chr(code) for code in range(0x391, 0x3A9)]
    most = max(len(t.shape) - len(term.replace("...", "")) for t, term in zip(tensors, terms))
    letters = "".join(free[:most])
    found = []
    for term, tensor in zip(terms, tensors):
        count = len(tensor.shape) - len(term.replace("...", ""))
        found.append(term.replace("...", letters[most - count :]))
    return found, right.replace("...", letters)


def _contracted(
    op: Operation, first: tuple[Value, str], second: tuple[Value, str], kept: set[str]
) -> tuple[Value, str]:
    """Two tensors multiplied, and summed over the axes that nothing else has."""
    recorder = op.recorder
    (a, left), (b, right) = first, second
    for alone, other in ((left, right), (right, left)):
        gone = [letter for letter in alone if letter not in other and letter not in kept]
        if not gone:
            continue
        if alone is left:
            a = recorder.reduced("sum", foreign(op, a), [left.index(g) for g in gone], False)
            left = "".join(letter for letter in left if letter not in gone)
        else:
            b = recorder.reduced("sum", foreign(op, b), [right.index(g) for g in gone], False)
            right = "".join(letter for letter in right if letter not in gone)
    sizes = dict(zip(left, a.shape)) | {
        letter: max(size, dict(zip(left, a.shape)).get(letter, 1))
        for letter, size in zip(right, b.shape)
    }
    both = [letter for letter in left if letter in right and letter in kept]
    summed = [letter for letter in left if letter in right and letter not in kept]
    rows = [letter for letter in left if letter not in right]
    columns = [letter for letter in right if letter not in left]
    name = [*both, *rows, *columns]

    def spread_out(value: Value, own: str) -> Value:
        turned = recorder.permuted(
            value, [own.index(each) for each in name + summed if each in own]
        )
        return recorder.reshaped(turned, [sizes[each] if each in own else 1 for each in name])

    if all(sizes[letter] == 1 for letter in summed):
        # What is not summed is no product of matrices in PyTorch either.
        outer = recorder.join(Mul(), spread_out(a, left), spread_out(b, right))
        return outer, "".join(name)

    def matrix(value: Value, name: str, order: Sequence[str], parts: Sequence[int]) -> Value:
        turned = recorder.permuted(value, [name.index(letter) for letter in order])
        batch = turned.shape[: len(both)]
        return recorder.reshaped(turned, (*batch, *parts))

    m, k, n = (product(sizes[letter] for letter in part) for part in (rows, summed, columns))
    x = matrix(a, left, [*both, *rows, *summed], (m, k))
    y = matrix(b, right, [*both, *summed, *columns], (k, n))
    made = recorder.matmul(x, y)
    return recorder.reshaped(made, [sizes[letter] for letter in name]), "".join(name)
