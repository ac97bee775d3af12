"""Normalisations."""

from __future__ import annotations

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, Value
from convcalc.importers.onnx_reader.constants import Constant
from convcalc.importers.onnx_reader.learning import is_filler
from convcalc.importers.onnx_reader.operation import Operation, UnfitError, operator
from convcalc.layers.base import Layer
from convcalc.layers.dense import Scale
from convcalc.layers.joining import Add, Mul
from convcalc.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    LocalResponseNorm,
    RMSNorm,
)

#: The version of ONNX from which on a group norm has a scale for each channel, and not a group.
_SCALED_BY_CHANNEL = 21
#: Layers that change the axes alone.
_RESHAPING = frozenset(("reshape", "flatten"))


def _is_plain(scale: Constant | None, shift: Constant | None, *, is_made: bool = False) -> bool:
    """Whether a scale and a shift are ones and zeros that no one learned."""
    return is_filler(scale, 1, is_made=is_made) and is_filler(shift, 0, is_made=is_made)


def _require_size(constant: Constant, size: int) -> None:
    if constant.size != size:
        raise UnfitError(f"a scale of {list(constant.shape)} for {size} channels")


@operator("BatchNormalization")
def batch_norm(op: Operation) -> Foreign:
    """A batch norm at inference; its other outputs are those of training."""
    value = op.tensor(0)
    axis = 1 if len(value.shape) > 1 else 0
    for index in range(1, 5):
        _require_size(op.weights(index), value.shape[axis])
    key = op.owned(op.weights(1), op.weights(2))
    return op.recorder.on_channels(BatchNorm(affine=key is not None), value, axis, key)


@operator("InstanceNormalization")
def instance_norm(op: Operation) -> Foreign:
    """Every channel over its positions."""
    value, scale, shift = op.foreign(0), op.weights(1), op.weights(2)
    _require_size(scale, value.shape[1])
    # Exporters write a group norm as one of a reshaped tensor, with the learned factors behind it.
    before = value.tensor.node
    is_group_norm = before >= 0 and op.recorder.calls[before].placed.type in _RESHAPING
    affine = not _is_plain(scale, shift, is_made=is_group_norm)
    key = op.owned(scale, shift) if affine else None
    return op.recorder.on_channels(InstanceNorm(affine=affine), value, 1, key)


@operator("GroupNormalization")
def group_norm(op: Operation) -> Foreign:
    """Groups of channels over their positions; up to version 18 a scale was a group's."""
    value, scale, shift = op.foreign(0), op.weights(1), op.weights(2)
    groups, channels = op.attribute("num_groups", 1), value.shape[1]
    affine = not _is_plain(scale, shift)
    if affine and op.opset < _SCALED_BY_CHANNEL and scale.size == groups != channels:
        made = op.recorder.on_channels(GroupNorm(groups=groups, affine=False), value, 1)
        sizes = (1, channels, *[1] * (len(value.shape) - 2))
        made = op.recorder.join(Mul(), made, scale.as_weights()._replace(shape=sizes))
        return op.recorder.join(Add(), made, shift.as_weights()._replace(shape=sizes))
    if affine:
        _require_size(scale, channels)
    key = op.owned(scale, shift) if affine else None
    return op.recorder.on_channels(GroupNorm(groups=groups, affine=affine), value, 1, key)


@operator("LayerNormalization")
def layer_norm(op: Operation) -> Foreign:
    """All axes from one on."""
    value, scale = op.foreign(0), op.weights(1)
    shift = op.weights(2) if op.has(2) else None
    axis = op.axis(-1, len(value.shape))
    size = product(value.shape[axis:])
    affine = not _is_plain(scale, shift)
    if affine:
        _require_size(scale, size)
    if affine and shift is None:
        return _scaled(op, _over_last(op, LayerNorm(affine=False), value, axis, None), scale, axis)
    key = op.owned(scale, shift) if affine else None
    rank = len(value.shape)
    if axis == 1 and rank > 2 and value.shape[0] == 1:
        return op.recorder.unary(LayerNorm(affine=affine, over="all"), value, key)
    return _over_last(op, LayerNorm(affine=affine), value, axis, key)


@operator("RMSNormalization")
def rms_norm(op: Operation) -> Foreign:
    """Divides by the root of the mean of squares over all axes from one on."""
    value, scale = op.foreign(0), op.weights(1)
    axis = op.axis(-1, len(value.shape))
    affine = not _is_plain(scale, None)
    return _over_last(op, RMSNorm(affine=affine), value, axis, op.owned(scale) if affine else None)


def _scaled(op: Operation, value: Foreign, scale: Constant, axis: int) -> Foreign:
    """A learned factor for each element of all axes from one on, with no shift beside it."""
    if axis == len(value.shape) - 1:
        return op.recorder.on_channels(Scale(), value, axis, op.owned(scale))
    return op.recorder.join(Mul(), value, scale.as_weights())


def _over_last(op: Operation, layer: Layer, value: Foreign, axis: int, key: object) -> Foreign:
    """A layer over the channels, where these are all axes from one on."""
    recorder, shape = op.recorder, value.shape
    if axis == len(shape) - 1:
        return recorder.on_channels(layer, value, axis, key)
    flat: Value = recorder.reshaped(value, (*shape[:axis], product(shape[axis:])))
    made = recorder.on_channels(layer, flat, axis, key)
    back = recorder.reshaped(made, shape)
    assert isinstance(back, Foreign)
    return back


@operator("LRN")
def local_response_norm(op: Operation) -> Foreign:
    """By the squares of neighbouring channels."""
    layer = LocalResponseNorm(size=op.attribute("size", 1))
    return op.recorder.on_channels(layer, op.foreign(0), 1)
