"""Linear layers, products of matrices, and attention."""

from __future__ import annotations

from typing import TypeGuard

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, NoLayerError, Value
from convcalc.importers.onnx_reader.constants import Constant
from convcalc.importers.onnx_reader.operation import Known, Operation, UnfitError, operator
from convcalc.layers.activation import Softmax
from convcalc.layers.dense import Linear
from convcalc.layers.joining import Add, Mul


def _permuted(op: Operation, value: Value, *order: int) -> Value:
    return op.recorder.permuted(value, order)


def _linear(
    op: Operation, value: Value, weight: Constant, out: int, bias: Constant | None
) -> Foreign:
    """A linear layer over the last axis of a tensor."""
    if value.shape[-1] * out != weight.size:
        raise UnfitError(f"{list(value.shape)} by {list(weight.shape)}")
    layer = Linear(out_features=out, bias=bias is not None)
    return op.recorder.linear(layer, value, key=op.owned(weight, bias))


def _is_weight(known: Known) -> TypeGuard[Constant]:
    """Whether a matrix is the weight of a linear layer.

    One that is worked out from tensors of other sizes, as a product of two is, is none.
    """
    return isinstance(known, Constant) and bool(known.made_of) and known.stands_for_itself


@operator("Gemm")
def gemm(op: Operation) -> Foreign:
    """α·A·B + β·C, A and B being matrices, of which either may be transposed."""
    a, b = op[0], op[1]
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise NoLayerError("a product of what are no matrices")
    turn_a, turn_b = op.attribute("transA", 0), op.attribute("transB", 0)
    out = b.shape[0] if turn_b else b.shape[1]
    added = op[2] if op.has(2) else None
    if isinstance(a, Foreign) and _is_weight(b):
        value: Value = _permuted(op, a, 1, 0) if turn_a else a
        is_bias = isinstance(added, Constant) and added.is_float and _is_vector(added.shape, out)
        bias = added if is_bias and isinstance(added, Constant) else None
        made = _linear(op, value, b, out, bias)
        added = None if is_bias else added
    else:
        first = _permuted(op, op.mixed(0), 1, 0) if turn_a else op.mixed(0)
        second = _permuted(op, op.mixed(1), 1, 0) if turn_b else op.mixed(1)
        made = op.recorder.matmul(first, second)
    if added is None or op.attribute("beta", 1.0) == 0:
        return made
    return op.recorder.join(Add(), made, op.mixed(2))


def _is_vector(shape: tuple[int, ...], size: int) -> bool:
    """Whether a tensor is one number for each of the last axis."""
    return bool(shape) and shape[-1] == size == product(shape)


@operator("MatMul")
def matmul(op: Operation) -> Foreign:
    """A linear layer where the second is a learned matrix; else a product of matrices."""
    a, b = op[0], op[1]
    if isinstance(a, Foreign) and _is_weight(b) and len(b.shape) <= 2:
        out = b.shape[1] if len(b.shape) == 2 else 1
        if len(a.shape) == 1:
            raise NoLayerError("a product with a vector")
        made = _linear(op, a, b, out, op.bias(out) if len(b.shape) == 2 else None)
        return made if len(b.shape) == 2 else op.recorder.squeezed(made, [len(made.shape) - 1])
    first, second = op.mixed(0), op.mixed(1)
    rank = len(second.shape)
    if rank == 1:
        column = op.recorder.unsqueezed(second, [1])
        made = op.recorder.matmul(first, column)
        return op.recorder.squeezed(made, [len(made.shape) - 1])
    return op.recorder.matmul(first, second)


@operator("FusedMatMul", domain="com.microsoft")
def fused_matmul(op: Operation) -> Foreign:
    """A product whose matrices may be transposed, times a number."""
    values = []
    for index, name in enumerate(("transA", "transB")):
        value = op.mixed(index)
        rank = len(value.shape)
        order = (*range(rank - 2), rank - 1, rank - 2)
        values.append(_permuted(op, value, *order) if op.attribute(name, 0) else value)
    made = op.recorder.matmul(*values)
    alpha = op.attribute("alpha", 1.0)
    return made if alpha == 1 else op.recorder.unary(Mul(value=alpha), made)


