"""Packages that convcalc does without, and that some of what it does needs."""

from __future__ import annotations

import importlib
from typing import Any

from convcalc.diagnostics import fail


def require(module: str, extra: str, what: str) -> Any:
    """A module of a package that an extra of convcalc brings, imported.

    `what` is what needs it, for the message: "writing ONNX". Raises ConvcalcError where the package
    is not there, or cannot be imported.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == package
        raise fail(
            "missing-extra",
            f"{what} needs the package {package}, which "
            + ("is not installed" if is_missing else f"cannot be imported: {error}"),
            f"`pip install 'convcalc[{extra}]'`",
        ) from None
