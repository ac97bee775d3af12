"""Tensors that no input reaches, and the operators on them alone, which are no layers.

The sizes, indices and scales that a network works out from the shapes of its tensors are followed
to the number. Of what is larger, such as weights, only the shape is: `values` is None.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from convcalc.arithmetic import product
from convcalc.foreign.recorder import Held, Learned, NoLayerError

#: Elements of a constant whose numbers are kept.
MOST = 8192
#: Numbers of ONNX's types.
FLOAT, INT64, STRING, BOOL = 1, 7, 8, 9
#: Those that weights have: 32, 16 and 64 bits, and bfloat16.
FLOATS = frozenset((1, 10, 11, 16))


class Constant(NamedTuple):
    """A tensor that no input reaches."""

    shape: tuple[int, ...]
    #: As `TensorProto.DataType` numbers them.
    type: int
    #: Row by row; None where they are not known.
    values: tuple[Any, ...] | None = None
    #: The float tensors of the file that it is made of.
    made_of: tuple[Learned, ...] = ()

    @property
    def size(self) -> int:
        """The number of elements."""
        return product(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether it holds numbers that may be learned."""
        return self.type in FLOATS

    @property
    def stands_for_itself(self) -> bool:
        """Whether as many learned numbers, or one tensor of as many, are what it is made of."""
        sizes = [product(each.shape) for each in self.made_of]
        return self.size in (sum(sizes), *sizes)

    def as_weights(self) -> Held:
        """It where it is learned."""
        return Held(self.shape, self.made_of)

    def as_numbers(self) -> Held:
        """It where it is not learned."""
        return Held(self.shape)


class Folded(Protocol):
    """What a fold is told of a use of an operator all of whose inputs are constants."""

    @property
    def name(self) -> str:
        """The operator."""

    @property
    def outputs(self) -> int:
        """How many tensors leave it."""

    @property
    def opset(self) -> int:
        """The version of the operators."""

    @property
    def constants(self) -> Sequence[Constant | None]:
        """What enters it; None for what is left out."""

    def attribute(self, name: str, default: Any = None) -> Any:
        """One of its attributes."""

    def integers(self, name: str, index: int) -> tuple[int, ...] | None:
        """Integers that are an attribute in old versions, and an input since; None: left out."""


Fold = Callable[[Folded], Constant | tuple[Constant, ...]]
#: How each operator works on constants alone.
FOLDS: dict[str, Fold] = {}


def fold(*names: str) -> Callable[[Fold], Fold]:
    """Register what operators of these names make of constants."""

    def register(function: Fold) -> Fold:
        FOLDS.update(dict.fromkeys(names, function))
        return function

    return register


def union(*constants: Constant | None) -> tuple[Learned, ...]:
    """The tensors of the file that constants are made of."""
    found = {each.key: each for c in constants if c is not None for each in c.made_of}
    return tuple(found.values())


def integers(values: Sequence[int]) -> Constant:
    """A vector of integers."""
    return Constant((len(values),), INT64, tuple(values))


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an elementwise operator's result. Raises NoLayerError where there is none."""
    rank = max(map(len, shapes), default=0)
    result = [1] * rank
    for shape in shapes:
        for axis, size in enumerate(shape, start=rank - len(shape)):
            if size != 1 and result[axis] not in (1, size):
                raise NoLayerError(f"{' and '.join(str(list(each)) for each in shapes)} differ")
            result[axis] = size if result[axis] == 1 else result[axis]
    return tuple(result)


