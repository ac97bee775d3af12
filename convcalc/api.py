"""The Python door: from the name of a spec to its network, and from there to what it costs.

Whatever comes in is checked as the command line checks it, and raises ConvcalcError.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from convcalc import analysis, zoo
from convcalc.diagnostics import Source, fail, require_whole
from convcalc.graph import Graph
from convcalc.language.limits import DEFAULT, Limits
from convcalc.words import describe, sizes_of

#: What `input` takes: `(channels, *spatial)`, or the same as text: `3x192x192`.
Input = Sequence[int] | str | int


class Analysis(analysis.Analysis):
    """What a network costs; a notebook shows it as a table."""

    def _repr_html_(self) -> str:
        from convcalc.render.analysis import layers
        from convcalc.render.formats.html import fragment

        (table,) = layers([self]).tables()
        return fragment(table)


class Network(Graph):
    """A graph that came from a spec, and can be analyzed, or made again with other variables."""

    #: The spec, checked (None: yet to be), and where it came from.
    _spec: tuple[Any, Source, Limits]

    def __getstate__(self) -> dict[str, Any]:
        # A checked spec has functions in it; the text that it came from is as good.
        return {"_spec": (None, *self._spec[1:])}

    def analyze(
        self, convention: str = "exact", batch: int = 1, dtype: str = "float32"
    ) -> Analysis:
        """Parameters, operations and shapes of every layer, and their totals.

        `convention` names how `flops` are counted; `batch` is the number of samples that MACs,
        FLOPs and activations are for; `dtype` is the type of a number in weights and activations.
        Raises ConvcalcError for an unknown convention or type, or a batch below 1.
        """
        require_whole("a batch", batch, "sample")
        _require_text("a convention", convention)
        _require_text("a type of number", dtype)
        return Analysis(*analysis.analyze(self, convention, batch, dtype))

    @property
    def totals(self) -> Any:
        """The totals of its analysis."""
        return self.analyze().totals

    def at(
        self,
        variables: Mapping[str, Any] | None = None,
        /,
        *,
        preset: str | None = None,
        input: Input | None = None,
        **named: Any,
    ) -> Network:
        """The same network at other variables, without reading its spec again.

        What is left out is as the spec says. A variable whose name is taken (`input`) is set by the
        mapping `variables`. Raises ConvcalcError.
        """
        document, source, limits = self._spec
        document = document or _checked(source.text, source.name, limits)[0]
        return _expanded(document, source, limits, preset, {**(variables or {}), **named}, input)


def load(
    path_or_name: str | os.PathLike[str],
    /,
    preset: str | None = None,
    *,
    input: Input | None = None,
    limits: Limits = DEFAULT,
    variables: Mapping[str, Any] | None = None,
    **named: Any,
) -> Network:
    """The network of a spec file, or of a spec or preset in the zoo.

    `preset` and `variables` set the spec's variables, which can also be named (`alpha=0.5`);
    `input` replaces its input, `(channels, *spatial)`.

    >>> load("mobilenet_v1", alpha=0.5).analyze().totals.params
    1331592

    Raises ConvcalcError, whose `diagnostics` say what is wrong and where.
    """
    if isinstance(path_or_name, os.PathLike):
        path_or_name = os.fspath(path_or_name)
    _require_text("a spec", path_or_name)
    found = zoo.locate(path_or_name)
    settings = {**(variables or {}), **named}
    return loads(
        found.data,
        found.name,
        preset or found.preset,
        input=input,
        limits=limits,
        variables=settings,
    )


def loads(
    text: str | bytes,
    /,
    name: str = "<text>",
    preset: str | None = None,
    *,
    input: Input | None = None,
    limits: Limits = DEFAULT,
    variables: Mapping[str, Any] | None = None,
    **named: Any,
) -> Network:
    """The network of a spec's text; `name` is what messages call it. See `load`."""
    document, source = _checked(text, name, limits)
    return _expanded(document, source, limits, preset, {**(variables or {}), **named}, input)


def _checked(text: str | bytes, name: str, limits: Limits) -> tuple[Any, Source]:
    """The document of a text. Raises ConvcalcError."""
    from convcalc.language.check import check
    from convcalc.language.reader import read

    raw, source = read(text, name, limits)
    return check(raw, source, limits), source


def _expanded(
    document: Any,
    source: Source,
    limits: Limits,
    preset: str | None,
    variables: Mapping[str, Any],
    input: Input | None,
) -> Network:
    from convcalc.language.expand import expand

    shape = None if input is None else _shape(input)
    graph = expand(document, source, preset=preset, variables=variables, input=shape, limits=limits)
    network = Network(*graph)
    network._spec = (document, source, limits)
    return network


def _require_text(what: str, name: Any) -> None:
    """Refuse what is no name. Raises ConvcalcError."""
    if not isinstance(name, str):
        raise fail("bad-value", f"{what} is given by its name, not {describe(name)}")


def _shape(input: Any) -> tuple[int, ...]:
    """An input's sizes. Raises ConvcalcError."""
    is_text = isinstance(input, (str, int)) and not isinstance(input, bool)
    sizes = sizes_of(input) if is_text else _whole_sizes(input)
    if sizes is None or min(sizes) < 1:
        shown = repr(input) if isinstance(input, str) else describe(input)
        help = "write sizes of 1 or more, channels first: (3, 224, 224), or '3x224x224'"
        raise fail("bad-value", f"{shown} is no shape of an input", help)
    return sizes


def _whole_sizes(sizes: Any) -> tuple[int, ...] | None:
    """One to four whole numbers, of any kind of integer; else None."""
    try:
        numbers = tuple(size.__index__() for size in sizes if not isinstance(size, bool))
    except (TypeError, AttributeError):
        return None
    return numbers if 1 <= len(numbers) == len(sizes) <= 4 else None
