"""What moves elements and computes nothing: shapes, cuts, gathers, padding, resizing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Foreign, NoLayerError, Value
from convcalc.importers.onnx_reader.constants import (
    INT64,
    Constant,
    axis_of,
    broadcast,
    gathered_shape,
    integers,
    resolved_shape,
    sliced,
)
from convcalc.importers.onnx_reader.handlers.convolution import pads, per_axis
from convcalc.importers.onnx_reader.learning import mixed
from convcalc.importers.onnx_reader.operation import (
    Known,
    Operation,
    Parts,
    compact,
    operator,
)
from convcalc.layers.folding import Fold
from convcalc.layers.resampling import Pad, PixelShuffle, PixelUnshuffle, Upsample

#: Parts that `Split` makes.
_MOST_PARTS = 4096


@operator("Identity", "Cast", "CastLike", "Contiguous")
def same(op: Operation) -> Known:
    """The tensor itself."""
    return op[0]


@operator("Dropout")
def dropout(op: Operation) -> tuple[Known, Known]:
    """The tensor itself, and a mask of its shape, which only training reads."""
    return op[0], op[0]


@operator("Shape")
def shape(op: Operation) -> Constant:
    """The sizes of a tensor, which are known, with the batch that the file was made for."""
    first, *rest = op[0].shape or (1,)
    sizes = (first * op.batch, *rest)[: len(op[0].shape)]
    return integers(sizes[slice(op.attribute("start", 0), op.attribute("end", len(sizes)))])


@operator("Size")
def size(op: Operation) -> Constant:
    """The number of a tensor's elements."""
    return Constant((), INT64, (product(op[0].shape) * op.batch,))


# --- Shapes ---------------------------------------------------------------------------------------


def _reshaped(op: Operation, value: Foreign, sizes: Sequence[int]) -> Foreign:
    made = op.recorder.reshaped(value, sizes)
    assert isinstance(made, Foreign)
    return made


