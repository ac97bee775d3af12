"""What came of a sweep, as Python has it: rows that can become a data frame."""

from __future__ import annotations

from typing import Any

from convcalc.render.dataframe import dataframe
from convcalc.render.report import Records
from convcalc.search import sweep


class Sweep(sweep.Sweep):
    """What came of a sweep: its rows, or columns, and how many settings it tried.

    >>> network = convcalc.load("mobilenet_v2")
    >>> found = network.sweep({"alpha": "0.5:1:0.25"}, metrics="macs")
    >>> found
    Sweep('MobileNetV2', 3 points, 3 rows)
    >>> found.columns["macs"]
    (97131840, 209069792, 300774272)
    """

    def to_dataframe(self, library: str | None = None) -> Any:
        """The rows as a data frame.

        `library` is `pandas` or `polars`; unless it is given, the one that is imported already,
        else the one that is installed. Integers stay exact: those beyond 64 bits are Python's own.
        Raises ConvcalcError where the library is not installed.
        """
        columns = self.columns
        return dataframe(Records(list(columns), zip(*columns.values())), library)
