"""What moves elements, and computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, Held, NoLayerError, Value
from convcalc.importers.aten.operators import (
    Operation,
    axes_of,
    axis_of,
    foreign,
    operator,
    refuse_unless,
    spread,
    together,
    unary,
)
from convcalc.layers.folding import Fold, Unfold
from convcalc.layers.joining import ChannelShuffle
from convcalc.layers.resampling import Pad, PixelShuffle, PixelUnshuffle, Upsample

Sizes = int | Sequence[int]


@operator("view", "reshape", "_unsafe_view", "flatten", "unflatten", "_reshape_alias", "view_as",
          "reshape_as", "ravel")  # fmt: skip
def reshape(op: Operation, x: Value, *_: Any, **__: Any) -> Value:
    """Other sizes."""
    return op.recorder.reshaped(x, op.shape)


@operator("squeeze")
def squeeze(op: Operation, x: Value, dim: Any = None) -> Value:
    """Without axes of one cell."""
    gone = [axis for axis in axes_of(dim, len(x.shape)) if x.shape[axis] == 1]
    return op.recorder.squeezed(foreign(op, x), gone) if gone else x


@operator("unsqueeze")
def unsqueeze(op: Operation, x: Value, dim: int) -> Value:
    """With one axis of one cell more."""
    return op.recorder.unsqueezed(x, [axis_of(dim, len(x.shape) + 1)])


@operator("permute")
def permute(op: Operation, x: Value, dims: Sequence[int]) -> Value:
    """The axes in another order."""
    return op.recorder.permuted(x, [axis_of(dim, len(x.shape)) for dim in dims])


@operator("transpose", "swapaxes", "swapdims")
def transpose(op: Operation, x: Value, dim0: int, dim1: int) -> Value:
    """Two axes exchanged."""
    order = [*range(len(x.shape))]
    first, second = axis_of(dim0, len(order)), axis_of(dim1, len(order))
    order[first], order[second] = second, first
    return op.recorder.permuted(x, order)


@operator("t", "numpy_T", "mT", "adjoint")
def turned(op: Operation, x: Value) -> Value:
    """The last two axes exchanged."""
    return x if len(x.shape) < 2 else transpose(op, x, -1, -2)


@operator("movedim", "moveaxis")
def movedim(op: Operation, x: Value, source: Sizes, destination: Sizes) -> Value:
    """Axes moved elsewhere, the others as they were."""
    rank = len(x.shape)
    pairs = zip(spread(source, 1), spread(destination, 1))
    moved = {axis_of(to, rank): axis_of(of, rank) for of, to in pairs}
    others = iter(axis for axis in range(rank) if axis not in moved.values())
    return op.recorder.permuted(x, [moved[n] if n in moved else next(others) for n in range(rank)])


@operator("expand", "expand_as", "broadcast_to")
def expand(op: Operation, x: Value, *_: Any, **__: Any) -> Value:
    """The same cells again along axes of one."""
    return op.recorder.expanded(foreign(op, x), op.shape)


@operator("repeat", "tile")
def repeat(op: Operation, x: Value, *_: Any) -> Value:
    """All cells again along axes."""
    value = op.recorder.unsqueezed(x, range(len(op.shape) - len(x.shape)))
    return _taken(op, value, op.shape)


@operator("repeat_interleave")
def repeat_interleave(op: Operation, x: Value, *_: Any, **__: Any) -> Value:
    """Each cell again along an axis."""
    refuse_unless(len(op.shape) == len(x.shape), "a repetition of all cells")
    return _taken(op, x, op.shape)


def _taken(op: Operation, x: Value, shape: Sequence[int]) -> Value:
    """Cells along each axis whose size changes, by indices that are not kept."""
    for axis, size in enumerate(shape):
        if x.shape[axis] != size:
            x = op.recorder.index(x, axis, size)
    return x


@operator("cat", "concat", "concatenate")
def cat(op: Operation, tensors: Sequence[Value], dim: int = 0) -> Value:
    """One after the other along an axis."""
    full = [each for each in tensors if product(each.shape)]
    return op.recorder.concat(full, axis_of(dim, len(op.shape)))


@operator("stack")
def stack(op: Operation, tensors: Sequence[Value], dim: int = 0) -> Value:
    """One after the other along an axis of its own."""
    axis = axis_of(dim, len(op.shape))
    return op.recorder.concat([op.recorder.unsqueezed(each, [axis]) for each in tensors], axis)


@operator("split", "split_with_sizes", "chunk", "tensor_split", "unsafe_split", "unsafe_chunk")
def split(op: Operation, x: Foreign, sizes: Any, dim: int = 0) -> list[Value]:
    """Parts along an axis."""
    axis = axis_of(dim, len(x.shape))
    return [*op.recorder.split(x, axis, [shape[axis] for shape in op.shapes])]


@operator("unbind")
def unbind(op: Operation, x: Foreign, dim: int = 0) -> list[Value]:
    """Each cell of an axis, without the axis."""
    axis = axis_of(dim, len(x.shape))
    parts = op.recorder.split(x, axis, (1,) * x.shape[axis])
    return [op.recorder.squeezed(part, [axis]) for part in parts]


@operator("slice")
def slice_(
    op: Operation,
    x: Foreign,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Value:
    """Cells of an axis from one up to another."""
    axis = axis_of(dim, len(x.shape))
    first, last, step = slice(start, end, step).indices(x.shape[axis])
    refuse_unless(first < last, "a slice of nothing")
    return op.recorder.slice(x, axis, first, last, step)


@operator("narrow")
def narrow(op: Operation, x: Foreign, dim: int, start: int, length: int) -> Value:
    """So many cells of an axis."""
    axis = axis_of(dim, len(x.shape))
    first = start % x.shape[axis] if start < 0 else start
    return op.recorder.slice(x, axis, first, first + length)


@operator("select")
def select(op: Operation, x: Foreign, dim: int, index: int) -> Value:
    """One cell of an axis, without the axis."""
    axis = axis_of(dim, len(x.shape))
    return op.recorder.select(x, axis, index % x.shape[axis])


@operator("index", picks=True)
def index(op: Operation, x: Value, indices: Sequence[Value | None]) -> Value:
    """Cells by tensors of indices, which no input reaches."""
    chosen = [axis for axis, each in enumerate(indices) if each is not None]
    refuse_unless(
        all(isinstance(indices[axis], Held) for axis in chosen), "indices that layers make"
    )
    refuse_unless(chosen == [*range(chosen[0], chosen[-1] + 1)], "indices of axes that lie apart")
    first, last = chosen[0], chosen[-1] + 1
    before, behind = x.shape[:first], x.shape[last:]
    count = product(op.shape[len(before) : len(op.shape) - len(behind)])
    merged = op.recorder.reshaped(x, (*before, product(x.shape[first:last]), *behind))
    found = op.recorder.index(merged, first, count)
    return op.recorder.reshaped(found, op.shape)


@operator("index_select", picks=True)
def index_select(op: Operation, x: Value, dim: int, index: Value) -> Value:
    """Cells of an axis by a tensor of indices."""
    return op.recorder.index(x, axis_of(dim, len(x.shape)), op.shape[axis_of(dim, len(x.shape))])


@operator("embedding", picks=True)
def embedding(op: Operation, weight: Value, indices: Value, *_: Any, **__: Any) -> Value:
    """Rows of a table by a tensor of indices."""
    found = op.recorder.index(weight, 0, product(indices.shape))
    return op.recorder.reshaped(found, op.shape)


@operator("gather", "take_along_dim")
def gather(op: Operation, x: Value, dim: int, index: Value, **_: Any) -> Value:
    """Cells of an axis by indices of each cell's own."""
    return _taken(op, x, op.shape)


