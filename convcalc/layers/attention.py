"""Products of matrices, what prepares tensors for them, and attention, which is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from convcalc.arithmetic import either, equal, holds, require, value_of, where
from convcalc.layers.activation import Softmax
from convcalc.layers.base import (
    Layer,
    Letter,
    Operations,
    Storage,
    Unary,
    Weight,
    layer,
    require_axes,
)
from convcalc.layers.composite import Composite, Parts
from convcalc.layers.convolution import IN_CHANNELS
from convcalc.layers.dense import Linear, Reshape
from convcalc.layers.fields import (
    OPEN,
    Choice,
    Count,
    Flag,
    OneShape,
    Optional,
    SomeAxes,
    SomeShapes,
    Text,
    Whole,
)
from convcalc.layers.grouping import per_group
from convcalc.layers.joining import Mul, Split
from convcalc.layers.keeping import NOTHING_KEPT, Kept, Own, Wanted
from convcalc.reach import Along, Sight, whole
from convcalc.shape import Shape, Tensor

#: The sizes of two matrices that are multiplied.
_ROWS = Letter("M", "rows of the product")
_INNER = Letter("K", "columns of the first matrix, and rows of the second")
_COLUMNS = Letter("N", "columns of the product")


@layer("matmul")
class Matmul(Layer):
    """The product of two matrices, or of as many pairs as the axes before the last two count.

    The last two axes are the matrix, …×M×K by …×K×N; those before it broadcast, as
    `torch.matmul`'s do. Every output is a sum of K products.

    transpose_a: whether the first matrix is transposed before
    transpose_b: whether the second matrix is transposed before

    Example: `- matmul: {from: [q, k], transpose_a: true}` on `12x64x197`
    """

    family = "product"
    inline = True
    arity = 2
    own_axes = 2

    transpose_a: Flag = False
    transpose_b: Flag = False

    def kind(self, x: Shape) -> str:
        return "matrix product"

    def letters(self) -> tuple[tuple[Letter, ...], ...]:
        return (
            (_INNER, _ROWS) if self.transpose_a else (_ROWS, _INNER),
            (_COLUMNS, _INNER) if self.transpose_b else (_INNER, _COLUMNS),
        )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        a, b = inputs
        for x, which in ((a, "first"), (b, "second")):
            require(
                len(x) >= 2,
                "matmul multiplies matrices, and its {which} input, {x}, has one axis",
                code="not-a-matrix",
                help="`reshape: {{shape: [{size}, 1]}}` makes a column of it",
                which=which,
                x=x,
                size=lambda x=x: x.size,
            )
        require(
            len(a) == len(b),
            "matmul cannot multiply {a} and {b}: one has {m} axes, the other {n}",
            code="shape-mismatch",
            help="`reshape` gives the one with fewer axes those that it lacks, of size 1",
            a=a,
            b=b,
            m=len(a),
            n=len(b),
        )
        (rows, inner), (other, columns) = self._matrices(a, b)
        require(
            equal(inner, other),
            "matmul cannot multiply {a} and {b}: the inner sizes {inner} and {other} differ",
            code="shape-mismatch",
            label="{m}×{inner} by {other}×{n}",
            help=lambda: self._cure(a, b),
            a=a,
            b=b,
            m=rows,
            n=columns,
            inner=inner,
            other=other,
        )
        batch = []
        for m, n in zip(a[:-2], b[:-2]):
            require(
                either(equal(m, n), equal(m, 1), equal(n, 1)),
                "matmul cannot multiply {a} and {b}: there are {m} and {n} matrices, and neither"
                " is 1",
                code="shape-mismatch",
                a=a,
                b=b,
                m=m,
                n=n,
            )
            batch.append(where(equal(n, 1), m, n))
        return (Shape(*batch, rows, columns),)

    def _matrices(self, a: Shape, b: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """The rows and columns of both matrices as they are multiplied."""
        first, second = (a[-2], a[-1]), (b[-2], b[-1])
        return (
            (first[1], first[0]) if self.transpose_a else first,
            (second[1], second[0]) if self.transpose_b else second,
        )

    def _cure(self, a: Shape, b: Shape) -> str:
        """The transposition under which the matrices fit, of those that change least."""
        for changed in ("transpose_a",), ("transpose_b",), ("transpose_a", "transpose_b"):
            set_to = {name: not getattr(self, name) for name in changed}
            fields = {"transpose_a": self.transpose_a, "transpose_b": self.transpose_b} | set_to
            (_, inner), (other, _) = Matmul(**fields)._matrices(a, b)
            if holds(equal(inner, other)):
                said = [f"`{name}: {str(value).lower()}`" for name, value in set_to.items()]
                return f"{' and '.join(said)} would make them fit"
        return "no transposition makes them fit"

    def counts(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> Operations:
        (_, inner), _ = self._matrices(*inputs)
        (y,) = outputs
        return Operations(macs=y.size * inner, sums=y.size)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        # Of two matrices, the gradient of one goes by the other; one that stands for several is
        # copied for each of them.
        wants_first, wants_second = wanted.inputs
        (y,) = outputs
        kept, own = [], []
        for index, is_needed in enumerate((wants_second, wants_first)):
            x = inputs[index]
            if is_needed and x[:-2] == y[:-2]:
                kept.append(index)
            elif is_needed:
                own.append(Own(Shape(*y[:-2], *x[-2:]).size))
        # Several axes before the matrices become one, which cannot be done to a part.
        return Kept(tuple(kept), (), tuple(own), copies_parts=len(y) > 2)

    def sights(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], part: int
    ) -> tuple[Sight, ...]:
        (a, b), (y,) = inputs, outputs
        rows, columns = len(y) - 2, len(y) - 1
        # Where each of the last two axes goes; the inner one is summed up.
        first = (None, rows) if self.transpose_a else (rows, None)
        second = (columns, None) if self.transpose_b else (None, columns)
        return _in_product(a, y, first), _in_product(b, y, second)


def _in_product(x: Shape, y: Shape, last: tuple[int | None, int | None]) -> Sight:
    """How a product sees a matrix whose last two axes are those of the product, None: summed."""
    batch = [axis if x[axis] == y[axis] else None for axis in range(len(x) - 2)]
    return tuple(Along(axis) if axis else None for axis in (*batch, *last)[1:])


@layer("permute")
class Permute(Unary):
    """The same elements with the axes in another order, as `torch.permute` has it.

    order: for each axis of the output, which axis of the input it is: 0 for the channels, -1 for
        the last

    Example: `- permute: {order: [1, 0, 2]}` on `12x64x197`
    """

    moves = True
    inline = True

    order: SomeAxes

    def output_shape(self, x: Shape) -> Shape:
        require(
            len(self.order) == len(x),
            "an order of {given} axes leaves out {missing} of {x}",
            code="axis",
            field="order",
            help="every axis has its place in it",
            given=len(self.order),
            missing=lambda: _axes([n for n in range(len(x)) if n not in self.order]),
            x=x,
        )
        return Shape(*(x[axis] for axis in self.order))

    def sight(self, x: Shape, y: Shape) -> Sight:
        places = {axis % len(x): place for place, axis in enumerate(self.order)}
        return tuple(Along(places[n]) if places[n] else None for n in range(1, len(x)))

    def is_trained_view(self, x: Shape) -> bool:
        return True


def _axes(numbers: list[int]) -> str:
    """Axes in a message."""
    return f"ax{'is' if len(numbers) == 1 else 'es'} {', '.join(map(str, numbers))}"


@layer("reduce")
class Reduce(Unary):
    """One number for all cells along some axes: their mean, sum, largest, smallest or 2-norm.

    n elements are reduced to m: a sum is n − m additions, a mean m divisions more; the largest and
    the smallest are n − m comparisons; a 2-norm is n products, n − m additions and m roots.

    op: `mean`, `sum`, `max`, `min`, or `l2`, the root of the sum of squares
    axes: which axes: 0 for the channels, -1 for the last
    keep: whether each of them is kept, with one cell, instead of dropped

    Example: `- reduce: {op: mean, axes: [1, 2]}` on `768x14x14`
    """

    family = "reduction"
    inline = True

    op: Annotated[str, Choice("mean", "sum", "max", "min", "l2")]
    axes: SomeAxes
    keep: Flag = False

    def output_shape(self, x: Shape) -> Shape:
        dropped = {axis % len(x) for axis in self.axes}
        kept = [n for n in range(len(x)) if n not in dropped]
        require(
            bool(kept) or self.keep,
            "reduced along all axes of {x}, no axis is left",
            code="axis",
            field="axes",
            help="`keep: true` keeps each with one cell",
            x=x,
        )
        if self.keep:
            return Shape(*(1 if n in dropped else x[n] for n in range(len(x))))
        return Shape(*(x[n] for n in kept))

    def operations(self, x: Shape, y: Shape) -> Operations:
        n, m = x.size, y.size
        if self.op in ("max", "min"):
            return Operations(cmp=n - m)
        if self.op == "l2":
            return Operations(mul=n, add=n - m, sqrt=m)
        return Operations(add=n - m, div=m if self.op == "mean" else 0)

    def sight(self, x: Shape, y: Shape) -> Sight:
        gone = {axis % len(x) for axis in self.axes}
        left = [axis for axis in range(len(x)) if self.keep or axis not in gone]
        places = {axis: place for place, axis in enumerate(left) if axis not in gone}
        # The first axis that is left stands for the channels.
        return tuple(Along(places[n]) if places.get(n) else None for n in range(1, len(x)))

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return NOTHING_KEPT if self.op in ("mean", "sum") else Kept((0,), (0,))


@layer("parameter")
class Parameter(Layer):
    """A learned tensor that nothing enters: a class token, a position table, a temperature.

    It stands in the list, and what follows takes it unless `from` says otherwise; its sizes may
    speak of the tensor above, `shape: [in_channels, 1]`.

    shape: its sizes, channels first

    Example: `- parameter: {shape: [768, 1]}`
    """

    moves = True
    inline = True
    arity = 0

    shape: OneShape

    def storage(self, x: Shape) -> Storage:
        return Storage.WEIGHT

    def kind(self, x: Shape) -> str:
        return "parameter"

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (Shape(*self.shape),)

    def owned(self, inputs: tuple[Shape, ...]) -> Iterator[Weight]:
        yield Weight("weight", self.shape)


@layer("buffer")
class Buffer(Layer):
    """A tensor that nothing enters and that is not learned: a mask, a table of coordinates.

    It stands in the list as `parameter` does, and counts among the buffers.

    shape: its sizes, channels first

    Example: `- buffer: {shape: [64, 49, 49]}`
    """

    moves = True
    inline = True
    arity = 0

    shape: OneShape

    def storage(self, x: Shape) -> Storage:
        return Storage.WEIGHT

    def kind(self, x: Shape) -> str:
        return "buffer"

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (Shape(*self.shape),)

    def owned(self, inputs: tuple[Shape, ...]) -> Iterator[Weight]:
        yield Weight("buffer", self.shape, trainable=False)


@layer("self_attention")
class SelfAttention(Composite):
    """Every token becomes a weighted mean of all of them, in several heads (Vaswani et al. 2017).

    On tokens `[C, T]`, softmax(QᵀK / √d)V as section 3.2 has it: queries, keys and values by one
    linear layer, the products of all pairs, their weights, the products with the values, and a
    projection with a bias, as timm's `Attention` and `torch.nn.MultiheadAttention`.

    heads: how many heads there are
    head_channels: the channels of each head; its share of the input's when left out
    qkv_bias: whether the queries, keys and values have a bias; the projection has one either way

    Example: `- self_attention: {heads: 12}` on `768x197`
    """

    module = True
    attends = True
    spatial_axes = (1, 1)
    natural_axes = 1
    stated = (IN_CHANNELS,)

    heads: Count
    head_channels: Annotated[int | None, Optional(Whole(1))] = None
    qkv_bias: Flag = True

    def require(self, x: Shape) -> None:
        require_axes(self, len(x.spatial))
        self._head_channels(x.channels)

    def _head_channels(self, channels: int) -> int:
        """The channels of a head. Raises Refusal where they do not come out even."""
        if self.head_channels is not None:
            return self.head_channels
        return per_group(channels, self.heads, parts="heads", field="heads")

    def _inner(self, channels: int) -> int:
        """The channels of all heads."""
        return channels if self.head_channels is None else self.heads * self.head_channels

    def build(self, parts: Parts, x: Tensor) -> tuple[Tensor, ...]:
        channels, tokens = x.shape
        each, inner = self._head_channels(channels), self._inner(channels)
        (y,) = parts.add(_at_every_token(3 * inner, self.qkv_bias), x, name="qkv")
        heads: list[Tensor] = []
        for part in parts.add(Split(sections=3), y):
            heads += parts.add(Reshape(shape=(self.heads, each, tokens)), part)
        queries, keys, values = heads
        (y,) = parts.add(Matmul(transpose_a=True), queries, keys, name="scores")
        (y,) = parts.add(Mul(value=_scale(each)), y, name="scaled")
        (y,) = parts.add(Softmax(axis=-1), y)
        (y,) = parts.add(Matmul(transpose_b=True), values, y, name="mixed")
        (y,) = parts.add(Reshape(shape=(inner, tokens)), y)
        return parts.add(_at_every_token(channels, True), y, name="proj")


def _scale(head_channels: int) -> float:
    """1/√d; of an open number, an open one."""
    known = value_of(head_channels)
    scale: float = OPEN if known is None else known**-0.5
    return scale


def _at_every_token(features: int, bias: bool) -> Linear:
    return Linear(out_features=features, bias=bias, per_position=True)


@layer("opaque")
class Opaque(Layer):
    """An operator that convcalc does not know, its shapes kept: what it costs is unknown.

    Its figures are null, and totals say that they lack it; what it learns does count.

    op: what it is called where it comes from
    shape: the sizes of its output, channels first
    tensors: the sizes of each tensor that it learns

    Example: `- opaque: {op: RoiAlign, shape: [256, 7, 7]}` on `256x50x68`
    """

    arity = None

    op: Annotated[str, Text()]
    shape: OneShape
    tensors: SomeShapes = ()

    def kind(self, x: Shape) -> str:
        return "opaque"

    def fewest_inputs(self) -> int:
        return 1

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return (Shape(*self.shape),)

    def owned(self, inputs: tuple[Shape, ...]) -> Iterator[Weight]:
        for index, shape in enumerate(self.tensors):
            yield Weight(f"tensor_{index}", shape)

    def counts(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> None:
        return None

    def sight(self, x: Shape, y: Shape) -> Sight:
        return whole(len(x) - 1)

    def needed(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], unread: int
    ) -> tuple[int, ...]:
        return (0,) * len(inputs)  # it is not known what it reads
