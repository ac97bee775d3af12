"""Devices as a report: a row each, with the most that they do in a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcalc.devices import Device
from convcalc.render.numbers import as_number
from convcalc.render.report import Records, Report, Table
from convcalc.render.wrapping import wrapped_table
from convcalc.words import short

_HEADER = ("Device", "Operations a second", "Bytes a second", "Is, and where the figures are from")


def report(devices: Sequence[Device]) -> Report:
    """A row a device."""

    def objects() -> list[dict[str, Any]]:
        return list(map(to_dict, devices))

    def records() -> Records:
        types = dict.fromkeys(dtype for each in devices for dtype in each.operations_per_second)
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
                ", ".join(
                    f"{dtype} {short(int(peak))}"
                    for dtype, peak in each.operations_per_second.items()
                ),
                short(int(each.bytes_per_second)),
                ": ".join(filter(None, (each.product, each.source))),
            )
            for each in devices
        ]
        return Table("", _HEADER, (False, False, True, False), lambda: rows)

    def fitted(columns: int, lines: int) -> list[Table]:
        return [wrapped_table(table(), columns, (True,) * len(_HEADER))]

    return Report(
        lambda: [{"format": "convcalc.devices/1", "devices": objects()}],
        objects,
        records,
        lambda: [table()],
        None,
        [fitted],
    )


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
