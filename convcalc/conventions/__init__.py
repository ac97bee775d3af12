"""How tools and traditions count: one file each.

To add a convention, add a file with a `CONVENTION` in it; its name is the file's, `-` for `_`.
Another package adds one by an entry point in the group `convcalc.conventions`.
"""

from convcalc.conventions.base import Convention
from convcalc.registry import Registry

_REGISTRY: Registry[Convention] = Registry(
    __name__, __path__, "CONVENTION", "convention", first=("exact", "macs")
)
add = _REGISTRY.add
find = _REGISTRY.find
names = _REGISTRY.names
