"""Devices: what runs networks, with the most that it does in a second; one file each.

They are data. To add one, add a YAML file with its `name`, `source`, `operations_per_second` and
`bytes_per_second`; its name is the file's, `-` for `_`. Another package adds one by an entry point
in the group `convcalc.devices`.
"""

from __future__ import annotations

import os
from typing import Any

from convcalc import zoo
from convcalc.devices.base import Device, parse, read
from convcalc.registry import Registry

__all__ = ["Device", "add", "every", "find", "is_path", "names", "parse", "read"]


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
    """Add a device under its name. Raises ValueError for a name that is taken."""
    _REGISTRY.add(device.name, device)


def is_path(name: str) -> bool:
    """Whether a name is that of a file: it has a folder or a suffix in it, or is there."""
    return os.sep in name or name.endswith(zoo.SUFFIXES) or zoo.is_file(name)


def find(name: str) -> Device:
    """The device of a name, or of a YAML file.

    A name is taken with `_` or a space for `-`, and in capitals, too. Raises ConvcalcError for an
    unknown name, with the nearest that there are, and for a file that is none of a device.
    """
    if is_path(name):
        return read(name)
    plain = "-".join(name.lower().replace("_", " ").split())
    return _REGISTRY.find(plain if plain in names() else name)


def every() -> tuple[Device, ...]:
    """All devices, in the order of their names."""
    return tuple(map(_REGISTRY.find, sorted(_REGISTRY.all_names())))
