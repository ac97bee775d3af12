"""Devices as a report: a row each, with the most that they do in a second."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from convcalc.devices import Device
from convcalc.render.numbers import as_number
from convcalc.render.report import Records, Report, Table
from convcalc.words import short

_LEGEND = (
    "Operations on numbers of a type, and bytes of memory, that a device does in a second at the"
    " most; --json and --csv say which product it is, and where each figure is from."
)


def report(devices: Sequence[Device]) -> Report:
    """A row a device."""
    types = dict.fromkeys(dtype for each in devices for dtype in each.operations_per_second)

    def objects() -> list[dict[str, Any]]:
        return list(map(to_dict, devices))

    def records() -> Records:
        header = ("name", "product", *types, "bytes_per_second", "source")
        rows = [
            (
                each.name,
                each.product,
                *(as_number(each.operations_per_second.get(dtype)) for dtype in types),
                as_number(each.bytes_per_second),
                each.source,
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
        header = ("Device", *types, "Bytes")
        return Table("", header, (False, *(True for _ in header[1:])), lambda: rows, (), (_LEGEND,))

    return Report(
        lambda: [{"format": "convcalc.devices/1", "devices": objects()}],
        objects,
        records,
        lambda: [table()],
    )


def _shown(figure: Fraction | None) -> str:
    return "" if figure is None else short(int(figure))


def to_dict(device: Device) -> dict[str, Any]:
    """A device as JSON has it."""
    peaks = device.operations_per_second.items()
    return {
        "name": device.name,
        "product": device.product or None,
        "source": device.source,
        "sources": dict(device.sources),
        "operations_per_second": {dtype: as_number(peak) for dtype, peak in peaks},
        "bytes_per_second": as_number(device.bytes_per_second),
    }
