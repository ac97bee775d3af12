"""Convolutions and their transposes."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.foreign.recorder import Foreign, NoLayerError, Value
from convcalc.importers.onnx_reader.constants import Constant
from convcalc.importers.onnx_reader.operation import (
    Operation,
    UnfitError,
    compact,
    key_of,
    operator,
)
from convcalc.importers.onnx_reader.pieces import Piece
from convcalc.layers.activation import Sigmoid
from convcalc.layers.convolution import Conv, ConvTranspose, DeformConv
from convcalc.layers.joining import Split
from convcalc.layers.normalization import BatchNorm
from convcalc.layers.resampling import Pad

Pairs = tuple[tuple[int, int], ...]

_BY_RULE = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower"}


def per_axis(op: Operation, name: str, axes: int) -> tuple[int, ...]:
    """An attribute with a number for every spatial axis, 1 where it is left out."""
    found = tuple(op.attribute(name, ())) or (1,) * axes
    if not axes or len(found) != axes or min(found) < 1:
        raise UnfitError(f"{name} of {list(found)} for {axes} axes")
    return found


def pads(op: Operation, axes: int) -> Pairs:
    """The padding before and behind every spatial axis."""
    found = tuple(op.attribute("pads", ())) or (0,) * 2 * axes
    if len(found) != 2 * axes:
        raise UnfitError(f"pads of {list(found)} for {axes} axes")
    return tuple(zip(found[:axes], found[axes:]))


def padding(op: Operation, axes: int) -> Pairs | str:
    """What a window's layer has as its padding: numbers, or the rule that the operator names."""
    rule = op.attribute("auto_pad", "NOTSET")
    if rule in _BY_RULE:
        return _BY_RULE[rule]
    return ((0, 0),) * axes if rule == "VALID" else pads(op, axes)


def padded_before(op: Operation, value: Value, pairs: Pairs) -> tuple[Value, Pairs]:
    """The tensor with the padding that no window's layer takes, and no padding then."""
    value = op.recorder.windowed(Pad(padding=compact(pairs)), value)
    return value, ((0, 0),) * len(pairs)


def _spatial(op: Operation, index: int) -> int:
    """The spatial axes of an input."""
    axes = len(op[index].shape) - 2
    if axes < 1:
        raise NoLayerError("it has no spatial axis")
    return axes


def _bias(op: Operation) -> Constant | None:
    """The learned bias; zeros that stand in for none are no bias."""
    if not op.has(2):
        return None
    found = op.weights(2)
    is_filler = not found.made_of and not any(found.values or ())
    return None if is_filler else found


@operator("Conv")
def conv(op: Operation) -> Foreign:
    """A convolution, of one axis to three."""
    axes = _spatial(op, 0)
    weight, bias, value = op.weights(1), _bias(op), op.tensor(0)
    if len(weight.shape) != axes + 2 or not weight.size:
        raise UnfitError(f"weights of {list(weight.shape)}")
    around = padding(op, axes)
    if not isinstance(around, str) and any(min(pair) < 0 for pair in around):
        value, around = padded_before(op, value, around)
    layer = Conv(
        out_channels=weight.shape[0],
        kernel_size=compact(weight.shape[2:]),
        stride=compact(per_axis(op, "strides", axes)),
        padding=around if isinstance(around, str) else compact(around),
        dilation=compact(per_axis(op, "dilations", axes)),
        groups=op.attribute("group", 1),
        bias=bias is not None and not op.unfolds,
    )
    channels = weight.shape[1] * layer.groups
    if value.shape[1] != channels:
        raise UnfitError(f"{value.shape[1]} channels, and weights for {channels}")
    return _unfolded(op, op.recorder.windowed(layer, value, key=op.owned(weight, bias)), bias)


