"""What an importer is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from convcalc.foreign.traced import Traced
from convcalc.frozen import FrozenDict
from convcalc.language.limits import DEFAULT


class Request(NamedTuple):
    """What is imported, and how."""

    #: The name of a file, or `module:name`.
    target: str
    #: What is asked of the inputs, by name, as `convcalc.inputs` has it.
    inputs: Mapping[str, tuple[int, ...]] = FrozenDict()
    #: The importer's own options that were given, by name.
    options: Mapping[str, Any] = FrozenDict()
    #: Called now and then; raises ConvcalcError where the time is over.
    look: Callable[[], None] = lambda: None
    #: Seconds that code may run.
    seconds: int = DEFAULT.code


class Importer(NamedTuple):
    """A way in: which targets it takes, and what reads them."""

    name: str
    #: What it is called in a sentence: "ONNX".
    title: str
    #: What its files end in: `.onnx`; nothing: it takes code, which it runs, as `module:name`.
    suffixes: tuple[str, ...]
    #: The options that it has, each with what it does.
    options: Mapping[str, str]
    #: The network of a request. Raises ConvcalcError.
    read: Callable[[Request], Traced]
