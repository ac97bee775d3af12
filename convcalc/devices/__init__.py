"""Devices: what runs networks, with the most that it does in a second; one file each.

They are data. To add one, add a YAML file with its `name`, `source`, `operations_per_second` and
`bytes_per_second`; its name is the file's, `-` for `_`. Another package adds one by an entry point
in the group `convcalc.devices`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from convcalc import zoo
from convcalc.devices.base import Device, checked, parse, read
from convcalc.diagnostics import fail
from convcalc.registry import Registry
from convcalc.words import describe, quoted

__all__ = [
    "Device",
    "add",
    "checked",
    "every",
    "find",
    "found",
    "is_path",
    "names",
    "parse",
    "read",
]


class _Registry(Registry[Device]):
    """Devices by name, in files of YAML."""

    def in_file(self, file: str) -> Any:
        return read(os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{file}.yaml"))


_REGISTRY = _Registry(
    __name__,
    __path__,
    "",
    "device",
    first=(),
    suffix=".yaml",
    lists="`convcalc roofline --list-devices` lists the devices",
)
names = _REGISTRY.names


def add(device: Device) -> None:
    """Add a device under its name.

    Raises ValueError for a name that is taken, and ConvcalcError for a figure that is none.
    """
    _REGISTRY.add(device.name, checked(device))


def is_path(name: str) -> bool:
    """Whether a name is that of a file: it has a folder or a dot in it, or is there.

    What a device is called is that device, though a file may be called so, too.
    """
    return _plain(name) not in names() and (os.sep in name or "." in name or zoo.is_file(name))


def _plain(name: str) -> str:
    """A name as devices have it."""
    return "-".join(name.lower().replace("_", " ").split())


def find(name: str) -> Device:
    """The device of a name, or of a YAML file.

    A name is taken with `_` or a space for `-`, and in capitals, too. Raises ConvcalcError for an
    unknown name, with the nearest that there are, and for a file that is none of a device.
    """
    if not isinstance(name, str):
        raise fail("bad-value", f"the name of a device is a text, not {describe(name)}")
    if is_path(name):
        return read(name)
    plain = _plain(name)
    if plain not in names():
        for suffix in zoo.SUFFIXES:
            if zoo.is_file(name + suffix):
                message = f"there is no device {quoted(name)}"
                raise fail("unknown-device", message, f"there is a file of it: {name}{suffix}")
    return _REGISTRY.find(plain if plain in names() else name)


def found(asked: Iterable[str | Device]) -> list[Device]:
    """The devices of names, files, or made by hand.

    Raises ConvcalcError as `find` and `checked` do, and for one that is there twice.
    """
    devices: dict[str, Device] = {}
    for each in asked:
        if not isinstance(each, (str, Device)):
            message = f"a device is a name, a file or a `Device`, not {describe(each)}"
            raise fail("bad-value", message, "`convcalc roofline --list-devices` lists them")
        device = find(each) if isinstance(each, str) else checked(each)
        if device.name in devices:
            message = f"the device {quoted(device.name)} is asked for twice"
            raise fail("usage", message, "leave one of them out, or give one another `name`")
        devices[device.name] = device
    return [*devices.values()]


def every() -> tuple[Device, ...]:
    """All devices, in the order of their names."""
    return tuple(map(_REGISTRY.find, sorted(_REGISTRY.all_names())))