@operator("Einsum")
def einsum(op: Operation) -> Foreign:
    """A sum of products of two tensors, as a product of matrices."""
    equation = op.attribute("equation", "").replace(" ", "")
    left, arrow, out = equation.partition("->")
    terms = left.split(",")
    if len(terms) != 2 or not arrow or "." in equation or not op.has(1):
        raise NoLayerError(f"the sum {equation}")
    first, second = terms
    if any(len(set(term)) != len(term) for term in (first, second, out)):
        raise NoLayerError(f"the sum {equation}")
    values = [op.mixed(0), op.mixed(1)]
    sizes: dict[str, int] = {}
    for term, value in zip(terms, values):
        if len(term) != len(value.shape):
            raise NoLayerError(f"the sum {equation}")
        sizes.update(zip(term, value.shape))
    both = [c for c in first if c in second and c in out]
    summed = [c for c in first if c in second and c not in out]
    rows = [c for c in first if c not in second]
    columns = [c for c in second if c not in first]
    if {*rows, *columns} - set(out) or set(out) - {*first, *second}:
        raise NoLayerError(f"the sum {equation}")

    def size(letters: list[str]) -> int:
        return product(sizes[c] for c in letters)

    a = _permuted(op, values[0], *[first.index(c) for c in (*both, *rows, *summed)])
    b = _permuted(op, values[1], *[second.index(c) for c in (*both, *summed, *columns)])
    a = op.recorder.reshaped(a, (*[sizes[c] for c in both], size(rows), size(summed)))
    weight = op[1]
    made: Value
    if not both and _is_weight(weight):
        made = _linear(op, a, weight, size(columns), None)
    else:
        b = op.recorder.reshaped(b, (*[sizes[c] for c in both], size(summed), size(columns)))
        made = op.recorder.matmul(a, b)
    letters = (*both, *rows, *columns)
    made = op.recorder.reshaped(made, [sizes[c] for c in letters])
    made = op.recorder.permuted(made, [letters.index(c) for c in out])
    assert isinstance(made, Foreign)
    return made


@operator("Attention")
def attention(op: Operation) -> tuple[Foreign | None, ...]:
    """softmax(QKᵀ·scale + mask)·V, in as many heads as the tensors have, or as it says.

    ONNX's `Attention` of version 23; what it hands on beside is not recorded.
    """
    query, key, value = op.tensor(0), op.tensor(1), op.tensor(2)
    if op.has(4) or op.has(5) or op.attribute("softcap", 0.0):
        raise NoLayerError("an attention with a past, or a soft cap")
    is_flat = len(query.shape) == 3
    if is_flat:
        heads = op.attribute("q_num_heads"), op.attribute("kv_num_heads")
        query, key, value = (
            _in_heads(op, each, count)
            for each, count in zip((query, key, value), (heads[0], heads[1], heads[1]))
        )
    if query.shape[1] != key.shape[1]:
        raise NoLayerError("an attention with fewer keys than queries")
    scale = op.attribute("scale") or query.shape[-1] ** -0.5
    recorder = op.recorder
    scores = recorder.matmul(query, _permuted(op, key, 0, 1, 3, 2))
    scores = recorder.unary(Mul(value=scale), scores)
    if op.has(3):
        scores = recorder.join(Add(), scores, op.mixed(3))
    scores = recorder.softmax(Softmax, scores, 3)
    made: Value = recorder.matmul(scores, value)
    if is_flat:
        batch, count, tokens, each = made.shape
        made = recorder.permuted(made, (0, 2, 1, 3))
        made = recorder.reshaped(made, (batch, tokens, count * each))
    assert isinstance(made, Foreign)
    return (made,)


def _in_heads(op: Operation, value: Value, heads: int | None) -> Value:
    """Tokens B×T×(heads·d) as B×heads×T×d."""
    if not heads or value.shape[-1] % heads:
        raise NoLayerError(f"{heads} heads of {list(value.shape)}")
    batch, tokens, channels = value.shape
    value = op.recorder.reshaped(value, (batch, tokens, heads, channels // heads))
    return op.recorder.permuted(value, (0, 2, 1, 3))
