"""Networks, written for other programs: one file a foreign format.

To add one, add a file with an `EXPORTER` in it. Another package adds one by an entry point in the
group `convcalc.exporters`.
"""

from convcalc.exporters.base import Exporter
from convcalc.registry import Registry

_REGISTRY: Registry[Exporter] = Registry(__name__, __path__, "EXPORTER", "exporter", first=())
add = _REGISTRY.add
find = _REGISTRY.find
names = _REGISTRY.names
all_names = _REGISTRY.all_names
