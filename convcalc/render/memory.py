"""The memory of networks as a report: every peak, what is alive at one, and each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, Protocol, TypeVar

from convcalc.memory.definitions import DEFAULT, DEFINITIONS
from convcalc.memory.peaks import BACKWARD, Memory, MemoryStep
from convcalc.render.heading import heading, shapes
from convcalc.render.report import Records, Report, Table
from convcalc.visible import cut_inside, width
from convcalc.words import Unit, bytes_in_words, grouped, percent, unit_for

FORMAT = "convcalc.memory/1"


def report(found: Sequence[Memory], depth: int | None = None, top: int | None = None) -> Report:
    """Three tables a network: its peaks, the tensors at the one that was asked for, and its steps.

    Blocks deeper than `depth` groups are one row of the steps, with the most of theirs; unless
    that is given, a screen has them as deep as it is high. With `top`, rows of steps are so many
    alone, those with the most bytes, the largest first.
    """

    def lines() -> Iterator[Mapping[str, Any]]:
        for each in found:
            lead = {"network": each.graph.preset or each.graph.name} if len(found) > 1 else {}
            behind = {"definition": each.definition, "dtype": each.dtype}
            for step in _largest(each.steps, top):
                yield {**lead, **_step(step), **behind}

    def records() -> Records:
        lead = ("network",) if len(found) > 1 else ()
        return Records(
            (*lead, *MemoryStep._fields, "definition", "dtype"),
            ([*map(_flat, line.values())] for line in lines()),
        )

    def tables() -> list[Table]:
        return [
            table
            for each in found
            for table in (*_head(each), _steps(each, _folded(each.steps, depth), depth, top))
        ]

    return Report(
        lambda: [_object(each) for each in found],
        lines,
        records,
        tables,
        fitted=[partial(_fitted, each, depth, top) for each in found],
    )


class _Sized(Protocol):
    """What has bytes."""

    @property
    def bytes(self) -> int: ...


_S = TypeVar("_S", bound=_Sized)


def _largest(rows: Sequence[_S], top: int | None) -> Sequence[_S]:
    """The `top` rows with the most bytes, the largest first; all in their order without it."""
    return rows if top is None else sorted(rows, key=lambda each: -each.bytes)[:top]


def _object(found: Memory) -> dict[str, Any]:
    training = found.training
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
        "file_order": None if found.file_order is None else {"live": found.file_order},
        "peak": found.peak,
        "at": found.at,
        "backward": found.backward,
        "held": None if found.held is None else dict(found.held),
        "peaks": dict(found.peaks),
        "weight_bytes": found.weight_bytes,
        "training": None
        if training is None
        else {
            "saved": training.saved,
            "gradients": training.gradients,
            "optimizer": training.optimizer,
            "with_weights": training.peak + found.weight_bytes,
        },
        "tensors": [
            {"name": each.name, "shape": list(each.shape), "bytes": each.bytes}
            for each in found.tensors.values()
        ],
        "steps": [_step(step) for step in found.steps],
    }


def _flat(value: Any) -> Any:
    """A value of a step in CSV."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(value) if isinstance(value, list) else value


def _step(step: MemoryStep) -> dict[str, Any]:
    return {**step._asdict(), "alive": None if step.alive is None else list(step.alive)}


def _head(found: Memory) -> tuple[Table, ...]:
    """The peaks under every definition, and what is kept at the one that was asked for."""
    peaks = _peaks(found)
    at = found.at_peak
    if at is None or DEFINITIONS[found.definition].adds_up:
        return (peaks,)
    if found.held is not None:
        return peaks, _held_at_peak(found, at, found.held)
    return (peaks,) if at.alive is None else (peaks, _alive_at_peak(found, at, at.alive))


def _unit(found: Memory) -> Unit:
    """The unit of all columns of a network."""
    return unit_for(found.peak or 0)


def _peaks(found: Memory) -> Table:
    unit = _unit(found)
    shown = {
        name: peak
        for name, peak in found.peaks.items()
        if found.training is not None or not DEFINITIONS[name].is_training
    }
    rows = [
        (name, grouped(peak), "" if peak is None else unit.of(peak)) for name, peak in shown.items()
    ]
    return Table(
        heading(found.graph, found.batch),
        ("Peak memory", "Bytes", unit.name),
        (False, True, True),
        lambda: rows,
        (),
        tuple(_legend(found)),
        frozenset(([*shown].index(found.definition),)),
    )


def _legend(found: Memory) -> Iterator[str]:
    unit, weights = _unit(found), found.weight_bytes
    fused = " fused" if found.fuse else ", nothing fused"
    yield f"Weights apart: {grouped(weights)} bytes ({bytes_in_words(weights)}), in no peak."
    yield f"input {shapes(found.graph)}; batch {found.batch}; {found.dtype}{fused}."
    if found.fuse:
        yield (
            "Fused: batch norms and activations vanish into the convolution or linear layer before"
            " them."
        )
    definition = DEFINITIONS[found.definition]
    yield f"`{definition.name}`: {definition.meaning}."
    training = found.training
    if training is not None:
        yield from _of_training(found, training.peak + weights)
    if found.file_order is not None:
        yield f"The steps are in the order of the lowest `live` peak ({_proof(found)})."
        yield _gain(found, found.file_order, unit)
    if found.keep_input:
        yield "The network's input is not overwritten."
    if found.at is None:
        yield "? nothing runs: every layer is a view of the input."
        return
    if found.at_peak is not None and found.at_peak.alive is None:
        yield "Too many tensors are alive to name them at each step; `--limit alive=N` names more."
    if any(
        peak is None and not DEFINITIONS[name].is_training for name, peak in found.peaks.items()
    ):
        yield "? more tensors are alive together than are looked at; `--limit alive=N` allows more."


