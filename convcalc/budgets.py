"""Budgets: how much of each figure a network may take, and whether it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from convcalc import passes
from convcalc.amounts import parse_amount
from convcalc.analysis import Analysis
from convcalc.costs import FIGURES
from convcalc.diagnostics import Diagnostic, Source, fail
from convcalc.words import counted, did_you_mean, listed, quoted, shortened


class Budget(NamedTuple):
    """The most that a figure of the totals may come to, which is allowed itself."""

    metric: str
    most: int


#: What people call a memory, to the metric that comes near it, and what that is.
_MEMORIES: Mapping[str, str] = {
    **dict.fromkeys(("flash", "rom", "size", "model_size"), "weight_bytes"),
    **dict.fromkeys(("ram", "sram", "memory", "vram", "peak", "live"), "live_bytes"),
    "arena": "arena_bytes",
    **dict.fromkeys(("train", "training"), "train_bytes"),
}
_NEAR: Mapping[str, str] = {
    "weight_bytes": "`weight_bytes` is the bytes of parameters and running statistics",
    "live_bytes": "`live_bytes` is the peak of the tensors that are alive at once, weights apart;"
    " `in_place_bytes` that where layers overwrite their inputs",
    "arena_bytes": "`arena_bytes` is the block of memory that a planner fills",
    "train_bytes": "`train_bytes` is what a training step holds at the most",
}


class Verdict(NamedTuple):
    """A budget, and what a network takes of it: None where the convention has no total.

    `unknown` is how many layers the value lacks because what they cost is not known.
    """

    budget: Budget
    value: int | None
    unknown: int = 0

    @property
    def passed(self) -> bool:
        """Whether it is known to be enough."""
        return self.value is not None and self.value <= self.budget.most and not self.unknown

    def to_dict(self) -> dict[str, object]:
        """As JSON has it."""
        metric, most = self.budget
        verdict = {"metric": metric, "most": most, "value": self.value, "passed": self.passed}
        return verdict | {"unknown": self.unknown}


class Checked(NamedTuple):
    """A network that was held against budgets; `spec` is what it was asked for by."""

    spec: str
    analysis: Analysis
    #: The type of a number that bytes are of.
    dtype: str
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether all budgets hold."""
        return all(each.passed for each in self.verdicts)

    def _type_of(self, metric: str) -> str:
        """Behind the value of a metric in bytes, the type of a number and whether it is fused."""
        figure = FIGURES[metric]
        if figure.unit != "B":
            return ""
        dtype = self.analysis.totals.dtype or "several types"
        return f" ({dtype}{', fused' if figure.of_steps and self.analysis.fuse else ''})"

    def over(self) -> Iterator[Diagnostic]:
        """A mistake for each budget that does not hold."""
        for (metric, most), value, unknown in self.verdicts:
            code, least = "over-budget", " at least" if unknown else ""
            if value is not None and value > most:
                message = f"{metric} is{least} {value:,}{self._type_of(metric)},"
                message += f" over by {value - most:,}"
            elif unknown:
                code = "unknown-cost"
                message = f"whether {metric} is within its budget is not known: {value or 0:,}, and"
                message += f" what {counted(unknown, 'layer')} of unknown cost "
                message += "takes" if unknown == 1 else "take"
            elif value is None:
                message = f"{metric} has no total under `{self.analysis.convention.name}`"
                if not FIGURES[metric].costs:
                    message = f"{metric} is not known of this network: there is no bound of it"
            else:
                continue
            help = f"at most {most:,} is allowed"
            yield Diagnostic(code, message, Source(self.spec, ""), help=help)


def metrics() -> tuple[str, ...]:
    """The figures that have budgets: every number of the totals."""
    passes.known()  # they register theirs
    return tuple(key for key, each in FIGURES.items() if each.column and each.numeric)


def parse_budget(text: str) -> Budget:
    """`macs=300M` as a budget. Raises ConvcalcError for an unknown metric, or what is no amount."""
    metric, equals, amount = (part.strip() for part in text.partition("="))
    known = metrics()
    if not equals:
        message = f"{shortened(text)!r} is no budget"
        raise fail("bad-value", message, "write METRIC=AMOUNT: macs=300M, or weight_bytes=256KiB")
    if metric not in known:
        near = _MEMORIES.get(metric.lower())
        help = did_you_mean(metric, known) if near is None else f"{_NEAR[near]};"
        help = f"{help} the metrics are {listed(known, 20)}".strip()
        raise fail("unknown-metric", f"there is no metric {quoted(metric)}", help)
    return Budget(metric, parse_amount(amount))


def verdicts(analysis: Analysis, budgets: tuple[Budget, ...]) -> tuple[Verdict, ...]:
    """What the totals of an analysis take of each budget."""
    totals = analysis.totals
    return tuple(
        Verdict(budget, totals[budget.metric], totals.unknown * FIGURES[budget.metric].costs)
        for budget in budgets
    )