@operator("Reshape")
def reshape(op: Operation) -> Foreign:
    """Other sizes, of which 0 is the old one and -1 what is left."""
    value, wanted = op.foreign(0), op.integers("shape", 1)
    if wanted is None:
        raise NoLayerError("its shape is not known")
    if op.batch > 1 and wanted and wanted[0] > 0:
        # The file was made for a batch, which is written into the sizes.
        if wanted[0] % op.batch:
            raise NoLayerError(f"a batch in {list(wanted)}")
        wanted = (wanted[0] // op.batch, *wanted[1:])
    sizes = resolved_shape(value.shape, wanted, bool(op.attribute("allowzero", 0)))
    return _reshaped(op, value, sizes)


@operator("Flatten")
def flatten(op: Operation) -> Foreign:
    """A matrix: the axes before one, and those from it on."""
    value = op.foreign(0)
    rank = len(value.shape)
    axis = op.attribute("axis", 1)
    axis += rank if axis < 0 else 0
    if not 0 <= axis <= rank:
        raise NoLayerError(f"axis {axis} of {rank}")
    op.apart_from_batch(axis)
    return _reshaped(op, value, (product(value.shape[:axis]), product(value.shape[axis:])))


@operator("Squeeze")
def squeeze(op: Operation) -> Foreign:
    """Without axes of one cell."""
    value = op.foreign(0)
    axes = op.integers("axes", 1)
    rank = len(value.shape)
    if axes is None:
        axes = tuple(axis for axis, n in enumerate(value.shape) if n == 1)
    gone = {axis_of(axis, rank) for axis in axes}
    return _reshaped(op, value, [n for axis, n in enumerate(value.shape) if axis not in gone])


@operator("Unsqueeze")
def unsqueeze(op: Operation) -> Foreign:
    """With axes of one cell more."""
    value, axes = op.foreign(0), op.integers("axes", 1)
    if axes is None:
        raise NoLayerError("its axes are not known")
    rank = len(value.shape) + len(axes)
    found = [op.apart_from_batch(axis_of(axis, rank)) for axis in axes]
    made = op.recorder.unsqueezed(value, found)
    assert isinstance(made, Foreign)
    return made


@operator("Transpose")
def transpose(op: Operation) -> Foreign:
    """The axes in another order, which is no layer."""
    value = op.foreign(0)
    rank = len(value.shape)
    order = op.attribute("perm") or tuple(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        raise NoLayerError(f"an order of {list(order)}")
    made = op.recorder.permuted(value, order)
    assert isinstance(made, Foreign)
    if op.batch > 1 and (place := order.index(op.batches.get(value, 0))):
        op.batches[made] = place
    return made


@operator("Expand")
def expand(op: Operation) -> Foreign:
    """The cells repeated along axes of one."""
    value, wanted = op.foreign(0), op.integers("shape", 1)
    if wanted is None:
        raise NoLayerError("its shape is not known")
    if op.batch > 1 and len(wanted) == len(value.shape) and wanted[0] == op.batch:
        wanted = (value.shape[0], *wanted[1:])
    return op.recorder.expanded(value, broadcast(value.shape, wanted))


@operator("Tile")
def tile(op: Operation) -> Foreign:
    """All of it again and again along axes."""
    value, times = op.foreign(0), op.integers("repeats", 1)
    if times is None or len(times) != len(value.shape):
        raise NoLayerError("its repeats are not known")
    for axis, count in enumerate(times):
        if count != 1:
            value = op.recorder.index(value, axis, value.shape[axis] * count)
    return value


# --- Cuts -----------------------------------------------------------------------------------------


@operator("Slice")
def slice_(op: Operation) -> Foreign:
    """Some cells of axes."""
    value = op.foreign(0)
    for axis, cells in sliced(op, value.shape).items():
        value = _cut(op, value, axis, cells)
    return value


def _cut(op: Operation, value: Foreign, axis: int, cells: range) -> Foreign:
    """The cells of an axis that a range names."""
    if not cells:
        raise NoLayerError("it keeps nothing")
    if len(cells) == value.shape[axis] and cells.step == 1:
        return value
    if cells.step < 0:
        return op.recorder.index(value, axis, len(cells)) if len(cells) > 1 else value
    step = cells.step if len(cells) > 1 else 1
    return op.recorder.slice(value, axis, cells.start, cells[-1] + 1, step)


@operator("Split")
def split(op: Operation) -> tuple[Foreign, ...]:
    """Parts of an axis: of given sizes, or as many equal ones as there are outputs."""
    value = op.foreign(0)
    axis = op.axis(0, len(value.shape))
    sizes = op.integers("split", 1)
    size = value.shape[axis]
    if sizes is None:
        count = op.attribute("num_outputs", op.outputs)
        each = -(-size // max(count, 1))
        sizes = tuple(min(each, size - start) for start in range(0, size, each))
    if sum(sizes) != size or min(sizes) < 1 or len(sizes) > _MOST_PARTS:
        raise NoLayerError(f"parts of {list(sizes[:8])} of {size}")
    return op.recorder.split(value, axis, sizes)


@operator("SplitToSequence")
def split_to_sequence(op: Operation) -> Parts:
    """Parts of an axis, as a list: of one size, of given sizes, or of one cell."""
    value = op.foreign(0)
    axis = op.axis(0, len(value.shape))
    size = value.shape[axis]
    sizes = op.integers("split", 1) or (1,)
    constant = op[1] if op.has(1) else None
    if not isinstance(constant, Constant) or not constant.shape:
        each = sizes[0]
        if each < 1 or size > each * _MOST_PARTS:
            raise NoLayerError(f"parts of {each} of {size}")
        sizes = tuple(min(each, size - start) for start in range(0, size, each))
    if sum(sizes) != size or min(sizes) < 1:
        raise NoLayerError(f"parts of {list(sizes[:8])} of {size}")
    found = op.recorder.split(value, axis, sizes)
    if constant is None and not op.attribute("keepdims", 1):
        found = tuple(op.recorder.squeezed(each, [axis]) for each in found)
    return Parts(found)


@operator("SequenceConstruct")
def sequence(op: Operation) -> Parts:
    """Tensors as a list."""
    return Parts(tuple(op[index] for index in range(len(op.inputs))))


@operator("SequenceAt")
def sequence_at(op: Operation) -> Known:
    """A tensor of a list."""
    parts, place = op.parts(0), op.integers("position", 1)
    if not place or not -len(parts) <= place[0] < len(parts):
        raise NoLayerError("its position is not known")
    return parts[place[0]]


@operator("SequenceLength")
def sequence_length(op: Operation) -> Constant:
    """How many tensors a list has."""
    return Constant((), INT64, (len(op.parts(0)),))


@operator("ConcatFromSequence")
def concat_from_sequence(op: Operation) -> Foreign:
    """The tensors of a list, one after the other, along an axis of theirs or a new one."""
    values = [mixed(each) for each in op.parts(0)]
    is_new = op.attribute("new_axis", 0)
    rank = len(values[0].shape) + bool(is_new)
    axis = op.axis(0, rank)
    if is_new:
        values = [op.recorder.unsqueezed(value, [axis]) for value in values]
    return op.recorder.concat(values, axis)


@operator("Concat")
def concat(op: Operation) -> Foreign:
    """Tensors one after the other along an axis."""
    values: list[Value] = [op.mixed(index) for index in range(len(op.inputs))]
    values = [value for value in values if 0 not in value.shape]
    rank = len(op[0].shape)
    if any(len(value.shape) != rank for value in values):
        raise NoLayerError("its inputs differ in their axes")
    return op.recorder.concat(values, op.axis(0, rank))


# --- Gathers --------------------------------------------------------------------------------------


@operator("Gather")
def gather(op: Operation) -> Foreign:
    """Cells of an axis by indices, which are constant; or an embedding, by any indices."""
    table, index = op[0], op[1]
    if isinstance(table, Constant) and isinstance(index, Foreign):
        return _embedding(op, table, index)
    value = op.foreign(0)
    if not isinstance(index, Constant):
        raise NoLayerError("its indices are computed")
    if value in op.batches:
        return _gathered_before_batch(op, value, index)
    axis = op.axis(0, len(value.shape))
    size = value.shape[axis]
    places = None if index.values is None else [place % size for place in index.values]
    if not index.shape and places is not None:
        return op.recorder.select(value, axis, places[0])
    if places and len(index.shape) == 1 and (cells := _as_range(places)) is not None:
        return _cut(op, value, axis, cells)
    made = op.recorder.index(value, axis, index.size)
    shape = (*value.shape[:axis], *index.shape, *value.shape[axis + 1 :])
    return made if shape == made.shape else _reshaped(op, made, shape)


def _gathered_before_batch(op: Operation, value: Foreign, index: Constant) -> Foreign:
    """A cell of the axis in front of the batch, which is first then."""
    axis = axis_of(op.attribute("axis", 0), len(value.shape))
    if axis or index.shape or not index.values or op.batches[value] != 1:
        raise NoLayerError("its batch is not in front")
    return op.recorder.select(value, 0, index.values[0] % value.shape[0])


def _embedding(op: Operation, table: Constant, index: Foreign) -> Foreign:
    """Cells of a learned table, by indices that hang on the inputs."""
    axis = axis_of(op.attribute("axis", 0), len(table.shape))
    made = op.recorder.index(mixed(table), axis, product(index.shape))
    shape = (*table.shape[:axis], *index.shape, *table.shape[axis + 1 :])
    return made if shape == made.shape else _reshaped(op, made, shape)


def _as_range(places: Sequence[int]) -> range | None:
    """Places as a range that goes up; None where they are none."""
    step = places[1] - places[0] if len(places) > 1 else 1
    found = range(places[0], places[-1] + 1, step) if step > 0 else range(0)
    return found if list(found) == list(places) else None


@operator("GatherElements", "GatherND")
def gather_any(op: Operation) -> Foreign:
    """Elements by indices, which are constant: some of all elements."""
    value, index = op.foreign(0), op[1]
    if not isinstance(index, Constant):
        raise NoLayerError("its indices are computed")
    if op.name == "GatherElements":
        shape = index.shape
    else:
        shape = gathered_shape(value.shape, index.shape, op.attribute("batch_dims", 0))
    flat = _reshaped(op, value, (1, product(value.shape)))
    return _reshaped(op, op.recorder.index(flat, 1, product(shape)), shape or (1,))


# --- Padding and resizing -------------------------------------------------------------------------

_MODES = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


@operator("Pad")
def pad(op: Operation) -> Foreign:
    """Cells around a tensor, on any axes; a negative number cuts off."""
    value = op.foreign(0)
    rank = len(value.shape)
    found = op.integers("paddings" if op.opset < 2 else "pads", 1)
    axes = op.integers("axes", 3) or tuple(range(rank))
    if found is None or len(found) != 2 * len(axes):
        raise NoLayerError("its padding is not known")
    mode = _MODES.get(op.attribute("mode", "constant"))
    if mode is None:
        raise NoLayerError(f"the mode {op.attribute('mode')}")
    margins = {
        axis_of(axis, rank): (found[place], found[place + len(axes)])
        for place, axis in enumerate(axes)
        if found[place] or found[place + len(axes)]
    }
    if not margins:
        return value
    spatial = value.lies[1:]
    if set(margins) <= set(spatial) and len(value.lies) <= 4:
        pairs = [margins.get(axis, (0, 0)) for axis in spatial]
        return op.recorder.unary(Pad(padding=compact(pairs), mode=mode), value)
    for axis, ends in margins.items():
        value = op.recorder.with_axis(value, axis)
        ours = value.axes[axis]
        value = op.recorder.unary(Pad(padding=(ends,), axis=ours, mode=mode), value)
    return value


_BY_AXES = {
    ("linear", 1): "linear",
    ("linear", 2): "bilinear",
    ("linear", 3): "trilinear",
    ("cubic", 2): "bicubic",
}


@operator("Resize", "Upsample")
def resize(op: Operation) -> Foreign:
    """Another resolution, by its sizes or by factors."""
    value = op.foreign(0)
    rank = len(value.shape)
    sizes = _resized(op, value.shape)
    if sizes[:2] != value.shape[:2]:
        raise NoLayerError(f"{list(value.shape)} to {list(sizes)}")
    if sizes == value.shape:
        return value
    mode = op.attribute("mode", "nearest")
    changed = [axis for axis in range(2, rank) if sizes[axis] != value.shape[axis]]
    if mode != "nearest":
        mode = _BY_AXES.get((mode, rank - 2), "")
        if op.attribute("antialias", 0) and any(sizes[a] < value.shape[a] for a in changed):
            raise NoLayerError("it filters before it shrinks")
        if not mode or op.attribute("coordinate_transformation_mode", "") == "tf_crop_and_resize":
            raise NoLayerError(f"the mode {op.attribute('mode')} on {rank - 2} axes")
    factors = {sizes[axis] / value.shape[axis] for axis in range(2, rank)}
    (factor,) = factors if len(factors) == 1 else (0.0,)
    layer = (
        Upsample(scale=(factor,), mode=mode)
        if factor >= 1 and factor.is_integer()
        else Upsample(size=compact(sizes[2:]), mode=mode)
    )
    return op.recorder.windowed(layer, value)


def _resized(op: Operation, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes that a resize makes: given, or ⌊in·scale⌋."""
    has_roi = op.name == "Resize" and op.opset >= 11
    axes = op.attribute("axes") or tuple(range(len(shape)))
    both = op.attribute("height_scale"), op.attribute("width_scale")
    if None not in both and len(shape) == 4:
        return (*shape[:2], int(shape[2] * both[0]), int(shape[3] * both[1]))
    sizes = op.integers("sizes", 3) if has_roi and op.has(3) else None
    if sizes is not None:
        if op.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise NoLayerError("sizes that keep the ratio of the sides")
        given: Sequence[float] = sizes
    else:
        scales = op.attribute("scales")
        if scales is None:
            constant = op[2 if has_roi else 1]
            scales = constant.values if isinstance(constant, Constant) else None
        if not scales or len(scales) != len(axes):
            raise NoLayerError("its scales are not known")
        # Floats of 32 bits: a scale of 0.7 is a little less or more.
        given = [math.floor(shape[axis] * s + 1e-6 * s) for axis, s in zip(axes, scales)]
    if len(given) != len(axes):
        raise NoLayerError("its sizes are not known")
    found = list(shape)
    for axis, size in zip(axes, given):
        found[axis_of(axis, len(shape))] = int(size)
    if op.batch > 1 and sizes is not None and found[0] == op.batch * shape[0]:
        found[0] = shape[0]
    return tuple(found)


@operator("DepthToSpace")
def depth_to_space(op: Operation) -> Foreign:
    """Channels as resolution; in which order they are taken changes nothing that is counted."""
    return op.recorder.on_channels(PixelShuffle(factor=op.attribute("blocksize", 1)), op.foreign(0))


@operator("SpaceToDepth")
def space_to_depth(op: Operation) -> Foreign:
    """Resolution as channels."""
    layer = PixelUnshuffle(factor=op.attribute("blocksize", 1))
    return op.recorder.on_channels(layer, op.foreign(0))


@operator("Col2Im")
def fold(op: Operation) -> Foreign:
    """Windows that lie side by side as columns, summed up where they lie in a map."""
    value = op.foreign(0)
    size, kernel = op.integers("image_shape", 1), op.integers("block_shape", 2)
    if size is None or kernel is None or len(size) != 2 or len(value.shape) != 3:
        raise NoLayerError("no map of two axes")
    if value.shape[0] != 1:
        raise NoLayerError("a batch of windows")
    layer = Fold(
        output_size=compact(size),
        kernel_size=compact(kernel),
        stride=compact(per_axis(op, "strides", 2)),
        padding=compact(pads(op, 2)),
        dilation=compact(per_axis(op, "dilations", 2)),
    )
    (tensor,) = op.recorder.add(layer, op.recorder.settled(value, (1, 2)))
    return Foreign(tensor, (None, 0, 1, 2))
