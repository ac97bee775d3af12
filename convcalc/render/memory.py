"""The memory of networks as a report: every peak, what is alive at one, and each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple

from convcalc.memory.definitions import DEFINITIONS, TRAIN
from convcalc.memory.peaks import BEST, At, Memory
from convcalc.memory.training import Moment
from convcalc.render.heading import heading, shapes
from convcalc.render.report import Records, Report, Table
from convcalc.visible import cut_inside, width
from convcalc.words import bytes_in_words, grouped, percent

FORMAT = "convcalc.memory/1"


def report(found: Sequence[Memory], depth: int | None = None) -> Report:
    """Three tables a network: its peaks, the tensors at the one that was asked for, and its steps.

    Blocks deeper than `depth` groups are one row of the steps, with the most of theirs; unless
    that is given, a screen has them as deep as it is high.
    """

    def lines() -> Iterator[Mapping[str, Any]]:
        for each in found:
            lead = {"network": each.graph.preset or each.graph.name} if len(found) > 1 else {}
            for step in each.steps:
                yield {**lead, **_step(step)}

    def records() -> Records:
        lead = ("network",) if len(found) > 1 else ()
        return Records((*lead, *At._fields), ([*map(_flat, line.values())] for line in lines()))

    def tables() -> list[Table]:
        return [
            table
            for each in found
            for table in (*_head(each), _steps(each, _folded(each.steps, depth), depth))
        ]

    return Report(
        lambda: [_object(each) for each in found],
        lines,
        records,
        tables,
        fitted=[partial(_fitted, each, depth) for each in found],
    )


def _object(found: Memory) -> dict[str, Any]:
    return {
        "format": FORMAT,
        **found.graph.to_dict(),
        "batch": found.batch,
        "dtype": found.dtype,
        "fuse": found.fuse,
        "keep_input": found.keep_input,
        "optimizer": found.optimizer,
        "definition": found.definition,
        "order": found.order,
        "proved": found.proved,
        "peak": found.peak,
        "at": found.at,
        "peaks": dict(found.peaks),
        "weight_bytes": found.weight_bytes,
        "training": {
            "saved": found.training.saved,
            "gradients": found.training.gradients,
            "optimizer": found.training.optimizer,
        },
        "steps": [_step(step) for step in found.steps],
    }


def _flat(value: Any) -> Any:
    """A value of a step in CSV."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(value) if isinstance(value, list) else value


def _step(step: At) -> dict[str, Any]:
    return {**step._asdict(), "alive": list(step.alive)}


def _head(found: Memory) -> tuple[Table, ...]:
    """The peaks under every definition, and what is kept at the one that was asked for."""
    peaks = _peaks(found)
    if found.at_peak is None:
        return (peaks,)
    if found.definition == TRAIN and found.training.at is not None:
        return peaks, _at_peak_of_training(found, found.at_peak, found.training.at)
    return peaks, _at_peak(found, found.at_peak)


def _peaks(found: Memory) -> Table:
    rows = [
        (
            f"{name} ({found.optimizer})" if name == TRAIN else name,
            grouped(peak),
            "" if peak is None else bytes_in_words(peak),
        )
        for name, peak in found.peaks.items()
    ]
    asked = list(found.peaks).index(found.definition)
    weights = ("weights", grouped(found.weight_bytes), bytes_in_words(found.weight_bytes))
    return Table(
        heading(found.graph, found.batch),
        ("Peak memory", "Bytes", ""),
        (False, True, True),
        lambda: [*rows, weights],
        (),
        tuple(_legend(found)),
        frozenset((asked,)),
    )


def _legend(found: Memory) -> Iterator[str]:
    fused = " fused" if found.fuse else ", nothing fused"
    yield f"input {shapes(found.graph)}; batch {found.batch}; {found.dtype}{fused}."
    if found.fuse:
        yield (
            "Fused: batch norms and activations vanish into the convolution or linear layer before"
            " them; not in training."
        )
    yield f"`{found.definition}`: {DEFINITIONS[found.definition].meaning}."
    if found.order == BEST:
        said = (
            "proved: no order has a lower one"
            if found.proved
            else "best found, not proved; `--limit tries=N` looks further"
        )
        yield f"The steps are in the order of the lowest `live` peak ({said})."
    if found.keep_input:
        yield "The network's input is not overwritten."
    if None in found.peaks.values():
        yield "? more tensors are alive together than are looked at; `--limit alive=N` allows more."


def _at_peak(found: Memory, step: At) -> Table:
    """The tensors that are counted at the peak."""
    held = [found.tensors[name] for name in step.alive]
    rows = [
        (
            each.name,
            str(each.shape),
            grouped(each.bytes),
            bytes_in_words(each.bytes),
            percent(each.bytes, step.bytes),
        )
        for each in held
    ]
    header = (f"Alive at {step.name}", "Shape", "Bytes", "", "%")
    numeric = (False, True, True, True, True)
    return Table("", header, numeric, lambda: rows)