def _of_training(found: Memory, whole: int) -> Iterator[str]:
    """What is to be said of a step of training, which comes to so many bytes with the weights."""
    (name,) = [each.name for each in DEFINITIONS.values() if each.is_training]
    said = f"with {found.optimizer}"
    if found.fuse or found.file_order is not None:
        said += ", nothing fused, in the order of the file"
    yield f"`{name}` is {said}; {bytes_in_words(whole)} with the weights."


def _proof(found: Memory) -> str:
    if found.proved:
        return "proved: no order has a lower one"
    return "best found, not proved; `--limit tries=N` looks further"


def _gain(found: Memory, before: int, unit: Unit) -> str:
    """What another order than that of the file is good for."""
    live = found.peaks[DEFAULT]
    if live is not None and live < before:
        now, then = unit.of(live), unit.of(before)
        return f"`{DEFAULT}` is {now} {unit.name}; in the file's order {then} {unit.name}."
    return (
        "No order needs less than the file's." if found.proved else "None was found to need less."
    )


def _alive_at_peak(found: Memory, step: MemoryStep, alive: Sequence[str]) -> Table:
    """The tensors that are counted at the peak."""
    held, unit = [found.tensors[name] for name in alive], _unit(found)
    rows = [
        (
            each.name,
            str(each.shape),
            grouped(each.bytes),
            unit.of(each.bytes),
            percent(each.bytes, step.bytes),
        )
        for each in held
    ]
    header = (f"Alive at {step.name}", "Shape", "Bytes", unit.name, "%")
    numeric = (False, True, True, True, True)
    return Table("", header, numeric, lambda: rows)


def _held_at_peak(found: Memory, step: MemoryStep, held: Mapping[str, int]) -> Table:
    """What is held at the peak of a training step."""
    unit = _unit(found)
    labels = {
        "activations": "activations, of this and the forward pass",
        "activation_gradients": "gradients of activations",
        "gradients": "gradients of parameters",
        "optimizer": f"what {found.optimizer} keeps",
    }
    rows = [
        (labels[kind], grouped(part), unit.of(part), percent(part, step.bytes))
        for kind, part in held.items()
    ]
    header = (f"Held at {_label(step)}", "Bytes", unit.name, "%")
    return Table("", header, (False, True, True, True), lambda: rows)


def _label(step: MemoryStep) -> str:
    """What a step is called in a table."""
    return f"{step.name}{BACKWARD}" if step.backward else step.name


class _Bar(NamedTuple):
    """A row of the timeline: one step, or the steps of a block."""

    label: str
    bytes: int
    #: The most tensors that are counted at one of its steps; None where they are not named.
    alive: int | None


def _folded(steps: Sequence[MemoryStep], depth: int | None) -> list[_Bar]:
    """Steps that share their first `depth` groups, where these follow one another, as one row."""
    if depth is None:
        return [_Bar(_label(step), step.bytes, _most_alive([step])) for step in steps]

    def label(step: MemoryStep) -> str:
        return _label(step._replace(name=".".join(step.name.split(".")[:depth])))

    found = []
    for name, run in groupby(steps, label):
        inside = list(run)
        found.append(_Bar(name, max(step.bytes for step in inside), _most_alive(inside)))
    return found


def _most_alive(steps: Sequence[MemoryStep]) -> int | None:
    counts = [len(step.alive) for step in steps if step.alive is not None]
    return max(counts, default=None)


def _steps(found: Memory, bars: Sequence[_Bar], depth: int | None, top: int | None) -> Table:
    """A row a step, or a block; those with the most bytes alone where there is a `top`."""
    unit, shown = _unit(found), _largest(bars, top)
    header, numeric = ("Step", "Bytes", unit.name, "Tensors"), (False, True, True, True)
    width = 3 if found.held is not None else 4
    return Table(
        "",
        header[:width],
        numeric[:width],
        lambda: (
            (bar.label, grouped(bar.bytes), unit.of(bar.bytes), grouped(bar.alive))[:width]
            for bar in shown
        ),
        (),
        () if depth is None or len(bars) == len(found.steps) else (_FOLDED,),
        _heavy(found, shown),
    )


_FOLDED = "A block has the most of its steps; --depth N opens N levels of them."
#: Rows that the timeline may have on a lower screen: a reader can scroll a little.
_FEWEST_LINES = 40
#: Columns that names are cut to, at the least, and those that a bar has.
_SHORTEST, _BAR, _LONGEST_BAR = 16, 16, 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


def _fitted(
    found: Memory, depth: int | None, top: int | None, columns: int, lines: int
) -> list[Table]:
    """The tables for a screen, where each step has a bar."""
    bars = _folded(found.steps, depth)
    if depth is None and top is None:
        deepest = max((step.name.count(".") for step in found.steps), default=0)
        while deepest and len(bars) > max(lines, _FEWEST_LINES):
            depth, deepest = deepest, deepest - 1
            bars = _folded(found.steps, depth)
    table, unit, shown = _steps(found, bars, depth, top), _unit(found), _largest(bars, top)
    sizes = [unit.of(bar.bytes) for bar in shown]
    title = f"{found.definition}, {unit.name}"
    room = columns - max(map(len, (title, *sizes))) - 6
    longest = max([width(bar.label) for bar in shown], default=0)
    most = max(min(longest, room - _BAR), _SHORTEST)
    wide = max(min(room - most, _LONGEST_BAR), 1)
    rows = [
        (cut_inside(bar.label, most), size, _drawn(bar.bytes, found.peak or 0, wide))
        for bar, size in zip(shown, sizes)
    ]
    header = ("Step", title, "")
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
