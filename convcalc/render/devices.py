"""Devices as a report: a row each, with the most that they do in a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from convcalc.devices import Device
from convcalc.render.numbers import as_number, as_rate
from convcalc.render.report import Records, Report, Table

_LEGEND = (
    "Operations on numbers of a type, and bytes of memory, that a device does in a second at the"
    " most; --device NAME says what they include, and where each is from."
)


def report(devices: Sequence[Device], *, in_full: bool = False) -> Report:
    """A row a device; `in_full` a table each, with the product, the notes and the sources."""
    types = dict.fromkeys(dtype for each in devices for dtype in each.operations_per_second)

    def objects() -> list[dict[str, Any]]:
        return list(map(to_dict, devices))

    def records() -> Records:
        header = ("name", "product", *types, "bytes_per_second", "source", "note")
        rows = [
            (
                each.name,
                each.product,
                *(as_number(each.operations_per_second.get(dtype)) for dtype in types),
                as_number(each.bytes_per_second),
                each.source,
                each.note,
            )
            for each in devices
        ]
        return Records(header, rows)

    def table() -> Table:
        rows = [
            (
                each.name,
                *(_shown(each.operations_per_second.get(dtype)) for dtype in types),
                _shown(each.bytes_per_second),
            )
            for each in devices
        ]
        header = ("Device", *types, "Bytes/s")
        return Table("", header, (False, *(True for _ in header[1:])), lambda: rows, (), (_LEGEND,))

    return Report(
        lambda: [{"format": "convcalc.devices/1", "devices": objects()}],
        objects,
        records,
        lambda: [*map(_in_full, devices)] if in_full else [table()],
    )


def _in_full(device: Device) -> Table:
    """A device by itself: a row a figure."""
    figures = {**device.operations_per_second, "bytes": device.bytes_per_second}
    rows = [
        (key, f"{as_rate(figure)}{'B' if key == 'bytes' else ''}/s")
        for key, figure in figures.items()
    ]
    title = f"{device.name}: {device.product}" if device.product else device.name
    header, numeric = ("Numbers", "Operations"), (False, True)
    return Table(title, header, numeric, lambda: rows, (), (*_said(device),))


def _said(device: Device) -> Iterator[str]:
    """What the figures include, and where each is from."""
    if device.note:
        yield device.note
    figures: dict[str, list[str]] = {}
    for figure, source in device.sources.items():
        figures.setdefault(source, []).append(figure)
    for source, names in figures.items():
        which = "" if len(figures) == 1 else f"{', '.join(names)}: "
        yield f"{which}{source}"


def _shown(figure: Fraction | None) -> str:
    return "" if figure is None else as_rate(figure)


def to_dict(device: Device) -> dict[str, Any]:
    """A device as JSON has it."""
    peaks = device.operations_per_second.items()
    return {
        "name": device.name,
        "product": device.product or None,
        "note": device.note or None,
        "source": device.source,
        "sources": dict(device.sources),
        "operations_per_second": {dtype: as_number(peak) for dtype, peak in peaks},
        "bytes_per_second": as_number(device.bytes_per_second),
    }
