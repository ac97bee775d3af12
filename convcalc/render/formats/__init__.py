"""The formats of what commands print: one file each, for every command.

To add one, add a file with a `FORMAT` in it. Another package adds one by an entry point in the
group `convcalc.formats`.
"""

import os

from convcalc.registry import Registry
from convcalc.render.formats.base import Format

#: The format unless another is asked for.
DEFAULT = "table"

_REGISTRY: Registry[Format] = Registry(__name__, __path__, "FORMAT", "format", first=(DEFAULT,))
add = _REGISTRY.add
find = _REGISTRY.find
names = _REGISTRY.names


def of_file(name: str) -> Format:
    """The format that a file's suffix means; the default where it means none."""
    suffix = os.path.splitext(name)[1].lower()
    for each in names() if suffix else ():
        if suffix in find(each).suffixes:
            return find(each)
    return find(DEFAULT)
