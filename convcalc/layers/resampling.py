"""Layers that change the resolution without learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from convcalc.arithmetic import (
    Refusal,
    divides,
    exact_div,
    holds,
    known,
    product,
    require,
    scaled,
    value_of,
)
from convcalc.layers.axes import cells
from convcalc.layers.base import NOTHING, Field, Operations, Unary, layer
from convcalc.layers.fields import (
    Axis,
    Choice,
    Count,
    EachAxis,
    Factors,
    Margins,
    Number,
    Optional,
)
from convcalc.layers.keeping import INPUT_KEPT, NOTHING_KEPT, Kept, Wanted
from convcalc.layers.pooling import adaptive_mean, kept_by_adaptive_mean
from convcalc.reach import (
    Doubt,
    Reach,
    Sight,
    adaptive,
    interpolated,
    kept,
    nearest,
    reach_of,
    shifted,
    sight_of,
    widened,
)
from convcalc.shape import Shape
from convcalc.window import Window

if TYPE_CHECKING:
    from fractions import Fraction

#: How many input cells one output cell mixes; the others mix none.
_TAPS = {"linear": 2, "bilinear": 4, "bicubic": 16, "trilinear": 8}
#: How far a cell lies at the most, and less than that, from those that it mixes.
_SUPPORT = {"linear": 1, "bilinear": 1, "bicubic": 2, "trilinear": 1}
#: The spatial axes that a mode is for; the others take any.
_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


@layer("pad")
class Pad(Unary):
    """Adds cells around the input, or cuts them off (PyTorch, `torch.nn.functional.pad`).

    padding: cells added: a number, one per axis, or a `[before, after]` pair per axis; with `axis`,
        a number or `[before, after]`; a negative number cuts off
    axis: the one axis that is padded, instead of all spatial ones
    mode: what the new cells hold
    value: what they hold in the mode `constant`

    Example: `- pad: {p: [[0, 1], [0, 1]]}` on `64x56x56`
    """

    moves = True

    padding: Annotated[tuple[tuple[int, int], ...] | str, Margins()]
    axis: Annotated[int | None, Optional(Axis())] = None
    mode: Annotated[str, Choice("constant", "reflect", "replicate", "circular")] = "constant"
    value: Number = 0.0

    def resolved(self, field: Field, axes: int) -> Any:
        if field.name == "padding" and self.axis is not None:
            return (self._ends(),)
        return super().resolved(field, axes)

    def _pairs(self) -> tuple[tuple[int, int], ...]:
        """The padding as it is given. Raises Refusal for the name of a rule."""
        if isinstance(self.padding, str):
            raise Refusal(f"pad takes numbers, not `{self.padding}`", field="padding")
        return self.padding

    def _ends(self) -> tuple[int, int]:
        """What one axis gets before and behind it: of `2`, `[4, -1]` or `[[4, -1]]`."""
        first, *others = self._pairs()
        if not others:
            return first
        (before, same), (after, too) = first, others[0]
        if len(others) > 1 or before != same or after != too:
            raise Refusal(
                f"has {len(self.padding)} values, and one axis is padded",
                code="axes",
                help="give one number, or `[before, after]`",
            )
        return before, after

    def _margins(self, x: Shape) -> dict[int, tuple[int, int]]:
        """What is added before and behind each axis that is padded."""
        if self.axis is not None:
            return {self.axis % len(x): self._ends()}
        pairs = zip(self._pairs(), x.spatial, strict=True)
        return {axis: ends for axis, (ends, _) in enumerate(pairs, start=1)}

    def output_shape(self, x: Shape) -> Shape:
        require(
            self.axis is not None or len(x) > 1,
            "pad takes an input with spatial axes, and {x} has none",
            code="input-axes",
            help="`axis: 0` pads its features",
            x=x,
        )
        margins = self._margins(x)
        require(
            self.mode == "constant" or (0 not in margins and len(x) <= 4),
            "the mode {mode} pads one to three spatial axes",
            code="bad-value",
            field="mode",
            help="`constant` pads any axes",
            mode=self.mode,
        )
        sizes = list(x)
        limits = {"reflect": -1, "circular": 0}
        for axis, (before, after) in margins.items():
            size = x[axis]
            for pad in (before, after):
                require(
                    self.mode not in limits or pad <= size + limits.get(self.mode, 0),
                    "a {mode} padding of {pad} needs more than the {size} cells there are",
                    code="bad-value",
                    field="padding",
                    mode=self.mode,
                    pad=pad,
                    size=size,
                )
                require(
                    self.mode != "constant" or size + pad >= 0,
                    "a padding of {pad} cuts off more than the {size} {cells} there are",
                    code="empty-output",
                    field="padding",
                    pad=pad,
                    size=size,
                    cells=cells(axis),
                )
            require(
                size + before + after >= 1,
                "a padding of {before} and {after} cuts off all of {size} {cells}",
                code="empty-output",
                field="padding",
                help="both together cut {most} at the most",
                most=size - 1,
                before=before,
                after=after,
                size=size,
                cells=cells(axis),
            )
            sizes[axis] = size + before + after
        return Shape(*sizes)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        margins = self._margins(x)
        if 0 in margins:
            return ()
        return tuple(Window(1, 1, *margins.get(axis, (0, 0))) for axis in range(1, len(x)))

    def needed(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], unread: int
    ) -> tuple[int, ...]:
        (x,) = inputs
        kept = list(x)
        for axis, ends in self._margins(x).items():
            kept[axis] = max(x[axis] + sum(min(pad, 0) for pad in ends), 0)
        return (max(product(kept) - unread, 0),)

    def sight(self, x: Shape, y: Shape) -> Sight:
        if self.mode == "constant":
            return super().sight(x, y)
        margins = self._margins(x)
        return sight_of([self._reach(*margins.get(axis, (0, 0))) for axis in range(1, len(x))])

    def _reach(self, before: int, after: int) -> Reach | None:
        """What a cell sees of an axis where the new cells are copies of others."""
        if before <= 0 and after <= 0:
            return shifted(before)
        # A cell in a circle's border is one of the other end.
        return None if self.mode == "circular" else shifted(before, Doubt.MIRRORED)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return INPUT_KEPT if self.mode in ("reflect", "replicate") else NOTHING_KEPT


@layer("upsample")
class Upsample(Unary):
    """Resizes to ⌊in·scale⌋ or to `size` (PyTorch, `torch.nn.functional.interpolate`).

    An output cell mixes 1 (nearest), 2 (linear), 4 (bilinear), 8 (trilinear) or 16 (bicubic) input
    cells, at one product each and one addition less; the weights are the same for all channels and
    are left out. `area` is the mean of an adaptive window, as in `adaptive_avg_pool`.

    scale: the factor, one number or one per axis
    size: the output size, one number or one per axis, instead of `scale`
    mode: how a cell is made from its neighbours

    Example: `- upsample: {scale: 2, mode: bilinear}` on `64x28x28`
    """

    family = "resampling"
    spatial_axes = (1, 3)
    one_of = ("scale", "size")

    scale: Annotated[tuple[float, ...] | None, Optional(Factors())] = None
    size: Annotated[tuple[int, ...] | None, Optional(EachAxis(1))] = None
    mode: Annotated[
        str,
        Choice("nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"),
    ] = "nearest"

    def output_shape(self, x: Shape) -> Shape:
        require(
            (self.scale is None) != (self.size is None),
            "upsample takes either `scale` or `size`",
            code="missing-field" if self.scale is None else "bad-value",
            help="`scale: 2` doubles each side, `size: [56, 56]` says how large it becomes",
        )
        wanted = _AXES.get(self.mode, len(x.spatial))
        require(
            wanted == len(x.spatial),
            "the mode {mode} is for {wanted} spatial axes, and the input has {axes}",
            code="bad-value",
            field="mode",
            help="one axis: linear; two: bilinear or bicubic; three: trilinear",
            mode=self.mode,
            wanted=wanted,
            axes=len(x.spatial),
        )
        if self.size is not None:
            return Shape(x.channels, *(n for n, _ in zip(self.size, x.spatial, strict=True)))
        sizes = tuple(
            scaled(n, factor) for n, factor in zip(x.spatial, self.scale or (), strict=True)
        )
        require(
            all(holds(size >= 1) for size in sizes),
            "nothing of {shape} is left",
            code="empty-output",
            field="scale",
            shape=x,
        )
        return Shape(x.channels, *sizes)

    def operations(self, x: Shape, y: Shape) -> Operations:
        if self.mode == "area":
            return adaptive_mean(x, y)
        taps = _TAPS.get(self.mode)
        return Operations(mul=taps * y.size, add=(taps - 1) * y.size) if taps else NOTHING

    def sight(self, x: Shape, y: Shape) -> Sight:
        support = _SUPPORT.get(self.mode)
        if support is not None and x.spatial == y.spatial:
            return kept(len(x) - 1)
        factors = self.scale or (None,) * (len(x) - 1)
        axes = zip(x.spatial, y.spatial, factors)
        return sight_of([None if n == 1 else self._reach(n, o, by) for n, o, by in axes])

    def _reach(self, size: int, output: int, factor: float | None) -> Reach:
        """What a cell sees of an axis; the factor is None where a size is asked for."""
        from fractions import Fraction  # few networks resample

        if self.mode == "area":
            return adaptive(size, output)
        size, output = known(size), known(output)
        # A factor is the number that its text says, and where one is given, it is what scales,
        # but where the size stays or, of `nearest`, doubles (PyTorch,
        # aten/src/ATen/native/UpSample.h, `compute_source_index_and_lambda`, `nearest_idx`).
        is_plain = output == size or (self.mode == "nearest" and output == 2 * size)
        if factor is None or (is_plain and self.mode not in ("bicubic", "nearest-exact")):
            ratio = Fraction(output, size)
        else:
            ratio = Fraction(str(factor))
        if (support := _SUPPORT.get(self.mode)) is not None:
            return interpolated(ratio, support)
        is_exact = self.mode == "nearest-exact"
        reach = nearest(ratio, is_exact=is_exact)
        if _is_rounded(ratio, output, is_exact):
            return widened(reach, 1, Doubt.ROUNDED)
        return reach

    def needed(
        self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], unread: int
    ) -> tuple[int, ...]:
        (x,), (y,) = inputs, outputs
        if self.mode == "area":
            return (x.size,)
        # Each cell is made of one of its own at the least.
        read = x.channels * product([min(n, made) for n, made in zip(x.spatial, y.spatial)])
        return (max(read - unread, 0),)

    def kept(self, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...], wanted: Wanted) -> Kept:
        return kept_by_adaptive_mean(outputs[0]) if self.mode == "area" else NOTHING_KEPT


def _is_rounded(ratio: Fraction, output: int, is_exact: bool) -> bool:
    """Whether some cell is a copy of another one than ⌊y/ratio⌋, since the scale is a float32.

    PyTorch, aten/src/ATen/native/UpSample.h: `compute_scales_value<float>` and
    `nearest_neighbor_compute_source_index`, whatever the numbers in the tensor are.
    """
    up, stride = ratio.numerator, ratio.denominator
    if stride == 1 and up.bit_count() == 1:
        return False
    if output > _MOST_TRIED:
        return True
    scale = _float32(stride / up)
    half = 0.5 if is_exact else 0.0
    return any(
        int(_float32((y + half) * scale)) != (2 * y + is_exact) * stride // (2 * up)
        for y in range(output)
    )


#: Longer axes are not gone along cell by cell.
_MOST_TRIED = 4096


def _float32(number: float) -> float:
    """The nearest number that a float32 holds."""
    from struct import pack, unpack

    (found,) = unpack("f", pack("f", number))
    return float(found)


@layer("pixel_shuffle")
class PixelShuffle(Unary):
    """Turns channels into resolution: C·r² × H × W to C × H·r × W·r (Shi et al. 2016, section 3.2).

    factor: r, by which each side grows

    Example: `- pixel_shuffle: {factor: 2}` on `64x28x28`
    """

    moves = True
    spatial_axes = (2, 2)

    factor: Count

    def output_shape(self, x: Shape) -> Shape:
        square = self.factor * self.factor
        require(
            divides(square, x.channels),
            "{channels} channels cannot be split into {factor}² = {square} for each output channel",
            code="indivisible-groups",
            field="factor",
            channels=x.channels,
            factor=self.factor,
            square=square,
        )
        sizes = (n * self.factor for n in x.spatial)
        return Shape(exact_div(x.channels, square), *sizes)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return sight_of([nearest(self.factor)] * (len(x) - 1))


@layer("pixel_unshuffle")
class PixelUnshuffle(Unary):
    """Turns resolution into channels: C × H·r × W·r to C·r² × H × W (PyTorch, `nn.PixelUnshuffle`).

    factor: r, by which each side shrinks

    Example: `- pixel_unshuffle: {factor: 2}` on `16x56x56`
    """

    moves = True
    spatial_axes = (2, 2)

    factor: Count

    def output_shape(self, x: Shape) -> Shape:
        for size in x.spatial:
            require(
                divides(self.factor, size),
                "{size} cells cannot be split into groups of {factor}",
                code="indivisible-groups",
                field="factor",
                label="{size} % {factor} = {rest}",
                size=size,
                factor=self.factor,
                rest=lambda size=size: value_of(size) % value_of(self.factor),
            )
        sizes = (exact_div(n, self.factor) for n in x.spatial)
        return Shape(x.channels * self.factor * self.factor, *sizes)

    def sight(self, x: Shape, y: Shape) -> Sight:
        return sight_of([reach_of(Window(self.factor, self.factor))] * (len(x) - 1))
