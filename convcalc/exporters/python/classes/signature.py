"""A class as its callers see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcalc.exporters.python.replay import Turn
from convcalc.exporters.python.use import Held


class Param(NamedTuple):
    """An argument of a class."""

    name: str
    #: The name of the language that it is; empty for channels, and for what was added.
    meant: str
    #: Its default as code; None where it must be given.
    default: str | None = None
    #: Which input's channels it is; None: none.
    input: int | None = None
    #: Its value in each run, where it was added.
    values: tuple[Any, ...] | None = None


class Signature(NamedTuple):
    """A class, or a function, as callers see it."""

    name: str
    is_function: bool
    params: tuple[Param, ...]
    #: The arguments of a call, beside tensors, by the language's names and Python's.
    given: tuple[tuple[str, str], ...]
    #: The tensors of callers that it takes by their names, after those that enter it.
    captured: tuple[str, ...]
    outputs: tuple[Held, ...]
    #: The index of each run.
    runs: Mapping[int, int]


def kind_of(turn: Turn) -> tuple[int, ...]:
    """What tells apart the runs of a block that one class cannot stand for: their inputs' axes."""
    return tuple([len(tensor.shape) for tensor in turn.inputs])


def input_names(count: int) -> list[str]:
    """What `forward` calls the tensors that enter."""
    return ["x"] if count == 1 else [f"x{index + 1}" for index in range(count)]


def channels_name(index: int) -> str:
    """What `__init__` calls the channels of an input."""
    return "in_channels" if index == 0 else f"in_channels_{index}"
