"""Types that move, join, reduce and multiply tensors, done cell by cell.

Every algorithm here is NumPy's, on cells that count what is done to them: the shape that comes out
is the shape that convcalc says, and the operations are those that it counts.
"""

from __future__ import annotations

import functools
import itertools
import json
import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import convcalc

Fields = dict[str, Any]
Sizes = list[int]
Array = Any


class Cell:
    """A number of which nothing is known but what is done to it."""

    def __init__(self, done: Counter[str]) -> None:
        self.done = done

    def _counted(self, primitive: str) -> Cell:
        self.done[primitive] += 1
        return Cell(self.done)

    def __add__(self, other: object) -> Cell:
        return self._counted("add")

    __sub__ = __add__

    def __mul__(self, other: object) -> Cell:
        return self._counted("mul")

    def __truediv__(self, other: object) -> Cell:
        return self._counted("div")

    def __ge__(self, other: object) -> bool:
        self.done["cmp"] += 1
        return True

    __le__ = __gt__ = __lt__ = __ge__

    # NumPy's functions call the methods of their names.
    def sqrt(self) -> Cell:
        return self._counted("sqrt")

    def exp(self) -> Cell:
        return self._counted("exp")

    def log(self) -> Cell:
        return self._counted("log")


def cells(done: Counter[str], shape: Sizes) -> Array:
    """A tensor of cells."""
    array = numpy.empty(shape, dtype=object)
    array.ravel()[:] = [Cell(done) for _ in range(array.size)]
    return array


def constant(x: Array) -> Array:
    return Cell(x.flat[0].done)


# --- The algorithms -------------------------------------------------------------------------------


