"""Pools, and numbers for all cells along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, Held, NoLayerError, Value
from convcalc.importers.aten.operators import (
    Operation,
    axes_of,
    foreign,
    operator,
    spread,
    together,
    unary,
)
from convcalc.layers.activation import Abs, Sqrt, Square
from convcalc.layers.base import Layer
from convcalc.layers.joining import Maximum, Minimum, Mul, Sub
from convcalc.layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
)

Sizes = int | Sequence[int]


def _batched(op: Operation, layer: Layer, x: Value, axes: int) -> Value:
    """A layer that slides windows over the last axes; before them stand channels, and a batch."""
    if len(x.shape) == axes + 2:
        return op.recorder.windowed(layer, x)
    made = op.recorder.windowed(layer, op.recorder.unsqueezed(x, [0]))
    return op.recorder.squeezed(made, [0])


def _pool(name: str, layer: type[Layer]) -> None:
    axes = int(name[-2])

    @operator(name)
    def handler(
        op: Operation,
        x: Value,
        kernel_size: Sizes,
        stride: Sizes = (),
        padding: Sizes = 0,
        *rest: Any,
        **others: Any,
    ) -> Value:
        named = dict(zip(("dilation", "ceil_mode") if layer is MaxPool else ("ceil_mode",), rest))
        named |= others
        steps = None if not isinstance(stride, int) and not stride else spread(stride, axes)
        fields: dict[str, Any] = {"ceil_mode": bool(named.get("ceil_mode", False))}
        if layer is MaxPool:
            fields["dilation"] = together(spread(named.get("dilation", 1), axes))
        kernel = spread(kernel_size, axes)
        pool = layer(
            kernel_size=together(kernel),
            stride=None if steps is None or steps == kernel else together(steps),
            padding=together((size, size) for size in spread(padding, axes)),
            **fields,
        )
        return _batched(op, pool, x, axes)


for _spatial in (1, 2, 3):
    _pool(f"max_pool{_spatial}d", MaxPool)
    _pool(f"avg_pool{_spatial}d", AvgPool)


@operator("max_pool2d_with_indices", "max_pool3d_with_indices", "max_pool1d_with_indices")
def max_pool_with_indices(op: Operation, x: Value, *rest: Any, **others: Any) -> list[Value]:
    """A max pool, whose indices follow the result."""
    from convcalc.importers.aten.operators import OPERATORS

    return [OPERATORS[f"max_pool{len(op.shape) - 2}d"](op, x, *rest, **others)]


def _adaptive(layer: type[Layer], whole: type[Layer]) -> Any:
    def handler(op: Operation, x: Value, output_size: Sizes) -> Value:
        axes = len(output_size) if not isinstance(output_size, int) else len(x.shape) - 2
        sizes = op.shape[-axes:]
        # Tools see the function, as they do not see a mean, which a functional global pool is.
        is_whole = set(sizes) == {1} and not op.recorder.functional
        pool = whole() if is_whole else layer(output_size=together(sizes))
        return _batched(op, pool, x, axes)

    return handler


for _spatial in (1, 2, 3):
    operator(f"adaptive_avg_pool{_spatial}d")(_adaptive(AdaptiveAvgPool, GlobalAvgPool))
operator("_adaptive_avg_pool2d", "_adaptive_avg_pool3d")(_adaptive(AdaptiveAvgPool, GlobalAvgPool))


@operator("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_max_pool(op: Operation, x: Value, output_size: Sizes) -> list[Value]:
    """The largest over adaptive windows, whose indices follow the result."""
    return [_adaptive(AdaptiveMaxPool, GlobalMaxPool)(op, x, output_size)]


Dims = int | Sequence[int] | None


@operator("mean")
def mean(op: Operation, x: Foreign, dim: Dims = None, keepdim: bool = False, **_: Any) -> Value:
    """Means along axes."""
    return op.recorder.reduced("mean", x, axes_of(dim, len(x.shape)), keepdim)


@operator("sum")
def total(op: Operation, x: Foreign, dim: Dims = None, keepdim: bool = False, **_: Any) -> Value:
    """Sums along axes."""
    return op.recorder.reduced("sum", x, axes_of(dim, len(x.shape)), keepdim)


@operator("amax")
def amax(op: Operation, x: Foreign, dim: Dims = None, keepdim: bool = False) -> Value:
    """The largest along axes."""
    return op.recorder.reduced("max", x, axes_of(dim, len(x.shape)), keepdim)


@operator("amin")
def amin(op: Operation, x: Foreign, dim: Dims = None, keepdim: bool = False) -> Value:
    """The smallest along axes."""
    return op.recorder.reduced("min", x, axes_of(dim, len(x.shape)), keepdim)


@operator("max")
def largest(op: Operation, x: Foreign, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest of all, along an axis (with indices), or of two tensors."""
    if isinstance(dim, (Foreign, Held)):
        return op.recorder.join(Maximum(), x, dim)
    made = op.recorder.reduced("max", x, axes_of(dim, len(x.shape)), keepdim)
    return made if dim is None else [made]