@operator("DeformConv")
def deform_conv(op: Operation) -> Foreign:
    """A convolution that samples at offsets, which a convolution before it makes of its input.

    That is part of the layer; where there is a mask, its last third is, after a sigmoid.
    """
    axes = _spatial(op, 0)
    value, weight = op.foreign(0), op.weights(1)
    bias = op.weights(3) if op.has(3) else None
    layer = DeformConv(
        out_channels=weight.shape[0],
        kernel_size=compact(weight.shape[2:]),
        stride=compact(per_axis(op, "strides", axes)),
        padding=compact(pads(op, axes)),
        dilation=compact(per_axis(op, "dilations", axes)),
        groups=op.attribute("group", 1),
        bias=bias is not None,
        deformable_groups=op.attribute("offset_group", 1),
        modulated=op.has(4),
    )
    recorder = op.recorder
    types = (Conv, Split, Sigmoid) if layer.modulated else (Conv,)
    start = len(recorder.calls) - len(types)
    found = recorder.calls[start:] if start >= 0 else []
    if [type(call.placed.layer) for call in found] != [*types]:
        raise NoLayerError("its offsets are no convolution's")
    offset, owner = found[0], recorder.owned().get(start)
    shape = value.tensor.shape
    spread = layer.placed((shape,)).layer
    assert isinstance(spread, DeformConv)
    wanted = spread.offset_conv(shape)
    if offset.inputs != (value.tensor,) or offset.placed.layer != wanted.layer:
        raise NoLayerError("its offsets are another convolution's")
    if not op.takes_back(start):
        raise NoLayerError("its offsets are read elsewhere")
    return recorder.windowed(layer, value, key=(owner, key_of(weight, bias)))


def _unfolded(op: Operation, made: Foreign, bias: Constant | None) -> Foreign:
    """What a convolution makes, with the batch norm behind it that was folded into it."""
    if not op.unfolds:
        return made
    with op.recorder.at(op.recorder.scopes, "bn"):
        return op.recorder.on_channels(BatchNorm(), made, key=Piece(key_of(bias), "norm"))


@operator("ConvTranspose")
def conv_transpose(op: Operation) -> Foreign:
    """A transposed convolution, whose padding may follow from the output's size."""
    axes = _spatial(op, 0)
    weight, bias, value = op.weights(1), _bias(op), op.tensor(0)
    if len(weight.shape) != axes + 2 or not weight.size or value.shape[1] != weight.shape[0]:
        raise UnfitError(f"weights of {list(weight.shape)} for {list(value.shape)}")
    kernel, groups = weight.shape[2:], op.attribute("group", 1)
    stride, dilation = per_axis(op, "strides", axes), per_axis(op, "dilations", axes)
    more = tuple(op.attribute("output_padding", ())) or (0,) * axes
    rule = op.attribute("auto_pad", "NOTSET")
    wanted = tuple(op.attribute("output_shape", ()))[-axes:]
    if rule in _BY_RULE and not wanted:
        wanted = tuple(n * s for n, s in zip(value.shape[2:], stride))
    if wanted:
        sizes = zip(value.shape[2:], kernel, stride, dilation, more, wanted)
        around, more = _taken_off(list(sizes), rule == "SAME_UPPER")
    else:
        around = ((0, 0),) * axes if rule == "VALID" else pads(op, axes)
    layer = ConvTranspose(
        out_channels=weight.shape[1] * groups,
        kernel_size=compact(kernel),
        stride=compact(stride),
        padding=compact(around),
        dilation=compact(dilation),
        output_padding=compact(more),
        groups=groups,
        bias=bias is not None and not op.unfolds,
    )
    return _unfolded(op, op.recorder.windowed(layer, value, key=op.owned(weight, bias)), bias)


def _taken_off(
    sizes: Sequence[tuple[int, int, int, int, int, int]], odd_at_the_end: bool
) -> tuple[Pairs, tuple[int, ...]]:
    """The padding of each axis, and what its output has beside, for an output of these sizes.

    ONNX's `ConvTranspose`: total = s·(in − 1) + output_padding + d·(k − 1) + 1 − output_shape, half
    of it at either end.
    """
    around, more = [], []
    for size, kernel, stride, dilation, beside, wanted in sizes:
        total = stride * (size - 1) + beside + dilation * (kernel - 1) + 1 - wanted
        if total < 0:
            total, beside = 0, beside - total
        half = total // 2
        around.append((half, total - half) if odd_at_the_end else (total - half, half))
        more.append(beside)
    return tuple(around), tuple(more)
