"""The vocabulary in PyTorch: one table of how each layer type is built and called.

A file a family, as in `convcalc.layers`. `RULES` has them by type; `helpers.py` has the classes
and functions that an exported file has beside, where a layer needs one.
"""

import importlib

from convcalc.exporters.torch_layers.rules import RULES
from convcalc.registry import files

__all__ = ["RULES"]

for _file in files(__path__):
    importlib.import_module(f"{__name__}.{_file}")
