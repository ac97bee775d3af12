"""The public functions: from the name of a spec to its graph."""

from __future__ import annotations

from typing import Any

from convcalc import zoo
from convcalc.graph import Graph
from convcalc.language.limits import DEFAULT, Limits


def load(
    path_or_name: str,
    preset: str | None = None,
    *,
    input: tuple[int, ...] | None = None,
    limits: Limits = DEFAULT,
    **variables: Any,
) -> Graph:
    """The network of a spec file, or of a spec or preset in the zoo.

    `preset` and `variables` set the spec's variables; `input` replaces its input, `(channels,
    *spatial)`.

    >>> load("mobilenet_v1", alpha=0.5).analyze().totals.params
    1331592

    Raises ConvcalcError, whose `diagnostics` say what is wrong and where.
    """
    found = zoo.locate(path_or_name)
    return loads(
        found.data, found.name, preset or found.preset, input=input, limits=limits, **variables
    )


def loads(
    text: str | bytes,
    name: str = "<text>",
    preset: str | None = None,
    *,
    input: tuple[int, ...] | None = None,
    limits: Limits = DEFAULT,
    **variables: Any,
) -> Graph:
    """The network of a spec's text; `name` is what messages call it. See `load`."""
    from convcalc.language.check import check
    from convcalc.language.expand import expand
    from convcalc.language.reader import read

    raw, source = read(text, name, limits)
    document = check(raw, source, limits)
    return expand(document, source, preset=preset, variables=variables, input=input, limits=limits)
