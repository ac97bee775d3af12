"""A scatter of two numbers as SVG: axes with ticks, points, and a front that stands out.

It is light or dark as the reader's screen is, its text can be selected, and nothing in it runs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from convcalc.render.formats.html import escaped
from convcalc.words import short

#: The picture, and what is around the plot in it: left, top, right, bottom.
_WIDTH, _HEIGHT = 720, 460
_LEFT, _TOP, _RIGHT, _BOTTOM = 84, 48, 24, 76
#: Ticks that an axis has, about; and how often its largest number holds its least, from where on it
#: is logarithmic.
_TICKS, _WIDE = 6, 30
_STYLE = """\
  text { font: 13px system-ui, sans-serif; fill: #222; }
  .title { font-weight: bold; font-size: 15px; }
  .note { fill: #666; font-size: 12px; }
  .back { fill: #fff; }
  .grid { stroke: #e4e4e4; }
  .axis { stroke: #888; }
  .point { fill: #4477aa; fill-opacity: .45; }
  .front { fill: #cc3311; }
  .way { fill: none; stroke: #cc3311; stroke-opacity: .6; }
"""
_DARK = """\
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd; }
    .note { fill: #999; }
    .back { fill: #16181c; }
    .grid { stroke: #2c3036; }
    .axis { stroke: #777; }
    .point { fill: #77aadd; }
    .front { fill: #ee7755; }
    .way { stroke: #ee7755; }
  }
"""


class Scatter(NamedTuple):
    """What is drawn: points (x, y), those of the front, and what is said above and below."""

    title: str
    x: str
    y: str
    points: Sequence[tuple[float, float]]
    front: Sequence[tuple[float, float]] = ()
    #: Whether the front is a line: of points that have no third goal.
    is_line: bool = False
    note: str = ""


class _Scale(NamedTuple):
    """The numbers from one end of an axis to the other, and where they stand in the picture."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool
    #: The numbers that there are, where these are few.
    values: tuple[float, ...] = ()

    def at(self, value: float) -> float:
        """Where a number stands."""
        low, high, here = self.low, self.high, value
        if self.is_log:
            low, high, here = math.log(low), math.log(high), math.log(value)
        return self.start + (self.end - self.start) * (here - low) / (high - low)

    def ticks(self) -> list[float]:
        """The numbers at which it has a tick: round ones, or all where these are few."""
        if self.values:
            return [*self.values]
        if self.is_log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            many = math.log10(self.high / self.low) > 3
            steps = (1.0,) if many else (1.0, 2.0, 5.0)
            found = [step * 10.0**power for power in powers for step in steps]
        else:
            step = _round_step((self.high - self.low) / _TICKS)
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            found = [index * step for index in range(first, last + 1)]
        slack = 1e-9 * (self.high - self.low)
        return [each for each in found if self.low - slack <= each <= self.high + slack]


def _round_step(about: float) -> float:
    """The round number that is next: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(about))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= about * 0.999)


def _scale(values: Sequence[float], start: float, end: float) -> _Scale:
    """The scale that shows some numbers with a little room around them."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    known = tuple(sorted(set(values)))
    few = known if _are_apart(known) else ()
    if low > 0 and high / low > _WIDE:
        room = (high / low) ** 0.04
        return _Scale(low / room, high * room, start, end, True, few)
    room = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
    least = 0.0 if 0 <= low < room else low - room
    return _Scale(least, high + room, start, end, False, few)


def _are_apart(values: Sequence[float]) -> bool:
    """Whether numbers in their order are so few that each may have a tick."""
    gaps = [after - before for before, after in pairwise(values)]
    return 1 < len(values) <= 2 * _TICKS and min(gaps) * 2 * _TICKS >= values[-1] - values[0]


def _number(value: float) -> str:
    """A tick's number, short."""
    if value == round(value):
        return re.sub(r"\.0+(?=\D|$)", "", short(round(value)))
    return f"{value:.6g}"


def svg(scatter: Scatter, is_alone: bool = True) -> Iterator[str]:
    """The picture, in pieces; `is_alone`: it is a file of its own, and not a part of a page."""
    every = [*scatter.points, *scatter.front]
    x = _scale([point[0] for point in every], _LEFT, _WIDTH - _RIGHT)
    y = _scale([point[1] for point in every], _HEIGHT - _BOTTOM, _TOP)
    space = ' xmlns="http://www.w3.org/2000/svg"' if is_alone else ""
    yield f'<svg{space} viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    yield f' role="img">\n<title>{escaped(scatter.title)}</title>\n'
    yield f"<style>\n{_STYLE}{_DARK}</style>\n"
    yield f'<rect class="back" width="{_WIDTH}" height="{_HEIGHT}"/>\n'
    yield f'<text class="title" x="{_LEFT}" y="26">{escaped(scatter.title)}</text>\n'
    yield from _axes(scatter, x, y)
    for point in dict.fromkeys((f"{x.at(a):.1f}", f"{y.at(b):.1f}") for a, b in scatter.points):
        yield f'<circle class="point" cx="{point[0]}" cy="{point[1]}" r="3"/>\n'
    if scatter.is_line and scatter.front:
        ordered = sorted(scatter.front)
        way = " ".join(f"{x.at(a):.1f},{y.at(b):.1f}" for a, b in ordered)
        yield f'<polyline class="way" points="{way}"/>\n'
    for a, b in scatter.front:
        yield f'<circle class="front" cx="{x.at(a):.1f}" cy="{y.at(b):.1f}" r="4">'
        yield f"<title>{escaped(f'{scatter.x} {a:,}, {scatter.y} {b:,}')}</title></circle>\n"
    if scatter.note:
        yield f'<text class="note" x="{_LEFT}" y="{_HEIGHT - 12}">{escaped(scatter.note)}</text>\n'
    yield "</svg>\n"


def _axes(scatter: Scatter, x: _Scale, y: _Scale) -> Iterator[str]:
    """The lines, ticks and labels of both axes."""
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    for tick in x.ticks():
        along = f"{x.at(tick):.1f}"
        yield f'<line class="grid" x1="{along}" y1="{_TOP}" x2="{along}" y2="{bottom}"/>\n'
        yield f'<text x="{along}" y="{bottom + 20}" text-anchor="middle">{_number(tick)}</text>\n'
    for tick in y.ticks():
        at = y.at(tick)
        yield f'<line class="grid" x1="{_LEFT}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}"/>\n'
        yield f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{_number(tick)}</text>\n'
    yield f'<path class="axis" fill="none" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>\n'
    middle = (_LEFT + right) / 2
    x_label, y_label = _labelled(scatter.x, x), _labelled(scatter.y, y)
    yield f'<text x="{middle:g}" y="{bottom + 42}" text-anchor="middle">{x_label}</text>\n'
    turned = f"rotate(-90 20 {(_TOP + bottom) / 2:g})"
    yield f'<text x="20" y="{(_TOP + bottom) / 2:g}" text-anchor="middle"'
    yield f' transform="{turned}">{y_label}</text>\n'


def _labelled(name: str, scale: _Scale) -> str:
    return escaped(f"{name} (logarithmic)" if scale.is_log else name)


def page(scatter: Scatter) -> Iterator[str]:
    """The picture in a page of HTML."""
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    yield '<meta name="color-scheme" content="light dark">\n'
    yield f"<title>{escaped(scatter.title)}</title>\n</head>\n<body>\n"
    yield from svg(scatter, is_alone=False)
    yield "</body>\n</html>\n"


def png(scatter: Scatter) -> bytes:
    """The picture as pixels, light. Raises ConvcalcError where cairosvg is not there."""
    from convcalc.extras import require

    cairosvg = require("cairosvg", "png", "a picture as PNG")
    text = "".join(svg(scatter)).replace(_DARK, "")  # which cairo would take for more rules
    drawn: bytes = cairosvg.svg2png(bytestring=text.encode(), scale=2)
    return drawn