@operator("roll")
def roll(op: Operation, x: Value, shifts: Sizes, dims: Sizes = ()) -> Value:
    """Cells moved round an axis."""
    for axis in axes_of(dims, len(x.shape)):
        x = op.recorder.index(x, axis, x.shape[axis])
    return x


@operator("flip")
def flip(op: Operation, x: Value, dims: Sequence[int]) -> Value:
    """Cells the other way round along axes."""
    return roll(op, x, 0, dims)


@operator("rot90", "fliplr", "flipud")
def rotate(op: Operation, x: Value, *_: Any) -> Value:
    """Not said by layers."""
    raise NoLayerError("a rotation")


@operator("pixel_shuffle")
def pixel_shuffle(op: Operation, x: Value, upscale_factor: int) -> Value:
    """Channels as resolution."""
    return op.recorder.windowed(PixelShuffle(factor=upscale_factor), x)


@operator("pixel_unshuffle")
def pixel_unshuffle(op: Operation, x: Value, downscale_factor: int) -> Value:
    """Resolution as channels."""
    return op.recorder.windowed(PixelUnshuffle(factor=downscale_factor), x)


@operator("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(op: Operation, x: Value, groups: int) -> Value:
    """The channels of groups, interleaved."""
    return op.recorder.on_channels(ChannelShuffle(groups=groups), x)


@operator("im2col")
def im2col(
    op: Operation, x: Value, kernel_size: Sizes, dilation: Sizes, padding: Sizes, stride: Sizes
) -> Value:
    """The cells of each window as a column."""
    layer = Unfold(
        kernel_size=together(spread(kernel_size, 2)),
        stride=together(spread(stride, 2)),
        padding=together((size, size) for size in spread(padding, 2)),
        dilation=together(spread(dilation, 2)),
    )
    refuse_unless(x.shape[0] == 1, "windows of a batch")
    (tensor,) = op.recorder.add(layer, op.recorder.settled(x, (1, 2, 3)))
    return Foreign(tensor, (None, 0, 1))


@operator("col2im")
def col2im(
    op: Operation,
    x: Value,
    output_size: Sizes,
    kernel_size: Sizes,
    dilation: Sizes,
    padding: Sizes,
    stride: Sizes,
) -> Value:
    """Columns laid back as windows."""
    layer = Fold(
        output_size=together(spread(output_size, 2)),
        kernel_size=together(spread(kernel_size, 2)),
        stride=together(spread(stride, 2)),
        padding=together((size, size) for size in spread(padding, 2)),
        dilation=together(spread(dilation, 2)),
    )
    refuse_unless(x.shape[0] == 1, "columns of a batch")
    (tensor,) = op.recorder.add(layer, op.recorder.settled(x, (1, 2)))
    return Foreign(tensor, (None, 0, 1, 2))


@operator("unfold")
def unfold(op: Operation, x: Value, dimension: int, size: int, step: int) -> Value:
    """Windows along an axis, whose cells are a last axis."""
    axis, rank = axis_of(dimension, len(x.shape)), len(x.shape)
    count = op.shape[axis]
    taken = op.recorder.index(x, axis, count * size)
    shape = (*x.shape[:axis], count, size, *x.shape[axis + 1 :])
    apart = op.recorder.reshaped(taken, shape)
    order = [n for n in range(rank + 1) if n != axis + 1]
    return op.recorder.permuted(apart, [*order, axis + 1])


@operator("pad", "constant_pad_nd")
def pad(
    op: Operation, x: Value, pad: Sequence[int], mode: Any = "constant", value: Any = None
) -> Value:
    """Cells around a tensor; the last axis is said first."""
    if not isinstance(mode, str):
        mode, value = "constant", mode
    rank = len(x.shape)
    margins = {rank - 1 - n // 2: (pad[n], pad[n + 1]) for n in range(0, len(pad), 2)}
    margins = {axis: ends for axis, ends in margins.items() if ends != (0, 0)}
    if not margins:
        return x
    fields: dict[str, Any] = {"mode": mode, "value": float(value or 0)}
    value_of = foreign(op, x)
    for axis in margins:
        value_of = op.recorder.with_axis(value_of, axis)
    lies = value_of.lies
    spatial = len(lies) - 1
    if lies[0] not in margins and 1 <= spatial <= 3:
        ends = [margins.get(axis, (0, 0)) for axis in lies[1:]]
        return unary(op, Pad(padding=together(ends), **fields), value_of)
    refuse_unless(mode == "constant", "a padding of channels by what is there")
    for axis, (before, after) in margins.items():
        ours = value_of.axes[axis]
        value_of = unary(op, Pad(padding=((before, after),), axis=ours, **fields), value_of)
    return value_of


def _named_pad(mode: str) -> Any:
    def handler(op: Operation, x: Value, padding: Sequence[int]) -> Value:
        return pad(op, x, padding, mode)

    return handler


for _axes in (1, 2, 3):
    operator(f"reflection_pad{_axes}d")(_named_pad("reflect"))
    operator(f"replication_pad{_axes}d")(_named_pad("replicate"))


def _resize(mode: str) -> Any:
    def handler(op: Operation, x: Value, *rest: Any, **named: Any) -> Value:
        axes = len(x.shape) - 2
        lists = [each for each in (*rest, *named.values()) if isinstance(each, (list, tuple))]
        scales = [each for each in lists if any(isinstance(size, float) for size in each)]
        sizes = op.shape[2:]
        if scales and len(lists) == 1:
            found = tuple(int(factor) if factor == int(factor) else factor for factor in scales[0])
            if [int(n * factor) for n, factor in zip(x.shape[2:], found)] == [*sizes]:
                return op.recorder.windowed(Upsample(scale=together(found), mode=mode), x)
        refuse_unless(axes <= 3, "a resizing of more than three axes")
        return op.recorder.windowed(Upsample(size=together(sizes), mode=mode), x)

    return handler


for _operator, _mode in (
    ("upsample_linear1d", "linear"),
    ("upsample_bilinear2d", "bilinear"),
    ("upsample_bicubic2d", "bicubic"),
    ("upsample_trilinear3d", "trilinear"),
    *((f"upsample_nearest{n}d", "nearest") for n in (1, 2, 3)),
    *((f"_upsample_nearest_exact{n}d", "nearest-exact") for n in (1, 2, 3)),
):
    operator(_operator)(_resize(_mode))
