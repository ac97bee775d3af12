"""Random networks on one axis, and which cells a cell of theirs sees, by going back cell by cell.

Every rule here is PyTorch's own, for one cell; nothing of `convcalc.reach` is used.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.receptive_field import ReceptiveField

#: Cells of the input.
CELLS = 60
#: Most cells of any tensor.
MOST = 160


class Step(NamedTuple):
    """A layer: its type and fields as in a spec, and which tensors enter it; -1: the input."""

    type: str
    fields: dict[str, Any]
    sources: tuple[int, ...]

    def line(self) -> str:
        """As a spec has it."""
        names = ["input" if source < 0 else f"t{source}" for source in self.sources]
        entering = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
        fields = "".join(f", {name}: {value}" for name, value in self.fields.items())
        return f"{self.type}: {{from: {entering}{fields}}}"


def cells_of(step: Step, size: int, made: int, y: int, start: int = 0) -> set[int]:
    """The cells of an input of `size` that cell y of the `made` ones sees, borders left out.

    Joined along the axis, the input begins at `start`.
    """
    f = step.fields
    if step.type in ("conv", "avg_pool"):
        before = f["p"][0][0]
        return {f["s"] * y - before + f.get("d", 1) * j for j in range(f["k"])}
    if step.type == "conv_transpose":
        starts = {y + f["p"][0][0] - f["d"] * j for j in range(f["k"])}
        return {start // f["s"] for start in starts if start % f["s"] == 0}
    if step.type == "upsample":
        return _resampled(f["mode"], _ratio(step, size, made), y)
    if step.type == "adaptive_avg_pool":
        return set(range(y * size // made, -(-(y + 1) * size // made)))
    if step.type == "pad":
        return {y - f["p"][0][0]}
    if step.type == "slice":
        return {f["start"] + f["step"] * y}
    assert step.type in ("add", "concat"), step.type
    return {y - start} if f.get("axis") != 1 or 0 <= y - start < size else set()


def rate_of(step: Step, size: int, made: int) -> Fraction | None:
    """How many cells of an input the next cell of a step looks further on; None: it sees all."""
    f = step.fields
    if step.type == "pad":
        return None if f.get("mode") == "circular" and max(f["p"][0]) > 0 else Fraction(1)
    if step.type == "conv_transpose":
        return Fraction(1, f["s"])
    if step.type in ("conv", "avg_pool", "slice"):
        return Fraction(f["step"] if step.type == "slice" else f["s"])
    if step.type == "upsample":
        return _ratio(step, size, made)
    return Fraction(size, made) if step.type == "adaptive_avg_pool" else Fraction(1)


def _ratio(step: Step, size: int, made: int) -> Fraction:
    """The cells of an input for one of an upsampling; what keeps the size copies."""
    f = step.fields
    is_copy = made == size or (f["mode"] == "nearest" and made == 2 * size)
    if "scale" in f and (f["mode"] == "nearest-exact" or not is_copy):
        return 1 / Fraction(str(f["scale"]))
    return Fraction(size, made)


def _resampled(mode: str, ratio: Fraction, y: int) -> set[int]:
    """torch.nn.functional.interpolate, `ratio` being the input's size over the output's."""
    if mode == "nearest":
        return {math.floor(y * ratio)}
    if mode == "nearest-exact":
        return {math.floor((y + Fraction(1, 2)) * ratio)}
    at = (y + Fraction(1, 2)) * ratio - Fraction(1, 2)
    return {math.floor(at), math.ceil(at)}


class Net(NamedTuple):
    """Steps, and the cells that each makes."""

    steps: tuple[Step, ...]
    sizes: tuple[int, ...]

    def size(self, source: int) -> int:
        return CELLS if source < 0 else self.sizes[source]

    def text(self) -> str:
        """As a spec."""
        lines = [f"  - {step.line()[:-1]}, name: t{i}}}\n" for i, step in enumerate(self.steps)]
        return f"name: Random\ninput: [1, {CELLS}]\nlayers:\n{''.join(lines)}"

    def seen(self, index: int, y: int) -> set[int] | None:
        """The cells of the input that cell y of a step sees; None where a border is met."""
        waiting = {index: {y}}
        for at in range(index, -1, -1):
            step = self.steps[at]
            start = 0
            for source in step.sources:
                size = self.size(source)
                for cell in waiting.get(at, ()):
                    found = cells_of(step, size, self.sizes[at], cell, start)
                    if not all(0 <= each < size for each in found):
                        return None
                    waiting.setdefault(source, set()).update(found)
                start += size
        return waiting.get(-1, set())

    def rates(self) -> set[Fraction | None]:
        """By how many cells of the input the last step moves on, along every path there is."""
        found: dict[int, set[Fraction | None]] = {-1: {Fraction(1)}}
        for at, step in enumerate(self.steps):
            found[at] = set()
            for source in step.sources:
                own = rate_of(step, self.size(source), self.sizes[at])
                for rate in found[source]:
                    found[at].add(None if own is None or rate is None else rate * own)
        return found[len(self.steps) - 1]


def random_net(seed: int) -> Net:
    """A chain of layers with, here and there, two paths that meet."""
    rng = random.Random(seed)
    steps: list[Step] = []
    sizes: list[int] = []

    def size(source: int) -> int:
        return CELLS if source < 0 else sizes[source]

    def add(type: str, fields: dict[str, Any], *sources: int, made: int) -> int:
        steps.append(Step(type, fields, sources))
        sizes.append(made)
        return len(steps) - 1

    def slid(source: int, stride: int) -> int:
        """A convolution or a pool."""
        k, d = rng.randint(1, 4), rng.randint(1, 3)
        if rng.random() < 0.3:
            p, d = [rng.randint(0, k // 2), rng.randint(0, k // 2)], 1
            fields, type = {"k": k, "s": stride, "p": [p]}, "avg_pool"
        else:
            p = [rng.randint(0, 3), rng.randint(0, 3)]
            fields = {"out": 1, "k": k, "s": stride, "p": [p], "d": d, "bias": "false"}
            type = "conv"
        made = (size(source) + sum(p) - d * (k - 1) - 1) // stride + 1
        return add(type, fields, source, made=made) if made >= 8 else source

    def raised(source: int, factor: int) -> int:
        """A transposed convolution or an upsampling."""
        n = size(source)
        if n * factor > MOST:
            return source
        if rng.random() < 0.5:
            modes = ("nearest", "linear", "nearest-exact")
            fields: dict[str, Any] = {"scale": factor, "mode": rng.choice(modes)}
            return add("upsample", fields, source, made=n * factor)
        k, d, p = rng.randint(1, 5), rng.randint(1, 2), [rng.randint(0, 2), rng.randint(0, 2)]
        fields = {"out": 1, "k": k, "s": factor, "p": [p], "d": d, "bias": "false"}
        made = (n - 1) * factor - sum(p) + d * (k - 1) + 1
        return add("conv_transpose", fields, source, made=made)

    def resized(source: int) -> int:
        """By a factor that is no whole number."""
        n = size(source)
        made, rest = divmod(n * rng.choice((2, 3, 4, 5)), rng.choice((3, 4, 5)))
        if rng.random() < 0.4:
            factor = rng.choice((0.7, 1.1, 1.5, 2.3))
            made = math.floor(n * Fraction(str(factor)))
            fields = {"scale": factor, "mode": rng.choice(("nearest", "linear", "nearest-exact"))}
            return add("upsample", fields, source, made=made) if 8 <= made <= MOST else source
        if rest or not 8 <= made <= MOST:
            return source
        if rng.random() < 0.4:
            return add("adaptive_avg_pool", {"output_size": made}, source, made=made)
        return add("upsample", {"size": made, "mode": "linear"}, source, made=made)

    def moved(source: int) -> int:
        """A pad or a slice."""
        n = size(source)
        if rng.random() < 0.5:
            before, after = rng.randint(-2, 3), rng.randint(-2, 3)
            mode = "constant" if rng.random() < 0.5 else rng.choice(("reflect", "replicate"))
            mode = "circular" if rng.random() < 0.1 else mode
            if mode != "constant":
                before, after = abs(before), abs(after)
            fields = {"p": [[before, after]], "mode": mode}
            return add("pad", fields, source, made=n + before + after)
        return cut(source, rng.randint(0, 2), n, rng.randint(1, 2))

    def cut(source: int, start: int, stop: int, step: int = 1) -> int:
        made = (stop - start + step - 1) // step
        if made < 8:
            return source
        fields = {"axis": 1, "start": start, "stop": stop, "step": step}
        return add("slice", fields, source, made=made)

    def fork(source: int) -> int:
        """Two paths, or three, that meet."""
        kind, factor = rng.choice(("slid", "raised")), rng.randint(1, 3)
        if kind == "raised" and size(source) * factor > MOST // 2:
            return source
        ends = []
        for _ in range(rng.randint(2, 3)):
            end = slid(source, factor) if kind == "slid" else raised(source, max(factor, 2))
            if rng.random() < 0.4:
                end = slid(end, 1)
            ends.append(end)
        if len(set(ends)) > 1 and rng.random() < 0.1:
            ends = [*dict.fromkeys(ends)]
            return add("concat", {"axis": 1}, *ends, made=sum(map(size, ends)))
        made = min(map(size, ends))
        ends = [cut(end, 0, made) if size(end) > made else end for end in dict.fromkeys(ends)]
        if len(ends) < 2:
            return ends[0]
        if rng.random() < 0.7:
            return add("add", {}, *ends, made=made)
        joined = add("concat", {}, *ends, made=made)
        return add(*_POINTWISE, joined, made=made)

    makers: list[Callable[[int], int]] = [
        *([lambda at: slid(at, rng.choice((1, 1, 2, 3)))] * 3),
        *([lambda at: raised(at, rng.randint(2, 3))] * 2),
        *(moved, resized, fork, fork),
    ]
    at = -1
    for _ in range(rng.randint(2, 6)):
        at = rng.choice(makers)(at)
    if at < 0:
        at = add(*_POINTWISE, at, made=CELLS)
    return Net(tuple(steps), tuple(sizes))


_POINTWISE = ("conv", {"out": 1, "k": 1, "s": 1, "p": [[0, 0]], "d": 1, "bias": "false"})


def interval(field: ReceptiveField, y: int, axis: int = 0) -> tuple[Fraction, Fraction]:
    """What the row of a layer says that its cell y sees, at the most."""
    stride, padding, size = field.stride[axis], field.padding[axis], field.size[axis]
    assert stride is not None
    assert padding is not None
    assert size is not None
    low = Fraction(stride * y - padding)
    return low, low + size - 1


def exactly(field: ReceptiveField, y: int, axis: int = 0) -> set[int]:
    """What the row of a layer says that its cell y sees."""
    phases = None if field.phases is None else field.phases[axis]
    if phases is None:
        low, high = interval(field, y, axis)
        return set(range(math.ceil(low), math.floor(high) + 1))
    turn, phase = divmod(y, len(phases))
    stride = field.stride[axis]
    assert stride is not None
    return {int(cell + turn * len(phases) * stride) for cell in phases[phase]}
