"""The roofline as a report: the least time of networks and of their layers, on devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

from convcalc.render.column import Column
from convcalc.render.fitting import fitting
from convcalc.render.heading import heading, shapes
from convcalc.render.lacking import lacking_of
from convcalc.render.numbers import as_float, as_number, as_time, digits
from convcalc.render.report import Fitted, Records, Report, Table
from convcalc.render.tree import labelled
from convcalc.roofline import COMPUTE, MEMORY, Bound, Least, Roofline, Work
from convcalc.visible import cut_inside
from convcalc.words import PARTIAL, counted, grouped, short

FORMAT = "convcalc.roofline/1"
_RECORD = ("network", "batch", "dtype", "device", "name", "operations", "bytes", "intensity")
_LEAST = (
    "At least: all operations at the device's peak, or all bytes at its bandwidth, whichever takes"
    " longer. It is a bound, not an estimate."
)
_EACH = "A layer by itself reads its weights and inputs, and writes its outputs, once each."


class _Line(NamedTuple):
    """A row of the table of layers: what one does, and its least time on each device."""

    work: Work
    least: tuple[Least, ...]


def report(found: Sequence[Roofline], si: bool = False) -> Report:
    """A row a layer for each network, and a table of the whole."""

    def objects() -> list[dict[str, Any]]:
        return list(map(to_dict, found))

    def lines() -> Iterator[Mapping[str, Any]]:
        for each in found:
            for bound in each.bounds:
                about = {
                    "network": each.graph.name,
                    "batch": each.batch,
                    "dtype": each.dtype,
                    "device": bound.device.name,
                }
                for work, least in zip(each.layers, bound.layers):
                    yield about | _layer(work, least)

    def records() -> Records:
        return Records((*_RECORD, "seconds", "bound"), (list(line.values()) for line in lines()))

    def tables() -> list[Table]:
        every = ((_whole(each), _layers(each, *_labelled(each), si)) for each in found)
        return [table for pair in every for table in pair]

    fitted = [fit for each in found for fit in _fitted(each)]
    return Report(objects, lines, records, tables, None, fitted)


def to_dict(found: Roofline) -> dict[str, Any]:
    """The roofline as JSON has it; see docs/json.md."""
    return {
        "format": FORMAT,
        **found.graph.to_dict(),
        "batch": found.batch,
        "dtype": found.dtype,
        "fuse": found.fuse,
        "operations": found.operations,
        "bytes": found.bytes,
        "compulsory_bytes": found.compulsory_bytes,
        "unknown": found.unknown,
        "devices": [_bound(found, bound) for bound in found.bounds],
    }


def _bound(found: Roofline, bound: Bound) -> dict[str, Any]:
    device, dtype = bound.device, _common_dtype(found)
    samples = found.batch / bound.seconds if bound.seconds else None
    return {
        "device": device.name,
        "operations_per_second": dtype and as_number(device.peak(dtype)),
        "bytes_per_second": as_number(device.bytes_per_second),
        "ridge": dtype and as_number(device.ridge(dtype)),
        "seconds": as_float(bound.seconds),
        "bound": bound.bound,
        "unfused_seconds": as_float(bound.unfused_seconds),
        "samples_per_second": samples and as_float(samples),
        "layers": [_layer(*pair) for pair in zip(found.layers, bound.layers)],
    }


def _layer(work: Work, least: Least) -> dict[str, Any]:
    return {
        "name": work.name,
        "operations": work.operations,
        "bytes": work.bytes,
        "intensity": as_number(work.intensity),
        "seconds": as_float(least.seconds),
        "bound": least.bound,
    }


def _common_dtype(found: Roofline) -> str | None:
    """The type that all layers are of, whose peak is a network's; None where they have several."""
    dtypes = {work.dtype for work in found.layers} or {found.dtype}
    return dtypes.pop() if len(dtypes) == 1 else None


