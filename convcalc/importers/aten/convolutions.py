"""Convolutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, Held, NoLayerError, Value
from convcalc.importers.aten.operators import (
    Operation,
    added,
    is_learned,
    is_own,
    operator,
    refuse_unless,
    spread,
    together,
)
from convcalc.layers.attention import Parameter
from convcalc.layers.base import Layer
from convcalc.layers.convolution import Conv, ConvTranspose, DeformConv, DepthwiseConv
from convcalc.layers.folding import Fold, Unfold

Sizes = int | Sequence[int]


@operator("conv1d", "conv2d", "conv3d", is_product=True)
def conv(
    op: Operation,
    input: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Value:
    """A convolution; `padding` is a number, one an axis, `same` or `valid`."""
    axes = len(weight.shape) - 2
    if len(input.shape) == axes + 1:
        input = op.recorder.unsqueezed(input, [0])
        batched = op._replace(shapes=((1, *op.shape),))
        made = conv(batched, input, weight, bias, stride, padding, dilation, groups)
        assert isinstance(made, Foreign)
        return op.recorder.squeezed(made, [0])
    if isinstance(padding, str):
        pads: Any = "same" if padding == "same" else ((0, 0),)
    else:
        pads = together((size, size) for size in spread(padding, axes))
    window: dict[str, Any] = {
        "kernel_size": together(weight.shape[2:]),
        "stride": together(spread(stride, axes)),
        "padding": pads,
        "dilation": together(spread(dilation, axes)),
    }
    own_bias = is_own(bias)
    if not isinstance(weight, Held) or not is_learned(weight):
        made = _with_made_weights(op, input, weight, window, groups)
        own_bias = False
    else:
        layer = _conv(input.shape[1], weight.shape[0], groups, own_bias, window)
        made = _slid(op, layer, input, weight, bias if own_bias else None)
    return made if bias is None or own_bias else added(op, made, bias, 1)


def _conv(inputs: int, outputs: int, groups: int, bias: bool, window: Mapping[str, Any]) -> Layer:
    """The layer of a convolution."""
    if groups == inputs > 1 and outputs % inputs == 0:
        return DepthwiseConv(multiplier=outputs // inputs, bias=bias, **window)
    return Conv(out_channels=outputs, groups=groups, bias=bias, **window)


def _slid(op: Operation, layer: Layer, x: Value, weight: Held, bias: Value | None) -> Foreign:
    """A layer with the weights that it learns.

    Where they are worked out of further learned tensors, as scaled weight standardisation does,
    these stand beside it.
    """
    assert bias is None or isinstance(bias, Held)
    if not is_own(weight):
        size = product(weight.shape)
        main = [each for each in weight.made_of if product(each.shape) == size]
        refuse_unless(len(main) == 1, "weights that are made of several tensors")
        for each in weight.made_of:
            if each not in main:
                with op.owning(Held(each.shape, (each,))) as key:
                    op.recorder.add(Parameter(shape=each.shape or (1,)), key=key)
        weight = weight._replace(made_of=tuple(main))
    with op.owning(weight, bias) as key:
        return op.recorder.windowed(layer, x, key=key)


def _with_made_weights(
    op: Operation, x: Value, weight: Value, window: Mapping[str, Any], groups: int
) -> Foreign:
    """A convolution whose weights are constants or come from layers: windows times a matrix."""
    outputs, per_group, *kernel = weight.shape
    if len(kernel) == 1:
        x, weight = op.recorder.unsqueezed(x, [2]), op.recorder.unsqueezed(weight, [2])
        in_a_row = op._replace(shapes=((*op.shape[:2], 1, *op.shape[2:]),))
        made = _with_made_weights(in_a_row, x, weight, _of_a_row(window), groups)
        return op.recorder.squeezed(made, [2])
    refuse_unless(len(kernel) == 2, "weights that are not learned, in other than two axes")
    refuse_unless(x.shape[0] == 1, "weights that are not learned, for a batch")
    recorder = op.recorder
    (tensor,) = recorder.add(Unfold(**window), recorder.settled(x, (1, 2, 3)))
    rows, count = tensor.shape
    columns = recorder.reshaped(Foreign(tensor, (None, 0, 1)), (1, groups, rows // groups, count))
    matrix = recorder.reshaped(weight, (1, groups, outputs // groups, per_group * product(kernel)))
    y = recorder.matmul(matrix, columns)
    found = recorder.reshaped(y, (1, outputs, *op.shape[2:]))
    assert isinstance(found, Foreign)
    return found


def _of_a_row(window: Mapping[str, Any]) -> dict[str, Any]:
    """A window along one axis as one of two, the first of which has one cell."""
    alone: Mapping[str, Any] = {"kernel_size": 1, "stride": 1, "padding": (0, 0), "dilation": 1}
    return {
        name: value if isinstance(value, str) else (alone[name], *value)
        for name, value in window.items()
    }


def _transposed_with_made_weights(
    op: Operation, x: Value, weight: Value, window: Mapping[str, Any], groups: int
) -> Foreign:
    """A transposed convolution of that kind: a matrix by what there is in each cell, laid out."""
    inputs, per_group, *kernel = weight.shape
    refuse_unless(len(kernel) == 2, "weights that are not learned, in other than two axes")
    refuse_unless(x.shape[0] == 1, "weights that are not learned, for a batch")
    recorder = op.recorder
    cells = recorder.reshaped(x, (1, groups, inputs // groups, product(x.shape[2:])))
    rows = per_group * product(kernel)
    matrix = recorder.reshaped(weight, (1, groups, inputs // groups, rows))
    columns = recorder.matmul(recorder.permuted(matrix, (0, 1, 3, 2)), cells)
    laid = recorder.reshaped(columns, (1, groups * rows, product(x.shape[2:])))
    fold = Fold(output_size=together(op.shape[2:]), **window)
    (tensor,) = recorder.add(fold, recorder.settled(laid, (1, 2)))
    return Foreign(tensor, (None, 0, 1, 2))


@operator("convolution", "_convolution", is_product=True)
def convolution(
    op: Operation,
    input: Value,
    weight: Value,
    bias: Value | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
    *_: bool,
) -> Value:
    """A convolution, or a transposed one."""
    if transposed:
        return conv_transpose(
            op, input, weight, bias, stride, padding, output_padding, groups, dilation
        )
    return conv(op, input, weight, bias, stride, padding, dilation, groups)


@operator("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", is_product=True)
def conv_transpose(
    op: Operation,
    input: Value,
    weight: Value,
    bias: Value | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Value:
    """A transposed convolution."""
    axes = len(weight.shape) - 2
    if not isinstance(weight, Held) or not is_learned(weight):
        window = {
            "kernel_size": together(weight.shape[2:]),
            "stride": together(spread(stride, axes)),
            "padding": together((size, size) for size in spread(padding, axes)),
            "dilation": together(spread(dilation, axes)),
        }
        laid = _transposed_with_made_weights(op, input, weight, window, groups)
        return laid if bias is None else added(op, laid, bias, 1)
    own_bias = is_own(bias)
    layer = ConvTranspose(
        out_channels=weight.shape[1] * groups,
        kernel_size=together(weight.shape[2:]),
        stride=together(spread(stride, axes)),
        padding=together((size, size) for size in spread(padding, axes)),
        output_padding=together(spread(output_padding, axes)),
        dilation=together(spread(dilation, axes)),
        groups=groups,
        bias=own_bias,
    )
    made = _slid(op, layer, input, weight, bias if own_bias else None)
    return made if bias is None or own_bias else added(op, made, bias, 1)


@operator("torchvision::deform_conv2d")
def deform_conv(
    op: Operation,
    input: Value,
    weight: Value,
    offset: Value,
    mask: Value,
    bias: Value,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    groups: int,
    offset_groups: int,
    use_mask: bool,
) -> Value:
    """A deformable convolution, where a convolution of its own has just made its offsets."""
    recorder = op.recorder
    refuse_unless(not use_mask, "offsets with a mask")
    if not (is_own(weight) and isinstance(weight, Held)):
        raise NoLayerError("weights that are not learned")
    if not (isinstance(input, Foreign) and isinstance(offset, Foreign)):
        raise NoLayerError("a deformable convolution of constants")
    own_bias = is_own(bias)
    layer = DeformConv(
        out_channels=weight.shape[0],
        kernel_size=together(weight.shape[2:]),
        stride=together((stride_h, stride_w)),
        padding=together(((pad_h, pad_h), (pad_w, pad_w))),
        dilation=together((dilation_h, dilation_w)),
        groups=groups,
        deformable_groups=offset_groups,
        bias=own_bias,
    )
    shape = input.tensor.shape
    placed = layer.placed((shape,)).layer
    assert isinstance(placed, DeformConv)
    last = len(recorder.calls) - 1
    refuse_unless(
        offset.tensor.node == last
        and op.is_only_here(offset)
        and input.shape[0] == 1
        and recorder.calls[last].inputs == (input.tensor,)
        and recorder.calls[last].placed.layer == placed.offset_conv(shape).layer,
        "offsets that no convolution of its own makes",
    )
    offsets = recorder.owned().get(last)
    recorder.forget(last)
    with op.owning(weight, bias if own_bias and isinstance(bias, Held) else None) as key:
        return recorder.windowed(layer, input, key=(offsets, key))
