"""How much a spec may ask for. A spec may come from anyone; every growth is bounded beforehand."""

from __future__ import annotations

import time
from typing import NamedTuple

from convcalc.diagnostics import Diagnostic, Mark, Source, fail
from convcalc.expressions import Bounds, advice
from convcalc.words import counted, did_you_mean, listed


class Limits(NamedTuple):
    """The bounds, each of which has an option of the command line (`--limit layers=1000000`).

    `nodes`, `tensors`, `characters`, `alive` and `seconds` are what 20,000 layers may need; where
    more layers are allowed, so is more of these.
    """

    #: Bytes of a spec file.
    bytes: int = 4_000_000
    #: YAML values, an alias counted as what it stands for, and the parts of expressions.
    nodes: int = 300_000
    #: Lists and mappings inside each other, and blocks, groups and loops likewise.
    depth: int = 64
    #: Layers after expansion.
    layers: int = 20_000
    #: Tensors that enter and leave the layers.
    tensors: int = 200_000
    #: Characters of the names of all layers, each of which begins with those around it; and digits
    #: of all figures.
    characters: int = 20_000_000
    #: Characters of an expression.
    expression: int = 2_000
    #: Brackets and choices inside each other in an expression.
    brackets: int = 32
    #: Items of a list in an expression, those of the lists in it included.
    items: int = 10_000
    #: Decimal digits of an integer.
    digits: int = 300
    #: Seconds of processor time that an answer may take, from the text to the last figure.
    seconds: int = 3
    #: Names of tensors that are alive at the steps of a network, of all steps together; for an
    #: arena, pairs of tensors that are alive together.
    alive: int = 2_000_000
    #: Steps that are tried while the best order of them is looked for.
    tries: int = 500_000
    #: Seconds that code may run which is imported.
    code: int = 600
    #: Settings of the grid of a sweep.
    settings: int = 10_000_000_000
    #: Rows that a sweep holds at a time: those that it sorts, chooses among, or has in one answer.
    rows: int = 2_000_000

    @property
    def bounds(self) -> Bounds:
        """Those of expressions."""
        return Bounds(self.expression, self.brackets, self.items, self.digits)

    @property
    def steps(self) -> int:
        """Turns of loops and calls of blocks, whether or not they make a layer."""
        return 10 * self.layers

    def scaled(self) -> Limits:
        """The bounds with what so many layers need."""
        more = max(1, self.layers // DEFAULT.layers)
        grown = ("nodes", "tensors", "characters", "alive", "seconds")
        return self._replace(**{name: getattr(self, name) * more for name in grown})


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


#: The code of a diagnostic that ends an answer, since its time is over.
LATE = "limit-seconds"
#: Small steps between two looks at the clock.
SHORT_WHILE = 256


class Budget:
    """What one answer may use: as much as its limits allow, and time on the thread that it is for.

    It goes through the stages from the text to the figures, each of which asks it now and then.
    """

    def __init__(self, limits: Limits = DEFAULT, spent: float = 0.0) -> None:
        self._given = limits
        self.limits = limits.scaled()
        #: YAML values and parts of expressions so far.
        self.nodes = 0
        # The time of other threads is not this answer's.
        self._start = time.thread_time() - spent
        self._ticks = 0

    @property
    def spent(self) -> float:
        """Seconds of processor time so far."""
        return time.thread_time() - self._start

    def part(self, seconds: float) -> Budget:
        """Some of the time that is left, for what an answer can do without."""
        most = self.limits.seconds - seconds
        return Budget(self._given, max(self.spent, most))

    def is_over(self, ticks: int = 1) -> bool:
        """Whether the time is over, `ticks` small steps later; it is looked at now and then."""
        self._ticks += ticks
        if self._ticks < SHORT_WHILE:
            return False
        self._ticks = 0
        return self.spent > self.limits.seconds

    def late(self, source: Source, mark: Mark | None = None) -> Diagnostic:
        """What a spec that takes longer is told, at the place where that showed."""
        message = f"this spec takes more than {counted(self.limits.seconds, 'second')} to work out"
        return exceeded("seconds", message, source, mark)

    def holds(self, nodes: int) -> bool:
        """Whether so many more values are within the limit; they are counted."""
        self.nodes += nodes
        return self.nodes <= self.limits.nodes

    def full(self, source: Source, mark: Mark) -> Diagnostic:
        """What a spec of more values is told."""
        most = f"the file has more than {self.limits.nodes:,} values"
        how = "aliases count as what they stand for, expressions as their parts"
        return exceeded("nodes", f"{most}; {how}", source, mark)