def _at_peak_of_training(found: Memory, step: At, moment: Moment) -> Table:
    """What is held at the peak of a training step."""
    parts = {
        "activations, of this and the forward pass": moment.activations,
        "gradients of activations": moment.activation_gradients,
        "gradients of parameters": moment.gradients,
        f"what {found.optimizer} keeps": found.training.optimizer,
    }
    rows = [
        (name, grouped(part), bytes_in_words(part), percent(part, step.bytes))
        for name, part in parts.items()
    ]
    header = (f"Held at {_label(step)}", "Bytes", "", "%")
    return Table("", header, (False, True, True, True), lambda: rows)


def _label(step: At) -> str:
    """What a step is called in a table."""
    return f"{step.name}{_BACKWARD}" if step.backward else step.name


_BACKWARD = " (backward)"


class _Bar(NamedTuple):
    """A row of the timeline: one step, or the steps of a block."""

    label: str
    bytes: int
    #: The most tensors that are counted at one of its steps.
    alive: int


def _folded(steps: Sequence[At], depth: int | None) -> list[_Bar]:
    """Steps that share their first `depth` groups, where these follow one another, as one row."""
    if depth is None:
        return [_Bar(_label(step), step.bytes, len(step.alive)) for step in steps]

    def label(step: At) -> str:
        return _label(step._replace(name=".".join(step.name.split(".")[:depth])))

    found = []
    for name, run in groupby(steps, label):
        inside = list(run)
        most = max(len(step.alive) for step in inside)
        found.append(_Bar(name, max(step.bytes for step in inside), most))
    return found


def _steps(found: Memory, bars: Sequence[_Bar], depth: int | None) -> Table:
    """A row a step, or a block."""
    header, numeric = ("Step", "Bytes", "", "Tensors"), (False, True, True, True)
    width = 3 if found.definition == TRAIN else 4
    return Table(
        "",
        header[:width],
        numeric[:width],
        lambda: (
            (bar.label, grouped(bar.bytes), bytes_in_words(bar.bytes), grouped(bar.alive))[:width]
            for bar in bars
        ),
        (),
        () if depth is None or len(bars) == len(found.steps) else (_FOLDED,),
        _heavy(found, bars),
    )


_FOLDED = "A block has the most of its steps; --depth N opens N levels of them."
#: Rows that the timeline may have on a lower screen: a reader can scroll a little.
_FEWEST_LINES = 40
#: Columns that names are cut to, at the least, and those that a bar has.
_SHORTEST, _BAR, _LONGEST_BAR = 16, 16, 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


def _fitted(found: Memory, depth: int | None, columns: int, lines: int) -> list[Table]:
    """The tables for a screen, where each step has a bar."""
    bars = _folded(found.steps, depth)
    if depth is None:
        deepest = max((step.name.count(".") for step in found.steps), default=0)
        while deepest and len(bars) > max(lines, _FEWEST_LINES):
            depth, deepest = deepest, deepest - 1
            bars = _folded(found.steps, depth)
    table = _steps(found, bars, depth)
    sizes = [bytes_in_words(bar.bytes) for bar in bars]
    room = columns - max(map(len, sizes), default=0) - 6
    longest = max([width(bar.label) for bar in bars], default=0)
    most = max(min(longest, room - _BAR), _SHORTEST)
    wide = max(min(room - most, _LONGEST_BAR), 1)
    rows = [
        (cut_inside(bar.label, most), size, _drawn(bar.bytes, found.peak, wide))
        for bar, size in zip(bars, sizes)
    ]
    header = ("Step", found.definition, "")
    drawn = table._replace(header=header, numeric=(False, True, False), rows=lambda: rows)
    return [*_narrowed(found, columns), drawn]


def _narrowed(found: Memory, columns: int) -> Iterator[Table]:
    """The first tables, with names as long as a screen of `columns` has room for."""
    for table in _head(found):
        over = table.width() - columns
        if over > 0:
            longest = max(width(row[0]) for row in (table.header, *table.rows()))
            most = max(longest - over, _SHORTEST)
            first, *header = table.header
            rows = [(cut_inside(row[0], most), *row[1:]) for row in table.rows()]
            table = table._replace(
                header=(cut_inside(first, most), *header), rows=partial(list, rows)
            )
        yield table


def _drawn(part: int, whole: int, wide: int) -> str:
    """A bar as long as its part of the whole, in eighths of a column."""
    eighths = part * wide * 8 // whole if whole else 0
    full, rest = divmod(eighths, 8)
    return "█" * full + _EIGHTHS[rest].strip()


def _heavy(found: Memory, bars: Sequence[_Bar]) -> frozenset[int]:
    """The first row that has the peak."""
    at = next((index for index, bar in enumerate(bars) if bar.bytes == found.peak), None)
    return frozenset(() if at is None else (at,))