def strides_of(shape: Sequence[int]) -> list[int]:
    """How far apart neighbours along each axis lie."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return strides[::-1]


def _places(shape: Sequence[int], strides: Sequence[int], start: int = 0) -> Iterator[int]:
    """Where each element of a view lies, row by row."""
    if not shape:
        yield start
        return
    for index in range(shape[0]):
        yield from _places(shape[1:], strides[1:], start + index * strides[0])


def view(
    constant: Constant, shape: Sequence[int], strides: Sequence[int], start: int = 0
) -> Constant:
    """Elements of a constant, in another arrangement."""
    values = constant.values
    if values is not None:
        is_small = product(shape) <= MOST
        places = _places(shape, strides, start)
        values = tuple([values[place] for place in places]) if is_small else None
    return constant._replace(shape=tuple(shape), values=values)


def expanded(constant: Constant, shape: Sequence[int]) -> Constant:
    """A constant repeated along axes of one cell."""
    if constant.size == 1 != product(shape):
        constant = constant._replace(made_of=())  # copies of one number are not learned apart
    missing = len(shape) - len(constant.shape)
    old = (1,) * missing + constant.shape
    steps = [0] * missing + strides_of(constant.shape)
    return view(constant, shape, [0 if n == 1 else s for n, s in zip(old, steps)])


def resolved_shape(old: Sequence[int], wanted: Sequence[int], keeps_zero: bool) -> tuple[int, ...]:
    """The sizes that `Reshape` is asked for: 0 is the old one, -1 what is left."""
    sizes = [
        old[axis] if size == 0 and not keeps_zero and axis < len(old) else size
        for axis, size in enumerate(wanted)
    ]
    if sizes.count(-1) == 1:
        known = product(size for size in sizes if size != -1)
        if known == 0 or product(old) % known:
            raise NoLayerError(f"{list(old)} as {list(wanted)}", "reshape")
        sizes[sizes.index(-1)] = product(old) // known
    if any(size < 0 for size in sizes) or product(sizes) != product(old):
        raise NoLayerError(f"{list(old)} as {list(wanted)}", "reshape")
    return tuple(sizes)


def axis_of(axis: int, rank: int) -> int:
    """An axis from 0. Raises NoLayerError where there is none."""
    if not -rank <= axis < max(rank, 1):
        raise NoLayerError(f"axis {axis} of {rank}")
    return axis % max(rank, 1)


def sliced(op: Folded, shape: Sequence[int]) -> dict[int, range]:
    """The cells of each axis that `Slice` keeps."""
    starts, ends = op.integers("starts", 1), op.integers("ends", 2)
    if starts is None or ends is None:
        raise NoLayerError("a slice without ends")
    axes = op.integers("axes", 3) or tuple(range(len(starts)))
    steps = op.integers("steps", 4) or (1,) * len(starts)
    found = {}
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis = axis_of(axis, len(shape))
        if step == 0:
            raise NoLayerError("a slice of step 0")
        size = shape[axis]
        # A negative step ends before the first cell with any end below it.
        last = None if step < 0 and end < -size else end
        found[axis] = range(size)[slice(start, last, step)]
    return found


# --- Folds ----------------------------------------------------------------------------------------


@fold("Identity", "Dropout", "Contiguous")
def _same(op: Folded) -> Constant:
    return _first(op)


def _first(op: Folded) -> Constant:
    if not op.constants or op.constants[0] is None:
        raise NoLayerError("it has no input")
    return op.constants[0]


def _second(op: Folded) -> Constant:
    if len(op.constants) < 2 or op.constants[1] is None:
        raise NoLayerError("it lacks an input")
    return op.constants[1]


@fold("Shape")
def _shape(op: Folded) -> Constant:
    shape = _first(op).shape
    return integers(shape[slice(op.attribute("start", 0), op.attribute("end", len(shape)))])


@fold("Size")
def _size(op: Folded) -> Constant:
    return Constant((), INT64, (_first(op).size,))


@fold("Cast", "CastLike")
def _cast(op: Folded) -> Constant:
    x = _first(op)
    to = op.attribute("to")
    if to is None:
        to = _second(op).type
    return x._replace(type=to, values=_converted(x.values, to))


def _converted(values: tuple[Any, ...] | None, to: int) -> tuple[Any, ...] | None:
    if values is None:
        return None
    kind: Callable[[Any], Any] = int
    if to in FLOATS:
        kind = float
    elif to == BOOL:
        kind = bool
    elif to == STRING:
        return None
    try:
        return tuple(map(kind, values))
    except (OverflowError, ValueError, TypeError):
        return None


@fold("ConstantOfShape")
def _filled(op: Folded) -> Constant:
    sizes = _first(op).values
    if sizes is None or any(size < 0 for size in sizes):
        raise NoLayerError("its shape is not known")
    value = op.attribute("value")
    kind, values = (FLOAT, (0.0,)) if value is None else (value.type, value.values)
    count = product(sizes)
    known = values * count if values and count <= MOST else None
    return Constant(tuple(sizes), kind, known)


@fold("Range")
def _range(op: Folded) -> Constant:
    ends: list[Any] = [c.values[0] for c in op.constants if c is not None and c.values]
    kind = _first(op).type
    if len(ends) != 3:
        raise NoLayerError("its ends are not known")
    start, stop, step = ends
    try:
        count = max(0, math.ceil((stop - start) / step))
    except (ArithmeticError, ValueError):
        raise NoLayerError("it has no end") from None
    values = tuple([start + i * step for i in range(count)]) if count <= MOST else None
    return Constant((count,), kind, values)


@fold("Transpose")
def _transposed(op: Folded) -> Constant:
    x = _first(op)
    rank = len(x.shape)
    order = op.attribute("perm") or tuple(reversed(range(rank)))
    if sorted(order) != list(range(rank)):
        raise NoLayerError(f"an order of {list(order)}")
    steps = strides_of(x.shape)
    return view(x, [x.shape[axis] for axis in order], [steps[axis] for axis in order])


@fold("Reshape")
def _reshaped(op: Folded) -> Constant:
    x = _first(op)
    wanted = op.integers("shape", 1)
    if wanted is None:
        raise NoLayerError("its shape is not known")
    return x._replace(shape=resolved_shape(x.shape, wanted, bool(op.attribute("allowzero", 0))))


@fold("Flatten")
def _flattened(op: Folded) -> Constant:
    x = _first(op)
    axis = op.attribute("axis", 1)
    axis += len(x.shape) if axis < 0 else 0
    return x._replace(shape=(product(x.shape[:axis]), product(x.shape[axis:])))


@fold("Squeeze")
def _squeezed(op: Folded) -> Constant:
    x = _first(op)
    axes = op.integers("axes", 1)
    if axes is None:
        return x._replace(shape=tuple(size for size in x.shape if size != 1))
    gone = {axis_of(axis, len(x.shape)) for axis in axes}
    return x._replace(shape=tuple(n for axis, n in enumerate(x.shape) if axis not in gone))


@fold("Unsqueeze")
def _unsqueezed(op: Folded) -> Constant:
    x = _first(op)
    axes = op.integers("axes", 1)
    if axes is None:
        raise NoLayerError("its axes are not known")
    return x._replace(shape=with_ones(x.shape, axes))


def with_ones(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """A shape with axes of one cell more, where the result has them."""
    rank = len(shape) + len(axes)
    new = {axis_of(axis, rank) for axis in axes}
    old = iter(shape)
    return tuple(1 if axis in new else next(old, 1) for axis in range(rank))


@fold("Slice")
def _sliced(op: Folded) -> Constant:
    x = _first(op)
    shape, steps, start = list(x.shape), strides_of(x.shape), 0
    for axis, cells in sliced(op, x.shape).items():
        shape[axis] = len(cells)
        start += (cells.start if len(cells) else 0) * steps[axis]
        steps[axis] *= cells.step
    return view(x, shape, steps, start)


@fold("Concat")
def _joined(op: Folded) -> Constant:
    parts = [c for c in op.constants if c is not None]
    if not parts:
        raise NoLayerError("it has no input")
    rank = len(parts[0].shape)
    if any(len(part.shape) != rank for part in parts):
        raise NoLayerError("its inputs differ in their axes")
    axis = axis_of(op.attribute("axis", 0), rank)
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    values: list[Any] | None = None
    if product(shape) <= MOST and all(part.values is not None for part in parts):
        values = []
        for row in range(product(shape[:axis])):
            for part in parts:
                width = product(part.shape[axis:])
                values += (part.values or ())[row * width : (row + 1) * width]
    known = None if values is None else tuple(values)
    return Constant(tuple(shape), parts[0].type, known, union(*parts))


@fold("Gather")
def _gathered(op: Folded) -> Constant:
    x, index = _first(op), _second(op)
    axis = axis_of(op.attribute("axis", 0), len(x.shape))
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    values = None
    if x.values is not None and index.values is not None and product(shape) <= MOST:
        size, width = x.shape[axis], product(x.shape[axis + 1 :])
        if any(not -size <= i < size for i in index.values):
            raise NoLayerError(f"a cell beyond the {size} that there are")
        values = tuple(
            [
                x.values[(row * size + i % size) * width + cell]
                for row in range(product(x.shape[:axis]))
                for i in index.values
                for cell in range(width)
            ]
        )
    return Constant(shape, x.type, values, x.made_of)


@fold("Expand")
def _expanded(op: Folded) -> Constant:
    x, wanted = _first(op), _second(op).values
    if wanted is None:
        raise NoLayerError("its shape is not known")
    return expanded(x, broadcast(x.shape, tuple(wanted)))


@fold("Tile")
def _tiled(op: Folded) -> Constant:
    x, times = _first(op), _second(op).values
    if times is None or len(times) != len(x.shape):
        raise NoLayerError("its repeats are not known")
    shape = [size * n for size, n in zip(x.shape, times)]
    if x.size == 1:
        return expanded(x, shape)
    return x._replace(shape=tuple(shape), values=x.values if set(times) <= {1} else None)


@fold("Where")
def _chosen(op: Folded) -> Constant:
    if len(op.constants) != 3 or None in op.constants:
        raise NoLayerError("it lacks an input")
    found = [c for c in op.constants if c is not None]
    made = elementwise(lambda which, a, b: a if which else b, *found)
    return made._replace(type=found[1].type, made_of=union(*found[1:]))


@fold("Pad")
def _padded(op: Folded) -> Constant:
    x = _first(op)
    pads = op.integers("pads", 1)
    rank = len(x.shape)
    axes = op.integers("axes", 3) or tuple(range(rank))
    if pads is None or len(pads) != 2 * len(axes):
        raise NoLayerError("its padding is not known")
    shape = list(x.shape)
    for place, axis in enumerate(axes):
        shape[axis_of(axis, rank)] += pads[place] + pads[place + len(axes)]
    return x._replace(shape=tuple(shape), values=x.values if not any(pads) else None)


@fold("ScatterND", "ScatterElements", "Trilu", "CumSum", "Softmax", "LogSoftmax", "Gelu", "Erf")
def _of_the_same_shape(op: Folded) -> Constant:
    return _first(op)._replace(values=None, made_of=union(*op.constants))


@fold("GatherElements")
def _gathered_elements(op: Folded) -> Constant:
    x = _first(op)
    return Constant(_second(op).shape, x.type, None, x.made_of)


def gathered_shape(shape: Sequence[int], index: Sequence[int], batch: int) -> tuple[int, ...]:
    """The shape that `GatherND` makes of a tensor by indices of this shape."""
    if not index:
        raise NoLayerError("its indices have no axis")
    return (*index[:-1], *shape[batch + index[-1] :])


@fold("GatherND")
def _gathered_cells(op: Folded) -> Constant:
    x, index = _first(op), _second(op)
    shape = gathered_shape(x.shape, index.shape, op.attribute("batch_dims", 0))
    return Constant(shape, x.type, None, x.made_of)


@fold("Split")
def _split(op: Folded) -> tuple[Constant, ...]:
    x = _first(op)
    axis = axis_of(op.attribute("axis", 0), len(x.shape))
    sizes = op.integers("split", 1)
    if sizes is None:
        count = op.attribute("num_outputs", op.outputs)
        each = -(-x.shape[axis] // max(count, 1))
        sizes = tuple([each] * (count - 1) + [x.shape[axis] - each * (count - 1)])
    if sum(sizes) != x.shape[axis]:
        raise NoLayerError(f"parts of {list(sizes[:8])}")
    found, start = [], 0
    for size in sizes:
        shape, steps = list(x.shape), strides_of(x.shape)
        shape[axis] = size
        found.append(view(x, shape, steps, start * steps[axis]))
        start += size
    return tuple(found)


@fold("MatMul")
def _multiplied(op: Folded) -> Constant:
    a, b = _first(op), _second(op)
    if min(len(a.shape), len(b.shape)) < 2:
        raise NoLayerError("a product with a vector")
    before = broadcast(a.shape[:-2], b.shape[:-2])
    return Constant((*before, a.shape[-2], b.shape[-1]), a.type, None, union(a, b))


# Elementwise


def elementwise(function: Callable[..., Any], *inputs: Constant) -> Constant:
    """A function of the elements of constants that broadcast."""
    shape = broadcast(*[c.shape for c in inputs])
    values = None
    if product(shape) <= MOST and all(c.values is not None for c in inputs):
        columns = [expanded(c, shape).values or () for c in inputs]
        try:
            values = tuple([_bounded(function(*each)) for each in zip(*columns)])
        except (ArithmeticError, ValueError, TypeError):
            values = None
    return Constant(shape, inputs[0].type, values, union(*inputs))


def _bounded(value: Any) -> Any:
    """A number that has grown beyond 64 bits is none that a shape has."""
    if type(value) is int and abs(value) >> 64:
        raise OverflowError
    return value


def _quotient(a: Any, b: Any) -> Any:
    """a / b; of integers without what is left, towards 0."""
    if isinstance(a, int) and isinstance(b, int):
        return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return a / b


def _power(a: Any, b: Any) -> Any:
    if isinstance(a, int) and isinstance(b, int) and b >= 0:
        return a**b if abs(a).bit_length() * b <= 64 else float("nan")
    result = float(a) ** float(b)
    return int(result) if isinstance(a, int) else result


def _half_to_even(x: Any) -> Any:
    return float(round(x))


_ARITHMETIC: Mapping[str, Callable[..., Any]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Div": _quotient,
    "Pow": _power,
    "Mod": operator.mod,
    "Neg": operator.neg,
    "Abs": abs,
    "Sqrt": math.sqrt,
    "Exp": math.exp,
    "Log": math.log,
    "Sin": math.sin,
    "Cos": math.cos,
    "Tanh": math.tanh,
    "Floor": math.floor,
    "Ceil": math.ceil,
    "Round": _half_to_even,
    "Reciprocal": lambda x: 1 / x,
    "Relu": lambda x: max(x, 0),
    "Sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "Sign": lambda x: (x > 0) - (x < 0),
    "Min": min,
    "Max": max,
}
_LOGIC: Mapping[str, Callable[..., Any]] = {
    "Equal": operator.eq,
    "Greater": operator.gt,
    "GreaterOrEqual": operator.ge,
    "Less": operator.lt,
    "LessOrEqual": operator.le,
    "And": lambda a, b: bool(a and b),
    "Or": lambda a, b: bool(a or b),
    "Xor": lambda a, b: bool(a) != bool(b),
    "Not": operator.not_,
    "IsNaN": math.isnan,
    "IsInf": math.isinf,
}


@fold(*_ARITHMETIC, *_LOGIC)
def _elementwise(op: Folded) -> Constant:
    inputs = [c for c in op.constants if c is not None]
    if not inputs:
        raise NoLayerError("it has no input")
    if op.name in _LOGIC:
        return elementwise(_LOGIC[op.name], *inputs)._replace(type=BOOL)
    function = _ARITHMETIC[op.name]
    if len(inputs) == 1 and op.name in ("Min", "Max"):
        return inputs[0]
    made = elementwise(function, *inputs)
    if made.is_float and made.values is not None:
        return made._replace(values=tuple(map(float, made.values)))
    return made


@fold("Clip")
def _clipped(op: Folded) -> Constant:
    x = _first(op)
    ends = []
    for place, name in enumerate(("min", "max"), start=1):
        end = op.constants[place] if place < len(op.constants) else None
        values = (op.attribute(name),) if end is None else end.values
        ends.append(values[0] if values else math.nan)
    least, most = ends
    if x.values is None or math.nan in ends:
        return x._replace(values=None)
    values = x.values
    if least is not None:
        values = tuple([max(each, least) for each in values])
    if most is not None:
        values = tuple([min(each, most) for each in values])
    return x._replace(values=values)


_REDUCTIONS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "ReduceSum": sum,
    "ReduceProd": math.prod,
    "ReduceMax": max,
    "ReduceMin": min,
    "ReduceMean": lambda values: sum(values) / len(values),
    "ReduceL2": lambda values: math.sqrt(sum(v * v for v in values)),
}


@fold(*_REDUCTIONS)
def _reduced(op: Folded) -> Constant:
    x = _first(op)
    axes = op.integers("axes", 1)
    if not axes:
        if op.attribute("noop_with_empty_axes", 0):
            return x
        axes = tuple(range(len(x.shape)))
    gone = {axis_of(axis, len(x.shape)) for axis in axes}
    if op.attribute("keepdims", 1):
        shape = tuple(1 if axis in gone else n for axis, n in enumerate(x.shape))
    else:
        shape = tuple(n for axis, n in enumerate(x.shape) if axis not in gone)
    values = None
    if x.values and len(gone) == len(x.shape):
        values = (_REDUCTIONS[op.name](x.values),)
    return Constant(shape, x.type, values, x.made_of)