def elementwise(join: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    def run(f: Fields, *xs: Array) -> Array:
        return functools.reduce(join, xs if "value" not in f else (*xs, constant(xs[0])))

    return run


def clamp(f: Fields, x: Array) -> Array:
    x = numpy.maximum(x, constant(x)) if "min" in f else x
    return numpy.minimum(x, constant(x)) if "max" in f else x


def softmax(f: Fields, x: Array) -> Array:
    axis = f.get("axis", 0)
    powers = numpy.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def matmul(f: Fields, a: Array, b: Array) -> Array:
    a = a.swapaxes(-1, -2) if f.get("transpose_a") else a
    b = b.swapaxes(-1, -2) if f.get("transpose_b") else b
    return (a[..., :, :, None] * b[..., None, :, :]).sum(-2)


def reduce(f: Fields, x: Array) -> Array:
    axes, keep = tuple(f["axes"]), f.get("keep", False)
    if f["op"] in ("max", "min"):
        return getattr(x, f["op"])(axes, keepdims=keep)
    if f["op"] == "l2":
        return numpy.sqrt((x * x).sum(axes, keepdims=keep))
    total = x.sum(axes, keepdims=keep)
    return total / constant(x) if f["op"] == "mean" else total


def rms_norm(f: Fields, x: Array) -> Array:
    mean = (x * x).sum(0, keepdims=True) / constant(x) + constant(x)
    factor = numpy.array(constant(x), dtype=object) / numpy.sqrt(mean)
    return x * factor * constant(x) if f.get("affine", True) else x * factor


def split(f: Fields, x: Array) -> list[Array]:
    parts = f.get("sizes", f.get("sections"))
    ends: Any = list(itertools.accumulate(parts))[:-1] if isinstance(parts, list) else parts
    return numpy.split(x, ends, f.get("axis", 0))


def cut(f: Fields, x: Array) -> Array:
    axis = f.get("axis", 0) % x.ndim
    kept = slice(f.get("start", 0), f.get("stop"), f.get("step", 1))
    return x[(slice(None),) * axis + (kept,)]


def pad(f: Fields, x: Array) -> Array:
    """Cells before and after every axis, and fewer where a number is below 0."""
    pairs = [[0, 0] for _ in x.shape]
    if "axis" in f:
        pairs[f["axis"]] = f["padding"]
    else:
        pairs[1:] = f["padding"]
    wide = numpy.pad(x, [[max(0, n) for n in pair] for pair in pairs])
    cut_off = [[max(0, -n) for n in pair] for pair in pairs]
    return wide[tuple(slice(a, n - b) for (a, b), n in zip(cut_off, wide.shape))]


def fold(f: Fields, x: Array) -> Array:
    """Every cell of every window added to where it comes from; the first is put there."""
    size, k, s, p, d = (
        value if isinstance(value, list) else [value] * 2
        for value in (f.get(key, unless) for key, unless in _WINDOW.items())
    )
    ends = [n + 2 * q - e * (m - 1) for n, q, e, m in zip(size, p, d, k)]
    corners = itertools.product(*(range(0, end, step) for end, step in zip(ends, s)))
    channels = len(x) // (k[0] * k[1])
    places = list(itertools.product(range(channels), range(k[0]), range(k[1])))
    canvas: dict[tuple[int, int, int], Cell] = {}
    for column, (top, left) in zip(x.T, corners, strict=True):
        for cell, (c, i, j) in zip(column, places, strict=True):
            at = (c, top + i * d[0], left + j * d[1])
            canvas[at] = canvas[at] + cell if at in canvas else cell
    return numpy.zeros((channels, *size))


_WINDOW = {"output_size": 0, "kernel_size": 0, "stride": 1, "padding": 0, "dilation": 1}


def pixel_unshuffle(f: Fields, x: Array) -> Array:
    (c, h, w), r = x.shape, f["factor"]
    return x.reshape(c, h // r, r, w // r, r).transpose(0, 2, 4, 1, 3).reshape(-1, h // r, w // r)


def unfold(f: Fields, x: Array) -> Array:
    columns = [
        x[:, top : top + f["kernel_size"], left : left + f["kernel_size"]].ravel()
        for top in range(x.shape[1] - f["kernel_size"] + 1)
        for left in range(x.shape[2] - f["kernel_size"] + 1)
    ]
    return numpy.stack(columns, 1)


ALGORITHMS: dict[str, Callable[..., Any]] = {
    "add": elementwise(operator.add),
    "sub": elementwise(operator.sub),
    "mul": elementwise(operator.mul),
    "div": elementwise(operator.truediv),
    "maximum": elementwise(numpy.maximum),
    "minimum": elementwise(numpy.minimum),
    "clamp": clamp,
    "abs": lambda f, x: numpy.maximum(x, x),
    "square": lambda f, x: x * x,
    "sqrt": lambda f, x: numpy.sqrt(x),
    "exp": lambda f, x: numpy.exp(x),
    "log": lambda f, x: numpy.log(x),
    "softmax": softmax,
    "matmul": matmul,
    "reduce": reduce,
    "rms_norm": rms_norm,
    "permute": lambda f, x: x.transpose(f["order"]),
    "concat": lambda f, *xs: numpy.concatenate(xs, f.get("axis", 0)),
    "split": split,
    "slice": cut,
    "pad": pad,
    "flatten": lambda f, x: x.reshape(*x.shape[: f["start_axis"]], -1),
    "pixel_unshuffle": pixel_unshuffle,
    "unfold": unfold,
    "fold": fold,
}

#: Types, fields and inputs.
CASES: list[tuple[str, Fields, list[Sizes]]] = [
    *[(type, {}, [[4, 1, 3], [4, 5, 1]]) for type in ("add", "sub", "mul", "div", "maximum")],
    *[(type, {"value": 2}, [[4, 2, 3]]) for type in ("add", "sub", "mul", "div", "minimum")],
    *[(type, {}, [[3, 4], [1, 4], [3, 1]]) for type in ("add", "mul", "maximum", "minimum")],
    ("clamp", {"min": 0}, [[5, 4]]),
    ("clamp", {"min": -1, "max": 1}, [[5, 4]]),
    *[(type, {}, [[3, 4, 2]]) for type in ("abs", "square", "sqrt", "exp", "log")],
    ("softmax", {}, [[5, 4, 3]]),
    ("softmax", {"axis": -1}, [[5, 4, 3, 2]]),
    ("matmul", {}, [[3, 4], [4, 5]]),
    ("matmul", {"transpose_a": True}, [[2, 4, 3], [2, 4, 5]]),
    ("matmul", {"transpose_b": True}, [[2, 1, 3, 4], [1, 6, 5, 4]]),
    ("matmul", {"transpose_a": True, "transpose_b": True}, [[7, 2], [3, 7]]),
    ("permute", {"order": [2, 0, -2]}, [[2, 3, 4]]),
    *[("reduce", {"op": op, "axes": [1, -1]}, [[3, 4, 5]]) for op in ("mean", "sum", "max", "min")],
    ("reduce", {"op": "l2", "axes": [0], "keep": True}, [[3, 4, 5]]),
    ("reduce", {"op": "mean", "axes": [0, 1, 2], "keep": True}, [[3, 4, 5]]),
    ("rms_norm", {}, [[6, 4]]),
    ("rms_norm", {"affine": False}, [[6, 2, 2, 1]]),
    ("concat", {"axis": -1}, [[2, 3, 4], [2, 3, 1], [2, 3, 2]]),
    ("split", {"sections": 3, "axis": 1}, [[2, 6, 4]]),
    ("split", {"sizes": [1, 3], "axis": -1}, [[2, 6, 4]]),
    ("slice", {"start": -5, "stop": -1, "step": 3, "axis": -1}, [[2, 8]]),
    ("slice", {"stop": -2}, [[7, 2]]),
    ("pad", {"padding": [4, -1], "axis": 1}, [[2, 3, 2]]),
    ("pad", {"padding": [-1, 2], "axis": 0}, [[2, 3, 2]]),
    ("pad", {"padding": [[0, -2], [3, -1]]}, [[2, 5, 4]]),
    ("flatten", {"start_axis": -2}, [[2, 3, 4, 5]]),
    ("pixel_unshuffle", {"factor": 2}, [[3, 4, 6]]),
    ("unfold", {"kernel_size": 2}, [[3, 4, 5]]),
    ("fold", {"output_size": [4, 5], "kernel_size": 2}, [[12, 12]]),
    ("fold", {"output_size": 4, "kernel_size": [2, 3], "stride": 2, "padding": 1}, [[6, 6]]),
    (
        "fold",
        {"output_size": [5, 9], "kernel_size": 3, "stride": [1, 3], "padding": [1, 0]}
        | {"dilation": 2},
        [[18, 6]],
    ),
]  # fmt: skip


@pytest.mark.parametrize("type", sorted(ALGORITHMS))
def test_every_operation_is_counted_once(type: str) -> None:
    cases = [case for case in CASES if case[0] == type]
    assert cases
    for _, fields, inputs in cases:
        done: Counter[str] = Counter()
        made = ALGORITHMS[type](fields, *[cells(done, shape) for shape in inputs])
        named = {f"x{i}": shape for i, shape in enumerate(inputs)}
        call = fields | ({"from": list(named)} if len(named) > 1 else {})
        spec = {"name": type, "input": named, "layers": [{type: call}]}
        (row,) = convcalc.loads(json.dumps(spec)).analyze().rows
        shapes = [part.shape for part in made] if isinstance(made, list) else [made.shape]
        assert list(row.output_shapes) == shapes, (fields, inputs)
        assert row.operations == done, (fields, inputs)
