"""The Python door to networks beside each other."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from convcalc import comparison
from convcalc.analysis import ALL
from convcalc.api import Network, load
from convcalc.diagnostics import fail


class Comparison(comparison.Comparison):
    """Networks beside the first of them: `ratios` of totals, `variables` that differ, `layers`."""

    def to_dataframe(self, library: str | None = None, *, layers: bool = False) -> Any:
        """A row a network, with every figure and its ratio to the first, as a data frame.

        With `layers` a row for each layer that is not as in the first. The columns are those of
        CSV; `library` is as for an analysis. Raises ConvcalcError where that is not installed.
        """
        from convcalc.render.comparison import known, report
        from convcalc.render.dataframe import dataframe

        had = self.analyses[0].totals
        columns = [column for key, column in known().items() if key in had]
        names = [each.preset or each.name for each in self.analyses]
        return dataframe(report(self, names, columns, layers).records(), library)


def compare(
    *networks: Network | str | os.PathLike[str],
    convention: str = "exact",
    batch: int = 1,
    dtype: str = "float32",
    fuse: bool | None = None,
    figures: Collection[str] = (),
) -> Comparison:
    """Networks beside the first of them: totals, ratios, what differs, layers that are aligned.

    A network is one that was loaded, or what `load` takes; the other arguments are those of
    `Network.analyze`. Raises ConvcalcError for fewer than two networks, and as these two do.

    >>> comparison = convcalc.compare("mobilenet_v1", "conv_mobilenet")
    >>> round(float(comparison.ratios[1]["macs"]), 2)  # a fraction, exactly
    8.56
    """
    if convention == ALL:
        message = "networks are compared under one convention, and `all` are many"
        raise fail("bad-value", message, "`exact` is one")
    if len(networks) < 2:
        message = f"comparing takes two networks or more, not {len(networks)}"
        raise fail("bad-value", message, 'convcalc.compare("resnet18", "resnet34")')
    found = [each if isinstance(each, Network) else load(each) for each in networks]
    return Comparison(
        tuple(each.analyze(convention, batch, dtype, fuse, figures) for each in found)
    )