def _whole(found: Roofline) -> Table:
    """A row a device: its figures, and the least time of the whole network."""
    dtype = _common_dtype(found)

    def rows() -> Iterator[tuple[str, ...]]:
        for bound in found.bounds:
            device, seconds = bound.device, bound.seconds
            # The most samples a second are rounded up, as the least time is down.
            most = -(-found.batch // seconds) if seconds else None
            yield (
                device.name,
                short(int(device.peak(dtype))) if dtype else "",
                short(int(device.bytes_per_second)),
                digits(device.ridge(dtype)) if dtype else "",
                as_time(seconds),
                bound.bound,
                grouped(most),
            )

    numbers = f"{short(found.operations)}{PARTIAL if found.unknown else ''} operations"
    does = f"{numbers}; {short(found.compulsory_bytes)}B that must move: weights, inputs, outputs."
    header = ("Device", "Op/s", "Bytes/s", "Ridge", "At least", "Bound", "Samples/s ≤")
    numeric = (False, True, True, True, True, False, True)
    return Table(heading(found.graph, found.batch), header, numeric, rows, (), (does,))


def _labelled(found: Roofline) -> tuple[list[str], list[Column]]:
    """The labels of the layers, and the columns behind them."""
    labels = [labelled(work.name, work.type) for work in found.layers]
    return labels, _columns(found.bounds)


def _columns(bounds: Sequence[Bound]) -> list[Column]:
    is_one = len(bounds) == 1

    def number(key: str, title: str, unit: str = "") -> Column:
        def show(value: int | None, si: bool) -> str:
            return short(value) + unit if si else grouped(value)

        return Column(key, title, lambda line: getattr(line.work, key), numeric=True, show=show)

    def ratio(value: Any, si: bool) -> str:
        return "?" if value is None else digits(value)

    def of_device(index: int, bound: Bound) -> Iterable[Column]:
        def seconds(line: _Line) -> Fraction:
            return line.least[index].seconds

        def word(line: _Line) -> str:
            return line.least[index].bound

        def show(value: Fraction, si: bool) -> str:
            return as_time(value)

        if is_one:
            yield Column("seconds", "At least", seconds, numeric=True, show=show)
            yield Column("bound", "Bound", word)
        else:
            name = bound.device.name
            # Side by side with other devices, each has its word behind its time.
            yield Column(
                f"seconds_{index}", name, seconds, None, True, lambda r: _behind(word(r)), show=show
            )

    return [
        number("operations", "Operations"),
        number("bytes", "Bytes", "B"),
        Column("intensity", "Ops/byte", lambda line: line.work.intensity, None, True, show=ratio),
        *(column for index, bound in enumerate(bounds) for column in of_device(index, bound)),
    ]


def _behind(word: str) -> str:
    """What stands behind a time: a word, as wide as the widest."""
    return f" {word:{max(map(len, (COMPUTE, MEMORY)))}}"


def _layers(found: Roofline, labels: Sequence[str], kept: Sequence[Column], si: bool) -> Table:
    """A row a layer; below them all layers one after the other."""

    def lines() -> Iterator[_Line]:
        for index, work in enumerate(found.layers):
            yield _Line(work, tuple([bound.layers[index] for bound in found.bounds]))

    def rows() -> Iterator[tuple[str, ...]]:
        for label, line in zip(labels, lines()):
            yield (label, *(column.text(line, si) for column in kept))

    def total(column: Column) -> str:
        key, _, index = column.key.partition("_")
        if key == "seconds":
            behind = _behind("") if index else ""
            return as_time(found.bounds[int(index or 0)].unfused_seconds) + behind
        if key in ("operations", "bytes"):
            text = column.show(getattr(found, key), si)
            return text + (PARTIAL if key == "operations" and found.unknown else "")
        return ""

    return Table(
        "Layer by layer",
        ("Layer", *(column.title for column in kept)),
        (False, *(column.numeric for column in kept)),
        rows,
        (f"One by one ({counted(len(found.layers), 'layer')})", *map(total, kept)),
        (*_legend(found),),
    )


def _legend(found: Roofline) -> Iterator[str]:
    how = "vanish into convolutions and linear layers" if found.fuse else "are layers"
    yield (
        f"input {shapes(found.graph)}; batch {found.batch}; {found.dtype}; batch norms and"
        f" activations {how}."
    )
    yield _LEAST
    yield _EACH
    yield from lacking_of(work.name for work in found.layers if work.operations is None)
    if found.unknown:
        yield "What these layers compute takes longer still: their bytes alone are in the bounds."


def _fitted(found: Roofline) -> tuple[Fitted, Fitted]:
    def layers(columns: int, height: int) -> list[Table]:
        labels, kept = _labelled(found)
        # Operations and bytes are many digits, and time is what is asked for.
        return fitting(labels, kept, partial(_layers, found), columns, True, cut_inside)

    return lambda columns, height: [_whole(found)], layers
