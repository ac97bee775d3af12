"""How much a spec may ask for. A spec may come from anyone; every growth is bounded beforehand."""

from __future__ import annotations

import time
from typing import NamedTuple

from convcalc.diagnostics import Diagnostic, Mark, Source, fail
from convcalc.expressions import Bounds, advice
from convcalc.words import did_you_mean, listed


class Limits(NamedTuple):
    """The bounds, each of which has an option of the command line (`--limit layers=1000000`).

    What a spec may grow to is a number, or in proportion to its text where that is more (`scaled`):
    a long file may have many layers, a short one that repeats itself may not.
    """

    #: Bytes of a spec file.
    bytes: int = 16_000_000
    #: YAML values, an alias counted as what it stands for; or as many as the text has characters.
    nodes: int = 200_000
    #: Lists and mappings inside each other, and blocks, groups and loops likewise.
    depth: int = 64
    #: Layers after expansion; or one for every ten characters of the text.
    layers: int = 20_000
    #: Characters of an expression.
    expression: int = 2_000
    #: Brackets and choices inside each other in an expression.
    brackets: int = 32
    #: Items of a list in an expression, those of the lists in it included.
    items: int = 10_000
    #: Decimal digits of an integer.
    digits: int = 300
    #: Seconds of processor time to check a spec, and to expand it; for each 64 KB of its text.
    seconds: int = 2

    @property
    def bounds(self) -> Bounds:
        """Those of expressions."""
        return Bounds(self.expression, self.brackets, self.items, self.digits)

    @property
    def steps(self) -> int:
        """Turns of loops and calls of blocks, whether or not they make a layer."""
        return 10 * self.layers

    def scaled(self, text: str) -> Limits:
        """The bounds for a spec of this text."""
        size = len(text)
        more = max(1 + size // 65_536, self.layers // Limits().layers)
        return self._replace(
            nodes=max(self.nodes, size),
            layers=max(self.layers, size // 10),
            seconds=self.seconds * more,
        )


DEFAULT = Limits()
#: The most that a limit can be set to, where more would break something else: a mark's numbers have
#: 32 bits; Python's stack holds so many levels; Python prints no integer of more than 4,300 digits,
#: and a cost multiplies eight.
_MOST = {"bytes": 2**31 - 1, "depth": 100, "brackets": 60, "digits": 500}


def parse_limits(settings: tuple[str, ...]) -> Limits:
    """`NAME=N` pairs as limits. Raises ConvcalcError for an unknown name or number."""
    limits = DEFAULT
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in Limits._fields:
            help = did_you_mean(name, Limits._fields) or f"the limits are {listed(Limits._fields)}"
            raise fail("unknown-limit", f"there is no limit `{name}`", help)
        most = _MOST.get(name, 10**18)
        if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
            bounds = f"from 1 to {most}" if name in _MOST else "1 or more"
            raise fail(
                "bad-value",
                f"the limit `{name}` is a whole number, {bounds}, not {text!r}",
                f"write --limit {name}={getattr(DEFAULT, name)}",
            )
        limits = limits._replace(**{name: int(text)})
    return limits


def exceeded(name: str, message: str, source: Source, mark: Mark | None) -> Diagnostic:
    """The diagnostic for a spec that asks for more than a limit allows."""
    return Diagnostic(f"limit-{name}", message, source, mark, help=advice(name))


#: Small steps between two looks at the clock.
SHORT_WHILE = 256


class Clock:
    """The processor time that one stage of reading a spec may take; see `Limits.seconds`."""

    def __init__(self, limits: Limits) -> None:
        self.seconds = limits.seconds
        self._end = time.process_time() + limits.seconds
        self._ticks = 0

    def is_over(self, ticks: int = 1) -> bool:
        """Whether the time is over, `ticks` small steps later; it is looked at now and then."""
        self._ticks += ticks
        if self._ticks < SHORT_WHILE:
            return False
        self._ticks = 0
        return time.process_time() > self._end

    def message(self) -> str:
        """What a spec that takes longer is told."""
        return f"this spec takes more than {self.seconds} seconds to work out"
