"""The roofline as a report: the least time of networks and of their layers, on devices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from convcalc.render.column import Column
from convcalc.render.column import as_number as as_amount
from convcalc.render.fitting import fitting
from convcalc.render.heading import heading, shapes
from convcalc.render.lacking import lacking_of
from convcalc.render.numbers import as_float, as_number, as_rate, as_time, at_most, digits
from convcalc.render.report import Records, Report, Table
from convcalc.render.tree import labelled
from convcalc.roofline import COMPUTE, Bound, Least, Roofline, Work
from convcalc.visible import cut_inside
from convcalc.words import PARTIAL, counted, short

FORMAT = "convcalc.roofline/1"
_ABOUT = ("network", "batch", "device", "network_seconds", "network_bound")
_LAYER = ("name", "dtype", "operations", "bytes", "intensity", "seconds", "bound")
_LEAST = (
    "At least: all operations at the device's peak, or all bytes at its bandwidth, whichever takes"
    " longer. It is a bound, not an estimate."
)
_EACH = "A layer by itself reads its weights and inputs, and writes its outputs, once each."
_RATIO = (
    "Ops/byte: operations for each byte that moves. Ridge: those from which on a device's"
    " arithmetic sets the time, and not its memory."
)
#: Behind a time that arithmetic sets, where several devices stand side by side.
_COMPUTE = "*"


class _Line(NamedTuple):
    """A row of the table of layers: what one does, and its least time on each device."""

    work: Work
    least: tuple[Least, ...]


def report(found: Sequence[Roofline], si: bool = False, top: int | None = None) -> Report:
    """A row a layer, or a block, for each network, and a table of the whole.

    With `top` that many rows alone: those that take longest on the first device.
    """

    def objects() -> list[dict[str, Any]]:
        return [to_dict(each, top) for each in found]

    def lines() -> Iterator[Mapping[str, Any]]:
        for each in found:
            for index, bound in enumerate(each.bounds):
                about = (
                    each.graph.preset or each.graph.name,
                    each.batch,
                    bound.device.name,
                    as_float(bound.seconds),
                    bound.bound,
                )
                lead = dict(zip(_ABOUT, about))
                for work, least in _lines(each, top):
                    yield lead | _layer(work, least[index])

    def records() -> Records:
        return Records((*_ABOUT, *_LAYER), (list(line.values()) for line in lines()))

    def tables() -> list[Table]:
        return [
            table
            for each in found
            for table in (_whole(each), _layers(each, top, *_labelled(each, top), si))
        ]

    return Report(
        objects, lines, records, tables, fitted=[partial(_fitted, each, top) for each in found]
    )


def _lines(found: Roofline, top: int | None) -> list[_Line]:
    """The layers, or the first of them."""
    least = zip(*(bound.layers for bound in found.bounds))
    lines = [*map(_Line, found.layers, least)]
    if top is None:
        return lines
    return sorted(lines, key=lambda line: line.least[0].seconds, reverse=True)[:top]


def to_dict(found: Roofline, top: int | None = None) -> dict[str, Any]:
    """The roofline as JSON has it; see docs/json.md."""
    lines = _lines(found, top)
    return {
        "format": FORMAT,
        **found.graph.to_dict(),
        "batch": found.batch,
        "dtype": found.dtype,
        "fuse": found.fuse,
        "operations": found.operations,
        "bytes": found.bytes,
        "operations_by_type": dict(found.operations_by_type),
        "compulsory_bytes": found.compulsory_bytes,
        "unknown": found.unknown,
        **({} if top is None else {"rows": len(found.layers)}),
        "devices": [
            {
                **_bound(found, bound),
                "layers": [_layer(work, least[index]) for work, least in lines],
            }
            for index, bound in enumerate(found.bounds)
        ],
    }


def _bound(found: Roofline, bound: Bound) -> dict[str, Any]:
    device, dtype = bound.device, found.common_dtype
    samples = found.batch / bound.seconds if bound.seconds else None
    return {
        "device": device.name,
        "product": device.product or None,
        "note": device.note or None,
        "operations_per_second": dtype and as_number(device.peak(dtype)),
        "bytes_per_second": as_number(device.bytes_per_second),
        "ridge": dtype and as_number(device.ridge(dtype)),
        "seconds": as_float(bound.seconds),
        "bound": bound.bound,
        "unfused_seconds": as_float(bound.unfused_seconds),
        "samples_per_second": samples and as_float(samples),
    }


def _layer(work: Work, least: Least) -> dict[str, Any]:
    return {
        "name": work.name,
        "dtype": work.dtype,
        "operations": work.operations,
        "bytes": work.bytes,
        "intensity": as_number(work.intensity),
        "seconds": as_float(least.seconds),
        "bound": least.bound,
    }


def _whole(found: Roofline) -> Table:
    """A row a device: its figures, and the least time of the whole network."""
    dtype = found.common_dtype

    def rows() -> Iterator[tuple[str, ...]]:
        for bound in found.bounds:
            device, seconds = bound.device, bound.seconds
            yield (
                device.name,
                as_rate(device.peak(dtype)) if dtype else "",
                as_rate(device.bytes_per_second),
                digits(device.ridge(dtype)) if dtype else "",
                as_time(seconds),
                bound.bound,
                # Rounded up, as the least time is down.
                at_most(found.batch / seconds) if seconds else "?",
            )

    count = sum(found.operations_by_type.values())
    does = (
        f"{short(count)}{PARTIAL if found.unknown else ''} operations;"
        f" {short(found.compulsory_bytes)}B of weights, inputs and outputs, once each."
    )
    notes = [
        f"{bound.device.name}: {note}" for bound in found.bounds if (note := bound.device.note)
    ]
    header = ("Device", "Op/s", "Bytes/s", "Ridge", "At least", "Bound", "Samples/s ≤")
    numeric = (False, True, True, True, True, False, True)
    return Table(heading(found.graph, found.batch), header, numeric, rows, (), (does, *notes))


def _labelled(found: Roofline, top: int | None) -> tuple[list[str], list[Column]]:
    """The labels of the rows, and the columns behind them."""
    labels = [labelled(work.name, work.type) for work, _ in _lines(found, top)]
    return labels, _columns(found.bounds)


def _columns(bounds: Sequence[Bound]) -> list[Column]:
    def number(key: str, title: str, unit: str = "") -> Column:
        return Column(
            key,
            title,
            lambda line: getattr(line.work, key),
            lambda found: getattr(found, key),
            numeric=True,
            mark=(lambda line: PARTIAL if line.work.unknown else "") if not unit else None,
            show=as_amount(unit),
        )

    return [
        number("operations", "Ops"),
        number("bytes", "Bytes", "B"),
        Column(
            "intensity", "Ops/byte", lambda line: line.work.intensity, numeric=True, show=_ratio
        ),
        *(
            column
            for index, bound in enumerate(bounds)
            for column in _of_device(index, bound.device.name, is_one=len(bounds) == 1)
        ),
    ]


def _ratio(value: Any, si: bool) -> str:
    return "?" if value is None else digits(value)


def _time(value: Any, si: bool) -> str:
    return as_time(value)


def _of_device(index: int, name: str, *, is_one: bool) -> Iterator[Column]:
    """The least time on a device, and what sets it: a word, or a sign beside other devices."""

    def seconds(line: _Line) -> Fraction:
        return line.least[index].seconds

    def bound(line: _Line) -> str:
        return line.least[index].bound

    def sign(line: _Line) -> str:
        return _COMPUTE if bound(line) == COMPUTE else " " * len(_COMPUTE)

    def one_by_one(found: Roofline) -> Fraction:
        return found.bounds[index].unfused_seconds

    if is_one:
        yield Column("seconds", "At least", seconds, one_by_one, numeric=True, show=_time)
        yield Column("bound", "Bound", bound)
    else:
        yield Column(name, name, seconds, one_by_one, numeric=True, mark=sign, show=_time)


def _layers(
    found: Roofline, top: int | None, labels: Sequence[str], kept: Sequence[Column], si: bool
) -> Table:
    """A row a layer, or a block; below them all layers one after the other."""

    def rows() -> Iterator[tuple[str, ...]]:
        for label, line in zip(labels, _lines(found, top)):
            yield (label, *(column.text(line, si) for column in kept))

    def total(column: Column) -> str:
        if column.total is None:
            return ""
        text = column.show(column.total(found), si)
        if column.key == "operations":
            return text + (PARTIAL if found.unknown else "")
        return text + (" " * len(_COMPUTE) if column.mark and column.show is _time else "")

    steps = len(found.layers)
    return Table(
        "Layer by layer",
        ("Layer", *(column.title for column in kept)),
        (False, *(column.numeric for column in kept)),
        rows,
        (f"One by one ({counted(steps, 'row')})", *map(total, kept)),
        (*_legend(found, top),),
    )


def _legend(found: Roofline, top: int | None) -> Iterator[str]:
    how = "vanish into convolutions and linear layers" if found.fuse else "are layers"
    if top is not None and top < len(found.layers):
        yield (
            f"The first {top:,} of {len(found.layers):,} rows, by their time on"
            f" {found.bounds[0].device.name}; the last line is of all."
        )
    yield (
        f"input {shapes(found.graph)}; batch {found.batch}; {found.dtype}; batch norms and"
        f" activations {how}."
    )
    yield _LEAST
    yield _EACH
    yield _RATIO
    if len(found.bounds) > 1:
        yield f"{_COMPUTE} arithmetic sets the time, or most of it; memory that of the others."
    unknown = [node.name for node in found.graph.nodes if node.placed.operations is None]
    yield from lacking_of(unknown)
    if unknown:
        yield "What these layers compute takes longer still: their bytes alone are in the bounds."


def _fitted(found: Roofline, top: int | None, columns: int, height: int) -> list[Table]:
    labels, kept = _labelled(found, top)
    # Operations and bytes are many digits, and time is what is asked for.
    make = partial(_layers, found, top)
    return [_whole(found), *fitting(labels, kept, make, columns, True, cut_inside)]
