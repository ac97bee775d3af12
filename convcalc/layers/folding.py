"""Windows laid out as columns, and columns laid back (PyTorch, `torch.nn.Unfold` and `Fold`)."""

from __future__ import annotations

import math
from typing import Any

from convcalc.arithmetic import Refusal, divides, equal, exact_div, product, require, value_of
from convcalc.layers.base import Field, Operations, Unary, layer
from convcalc.layers.fields import Cut, Padding, PerAxis
from convcalc.reach import Sight, whole
from convcalc.shape import Shape
from convcalc.window import Window, windows_over


@layer("unfold")
class Unfold(Unary):
    """Lays the cells of every window out in a column: C × H × W to C·K × L, of L windows. 2-D.

    PyTorch, `torch.nn.Unfold`; the im2col of convolutions as matrix products (Chellapilla et al.
    2006).

    kernel_size: the size of a window
    stride: the step between windows
    padding: cells added at either end of the input: as in `conv`
    dilation: the step between the cells of a window

    Example: `- unfold: {k: 3, p: 1}` on `16x28x28`
    """

    moves = True
    spatial_axes = (2, 2)

    kernel_size: PerAxis
    stride: PerAxis = (1,)
    padding: Padding = ((0, 0),)
    dilation: PerAxis = (1,)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return windows_over(x.spatial, self.kernel_size, self.stride, self.padding, self.dilation)

    def output_shape(self, x: Shape) -> Shape:
        count = product(w.output_size(n) for w, n in zip(self.windows(x), x.spatial))
        return Shape(x.channels * product(self.kernel_size), count)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return whole(len(x) - 1)  # windows of all axes lie in one row


@layer("fold")
class Fold(Unary):
    """Lays columns back as windows and sums what meets in a cell: C·K × L to C × H × W.

    The way back from `unfold` with the same windows; the sums are taken before padding takes cells
    off (PyTorch, `torch.nn.Fold`).

    output_size: the size of the output: one number or one per axis
    kernel_size: the size of a window
    stride: the step between windows
    padding: cells taken off either end of the output: a number, one per axis, a `[before, after]`
        pair per axis, or `valid`: none
    dilation: the step between the cells of a window

    Example: `- fold: {output_size: 28, k: 2, s: 2}` on `64x196`
    """

    transposed = True
    spatial_axes = (1, 1)
    natural_axes = 1

    output_size: PerAxis
    kernel_size: PerAxis
    stride: PerAxis = (1,)
    padding: Cut = ((0, 0),)
    dilation: PerAxis = (1,)

    def resolved(self, field: Field, axes: int) -> Any:
        # They are of the output's axes.
        try:
            return field.kind.resolve(getattr(self, field.name), _AXES)
        except Refusal as refusal:
            count = len(getattr(self, field.name))
            refusal.message = f"has {count} values, and fold makes {_AXES} spatial axes"
            raise

    def windows(self, x: Shape) -> tuple[Window, ...]:
        return windows_over(
            self.output_size, self.kernel_size, self.stride, self.padding, self.dilation
        )

    def _counts(self, x: Shape) -> tuple[int, ...]:
        """How many windows there are along each axis of the output. Raises Refusal."""
        windows = self.windows(x)
        for window, size in zip(windows, self.output_size):
            require(
                window.span <= size + window.before + window.after,
                "a window that spans {span} does not fit into {size} cells of output",
                code="kernel-too-large",
                field="kernel_size",
                span=window.span,
                size=size + window.before + window.after,
            )
        return tuple(w.output_size(n) for w, n in zip(windows, self.output_size))

    def output_shape(self, x: Shape) -> Shape:
        require(
            not isinstance(self.padding, str),
            "fold takes numbers as padding, not `{padding}`",
            code="bad-value",
            field="padding",
            padding=self.padding,
        )
        kernel = product(self.kernel_size)
        require(
            divides(kernel, x.channels),
            "{channels} channels cannot be split into the {kernel} cells of a window",
            code="indivisible-groups",
            field="kernel_size",
            label="{channels} % {kernel} = {rest}",
            channels=x.channels,
            kernel=kernel,
            rest=lambda: value_of(x.channels) % value_of(kernel),
        )
        counts = self._counts(x)
        windows = product(counts)
        require(
            equal(windows, x[1]),
            "an output of {output} has {counts} = {windows} windows, and the input {columns}"
            " columns",
            code="fold",
            field="output_size",
            help=lambda: self._mended(x),
            output=lambda: Shape(*self.output_size),
            counts=lambda: "·".join(map(format, counts)),
            windows=windows,
            columns=x[1],
        )
        height, width = self.output_size
        return Shape(exact_div(x.channels, kernel), height, width)

    def _mended(self, x: Shape) -> str:
        """The output that so many windows make, as many along either axis; nothing for others."""
        columns = value_of(x[1])
        side = math.isqrt(columns)
        if side * side != columns:
            return ""
        sizes = [
            (side - 1) * window.stride + window.span - window.before - window.after
            for window in self.windows(x)
        ]
        return f"{side}·{side} windows make an output of {Shape(*sizes)}" if min(sizes) > 0 else ""

    def operations(self, x: Shape, y: Shape) -> Operations:
        reached = (w.reached_cells(n) for w, n in zip(self.windows(x), self._counts(x)))
        return Operations(add=x.size - y.channels * product(reached))

    def sight(self, x: Shape, y: Shape) -> Sight:
        return whole(len(x) - 1)  # windows of all axes lie in one row


#: The spatial axes that a fold makes, as PyTorch's does.
_AXES = 2