@operator("min")
def smallest(op: Operation, x: Foreign, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest of all, along an axis (with indices), or of two tensors."""
    if isinstance(dim, (Foreign, Held)):
        return op.recorder.join(Minimum(), x, dim)
    made = op.recorder.reduced("min", x, axes_of(dim, len(x.shape)), keepdim)
    return made if dim is None else [made]


@operator("linalg_vector_norm")
def vector_norm(
    op: Operation, x: Foreign, ord: float = 2, dim: Dims = None, keepdim: bool = False, **_: Any
) -> Value:
    """The 2-norm or the 1-norm along axes."""
    axes = axes_of(dim, len(x.shape))
    if ord == 1:
        return op.recorder.reduced("sum", unary(op, Abs(), x), axes, keepdim)
    if ord != 2:
        raise NoLayerError(f"a {ord}-norm")
    return op.recorder.reduced("l2", x, axes, keepdim)


@operator("norm")
def norm(
    op: Operation,
    x: Foreign,
    p: float | None = 2,
    dim: Dims = None,
    keepdim: bool = False,
    **_: Any,
) -> Value:
    """The same by its older name."""
    return vector_norm(op, x, 2 if p is None else p, dim, keepdim)


def _variance(
    op: Operation, x: Foreign, axes: Sequence[int], keepdim: bool, by: int
) -> list[Value]:
    """The variance along axes, in its parts, and the mean; the sum is divided by n − `by`."""
    recorder = op.recorder
    middle = recorder.reduced("mean", x, axes, True)
    squares = unary(op, Square(), recorder.join(Sub(), x, middle))
    made = recorder.reduced("mean", squares, axes, keepdim)
    count = product(x.shape[axis] for axis in axes)
    if by and count > by:
        made = unary(op, Mul(value=count / (count - by)), made)
    return [made, middle if keepdim else recorder.squeezed(middle, axes)]


def _of_variance(op: Operation, x: Foreign, rest: Sequence[Any], named: Any) -> list[Value]:
    """The arguments of the four forms: `dim`, `unbiased`, `correction` and `keepdim`."""
    dim: Any = None
    by, keepdim = 1, bool(named.get("keepdim", False))
    values = list(rest)
    if values and isinstance(values[0], bool):
        by = int(values.pop(0))
    elif values:
        dim = values.pop(0)
        if values:
            by = int(values.pop(0))
        if values:
            keepdim = bool(values.pop(0))
    correction = named.get("correction", named.get("unbiased"))
    by = by if correction is None else int(correction)
    return _variance(op, x, axes_of(named.get("dim", dim), len(x.shape)), keepdim, by)


@operator("var")
def var(op: Operation, x: Foreign, *rest: Any, **named: Any) -> Value:
    """The variance."""
    return _of_variance(op, x, rest, named)[0]


@operator("std")
def std(op: Operation, x: Foreign, *rest: Any, **named: Any) -> Value:
    """The standard deviation."""
    return unary(op, Sqrt(), foreign(op, var(op, x, *rest, **named)))


@operator("var_mean")
def var_mean(op: Operation, x: Foreign, *rest: Any, **named: Any) -> list[Value]:
    """The variance and the mean."""
    return _of_variance(op, x, rest, named)


@operator("std_mean")
def std_mean(op: Operation, x: Foreign, *rest: Any, **named: Any) -> list[Value]:
    """The standard deviation and the mean."""
    spread_out, middle = _of_variance(op, x, rest, named)
    return [unary(op, Sqrt(), foreign(op, spread_out)), middle]
