"""Layers that change the resolution without learning."""

from __future__ import annotations

from typing import Annotated

from convcalc.arithmetic import divides, exact_div, holds, require, scaled
from convcalc.layers.base import NOTHING, Operations, Unary, layer
from convcalc.layers.fields import Choice, Count, EachAxis, Factors, Number, Optional, Padding
from convcalc.layers.pooling import adaptive_mean
from convcalc.shape import Shape
from convcalc.window import Window

#: How many input cells one output cell mixes; the others mix none.
_TAPS = {"linear": 2, "bilinear": 4, "bicubic": 16, "trilinear": 8}
#: The spatial axes that a mode is for; the others take any.
_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


@layer("pad")
class Pad(Unary):
    """Adds cells around the input (PyTorch, `torch.nn.ZeroPad2d`, `ReflectionPad2d`, …).

    padding: cells added: a number, one per axis, or a `[before, after]` pair per axis
    mode: what the new cells hold
    value: what they hold in the mode `constant`

    Example: `- pad: {p: [[0, 1], [0, 1]]}` on `64x56x56`
    """

    moves = True
    spatial_axes = (1, 3)

    padding: Padding
    mode: Annotated[str, Choice("constant", "reflect", "replicate", "circular")] = "constant"
    value: Number = 0.0

    def output_shape(self, x: Shape) -> Shape:
        require(
            not isinstance(self.padding, str),
            "pad takes numbers, not `{padding}`",
            code="bad-value",
            field="padding",
            padding=self.padding,
        )
        windows = self.windows(x)
        limits = {"reflect": -1, "circular": 0}
        for size, window in zip(x.spatial, windows, strict=True):
            for pad in (window.before, window.after) if self.mode in limits else ():
                require(
                    pad <= size + limits[self.mode],
                    "a {mode} padding of {pad} needs more than the {size} cells there are",
                    code="bad-value",
                    field="padding",
                    mode=self.mode,
                    pad=pad,
                    size=size,
                )
        sizes = (n + w.before + w.after for n, w in zip(x.spatial, windows))
        return Shape(x.channels, *sizes)

    def windows(self, x: Shape) -> tuple[Window, ...]:
        pads = () if isinstance(self.padding, str) else self.padding
        return tuple(Window(1, 1, before, after) for before, after in pads)


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
