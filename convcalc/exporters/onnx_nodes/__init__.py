"""What each layer type is in ONNX: one function a type, one file a family, as in `convcalc.layers`.

To add one, write a function that `writes` a type, in its family's file or in a new one.
"""

import importlib

from convcalc.exporters.onnx_nodes.base import (
    DOMAIN,
    File,
    Nodes,
    cannot_export,
    sizes_fit,
    writer_of,
    writes,
)
from convcalc.registry import files

__all__ = ["DOMAIN", "File", "Nodes", "cannot_export", "sizes_fit", "writer_of", "writes"]

for _file in files(__path__):
    importlib.import_module(f"{__name__}.{_file}")
