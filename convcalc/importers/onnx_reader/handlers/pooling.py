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
from convcalc.layers.pooling import AvgPool, MaxPool, MaxUnpool


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
        "stride": compact(per_axis(op, "strides", axes)),
        "padding": around if isinstance(around, str) else compact(around),
    }
    if op.attribute("ceil_mode", 0):
        fields["ceil_mode"] = True
    return value, fields


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
    """The mean of each window; whether padding counts does not change what it costs."""
    value, fields = _window(op, op.foreign(0))
    if set(per_axis(op, "dilations", len(value.shape) - 2)) != {1}:
        raise NoLayerError("a mean over windows with gaps")
    return op.recorder.windowed(AvgPool(**fields), value)  # type: ignore[arg-type]


@operator("MaxUnpool")
def max_unpool(op: Operation) -> Foreign:
    """The way back from a max pool."""
    value = op.foreign(0)
    axes = len(value.shape) - 2
    size = op.integers("output_shape", 2)
    layer = MaxUnpool(
        kernel_size=compact(per_axis(op, "kernel_shape", axes)),
        stride=compact(per_axis(op, "strides", axes)),
        padding=compact(pads(op, axes)),
        output_size=None if size is None else compact(size[-axes:]),
    )
    return op.recorder.windowed(layer, value)


@operator("GlobalAveragePool")
def global_avg_pool(op: Operation) -> Foreign:
    """The mean of every channel."""
    value = op.foreign(0)
    return op.recorder.reduced("mean", value, range(2, len(value.shape)), keeps=True)


@operator("GlobalMaxPool")
def global_max_pool(op: Operation) -> Foreign:
    """The largest of every channel."""
    value = op.foreign(0)
    return op.recorder.reduced("max", value, range(2, len(value.shape)), keeps=True)
