"""Pools over windows, and over all positions."""

from __future__ import annotations

from convcalc.foreign.recorder import Foreign, NoLayerError, Value
from convcalc.importers.onnx_reader.handlers.convolution import (
    Pairs,
    padded_before,
    padding,
    pads,
    per_axis,
)
from convcalc.importers.onnx_reader.operation import Operation, compact, operator
from convcalc.layers.pooling import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, MaxPool, MaxUnpool


def _window(op: Operation, value: Value) -> tuple[Value, dict[str, object]]:
    """The tensor that a pool is of, and the fields of its window."""
    axes = len(value.shape) - 2
    kernel = per_axis(op, "kernel_shape", axes)
    around: Pairs | str = padding(op, axes)
    if not isinstance(around, str) and any(
        pad < 0 or 2 * pad > size for pair, size in zip(around, kernel) for pad in pair
    ):
        value, around = padded_before(op, value, around)
    fields: dict[str, object] = {
        "kernel_size": compact(kernel),
        "stride": _stride(op, kernel),
        "padding": around if isinstance(around, str) else compact(around),
    }
    if op.attribute("ceil_mode", 0):
        fields["ceil_mode"] = True
    return value, fields


def _stride(op: Operation, kernel: tuple[int, ...]) -> tuple[int, ...] | None:
    """The step between windows; None where they lie side by side, as layers have it."""
    steps = per_axis(op, "strides", len(kernel))
    return None if steps == kernel else compact(steps)


@operator("MaxPool")
def max_pool(op: Operation) -> tuple[Foreign, ...]:
    """The largest of each window, and where it was, which is as large."""
    value = op.foreign(0)
    found, fields = _window(op, value)
    dilation = compact(per_axis(op, "dilations", len(value.shape) - 2))
    made = op.recorder.windowed(MaxPool(dilation=dilation, **fields), found)  # type: ignore[arg-type]
    return (made, made)


@operator("AveragePool")
def avg_pool(op: Operation) -> Foreign:
    """The mean of each window; whether padding counts does not change what it costs.

    Windows of one cell are how PyTorch exports an adaptive pool to the sizes that there are.
    """
    value, fields = _window(op, op.foreign(0))
    axes = len(value.shape) - 2
    if set(per_axis(op, "dilations", axes)) != {1}:
        raise NoLayerError("a mean over windows with gaps")
    if fields["kernel_size"] == (1,) and fields["stride"] is None and not op.attribute("pads"):
        sizes = AdaptiveAvgPool(output_size=compact(value.shape[2:]))
        return op.recorder.windowed(sizes, value)
    return op.recorder.windowed(AvgPool(**fields), value)  # type: ignore[arg-type]


@operator("MaxUnpool")
def max_unpool(op: Operation) -> Foreign:
    """The way back from a max pool."""
    value = op.foreign(0)
    axes = len(value.shape) - 2
    kernel = per_axis(op, "kernel_shape", axes)
    size = op.integers("output_shape", 2)
    layer = MaxUnpool(
        kernel_size=compact(kernel),
        stride=_stride(op, kernel),
        padding=compact(pads(op, axes)),
        output_size=None if size is None else compact(size[-axes:]),
    )
    return op.recorder.windowed(layer, value)


#: The pools over all positions, which PyTorch exports adaptive ones to 1 as: its means over the
#: positions are `ReduceMean`.
_GLOBAL = {"GlobalAveragePool": AdaptiveAvgPool, "GlobalMaxPool": AdaptiveMaxPool}


@operator(*_GLOBAL)
def global_pool(op: Operation) -> Foreign:
    """The mean, or the largest, of every channel."""
    value = op.foreign(0)
    if len(value.shape) < 3:
        return value
    return op.recorder.windowed(_GLOBAL[op.name](output_size=(1,)), value)
