"""Sizes as tools print them at the foot of a network's summary: one file each.

To add one, add a file with a `DEFINITION` in it; its name is the file's, `-` for `_`. Another
package adds one by an entry point in the group `convcalc.sizes`.
"""

from convcalc.registry import Registry
from convcalc.sizes.base import Definition, Sizes

__all__ = ["Definition", "Sizes", "add", "all_names", "find", "names"]

_REGISTRY: Registry[Definition] = Registry(
    __name__, __path__, "DEFINITION", "definition", first=("torchsummary", "torchinfo")
)
add = _REGISTRY.add
find = _REGISTRY.find
names = _REGISTRY.names
all_names = _REGISTRY.all_names
