"""Records as a data frame: pandas' or polars', whichever is there."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

from convcalc.diagnostics import fail
from convcalc.render.report import Records
from convcalc.words import describe, did_you_mean

LIBRARIES = ("pandas", "polars")
#: What a frame's own integers hold; longer ones stay Python's.
_LEAST, _MOST = -(2**63), 2**63 - 1


def dataframe(records: Records, library: str | None = None) -> Any:
    """A data frame of records, under the names that CSV has.

    `library` is `pandas` or `polars`; unless it is given, the one that the program has imported
    already, else the one that is installed, pandas first. Whole numbers stay exact: those beyond 64
    bits are Python's own, and what there is no number for is missing, not a float. Raises
    ConvcalcError where the library is not installed.
    """
    module = _library(library)
    columns = dict(zip(records.header, map(list, zip(*records.rows))))
    make = _pandas if module.__name__ == "pandas" else _polars
    return make(module, {name: columns.get(name, []) for name in records.header})


def _library(asked: str | None) -> Any:
    """The library that is asked for, or that is there. Raises ConvcalcError."""
    if asked is not None and asked not in LIBRARIES:
        help = did_you_mean(asked, LIBRARIES) if isinstance(asked, str) else ""
        help = f"{help} `library` is 'pandas' or 'polars'".strip()
        raise fail("bad-value", f"no data frame is made by {describe(asked)}", help)
    imported = sorted(LIBRARIES, key=lambda name: name not in sys.modules)
    for name in imported if asked is None else [asked]:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:  # it is there, and lacks something
                raise
    if asked is None:
        raise fail(
            "no-library",
            "a data frame takes pandas or polars, and neither is installed",
            "`pip install pandas` or `pip install polars`",
        )
    raise fail("no-library", f"{asked} is not installed", f"`pip install {asked}`")


def _are_whole(values: Sequence[Any]) -> bool:
    """Whether values are whole numbers, some of which may be missing."""
    kinds = set(map(type, values))
    return int in kinds and kinds <= {int, type(None)}


def _fit(values: Sequence[Any]) -> bool:
    return all(value is None or _LEAST <= value <= _MOST for value in values)


def _pandas(pandas: Any, columns: dict[str, list[Any]]) -> Any:
    def series(values: list[Any]) -> Any:
        if not _are_whole(values):
            return pandas.Series(values)
        if not _fit(values):
            return pandas.Series(values, dtype="object")
        return pandas.Series(values, dtype="Int64" if None in values else "int64")

    return pandas.DataFrame({name: series(values) for name, values in columns.items()})


def _polars(polars: Any, columns: dict[str, list[Any]]) -> Any:
    def series(name: str, values: list[Any]) -> Any:
        kind = (polars.Int64 if _fit(values) else polars.Object) if _are_whole(values) else None
        return polars.Series(name, values, dtype=kind)

    return polars.DataFrame([series(*column) for column in columns.items()])
